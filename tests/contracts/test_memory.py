"""What only the ledger in memory has: raw rows refused by name, faults on order, and eyes for an auditor.

What it has in common with SQLite is in the other files here.
"""

import asyncio
import pickle
from collections.abc import Callable, Coroutine
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.memory_rows import TABLES, rows_of
from einmal.domain.admission import AdmissionPolicy, Join
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.gate import GatePolicy, Heard, Use
from einmal.domain.intent import LIVE, MOVES, UNRESOLVED, Event, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Wish
from einmal.domain.promise import MessageKind
from einmal.ports import (
    BookingUidTaken,
    Candidate,
    CommitUnknown,
    LedgerUnavailable,
    Message,
    StaleIntent,
    Toll,
    Transition,
)
from einmal.simulator.memory import ConstraintViolated, MemoryBooks, MemoryLedger
from einmal.simulator.memory.draft import quick_intent
from einmal.simulator.memory.due import Due
from einmal.simulator.memory.outbox import put_message
from einmal.simulator.storage import StorageFault
from einmal.simulator.virtual import SeededIds
from support.evidence import NOW, SECRET, booking, intent, wish

SECOND = timedelta(seconds=1)
TOLL = Toll("account", GatePolicy())
PHONE, EMAIL = "+4930901820", "anna@gast.test"
KNOWN = wish(phone=PHONE, email=EMAIL)
IDS = SeededIds()


def a_candidate(of: Wish = KNOWN) -> Candidate:
    key, operation = intent_key(of, SECRET), IDS.operation_id()
    return Candidate(of, None, key, IDS.time_ordered(), operation, "a@b.test", NOW, NOW + 15 * SECOND)


async def started(ledger: MemoryLedger, of: Wish = KNOWN) -> Intent:
    admitted = await ledger.admit(a_candidate(of), AdmissionPolicy())
    assert admitted.started is not None
    return admitted.started


def everything(books: MemoryBooks) -> dict[str, list[tuple[Any, ...]]]:
    return {table: rows_of(books)(table, "*") for table in TABLES}


# Rows past all of our code ---------------------------------------------------------------------------------------


def a_row(of: Wish = KNOWN, state: State = State.SENT, **changes: Any) -> Intent:
    made = intent(state, of, intent_id=IDS.time_ordered(), operation_id=IDS.operation_id())
    return replace(made, **changes)


ANOTHER_CALL = wish(phone=PHONE, conversation_id="call_other")


