"""Ghosts: the ledger says booked, and the calendar knows no such booking.

First an alarm; lost only when two runs agree that are further apart than a replica can lag; and never where most of
what was compared is gone, or none of ours was seen: then it is another account's calendar.
"""

from dataclasses import dataclass
from typing import Final

from einmal.domain.drift import GHOST_AFTER, Drift, DriftKind, gone_for_good
from einmal.domain.facts import Alarm
from einmal.domain.intent import Event
from einmal.flows.observe import Gone, Observation
from einmal.ports import BookingUidTaken, Clock, Observer, StaleIntent, Transition
from einmal.ports.reconciling import ReconcilingBooks, Run

A_RUN: Final = 200
"""So many are concluded by one run; the rest by the next."""


@dataclass(frozen=True, slots=True)
class Ghosts:
    observation: Observation
    books: ReconcilingBooks
    clock: Clock
    observer: Observer

    async def conclude(self, run: Run) -> None:
        """At the end of a run."""
        now, counts = self.clock.now(), run.counts
        ghosts = await self.books.open_drifts(run.tenant_id, (DriftKind.GHOST,), A_RUN)
        if not ghosts:
            return
        seen = counts.found.get(DriftKind.GHOST.value, 0)
        if not gone_for_good(seen, counts.rows, counts.ours):
            detail = f"{seen} of {counts.rows}"
            self.observer.observe((Alarm(now, "calendar_knows_few_of_ours", None, detail),))
            return
        for known in ghosts:
            if known.last_seen_at - known.first_seen_at >= GHOST_AFTER:
                await self._lost(run.tenant_id, known.drift)
            else:
                self.observer.observe((Alarm(now, "booking_gone", known.drift.intent_id, known.drift.subject),))

    async def _lost(self, tenant_id: str, drift: Drift) -> None:
        """Read once more, then written."""
        look = await self.observation.look(drift.subject, mend=False)
        if not isinstance(look, Gone):
            return
        now = self.clock.now()
        for row in look.rows:
            alarm = Alarm(now, "booking_lost", row.intent.intent_id, drift.subject)
            try:
                vanished = Transition(row.intent, (Event.VANISHED,), now, facts=(alarm,))
                await self.observation.sweeper.doubts.outcomes.write(vanished)
            except (StaleIntent, BookingUidTaken):
                continue  # somebody was faster, with what they saw
        await self.books.drift_ended(tenant_id, drift, now)
