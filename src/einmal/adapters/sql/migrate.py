"""Bringing a ledger to the schema that this code expects, and back.

A fresh database is built without being asked. One that holds data is never changed silently: the command
`einmal db upgrade` does it, and migrations refuse rather than delete rows. A ledger is named by the path of its file,
or by the URL of its PostgreSQL database.

To look which schema is there takes a driver and no more. What changes one is in `migrating`, and loaded only then: a
gateway that starts on a ledger that is as it should be does without half of what it would load otherwise.
"""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from einmal.adapters.sql.ledger import SCHEMA_HEAD

ONE_AT_A_TIME: Final = 4_711_000_001
"""The advisory lock under which a PostgreSQL schema is changed: processes may start at the same moment."""

NOT_ALLOWED: Final = frozenset({"42501", "3F000"})
"""What PostgreSQL calls want of rights, to a table or to any schema to make one in."""

_TABLES: Final = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')"""


class SchemaMismatch(Exception):
    """The database holds another schema than this code can use. Says which command puts it right."""


def schema_version(where: Path | str) -> str | None:
    """The version of the schema there; None where there is no file, or an empty database."""
    if isinstance(where, str):
        # In a thread: whoever asks may be inside an event loop, and its driver wants one of its own.
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(asyncio.run, _version_on_postgres(where)).result()
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
    from einmal.adapters.sql import migrating  # noqa: PLC0415

    schema_version(where)
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
    migrating.upgraded(where, revision)


def has_layer_4(where: Path | str) -> bool:
    """Whether the UNIQUE index on booking uids stands, whatever the schema's version says."""
    from einmal.adapters.sql import migrating  # noqa: PLC0415

    return migrating.has_layer_4(where)


def switch_layer_4(where: Path | str, *, on: bool) -> None:
    """Take layer 4 down, or put it up again: the step of revision 0002 alone, whatever came after it.

    Putting it up raises RuntimeError where duplicates stand by then, and changes nothing.
    """
    from einmal.adapters.sql import migrating  # noqa: PLC0415

    if schema_version(where) is None:
        raise SchemaMismatch(f"{shown(where)} holds no ledger")
    if migrating.has_layer_4(where) is not on:
        migrating.switch_layer_4(where, on=on)


def downgrade(where: Path | str, revision: str) -> None:
    """Migrate down. To switch only layer 4 off see `switch_layer_4`."""
    from einmal.adapters.sql import migrating  # noqa: PLC0415

    if schema_version(where) is None:
        raise SchemaMismatch(f"{shown(where)} holds no ledger")
    migrating.downgraded(where, revision)


def not_allowed(url: str) -> str:
    """What to say where the database refuses for want of rights."""
    return (
        f"{shown(url)}: this role may not. The role that owns the tables makes and changes them, with "
        "`einmal db upgrade`; `einmal db roles` then lets the others in"
    )


def shown(where: Path | str) -> str:
    """As it may be printed: without the password. Of a URL in which it may stand anywhere hardly anything."""
    if isinstance(where, Path):
        return str(where)
    scheme, _, rest = where.partition("://")
    address, mark, options = rest.partition("?")
    if "@" in options:
        return f"{scheme}://***"
    user, at, server = address.rpartition("@")
    name, colon, _ = user.partition(":")
    # Options may hold one as well.
    more = "" if "pass" in options.lower() else mark + options
    return f"{scheme}://{name}{colon and ':***'}{at}{server}{more}"


async def _version_on_postgres(url: str) -> str | None:
    import asyncpg  # noqa: PLC0415 - an extra

    try:
        session: asyncpg.Connection[Any] = await asyncpg.connect(url)
        try:
            async with session.transaction():
                # Whoever changes it at this moment is waited for.
                await session.execute(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
                tables = {name for (name,) in await session.fetch(_TABLES)}
                if "alembic_version" in tables:
                    version = await session.fetchval("SELECT version_num FROM alembic_version")
                    return None if version is None else str(version)
        finally:
            await session.close()
    except asyncpg.InsufficientPrivilegeError as error:
        raise SchemaMismatch(not_allowed(url)) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise SchemaMismatch(f"{shown(url)} cannot be used: {type(error).__name__}") from error
    if tables:
        raise SchemaMismatch(f"{shown(url)} is a database with tables, but not a ledger of Einmal's")
    return None
