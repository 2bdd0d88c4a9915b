"""Work that outlives its caller: waited for while somebody on the phone can wait, and going on without them."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from einmal.ports import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shield:
    clock: Clock
    name: str
    _begun: "set[asyncio.Task[Any]]" = field(default_factory=set, init=False)

    async def within(self, work: Coroutine[Any, Any, T], reply_by: float) -> T | None:
        """The work's result, or None when the caller can wait no longer (`reply_by` is monotonic)."""
        task = asyncio.create_task(work, name=self.name)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        done, _ = await asyncio.wait({task}, timeout=max(0.0, reply_by - self.clock.monotonic()))
        return task.result() if done else None

    @property
    def tasks(self) -> "tuple[asyncio.Task[Any], ...]":
        """What is going on now; cancelled, it ends as if its process had died."""
        return tuple(self._begun)

    async def drain(self, seconds: float) -> None:
        """Wait for what is under way, at most this long."""
        if self._begun:
            await asyncio.wait(self._begun, timeout=seconds)
