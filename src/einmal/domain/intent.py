"""The intent: our durable row for one wish, and the only moves it may make.

    wish admitted -> sent -> confirmed | pending | rejected
                       \\-> doubt -> confirmed | pending | rejected | escalated
    rejected, and a booking of ours arrives after all -> compensating -> compensated

A row says `sent` before a byte is on the wire, so a crash at any point leaves either nothing or a row that
says "this may have landed". Whatever is not in MOVES is illegal and changes nothing. The database applies
each move as one guarded update (`... WHERE state = old AND epoch = mine`); zero rows is an error with a
name. docs/states.md is drawn from this table.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from einmal.domain.keys import IntentKey
from einmal.domain.model import Wish


class State(StrEnum):
    INTENT = "intent"
    SENT = "sent"
    DOUBT = "doubt"
    CONFIRMED = "confirmed"
    PENDING = "pending"
    REJECTED = "rejected"
    ESCALATED = "escalated"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    MOVED = "moved"
    LOST = "lost"


UNRESOLVED: Final = frozenset({State.INTENT, State.SENT, State.DOUBT, State.ESCALATED})
"""It may have landed, or may still: nobody can tell the caller yes or no."""

BOOKED: Final = frozenset({State.CONFIRMED, State.PENDING})
"""A booking of ours stands in the calendar, as far as we were told."""

LIVE: Final = UNRESOLVED | BOOKED
"""These occupy their slot for their person: a second one beside them would be the duplicate."""

REFUSED: Final = frozenset({State.REJECTED, State.COMPENSATING, State.COMPENSATED, State.DECLINED})
"""The caller was told no, and it stays no for as long as a stored answer is replayed."""

ENDED: Final = frozenset({State.CANCELLED, State.MOVED, State.LOST})
"""There was a booking and it is there no longer: the same wish may be wished again."""


class Event(StrEnum):
    ARMED = "armed"
    SHED = "shed"
    NOT_PROCESSED = "not_processed"
    LANDED_ACCEPTED = "landed_accepted"
    LANDED_PENDING = "landed_pending"
    REFUSED = "refused"
    DOUBTED = "doubted"
    FOUND_ACCEPTED = "found_accepted"
    FOUND_PENDING = "found_pending"
    NOT_OURS_AND_ABSENT = "not_ours_and_absent"
    SETTLED_ABSENT = "settled_absent"
    ESCALATED = "escalated"
    RULED_BOOKED = "ruled_booked"
    RULED_NOT_BOOKED = "ruled_not_booked"
    SURFACED = "surfaced"
    COMPENSATED = "compensated"
    HOST_ACCEPTED = "host_accepted"
    HOST_DECLINED = "host_declined"
    CANCELLED = "cancelled"
    MOVED = "moved"
    VANISHED = "vanished"


MOVES: Final[dict[State, dict[Event, State]]] = {
    State.INTENT: {
        Event.ARMED: State.SENT,
        # The call's budget ran out, the breaker is open, or policy says no. Nothing was sent.
        Event.SHED: State.REJECTED,
    },
    State.SENT: {
        # Failed before the first byte left, or the throttle's own 429: it does not count as a POST.
        Event.NOT_PROCESSED: State.INTENT,
        Event.LANDED_ACCEPTED: State.CONFIRMED,
        Event.LANDED_PENDING: State.PENDING,
        Event.REFUSED: State.REJECTED,
        # A foreign or conflict answer, anything unclear, the deadline passed, the process died.
        Event.DOUBTED: State.DOUBT,
    },
    State.DOUBT: {
        Event.FOUND_ACCEPTED: State.CONFIRMED,
        Event.FOUND_PENDING: State.PENDING,
        Event.NOT_OURS_AND_ABSENT: State.REJECTED,
        Event.SETTLED_ABSENT: State.REJECTED,
        Event.ESCALATED: State.ESCALATED,
    },
    State.ESCALATED: {
        Event.RULED_BOOKED: State.CONFIRMED,
        Event.RULED_NOT_BOOKED: State.REJECTED,
    },
    State.REJECTED: {
        # A live booking with our id appears after all: it is ours to take back.
        Event.SURFACED: State.COMPENSATING,
    },
    State.COMPENSATING: {Event.COMPENSATED: State.COMPENSATED},
    State.COMPENSATED: {},
    State.PENDING: {
        Event.HOST_ACCEPTED: State.CONFIRMED,
        Event.HOST_DECLINED: State.DECLINED,
        Event.CANCELLED: State.CANCELLED,
        Event.MOVED: State.MOVED,
        Event.VANISHED: State.LOST,
    },
    State.CONFIRMED: {
        Event.CANCELLED: State.CANCELLED,
        Event.MOVED: State.MOVED,
        Event.VANISHED: State.LOST,
    },
    State.DECLINED: {},
    State.CANCELLED: {},
    State.MOVED: {},
    State.LOST: {},
}


class IllegalMove(Exception):
    """Not in the table: a bug. Nothing was changed."""

    def __init__(self, state: State, event: Event) -> None:
        allowed = ", ".join(MOVES[state]) or "nothing: it is final"
        super().__init__(f"{state} does not take {event}; it takes {allowed}")


@dataclass(frozen=True, slots=True)
class Intent:
    """We mean to book this. Written before the wire.

    `epoch` counts the sends that surely were not processed; it fences a sender that woke up late.
    `send_deadline` is when a `sent` row is in doubt at the latest, whoever still holds it.
    `attendee_email` is the address the booking was asked for with: the caller's, or one of its own.
    """

    intent_id: str
    operation_id: str
    key: IntentKey
    generation: int
    wish: Wish
    attendee_email: str
    state: State
    epoch: int
    created_at: datetime
    sent_at: datetime | None
    send_deadline: datetime | None
    resolved_at: datetime | None = None
    booking_uid: str | None = None
    doubted_at: datetime | None = None
    not_ours: bool = False
    """The calendar answered that the slot is not ours (conflict, foreign): one complete look ends the doubt."""
    looks: int = 0
    look_at: datetime | None = None
    """When recovery looks at this row next; None for what nobody needs to look at."""
    promised_at: datetime | None = None
    """When the caller was first told that they would hear how it ended."""
    moved_from: str | None = None
    """The intent whose appointment this one is, moved here. Its change says how that ends; recovery leaves it alone."""
    carried_id: str | None = None
    """The operation id that its booking carries where that is not its own: Cal.com keeps it through every move."""

    @property
    def mark(self) -> str:
        """The operation id by which its booking is known."""
        return self.carried_id or self.operation_id

    def advance(self, event: Event, at: datetime, send_deadline: datetime | None = None) -> "Intent":
        """The intent after the event. Raises IllegalMove for what the table does not hold.

        ARMED takes the deadline of the new send; without one the row could never be known to be in doubt.
        """
        state = advance(self.state, event)
        if event is Event.ARMED:
            if send_deadline is None:
                raise ValueError("arming takes a send deadline")
            return replace(self, state=state, sent_at=at, send_deadline=send_deadline)
        epoch = self.epoch + 1 if event is Event.NOT_PROCESSED else self.epoch
        resolved_at = None if state in UNRESOLVED else (self.resolved_at or at)
        # Of what is taken back it tells since when.
        doubted_at = at if event in {Event.DOUBTED, Event.SURFACED} else self.doubted_at
        after = replace(self, state=state, epoch=epoch, resolved_at=resolved_at, doubted_at=doubted_at, look_at=None)
        # Looks are counted anew for the taking back: they bound how often it is tried.
        return replace(after, looks=0) if event is Event.SURFACED else after

    def state_at(self, now: datetime) -> State:
        """The state as it must be read: a `sent` row past its deadline is in doubt, though nobody wrote so."""
        overdue = self.state is State.SENT and self.send_deadline is not None and now > self.send_deadline
        return State.DOUBT if overdue else self.state


def advance(state: State, event: Event) -> State:
    """The next state. Raises IllegalMove for what the table does not hold."""
    try:
        return MOVES[state][event]
    except KeyError:
        raise IllegalMove(state, event) from None
