"""Recovery: whatever is unfinished and due is looked at, whoever began it and however it was left.

A row that says `sent` past its deadline is a doubt, whether its process died, was paused, or lost the answer;
a doubt is looked up until it ends or a person must rule; what waited to be armed is let go, for whoever wished
it has hung up; what must be taken back is. Any worker may do any row; a lease keeps two from looking at once,
and the guarded moves make it harmless if they do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from einmal.domain.facts import Alarm, Doubted
from einmal.domain.intent import Event, Intent, State
from einmal.domain.reply import Why
from einmal.flows.behind import Behind
from einmal.flows.due import LEASE, UNKNOWN_TENANT
from einmal.flows.outcome import Outcomes
from einmal.ports import Clock, CommitUnknown, Ledger, LedgerUnavailable, Observer, StaleIntent, Transition

CLAIM_MAX: Final = 1
"""One look a second: sixty a minute leave half of an account's budget to those who wait on the phone."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """`backs` are those of the tenants served here, by tenant id; the mapping may change while this runs."""

    ledger: Ledger
    backs: Mapping[str, Behind]
    clock: Clock
    observer: Observer

    async def turn(self, limit: int = CLAIM_MAX) -> int:
        """Look at what is due now, at most `limit` rows; how many there were."""
        now = self.clock.now()
        claimed = await self.ledger.claim_due(now, now + LEASE, limit)
        for intent, first in _first_of_each(claimed):
            try:
                await (self._one(intent) if first else self._put_back(intent))
            except (LedgerUnavailable, CommitUnknown):
                raise
            except Exception as bug:  # noqa: BLE001 - one odd row must not keep all others in doubt
                self._alarm("recovery_failed", intent, type(bug).__name__)
        return len(claimed)

    async def _put_back(self, intent: Intent) -> None:
        """Of each tenant one row a turn: a look more would be taken from those who wait on the phone."""
        await self.ledger.looked(intent, self.clock.now(), more=0)

    async def _one(self, intent: Intent) -> None:
        back = self.backs.get(intent.wish.tenant_id)
        if back is None:
            self._alarm("tenant_unknown", intent)
            await self.ledger.looked(intent, self.clock.now() + UNKNOWN_TENANT, more=0)
            return
        try:
            match intent.state:
                case State.INTENT:
                    await _let_go(back.outcomes, intent)
                case State.SENT:
                    await back.doubts.look(await self._doubt(intent, back.outcomes))
                case State.COMPENSATING:
                    await back.compensations.step(intent)
                case _:
                    await back.doubts.look(await self._told(intent))
        except StaleIntent:
            return  # its own process has concluded it meanwhile, and that is what counts

    async def _doubt(self, intent: Intent, outcomes: Outcomes) -> Intent:
        """Nobody has told the caller anything: whoever can be told will be."""
        now = self.clock.now()
        why = Doubted(now, intent.intent_id, intent.wish.conversation_id, "send_deadline_passed")
        doubt = Transition(intent, (Event.DOUBTED,), now, facts=(why,), look_at=now + LEASE)
        return await self._told((await outcomes.write(doubt)).intent)

    async def _told(self, intent: Intent) -> Intent:
        """Whoever should have said "you will hear from us" is gone, or could not write it down."""
        if intent.promised_at is None:
            await self.ledger.promise(intent.intent_id, self.clock.now())
        return intent

    def _alarm(self, what: str, intent: Intent, detail: str = "") -> None:
        self.observer.observe((Alarm(self.clock.now(), what, intent.intent_id, detail),))


def _first_of_each(claimed: Sequence[Intent]) -> Iterator[tuple[Intent, bool]]:
    """Each row, and whether it is its tenant's first."""
    seen: set[str] = set()
    for intent in claimed:
        yield intent, intent.wish.tenant_id not in seen
        seen.add(intent.wish.tenant_id)


async def _let_go(outcomes: Outcomes, intent: Intent) -> None:
    """Nothing was sent. Nothing is booked for somebody who has hung up."""
    reply = replace(outcomes.error(intent), why=Why.UNREACHABLE)
    await outcomes.no(intent, (Event.SHED,), None, reply)
