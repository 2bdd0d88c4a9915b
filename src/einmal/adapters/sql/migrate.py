"""Bringing a ledger to the schema that this code expects, and back.

A fresh database is built without being asked. One that holds data is never changed silently: the command
`einmal db upgrade` does it, and migrations refuse rather than delete rows. A ledger is named by the path of its file,
or by the URL of its PostgreSQL database.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Final, TypeVar

from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from einmal.adapters.sql.ledger import SCHEMA_HEAD

T = TypeVar("T")

LAYER_4: Final = "unique_calcom_v2_booking_id"
ONE_AT_A_TIME: Final = 4_711_000_001
"""The advisory lock under which a PostgreSQL schema is changed: processes may start at the same moment."""


class SchemaMismatch(Exception):
    """The database holds another schema than this code can use. Says which command puts it right."""


def schema_version(where: Path | str) -> str | None:
    """The version of the schema there; None where there is no file, or an empty database."""
    if isinstance(where, str):
        return _version_on_postgres(where)
    path = where
    if not path.exists():
        return None
    if path.is_dir():
        raise SchemaMismatch(f"{path} is a folder, not an SQLite database")
    connection = sqlite3.connect(path)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise SchemaMismatch(f"{path} is an SQLite database, but not a ledger of Einmal's")
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])
    except sqlite3.DatabaseError as error:
        raise SchemaMismatch(f"{path} cannot be read as an SQLite database: {error}") from error
    finally:
        connection.close()


def upgrade(where: Path | str, revision: str = SCHEMA_HEAD) -> None:
    """Migrate up. Creates file and folder where they are missing; raises SchemaMismatch for a database not ours."""
    schema_version(where)
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
    _changed(where, lambda connection: command.upgrade(_config(connection), revision))


def has_layer_4(where: Path | str) -> bool:
    """Whether the UNIQUE index on booking uids stands, whatever the schema's version says."""

    def look(connection: Connection) -> bool:
        return LAYER_4 in {index["name"] for index in inspect(connection).get_indexes("appointments")}

    return _changed(where, look)


def switch_layer_4(where: Path | str, *, on: bool) -> None:
    """Take layer 4 down, or put it up again: the step of revision 0002 alone, whatever came after it.

    Putting it up raises RuntimeError where duplicates stand by then, and changes nothing.
    """
    if schema_version(where) is None:
        raise SchemaMismatch(f"{shown(where)} holds no ledger")
    if has_layer_4(where) is on:
        return
    step = import_module("einmal.adapters.sql.migrations.versions.0002_unique_booking_uid")

    def switch(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            (step.upgrade if on else step.downgrade)()

    _changed(where, switch)


def downgrade(where: Path | str, revision: str) -> None:
    """Migrate down. To switch only layer 4 off see `switch_layer_4`."""
    if schema_version(where) is None:
        raise SchemaMismatch(f"{shown(where)} holds no ledger")
    _changed(where, lambda connection: command.downgrade(_config(connection), revision))


def shown(where: Path | str) -> str:
    """As it may be printed: without the password."""
    return str(where) if isinstance(where, Path) else make_url(where).render_as_string(hide_password=True)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own transaction handling commits before DDL; a half-done migration would remain.
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _changed(where: Path | str, work: Callable[[Connection], T]) -> T:
    """What the work returns, done in one transaction."""
    if isinstance(where, Path):
        with _engine(where).begin() as connection:
            return work(connection)
    # In a thread: whoever asks may be inside an event loop, and its driver wants one of its own.
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, _on_postgres(where, work)).result()


async def _on_postgres(url: str, work: Callable[[Connection], T]) -> T:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})"))
            return await connection.run_sync(work)
    except (DBAPIError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise SchemaMismatch(f"{shown(url)} cannot be used: {type(cause).__name__}") from error


def _version_on_postgres(url: str) -> str | None:
    def look(connection: Connection) -> str | None:
        tables = inspect(connection).get_table_names()
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise SchemaMismatch(f"{shown(url)} is a database with tables, but not a ledger of Einmal's")
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return None if version is None else str(version)

    return _changed(url, look)
