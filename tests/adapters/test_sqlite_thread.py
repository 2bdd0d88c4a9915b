"""One connection in a thread of its own: shared commits, nothing half written, nothing told before it is durable."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.sqlite import BATCH_MAX, SqliteThread, connect
from einmal.ports import CommitUnknown, LedgerUnavailable

Work = Callable[[sqlite3.Connection], Any]


class Held:
    """A job that holds the thread until it is let go, so that what is handed in meanwhile waits together."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, connection: sqlite3.Connection) -> None:
        self.begun.set()
        self.go.wait(10)


@contextmanager
def second_connection(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process's view: it sees what is committed and nothing else."""
    connection = connect(path)
    try:
        yield connection
    finally:
        connection.close()


def notes(path: Path) -> list[str]:
    with second_connection(path) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY note")]


def note(text: str) -> Work:
    def work(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))
        return text

    return work


def note_then_raise(text: str, error: Exception) -> Work:
    def work(connection: sqlite3.Connection) -> None:
        note(text)(connection)
        raise error

    return work


def orphan_note(text: str) -> Work:
    """A violated foreign key that only COMMIT finds."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO notes (text, author) VALUES (?, 'nobody')", (text,))

    return work


def statement(sql: str) -> Work:
    return lambda connection: connection.execute(sql).fetchone()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "notes.sqlite3"
    with second_connection(made) as connection:
        connection.execute("CREATE TABLE authors (name TEXT PRIMARY KEY)")
        connection.execute(
            "CREATE TABLE notes (note INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, "
            "author TEXT REFERENCES authors (name))"
        )
    return made


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[SqliteThread]:
    thread = SqliteThread(path)
    thread.open()
    yield thread
    thread.close()


async def handed_in_together(writer: SqliteThread, *jobs: Work) -> list[Any]:
    """Results or errors of jobs that wait in the queue at once, behind one that is held."""
    held = Held()
    first = asyncio.create_task(writer.run(held))
    await asyncio.to_thread(held.begun.wait, 10)
    tasks = [asyncio.create_task(writer.run(job)) for job in jobs]
    await asyncio.sleep(0)
    held.go.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


def commits_between(statements: list[str], *texts: str) -> int:
    """How many COMMITs the trace shows from the first to the last of these notes' inserts, and after."""
    first = next(i for i, sql in enumerate(statements) if any(f"'{text}'" in sql for text in texts))
    return sum(sql == "COMMIT" for sql in statements[first:])


async def test_a_job_has_its_value(writer: SqliteThread, path: Path) -> None:
    """The lone job is committed at once and its value returned."""
    assert await writer.run(note("one")) == "one"
    assert notes(path) == ["one"]


async def test_jobs_run_in_the_order_they_were_handed_in(writer: SqliteThread, path: Path) -> None:
    """More jobs than a batch holds, each with its own value, in order."""
    texts = [f"{number:04d}" for number in range(3 * BATCH_MAX + 7)]
    assert await asyncio.gather(*(writer.run(note(text)) for text in texts)) == texts
    assert notes(path) == texts


@pytest.mark.parametrize(
    ("waiting", "commits"), [(1, 1), (2, 1), (BATCH_MAX, 1), (BATCH_MAX + 1, 2), (2 * BATCH_MAX + 1, 3)]
)
async def test_jobs_that_wait_together_share_a_commit(writer: SqliteThread, waiting: int, commits: int) -> None:
    """One COMMIT for all that waited, up to the size of a batch."""
    statements: list[str] = []
    await writer.run(lambda connection: connection.set_trace_callback(statements.append))
    texts = [f"note {number}" for number in range(waiting)]
    await handed_in_together(writer, *map(note, texts))
    await writer.run(lambda connection: connection.set_trace_callback(None))
    assert commits_between(statements, *texts) == commits


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ValueError("a bug"), ValueError),
        (KeyError("a bug"), KeyError),
        (LedgerUnavailable("said by the job"), LedgerUnavailable),
        (sqlite3.IntegrityError("a constraint"), sqlite3.IntegrityError),
        (sqlite3.OperationalError("the disk"), LedgerUnavailable),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_a_failing_job_leaves_nothing(
    writer: SqliteThread, path: Path, error: Exception, raised: type[Exception]
) -> None:
    """What it wrote before it failed is taken back; what it raised is raised to its caller, and to no other."""
    with pytest.raises(raised, match=str(error.args[0])):
        await writer.run(note_then_raise("half", error))
    assert notes(path) == []
    assert await writer.run(note("after")) == "after"
    assert notes(path) == ["after"]


