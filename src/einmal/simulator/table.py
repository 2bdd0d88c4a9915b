"""The booking table: rows, their older versions, and the indexes to find them by.

No rules live here. Rows are never changed in place, so `as_of` can say what a reader saw at any moment, which is
what a lagging replica shows. Only `remove` deletes one, as nothing of Cal.com's own API does.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from einmal.simulator.records import BookingStatus, SimulatedBooking


class BookingTable:
    """Every booking of one Cal.com."""

    def __init__(self) -> None:
        """Empty, with ids that count from 1."""
        self._rows: dict[str, SimulatedBooking] = {}
        self._older: defaultdict[str, list[SimulatedBooking]] = defaultdict(list)
        # Two indexes, as the database has, so that a long run does not slow down. Both keep uids only: which
        # state a booking is in is read from the one table.
        self._uids_by_start: defaultdict[tuple[int, datetime], list[str]] = defaultdict(list)
        self._uids_by_host_day: defaultdict[tuple[int, date], list[str]] = defaultdict(list)
        self._last_id = 0
        self._last_id_of_host: dict[int, int] = {}

    @property
    def rows(self) -> tuple[SimulatedBooking, ...]:
        """Every row in its newest version, in the order of writing."""
        return tuple(self._rows.values())

    @property
    def next_id(self) -> int:
        """The id of the row that comes next."""
        return self._last_id + 1

    def get(self, uid: str) -> SimulatedBooking | None:
        """The newest version."""
        return self._rows.get(uid)

    def first(self, uid: str) -> SimulatedBooking | None:
        """The version that was born."""
        older = self._older.get(uid)
        return older[0] if older else self._rows.get(uid)

    def as_of(self, uid: str, moment: datetime) -> SimulatedBooking | None:
        """The version that was the newest at that moment; None if there was no such row yet."""
        newest = self._rows.get(uid)
        versions = [*self._older.get(uid, ()), *([newest] if newest is not None else [])]
        return next((version for version in reversed(versions) if version.updated_at <= moment), None)

    def before_it_ended(self, uid: str) -> SimulatedBooking | None:
        """The newest version that was not called off."""
        newest = self._rows.get(uid)
        versions = [*self._older.get(uid, ()), *([newest] if newest is not None else [])]
        lasting = (one for one in reversed(versions) if one.status is not BookingStatus.CANCELLED)
        return next(lasting, newest)

    def starting_at(self, event_type_id: int, start: datetime) -> Iterator[SimulatedBooking]:
        """The bookings of this event type with exactly this start."""
        return (self._rows[uid] for uid in self._uids_by_start.get((event_type_id, start), ()))

    def overlapping(self, host_id: int, start: datetime, end: datetime) -> Iterator[SimulatedBooking]:
        """The bookings of one host, of any event type and in any state, that share time with start–end."""
        for day in _days(start, end):
            for uid in self._uids_by_host_day.get((host_id, day), ()):
                booking = self._rows[uid]
                if booking.start < end and start < booking.end:
                    yield booking

    def last_id_of_host(self, host_id: int) -> int:
        """The id of the host's newest booking; 0 if there is none."""
        return self._last_id_of_host.get(host_id, 0)

    def insert(self, booking: SimulatedBooking) -> None:
        """A new row."""
        if booking.uid in self._rows:
            raise ValueError(f"there is a booking {booking.uid} already")
        self._rows[booking.uid] = booking
        self._uids_by_start[booking.event_type.id, booking.start].append(booking.uid)
        for host in booking.hosts:
            for day in _days(booking.start, booking.end):
                self._uids_by_host_day[host.id, day].append(booking.uid)
        self._last_id = max(self._last_id, booking.id)
        self._last_id_of_host[booking.host.id] = booking.id

    def replace(self, booking: SimulatedBooking) -> None:
        """A newer version of a row; who, when and what it books stays."""
        self._older[booking.uid].append(self._rows[booking.uid])
        self._rows[booking.uid] = booking

    def remove(self, uid: str) -> None:
        """The row and every older version of it, without a trace."""
        booking = self._rows.pop(uid)
        self._older.pop(uid, None)
        self._uids_by_start[booking.event_type.id, booking.start].remove(uid)
        for host in booking.hosts:
            for day in _days(booking.start, booking.end):
                self._uids_by_host_day[host.id, day].remove(uid)


def _days(start: datetime, end: datetime) -> Iterable[date]:
    """The UTC days that a booking touches: the drawers it is filed in."""
    return (start.date() + timedelta(days=n) for n in range((end.date() - start.date()).days + 1))
