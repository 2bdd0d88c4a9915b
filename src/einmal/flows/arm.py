"""Arming: the gate is asked before a row says `sent`, and nobody on the phone waits for it for long.

A POST is never the probe of a breaker that is half open. Whoever wants to book then looks first: the same
look-up that would find his own booking tells whether the calendar is well.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from einmal.domain.gate import Passed, Shut, ShutWhy, Use
from einmal.domain.intent import Event, Intent
from einmal.flows.outcome import Outcomes
from einmal.ports import Budgets, Calendar, Gates, Toll, Transition

ARM_SECONDS: Final = 2.0
"""How long a caller waits for a gate or a connection. Longer is silence on the phone; then it is a clear no."""

STEP_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Arming:
    outcomes: Outcomes
    calendar: Calendar
    gates: Gates
    toll: Toll
    budgets: Budgets

    async def arm(self, intent: Intent, arm_by: float) -> Intent | Shut:
        """The intent as `sent`, or what kept it back until `arm_by` (monotonic). Raises StaleIntent and the like."""
        clock = self.outcomes.clock
        while True:
            now = clock.now()
            permit = await self.gates.enter(self.toll, Use.BOOK, now)
            if isinstance(permit, Passed):
                lease = timedelta(seconds=self.budgets.post_seconds) + self.budgets.lease_margin
                armed = Transition(intent, (Event.ARMED,), now, send_deadline=now + lease)
                return (await self.outcomes.write(armed)).intent
            left = arm_by - clock.monotonic()
            if (permit.until - now).total_seconds() > left:
                return permit
            if permit.why is ShutWhy.HALF_OPEN:
                await self.calendar.find(intent, clock.monotonic() + min(left, self.budgets.look_up_seconds))
            await clock.sleep(min(STEP_SECONDS, max(0.0, left)))
