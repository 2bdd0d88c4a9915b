"""A call-back is noted: written down and put into the outbox, before the caller hears that it is."""

import asyncio
from dataclasses import dataclass
from typing import Final

from einmal.domain.callback import Callback, Caller
from einmal.domain.facts import Alarm
from einmal.domain.reply import Outcome, Reply, Why
from einmal.ports import Budgets, Callbacks, Clock, CommitUnknown, Ids, LedgerUnavailable, Observer

TRIES: Final = 2
"""A note whose commit is unknown is made again: where it was written after all, the second finds it."""

NOTE_SECONDS: Final = 3.5
"""Agents wait five for this, and the endpoint four: what it would say then is about a calendar, and not about this."""


@dataclass(frozen=True, slots=True)
class CallingBack:
    """Notes who wants to be called back, for one tenant. It may well be done after the caller has hung up."""

    tenant_id: str
    callbacks: Callbacks
    clock: Clock
    ids: Ids
    observer: Observer
    budgets: Budgets

    async def note(self, caller: Caller) -> Reply:
        """NOTED is said after the commit, and of nothing else."""
        one, said = self.ids.time_ordered(), caller
        callback = Callback(
            one, self.tenant_id, said.conversation_id, said.name, said.phone, said.note, said.wanted, self.clock.now()
        )
        try:
            # Shielded: what is under way is written, also when nobody waits for it any longer.
            noting = asyncio.shield(self._noted(callback))
            stands = await asyncio.wait_for(noting, min(self.budgets.reply_seconds, NOTE_SECONDS))
        except (LedgerUnavailable, CommitUnknown, TimeoutError) as failure:
            self.observer.observe((Alarm(self.clock.now(), "callback_not_noted", None, type(failure).__name__),))
            return Reply(Outcome.ERROR, Why.UNSURE, error_id=self.ids.time_ordered())
        return Reply(Outcome.NOTED, Why.PLAIN if stands.callback_id == one else Why.BEFORE)

    async def _noted(self, callback: Callback) -> Callback:
        for _ in range(TRIES - 1):
            try:
                return (await self.callbacks.note(callback))[0]
            except CommitUnknown:
                continue
        return (await self.callbacks.note(callback))[0]
