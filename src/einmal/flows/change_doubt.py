"""A change that was sent: looked at until a read shows how it ended, while the caller waits and afterwards.

What the calendar answered is not believed either way. A cancel may be sent again, for a second one changes nothing; a
move never is: each that arrives makes another booking.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from einmal.domain.change import (
    Change,
    ChangeEvent,
    ChangeKind,
    ChangeState,
    Ended,
    MovedTo,
    NotOurs,
    Standing,
    Stands,
    is_the_move,
)
from einmal.domain.facts import Alarm, Changed
from einmal.domain.intent import Intent
from einmal.domain.model import Booking
from einmal.domain.reply import Missing, Outcome, Reply, Why
from einmal.domain.settle import SettlePolicy
from einmal.flows.due import Step, take_turn
from einmal.flows.standing import Standings
from einmal.ports import (
    BookingUidTaken,
    Budgets,
    Calendar,
    Clock,
    Ledger,
    Observer,
    StoredReply,
)
from einmal.ports import ChangeKind as How
from einmal.ports.changes import ChangeBooks, Conclusion, StaleChange

CANCELLED_BECAUSE: Final = "Auf Wunsch storniert"
"""The attendee may be mailed it. It is the house that speaks, in the language of its customers."""

SENDS_MAX: Final = 3
AGAIN_AFTER: Final = timedelta(seconds=30)
"""Before a cancel is sent again: longer than the calendar's replica lags."""

PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 120, 300, 600, 1800))
HOURLY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ChangeDoubts:
    books: ChangeBooks
    ledger: Ledger
    standings: Standings
    calendar: Calendar
    clock: Clock
    observer: Observer
    budgets: Budgets
    policy: SettlePolicy

    async def look(self, change: Change, intent: Intent) -> Change:
        """One look while the caller waits. The change as it stands after that; raises StaleChange and the like."""
        found = await self.standings.look(intent)
        concluded = await self._concluded(change, intent, found)
        return change if concluded is None else concluded

    async def conclude(
        self, change: Change, event: ChangeEvent, *, booking: Booking | None = None, reply: Reply | None = None
    ) -> Change:
        """Write the move and tell of it. Raises StaleChange, BookingUidTaken and the like."""
        now = self.clock.now()
        look_at = now + PAUSES[0] if event is ChangeEvent.DOUBTED else None
        look_at = now + HOURLY if event is ChangeEvent.ESCALATED else look_at
        fact = Changed(now, change.intent_id, change.conversation_id, change.change_id, change.kind, event)
        after = await self.books.conclude(Conclusion(change, event, now, booking, look_at, (fact,), reply))
        self.observer.observe((fact,))
        return after

    async def step(self, change: Change) -> None:
        """What a worker does with a change that is due: one look, and what follows from it."""
        now = self.clock.now()
        if change.state is ChangeState.SENT:
            # Whoever sent it is gone, or was slower than the send deadline: somebody must be told how it ends.
            change = await self.conclude(change, ChangeEvent.DOUBTED)
            await self.books.promise(change.change_id, now)
        stored = await self.ledger.stored(change.intent_id)
        if stored is None:
            return
        await self.books.looked(change, now + self._pause(change, now))
        found = await self.standings.look(stored.intent)
        if await self._concluded(change, stored.intent, found) is None:
            await self._nothing(change, stored, found)

    async def _concluded(self, change: Change, intent: Intent, found: Standing) -> Change | None:
        """The change if what was found ends it. What others have done meanwhile is taken up."""
        match found:
            case Ended() if change.kind is ChangeKind.CANCEL:
                return await self.conclude(change, ChangeEvent.SHOWN)
            case MovedTo(booking) if change.kind is ChangeKind.MOVE and await self._is_ours(change, booking):
                return await self.conclude(change, ChangeEvent.SHOWN, booking=booking)
            case Ended() | MovedTo():
                after = await self.conclude(change, ChangeEvent.OVERTAKEN, reply=_overtaken(found))
                await self.standings.follow(intent, found)
                return after
            case _:
                return None

    async def _is_ours(self, change: Change, booking: Booking) -> bool:
        successor = None if change.successor_id is None else await self.ledger.stored(change.successor_id)
        return successor is not None and is_the_move(successor.intent.wish, booking)

    async def _nothing(self, change: Change, stored: StoredReply, found: Standing) -> None:
        """It stands as it was, or nobody can tell."""
        now = self.clock.now()
        waited = now - (change.doubted_at or now)
        if change.state is ChangeState.ESCALATED:
            return
        match found:
            case NotOurs() if waited >= self.policy.window:
                self._alarm("change_of_a_stranger", change)
                await self.conclude(change, ChangeEvent.ESCALATED)
            case Stands() if change.kind is ChangeKind.MOVE and waited >= self.policy.window:
                slot = stored.booking
                asked = stored.intent.wish.start if slot is None else slot.start
                reply = Reply(Outcome.ERROR, Why.UNCHANGED, booking=slot, asked_start=asked)
                await self.conclude(change, ChangeEvent.SETTLED, reply=reply)
            case Stands() if change.kind is ChangeKind.CANCEL and waited >= AGAIN_AFTER:
                await self._again(change)
            case _ if waited >= self.policy.give_up_after:
                self._alarm("change_unresolvable", change)
                await self.conclude(change, ChangeEvent.ESCALATED)

    async def _again(self, change: Change) -> None:
        """The caller was told that it is being done."""
        if change.sends >= SENDS_MAX:
            self._alarm("cancel_without_effect", change)
            await self.conclude(change, ChangeEvent.ESCALATED)
            return
        now = self.clock.now()
        await self.books.looked(change, now + AGAIN_AFTER, sent=1)
        deadline = self.clock.monotonic() + self.budgets.post_seconds
        answer = await self.calendar.cancel(change.booking_uid, CANCELLED_BECAUSE, deadline)
        if answer.kind is How.NOT_ASKED:
            await self.books.looked(change, now + AGAIN_AFTER, sent=-1)

    def _pause(self, change: Change, now: datetime) -> timedelta:
        """Longer the longer it has been; right behind the end of the settle window once."""
        if change.state is ChangeState.ESCALATED:
            return HOURLY
        pause = PAUSES[min(change.looks, len(PAUSES) - 1)]
        ends = (change.doubted_at or now) + self.policy.window
        return ends - now if now < ends < now + pause else pause

    def _alarm(self, what: str, change: Change) -> None:
        self.observer.observe((Alarm(self.clock.now(), what, change.intent_id, change.change_id),))


