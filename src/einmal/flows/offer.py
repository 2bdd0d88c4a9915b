"""Offers: is the wish free, and if not, what is near it? Advisory, and never trusted at commit.

What others hold is not free, what the caller holds is; and nobody is offered the time that they have already.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.composite import parts_of
from einmal.domain.hold import Hold, resources_of, room_at
from einmal.domain.keys import phone_hash
from einmal.domain.model import Offer, Service, Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.domain.search import Asker, Search, nearest
from einmal.flows.slots import CachedSlots
from einmal.ports import Blind, Budgets, Calendar, Clock, CommitUnknown, Holds, Ids, LedgerUnavailable, Tenant

ALTERNATIVES_MAX: Final = 2
"""As many as a listener keeps in mind."""

HORIZON: Final = timedelta(days=3)
"""How far around the wish alternatives are looked for."""

BEYOND: Final = timedelta(days=7)
"""How far after a time in which nothing is free; asked for in the same look."""

TALK: Final = timedelta(minutes=2)
"""Between an offer and its booking people say yes and spell their name: the notice must still be kept then."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What our own books say of a time: who holds what, and when the asker has something."""

    holds: tuple[Hold, ...] = ()
    own_starts: frozenset[datetime] = frozenset()


class Offers:
    def __init__(
        self,
        calendar: Calendar,
        clock: Clock,
        ids: Ids,
        budgets: Budgets,
        tenant: Tenant,
        holds: Holds | None = None,
        slots: CachedSlots | None = None,
    ) -> None:
        """`holds` None: nobody holds anything."""
        self._tenant = tenant
        self._clock = clock
        self._ids = ids
        self._budgets = budgets
        self._holds = holds
        self._slots = slots or CachedSlots(calendar, clock)

    def drop(self) -> None:
        """Something of this tenant's was booked, changed or held: what was looked up before is forgotten."""
        self._slots.drop()

    async def check(self, wish: Wish, asker: Asker | None = None, *, fresh: bool = False) -> Reply:
        """Whether the wish is free now. Nothing is booked, held or stored.

        `fresh`: as the calendar has it in this moment; otherwise it may be as it was a few seconds ago.
        """
        offers = await self._around(wish, asker or Asker(wish.conversation_id), fresh=fresh)
        if isinstance(offers, Blind):
            return self._unreachable(wish.start)
        near = nearest(wish.start, offers, ALTERNATIVES_MAX)
        if not self._offered(wish.service, wish.start):
            return Reply(Outcome.REJECTED, Why.NOT_OFFERED, asked_start=wish.start, alternatives=near)
        for offer in offers:
            if offer.start == wish.start:
                return Reply(Outcome.AVAILABLE, asked_start=wish.start, alternatives=(offer,))
        return Reply(Outcome.UNAVAILABLE, asked_start=wish.start, alternatives=near)

    async def search(self, search: Search) -> Reply:
        """What is free in that time; where nothing is, what comes next. One look, nothing held."""
        offers = await self._free(search.asker, search.service, search.begin, search.end + BEYOND, fresh=False)
        if isinstance(offers, Blind):
            return self._unreachable(search.begin)
        within = [offer for offer in offers if offer.start < search.end]
        chosen = search.chosen(within)
        outcome = Outcome.AVAILABLE if chosen else Outcome.UNAVAILABLE
        return Reply(outcome, Why.CHOICE, asked_start=search.begin, alternatives=chosen or offers[:ALTERNATIVES_MAX])

    async def free(self, search: Search) -> tuple[Offer, ...] | Blind:
        """All that is free in that time, for whoever can read a list. One look, nothing held."""
        return await self._free(search.asker, search.service, search.begin, search.end, fresh=False)

    async def alternatives(self, wish: Wish) -> tuple[Offer, ...]:
        """The nearest free slots beside the wish's own; none where the calendar cannot be asked."""
        offers = await self._around(wish, Asker(wish.conversation_id), fresh=True)
        return () if isinstance(offers, Blind) else nearest(wish.start, offers, ALTERNATIVES_MAX)

    async def _around(self, wish: Wish, asker: Asker, *, fresh: bool) -> tuple[Offer, ...] | Blind:
        begin = max(self._clock.now(), wish.start - HORIZON)
        return await self._free(asker, wish.service, begin, wish.start + HORIZON, fresh=fresh)

    async def _free(
        self, asker: Asker, service: Service, begin: datetime, end: datetime, *, fresh: bool
    ) -> tuple[Offer, ...] | Blind:
        """What is free in the calendar and for this asker, and offered by the house."""
        if not service.segments:
            return await self._free_of(asker, service, begin, end, fresh=fresh)
        parts = parts_of(service)
        # One look for those that are the same to the calendar and to our books, and all looks at once.
        alike = {_alike(part): part for _, part in parts}
        until = end + parts[-1][0]
        looks = [self._free_of(asker, part, begin, until, fresh=fresh) for part in alike.values()]
        found = dict(zip(alike, await asyncio.gather(*looks), strict=True))
        free: dict[object, set[datetime]] = {}
        for kind, offers in found.items():
            if isinstance(offers, Blind):
                return offers
            free[kind] = {offer.start for offer in offers}
        starts = [start for start in sorted(free[_alike(parts[0][1])]) if start < end]
        return tuple(
            Offer(start, service.service_id)
            for start in starts
            if self._offered(service, start) and all(start + after in free[_alike(part)] for after, part in parts)
        )

    async def _free_of(
        self, asker: Asker, service: Service, begin: datetime, end: datetime, *, fresh: bool
    ) -> tuple[Offer, ...] | Blind:
        """The same of a service that is one booking."""
        deadline = self._clock.monotonic() + self._budgets.slots_seconds
        look = self._slots.free(service, begin, end, deadline, fresh=fresh)
        if self._holds is None:
            offers, known = await look, _Known()
        else:
            reading = self._known(self._holds, asker, begin, end + service.duration)
            offers, known = await asyncio.gather(look, reading)
        if isinstance(offers, Blind):
            return offers
        starts = {offer.start for offer in offers}
        # A hold's mirror hides the slot from its own caller too.
        starts |= {one.start for one in known.holds if _is_own(one, asker, service) and begin <= one.start < end}
        resources = resources_of(service, self._tenant.house.staff)
        others = [one for one in known.holds if not _is_own_conversation(one, asker)]
        return tuple(
            Offer(start, service.service_id)
            for start in sorted(starts - known.own_starts)
            if self._offered(service, start) and room_at(start, start + service.duration, resources, others)
        )

    async def _known(self, holds: Holds, asker: Asker, begin: datetime, end: datetime) -> _Known:
        """Nothing where our books cannot be read in time: an offer is no promise."""
        tenant = self._tenant
        hashed = None if asker.line is None else phone_hash(asker.line, tenant.hash_key)

        async def read() -> _Known:
            held = await holds.live(tenant.tenant_id, self._clock.now(), begin, end)
            if asker.conversation_id is None and hashed is None:
                return _Known(held)
            own = await holds.live_starts(tenant.tenant_id, asker.conversation_id, hashed, begin, end)
            return _Known(held, own)

        try:
            return await asyncio.wait_for(read(), self._budgets.slots_seconds)
        except (TimeoutError, LedgerUnavailable, CommitUnknown):
            return _Known()

    def _offered(self, service: Service, start: datetime) -> bool:
        now = self._clock.now()
        return self._tenant.offers(service, start, now) and self._tenant.offers(service, start, now + TALK)

    def _unreachable(self, asked: datetime) -> Reply:
        return Reply(Outcome.ERROR, Why.UNREACHABLE, asked_start=asked, error_id=self._ids.time_ordered())


def _alike(part: Service) -> tuple[int, int, tuple[str, ...]]:
    """By what a segment's free times are told from another's."""
    return part.event_type_id, part.duration_minutes, part.staff


def _is_own_conversation(hold: Hold, asker: Asker) -> bool:
    return asker.conversation_id is not None and hold.conversation_id == asker.conversation_id


def _is_own(hold: Hold, asker: Asker, service: Service) -> bool:
    return _is_own_conversation(hold, asker) and hold.event_type_id == service.event_type_id
