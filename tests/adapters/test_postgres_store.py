"""Transactions on a real PostgreSQL server: undone as a whole, tried again, never left open.

What becomes of them where server or network fail stands in test_postgres_failures.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from einmal.adapters.sql import postgres
from einmal.adapters.sql.gates import SqlGates
from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.postgres import CONNECTIONS_MAX, PostgresStore
from einmal.adapters.sql.steps import Hold, Statement, Steps, Transaction, Violated, only
from einmal.adapters.sql.writes import admission, move
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.intent import Event, State
from einmal.domain.keys import intent_key
from einmal.ports import Candidate, LedgerUnavailable, Transition
from support.evidence import NOW, SECRET, booking, wish
from support.notes import TABLE, note, opened, written
from support.postgres import checked
from support.sql import SqlBase, postgres_base

SESSIONS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'einmal'"
PID = only("SELECT pg_backend_pid()")


@pytest.fixture
def base(tmp_path: Path) -> Iterator[SqlBase]:
    with postgres_base(tmp_path) as made:
        made.run(TABLE)
        yield made


@pytest.fixture
async def store(base: SqlBase) -> AsyncIterator[PostgresStore]:
    async with opened(base.where) as made:
        yield made


def notes(base: SqlBase) -> list[str]:
    return [text for (text,) in base.rows("notes", "text")]


async def set_for_all(base: SqlBase, setting: str) -> None:
    """For each session that is begun from now on."""
    session = await asyncpg.connect(str(base.where), server_settings={"default_transaction_read_only": "off"})
    await session.execute(f"ALTER DATABASE {checked(str(base.where))} SET {setting}")
    await session.close()


def meeting(here: set[str], name: str) -> Steps[None]:
    """Neither goes on before both are here. Who comes again finds both."""
    here.add(name)
    while len(here) < 2:
        yield Statement("SELECT pg_sleep(0.01)")


async def until(base: SqlBase, count: int, condition: str) -> None:
    """Until so many of the store's sessions are like that."""
    for _ in range(500):
        if base.run(f"SELECT count(*) {SESSIONS} AND {condition}") == [(count,)]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(base.run(f"SELECT state, wait_event, query {SESSIONS}"))


# Undone, and as it was raised --------------------------------------------------------------------------------------


async def test_what_the_steps_raise_undoes_everything_and_is_raised_as_it_is(
    base: SqlBase, store: PostgresStore
) -> None:
    """The same exception, no row, and the same session goes on."""
    error = KeyError("a bug")

    def work() -> Steps[None]:
        yield written("half")
        raise error

    before = await store.read(PID)
    with pytest.raises(KeyError) as raised:
        await store.write(work)
    assert raised.value is error
    assert notes(base) == []
    assert await store.read(PID) == before
    assert await store.write(note("after")) == "after"
    assert notes(base) == ["after"]


async def test_control_statements_by_themselves_leave_half(base: SqlBase, store: PostgresStore) -> None:
    """The same steps without a transaction."""
    with pytest.raises(LedgerUnavailable):
        await store.read(note("half", "SELECT nonsense"))
    assert notes(base) == ["half"]


async def test_a_statement_that_the_server_refuses_undoes_everything(base: SqlBase, store: PostgresStore) -> None:
    """Named by its kind and code; nothing of what was to be written is in the text."""
    with pytest.raises(LedgerUnavailable, match=r"^UndefinedColumnError 42703$"):
        await store.write(note("half", "SELECT nonsense"))
    assert notes(base) == []


async def test_a_row_that_may_not_be_is_refused_by_its_name(base: SqlBase, store: PostgresStore) -> None:
    """Tried once more, for somebody may have written it meanwhile; then it is the caller's to hear."""
    tries = []

    def work() -> Steps[None]:
        tries.append("try")
        yield written("twice")
        yield written("twice")

    with pytest.raises(Violated, match="notes_pkey"):
        await store.write(work)
    assert (len(tries), notes(base)) == (2, [])


async def test_a_text_with_nul_is_written_without_it(base: SqlBase, store: PostgresStore) -> None:
    """PostgreSQL's text has none; SQLite's has."""
    await store.write(note("a\0b"))
    assert notes(base) == ["a\ufffdb"]


