"""Free slots as they were a moment ago: what is asked several times in one conversation is looked up once.

Only for what is said and asked again. What was kept here is never trusted where something hangs on it: not after a
"taken", and not by whoever holds or books a slot.
"""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Final

from einmal.domain.model import Offer, Service, instant
from einmal.ports import Blind, Calendar, Clock

KEPT_FOR: Final = timedelta(seconds=15)
"""A question, its answer and the question after it. Whoever books elsewhere meanwhile is noticed when it is booked."""

LAG: Final = timedelta(seconds=3)
"""Cal.com's lists show a booking up to two seconds late (recorded). What is looked up so soon after one is not kept."""

DAYS_MAX: Final = 512
"""Of all event types together: a fortnight of thirty services. The oldest goes."""

_ONE_DAY: Final = timedelta(days=1)

_Starts = tuple[datetime, ...]


class CachedSlots:
    """One tenant's calendar, by event type and whole days (UTC). `kept_for` zero keeps nothing."""

    def __init__(self, calendar: Calendar, clock: Clock, kept_for: timedelta = KEPT_FOR) -> None:
        self._calendar = calendar
        self._clock = clock
        self._kept_for = kept_for
        self._days: dict[tuple[int, date], tuple[datetime, _Starts]] = {}
        self._looks: dict[tuple[int, date, date], asyncio.Task[_Starts | Blind]] = {}
        self._drops = 0
        self._dropped_at: datetime | None = None

    def drop(self) -> None:
        """Something was booked, changed or held: for all services, because they may share their staff."""
        self._days.clear()
        # Those who look now began before; who asks from now on does not join them.
        self._looks.clear()
        self._drops += 1
        self._dropped_at = self._clock.now()

    async def free(
        self, service: Service, begin: datetime, end: datetime, deadline: float, *, fresh: bool = False
    ) -> tuple[Offer, ...] | Blind:
        """As the calendar's own `slots`; with `fresh` just that."""
        if fresh or not self._kept_for:
            return await self._calendar.slots(service, begin, end, deadline)
        first, last = instant(begin).date(), instant(end - timedelta.resolution).date()
        starts: _Starts | Blind | None = self._remembered(service.event_type_id, first, last)
        if starts is None:
            starts = await self._look(service, first, last, deadline)
        if isinstance(starts, Blind):
            return starts
        return tuple(Offer(at, service.service_id) for at in starts if begin <= at < end)

    def _remembered(self, event_type_id: int, first: date, last: date) -> _Starts | None:
        now = self._clock.now()
        found: list[datetime] = []
        for day in _days(first, last):
            asked_at, starts = self._days.get((event_type_id, day), (None, ()))
            if asked_at is None or not timedelta(0) <= now - asked_at < self._kept_for:
                return None
            found += starts
        return tuple(found)

    async def _look(self, service: Service, first: date, last: date, deadline: float) -> _Starts | Blind:
        """Who asks the same while it is being looked up waits for that; it ends before their own deadline."""
        key = (service.event_type_id, first, last)
        look = self._looks.get(key)
        if look is None:
            look = asyncio.create_task(self._asked(service, first, last, deadline), name="slots")
            self._looks[key] = look
            look.add_done_callback(partial(self._ended, key))
        # Who hangs up takes nothing from the others.
        return await asyncio.shield(look)

    def _ended(self, key: tuple[int, date, date], look: "asyncio.Task[_Starts | Blind]") -> None:
        if self._looks.get(key) is look:
            del self._looks[key]

    async def _asked(self, service: Service, first: date, last: date, deadline: float) -> _Starts | Blind:
        asked_at, drops = self._clock.now(), self._drops
        offers = await self._calendar.slots(service, _midnight(first), _midnight(last + _ONE_DAY), deadline)
        if isinstance(offers, Blind):
            return offers
        starts = tuple(offer.start for offer in offers)
        lags = self._dropped_at is not None and timedelta(0) <= asked_at - self._dropped_at < LAG
        if drops == self._drops and not lags:
            for day in _days(first, last):
                self._keep((service.event_type_id, day), asked_at, tuple(at for at in starts if at.date() == day))
        return starts

    def _keep(self, key: tuple[int, date], asked_at: datetime, starts: _Starts) -> None:
        self._days.pop(key, None)
        self._days[key] = (asked_at, starts)
        if len(self._days) > DAYS_MAX:
            del self._days[next(iter(self._days))]


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)
