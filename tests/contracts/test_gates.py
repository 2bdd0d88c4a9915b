"""The contract of the Gates port: one budget and one breaker for an account, whatever process asks.

What the gate decides is the domain's, and tested there. Here: that the row is that gate, that it is shared, that
no two processes pass by reading one state, and that admission passes it in its own transaction.

A backend is one entry in BACKENDS, as in test_ledger.py.
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
from einmal.domain.admission import AdmissionPolicy, Busy, Join, Start
from einmal.domain.gate import Gate, GatePolicy, Heard, Passed, Shut, ShutWhy, Use, enter, heard
from einmal.domain.intent import Event, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Person, Wish
from einmal.ports import Admitted, Candidate, Gates, Ledger, LedgerUnavailable, Toll, Transition
from einmal.simulator.memory import MemoryBooks, MemoryLedger
from support.evidence import NOW, SECRET, wish
from support.sql import BASES, Base

IDS = SystemIds()
POLICY = GatePolicy()
TOLL = Toll("account-1", POLICY)
OTHER = Toll("account-2", POLICY)
ADMISSION = AdmissionPolicy()
SECOND = timedelta(seconds=1)
BURST = 40
"""What a full bucket of 120 a minute lets pass at once."""


@dataclass(frozen=True)
class Process:
    """One process on the books: its ledger, its gates, and how it ends."""

    ledger: Ledger
    gates: Gates
    close: Callable[[], None]


@dataclass(frozen=True)
class Books:
    """A gate under test, and what stands behind it, as in test_ledger.py."""

    first: Process
    another: Callable[[], Process]
    rows: Callable[..., list[tuple[Any, ...]]]

    @property
    def gates(self) -> Gates:
        return self.first.gates


@dataclass(frozen=True)
class SqlBooks(Books):
    """`change` runs one statement beside the ledger and returns what it RETURNs."""

    change: Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def sql_books_on(base: Base, folder: Path) -> Iterator[SqlBooks]:
    with base(folder) as made:
        made.add_tenant("default")

        def opened() -> Process:
            ledger = made.ledger(IDS)
            return Process(ledger, ledger.gates, ledger.close)

        yield SqlBooks(opened(), opened, made.rows, made.run)


@contextmanager
def memory_books(folder: Path) -> Iterator[Books]:
    tables = MemoryBooks()

    def opened() -> Process:
        ledger = MemoryLedger(IDS, books=tables)
        return Process(ledger, ledger.gates, ledger.close)

    yield Books(opened(), opened, rows_of(tables))


SQL_BACKENDS: dict[str, Callable[[Path], AbstractContextManager[SqlBooks]]] = {
    name: partial(sql_books_on, base) for name, base in BASES.items()
}
BACKENDS: dict[str, Callable[[Path], AbstractContextManager[Books]]] = {**SQL_BACKENDS, "memory": memory_books}


@pytest.fixture(params=BACKENDS)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    with BACKENDS[request.param](tmp_path) as made:
        yield made


@pytest.fixture(params=SQL_BACKENDS)
def sql_books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBooks]:
    with SQL_BACKENDS[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def both(books: Books) -> tuple[Process, Process]:
    """Two processes on the same books."""
    return books.first, books.another()


def a_candidate(of: Wish | None = None, now: datetime = NOW) -> Candidate:
    the_wish, operation = of or wish(phone="+4930901820"), IDS.operation_id()
    key, address = intent_key(the_wish, SECRET), f"termin+{operation}@salon.test"
    return Candidate(the_wish, None, key, IDS.time_ordered(), operation, address, now, now + 15 * SECOND)


def a_caller(number: int) -> Wish:
    """Somebody of his own, at a time of his own."""
    return wish(conversation_id=f"call_{number}", phone=f"+49309{number:06d}", start=NOW + timedelta(days=1 + number))


async def failed(gates: Gates, times: int, use: Use = Use.BOOK, at: datetime = NOW) -> list[bool]:
    return [await gates.heard(TOLL, use, Heard.FAILED, at) for _ in range(times)]


def passes(permits: Sequence[Passed | Shut]) -> int:
    return sum(isinstance(permit, Passed) for permit in permits)


def spent(books: Books) -> float:
    """How many requests the row of the account has paid for, as of its own last moment."""
    rows = books.rows("calendar_gates", "account_id", "tokens")
    return sum(POLICY.bucket - tokens for account, tokens in rows if account == TOLL.account_id)


# The row is the domain's gate ------------------------------------------------------------------------------------

BOOKS_NUMBERS = count()
POLICIES = st.builds(
    GatePolicy,
    # Budgets whose bucket and refill are exact in binary, so that adding up in other steps gives the same.
    per_minute=st.sampled_from([0, 45, 90]),
    failures_max=st.integers(1, 3),
    open_for=st.just(5 * SECOND),
    probe_for=st.just(2 * SECOND),
    blocked_for=st.just(6 * SECOND),
)
PAUSES = st.sampled_from([0, 0, 0, 0, 0, 0.25, 0.5, 1, 3, 8]).map(lambda seconds: timedelta(seconds=seconds))
# What becomes of a request that passes: an answer, or None for one that never comes back.
HOW = st.sampled_from([None, None, *[Heard.WELL] * 4, Heard.FAILED, Heard.FAILED, Heard.THROTTLED])
REQUESTS = st.tuples(st.integers(0, 1), PAUSES, st.sampled_from(Use), HOW)
# News that comes without a request of this moment: a POST that was armed by admission, a late time-out.
NEWS = st.tuples(st.integers(0, 1), PAUSES, st.sampled_from(Use), st.sampled_from([Heard.FAILED, Heard.THROTTLED]))
STEPS = st.lists(st.tuples(st.booleans(), REQUESTS) | st.tuples(st.just(True), NEWS), min_size=20, max_size=60)

with_shared_books = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""The books last for all examples; each one takes an account of its own."""


