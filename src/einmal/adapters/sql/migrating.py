"""What changes a ledger's schema: Alembic's steps, each run of them one transaction. Only `migrate` asks for it."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from einmal.adapters.sql.layer4 import LAYER_4
from einmal.adapters.sql.migrate import NOT_ALLOWED, ONE_AT_A_TIME, SchemaMismatch, not_allowed, shown

T = TypeVar("T")


def upgraded(where: Path | str, revision: str) -> None:
    _changed(where, lambda connection: command.upgrade(_config(connection), revision))


def downgraded(where: Path | str, revision: str) -> None:
    _changed(where, lambda connection: command.downgrade(_config(connection), revision))


def has_layer_4(where: Path | str) -> bool:
    def look(connection: Connection) -> bool:
        return LAYER_4 in {index["name"] for index in inspect(connection).get_indexes("appointments")}

    return _changed(where, look)


def switch_layer_4(where: Path | str, *, on: bool) -> None:
    step = import_module("einmal.adapters.sql.migrations.versions.0002_unique_booking_uid")

    def switch(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            (step.upgrade if on else step.downgrade)()

    _changed(where, switch)


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
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - for servers alone

    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})"))
            return await connection.run_sync(work)
    except (DBAPIError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if getattr(cause, "sqlstate", None) in NOT_ALLOWED:
            raise SchemaMismatch(not_allowed(url)) from error
        raise SchemaMismatch(f"{shown(url)} cannot be used: {type(cause).__name__}") from error
