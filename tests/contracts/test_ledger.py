"""The contract of the Ledger port, for every backend that claims to keep it.

A backend is one entry in BACKENDS: a context manager that gives the books, empty but for two tenants. All that
a test looks at behind the port goes through `Books`, as rows that every backend can tell. What only SQL can do is
asked of `SqlBooks`, in tests of their own at the end.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contracts.memory_rows import rows_of
from einmal.adapters.sql.sqlite import connect
from einmal.adapters.system import SystemIds
from einmal.domain import facts as fact
from einmal.domain.admission import (
    AdmissionPolicy,
    AlreadyBooked,
    Busy,
    Join,
    KeyReused,
    Namesake,
    Replay,
    Start,
)
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.intent import Event, IllegalMove, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, BookingStatus, MetadataKey, Offer, Person, Service, Wish
from einmal.domain.reply import BookedSlot, Missing, Outcome, Reply, Why
from einmal.domain.verdict import Asked, GuardPolicy, judge
from einmal.ports import (
    Admitted,
    BookingUidTaken,
    CallContact,
    Candidate,
    Ledger,
    StaleIntent,
    StoredReply,
    Transition,
)
from einmal.simulator.memory import MemoryBooks, MemoryLedger
from support.sql import BASES, Base

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SEND_BUDGET = timedelta(seconds=15)
POLICY = AdmissionPolicy()
SECRET = b"s" * 32
IDS = SystemIds()
CONSULTATION = Service("beratung", "Beratung", 1, 30)
HAIRCUT = Service("haarschnitt", "Haarschnitt", 2, 45)
ANNA = Person("Anna Berg", "+4915112345678", "anna@gast.test")
NAME_ONLY = Person("Jürgen Groß")
REFUSAL = Reply(Outcome.SLOT_TAKEN, asked_start=START, alternatives=(Offer(START + timedelta(hours=1), "beratung"),))


@dataclass(frozen=True)
class Books:
    """A ledger under test, and what stands behind it.

    `another` is the ledger of a second process on the same books. `rows` reads columns of a table in the order
    of its first column; `add_tenant` makes a tenant; `drop_layer_4` takes the UNIQUE index down.
    """

    ledger: Ledger
    another: Callable[[], Ledger]
    rows: Callable[..., list[tuple[Any, ...]]]
    add_tenant: Callable[[str], None]
    drop_layer_4: Callable[[], object]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows that a transition could touch."""
        return {table: self.rows(table, "*") for table in ("intents", "attempts", "appointments", "customers", "facts")}


@dataclass(frozen=True)
class SqlBooks(Books):
    """`change` runs one statement beside the ledger and returns what it RETURNs."""

    change: Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def sql_books_on(base: Base, folder: Path) -> Iterator[SqlBooks]:
    with base(folder) as made:
        opened = partial(made.ledger, SystemIds())
        drop_layer_4 = partial(made.run, "DROP INDEX unique_calcom_v2_booking_id")
        yield SqlBooks(opened(), opened, made.rows, made.add_tenant, drop_layer_4, made.run)


@contextmanager
def memory_books(folder: Path) -> Iterator[Books]:
    """One thread, no tenants to make; a second process is a second ledger on the same tables."""
    tables = MemoryBooks()

    def opened() -> MemoryLedger:
        return MemoryLedger(SystemIds(), books=tables)

    def drop_layer_4() -> None:
        tables.appointments.unique_uid = False

    yield Books(opened(), opened, rows_of(tables), lambda _: None, drop_layer_4)


SQL_BACKENDS: dict[str, Callable[[Path], AbstractContextManager[SqlBooks]]] = {
    name: partial(sql_books_on, base) for name, base in BASES.items()
}
BACKENDS: dict[str, Callable[[Path], AbstractContextManager[Books]]] = {**SQL_BACKENDS, "memory": memory_books}


@pytest.fixture(params=BACKENDS)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    with BACKENDS[request.param](tmp_path) as made:
        made.add_tenant("salon")
        made.add_tenant("praxis")
        yield made


@pytest.fixture(params=SQL_BACKENDS)
def sql_books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBooks]:
    with SQL_BACKENDS[request.param](tmp_path) as made:
        made.add_tenant("salon")
        yield made


@pytest.fixture
def ledger(books: Books) -> Ledger:
    return books.ledger


def a_wish(
    person: Person = ANNA,
    *,
    call: str | None = "call_1",
    start: datetime = START,
    service: Service = CONSULTATION,
    tenant: str = "salon",
    staff: str | None = None,
) -> Wish:
    return Wish(tenant, call, service, start, person, staff)


def a_candidate(wish: Wish | None = None, now: datetime = NOW, contact: CallContact | None = None) -> Candidate:
    wish = wish or a_wish()
    key, operation = intent_key(wish, SECRET), IDS.operation_id()
    address = wish.person.email or f"termin+{operation}@salon.test"
    return Candidate(wish, contact, key, IDS.time_ordered(), operation, address, now, now + SEND_BUDGET)


def a_booking(intent: Intent, uid: str = "uid-1", status: BookingStatus = BookingStatus.ACCEPTED) -> Booking:
    return Booking(
        uid=uid,
        status=status,
        start=intent.wish.start,
        end=intent.wish.end,
        event_type_id=intent.wish.service.event_type_id,
        created_at=NOW,
        metadata={MetadataKey.OPERATION_ID: intent.operation_id},
        attendee_emails=(intent.attendee_email,),
        attendee_name=intent.wish.person.name,
        host_name="Mia",
    )


async def started(ledger: Ledger, wish: Wish | None = None, now: datetime = NOW) -> Intent:
    admitted = await ledger.admit(a_candidate(wish, now), POLICY)
    assert isinstance(admitted.admission, Start), admitted.admission
    assert admitted.started is not None
    return admitted.started


async def moved(ledger: Ledger, intent: Intent, *events: Event, at: datetime = NOW, **parts: Any) -> StoredReply:
    return await ledger.apply(Transition(intent, events, at, **parts))


