"""One small world in which a gateway is killed where it is told to be, once or twice; and what came of it.

A wish or two, one fate of the POST, one kind of look-ups. Time is steady where the seed is 0, so the same point of
the same case is always the same moment. The auditor is that of the larger world (audit.py).
"""

import asyncio
import random
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.gate import Gate, GatePolicy
from einmal.domain.intent import BOOKED, Event, Intent, State
from einmal.domain.invariants import By, Evidence, Violation
from einmal.domain.invariants import Life as Booked
from einmal.domain.model import Person, Wish
from einmal.domain.reply import Outcome, Reply
from einmal.domain.settle import SettlePolicy
from einmal.flows.book import Bookings
from einmal.flows.rule import CannotRule, Rulings
from einmal.flows.work import Worker
from einmal.ports import CallContact
from einmal.simulator.memory import MemoryBooks, MemoryLedger
from einmal.simulator.virtual import SeededIds
from einmal.simulator.world.calendar import WorldCalendar
from einmal.simulator.world.cases import Ask, Case
from einmal.simulator.world.episode import REST_HOURS, Episode, Sabotage, Setting
from einmal.simulator.world.mortal import Deaths, Disk, Life, MortalLoop, Point, Wire, outside
from einmal.simulator.world.parts import Parts, assemble
from einmal.simulator.world.people import SERVICE
from einmal.simulator.world.weather import Fate, LookFate, Weather

RESTART_SECONDS: Final = 0.5
REST_SECONDS: Final = 20
ASKS_MAX: Final = 6
"""The platform's first request and its five repeats."""

_PHONES: Final = (Person("Jürgen Groß", phone="+493012340001"), Person("Anna Berg", phone="+493012340002"))
_EMAILS: Final = (Person("Zoë Åkesson", email="zoe@example.test"), Person("Karl Meier", email="karl@example.test"))
_UNFINISHED: Final = frozenset({State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING})


@dataclass(slots=True)
class Lived:
    """What came of a case. `points`: of each life, in their order."""

    case: Case
    violations: list[Violation]
    points: list[list[Point]]
    killed: set[str]
    """At each death: what it was about, and the last move of each intent."""
    unheard: int
    """Bookings that stand and are known, of which no caller was told anything by anybody."""
    evidence: Evidence | None


class _Steady(random.Random):
    """Always the middle."""

    def random(self) -> float:
        return 0.5


class _SteadyIds(SeededIds):
    """Ids as ever, and no jitter: how many ids were drawn before a death moves nothing in time."""

    def jitter(self) -> float:
        return 0.5


@dataclass(slots=True)
class _Gateway:
    life: Life
    bookings: Bookings
    worker: Worker
    ended: "asyncio.Future[None]"