@pytest.mark.parametrize(
    ("second", "constraint"),
    [
        (a_row(intent_id="the-first"), "intent_id"),
        (a_row(operation_id="the-first's"), "unique_operation_id"),
        (a_row(), "unique_intent_key_generation"),
        (a_row(generation=2), "unique_live_intent"),
        (a_row(wish(phone=PHONE, conversation_id="call_other")), "unique_live_wish_of_phone"),
        (a_row(wish(email=EMAIL, conversation_id="call_other")), "unique_live_wish_of_email"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("state", sorted(LIVE))
def test_a_row_that_must_not_be_is_refused_by_name(second: Intent, constraint: str, state: State) -> None:
    """As the UNIQUE indexes do it, whatever admission thought; and the index is of live rows where it says so."""
    table = MemoryBooks().intents
    first = a_row(state=state, intent_id="the-first", operation_id="the-first's")
    table.check(first)
    table.put(first)
    with pytest.raises(ConstraintViolated, match=f"^{constraint}$"):
        table.check(second)
    table.move(first.state, replace(first, state=State.CANCELLED))
    if "live" in constraint:
        table.check(second)
    else:
        with pytest.raises(ConstraintViolated, match=f"^{constraint}$"):
            table.check(second)


@pytest.mark.parametrize(
    "other",
    [
        wish(phone=PHONE, conversation_id="call_other", start=KNOWN.start + SECOND),
        wish(
            phone=PHONE,
            conversation_id="call_other",
            service=replace(KNOWN.service, service_id="102", event_type_id=102),
        ),
        wish(phone=PHONE, conversation_id="call_other", tenant_id="praxis"),
        wish(phone="+4930555", conversation_id="call_other"),
        wish(conversation_id="call_other"),
    ],
    ids=["another start", "another service", "another tenant", "another phone", "no phone"],
)
def test_what_is_something_else_has_room(other: Wish) -> None:
    table = MemoryBooks().intents
    table.put(a_row())
    table.check(a_row(other))


def test_nothing_becomes_live_or_unresolved_again() -> None:
    """On which it rests that rows are checked only where they come in."""
    for before, moves in MOVES.items():
        for after in moves.values():
            assert before in LIVE or after not in LIVE
            assert before in UNRESOLVED or after not in UNRESOLVED


async def test_an_empty_phone_makes_no_customer() -> None:
    """Absent is None: an empty one would be everybody's."""
    ledger = MemoryLedger(IDS)
    made = await started(ledger, wish(phone=""))
    with pytest.raises(ConstraintViolated, match="absent_is_null"):
        await ledger.apply(Transition(made, (Event.LANDED_ACCEPTED,), NOW, booking=booking()))
    assert ledger.intents[made.intent_id] == made


async def test_a_message_that_lies_there_already_stays_as_it_was() -> None:
    books = MemoryBooks()
    ledger = MemoryLedger(IDS, ("log",), books=books)
    made = await started(ledger)
    put_message(books, made, MessageKind.RESOLVED, ("log",), NOW)
    (message,) = await ledger.outbox.claim_messages(NOW, NOW + SECOND, 1)
    await ledger.outbox.not_sent(message, NOW + 5 * SECOND)
    before = everything(books)
    put_message(books, made, MessageKind.RESOLVED, ("log",), NOW + SECOND)
    assert everything(books) == before
    assert await ledger.outbox.claim_messages(NOW + SECOND, NOW, 1) == ()


# Faults ----------------------------------------------------------------------------------------------------------

Writing = Callable[[MemoryLedger, Intent, Message], Coroutine[Any, Any, Any]]
WRITING: dict[str, Writing] = {
    "admit": lambda ledger, _, __: ledger.admit(a_candidate(wish(conversation_id="other")), AdmissionPolicy(), TOLL),
    "apply": lambda ledger, doubt, _: ledger.apply(
        Transition(doubt, (Event.FOUND_ACCEPTED,), NOW, Answer(AnswerKind.LOST), booking())
    ),
    "claim_due": lambda ledger, _, __: ledger.claim_due(NOW, NOW + SECOND, 5),
    "looked": lambda ledger, doubt, _: ledger.looked(doubt, NOW + 9 * SECOND),
    "promise": lambda ledger, doubt, _: ledger.promise(doubt.intent_id, NOW + 7 * SECOND),
    "claim_sweep": lambda ledger, _, __: ledger.claim_sweep("default", NOW + 5 * SECOND, NOW + 9 * SECOND),
    "swept": lambda ledger, _, __: ledger.swept("default", NOW, NOW + 9 * SECOND),
    "enter": lambda ledger, _, __: ledger.gates.enter(TOLL, Use.LOOK, NOW),
    "heard": lambda ledger, _, __: ledger.gates.heard(TOLL, Use.LOOK, Heard.FAILED, NOW),
    "claim_messages": lambda ledger, _, __: ledger.outbox.claim_messages(NOW, NOW + SECOND, 5),
    "sent": lambda ledger, _, message: ledger.outbox.sent(message, NOW),
    "not_sent": lambda ledger, _, message: ledger.outbox.not_sent(message, None),
}


async def eventful(fault: list[StorageFault | None]) -> tuple[MemoryLedger, Intent, Message]:
    """Books in which each writing method has something to write: a doubt, a tombstone, a message, a sweep."""
    ledger = MemoryLedger(SeededIds(1), ("log",), before=lambda: fault[0])
    gone = await started(ledger, wish(phone="+49301", conversation_id="call_gone"))
    doubted = (await ledger.apply(Transition(gone, (Event.DOUBTED,), NOW))).intent
    await ledger.promise(gone.intent_id, NOW)
    await ledger.apply(Transition(doubted, (Event.SETTLED_ABSENT,), NOW))
    (message,) = await ledger.outbox.claim_messages(NOW, NOW, 1)
    await ledger.claim_sweep("default", NOW, NOW)
    doubt = (await ledger.apply(Transition(await started(ledger), (Event.DOUBTED,), NOW, look_at=NOW))).intent
    return ledger, doubt, message


@pytest.mark.parametrize("name", WRITING)
async def test_a_fault_is_what_becomes_of_a_write(name: str) -> None:
    """Nothing and known, nothing and not known, written and not known; each method as on SQLite."""
    fault: list[StorageFault | None] = [None]
    ledger, doubt, message = await eventful(fault)
    before = everything(ledger.books)
    for fault[0] in (StorageFault.UNAVAILABLE, StorageFault.UNKNOWN_LOST):
        expected = LedgerUnavailable if fault[0] is StorageFault.UNAVAILABLE else CommitUnknown
        with pytest.raises(expected):
            await WRITING[name](ledger, doubt, message)
        assert everything(ledger.books) == before
    fault[0] = StorageFault.UNKNOWN_WRITTEN
    with pytest.raises(CommitUnknown):
        await WRITING[name](ledger, doubt, message)
    assert everything(ledger.books) != before


async def test_control_without_a_fault_each_of_these_writes() -> None:
    for name, writing in WRITING.items():
        ledger, doubt, message = await eventful([None])
        before = everything(ledger.books)
        await writing(ledger, doubt, message)
        assert everything(ledger.books) != before, name


async def test_who_reads_is_asked_for_no_fault() -> None:
    fault: list[StorageFault | None] = [None]
    ledger, doubt, _ = await eventful(fault)
    fault[0] = StorageFault.UNAVAILABLE
    assert await ledger.stored(doubt.intent_id) is not None
    assert await ledger.by_operations("default", (doubt.operation_id,)) == (doubt,)
    assert await ledger.in_states("default", (State.DOUBT,), 5) == (doubt,)
    assert await ledger.known_booking("uid", doubt) is None
    assert await ledger.bookings_count("default", "uid") == await ledger.appointments_count("default", "Gast") == 0


@pytest.mark.parametrize("fault", [StorageFault.UNKNOWN_LOST, StorageFault.UNKNOWN_WRITTEN])
async def test_what_a_transaction_raises_itself_is_no_doubt(fault: StorageFault) -> None:
    """COMMIT was never asked for."""
    faults: list[StorageFault | None] = [None]
    ledger, doubt, _ = await eventful(faults)
    faults[0] = fault
    with pytest.raises(StaleIntent):
        await ledger.apply(Transition(replace(doubt, epoch=9), (Event.SETTLED_ABSENT,), NOW))


async def test_a_pause_lets_others_go_on_and_none_in_between() -> None:
    """Ten equal wishes that all wait for the disk: one starts, nine join it."""
    waiting, done = 0, asyncio.Event()

    async def slow_disk() -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 10:
            done.set()
        await done.wait()

    ledger = MemoryLedger(IDS, pause=slow_disk)
    admitted = await asyncio.gather(*(ledger.admit(a_candidate(), AdmissionPolicy()) for _ in range(10)))
    assert sorted(type(each.admission).__name__ for each in admitted) == ["Join"] * 9 + ["Start"]
    assert {each.admission.intent.intent_id for each in admitted if isinstance(each.admission, Join)} == set(
        ledger.intents
    )


# What an auditor sees --------------------------------------------------------------------------------------------


async def test_each_move_is_told_as_it_is_written() -> None:
    """A birth, moves one by one, what others noted in between; the last `after` is the row."""
    told = list[tuple[Intent | None, Event | None, Intent]]()
    ledger = MemoryLedger(IDS, on_move=lambda *move: told.append(move))
    born = await started(ledger)
    await ledger.promise(born.intent_id, NOW)
    events = (Event.DOUBTED, Event.ESCALATED, Event.RULED_BOOKED)
    await ledger.apply(Transition(born, events, NOW, booking=booking()))
    assert told[0] == (None, None, born)
    states = [(before and before.state, event, after.state) for before, event, after in told[1:]]
    assert states == [
        (State.SENT, Event.DOUBTED, State.DOUBT),
        (State.DOUBT, Event.ESCALATED, State.ESCALATED),
        (State.ESCALATED, Event.RULED_BOOKED, State.CONFIRMED),
    ]
    assert told[-1][2] is ledger.intents[born.intent_id]
    assert told[-1][2].promised_at == NOW


async def test_what_was_not_written_is_not_told() -> None:
    """Neither a lost race nor a lost commit; but one that is written and unheard of is."""
    told = list[Event | None]()
    faults: list[StorageFault | None] = [None]
    ledger = MemoryLedger(IDS, before=lambda: faults[0], on_move=lambda *move: told.append(move[1]))
    born = await started(ledger)
    with pytest.raises(StaleIntent):
        await ledger.apply(Transition(replace(born, epoch=2), (Event.DOUBTED,), NOW))
    faults[0] = StorageFault.UNKNOWN_LOST
    with pytest.raises(CommitUnknown):
        await ledger.apply(Transition(born, (Event.DOUBTED,), NOW))
    assert told == [None]
    faults[0] = StorageFault.UNKNOWN_WRITTEN
    with pytest.raises(CommitUnknown):
        await ledger.apply(Transition(born, (Event.DOUBTED,), NOW))
    assert told == [None, Event.DOUBTED]


async def test_the_books_lie_open() -> None:
    ledger = MemoryLedger(IDS)
    born = await started(ledger)
    answer = Answer(AnswerKind.BOOKING, booking(), 201)
    stands = await ledger.apply(Transition(born, (Event.LANDED_PENDING,), NOW, answer, booking()))
    assert ledger.intents == {born.intent_id: stands.intent}
    made = ledger.appointments[born.intent_id]
    assert (made.uid, made.start, made.end, made.status) == (
        booking().uid,
        booking().start,
        booking().end,
        State.PENDING,
    )
    assert ledger.attempts[born.intent_id, 1].answer == answer


async def test_a_process_that_ends_leaves_the_books_to_the_next() -> None:
    books = MemoryBooks()
    first, second = MemoryLedger(IDS, books=books), MemoryLedger(IDS, books=books)
    born = await started(first)
    first.close()
    with pytest.raises(LedgerUnavailable):
        await first.ready()
    assert (await second.stored(born.intent_id)) is not None
    first.open()
    assert await first.ready()


async def test_layer_4_may_be_left_out() -> None:
    """Control: with it the second save is refused."""
    for layer_4 in (False, True):
        ledger = MemoryLedger(IDS, books=MemoryBooks(layer_4=layer_4))
        rows = [await started(ledger, wish(phone=phone, conversation_id=phone)) for phone in ("+491", "+492")]
        await ledger.apply(Transition(rows[0], (Event.LANDED_ACCEPTED,), NOW, booking=booking()))
        second = ledger.apply(Transition(rows[1], (Event.LANDED_ACCEPTED,), NOW, booking=booking()))
        if layer_4:
            with pytest.raises(BookingUidTaken):
                await second
        else:
            await second
        assert await ledger.bookings_count("default", booking().uid) == 2 - layer_4


async def test_it_is_told_when_something_is_due_next() -> None:
    ledger = MemoryLedger(IDS, ("log",))
    assert ledger.books.next_due() is None
    born = await started(ledger)
    assert ledger.books.next_due() == born.send_deadline
    doubt = (await ledger.apply(Transition(born, (Event.DOUBTED,), NOW, look_at=NOW + SECOND))).intent
    assert ledger.books.next_due() == NOW + SECOND
    await ledger.apply(Transition(doubt, (Event.ESCALATED,), NOW))
    assert ledger.books.next_due() == NOW, "the message to whom it concerns"


# How it is made --------------------------------------------------------------------------------------------------


def test_a_quick_intent_is_an_intent() -> None:
    """Equal, of the same class, as frozen, and it goes from process to process."""
    slow = intent()
    quick = quick_intent(*(getattr(slow, each.name) for each in fields(Intent)))
    assert (quick, type(quick), hash(quick.key)) == (slow, Intent, hash(slow.key))
    assert replace(quick, looks=3) == replace(slow, looks=3)
    assert pickle.loads(pickle.dumps(quick)) == slow  # noqa: S301 - our own
    with pytest.raises(FrozenInstanceError):
        quick.state = State.DOUBT  # type: ignore[misc]


def test_what_was_put_off_is_due_once() -> None:
    """Also where it was put to the same moment twice, or to a moment and back."""
    due: Due[str] = Due()
    for at in (NOW, NOW + SECOND, NOW, NOW):
        due.put("a", at)
    due.put("b", NOW)
    due.put("b", None)
    assert due.first() == NOW
    assert due.take(NOW + 5 * SECOND, 9) == ["a"]
    assert due.take(NOW + 5 * SECOND, 9) == []
    assert due.first() is None
