"""How a world of the whole application comes to rest: everything that is owed ends by itself, and the two sides are
compared as a whole.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from einmal.adapters.sql.steps import Store, only
from einmal.domain.drift import MENDED, DriftKind
from einmal.domain.intent import State
from einmal.flows.reconcile import HeldUp, Reconciliation
from einmal.ports.reconciling import LostRun
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.virtual import VirtualClock
from einmal.simulator.world.carrier import Carrier, Post
from einmal.wiring import TENANT_ID, Gateway

RUNS: Final = 2
APART_SECONDS: Final = 660.0
"""A ghost is lost when two runs agree that are longer apart than a replica lags."""

_LIVE_CHANGES: Final = "SELECT count(*) FROM changes WHERE state IN ('sent', 'doubt')"
_PERSONS_CHANGES: Final = "SELECT count(*) FROM changes WHERE state = 'escalated'"
_NOTICES: Final = "SELECT count(*) FROM inbox WHERE due_at IS NOT NULL AND source = 'calcom'"
_CHANGING: Final = "SELECT booking_uid FROM changes WHERE state IN ('sent', 'doubt', 'escalated')"
_DRIFTS: Final = "SELECT kind, subject, ended_at FROM drifts"

_LEFT: Final = frozenset({DriftKind.REVIVED, DriftKind.DOUBLED, DriftKind.NOT_MARKED})
"""Kinds that say why the two sides differ about a booking, and that only a person can end."""


@dataclass(frozen=True, slots=True)
class Rest:
    gateway: Callable[[], Gateway]
    """One that lives."""
    beside: Store
    calcom: FaultyCalcom
    carrier: Carrier
    clock: VirtualClock
    hours: float
    seen: set[str]

    async def comes(self) -> None:
        """Doubts and changes end. Of each that goes to a person an hour is waited for."""
        end = self.clock.monotonic() + self.hours * 3600
        await asyncio.sleep(900)
        await self._ended(end)
        # What a person was asked to look at is looked at each hour.
        await asyncio.sleep(3700 if await self._count(_PERSONS_CHANGES) else 1200)

    async def told(self) -> bool:
        """Whether the gateway was told everything by webhooks, and has handled it: then they must have been enough."""
        if self.carrier.post not in {Post.IN_ORDER, Post.ALL}:
            return False
        await self.carrier.arrived()
        # The last of them was late by an hour at most, and is read again for less than that.
        for _ in range(60):
            if not await self._count(_NOTICES):
                break
            await asyncio.sleep(60)
        return not self.carrier.lost

    async def reconciled(self) -> None:
        """Two whole comparisons, and what follows from them."""
        self.carrier.stop()
        end = self.clock.monotonic() + self.hours * 3600
        for number in range(RUNS):
            await asyncio.sleep(APART_SECONDS if number else 0.0)
            await self._run()
        await self._ended(end)
        await asyncio.sleep(60)
        for kind, subject, ended_at in await self.beside.read(only(_DRIFTS)):
            if kind in MENDED and ended_at is not None and subject in self.carrier.lost:
                self.seen.add("lost webhook made good by reconciliation")

    async def changing(self) -> frozenset[str]:
        """The bookings of which a change has no end yet."""
        return frozenset(row[0] for row in await self.beside.read(only(_CHANGING)))

    async def left(self) -> frozenset[str]:
        """The bookings that reconciliation leaves to a person."""
        drifts = await self.beside.read(only(_DRIFTS))
        return frozenset(subject for kind, subject, ended_at in drifts if kind in _LEFT and ended_at is None)

    async def _run(self) -> None:
        """One that begins now, to its end; an older one that was left open is brought to its end before."""
        since, ended = self.clock.now(), False
        while not ended:
            reconciliation = self.gateway().tenancies.sole.behind.reconciliation
            assert reconciliation is not None  # noqa: S101 - every tenancy has one
            ended = await self._steps(reconciliation, since)

    async def _steps(self, reconciliation: Reconciliation, since: datetime) -> bool:
        run = await reconciliation.begin()
        if run is None:
            # A worker is at it.
            await asyncio.sleep(5)
            return False
        while run.ended_at is None:
            try:
                run, _ = await reconciliation.step(run)
            except HeldUp:
                await asyncio.sleep(5)
            except LostRun:
                return False
        return run.began_at >= since

    async def _ended(self, end: float) -> None:
        while self.clock.monotonic() < end:
            self.calcom.tick()
            self.carrier.fetch()
            if not await self._unfinished():
                break
            await asyncio.sleep(60)

    async def _unfinished(self) -> bool:
        unfinished = (State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING)
        if await self.gateway().ledger.in_states(TENANT_ID, unfinished, 1):
            return True
        return bool(await self._count(_LIVE_CHANGES))

    async def _count(self, statement: str) -> int:
        return int((await self.beside.read(only(statement)))[0][0])
