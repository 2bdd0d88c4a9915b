"""Layer 4, looked at where it stands: the UNIQUE index on booking uids, in whichever database. Reads, and opens its own
way in: a ledger that cannot be written can be asked all the same."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Final

LAYER_4: Final = "unique_calcom_v2_booking_id"

_ON_SQLITE: Final = """
    SELECT 1 FROM pragma_index_list('appointments') AS i, pragma_index_info(i.name) AS c
    WHERE i.name = ? AND i."unique" = 1 AND i.partial = 0 AND c.name = 'calcom_v2_booking_id'"""
_ON_POSTGRES: Final = """
    SELECT i.indisunique AND i.indisvalid AND i.indisready AND i.indpred IS NULL AND i.indnatts = 1
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relname = $1 AND i.indrelid = to_regclass('appointments')"""


class CannotRead(Exception):
    """`args[0]` is a short word of ours."""


async def in_force(where: Path | str) -> bool:
    """Whether the ledger there has its UNIQUE index on booking uids, whole and valid. Reads. Raises CannotRead."""
    try:
        return _in_force_in_file(where) if isinstance(where, Path) else await _in_force_on_server(where)
    except (sqlite3.Error, OSError) as error:
        raise CannotRead(type(error).__name__) from None


def _in_force_in_file(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(_ON_SQLITE, (LAYER_4,)).fetchone() is not None


async def _in_force_on_server(url: str) -> bool:
    import asyncpg  # noqa: PLC0415 - an extra

    try:
        session: asyncpg.Connection[Any] = await asyncpg.connect(url)
        try:
            return await session.fetchval(_ON_POSTGRES, LAYER_4) is True
        finally:
            await session.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotRead(type(error).__name__) from None
