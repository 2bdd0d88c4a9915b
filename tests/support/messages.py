"""Messages of the outbox, about somebody whose every word would be recognised where it must not be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from einmal.adapters.notify.letterhead import Letterhead
from einmal.domain.callback import Callback
from einmal.domain.intent import Intent, State
from einmal.domain.model import Service
from einmal.domain.promise import MessageKind, confirmed_name
from einmal.domain.reply import BookedSlot
from einmal.ports import Message, StoredReply
from einmal.speech.said import Language
from einmal.speech.sentences import Voice
from support.evidence import CALL, NOW, intent, wish

START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SLOT = BookedSlot("01ref", START, START + timedelta(minutes=30), "Beratung", "Mia Müller")
UID = "8Gdq2bPmGxR1TzJ4oWn5yV"
PERSON = {"name": "Jürgen Kanarienvogel", "phone": "+4930987654", "email": "canary@person.test"}
CANARIES = ("Kanarienvogel", "+4930987654", "30987654", "canary@person", "verschieben")
BERLIN = ZoneInfo("Europe/Berlin")
SALON = Letterhead("Salon Größe", Voice(Language.GERMAN, BERLIN), "termin@salon.test")
SPOKEN_TO = {Language.GERMAN: SALON, Language.ENGLISH: replace(SALON, voice=Voice(Language.ENGLISH, BERLIN))}

HOSTILE = {
    "line break": "Anna\r\nBcc: all@person.test\r\n\r\nKlicken Sie hier",
    "html": '<img src=x onerror="alert(1)"><b>Anna</b>',
    "slack": "<!channel> <https://evil.test|Cal.com> & mehr",
    "bidi": "Anna \u202eßieW\u202c\u2066\u200f",
    "surrogate": "Anna \ud800\0 Weiß",
    "long": "A" * 5_000,
}
"""Names and notes as somebody might say them to see what becomes of it."""


def a_message(
    kind: MessageKind = MessageKind.RESOLVED,
    state: State = State.CONFIRMED,
    channel: str = "any",
    of: Intent | None = None,
    **person: Any,
) -> Message:
    """News of a wish; with an appointment where one stands or stood. `service` names what was wished for."""
    service = Service("101", person.pop("service", "Beratung"), 101, 30)
    the_wish = wish(**PERSON | person, service=service)
    stood = state in {State.CONFIRMED, State.PENDING, State.CANCELLED}
    uid = UID if stood else None
    the_intent = of or intent(state, the_wish, promised_at=NOW, booking_uid=uid)
    name = confirmed_name(the_intent) if kind is MessageKind.CONFIRMED else f"{the_intent.intent_id}.{state}"
    slot = replace(SLOT, service=service.name) if stood else None
    return Message(name, channel, kind, NOW, 0, StoredReply(the_intent, slot, None))


def a_call_back(**parts: Any) -> Message:
    """Somebody wants to be called back."""
    told = {
        "callback_id": "01callback",
        "tenant_id": "default",
        "conversation_id": CALL,
        "name": PERSON["name"],
        "phone": PERSON["phone"],
        "note": "Der Kanarienvogel: «verschieben»",
        "wanted": "morgen ab 17 Uhr",
        "created_at": NOW,
    }
    return Message("01callback.requested", "any", MessageKind.CALLBACK, NOW, 0, Callback(**told | parts))


OF_A_CHANGE = "01change.done"
"""The id of news that is not about the booking itself."""
