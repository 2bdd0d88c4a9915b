"""After the booking: the appointment follows its intent, what was said stays, and a second send is fenced.

Every ledger must do all of this, as in test_ledger.py; at the end is what only a file can do.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contracts.memory_rows import rows_of
from einmal.adapters.sql.ledger import SCHEMA_HEAD
from einmal.adapters.sql.migrate import SchemaMismatch, schema_version, upgrade
from einmal.adapters.sql.sqlite import SqliteThread, connect
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.intent import Event, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import BookingStatus, Wish
from einmal.domain.reply import Outcome, Reply
from einmal.ports import Candidate, Ledger, StoredReply, Transition
from einmal.simulator.memory import MemoryLedger
from support.evidence import NOW, SECRET, booking, wish
from support.sql import BASES, Base

IDS = SystemIds()


@dataclass
class Book:
    ledger: Ledger
    rows: Callable[..., list[tuple[Any, ...]]]

    async def started(self, of: Wish | None = None) -> Intent:
        the_wish = of or wish(phone="+4930901820")
        key, operation = intent_key(the_wish, SECRET), IDS.operation_id()
        deadline = NOW + timedelta(seconds=15)
        candidate = Candidate(the_wish, None, key, IDS.time_ordered(), operation, "a@b.test", NOW, deadline)
        started = (await self.ledger.admit(candidate, AdmissionPolicy())).started
        assert started is not None
        return started

    async def moved(self, intent: Intent, *events: Event, **parts: Any) -> StoredReply:
        return await self.ledger.apply(Transition(intent, events, NOW, **parts))

    async def booked(self, status: BookingStatus = BookingStatus.ACCEPTED) -> StoredReply:
        event = Event.LANDED_ACCEPTED if status is BookingStatus.ACCEPTED else Event.LANDED_PENDING
        return await self.moved(await self.started(), event, booking=booking(uid="uid-1", status=status))


@contextmanager
def sql_book(base: Base, folder: Path) -> Iterator[Book]:
    with base(folder) as made:
        made.add_tenant("default")
        yield Book(made.ledger(IDS), made.rows)


@contextmanager
def memory_book(folder: Path) -> Iterator[Book]:
    ledger = MemoryLedger(IDS)
    yield Book(ledger, rows_of(ledger.books))


BACKENDS: dict[str, Callable[[Path], AbstractContextManager[Book]]] = {
    **{name: partial(sql_book, base) for name, base in BASES.items()},
    "memory": memory_book,
}


@pytest.fixture(params=BACKENDS)
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Book]:
    with BACKENDS[request.param](tmp_path) as made:
        yield made


@pytest.mark.parametrize("event", [Event.CANCELLED, Event.MOVED, Event.VANISHED])
async def test_an_ended_booking_is_no_live_appointment(book: Book, event: Event) -> None:
    """It keeps its uid, is not counted, and is not told to anybody as theirs."""
    stands = await book.booked()
    assert await book.ledger.appointments_count("default", "Jürgen Groß") == 1
    ended = await book.moved(stands.intent, event)
    assert await book.ledger.appointments_count("default", "Jürgen Groß") == 0
    known = await book.ledger.known_booking("uid-1", await book.started(wish(phone="+4930555", name="Anna Vogel")))
    assert known is not None
    assert not known.live
    assert book.rows("appointments", "status", "calcom_v2_booking_id") == [(ended.intent.state.value, "uid-1")]


async def test_a_host_who_accepts_confirms_the_appointment(book: Book) -> None:
    requested = await book.booked(BookingStatus.PENDING)
    assert book.rows("appointments", "status", "confirmed_at") == [("pending", None)]
    accepted = await book.moved(requested.intent, Event.HOST_ACCEPTED)
    assert accepted.intent.state is State.CONFIRMED
    assert accepted.booking == requested.booking
    ((status, confirmed_at),) = book.rows("appointments", "status", "confirmed_at")
    assert status == "confirmed"
    assert confirmed_at is not None


async def test_when_it_was_first_confirmed_stays_on_record(book: Book) -> None:
    """Also where its host is heard of after that."""
    requested = await book.moved(await book.started(), Event.LANDED_PENDING, booking=booking(uid="uid-1"))
    await book.ledger.apply(Transition(requested.intent, (Event.HOST_ACCEPTED,), NOW + timedelta(minutes=1)))
    assert book.rows("appointments", "status", "confirmed_at") == [("confirmed", "2026-11-23T09:00:00.000Z")]


async def test_what_was_said_stays_while_the_late_booking_is_taken_back(book: Book) -> None:
    reply = Reply(Outcome.ERROR, error_id="e1")
    refused = await book.moved(await book.started(), Event.REFUSED, reply=reply)
    surfaced = await book.moved(refused.intent, Event.SURFACED)
    assert surfaced.reply == reply
    assert (await book.moved(surfaced.intent, Event.COMPENSATED)).reply == reply


async def test_a_second_send_has_its_own_deadline_and_fences_the_first(book: Book) -> None:
    first = await book.started()
    waiting = (await book.moved(first, Event.NOT_PROCESSED)).intent
    later = NOW + timedelta(seconds=75)
    armed = (await book.moved(waiting, Event.ARMED, send_deadline=later)).intent
    assert (armed.epoch, armed.send_deadline) == (2, later)
    stored = await book.ledger.stored(first.intent_id)
    assert stored is not None
    assert stored.intent == armed


# What only a file can do ------------------------------------------------------------------------------------------


async def test_a_job_that_wants_out_ends_nobodys_ledger(tmp_path: Path) -> None:
    """SystemExit in a job is its caller's; the thread lives on."""
    thread = SqliteThread(tmp_path / "x.sqlite3")
    thread.open()

    def leave(_: object) -> None:
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        await thread.run(leave)
    assert await thread.run(lambda connection: connection.execute("SELECT 7").fetchone()) == (7,)
    thread.close()


@pytest.mark.parametrize("name", ["a?b.db", "a b.db", "ä#%20.db"])
def test_any_file_name_is_the_file_that_is_meant(tmp_path: Path, name: str) -> None:
    upgrade(tmp_path / name)
    assert schema_version(tmp_path / name) == SCHEMA_HEAD
    assert (tmp_path / name).exists()


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.db"
    with closing(connect(theirs)) as connection:
        connection.execute("CREATE TABLE x (y)")
    with pytest.raises(SchemaMismatch, match="not a ledger"):
        upgrade(theirs)
    with pytest.raises(SchemaMismatch, match="folder"):
        schema_version(tmp_path)
    with closing(connect(theirs)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("x",)]
