"""Drift: what the ledger and the calendar do not agree about. What is ours is mended, the rest is listed for a person.

Told by ids alone. `docs/operating.md` says what an operator does about each kind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from einmal.domain.change import is_marked
from einmal.domain.intent import BOOKED, Intent, State
from einmal.domain.keys import normal_name
from einmal.domain.model import Booking, BookingStatus
from einmal.domain.reply import BookedSlot


class DriftKind(StrEnum):
    STATUS = "status"
    """Cancelled, accepted, declined or moved at the calendar, and not so in the ledger."""
    TIME = "time"
    STAFF = "staff"
    ARRIVED = "arrived"
    """A booking of ours stands, and its intent says no or is still in doubt."""
    GHOST = "ghost"
    """The ledger says booked, and the calendar knows no such booking."""
    ORPHAN = "orphan"
    """A live booking with an operation id that no ledger here holds."""
    DOUBLED = "doubled"
    """Two live bookings with one operation id."""
    REVIVED = "revived"
    """It ended in the ledger, and stands at the calendar."""
    NOT_MARKED = "not_marked"
    """The ledger holds a booking that does not carry our operation id."""
    UNREADABLE = "unreadable"
    """It differs in a list, and cannot be read by itself: a recurring series, say, or the calendar refuses."""
    PERSON_TWICE = "person_twice"
    """Two live bookings of one attendee overlap."""


MENDED: Final = frozenset({DriftKind.STATUS, DriftKind.TIME, DriftKind.STAFF, DriftKind.ARRIVED})
"""What we mend by ourselves. Of a ghost it takes two looks; the rest is for a person."""

GHOST_AFTER: Final = timedelta(minutes=10)
"""Longer than a replica lags: who is not there for so long is not there."""


@dataclass(frozen=True, slots=True)
class Drift:
    """`subject` is the booking's uid, or two of them; `detail` what was held and what was found, in a few words."""

    kind: DriftKind
    subject: str
    intent_id: str | None = None
    detail: str = ""
    mended: bool = False


def drifts_of(
    intent: Intent, held: BookedSlot | None, booking: Booking, *, imported: bool = False
) -> tuple[Drift, ...]:
    """How the intent, with its appointment where it has one, differs from its own booking as it was read.

    `imported`: another program made that booking, so that it carries no operation id of ours and need not.
    """
    found: list[tuple[DriftKind, str]] = []
    if intent.state in BOOKED and intent.booking_uid == booking.uid:
        if not imported and not is_marked(intent, booking):
            return (Drift(DriftKind.NOT_MARKED, booking.uid, intent.intent_id),)
        if not _same_status(intent.state, booking):
            found.append((DriftKind.STATUS, f"{intent.state} here, {_stands_as(booking)} there"))
        elif held is not None:
            # Whose it was there is not taken over: a booking names its host, and need not be read for it.
            told = held if held.staff is not None or not imported else replace(held, staff=booking.host_name)
            found += _differs(told, booking)
    elif booking.status.live and is_marked(intent, booking):
        match intent.state:
            case State.CONFIRMED | State.PENDING:
                found.append((DriftKind.STATUS, f"{intent.state} here, moved there"))
            case State.DOUBT | State.ESCALATED | State.REJECTED:
                found.append((DriftKind.ARRIVED, f"{intent.state} here, {booking.status} there"))
            case State.CANCELLED | State.DECLINED | State.MOVED | State.LOST | State.COMPENSATED:
                found.append((DriftKind.REVIVED, f"{intent.state} here, {booking.status} there"))
            case State.INTENT | State.SENT | State.COMPENSATING:
                pass  # under way: whoever is at it comes to the same booking
    return tuple(Drift(kind, booking.uid, intent.intent_id, detail) for kind, detail in found)


def _differs(held: BookedSlot, booking: Booking) -> Iterable[tuple[DriftKind, str]]:
    if held.start != booking.start or (booking.end is not None and held.end != booking.end):
        yield DriftKind.TIME, f"{_span(held.start, held.end)} here, {_span(booking.start, booking.end)} there"
    if booking.host_name is not None and held.staff != booking.host_name:
        yield DriftKind.STAFF, "another host"


def _same_status(state: State, booking: Booking) -> bool:
    wanted = BookingStatus.PENDING if state is State.PENDING else BookingStatus.ACCEPTED
    return booking.status is wanted and booking.moved_to is None


def _stands_as(booking: Booking) -> str:
    return "moved" if booking.moved_to is not None else booking.status.value


def _span(start: datetime, end: datetime | None) -> str:
    return start.isoformat(timespec="minutes") if end is None else f"{start:%Y-%m-%dT%H:%M}/{end:%H:%M}Z"


def twice(window: Sequence[Booking], booking: Booking) -> tuple[Drift, ...]:
    """Which of the live bookings before it (`window`) are the same attendee's, and overlap with it.

    The same by e-mail, or by name where the event type is the same: callers without an e-mail have an address of
    their own for each booking.
    """
    if not booking.status.live:
        return ()
    return tuple(
        Drift(DriftKind.PERSON_TWICE, " ".join(sorted((other.uid, booking.uid))))
        for other in window
        if other.uid != booking.uid and _overlap(other, booking) and _same_attendee(other, booking)
    )


def window_after(window: Iterable[Booking], booking: Booking) -> tuple[Booking, ...]:
    """The live bookings that may still overlap with whatever begins at this one's start, or later."""
    kept = tuple(one for one in window if _end(one) > booking.start)
    return (*kept, booking) if booking.status.live else kept


def _overlap(one: Booking, other: Booking) -> bool:
    return one.start < _end(other) and other.start < _end(one)


def _end(booking: Booking) -> datetime:
    return booking.end or booking.start + timedelta(minutes=1)


def _same_attendee(one: Booking, other: Booking) -> bool:
    if {email.lower() for email in one.attendee_emails} & {email.lower() for email in other.attendee_emails}:
        return True
    names = [normal_name(b.attendee_name) if b.attendee_name else "" for b in (one, other)]
    return names[0] == names[1] != "" and one.event_type_id == other.event_type_id


def gone_for_good(ghosts: int, compared: int, ours: int) -> bool:
    """Whether so many ghosts can be believed: `ours` bookings of ours were seen there. Where there are none, or most of
    what was compared is gone, it is the wrong calendar."""
    return ours > 0 and (ghosts <= GHOSTS_BELIEVED or ghosts * 2 <= compared)


GHOSTS_BELIEVED: Final = 3
