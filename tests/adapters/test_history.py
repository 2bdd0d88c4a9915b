"""The History port on SQLite: what it reads of a window, what it leaves out, and that it cannot write."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.history import SqlHistory
from einmal.adapters.sql.ledger import SqliteLedger
from einmal.adapters.sql.sqlite import SqliteInline, SqliteStore
from einmal.adapters.sql.steps import only
from einmal.adapters.sql.tenants import ensure_tenant
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.evidence import RequestKind
from einmal.domain.intent import Event, Intent
from einmal.domain.keys import intent_key
from einmal.domain.model import BookingStatus, Person
from einmal.domain.reply import Outcome, Reply
from einmal.ports import Candidate, LedgerUnavailable, Recorded, Transition
from support.evidence import NOW, SECRET, booking, wish
from support.ledger_file import new_ledger

IDS = SystemIds()
SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(minutes=5)
BEFORE = NOW - timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = new_ledger(tmp_path / "ledger.sqlite3")
    ensure_tenant(made, "default", "Salon", (), NOW)
    return made


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    made = SqliteLedger(path, IDS, ("log",), SqliteInline)
    made.open()
    yield made
    made.close()


def read(path: Path, since: Any = BEFORE, tenant_id: str = "default") -> Recorded:
    ledger = SqliteLedger(path, IDS)
    ledger.open()
    try:
        return asyncio.run(ledger.history.recorded(tenant_id, since))
    finally:
        ledger.close()


async def begun(ledger: SqliteLedger, call: str = "call_1", **changes: Any) -> Intent:
    of = wish(conversation_id=call, **changes)
    key, operation = intent_key(of, SECRET), IDS.operation_id()
    candidate = Candidate(of, None, key, IDS.time_ordered(), operation, "a@b.de", NOW, NOW + 15 * SECOND)
    started = (await ledger.admit(candidate, AdmissionPolicy())).started
    assert started is not None
    return started


async def ended(
    ledger: SqliteLedger, intent: Intent, event: Event, uid: str | None, answer: Answer, **more: Any
) -> Intent:
    seen = None if uid is None else booking(uid=uid, **more.pop("seen", {}))
    return (await ledger.apply(Transition(intent, (event,), LATER, answer, seen, **more))).intent


def nameless(intent: Intent) -> Intent:
    """As it is read: who somebody is nobody asks here."""
    wish = replace(intent.wish, person=Person(""), staff=None)
    return replace(intent, wish=wish, attendee_email="")


def bend(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_an_empty_ledger(path: Path) -> None:
    assert read(path) == Recorded((), 0)


def test_what_is_read_of_a_booking_and_of_a_no(path: Path, ledger: SqliteLedger) -> None:
    """Its row with its appointment; the stored answer with its time; the POST, and whether it may have landed."""

    async def story() -> tuple[Intent, Intent]:
        one = await ended(ledger, await begun(ledger), Event.LANDED_ACCEPTED, "uid-1", Answer(AnswerKind.BOOKING))
        two = await begun(ledger, "call_2", name="Anna Berg", start=wish().start + timedelta(hours=1))
        no = Reply(Outcome.REJECTED)
        return one, await ended(ledger, two, Event.REFUSED, None, Answer(AnswerKind.REFUSED), reply=no)

    one, two = asyncio.run(story())
    seen = read(path)
    assert [row.intent for row in seen.rows] == [nameless(one), nameless(two)]
    assert [(row.uid, row.start, row.ref is None) for row in seen.rows] == [
        ("uid-1", booking().start, False),
        (None, None, True),
    ]
    [no] = seen.refusals
    assert (no.at, no.outcome, no.intent_id, no.call_id) == (LATER, Outcome.REJECTED, two.intent_id, "call_2")
    assert [(post.kind, post.about, post.processed, post.at) for post in seen.posts] == [
        (RequestKind.POST, one.operation_id, True, LATER.timestamp()),
        (RequestKind.POST, two.operation_id, False, LATER.timestamp()),
    ]
    assert (seen.total, seen.unread, seen.waited, seen.news) == (2, 0, frozenset(), frozenset())
    assert read(path, tenant_id="another") == Recorded((), 0)


@pytest.mark.parametrize(
    ("since", "seen"),
    [
        (NOW, True),
        (NOW + SECOND, True),
        (wish().start, True),
        (wish().start + SECOND, False),
    ],
)
def test_the_window_is_of_birth_or_of_the_slot(path: Path, ledger: SqliteLedger, since: Any, seen: bool) -> None:
    """Whichever is later; how many there are in all is told besides."""
    asyncio.run(begun(ledger))
    found = read(path, since)
    assert (len(found.rows), found.total) == (int(seen), 1)


def test_a_booking_that_waits_for_its_host_waited(path: Path, ledger: SqliteLedger) -> None:
    """Also once it has been accepted."""

    async def story() -> Intent:
        pending = {"status": BookingStatus.PENDING}
        return await ended(
            ledger, await begun(ledger), Event.LANDED_PENDING, "uid-1", Answer(AnswerKind.BOOKING), seen=pending
        )

    pending = asyncio.run(story())
    assert read(path).waited == {"uid-1"}
    asyncio.run(ledger.apply(Transition(pending, (Event.HOST_ACCEPTED,), LATER + SECOND)))
    assert read(path).waited == {"uid-1"}


def test_news_that_was_given_up_is_no_news(path: Path, ledger: SqliteLedger) -> None:
    """What is to be sent, and what was sent, is told or will be."""

    async def story() -> Intent:
        sent = await begun(ledger)
        doubt = (await ledger.apply(Transition(sent, (Event.DOUBTED,), NOW + SECOND, look_at=NOW))).intent
        await ledger.promise(doubt.intent_id, NOW + 2 * SECOND)
        seen = booking(uid="uid-1")
        return (await ledger.apply(Transition(doubt, (Event.FOUND_ACCEPTED,), LATER, None, seen))).intent

    intent_id = asyncio.run(story()).intent_id
    assert read(path).news == {intent_id}
    bend(path, "UPDATE outbox SET due_at = NULL, sent_at = '2026-11-23T10:00:00.000Z'")
    assert read(path).news == {intent_id}
    bend(path, "UPDATE outbox SET due_at = NULL, sent_at = NULL")
    assert read(path).news == frozenset()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE intents SET state = 'dreamt' WHERE conversation_id = 'call_1'",
        "UPDATE intents SET start_at = 'tomorrow' WHERE conversation_id = 'call_1'",
        "UPDATE intents SET reply = '{}', resolved_at = created_at WHERE conversation_id = 'call_1'",
    ],
)
def test_a_row_that_cannot_be_read_hides_no_other(path: Path, ledger: SqliteLedger, statement: str) -> None:
    asyncio.run(begun(ledger))
    other = asyncio.run(begun(ledger, "call_2", name="Anna Berg", start=wish().start + timedelta(hours=1)))
    bend(path, statement)
    seen = read(path)
    assert ([row.intent for row in seen.rows], seen.unread) == ([nameless(other)], 1)


def test_an_answer_that_this_code_does_not_know_may_have_landed(path: Path, ledger: SqliteLedger) -> None:
    async def story() -> None:
        await ended(ledger, await begun(ledger), Event.REFUSED, None, Answer(AnswerKind.REFUSED))

    asyncio.run(story())
    assert [post.processed for post in read(path).posts] == [False]
    bend(path, "UPDATE attempts SET kind = 'whispered'")
    assert [post.processed for post in read(path).posts] == [True]


def test_it_reads_and_cannot_write(path: Path) -> None:
    """The connection is told so itself; and a ledger that is gone is said."""
    store = SqliteStore(path)
    store.open()
    with pytest.raises(LedgerUnavailable):
        asyncio.run(store.snapshot(only("DELETE FROM intents")))
    store.close()
    with pytest.raises(LedgerUnavailable):
        asyncio.run(SqlHistory(store).recorded("default", BEFORE))