async def booked(
    ledger: Ledger, wish: Wish | None = None, uid: str = "uid-1", status: BookingStatus = BookingStatus.ACCEPTED
) -> StoredReply:
    intent = await started(ledger, wish)
    event = Event.LANDED_ACCEPTED if status is BookingStatus.ACCEPTED else Event.LANDED_PENDING
    return await moved(ledger, intent, event, booking=a_booking(intent, uid, status))


async def admitted_again(ledger: Ledger, wish: Wish | None = None, after: timedelta = timedelta(0)) -> Admitted:
    return await ledger.admit(a_candidate(wish, NOW + after), POLICY)


# Admission ------------------------------------------------------------------------------------------------------


async def test_a_first_wish_starts_and_is_written_as_sent(books: Books) -> None:
    """One commit: the row says `sent`, first epoch, first generation, with its deadline, before any byte is sent."""
    candidate = a_candidate()
    admitted = await books.ledger.admit(candidate, POLICY)
    assert admitted.admission == Start(1)
    columns = ("state", "epoch", "generation", "operation_id", "sent_at", "send_deadline", "resolved_at")
    assert books.rows("intents", *columns) == [
        ("sent", 1, 1, candidate.operation_id, "2026-11-23T09:00:00.000Z", "2026-11-23T09:00:15.000Z", None)
    ]