def row_of(books: Books, account_id: str) -> Gate | None:
    columns = ("account_id", "at", "tokens", "writes_failed", "reads_failed")
    ends = ("open_until", "probing_until", "blocked_until")
    for account, at, tokens, writes, reads, *until in books.rows("calendar_gates", *columns, *ends):
        if account == account_id:
            moments = (None if text is None else datetime.fromisoformat(text) for text in until)
            return Gate(datetime.fromisoformat(at), tokens, writes, reads, *moments)
    return None


@with_shared_books
@given(policy=POLICIES, steps=STEPS)
async def test_over_any_history_the_row_is_the_domains_gate(
    books: Books, both: tuple[Process, Process], policy: GatePolicy, steps: list[Any]
) -> None:
    """Two processes take turns; every permit and every opening is what one gate in memory gives."""
    toll = Toll(f"account-{next(BOOKS_NUMBERS)}", policy)
    pure, now = Gate(NOW), NOW
    for is_news, (process, pause, use, how) in steps:
        now += pause
        if not is_news or how is Heard.WELL:
            pure, expected = enter(pure, use, now, policy)
            assert await both[process].gates.enter(toll, use, now) == expected
            if isinstance(expected, Shut):
                continue
        if how is not None:
            before, pure = pure, heard(pure, use, how, now, policy)
            opened = pure.open_until is not None and before.open_until is None
            assert await both[process].gates.heard(toll, use, how, now) is opened
    row = row_of(books, toll.account_id) or Gate(NOW)
    # What was refused is not written, so the row may be of an earlier moment; refilled to now it is the same.
    (read, _), (kept, _) = (enter(gate, Use.BACKGROUND, now, policy) for gate in (row, pure))
    assert replace(read, tokens=None) == replace(kept, tokens=None)
    if policy.per_minute:
        assert read.tokens == kept.tokens


async def test_a_restart_does_not_forget_what_was_spent(books: Books) -> None:
    """The process that spent the budget is gone; the next one finds it spent, and says until when."""
    for _ in range(BURST):
        assert await books.gates.enter(TOLL, Use.BOOK, NOW) == Passed()
    books.first.close()
    permit = await books.another().gates.enter(TOLL, Use.BOOK, NOW)
    assert permit == Shut(ShutWhy.BUDGET, NOW + timedelta(milliseconds=750))


