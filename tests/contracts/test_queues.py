"""The contract of the ledger's queues: what is due is found, by one worker at a time, and nothing is lost with him.

Recovery's rows (waiting, sent, in doubt, to be taken back), promises, sightings by operation id, and the sweep
that watches tombstones. A backend is one entry in BACKENDS, as in test_ledger.py.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.memory_rows import rows_of
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.gate import GatePolicy, Heard, Use
from einmal.domain.intent import Event, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import BookingStatus, Wish
from einmal.ports import Candidate, Gates, Ledger, StoredReply, Sweep, Toll, Transition
from einmal.simulator.memory import MemoryBooks, MemoryLedger
from support.evidence import NOW, SECRET, booking, wish
from support.sql import BASES, Base

IDS = SystemIds()
TOLL = Toll("account-1", GatePolicy())
TENANT, STRANGER = "default", "praxis"
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)
DEADLINE = NOW + 15 * SECOND
FAR = NOW + timedelta(hours=6)
PERSONS = count()


@dataclass(frozen=True)
class Books:
    """A ledger under test, and what stands behind it, as in test_ledger.py."""

    ledger: Ledger
    gates: Gates
    another: Callable[[], Ledger]
    rows: Callable[..., list[tuple[Any, ...]]]
    add_tenant: Callable[[str], None]


@dataclass(frozen=True)
class SqlBooks(Books):
    """`change` runs one statement beside the ledger and returns what it RETURNs."""

    change: Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def sql_books_on(base: Base, folder: Path) -> Iterator[SqlBooks]:
    with base(folder) as made:
        ledger = made.ledger(IDS)
        opened = partial(made.ledger, IDS)
        yield SqlBooks(ledger, ledger.gates, opened, made.rows, made.add_tenant, made.run)


@contextmanager
def memory_books(folder: Path) -> Iterator[Books]:
    tables = MemoryBooks()
    ledger = MemoryLedger(IDS, books=tables)
    yield Books(ledger, ledger.gates, lambda: MemoryLedger(IDS, books=tables), rows_of(tables), lambda _: None)


SQL_BACKENDS: dict[str, Callable[[Path], AbstractContextManager[SqlBooks]]] = {
    name: partial(sql_books_on, base) for name, base in BASES.items()
}
BACKENDS: dict[str, Callable[[Path], AbstractContextManager[Books]]] = {**SQL_BACKENDS, "memory": memory_books}


@pytest.fixture(params=BACKENDS)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    with BACKENDS[request.param](tmp_path) as made:
        made.add_tenant(TENANT)
        made.add_tenant(STRANGER)
        yield made


@pytest.fixture(params=SQL_BACKENDS)
def sql_books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBooks]:
    with SQL_BACKENDS[request.param](tmp_path) as made:
        made.add_tenant(TENANT)
        yield made


@pytest.fixture
def ledger(books: Books) -> Ledger:
    return books.ledger


@pytest.fixture
def both(books: Books) -> tuple[Ledger, Ledger]:
    """Two processes on the same books."""
    return books.ledger, books.another()


def somebodys_wish(start: datetime = NOW + 8 * DAY, tenant: str = TENANT) -> Wish:
    number = next(PERSONS)
    return wish(tenant_id=tenant, start=start, conversation_id=f"call_{number}", phone=f"+49309{number:06d}")


async def started(ledger: Ledger, of: Wish | None = None, now: datetime = NOW, toll: Toll | None = None) -> Intent:
    the_wish, operation = of or somebodys_wish(), IDS.operation_id()
    key, deadline = intent_key(the_wish, SECRET), now + 15 * SECOND
    candidate = Candidate(the_wish, None, key, IDS.time_ordered(), operation, "a@b.test", now, deadline)
    admitted = (await ledger.admit(candidate, AdmissionPolicy(), toll)).started
    assert admitted is not None
    return admitted


async def moved(ledger: Ledger, intent: Intent, *events: Event, at: datetime = NOW, **parts: Any) -> StoredReply:
    return await ledger.apply(Transition(intent, events, at, **parts))


async def in_doubt(ledger: Ledger, look_at: datetime, of: Wish | None = None) -> Intent:
    return (await moved(ledger, await started(ledger, of), Event.DOUBTED, look_at=look_at)).intent


async def in_state(books: Books, state: State, look_at: datetime) -> Intent:
    """A row that came into this state by its own moves, to be looked at then if anybody must."""
    if state is State.INTENT:
        for _ in range(5):
            await books.gates.heard(TOLL, Use.BOOK, Heard.FAILED, NOW)
        return await started(books.ledger, now=look_at - 15 * SECOND, toll=TOLL)
    if state is State.SENT:
        return await started(books.ledger, now=look_at - 15 * SECOND)
    doubt = await in_doubt(books.ledger, look_at)
    if state is State.DOUBT:
        return doubt
    booked = {"booking": booking(uid=doubt.operation_id, start=doubt.wish.start)}
    asked = {"booking": booking(uid=doubt.operation_id, start=doubt.wish.start, status=BookingStatus.PENDING)}
    surfaced = (Event.SETTLED_ABSENT, Event.SURFACED)
    ways: dict[State, tuple[tuple[Event, ...], dict[str, Any]]] = {
        State.CONFIRMED: ((Event.FOUND_ACCEPTED,), booked),
        State.PENDING: ((Event.FOUND_PENDING,), asked),
        State.REJECTED: ((Event.SETTLED_ABSENT,), {}),
        State.ESCALATED: ((Event.ESCALATED,), {}),
        State.COMPENSATING: (surfaced, booked | {"look_at": look_at}),
        State.COMPENSATED: ((*surfaced, Event.COMPENSATED), booked),
    }
    events, parts = ways.get(state, ((), {}))
    if not events:
        last = {
            State.DECLINED: Event.HOST_DECLINED,
            State.CANCELLED: Event.CANCELLED,
            State.MOVED: Event.MOVED,
            State.LOST: Event.VANISHED,
        }[state]
        pending = (await moved(books.ledger, doubt, Event.FOUND_PENDING, **asked)).intent
        return (await moved(books.ledger, pending, last)).intent
    return (await moved(books.ledger, doubt, *events, **parts)).intent


def ids(intents: Sequence[Intent]) -> list[str]:
    return [intent.intent_id for intent in intents]


# What is due -----------------------------------------------------------------------------------------------------

UNFINISHED = (State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING)


@pytest.mark.parametrize("state", UNFINISHED)
async def test_what_is_unfinished_is_claimed_when_it_is_due_and_not_before(books: Books, state: State) -> None:
    """Waiting, sent, in doubt or to be taken back: to the millisecond; and the claim tells the row as it stands."""
    intent = await in_state(books, state, DEADLINE)
    assert intent.state is state
    assert await books.ledger.claim_due(DEADLINE - MILLISECOND, FAR, 10) == ()
    assert await books.ledger.claim_due(DEADLINE, FAR, 10) == (replace(intent, look_at=FAR),)


@pytest.mark.parametrize("state", [state for state in State if state not in UNFINISHED])
async def test_what_is_finished_or_a_persons_is_nobodys_work(books: Books, state: State) -> None:
    """Whatever its row says of when to look: its state decides."""
    intent = await in_state(books, state, DEADLINE)
    assert (intent.state, intent.look_at) == (state, None)
    await books.ledger.looked(intent, DEADLINE)
    assert books.rows("intents", "look_at") == [("2026-11-23T09:00:15.000Z",)]
    assert await books.ledger.claim_due(FAR, FAR, 10) == ()


@pytest.mark.parametrize("state", UNFINISHED)
async def test_a_claim_is_a_lease_and_then_anybodys_again(books: Books, state: State) -> None:
    """A worker that dies with a claim loses nothing; nothing of the row has changed but when it is due."""
    intent = await in_state(books, state, DEADLINE)
    lease = DEADLINE + 30 * SECOND
    assert ids(await books.ledger.claim_due(DEADLINE, lease, 10)) == [intent.intent_id]
    other = books.another()
    assert await other.claim_due(lease - MILLISECOND, FAR, 10) == ()
    assert await other.claim_due(lease, FAR, 10) == (replace(intent, look_at=FAR),)


async def test_a_wish_put_back_to_waiting_is_still_found(ledger: Ledger) -> None:
    """Surely not processed, and its process died before it could send again: the deadline finds it."""
    intent = await started(ledger)
    waiting = (await moved(ledger, intent, Event.NOT_PROCESSED)).intent
    assert (waiting.state, waiting.epoch) == (State.INTENT, 2)
    assert ids(await ledger.claim_due(DEADLINE, FAR, 10)) == [intent.intent_id]


async def test_all_tenants_are_one_queue(ledger: Ledger) -> None:
    """Any worker may do any row."""
    both = {(await in_doubt(ledger, DEADLINE, somebodys_wish(tenant=of))).intent_id for of in (TENANT, STRANGER)}
    assert set(ids(await ledger.claim_due(DEADLINE, FAR, 10))) == both


async def test_no_more_is_claimed_than_was_asked_for_and_the_longest_overdue_first(ledger: Ledger) -> None:
    """Due in another order than they were born: nobody is passed over by newer rows."""
    seconds = [3, 1, 5, 2, 4]
    intents = [await in_doubt(ledger, NOW + second * SECOND) for second in seconds]
    by_age = [intents[seconds.index(second)].intent_id for second in sorted(seconds)]
    claims = [ids(await ledger.claim_due(FAR, FAR + SECOND, 2)) for _ in range(3)]
    assert [sorted(claim) for claim in claims] == [sorted(by_age[:2]), sorted(by_age[2:4]), by_age[4:]]
    assert await ledger.claim_due(FAR, FAR + SECOND, 2) == ()


async def test_what_is_claimed_together_comes_longest_overdue_first(ledger: Ledger) -> None:
    """Whoever works them off one by one begins with who has waited longest."""
    seconds = [3, 1, 5, 2, 4]
    intents = [await in_doubt(ledger, NOW + second * SECOND) for second in seconds]
    by_age = [intents[seconds.index(second)].intent_id for second in sorted(seconds)]
    assert ids(await ledger.claim_due(FAR, FAR + SECOND, 10)) == by_age


@pytest.mark.parametrize("round_number", range(3))
async def test_of_two_workers_each_row_is_one_workers(both: tuple[Ledger, Ledger], round_number: int) -> None:
    """Ten claims at once over two processes share twenty rows, and none is given out twice."""
    rows = {(await in_doubt(both[0], DEADLINE)).intent_id for _ in range(20)}
    claims = await asyncio.gather(*(both[n % 2].claim_due(DEADLINE, FAR, 3) for n in range(10)))
    assert Counter(row for claim in claims for row in ids(claim)) == Counter(rows)


# Looked, and nothing concluded -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.DOUBT, State.COMPENSATING])
async def test_a_look_that_concluded_nothing_is_counted_and_comes_again(books: Books, state: State) -> None:
    """Due when it was said; a look that was counted and not made is taken off, and is due again all the same."""
    intent = await in_state(books, state, DEADLINE)
    looks = 0
    for number, more in enumerate((1, 0, 1, 1, -1)):
        looks += more
        later = DEADLINE + MINUTE * (number + 1)
        await books.ledger.looked(intent, later, more=more)
        stored = await books.ledger.stored(intent.intent_id)
        assert stored is not None
        assert stored.intent == replace(intent, looks=looks, look_at=later)
        assert await books.ledger.claim_due(later - MILLISECOND, FAR, 10) == ()
    assert ids(await books.ledger.claim_due(later, FAR, 10)) == [intent.intent_id]


async def test_looks_are_counted_in_the_ledger_and_not_by_those_who_look(
    books: Books, both: tuple[Ledger, Ledger]
) -> None:
    """Two who hold the row as it was once are two looks more."""
    intent = await in_doubt(books.ledger, DEADLINE)
    await asyncio.gather(*(both[n % 2].looked(intent, DEADLINE + MINUTE) for n in range(10)))
    assert books.rows("intents", "looks") == [(10,)]


@pytest.mark.parametrize(
    "believed", [{"state": State.SENT}, {"epoch": 2}, {"intent_id": "no-such-intent"}], ids=["state", "epoch", "no row"]
)
async def test_a_look_at_what_the_row_no_longer_is_changes_nothing(books: Books, believed: dict[str, Any]) -> None:
    intent = await in_doubt(books.ledger, DEADLINE)
    before = books.rows("intents", "*")
    await books.ledger.looked(replace(intent, **believed), FAR)
    assert books.rows("intents", "*") == before


async def test_a_late_look_does_not_bring_back_what_has_ended(books: Books) -> None:
    """Somebody else found it while this one was still waiting for an answer: nothing is due any more."""
    intent = await in_doubt(books.ledger, DEADLINE)
    stands = await moved(books.ledger, intent, Event.FOUND_ACCEPTED, booking=booking())
    await books.ledger.looked(intent, DEADLINE)
    assert await books.ledger.stored(intent.intent_id) == stands
    assert stands.intent.look_at is None


async def test_the_taking_back_counts_its_own_looks(books: Books) -> None:
    """They bound how often it is tried; those of the doubt before it do not use them up."""
    doubt = await in_doubt(books.ledger, DEADLINE)
    for _ in range(7):
        await books.ledger.looked(doubt, DEADLINE)
    refused = (await moved(books.ledger, doubt, Event.SETTLED_ABSENT)).intent
    assert refused.looks == 7, "what was looked is on record until then"
    back = (await moved(books.ledger, refused, Event.SURFACED, booking=booking(), look_at=DEADLINE)).intent
    assert (back.looks, back.booking_uid) == (0, booking().uid)
    await books.ledger.looked(back, DEADLINE)
    done = (await moved(books.ledger, back, Event.COMPENSATED)).intent
    assert (done.looks, done.look_at) == (1, None)


# Promises --------------------------------------------------------------------------------------------------------


async def test_a_promise_is_noted_and_tells_what_stands(books: Books) -> None:
    doubt = await in_doubt(books.ledger, DEADLINE)
    stands = await books.ledger.promise(doubt.intent_id, NOW + SECOND)
    assert stands == StoredReply(replace(doubt, promised_at=NOW + SECOND), None, None)
    assert await books.another().stored(doubt.intent_id) == stands


async def test_the_first_promise_is_the_one_that_counts(ledger: Ledger) -> None:
    """Told again, a caller was still told then; looks and moves in between do not take it back."""
    doubt = await in_doubt(ledger, DEADLINE)
    await ledger.promise(doubt.intent_id, NOW + SECOND)
    await ledger.looked(doubt, DEADLINE)
    again = await ledger.promise(doubt.intent_id, NOW + MINUTE)
    assert again is not None
    assert again.intent.promised_at == NOW + SECOND
    ended = await moved(ledger, doubt, Event.FOUND_ACCEPTED, booking=booking())
    assert ended.intent.promised_at == NOW + SECOND, "also where the move was made by one who did not know of it"


async def test_who_comes_too_late_to_promise_hears_how_it_ended(books: Books) -> None:
    """With the appointment, so that it can be said in place of the promise."""
    doubt = await in_doubt(books.ledger, DEADLINE)
    ended = await moved(books.another(), doubt, Event.FOUND_ACCEPTED, booking=booking())
    told = await books.ledger.promise(doubt.intent_id, NOW + MINUTE)
    assert told is not None
    assert (told.intent.state, told.booking) == (State.CONFIRMED, ended.booking)
    assert told.booking is not None


async def test_nothing_can_be_promised_of_what_is_not_there(books: Books) -> None:
    """And no other intent gets a promise by mistake."""
    await in_doubt(books.ledger, DEADLINE)
    assert await books.ledger.promise("no-such-intent", NOW) is None
    assert books.rows("intents", "promised_at") == [(None,)]


# Sightings -------------------------------------------------------------------------------------------------------


async def test_intents_are_found_by_their_operation_id_in_any_state(books: Books) -> None:
    """What becomes of a sighting is decided by whoever reads it, not by what is found."""
    intents = [await in_state(books, state, DEADLINE) for state in State if state is not State.INTENT]
    intents.append(await in_state(books, State.INTENT, DEADLINE))
    operations = [intent.operation_id for intent in intents]
    found = await books.ledger.by_operations(TENANT, operations)
    assert {intent.intent_id: intent for intent in found} == {intent.intent_id: intent for intent in intents}
    assert {intent.state for intent in found} == set(State)


async def test_an_operation_id_of_another_tenant_is_nobody(ledger: Ledger) -> None:
    """A calendar may be shared and an id be copied: no tenant crosses another (I14)."""
    ours, theirs = [await started(ledger, somebodys_wish(tenant=of)) for of in (TENANT, STRANGER)]
    operations = (ours.operation_id, theirs.operation_id)
    assert await ledger.by_operations(TENANT, operations) == (ours,)
    assert await ledger.by_operations(STRANGER, operations) == (theirs,)
    assert await ledger.by_operations("nobody", operations) == ()


async def test_unknown_operation_ids_are_passed_over(ledger: Ledger) -> None:
    """None asked, none known, one known, and one named twice."""
    intent = await started(ledger)
    assert await ledger.by_operations(TENANT, ()) == ()
    assert await ledger.by_operations(TENANT, (IDS.operation_id(),)) == ()
    asked = (IDS.operation_id(), intent.operation_id, intent.operation_id, "", "' OR 1=1 --")
    assert await ledger.by_operations(TENANT, asked) == (intent,)


async def test_a_whole_page_of_operation_ids_is_asked_at_once(ledger: Ledger) -> None:
    """As many as the calendar lists on the most pages that one sweep reads."""
    intent = await started(ledger)
    strangers = [IDS.operation_id() for _ in range(2_000)]
    assert await ledger.by_operations(TENANT, (*strangers, intent.operation_id)) == (intent,)


# The sweep -------------------------------------------------------------------------------------------------------

EVERY = 15 * MINUTE
SLOT = NOW + 8 * DAY


async def tombstone(
    ledger: Ledger, born: datetime = NOW, doubted: datetime | None = None, of: Wish | None = None
) -> Intent:
    """Told no after a doubt: a booking of it may still arrive."""
    intent = await started(ledger, of or somebodys_wish(SLOT), born)
    doubt = (await moved(ledger, intent, Event.DOUBTED, at=doubted or born)).intent
    return (await moved(ledger, doubt, Event.SETTLED_ABSENT, at=(doubted or born) + 10 * MINUTE)).intent


async def test_without_tombstones_there_is_nothing_to_sweep_for(books: Books) -> None:
    """Booked, refused at once, still in doubt, a person's, or taken back: no page is read for any of these."""
    for state in State:
        if state is not State.REJECTED:
            await in_state(books, state, DEADLINE)
    await moved(books.ledger, await started(books.ledger), Event.REFUSED)
    assert await books.ledger.claim_sweep(TENANT, NOW, FAR) is None
    assert books.rows("sweeps", "tenant_id") == []


