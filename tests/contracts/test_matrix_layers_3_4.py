"""The matrix' rows for layers 3 and 4 as far as the database answers them: look-up by uid, and the UNIQUE index.

"Save" is the ledger's apply() with a booking. What layer 3 makes of a look-up is judge()'s, in both modes, and is
tested in domain/test_matrix_judge.py; here it is asked what the look-up finds and what the database then refuses.
Every race stands beside its control, the same test with layer 4 taken down. What a ledger must do is asked of every
backend (`books`); what a file, a schema or raw SQL must do, of SQLite alone (`path`, `ledger`).
"""

import asyncio
import io
import json
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contracts.memory_rows import rows_of
from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.sql.ledger import SqliteLedger
from einmal.adapters.sql.migrate import switch_layer_4
from einmal.adapters.sql.sqlite import connect
from einmal.adapters.sql.steps import Violated
from einmal.adapters.sql.tenants import ensure_tenant
from einmal.adapters.system import SystemIds
from einmal.adapters.telemetry.logs import JsonLines, LogObserver, channel
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.facts import Alarm
from einmal.domain.intent import Event, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, BookingStatus, Person, Service, Wish
from einmal.domain.verdict import Asked, GuardPolicy, Judgement, Reason, judge
from einmal.ports import BookingUidTaken, Candidate, Ledger, LedgerUnavailable, StoredReply, Transition
from einmal.simulator.memory import MemoryLedger
from support.ledger_file import new_ledger
from support.sql import BASES, Base
from support.world import world

UNIQUE_INDEX = "unique_calcom_v2_booking_id"
PLAIN_INDEX = "appointments_calcom_v2_booking_id_index"
UID = "8Gdq2bPmGxR1TzJ4oWn5yV"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
CONSULTATION = Service("beratung", "Beratung", 1, 30)
SEED_MODE = GuardPolicy(ownership=False)

LAYER_4 = pytest.mark.parametrize("layer_4", [True, False], ids=["guard on", "guard off"])


class ProbingIds(SystemIds):
    """Chance as ever; whenever the ledger asks for a row's id, `probe` is run in its thread, within its transaction."""

    def __init__(self) -> None:
        self.probe: Any = None

    def time_ordered(self) -> str:
        if self.probe is not None:
            self.probe()
        return super().time_ordered()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return a_file(tmp_path)


@pytest.fixture
def ids() -> ProbingIds:
    return ProbingIds()


def a_file(folder: Path) -> Path:
    made = new_ledger(folder / "ledger.sqlite3")
    ensure_tenant(made, "salon", "Salon", (), NOW)
    return made


@dataclass(frozen=True)
class Books:
    """A ledger under test. `rows` reads columns of a table in the order of the first; as in test_ledger.py."""

    ledger: Ledger
    close: Callable[[], None]
    drop_layer_4: Callable[[], object]
    rows: Callable[..., list[tuple[Any, ...]]]

    @property
    def uids(self) -> list[str | None]:
        return [uid for (uid,) in self.rows("appointments", "calcom_v2_booking_id")]

    def everything(self) -> list[list[tuple[Any, ...]]]:
        return [self.rows(table, "*") for table in ("intents", "attempts", "appointments", "customers", "facts")]


@contextmanager
def sql_books_on(base: Base, folder: Path, ids: ProbingIds) -> Iterator[Books]:
    with base(folder) as made:
        made.add_tenant("salon")
        ledger = made.ledger(ids)
        yield Books(ledger, ledger.close, made.drop_layer_4, made.rows)


@contextmanager
def memory_books(folder: Path, ids: ProbingIds) -> Iterator[Books]:
    ledger = MemoryLedger(ids)

    def drop_layer_4() -> None:
        ledger.books.appointments.unique_uid = False

    yield Books(ledger, ledger.close, drop_layer_4, rows_of(ledger.books))