async def test_a_restart_does_not_forget_an_open_breaker(books: Books) -> None:
    assert await failed(books.gates, 5) == [False] * 4 + [True]
    books.first.close()
    permit = await books.another().gates.enter(TOLL, Use.LOOK, NOW + SECOND)
    assert permit == Shut(ShutWhy.OPEN, NOW + POLICY.open_for)


async def test_what_is_refused_costs_nothing(books: Books) -> None:
    """Whoever asks in vain, however often, puts off nobody's next request."""
    for _ in range(BURST):
        await books.gates.enter(TOLL, Use.BOOK, NOW)
    refused = [await books.gates.enter(TOLL, Use.BOOK, NOW + SECOND / 10) for _ in range(50)]
    assert passes(refused) == 0
    assert await books.gates.enter(TOLL, Use.BOOK, NOW + SECOND) == Passed()


async def test_one_accounts_trouble_is_not_anothers(books: Books) -> None:
    """Neither its budget nor its breaker: an account is a Cal.com key."""
    for _ in range(BURST):
        await books.gates.enter(TOLL, Use.BOOK, NOW)
    await failed(books.gates, 5)
    assert passes([await books.gates.enter(OTHER, Use.BOOK, NOW) for _ in range(BURST + 1)]) == BURST


async def test_without_a_limit_a_healthy_calendar_writes_nothing(books: Books) -> None:
    """No row, so no commit worth a name: whoever sets no limit does not pay for one."""
    toll = Toll("account-1", GatePolicy(per_minute=0))
    for _ in range(200):
        assert await books.gates.enter(toll, Use.BACKGROUND, NOW) == Passed()
        assert await books.gates.heard(toll, Use.BACKGROUND, Heard.WELL, NOW) is False
    assert books.rows("calendar_gates", "account_id") == []


async def test_without_a_limit_the_breaker_works_all_the_same(books: Books) -> None:
    toll = Toll("account-1", GatePolicy(per_minute=0))
    for _ in range(5):
        await books.gates.heard(toll, Use.LOOK, Heard.FAILED, NOW)
    permit = await books.another().gates.enter(toll, Use.LOOK, NOW)
    assert permit == Shut(ShutWhy.OPEN, NOW + POLICY.open_for)


async def test_a_success_of_this_process_forgives_the_failures_of_another(books: Books) -> None:
    """It had nothing to remember itself, and it has asked since: four failures and a success are no row of five."""
    mine, theirs = books.gates, books.another().gates
    await mine.enter(TOLL, Use.LOOK, NOW)
    await mine.heard(TOLL, Use.LOOK, Heard.WELL, NOW)
    await failed(theirs, 4, Use.LOOK)
    await mine.enter(TOLL, Use.LOOK, NOW)
    await mine.heard(TOLL, Use.LOOK, Heard.WELL, NOW)
    assert await failed(theirs, 4, Use.LOOK) == [False] * 4
    assert await failed(theirs, 1, Use.LOOK) == [True]


async def test_a_success_that_was_under_way_counts_once_the_failures_were_seen(books: Books) -> None:
    """Held back by the budget, this process has read of them all the same; then its own answer comes."""
    mine, theirs = books.gates, books.another().gates
    for _ in range(BURST):
        await mine.enter(TOLL, Use.BOOK, NOW)
    await failed(theirs, 4, Use.LOOK)
    assert isinstance(await mine.enter(TOLL, Use.LOOK, NOW), Shut)
    await mine.heard(TOLL, Use.LOOK, Heard.WELL, NOW)
    assert await failed(theirs, 1, Use.LOOK) == [False]