async def test_a_failing_job_does_not_hurt_its_neighbours(writer: SqliteThread, path: Path) -> None:
    """Good, bad and bad SQL in one batch: the good ones stand, each bad one hears of its own failure."""
    results = await handed_in_together(
        writer,
        note("first"),
        note_then_raise("half", ValueError("a bug")),
        note("second"),
        note("second"),
        statement("SELECT nonsense"),
        note("third"),
    )
    assert notes(path) == ["first", "second", "third"]
    first, bug, second, doubled, nonsense, third = results
    assert [first, second, third] == ["first", "second", "third"]
    assert isinstance(bug, ValueError)
    assert isinstance(doubled, sqlite3.IntegrityError)
    assert isinstance(nonsense, LedgerUnavailable)


async def test_a_job_that_breaks_the_transaction_takes_the_batch_with_it(writer: SqliteThread, path: Path) -> None:
    """When SQLite itself rolls everything back, all of the batch hear that nothing was written; the next one works."""
    results = await handed_in_together(writer, note("first"), statement("ROLLBACK"), note("third"))
    assert [type(result) for result in results] == [LedgerUnavailable] * 3
    assert notes(path) == []
    assert await writer.run(note("after")) == "after"
    assert notes(path) == ["after"]


async def test_nobody_hears_of_a_row_that_another_process_cannot_see(writer: SqliteThread, path: Path) -> None:
    """In a batch of many, at the moment a result is known its row is committed."""

    async def written_and_seen(text: str) -> bool:
        await writer.run(note(text))
        return text in notes(path)

    assert all(await asyncio.gather(*(written_and_seen(f"note {number}") for number in range(BATCH_MAX))))


async def test_before_the_commit_nobody_hears(writer: SqliteThread, path: Path) -> None:
    """While a neighbour still holds the batch, the first job's row is invisible and its caller waits."""
    held, before = Held(), Held()
    gate = asyncio.create_task(writer.run(before))
    await asyncio.to_thread(before.begun.wait, 10)
    first = asyncio.create_task(writer.run(note("first")))
    second = asyncio.create_task(writer.run(held))
    await asyncio.sleep(0)
    before.go.set()
    await asyncio.to_thread(held.begun.wait, 10)
    assert (first.done(), notes(path)) == (False, [])
    held.go.set()
    await asyncio.gather(gate, first, second)
    assert notes(path) == ["first"]


async def test_a_caller_who_went_away_does_not_undo_the_row(writer: SqliteThread, path: Path) -> None:
    """Cancelling the wait is not cancelling the job: what was handed in is written, and the thread lives on."""
    held = Held()
    gate = asyncio.create_task(writer.run(held))
    await asyncio.to_thread(held.begun.wait, 10)
    gone = asyncio.create_task(writer.run(note("gone")))
    await asyncio.sleep(0)
    gone.cancel()
    held.go.set()
    await gate
    assert await writer.run(note("after")) == "after"
    assert gone.cancelled()
    assert notes(path) == ["gone", "after"]


@pytest.mark.parametrize("opened_before", [False, True], ids=["never opened", "closed"])
async def test_a_closed_ledger_is_unavailable(path: Path, opened_before: bool) -> None:
    """Nothing is handed to a thread that is not there."""
    thread = SqliteThread(path)
    if opened_before:
        thread.open()
        thread.close()
    with pytest.raises(LedgerUnavailable, match="closed"):
        await thread.run(note("late"))
    assert notes(path) == []


async def test_closing_twice_is_no_harm(path: Path) -> None:
    """The second close finds nothing to do."""
    thread = SqliteThread(path)
    thread.open()
    thread.close()
    thread.close()