async def test_a_sweep_tells_from_when_on_to_read(ledger: Ledger) -> None:
    """The oldest tombstone's birth, the youngest one's doubt, and that nothing was read before."""
    await tombstone(ledger, NOW + 2 * MINUTE)
    await tombstone(ledger, NOW + 1 * MINUTE)
    await tombstone(ledger, NOW + 3 * MINUTE, doubted=NOW + 4 * MINUTE)
    assert await ledger.claim_sweep(TENANT, NOW + DAY, FAR) == Sweep(NOW + MINUTE, NOW + 4 * MINUTE, None)


async def test_a_sweep_goes_on_from_where_it_was_read_to(ledger: Ledger) -> None:
    """By the calendar's own clock; where the last one could not be read to its end, from where it was before."""
    await tombstone(ledger)
    until = NOW + 3 * MINUTE
    assert await ledger.claim_sweep(TENANT, NOW, NOW + MINUTE) == Sweep(NOW, NOW, None)
    await ledger.swept(TENANT, until, NOW + EVERY)
    assert await ledger.claim_sweep(TENANT, NOW + EVERY, FAR) == Sweep(NOW, NOW, until)
    await ledger.swept(TENANT, None, NOW + 2 * EVERY)
    assert await ledger.claim_sweep(TENANT, NOW + 2 * EVERY, FAR) == Sweep(NOW, NOW, until)
    await ledger.swept(TENANT, until + MINUTE, NOW + 3 * EVERY)
    assert await ledger.claim_sweep(TENANT, NOW + 3 * EVERY, FAR) == Sweep(NOW, NOW, until + MINUTE)


