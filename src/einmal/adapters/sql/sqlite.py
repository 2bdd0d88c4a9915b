"""One SQLite connection in a thread of its own, with commits shared by those who wait for one.

A durable commit costs an fsync whether it carries one booking or fifty. The thread takes whatever jobs
wait, runs each in a savepoint, commits once, and only then tells each caller its result: nobody hears of a
row that could still be lost. There is no timer; a lone job is committed at once.

`synchronous=FULL` because an intent must survive power loss: it is the only memory of a POST that may have
landed. WAL, so that readers never wait for the writer.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from einmal.adapters.sql.steps import Hold, Steps, Transaction, Violated
from einmal.ports import CommitUnknown, LedgerUnavailable

T = TypeVar("T")

BATCH_MAX: Final = 64
"""Enough that fsync no longer dominates; small enough that the first of a batch does not wait for long."""

BUSY_MILLISECONDS: Final = 2_000
"""Waiting for another process (a migration, a back-up). Nobody on the phone waits longer."""


def connect(path: Path | str, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode with the settings that the guarantees rest on."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what was forgotten is not left in what a page has free
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    return connection


class _Job(Generic[T]):
    __slots__ = ("error", "future", "loop", "result", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], T]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self.result: T | None = None
        self.error: BaseException | None = None

    def deliver(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self.settle)
        except RuntimeError:
            # The loop has closed: nobody waits any more. What was committed stays committed.
            return

    def settle(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]


class SqliteThread:
    """Runs jobs `connection -> value`, one at a time, in order. Start with `open()`, end with `close()`."""

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    def open(self) -> None:
        name = "einmal-ledger-reader" if self._read_only else "einmal-ledger-writer"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what was handed in, then end the thread."""
        self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The job's value, once it is durable. What the job raises is raised here and leaves nothing behind.

        Raises LedgerUnavailable if nothing was written, CommitUnknown if it may have been.
        """
        if self._closed or self._thread is None:
            raise LedgerUnavailable("the ledger is closed")
        job = _Job(work)
        self._jobs.put(job)
        return await job.future

    async def scrub(self) -> bool:
        return await asyncio.to_thread(scrubbed, self._path)

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (job := self._jobs.get()) is not None:
            batch = [job]
            last = False
            while len(batch) < BATCH_MAX:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    last = True
                    break
                batch.append(following)
            try:
                connection = self._commit(connection, batch)
            except BaseException as error:  # noqa: BLE001 - a thread that died would leave everyone waiting
                # Not foreseen, so it cannot be said how far it got; the next batch gets a new connection.
                _fail(batch, CommitUnknown(type(error).__name__))
                connection = None
            for done in batch:
                done.deliver()
            if last:
                break
        if connection is not None:
            connection.close()

    def _commit(self, connection: sqlite3.Connection | None, batch: list[_Job[Any]]) -> sqlite3.Connection | None:
        try:
            connection = connection or connect(self._path, read_only=self._read_only)
            connection.execute("BEGIN" if self._read_only else "BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            _fail(batch, LedgerUnavailable(str(error)))
            return connection
        try:
            for job in batch:
                _run_in_savepoint(connection, job)
        except sqlite3.Error as error:
            # The transaction itself broke (a full disk, say). COMMIT was not asked for: nothing was written.
            _roll_back(connection)
            _fail(batch, LedgerUnavailable(str(error)))
            return connection
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(connection)
            _fail(batch, CommitUnknown(str(error)))
        return connection


class SqliteInline(SqliteThread):
    """The same without a thread: each job is committed where it is asked for. For virtual time."""

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        super().__init__(path, read_only=read_only)
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        self._closed = False

    def close(self) -> None:
        self._closed = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def scrub(self) -> bool:
        return scrubbed(self._path)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        await asyncio.sleep(0)  # as with the thread: others go on meanwhile
        if self._closed:
            raise LedgerUnavailable("the ledger is closed")
        job = _Job(work)
        self._connection = self._commit(self._connection, [job])
        job.settle()
        return await job.future


def scrubbed(path: Path | str) -> bool:
    """Whether the log of writes is empty now: until then it holds pages as they were before they were overwritten.

    Somebody who reads or writes in this moment is not waited for.
    """
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error:
        return False
    return not busy


def _run_in_savepoint(connection: sqlite3.Connection, job: "_Job[Any]") -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(connection)
    except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the job's caller
        broken = isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError)
        job.error = LedgerUnavailable(str(error)) if broken else error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _fail(batch: "list[_Job[Any]]", error: Exception) -> None:
    for job in batch:
        if job.error is None:
            job.error = error


class SqliteStore:
    """The Store on one SQLite file: a writing thread, and a reading one that never waits for it."""

    def __init__(self, path: Path | str, thread: type[SqliteThread] = SqliteThread) -> None:
        self._writer = thread(path)
        self._reader = thread(path, read_only=True)

    def open(self) -> None:
        self._writer.open()
        self._reader.open()

    def close(self) -> None:
        self._writer.close()
        self._reader.close()

    async def write(self, work: Transaction[T]) -> T:
        return await self._writer.run(lambda connection: carried_out(connection, work()))

    async def read(self, work: Transaction[T]) -> T:
        return await self._reader.run(lambda connection: carried_out(connection, work()))

    async def scrub(self) -> bool:
        return await self._writer.scrub()

    write_shared = write
    """Each write shares its commit with whoever waits."""

    snapshot = read
    """Each job of a reading thread is a transaction."""


def carried_out(connection: sqlite3.Connection, steps: Steps[T]) -> T:
    """What the steps return, inside a transaction that somebody else begins and ends."""
    try:
        step = next(steps)
        while True:
            if isinstance(step, Hold):
                step = steps.send(())  # this is the only writer
                continue
            try:
                rows = connection.execute(*step).fetchall()
            except sqlite3.IntegrityError as error:
                step = steps.throw(_violated(error))
            else:
                step = steps.send(rows)
    except StopIteration as done:
        result: T = done.value
        return result


def _violated(error: sqlite3.IntegrityError) -> Violated:
    """ "UNIQUE constraint failed: intents.operation_id", or the name of a CHECK."""
    return Violated(str(error).partition(": ")[2] or str(error))