async def test_close_finishes_what_was_handed_in(path: Path) -> None:
    """Three batches wait when close() is called; all of them are written and told."""
    thread = SqliteThread(path)
    thread.open()
    texts = [f"{number:04d}" for number in range(2 * BATCH_MAX + 5)]
    tasks = [asyncio.create_task(thread.run(note(text))) for text in texts]
    await asyncio.sleep(0)
    thread.close()
    assert notes(path) == texts
    assert await asyncio.gather(*tasks) == texts


async def test_a_database_locked_for_too_long_is_unavailable(writer: SqliteThread, path: Path) -> None:
    """Another process holds the write lock: after the busy timeout nothing was written, and later it works."""
    await writer.run(statement("PRAGMA busy_timeout = 20"))
    with second_connection(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match="locked"):
            await writer.run(note("locked out"))
        other.execute("ROLLBACK")
    assert notes(path) == []
    assert await writer.run(note("after")) == "after"


async def test_a_lock_that_is_given_back_in_time_is_waited_for(writer: SqliteThread, path: Path) -> None:
    """A short back-up or migration beside us costs time and no booking."""
    with second_connection(path) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(writer.run(note("patient")))
        await asyncio.sleep(0)
        other.execute("COMMIT")
        assert await waiting == "patient"


async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    """A missing folder is no reason for the thread to die: it tries again with the next job."""
    folder = tmp_path / "missing"
    thread = SqliteThread(folder / "ledger.sqlite3")
    thread.open()
    try:
        with pytest.raises(LedgerUnavailable, match="unable to open"):
            await thread.run(statement("SELECT 1"))
        folder.mkdir()
        assert await thread.run(statement("SELECT 1")) == (1,)
    finally:
        thread.close()


async def test_a_failing_commit_is_unknown(writer: SqliteThread, path: Path) -> None:
    """An error while committing promises nothing to anybody in the batch; the next batch works."""
    results = await handed_in_together(
        writer, note("first"), orphan_note("orphan"), note_then_raise("half", ValueError("a bug")), note("third")
    )
    assert [type(result) for result in results] == [CommitUnknown, CommitUnknown, ValueError, CommitUnknown]
    assert notes(path) == []
    assert await writer.run(note("after")) == "after"
    assert notes(path) == ["after"]


@pytest.mark.parametrize("read_only", [False, True], ids=["writer", "reader"])
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 2000)],
)
async def test_the_settings_that_the_guarantees_rest_on(path: Path, read_only: bool, pragma: str, value: Any) -> None:
    """WAL, a full sync at every commit (2 is FULL), foreign keys, and two seconds of patience."""
    thread = SqliteThread(path, read_only=read_only)
    thread.open()
    try:
        assert await thread.run(statement(f"PRAGMA {pragma}")) == (value,)
    finally:
        thread.close()


@pytest.mark.parametrize(
    "sql", ["INSERT INTO notes (text) VALUES ('no')", "DELETE FROM notes", "DROP TABLE notes", "CREATE TABLE t (a)"]
)
async def test_the_reading_connection_cannot_write(writer: SqliteThread, path: Path, sql: str) -> None:
    """No statement of a reader can change a row or the schema."""
    await writer.run(note("kept"))
    reader = SqliteThread(path, read_only=True)
    reader.open()
    try:
        with pytest.raises(LedgerUnavailable, match="readonly"):
            await reader.run(statement(sql))
        assert await reader.run(statement("SELECT text FROM notes")) == ("kept",)
    finally:
        reader.close()
    assert notes(path) == ["kept"]


async def test_a_reader_does_not_wait_for_the_writer(writer: SqliteThread, path: Path) -> None:
    """While a write is under way, the reader has the last committed rows at once."""
    await writer.run(note("committed"))
    held = Held()
    reader = SqliteThread(path, read_only=True)
    reader.open()
    try:
        writing = asyncio.create_task(writer.run(lambda c: (note("under way")(c), held(c))))
        await asyncio.to_thread(held.begun.wait, 10)
        assert await reader.run(statement("SELECT count(*) FROM notes")) == (1,)
        held.go.set()
        await writing
        assert await reader.run(statement("SELECT count(*) FROM notes")) == (2,)
    finally:
        held.go.set()
        reader.close()