def _overtaken(found: Ended | MovedTo) -> Reply:
    """Others were faster: the appointment is elsewhere, or no more."""
    if isinstance(found, Ended):
        return Reply(Outcome.REJECTED, Why.NOT_FOUND)
    return Reply(Outcome.NEEDS_INPUT, missing=(Missing.APPOINTMENT,), readings=(found.booking.start,))


class Back(Protocol):
    """One tenant's; None where it changes nothing."""

    @property
    def changes(self) -> ChangeDoubts | None: ...


@dataclass(frozen=True, slots=True)
class ChangeRecovery:
    """Changes that are due, whoever began them. `backs` by tenant id; the mapping may change while this runs."""

    books: ChangeBooks
    backs: Mapping[str, Back]
    clock: Clock
    observer: Observer

    async def turn(self, limit: int = 1) -> int:
        now = self.clock.now()
        failed = "change_recovery_failed"
        return await take_turn(self.books, self._step_of, self._alarm, now, limit=limit, failed=failed)

    def _step_of(self, change: Change) -> Step[Change] | None:
        back = self.backs.get(change.tenant_id)
        doubts = None if back is None else back.changes
        if doubts is None:
            return None

        async def step(one: Change) -> None:
            # Whoever concluded it meanwhile counts.
            with contextlib.suppress(StaleChange, BookingUidTaken):
                await doubts.step(one)

        return step

    def _alarm(self, what: str, change: Change, detail: str = "") -> None:
        self.observer.observe((Alarm(self.clock.now(), what, change.intent_id, detail or change.change_id),))
