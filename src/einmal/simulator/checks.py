"""What Cal.com looks at before it writes a booking, and what its database then still refuses.

The checks see the table through the conditions of the moment, e.g. without the rows of a request that runs at
the same time. The unique key sees every row. Between the two lie Cal.com's races.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from einmal.simulator.conditions import HEALTHY
from einmal.simulator.opening import is_open
from einmal.simulator.outcomes import Refusal, Refused
from einmal.simulator.records import (
    Attendee,
    BookingStatus,
    EventType,
    Host,
    Reservation,
    Scheduling,
    SimulatedBooking,
)
from einmal.simulator.seating import has_seats_left, shared_booking
from einmal.simulator.table import BookingTable


class Checks:
    """The questions a new booking has to pass."""

    def __init__(self, table: BookingTable, now: Callable[[], datetime]) -> None:
        """They look at this table, by this clock."""
        self._table = table
        self._now = now
        self.conditions = HEALTHY

    def has_room(self, event_type: EventType, start: datetime, end: datetime) -> bool:
        shared = self.shared_booking(event_type, start)
        return has_seats_left(shared) if shared is not None else self._free_host(event_type, start, end) is not None

    def shared_booking(self, event_type: EventType, start: datetime) -> SimulatedBooking | None:
        return shared_booking(event_type, filter(self.is_seen, self._table.starting_at(event_type.id, start)))

    def seen(self, uid: str) -> SimulatedBooking | None:
        """The row as a change finds it before it writes: without what another change is still at.

        Its making was over before anybody could name it.
        """
        if not self.conditions.unseen:
            return self._table.get(uid)
        return self._table.as_of(uid, self.moment() - self.conditions.unseen) or self._table.first(uid)

    def is_limit_reached(self, event_type: EventType, attendee: Attendee) -> bool:
        """Whether this e-mail has as many bookings of this kind as it may. Pending ones do not count."""
        if event_type.bookings_per_booker is None:
            return False
        held = sum(
            booking.event_type.id == event_type.id
            and booking.status is BookingStatus.ACCEPTED
            and booking.start >= self.moment()
            and any(row.email == attendee.email for row in booking.attendees)
            for booking in filter(self.is_seen, self._table.rows)
        )
        return held >= event_type.bookings_per_booker

    def existing(self, event_type: EventType, start: datetime, attendee: Attendee) -> SimulatedBooking | None:
        """The booking that Cal.com takes for the same wish.

        Name, metadata, guests and caller are not compared, and a phone only if one is sent now. So other
        words for the same person at the same time get the old booking back and are dropped without a sign.
        """
        if event_type.scheduling is not Scheduling.ROUND_ROBIN and not event_type.requires_confirmation:
            return None
        wanted = BookingStatus.PENDING if event_type.requires_confirmation else BookingStatus.ACCEPTED
        for booking in filter(self.is_seen, self._table.starting_at(event_type.id, start)):
            if booking.status is wanted and any(
                row.email == attendee.email and attendee.phone in {None, row.phone} for row in booking.attendees
            ):
                return booking
        return None

    def host_or_refusal(
        self, event_type: EventType, start: datetime, end: datetime, leaving: SimulatedBooking | None = None
    ) -> Host | Refused:
        """A free host; the booking that is being left keeps nobody out, not even from its own time."""
        now = self.moment()
        if start < now:
            return Refused(Refusal.IN_THE_PAST)
        if start < now + timedelta(minutes=event_type.minimum_notice_minutes):
            return Refused(Refusal.TOO_SOON)
        host = self._free_host(event_type, start, end, leaving) if is_open(event_type, start, end) else None
        return Refused(Refusal.NO_FREE_HOST) if host is None else host

    def _free_host(
        self, event_type: EventType, start: datetime, end: datetime, leaving: SimulatedBooking | None = None
    ) -> Host | None:
        """A host who is free then; of several, the one who has waited longest, as Cal.com shares work out."""
        if event_type.scheduling is Scheduling.COLLECTIVE:
            busy = any(self._is_busy(host, start, end, leaving) for host in event_type.hosts)
            return None if busy else event_type.hosts[0]
        team = event_type.scheduling is Scheduling.ROUND_ROBIN
        candidates = event_type.hosts if team else event_type.hosts[:1]
        free = (host for host in candidates if not self._is_busy(host, start, end, leaving))
        return min(free, key=lambda host: self._table.last_id_of_host(host.id), default=None)

    def _is_busy(self, host: Host, start: datetime, end: datetime, leaving: SimulatedBooking | None) -> bool:
        # By host and not by event type: one person cannot cut hair in two bookings at once.
        overlapping = filter(self.is_seen, self._table.overlapping(host.id, start, end))
        return any(booking.blocks_host and booking is not leaving for booking in overlapping)

    def is_key_taken(self, host: Host, start: datetime, end: datetime, leaving: SimulatedBooking | None = None) -> bool:
        """Whether the unique key is: by equal times only, so an overlap with other borders slips through."""
        return any(
            booking.has_unique_key
            and booking is not leaving
            and booking.host == host
            and (booking.start, booking.end) == (start, end)
            for booking in self._table.overlapping(host.id, start, end)
        )

    def insert_refusal(
        self, status: BookingStatus, host: Host, start: datetime, end: datetime, texts: object
    ) -> Refusal | None:
        """What the database itself refuses, after all checks."""
        if _is_unstorable(texts):
            return Refusal.UNSTORABLE_TEXT
        if self.conditions.insert_fails or (status is BookingStatus.ACCEPTED and self.is_key_taken(host, start, end)):
            return self.conditions.lost_race
        return None

    def is_seen(self, row: SimulatedBooking | Reservation) -> bool:
        """Whether a check finds this row, or its writer is still at it."""
        return not self.conditions.unseen or row.created_at <= self.moment() - self.conditions.unseen

    def moment(self) -> datetime:
        """When it happens."""
        return self.conditions.at or self._now()


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