async def test_a_sweep_is_due_when_it_was_said_and_not_before(ledger: Ledger) -> None:
    await tombstone(ledger)
    assert await ledger.claim_sweep(TENANT, NOW, FAR) is not None
    await ledger.swept(TENANT, NOW, NOW + EVERY)
    assert await ledger.claim_sweep(TENANT, NOW + EVERY - MILLISECOND, FAR) is None
    assert await ledger.claim_sweep(TENANT, NOW + EVERY, FAR) is not None


async def test_a_claimed_sweep_is_one_workers_until_its_lease_ends(books: Books) -> None:
    """A worker that dies while it reads loses nothing: the next one reads the same again."""
    await tombstone(books.ledger)
    sweep = await books.ledger.claim_sweep(TENANT, NOW, NOW + MINUTE)
    other = books.another()
    assert await other.claim_sweep(TENANT, NOW + MINUTE - MILLISECOND, FAR) is None
    assert await other.claim_sweep(TENANT, NOW + MINUTE, FAR) == sweep


@pytest.mark.parametrize("swept_before", [False, True])
@pytest.mark.parametrize("round_number", range(3))
async def test_of_many_workers_at_once_one_sweeps(
    both: tuple[Ledger, Ledger], swept_before: bool, round_number: int
) -> None:
    """Over two processes, the first time of all as well: one reads the pages, the others have other work."""
    await tombstone(both[0])
    if swept_before:
        await both[0].claim_sweep(TENANT, NOW, NOW + MINUTE)
        await both[0].swept(TENANT, NOW, NOW)
    claims = await asyncio.gather(*(both[n % 2].claim_sweep(TENANT, NOW, NOW + MINUTE) for n in range(20)))
    assert len([claim for claim in claims if claim is not None]) == 1


