"""One attempt: the one processed POST of an intent, its answer judged, and the move that follows from it.

What surely was not processed (no connection, the throttle's own refusal) may be armed again while the caller
waits, under a new epoch; everything else is never sent again.

An answer that is not ours, a conflict and a lost answer all go through doubt: our own booking may be what
occupies the slot, or stand although nobody told us.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from einmal.domain import facts as fact
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.facts import Alarm, Doubted, Fact, Timed, Timing
from einmal.domain.gate import Shut, ShutWhy
from einmal.domain.intent import Event, Intent
from einmal.domain.keys import IdempotencyStrategy, outgoing_idempotency_key
from einmal.domain.model import Booking, MetadataKey
from einmal.domain.reply import Outcome, Reply, Why
from einmal.domain.verdict import Asked, GuardPolicy, Judgement, Verdict, judge, with_constraint
from einmal.flows.arm import ARM_SECONDS, STEP_SECONDS, Arming
from einmal.flows.doubt import OURS_TO_LOOK, Doubts
from einmal.flows.outcome import Outcomes, in_doubt
from einmal.ports import (
    BookingRequest,
    BookingUidTaken,
    Calendar,
    CommitUnknown,
    LedgerUnavailable,
    StaleIntent,
    Transition,
)

ABOUT_THE_WISH: Final = frozenset({"past", "out_of_bounds", "booker_limit"})
"""Refusals that another wish would not meet. All others are our trouble."""


_BECAUSE: Final = {
    ShutWhy.BUDGET: Why.TOO_BUSY,
    ShutWhy.OPEN: Why.UNREACHABLE,
    ShutWhy.HALF_OPEN: Why.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class Attempts:
    outcomes: Outcomes
    doubts: Doubts
    arming: Arming
    calendar: Calendar
    guard: GuardPolicy
    idempotency: IdempotencyStrategy = IdempotencyStrategy.CALL

    async def run(self, intent: Intent, post_by: float, shut: Shut | None = None) -> Reply:
        """Have one POST processed at most, and see it through.

        `post_by` is monotonic: past it nothing is written to the wire. `shut`: why the intent is not armed yet.
        """
        arm_by = self.outcomes.clock.monotonic() + ARM_SECONDS
        answer = None
        try:
            while True:
                if shut is not None or answer is not None:
                    post_by = self.outcomes.clock.monotonic() + self.arming.budgets.post_seconds
                    armed = await self.arming.arm(intent, arm_by)
                    if isinstance(armed, Shut):
                        return await self._shed(intent, _BECAUSE[armed.why])
                    intent, shut, answer = armed, None, None
                sent_at = self.outcomes.clock.now()
                answer = await self.calendar.create(self._request(intent, post_by))
                if answer.kind not in {AnswerKind.NOT_SENT, AnswerKind.THROTTLED}:
                    return await self._conclude(intent, answer, sent_at)
                intent = await self._not_processed(intent, answer)
                if self.outcomes.clock.monotonic() + STEP_SECONDS > arm_by:
                    why = Why.TOO_BUSY if answer.kind is AnswerKind.THROTTLED else Why.UNREACHABLE
                    return await self._shed(intent, why)
                await self.outcomes.clock.sleep(STEP_SECONDS)
        except StaleIntent:
            # Somebody else moved it meanwhile. What stands now is the answer, not what we wanted to write.
            return await self.outcomes.as_it_stands(intent)
        except (CommitUnknown, LedgerUnavailable) as failure:
            now = self.outcomes.clock.now()
            what = "ledger_lost_before_post" if answer is None else "ledger_lost_after_post"
            alarm = Alarm(now, what, intent.intent_id, type(failure).__name__)
            told = () if answer is None else (fact.answered(intent, answer, None, now, self.guard),)
            self.outcomes.observer.observe((*told, alarm))
            return await self.outcomes.as_it_stands(intent)

    def _request(self, intent: Intent, post_by: float) -> BookingRequest:
        key = outgoing_idempotency_key(self.idempotency, intent.operation_id, intent.wish, intent.attendee_email)
        return BookingRequest(intent, key, post_by)

    async def _not_processed(self, intent: Intent, answer: Answer) -> Intent:
        """It surely never ran: it does not count as a POST, and may be armed again."""
        moved = Transition(intent, (Event.NOT_PROCESSED,), self.outcomes.clock.now(), answer)
        return (await self.outcomes.write(moved)).intent

    async def _shed(self, intent: Intent, why: Why) -> Reply:
        return await self.outcomes.no(intent, (Event.SHED,), None, replace(self.outcomes.error(intent), why=why))

    async def _conclude(self, intent: Intent, answer: Answer, sent_at: datetime) -> Reply:
        match answer.kind:
            case AnswerKind.BOOKING if answer.booking is not None:
                return await self._judged(intent, answer, answer.booking, sent_at)
            case AnswerKind.CONFLICT:
                return await self._not_ours(intent, answer, None)
            case AnswerKind.REFUSED | AnswerKind.UNAUTHORISED:
                return await self._refused(intent, answer)
            case AnswerKind.LOST | AnswerKind.BOOKING:
                return await self._lost(intent, answer)
            case AnswerKind.NOT_SENT | AnswerKind.THROTTLED:
                raise AssertionError("what was not processed is armed again or shed, not concluded")

    async def _judged(self, intent: Intent, answer: Answer, booking: Booking, sent_at: datetime) -> Reply:
        owned = booking.metadata.get(MetadataKey.OPERATION_ID) == intent.operation_id
        # An own booking needs no look at the ledger: the UNIQUE index has that word when the row is written.
        skip = self.guard.owns and owned
        began = self.outcomes.clock.monotonic()
        known = None if skip else await self.outcomes.ledger.known_booking(booking.uid, intent)
        found = self.outcomes.clock.monotonic()
        verdict = judge(intent, booking, Asked(answer.asked_at(sent_at), answer.elapsed), known, self.guard)
        judged = self.outcomes.clock.monotonic()
        now = self.outcomes.clock.now()
        timed = (Timed(now, Timing.JUDGE, judged - found), Timed(now, Timing.LEDGER, found - began))
        self.outcomes.observer.observe(timed[:1] if skip else timed)
        match verdict.judgement:
            case Judgement.OURS_ACCEPTED:
                return await self._booked(intent, Event.LANDED_ACCEPTED, booking, answer, verdict)
            case Judgement.OURS_PENDING:
                return await self._booked(intent, Event.LANDED_PENDING, booking, answer, verdict)
            case Judgement.FOREIGN:
                rejected = fact.rejected(intent, booking, verdict, self.outcomes.clock.now(), self.guard)
                return await self._not_ours(intent, answer, verdict, rejected)
            case Judgement.WRONG_TIME:
                events = (Event.DOUBTED, Event.ESCALATED)
                return await self.outcomes.needs_person(intent, events, "wrong_time", answer, verdict)
            case Judgement.OURS_ENDED:
                events = (Event.DOUBTED, Event.ESCALATED)
                return await self.outcomes.needs_person(intent, events, "booking_ended_at_birth", answer, verdict)

    async def _booked(self, intent: Intent, event: Event, booking: Booking, answer: Answer, verdict: Verdict) -> Reply:
        try:
            return await self.outcomes.booked(intent, event, booking, answer, verdict)
        except BookingUidTaken:
            return await self._constraint(intent, booking, answer, verdict)

    async def _constraint(self, intent: Intent, booking: Booking, answer: Answer, verdict: Verdict) -> Reply:
        """Layer 4 spoke: the layers above let through what the ledger already holds. Never silent."""
        known = await self.outcomes.ledger.known_booking(booking.uid, intent)
        verdict = with_constraint(verdict, known)
        now = self.outcomes.clock.now()
        rejected = fact.rejected(intent, booking, verdict, now, self.guard)
        if self.guard.owns and verdict.owned:
            # Our own id on a booking that another wish holds: no rule explains it, so none decides it.
            events = (Event.DOUBTED, Event.ESCALATED)
            why = "constraint_violation"
            return await self.outcomes.needs_person(intent, events, why, answer, verdict, rejected)
        alarm = Alarm(now, "constraint_violation", intent.intent_id)
        return await self._not_ours(intent, answer, verdict, rejected, alarm)

    async def _not_ours(self, intent: Intent, answer: Answer, verdict: Verdict | None, *facts: Fact) -> Reply:
        """The slot is somebody's. Perhaps our own: look before "taken" is said."""
        doubted = await self._doubt(intent, answer, verdict, facts, not_ours=True)
        reply = await self.doubts.look(doubted, None if verdict is None else verdict.known)
        return in_doubt(intent) if reply is None else reply

    async def _lost(self, intent: Intent, answer: Answer) -> Reply:
        """It may have landed: look for it while the caller waits."""
        now = self.outcomes.clock.now()
        why = Doubted(now, intent.intent_id, intent.wish.conversation_id, answer.detail)
        return await self.doubts.look_in_call(await self._doubt(intent, answer, None, (why,), not_ours=False))

    async def _doubt(
        self, intent: Intent, answer: Answer, verdict: Verdict | None, facts: tuple[Fact, ...], *, not_ours: bool
    ) -> Intent:
        now = self.outcomes.clock.now()
        look_at = now + OURS_TO_LOOK
        doubt = Transition(intent, (Event.DOUBTED,), now, answer, facts=facts, look_at=look_at, not_ours=not_ours)
        return (await self.outcomes.write(doubt, verdict)).intent

    async def _refused(self, intent: Intent, answer: Answer) -> Reply:
        facts: tuple[Fact, ...] = ()
        if answer.kind is AnswerKind.UNAUTHORISED:
            now = self.outcomes.clock.now()
            facts = (Alarm(now, "calendar_refuses_our_key", intent.intent_id, answer.detail),)
        about_the_wish = Reply(Outcome.REJECTED, Why.NOT_OFFERED, asked_start=intent.wish.start)
        reply = about_the_wish if answer.detail in ABOUT_THE_WISH else self.outcomes.error(intent)
        return await self.outcomes.no(intent, (Event.REFUSED,), answer, reply, *facts)
