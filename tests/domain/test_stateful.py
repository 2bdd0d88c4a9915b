"""The core as a whole: wishes, sends, answers, looks, clocks and people in any order, and what always holds.

A ledger of intents, a calendar that lies and falls silent as it may, and the decisions between them, without any
flow. The machine keeps books of its own (what was sent, what landed, when something was resolved) and compares.
`EINMAL_HYPOTHESIS_EXAMPLES` sets how many histories are tried.
"""

import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from einmal.domain.admission import AdmissionPolicy, AlreadyBooked, Join, Namesake, Replay, Start, admit
from einmal.domain.gate import Gate, GatePolicy, Heard, Passed, Shut, Use, enter, heard
from einmal.domain.intent import BOOKED, LIVE, MOVES, REFUSED, UNRESOLVED, Event, IllegalMove, Intent, State
from einmal.domain.keys import intent_key, operation_id
from einmal.domain.model import Booking, BookingStatus, Person, Wish
from einmal.domain.promise import MessageKind, owed
from einmal.domain.reply import Outcome, reply_to_state
from einmal.domain.settle import Absent, Conclusion, Found, NeedsPerson, SettlePolicy, Unclear, conclude, settle
from einmal.domain.verdict import Asked, GuardPolicy, Judgement, judge
from support.evidence import NOW, SECRET, SERVICE

EXAMPLES = int(os.environ.get("EINMAL_HYPOTHESIS_EXAMPLES", "50"))

GUARD, SETTLE, ADMIT = GuardPolicy(), SettlePolicy(), AdmissionPolicy()
GATE = GatePolicy(per_minute=12)
SEND = timedelta(seconds=15)
STARTS = [NOW + timedelta(days=8, hours=hour) for hour in range(2)]
PEOPLE = [Person("Anna Berg", "+4930901820"), Person("Anna Berg"), Person("Ole Voss", email="ole@gast.test")]
CALLS = ["call_one", "call_two", None]

picks = st.integers(0, 10_000)


@dataclass
class Book:
    """One intent, and what the machine itself knows of it."""

    intent: Intent
    moves: list[tuple[State, Event, datetime]] = field(default_factory=list)
    sends: int = 0
    unprocessed: int = 0
    on_its_way: bool = False
    """A request of this intent may still arrive at the calendar."""


