"""A change of an appointment that stands: a cancel, or a move. Its row is written before the wire, as an intent's is.

    asked -> sent -> done | refused
                 \\-> doubt -> done | refused | escalated -> done | refused
    refused, and it shows after all -> done

What the calendar answers proves nothing: two moves at once make two bookings, a 201 may be another's. A change is
done when a read shows it. Whatever is not in CHANGE_MOVES changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from einmal.domain.intent import Intent
from einmal.domain.model import Booking, BookingStatus, MetadataKey, Wish


class ChangeKind(StrEnum):
    CANCEL = "cancel"
    MOVE = "move"


class ChangeState(StrEnum):
    SENT = "sent"
    DOUBT = "doubt"
    DONE = "done"
    REFUSED = "refused"
    ESCALATED = "escalated"


LIVE_CHANGES: Final = frozenset({ChangeState.SENT, ChangeState.DOUBT, ChangeState.ESCALATED})
"""Of these a booking has one at most."""


class ChangeEvent(StrEnum):
    SHOWN = "shown"
    """A read shows the booking as it was to become."""
    REFUSED = "refused"
    """Certainly not processed, or the calendar said no."""
    DOUBTED = "doubted"
    SETTLED = "settled"
    """The booking stands as it was, long enough after the doubt began."""
    OVERTAKEN = "overtaken"
    """Somebody else has changed the booking meanwhile: what was asked for is void."""
    ESCALATED = "escalated"


CHANGE_MOVES: Final[dict[ChangeState, dict[ChangeEvent, ChangeState]]] = {
    ChangeState.SENT: {
        ChangeEvent.SHOWN: ChangeState.DONE,
        ChangeEvent.REFUSED: ChangeState.REFUSED,
        ChangeEvent.OVERTAKEN: ChangeState.REFUSED,
        ChangeEvent.DOUBTED: ChangeState.DOUBT,
    },
    ChangeState.DOUBT: {
        ChangeEvent.SHOWN: ChangeState.DONE,
        ChangeEvent.SETTLED: ChangeState.REFUSED,
        ChangeEvent.OVERTAKEN: ChangeState.REFUSED,
        ChangeEvent.ESCALATED: ChangeState.ESCALATED,
    },
    # A person acts at the calendar, and a read shows what they did.
    ChangeState.ESCALATED: {
        ChangeEvent.SHOWN: ChangeState.DONE,
        ChangeEvent.SETTLED: ChangeState.REFUSED,
        ChangeEvent.OVERTAKEN: ChangeState.REFUSED,
    },
    ChangeState.DONE: {},
    ChangeState.REFUSED: {},
}


class IllegalChange(Exception):
    """Not in the table: a bug. Nothing was changed."""

    def __init__(self, state: ChangeState, event: ChangeEvent) -> None:
        allowed = ", ".join(CHANGE_MOVES[state]) or "nothing: it is final"
        super().__init__(f"{state} does not take {event}; it takes {allowed}")


@dataclass(frozen=True, slots=True)
class Change:
    """`intent_id` is whose booking is changed, `booking_uid` that booking; `successor_id` the intent that it becomes
    where it is moved. `sends` counts the requests that may have been processed."""

    change_id: str
    tenant_id: str
    kind: ChangeKind
    intent_id: str
    booking_uid: str
    state: ChangeState
    created_at: datetime
    send_deadline: datetime
    successor_id: str | None = None
    conversation_id: str | None = None
    sends: int = 1
    looks: int = 0
    look_at: datetime | None = None
    doubted_at: datetime | None = None
    resolved_at: datetime | None = None
    promised_at: datetime | None = None

    def advance(self, event: ChangeEvent, at: datetime, look_at: datetime | None = None) -> "Change":
        """The change after the event. Raises IllegalChange for what the table does not hold."""
        try:
            state = CHANGE_MOVES[self.state][event]
        except KeyError:
            raise IllegalChange(self.state, event) from None
        resolved_at = None if state in LIVE_CHANGES else at
        doubted_at = at if event is ChangeEvent.DOUBTED else self.doubted_at
        return replace(self, state=state, resolved_at=resolved_at, doubted_at=doubted_at, look_at=look_at)


@dataclass(frozen=True, slots=True)
class Stands:
    """The booking is live and where it was."""

    booking: Booking


@dataclass(frozen=True, slots=True)
class Ended:
    """It was called off, here or there, or its host said no."""

    status: BookingStatus


@dataclass(frozen=True, slots=True)
class MovedTo:
    """It has become that one."""

    booking: Booking


@dataclass(frozen=True, slots=True)
class NotOurs:
    """It does not carry our operation id: it is not changed, and told of only where it was taken over from others."""

    booking: Booking


@dataclass(frozen=True, slots=True)
class Unseen:
    """Nothing can be concluded. `why` is a short word."""

    why: str


UNKNOWN_THERE: Final = "unknown_there"
"""The calendar answered that it knows no such booking."""

Standing = Stands | Ended | MovedTo | NotOurs | Unseen
"""How a booking of ours stands in the calendar, as a read shows it."""


def is_marked(intent: Intent, booking: Booking) -> bool:
    """Whether the booking carries the intent's operation id."""
    return booking.metadata.get(MetadataKey.OPERATION_ID) == intent.mark


def standing(intent: Intent, chain: Sequence[Booking]) -> Standing:
    """What a read of the intent's booking shows, and of what it has become: `chain` begins with its own."""
    if not chain:
        return Unseen(UNKNOWN_THERE)
    for before, after in pairwise(chain):
        if before.moved_to != after.uid or after.moved_from != before.uid:
            return Unseen("chain_odd")
    if not all(is_marked(intent, booking) for booking in chain):
        return NotOurs(chain[-1])
    last = chain[-1]
    if last.moved_to is not None:
        return Unseen("chain_unread")
    if not last.status.live:
        return Ended(last.status)
    return Stands(last) if len(chain) == 1 else MovedTo(last)


def is_the_move(wanted: Wish, moved: Booking) -> bool:
    """Whether it was moved to where it was wanted, and stands there."""
    same_type = moved.event_type_id == wanted.service.event_type_id
    return same_type and moved.start == wanted.start and moved.status.live
