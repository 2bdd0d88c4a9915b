"""Reserved slots: kept off the lists for some minutes, and nothing more.

A reservation looks at bookings and reservations of its own event type only, and no booking ever looks at a
reservation. It hides the slot from everybody, from whoever made it too, and outlives a booking of that slot. All
of this is as recorded; where the recordings are silent (moving between event types, team event types on lists),
it is as read in Cal.com's source.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from einmal.simulator.checks import Checks
from einmal.simulator.outcomes import Refusal, Refused
from einmal.simulator.records import BookingStatus, EventType, Reservation, Scheduling
from einmal.simulator.table import BookingTable

_TAKING = frozenset({BookingStatus.ACCEPTED, BookingStatus.PENDING})


class Reservations:
    """The reservations beside one booking table."""

    def __init__(self, table: BookingTable, checks: Checks, new_uid: Callable[[], str]) -> None:
        """They look at this table through these checks."""
        self._table = table
        self._checks = checks
        self._new_uid = new_uid
        self._rows: dict[str, Reservation] = {}

    def reserve(self, event_type: EventType, start: datetime, duration: timedelta) -> Reservation | Refused:
        """Keep a slot off the lists for so long. Hours, notice and calendars are not looked at, nor the past."""
        start, end = _slot(event_type, start)
        team = event_type.scheduling is Scheduling.ROUND_ROBIN
        refusal = self._no_host_left(event_type, start, end) if team else self._taken(event_type, start, end)
        if refusal is not None:
            return Refused(refusal)
        now = self._checks.moment()
        reserved = Reservation(self._drawn_uid(), event_type, event_type.hosts[0], start, end, now, now + duration)
        self._rows[reserved.uid] = reserved
        return reserved

    def move(self, uid: str, event_type: EventType, start: datetime, duration: timedelta) -> Reservation | Refused:
        """Another slot, counted from now. Its own reservation is in its way, so it cannot be extended in place."""
        reserved = self._rows.get(uid)
        if reserved is None:
            return Refused(Refusal.UNKNOWN_RESERVATION)
        start, end = _slot(event_type, start)
        refusal = self._taken(event_type, start, end)
        if refusal is not None:
            return Refused(refusal)
        until = self._checks.moment() + duration
        moved = replace(reserved, event_type=event_type, start=start, end=end, until=until)
        self._rows[uid] = moved
        return moved

    def get(self, uid: str) -> Reservation | None:
        """Also one that has run out, until the next list of slots sweeps it away."""
        return self._rows.get(uid)

    def release(self, uid: str) -> None:
        """Give it up; it need not be there."""
        self._rows.pop(uid, None)

    def hide(self, event_type: EventType, start: datetime, end: datetime) -> bool:
        """Whether a list of this event type's slots goes without this one."""
        return any(row.host in event_type.hosts and _overlap(row, start, end) for row in self._live())

    def forget_expired(self, event_type: EventType) -> None:
        """Sweep away what has run out of this event type."""
        now = self._checks.moment()
        gone = [row.uid for row in self._rows.values() if row.event_type.id == event_type.id and row.until < now]
        for uid in gone:
            del self._rows[uid]

    def _taken(self, event_type: EventType, start: datetime, end: datetime) -> Refusal | None:
        if any(
            booking.status in _TAKING and booking.event_type.id == event_type.id
            for host in event_type.hosts
            for booking in filter(self._checks.is_seen, self._table.overlapping(host.id, start, end))
        ):
            return Refusal.BOOKED
        mine = (row for row in self._live_and_seen() if row.event_type.id == event_type.id)
        return Refusal.RESERVED if any(_overlap(row, start, end) for row in mine) else None

    def _no_host_left(self, event_type: EventType, start: datetime, end: datetime) -> Refusal | None:
        """A team counts reservations of exactly this slot against its hosts, and looks at no booking."""
        count = sum(
            (row.event_type.id, row.start, row.end) == (event_type.id, start, end) for row in self._live_and_seen()
        )
        return Refusal.NO_HOST_TO_RESERVE if count == len(event_type.hosts) else None

    def _live(self) -> Iterable[Reservation]:
        now = self._checks.moment()
        return (row for row in self._rows.values() if row.until > now)

    def _live_and_seen(self) -> Iterable[Reservation]:
        return filter(self._checks.is_seen, self._live())

    def _drawn_uid(self) -> str:
        """A UUID, unlike a booking's uid, but drawn from the same chance."""
        digest = hashlib.sha256(self._new_uid().encode()).digest()
        return str(UUID(bytes=digest[:16], version=4))


def _slot(event_type: EventType, start: datetime) -> tuple[datetime, datetime]:
    start = start.astimezone(UTC)
    return start, start + timedelta(minutes=event_type.length_minutes)


def _overlap(row: Reservation, start: datetime, end: datetime) -> bool:
    return row.start < end and start < row.end
