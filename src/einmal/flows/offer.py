"""Offers: is the wish free, and if not, what is near it? Advisory, and never trusted at commit."""

from datetime import timedelta
from typing import Final

from einmal.domain.model import Offer, Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.ports import Blind, Budgets, Calendar, Clock, Ids

ALTERNATIVES_MAX: Final = 2
"""As many as a listener keeps in mind."""

HORIZON: Final = timedelta(days=3)
"""How far around the wish alternatives are looked for."""


class Offers:
    def __init__(self, calendar: Calendar, clock: Clock, ids: Ids, budgets: Budgets) -> None:
        self._calendar = calendar
        self._clock = clock
        self._ids = ids
        self._budgets = budgets

    async def check(self, wish: Wish) -> Reply:
        """Whether the wish is free now. Nothing is booked, held or stored."""
        offers = await self._around(wish)
        if isinstance(offers, Blind):
            return Reply(Outcome.ERROR, Why.UNREACHABLE, asked_start=wish.start, error_id=self._ids.time_ordered())
        for offer in offers:
            if offer.start == wish.start:
                return Reply(Outcome.AVAILABLE, asked_start=wish.start, alternatives=(offer,))
        return Reply(Outcome.UNAVAILABLE, asked_start=wish.start, alternatives=nearest(wish, offers))

    async def alternatives(self, wish: Wish) -> tuple[Offer, ...]:
        """The nearest free slots beside the wish's own; none where the calendar cannot be asked."""
        offers = await self._around(wish)
        return () if isinstance(offers, Blind) else nearest(wish, offers)

    async def _around(self, wish: Wish) -> tuple[Offer, ...] | Blind:
        now = self._clock.now()
        start = max(now, wish.start - HORIZON)
        deadline = self._clock.monotonic() + self._budgets.slots_seconds
        return await self._calendar.slots(wish.service, start, wish.start + HORIZON, deadline)


def nearest(wish: Wish, offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
    """The offers nearest to the wish, in the order of time; its own start is not among them."""
    others = [offer for offer in offers if offer.start != wish.start]
    others.sort(key=lambda offer: (abs(offer.start - wish.start), offer.start))
    return tuple(sorted(others[:ALTERNATIVES_MAX], key=lambda offer: offer.start))
