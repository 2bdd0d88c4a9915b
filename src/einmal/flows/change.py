"""Cancel and move: the appointment stands as it was until a read shows that it does not.

    read it: ours, and as the ledger has it
    T1  the change is written as sent; of a move, what it is to become as well          commit
        one POST, no transaction open
        read it again: a 201 alone proves nothing
    T2  the change and the appointments that it touches                                 commit

Like a booking it runs in a task of its own and outlives its caller; what is not shown in time is a doubt, and looked at
until it is (flows/change_doubt).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.answer import AnswerKind
from einmal.domain.change import LIVE_CHANGES, Change, ChangeEvent, ChangeKind, ChangeState, Stands
from einmal.domain.facts import Alarm
from einmal.domain.intent import BOOKED, State
from einmal.domain.model import Person, Wish
from einmal.domain.reply import BookedSlot, Outcome, Reply, Why
from einmal.domain.whose import Caller, Named
from einmal.flows.change_doubt import CANCELLED_BECAUSE, ChangeDoubts
from einmal.flows.change_reply import ChangeReplies
from einmal.flows.composite import Composites
from einmal.flows.house_rules import HouseRules
from einmal.flows.own import OwnAppointments
from einmal.flows.shield import Shield
from einmal.ports import BookingUidTaken, CallContact, CommitUnknown, LedgerUnavailable, StoredReply, Tenant
from einmal.ports import ChangeKind as How
from einmal.ports.changes import Begun, NotAdmitted, NotStanding, StaleChange, UnderWay

MOVED_BECAUSE: Final = "Auf Wunsch verschoben"
PAUSES: Final = (0.0, 0.5, 1.0, 1.5)
"""Before each look while the caller waits: the calendar's replica lags two seconds as a rule."""

