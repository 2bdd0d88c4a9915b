"""The contract of our own confirmation: where the calendar wrote to the house, the customer hears from us, once.

In the commit that confirms the booking, on SQLite, on PostgreSQL and in memory alike.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contracts.memory_rows import rows_of
from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.change import Change, ChangeEvent, ChangeKind, ChangeState
from einmal.domain.intent import Event, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import BookingStatus, MetadataKey, Wish
from einmal.ports import BookingUidTaken, Candidate, Ledger, Notice, Source, Transition
from einmal.ports.changes import Begun, Conclusion
from einmal.simulator.memory import MemoryBooks, MemoryLedger
from support.evidence import NOW, SECRET, booking, wish
from support.sql import BASES, Base

IDS = SystemIds()
LATER = NOW + timedelta(minutes=1)
CHANNELS = ("log", "webhook", "slack", "mail", "sms")
PHONE = "+491701234567"
ACCEPTED = (Event.LANDED_ACCEPTED,)
NEW = wish().start + timedelta(days=1)


@dataclass(frozen=True)
class Books:
    ledger: Ledger
    rows: Callable[..., list[tuple[Any, ...]]]

    @property
    def news(self) -> list[tuple[str, str]]:
        """Which messages on which channel, by the second half of their ids."""
        return sorted(
            (name.partition(".")[2], channel) for name, channel in self.rows("outbox", "message_id", "channel")
        )


@dataclass(frozen=True)
class SqlBooks(Books):
    ledger: SqlLedger


@contextmanager
def sql_books(base: Base, folder: Path, channels: Sequence[str] = CHANNELS) -> Iterator[SqlBooks]:
    with base(folder) as made:
        made.add_tenant("default")
        yield SqlBooks(made.ledger(IDS, channels), made.rows)


@contextmanager
def memory_books(folder: Path, channels: Sequence[str] = CHANNELS) -> Iterator[Books]:
    tables = MemoryBooks()
    yield Books(MemoryLedger(IDS, channels, books=tables), rows_of(tables))


SQL: dict[str, Callable[..., AbstractContextManager[SqlBooks]]] = {
    name: partial(sql_books, base) for name, base in BASES.items()
}
BACKENDS: dict[str, Callable[..., AbstractContextManager[Books]]] = {**SQL, "memory": memory_books}


@pytest.fixture(params=BACKENDS)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    with BACKENDS[request.param](tmp_path) as made:
        yield made


@pytest.fixture(params=SQL)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBooks]:
    with SQL[request.param](tmp_path) as made:
        yield made


def candidate(of: Wish) -> Candidate:
    operation = IDS.operation_id()
    ids = (IDS.time_ordered(), operation, of.person.email or f"termin+{operation}@salon.test")
    return Candidate(of, None, intent_key(of, SECRET), *ids, NOW, NOW + timedelta(seconds=15))


async def started(books: Books, of: Wish | None = None) -> Intent:
    admitted = (await books.ledger.admit(candidate(of or wish(phone=PHONE)), AdmissionPolicy())).started
    assert admitted is not None
    return admitted


async def moved(books: Books, intent: Intent, *events: Event, **parts: Any) -> Intent:
    return (await books.ledger.apply(Transition(intent, events, LATER, **parts))).intent


async def booked(books: Books, of: Wish | None = None) -> Intent:
    intent = await started(books, of)
    return await moved(books, intent, *ACCEPTED, booking=booking(start=intent.wish.start))


OURS = [("confirmed_there", "sms")]


@pytest.mark.parametrize(
    ("phone", "email", "channels", "news"),
    [
        (PHONE, None, CHANNELS, OURS),
        (PHONE, None, ("log", "sms"), OURS),
        (PHONE, None, ("log", "webhook", "slack", "mail"), []),
        (PHONE, "anna@gast.test", CHANNELS, []),
        (None, "anna@gast.test", CHANNELS, []),
        (None, None, CHANNELS, []),
        (PHONE, None, (), []),
    ],
)
@pytest.mark.parametrize("backend", BACKENDS)
async def test_who_gave_no_e_mail_hears_from_us_where_a_channel_reaches_them(  # a row of the table, on each backend
    backend: str,
    phone: str | None,
    email: str | None,
    channels: Sequence[str],
    news: list[tuple[str, str]],
    tmp_path: Path,
) -> None:
    """The calendar mails whoever has an address of their own; the house and its log need not hear of each booking."""
    with BACKENDS[backend](tmp_path, channels) as books:
        await booked(books, wish(phone=phone, email=email))
        assert books.news == news


async def test_a_doubt_that_nobody_was_told_of_ends_with_our_confirmation(books: Books) -> None:
    """Found after the call was over: it is confirmed as any other."""
    doubt = await moved(books, await started(books), Event.DOUBTED)
    await moved(books, doubt, Event.FOUND_ACCEPTED, booking=booking())
    assert books.news == OURS


async def test_who_hears_what_was_promised_hears_it_once(books: Books) -> None:
    """The promised news says that it stands; no second message does."""
    doubt = await moved(books, await started(books), Event.DOUBTED)
    await books.ledger.promise(doubt.intent_id, LATER)
    await moved(books, doubt, Event.FOUND_ACCEPTED, booking=booking())
    assert books.news == [("confirmed", channel) for channel in ("log", "sms", "webhook")]


async def test_what_a_person_ruled_to_be_booked_is_confirmed(books: Books) -> None:
    """The house heard that it must rule; the customer hears the ruling."""
    ends = (Event.DOUBTED, Event.ESCALATED)
    escalated = await moved(books, await started(books), *ends)
    await moved(books, escalated, Event.RULED_BOOKED, booking=booking())
    assert [one for one in books.news if one[0] != "escalated"] == OURS


async def test_what_its_host_has_not_accepted_is_not_confirmed(books: Books) -> None:
    """Once the host has, every channel hears, as ever, under the same id."""
    asked = booking(status=BookingStatus.PENDING)
    pending = await moved(books, await started(books), Event.LANDED_PENDING, booking=asked)
    assert books.news == []
    await moved(books, pending, Event.HOST_ACCEPTED)
    assert books.news == [("confirmed_there", channel) for channel in ("log", "sms", "webhook")]


@pytest.mark.parametrize("end", [Event.SETTLED_ABSENT, Event.NOT_OURS_AND_ABSENT])
async def test_what_was_not_booked_is_not_confirmed(books: Books, end: Event) -> None:
    await moved(books, await moved(books, await started(books), Event.DOUBTED), end)
    assert books.news == []


async def test_a_move_that_was_not_written_confirms_nothing(books: Books) -> None:
    """Layer 4 refuses the booking: the message is refused with it."""
    await booked(books, wish(phone="+4930901820", conversation_id="call_1"))
    other = await started(books, wish(start=NEW, phone=PHONE, conversation_id="call_2"))
    with pytest.raises(BookingUidTaken):
        await moved(books, other, *ACCEPTED, booking=booking())
    assert books.news == OURS
    stored = await books.ledger.stored(other.intent_id)
    assert stored is not None
    assert stored.intent.state is State.SENT


async def test_the_calendars_webhook_adds_no_second_message(written: SqlBooks) -> None:
    """What others have to hear of it goes out when Cal.com tells; the SMS that went already has the same id."""
    intent = await booked(written)
    (message,) = await written.ledger.outbox.claim_messages(LATER, LATER, 9)
    await written.ledger.outbox.sent(message, LATER)
    notice = Notice("default", Source.CALCOM, "d1", "BOOKING_CREATED", intent.booking_uid, {}, (), None)
    await written.ledger.inbox.receive(notice, LATER, LATER)
    (entry,) = await written.ledger.inbox.claim_due(LATER, LATER + timedelta(minutes=1), 9, ("default",))
    await written.ledger.inbox.noted(str(intent.booking_uid), entry, LATER)
    assert written.news == [("confirmed_there", channel) for channel in ("log", "sms", "webhook")]
    due = await written.ledger.outbox.claim_messages(LATER, LATER + timedelta(minutes=1), 9)
    assert sorted(one.channel for one in due) == ["log", "webhook"]


async def test_what_is_moved_here_is_confirmed_at_its_new_time(written: SqlBooks) -> None:
    """Another appointment is another confirmation; that of the old time was another message."""
    intent = await booked(written)
    to = candidate(replace(intent.wish, start=NEW))
    ids = (IDS.time_ordered(), "default", ChangeKind.MOVE, intent.intent_id, str(intent.booking_uid))
    change = Change(*ids, ChangeState.SENT, LATER, LATER, look_at=LATER, successor_id=to.intent_id)
    assert isinstance(await written.ledger.changes.begin(change, to, AdmissionPolicy()), Begun)
    became = booking(uid="uid-2", start=NEW)
    await written.ledger.changes.conclude(Conclusion(change, ChangeEvent.SHOWN, LATER, booking=became))
    names = {name for name, _ in written.rows("outbox", "message_id", "channel")}
    assert names == {f"{one}.confirmed_there" for one in (intent.intent_id, to.intent_id)}


async def test_what_others_moved_they_tell_of(written: SqlBooks) -> None:
    """The ledger follows the calendar; whoever dragged it there has told the customer, or has not."""
    intent = await booked(written)
    before = written.news
    became = replace(booking(uid="uid-2", start=NEW), metadata={MetadataKey.OPERATION_ID: intent.operation_id})
    to = candidate(replace(intent.wish, start=NEW))
    after = await written.ledger.changes.follow(intent, became.status, LATER, (to, became))
    assert (after.intent.state, written.news) == (State.CONFIRMED, before)
