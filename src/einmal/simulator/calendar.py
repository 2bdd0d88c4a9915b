"""Cal.com's booking table and the rules around it: pure state, no HTTP, no clock or chance of its own.

Promises: every method is synchronous and happens as a whole, so two calls never interleave; what Cal.com
refuses comes back as a value (`Refused`), not as an exception; `bookings` shows an auditor every row.

The rules were read in Cal.com's source and recorded from Cal.com's own server. Three of them make the gateway
necessary. A repeat of a request on a round-robin or unconfirmed event type gives back the ORIGINAL booking
with nothing to mark it (`Existing` here, on the wire nothing tells them apart). On an ordinary event type the
same repeat is refused as if somebody else had the slot. And a pending booking keeps nobody else out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from einmal.simulator.changes import Changes, to_milliseconds
from einmal.simulator.checks import Checks
from einmal.simulator.conditions import Conditions
from einmal.simulator.listing import BookingFilter, ListedStatus, Page, select
from einmal.simulator.opening import raster
from einmal.simulator.outcomes import Changed, Created, Existing, Refusal, Refused
from einmal.simulator.records import (
    Attendee,
    BookingStatus,
    EventType,
    Host,
    Scheduling,
    Seat,
    SimulatedBooking,
)
from einmal.simulator.reservations import Reservations
from einmal.simulator.seating import joined
from einmal.simulator.table import BookingTable
from einmal.simulator.webhook_changes import Change, Happening, Trigger
from einmal.simulator.webhooks import Delivery, Webhooks

__all__ = [
    "Attendee",
    "BookingFilter",
    "BookingStatus",
    "Changed",
    "Created",
    "EventType",
    "Existing",
    "Host",
    "ListedStatus",
    "Page",
    "Refusal",
    "Refused",
    "Scheduling",
    "SimulatedBooking",
    "SimulatedCalendar",
]


class SimulatedCalendar:
    """All event types and bookings of one simulated Cal.com."""

    def __init__(
        self, event_types: Iterable[EventType], *, now: Callable[[], datetime], new_uid: Callable[[], str]
    ) -> None:
        """Clock and uids are passed in, so a simulation can be run again and come out the same."""
        self._event_types = {event_type.id: event_type for event_type in event_types}
        self._now = now
        self._new_uid = new_uid
        self.clear()

    @property
    def event_types(self) -> tuple[EventType, ...]:
        """Everything that can be booked."""
        return tuple(self._event_types.values())

    @property
    def bookings(self) -> tuple[SimulatedBooking, ...]:
        """Every row, whatever its state, in the order of writing. No conditions apply: this is the truth."""
        return self._table.rows

    def now(self) -> datetime:
        """The moment that it takes for now."""
        return self._now()

    @contextmanager
    def under(self, conditions: Conditions) -> Iterator[None]:
        """Whatever is called inside the block meets the database in these conditions."""
        before, self._checks.conditions = self._checks.conditions, conditions
        try:
            yield
        finally:
            self._checks.conditions = before

    @contextmanager
    def before_written(self, deliveries: Iterable[Delivery]) -> Iterator[None]:
        """Inside the block readers find a booking whose cancel these tell of as it was before.

        That is Cal.com's order: it tells of a cancel first, waits for whoever hears it, and writes the row then.
        """
        uids = Counter(delivery.uid for delivery in deliveries if delivery.trigger is Trigger.CANCELLED)
        self._unwritten += uids
        try:
            yield
        finally:
            self._unwritten -= uids

    def clear(self) -> None:
        """Forget every booking, every reservation and whoever wanted to hear of them."""
        self._table = BookingTable()
        self._checks = Checks(self._table, self._now)
        self._changes = Changes(self._table, self._checks, self._new_uid)
        self.reservations = Reservations(self._table, self._checks, self._new_uid)
        self.webhooks = Webhooks()
        self._unwritten: Counter[str] = Counter()

    def event_type(self, event_type_id: int) -> EventType | None:
        """The event type with this id."""
        return self._event_types.get(event_type_id)

    def get(self, uid: str) -> SimulatedBooking | None:
        """The booking with this uid, from the database itself."""
        return self._table.get(uid)

    def born(self, uid: str) -> SimulatedBooking | None:
        """The booking with this uid as it was made."""
        return self._table.first(uid)

    def seen(self, uid: str) -> SimulatedBooking | None:
        """The booking with this uid as a change finds it, which may be before another change's."""
        return self._checks.seen(uid)

    def read(self, uid: str) -> SimulatedBooking | None:
        """The booking with this uid as a reader sees it, which may be from a replica that is behind."""
        if self._unwritten and uid in self._unwritten:
            return self._table.before_it_ended(uid)
        if not self._checks.conditions.replica_lag:
            return self._table.get(uid)
        return self._table.as_of(uid, self._checks.moment() - self._checks.conditions.replica_lag)

    def list(self, wanted: BookingFilter, account: str | None = None) -> Page:
        """The page of bookings that match, as a reader sees them; what one account may see, if one is named."""
        rows = (row for row in self._table.rows if account is None or self._is_shown_to(account, row))
        seen = (self.read(booking.uid) for booking in rows)
        return select((booking for booking in seen if booking is not None), wanted, self._now())

    def create(
        self,
        event_type_id: int,
        start: datetime,
        attendee: Attendee,
        *,
        metadata: Mapping[str, str] | None = None,
        guests: tuple[str, ...] = (),
        location: str | None = None,
        responses: Mapping[str, object] | None = None,
    ) -> Created | Existing | Refused:
        """Book, with Cal.com's checks in its order: an existing booking is found before the clock is read."""
        event_type = self._event_types.get(event_type_id)
        if event_type is None:
            return Refused(Refusal.UNKNOWN_EVENT_TYPE)
        start = start.astimezone(UTC).replace(microsecond=0)  # Cal.com cuts, it does not round
        settled = self._settled(event_type, start, attendee)
        if settled is not None:
            return settled
        end = start + timedelta(minutes=event_type.length_minutes)
        shared = self._checks.shared_booking(event_type, start)
        if shared is not None:
            return self._join(shared, attendee, metadata or {})
        host = self._checks.host_or_refusal(event_type, start, end)
        if isinstance(host, Refused):
            return host
        status = BookingStatus.PENDING if event_type.requires_confirmation else BookingStatus.ACCEPTED
        refusal = self._checks.insert_refusal(status, host, start, end, (attendee.name, metadata, responses))
        if refusal is not None:
            return Refused(refusal)
        stamp = to_milliseconds(self._checks.moment())
        booking = SimulatedBooking(
            id=self._table.next_id,
            uid=self._new_uid(),
            event_type=event_type,
            host=host,
            status=status,
            start=start,
            end=end,
            created_at=stamp,
            updated_at=stamp,
            attendee=attendee,
            guests=guests,
            metadata=dict(metadata or {}),
            responses=dict(responses or {}),
            location=location if location is not None else event_type.location,
            has_unique_key=status is BookingStatus.ACCEPTED,
        )
        if event_type.seats is not None:
            seat = Seat(self._new_uid(), attendee, dict(metadata or {}))
            booking = replace(booking, seats=(seat,), metadata={}, first_uid=self._new_uid())
        self.plant(booking)
        self._tell(Happening.MADE, booking)
        return Created(booking, booking.seats[0].uid if booking.seats else None)

    def reschedule(
        self, uid: str, start: datetime, *, by_owner: bool, reason: str = "", by_email: str | None = None
    ) -> Created | Existing | Refused:
        """A new booking with a new uid, and the old one cancelled; or another one that was there already."""
        outcome = self._changes.reschedule(uid, start, by_owner=by_owner, reason=reason, by_email=by_email)
        if isinstance(outcome, Created):
            self._tell(Happening.MOVED, outcome.booking)
        return outcome

    def plant(self, booking: SimulatedBooking) -> None:
        """Write a row as it is, asking no rule: for tests, and for worlds that begin in the middle."""
        self._table.insert(booking)

    def forget(self, uid: str) -> None:
        """Delete a row, as no API does: its account or event type was. No reader finds it again, nobody is told."""
        self._table.remove(uid)

    def cancel(self, uid: str, reason: str = "") -> Changed | Refused:
        """Call a booking off. A second time is refused: Cal.com's cancel is not idempotent."""
        return self._told(Happening.CALLED_OFF, self._changes.cancel(uid, reason), reason)

    def leave(self, uid: str, seat_uid: str) -> Changed | Refused:
        """Give up one seat of a shared booking."""
        return self._told(Happening.CALLED_OFF, self._changes.leave(uid, seat_uid))

    def accept(self, uid: str) -> Changed | Refused:
        """Confirm, as the host would in Cal.com's pages.

        Cal.com looks neither at other bookings of that time nor at whether this one was cancelled, so two
        pending bookings of one slot can both be accepted and a cancelled one comes back to life.
        """
        return self._told(Happening.CONFIRMED, self._changes.rule(uid, BookingStatus.ACCEPTED))

    def decline(self, uid: str, reason: str = "") -> Changed | Refused:
        """Reject, as the host would in Cal.com's pages; twice is fine, a confirmed booking is refused."""
        return self._told(Happening.DECLINED, self._changes.rule(uid, BookingStatus.REJECTED), reason)

    def slots(
        self, event_type: EventType, start: datetime, end: datetime, duration_minutes: int | None = None
    ) -> tuple[datetime, ...]:
        """The starts in [start, end) at which at least one host is free and nothing is reserved."""
        self.reservations.forget_expired(event_type)
        length = timedelta(minutes=duration_minutes or event_type.length_minutes)
        earliest = max(start, self._now() + timedelta(minutes=event_type.minimum_notice_minutes))
        return tuple(
            slot
            for slot in raster(event_type, length, earliest, end)
            if self._checks.has_room(event_type, slot, slot + length)
            and not self.reservations.hide(event_type, slot, slot + length)
        )

    def shared_booking(self, event_type: EventType, start: datetime) -> SimulatedBooking | None:
        """The booking that whoever comes next at this time would join."""
        return self._checks.shared_booking(event_type, start)

    def _is_shown_to(self, account: str, booking: SimulatedBooking) -> bool:
        """A host sees what is booked with him, and whoever has an account what he has booked himself."""
        if booking.event_type.is_owned_by(account):
            return True
        emails = {host.email for kind in self._event_types.values() for host in kind.hosts if host.username == account}
        return any(attendee.email in emails for attendee in booking.attendees)

    def _settled(self, event_type: EventType, start: datetime, attendee: Attendee) -> Existing | Refused | None:
        """What is clear before the clock and the hosts are looked at."""
        if self._checks.is_limit_reached(event_type, attendee):
            return Refused(Refusal.TOO_MANY_BOOKINGS)
        stand_in = self._checks.conditions.stand_in
        existing = stand_in(event_type, start, attendee) if stand_in is not None else None
        existing = existing or self._checks.existing(event_type, start, attendee)
        return None if existing is None else Existing(existing)

    def _join(self, booking: SimulatedBooking, attendee: Attendee, metadata: Mapping[str, str]) -> Created | Refused:
        if booking.start < self._checks.moment():
            return Refused(Refusal.IN_THE_PAST)
        seat = Seat(self._new_uid(), attendee, dict(metadata))
        after = joined(booking, seat)
        if isinstance(after, Refused):
            return after
        shared = self._changes.write(after).booking
        self._tell(Happening.MADE, shared)
        return Created(shared, seat.uid)

    def _told(self, happening: Happening, outcome: Changed | Refused, reason: str = "") -> Changed | Refused:
        if isinstance(outcome, Changed):
            self._tell(happening, outcome.booking, reason)
        return outcome

    def _tell(self, happening: Happening, booking: SimulatedBooking, reason: str = "") -> None:
        """Whoever subscribed. Where nobody did it costs nothing."""
        if not self.webhooks.subscriptions:
            return
        former = self._table.get(booking.rescheduled_from) if booking.rescheduled_from else None
        moves, before = 0, former
        while before is not None:
            moves, before = moves + 1, self._table.get(before.rescheduled_from or "")
        moved_from = former if happening is Happening.MOVED else None
        self.webhooks.tell(Change(happening, booking, self._checks.moment(), reason, moved_from, moves))
