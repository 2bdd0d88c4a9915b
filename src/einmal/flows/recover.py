"""Recovery: whatever is unfinished and due is looked at, whoever began it and however it was left.

A row that says `sent` past its deadline is a doubt, whether its process died, was paused, or lost the answer;
a doubt is looked up until it ends or a person must rule; what waited to be armed is let go, for whoever wished
it has hung up; what must be taken back is. Any worker may do any row; a lease keeps two from looking at once,
and the guarded moves make it harmless if they do.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from einmal.domain.facts import Alarm, Doubted
from einmal.domain.intent import Event, Intent, State
from einmal.domain.reply import Why
from einmal.flows.compensate import Compensations
from einmal.flows.doubt import Doubts
from einmal.ports import CommitUnknown, LedgerUnavailable, StaleIntent, Transition

CLAIM_MAX: Final = 1
"""One look a second: sixty a minute leave half of an account's budget to those who wait on the phone."""

LEASE: Final = timedelta(seconds=30)
"""Longer than a look takes, with its deadlines; after that the row is anybody's again."""


@dataclass(frozen=True, slots=True)
class Recovery:
    doubts: Doubts
    compensations: Compensations

    async def turn(self, limit: int = CLAIM_MAX) -> int:
        """Look at what is due now, at most `limit` rows; how many there were."""
        outcomes = self.doubts.outcomes
        now = outcomes.clock.now()
        claimed = await outcomes.ledger.claim_due(now, now + LEASE, limit)
        for intent in claimed:
            try:
                await self._one(intent)
            except (LedgerUnavailable, CommitUnknown):
                raise
            except Exception as bug:  # noqa: BLE001 - one odd row must not keep all others in doubt
                alarm = Alarm(outcomes.clock.now(), "recovery_failed", intent.intent_id, type(bug).__name__)
                outcomes.observer.observe((alarm,))
        return len(claimed)

    async def _one(self, intent: Intent) -> None:
        try:
            match intent.state:
                case State.INTENT:
                    await self._let_go(intent)
                case State.SENT:
                    await self.doubts.look(await self._doubt(intent))
                case State.COMPENSATING:
                    await self.compensations.step(intent)
                case _:
                    await self.doubts.look(await self._told(intent))
        except StaleIntent:
            return  # its own process has concluded it meanwhile, and that is what counts

    async def _let_go(self, intent: Intent) -> None:
        """Nothing was sent. Nothing is booked for somebody who has hung up."""
        reply = replace(self.doubts.outcomes.error(intent), why=Why.UNREACHABLE)
        await self.doubts.outcomes.no(intent, (Event.SHED,), None, reply)

    async def _doubt(self, intent: Intent) -> Intent:
        """Nobody has told the caller anything: whoever can be told will be."""
        outcomes = self.doubts.outcomes
        now = outcomes.clock.now()
        why = Doubted(now, intent.intent_id, intent.wish.conversation_id, "send_deadline_passed")
        doubt = Transition(intent, (Event.DOUBTED,), now, facts=(why,), look_at=now + LEASE)
        return await self._told((await outcomes.write(doubt)).intent)

    async def _told(self, intent: Intent) -> Intent:
        """Whoever should have said "you will hear from us" is gone, or could not write it down."""
        if intent.promised_at is None:
            await self.doubts.outcomes.ledger.promise(intent.intent_id, self.doubts.outcomes.clock.now())
        return intent
