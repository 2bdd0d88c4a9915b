"""Doubt: one look at the calendar by our operation id, and what follows from it.

The same look ends a conflict ("perhaps it is us"), a lost answer while the caller waits, and what recovery
finds hours later. What it cannot end stays in the ledger with the time of its next look.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from einmal.domain.facts import Doubted, LookedUp
from einmal.domain.intent import Event, Intent
from einmal.domain.model import Booking, Offer
from einmal.domain.reply import Outcome, Reply
from einmal.domain.settle import (
    Absent,
    Conclusion,
    Found,
    NeedsPerson,
    Settlement,
    SettlePolicy,
    Unclear,
    conclude,
    next_look,
    settle,
)
from einmal.domain.verdict import Judgement, KnownBooking, Verdict
from einmal.flows.offer import Offers
from einmal.flows.outcome import Outcomes, already_booked, in_doubt
from einmal.ports import Blind, BookingUidTaken, Budgets, Calendar

OURS_TO_LOOK: Final = timedelta(seconds=20)
"""How long recovery leaves a fresh doubt to the attempt that met it: its looks take a few seconds."""

HELD_BACK_SECONDS: Final = 5.0
"""When to try again where the gate was shut."""

FOUND = Verdict(Judgement.OURS_ACCEPTED, owned=True)
"""settle() has compared id, start and event type; nothing is left to judge."""


@dataclass(frozen=True, slots=True)
class Doubts:
    outcomes: Outcomes
    calendar: Calendar
    offers: Offers | None
    """None where nobody waits who could be offered anything: recovery spends the budget on looking."""
    budgets: Budgets
    policy: SettlePolicy

    async def look(
        self, intent: Intent, known: KnownBooking | None = None, ours_until: timedelta | None = None
    ) -> Reply | None:
        """One look. The reply if it ended the doubt, None if it stays; either is in the ledger on return.

        `known`: whose booking the calendar gave us instead of ours, where it did. `ours_until`: for how long
        the caller of this goes on looking itself, so that recovery leaves the row alone.
        """
        clock = self.outcomes.clock
        await self._counted(intent, ours_until)
        look_by = clock.monotonic() + self.budgets.look_up_seconds
        look, alternatives = await asyncio.gather(self.calendar.find(intent, look_by), self._alternatives(intent))
        settlement = (
            Unclear(look.why) if isinstance(look, Blind) else settle(intent, look.bookings, complete=look.complete)
        )
        seen = LookedUp(clock.now(), intent.wish.tenant_id, intent.intent_id, _saw(settlement))
        self.outcomes.observer.observe((seen,))
        if isinstance(settlement, Absent | Unclear):
            if isinstance(look, Blind) and look.heard is None:
                return await self._not_asked(intent, ours_until)
            return await self._nothing(intent, settlement, known, alternatives)
        return await self._settled(intent, settlement)

    async def _counted(self, intent: Intent, ours_until: timedelta | None) -> None:
        """Before it is made, with the time of the next one: a process that dies of it leaves it counted."""
        now = self.outcomes.clock.now()
        counted = replace(intent, looks=intent.looks + 1)
        later = next_look(counted, now, self.policy, self.outcomes.ids.jitter())
        await self.outcomes.ledger.looked(intent, later if ours_until is None else now + ours_until)

    async def _settled(self, intent: Intent, settlement: Settlement) -> Reply | None:
        match settlement:
            case Found(booking):
                event = Event.FOUND_PENDING if settlement.pending else Event.FOUND_ACCEPTED
                try:
                    return await self.outcomes.booked(intent, event, booking, None, FOUND)
                except BookingUidTaken:
                    return await self._person(intent, "constraint_violation")
            case NeedsPerson(why):
                return await self._person(intent, why)
            case Absent() | Unclear():
                return None

    async def sighted(self, intent: Intent, seen: Sequence[Booking]) -> Reply | None:
        """Bookings with the intent's id were seen somewhere: what they say, without a look of its own."""
        return await self._settled(intent, settle(intent, seen, complete=False))

    async def look_in_call(self, intent: Intent) -> Reply:
        """The looks that fall into the caller's time. What they do not end, recovery goes on with."""
        last = self.policy.looks_in_call - 1
        for number, pause in enumerate(self.policy.pauses[: last + 1]):
            await self.outcomes.clock.sleep(pause)
            counted = replace(intent, looks=intent.looks + number)
            reply = await self.look(counted, None, OURS_TO_LOOK if number < last else None)
            if reply is not None:
                return reply
        return in_doubt(intent)

    async def _alternatives(self, intent: Intent) -> tuple[Offer, ...]:
        # Only a "taken" needs them, and only after a conflict can a look end in "taken" while somebody waits.
        return await self.offers.alternatives(intent.wish) if intent.not_ours and self.offers is not None else ()

    async def _not_asked(self, intent: Intent, ours_until: timedelta | None) -> Reply | None:
        """The gate held the look back: it counts no longer."""
        now = self.outcomes.clock.now()
        if intent.doubted_at is not None and now - intent.doubted_at >= self.policy.give_up_after:
            return await self._person(intent, "doubt_unresolvable")
        pause = timedelta(seconds=HELD_BACK_SECONDS * (1 + self.outcomes.ids.jitter()))
        await self.outcomes.ledger.looked(intent, now + (ours_until or pause), more=-1)
        return None

    async def _nothing(
        self,
        intent: Intent,
        settlement: Absent | Unclear,
        known: KnownBooking | None,
        alternatives: tuple[Offer, ...],
    ) -> Reply | None:
        now = self.outcomes.clock.now()
        match conclude(intent, settlement, now, self.policy):
            case Conclusion.ABSENT:
                event = Event.NOT_OURS_AND_ABSENT if intent.not_ours else Event.SETTLED_ABSENT
                reply = await self._taken(intent, known, alternatives)
                return await self.outcomes.no(intent, (event,), None, reply)
            case Conclusion.ESCALATE:
                return await self._person(intent, "doubt_unresolvable")
            case Conclusion.LOOK_AGAIN:
                if isinstance(settlement, Unclear):
                    doubted = Doubted(now, intent.intent_id, intent.wish.conversation_id, settlement.why)
                    self.outcomes.observer.observe((doubted,))
                return None

    async def _taken(self, intent: Intent, known: KnownBooking | None, alternatives: tuple[Offer, ...]) -> Reply:
        """Not booked; unless it is this same person who has the slot, and then they may hear so."""
        start = intent.wish.start
        if not intent.not_ours:
            # Nobody said that the slot is taken: our request never arrived.
            return self.outcomes.error(intent)
        if known is not None and known.live and known.same_person:
            stored = await self.outcomes.ledger.stored(known.intent_id)
            if stored is not None and stored.booking is not None:
                return already_booked(stored, intent.wish)
        return Reply(Outcome.SLOT_TAKEN, asked_start=start, alternatives=alternatives)

    async def _person(self, intent: Intent, why: str) -> Reply:
        return await self.outcomes.needs_person(intent, (Event.ESCALATED,), why, None, None)


def _saw(settlement: Settlement) -> str:
    match settlement:
        case Found():
            return "found"
        case Absent():
            return "absent"
        case Unclear(why) | NeedsPerson(why):
            return why