async def test_a_tombstone_is_watched_until_its_slot_is_surely_over(ledger: Ledger) -> None:
    """No appointment is longer than a day, so a day after its start; then nothing is read for it any more."""
    await tombstone(ledger)
    over = SLOT + DAY
    assert await ledger.claim_sweep(TENANT, over - MILLISECOND, over - MILLISECOND) == Sweep(NOW, NOW, None)
    assert await ledger.claim_sweep(TENANT, over, over) is None


async def test_of_several_tombstones_those_that_are_over_no_longer_count(ledger: Ledger) -> None:
    """The sweep need not read back to the birth of what nobody watches."""
    await tombstone(ledger, NOW, of=somebodys_wish(SLOT))
    await tombstone(ledger, NOW + 2 * DAY, of=somebodys_wish(SLOT + 7 * DAY))
    assert await ledger.claim_sweep(TENANT, SLOT, SLOT) == Sweep(NOW, NOW + 2 * DAY, None)
    after = SLOT + 2 * DAY
    assert await ledger.claim_sweep(TENANT, after, after) == Sweep(NOW + 2 * DAY, NOW + 2 * DAY, None)


async def test_what_surfaced_is_watched_no_more(ledger: Ledger) -> None:
    """It has been seen; from then on it is recovery's work to take it back."""
    stone = await tombstone(ledger)
    await moved(ledger, stone, Event.SURFACED, booking=booking(), look_at=NOW)
    assert await ledger.claim_sweep(TENANT, NOW, FAR) is None
    assert ids(await ledger.claim_due(NOW, FAR, 10)) == [stone.intent_id]


