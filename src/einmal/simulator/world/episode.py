"""An episode: some callers, two gateways, one ledger, one calendar, in bad weather; and what came of it.

Small and many rather than large and few: a fresh world each time, all of it from one seed, checked at its end. The
faults stop when the last caller has hung up; then everything must come to rest by itself.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from einmal.domain.gate import GatePolicy
from einmal.domain.intent import BOOKED, UNRESOLVED, Event, Intent, State
from einmal.domain.invariants import Evidence, Moved, Row, Spoken, Violation
from einmal.domain.keys import intent_key
from einmal.domain.model import Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.flows.book import Bookings
from einmal.flows.work import Worker
from einmal.ports import CallContact, Message
from einmal.simulator.memory import MemoryBooks, MemoryLedger
from einmal.simulator.storage import StorageFault
from einmal.simulator.virtual import SeededIds, VirtualClock
from einmal.simulator.world.audit import Notes, audit
from einmal.simulator.world.calendar import WorldCalendar
from einmal.simulator.world.parts import TENANT, Alarms, Parts, assemble
from einmal.simulator.world.people import SERVICE, callers, phone_call
from einmal.simulator.world.weather import Fate, Weather, stormy

REST_HOURS: Final = 30
"""How long everything may take to come to rest: a doubt that nobody could look into waits a day for a person."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What an episode is made of. Everything else follows from the seed."""

    ledger: str = "memory"
    """`memory`: the flows alone. `sqlite`, `postgres`: the whole application, on a real database."""
    callers: int = 40
    gateways: int = 2
    share: float = 0.4
    """Of the calendar's calls, how many go wrong."""
    crashes: float = 0.3
    """How likely each gateway is killed in the middle, once or twice."""
    storage: float = 0.02
    """Of the ledger's writes, how many go wrong."""
    clock_jumps: bool = False
    per_minute: int = 0
    lags: bool = True
    """Whether look-ups may show old states."""
    webhooks: bool = True
    """Of the whole application: Cal.com tells of changes, well or badly, and people edit the calendar all the while."""
    lagging: float = 0.0
    """Of the whole application: of its reads, how many are of a replica that is minutes behind."""
    rest_hours: int = REST_HOURS
    favour: tuple[Fate, ...] = ()
    """Fates that strike more often than others, for those who look for one thing."""


@dataclass(slots=True)
class Result:
    seed: int
    intents: int
    violations: list[Violation]
    seen: set[str]
    """Situations that occurred, for the list of those that must occur sometimes."""
    calls: int
    disturbed: int
    regrets: int
    evidence: Evidence | None


@dataclass(slots=True)
class Process:
    """A gateway with its worker. Killed, its tasks end where they stand."""

    bookings: Bookings
    worker: Worker
    tasks: "set[asyncio.Task[Any]]" = field(default_factory=set)

    async def ask(self, wish: Wish, call_id: str) -> Reply:
        task = asyncio.ensure_future(self.bookings.book(wish, CallContact("retell", call_id)))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return await task

    def kill(self) -> None:
        for task in [*self.tasks, *self.bookings.under_way]:
            task.cancel()


