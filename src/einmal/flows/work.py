"""The worker: everything that is owed to nobody on the phone, one turn a second, in every gateway and in `work`.

Level-triggered from the ledger: there is no queue beside it, and a worker that dies loses nothing. What fails
in one kind of work does not keep the others from being done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from einmal.domain.facts import Alarm
from einmal.flows.deliver import Deliveries
from einmal.flows.recover import Recovery
from einmal.flows.sweep import Sweeper
from einmal.ports import Clock, CommitUnknown, LedgerUnavailable, Observer

PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Worker:
    recovery: Recovery
    sweeper: Sweeper
    deliveries: Deliveries
    clock: Clock
    observer: Observer

    async def run(self, stop: asyncio.Event, pause_seconds: float = PAUSE_SECONDS) -> None:
        """Work until told to stop. A ledger that fails is tried again; nothing else ends this loop."""
        while not stop.is_set():
            await self.turn()
            try:
                await asyncio.wait_for(stop.wait(), pause_seconds)
            except TimeoutError:
                continue

    async def turn(self) -> None:
        """A little of everything that is due."""
        await self._do("recovery", self.recovery.turn)
        await self._do("sweep", self.sweeper.turn)
        await self._do("delivery", self.deliveries.turn)

    async def _do(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except (LedgerUnavailable, CommitUnknown) as failure:
            self._alarm(f"{name}_without_ledger", failure)
        except Exception as bug:  # noqa: BLE001 - one odd row must not keep all others waiting
            self._alarm(f"{name}_failed", bug)

    def _alarm(self, what: str, error: Exception) -> None:
        self.observer.observe((Alarm(self.clock.now(), what, None, type(error).__name__),))
