"""What a commit is where there is no disk: all of a transaction or nothing, and faults when told to.

A transaction first decides, and raises what it must; only then it writes, without a pause, if what it writes is
to last. So nothing is ever undone, and nobody sees half of it.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType

from einmal.domain.model import instant
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.simulator.storage import StorageFault


class ConstraintViolated(Exception):
    """A row that must not be. Named as in the schema; SQLite raises its own IntegrityError here. Always a bug."""


def kept(value: datetime) -> datetime:
    """The instant as a ledger keeps it: in UTC, in whole milliseconds."""
    if value.tzinfo is not UTC:
        value = instant(value)
    below = value.microsecond % 1000
    return value if below == 0 else value.replace(microsecond=value.microsecond - below)


def kept_or_none(value: datetime | None) -> datetime | None:
    if value is None or (value.tzinfo is UTC and value.microsecond % 1000 == 0):
        return value
    return kept(value)


class Commit:
    """One process's way to its books. `async with commit as lasts` is a writing transaction.

    `lasts` is False where nothing of it is to be written though it will not be heard of (UNKNOWN_LOST). Inside it
    nothing is awaited, so one object serves all transactions of its process.
    """

    def __init__(
        self,
        before: Callable[[], StorageFault | None] | None = None,
        pause: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.closed = False
        self._before = before
        self._pause = pause
        self._fault: StorageFault | None = None

    async def __aenter__(self) -> bool:
        fault = None if self._before is None else self._before()
        if fault is StorageFault.UNAVAILABLE:
            raise LedgerUnavailable(fault.value)
        if self._pause is not None:
            await self._pause()
        if self.closed:
            raise LedgerUnavailable("the ledger is closed")
        self._fault = fault
        return fault is not StorageFault.UNKNOWN_LOST

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What the transaction raises itself is known to have written nothing, whatever was to become of it.
        if self._fault is not None and kind is None:
            raise CommitUnknown(self._fault.value)

    async def read(self) -> None:
        """Before each reading transaction. Faults are the writers'."""
        if self._pause is not None:
            await self._pause()
        if self.closed:
            raise LedgerUnavailable("the ledger is closed")
