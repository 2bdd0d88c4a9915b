"""Holding: a free slot is kept for who is on the phone, in the ledger; the calendar is told beside it.

The ledger's hold is what counts. Its mirror in the calendar keeps the slot off other people's lists, as far as the
calendar goes: it is made and taken away after the reply, once, and what fails of it runs out by itself.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from einmal.domain.hold import HOLD_FOR, HOLDS_MAX, Hold, resources_of
from einmal.domain.model import Service, Wish
from einmal.domain.reply import Outcome, Reply
from einmal.domain.search import Asker
from einmal.flows.offer import Offers
from einmal.ports import (
    Blind,
    Budgets,
    Calendar,
    CallContact,
    Clock,
    CommitUnknown,
    Holds,
    Ids,
    LedgerUnavailable,
    Tenant,
)

_NOW_BOOKED: Final = frozenset({Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED, Outcome.RESCHEDULED})

_HOLD_MINUTES: Final = HOLD_FOR // timedelta(minutes=1)


@dataclass(slots=True)
class _Conversation:
    """What this process knows of a conversation that holds something: `mirrors` by hold id."""

    until: datetime
    mirrors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holding:
    """Holds slots of one tenant."""

    tenant: Tenant
    holds: Holds
    offers: Offers
    calendar: Calendar
    clock: Clock
    ids: Ids
    budgets: Budgets
    _holding: "dict[str, _Conversation]" = field(default_factory=dict, init=False)
    """By conversation id. Another process's holds are not in it: those run out by themselves."""
    _mirroring: "set[str]" = field(default_factory=set, init=False)
    _begun: "set[asyncio.Task[Any]]" = field(default_factory=set, init=False)

    async def reserve(self, wish: Wish, call: CallContact | None, asker: Asker) -> Reply:
        """Hold the wish's slot, if it is free in this moment. Without a call that the platform vouches for nobody
        could be told from others: then it is said to be free, which is true, and nothing is held."""
        checked = await self.offers.check(wish, asker, fresh=True)
        if checked.outcome is not Outcome.AVAILABLE or call is None or wish.service.segments:
            # Of a composite nothing is held either: it would take several holds at once.
            return checked
        try:
            hold = await self.holds.take(self._hold(wish, call.call_id))
        except (LedgerUnavailable, CommitUnknown):
            return checked
        if hold is None:
            alternatives = await self.offers.alternatives(wish)
            return Reply(Outcome.UNAVAILABLE, asked_start=wish.start, alternatives=alternatives)
        self._remember(hold)
        self._begin(self._mirror(hold, wish.service))
        return replace(checked, outcome=Outcome.RESERVED)

    async def release(self, conversation_id: str | None, start: datetime | None = None) -> Reply:
        """Let go of what this conversation holds at `start`, or of all; if it is nothing, of that."""
        if conversation_id is not None:
            try:
                await self._let_go(conversation_id, start)
            except (LedgerUnavailable, CommitUnknown):
                return Reply(Outcome.ERROR, error_id=self.ids.time_ordered())
        return Reply(Outcome.RELEASED, asked_start=start)

    async def hang_up(self, tenant_id: str, conversation_id: str) -> None:
        """The call is over: nothing is held for it any more. What cannot be let go now runs out by itself."""
        if tenant_id == self.tenant.tenant_id:
            await self._quietly(conversation_id, None)

    def answered(self, wish: Wish, reply: Reply) -> None:
        """A POST for this wish has its answer: what was looked up is forgotten, and what was held for it let go.

        Called on the way of every booking, so where this process knows of no hold nobody is asked.
        """
        self.offers.drop()
        conversation_id = wish.conversation_id
        if conversation_id is None:
            return
        # A slot that is another's after all must not be shown to its holder as theirs, whichever process held it.
        if reply.outcome is Outcome.SLOT_TAKEN or (reply.outcome in _NOW_BOOKED and conversation_id in self._holding):
            self._begin(self._quietly(conversation_id, wish.start))

    async def drain(self, seconds: float) -> None:
        """Wait for what the calendar is still to be told, at most this long."""
        if self._begun:
            await asyncio.wait(self._begun, timeout=seconds)

    def _hold(self, wish: Wish, conversation_id: str) -> Hold:
        now, service = self.clock.now(), wish.service
        return Hold(
            self.ids.time_ordered(),
            wish.tenant_id,
            conversation_id,
            service.service_id,
            service.event_type_id,
            resources_of(service, self.tenant.house.staff),
            wish.start,
            wish.end,
            now,
            now + HOLD_FOR,
        )

    def _remember(self, hold: Hold) -> None:
        for gone in [name for name, one in self._holding.items() if one.until <= hold.created_at]:
            del self._holding[gone]
        known = self._holding.setdefault(hold.conversation_id, _Conversation(hold.expires_at))
        known.until = max(known.until, hold.expires_at)

    async def _quietly(self, conversation_id: str, start: datetime | None) -> None:
        try:
            await self._let_go(conversation_id, start)
        except (LedgerUnavailable, CommitUnknown):
            return

    async def _let_go(self, conversation_id: str, start: datetime | None) -> None:
        tenant_id = self.tenant.tenant_id
        if start is None:
            gone = await self.holds.release_all(tenant_id, conversation_id)
            self._holding.pop(conversation_id, None)
        else:
            held = await self.holds.of_conversation(tenant_id, conversation_id, self.clock.now())
            gone = tuple(one for one in held if one.start == start)
            if gone:
                await self.holds.release([one.hold_id for one in gone])
            if len(gone) == len(held):
                self._holding.pop(conversation_id, None)
        if gone:
            self._begin(self._unmirror(one.reservation_uid for one in gone))

    async def _mirror(self, hold: Hold, service: Service) -> None:
        """Tell the calendar, once for each hold: how long it goes on cannot be changed there (recorded).

        Not where several could do it: one reservation would hide the slot of them all (recorded).
        """
        if len(hold.resources) > 1 or hold.reservation_uid is not None or hold.hold_id in self._mirroring:
            return
        known = self._holding.get(hold.conversation_id)
        if known is not None and hold.hold_id in known.mirrors:
            return  # the row was read before its mirror was written down
        self._mirroring.add(hold.hold_id)
        try:
            uid = await self.calendar.reserve(service, hold.start, _HOLD_MINUTES, self._deadline())
            if isinstance(uid, Blind):
                return
            if await self.holds.mirrored(hold.hold_id, uid):
                await self._note(hold, uid)
            else:
                await self.calendar.release(uid, self._deadline())
        except (LedgerUnavailable, CommitUnknown):
            return
        finally:
            self._mirroring.discard(hold.hold_id)
            self.offers.drop()

    async def _note(self, hold: Hold, uid: str) -> None:
        """Remember the mirror; those of holds that were given up for newer ones are taken away."""
        known = self._holding.get(hold.conversation_id)
        if known is None:
            return
        known.mirrors[hold.hold_id] = uid
        if len(known.mirrors) > HOLDS_MAX:
            held = await self.holds.of_conversation(hold.tenant_id, hold.conversation_id, self.clock.now())
            standing = {one.hold_id for one in held}
            await self._unmirror([known.mirrors.pop(name) for name in [*known.mirrors] if name not in standing])

    async def _unmirror(self, uids: Iterable[str | None]) -> None:
        for uid in uids:
            if uid is not None:
                await self.calendar.release(uid, self._deadline())
        self.offers.drop()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """In a task of its own: nobody waits for it."""
        task = asyncio.create_task(work, name="holding")
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    def _deadline(self) -> float:
        return self.clock.monotonic() + self.budgets.slots_seconds
