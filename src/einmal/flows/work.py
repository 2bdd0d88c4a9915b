"""The worker: everything that is owed to nobody on the phone, one turn a second, in every gateway and in `work`.

Level-triggered from the ledger: there is no queue beside it, and a worker that dies loses nothing. What fails
in one kind of work does not keep the others from being done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from einmal.domain.facts import Alarm
from einmal.flows.behind import Behind
from einmal.flows.calls import PhoneCalls
from einmal.flows.change_doubt import ChangeRecovery
from einmal.flows.composite_undo import CompositeRecovery
from einmal.flows.deliver import Deliveries
from einmal.flows.forget import Forgetting
from einmal.flows.journal import JournalKeeping
from einmal.flows.notices import Notices
from einmal.flows.recover import Recovery
from einmal.flows.report import WeeklyReports
from einmal.flows.retain import Retention
from einmal.flows.tally import Tallying
from einmal.flows.verify import Verification
from einmal.ports import Clock, CommitUnknown, LedgerUnavailable, Observer

PAUSE_SECONDS: Final = 1.0


TENANTS_A_TURN: Final = 8
"""With many tenants each is looked after in its turn: a look at all of them each second would be the ledger's load."""


@dataclass(slots=True)
class Worker:
    """`backs` are those of the tenants served here, by tenant id; the mapping may change while this runs."""

    recovery: Recovery
    backs: Mapping[str, Behind]
    deliveries: Deliveries
    clock: Clock
    observer: Observer
    calls: PhoneCalls | None = None
    changes: ChangeRecovery | None = None
    composites: CompositeRecovery | None = None
    notices: Notices | None = None
    verification: Verification | None = None
    journal: JournalKeeping | None = None
    tallies: Tallying | None = None
    weekly: WeeklyReports | None = None
    forgetting: Forgetting | None = None
    retention: Retention | None = None
    _turns: int = field(default=0, init=False)

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
        backs = self._next()
        # One look a second for each tenant. Where they share an account its gate keeps the callers' part.
        await self._do("recovery", lambda: self.recovery.turn(max(1, len(backs))))
        if self.changes is not None:
            await self._do("changes", self.changes.turn)
        if self.composites is not None:
            await self._do("composites", self.composites.turn)
        if self.notices is not None:
            await self._do("notices", self.notices.turn)
        if self.verification is not None:
            await self._do("verification", self.verification.turn)
        for back in backs:
            await self._do("sweep", back.sweeper.turn)
            if back.reconciliation is not None:
                await self._do("reconciliation", back.reconciliation.turn)
        await self._do("delivery", self.deliveries.turn)
        kept = (
            *(("calls", self.calls), ("journal", self.journal), ("tallies", self.tallies)),
            *(("report", self.weekly), ("forgetting", self.forgetting), ("retention", self.retention)),
        )
        for name, part in kept:
            if part is not None:
                await self._do(name, part.turn)

    def _next(self) -> list[Behind]:
        """Those whose turn it is."""
        all_backs = list(self.backs.values())
        begin = self._turns * TENANTS_A_TURN % len(all_backs) if len(all_backs) > TENANTS_A_TURN else 0
        self._turns += 1
        return (all_backs[begin:] + all_backs[:begin])[:TENANTS_A_TURN]

    async def _do(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except (LedgerUnavailable, CommitUnknown) as failure:
            self._alarm(f"{name}_without_ledger", failure)
        except Exception as bug:  # noqa: BLE001 - one odd row must not keep all others waiting
            self._alarm(f"{name}_failed", bug)

    def _alarm(self, what: str, error: Exception) -> None:
        self.observer.observe((Alarm(self.clock.now(), what, None, type(error).__name__),))
