"""Offers: is the wish free, and if not, what is near it? Advisory, and never trusted at commit."""

from datetime import datetime, timedelta
from typing import Final

from einmal.domain.model import Offer, Service, Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.domain.search import Search, nearest
from einmal.ports import Blind, Budgets, Calendar, Clock, Ids, Tenant

ALTERNATIVES_MAX: Final = 2
"""As many as a listener keeps in mind."""

HORIZON: Final = timedelta(days=3)
"""How far around the wish alternatives are looked for."""

BEYOND: Final = timedelta(days=7)
"""How far after a time in which nothing is free; asked for in the same look."""


class Offers:
    def __init__(self, calendar: Calendar, clock: Clock, ids: Ids, budgets: Budgets, tenant: Tenant) -> None:
        self._tenant = tenant
        self._calendar = calendar
        self._clock = clock
        self._ids = ids
        self._budgets = budgets

    async def check(self, wish: Wish) -> Reply:
        """Whether the wish is free now. Nothing is booked, held or stored."""
        offers = await self._around(wish)
        if isinstance(offers, Blind):
            return self._unreachable(wish.start)
        if not self._tenant.offers(wish.service, wish.start, self._clock.now()):
            near = nearest(wish.start, offers, ALTERNATIVES_MAX)
            return Reply(Outcome.REJECTED, Why.NOT_OFFERED, asked_start=wish.start, alternatives=near)
        for offer in offers:
            if offer.start == wish.start:
                return Reply(Outcome.AVAILABLE, asked_start=wish.start, alternatives=(offer,))
        near = nearest(wish.start, offers, ALTERNATIVES_MAX)
        return Reply(Outcome.UNAVAILABLE, asked_start=wish.start, alternatives=near)

    async def search(self, search: Search) -> Reply:
        """What is free in that time; where nothing is, what comes next. One look, nothing held."""
        later = search.end + BEYOND
        deadline = self._clock.monotonic() + self._budgets.slots_seconds
        offers = await self._free(search.service, search.begin, later, deadline)
        if isinstance(offers, Blind):
            return self._unreachable(search.begin)
        within = [offer for offer in offers if offer.start < search.end]
        chosen = search.chosen(within)
        outcome = Outcome.AVAILABLE if chosen else Outcome.UNAVAILABLE
        return Reply(outcome, Why.CHOICE, asked_start=search.begin, alternatives=chosen or offers[:ALTERNATIVES_MAX])

    async def alternatives(self, wish: Wish) -> tuple[Offer, ...]:
        """The nearest free slots beside the wish's own; none where the calendar cannot be asked."""
        offers = await self._around(wish)
        return () if isinstance(offers, Blind) else nearest(wish.start, offers, ALTERNATIVES_MAX)

    async def _around(self, wish: Wish) -> tuple[Offer, ...] | Blind:
        now = self._clock.now()
        start = max(now, wish.start - HORIZON)
        deadline = self._clock.monotonic() + self._budgets.slots_seconds
        return await self._free(wish.service, start, wish.start + HORIZON, deadline)

    async def _free(
        self, service: Service, begin: datetime, end: datetime, deadline: float
    ) -> tuple[Offer, ...] | Blind:
        """What is free in the calendar, and offered by the house."""
        offers = await self._calendar.slots(service, begin, end, deadline)
        if isinstance(offers, Blind):
            return offers
        now = self._clock.now()
        return tuple(offer for offer in offers if self._tenant.offers(service, offer.start, now))

    def _unreachable(self, asked: datetime) -> Reply:
        return Reply(Outcome.ERROR, Why.UNREACHABLE, asked_start=asked, error_id=self._ids.time_ordered())
