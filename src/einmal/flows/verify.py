"""Verification: some seconds after a booking it is read once more, and a difference is an alarm.

Nobody waits for it. The row says when; whoever reads the booking for another reason meanwhile has verified it as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.drift import GHOST_AFTER
from einmal.domain.facts import Alarm
from einmal.domain.intent import BOOKED, Intent
from einmal.flows.behind import Behind
from einmal.flows.observe import Gone, Observed
from einmal.ports import Blind, Clock, Observer, StoredReply
from einmal.ports.verifying import Verifying

A_TURN: Final = 4
TURN_SECONDS: Final = 2.0
"""A calendar that is slow must not keep doubts waiting, which have their turn after this."""

LEASE: Final = timedelta(minutes=1)
AGAIN: Final = timedelta(seconds=30)
GIVEN_UP_AFTER: Final = timedelta(hours=1)
"""Where the calendar cannot be read for so long, reconciliation is what finds a difference."""


@dataclass(frozen=True, slots=True)
class Verification:
    """`backs` are those of the tenants served here, by tenant id."""

    books: Verifying
    backs: Mapping[str, Behind]
    clock: Clock
    observer: Observer

    async def turn(self) -> int:
        """Read some of those that are due; how many there were."""
        now = self.clock.now()
        due = await self.books.claim_unverified(now, now + LEASE, A_TURN, tuple(self.backs))
        end_by = self.clock.monotonic() + TURN_SECONDS
        for stored in due:
            if self.clock.monotonic() < end_by:
                await self._one(stored)
            else:
                await self.books.verify_again(stored.intent.intent_id, now)
        return len(due)

    async def _one(self, stored: StoredReply) -> None:
        intent = stored.intent
        back = self.backs.get(intent.wish.tenant_id)
        if intent.state not in BOOKED or stored.changing or intent.booking_uid is None:
            # Changed since, and that was read.
            return await self.books.verified(intent.intent_id)
        if back is None or back.observation is None:
            return await self._later(intent, timedelta(minutes=15))
        match await back.observation.look(intent.booking_uid):
            case Blind():
                return await self._later(intent, AGAIN)
            case Gone(rows):
                # A replica lags; a booking that is missing for longer is missing.
                if rows and self.clock.now() - self._since(intent) < GHOST_AFTER:
                    return await self._later(intent, AGAIN)
                self._alarm("booking_gone" if rows else "", intent, intent.booking_uid)
            case Observed(drifts=drifts) if drifts:
                self._alarm("booking_differs", intent, ", ".join(drift.kind for drift in drifts))
            case Observed():
                pass
        return await self.books.verified(intent.intent_id)

    async def _later(self, intent: Intent, pause: timedelta) -> None:
        now = self.clock.now()
        if now - self._since(intent) > GIVEN_UP_AFTER:
            self._alarm("booking_not_verified", intent)
            await self.books.verified(intent.intent_id)
        else:
            await self.books.verify_again(intent.intent_id, now + pause)

    @staticmethod
    def _since(intent: Intent) -> datetime:
        return intent.resolved_at or intent.created_at

    def _alarm(self, what: str, intent: Intent, detail: str = "") -> None:
        if what:
            self.observer.observe((Alarm(self.clock.now(), what, intent.intent_id, detail),))