class Episode:
    """One seed's world."""

    def __init__(
        self, seed: int, setting: Setting, weather: Weather | None = None, sabotage: "Sabotage" = lambda *_: None
    ) -> None:
        self.seed = seed
        self.setting = setting
        self.chance = random.Random(f"episode:{seed}")  # noqa: S311 - repeatable, not secret
        self.clock = VirtualClock()
        self.ids = SeededIds(seed)
        self.moves: list[Moved] = []
        self.spoken: list[Spoken] = []
        self.promised: list[Spoken] = []
        self.waits: list[float] = []
        self.sent: list[str] = []
        self.alarms = Alarms()
        self.keys: dict[Wish, str] = {}
        self.sabotage = sabotage
        self.seen: set[str] = set()
        self.storage = setting.storage
        self.books = MemoryBooks()
        self.calendar = WorldCalendar(
            self.clock,
            random.Random(f"calendar:{seed}"),  # noqa: S311
            weather or stormy(setting.share, lags=setting.lags, favour=setting.favour),
            hosts=self.chance.choice((1, 1, 2)),
            on_request=self.chance.random() < 0.15,
            holds_sent=self._holds_sent,
        )
        self.processes = [self._process() for _ in range(setting.gateways)]

    async def run(self) -> Result:
        workers = [asyncio.ensure_future(self._work(number)) for number in range(len(self.processes))]
        people = [
            asyncio.ensure_future(phone_call(caller, self._ask, random.Random(f"{self.seed}:{caller.call_id}")))  # noqa: S311
            for caller in callers(self.setting.callers, self.clock.now(), self.chance)
        ]
        around = [asyncio.ensure_future(self._crash(number)) for number in range(len(self.processes))]
        around.append(asyncio.ensure_future(self._somebody_else()))
        await asyncio.gather(*people)
        await asyncio.gather(*around)
        self.calendar.settle_down()
        self.storage = 0.0
        self.clock.skew = timedelta(0)
        await self._rest()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        return self._result()

    def _process(self) -> Process:
        ledger = MemoryLedger(self.ids, ("webhook",), books=self.books, before=self._storage_fault, on_move=self._moved)
        policy = GatePolicy(per_minute=self.setting.per_minute)
        parts = Parts(
            ledger, ledger.gates, ledger.outbox, self.calendar, self, self.clock, self.ids, self.alarms, policy
        )
        self.sabotage(parts, self)
        return Process(*assemble(parts))

    async def _ask(self, wish: Wish, call_id: str) -> Reply | None:
        process = self.chance.choice(self.processes)
        began = self.clock.monotonic()
        try:
            reply = await process.ask(wish, call_id)
        except asyncio.CancelledError:
            if process in self.processes:
                raise
            return None  # its process was killed
        except Exception as bug:  # noqa: BLE001 - a flow that raises is what this is here to find
            self.alarms.bugs.append(f"a function call raised {type(bug).__name__}")
            return None
        self.waits.append(self.clock.monotonic() - began)
        self._said(wish, call_id, reply)
        return reply

    def _said(self, wish: Wish, call_id: str, reply: Reply) -> None:
        intent = self.books.intents.newest(wish.tenant_id, self._key(wish))
        ref, start = (None, None) if reply.booking is None else (reply.booking.ref, reply.booking.start)
        known = intent.intent_id if intent is not None and self._is_of(reply, intent) else None
        key = "" if intent is None else intent.key.value
        said = Spoken(self.clock.true_now(), key, call_id, reply.outcome, ref, start, known)
        self.spoken.append(said)
        # What is told of another intent of this person is promised of that one, and noted there.
        unresolved = intent is not None and intent.state in UNRESOLVED
        if reply.outcome is Outcome.IN_DOUBT and reply.why is Why.PLAIN:
            if unresolved:
                self.promised.append(said)
            elif intent is not None and intent.state in BOOKED:
                self.alarms.bugs.append("told in doubt of what is booked")
        self.seen.add(f"said {reply.outcome}")

    def _is_of(self, reply: Reply, intent: Intent) -> bool:
        """ "Nothing new" is said of no intent, for the books could not be read; "you have it" often of another's."""
        if reply.booking is not None:
            made = self.books.appointments.by_intent.get(intent.intent_id)
            return made is not None and made.appointment_id == reply.booking.ref
        return reply.why is not Why.NOTHING_NEW and reply.outcome is not Outcome.ALREADY_BOOKED

    def _key(self, wish: Wish) -> str:
        key = self.keys.get(wish)
        if key is None:
            key = self.keys[wish] = intent_key(wish, TENANT.hash_key).value
        return key

    async def _work(self, number: int) -> None:
        """The worker of whichever process has this place now; it sleeps until something is due."""
        while True:
            await self.processes[number].worker.turn()
            due = self.books.next_due()
            now = self.clock.now()
            pause = 60.0 if due is None else (due - now).total_seconds()
            await asyncio.sleep(min(60.0, max(1.0, pause)))

    async def _crash(self, number: int) -> None:
        while self.chance.random() < self.setting.crashes:
            await asyncio.sleep(self.chance.random() * 500)
            old = self.processes[number]
            self.processes[number] = self._process()
            old.kill()
            self.seen.add("killed")
            if self.setting.clock_jumps:
                self.clock.skew = timedelta(hours=self.chance.choice((-24, 0, 24)))

    async def _somebody_else(self) -> None:
        """People and other tools, who use the same calendar."""
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(self.chance.random() * 300)
            live = self.calendar.live()
            match self.chance.randrange(3):
                case 0 if live:
                    self.calendar.cancelled_by_hand(self.chance.choice(live).uid)
                case 1 if live:
                    self.calendar.accepted(self.chance.choice(live).uid)
                case _:
                    start = self.clock.start + timedelta(days=2, minutes=30 * self.chance.randrange(6))
                    self.calendar.booked_by_hand(start, SERVICE.event_type_id)

    async def _rest(self) -> None:
        """Until nothing is unfinished, and late arrivals have had time to be swept."""
        end = self.clock.monotonic() + self.setting.rest_hours * 3600
        await asyncio.sleep(self.calendar.weather.late_seconds_max)
        while self.clock.monotonic() < end:
            unfinished = {State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING}
            unsent = any(message.due_at is not None for message in self.books.outbox.values())
            if not unsent and not any(intent.state in unfinished for intent in self.books.intents.rows.values()):
                break
            await asyncio.sleep(60)
        await asyncio.sleep(16 * 60)

    async def send(self, message: Message) -> str | None:
        """The channel on which news arrives, or not."""
        if self.storage and self.chance.random() < 0.3:
            return "http_503"
        self.sent.append(message.message_id)
        self.seen.add(f"news {message.kind}")
        return None

    def _holds_sent(self, operation_id: str) -> bool:
        return any(intent.state is State.SENT for intent in self.books.intents.by_operations([operation_id]))

    def _storage_fault(self) -> StorageFault | None:
        if not self.storage or self.chance.random() >= self.storage:
            return None
        fault = self.chance.choice(tuple(StorageFault))
        self.seen.add(f"storage {fault.value}")
        return fault

    def _moved(self, before: Intent | None, event: Event | None, after: Intent) -> None:
        was = None if before is None else before.state
        self.moves.append(Moved(after.intent_id, was, event, after.state))
        self.seen.add(f"{was or 'new'} -> {after.state} by {event or 'admission'}")

    def _result(self) -> Result:
        evidence = Evidence(
            lives=self.calendar.lives(),
            rows=[self._row(intent) for intent in self.books.intents.rows.values()],
            spoken=self.spoken,
            requests=self.calendar.requests,
            moves=self.moves,
            requests_per_minute=self.setting.per_minute,
        )
        regrets = sum(intent.state is State.COMPENSATED for intent in self.books.intents.rows.values())
        return Result(
            self.seed,
            len(self.books.intents.rows),
            audit(evidence, self._notes()),
            self.seen,
            self.calendar.calls,
            self.calendar.disturbed,
            regrets,
            evidence,
        )

    def _notes(self) -> Notes:
        lost = self.calendar.cancels_lost
        given_up = {i for i in self.alarms.stuck if self.books.intents.rows[i].booking_uid in lost}
        return Notes(
            fates=self.calendar.fates,
            promised=self.promised,
            sent=self.sent,
            bugs=self.alarms.bugs,
            waits=self.waits,
            lags=self.setting.lags,
            given_up=frozenset(given_up),
        )

    def _row(self, intent: Intent) -> Row:
        made = self.books.appointments.by_intent.get(intent.intent_id)
        return Row(intent) if made is None else Row(intent, made.appointment_id, made.uid, made.start)


Sabotage = Callable[[Parts, Episode], None]
"""Changes the parts of a gateway before it is put together."""
