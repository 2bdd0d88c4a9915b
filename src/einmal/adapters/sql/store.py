"""Which store a ledger lies in: a file's, or a server's, whose driver is an extra and is loaded only here."""

from pathlib import Path

from einmal.adapters.sql.sqlite import SqliteStore, SqliteThread
from einmal.adapters.sql.steps import Store


def store_of(where: Path | str, thread: type[SqliteThread] = SqliteThread) -> Store:
    """Of a file's path, or of a PostgreSQL database's URL. Open it."""
    if isinstance(where, Path):
        return SqliteStore(where, thread)
    from einmal.adapters.sql.postgres import PostgresStore  # noqa: PLC0415 - an extra

    return PostgresStore(where)