async def test_control_a_text_with_nul_is_refused(base: SqlBase) -> None:
    """By the server itself."""
    session = await asyncpg.connect(str(base.where))
    with pytest.raises(asyncpg.CharacterNotInRepertoireError):
        await session.execute("INSERT INTO notes (text) VALUES ($1)", "a\0b")
    await session.close()


# Somebody else in the way ------------------------------------------------------------------------------------------


def crossing(here: set[str], tries: list[str], name: str, *names: str) -> Transaction[str]:
    """Holds one name, and the other one when both are held."""

    def work() -> Steps[str]:
        tries.append(name)
        yield written(name)
        yield Hold(names[:1])
        yield from meeting(here, name)
        yield Hold(names[1:])
        return name

    return work


async def crossed(base: SqlBase) -> tuple[list[Any], list[str]]:
    """Two transactions that hold two names in opposite order: what they say, and who tried."""
    await set_for_all(base, "deadlock_timeout = '20ms'")
    here, tries = set[str](), list[str]()
    async with opened(base.where) as store:
        one = store.write(crossing(here, tries, "one", "a", "b"))
        other = store.write(crossing(here, tries, "other", "b", "a"))
        return await asyncio.gather(one, other, return_exceptions=True), tries


async def test_of_a_deadlock_both_end_well(base: SqlBase) -> None:
    """The server refuses one of them, which is tried again."""
    said, tries = await crossed(base)
    assert said == ["one", "other"]
    assert notes(base) == ["one", "other"]
    assert len(tries) > 2


