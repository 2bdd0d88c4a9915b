"""Where the ledgers of races are made: a folder for SQLite, or a PostgreSQL server. Another database is one more entry
in DATABASES."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import MetaData, UniqueConstraint, create_engine, make_url, text

from einmal.adapters.sql import schema
from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.postgres import PostgresStore
from einmal.adapters.sql.tenants import ensure_tenant, tenant_written
from races.backend import NOW, PREFIX, TENANT, Guard
from support.postgres import MARK, checked


@dataclass(frozen=True, slots=True)
class Database:
    """`fresh(base, off)` makes an empty ledger and gives its URL; `drop(base, url)` takes it away; `rows(url,
    statement)` are what a statement gives beside it.

    `base` is where ledgers can be made: sqlite:///FOLDER, or the URL of a database beside which others can be created.
    """

    fresh: Callable[[str, frozenset[Guard]], str]
    drop: Callable[[str, str], None]
    rows: Callable[[str, str], list[tuple[Any, ...]]]


# SQLite ----------------------------------------------------------------------------------------------------------


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


def _rows_sqlite(url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        found = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return found


def _fresh_sqlite(base: str, off: frozenset[Guard]) -> str:
    url = f"{base}/races-{secrets.token_hex(4)}.sqlite3"
    path = Path(url.removeprefix(PREFIX))
    if Guard.INDEXES in off:
        create_without_indexes(url)
    else:
        upgrade(path)
    ensure_tenant(path, TENANT, TENANT, (), NOW)
    return url


def _drop_sqlite(_: str, url: str) -> None:
    for end in ("", "-wal", "-shm"):
        Path(url.removeprefix(PREFIX) + end).unlink(missing_ok=True)


# PostgreSQL ------------------------------------------------------------------------------------------------------

_WITHOUT_INDEXES: Final = """
    DO $$ DECLARE it record; BEGIN
        FOR it IN SELECT conrelid::regclass AS of, conname AS name FROM pg_constraint
            WHERE contype = 'u' AND connamespace = 'public'::regnamespace
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', it.of, it.name); END LOOP;
        FOR it IN SELECT indexrelid::regclass AS name FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
            WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace
        LOOP EXECUTE format('DROP INDEX %s', it.name); END LOOP;
    END $$"""


def _rows_postgres(url: str, statement: str) -> list[tuple[Any, ...]]:
    async def asked() -> list[tuple[Any, ...]]:
        session = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await session.fetch(statement)]
        finally:
            await session.close()

    return asyncio.run(asked())


def _fresh_postgres(base: str, off: frozenset[Guard]) -> str:
    name = f"{MARK}_races_{secrets.token_hex(4)}"
    _rows_postgres(base, f"CREATE DATABASE {name}")
    url = make_url(base).set(database=name).render_as_string(hide_password=False)
    upgrade(url)
    if Guard.INDEXES in off:
        _rows_postgres(url, _WITHOUT_INDEXES)

    async def with_tenant() -> None:
        store = PostgresStore(url)
        store.open()
        await store.write(tenant_written(TENANT, TENANT, (), NOW))
        store.close()
        await asyncio.sleep(0)  # what was closed is closed in this loop

    asyncio.run(with_tenant())
    return url


def _drop_postgres(base: str, url: str) -> None:
    _rows_postgres(base, f"DROP DATABASE {checked(url)} WITH (FORCE)")


DATABASES: Final[dict[str, Database]] = {
    "sqlite": Database(_fresh_sqlite, _drop_sqlite, _rows_sqlite),
    "postgresql": Database(_fresh_postgres, _drop_postgres, _rows_postgres),
}
"""By the scheme of their URLs."""


def database_of(url: str) -> Database:
    """Raises KeyError for a database that no race has been run on yet."""
    return DATABASES[url.partition(":")[0]]
