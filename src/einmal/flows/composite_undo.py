"""Composites that are under way: looked at until every segment stands, or none does.

A segment that stands of a composite that is not to be is cancelled through the books of changes, as any cancel is: its
row first, sent, read back, sent again, and in the end for a person. Whoever dies in between is followed by a worker,
which looks at the ledger and goes on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from einmal.domain.admission import AdmissionPolicy
from einmal.domain.change import Change, ChangeEvent, ChangeKind, ChangeState, Ended, MovedTo, NotOurs, Stands
from einmal.domain.composite import (
    BEING_UNDONE,
    STANDING,
    UNDER_WAY,
    Composite,
    CompositeEvent,
    CompositeState,
    Piece,
    follows,
    piece,
)
from einmal.domain.facts import Alarm
from einmal.domain.intent import BOOKED, State
from einmal.domain.reply import Reply
from einmal.flows.change_doubt import CANCELLED_BECAUSE, ChangeDoubts
from einmal.flows.due import Step, take_turn
from einmal.ports import ChangeKind as How
from einmal.ports import Clock, Ledger, Observer, StoredReply
from einmal.ports.changes import Begun, StaleChange
from einmal.ports.composites import CompositeBooks, StaleComposite

PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 30, 60, 120, 300, 600, 1800, 3600))
READ_AFTER: Final = (0.0, 0.5, 1.0, 1.5)
"""Before each read after a cancel: the calendar's replica lags two seconds as a rule."""

TRIES_MAX: Final = 6
"""A cancel that the calendar refused so often is for a person; it is still tried, seldom."""

