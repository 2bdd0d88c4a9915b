"""One attempt: the one POST of an intent, its answer judged, and the move that follows from it.

An answer that is not ours, or a conflict, goes through doubt: our own booking may be what occupies the
slot. One look-up by our operation id ends that doubt; if the look-up is blind, it stays. A lost answer
stays in doubt here; recovery looks later.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from einmal.domain import facts as fact
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.facts import Alarm, Doubted, Fact
from einmal.domain.intent import Event, Intent
from einmal.domain.keys import IdempotencyStrategy, outgoing_idempotency_key
from einmal.domain.model import Booking, MetadataKey, Offer
from einmal.domain.reply import Outcome, Reply, Why, reply_to_state
from einmal.domain.settle import Absent, Found, NeedsPerson, Unclear, settle
from einmal.domain.verdict import Asked, GuardPolicy, Judgement, KnownBooking, Verdict, judge, with_constraint
from einmal.flows.offer import Offers
from einmal.ports import (
    Blind,
    BookingRequest,
    BookingUidTaken,
    Budgets,
    Calendar,
    Clock,
    CommitUnknown,
    Ids,
    Ledger,
    LedgerUnavailable,
    Observer,
    StaleIntent,
    StoredReply,
    Transition,
)

ABOUT_THE_WISH: Final = frozenset({"past", "out_of_bounds", "booker_limit"})
"""Refusals that another wish would not meet. All others are our trouble and end in an offer to call back."""


@dataclass(frozen=True, slots=True)
class Attempts:
    ledger: Ledger
    calendar: Calendar
    offers: Offers
    clock: Clock
    ids: Ids
    observer: Observer
    budgets: Budgets
    guard: GuardPolicy
    idempotency: IdempotencyStrategy = IdempotencyStrategy.CALL

    async def run(self, intent: Intent, post_by: float) -> Reply:
        """POST once and see it through. `post_by` is monotonic: past it nothing is written to the wire."""
        key = outgoing_idempotency_key(self.idempotency, intent.operation_id, intent.wish, intent.attendee_email)
        sent_at = self.clock.now()
        answer = await self.calendar.create(BookingRequest(intent, key, post_by))
        try:
            return await self._conclude(intent, answer, sent_at)
        except StaleIntent:
            # Somebody else moved it meanwhile. What stands now is the answer, not what we wanted to write.
            return await self._as_it_stands(intent)
        except (CommitUnknown, LedgerUnavailable) as failure:
            alarm = Alarm(self.clock.now(), "ledger_lost_after_post", intent.intent_id, type(failure).__name__)
            self.observer.observe((fact.answered(intent, answer, None, self.clock.now(), self.guard), alarm))
            return await self._as_it_stands(intent)

    async def _conclude(self, intent: Intent, answer: Answer, sent_at: datetime) -> Reply:
        match answer.kind:
            case AnswerKind.BOOKING if answer.booking is not None:
                return await self._judged(intent, answer, answer.booking, sent_at)
            case AnswerKind.CONFLICT:
                return await self._not_ours(intent, answer, None)
            case AnswerKind.REFUSED | AnswerKind.UNAUTHORISED:
                return await self._refused(intent, answer)
            case AnswerKind.NOT_SENT | AnswerKind.THROTTLED:
                why = Why.TOO_BUSY if answer.kind is AnswerKind.THROTTLED else Why.UNREACHABLE
                events = (Event.NOT_PROCESSED, Event.SHED)
                return await self._write_no(intent, events, answer, replace(self._error(intent), why=why))
            case AnswerKind.LOST | AnswerKind.BOOKING:
                return await self._doubted(intent, answer)

    async def _judged(self, intent: Intent, answer: Answer, booking: Booking, sent_at: datetime) -> Reply:
        owned = booking.metadata.get(MetadataKey.OPERATION_ID) == intent.operation_id
        # An own booking needs no look at the ledger: the UNIQUE index has that word when the row is written.
        known = None if self.guard.owns and owned else await self.ledger.known_booking(booking.uid, intent)
        verdict = judge(intent, booking, Asked(answer.asked_at(sent_at), answer.elapsed), known, self.guard)
        match verdict.judgement:
            case Judgement.OURS_ACCEPTED:
                return await self._booked(intent, Event.LANDED_ACCEPTED, booking, answer, verdict)
            case Judgement.OURS_PENDING:
                return await self._booked(intent, Event.LANDED_PENDING, booking, answer, verdict)
            case Judgement.FOREIGN:
                rejected = fact.rejected(intent, booking, verdict, self.clock.now(), self.guard)
                return await self._not_ours(intent, answer, verdict, rejected)
            case Judgement.WRONG_TIME:
                events = (Event.DOUBTED, Event.ESCALATED)
                return await self._needs_person(intent, events, "wrong_time", answer, verdict)
            case Judgement.OURS_ENDED:
                return await self._needs_person(intent, (Event.DOUBTED,), "booking_ended_at_birth", answer, verdict)

    async def _booked(
        self, intent: Intent, event: Event, booking: Booking, answer: Answer | None, verdict: Verdict
    ) -> Reply:
        now = self.clock.now()
        try:
            stands = await self._write(Transition(intent, (event,), now, answer, booking), verdict)
        except BookingUidTaken:
            return await self._constraint(intent, booking, answer, verdict)
        self.observer.observe((fact.booked(intent, booking, verdict, stands.intent.state, now),))
        return reply_to_state(stands.intent, stands.intent.state, stands.booking)

    async def _constraint(self, intent: Intent, booking: Booking, answer: Answer | None, verdict: Verdict) -> Reply:
        """Layer 4 spoke: the layers above let through what the ledger already holds. Never silent."""
        known = await self.ledger.known_booking(booking.uid, intent)
        verdict = with_constraint(verdict, known)
        now = self.clock.now()
        rejected = fact.rejected(intent, booking, verdict, now, self.guard)
        alarm = Alarm(now, "constraint_violation", intent.intent_id)
        if answer is None or (self.guard.owns and verdict.owned):
            # Our own id on a booking that another wish holds: no rule explains it, so none decides it.
            events = (Event.ESCALATED,) if answer is None else (Event.DOUBTED, Event.ESCALATED)
            return await self._needs_person(intent, events, "constraint_violation", answer, verdict, rejected)
        return await self._not_ours(intent, answer, verdict, rejected, alarm)

    async def _not_ours(self, intent: Intent, answer: Answer, verdict: Verdict | None, *facts: Fact) -> Reply:
        """The slot is somebody's. Perhaps our own: look before "taken" is said."""
        transition = Transition(intent, (Event.DOUBTED,), self.clock.now(), answer, facts=facts)
        doubted = (await self._write(transition, verdict)).intent
        look_by = self.clock.monotonic() + self.budgets.look_up_seconds
        look, alternatives = await asyncio.gather(
            self.calendar.find(doubted, look_by), self.offers.alternatives(intent.wish)
        )
        if isinstance(look, Blind):
            return await self._still_in_doubt(doubted, look.why)
        settlement = settle(doubted, look.bookings, complete=look.complete)
        match settlement:
            case Found(booking):
                event = Event.FOUND_PENDING if settlement.pending else Event.FOUND_ACCEPTED
                return await self._booked(doubted, event, booking, None, Verdict(Judgement.OURS_ACCEPTED, owned=True))
            case Absent():
                reply = await self._taken(intent, None if verdict is None else verdict.known, alternatives)
                return await self._write_no(doubted, (Event.NOT_OURS_AND_ABSENT,), None, reply)
            case NeedsPerson(why):
                return await self._needs_person(doubted, (Event.ESCALATED,), why, None, None)
            case Unclear(why):
                return await self._still_in_doubt(doubted, why)

    async def _taken(self, intent: Intent, known: KnownBooking | None, alternatives: tuple[Offer, ...]) -> Reply:
        """Not free; unless it is this same person who has it, and then they may hear so."""
        start = intent.wish.start
        if known is not None and known.live and known.same_person:
            stored: StoredReply | None = await self.ledger.stored(known.intent_id)
            if stored is not None and stored.booking is not None:
                return Reply(Outcome.ALREADY_BOOKED, booking=stored.booking, asked_start=start)
        return Reply(Outcome.SLOT_TAKEN, asked_start=start, alternatives=alternatives)

    async def _refused(self, intent: Intent, answer: Answer) -> Reply:
        facts: tuple[Fact, ...] = ()
        if answer.kind is AnswerKind.UNAUTHORISED:
            facts = (Alarm(self.clock.now(), "calendar_refuses_our_key", intent.intent_id, answer.detail),)
        about_the_wish = Reply(Outcome.REJECTED, Why.NOT_OFFERED, asked_start=intent.wish.start)
        reply = about_the_wish if answer.detail in ABOUT_THE_WISH else self._error(intent)
        return await self._write_no(intent, (Event.REFUSED,), answer, reply, *facts)

    async def _write_no(
        self, intent: Intent, events: tuple[Event, ...], answer: Answer | None, reply: Reply, *facts: Fact
    ) -> Reply:
        """Write the refusal with what is said of it, so that every repeat hears the same."""
        await self._write(Transition(intent, events, self.clock.now(), answer, facts=facts, reply=reply))
        return reply

    async def _doubted(self, intent: Intent, answer: Answer) -> Reply:
        now = self.clock.now()
        doubted = Doubted(now, intent.intent_id, intent.wish.conversation_id, answer.detail)
        await self._write(Transition(intent, (Event.DOUBTED,), now, answer, facts=(doubted,)))
        return _in_doubt(intent)

    async def _still_in_doubt(self, intent: Intent, why: str) -> Reply:
        self.observer.observe((Doubted(self.clock.now(), intent.intent_id, intent.wish.conversation_id, why),))
        return _in_doubt(intent)

    async def _needs_person(
        self,
        intent: Intent,
        events: tuple[Event, ...],
        why: str,
        answer: Answer | None,
        verdict: Verdict | None,
        *facts: Fact,
    ) -> Reply:
        now = self.clock.now()
        alarm = Alarm(now, why, intent.intent_id)
        await self._write(Transition(intent, events, now, answer, facts=(*facts, alarm)), verdict)
        return _in_doubt(intent)

    async def _write(self, transition: Transition, verdict: Verdict | None = None) -> StoredReply:
        """Commit, and only then tell the observers."""
        stands = await self.ledger.apply(transition)
        told = transition.facts
        if transition.answer is not None:
            told = (fact.answered(transition.before, transition.answer, verdict, transition.at, self.guard), *told)
        self.observer.observe(told)
        return stands

    async def _as_it_stands(self, intent: Intent) -> Reply:
        """After a write that failed, or may have: only what can be read back may be said."""
        try:
            stored = await self.ledger.stored(intent.intent_id)
        except (CommitUnknown, LedgerUnavailable):
            stored = None
        return _in_doubt(intent) if stored is None else told_before(stored, self.clock.now())

    def _error(self, intent: Intent) -> Reply:
        return Reply(Outcome.ERROR, asked_start=intent.wish.start, error_id=self.ids.time_ordered())


def told_before(stored: StoredReply, now: datetime) -> Reply:
    """The stored answer, or the newer resolution."""
    if stored.reply is not None:
        return stored.reply
    return reply_to_state(stored.intent, stored.intent.state_at(now), stored.booking)


def _in_doubt(intent: Intent) -> Reply:
    return Reply(Outcome.IN_DOUBT, asked_start=intent.wish.start)