async def test_the_throttle_that_one_process_heard_shuts_the_others(books: Books) -> None:
    """Cal.com blocks the key and not the process."""
    await books.gates.heard(TOLL, Use.LOOK, Heard.THROTTLED, NOW)
    other = books.another().gates
    assert await other.enter(TOLL, Use.BOOK, NOW + SECOND) == Shut(ShutWhy.BUDGET, NOW + POLICY.blocked_for)
    assert await other.enter(TOLL, Use.BOOK, NOW + POLICY.blocked_for) == Passed()


async def test_a_gate_that_cannot_be_reached_says_so(books: Books) -> None:
    """By the name that the flows wait for, and nothing was spent."""
    gone = books.another()
    gone.close()
    with pytest.raises(LedgerUnavailable):
        await gone.gates.enter(TOLL, Use.BOOK, NOW)
    with pytest.raises(LedgerUnavailable):
        await gone.gates.heard(TOLL, Use.BOOK, Heard.FAILED, NOW)
    assert books.rows("calendar_gates", "account_id") == []


# Races, each with its control ------------------------------------------------------------------------------------


async def test_of_two_processes_asking_at_once_only_the_budget_passes(
    books: Books, both: tuple[Process, Process]
) -> None:
    """A hundred bookings at one instant over two processes: forty pass, and the row knows of forty."""
    permits = await asyncio.gather(*(both[n % 2].gates.enter(TOLL, Use.BOOK, NOW) for n in range(100)))
    assert passes(permits) == BURST
    assert spent(books) == BURST


@with_shared_books
@given(
    pauses=st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 3_000), st.sampled_from(Use)), min_size=20, max_size=250
    ),
    per_minute=st.integers(1, 30),
)
async def test_two_processes_together_never_exceed_the_minutes_budget(
    both: tuple[Process, Process], pauses: list[tuple[int, int, Use]], per_minute: int
) -> None:
    """In no sixty seconds, wherever the calendar begins to count them, and whichever process asks when."""
    toll = Toll(f"account-{next(BOOKS_NUMBERS)}", GatePolicy(per_minute=per_minute))
    now, passed = NOW, []
    for process, pause, use in pauses:
        now += timedelta(milliseconds=pause)
        if isinstance(await both[process].gates.enter(toll, use, now), Passed):
            passed.append(now)
    assert most_in_a_minute(passed) <= per_minute


def most_in_a_minute(passed: Sequence[datetime]) -> int:
    return max((sum(at <= other < at + 60 * SECOND for other in passed) for at in passed), default=0)


async def test_two_processes_that_ask_all_the_time_get_one_budget_between_them(both: tuple[Process, Process]) -> None:
    """A storm of both for two minutes: the calendar sees what it allows, and the budget is used."""
    passed = []
    for tenth in range(1200):
        now = NOW + tenth * SECOND / 10
        if isinstance(await both[tenth % 2].gates.enter(TOLL, Use.BOOK, now), Passed):
            passed.append(now)
    assert 115 <= most_in_a_minute(passed) <= 120


async def test_control_processes_with_a_gate_each_exceed_the_budget() -> None:
    """Control: the same storm, each process counting by itself, sends twice what is allowed."""
    gates, passed = [Gate(NOW), Gate(NOW)], []
    for tenth in range(1200):
        now = NOW + tenth * SECOND / 10
        gates[tenth % 2], permit = enter(gates[tenth % 2], Use.BOOK, now, POLICY)
        if isinstance(permit, Passed):
            passed.append(now)
    assert most_in_a_minute(passed) > 180


async def test_clocks_that_differ_by_half_a_second_do_not_widen_the_budget(both: tuple[Process, Process]) -> None:
    """Two machines are never quite of one time, and whoever waited for the lock brings an older one."""
    passed = []
    for tenth in range(1200):
        now = NOW + tenth * SECOND / 10
        told = now - SECOND / 2 if tenth % 2 else now
        if isinstance(await both[tenth % 2].gates.enter(TOLL, Use.BOOK, told), Passed):
            passed.append(now)
    assert most_in_a_minute(passed) <= 120


