"""Recovery: whatever is unresolved and due is looked at, whoever began it and however it was left.

Level-triggered from the ledger: there is no queue beside it. A row that says `sent` past its deadline is a
doubt, whether its process died, was paused, or lost the answer; a doubt is looked up until it ends or a
person must rule. Any worker may do any row; a lease keeps two from looking at once, and the guarded moves
make it harmless if they do.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from einmal.domain.facts import Alarm, Doubted
from einmal.domain.intent import Event, Intent, State
from einmal.flows.doubt import Doubts
from einmal.ports import CommitUnknown, LedgerUnavailable, StaleIntent, Transition

PAUSE_SECONDS: Final = 1.0

CLAIM_MAX: Final = 1
"""One look a second: sixty a minute leave half of an account's budget to those who wait on the phone."""

LEASE: Final = timedelta(seconds=30)
"""Longer than a look takes, with its deadlines; after that the row is anybody's again."""


@dataclass(frozen=True, slots=True)
class Recovery:
    doubts: Doubts

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop. A ledger that fails is tried again; nothing else ends this loop."""
        while not stop.is_set():
            try:
                await self.turn()
            except (LedgerUnavailable, CommitUnknown) as failure:
                self._alarm("recovery_without_ledger", None, failure)
            except Exception as bug:  # noqa: BLE001 - one odd row must not keep all others in doubt
                self._alarm("recovery_failed", None, bug)
            try:
                await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
            except TimeoutError:
                continue

    async def turn(self, limit: int = CLAIM_MAX) -> int:
        """Look at what is due now, at most `limit` rows; how many there were."""
        outcomes = self.doubts.outcomes
        now = outcomes.clock.now()
        claimed = await outcomes.ledger.claim_due(now, now + LEASE, limit)
        for intent in claimed:
            await self._one(intent)
        return len(claimed)

    async def _one(self, intent: Intent) -> None:
        try:
            if intent.state is State.SENT:
                intent = await self._doubt(intent)
            await self.doubts.look(intent)
        except StaleIntent:
            return  # its own process has concluded it meanwhile, and that is what counts

    async def _doubt(self, intent: Intent) -> Intent:
        outcomes = self.doubts.outcomes
        now = outcomes.clock.now()
        why = Doubted(now, intent.intent_id, intent.wish.conversation_id, "send_deadline_passed")
        doubt = Transition(intent, (Event.DOUBTED,), now, facts=(why,), look_at=now + LEASE)
        return (await outcomes.write(doubt)).intent

    def _alarm(self, what: str, intent_id: str | None, error: Exception) -> None:
        outcomes = self.doubts.outcomes
        outcomes.observer.observe((Alarm(outcomes.clock.now(), what, intent_id, type(error).__name__),))
