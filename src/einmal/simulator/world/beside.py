"""A real database in virtual time: the store lives on an ordinary event loop beside, in a thread of its own.

Who asks it waits where they stand, and virtual time with them: nothing else of the world happens meanwhile, so what
is written follows from the seed, however fast the server is.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from einmal.adapters.sql.steps import Store, Transaction

T = TypeVar("T")

COMMIT_SECONDS: Final = 0.05
"""Of virtual time, for what may share a commit: whoever asks within it shares it, as on a busy server. Callers of a
world never ask at one and the same instant."""


class Beside:
    """An event loop in a thread. Entered, it runs."""

    def __init__(self) -> None:
        self._loop = _ordinary_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="einmal-beside", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(_end_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Its result. Until then this thread stands still."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _ordinary_loop() -> asyncio.AbstractEventLoop:
    """The one that serves, where it can be had: it saves a third of the time."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _end_all() -> None:
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@dataclass(slots=True, eq=False)
class _Waiting:
    work: Transaction[Any]
    is_done: bool = False
    outcome: Any = None
    """What the work returned, or raised."""


class InlineStore:
    """A Store on the loop beside. A transaction is carried out whole or was never begun: whoever is cancelled, or
    killed, leaves none half done.

    The inner store should have one connection: those of a group who must go alone then go in their order.
    """

    def __init__(self, inner: Store, beside: Beside) -> None:
        self._inner = inner
        self._beside = beside
        self._waiting: list[_Waiting] = []
        self.groups: Counter[int] = Counter()
        """Commits, by how many shared them."""

    def open(self) -> None:
        self._inner.open()

    def close(self) -> None:
        async def closed() -> None:
            self._inner.close()

        self._beside.run(closed())

    async def write(self, work: Transaction[T]) -> T:
        await asyncio.sleep(0)  # as with a real one: others go on meanwhile
        return self._beside.run(_awaited(self._inner.write(work)))

    async def read(self, work: Transaction[T]) -> T:
        await asyncio.sleep(0)
        return self._beside.run(_awaited(self._inner.read(work)))

    async def scrub(self) -> bool:
        """A server's files are its own."""
        return True

    async def snapshot(self, work: Transaction[T]) -> T:
        await asyncio.sleep(0)
        return self._beside.run(_awaited(self._inner.snapshot(work)))

    async def write_shared(self, work: Transaction[T]) -> T:
        mine = _Waiting(work)
        self._waiting.append(mine)
        try:
            await asyncio.sleep(COMMIT_SECONDS)
        except asyncio.CancelledError:
            if mine in self._waiting:
                self._waiting.remove(mine)
            raise
        if not mine.is_done:
            self._commit()
        if isinstance(mine.outcome, BaseException):
            raise mine.outcome
        result: T = mine.outcome
        return result

    def _commit(self) -> None:
        group, self._waiting = self._waiting, []
        self.groups[len(group)] += 1
        outcomes = self._beside.run(_all([self._inner.write_shared(one.work) for one in group]))
        for one, outcome in zip(group, outcomes, strict=True):
            one.outcome, one.is_done = outcome, True


async def _awaited(asked: Awaitable[T]) -> T:
    return await asked


async def _all(asked: Sequence[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*asked, return_exceptions=True)
