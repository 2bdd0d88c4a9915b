"""Taking over appointments that another program has booked: what a row of its table becomes, or why it is left out.

What is taken over is known, and so is not booked twice. It is not ours: its booking does not carry our operation id,
so nothing here ever changes it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from einmal.domain.intent import Intent, State
from einmal.domain.keys import IntentKey
from einmal.domain.model import Wish


class LeftWhy(StrEnum):
    """LeftWhy a row is left out. Closed: an operator's script may count by it."""

    NO_BOOKING = "no_booking"
    """It names no booking: a call that came to nothing, or a duplicate that was mended."""
    BOOKING_TWICE = "booking_twice"
    """Another row there names the same booking, and nobody knows whose it is."""
    BOOKING_KNOWN = "booking_known"
    """The ledger has that booking already, from somewhere else."""
    ROW_KNOWN = "row_known"
    """A row of that name was taken over with another booking: another table's, or it has got a new one since."""
    UNKNOWN_SERVICE = "unknown_service"
    UNKNOWN_STATUS = "unknown_status"
    UNREADABLE_TIME = "unreadable_time"
    NO_NAME = "no_name"
    SLOT_TWICE = "slot_twice"
    """The same person has that slot already, under another booking."""
    SKIPPED = "skipped"
    """The mapping says so."""
    REFUSED = "refused"
    """The database did not take it: somebody else was faster with the same."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """`ref` names the row and its source, `detail` what is to be mended; no word of whose it is."""

    ref: str
    why: LeftWhy
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Old:
    """An appointment as the other program has it, in our words."""

    ref: str
    wish: Wish
    end: datetime
    state: State
    booking_uid: str
    created_at: datetime


def taken_over(old: Old, key: IntentKey, generation: int, intent_id: str, operation_id: str) -> Intent:
    """The intent that it is from now on. Nothing of ours was ever sent for it."""
    return Intent(
        intent_id=intent_id,
        operation_id=operation_id,
        key=key,
        generation=generation,
        wish=old.wish,
        # Nobody looks for it by its address: an address of its own it never had.
        attendee_email=old.wish.person.email or "",
        state=old.state,
        epoch=1,
        created_at=old.created_at,
        sent_at=None,
        send_deadline=None,
        resolved_at=old.created_at,
        booking_uid=old.booking_uid,
    )
