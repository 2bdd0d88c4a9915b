"""Whose message it is: how a house is called, in which words it speaks, and what is never written to."""

from collections.abc import Callable
from dataclasses import dataclass

from einmal.domain.intent import BOOKED, REFUSED, State
from einmal.domain.keys import is_house_address
from einmal.ports import Message, StoredReply
from einmal.speech.contact import nobodys_address
from einmal.speech.news import Became
from einmal.speech.sentences import Voice


@dataclass(frozen=True, slots=True)
class Letterhead:
    """`name` is absent where the tenant has none but its id."""

    name: str | None
    voice: Voice
    house_email: str


LetterheadOf = Callable[[str], Letterhead]
"""By tenant id."""


def became(stored: StoredReply) -> Became | None:
    """What may be told now of the appointment that was wished for; None where something newer is to be told, or nobody
    can tell."""
    state = stored.intent.state
    if state in BOOKED:
        if stored.booking is None or stored.changing:
            return None
        return Became.BOOKED if state is State.CONFIRMED else Became.REQUESTED
    if state is State.CANCELLED:
        return Became.CANCELLED
    return Became.NOT_BOOKED if state in REFUSED else None


def is_of_the_intent(message: Message, stored: StoredReply) -> bool:
    """Not of a change of it, nor of several that are one appointment: their news is about more than this booking."""
    return message.message_id.startswith(f"{stored.intent.intent_id}.")


def own_address(email: str | None, house_email: str) -> str | None:
    """The customer's own e-mail: no placeholder, and none of the house's."""
    if email is None or nobodys_address(email) or is_house_address(email, house_email):
        return None
    return email


def tenant_of(message: Message) -> str:
    about = message.about
    return about.intent.wish.tenant_id if isinstance(about, StoredReply) else about.tenant_id
