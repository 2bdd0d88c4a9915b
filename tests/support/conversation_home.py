"""The databases of conversations: one of each kind for all of them, as if new before each, and read beside them."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.schema import metadata
from einmal.adapters.sql.steps import Store
from einmal.simulator.world.homes import Home, PostgresHome, SqliteHomes, homes_for
from support.postgres import postgres_server

KINDS: Final = ("sqlite", "postgres")
_FORGET: Final = ";".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))  # noqa: S608

_MEMORY: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - the folder in it has a name of its own
"""No power is cut here: what SQLite flushes at each commit need not reach a disk."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database for one gateway after the other. `rows` carries out one statement beside them."""

    url: str
    store: Callable[[], Store]
    empty: Callable[[], None]
    rows: Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def opened(kind: str) -> Iterator[Place]:
    """An SQLite file, or a database on a PostgreSQL server of its own."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="einmal-conversations-", dir=_MEMORY) as folder:
            files = SqliteHomes(Path(folder))
            upgrade(files.like)
            with files.opened() as home, ExitStack() as beside:
                yield _sqlite(home, beside)
        return
    with (
        postgres_server(fsync="off", full_page_writes="off") as server,
        homes_for("postgres", server.create()) as homes,
    ):
        assert homes is not None
        with homes.opened() as home:
            assert isinstance(home, PostgresHome)
            session = home.side.run(_session(home.url))
            yield _postgres(home, session)
            home.side.run(session.close())


def _sqlite(home: Home, beside: ExitStack) -> Place:
    """`beside` ends what is asked beside the ledger: one connection a file, as long as that file is there."""
    path = home.url.removeprefix("sqlite:///")
    sessions: list[sqlite3.Connection] = []

    def rows(statement: str) -> list[tuple[Any, ...]]:
        if not sessions:
            sessions.append(beside.enter_context(closing(sqlite3.connect(path))))
        return sessions[0].execute(statement).fetchall()

    def empty() -> None:
        beside.close()
        sessions.clear()
        home.empty()

    return Place(home.url, home.store, empty, rows)


def _postgres(home: PostgresHome, session: "asyncpg.Connection[Any]") -> Place:
    def rows(statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in home.side.run(session.fetch(statement))]

    def empty() -> None:
        """A conversation leaves a dozen rows, which are deleted in a tenth of the time that truncating takes."""
        while home.stores:
            home.stores.pop().close()
        home.side.run(session.execute(_FORGET))

    return Place(home.url, home.store, empty, rows)


async def _session(url: str) -> "asyncpg.Connection[Any]":
    return await asyncpg.connect(url)