async def test_what_a_person_ruled_not_booked_is_watched_as_well(ledger: Ledger) -> None:
    """A ruling is a no after a doubt like any other, and the booking may come all the same."""
    doubt = await in_doubt(ledger, DEADLINE, somebodys_wish(SLOT))
    await moved(ledger, doubt, Event.ESCALATED, Event.RULED_NOT_BOOKED)
    assert await ledger.claim_sweep(TENANT, NOW, FAR) == Sweep(NOW, NOW, None)


async def test_each_tenant_has_a_sweep_of_its_own(ledger: Ledger) -> None:
    """Its own tombstones, its own lease and its own place in its own calendar (I14)."""
    await tombstone(ledger, NOW, of=somebodys_wish(SLOT, TENANT))
    await tombstone(ledger, NOW + MINUTE, of=somebodys_wish(SLOT, STRANGER))
    assert await ledger.claim_sweep(TENANT, NOW, FAR) == Sweep(NOW, NOW, None)
    await ledger.swept(TENANT, NOW + 5 * MINUTE, NOW + EVERY)
    assert await ledger.claim_sweep(STRANGER, NOW, NOW) == Sweep(NOW + MINUTE, NOW + MINUTE, None)
    assert await ledger.claim_sweep("nobody", NOW, FAR) is None