async def test_control_without_another_try_one_of_a_deadlock_is_refused(
    base: SqlBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of it is written."""
    monkeypatch.setattr(postgres, "TRIES_MAX", 1)
    said, tries = await crossed(base)
    assert sorted(tries) == ["one", "other"]
    (refused,) = (one for one in said if isinstance(one, LedgerUnavailable))
    assert str(refused) == "DeadlockDetectedError 40P01"
    assert notes(base) == [one for one in said if isinstance(one, str)]


async def after_another(base: SqlBase, store: PostgresStore) -> Any:
    """A transaction that is refused for a row that is not there yet, then for another one that somebody wrote."""
    tries = []

    def work() -> Steps[int]:
        tries.append("try")
        if len(tries) == 1:
            yield Statement("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$")
        if len(tries) == 2:
            base.run("INSERT INTO notes (text) VALUES ('theirs')")
        if not (yield Statement("SELECT text FROM notes FOR UPDATE")) or len(tries) == 2:
            yield written("theirs")
        return len(tries)

    return await store.write(work)


async def test_a_row_that_somebody_wrote_counts_by_itself(base: SqlBase, store: PostgresStore) -> None:
    """A transaction that was in somebody's way before has its second look all the same."""
    assert await after_another(base, store) == 3
    assert notes(base) == ["theirs"]


def meeting_after(work: Transaction[Any], words: str, here: set[str], name: str) -> Transaction[Any]:
    """The transaction, which waits for another one when it has heard the answer to a statement with these words."""

    def waiting() -> Steps[Any]:
        steps = work()
        step = next(steps)
        try:
            while True:
                try:
                    rows = yield step
                except Violated as violated:
                    step = steps.throw(violated)
                    continue
                if isinstance(step, Statement) and words in step.sql:
                    yield from meeting(here, name)
                step = steps.send(rows)
        except StopIteration as done:
            return done.value

    return waiting


async def new_customers(base: SqlBase, store: PostgresStore) -> list[Any]:
    """Two wishes of one phone that nobody knows yet, both booked at the same moment."""
    base.add_tenant("default")
    ids, here, moves = SystemIds(), set[str](), []
    for hour in range(2):
        of = wish(start=NOW + hour * timedelta(hours=1), phone="+4930111", conversation_id=f"call_{hour}")
        made = (ids.time_ordered(), ids.operation_id(), "gast@gast.test", NOW, NOW + timedelta(seconds=15))
        candidate = Candidate(of, None, intent_key(of, SECRET), *made)
        admitted = await store.write(admission(candidate, AdmissionPolicy(), None, SqlGates(store)))
        assert admitted.started is not None
        given = booking(uid=f"uid-{hour}", start=of.start)
        booked = move(Transition(admitted.started, (Event.LANDED_ACCEPTED,), NOW, booking=given), ids, ())
        moves.append(meeting_after(booked, "FROM customers", here, f"{hour}"))
    return await asyncio.gather(*map(store.write, moves), return_exceptions=True)


async def test_two_bookings_of_one_new_customer_both_end_well(base: SqlBase, store: PostgresStore) -> None:
    """Neither found the customer; the second to write finds one when it is tried again."""
    assert [stored.intent.state for stored in await new_customers(base, store)] == [State.CONFIRMED] * 2
    assert len(base.rows("customers", "customer_id")) == 1
    assert len(base.rows("appointments", "appointment_id")) == 2


async def test_control_without_another_try_one_of_them_is_refused(
    base: SqlBase, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the constraint, and nothing of its move is written."""
    monkeypatch.setattr(postgres, "TRIES_MAX", 1)
    (refused,) = (one for one in await new_customers(base, store) if isinstance(one, Violated))
    assert refused.constraint == "unique_customer_phone"
    assert sorted(base.run("SELECT state FROM intents")) == [("confirmed",), ("sent",)]


# Callers who go away, and too many of them --------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["in a statement", "waiting for a name"])
async def test_a_caller_who_went_away_leaves_no_transaction_open(
    base: SqlBase, store: PostgresStore, where: str
) -> None:
    """Its session ends, nothing is written, and nobody waits for what it held."""
    held = asyncio.Event()

    def holder() -> Steps[None]:
        yield Hold(("name",))
        held.set()
        while held.is_set():
            yield Statement("SELECT pg_sleep(0.01)")

    def waiter() -> Steps[None]:
        yield written("half")
        yield Hold(("name",))

    holding = asyncio.create_task(store.write(holder))
    await held.wait()
    gone = asyncio.create_task(
        store.write(waiter if where != "in a statement" else note("half", "SELECT pg_sleep(0.7)"))
    )
    await until(base, 1, "query LIKE '%pg_sleep(0.7)%'" if where == "in a statement" else "wait_event = 'advisory'")
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    held.clear()
    await holding
    await until(base, 0, "state <> 'idle'")
    assert notes(base) == []
    assert await store.write(note("after")) == "after"


async def test_control_a_session_that_is_kept_has_its_transaction_open(base: SqlBase) -> None:
    """Which `until` would see."""
    session = await asyncpg.connect(str(base.where), server_settings={"application_name": "einmal"})
    await session.execute("BEGIN; INSERT INTO notes VALUES ('half')")
    gone = asyncio.create_task(session.execute("SELECT pg_sleep(0.7)"))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await until(base, 1, "state LIKE 'idle in transaction%'")
    await session.close()


async def most_at_once(base: SqlBase, writers: int, connections_max: int) -> int:
    """So many writers at once; how many sessions the busiest moment saw."""

    def counted(text: str) -> Transaction[int]:
        def work() -> Steps[int]:
            yield written(text)
            rows = yield Statement(f"SELECT count(*) {SESSIONS}")
            return int(rows[0][0])

        return work

    async with opened(base.where, connections_max) as store:
        return max(await asyncio.gather(*(store.write(counted(f"{number:02d}")) for number in range(writers))))


async def test_forty_writers_share_few_connections(base: SqlBase) -> None:
    """All of them end well, and there were never more sessions than may be."""
    assert await most_at_once(base, 40, CONNECTIONS_MAX) <= CONNECTIONS_MAX
    assert notes(base) == [f"{number:02d}" for number in range(40)]


async def test_control_with_more_connections_there_are_more_sessions(base: SqlBase) -> None:
    """The count sees them."""
    assert await most_at_once(base, 40, 40) > CONNECTIONS_MAX


async def test_who_finds_no_connection_free_is_told(base: SqlBase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written; and one who gave up waiting, or was cancelled, has taken no connection with him."""
    async with opened(base.where, 1) as store:
        await store.read(PID)
        holding = asyncio.create_task(store.write(note("first", "SELECT pg_sleep(0.5)")))
        await until(base, 1, "query LIKE '%pg_sleep(0.5)%'")
        gone = asyncio.create_task(store.write(note("gone")))
        await asyncio.sleep(0)
        gone.cancel()
        with monkeypatch.context() as hurried:
            hurried.setattr(postgres, "FREE_SECONDS", 0.01)
            with pytest.raises(LedgerUnavailable, match="no connection is free"):
                await store.write(note("refused"))
        assert await store.write(note("patient")) == "patient"
        await holding
    assert notes(base) == ["first", "patient"]


@pytest.mark.parametrize("opened_before", [False, True], ids=["never opened", "closed"])
async def test_a_closed_ledger_is_unavailable(base: SqlBase, opened_before: bool) -> None:
    """Nothing is begun on a ledger that is not open, in any of the three ways; closing twice is no harm."""
    store = PostgresStore(str(base.where))
    if opened_before:
        store.open()
        store.close()
        store.close()
    for way in (store.write, store.read, store.snapshot):
        with pytest.raises(LedgerUnavailable, match="closed"):
            await way(PID)
    await until(base, 0, "true")


async def test_close_lets_what_is_under_way_end(base: SqlBase, store: PostgresStore) -> None:
    """It is written and told, and its session is not kept."""
    under_way = asyncio.create_task(store.write(note("under way", "SELECT pg_sleep(0.1)")))
    await until(base, 1, "query LIKE '%pg_sleep(0.1)%'")
    store.close()
    assert await under_way == "under way"
    assert notes(base) == ["under way"]
    await until(base, 0, "true")


# What the sessions are set to ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("default", "used"),
    [("off", "on"), ("local", "on"), ("on", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply")],
)
async def test_a_commit_waits_for_the_disk_whatever_the_server_s_default(
    base: SqlBase, store: PostgresStore, default: str, used: str
) -> None:
    """What promises less than the disk is put on; what promises more is left."""
    await set_for_all(base, f"synchronous_commit = '{default}'")
    assert [tuple(row) for row in await store.read(only("SHOW synchronous_commit"))] == [(used,)]


@pytest.mark.parametrize(
    ("setting", "used"),
    [
        ("transaction_isolation", "read committed"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("statement_timeout", "0"),
    ],
)
async def test_the_settings_that_the_store_rests_on(
    base: SqlBase, store: PostgresStore, setting: str, used: str
) -> None:
    """Also where the database says otherwise."""
    await set_for_all(base, "default_transaction_isolation = 'serializable'")
    assert [tuple(row) for row in await store.write(only(f"SHOW {setting}"))] == [(used,)]


async def test_a_server_that_takes_no_writes_is_unavailable_until_it_does(base: SqlBase, store: PostgresStore) -> None:
    """A standby, or a primary that was made read-only: it can be read, and its sessions are not kept."""
    await set_for_all(base, "default_transaction_read_only = on")
    with pytest.raises(LedgerUnavailable, match=r"^ReadOnlySQLTransactionError 25006$"):
        await store.write(note("refused"))
    assert await store.read(only("SELECT text FROM notes")) == []
    await set_for_all(base, "default_transaction_read_only = off")
    with pytest.raises(LedgerUnavailable):
        await store.write(note("the reader's session is an old one"))
    assert await store.write(note("after")) == "after"
    assert notes(base) == ["after"]


async def test_a_ledger_that_can_only_be_read_is_not_ready(base: SqlBase, store: PostgresStore) -> None:
    """A call that came here could not be booked."""
    assert await SqlLedger(store, SystemIds()).ready()
    await set_for_all(base, "default_transaction_read_only = on")
    async with opened(base.where) as later:
        with pytest.raises(LedgerUnavailable):
            await SqlLedger(later, SystemIds()).ready()


@pytest.mark.parametrize("kind", ["wrong database", "not the primary"])
async def test_a_server_that_refuses_us_is_unavailable_and_no_password_is_told(base: SqlBase, kind: str) -> None:
    """Neither in the text nor in the traceback."""
    url = str(base.where).replace("postgres@", "postgres:geheim@")
    url = f"{url}_missing" if kind == "wrong database" else f"{url}?target_session_attrs=standby"
    async with opened(url) as store:
        with pytest.raises(LedgerUnavailable) as refused:
            await store.write(note("refused"))
    assert "geheim" not in "".join(traceback.format_exception(refused.value))
