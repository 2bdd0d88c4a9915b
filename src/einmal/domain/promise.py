"""What is owed to whom: "you will hear from us" is kept by a message in the same commit that ends the doubt.

A message names what it is about, an intent or a call-back, and nothing else; what it says is read when it is sent, so
it tells what stands then.
"""

from enum import StrEnum

from einmal.domain.callback import Callback
from einmal.domain.intent import UNRESOLVED, Intent, State


class MessageKind(StrEnum):
    RESOLVED = "resolved"
    """A doubt of which the caller was told has ended: booked, requested or not booked."""
    NEEDS_PERSON = "needs_person"
    """No rule decides it; whether or not anything was promised."""
    TAKEN_BACK = "taken_back"
    """A booking that arrived after its "no" was cancelled: the regret of having said it."""
    CONFIRMED = "confirmed"
    """The calendar has told that it made the booking, and it stands: the customer's confirmation."""
    CALLBACK = "callback"
    """Somebody wants to be called back."""


def owed(before: State, after: Intent) -> MessageKind | None:
    """The message that this move makes due, if any."""
    match after.state:
        case State.ESCALATED:
            return MessageKind.NEEDS_PERSON
        case State.COMPENSATED:
            return MessageKind.TAKEN_BACK
        case State.CONFIRMED | State.PENDING | State.REJECTED if before in UNRESOLVED:
            return None if after.promised_at is None else MessageKind.RESOLVED
        case _:
            return None


def confirmed_name(intent: Intent) -> str:
    """The customer's confirmation: one for an appointment, whoever saw that it stands."""
    return f"{intent.intent_id}.confirmed_there"


def message_id(about: Intent | Callback) -> str:
    """The same for every try and every channel; another one for each thing that there is to say of an intent, and one
    for a call-back."""
    return f"{about.callback_id}.requested" if isinstance(about, Callback) else f"{about.intent_id}.{about.state}"
