"""A ledger whose commits go wrong when told to: nothing written, or written and unheard of, or neither known."""

import sqlite3
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, TypeVar

from einmal.adapters.sql.sqlite import SqliteInline
from einmal.adapters.sql.steps import Steps, Store, Transaction
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


class FaultyStore:
    """Any store, which asks `choose` before each writing transaction what will become of it."""

    def __init__(self, inner: Store, choose: Callable[[], StorageFault | None]) -> None:
        self._inner = inner
        self._choose = choose

    def open(self) -> None:
        self._inner.open()

    def close(self) -> None:
        self._inner.close()

    async def read(self, work: Transaction[T]) -> T:
        return await self._inner.read(work)

    async def snapshot(self, work: Transaction[T]) -> T:
        return await self._inner.snapshot(work)

    async def scrub(self) -> bool:
        return await self._inner.scrub()

    async def write(self, work: Transaction[T]) -> T:
        return await self._struck(self._inner.write, work)

    async def write_shared(self, work: Transaction[T]) -> T:
        return await self._struck(self._inner.write_shared, work)

    async def _struck(self, write: Callable[[Transaction[Any]], Awaitable[Any]], work: Transaction[T]) -> T:
        fault = self._choose()
        match fault:
            case None:
                result: T = await write(work)
                return result
            case StorageFault.UNAVAILABLE:
                raise LedgerUnavailable(fault.value)
            case StorageFault.UNKNOWN_WRITTEN:
                await write(work)
                raise CommitUnknown(fault.value)
            case StorageFault.UNKNOWN_LOST:
                await undone(write, work)
                raise CommitUnknown(fault.value)
        raise AssertionError


async def undone(write: Callable[[Transaction[Any]], Awaitable[Any]], work: Transaction[T]) -> T:
    """What the transaction returns, and nothing of it is left. Raises what it raises."""
    results: list[T] = []

    def steps() -> Steps[None]:
        results.append((yield from work()))
        raise _GaveUp

    try:
        await write(steps)
    except _GaveUp:
        return results[-1]
    raise AssertionError


def faulty_sqlite(choose: Callable[[], StorageFault | None]) -> type[SqliteInline]:
    """The same for a gateway that is handed a kind of SQLite."""

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
