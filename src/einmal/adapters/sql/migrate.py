"""Bringing a ledger to the schema that this code expects, and back.

A fresh database is built without being asked. One that holds data is never changed silently: the command
`einmal db upgrade` does it, and migrations refuse rather than delete rows.
"""

import sqlite3
from importlib import import_module
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect
from sqlalchemy.pool import NullPool

from einmal.adapters.sql.ledger import SCHEMA_HEAD

LAYER_4: Final = "unique_calcom_v2_booking_id"


class SchemaMismatch(Exception):
    """The database holds another schema than this code can use. Says which command puts it right."""


def schema_version(path: Path) -> str | None:
    """The version of the schema in this file; None where there is no database or an empty one."""
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


def upgrade(path: Path, revision: str = SCHEMA_HEAD) -> None:
    """Migrate up. Creates file and folder where they are missing; raises SchemaMismatch for a file not ours."""
    schema_version(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _engine(path).begin() as connection:
        command.upgrade(_config(connection), revision)


def has_layer_4(path: Path) -> bool:
    """Whether the UNIQUE index on booking uids stands, whatever the schema's version says."""
    with _engine(path).connect() as connection:
        return LAYER_4 in {index["name"] for index in inspect(connection).get_indexes("appointments")}


def switch_layer_4(path: Path, *, on: bool) -> None:
    """Take layer 4 down, or put it up again: the step of revision 0002 alone, whatever came after it.

    Putting it up raises RuntimeError where duplicates stand by then, and changes nothing.
    """
    if schema_version(path) is None:
        raise SchemaMismatch(f"{path} holds no ledger")
    if has_layer_4(path) is on:
        return
    step = import_module("einmal.adapters.sql.migrations.versions.0002_unique_booking_uid")
    with _engine(path).begin() as connection, Operations.context(MigrationContext.configure(connection)):
        (step.upgrade if on else step.downgrade)()


def downgrade(path: Path, revision: str) -> None:
    """Migrate down. To switch only layer 4 off see `switch_layer_4`."""
    if schema_version(path) is None:
        raise SchemaMismatch(f"{path} holds no ledger")
    with _engine(path).begin() as connection:
        command.downgrade(_config(connection), revision)


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
