"""The reply: what the agent may say. "Booked" is reachable only from a confirmed intent.

A reply is data in domain words; the sentence is made of it at the edge, in the caller's language. The
table of docs (contract, section 1) is the two dictionaries below.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from einmal.domain.intent import BOOKED, UNRESOLVED, Intent, State
from einmal.domain.model import Offer


class Outcome(StrEnum):
    BOOKED = "booked"
    REQUESTED = "requested"
    ALREADY_BOOKED = "already_booked"
    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"
    SLOT_TAKEN = "slot_taken"
    NEEDS_INPUT = "needs_input"
    IN_DOUBT = "in_doubt"
    REJECTED = "rejected"
    ERROR = "error"
    CANCELLED = "cancelled"
    RESCHEDULED = "rescheduled"
    RESERVED = "reserved"
    RELEASED = "released"
    NOTED = "noted"
    """Somebody will call back."""


SUCCESS: Final = frozenset(
    {
        *(Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED, Outcome.AVAILABLE),
        *(Outcome.CANCELLED, Outcome.RESCHEDULED, Outcome.RESERVED, Outcome.RELEASED, Outcome.NOTED),
    }
)

CONFIRMATION_STATUS: Final[dict[Outcome, str]] = {
    Outcome.BOOKED: "confirmed",
    Outcome.REQUESTED: "pending",
    Outcome.ALREADY_BOOKED: "confirmed",
    Outcome.AVAILABLE: "awaiting_confirmation",
    Outcome.UNAVAILABLE: "error",
    Outcome.SLOT_TAKEN: "error",
    Outcome.NEEDS_INPUT: "error",
    Outcome.IN_DOUBT: "in_doubt",
    Outcome.REJECTED: "error",
    Outcome.ERROR: "error",
    Outcome.CANCELLED: "cancelled",
    Outcome.RESCHEDULED: "confirmed",
    Outcome.RESERVED: "awaiting_confirmation",
    Outcome.RELEASED: "none",
    Outcome.NOTED: "none",
}


class Why(StrEnum):
    """Which sentence explains the outcome, where the outcome alone does not say it."""

    PLAIN = "plain"
    NOT_OFFERED = "not_offered"
    TOO_BUSY = "too_busy"
    UNREACHABLE = "unreachable"
    NOTHING_NEW = "nothing_new"
    """Our own books could not be read: nothing was booked now; whether something stands from before is unknown."""
    CHOICE = "choice"
    """Not one slot was asked for, but what there is."""
    KEY_REUSED = "key_reused"
    UNPROMISED = "unpromised"
    """In doubt, and nobody can be sure that the caller will be told later: so it is not said."""
    OTHER_IN_DOUBT = "other_in_doubt"
    """Another wish of this person has no answer yet; this one was not begun."""
    HUNG_UP = "hung_up"
    TOO_MANY = "too_many"
    TOO_FAST = "too_fast"
    """Too much was asked at once, so this was not begun."""
    ENOUGH = "enough"
    """One phone call has had as many appointments as it may."""
    TOO_LATE = "too_late"
    """Past the notice that the house wants for it."""
    NOT_FOUND = "not_found"
    """No appointment of this caller's fits what was said."""
    STANDS = "stands"
    """The appointment could not be moved, and is where it was."""
    UNCHANGED = "unchanged"
    """Nothing could be changed now, and surely nothing was."""
    UNREADABLE = "unreadable"
    """Our own books could not be read, and nothing was asked of them but that."""
    CHANGING = "changing"
    """A change is in doubt: the appointment may be as it was, or not."""
    CHANGING_UNPROMISED = "changing_unpromised"
    BEFORE = "before"
    """It was so already."""
    UNSURE = "unsure"
    """What was to be noted may not have been."""


class Missing(StrEnum):
    """What must be asked.

    PAST and ODD values: it was said, and cannot be used as it was said. UNCLEAR: it can be read as the reply's
    `readings`, and they are asked. WIDE: it names more than one day or time (next week, in the morning).
    """

    NAME = "name"
    SERVICE = "service"
    DATE = "date"
    TIME = "time"
    DATE_PAST = "date_past"
    DATE_ODD = "date_odd"
    DATE_UNCLEAR = "date_unclear"
    DATE_WIDE = "date_wide"
    TIME_ODD = "time_odd"
    TIME_UNCLEAR = "time_unclear"
    TIME_WIDE = "time_wide"
    TIME_SKIPPED = "time_skipped"
    SERVICE_UNKNOWN = "service_unknown"
    EMAIL_ODD = "email_odd"
    CONFIRMATION_ODD = "confirmation_odd"
    DECISION = "decision"
    """This person has something else that day: keep that, have both, or move it."""
    AGAIN = "again"
    """This call had just that, and it was cancelled or moved since: is it wanted once more?"""
    NAME_ON = "name_on"
    """The name that the appointment is under."""
    APPOINTMENT = "appointment"
    """Which of several, or the day and time of it."""
    STAFF_UNKNOWN = "staff_unknown"
    STAFF_OPEN = "staff_open"
    """By whom it is done cannot be promised: does it matter?"""
    PHONE = "phone"

    @property
    def field(self) -> str:
        """The field of the function call that the question is about."""
        return self.value.partition("_")[0]


@dataclass(frozen=True, slots=True)
class BookedSlot:
    """The appointment as the remote record has it."""

    ref: str
    start: datetime
    end: datetime
    service: str
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    outcome: Outcome
    why: Why = Why.PLAIN
    booking: BookedSlot | None = None
    asked_start: datetime | None = None
    alternatives: tuple[Offer, ...] = ()
    missing: tuple[Missing, ...] = ()
    choices: tuple[str, ...] = ()
    """What may be answered to a question: the names of the services, say."""
    readings: tuple[datetime, ...] = ()
    """What the first question reads back: instants, or days (their noon) where it asks for a date without a time."""
    error_id: str | None = None
    note: str | None = None
    """What the house itself says to it, word for word: a fee, say."""

    @property
    def success(self) -> bool:
        return self.outcome in SUCCESS

    @property
    def do_not_rebook(self) -> bool:
        return self.outcome is Outcome.IN_DOUBT


def reply_to_state(intent: Intent, state: State, booking: BookedSlot | None) -> Reply:
    """What may be said of an intent that is in this state. `booking` is needed where one is said to stand.

    The reply to a refusal is stored when it is made (it holds the alternatives of that moment); this is
    the floor for everything else.
    """
    if state in BOOKED and booking is not None:
        outcome = Outcome.BOOKED if state is State.CONFIRMED else Outcome.REQUESTED
        return Reply(outcome, booking=booking, asked_start=intent.wish.start)
    if state is State.CANCELLED and booking is not None:
        return Reply(Outcome.CANCELLED, booking=booking, asked_start=intent.wish.start)
    if state in UNRESOLVED or state in BOOKED:
        # BOOKED without its record: we know that something stands, and not what. Say no more than that.
        return Reply(Outcome.IN_DOUBT, asked_start=intent.wish.start)
    return Reply(Outcome.SLOT_TAKEN, asked_start=intent.wish.start)