BACKENDS: dict[str, Callable[[Path, ProbingIds], AbstractContextManager[Books]]] = {
    **{name: partial(sql_books_on, base) for name, base in BASES.items()},
    "memory": memory_books,
}


@pytest.fixture(params=BACKENDS)
def books(request: pytest.FixtureRequest, tmp_path: Path, ids: ProbingIds) -> Iterator[Books]:
    with BACKENDS[request.param](tmp_path, ids) as made:
        yield made


@pytest.fixture
async def ledger(path: Path, ids: ProbingIds) -> AsyncIterator[SqliteLedger]:
    made = SqliteLedger(path, ids)
    made.open()
    yield made
    made.close()


def run(path: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(connect(path)) as connection:
        return connection.execute(statement, values).fetchall()


def uids(path: Path) -> list[str | None]:
    return [uid for (uid,) in run(path, "SELECT calcom_v2_booking_id FROM appointments ORDER BY appointment_id")]


async def sent(ledger: Ledger, caller: int = 1) -> Intent:
    """The sent intent of caller number so and so: a person, a call and a day of their own."""
    person = Person(f"Gast {caller}", f"+49151{caller:08d}")
    wish = Wish("salon", f"call_{caller}", CONSULTATION, START + caller * timedelta(days=1), person)
    operation, row = SystemIds().operation_id(), SystemIds().time_ordered()
    candidate = Candidate(
        wish, None, intent_key(wish, b"s" * 32), row, operation, "a@gast.test", NOW, NOW + timedelta(seconds=15)
    )
    started = (await ledger.admit(candidate, AdmissionPolicy())).started
    assert started is not None
    return started


def a_booking(intent: Intent, uid: str = UID) -> Booking:
    wish = intent.wish
    return Booking(uid, BookingStatus.ACCEPTED, wish.start, wish.end, 1, NOW, {"call_id": wish.conversation_id or ""})


async def save(ledger: Ledger, intent: Intent, uid: str = UID) -> StoredReply:
    return await ledger.apply(Transition(intent, (Event.LANDED_ACCEPTED,), NOW, booking=a_booking(intent, uid)))


def insert_raw(connection: sqlite3.Connection, number: int, uid: str | None) -> None:
    """An appointment past all of our code, with the rows that it must refer to."""
    connection.execute(
        "INSERT INTO customers (customer_id, tenant_id, name, name_normal, created_at) "
        "VALUES (?, 'salon', 'Gast', 'gast', '-')",
        (f"c{number}",),
    )
    connection.execute(
        "INSERT INTO intents (intent_id, tenant_id, operation_id, intent_key, generation, fingerprint, person_kind, "
        "person_hash, name_hash, service_id, service_name, event_type_id, duration_minutes, start_at, "
        "attendee_email, state, epoch, created_at) "
        "VALUES (?, 'salon', ?, ?, 1, '-', 'name', '-', '-', 's', 'S', 1, 30, '-', 'a@x.test', 'confirmed', 1, '-')",
        (f"i{number}", f"op{number}", f"key{number}"),
    )
    connection.execute(
        "INSERT INTO appointments (appointment_id, tenant_id, intent_id, customer_id, service_id, starts_at, ends_at, "
        "status, calcom_v2_booking_id, created_at) VALUES (?, 'salon', ?, ?, 's', '-', '-', 'confirmed', ?, '-')",
        (f"a{number}", f"i{number}", f"c{number}", uid),
    )


# Layer 3 --------------------------------------------------------------------------------------------------------


async def test_L3_001_no_row_with_that_id(books: Books) -> None:
    """L3-001: no row with that id | save | new row."""
    ledger = books.ledger
    intent = await sent(ledger)
    assert await ledger.known_booking(UID, intent) is None
    stands = await save(ledger, intent)
    assert stands.booking is not None
    assert books.rows("appointments", "appointment_id", "calcom_v2_booking_id") == [(stands.booking.ref, UID)]


async def test_L3_002_row_exists(books: Books) -> None:
    """L3-002: row exists | save | existing row returned, count stays 1."""
    ledger = books.ledger
    intent = await sent(ledger)
    first = await save(ledger, intent)
    # The same wish is not saved again: it is answered with the row that stands.
    assert await ledger.stored(intent.intent_id) == first
    # Another wish under that uid: the look-up returns the row, the save is refused.
    other = await sent(ledger, 2)
    known = await ledger.known_booking(UID, other)
    assert first.booking is not None
    assert known is not None
    assert known.appointment_id == first.booking.ref
    with pytest.raises(BookingUidTaken):
        await save(ledger, other)
    assert books.uids == [UID]
    assert await ledger.bookings_count("salon", UID) == 1


async def test_L3_003_row_exists_from_another_call(books: Books) -> None:
    """L3-003: row exists from another call | save | existing returned + warning ⚠ only to the same person."""
    ledger = books.ledger
    first, stranger = await sent(ledger), await sent(ledger, 2)
    await save(ledger, first)
    same_again = replace(stranger, key=replace(stranger.key, person=first.key.person))
    for intent, same_person in ((stranger, False), (same_again, True)):
        known = await ledger.known_booking(UID, intent)
        assert known is not None
        assert (known.call_id, known.same_person) == ("call_1", same_person)
        verdict = judge(intent, a_booking(intent), Asked(NOW), known, SEED_MODE)
        assert verdict.judgement is Judgement.FOREIGN
        assert verdict.rejection is not None
        assert verdict.rejection.reason is Reason.DATABASE_DUPLICATE


@LAYER_4
async def test_L3_004_five_concurrent_saves_of_one_id(books: Books, layer_4: bool) -> None:
    """L3-004: 5 concurrent saves of one id | save | 1 row, 4 get it. Control: without layer 4, 5 rows."""
    ledger = books.ledger
    if not layer_4:
        books.drop_layer_4()
    intents = [await sent(ledger, caller) for caller in range(5)]
    # All five have looked, and found nothing, before any of them saves.
    assert [await ledger.known_booking(UID, intent) for intent in intents] == [None] * 5
    outcomes = await asyncio.gather(*(save(ledger, intent) for intent in intents), return_exceptions=True)
    saved = [outcome for outcome in outcomes if isinstance(outcome, StoredReply)]
    refused = [i for i, outcome in zip(intents, outcomes, strict=True) if isinstance(outcome, BookingUidTaken)]
    assert (len(saved), len(refused)) == ((1, 4) if layer_4 else (5, 0))
    assert books.uids == [UID] * len(saved)
    for intent in refused:
        known = await ledger.known_booking(UID, intent)
        assert known is not None
        assert known.intent_id == saved[0].intent.intent_id


def test_L3_005_id_null(path: Path) -> None:
    """L3-005: id NULL | save | created without check. (A booking always has a uid: only by hand or by import.)"""
    with closing(connect(path)) as connection:
        for number in range(2):
            insert_raw(connection, number, None)
    assert uids(path) == [None, None]


async def test_L3_006_rows_are_not_soft_deleted(books: Books) -> None:
    """L3-006: row soft-deleted | save | new row. Ours: a cancelled appointment keeps its uid, and no second row."""
    ledger = books.ledger
    stands = await save(ledger, await sent(ledger))
    await ledger.apply(Transition(stands.intent, (Event.CANCELLED,), NOW))
    other = await sent(ledger, 2)
    known = await ledger.known_booking(UID, other)
    assert known is not None
    assert not known.live
    with pytest.raises(BookingUidTaken):
        await save(ledger, other)
    assert books.uids == [UID]


def test_L3_006_there_is_no_column_to_delete_softly(path: Path) -> None:
    columns = {name for _, name, *_ in run(path, "PRAGMA table_info(appointments)")}
    assert "calcom_v2_booking_id" in columns
    assert "deleted_at" not in columns


async def test_L3_007_look_up_in_a_ledger_that_is_closed(books: Books) -> None:
    """L3-007: look-up times out | save | fails safe: an error with a name, never "there is no such row"."""
    intent = await sent(books.ledger)
    books.close()
    with pytest.raises(LedgerUnavailable):
        await books.ledger.known_booking(UID, intent)
    with pytest.raises(LedgerUnavailable):
        await save(books.ledger, intent)
    assert books.rows("intents", "state") == [("sent",)]


async def test_L3_007_look_up_in_a_ledger_that_is_broken(ledger: SqliteLedger, path: Path) -> None:
    """L3-007: the same where the table is gone."""
    intent = await sent(ledger)
    run(path, "ALTER TABLE appointments RENAME TO away")
    with pytest.raises(LedgerUnavailable):
        await ledger.known_booking(UID, intent)
    with pytest.raises(LedgerUnavailable):
        await save(ledger, intent)
    assert run(path, "SELECT state FROM intents") == [("sent",)]


async def test_L3_008_transaction_rolled_back(books: Books, ids: ProbingIds) -> None:
    """L3-008: transaction rolled back | save | consistent: nothing of it, and the same save works afterwards."""
    ledger = books.ledger
    intent = await sent(ledger)

    def fails() -> None:
        raise OSError("no more ids")

    ids.probe = fails
    with pytest.raises(OSError, match="no more ids"):
        await save(ledger, intent)
    ids.probe = None
    assert books.uids == books.rows("customers", "customer_id") == []
    assert books.rows("intents", "state", "booking_uid") == [("sent", None)]
    assert await ledger.known_booking(UID, await sent(ledger, 2)) is None
    await save(ledger, intent)
    assert books.uids == [UID]


async def test_L3_009_check_and_insert_are_one_transaction(ledger: SqliteLedger, ids: ProbingIds, path: Path) -> None:
    """L3-009: check and insert | save | same transaction: between the guarded update and the insert nobody writes."""
    seen: list[str] = []

    def another_process() -> None:
        with closing(connect(path)) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            state = connection.execute("SELECT state FROM intents").fetchone()[0]
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                seen.append(f"{state}, {error}")
            else:
                seen.append(f"{state}, free")

    intent = await sent(ledger)
    another_process()
    ids.probe = another_process
    await save(ledger, intent)
    ids.probe = None
    another_process()
    # Outside of it the lock is free: what was seen inside is the transaction and not the probe.
    assert (seen[0], seen[-1]) == ("sent, free", "confirmed, free")
    assert seen[1:-1] == ["sent, database is locked"] * 2, "once for the customer's row, once for the appointment's"


@pytest.mark.parametrize(
    ("status", "ending", "live"),
    [
        (BookingStatus.ACCEPTED, None, True),
        (BookingStatus.PENDING, None, True),
        (BookingStatus.PENDING, Event.HOST_DECLINED, False),
        (BookingStatus.ACCEPTED, Event.CANCELLED, False),
        (BookingStatus.ACCEPTED, Event.MOVED, False),
        (BookingStatus.ACCEPTED, Event.VANISHED, False),
    ],
)
async def test_L3_010_row_in_any_status(books: Books, status: BookingStatus, ending: Event | None, live: bool) -> None:
    """L3-010: row in any status (cancelled …) | save | existing returned ⚠ and a cancelled row is not "booked"."""
    ledger = books.ledger
    intent = await sent(ledger)
    event = Event.LANDED_ACCEPTED if status is BookingStatus.ACCEPTED else Event.LANDED_PENDING
    booking = replace(a_booking(intent), status=status)
    stands = await ledger.apply(Transition(intent, (event,), NOW, booking=booking))
    if ending is not None:
        stands = await ledger.apply(Transition(stands.intent, (ending,), NOW))
    assert books.rows("appointments", "status") == [(stands.intent.state.value,)]
    other = await sent(ledger, 2)
    known = await ledger.known_booking(UID, other)
    assert known is not None
    assert known.live is live
    assert judge(other, a_booking(other), Asked(NOW), known, SEED_MODE).judgement is Judgement.FOREIGN
    with pytest.raises(BookingUidTaken):
        await save(ledger, other)


# Layer 4 --------------------------------------------------------------------------------------------------------


def test_L4_001_new_id(path: Path) -> None:
    """L4-001: new id | insert works."""
    with closing(connect(path)) as connection:
        insert_raw(connection, 1, "uid-1")
        insert_raw(connection, 2, "uid-2")
    assert uids(path) == ["uid-1", "uid-2"]


async def test_L4_002_same_id(books: Books) -> None:
    """L4-002: same id | integrity violation, with a name of its own."""
    await save(books.ledger, await sent(books.ledger))
    with pytest.raises(BookingUidTaken, match=UID):
        await save(books.ledger, await sent(books.ledger, 2))
    assert books.uids == [UID]


async def test_L4_002_it_is_the_database_that_says_so(ledger: SqliteLedger, path: Path) -> None:
    """L4-002: and the name is given to what SQLite said, not to what we had looked up."""
    await save(ledger, await sent(ledger))
    with pytest.raises(BookingUidTaken) as caught:
        await save(ledger, await sent(ledger, 2))
    assert isinstance(caught.value.__cause__, Violated)
    assert uids(path) == [UID]


@LAYER_4
def test_L4_003_raw_sql_insert(path: Path, layer_4: bool) -> None:
    """L4-003: raw SQL insert (layer 3 bypassed) | blocked. Control: without layer 4 it goes through."""
    if not layer_4:
        switch_layer_4(path, on=False)
    with closing(connect(path)) as connection:
        insert_raw(connection, 1, UID)
        if layer_4:
            with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE constraint failed: .*calcom_v2_booking_id"):
                insert_raw(connection, 2, UID)
        else:
            insert_raw(connection, 2, UID)
    assert uids(path) == ([UID] if layer_4 else [UID, UID])


def test_L4_004_five_rows_with_null(path: Path) -> None:
    """L4-004: 5 rows with NULL id | all inserted."""
    with closing(connect(path)) as connection:
        for number in range(5):
            insert_raw(connection, number, None)
    assert uids(path) == [None] * 5


async def test_L4_005_violation_inside_a_transaction(books: Books) -> None:
    """L4-005: violation inside a transaction | nothing partial: the state, the customer, the fact are not there."""
    ledger = books.ledger
    await save(ledger, await sent(ledger))
    intent = await sent(ledger, 2)
    before = books.everything()
    alarm = Alarm(NOW, "never_written", intent.intent_id)
    with pytest.raises(BookingUidTaken):
        await ledger.apply(Transition(intent, (Event.LANDED_ACCEPTED,), NOW, booking=a_booking(intent), facts=(alarm,)))
    assert books.everything() == before


@LAYER_4
def test_L4_006_five_concurrent_inserts(path: Path, layer_4: bool) -> None:
    """L4-006: 5 concurrent inserts of one id | 1 works, 4 fail. Control: without layer 4 all 5 work."""
    if not layer_4:
        switch_layer_4(path, on=False)
    all_connected = threading.Barrier(5)

    def insert(number: int) -> str:
        with closing(connect(path)) as connection:
            all_connected.wait(10)
            try:
                connection.execute("BEGIN IMMEDIATE")
                insert_raw(connection, number, UID)
                connection.execute("COMMIT")
            except sqlite3.IntegrityError:
                connection.execute("ROLLBACK")
                return "failed"
            return "works"

    with ThreadPoolExecutor(5) as five:
        outcomes = sorted(five.map(insert, range(5)))
    assert outcomes == (["failed"] * 4 + ["works"] if layer_4 else ["works"] * 5)
    assert uids(path) == [UID] * outcomes.count("works")
    assert len(run(path, "SELECT 1 FROM customers")) == outcomes.count("works"), "and nothing of the failed ones"


def test_L4_007_schema(path: Path) -> None:
    """L4-007: schema | index exists under that name, unique and over that one column."""
    indexes = {name: unique for _, name, unique, *_ in run(path, "PRAGMA index_list(appointments)")}
    assert indexes[UNIQUE_INDEX] == 1
    assert [name for _, _, name in run(path, f"PRAGMA index_info({UNIQUE_INDEX})")] == ["calcom_v2_booking_id"]
    assert PLAIN_INDEX not in indexes


def test_L4_008_migration_down(path: Path) -> None:
    """L4-008: migration down | index removed, and the plain index of before restored."""
    switch_layer_4(path, on=False)
    indexes = {name: unique for _, name, unique, *_ in run(path, "PRAGMA index_list(appointments)")}
    assert UNIQUE_INDEX not in indexes
    assert indexes[PLAIN_INDEX] == 0
    assert [name for _, _, name in run(path, f"PRAGMA index_info({PLAIN_INDEX})")] == ["calcom_v2_booking_id"]


@LAYER_4
def test_L4_009_a_thousand_rows(path: Path, layer_4: bool) -> None:
    """L4-009: 1000 rows | look-up uses the index; with layer 4 down it uses the plain one and never scans."""
    if not layer_4:
        switch_layer_4(path, on=False)
    with closing(connect(path)) as connection:
        connection.execute("BEGIN")
        for number in range(1000):
            insert_raw(connection, number, f"uid-{number:04d}")
        connection.execute("COMMIT")
    plan = run(path, "EXPLAIN QUERY PLAN SELECT * FROM appointments WHERE calcom_v2_booking_id = ?", "uid-0500")
    [(*_, detail)] = plan
    index = UNIQUE_INDEX if layer_4 else PLAIN_INDEX
    assert detail == f"SEARCH appointments USING INDEX {index} (calcom_v2_booking_id=?)"


@contextmanager
def guard_log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    channel("guard").addHandler(handler)
    try:
        yield stream
    finally:
        channel("guard").removeHandler(handler)


async def test_L4_010_violation_through_the_whole_gateway(tmp_path: Path) -> None:
    """L4-010: violation | caught, logged, caller gets a clean answer. (Layers 0 to 3 off, so that only it is left.)"""
    async with world(tmp_path, EINMAL_GUARD_ENABLED="false") as salon:
        answers: list[WireAnswer] = []

        async def first_answer_for_all(request: WireRequest) -> WireAnswer:
            if not answers:
                answers.append(await salon.tap.inner.send(request))
            return answers[0]

        salon.tap.on_post = first_answer_for_all
        wish = {"datum": "2026-12-01", "uhrzeit": "10:00", "dienstleistung": "Beratung"}
        callers = {"call_1": ("Jürgen Groß", "030 901820"), "call_2": ("Anna Vogel", "030 5550123")}
        bodies = [
            {"name": "book_appointment", "call": {"call_id": call}, "args": wish | {"name": name, "telefon": phone}}
            for call, (name, phone) in callers.items()
        ]
        assert (await salon.raw(bodies[0]))["status"] == "booked"
        said = await salon.raw(bodies[1])
        assert (said["status"], said["success"]) == ("slot_taken", False)
        assert said["message"].startswith("Dieser Termin wurde bereits gebucht.")
        assert "IntegrityError" not in json.dumps(said)
        assert salon.states() == [State.CONFIRMED, State.REJECTED]
        with guard_log() as log:
            LogObserver().observe([fact for fact in salon.observer.facts if not isinstance(fact, Alarm)])
        line = json.loads(next(text for text in log.getvalue().splitlines() if '"ERROR"' in text))
        assert line["message"] == "DUPLICATE BOOKING PREVENTION: Constraint violation"
        assert (line["layer"], line["reason"]) == ("layer4", "constraint_violation")
        assert (line["existing_call_id"], line["current_call_id"]) == ("call_1", "call_2")
        assert [fact.what for fact in salon.observer.facts if isinstance(fact, Alarm)] == ["constraint_violation"]