class CrashWorld(Episode):
    """One case's world. A saboteur may change its parts, as in an episode."""

    def __init__(self, case: Case, sabotage: Sabotage) -> None:
        scenario = case.scenario
        lags = scenario.looks is LookFate.LAGS
        super().__init__(case.seed, Setting(gateways=0, crashes=0.0, storage=0.0, lags=lags), sabotage=sabotage)
        self.case = case
        chance: random.Random = _Steady() if case.seed == 0 else random.Random(f"crash:{case.seed}")  # noqa: S311
        self.ids = _SteadyIds() if case.seed == 0 else self.ids
        self.calendar = WorldCalendar(
            self.clock,
            chance,
            self.calendar.weather,
            hosts=scenario.hosts,
            on_request=scenario.on_request,
            holds_sent=self._holds_sent,
        )
        self.deaths = Deaths([case.k, case.second])
        self.killed: set[str] = set()
        self.gateways: list[_Gateway] = []
        self.last_moves: dict[str, str] = {}
        self.posts = 0
        self.under_way = 0
        self.late_until = 0.0
        self.unsynced: MemoryBooks | None = None
        """What is found on the disk after a crash, where it is not what was written. For saboteurs."""

    async def lived(self) -> Lived:
        scenario, start = self.case.scenario, self.clock.start + timedelta(days=2)
        # Somebody else's, to be given as a foreign answer.
        self.calendar.booked_by_hand(start + timedelta(hours=3), SERVICE.event_type_id)
        if scenario.breaker_seconds:
            opens = self.clock.now() + timedelta(seconds=scenario.breaker_seconds)
            self.books.gates["account"] = Gate(self.clock.now(), open_until=opens)
        self.gateways = [self._gateway() for _ in range(self.case.workers)]
        people = _EMAILS if scenario.emails else _PHONES
        calls = [self._caller(ask, people[ask.person]) for ask in scenario.asks]
        ruler = outside(self._rules())
        await asyncio.gather(*map(outside, calls))
        for _ in range(REST_HOURS * 3600 // REST_SECONDS):
            if self._at_rest():
                break
            await asyncio.sleep(REST_SECONDS)
        ruler.cancel()
        result = self._result()
        found = result.violations + list(self._unknown())
        return Lived(self.case, found, self.deaths.points, self.killed, len(list(self._unheard())), result.evidence)

    def _gateway(self) -> _Gateway:
        life = Life(self._dies)
        ledger = MemoryLedger(self.ids, ("webhook",), books=self.books, on_move=self._moved)
        disk: list[Any] = [Disk(port, life) for port in (ledger, ledger.gates, ledger.outbox)]
        wire: Any = Wire(self._asked, life)
        policy = GatePolicy(per_minute=0)
        parts = Parts(disk[0], disk[1], disk[2], wire, wire, self.clock, self.ids, self.alarms, policy)
        parts.settle = SettlePolicy(give_up_after=self.case.scenario.person_after)
        self.sabotage(parts, self)
        gateway = _Gateway(life, *assemble(parts), asyncio.get_running_loop().create_future())
        life.start(self._works(gateway.worker))
        return gateway

    async def _works(self, worker: Worker) -> None:
        while True:
            await worker.turn()
            await outside(self._until_due())

    async def _until_due(self) -> None:
        """Turns in which nothing is due are left out: dying in them is dying of nothing."""
        due = None
        while due is None or due > self.clock.now():
            left = 60.0 if due is None else (due - self.clock.now()).total_seconds()
            await asyncio.sleep(min(60.0, max(1.0, left)))
            # The first sweep of all is in nobody's queue yet.
            due = self.clock.now() if self._tombstones() and not self.books.sweeps else self.books.next_due()

    def _tombstones(self) -> bool:
        return any(row.state is State.REJECTED and row.doubted_at for row in self.books.intents.rows.values())

    def _dies(self, life: Life, point: Point) -> bool:
        if not self.deaths.here(point):
            return False
        self.killed.update((point.what, *(self.last_moves.values() or ["nothing written"])))
        if self.unsynced is not None:
            self.books, self.unsynced = self.unsynced, None
        number = next(number for number, gateway in enumerate(self.gateways) if gateway.life is life)
        self.gateways[number].ended.set_result(None)
        outside(self._restarted(number))
        return True

    async def _restarted(self, number: int) -> None:
        await asyncio.sleep(RESTART_SECONDS)
        self.gateways[number] = self._gateway()

    async def _caller(self, ask: Ask, person: Person) -> None:
        """What a platform does: it asks again what nobody answered, and later what is still being checked."""
        await asyncio.sleep(ask.after)
        call_id = f"call_{ask.call}"
        wish = Wish("default", call_id, SERVICE, self.clock.start + timedelta(days=2), person)
        for _ in range(ASKS_MAX):
            reply = await self._answered(wish, call_id, ask.call)
            if self.case.scenario.silent or (reply is not None and reply.outcome is not Outcome.IN_DOUBT):
                return
            await asyncio.sleep(1.0 if reply is None else 20.0)

    async def _answered(self, wish: Wish, call_id: str, number: int) -> Reply | None:
        """One function call; None where its process died or none was there."""
        up = [gateway for gateway in self.gateways if not gateway.life.dead]
        if not up:
            return None
        gateway = up[number % len(up)]
        began = self.clock.monotonic()
        reply = await self._heard(gateway, gateway.bookings.book(wish, CallContact("retell", call_id)))
        if isinstance(reply, Reply):
            self.waits.append(self.clock.monotonic() - began)
            self._said(wish, call_id, reply)
            return reply
        return None

    async def _heard(self, gateway: _Gateway, work: Coroutine[Any, Any, Any]) -> Any:
        """What the gateway answers, None if it dies first."""
        task = gateway.life.start(work)
        await asyncio.wait({task, gateway.ended}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return None
        error = task.exception()
        if error is not None and not isinstance(error, CannotRule):
            self.alarms.bugs.append(f"a function call raised {type(error).__name__}")
        return None if error is not None else task.result()

    async def _rules(self) -> None:
        """The person in whose hands a doubt ends: looks into the calendar, and says what stands there."""
        while True:
            await asyncio.sleep(60)
            gateway = self.gateways[0]
            if gateway.life.dead or self.clock.monotonic() < self.case.scenario.looks_for:
                continue
            outcomes, attempts = gateway.bookings.attempts.outcomes, gateway.bookings.attempts
            rulings = Rulings(outcomes, attempts.calendar, gateway.bookings.budgets)
            for intent in [row for row in self.books.intents.rows.values() if row.state is State.ESCALATED]:
                uid = next((one.uid for one in self._standing() if one.operation_id == intent.operation_id), None)
                said = rulings.not_booked(intent.intent_id) if uid is None else rulings.booked(intent.intent_id, uid)
                await self._heard(gateway, said)

    async def _asked(self, name: str, *arguments: Any) -> Any:
        """What is under way to the outside, and its fate there."""
        self.under_way += 1
        try:
            if name == "send":
                await asyncio.sleep(0.2)
                return await self.send(*arguments)
            if name == "create" and self.case.scenario.refused:
                await asyncio.sleep(0.2)
                return Answer(AnswerKind.REFUSED, http_status=400, detail="past")
            self.calendar.weather = self._weather(name)
            return await getattr(self.calendar, name)(*arguments)
        finally:
            self.under_way -= 1

    def _weather(self, name: str) -> Weather:
        scenario, now = self.case.scenario, self.clock.monotonic()
        fates = (*scenario.before, self.case.fate)
        fate = fates[self.posts] if name == "create" and self.posts < len(fates) else Fate.GOOD
        self.posts += name == "create"
        if fate is Fate.LATE:
            self.late_until = now + 1 + scenario.late_seconds
        looks = scenario.looks if now < scenario.looks_for else LookFate.GOOD
        return Weather({fate: 1.0}, {looks: 1.0}, late_seconds_max=scenario.late_seconds)

    def _moved(self, before: Intent | None, event: Event | None, after: Intent) -> None:
        super()._moved(before, event, after)
        self.last_moves[after.intent_id] = f"{after.state} by {event or 'admission'}"

    def _at_rest(self) -> bool:
        """Nothing is under way, unfinished, unsent, or in the calendar against what its row says."""
        if self.under_way or self.clock.monotonic() < self.late_until:
            return False
        rules = self.case.scenario.person_after < timedelta(hours=24)
        waiting = _UNFINISHED | {State.ESCALATED} if rules else _UNFINISHED
        rows = {row.operation_id: row for row in self.books.intents.rows.values()}
        if any(row.state in waiting for row in rows.values()):
            return False
        if any(message.due_at is not None for message in self.books.outbox.values()):
            return False
        known = BOOKED | {State.ESCALATED}
        return all(one.operation_id in rows and rows[one.operation_id].state in known for one in self._standing())

    def _standing(self) -> list[Booked]:
        return [one for one in self.calendar.lives() if one.stands and one.made_by is By.US]

    def _unknown(self) -> Iterator[Violation]:
        """What stands is held as booked, or a person was told of it: whether or not anybody ever called again."""
        rows = {row.operation_id: row for row in self.books.intents.rows.values()}
        told = {message.partition(".")[0] for message in self.sent}
        for one in self._standing():
            row = rows.get(one.operation_id or "")
            if row is None or (row.state not in BOOKED and row.intent_id not in told):
                yield Violation("nobody knows", f"{one.uid} stands, and nobody knows of it")

    def _unheard(self) -> Iterator[Intent]:
        told = {message.partition(".")[0] for message in self.sent} | {said.intent_id for said in self.spoken}
        for row in self.books.intents.rows.values():
            if row.state in BOOKED and row.intent_id not in told:
                yield row


def unsabotaged(parts: Parts, episode: Episode) -> None:
    """The gateway as it is."""


def live(case: Case, sabotage: Sabotage = unsabotaged) -> Lived:
    """The whole case, in virtual time."""
    loop = MortalLoop()  # type: ignore[abstract]
    try:
        lived: Lived = loop.run_until_complete(CrashWorld(case, sabotage).lived())
    finally:
        loop.bury()
    return lived
