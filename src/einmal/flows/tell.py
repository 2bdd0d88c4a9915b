"""What callers are told of their own appointments: as the calendar shows them now, where it can be asked."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from einmal.domain.change import UNKNOWN_THERE, Ended, MovedTo, NotOurs, Stands, Unseen
from einmal.domain.drift import GHOST_AFTER
from einmal.domain.intent import BOOKED, Intent, State
from einmal.domain.reply import BookedSlot, Outcome, Reply, Why
from einmal.domain.whose import Caller, Named, is_named
from einmal.flows.composite import Composites
from einmal.flows.own import OwnAppointments
from einmal.flows.standing import Standings
from einmal.ports import CommitUnknown, Ledger, LedgerUnavailable, StoredReply
from einmal.ports.changes import ChangeBooks

READ_MAX: Final = 5
"""As many are read at the calendar; who has more is told them as the ledger has them."""


@dataclass(frozen=True, slots=True)
class Telling:
    own: OwnAppointments
    standings: Standings
    books: ChangeBooks
    ledger: Ledger
    composites: Composites | None = None
    """None where no composites are booked."""

    async def appointments(self, named: Named, caller: Caller) -> tuple[BookedSlot, ...] | Reply:
        """The caller's own that fit what was said, earliest first; or what to ask or say instead."""
        try:
            return await self._appointments(named, caller)
        except (LedgerUnavailable, CommitUnknown):
            return self._unreadable()

    async def status(self, named: Named, caller: Caller) -> Reply:
        """What has become of what this call asked for last, or of the appointment that was named."""
        try:
            return await self._status(named, caller)
        except (LedgerUnavailable, CommitUnknown):
            return self._unreadable()

    async def _appointments(self, named: Named, caller: Caller) -> tuple[BookedSlot, ...] | Reply:
        own = await self.own.live(caller)
        fitting = [one for one in own if _fits(one, named)]
        if not fitting:
            if own and not named.second_fact:
                fitting = list(own)
            else:
                one = await self.own.the_one(caller, named)
                if isinstance(one, Reply):
                    return one
                fitting = [one]
        if any(one.changing for one in fitting):
            return Reply(Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED)
        if await self.own.in_doubt(caller, named):
            return Reply(Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT)
        seen = await asyncio.gather(*(self._as_it_stands(one) for one in fitting[:READ_MAX]))
        standing = [one for one in (*seen, *fitting[READ_MAX:]) if one is not None and one.intent.state in BOOKED]
        slots = sorted((one.booking for one in standing if one.booking is not None), key=lambda slot: slot.start)
        return tuple(slots) if slots else Reply(Outcome.REJECTED, Why.NOT_FOUND)

    async def _status(self, named: Named, caller: Caller) -> Reply:
        every = [*await self.own.of_call(caller), *await self.own.changed(caller)]
        of_call = [one for one in every if one.intent.state is not State.MOVED]
        asked_for = next((one for one in of_call if _fits(one, named)), None)
        if asked_for is None:
            found = await self.own.the_one(caller, named)
            if isinstance(found, Reply):
                return found
            asked_for = found
        whole = await self.own.composite_of(asked_for)
        if whole is not None and self.composites is not None:
            return replace(await self.composites.told(whole, caller.call_id), alternatives=())
        if asked_for.intent.state in BOOKED and not asked_for.changing:
            seen = await self._as_it_stands(asked_for)
            if seen is None:
                # It has ended, and somebody else wrote so; or the ledger has what the calendar does not.
                seen = await self.ledger.stored(asked_for.intent.intent_id)
                if seen is None or (seen.intent.state in BOOKED and not seen.changing):
                    return Reply(Outcome.REJECTED, Why.NOT_FOUND)
            asked_for = seen
        told = asked_for.told(self.own.clock.now())
        if told.outcome is Outcome.IN_DOUBT and told.why is Why.PLAIN:
            # Whether they will hear of it was said when it was promised.
            told = replace(told, why=Why.UNPROMISED)
        # What was free then may not be free now.
        return replace(told, alternatives=())

    async def _as_it_stands(self, stored: StoredReply) -> StoredReply | None:
        """As the calendar shows it; as the ledger has it where the calendar cannot be asked. None: it is no more."""
        found = await self.standings.look(stored.intent)
        if isinstance(found, NotOurs):
            # Of an appointment that another program booked the ledger knows whose it is; the calendar, that it stands.
            same = found.booking.status.live and found.booking.start == stored.intent.wish.start
            return stored if stored.imported and same else None
        if found == Unseen(UNKNOWN_THERE) and self._is_gone(stored.intent):
            return None
        after = await self.standings.follow(stored.intent, found)
        if isinstance(found, MovedTo) and after is None:
            after = await self._became(stored)
        if isinstance(found, Ended):
            return after
        now = after or stored
        if isinstance(found, Stands):
            # Where it was: of a composite the time of the whole.
            now = replace(now, booking=stored.booking)
        return now if now.intent.state in BOOKED else None

    def _is_gone(self, intent: Intent) -> bool:
        """Whether the calendar knows it no more: nobody is told that they have it. A new one a replica may not show."""
        return self.own.clock.now() - (intent.resolved_at or intent.created_at) > GHOST_AFTER

    async def _became(self, stored: StoredReply) -> StoredReply | None:
        """What somebody else has followed meanwhile."""
        for change in await self.books.last_of((stored.intent.intent_id,)):
            if change.successor_id is not None:
                return await self.ledger.stored(change.successor_id)
        return None

    def _unreadable(self) -> Reply:
        return Reply(Outcome.ERROR, Why.UNREADABLE, error_id=self.standings.ids.time_ordered())


def _fits(stored: StoredReply, named: Named) -> bool:
    ref = None if stored.booking is None else stored.booking.ref
    unresolved = stored.intent.state not in BOOKED
    return is_named(stored.intent, ref, named if not unresolved else replace(named, ref=None))