PROMISE_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Changes:
    """Cancels and moves appointments of one tenant, and only for those whose they are."""

    replies: ChangeReplies
    house_rules: HouseRules
    reaches: Callable[[Person], bool]
    """Whether somebody can be told later."""
    changed: Callable[[], None] = lambda: None
    """Told after each request that may have changed the calendar: what was known of free slots is old."""
    answered: Callable[[Wish, Reply], None] = lambda _wish, _reply: None
    """Told of each move that was sent: what was held for it is held no longer."""
    composites: Composites | None = None
    """None where no composites are booked."""
    _shield: Shield = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shield", Shield(self.doubts.clock, "change"))

    @property
    def doubts(self) -> ChangeDoubts:
        return self.replies.doubts

    @property
    def own(self) -> OwnAppointments:
        return self.replies.own

    @property
    def tenant(self) -> Tenant:
        return self.replies.tenant

    @property
    def under_way(self) -> Shield:
        return self._shield

    async def cancel(self, named: Named, caller: Caller) -> Reply:
        """Cancel the caller's appointment that is meant; said again, it is cancelled still."""

        async def work(begun: list[Change]) -> Reply:
            if not named.exact:
                # "And cancel it", once more: what this call has cancelled is meant, and not the next that would fit.
                done = await self.replies.cancelled_in_this_call(named, caller)
                if done is not None:
                    return done
            found = await self.own.the_one(caller, named)
            if isinstance(found, StoredReply):
                return await self._of_a_whole(found, caller, cancels=True) or await self._cancel(found, caller, begun)
            if found.outcome is Outcome.IN_DOUBT:
                return found
            before = await self.own.ended(caller, named, State.CANCELLED)
            is_meant = bool(before) and (named.exact or not found.readings)
            return Reply(Outcome.CANCELLED, booking=before[0].booking) if is_meant else found

        return await self._answered(work)

    async def move(self, named: Named, start: datetime, caller: Caller, call: CallContact | None) -> Reply:
        """Move the caller's appointment that is meant to that start; said again, it is there still."""

        async def work(begun: list[Change]) -> Reply:
            # Looked for first: said once more, it must not move the next that would fit.
            before = await self.replies.moved_before(named, start, caller)
            if before is not None:
                return before
            found = await self.own.the_one(caller, named)
            if not isinstance(found, StoredReply):
                return found
            whole = await self._of_a_whole(found, caller, cancels=False)
            return whole or await self._move(found, start, caller, call, begun)

        return await self._answered(work)

    async def cancel_this(self, stored: StoredReply) -> Reply:
        """Cancel this appointment, whoever has it: the one who asks has the calendar's own key, or the house's."""

        async def work(begun: list[Change]) -> Reply:
            whole = await self._of_a_whole(stored, Caller(), cancels=True)
            return whole or await self._cancel(stored, Caller(), begun)

        return await self._answered(work)

    async def move_this(self, stored: StoredReply, start: datetime, conversation_id: str | None = None) -> Reply:
        """Move this appointment, as `cancel_this`. Where it has been moved there already, it is there."""

        async def work(begun: list[Change]) -> Reply:
            if stored.intent.state is State.MOVED:
                after = await self.replies.became(stored.intent)
                lives = after is not None and after.intent.state in BOOKED
                if after is not None and lives and after.booking is not None and after.booking.start == start:
                    return self.replies.is_there(after)
            whole = await self._of_a_whole(stored, Caller(), cancels=False)
            return whole or await self._move(stored, start, Caller(conversation_id), None, begun)

        return await self._answered(work)

    async def _of_a_whole(self, stored: StoredReply, caller: Caller, *, cancels: bool) -> Reply | None:
        """What becomes of a composite's segment, if it is one: cancelled with the whole, and never moved alone."""
        whole = None if self.composites is None else await self.own.composite_of(stored)
        slot = stored.booking
        if whole is None or self.composites is None or slot is None:
            return None
        if not cancels:
            return Reply(Outcome.REJECTED, booking=slot)
        if self.replies.too_late(slot, self.tenant.house.policies.cancel_notice):
            return self.replies.late(slot)
        return await self.composites.cancel(whole, caller.call_id)

    async def _answered(self, work: Callable[[list[Change]], Awaitable[Reply]]) -> Reply:
        clock, begun = self.doubts.clock, list[Change]()
        reply_by = clock.monotonic() + self.doubts.budgets.reply_seconds

        async def told() -> Reply:
            try:
                return await work(begun)
            except (StaleChange, BookingUidTaken):
                return await self._as_it_stands(begun)
            except (LedgerUnavailable, CommitUnknown) as failure:
                self.doubts.observer.observe((Alarm(clock.now(), "ledger_unavailable", None, type(failure).__name__),))
                # Before the row was written nothing was sent, and after that only a read tells.
                unsure = begun or isinstance(failure, CommitUnknown)
                return Reply(Outcome.IN_DOUBT, Why.CHANGING) if unsure else self.replies.unchanged(None)

        reply = await self._shield.within(told(), reply_by)
        if reply is None:
            reply = Reply(Outcome.IN_DOUBT, Why.CHANGING)
        return await self._promised(reply, begun) if reply.outcome is Outcome.IN_DOUBT else reply

    async def _promised(self, reply: Reply, begun: list[Change]) -> Reply:
        """ "You will hear from us" is said once it is written down, and only where somebody can be reached."""
        if reply.why is not Why.CHANGING:
            return reply
        unpromised = replace(reply, why=Why.CHANGING_UNPROMISED)
        if not begun:
            return unpromised
        clock = self.doubts.clock
        noted = self._noted(begun[0])
        told = await self._shield.within(noted, clock.monotonic() + PROMISE_SECONDS)
        return unpromised if told is None else told

    async def _noted(self, change: Change) -> Reply | None:
        """What may be said of it now; None where no more than before."""
        try:
            whose = await self.doubts.ledger.stored(change.intent_id)
            stands = await self.doubts.books.promise(change.change_id, self.doubts.clock.now())
            if whose is None or stands is None:
                return None
            told = await self.replies.told(stands)
            return told if told.outcome is not Outcome.IN_DOUBT or self.reaches(whose.intent.wish.person) else None
        except (LedgerUnavailable, CommitUnknown):
            return None

    async def _cancel(self, stored: StoredReply, caller: Caller, begun: list[Change]) -> Reply:
        intent, slot = stored.intent, stored.booking
        notice = self.tenant.house.policies.cancel_notice
        if slot is None or self.replies.too_late(slot, notice):
            return self.replies.late(slot)
        change = self._change(ChangeKind.CANCEL, stored, caller)
        live = await self._live(change)
        if live is not None:
            return await self._other(live, change, None, begun)
        found = await self.doubts.standings.look(intent)
        if not isinstance(found, Stands):
            return await self.replies.elsewhere(stored, found, gone=Reply(Outcome.CANCELLED, Why.BEFORE, booking=slot))
        send_by = self._send_by()
        went = await self.doubts.books.begin(change, None, self.house_rules.admission)
        if not isinstance(went, Begun):
            return await self._not_begun(went, slot, change, begun)
        begun.append(change)
        answer = await self.doubts.calendar.cancel(change.booking_uid, CANCELLED_BECAUSE, send_by)
        self.changed()
        if answer.kind in {How.NOT_ASKED, How.REFUSED, How.UNKNOWN}:
            if answer.kind is not How.NOT_ASKED:
                self._alarm("calendar_refuses_a_cancel", change, answer.detail)
            await self.doubts.conclude(change, ChangeEvent.REFUSED)
            return self.replies.unchanged(slot)
        return await self._shown(change, stored)

    async def _move(
        self, stored: StoredReply, start: datetime, caller: Caller, call: CallContact | None, begun: list[Change]
    ) -> Reply:
        intent, slot = stored.intent, stored.booking
        if slot is None or self.replies.too_late(slot, self.tenant.house.policies.move_notice):
            return self.replies.late(slot)
        service = self.doubts.standings.service(intent, intent.wish.service.event_type_id)
        wish = replace(intent.wish, conversation_id=caller.call_id, service=service, start=start)
        change = self._change(ChangeKind.MOVE, stored, caller)
        live = await self._live(change)
        if live is not None:
            return await self._other(live, change, wish, begun)
        found = await self.doubts.standings.look(intent)
        if not isinstance(found, Stands) or slot.start == start:
            return await self.replies.elsewhere(stored, found, gone=Reply(Outcome.REJECTED, Why.NOT_FOUND))
        now, budgets, send_by = self.doubts.clock.now(), self.doubts.budgets, self._send_by()
        deadline = now + timedelta(seconds=budgets.post_seconds) + budgets.lease_margin
        candidate = self.doubts.standings.successor(intent, wish, deadline, call)
        change = replace(change, successor_id=candidate.intent_id)
        policy = self.house_rules.of_a_move(wish, intent.intent_id)
        went = await self.doubts.books.begin(change, candidate, policy)
        if not isinstance(went, Begun):
            return await self._not_begun(went, slot, change, begun, wish)
        begun.append(change)
        answer = await self.doubts.calendar.move(change.booking_uid, start, MOVED_BECAUSE, send_by)
        self.changed()
        if answer.kind in {AnswerKind.BOOKING, AnswerKind.LOST}:
            shown = await self._shown(change, stored)
            self.answered(wish, shown)
            return shown
        reply = await self.replies.refused(change, answer, slot, wish)
        await self.doubts.conclude(change, ChangeEvent.REFUSED, reply=reply)
        return reply

    def _send_by(self) -> float:
        """Monotonic; taken before the row is written, whose own deadline is later by a margin."""
        return self.doubts.clock.monotonic() + self.doubts.budgets.post_seconds

    async def _shown(self, change: Change, stored: StoredReply) -> Reply:
        """Read until it shows, as long as somebody waits."""
        for pause in PAUSES:
            if pause:
                await self.doubts.clock.sleep(pause)
            after = await self.doubts.look(change, stored.intent)
            if after.state is not ChangeState.SENT:
                return await self.replies.told(after)
        return await self.replies.told(await self.doubts.conclude(change, ChangeEvent.DOUBTED))

    async def _not_begun(
        self,
        why: UnderWay | NotStanding | NotAdmitted,
        slot: BookedSlot,
        change: Change,
        begun: list[Change],
        wish: Wish | None = None,
    ) -> Reply:
        match why:
            case UnderWay(other):
                return await self._other(other, change, wish, begun)
            case NotStanding(stored):
                gone = stored is not None and stored.intent.state is State.CANCELLED
                same = gone and change.kind is ChangeKind.CANCEL
                return Reply(Outcome.CANCELLED, booking=slot) if same else Reply(Outcome.REJECTED, Why.NOT_FOUND)
            case NotAdmitted(admission):
                return await self.replies.not_admitted(admission, slot, wish, change.intent_id)

    async def _other(self, other: Change, change: Change, wish: Wish | None, begun: list[Change]) -> Reply:
        """A change of this booking is under way: the same one is waited for, of another only that it is."""
        if not await self._same(other, change, wish):
            return Reply(Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT)
        begun.append(other)
        clock = self.doubts.clock
        until = clock.monotonic() + self.doubts.budgets.post_seconds
        stands: Change | None = other
        while stands is not None and stands.state is ChangeState.SENT and clock.monotonic() < until:
            await clock.sleep(POLL_SECONDS)
            stands = await self.doubts.books.change(other.change_id)
        return await self.replies.told(stands or other)

    async def _live(self, change: Change) -> Change | None:
        """What is under way for this booking already: only that knows what a read of it would mean."""
        last = await self.doubts.books.last_of((change.intent_id,))
        return next((one for one in last if one.intent_id == change.intent_id and one.state in LIVE_CHANGES), None)

    async def _same(self, other: Change, change: Change, wish: Wish | None) -> bool:
        if other.kind is not change.kind or other.successor_id is None or wish is None:
            return other.kind is change.kind
        stored = await self.doubts.ledger.stored(other.successor_id)
        return stored is not None and stored.intent.wish.start == wish.start

    async def _as_it_stands(self, begun: list[Change]) -> Reply:
        """Somebody else was faster: what stands now is the answer."""
        stands = await self.doubts.books.change(begun[0].change_id) if begun else None
        return Reply(Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT) if stands is None else await self.replies.told(stands)

    def _change(self, kind: ChangeKind, stored: StoredReply, caller: Caller) -> Change:
        clock, budgets, intent = self.doubts.clock, self.doubts.budgets, stored.intent
        now = clock.now()
        deadline = now + timedelta(seconds=budgets.post_seconds) + budgets.lease_margin
        return Change(
            change_id=self.doubts.standings.ids.time_ordered(),
            tenant_id=self.tenant.tenant_id,
            kind=kind,
            intent_id=intent.intent_id,
            booking_uid=intent.booking_uid or "",
            state=ChangeState.SENT,
            created_at=now,
            send_deadline=deadline,
            conversation_id=caller.call_id,
            look_at=deadline,
        )

    def _alarm(self, what: str, change: Change, detail: str) -> None:
        self.doubts.observer.observe((Alarm(self.doubts.clock.now(), what, change.intent_id, detail),))
