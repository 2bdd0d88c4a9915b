"""What may be said of a change, by how it stands: in the ledger, at the calendar, or in nobody's sight."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from einmal.domain.admission import Admission, AlreadyBooked, Busy, HungUp, Join, NotOffered, Replay
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.change import Change, ChangeKind, ChangeState, Ended, MovedTo, NotOurs, Standing, Stands, Unseen
from einmal.domain.facts import Alarm
from einmal.domain.intent import BOOKED, UNRESOLVED, Intent, State
from einmal.domain.keys import normal_name
from einmal.domain.model import Wish
from einmal.domain.reply import BookedSlot, Missing, Outcome, Reply, Why
from einmal.domain.whose import Caller, Named
from einmal.flows.attempt import ABOUT_THE_WISH
from einmal.flows.change_doubt import ChangeDoubts
from einmal.flows.offer import Offers
from einmal.flows.outcome import already_booked
from einmal.flows.own import OwnAppointments
from einmal.ports import StoredReply, Tenant


@dataclass(frozen=True, slots=True)
class ChangeReplies:
    """Of one tenant. All that read raise LedgerUnavailable or CommitUnknown."""

    tenant: Tenant
    own: OwnAppointments
    doubts: ChangeDoubts
    offers: Offers

    async def refused(self, change: Change, answer: Answer, slot: BookedSlot, wish: Wish) -> Reply:
        """Certainly not moved; why not is said as far as it is about the wish."""
        if answer.kind is AnswerKind.CONFLICT:
            return await self.not_free(slot, wish)
        if answer.detail in ABOUT_THE_WISH:
            return await self.not_free(slot, wish, Outcome.REJECTED)
        if answer.kind not in {AnswerKind.NOT_SENT, AnswerKind.THROTTLED}:
            self._alarm("calendar_refuses_a_move", change, answer.detail)
        return self.unchanged(slot)

    async def told(self, change: Change) -> Reply:
        """What may be said of a change as it stands in the ledger."""
        ledger = self.doubts.ledger
        before = await ledger.stored(change.intent_id)
        slot = None if before is None else before.booking
        if change.state is ChangeState.REFUSED and before is not None and before.intent.state is State.MOVED:
            # Somebody else has moved it meanwhile. Is that the one?
            elsewhere = await self.became(before.intent)
            starts = () if elsewhere is None else (elsewhere.intent.wish.start,)
            return Reply(Outcome.NEEDS_INPUT, missing=(Missing.APPOINTMENT,), readings=starts)
        if change.state not in {ChangeState.DONE, ChangeState.REFUSED}:
            return Reply(Outcome.IN_DOUBT, Why.CHANGING, asked_start=None if slot is None else slot.start)
        if change.kind is ChangeKind.CANCEL or change.successor_id is None:
            done = change.state is ChangeState.DONE and slot is not None
            return Reply(Outcome.CANCELLED, booking=slot) if done else self.unchanged(slot)
        after = await ledger.stored(change.successor_id)
        if change.state is ChangeState.DONE and after is not None and after.booking is not None:
            return self.is_there(after)
        return after.reply if after is not None and after.reply is not None else self.unchanged(slot)

    async def not_admitted(self, admission: Admission, slot: BookedSlot, wish: Wish | None, leaving: str) -> Reply:
        """What stands in the way: of the new time, or of any change at all. `leaving`: the intent that it is about."""
        match admission:
            case HungUp():
                return Reply(Outcome.REJECTED, Why.HUNG_UP)
            case _ if wish is None:
                return self.unchanged(slot)
            case AlreadyBooked(intent) | Replay(intent):
                return await self._answered_before(intent, slot, wish, leaving)
            case Busy() | Join():
                return Reply(Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT, asked_start=wish.start)
            case NotOffered():
                return await self.not_free(slot, wish, Outcome.REJECTED)
            case _:
                return await self.not_free(slot, wish)

    async def _answered_before(self, intent: Intent, slot: BookedSlot, wish: Wish, leaving: str) -> Reply:
        """This person has that time, or was told a moment ago that they cannot."""
        stored = await self.doubts.ledger.stored(intent.intent_id)
        if stored is None or stored.intent.state in UNRESOLVED:
            return Reply(Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT, asked_start=wish.start)
        theirs = normal_name(stored.intent.wish.person.name)
        if stored.intent.state in BOOKED and theirs == normal_name(wish.person.name):
            return already_booked(stored, wish)
        if stored.intent.moved_from == leaving and stored.reply is not None:
            return stored.reply
        return await self.not_free(slot, wish)

    async def cancelled_in_this_call(self, named: Named, caller: Caller) -> Reply | None:
        """What this very call has cancelled, if it fits, and if nothing was booked since that would fit as well."""
        # Ids sort by their time of birth.
        newest = max((one.intent.intent_id for one in await self.own.live(caller)), default="")
        for was in await self.own.ended(caller, named, State.CANCELLED):
            for change in await self.doubts.books.last_of((was.intent.intent_id,)):
                by_this_call = change.conversation_id is not None and change.conversation_id == caller.call_id
                if by_this_call and newest < change.change_id:
                    return Reply(Outcome.CANCELLED, booking=was.booking)
        return None

    async def moved_before(self, named: Named, start: datetime, caller: Caller) -> Reply | None:
        """Where the appointment that was named is there already: it was moved, and this is the same wish again."""
        for was in await self.own.ended(caller, named, State.MOVED):
            after = await self.became(was.intent)
            # It may have been moved on since, or cancelled, here or there: then this is a new wish.
            if after is None or after.booking is None or after.intent.state not in BOOKED:
                continue
            found = await self.doubts.standings.look(after.intent) if after.booking.start == start else None
            if isinstance(found, Stands | Unseen):
                return self.is_there(after)
        return None

    async def became(self, intent: Intent) -> StoredReply | None:
        """What a moved appointment is now."""
        for change in await self.doubts.books.last_of((intent.intent_id,)):
            if change.intent_id == intent.intent_id and change.successor_id is not None:
                return await self.doubts.ledger.stored(change.successor_id)
        return None

    async def elsewhere(self, stored: StoredReply, found: Standing, *, gone: Reply) -> Reply:
        """It does not stand as the ledger had it, for others were at it or nobody can tell; or it is there already."""
        match found:
            case Stands():
                return self.is_there(stored)
            case Ended():
                await self.doubts.standings.follow(stored.intent, found)
                return gone
            case MovedTo(booking):
                await self.doubts.standings.follow(stored.intent, found)
                # The caller speaks of a time that it is not at any more: are they sure of this one?
                return Reply(Outcome.NEEDS_INPUT, missing=(Missing.APPOINTMENT,), readings=(booking.start,))
            case NotOurs():
                now = self.doubts.clock.now()
                alarm = Alarm(now, "appointment_without_our_mark", stored.intent.intent_id)
                self.doubts.observer.observe((alarm,))
                return self.unchanged(stored.booking)
            case _:
                return self.unchanged(stored.booking)

    def is_there(self, stored: StoredReply) -> Reply:
        """It is where it was wanted: moved there, or never elsewhere."""
        if stored.intent.state is State.PENDING:
            return Reply(Outcome.REQUESTED, Why.CHANGING, booking=stored.booking)
        why = Why.PLAIN if stored.intent.moved_from is not None else Why.BEFORE
        return Reply(Outcome.RESCHEDULED, why, booking=stored.booking)

    async def not_free(self, slot: BookedSlot, wish: Wish, outcome: Outcome = Outcome.UNAVAILABLE) -> Reply:
        alternatives = await self.offers.alternatives(wish)
        return Reply(outcome, Why.STANDS, booking=slot, asked_start=wish.start, alternatives=alternatives)

    def too_late(self, slot: BookedSlot, notice: timedelta | None) -> bool:
        return self.doubts.clock.now() + (notice or timedelta(0)) > slot.start

    def late(self, slot: BookedSlot | None) -> Reply:
        return Reply(Outcome.REJECTED, Why.TOO_LATE, booking=slot, note=self.tenant.house.policies.late_fee)

    def unchanged(self, slot: BookedSlot | None) -> Reply:
        return Reply(Outcome.ERROR, Why.UNCHANGED, booking=slot, error_id=self.doubts.standings.ids.time_ordered())

    def _alarm(self, what: str, change: Change, detail: str) -> None:
        self.doubts.observer.observe((Alarm(self.doubts.clock.now(), what, change.intent_id, detail),))