async def test_a_sweep_that_nobody_claimed_cannot_be_ended(books: Books) -> None:
    """It makes no row by which a later one would be put off."""
    await books.ledger.swept(TENANT, NOW, FAR)
    await tombstone(books.ledger)
    assert await books.ledger.claim_sweep(TENANT, NOW, FAR) == Sweep(NOW, NOW, None)


# Whatever happens, each due row is held by one worker, and none is forgotten --------------------------------------

PAUSE = st.integers(0, 40).map(lambda seconds: timedelta(seconds=seconds))
DOINGS = st.lists(st.tuples(st.integers(0, 1), PAUSE, st.booleans()), min_size=5, max_size=40)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(doings=DOINGS)
async def test_over_any_history_a_row_is_held_by_one_worker_and_comes_again(
    books: Books, both: tuple[Ledger, Ledger], doings: list[tuple[int, timedelta, bool]]
) -> None:
    """Two workers claim at any times; some die with what they hold. Nobody gets what another still holds."""
    for left in await books.ledger.in_states(TENANT, [State.DOUBT], 100):
        await moved(books.ledger, left, Event.SETTLED_ABSENT)
    rows = {(await in_doubt(books.ledger, NOW)).intent_id for _ in range(4)}
    lease, now = 30 * SECOND, NOW
    free_at = dict.fromkeys(rows, NOW)
    for worker, pause, lives in doings:
        now += pause
        claimed = await both[worker].claim_due(now, now + lease, 2)
        due = [row for row in rows if free_at[row] <= now]
        assert len(claimed) == min(2, len(due))
        assert {intent.intent_id for intent in claimed} <= set(due)
        for intent in claimed:
            free_at[intent.intent_id] = now + (5 * SECOND if lives else lease)
            if lives:
                await both[worker].looked(intent, now + 5 * SECOND)
    now += lease
    assert {intent.intent_id for intent in await books.ledger.claim_due(now, now + lease, 10)} == rows


