"""The sweeper: what was told "no" after a doubt is watched until its slot is over.

The request may have been under way for longer than anybody waited. So the calendar's bookings are read by
pages, last changed first, back to where they were read before; whatever carries an operation id of ours is a
sighting. One page answers for all tombstones of a tenant, and most sweeps are one page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.facts import Alarm
from einmal.domain.intent import BOOKED, Intent, State
from einmal.domain.keys import is_operation_id
from einmal.domain.model import Booking, MetadataKey
from einmal.flows.compensate import Compensations
from einmal.flows.doubt import Doubts
from einmal.flows.standing import Standings
from einmal.ports import Blind, Budgets, Calendar, StaleIntent, Sweep

OVERLAP: Final = timedelta(minutes=10)
"""Read again each time: a replica that lags shows a change late, and under its own time."""

CLOCKS_DIFFER: Final = timedelta(hours=25)
"""Where nothing was read before, it begins this long before the oldest tombstone: the two clocks may differ."""

FRESH: Final = timedelta(hours=1)
EVERY_FRESH: Final = timedelta(minutes=1)
EVERY: Final = timedelta(minutes=15)
PAGES_MAX: Final = 20
LEASE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Sweeper:
    tenant_id: str
    doubts: Doubts
    compensations: Compensations
    calendar: Calendar
    budgets: Budgets
    standings: Standings | None = None
    """None where nothing is ever moved."""

    async def turn(self) -> bool:
        """Sweep if it is due and there is something to watch for; whether it swept."""
        outcomes = self.doubts.outcomes
        now = outcomes.clock.now()
        sweep = await outcomes.ledger.claim_sweep(self.tenant_id, now, now + LEASE)
        if sweep is None:
            return False
        until = await self._read(sweep)
        pause = EVERY_FRESH if now - sweep.newest_at < FRESH else EVERY
        await outcomes.ledger.swept(self.tenant_id, until, outcomes.clock.now() + pause)
        return True

    async def _read(self, sweep: Sweep) -> datetime | None:
        """The last change seen; None where none was, or the pages could not be read back to where they were known."""
        back_to = sweep.since - CLOCKS_DIFFER
        if sweep.swept_until is not None:
            back_to = max(back_to, sweep.swept_until - OVERLAP)
        newest: datetime | None = None
        clock = self.doubts.outcomes.clock
        for number in range(PAGES_MAX):
            page = await self.calendar.changes(number, clock.monotonic() + self.budgets.look_up_seconds)
            if isinstance(page, Blind):
                return None
            if page.unread:
                alarm = Alarm(clock.now(), "sweep_unread_rows", None, str(page.unread))
                self.doubts.outcomes.observer.observe((alarm,))
            await self.sighted(page.bookings)
            changes = [changed for booking in page.bookings if (changed := _changed(booking)) is not None]
            newest = max([*changes, newest] if newest else changes, default=None)
            if page.last or (changes and min(changes) < back_to):
                return newest or sweep.swept_until
        alarm = Alarm(clock.now(), "sweep_too_long", None, str(PAGES_MAX))
        self.doubts.outcomes.observer.observe((alarm,))
        return None

    async def sighted(self, bookings: Sequence[Booking]) -> None:
        """What bookings seen anywhere say of intents of ours."""
        seen: dict[str, list[Booking]] = {}
        for booking in bookings:
            operation = booking.metadata.get(MetadataKey.OPERATION_ID, "")
            if is_operation_id(operation):
                seen.setdefault(operation, []).append(booking)
        for intent in await self.doubts.outcomes.ledger.by_operations(self.tenant_id, tuple(seen)):
            live = [booking for booking in seen[intent.mark] if booking.status.live]
            # What a move did not become was sent under no id of its own: its change knows how that ended.
            if live and (intent.moved_from is None or intent.state in BOOKED):
                await self._one(intent, live)

    async def _one(self, intent: Intent, live: list[Booking]) -> None:
        try:
            match intent.state:
                case State.REJECTED:
                    await self.compensations.surfaced(intent, live[0])
                case State.DOUBT:
                    await self.doubts.sighted(intent, live)
                case State.CONFIRMED | State.PENDING if self.standings is not None and _moved(intent, live):
                    # By others; or by us, after that was given up.
                    await self.standings.follow(intent, await self.standings.look(intent))
                case State.COMPENSATED:
                    alarm = Alarm(self.doubts.outcomes.clock.now(), "booking_after_compensation", intent.intent_id)
                    self.doubts.outcomes.observer.observe((alarm,))
                case _:
                    return
        except StaleIntent:
            return  # somebody else was faster, with what they saw


def _moved(intent: Intent, live: list[Booking]) -> bool:
    return all(booking.uid != intent.booking_uid for booking in live)


def _changed(booking: Booking) -> datetime | None:
    return booking.updated_at or booking.created_at
