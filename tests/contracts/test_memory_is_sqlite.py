"""The ledger in memory is the one on SQLite: whatever is done to both, both answer, raise and hold the same.

Over random histories of port calls by two processes, with skewed clocks, stale movers, illegal moves, ids used twice
and commits that go wrong. A failure prints its history, as short as it can be made.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.memory_rows import TABLES, rows_of
from einmal.adapters.sql.ledger import SqliteLedger
from einmal.adapters.sql.migrate import switch_layer_4, upgrade
from einmal.adapters.sql.sqlite import connect
from einmal.adapters.sql.tenants import ensure_tenant
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.facts import Alarm
from einmal.domain.gate import GatePolicy, Heard, Use
from einmal.domain.intent import MOVES, Event, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, BookingStatus, Offer, Person, Service, Wish
from einmal.domain.reply import Outcome, Reply
from einmal.ports import CallContact, Candidate, CommitUnknown, LedgerUnavailable, Message, Toll, Transition
from einmal.simulator.memory import ConstraintViolated, MemoryBooks, MemoryLedger
from einmal.simulator.storage import StorageFault, faulty_sqlite
from einmal.simulator.virtual import SeededIds
from support.evidence import NOW, SECRET

TENANTS = ("salon", "praxis")
CHANNELS = (("webhook", "log"), ("log",))
"""Of the first process and of the second; not in the order of the alphabet."""
SERVICES = (Service("beratung", "Beratung", 1, 30, ("Gespräch",)), Service("schnitt", "Haarschnitt", 2, 45))
STARTS = tuple(NOW + timedelta(days=days, microseconds=250 * days) for days in (1, 2))
PEOPLE = (
    Person("Anna Berg", "+4915112345678", "anna@gast.test"),
    Person("Frau Berg", "+4915112345678"),
    Person("A. Berg", None, "ANNA@gast.test"),
    Person("Anna Berg", "+4915100000009", "anna@gast.test"),
    Person("Jürgen Groß"),
    Person("juergen  gross"),
    Person("Bruno Tal", "+4915100000001"),
    Person("Niemand", ""),
)
CALLS = (None, "call_1", "call_2", "")
UIDS = ("uid-1", "uid-2", "uid-3")
POLICY = AdmissionPolicy()
TOLLS = (
    Toll("account", GatePolicy(per_minute=6, failures_max=2, open_for=timedelta(seconds=5.0005))),
    Toll("account", GatePolicy(per_minute=0, failures_max=2)),
)
REPLIES = (
    None,
    Reply(Outcome.SLOT_TAKEN, asked_start=NOW, alternatives=(Offer(NOW, "beratung"),)),
    Reply(Outcome.ERROR, error_id="e1"),
)


@dataclass
class Backend:
    """One kind of ledger under the history: its two processes, and its rows."""

    processes: Sequence[Any]
    rows: Callable[..., list[tuple[Any, ...]]]
    messages: list[Message] = field(default_factory=list)


Said = tuple[str, Any]


class History:
    """Does the same to both, and remembers what was seen, so that later steps can speak of it."""

    def __init__(self, sqlite: Backend, memory: Backend, fault: list[StorageFault | None]) -> None:
        self.backends = (sqlite, memory)
        self.fault = fault
        self.now = NOW
        self.seen: list[Intent] = []
        """Every version of every row that anybody was told of: the stale ones are the interesting ones."""
        self.operations: list[str] = []
        self.ids = SeededIds(0)

    async def both(self, do: Callable[[Backend], Coroutine[Any, Any, Any]]) -> Any:
        """The value, or None where it was raised; equal on both."""
        said = [await _said(do(backend)) for backend in self.backends]
        assert said[1] == said[0]
        kind, value = said[0]
        return value if kind == "value" else None

    def intent(self, number: int) -> Intent | None:
        return self.seen[number % len(self.seen)] if self.seen else None

    def saw(self, *intents: Intent | None) -> None:
        self.seen += [intent for intent in intents if intent is not None and intent not in self.seen]


async def _said(doing: Coroutine[Any, Any, Any]) -> Said:
    try:
        return "value", await doing
    except (sqlite3.IntegrityError, ConstraintViolated):
        # SQLite has no name of the domain's for what only a bug can bring about.
        return "constraint", None
    except (LedgerUnavailable, CommitUnknown) as error:
        return type(error).__name__, None
    except Exception as error:  # noqa: BLE001 - whatever one raises the other must raise
        return type(error).__name__, str(error)


# What is done. Each is a function of the history and of a few small numbers, so that a failure can be made short. -----

Doing = Callable[[History, int, int, int], Coroutine[Any, Any, None]]


async def admit(history: History, process: int, what: int, how: int) -> None:
    person, what = PEOPLE[what % len(PEOPLE)], what // len(PEOPLE)
    call, what = CALLS[what % len(CALLS)], what // len(CALLS)
    tenant = TENANTS[how % 11 == 0]
    the_wish = Wish(tenant, call, SERVICES[what % 2], STARTS[what // 2 % 2], person, None)
    operation = history.ids.operation_id()
    if how % 13 == 0 and history.operations:
        operation = history.operations[-1]
    history.operations.append(operation)
    key = intent_key(the_wish, SECRET)
    if how % 17 == 0 and history.seen:
        key = replace(key, value=history.seen[-1].key.value)
    contact = CallContact("retell", call, f"agent_{process}") if call and how % 2 else None
    deadline = history.now + timedelta(seconds=15, microseconds=how * 100)
    candidate = Candidate(
        the_wish, contact, key, history.ids.time_ordered(), operation, "a@b.test", history.now, deadline
    )
    toll = None if how % 3 == 0 else TOLLS[how % 2]
    admitted = await history.both(lambda backend: backend.processes[process].admit(candidate, POLICY, toll))
    if admitted is not None:
        history.saw(admitted.started, getattr(admitted.admission, "intent", None))


async def apply(history: History, process: int, what: int, how: int) -> None:
    believed = history.intent(what)
    if believed is None:
        return
    if how % 4:
        stored = await history.both(lambda backend: backend.processes[process].stored(believed.intent_id))
        believed = believed if stored is None else stored.intent
    events, state = list[Event](), believed.state
    for number in (what, how)[: 1 + (how % 5 == 0)]:
        legal = [*MOVES[state]]
        events.append(legal[number % len(legal)] if legal and number % 9 else [*Event][number % len(Event)])
        state = MOVES[state].get(events[-1], state)
    pending = Event.LANDED_PENDING in events or Event.FOUND_PENDING in events
    booking = Booking(
        UIDS[how % 3],
        BookingStatus.PENDING if pending else BookingStatus.ACCEPTED,
        believed.wish.start,
        None if how % 2 else believed.wish.end + timedelta(microseconds=400),
        1,
        host_name=("Mia", None)[how % 2],
    )
    booked = how % 6 > 0 and state in {State.CONFIRMED, State.PENDING, State.COMPENSATING}
    transition = Transition(
        believed,
        tuple(events),
        history.now,
        Answer(AnswerKind.LOST, booking if booked else None, 502, "x", timedelta(milliseconds=how))
        if how % 3
        else None,
        booking if booked else None,
        (Alarm(history.now, "look", believed.intent_id),) if how % 2 else (),
        REPLIES[how % 3],
        history.now + timedelta(seconds=75) if Event.ARMED in events and how % 7 else None,
        history.now + timedelta(seconds=how % 20, microseconds=how) if how % 2 else None,
        how % 5 == 1,
    )
    stands = await history.both(lambda backend: backend.processes[process].apply(transition))
    history.saw(stands and stands.intent)


async def claim_due(history: History, process: int, what: int, how: int) -> None:
    lease = history.now + timedelta(seconds=how % 7 * 5, microseconds=how)
    claimed = await history.both(lambda b: b.processes[process].claim_due(history.now, lease, what % 5 - 1))
    history.saw(*(claimed or ()))


async def looked(history: History, process: int, what: int, how: int) -> None:
    intent = history.intent(what)
    if intent is None:
        return
    at = history.now + timedelta(seconds=how % 20, microseconds=how)
    asked = how % 2 == 0
    await history.both(lambda backend: backend.processes[process].looked(intent, at, asked=asked))


async def promise(history: History, process: int, what: int, how: int) -> None:
    intent = history.intent(what)
    name = "no-such-intent" if intent is None else intent.intent_id
    stands = await history.both(lambda backend: backend.processes[process].promise(name, history.now))
    history.saw(stands and stands.intent)


async def sweep(history: History, process: int, what: int, how: int) -> None:
    tenant = TENANTS[what % 5 == 0]
    later = history.now + timedelta(seconds=how, microseconds=how)
    if what % 2:
        await history.both(lambda backend: backend.processes[process].claim_sweep(tenant, history.now, later))
    else:
        until = history.now if how % 3 else None
        await history.both(lambda backend: backend.processes[process].swept(tenant, until, later))


async def ask(history: History, process: int, what: int, how: int) -> None:
    """Everything that only reads."""
    tenant, uid, intent = TENANTS[what % 3 == 0], UIDS[how % 3], history.intent(what)
    name = "no-such-intent" if intent is None else intent.intent_id
    states = tuple(State)[: how % 14]
    asked = [*history.operations[how % 3 :], "", "unknown"]
    await history.both(lambda backend: backend.processes[process].stored(name))
    await history.both(lambda backend: backend.processes[process].in_states(tenant, states, what % 4))
    await history.both(lambda backend: _in_any_order(backend.processes[process].by_operations(tenant, asked)))
    await history.both(lambda backend: backend.processes[process].appointments_count(tenant, PEOPLE[what % 8].name))
    await history.both(lambda backend: backend.processes[process].bookings_count(tenant, uid))
    await history.both(lambda backend: backend.processes[process].ready())
    if intent is not None:
        await history.both(lambda backend: backend.processes[process].known_booking(uid, intent))


async def _in_any_order(asking: Coroutine[Any, Any, tuple[Intent, ...]]) -> list[Intent]:
    return sorted(await asking, key=lambda intent: intent.intent_id)


async def gate(history: History, process: int, what: int, how: int) -> None:
    toll, use = TOLLS[what % 2], [*Use][how % 4]
    if what % 3 == 0:
        await history.both(lambda backend: backend.processes[process].gates.enter(toll, use, history.now))
    else:
        news = [*Heard][how % 3]
        await history.both(lambda backend: backend.processes[process].gates.heard(toll, use, news, history.now))


async def post(history: History, process: int, what: int, how: int) -> None:
    """The outbox: claim, and say of what was ever claimed that it was sent, or not."""
    later = history.now + timedelta(seconds=how % 30, microseconds=how)
    match what % 3:
        case 0:
            claimed = await history.both(
                lambda backend: backend.processes[process].outbox.claim_messages(history.now, later, how % 4)
            )
            for backend in history.backends:
                backend.messages += claimed or ()
        case 1 if history.backends[0].messages:
            await history.both(
                lambda b: b.processes[process].outbox.sent(b.messages[how % len(b.messages)], history.now)
            )
        case _ if history.backends[0].messages:
            due = None if how % 4 == 0 else later
            await history.both(lambda b: b.processes[process].outbox.not_sent(b.messages[how % len(b.messages)], due))


async def close(history: History, process: int, what: int, how: int) -> None:
    """A process lets go of its books, or has them open again."""
    for backend in history.backends:
        (backend.processes[process].close if how % 8 == 0 else backend.processes[process].open)()


DOINGS = (*[admit] * 5, *[apply] * 8, claim_due, looked, promise, promise, sweep, sweep, ask, gate, post, post, close)
FAULTS = (*[None] * 20, *StorageFault)
PAUSES = (0, 0, 0, 0.001, 0.0004, 1, 5, 16, 61, 700, -3)

Step = tuple[Doing, float, StorageFault | None, int, int, int]

NUMBER = st.integers(0, 1000)
STEP = st.tuples(
    st.sampled_from(DOINGS),
    st.sampled_from(PAUSES),
    st.sampled_from(FAULTS),
    st.integers(0, 1),
    NUMBER,
    NUMBER,
)


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "ledger.sqlite3"
    upgrade(path)
    for tenant in TENANTS:
        ensure_tenant(path, tenant, tenant, (), NOW)
    return path


FILES = count()


@pytest.fixture
def histories(empty_file: Path, tmp_path: Path) -> Callable[..., AbstractContextManager[History]]:
    """New books of both kinds, for each example."""

    @contextmanager
    def made(*, layer_4: bool = True) -> Iterator[History]:
        path = shutil.copy(empty_file, tmp_path / f"{next(FILES)}.sqlite3")
        fault: list[StorageFault | None] = [None]
        # Ids are drawn in the same order by both, also where nothing comes of them.
        on_file = [
            SqliteLedger(path, SeededIds(n + 1), c, faulty_sqlite(lambda: fault[0])) for n, c in enumerate(CHANNELS)
        ]
        tables = MemoryBooks(layer_4=layer_4)
        if not layer_4:
            switch_layer_4(path, on=False)
        in_memory = [
            MemoryLedger(SeededIds(n + 1), c, books=tables, before=lambda: fault[0]) for n, c in enumerate(CHANNELS)
        ]
        for ledger in on_file:
            ledger.open()

        def rows(table: str, *columns: str) -> list[tuple[Any, ...]]:
            with closing(connect(path)) as connection:
                return connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()  # noqa: S608

        yield History(Backend(on_file, rows), Backend(in_memory, rows_of(tables)), fault)
        for ledger in on_file:
            ledger.close()

    return made


def columns_of(table: str, folder: Path) -> list[str]:
    with closing(connect(folder)) as connection:
        return [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]


async def lived_through(history: History, steps: Iterable[Step]) -> None:
    for doing, pause, fault, process, what, how in steps:
        history.now += timedelta(seconds=pause)
        history.fault[0] = fault
        await doing(history, process, what, how)


def assert_equal_rows(history: History, path: Path) -> None:
    for table in TABLES:
        columns = [name for name in columns_of(table, path) if name != "webhook_data"]
        on_file, in_memory = (sorted(backend.rows(table, *columns), key=repr) for backend in history.backends)
        assert in_memory == on_file, table


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=10, max_size=60))
async def test_over_any_short_history_memory_is_sqlite(
    histories: Callable[..., AbstractContextManager[History]], empty_file: Path, steps: list[Step]
) -> None:
    """Short ones are found by hypothesis, and made shorter where they differ."""
    with histories() as history:
        await lived_through(history, steps)
        assert_equal_rows(history, empty_file)


@pytest.mark.parametrize("seed", range(12))
async def test_over_a_long_history_memory_is_sqlite(
    histories: Callable[..., AbstractContextManager[History]], empty_file: Path, seed: int
) -> None:
    """Long ones reach what takes many steps: leases that end, sweeps, messages, third generations."""
    chance = random.Random(f"history:{seed}")  # noqa: S311 - repeatable, not secret
    with histories(layer_4=seed % 3 > 0) as history:
        for _ in range(10):
            await lived_through(history, [a_step(chance) for _ in range(40)])
            assert_equal_rows(history, empty_file)


def a_step(chance: random.Random) -> Step:
    what, how = chance.randrange(1000), chance.randrange(1000)
    return chance.choice(DOINGS), chance.choice(PAUSES), chance.choice(FAULTS), chance.randrange(2), what, how
