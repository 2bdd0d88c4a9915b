"""Cal.com's booking table and the rules around it: pure state, no HTTP, no clock or chance of its own.

Promises: every method is synchronous and happens as a whole, so two calls never interleave; what Cal.com
refuses comes back as a value (`Refused`), not as an exception; `bookings` shows an auditor every row.

The rules were read in Cal.com's source and recorded from Cal.com's own server. Three of them make the gateway
necessary. A repeat of a request on a round-robin or unconfirmed event type gives back the ORIGINAL booking
with nothing to mark it (`Existing` here, on the wire nothing tells them apart). On an ordinary event type the
same repeat is refused as if somebody else had the slot. And a pending booking keeps nobody else out.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum

from einmal.simulator.listing import BookingFilter, ListedStatus, Page, select
from einmal.simulator.opening import is_open, raster
from einmal.simulator.records import (
    Attendee,
    BookingStatus,
    EventType,
    Host,
    Scheduling,
    SimulatedBooking,
)

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


class Refusal(Enum):
    """Why Cal.com would not do it."""

    UNKNOWN_EVENT_TYPE = "unknown event type"
    IN_THE_PAST = "in the past"
    TOO_SOON = "inside the minimum notice"
    NO_FREE_HOST = "no host is free"
    UNSTORABLE_TEXT = "text that the database cannot hold"
    UNKNOWN_BOOKING = "unknown booking"
    ALREADY_CANCELLED = "already cancelled"
    ALREADY_ACCEPTED = "already accepted"


@dataclass(frozen=True)
class Created:
    """A new row was written."""

    booking: SimulatedBooking


@dataclass(frozen=True)
class Existing:
    """No row was written: this older one was taken to be the same wish."""

    booking: SimulatedBooking


@dataclass(frozen=True)
class Changed:
    """A row was replaced."""

    booking: SimulatedBooking


@dataclass(frozen=True)
class Refused:
    """Nothing was written."""

    reason: Refusal


class SimulatedCalendar:
    """All event types and bookings of one simulated Cal.com."""

    def __init__(
        self, event_types: Iterable[EventType], *, now: Callable[[], datetime], new_uid: Callable[[], str]
    ) -> None:
        """Clock and uids are passed in, so a simulation can be run again and come out the same."""
        self._event_types = {event_type.id: event_type for event_type in event_types}
        self._now = now
        self._new_uid = new_uid
        self._bookings: dict[str, SimulatedBooking] = {}
        # Two indexes, as the database has, so that a long run does not slow down. Both keep uids only: which
        # state a booking is in is read from the one table.
        self._uids_by_start: defaultdict[tuple[int, datetime], list[str]] = defaultdict(list)
        self._uids_by_host_day: defaultdict[tuple[int, date], list[str]] = defaultdict(list)
        self._last_id = 0
        self._last_id_of_host: dict[int, int] = {}

    @property
    def event_types(self) -> tuple[EventType, ...]:
        """Everything that can be booked."""
        return tuple(self._event_types.values())

    @property
    def bookings(self) -> tuple[SimulatedBooking, ...]:
        """Every row, whatever its state, in the order of writing."""
        return tuple(self._bookings.values())

    def event_type(self, event_type_id: int) -> EventType | None:
        """The event type with this id."""
        return self._event_types.get(event_type_id)

    def get(self, uid: str) -> SimulatedBooking | None:
        """The booking with this uid."""
        return self._bookings.get(uid)

    def list(self, wanted: BookingFilter) -> Page:
        """The page of bookings that match."""
        return select(self._bookings.values(), wanted, self._now())

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
        existing = self._existing(event_type, start, attendee)
        if existing is not None:
            return Existing(existing)
        end = start + timedelta(minutes=event_type.length_minutes)
        host = self._host_or_refusal(event_type, start, end)
        if isinstance(host, Refused):
            return host
        if _is_unstorable((attendee.name, metadata, responses)):
            return Refused(Refusal.UNSTORABLE_TEXT)  # after all checks: it is the INSERT that fails
        stamp = _to_milliseconds(self._now())
        booking = SimulatedBooking(
            id=self._last_id + 1,
            uid=self._new_uid(),
            event_type=event_type,
            host=host,
            status=BookingStatus.PENDING if event_type.requires_confirmation else BookingStatus.ACCEPTED,
            start=start,
            end=end,
            created_at=stamp,
            updated_at=stamp,
            attendee=attendee,
            guests=guests,
            metadata=dict(metadata or {}),
            responses=dict(responses or {}),
            location=location if location is not None else event_type.location,
        )
        self.plant(booking)
        return Created(booking)

    def plant(self, booking: SimulatedBooking) -> None:
        """Write a row as it is, asking no rule: for tests, and for worlds that begin in the middle."""
        if booking.uid in self._bookings:
            raise ValueError(f"there is a booking {booking.uid} already")
        self._bookings[booking.uid] = booking
        self._uids_by_start[booking.event_type.id, booking.start].append(booking.uid)
        for day in _days(booking.start, booking.end):
            self._uids_by_host_day[booking.host.id, day].append(booking.uid)
        self._last_id = max(self._last_id, booking.id)
        self._last_id_of_host[booking.host.id] = booking.id

    def cancel(self, uid: str, reason: str = "") -> Changed | Refused:
        """Call a booking off. A second time is refused: Cal.com's cancel is not idempotent."""
        booking = self._bookings.get(uid)
        if booking is None:
            return Refused(Refusal.UNKNOWN_BOOKING)
        if booking.status is BookingStatus.CANCELLED:
            return Refused(Refusal.ALREADY_CANCELLED)
        return self._change(
            replace(
                booking,
                status=BookingStatus.CANCELLED,
                cancellation_reason=reason,
                updated_at=_to_milliseconds(self._now()),
            )
        )

    def accept(self, uid: str) -> Changed | Refused:
        """Confirm, as the host would in Cal.com's pages.

        Cal.com looks neither at other bookings of that time nor at whether this one was cancelled, so two
        pending bookings of one slot can both be accepted and a cancelled one comes back to life.
        """
        return self._rule(uid, BookingStatus.ACCEPTED)

    def decline(self, uid: str) -> Changed | Refused:
        """Reject, as the host would in Cal.com's pages; twice is fine, a confirmed booking is refused."""
        return self._rule(uid, BookingStatus.REJECTED)

    def slots(
        self, event_type: EventType, start: datetime, end: datetime, duration_minutes: int | None = None
    ) -> tuple[datetime, ...]:
        """The starts in [start, end) at which at least one host is free."""
        length = timedelta(minutes=duration_minutes or event_type.length_minutes)
        earliest = max(start, self._now() + timedelta(minutes=event_type.minimum_notice_minutes))
        return tuple(
            slot
            for slot in raster(event_type, length, earliest, end)
            if self._free_host(event_type, slot, slot + length) is not None
        )

    def _existing(self, event_type: EventType, start: datetime, attendee: Attendee) -> SimulatedBooking | None:
        """The booking that Cal.com takes for the same wish.

        Name, metadata, guests and caller are not compared, and a phone only if one is sent now. So other
        words for the same person at the same time get the old booking back and are dropped without a sign.
        """
        if event_type.scheduling is not Scheduling.ROUND_ROBIN and not event_type.requires_confirmation:
            return None
        wanted = BookingStatus.PENDING if event_type.requires_confirmation else BookingStatus.ACCEPTED
        for uid in self._uids_by_start.get((event_type.id, start), ()):
            booking = self._bookings[uid]
            if booking.status is wanted and any(
                row.email == attendee.email and attendee.phone in {None, row.phone} for row in booking.attendees
            ):
                return booking
        return None

    def _host_or_refusal(self, event_type: EventType, start: datetime, end: datetime) -> Host | Refused:
        now = self._now()
        if start < now:
            return Refused(Refusal.IN_THE_PAST)
        if start < now + timedelta(minutes=event_type.minimum_notice_minutes):
            return Refused(Refusal.TOO_SOON)
        host = self._free_host(event_type, start, end) if is_open(event_type, start, end) else None
        return Refused(Refusal.NO_FREE_HOST) if host is None else host

    def _free_host(self, event_type: EventType, start: datetime, end: datetime) -> Host | None:
        """A host who is free then; of several, the one who has waited longest, as Cal.com shares work out."""
        team = event_type.scheduling is Scheduling.ROUND_ROBIN
        candidates = event_type.hosts if team else event_type.hosts[:1]
        free = (host for host in candidates if not self._is_busy(host, start, end))
        return min(free, key=lambda host: self._last_id_of_host.get(host.id, 0), default=None)

    def _is_busy(self, host: Host, start: datetime, end: datetime) -> bool:
        # By host and not by event type: one person cannot cut hair in two bookings at once.
        for day in _days(start, end):
            for uid in self._uids_by_host_day.get((host.id, day), ()):
                booking = self._bookings[uid]
                if booking.blocks_host and booking.start < end and start < booking.end:
                    return True
        return False

    def _rule(self, uid: str, status: BookingStatus) -> Changed | Refused:
        booking = self._bookings.get(uid)
        if booking is None:
            return Refused(Refusal.UNKNOWN_BOOKING)
        if booking.status is BookingStatus.ACCEPTED:
            return Refused(Refusal.ALREADY_ACCEPTED)
        return self._change(replace(booking, status=status, updated_at=_to_milliseconds(self._now())))

    def _change(self, booking: SimulatedBooking) -> Changed:
        self._bookings[booking.uid] = booking
        return Changed(booking)


def _days(start: datetime, end: datetime) -> Iterable[date]:
    """The UTC days that a booking touches: the drawers it is filed in."""
    return (start.date() + timedelta(days=n) for n in range((end.date() - start.date()).days + 1))


def _to_milliseconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def _is_unstorable(value: object) -> bool:
    """Whether PostgreSQL's jsonb would refuse the text: U+0000, or half of a surrogate pair."""
    match value:
        case str():
            return any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value)
        case Mapping():
            return any(_is_unstorable(key) or _is_unstorable(item) for key, item in value.items())
        case list() | tuple():
            return any(_is_unstorable(item) for item in value)
        case _:
            return False
