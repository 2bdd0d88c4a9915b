"""Ledgers on SQL to test: a fresh database for each test, on SQLite or on a real PostgreSQL, with a way beside it."""

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from einmal.adapters.sql.ledger import PostgresLedger, SqliteLedger, SqlLedger
from einmal.adapters.sql.migrate import switch_layer_4, upgrade
from einmal.adapters.sql.roles import RoleNames, carry_out, roles_sql
from einmal.adapters.sql.sqlite import connect
from einmal.ports import Ids
from support.ledger_file import new_ledger
from support.postgres import PostgresServer, checked, postgres_server

T = TypeVar("T")


@dataclass
class SqlBase:
    """A database. `run` carries out one statement beside the ledgers that are open on it.

    `where` is its owner's; on PostgreSQL the ledgers are opened as the role that gateways are meant to have, on tables
    with row-level security.
    """

    where: Path | str
    run: Callable[[str], list[tuple[Any, ...]]]
    stack: ExitStack = field(default_factory=ExitStack)

    def ledger(self, ids: Ids, channels: Sequence[str] = ()) -> SqlLedger:
        made: SqlLedger
        if isinstance(self.where, Path):
            made = SqliteLedger(self.where, ids, channels)
        else:
            made = PostgresLedger(as_role(self.where, RoleNames().app), ids, channels)
        made.open()
        self.stack.callback(made.close)
        return made

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """These columns of a table, in the order of the first."""
        order = "data::text" if columns[0] == "data" and isinstance(self.where, str) else "1"  # JSON has no order
        return self.run(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}")  # noqa: S608 - the tests' own

    def add_tenant(self, tenant_id: str) -> None:
        self.run(
            "INSERT INTO tenants (tenant_id, name, hash_key, created_at) "  # noqa: S608 - the tests' own words
            f"VALUES ('{tenant_id}', '{tenant_id}', '', '2026-01-01T00:00:00.000Z') ON CONFLICT DO NOTHING"
        )

    def drop_layer_4(self) -> None:
        switch_layer_4(self.where, on=False)


@contextmanager
def sqlite_base(folder: Path) -> Iterator[SqlBase]:
    path = new_ledger(folder / "ledger.sqlite3")

    def run(statement: str) -> list[tuple[Any, ...]]:
        with closing(connect(path)) as connection:
            return connection.execute(statement).fetchall()

    base = SqlBase(path, run)
    with base.stack:
        yield base


@contextmanager
def postgres_base(_: Path) -> Iterator[SqlBase]:
    """On the one server of this test run."""
    server, empty = _server()
    url = server.create(checked(empty))

    def run(statement: str) -> list[tuple[Any, ...]]:
        return asked_of(url, statement)

    base = SqlBase(url, run)
    with base.stack:
        yield base
    server.drop(url)


def as_role(url: str, role: str) -> str:
    """The same database as somebody else."""
    return url.replace("//postgres@", f"//{role}@")


Base = Callable[[Path], AbstractContextManager[SqlBase]]
BASES: dict[str, Base] = {"sqlite": sqlite_base, "postgres": postgres_base}


def the_postgres() -> PostgresServer:
    """The one server of this test run."""
    return _server()[0]


@cache
def _server() -> tuple[PostgresServer, str]:
    """Started when first wanted, with an empty ledger to copy. It survives no power cut, and need not."""
    stack = ExitStack()
    server = stack.enter_context(postgres_server(fsync="off", full_page_writes="off"))
    atexit.register(stack.close)
    empty = server.create()
    upgrade(empty)
    _apart(carry_out(empty, roles_sql(RoleNames())))
    return server, empty


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


def asked_of(url: str, statement: str) -> list[tuple[Any, ...]]:
    """What PostgreSQL answers there."""

    async def asked() -> list[tuple[Any, ...]]:
        session = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await session.fetch(statement)]
        finally:
            await session.close()

    return _apart(asked())


def _apart(work: Coroutine[Any, Any, T]) -> T:
    """From inside another event loop as well."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result(30)