MILLISECONDS = st.integers(0, 999).map(lambda value: timedelta(milliseconds=value))
MOMENTS = st.builds(
    lambda naive, part: naive.replace(microsecond=0, tzinfo=UTC) + part,
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - made aware at once
    MILLISECONDS,
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
"""Without NUL, which PostgreSQL has no room for: in a name there is none, elsewhere another sign stands for it."""
PHONES = st.none() | st.integers(10**9, 10**14).map(lambda number: f"+{number}")
PEOPLE = st.builds(Person, name=TEXTS, phone=PHONES, email=st.none() | st.emails())
SERVICES = st.builds(
    Service, service_id=TEXTS, name=TEXTS, event_type_id=st.integers(1, 2**53), duration_minutes=st.integers(1, 1440)
)
WISHES = st.builds(
    Wish,
    tenant_id=st.just("salon"),
    conversation_id=st.none() | TEXTS,
    service=SERVICES,
    start=MOMENTS,
    person=PEOPLE,
    staff=st.none() | TEXTS,
)
TENANT_NUMBERS = count()

with_own_tenant = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""The books last for all examples; each one takes a tenant of its own, so none is another's neighbour."""


def own_tenant(books: Books) -> str:
    tenant_id = f"tenant-{next(TENANT_NUMBERS)}"
    books.add_tenant(tenant_id)
    return tenant_id


@with_own_tenant
@given(wish=WISHES, now=MOMENTS)
@example(wish=a_wish(Person("李小龍 \U0001f484 Ægir O'Neill; DROP TABLE intents")), now=NOW)
@example(wish=a_wish(Person("nul \x00 inside"), call=None), now=NOW)
async def test_an_intent_reads_back_as_it_was_written(books: Books, wish: Wish, now: datetime) -> None:
    """Whatever the names, with or without phone, e-mail, call and staff: every field is the same."""
    candidate = a_candidate(replace(wish, tenant_id=own_tenant(books)), now)
    admitted = await books.ledger.admit(candidate, POLICY)
    stored = await books.ledger.stored(candidate.intent_id)
    assert stored == StoredReply(admitted.started, None, None)
    assert stored.intent.wish == candidate.wish
    assert stored.intent.key == candidate.key
    assert stored.intent.state is State.SENT


async def test_the_same_wish_joins_while_it_is_being_booked(books: Books) -> None:
    """Overlapping repeats wait for the first one's answer; none of them writes a row."""
    first = await started(books.ledger)
    for after in (timedelta(0), timedelta(seconds=1), SEND_BUDGET):
        again = await admitted_again(books.ledger, after=after)
        assert (again.admission, again.started) == (Join(first), None)
    assert len(books.rows("intents", "intent_id")) == 1


async def test_past_its_deadline_a_sent_row_is_a_doubt_that_is_replayed(books: Books) -> None:
    """Nobody wrote "doubt", the process may have died: it is one all the same, and never a second send."""
    first = await started(books.ledger)
    later = SEND_BUDGET + timedelta(milliseconds=1)
    again = await admitted_again(books.ledger, after=later)
    assert (again.admission, again.started) == (Replay(first), None)
    assert again.admission.intent.state_at(NOW + later) is State.DOUBT
    assert books.rows("intents", "state") == [("sent",)]


@pytest.mark.parametrize("status", [BookingStatus.ACCEPTED, BookingStatus.PENDING])
@pytest.mark.parametrize("after", [timedelta(0), timedelta(hours=1), timedelta(days=3)], ids=str)
async def test_a_booked_wish_is_replayed_as_long_as_it_stands(
    ledger: Ledger, status: BookingStatus, after: timedelta
) -> None:
    """There is no time after which the same wish would book again beside itself."""
    stands = await booked(ledger, status=status)
    assert (await admitted_again(ledger, after=after)).admission == Replay(stands.intent)
    assert await ledger.stored(stands.intent.intent_id) == stands


async def test_a_doubt_that_was_written_is_replayed(ledger: Ledger) -> None:
    """A lost answer is never a reason to send again, however often or late it is asked."""
    stands = await moved(ledger, await started(ledger), Event.DOUBTED)
    for after in (timedelta(0), timedelta(days=1)):
        assert (await admitted_again(ledger, after=after)).admission == Replay(stands.intent)


@pytest.mark.parametrize("seconds", [0, 1, 59.999, 60])
async def test_a_fresh_refusal_is_replayed_word_for_word(ledger: Ledger, seconds: float) -> None:
    """Within the minute every repeat hears the stored reply with the alternatives of that moment."""
    stands = await moved(ledger, await started(ledger), Event.REFUSED, reply=REFUSAL)
    again = await admitted_again(ledger, after=timedelta(seconds=seconds))
    assert again.admission == Replay(stands.intent)
    stored = await ledger.stored(stands.intent.intent_id)
    assert stored is not None
    assert stored.reply == REFUSAL


@pytest.mark.parametrize("seconds", [60.001, 3600])
async def test_a_refusal_runs_out_and_the_next_generation_starts(books: Books, seconds: float) -> None:
    """The same wish a little later is a new intent with an id of its own; the old row stays."""
    first = await started(books.ledger)
    await moved(books.ledger, first, Event.REFUSED, reply=REFUSAL)
    again = await admitted_again(books.ledger, after=timedelta(seconds=seconds))
    assert again.admission == Start(2)
    assert again.started is not None
    assert (again.started.generation, again.started.key) == (2, first.key)
    assert again.started.operation_id != first.operation_id
    assert books.rows("intents", "generation", "state") == [(1, "rejected"), (2, "sent")]


async def test_how_long_a_refusal_is_replayed_can_be_set(ledger: Ledger) -> None:
    """The policy decides, not the backend."""
    await moved(ledger, await started(ledger), Event.REFUSED, reply=REFUSAL)
    policy = AdmissionPolicy(replay_no_for=timedelta(seconds=5))
    admitted = await ledger.admit(a_candidate(now=NOW + timedelta(seconds=6)), policy)
    assert admitted.admission == Start(2)


@pytest.mark.parametrize("event", [Event.CANCELLED, Event.MOVED, Event.VANISHED])
async def test_what_ended_may_be_wished_again(ledger: Ledger, event: Event) -> None:
    """Cancelled, moved or gone: the same wish is the next generation at once."""
    stands = await booked(ledger)
    await moved(ledger, stands.intent, event)
    assert (await admitted_again(ledger)).admission == Start(2)


async def test_the_newest_generation_answers(ledger: Ledger) -> None:
    """With a refused and a booked generation under one key it is the booked one that is replayed."""
    await moved(ledger, await started(ledger), Event.REFUSED, reply=REFUSAL)
    second = await started(ledger, now=NOW + timedelta(minutes=2))
    stands = await moved(ledger, second, Event.LANDED_ACCEPTED, booking=a_booking(second))
    assert (await admitted_again(ledger, after=timedelta(minutes=3))).admission == Replay(stands.intent)


async def test_generations_count_on(books: Books) -> None:
    """Refused, refused again and wished a third time: the newest refusal is replayed, then the third starts."""
    for generation in (1, 2, 3):
        asked = NOW + generation * timedelta(minutes=2)
        intent = await started(books.ledger, now=asked)
        assert intent.generation == generation
        stands = await moved(books.ledger, intent, Event.REFUSED, at=asked, reply=REFUSAL)
        again = await books.ledger.admit(a_candidate(now=asked + timedelta(seconds=30)), POLICY)
        assert again.admission == Replay(stands.intent)
    assert sorted(books.rows("intents", "generation")) == [(1,), (2,), (3,)]


async def test_a_key_that_names_another_wish_is_refused(books: Books) -> None:
    """A client's key used again for another wish does nothing for either."""
    first = await started(books.ledger)
    other = a_candidate(a_wish(start=START + timedelta(hours=3)))
    other = replace(other, key=replace(other.key, value=first.key.value))
    assert (await books.ledger.admit(other, POLICY)).admission == KeyReused(first)
    assert len(books.rows("intents", "intent_id")) == 1


OTHER_CALL = a_wish(call="call_2")
OTHER_SLOT = a_wish(start=START + timedelta(hours=1))
STRANGER = Person("Bruno Tal", "+4915100000001")


@pytest.mark.parametrize(
    ("events", "wish", "expected"),
    [
        ((), OTHER_CALL, Busy),
        ((Event.DOUBTED,), OTHER_CALL, Busy),
        ((Event.DOUBTED, Event.ESCALATED), OTHER_CALL, Busy),
        ((Event.LANDED_ACCEPTED,), OTHER_CALL, AlreadyBooked),
        ((Event.LANDED_PENDING,), OTHER_CALL, AlreadyBooked),
        ((Event.REFUSED,), OTHER_CALL, Start),
        ((Event.LANDED_ACCEPTED, Event.CANCELLED), OTHER_CALL, Start),
        ((), OTHER_SLOT, Busy),
        ((Event.DOUBTED,), OTHER_SLOT, Busy),
        ((Event.DOUBTED, Event.ESCALATED), OTHER_SLOT, Busy),
        ((Event.DOUBTED, Event.SETTLED_ABSENT), OTHER_SLOT, Start),
        ((Event.LANDED_ACCEPTED,), OTHER_SLOT, Start),
        ((Event.DOUBTED,), a_wish(call="call_2", start=START + timedelta(hours=1)), Start),
        ((Event.DOUBTED,), a_wish(call="call_2", service=HAIRCUT), Start),
        ((Event.DOUBTED,), a_wish(STRANGER, call="call_2"), Start),
        ((Event.DOUBTED,), a_wish(STRANGER, start=START + timedelta(hours=1)), Start),
        ((Event.DOUBTED,), a_wish(call="call_2", tenant="praxis"), Start),
        ((Event.DOUBTED,), a_wish(tenant="praxis"), Start),
    ],
    ids=[
        "other call, same slot, being booked",
        "other call, same slot, in doubt",
        "other call, same slot, escalated",
        "other call, same slot, booked",
        "other call, same slot, requested",
        "other call, same slot, refused",
        "other call, same slot, cancelled",
        "same call, other slot, being booked",
        "same call, other slot, in doubt",
        "same call, other slot, escalated",
        "same call, other slot, doubt settled",
        "same call, other slot, booked",
        "other call, other slot, in doubt",
        "other call, same start, other service",
        "another person, same slot",
        "another person in the same call",
        "another tenant's other call",
        "another tenant's same wish",
    ],
)
async def test_neighbours_are_found(
    ledger: Ledger, events: tuple[Event, ...], wish: Wish, expected: type[Start | Busy | AlreadyBooked]
) -> None:
    """The same slot from another call, another slot in the same call while in doubt; and nobody else's."""
    intent = await started(ledger)
    if events:
        booking = a_booking(intent) if Event.LANDED_ACCEPTED in events or Event.LANDED_PENDING in events else None
        intent = (await moved(ledger, intent, *events, booking=booking)).intent
    admission = (await admitted_again(ledger, wish)).admission
    assert type(admission) is expected
    if not isinstance(admission, Start):
        assert admission.intent == intent


async def test_a_namesake_from_another_call_does_not_book_beside(ledger: Ledger) -> None:
    """Told by nothing but the name, it may be the same person again: neither booked nor told of it."""
    first = (await booked(ledger, a_wish(NAME_ONLY))).intent
    admitted = await admitted_again(ledger, a_wish(Person("Juergen Gross"), call="call_2"))
    assert admitted.admission == Namesake(first)


CONTACT = CallContact("retell", "call_1", "agent_7")


async def test_a_vouched_call_has_its_row_on_first_contact(books: Books) -> None:
    """Made once, with the moment of the first contact; repeats and refusals leave it."""
    await books.ledger.admit(a_candidate(contact=CONTACT), POLICY)
    later = replace(CONTACT, agent_id="agent_8")
    await books.ledger.admit(a_candidate(now=NOW + timedelta(minutes=1), contact=later), POLICY)
    columns = ("tenant_id", "call_id", "platform", "agent_id", "first_seen_at")
    assert books.rows("calls", *columns) == [("salon", "call_1", "retell", "agent_7", "2026-11-23T09:00:00.000Z")]


async def test_a_call_that_nobody_vouches_for_has_no_row(books: Books) -> None:
    """A conversation id alone, from whoever, is not a call."""
    await books.ledger.admit(a_candidate(), POLICY)
    assert books.rows("calls", "call_id") == []


async def test_a_call_has_its_row_even_if_its_wish_does_not_start(books: Books) -> None:
    """First contact is first contact, whatever came of it."""
    await booked(books.ledger)
    await books.ledger.admit(a_candidate(OTHER_CALL, contact=CallContact("retell", "call_2")), POLICY)
    assert books.rows("calls", "call_id", "agent_id") == [("call_2", None)]


async def test_one_call_id_at_two_tenants_is_two_calls(books: Books) -> None:
    """Ids of platforms are not ours: they count within their tenant."""
    for tenant in ("salon", "praxis"):
        await books.ledger.admit(a_candidate(a_wish(tenant=tenant), contact=CONTACT), POLICY)
    assert books.rows("calls", "tenant_id", "call_id") == [("praxis", "call_1"), ("salon", "call_1")]


# Races, each with its control -----------------------------------------------------------------------------------


def starts(admitted: list[Admitted]) -> list[Intent]:
    return [each.started for each in admitted if each.started is not None]


async def test_of_a_hundred_equal_calls_at_once_exactly_one_starts(books: Books) -> None:
    """The others join that one; there is one row."""
    admitted = await asyncio.gather(*(books.ledger.admit(a_candidate(), POLICY) for _ in range(100)))
    (first,) = starts(admitted)
    assert [each.admission for each in admitted].count(Join(first)) == 99
    assert books.rows("intents", "intent_id") == [(first.intent_id,)]


@pytest.mark.parametrize("round_number", range(5))
async def test_of_two_processes_exactly_one_starts(books: Books, round_number: int) -> None:
    """Two ledgers on one set of books, fifty equal calls each: one start, ninety-nine joins, one row."""
    processes = (books.ledger, books.another())
    admitted = await asyncio.gather(*(processes[n % 2].admit(a_candidate(), POLICY) for n in range(100)))
    (first,) = starts(admitted)
    assert [each.admission for each in admitted].count(Join(first)) == 99
    assert books.rows("intents", "intent_id") == [(first.intent_id,)]


async def test_of_one_person_in_many_calls_at_once_exactly_one_starts(books: Books) -> None:
    """Fifty calls of one phone for one slot, over two processes: their keys differ, and one starts (I8)."""
    processes = (books.ledger, books.another())
    wishes = [a_wish(call=f"call_{number}") for number in range(50)]
    admitted = await asyncio.gather(*(processes[n % 2].admit(a_candidate(w), POLICY) for n, w in enumerate(wishes)))
    (first,) = starts(admitted)
    assert [each.admission for each in admitted].count(Busy(first)) == 49
    assert books.rows("intents", "intent_id") == [(first.intent_id,)]


async def test_of_many_who_move_one_intent_at_once_exactly_one_wins(books: Books) -> None:
    """Ten contradicting moves of one row, over two processes: one is written, nine hear that they are stale."""
    intent = await started(books.ledger)
    processes = (books.ledger, books.another())
    events = [(Event.REFUSED, Event.DOUBTED)[number % 2] for number in range(10)]
    outcomes = await asyncio.gather(
        *(moved(processes[n // 5], intent, event) for n, event in enumerate(events)), return_exceptions=True
    )
    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, StoredReply))
    assert [type(outcome) for outcome in outcomes].count(StaleIntent) == 9
    assert books.rows("intents", "state") == [(winner.intent.state.value,)]


# Moves ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "state", "epoch", "resolved"),
    [
        ((Event.DOUBTED,), State.DOUBT, 1, False),
        ((Event.REFUSED,), State.REJECTED, 1, True),
        ((Event.NOT_PROCESSED,), State.INTENT, 2, False),
        ((Event.NOT_PROCESSED, Event.SHED), State.REJECTED, 2, True),
        ((Event.DOUBTED, Event.ESCALATED), State.ESCALATED, 1, False),
        ((Event.DOUBTED, Event.SETTLED_ABSENT), State.REJECTED, 1, True),
        ((Event.REFUSED, Event.SURFACED), State.COMPENSATING, 1, True),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
async def test_moves_are_written(
    ledger: Ledger, events: tuple[Event, ...], state: State, epoch: int, resolved: bool
) -> None:
    """One or more moves in one commit; what is returned is what reads back."""
    at = NOW + timedelta(seconds=3)
    intent = await started(ledger)
    stands = await moved(ledger, intent, *events, at=at)
    assert (stands.intent.state, stands.intent.epoch) == (state, epoch)
    assert stands.intent.resolved_at == (at if resolved else None)
    assert await ledger.stored(intent.intent_id) == stands


@pytest.mark.parametrize(
    "changed",
    [
        {"state": State.DOUBT},
        {"epoch": 2},
        {"state": State.INTENT, "epoch": 2},
        {"intent_id": "no-such-intent"},
    ],
    ids=["state", "epoch", "state and epoch", "no row"],
)
async def test_a_stale_mover_writes_nothing(books: Books, changed: dict[str, Any]) -> None:
    """Who believes another state or epoch than the row's is told so; no attempt, appointment or fact is left."""
    intent = await started(books.ledger)
    believed = replace(intent, **changed)
    event = {State.DOUBT: Event.FOUND_ACCEPTED, State.INTENT: Event.SHED}.get(believed.state, Event.LANDED_ACCEPTED)
    before = books.everything()
    alarm = fact.Alarm(NOW, "never_written", intent.intent_id)
    with pytest.raises(StaleIntent):
        await moved(
            books.ledger, believed, event, answer=Answer(AnswerKind.BOOKING), booking=a_booking(intent), facts=(alarm,)
        )
    assert books.everything() == before


@pytest.mark.parametrize(
    "events",
    [(Event.ARMED,), (Event.FOUND_ACCEPTED,), (Event.CANCELLED,), (Event.REFUSED, Event.DOUBTED), (Event.COMPENSATED,)],
    ids="+".join,
)
async def test_an_illegal_move_raises_and_changes_nothing(books: Books, events: tuple[Event, ...]) -> None:
    """What the table does not hold is a bug of the caller's; a legal first step before it is not written either."""
    intent = await started(books.ledger)
    before = books.everything()
    with pytest.raises(IllegalMove):
        await moved(books.ledger, intent, *events, answer=Answer(AnswerKind.REFUSED))
    assert books.everything() == before


async def test_a_lost_race_does_not_undo_the_winner(books: Books) -> None:
    """Confirmed by one, then doubted by another who woke up late: confirmed stays."""
    stands = await booked(books.ledger)
    late = replace(stands.intent, state=State.SENT, resolved_at=None, booking_uid=None)
    with pytest.raises(StaleIntent):
        await moved(books.ledger, late, Event.DOUBTED)
    assert await books.ledger.stored(late.intent_id) == stands


# What a booking makes true --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "state", "confirmed_at"),
    [
        (BookingStatus.ACCEPTED, "confirmed", "2026-11-23T09:00:00.000Z"),
        (BookingStatus.PENDING, "pending", None),
    ],
)
async def test_a_booking_makes_an_appointment(
    books: Books, status: BookingStatus, state: str, confirmed_at: str | None
) -> None:
    """With the remote record's times and host, the call, and the uid under UNIQUE; on the intent as well."""
    stands = await booked(books.ledger, status=status)
    assert stands.booking is not None
    (row,) = books.rows(
        "appointments",
        *("appointment_id", "tenant_id", "intent_id", "service_id", "call_id", "starts_at", "ends_at"),
        *("staff", "status", "calcom_v2_booking_id", "confirmed_at"),
    )
    assert row == (
        *(stands.booking.ref, "salon", stands.intent.intent_id, "beratung", "call_1"),
        *("2026-12-01T09:00:00.000Z", "2026-12-01T09:30:00.000Z", "Mia", state, "uid-1", confirmed_at),
    )
    assert stands.intent.booking_uid == "uid-1"
    assert stands.booking == BookedSlot(stands.booking.ref, START, START + timedelta(minutes=30), "Beratung", "Mia")


async def test_what_is_said_is_the_remote_record(ledger: Ledger) -> None:
    """Where the calendar booked another length and has no host's name, that is what stands."""
    intent = await started(ledger)
    booking = replace(a_booking(intent), end=START + timedelta(minutes=50), host_name=None)
    stands = await moved(ledger, intent, Event.LANDED_ACCEPTED, booking=booking)
    assert stands.booking is not None
    assert (stands.booking.end, stands.booking.staff) == (START + timedelta(minutes=50), None)
    assert await ledger.stored(intent.intent_id) == stands


async def test_a_doubted_booking_makes_no_appointment(books: Books) -> None:
    """A booking that is only evidence is not an appointment, nor its person a customer."""
    intent = await started(books.ledger)
    await moved(books.ledger, intent, Event.DOUBTED, booking=a_booking(intent))
    assert books.rows("appointments", "appointment_id") == books.rows("customers", "customer_id") == []


async def test_a_uid_that_is_held_already_is_refused_by_name_and_nothing_is_partial(books: Books) -> None:
    """Layer 4: the intent's state, attempts, customers, facts and the first appointment are as before."""
    await booked(books.ledger)
    intent = await started(books.ledger, a_wish(STRANGER, call="call_2", start=START + timedelta(hours=2)))
    before = books.everything()
    transition = Transition(
        intent,
        (Event.LANDED_ACCEPTED,),
        NOW,
        Answer(AnswerKind.BOOKING, a_booking(intent)),
        a_booking(intent),
        (fact.Alarm(NOW, "never_written", intent.intent_id),),
    )
    with pytest.raises(BookingUidTaken, match="uid-1"):
        await books.ledger.apply(transition)
    assert books.everything() == before
    # And the intent is still free to be moved: to doubt, as the flow does.
    assert (await moved(books.ledger, intent, Event.DOUBTED)).intent.state is State.DOUBT


async def test_of_two_intents_that_claim_one_uid_at_once_exactly_one_gets_it(books: Books) -> None:
    """Over two processes: one appointment, one BookingUidTaken."""
    intents = [await started(books.ledger, a_wish(Person(f"Gast {n}"), call=f"call_{n}")) for n in range(2)]
    processes = (books.ledger, books.another())
    outcomes = await asyncio.gather(
        *(
            moved(process, intent, Event.LANDED_ACCEPTED, booking=a_booking(intent))
            for process, intent in zip(processes, intents, strict=True)
        ),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["BookingUidTaken", "StoredReply"]
    assert books.rows("appointments", "calcom_v2_booking_id") == [("uid-1",)]
    assert sorted(books.rows("intents", "state")) == [("confirmed",), ("sent",)]


async def test_control_without_layer_4_both_get_the_uid(books: Books) -> None:
    """Control: the same two claims with the UNIQUE index gone make two appointments of one booking."""
    books.drop_layer_4()
    for number in range(2):
        await booked(books.ledger, a_wish(Person(f"Gast {number}"), call=f"call_{number}"))
    assert books.rows("appointments", "calcom_v2_booking_id") == [("uid-1",), ("uid-1",)]


@pytest.mark.parametrize("uid", ["x" * 255, "ü-Ω-\U0001f484", "'; DROP TABLE appointments; --", "a b\tc", "UID-1"])
async def test_any_uid_is_stored_whole_and_found(books: Books, uid: str) -> None:
    """Long, foreign and hostile ids are ids; case tells them apart."""
    stands = await booked(books.ledger, uid=uid)
    stranger = await started(books.ledger, a_wish(STRANGER, call="call_2"))
    assert books.rows("appointments", "calcom_v2_booking_id") == [(uid,)]
    known = await books.ledger.known_booking(uid, stranger)
    assert known is not None
    assert known.intent_id == stands.intent.intent_id
    assert await books.ledger.known_booking("uid-1", stranger) is None
    assert await books.ledger.bookings_count("salon", uid) == 1


LATER = START + timedelta(days=1)


@pytest.mark.parametrize(
    ("first", "second", "customers"),
    [
        (ANNA, ANNA, 1),
        (ANNA, Person("Frau Berg", ANNA.phone), 1),
        (ANNA, Person("Anna Berg", None, ANNA.email), 1),
        (ANNA, Person("Anna Berg", "+4915199999999", ANNA.email), 1),
        (ANNA, Person("Anna Berg"), 2),
        (ANNA, Person("Anna Berg", "+4915199999999"), 2),
        (NAME_ONLY, NAME_ONLY, 2),
    ],
    ids=["the same", "by phone", "by e-mail", "new phone, same e-mail", "name only", "other phone", "names only"],
)
async def test_a_customer_is_found_by_phone_or_email_and_never_by_name(
    books: Books, first: Person, second: Person, customers: int
) -> None:
    """A name identifies nobody: two of the same name are two customers until something else says otherwise."""
    await booked(books.ledger, a_wish(first), "uid-1")
    await booked(books.ledger, a_wish(second, call="call_2", start=LATER), "uid-2")
    assert len(books.rows("customers", "customer_id")) == customers
    assert len(set(books.rows("appointments", "customer_id"))) == customers


async def test_the_customers_name_is_not_overwritten(books: Books) -> None:
    """Somebody else calling from the same phone does not rename the customer."""
    await booked(books.ledger, a_wish(ANNA), "uid-1")
    await booked(books.ledger, a_wish(Person("Bruno Tal", ANNA.phone), call="call_2", start=LATER), "uid-2")
    assert books.rows("customers", "name", "phone", "email") == [("Anna Berg", ANNA.phone, ANNA.email)]


async def test_a_phone_comes_before_an_email(books: Books) -> None:
    """Where phone and e-mail point to two customers, the phone decides."""
    by_email, by_phone = Person("Eva", None, "eva@gast.test"), Person("Paul", "+4915133333333")
    for number, person in enumerate((by_email, by_phone, replace(by_phone, email=by_email.email))):
        await booked(
            books.ledger,
            a_wish(person, call=f"call_{number}", start=START + number * timedelta(days=1)),
            f"uid-{number}",
        )
    (paul,) = (row[0] for row in books.rows("customers", "customer_id", "name") if row[1] == "Paul")
    assert [row[1] for row in books.rows("appointments", "calcom_v2_booking_id", "customer_id")][1:] == [paul, paul]


async def test_customers_are_the_tenants_own(books: Books) -> None:
    """The same phone at another tenant is another customer (I14)."""
    for tenant in ("salon", "praxis"):
        await booked(books.ledger, a_wish(tenant=tenant), f"uid-{tenant}")
    assert sorted(books.rows("customers", "tenant_id", "phone")) == [("praxis", ANNA.phone), ("salon", ANNA.phone)]


async def test_every_answered_send_is_an_attempt(books: Books) -> None:
    """Kind, status, our word for it, the uid that came, the duration; one row for each epoch."""
    intent = await started(books.ledger)
    answer = Answer(AnswerKind.LOST, a_booking(intent), 502, "bad_gateway", timedelta(seconds=1, microseconds=234_900))
    await moved(books.ledger, intent, Event.DOUBTED, at=NOW + timedelta(seconds=2), answer=answer)
    columns = ("intent_id", "epoch", "answered_at", "kind", "http_status", "detail", "booking_uid", "elapsed_ms")
    assert books.rows("attempts", *columns) == [
        (intent.intent_id, 1, "2026-11-23T09:00:02.000Z", "lost", 502, "bad_gateway", "uid-1", 1234)
    ]


async def test_a_move_without_an_answer_is_no_attempt(books: Books) -> None:
    """A deadline that passed or a look-up that ended a doubt sent nothing."""
    intent = await started(books.ledger)
    await moved(books.ledger, intent, Event.DOUBTED)
    assert books.rows("attempts", "intent_id") == []


async def test_facts_are_written_with_the_move_and_hold_nothing_personal(books: Books) -> None:
    """Kind, moment and ids; no name, phone or address, in whatever field (I15)."""
    person = Person("Kanaria Vogelsang", "+4915177700077", "kanaria@gast.test")
    intent = await started(books.ledger, a_wish(person))
    foreign = replace(
        a_booking(intent), metadata={}, attendee_emails=("kanaria-2@gast.test",), attendee_name="Kanaria Vogelsang"
    )
    verdict = judge(intent, foreign, Asked(NOW), None, GuardPolicy())
    facts = (
        fact.rejected(intent, foreign, verdict, NOW, GuardPolicy()),
        fact.booked(intent, a_booking(intent), verdict, State.CONFIRMED, NOW),
        fact.answered(intent, Answer(AnswerKind.BOOKING, foreign), verdict, NOW, GuardPolicy()),
        fact.Doubted(NOW, intent.intent_id, intent.wish.conversation_id, "foreign"),
        fact.Alarm(NOW, "look_here", intent.intent_id),
    )
    await moved(books.ledger, intent, Event.DOUBTED, facts=facts)
    rows = books.rows("facts", "fact_id", "tenant_id", "intent_id", "at", "kind", "data")
    assert [row[4] for row in rows] == ["rejected", "booked", "answered", "doubted", "alarm"]
    assert {row[1:4] for row in rows} == {("salon", intent.intent_id, "2026-11-23T09:00:00.000Z")}
    assert all(json.loads(row[5])["intent_id"] == intent.intent_id for row in rows)
    written = repr(rows).casefold()
    for canary in ("kanaria", "vogelsang", "15177700077", "gast.test"):
        assert canary not in written


async def test_the_fact_of_a_rejection_can_be_read_back(books: Books) -> None:
    """Layer, reason, what was expected and received, age and ids: what an operator needs to explain it."""
    intent = await started(books.ledger)
    stale = replace(a_booking(intent), created_at=NOW - timedelta(seconds=35), metadata={"call_id": "call_0"})
    verdict = judge(intent, stale, Asked(NOW), None, GuardPolicy())
    await moved(books.ledger, intent, Event.DOUBTED, facts=(fact.rejected(intent, stale, verdict, NOW, GuardPolicy()),))
    data = json.loads(books.rows("facts", "data")[0][0])
    assert data["at"] == "2026-11-23T09:00:00.000Z"
    assert (data["layer"], data["reason"], data["age_seconds"]) == ("layer1", "stale_booking", 35.0)
    assert (data["booking_uid"], data["booking_call_id"], data["call_id"]) == ("uid-1", "call_0", "call_1")
    assert data["booking_created_at"] == "2026-11-23T08:59:25.000Z"


# Reading --------------------------------------------------------------------------------------------------------


async def test_an_unknown_intent_is_not_stored(ledger: Ledger) -> None:
    """None, not an error."""
    assert await ledger.stored("no-such-intent") is None


OFFERS = st.builds(Offer, start=MOMENTS, service_id=TEXTS)
SLOTS = st.builds(BookedSlot, ref=TEXTS, start=MOMENTS, end=MOMENTS, service=TEXTS, staff=st.none() | TEXTS)
REPLIES = st.builds(
    Reply,
    outcome=st.sampled_from(Outcome),
    why=st.sampled_from(Why),
    booking=st.none() | SLOTS,
    asked_start=st.none() | MOMENTS,
    alternatives=st.lists(OFFERS, max_size=3).map(tuple),
    missing=st.lists(st.sampled_from(Missing), max_size=3).map(tuple),
    choices=st.lists(TEXTS, max_size=3).map(tuple),
    error_id=st.none() | TEXTS,
)


@with_own_tenant
@given(reply=REPLIES)
async def test_a_reply_reads_back_as_it_was_written(books: Books, reply: Reply) -> None:
    """A replay is word for word: every field of a stored reply is the same."""
    intent = await started(books.ledger, a_wish(tenant=own_tenant(books)))
    stands = await moved(books.ledger, intent, Event.REFUSED, reply=reply)
    assert stands.reply == reply
    assert await books.ledger.stored(intent.intent_id) == stands


async def test_what_one_process_wrote_another_reads(books: Books) -> None:
    """As soon as the write has returned."""
    stands = await booked(books.ledger)
    assert await books.another().stored(stands.intent.intent_id) == stands


@pytest.mark.parametrize(
    ("wish", "same_person"),
    [
        (a_wish(call="call_2", start=LATER), True),
        (a_wish(Person("Frau Berg", ANNA.phone), call="call_2", start=LATER), True),
        (a_wish(Person("Anna Berg", None, ANNA.email), call="call_2", start=LATER), True),
        (a_wish(STRANGER, start=LATER), False),
        (a_wish(Person("Anna Berg"), start=LATER), False),
        (a_wish(tenant="praxis"), False),
    ],
    ids=["same person", "same phone, other name", "the same e-mail alone", "other person", "name only", "other tenant"],
)
async def test_a_known_booking_tells_whether_it_is_the_same_persons(
    ledger: Ledger, wish: Wish, same_person: bool
) -> None:
    """Only the same phone or the same e-mail at the same tenant, is the same person."""
    stands = await booked(ledger)
    assert stands.booking is not None
    known = await ledger.known_booking("uid-1", await started(ledger, wish))
    assert known is not None
    assert (known.appointment_id, known.intent_id) == (stands.booking.ref, stands.intent.intent_id)
    assert (known.call_id, known.start, known.end) == ("call_1", START, START + timedelta(minutes=30))
    assert (known.live, known.same_person) == (True, same_person)


async def test_two_who_are_told_by_name_alone_are_never_the_same_person(ledger: Ledger) -> None:
    """Even within one call and spelt alike: a name does not entitle to hear of an appointment."""
    await booked(ledger, a_wish(NAME_ONLY))
    known = await ledger.known_booking("uid-1", await started(ledger, a_wish(NAME_ONLY, start=LATER)))
    assert known is not None
    assert not known.same_person


@pytest.mark.parametrize(
    ("events", "live"),
    [
        ((Event.LANDED_ACCEPTED,), True),
        ((Event.LANDED_PENDING,), True),
        ((Event.LANDED_ACCEPTED, Event.CANCELLED), False),
        ((Event.LANDED_ACCEPTED, Event.MOVED), False),
        ((Event.LANDED_PENDING, Event.VANISHED), False),
        ((Event.LANDED_PENDING, Event.HOST_DECLINED), False),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
async def test_a_known_booking_that_ended_is_not_live(books: Books, events: tuple[Event, ...], live: bool) -> None:
    """A cancelled appointment keeps its uid and is known; it is not "booked"."""
    intent = await started(books.ledger)
    for event in events:
        intent = (await moved(books.ledger, intent, event, booking=a_booking(intent))).intent
    assert books.rows("appointments", "calcom_v2_booking_id", "status") == [("uid-1", intent.state.value)]
    known = await books.ledger.known_booking("uid-1", await started(books.ledger, a_wish(call="call_2", start=LATER)))
    assert known is not None
    assert (known.live, known.same_person) == (live, True)


async def test_ones_own_booking_is_not_known_under_another_intent(ledger: Ledger) -> None:
    """Nor one that nobody has."""
    stands = await booked(ledger)
    assert await ledger.known_booking("uid-1", stands.intent) is None
    assert await ledger.known_booking("uid-2", stands.intent) is None


async def test_appointments_are_counted_by_the_customers_name(books: Books) -> None:
    """However it is spelt; live ones only, this tenant's only."""
    wishes = [a_wish(replace(ANNA, name="Jürgen Groß"), start=START + n * timedelta(days=1)) for n in range(3)]
    stand = [
        await booked(books.ledger, wish, f"uid-{number}")
        for number, wish in enumerate((*wishes, replace(wishes[0], tenant_id="praxis")))
    ]
    await moved(books.ledger, stand[1].intent, Event.CANCELLED)
    for spelling in ("Jürgen Groß", "juergen  GROSS"):
        assert await books.ledger.appointments_count("salon", spelling) == 2
    assert await books.ledger.appointments_count("praxis", "Jürgen Groß") == 1
    assert await books.ledger.appointments_count("salon", "Jürgen") == 0
    assert await books.ledger.appointments_count("nobody", "Jürgen Groß") == 0


async def test_a_customer_is_named_by_their_number(ledger: Ledger) -> None:
    """By exactly this number, at exactly this tenant; who has booked nothing is nobody's customer."""
    await booked(ledger)
    await started(ledger, a_wish(replace(ANNA, phone="+4915199999999"), start=LATER))
    assert ANNA.phone is not None
    assert await ledger.customer_name("salon", ANNA.phone) == ANNA.name
    assert await ledger.customer_name("praxis", ANNA.phone) is None
    assert await ledger.customer_name("salon", "+4915199999999") is None
    assert await ledger.customer_name("salon", "+491511234567") is None


async def test_bookings_are_counted_by_their_uid(ledger: Ledger) -> None:
    """0 or 1, and another tenant's is not counted."""
    await booked(ledger)
    assert await ledger.bookings_count("salon", "uid-1") == 1
    assert await ledger.bookings_count("salon", "uid-2") == 0
    assert await ledger.bookings_count("praxis", "uid-1") == 0


async def test_the_ledger_is_ready(ledger: Ledger) -> None:
    """A transaction can be had now."""
    assert await ledger.ready()


# What only SQL can do: the controls with the guard off, and rows that none of our code writes ---------------------


@pytest.mark.parametrize(("guard", "rows"), [("", 2), ("UNIQUE", 1)], ids=["guard off", "guard on"])
async def test_control_check_then_insert_in_two_transactions_sees_the_double(
    tmp_path: Path, guard: str, rows: int
) -> None:
    """Control: without the index two who both looked before either wrote leave two rows; with it one is refused."""
    path = tmp_path / "naive.sqlite3"
    with closing(connect(path)) as connection:
        connection.execute(f"CREATE TABLE naive (intent_key TEXT {guard})")
    key, both_looked = a_candidate().key.value, asyncio.Barrier(2)

    async def check_then_insert() -> str:
        with closing(connect(path)) as connection:
            found = connection.execute("SELECT 1 FROM naive WHERE intent_key = ?", (key,)).fetchone()
            await both_looked.wait()
            if found is not None:
                return "joined"
            try:
                connection.execute("INSERT INTO naive VALUES (?)", (key,))
            except sqlite3.IntegrityError:
                return "refused"
            return "started"

    outcomes = await asyncio.gather(check_then_insert(), check_then_insert())
    assert outcomes.count("started") == rows
    with closing(connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM naive").fetchone() == (rows,)


async def test_control_without_the_guard_every_mover_believes_to_have_won(sql_books: SqlBooks) -> None:
    """Control: the same update without its WHERE on the state is told "one row" twice, and the later one stands."""
    intent = await started(sql_books.ledger)
    unguarded = "UPDATE intents SET state = '{}' WHERE intent_id = '{}' RETURNING state"
    for state in ("confirmed", "rejected"):
        assert sql_books.change(unguarded.format(state, intent.intent_id)) == [(state,)]
        assert sql_books.rows("intents", "state") == [(state,)]


async def test_uids_that_are_null_are_free(sql_books: SqlBooks) -> None:
    """Any number of appointments may be without a booking."""
    for number in range(3):
        await booked(sql_books.ledger, a_wish(Person(f"Gast {number}"), call=f"call_{number}"), uid=f"uid-{number}")
    sql_books.change("UPDATE appointments SET calcom_v2_booking_id = NULL")
    assert sql_books.rows("appointments", "calcom_v2_booking_id") == [(None,)] * 3
