"""A store whose transactions are parts of the function call's trace, each by the name of what it does."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from einmal.adapters.sql.steps import Store, Transaction
from einmal.ports.tracing import Spans

T = TypeVar("T")


class TracedStore:
    """The Store port over another one."""

    def __init__(self, inner: Store, spans: Spans) -> None:
        self._inner = inner
        self._spans = spans

    def open(self) -> None:
        self._inner.open()

    def close(self) -> None:
        self._inner.close()

    async def scrub(self) -> bool:
        return await self._inner.scrub()

    async def write(self, work: Transaction[T]) -> T:
        return await self._carried_out("write", self._inner.write, work)

    async def write_shared(self, work: Transaction[T]) -> T:
        return await self._carried_out("write", self._inner.write_shared, work)

    async def read(self, work: Transaction[T]) -> T:
        return await self._carried_out("read", self._inner.read, work)

    async def snapshot(self, work: Transaction[T]) -> T:
        return await self._carried_out("read", self._inner.snapshot, work)

    async def _carried_out(
        self, kind: str, carry_out: Callable[[Transaction[T]], Awaitable[T]], work: Transaction[T]
    ) -> T:
        with self._spans.span(f"ledger {kind}", transaction=_name(work)):
            return await carry_out(work)


def _name(work: Transaction[T]) -> str:
    """Of the function of ours that made it, which says what it is for; its statements and their values stay here."""
    return str(getattr(work, "__qualname__", "transaction")).partition(".<locals>")[0].lstrip("_")