class Core(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.books: list[Book] = []
        self.calendar: list[Booking] = []
        self.gate = Gate(NOW)
        self.passed: list[datetime] = []

    # What the machine does with what was decided

    def move(self, book: Book, event: Event, **deadline: Any) -> None:
        before = book.intent
        book.intent = before.advance(event, self.now, **deadline)
        assert book.intent.state is MOVES[before.state][event]
        book.moves.append((before.state, event, self.now))
        self.check_news(before.state, book.intent)
        if event is Event.NOT_PROCESSED:
            book.unprocessed += 1
            book.on_its_way = False

    def check_news(self, before: State, after: Intent) -> None:
        news = owed(before, after)
        assert (news is MessageKind.NEEDS_PERSON) is (after.state is State.ESCALATED)
        assert (news is MessageKind.TAKEN_BACK) is (after.state is State.COMPENSATED)
        assert news is not MessageKind.RESOLVED or (before in UNRESOLVED and after.promised_at is not None)

    def knock(self, use: Use) -> Passed | Shut:
        self.gate, permit = enter(self.gate, use, self.now, GATE)
        if isinstance(permit, Passed):
            self.passed.append(self.now)
        else:
            assert permit.until > self.now
        return permit

    def send(self, book: Book) -> None:
        book.sends += 1
        book.on_its_way = True

    def of(self, *states: State) -> list[Book]:
        return [book for book in self.books if book.intent.state_at(self.now) in states]

    def land(self, book: Book, status: BookingStatus = BookingStatus.ACCEPTED) -> Booking:
        """The request arrives at the calendar, now or at last."""
        intent = book.intent
        booking = Booking(
            uid=f"uid{len(self.calendar)}",
            status=status,
            start=intent.wish.start,
            end=None,
            event_type_id=intent.wish.service.event_type_id,
            created_at=self.now,
            metadata={"einmal_op": intent.operation_id},
            attendee_emails=(intent.attendee_email,),
        )
        book.on_its_way = False
        self.calendar.append(booking)
        return booking

    def ours(self, book: Book) -> list[Booking]:
        return [b for b in self.calendar if b.metadata.get("einmal_op") == book.intent.operation_id and b.status.live]

    def end(self, booking: Booking) -> None:
        self.calendar[self.calendar.index(booking)] = replace(booking, status=BookingStatus.CANCELLED)

    # What can happen

    @rule(pause=st.sampled_from([0.0, 0.4, 1.0, 16.0, 59.0, 61.0]))
    def time_passes(self, pause: float) -> None:
        self.now += timedelta(seconds=pause)

    @rule(person=st.sampled_from(PEOPLE), start=st.sampled_from(STARTS), call=st.sampled_from(CALLS))
    def somebody_wishes(self, person: Person, start: datetime, call: str | None) -> None:
        wish = Wish("salon", call, SERVICE, start, person)
        key = intent_key(wish, SECRET)
        same = [book.intent for book in self.books if book.intent.key.value == key.value]
        newest = max(same, key=lambda intent: intent.generation, default=None)
        decided = admit(wish, key, newest, self.neighbours(wish), self.now, ADMIT)
        if isinstance(decided, Start):
            self.start(wish, decided)
            return
        other = decided.intent
        state = other.state_at(self.now)
        if isinstance(decided, Join):
            assert state in {State.INTENT, State.SENT}
        elif isinstance(decided, Replay) and state in REFUSED:
            assert other.resolved_at is not None
            assert self.now - other.resolved_at <= ADMIT.replay_no_for
            assert other.key == key, "another wish's no is not this one's"
        elif isinstance(decided, AlreadyBooked | Namesake):
            assert state in BOOKED
            assert other.wish.start == start

    def neighbours(self, wish: Wish) -> list[Intent]:
        """Whom the ledger finds: live on the slot, or unresolved in the call."""
        return [
            book.intent
            for book in self.books
            if (book.intent.state in LIVE and book.intent.wish.start == wish.start)
            or (book.intent.state in UNRESOLVED and book.intent.wish.conversation_id == wish.conversation_id)
        ]

    def start(self, wish: Wish, decided: Start) -> None:
        number = len(self.books)
        operation = operation_id(number.to_bytes(20, "big"))
        key = intent_key(wish, SECRET)
        assert decided.generation == 1 + max(
            (b.intent.generation for b in self.books if b.intent.key.value == key.value), default=0
        )
        armed = isinstance(self.knock(Use.BOOK), Passed)
        intent = Intent(
            intent_id=f"intent{number}",
            operation_id=operation,
            key=key,
            generation=decided.generation,
            wish=wish,
            attendee_email=f"house+{operation}@salon.test",
            state=State.SENT if armed else State.INTENT,
            epoch=1,
            created_at=self.now,
            sent_at=self.now if armed else None,
            send_deadline=self.now + SEND,
        )
        book = Book(intent)
        self.books.append(book)
        if armed:
            self.send(book)

    @precondition(lambda self: self.of(State.INTENT))
    @rule(pick=picks)
    def a_waiting_one_is_armed_or_shed(self, pick: int) -> None:
        waiting = self.of(State.INTENT)
        book = waiting[pick % len(waiting)]
        if isinstance(self.knock(Use.BOOK), Passed):
            self.move(book, Event.ARMED, send_deadline=self.now + SEND)
            self.send(book)
        elif book.intent.send_deadline is not None and self.now > book.intent.send_deadline:
            self.move(book, Event.SHED)

    @precondition(lambda self: self.of(State.SENT))
    @rule(
        pick=picks,
        how=st.sampled_from(["accepted", "pending", "refused", "lost", "landed_lost", "throttled", "foreign"]),
        promised=st.booleans(),
    )
    def a_send_is_answered(self, pick: int, how: str, promised: bool) -> None:
        sent = self.of(State.SENT)
        book = sent[pick % len(sent)]
        if promised:
            book.intent = replace(book.intent, promised_at=self.now)
        landed = self.ours(book)
        match how:
            case "accepted" | "pending":
                self.judged(book, landed[0] if landed else self.land(book, BookingStatus(how)))
            case "foreign" if self.calendar:
                self.judged(book, self.calendar[pick % len(self.calendar)])
            case "refused" if not landed:
                book.on_its_way = False
                self.move(book, Event.REFUSED)
            case "throttled" if not landed:
                self.gate = heard(self.gate, Use.BOOK, Heard.THROTTLED, self.now, GATE)
                self.move(book, Event.NOT_PROCESSED)
            case "landed_lost" if not landed:
                self.land(book)
                self.lost(book)
            case _:
                self.lost(book)

    def judged(self, book: Book, booking: Booking) -> None:
        intent = book.intent
        assert intent.sent_at is not None
        verdict = judge(intent, booking, Asked(intent.sent_at), None, GUARD)
        carries = booking.metadata["einmal_op"] == intent.operation_id
        assert (verdict.judgement is Judgement.FOREIGN) is (not carries)
        match verdict.judgement:
            case Judgement.OURS_ACCEPTED:
                self.move(book, Event.LANDED_ACCEPTED)
            case Judgement.OURS_PENDING:
                self.move(book, Event.LANDED_PENDING)
            case Judgement.FOREIGN:
                book.on_its_way = False
                self.move(book, Event.DOUBTED)
                book.intent = replace(book.intent, not_ours=True)
            case Judgement.OURS_ENDED | Judgement.WRONG_TIME:
                self.move(book, Event.DOUBTED)
                self.move(book, Event.ESCALATED)

    def lost(self, book: Book) -> None:
        self.gate = heard(self.gate, Use.BOOK, Heard.FAILED, self.now, GATE)
        self.move(book, Event.DOUBTED)
        assert book.intent.doubted_at == self.now

    @precondition(lambda self: self.of(State.DOUBT))
    @rule(
        pick=picks,
        after=st.sampled_from([0.5, 599.0, 600.0, 86_400.0]),
        sees=st.sampled_from(["all", "all", "some", "nothing"]),
    )
    def a_doubt_is_looked_into(self, pick: int, after: float, sees: str) -> None:
        self.time_passes(after)
        doubts = self.of(State.DOUBT)
        book = doubts[pick % len(doubts)]
        if book.intent.state is State.SENT:
            self.move(book, Event.DOUBTED)
        if sees == "nothing":
            settlement: Any = Unclear("blind")
        else:
            rows = self.calendar if sees == "all" else self.calendar[: len(self.calendar) // 2]
            settlement = settle(book.intent, rows, complete=sees == "all")
        match settlement:
            case Found(booking):
                assert booking in self.ours(book)
                self.move(book, Event.FOUND_PENDING if settlement.pending else Event.FOUND_ACCEPTED)
            case NeedsPerson():
                self.move(book, Event.ESCALATED)
            case Absent() | Unclear():
                self.concluded(book, settlement)

    def concluded(self, book: Book, settlement: Absent | Unclear) -> None:
        intent = book.intent
        assert intent.doubted_at is not None
        match conclude(intent, settlement, self.now, SETTLE):
            case Conclusion.ABSENT:
                assert isinstance(settlement, Absent)
                assert not self.ours(book), "what is there is never called absent"
                assert intent.not_ours or self.now - intent.doubted_at >= SETTLE.window
                self.move(book, Event.NOT_OURS_AND_ABSENT if intent.not_ours else Event.SETTLED_ABSENT)
            case Conclusion.ESCALATE:
                assert self.now - intent.doubted_at >= SETTLE.give_up_after
                self.move(book, Event.ESCALATED)
            case Conclusion.LOOK_AGAIN:
                pass

    @precondition(lambda self: self.of(State.ESCALATED))
    @rule(pick=picks)
    def a_person_rules(self, pick: int) -> None:
        open_ones = self.of(State.ESCALATED)
        book = open_ones[pick % len(open_ones)]
        self.move(book, Event.RULED_BOOKED if self.ours(book) else Event.RULED_NOT_BOOKED)

    @precondition(lambda self: any(book.on_its_way for book in self.books))
    @rule(pick=picks)
    def a_request_arrives_at_last(self, pick: int) -> None:
        under_way = [book for book in self.books if book.on_its_way]
        told_no = [book for book in under_way if book.intent.state is State.REJECTED]
        self.land((told_no or under_way)[pick % len(told_no or under_way)])

    @precondition(lambda self: any(self.ours(book) for book in self.of(State.REJECTED)))
    @rule()
    def the_calendar_is_swept(self) -> None:
        """What was told "no" and is there all the same, is taken back."""
        for book in self.of(State.REJECTED):
            for booking in self.ours(book)[:1]:
                self.move(book, Event.SURFACED)
                assert book.intent.looks == 0
                self.end(booking)
                self.move(book, Event.COMPENSATED)

    @precondition(lambda self: self.of(State.CONFIRMED, State.PENDING))
    @rule(
        pick=picks,
        event=st.sampled_from([Event.CANCELLED, Event.MOVED, Event.VANISHED, Event.HOST_ACCEPTED, Event.HOST_DECLINED]),
    )
    def somebody_edits_the_calendar(self, pick: int, event: Event) -> None:
        standing = self.of(State.CONFIRMED, State.PENDING)
        book = standing[pick % len(standing)]
        if event not in MOVES[book.intent.state]:
            return
        if event is not Event.HOST_ACCEPTED:
            for booking in self.ours(book):
                self.end(booking)
        self.move(book, event)

    @precondition(lambda self: self.books)
    @rule(pick=picks, event=st.sampled_from(Event))
    def somebody_tries_what_is_not_in_the_table(self, pick: int, event: Event) -> None:
        intent = self.books[pick % len(self.books)].intent
        if event not in MOVES[intent.state]:
            kept = replace(intent)
            with pytest.raises(IllegalMove):
                intent.advance(event, self.now, self.now + SEND)
            assert intent == kept

    @rule(use=st.sampled_from(Use), how=st.sampled_from(Heard))
    def something_else_uses_the_calendar(self, use: Use, how: Heard) -> None:
        if isinstance(self.knock(use), Passed):
            self.gate = heard(self.gate, use, how, self.now, GATE)

    # What always holds

    @invariant()
    def every_history_is_a_walk_through_the_table(self) -> None:
        for book in self.books:
            led_to = [MOVES[state][event] for state, event, _ in book.moves]
            went_on_from = [state for state, _, _ in book.moves[1:]]
            assert led_to == [*went_on_from, book.intent.state][: len(led_to)]

    @invariant()
    def an_intent_is_sent_once_but_for_what_was_surely_not_processed(self) -> None:
        for book in self.books:
            assert book.sends <= 1 + book.unprocessed
            assert book.intent.epoch == 1 + book.unprocessed

    @invariant()
    def what_is_resolved_stays_resolved_since_the_same_moment(self) -> None:
        for book in self.books:
            ends = [at for state, event, at in book.moves if MOVES[state][event] not in UNRESOLVED]
            assert book.intent.resolved_at == (ends[0] if ends else None)
            assert (book.intent.resolved_at is None) is (book.intent.state in UNRESOLVED)

    @invariant()
    def nobody_has_two_live_intents_for_a_slot(self) -> None:
        live = [book.intent for book in self.books if book.intent.state in LIVE]
        for number, one in enumerate(live):
            for other in live[:number]:
                same_slot = one.wish.start == other.wish.start
                assert not (same_slot and one.key.person.is_same(other.key.person))
                assert one.key.value != other.key.value

    @invariant()
    def every_live_booking_of_ours_has_somebody_who_answers_for_it(self) -> None:
        """A live or unresolved intent, or a tombstone that is being watched; and never two of one intent."""
        for book in self.books:
            ours = self.ours(book)
            assert len(ours) <= 1
            assert not ours or book.intent.state in LIVE | {State.REJECTED, State.COMPENSATING}

    @invariant()
    def booked_is_said_only_of_what_stands(self) -> None:
        for book in self.books:
            state = book.intent.state_at(self.now)
            said = reply_to_state(book.intent, state, None)
            assert not said.success, "without its record nothing is said to stand"
            assert (said.outcome is Outcome.IN_DOUBT) is (state in LIVE)
            assert state not in BOOKED or self.ours(book)

    @invariant()
    def a_send_past_its_deadline_is_a_doubt(self) -> None:
        for book in self.books:
            deadline = book.intent.send_deadline
            overdue = book.intent.state is State.SENT and deadline is not None and self.now > deadline
            assert (book.intent.state_at(self.now) is State.DOUBT) is (overdue or book.intent.state is State.DOUBT)

    @invariant()
    def no_minute_exceeds_the_budget(self) -> None:
        recent = [at for at in self.passed if at > self.now - timedelta(seconds=60)]
        assert len(recent) <= GATE.per_minute


TestCore = Core.TestCase
TestCore.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
