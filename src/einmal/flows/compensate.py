"""Compensation: a booking of ours that arrived after its "no" is taken back, as a new forward action.

Read again, id verified, cancelled, read again: a cancel that answers is not yet a booking that is gone. What
does not carry our operation id is never cancelled, whoever says that it is ours.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.facts import Alarm
from einmal.domain.intent import Event, Intent
from einmal.domain.model import Booking, MetadataKey
from einmal.flows.outcome import Outcomes
from einmal.ports import Blind, Budgets, Calendar, ChangeKind, Transition

REASON: Final = "Verspätet angekommene Anfrage, automatisch storniert"
"""The attendee may be mailed it. It is the house that speaks, in the language of its customers."""

CANCELS_MAX: Final = 3
GONE_AFTER: Final = timedelta(hours=1)
"""A booking that was seen and cannot be read any more counts as gone only when no replica can lag so far."""

AFTER_CANCEL: Final = timedelta(seconds=2)
"""Longer than the calendar's replica lags as a rule; a read that is still behind costs one cancel more."""

PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600))


@dataclass(frozen=True, slots=True)
class Compensations:
    outcomes: Outcomes
    calendar: Calendar
    budgets: Budgets

    async def surfaced(self, intent: Intent, booking: Booking) -> None:
        """A live booking with the id of an intent that was refused. Raises StaleIntent and the like."""
        now = self.outcomes.clock.now()
        alarm = Alarm(now, "booking_after_no", intent.intent_id, booking.uid)
        move = Transition(intent, (Event.SURFACED,), now, booking=booking, facts=(alarm,), look_at=now)
        await self.outcomes.write(move)

    async def step(self, intent: Intent) -> None:
        """One read, and what follows from it: done, one cancel, or another time."""
        clock = self.outcomes.clock
        uid = intent.booking_uid or ""
        look = await self.calendar.read(uid, clock.monotonic() + self.budgets.look_up_seconds)
        if isinstance(look, Blind):
            await self._later(intent)
        elif not look.bookings:
            surfaced_at = intent.doubted_at or clock.now()
            gone = clock.now() - surfaced_at > GONE_AFTER
            await (self._done(intent, "gone") if gone else self._later(intent))
        else:
            await self._seen(intent, look.bookings[0])

    async def _seen(self, intent: Intent, booking: Booking) -> None:
        if booking.metadata.get(MetadataKey.OPERATION_ID) != intent.operation_id:
            await self._stuck(intent, "compensation_not_ours")
        elif not booking.status.live:
            await self._done(intent, "cancelled")
        elif intent.looks >= CANCELS_MAX:
            await self._stuck(intent, "compensation_stuck")
        else:
            clock = self.outcomes.clock
            deadline = clock.monotonic() + self.budgets.post_seconds
            # The first is looked after at once; the others are minutes apart, for a calendar that is ill.
            later = PAUSES[min(intent.looks + 1, 3)]
            # Counted before it is asked: whoever dies of it has used one up.
            await self.outcomes.ledger.looked(intent, clock.now() + (later if intent.looks else AFTER_CANCEL))
            answer = await self.calendar.cancel(booking.uid, REASON, deadline)
            if answer.kind is ChangeKind.NOT_ASKED:
                await self.outcomes.ledger.looked(intent, clock.now() + later, more=-1)

    async def _done(self, intent: Intent, how: str) -> None:
        now = self.outcomes.clock.now()
        alarm = Alarm(now, "booking_taken_back", intent.intent_id, how)
        await self.outcomes.write(Transition(intent, (Event.COMPENSATED,), now, facts=(alarm,)))

    async def _stuck(self, intent: Intent, why: str) -> None:
        """Only a person can go on. Said again each time it is looked at, and that is seldom."""
        self.outcomes.observer.observe((Alarm(self.outcomes.clock.now(), why, intent.intent_id),))
        await self._later(intent)

    async def _later(self, intent: Intent) -> None:
        """Only cancels are counted as looks: they are what must be bounded."""
        now = self.outcomes.clock.now()
        await self.outcomes.ledger.looked(intent, now + _pause(intent, now), more=0)


def _pause(intent: Intent, now: datetime) -> timedelta:
    """Longer the longer it has been."""
    since = now - (intent.doubted_at or now)
    by_age = sum(since > pause * 2 for pause in PAUSES)
    return PAUSES[min(max(intent.looks, by_age), len(PAUSES) - 1)]