async def test_what_a_clock_that_has_been_set_back_put_off_for_a_day_is_due_now(ledger: Ledger) -> None:
    """Nobody waits until the clock is there again."""
    doubt = await in_doubt(ledger, NOW + timedelta(hours=24))
    assert ids(await ledger.claim_due(NOW + SECOND, NOW + 30 * SECOND, 10)) == [doubt.intent_id]
    assert await ledger.claim_due(NOW + SECOND, NOW + 30 * SECOND, 10) == (), "and it is leased like any other"


# What only SQL can do: the controls with the guard off, and rows that none of our code writes ---------------------


async def test_control_looking_and_taking_in_two_transactions_gives_a_row_out_twice(sql_books: SqlBooks) -> None:
    """Control: two workers who both looked before either took hold the same row."""
    intent = await in_doubt(sql_books.ledger, DEADLINE)
    both_looked, given = asyncio.Barrier(2), list[str]()

    async def look_then_take() -> None:
        due = sql_books.change("SELECT intent_id FROM intents WHERE look_at <= '2026-11-23T09:00:15.000Z'")
        await both_looked.wait()
        sql_books.change("UPDATE intents SET look_at = '2026-11-23T09:01:00.000Z'")
        given.extend(row for (row,) in due)

    await asyncio.gather(look_then_take(), look_then_take())
    assert given == [intent.intent_id] * 2


async def test_control_looking_and_taking_in_two_transactions_lets_both_sweep(sql_books: SqlBooks) -> None:
    """Control: two workers who both found it due before either took it read the same pages."""
    await tombstone(sql_books.ledger)
    await sql_books.ledger.claim_sweep(TENANT, NOW, NOW + MINUTE)
    await sql_books.ledger.swept(TENANT, NOW, NOW)
    both_looked, sweeping = asyncio.Barrier(2), list[str]()

    async def look_then_take() -> None:
        due = sql_books.change("SELECT tenant_id FROM sweeps WHERE due_at <= '2026-11-23T09:00:00.000Z'")
        await both_looked.wait()
        sql_books.change("UPDATE sweeps SET due_at = '2026-11-23T09:01:00.000Z'")
        sweeping.extend(tenant for (tenant,) in due)

    await asyncio.gather(look_then_take(), look_then_take())
    assert sweeping == [TENANT] * 2
