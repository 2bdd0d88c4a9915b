"""How an attempt ends: each ending is one commit, and only then is it told and spoken."""

from dataclasses import dataclass, replace
from datetime import timedelta

from einmal.domain import facts as fact
from einmal.domain.answer import Answer
from einmal.domain.facts import Alarm, Fact, Timed, Timing
from einmal.domain.intent import Event, Intent
from einmal.domain.model import Booking, Wish
from einmal.domain.reply import Outcome, Reply, Why, reply_to_state
from einmal.domain.verdict import GuardPolicy, Verdict
from einmal.ports import Clock, CommitUnknown, Ids, Ledger, LedgerUnavailable, Observer, StoredReply, Transition


@dataclass(frozen=True, slots=True)
class Outcomes:
    ledger: Ledger
    clock: Clock
    ids: Ids
    observer: Observer
    guard: GuardPolicy
    verify_after: timedelta | None = None
    """How long after a booking it is read once more; None for not at all."""

    async def booked(
        self, intent: Intent, event: Event, booking: Booking, answer: Answer | None, verdict: Verdict
    ) -> Reply:
        """The booking is ours. Raises BookingUidTaken where the ledger holds it already; nothing was written."""
        now = self.clock.now()
        verify_at = None if self.verify_after is None else now + self.verify_after
        began = self.clock.monotonic()
        stands = await self.write(Transition(intent, (event,), now, answer, booking, verify_at=verify_at), verdict)
        timed = Timed(now, Timing.COMMIT, self.clock.monotonic() - began)
        self.observer.observe((fact.booked(intent, booking, verdict, stands.intent.state, now), timed))
        return reply_to_state(stands.intent, stands.intent.state, stands.booking)

    async def no(
        self, intent: Intent, events: tuple[Event, ...], answer: Answer | None, reply: Reply, *facts: Fact
    ) -> Reply:
        """A refusal, written with what is said of it, so that every repeat hears the same."""
        await self.write(Transition(intent, events, self.clock.now(), answer, facts=facts, reply=reply))
        return reply

    async def needs_person(
        self,
        intent: Intent,
        events: tuple[Event, ...],
        why: str,
        answer: Answer | None,
        verdict: Verdict | None,
        *facts: Fact,
    ) -> Reply:
        """No rule explains what was seen, so none decides it."""
        now = self.clock.now()
        alarm = Alarm(now, why, intent.intent_id)
        await self.write(Transition(intent, events, now, answer, facts=(*facts, alarm)), verdict)
        return in_doubt(intent)

    async def write(self, transition: Transition, verdict: Verdict | None = None) -> StoredReply:
        """Commit, and only then tell the observers."""
        stands = await self.ledger.apply(transition)
        told = transition.facts
        if transition.answer is not None:
            told = (fact.answered(transition.before, transition.answer, verdict, transition.at, self.guard), *told)
        told += fact.settled(transition.before, transition.events, transition.at)
        self.observer.observe(told)
        return stands

    async def as_it_stands(self, intent: Intent) -> Reply:
        """After a write that failed, or may have: only what can be read back may be said."""
        try:
            stored = await self.ledger.stored(intent.intent_id)
        except (CommitUnknown, LedgerUnavailable):
            stored = None
        return in_doubt(intent) if stored is None else stored.told(self.clock.now())

    def error(self, intent: Intent) -> Reply:
        return Reply(Outcome.ERROR, asked_start=intent.wish.start, error_id=self.ids.time_ordered())


def in_doubt(intent: Intent) -> Reply:
    return Reply(Outcome.IN_DOUBT, asked_start=intent.wish.start)


def already_booked(stored: StoredReply | None, wish: Wish) -> Reply:
    """This person has the slot: what may be said of it."""
    if stored is None or stored.booking is None:
        return Reply(Outcome.IN_DOUBT, asked_start=wish.start)
    if stored.changing:
        return Reply(Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED, asked_start=wish.start)
    reply = reply_to_state(stored.intent, stored.intent.state, stored.booking)
    # Pending stays "requested": the host has not accepted it for this person in any call.
    return replace(reply, outcome=Outcome.ALREADY_BOOKED) if reply.outcome is Outcome.BOOKED else reply
