"""Rulings: a person ends what no rule could decide. The same guarded moves, and the same evidence is kept."""

from dataclasses import dataclass

from einmal.domain.facts import Alarm, RejectionRuled
from einmal.domain.intent import Event, Intent, State
from einmal.domain.model import Booking, BookingStatus, MetadataKey
from einmal.domain.verdict import Judgement, Verdict
from einmal.flows.outcome import Outcomes
from einmal.ports import Blind, BookingUidTaken, Budgets, Calendar, Clock, Observer, StaleIntent
from einmal.ports.reporting import ReportBooks


class CannotRule(Exception):
    """Why the ruling was not taken, in a sentence. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Rulings:
    outcomes: Outcomes
    calendar: Calendar
    budgets: Budgets

    async def booked(self, intent_id: str, uid: str) -> None:
        """The booking with this uid is the intent's. It is read first: only a live one can be promised."""
        intent = await self._escalated(intent_id)
        booking = await self._live(intent, uid)
        self._say(intent, "ruled_booked")
        try:
            verdict = Verdict(Judgement.OURS_ACCEPTED)
            await self.outcomes.booked(intent, Event.RULED_BOOKED, booking, None, verdict)
        except BookingUidTaken:
            raise CannotRule(f"the ledger holds booking {uid} already, under another intent") from None
        except StaleIntent:
            raise CannotRule("somebody else has ruled meanwhile") from None

    async def not_booked(self, intent_id: str) -> None:
        """There is no booking for this intent. The same wish may then be wished again."""
        intent = await self._escalated(intent_id)
        self._say(intent, "ruled_not_booked")
        try:
            await self.outcomes.no(intent, (Event.RULED_NOT_BOOKED,), None, self.outcomes.error(intent))
        except StaleIntent:
            raise CannotRule("somebody else has ruled meanwhile") from None

    async def _escalated(self, intent_id: str) -> Intent:
        stored = await self.outcomes.ledger.stored(intent_id)
        if stored is None:
            raise CannotRule(f"there is no intent {intent_id}")
        if stored.intent.state is not State.ESCALATED:
            raise CannotRule(f"the intent is {stored.intent.state}; only an escalated one takes a ruling")
        return stored.intent

    async def _live(self, intent: Intent, uid: str) -> Booking:
        look = await self.calendar.read(uid, self.outcomes.clock.monotonic() + self.budgets.look_up_seconds)
        if isinstance(look, Blind):
            raise CannotRule(f"Cal.com could not be asked ({look.why}); try again")
        if not look.bookings or not look.bookings[0].status.live:
            raise CannotRule(f"Cal.com has no live booking {uid}")
        booking = look.bookings[0]
        if booking.status is BookingStatus.PENDING:
            raise CannotRule(f"booking {uid} still waits for its host; rule once it is accepted")
        if booking.metadata.get(MetadataKey.OPERATION_ID, intent.operation_id) != intent.operation_id:
            raise CannotRule(f"booking {uid} carries another intent's operation id")
        return booking

    def _say(self, intent: Intent, what: str) -> None:
        self.outcomes.observer.observe((Alarm(self.outcomes.clock.now(), what, intent.intent_id),))


@dataclass(frozen=True, slots=True)
class RejectionRulings:
    """A person says whether a layer was right to refuse. It is counted, and changes nothing: not the intent, and not
    what the caller was told."""

    books: ReportBooks
    clock: Clock
    observer: Observer

    async def rule(self, intent_id: str, *, wrong: bool) -> bool:
        """Whether that is new. Raises CannotRule where no layer refused that intent."""
        ruling = RejectionRuled(self.clock.now(), intent_id, wrong)
        written = await self.books.rule(ruling)
        if written is None:
            raise CannotRule(f"no layer of the guard has refused an intent {intent_id}; there is nothing to rule on")
        if written:
            self.observer.observe((ruling,))
        return written
