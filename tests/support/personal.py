"""A person with a row of each kind that can hold something of them, and a look at everything that a database holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.system import SystemIds
from einmal.domain.admission import Admission, AdmissionPolicy
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.callback import Callback
from einmal.domain.intent import Event, Intent
from einmal.domain.keys import intent_key, person_key
from einmal.domain.model import Booking, MetadataKey, Person, Wish
from einmal.ports import CallContact, Candidate, Notice, Source, Transition
from einmal.ports.forgetting import Whom
from einmal.ports.journal import FunctionCalled
from support.evidence import CALL, NOW, SECRET, booking, wish
from support.sql import SqlBase

IDS: Final = SystemIds()
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
NAME, PHONE, EMAIL = "Kanaria Vogelsang", "+4915788854321", "kanari.enz@vogel.test"
NOTE, WHEN, SAID, STAFF = "Der Kanarienvogel: «verschieben»", "Sonntagnacht", "Gern, Frau Vogelsang!", "Tante Trude"
CANARIES: Final = (NAME, PHONE, EMAIL, NOTE, WHEN, SAID, STAFF)
START: Final = NOW + DAY
END: Final = START + timedelta(minutes=30)

TABLES: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgres": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
}


def whom(phone: str | None = PHONE, email: str | None = None) -> Whom:
    key = person_key(Person("-", phone, email), None, SECRET)
    return Whom(phone, key.phone_hash, email, key.email_hash)


@dataclass(frozen=True)
class Guest:
    """Who booked, and what came of it."""

    intent: Intent
    booking: Booking


def person_wish(call: str = CALL, start: datetime = START, **parts: str | None) -> Wish:
    who = {"name": NAME, "phone": PHONE, "email": EMAIL} | parts
    return wish(conversation_id=call, start=start, staff=STAFF, **who)


async def admitted(ledger: SqlLedger, of: Wish, now: datetime = NOW) -> tuple[Admission, Intent | None]:
    operation = IDS.operation_id()
    call = None if of.conversation_id is None else CallContact("retell", of.conversation_id, "agent_1")
    address = of.person.email or f"termin+{operation}@salon.test"
    ids = (IDS.time_ordered(), operation, address)
    candidate = Candidate(of, call, intent_key(of, SECRET), *ids, now, now + MINUTE)
    told = await ledger.admit(candidate, AdmissionPolicy())
    return told.admission, told.started


async def begun(ledger: SqlLedger, of: Wish, now: datetime = NOW) -> Intent:
    admission, started = await admitted(ledger, of, now)
    assert started is not None, admission
    return started


async def booked(ledger: SqlLedger, of: Wish | None = None, uid: str = "uid-1", now: datetime = NOW) -> Guest:
    """The intent as sent, its answer with name and address in it, the appointment, the customer."""
    intent = await begun(ledger, of or person_wish(), now)
    person = intent.wish.person
    marked = {MetadataKey.CALL_ID: intent.wish.conversation_id or "", MetadataKey.OPERATION_ID: intent.operation_id}
    given = booking(
        uid=uid,
        start=intent.wish.start,
        end=intent.wish.end,
        metadata=marked,
        attendee_name=person.name,
        attendee_emails=(intent.attendee_email,),
    )
    answer = Answer(AnswerKind.BOOKING, given, 201, elapsed=timedelta(milliseconds=412))
    stands = await ledger.apply(Transition(intent, (Event.LANDED_ACCEPTED,), now, answer, given))
    return Guest(stands.intent, given)


async def lived(ledger: SqlLedger, base: SqlBase) -> Guest:
    """A whole life in the ledger: booked, told, called back, told of by a webhook, all news sent."""
    guest = await booked(ledger)
    calling = Callback(IDS.time_ordered(), "default", CALL, NAME, PHONE, NOTE, WHEN, NOW)
    await ledger.callbacks.note(calling)
    await ledger.callbacks.done(calling.callback_id, NOW + MINUTE)
    told = ("01served", "default", CALL, NOW, "retell", "book_appointment", "booked", SAID, MINUTE)
    await ledger.journal.write((FunctionCalled(*told),))
    notice = Notice("default", Source.CALCOM, "digest", "BOOKING_CREATED", "uid-1", {"uids": ["uid-1"]}, ("uid-1",))
    received = await ledger.inbox.receive(notice, NOW, NOW)
    await ledger.inbox.handled(received.inbox_id, "as_known", NOW)
    for message in await ledger.outbox.claim_messages(NOW + MINUTE, NOW + 2 * MINUTE, 50):
        await ledger.outbox.sent(message, NOW + MINUTE)
    assert not base.run("SELECT 1 FROM outbox WHERE due_at IS NOT NULL")
    return guest


def everything(base: SqlBase) -> str:
    """Each row of each table; of a file its bytes too, with what is beside it: what was deleted may still lie there."""
    kind = "sqlite" if isinstance(base.where, Path) else "postgres"
    text = ""
    for (table,) in base.run(TABLES[kind]):
        text += repr(base.run(f"SELECT * FROM {table}"))  # noqa: S608 - the schema's own names
    if isinstance(base.where, Path):
        for file in sorted(base.where.parent.glob(f"{base.where.name}*")):
            text += file.read_bytes().decode("utf-8", "replace")
    return text


def canaries_in(base: SqlBase) -> list[str]:
    """Who is still named there; of whose name a half, too."""
    text = everything(base).casefold()
    return [one for one in (*CANARIES, "vogelsang", "kanari") if one.casefold() in text]
