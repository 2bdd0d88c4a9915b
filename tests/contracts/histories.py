"""Histories: port calls of all kinds, done alike to two ledgers, whose every answer must be the same.

A step is a function and a few small numbers, so that a history that fails can be made short. What it does is drawn
from few people, slots, calls and uids, so that they often meet; nothing says that it must make sense.
"""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from einmal.adapters.sql.steps import Violated
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.facts import Alarm
from einmal.domain.gate import GatePolicy, Heard, Use
from einmal.domain.intent import MOVES, Event, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, BookingStatus, Offer, Person, Service, Wish
from einmal.domain.reply import Outcome, Reply
from einmal.ports import CallContact, Candidate, CommitUnknown, LedgerUnavailable, Message, Toll, Transition
from einmal.simulator.memory import ConstraintViolated
from einmal.simulator.storage import StorageFault
from einmal.simulator.virtual import SeededIds
from support.evidence import NOW, SECRET

TENANTS = ("salon", "praxis")
CHANNELS = (("webhook", "log", "sms"), ("log",))
"""Of the first process and of the second; not in the order of the alphabet."""
SERVICES = (Service("beratung", "Beratung", 1, 30, ("Gespräch",)), Service("schnitt", "Haarschnitt", 2, 45))
STARTS = (NOW + timedelta(days=1), NOW + timedelta(days=2, microseconds=250))
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
    except (Violated, ConstraintViolated):
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
    pending = how % 4 and (Event.LANDED_PENDING in events or Event.FOUND_PENDING in events)
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
    more = how % 3 - 1
    await history.both(lambda backend: backend.processes[process].looked(intent, at, more=more))


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
PAUSES = (*[0] * 6, *[0.001, 0.0004, 1, 5, 16, 61, 700, -3] * 2, 43_210, -43_210, 90_000, -90_000)

Step = tuple[Doing, float, StorageFault | None, int, int, int]


async def lived_through(history: History, steps: Iterable[Step]) -> None:
    for doing, pause, fault, process, what, how in steps:
        history.now += timedelta(seconds=pause)
        history.fault[0] = fault
        await doing(history, process, what, how)