async def test_failures_of_all_processes_are_counted_together(books: Books) -> None:
    """Three of one and two of the other are five in a row, and one of them hears that it opened."""
    assert await failed(books.gates, 3) == [False] * 3
    other = books.another().gates
    assert await failed(other, 2) == [False, True]
    assert await failed(books.gates, 1) == [False], "it stood open already"
    for gates in (books.gates, other):
        assert await gates.enter(TOLL, Use.BOOK, NOW) == Shut(ShutWhy.OPEN, NOW + POLICY.open_for)


async def test_of_many_failures_at_once_exactly_one_opened_the_breaker(
    books: Books, both: tuple[Process, Process]
) -> None:
    """One alarm for one outage, whichever process it falls to."""
    opened = await asyncio.gather(*(both[n % 2].gates.heard(TOLL, Use.BOOK, Heard.FAILED, NOW) for n in range(30)))
    assert Counter(opened) == {True: 1, False: 29}
    assert books.rows("calendar_gates", "writes_failed") == [(30,)]


async def test_of_many_reads_at_once_exactly_one_probes_a_broken_calendar(both: tuple[Process, Process]) -> None:
    """Over two processes; the others wait for what comes of it, and a POST is never the probe."""
    later = NOW + POLICY.open_for
    await failed(both[0].gates, 5)
    permits = await asyncio.gather(
        *(both[n % 2].gates.enter(TOLL, use, later) for n, use in enumerate([Use.BOOK, Use.LOOK, Use.BACKGROUND] * 6))
    )
    assert permits.count(Passed(probe=True)) == passes(permits) == 1
    assert {permit.why for permit in permits if isinstance(permit, Shut)} == {ShutWhy.HALF_OPEN}


async def test_what_one_processs_probe_found_opens_the_way_for_all(books: Books) -> None:
    """Also for one that had found the breaker open a moment before."""
    mine, theirs, later = books.gates, books.another().gates, NOW + POLICY.open_for
    await failed(mine, 5)
    assert isinstance(await theirs.enter(TOLL, Use.BOOK, NOW), Shut)
    assert await mine.enter(TOLL, Use.LOOK, later) == Passed(probe=True)
    await mine.heard(TOLL, Use.LOOK, Heard.WELL, later)
    assert await theirs.enter(TOLL, Use.BOOK, later) == Passed()


# Admission passes the gate in its own transaction ----------------------------------------------------------------


async def test_an_admitted_wish_is_armed_and_paid_for_in_one_commit(books: Books) -> None:
    admitted = await books.first.ledger.admit(a_candidate(), ADMISSION, TOLL)
    assert (admitted.admission, admitted.shut) == (Start(1), None)
    assert admitted.started is not None
    assert (admitted.started.state, admitted.started.sent_at) == (State.SENT, NOW)
    assert spent(books) == 1


async def test_a_wish_that_the_gate_holds_back_waits_unarmed(books: Books) -> None:
    """As `intent`: nothing was sent, recovery lets it go at its deadline, and it reads back like that."""
    for _ in range(BURST):
        await books.gates.enter(TOLL, Use.BOOK, NOW)
    candidate = a_candidate()
    admitted = await books.first.ledger.admit(candidate, ADMISSION, TOLL)
    assert admitted.admission == Start(1)
    assert admitted.shut == Shut(ShutWhy.BUDGET, NOW + timedelta(milliseconds=750))
    assert admitted.started is not None
    assert (admitted.started.state, admitted.started.sent_at) == (State.INTENT, None)
    assert admitted.started.look_at == candidate.send_deadline
    stored = await books.first.ledger.stored(candidate.intent_id)
    assert stored is not None
    assert stored.intent == admitted.started
    assert spent(books) == BURST