HOPS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class CompositeSteps:
    """All raise LedgerUnavailable or CommitUnknown."""

    books: CompositeBooks
    changes: ChangeDoubts

    @property
    def ledger(self) -> Ledger:
        return self.changes.ledger

    @property
    def clock(self) -> Clock:
        return self.changes.clock

    async def stored(self, composite: Composite) -> tuple[StoredReply | None, ...]:
        """Its segments as they are now, also where somebody has moved one."""
        return tuple([await self._newest(intent_id) for intent_id in composite.intent_ids])

    async def move(self, composite: Composite, event: CompositeEvent, reply: Reply | None = None) -> Composite:
        """Write the move; where somebody else was faster, what stands now."""
        now = self.clock.now()
        try:
            return await self.books.conclude(composite, event, now, now + PAUSES[0], reply)
        except StaleComposite:
            return await self.books.composite(composite.composite_id) or composite

    async def step(self, composite: Composite, conversation_id: str | None = None) -> Composite:
        """One look at all its segments, and what follows from it. `conversation_id`: who called it off."""
        composite, pieces = await self._followed(composite)
        if composite.state is CompositeState.BOOKING and composite.looks:
            composite, pieces = await self._asked_after(composite, pieces)
        if composite.state in BEING_UNDONE:
            # All at once: each waits for its own read, and somebody may be waiting for them all.
            standing = [one for one in pieces if one is not None]
            stuck = await asyncio.gather(*(self._taken_back(one, composite, conversation_id) for one in standing))
            composite, _ = await self._followed(composite)
            if any(stuck) and composite.state is CompositeState.UNDOING:
                self._alarm("composite_stuck", composite)
                composite = await self.move(composite, CompositeEvent.STUCK)
        if composite.state in UNDER_WAY:
            pause = PAUSES[min(composite.looks, len(PAUSES) - 1)]
            await self.books.looked(composite, self.clock.now() + pause)
        return composite

    async def _asked_after(
        self, composite: Composite, pieces: Sequence[StoredReply | None]
    ) -> tuple[Composite, Sequence[StoredReply | None]]:
        """What a host has yet to accept is read in the calendar: a decline undoes the rest."""
        asked = [one.intent for one in pieces if one is not None and one.intent.state is State.PENDING]
        for intent in asked:
            await self.changes.standings.follow(intent, await self.changes.standings.look(intent))
        all_stand = all(_piece(one) in STANDING for one in pieces)
        if asked and all_stand and self.clock.now() > composite.segments[-1].end:
            # Nobody ever answered, and it is over: there is nothing to undo.
            return await self.move(composite, CompositeEvent.STOOD), pieces
        return await self._followed(composite)

    async def _followed(self, composite: Composite) -> tuple[Composite, Sequence[StoredReply | None]]:
        """As what its segments show makes it."""
        stored = await self.stored(composite)
        pieces = [_piece(one) for one in stored]
        may_begin = self.clock.now() < composite.book_until
        while (event := follows(composite.state, pieces, may_begin=may_begin)) is not None:
            composite = await self.move(composite, event)
        return composite, stored

    async def _newest(self, intent_id: str) -> StoredReply | None:
        stored = await self.ledger.stored(intent_id)
        for _ in range(HOPS_MAX):
            if stored is None or stored.intent.state is not State.MOVED:
                break
            after = [one.successor_id for one in await self.changes.books.last_of((stored.intent.intent_id,))]
            if not after or after[0] is None:
                break
            stored = await self.ledger.stored(after[0])
        return stored

    async def _taken_back(self, stored: StoredReply, composite: Composite, conversation_id: str | None) -> bool:
        """Cancel it if it stands. Whether only a person can go on."""
        intent = stored.intent
        if intent.state not in BOOKED:
            return False
        last = next(iter(await self.changes.books.last_of((intent.intent_id,))), None)
        ours = last is not None and last.intent_id == intent.intent_id
        if ours and last is not None and last.state in {ChangeState.SENT, ChangeState.DOUBT, ChangeState.ESCALATED}:
            return last.state is ChangeState.ESCALATED
        found = await self.changes.standings.look(intent)
        match found:
            case Ended() | MovedTo():
                await self.changes.standings.follow(intent, found)
            case NotOurs():
                self._alarm("segment_without_our_mark", composite)
                return True
            case Stands():
                await self._cancelled(stored, conversation_id)
            case _:
                return False
        return ours and composite.looks >= TRIES_MAX

    async def _cancelled(self, stored: StoredReply, conversation_id: str | None) -> None:
        """Row, request, reads. What they do not show is a doubt, and looked at with all others."""
        doubts = self.changes
        send_by = self.clock.monotonic() + doubts.budgets.post_seconds
        change = self._change(stored, conversation_id)
        if not isinstance(await doubts.books.begin(change, None, AdmissionPolicy()), Begun):
            return
        answer = await doubts.calendar.cancel(change.booking_uid, CANCELLED_BECAUSE, send_by)
        try:
            if answer.kind in {How.NOT_ASKED, How.REFUSED, How.UNKNOWN}:
                await doubts.conclude(change, ChangeEvent.REFUSED)
                return
            for pause in READ_AFTER:
                if pause:
                    await self.clock.sleep(pause)
                if (await doubts.look(change, stored.intent)).state is not ChangeState.SENT:
                    return
            await doubts.conclude(change, ChangeEvent.DOUBTED)
        except StaleChange:
            return  # a worker has concluded it meanwhile

    def _change(self, stored: StoredReply, conversation_id: str | None) -> Change:
        budgets, intent, now = self.changes.budgets, stored.intent, self.clock.now()
        deadline = now + timedelta(seconds=budgets.post_seconds) + budgets.lease_margin
        return Change(
            change_id=self.changes.standings.ids.time_ordered(),
            tenant_id=intent.wish.tenant_id,
            kind=ChangeKind.CANCEL,
            intent_id=intent.intent_id,
            booking_uid=intent.booking_uid or "",
            state=ChangeState.SENT,
            created_at=now,
            send_deadline=deadline,
            conversation_id=conversation_id,
            look_at=deadline,
        )

    def _alarm(self, what: str, composite: Composite) -> None:
        self.changes.observer.observe((Alarm(self.clock.now(), what, None, composite.composite_id),))


def _piece(stored: StoredReply | None) -> Piece:
    return piece(None if stored is None else stored.intent.state)


class Back(Protocol):
    """One tenant's; None where it books no composites."""

    @property
    def composites(self) -> CompositeSteps | None: ...


@dataclass(frozen=True, slots=True)
class CompositeRecovery:
    """Composites that are due, whoever began them. `backs` by tenant id; the mapping may change while this runs."""

    books: CompositeBooks
    backs: Mapping[str, Back]
    clock: Clock
    observer: Observer

    async def turn(self, limit: int = 1) -> int:
        now = self.clock.now()
        failed = "composite_recovery_failed"
        return await take_turn(self.books, self._step_of, self._alarm, now, limit=limit, failed=failed)

    def _step_of(self, composite: Composite) -> Step[Composite] | None:
        back = self.backs.get(composite.tenant_id)
        return None if back is None or back.composites is None else back.composites.step

    def _alarm(self, what: str, composite: Composite, detail: str = "") -> None:
        alarm = Alarm(self.clock.now(), what, None, detail or composite.composite_id)
        self.observer.observe((alarm,))
