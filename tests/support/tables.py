"""Somebody else's table of appointments, on each of the three databases, with the incident in it."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from einmal.entrypoints.cli.main import main
from support.mariadb import the_server
from support.sql import asked_of, the_postgres

UID = "3kPz7dRqVbn1Wsa5x2tYcM"
PLAIN = "appointments_calcom_v2_booking_id_index"
UNIQUE = "unique_calcom_v2_booking_id"

_TYPES = {
    "sqlite": ("INTEGER PRIMARY KEY", "TEXT", "TEXT"),
    "postgres": ("bigserial PRIMARY KEY", "timestamptz", "varchar(255)"),
    "mariadb": ("BIGINT AUTO_INCREMENT PRIMARY KEY", "DATETIME(6)", "VARCHAR(255)"),
}


@dataclass(frozen=True, slots=True)
class TableBase:
    """A database with tables of another program. `run` carries out one statement beside what is tested."""

    kind: str
    url: str
    run: Callable[[str], list[tuple[Any, ...]]]

    def quoted(self, name: str) -> str:
        mark = "`" if self.kind == "mariadb" else '"'
        return f"{mark}{name}{mark}"

    def create(self, table: str = "appointments", column: str = "calcom_v2_booking_id", more: str = "") -> None:
        """As the seed has it. `more` are further columns."""
        number, instant, text = _TYPES[self.kind]
        self.run(
            f"CREATE TABLE {table} (id {number}, customer_id BIGINT, service_id BIGINT, call_id {text}, "
            f"starts_at {instant}, status {text} NOT NULL, notes {text}, {column} {text}, created_at {instant}{more})"
        )

    def insert(self, table: str, *rows: tuple[Any, ...], column: str = "calcom_v2_booking_id") -> None:
        """Each (id, customer, call, booking id, made at)."""
        values = [
            f"({number}, {customer}, 7, {call}, '2026-10-10 06:00:00', 'confirmed', 'Bitte klingeln', {uid}, {created})"
            for number, customer, call, uid, created in (
                ["NULL" if one is None else repr(one) for one in row] for row in rows
            )
        ]
        self.run(
            f"INSERT INTO {table} (id, customer_id, service_id, call_id, starts_at, status, notes, {column}, "  # noqa: S608 - the tests' own
            f"created_at) VALUES {', '.join(values)}"
        )

    def incident(self, table: str = "appointments", column: str = "calcom_v2_booking_id") -> None:
        """Two callers, half an hour apart, were given one booking. Others have none, or their own."""
        self.insert(
            table,
            (641, 340, "call_a", "other1", "2026-10-06 08:00:00"),
            (642, 342, "call_b", UID, "2026-10-06 09:05:21"),
            (643, 338, "call_c", UID, "2026-10-06 09:39:22"),
            (644, 339, "call_d", None, "2026-10-06 10:00:00"),
            (645, 339, "call_e", None, "2026-10-06 10:00:01"),
            column=column,
        )

    def rows(self, columns: str = "*", table: str = "appointments") -> list[tuple[Any, ...]]:
        return self.run(f"SELECT {columns} FROM {table} ORDER BY 1")  # noqa: S608 - the tests' own


@contextmanager
def _sqlite(folder: Path) -> Iterator[TableBase]:
    path = folder / "salon.sqlite3"

    def run(statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path)) as connection, connection:
            return connection.execute(statement).fetchall()

    run("PRAGMA user_version = 1")
    yield TableBase("sqlite", f"sqlite:///{path}", run)


@contextmanager
def _postgres(_: Path) -> Iterator[TableBase]:
    url = _empty_postgres()
    yield TableBase("postgres", url, lambda statement: asked_of(url, statement))
    for (schema,) in asked_of(url, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"):
        asked_of(url, f'DROP SCHEMA "{schema}" CASCADE')
    asked_of(url, "CREATE SCHEMA public")


@contextmanager
def _mariadb(_: Path) -> Iterator[TableBase]:
    server, url = the_server(), _empty_mariadb()
    name = url.rpartition("/")[2].partition("?")[0]
    yield TableBase("mariadb", url, lambda statement: server.run(name, statement))
    for (table,) in server.run(name, "SHOW TABLES"):
        server.run(name, f"SET FOREIGN_KEY_CHECKS = 0; DROP TABLE `{table}`")


@cache
def _empty_postgres() -> str:
    """One for all tests, emptied by each: to make one takes longer than most of them."""
    return the_postgres().create()


@cache
def _empty_mariadb() -> str:
    # Reading the certificates of this machine for a connection without TLS takes longer than the connection.
    return f"{the_server().create()}?ssl_disabled=true"


TABLE_BASES = {"sqlite": _sqlite, "postgres": _postgres, "mariadb": _mariadb}


@dataclass(frozen=True, slots=True)
class Told:
    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at a terminal."""

    output: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> Told:
        self.output.readouterr()
        code = main(words)
        output = self.output.readouterr()
        return Told(code, output.out, output.err)


def indexes(base: TableBase) -> set[str]:
    """Those that anything here could put up or take down."""
    asked = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        "postgres": "SELECT indexname FROM pg_indexes WHERE tablename = 'appointments' AND indexname !~ 'pkey'",
        "mariadb": "SELECT DISTINCT index_name FROM information_schema.statistics "
        "WHERE table_schema = database() AND table_name = 'appointments' AND index_name <> 'PRIMARY'",
    }
    return {name for (name,) in base.run(asked[base.kind])}


def logged(base: TableBase, event: str = "duplicate_booking_bug") -> list[dict[str, Any]]:
    found = base.run(f"SELECT data FROM system_audit_log WHERE event_type = '{event}' ORDER BY id")  # noqa: S608 - the tests' own
    return [json.loads(data) if isinstance(data, str) else data for (data,) in found]


def many(base: TableBase, pairs: int) -> None:
    """So many booking ids in two rows each."""
    base.create()
    first = datetime(2026, 10, 1)  # noqa: DTZ001 - as a table without zones has it
    base.insert(
        "appointments",
        *((n, n, f"call_{n}", f"uid{n // 2}", f"{first + timedelta(minutes=n)}") for n in range(2, 2 * pairs + 2)),
    )