async def test_a_waiting_wish_is_armed_once_the_gate_lets_it_pass(books: Books) -> None:
    """The same row, its own deadline, and still the first POST of it."""
    await failed(books.gates, 5)
    waiting = (await books.first.ledger.admit(a_candidate(), ADMISSION, TOLL)).started
    assert waiting is not None
    later = NOW + POLICY.open_for
    armed = Transition(waiting, (Event.ARMED,), later, send_deadline=later + 15 * SECOND)
    stands = (await books.first.ledger.apply(armed)).intent
    assert (stands.state, stands.epoch, stands.sent_at) == (State.SENT, 1, later)
    assert stands.send_deadline == stands.look_at == later + 15 * SECOND


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ([Heard.FAILED] * 5, ShutWhy.OPEN),
        ([Heard.THROTTLED], ShutWhy.BUDGET),
    ],
    ids=["breaker", "throttle"],
)
async def test_admission_finds_what_another_process_heard(books: Books, trouble: list[Heard], why: ShutWhy) -> None:
    other = books.another().gates
    for how in trouble:
        await other.heard(TOLL, Use.BOOK, how, NOW)
    admitted = await books.first.ledger.admit(a_candidate(), ADMISSION, TOLL)
    assert admitted.shut is not None
    assert admitted.shut.why is why
    assert admitted.started is not None
    assert admitted.started.state is State.INTENT


async def test_without_a_toll_nothing_is_asked_of_any_gate(books: Books) -> None:
    await failed(books.gates, 5)
    admitted = await books.first.ledger.admit(a_candidate(), ADMISSION)
    assert admitted.started is not None
    assert (admitted.started.state, admitted.shut) == (State.SENT, None)


async def test_who_does_not_start_does_not_pay(books: Books) -> None:
    """Repeats and a second call of the same person cost nothing: nothing is sent for them."""
    first = (await books.first.ledger.admit(a_candidate(), ADMISSION, TOLL)).started
    assert first is not None
    joined = await books.first.ledger.admit(a_candidate(), ADMISSION, TOLL)
    assert (joined.admission, joined.started, joined.shut) == (Join(first), None, None)
    other_call = a_candidate(wish(phone="+4930901820", conversation_id="call_other"))
    assert (await books.first.ledger.admit(other_call, ADMISSION, TOLL)).admission == Busy(first)
    assert spent(books) == 1


async def test_who_cannot_be_written_does_not_pay(books: Books) -> None:
    """The intent's row is refused, so its token is still there: the two are one transaction."""
    first = a_candidate()
    await books.first.ledger.admit(first, ADMISSION, TOLL)
    twice = replace(a_candidate(a_caller(7)), operation_id=first.operation_id)
    (outcome,) = await asyncio.gather(books.first.ledger.admit(twice, ADMISSION, TOLL), return_exceptions=True)
    assert isinstance(outcome, Exception)
    assert books.rows("intents", "operation_id") == [(first.operation_id,)]
    assert spent(books) == 1


def states(admitted: Sequence[Admitted]) -> Counter[State]:
    return Counter(each.started.state for each in admitted if each.started is not None)


async def test_of_more_wishes_at_once_than_the_budget_the_rest_waits(
    books: Books, both: tuple[Process, Process]
) -> None:
    """Sixty callers over two processes: forty are armed, twenty wait, and no token is spent twice."""
    admitted = await asyncio.gather(
        *(both[n % 2].ledger.admit(a_candidate(a_caller(n)), ADMISSION, TOLL) for n in range(60))
    )
    assert states(admitted) == {State.SENT: BURST, State.INTENT: 20}
    assert Counter(books.rows("intents", "state")) == {("sent",): BURST, ("intent",): 20}
    assert spent(books) == BURST


async def test_control_without_a_gate_all_of_them_are_sent_at_once(both: tuple[Process, Process]) -> None:
    """Control: the same sixty callers without a toll are sixty POSTs in one second."""
    admitted = await asyncio.gather(*(both[n % 2].ledger.admit(a_candidate(a_caller(n)), ADMISSION) for n in range(60)))
    assert states(admitted) == {State.SENT: 60}


async def test_equal_wishes_at_once_pay_once(books: Books, both: tuple[Process, Process]) -> None:
    """Fifty repeats over two processes are one POST, and one token."""
    person = Person("Jürgen Groß", "+4930901820")
    admitted = await asyncio.gather(
        *(both[n % 2].ledger.admit(a_candidate(wish(phone=person.phone)), ADMISSION, TOLL) for n in range(50))
    )
    assert states(admitted) == {State.SENT: 1}
    assert spent(books) == 1


