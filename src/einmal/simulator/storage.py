"""A ledger whose commits go wrong when told to: nothing written, or written and unheard of, or neither known."""

import sqlite3
from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from einmal.adapters.sql.sqlite import SqliteInline
from einmal.ports import CommitUnknown, LedgerUnavailable

T = TypeVar("T")


class StorageFault(Enum):
    UNAVAILABLE = "unavailable"
    """The database cannot be reached: nothing was written, and that is known."""
    UNKNOWN_WRITTEN = "unknown_written"
    """COMMIT failed on the way back: it is written."""
    UNKNOWN_LOST = "unknown_lost"
    """COMMIT failed on the way there: it is not."""


class _GaveUp(Exception):
    """Ends a transaction that is to leave nothing behind."""


def faulty_sqlite(choose: Callable[[], StorageFault | None]) -> type[SqliteInline]:
    """A kind of storage that asks `choose` before each writing job what will become of it."""

    class FaultySqlite(SqliteInline):
        async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
            fault = None if self._read_only else choose()
            match fault:
                case None:
                    return await super().run(work)
                case StorageFault.UNAVAILABLE:
                    raise LedgerUnavailable(fault.value)
                case StorageFault.UNKNOWN_WRITTEN:
                    await super().run(work)
                    raise CommitUnknown(fault.value)
                case StorageFault.UNKNOWN_LOST:

                    def undone(connection: sqlite3.Connection) -> None:
                        work(connection)
                        raise _GaveUp

                    try:
                        await super().run(undone)
                    except _GaveUp:
                        raise CommitUnknown(fault.value) from None
            raise AssertionError

    return FaultySqlite
