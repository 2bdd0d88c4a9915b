"""Where a table is: which database, how it is opened, and what is said where it cannot be.

Nothing of what a database says is passed on but what is known to hold no row: an error may quote one, and a URL may
hold a password.
"""

import asyncio
import sqlite3
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SAWarning, SQLAlchemyError
from sqlalchemy.pool import NullPool

from einmal.extras import MYSQL, POSTGRES
from einmal.secret import Secret

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")

CONNECT_SECONDS_MAX: Final = 10
BUSY_SECONDS_MAX: Final = 30
"""How long SQLite waits for whoever writes."""

LOCK_SECONDS_MAX: Final = 60
"""How long the others wait for a lock: whoever comes later stands behind a change of the schema that waits for one."""

SCHEMES: Final = "sqlite:///path, postgresql://user@host/database, mysql://... or mariadb://..."

_PLAIN_SESSION: Final = {
    # However the server is set up, a value is written in one way only, and whole.
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "application_name": "einmal",
    "lock_timeout": f"{LOCK_SECONDS_MAX}s",
}
_STRICT: Final = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"
"""MySQL shortens what does not fit, unless it is told not to; and what stands in a row must go back as it is."""


class Kind(StrEnum):
    SQLITE = "sqlite"
    POSTGRES = "postgresql"
    MYSQL = "mysql"


_KINDS: Final = {
    "sqlite": Kind.SQLITE,
    "postgresql": Kind.POSTGRES,
    "postgres": Kind.POSTGRES,
    "mysql": Kind.MYSQL,
    "mariadb": Kind.MYSQL,
}


class BadPlace(Exception):
    """What was given names no database. Says what does."""


class CouldNotLook(Exception):
    """The database, or what was looked for in it, is not to be had. Says which, and holds no secret and no row."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database. `shown` is how it may be printed: without the password."""

    kind: Kind
    shown: str
    _url: Secret = field(repr=False)

    @property
    def url(self) -> URL:
        return make_url(self._url.reveal())

    def is_same(self, other: "Place") -> bool:
        """Whether both name one database. A server may have further names, which nobody here knows of."""
        if self.kind is not other.kind:
            return False
        one, another = self.url, other.url
        if self.kind is Kind.SQLITE:
            return Path(str(one.database)).resolve() == Path(str(another.database)).resolve()
        return (one.host, one.port or 5432, one.database) == (another.host, another.port or 5432, another.database)


def place_of(text: str) -> Place:
    """Which database a URL names. Raises BadPlace."""
    try:
        url = make_url(text.strip())
        server = url.get_backend_name() != Kind.SQLITE
        kind = _KINDS.get(url.get_backend_name())
    except (ArgumentError, ValueError):
        kind = None
    else:
        if kind is Kind.SQLITE and url.database not in {None, "", ":memory:"}:
            return place_of_file(Path(str(url.database)))
        if server and text.count("@") > 1:
            # The rest of a password would be taken for a host, and printed.
            raise BadPlace(f"--url: it has more than one @; write %40 for an @ in the password; say {SCHEMES}")
        if kind is not None and kind is not Kind.SQLITE and url.database:
            extra = POSTGRES if kind is Kind.POSTGRES else MYSQL
            if extra.is_missing():
                raise BadPlace(f"--url: {kind.value} {extra.needed}")
            # Options after the ? may be secrets too.
            return Place(kind, url.set(query={}).render_as_string(hide_password=True), Secret(text.strip()))
    if kind is not None:
        raise BadPlace(f"--url: the {kind.value} URL names no database; say {SCHEMES}")
    raise BadPlace(f"--url: say {SCHEMES}; an @ or / in a password is written %40 or %2F")


def place_of_file(path: Path) -> Place:
    return Place(Kind.SQLITE, str(path), Secret(URL.create("sqlite", database=str(path)).render_as_string()))


def carried_out(place: Place, work: Callable[[Connection], T], *, writes: bool = False) -> T:
    """What the work returns. Unless it `writes`, the database itself is told to refuse each change.

    The work begins and ends its own transactions. Raises CouldNotLook.
    """
    try:
        with warnings.catch_warnings():
            # A type that SQLAlchemy does not know is read and written as the database's own text.
            warnings.simplefilter("ignore", SAWarning)
            return _carried_out(place, work, writes)
    except (SQLAlchemyError, OSError) as error:
        raise CouldNotLook(f"{place.shown}: {reason_of(error)}") from error


def _carried_out(place: Place, work: Callable[[Connection], T], writes: bool) -> T:  # noqa: FBT001 - internal
    if place.kind is Kind.POSTGRES:
        return asyncio.run(_on_postgres(place, work, writes))
    path = Path(str(place.url.database))
    if place.kind is Kind.SQLITE and not path.is_file():
        raise CouldNotLook(f"{path} is no file" if path.exists() else f"there is no file {path}")
    try:
        connection = (_sqlite if place.kind is Kind.SQLITE else _mysql)(place, writes).connect()
    except (RuntimeError, TypeError, ValueError) as error:
        raise CouldNotLook(f"{place.shown}: {reason_of(error)}") from error
    with connection:
        return work(connection)


async def _on_postgres(place: Place, work: Callable[[Connection], T], writes: bool) -> T:  # noqa: FBT001 - internal
    async with _postgres(place, writes).connect() as connection:
        if not writes:
            await connection.execution_options(postgresql_readonly=True)
        return await connection.run_sync(work)


