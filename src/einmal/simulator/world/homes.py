"""Where a world of the whole application keeps its ledger: an SQLite file, or a PostgreSQL database made for it.

Nothing of anybody's is ever emptied. On PostgreSQL the database that is named is only connected to; the worlds live in
databases beside it, made for this run and named so, and dropped at its end, however it ends short of kill -9.
"""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from einmal.adapters.sql.migrate import SchemaMismatch, shown, upgrade
from einmal.adapters.sql.schema import metadata
from einmal.adapters.sql.sqlite import SqliteInline, SqliteStore
from einmal.adapters.sql.steps import Store
from einmal.extras import POSTGRES
from einmal.simulator.world.beside import Beside, InlineStore

if TYPE_CHECKING:
    import asyncpg

MARK: Final = "einmal_simulate"
"""Begins the name of each database that is made here."""

TABLES: Final = tuple(table.name for table in metadata.sorted_tables)


class NoHome(Exception):
    """There is no place for the ledgers of worlds. Says why, and what is allowed."""


class Home(Protocol):
    """A ledger of one process, empty again before each episode."""

    @property
    def url(self) -> str:
        """As the settings of a gateway name it."""

    def empty(self) -> None:
        """As before a first start. What was open on it is closed."""

    def store(self) -> Store:
        """A way in of its own, for one gateway. Open it."""


class Homes(Protocol):
    """Makes homes, in whichever process asks."""

    def opened(self) -> AbstractContextManager[Home]: ...


@contextmanager
def homes_for(ledger: str, database_url: str | None = None) -> Iterator[Homes | None]:
    """Until a run ends. None for worlds in memory. Raises NoHome."""
    match ledger:
        case "memory":
            yield None
        case "sqlite":
            # The folder is this process's: those that live in it are ended without a chance to tidy up.
            with tempfile.TemporaryDirectory(prefix="einmal-world-") as name:
                homes = SqliteHomes(Path(name))
                upgrade(homes.like)
                yield homes
        case _:
            with _postgres_homes(database_url or "") as made:
                yield made


@dataclass(frozen=True, slots=True)
class SqliteHomes:
    folder: Path

    @property
    def like(self) -> Path:
        """An empty ledger, made once and copied: migrating takes longer than an episode."""
        return self.folder / "empty.sqlite3"

    def opened(self) -> AbstractContextManager[Home]:
        return nullcontext(_SqliteHome(self.folder / f"{os.getpid()}.sqlite3", self.like))


@dataclass(slots=True)
class _SqliteHome:
    path: Path
    like: Path
    stores: list[Store] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def empty(self) -> None:
        _close(self.stores)
        for left in self.path.parent.glob(f"{self.path.name}*"):
            left.unlink()
        shutil.copy(self.like, self.path)

    def store(self) -> Store:
        self.stores.append(SqliteStore(self.path, SqliteInline))
        return self.stores[-1]


@contextmanager
def _postgres_homes(url: str) -> Iterator["PostgresHomes"]:
    if POSTGRES.is_missing():
        raise NoHome(f"--ledger postgres {POSTGRES.needed}")
    homes = PostgresHomes(url, f"{MARK}_{secrets.token_hex(4)}")
    asyncio.run(_begin(homes))
    try:
        try:
            upgrade(homes.beside(homes.run))
        except SchemaMismatch as wrong:
            raise NoHome(str(wrong)) from wrong
        yield homes
    finally:
        asyncio.run(_drop_all(homes))


@dataclass(frozen=True, slots=True)
class PostgresHomes:
    """`run` names the empty ledger that all others are copied from, and begins the names of those."""

    url: str
    run: str

    @contextmanager
    def opened(self) -> Iterator[Home]:
        name = f"{self.run}_{secrets.token_hex(4)}"
        with Beside() as beside:
            beside.run(_done(self.url, f"CREATE DATABASE {name} TEMPLATE {self.run}"))
            home = PostgresHome(self.beside(name), beside)
            try:
                yield home
            finally:
                _close(home.stores)
                beside.run(_done(self.url, f"DROP DATABASE {name} WITH (FORCE)"))

    def beside(self, name: str) -> str:
        """The URL of a database on the same server."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()


@dataclass(slots=True)
class PostgresHome:
    url: str
    side: Beside
    stores: list[InlineStore] = field(default_factory=list)

    def empty(self) -> None:
        """Truncated: a copy of an empty database takes six times as long, and deleted rows leave their traces."""
        _close(self.stores)
        self.side.run(_emptied(self.url))

    def store(self) -> InlineStore:
        from einmal.adapters.sql.postgres import PostgresStore  # noqa: PLC0415 - an extra

        self.stores.append(InlineStore(PostgresStore(self.url, connections_max=1), self.side))
        return self.stores[-1]


def _close(stores: list[Any]) -> None:
    while stores:
        stores.pop().close()


async def _begin(homes: PostgresHomes) -> None:
    async with _session(homes.url) as session:
        if await _is_in_use(session):
            raise NoHome(
                f"{shown(homes.url)} holds a ledger with rows, and no worlds are made beside it; name another database "
                f"of a server for tests, such as postgres: each run makes its own there, {MARK}_…, and drops them"
            )
        await session.execute(f"CREATE DATABASE {homes.run}")


async def _is_in_use(session: "asyncpg.Connection[Any]") -> bool:
    there = [table for table in TABLES if await session.fetchval("SELECT to_regclass($1) IS NOT NULL", table)]
    return any([await session.fetchval(f"SELECT EXISTS (SELECT FROM {table})") for table in there])  # noqa: S608


async def _drop_all(homes: PostgresHomes) -> None:
    async with _session(homes.url) as session:
        # First the one that is copied: this waits for a copy that is still being made.
        await session.execute(f"DROP DATABASE IF EXISTS {homes.run} WITH (FORCE)")
        for (name,) in await session.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", homes.run):
            await session.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _emptied(url: str) -> None:
    async with _session(url) as session:
        if not str(await session.fetchval("SELECT current_database()")).startswith(MARK):
            raise NoHome(f"{shown(url)} is not one that was made for worlds, and stays as it is")
        await session.execute(f"SET lock_timeout = '10s'; TRUNCATE {', '.join(TABLES)} RESTART IDENTITY")


async def _done(url: str, statement: str) -> None:
    async with _session(url) as session:
        await session.execute(statement)


@asynccontextmanager
async def _session(url: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    import asyncpg  # noqa: PLC0415 - an extra

    try:
        session = await asyncpg.connect(url)
        try:
            yield session
        finally:
            await session.close()
    except asyncpg.InsufficientPrivilegeError:
        raise NoHome(
            f"{shown(url)}: this role may not read it, or not make databases (ALTER ROLE … CREATEDB)"
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise NoHome(f"{shown(url)} cannot be used: {type(error).__name__}") from None
