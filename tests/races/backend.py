"""What races are run against: a ledger by its URL, with all its guards or with some of them off.

It says what it means on each database to take a guard away. A race knows nothing of it, and a contender, who is
spawned often, imports nothing more. How a database is made stands in `databases`.
"""

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from einmal.adapters.sql import ledger
from einmal.adapters.sql.postgres import PostgresStore
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.adapters.sql.steps import Hold, Statement, Steps, Transaction, Violated
from einmal.adapters.system import SystemIds
from einmal.ports import Gates, Ledger, Outbox

T = TypeVar("T")
TENANT: Final = "default"
NOW: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CHANNELS: Final = ("log",)


class Guard(StrEnum):
    """What keeps two writers from doing one thing twice."""

    TRANSACTION = "transaction"
    """What a job reads and writes is one transaction, and nobody else's meanwhile. Off: on SQLite each statement is a
    transaction; on PostgreSQL no name is held and no row locked."""
    LOCK = "lock"
    """The lock is taken before anything is read. Off: by the first statement that writes; and on PostgreSQL, where
    whoever comes second finds a row that must not be, nobody tries again."""
    INDEXES = "indexes"
    """The UNIQUE indexes and constraints."""
    COMPARE = "compare"
    """A row is changed only if it still is what it was when it was read."""


class SqlLedger(Ledger, Protocol):
    """A ledger with the ports that share its database."""

    gates: Gates
    outbox: Outbox

    def open(self) -> None: ...
    def close(self) -> None: ...


_LOOSER: Final = (
    ("AND state = ? AND epoch = ?", "AND (state = ? OR true) AND (epoch = ? OR true)"),
    ("WHERE sweeps.due_at <= ? OR sweeps.due_at > ?", "WHERE (sweeps.due_at <= ? OR sweeps.due_at > ? OR true)"),
)


def _loosened(statement: str) -> str:
    """An update that compares nothing."""
    for strict, loose in _LOOSER:
        statement = statement.replace(strict, loose)
    return statement


# SQLite ----------------------------------------------------------------------------------------------------------


PREFIX: Final = "sqlite:///"


class _Loosened:
    """A connection whose updates compare nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(_loosened(statement), *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _unguarded(off: frozenset[Guard]) -> type[SqliteThread]:
    """The writing thread without these guards. The thread has begun and will commit; in between it is undone."""

    class Unguarded(SqliteThread):
        async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
            def bare(connection: sqlite3.Connection) -> T:
                used: Any = _Loosened(connection) if Guard.COMPARE in off else connection
                if self._read_only or not off & {Guard.TRANSACTION, Guard.LOCK}:
                    return work(used)
                connection.execute("COMMIT")
                if Guard.LOCK in off:
                    _begin(connection)
                    return work(used)
                try:
                    return work(used)
                finally:
                    _begin(connection)

            return await super().run(bare)

    return Unguarded


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SAVEPOINT job")


def thread_of(off: frozenset[Guard]) -> type[SqliteThread]:
    return _unguarded(off) if off else SqliteThread


def _open_sqlite(url: str, off: frozenset[Guard]) -> SqlLedger:
    opened = ledger.SqliteLedger(Path(url.removeprefix(PREFIX)), SystemIds(), CHANNELS, thread_of(off))
    opened.open()
    return opened


# PostgreSQL ------------------------------------------------------------------------------------------------------

CONNECTIONS_MAX: Final = 2
"""Of one ledger: a contender does one thing at a time, and a server has room for so many."""

_LOCKED: Final = re.compile(r"/\* FOR UPDATE[^*]*\*/")


class _UnguardedStore(PostgresStore):
    """The store without these guards. What it is given to write is a transaction all the same."""

    def __init__(self, url: str, off: frozenset[Guard]) -> None:
        super().__init__(url, CONNECTIONS_MAX)
        self._off = off

    async def write(self, work: Transaction[T]) -> T:
        if Guard.LOCK not in self._off:
            return await super().write(lambda: _unguarded_steps(work(), self._off))
        async with self._session() as session:
            return await session.transaction(_unguarded_steps(work(), self._off))

    async def write_shared(self, work: Transaction[T]) -> T:
        if Guard.LOCK not in self._off:
            return await super().write_shared(lambda: _unguarded_steps(work(), self._off))
        return await self.write(work)


def _unguarded_steps(steps: Steps[T], off: frozenset[Guard]) -> Steps[T]:
    locks = not off & {Guard.TRANSACTION, Guard.LOCK}
    try:
        step = next(steps)
        while True:
            if isinstance(step, Hold):
                if locks:
                    yield step
                step = steps.send(())
                continue
            sql = step.sql if locks else _LOCKED.sub("", step.sql)
            try:
                found = yield Statement(_loosened(sql) if Guard.COMPARE in off else sql, step.values)
            except Violated as violated:
                step = steps.throw(violated)
            else:
                step = steps.send(found)
    except StopIteration as done:
        result: T = done.value
        return result


def store_of(url: str, off: frozenset[Guard]) -> PostgresStore:
    return _UnguardedStore(url, off) if off else PostgresStore(url, CONNECTIONS_MAX)


def _open_postgres(url: str, off: frozenset[Guard]) -> SqlLedger:
    opened = ledger.SqlLedger(store_of(url, off), SystemIds(), CHANNELS)
    opened.open()
    return opened


OPENED: Final[dict[str, Callable[[str, frozenset[Guard]], SqlLedger]]] = {
    "sqlite": _open_sqlite,
    "postgresql": _open_postgres,
}
"""By the scheme of the ledger's URL."""


def opened(url: str, off: frozenset[Guard]) -> SqlLedger:
    """The ledger there, open, with these guards off."""
    return OPENED[url.partition(":")[0]](url, off)