# An engine holds no connection, but what it has worked out of statements: each command opens several, one by one.


@lru_cache(8)
def _postgres(place: Place, writes: bool) -> "AsyncEngine":  # noqa: FBT001 - internal
    import asyncpg  # noqa: PLC0415 - an extra
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - wants greenlet, of the same extra

    # As the server's own programs write it: `postgresql+driver` is SQLAlchemy's.
    address = place.url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def opened() -> Any:
        try:
            return await asyncpg.connect(address, timeout=CONNECT_SECONDS_MAX, server_settings=_PLAIN_SESSION)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError) as error:
            raise CouldNotLook(f"{place.shown}: {reason_of(error)}") from error

    level = "READ COMMITTED" if writes else "REPEATABLE READ"
    return create_async_engine("postgresql+asyncpg://", async_creator=opened, poolclass=NullPool, isolation_level=level)


@lru_cache(8)
def _mysql(place: Place, writes: bool) -> Engine:  # noqa: FBT001 - internal
    level = "READ COMMITTED" if writes else "REPEATABLE READ"
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS_MAX, "charset": "utf8mb4", "sql_mode": _STRICT}
    if place.url.password is not None:
        # The driver would take text for Latin-1; servers hash what they were told in UTF-8.
        options["password"] = place.url.password.encode()
    engine = create_engine(
        place.url.set(drivername="mysql+pymysql"), connect_args=options, poolclass=NullPool, isolation_level=level
    )

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION time_zone = '+00:00', SESSION lock_wait_timeout = {LOCK_SECONDS_MAX}")
            if not writes:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")

    return engine


@lru_cache(8)
def _sqlite(place: Place, writes: bool) -> Engine:  # noqa: FBT001 - internal
    path = Path(str(place.url.database))

    def opened() -> sqlite3.Connection:
        # The driver's own transactions would commit before DDL; they are begun below.
        address = f"{path.absolute().as_uri()}?mode={'rw' if writes else 'ro'}"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS_MAX)
        connection.execute("PRAGMA foreign_keys = ON" if writes else "PRAGMA query_only = ON")
        return connection

    engine = create_engine("sqlite://", creator=opened, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


_HARMLESS: Final[dict[str | int, str]] = {
    # PostgreSQL's states and MySQL's numbers: https://www.postgresql.org/docs/current/errcodes-appendix.html,
    # https://mariadb.com/kb/en/mariadb-error-codes/
    "28P01": "the password is wrong, or there is no such user",
    "28000": "this user may not connect from here",
    "3D000": "there is no such database on that server",
    "42501": "this user may not do that; grant it SELECT; whoever repairs must own the table",
    "53300": "the server has no connection left",
    "55P03": "somebody else holds the rows for too long; try again",
    "40P01": "somebody else changed the same rows at the same moment; try again, it goes on where it was",
    "25006": "it is read-only",
    "42P07": "somebody else puts up the same index, or makes the log, at this moment; look again",
    1045: "the password is wrong, or there is no such user",
    1698: "the password is wrong, or there is no such user",
    1044: "this user may not use that database, or there is none of that name",
    1049: "there is no such database on that server",
    1142: "this user may not do that; grant it SELECT; for a repair INSERT, UPDATE, DELETE, CREATE, INDEX too",
    1143: "this user may not read or change that column",
    1050: "somebody else makes the log at this moment; look again",
    1061: "somebody else puts up the same index at this moment; look again",
    1205: "somebody else holds the rows for too long; try again",
    1213: "somebody else changed the same rows at the same moment; try again, it goes on where it was",
    1792: "it is read-only",
    1290: "it is read-only",
    1170: "an index on a column of that type needs a length; make it a VARCHAR first",
    1406: "what is to be written does not fit its column",
    2003: "nobody answers there",
    2002: "nobody answers there",
}


def reason_of(error: BaseException) -> str:
    """In words that hold nothing of any row, nor a password."""
    cause = getattr(error, "orig", None) or error
    # SQLAlchemy's adapter for asyncpg wraps the driver's own error once more.
    inner = cause.__cause__ if isinstance(error, DBAPIError) and cause.__cause__ is not None else cause
    code = code_of(error)
    if code in _HARMLESS:
        return _HARMLESS[code]
    if isinstance(inner, sqlite3.Error):
        return _of_sqlite(inner)
    if isinstance(inner, OSError | TimeoutError):
        return f"nobody answers there ({type(inner).__name__})"
    if isinstance(inner, TypeError | ValueError):
        return "the URL holds something that the driver does not take"
    return f"the database refused ({type(inner).__name__}{f', {code}' if code else ''})"


def code_of(error: BaseException) -> str | int:
    """PostgreSQL's five characters, or MySQL's number; empty for what has none."""
    cause = getattr(error, "orig", None) or error
    first = cause.args[0] if cause.args else ""
    if isinstance(first, int):
        return first
    state = getattr(cause, "sqlstate", None)
    return state if isinstance(state, str) else ""


def _of_sqlite(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    told = {
        "SQLITE_NOTADB": "it is no SQLite database",
        "SQLITE_CORRUPT": "the file is damaged",
        "SQLITE_BUSY": "somebody else writes to it for too long; try again",
        "SQLITE_READONLY": "it is read-only",
        "SQLITE_CANTOPEN": "it cannot be opened: is the folder readable, and for a WAL database writable?",
        "SQLITE_FULL": "the disk is full",
    }
    return told.get(name, f"the database refused ({name})")
