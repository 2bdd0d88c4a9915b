"""Where races are run: a database by its URL, with all its guards or with some of them off.

A backend says how a fresh ledger is made and opened, and what it means there to take a guard away. A race knows
nothing of it. Another database is one more entry in BACKENDS.
"""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import MetaData, UniqueConstraint, create_engine, text

from einmal.adapters.sql import schema
from einmal.adapters.sql.ledger import SqliteLedger
from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.adapters.sql.tenants import ensure_tenant
from einmal.adapters.system import SystemIds
from einmal.ports import Gates, Ledger, Outbox

T = TypeVar("T")
TENANT: Final = "default"
NOW: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CHANNELS: Final = ("log",)


class Guard(StrEnum):
    """What keeps two writers from doing one thing twice."""

    TRANSACTION = "transaction"
    """What a job reads and writes is one transaction. Off: each statement is one."""
    LOCK = "lock"
    """The write lock is taken before anything is read. Off: by the first statement that writes."""
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


@dataclass(frozen=True, slots=True)
class Backend:
    """`fresh(base, off)` makes an empty ledger and gives its URL; `open(url, off)` opens it.

    `base` is where ledgers can be made: sqlite:///FOLDER, or a server's URL.
    """

    fresh: Callable[[str, frozenset[Guard]], str]
    open: Callable[[str, frozenset[Guard]], SqlLedger]


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    """What a statement gives, beside the ledger."""
    engine = create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        found = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return found


def create_without_indexes(url: str) -> None:
    """The schema without a UNIQUE index or constraint; primary keys stay."""
    bare = MetaData()
    for table in schema.metadata.sorted_tables:
        copy = table.to_metadata(bare)
        copy.indexes -= {index for index in copy.indexes if index.unique}
        copy.constraints -= {one for one in copy.constraints if isinstance(one, UniqueConstraint)}
    engine = create_engine(url)
    bare.create_all(engine)
    engine.dispose()


_PREFIX: Final = "sqlite:///"

_LOOSER: Final = (
    ("AND state = ? AND epoch = ?", "AND (state = ? OR 1) AND (epoch = ? OR 1)"),
    ("WHERE sweeps.due_at <= ? OR sweeps.due_at > ?", "WHERE (sweeps.due_at <= ? OR sweeps.due_at > ? OR 1)"),
)


class _Loosened:
    """A connection whose updates compare nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        for strict, loose in _LOOSER:
            statement = statement.replace(strict, loose)
        return self._connection.execute(statement, *values)

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


def _fresh_sqlite(base: str, off: frozenset[Guard]) -> str:
    url = f"{base}/races-{secrets.token_hex(4)}.sqlite3"
    path = Path(url.removeprefix(_PREFIX))
    if Guard.INDEXES in off:
        create_without_indexes(url)
    else:
        upgrade(path)
    ensure_tenant(path, TENANT, TENANT, (), NOW)
    return url


def _open_sqlite(url: str, off: frozenset[Guard]) -> SqlLedger:
    thread = _unguarded(off) if off else SqliteThread
    ledger = SqliteLedger(Path(url.removeprefix(_PREFIX)), SystemIds(), CHANNELS, thread)
    ledger.open()
    return ledger


BACKENDS: Final[dict[str, Backend]] = {"sqlite": Backend(_fresh_sqlite, _open_sqlite)}
"""By the scheme of their URLs."""


def backend_of(url: str) -> Backend:
    """Raises KeyError for a database that no race has been run on yet."""
    return BACKENDS[url.partition(":")[0]]
