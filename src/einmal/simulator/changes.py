"""What can happen to a booking that is there: called off, moved, confirmed, declined.

A change looks first and writes then, with nothing in between to hold others off. So of two at once each may find
the booking as it was before the other: two cancels both succeed, two reschedulings to different times make two
bookings. Only where two would take the very same time of one host, the unique key stops the second.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from einmal.simulator.checks import Checks
from einmal.simulator.outcomes import Changed, Created, Existing, Refusal, Refused
from einmal.simulator.records import BookingStatus, Scheduling, SimulatedBooking
from einmal.simulator.seating import left
from einmal.simulator.table import BookingTable

_INSTANT = timedelta(milliseconds=1)


class Changes:
    """The changes to the rows of one table."""

    def __init__(self, table: BookingTable, checks: Checks, new_uid: Callable[[], str]) -> None:
        """They look through these checks before they write."""
        self._table = table
        self._checks = checks
        self._new_uid = new_uid

    def reschedule(
        self, uid: str, start: datetime, *, by_owner: bool, reason: str, by_email: str | None
    ) -> Created | Existing | Refused:
        """A new booking with a new uid, and the old one cancelled in the same moment.

        Where the same person already has a booking at the new time, Cal.com may hand that one out as if it were
        the result, and the old one stays as it is. Without the owner, a confirmation has to be given again.
        """
        found, current = self._checks.seen(uid), self._table.get(uid)
        if found is None or current is None:
            return Refused(Refusal.UNKNOWN_BOOKING)
        if found.status is BookingStatus.CANCELLED:
            return Refused(Refusal.ALREADY_RESCHEDULED if found.rescheduled_to else Refusal.ALREADY_CANCELLED)
        event_type, start = found.event_type, start.astimezone(UTC).replace(microsecond=0)
        existing = self._taken_for_the_same(found, start, by_owner=by_owner)
        if existing is not None:
            return Existing(existing)
        end = start + timedelta(minutes=event_type.length_minutes)
        host = self._checks.host_or_refusal(event_type, start, end, leaving=current)
        if isinstance(host, Refused):
            return host
        accepted = by_owner or not event_type.requires_confirmation
        if accepted and self._checks.is_key_taken(host, start, end, leaving=current):
            return Refused(self._checks.conditions.lost_race)
        stamp = to_milliseconds(self._checks.moment())
        kept = {key: value for key, value in found.responses.items() if key != "rescheduledReason"}
        new = replace(
            found,
            id=self._table.next_id,
            uid=self._new_uid(),
            host=host,
            status=BookingStatus.ACCEPTED if accepted else BookingStatus.PENDING,
            start=start,
            end=end,
            created_at=stamp,
            updated_at=stamp,
            responses=kept | ({"rescheduledReason": reason} if reason else {}),
            has_unique_key=accepted,
            rescheduled_from=uid,
            rescheduling_reason=reason,
            rescheduled_by=by_email,
            first_uid=found.first_uid or uid,
        )
        called_off = replace(current, status=BookingStatus.CANCELLED, has_unique_key=False, rescheduled_by=by_email)
        # Of two successors the old row tells one. Which one was not recorded; here it is the first.
        self.write(replace(called_off, rescheduled_to=current.rescheduled_to or new.uid))
        self._table.insert(new)
        return Created(new)

    def _taken_for_the_same(
        self, found: SimulatedBooking, start: datetime, *, by_owner: bool
    ) -> SimulatedBooking | None:
        """The booking that Cal.com hands out as if it were the result, or a fault does."""
        stand_in = self._checks.conditions.stand_in
        if stand_in is not None:
            return stand_in(found.event_type, start, found.attendee)
        if by_owner and found.event_type.scheduling is not Scheduling.ROUND_ROBIN:
            return None
        return self._checks.existing(found.event_type, start, found.attendee)

    def cancel(self, uid: str, reason: str) -> Changed | Refused:
        """Call a booking off, with everybody in it."""
        current = self._cancellable(uid)
        if isinstance(current, Refused):
            return current
        status = BookingStatus.CANCELLED
        return self.write(replace(current, status=status, cancellation_reason=reason, has_unique_key=False, seats=()))

    def leave(self, uid: str, seat_uid: str) -> Changed | Refused:
        """Give up one seat of a shared booking."""
        current = self._cancellable(uid)
        after = current if isinstance(current, Refused) else left(current, seat_uid)
        return after if isinstance(after, Refused) else self.write(after)

    def rule(self, uid: str, status: BookingStatus) -> Changed | Refused:
        """Confirm or decline: whatever it was, unless it is accepted."""
        found, current = self._checks.seen(uid), self._table.get(uid)
        if found is None or current is None:
            return Refused(Refusal.UNKNOWN_BOOKING)
        if found.status is BookingStatus.ACCEPTED:
            return Refused(Refusal.ALREADY_ACCEPTED)
        return self.write(replace(current, status=status))

    def write(self, booking: SimulatedBooking) -> Changed:
        """A newer version of a row. It is stamped later than the one before, even by a clock that stands."""
        stamp = to_milliseconds(self._checks.moment())
        before = self._table.get(booking.uid)
        if before is not None:
            stamp = max(stamp, before.updated_at + _INSTANT)
        stamped = replace(booking, updated_at=stamp)
        self._table.replace(stamped)
        return Changed(stamped)

    def _cancellable(self, uid: str) -> SimulatedBooking | Refused:
        found, current = self._checks.seen(uid), self._table.get(uid)
        if found is None or current is None:
            return Refused(Refusal.UNKNOWN_BOOKING)
        if found.status is BookingStatus.CANCELLED:
            return Refused(Refusal.ALREADY_CANCELLED)
        return Refused(Refusal.ENDED) if found.end < self._checks.moment() else current


def to_milliseconds(moment: datetime) -> datetime:
    """As Cal.com's database keeps it."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