async def test_what_was_sent_without_asking_is_spent_for_every_process(both: tuple[Process, Process]) -> None:
    """Counted side by side none is lost, and what is left passes elsewhere; below nothing there is nothing."""
    first, second = both
    after = await asyncio.gather(*(process.gates.spend(TOLL, 5, NOW) for process in (first, second) * 3))
    assert min(gate.tokens for gate in after if gate.tokens is not None) == BURST - 30
    permits = [await second.gates.enter(TOLL, Use.BOOK, NOW) for _ in range(BURST)]
    assert passes(permits) == 10
    assert (await first.gates.spend(TOLL, 1000, NOW)).tokens == 0
    assert passes([await second.gates.enter(TOLL, Use.BOOK, NOW + SECOND) for _ in range(5)]) == 1


# What only SQL can do: the controls, with the guard off -----------------------------------------------------------


@dataclass
class InTwoTransactions:
    """The guard off: what was read and what is written are not one transaction, and everybody reads first."""

    books: SqlBooks
    all_read: asyncio.Barrier

    async def enter(self, toll: Toll, use: Use, now: datetime) -> Passed | Shut:
        after, permit = enter(await self._read(toll, now), use, now, toll.policy)
        self._write(toll, after)
        return permit

    async def heard(self, toll: Toll, use: Use, how: Heard, now: datetime) -> bool:
        before = await self._read(toll, now)
        after = heard(before, use, how, now, toll.policy)
        self._write(toll, after)
        return after.open_until is not None and before.open_until is None

    async def _read(self, toll: Toll, now: datetime) -> Gate:
        gate = row_of(self.books, toll.account_id) or Gate(now)
        await self.all_read.wait()
        return gate

    def _write(self, toll: Toll, gate: Gate) -> None:
        self.books.change(f"DELETE FROM calendar_gates WHERE account_id = '{toll.account_id}'")  # noqa: S608 - constant
        values = (toll.account_id, _text(gate.at), gate.tokens, gate.writes_failed, gate.reads_failed)
        ends = map(_text, (gate.open_until, gate.probing_until, gate.blocked_until))
        written = ", ".join("NULL" if value is None else repr(value) for value in (*values, *ends))
        self.books.change(f"INSERT INTO calendar_gates VALUES ({written})")  # noqa: S608 - the tests' own words


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


async def test_control_two_who_read_the_last_token_in_two_transactions_both_pass(sql_books: SqlBooks) -> None:
    """Control: the same gate, read and written apart, lets forty-one pass out of a bucket of forty."""
    for _ in range(BURST - 1):
        await sql_books.gates.enter(TOLL, Use.BOOK, NOW)
    naive = InTwoTransactions(sql_books, asyncio.Barrier(2))
    permits = await asyncio.gather(*(naive.enter(TOLL, Use.BOOK, NOW) for _ in range(2)))
    assert passes(permits) == 2


async def test_control_failures_noted_in_two_transactions_are_forgotten(sql_books: SqlBooks) -> None:
    """Control: read and written apart, five failures count as one and nothing opens."""
    naive = InTwoTransactions(sql_books, asyncio.Barrier(5))
    opened = await asyncio.gather(*(naive.heard(TOLL, Use.BOOK, Heard.FAILED, NOW) for _ in range(5)))
    assert opened == [False] * 5
    assert sql_books.rows("calendar_gates", "writes_failed") == [(1,)]


async def test_control_in_two_transactions_everybody_probes(sql_books: SqlBooks) -> None:
    """Control: who read before anybody wrote believes that the probe is his."""
    await failed(sql_books.gates, 5)
    naive = InTwoTransactions(sql_books, asyncio.Barrier(3))
    permits = await asyncio.gather(*(naive.enter(TOLL, Use.LOOK, NOW + POLICY.open_for) for _ in range(3)))
    assert permits == [Passed(probe=True)] * 3
