"""What a message of the outbox says to the house, or to the customer. None where there is nothing to say now."""

from datetime import datetime

from einmal.adapters.notify.letterhead import Letterhead, became, is_of_the_intent
from einmal.adapters.notify.plain import plain
from einmal.domain.callback import Callback
from einmal.domain.intent import State
from einmal.domain.promise import MessageKind
from einmal.domain.reach import FOR_THE_CALLER
from einmal.ports import Message, StoredReply
from einmal.speech.news import News, of_a_call_back, to_the_customer, to_the_house
from einmal.speech.said import Language, say_instant

NAME_MAX = 60
"""Letters of a service or a house, in what must stay short."""


def for_the_house(message: Message, head: Letterhead, language: Language, now: datetime) -> News | None:
    """In the installation's language: what happened, what somebody has to do, and how to look it up. Nobody's name."""
    about = message.about
    if isinstance(about, Callback):
        # Somebody has called already.
        return None if about.done_at is not None else of_a_call_back(about.callback_id, head.name, language)
    ruled = is_of_the_intent(message, about) and about.intent.state is not State.ESCALATED
    how = became(about)
    match message.kind:
        case MessageKind.NEEDS_PERSON if ruled:
            return None
        case MessageKind.RESOLVED if how is None:
            return None
        case MessageKind.CONFIRMED:
            return None
        case kind:
            service, when = plain(about.intent.wish.service.name, NAME_MAX), _when(about, head, language, now)
            rules = kind is MessageKind.NEEDS_PERSON and is_of_the_intent(message, about)
            return to_the_house(kind, service, when, how, head.name, about.intent.intent_id, language, rules=rules)


def for_the_customer(message: Message, head: Letterhead, now: datetime, *, signed: bool = False) -> News | None:
    """In the language of their house. Nothing that they said is repeated: the address may be a stranger's."""
    about = message.about
    if isinstance(about, Callback) or message.kind not in FOR_THE_CALLER:
        return None
    how = became(about)
    if how is None or (message.kind is MessageKind.CONFIRMED and how is not how.BOOKED):
        return None
    language = head.voice.language
    service, when = plain(about.intent.wish.service.name, NAME_MAX), _when(about, head, language, now)
    return to_the_customer(how, service, when, head.name, language, signed=signed)


def _when(about: StoredReply, head: Letterhead, language: Language, now: datetime) -> str:
    start = about.intent.wish.start if about.booking is None else about.booking.start
    return say_instant(start, head.voice.zone, language, now)
