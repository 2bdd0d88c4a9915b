"""The world around the whole gateway: its ASGI application, its HTTP adapters, its SQL on a real database.

Slower than the world around the flows alone, and closer: what is spoken is read from JSON, what is booked stands in
the simulated Cal.com, faults are acted out on its bytes, and a process that is killed leaves a database. And its
callers live: they hold, book, cancel and move, hang up and call again, while people change the calendar by hand.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from einmal.adapters.sql.rows import instant_text
from einmal.adapters.sql.steps import Store, only
from einmal.domain.intent import State
from einmal.domain.invariants import Evidence, Request, Violation, violations
from einmal.domain.reply import Outcome
from einmal.entrypoints.http.app import create_app
from einmal.ports import CommitUnknown, LedgerUnavailable, Message
from einmal.settings import Secret, Settings, read_settings
from einmal.simulator.asgi import HttpAnswer
from einmal.simulator.asgi import request as send_request
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.faults import FaultPlan
from einmal.simulator.storage import FaultyStore, StorageFault
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.virtual import TimedIds, VirtualClock
from einmal.simulator.wire import SimulatedCalcom
from einmal.simulator.world import told
from einmal.simulator.world.episode import Result, Setting
from einmal.simulator.world.hands import Hands, Onlooker
from einmal.simulator.world.homes import Home
from einmal.simulator.world.line import Asked, Heard, Line, heard, webhook
from einmal.simulator.world.living import life, starts
from einmal.simulator.world.notes import Notes
from einmal.simulator.world.people import callers
from einmal.simulator.world.storm import BookedWire, CountedCalcom, stormy_plan
from einmal.wiring import TENANT_ID, Gateway, build_gateway

STARTS_MAX: Final = 100
"""Of a process, one after the other. Simulated faults strike far fewer: then the real database is gone."""

_NEXT_DUE: Final = """
    SELECT min(due) FROM (
        SELECT min(look_at) AS due FROM intents WHERE state IN ('intent', 'sent', 'doubt', 'compensating')
        UNION ALL SELECT min(look_at) FROM changes WHERE look_at IS NOT NULL
        UNION ALL SELECT min(due_at) FROM outbox WHERE due_at IS NOT NULL
        UNION ALL SELECT min(due_at) FROM sweeps) AS dues"""
_LIVE_CHANGES: Final = "SELECT count(*) FROM changes WHERE state IN ('sent', 'doubt')"
_PERSONS_CHANGES: Final = "SELECT count(*) FROM changes WHERE state = 'escalated'"
_HELD: Final = "SELECT count(*) FROM holds WHERE conversation_id = ? AND expires_at > ?"
_HELD_BY_OTHERS: Final = "SELECT start_at FROM holds WHERE conversation_id <> ? AND expires_at > ?"
_BOOKED_AT: Final = """
    SELECT calcom_v2_booking_id FROM appointments WHERE starts_at = ? AND status IN ('confirmed', 'pending')"""


CHANGES: Final = frozenset({"cancel_appointment", "reschedule_appointment"})
MEDDLED: Final = 0.06
"""Of the changes that callers ask for: somebody changes the same appointment by hand, just then."""

Bend = Callable[[Gateway], None]
"""Sabotage: changes parts of a gateway before it serves."""


@dataclass(slots=True)
class _Place:
    """Where a process runs; another takes its place when it is killed."""

    gateway: Gateway
    app: Any
    tasks: "set[asyncio.Task[Any]]" = field(default_factory=set)

    def kill(self) -> None:
        tenancy = self.gateway.tenancies.sole
        begun = tenancy.holding._begun  # noqa: SLF001 - what no caller waits for dies as well
        for task in [*self.tasks, *tenancy.bookings.under_way, *tenancy.changes.under_way.tasks, *begun]:
            task.cancel()


class AppEpisode:
    """One seed's world, with its ledger in this home. Sabotage: `spoil` bends each gateway's store, `bend` the rest."""

    def __init__(
        self,
        seed: int,
        setting: Setting,
        home: Home,
        spoil: Callable[[Store], Store] = lambda one: one,
        bend: Bend = lambda _: None,
    ) -> None:
        self.seed = seed
        self.setting = setting
        self.home = home
        self.spoil = spoil
        self.bend = bend
        self.beside = home.store()
        self.chance = random.Random(f"app:{seed}")  # noqa: S311 - repeatable, not secret
        self.clock = VirtualClock()
        calendar = SimulatedCalendar(demo_event_types(), now=self.clock.true_now, new_uid=random_uid)
        calcom = SimulatedCalcom(calendar, api_keys=None, now=self.clock.true_now)
        self.calcom = CountedCalcom(calcom)
        self.requests: list[Request] = []
        self.notes = Notes()
        self.seen = self.notes.seen
        self.observer = Onlooker(self.seen)
        self.hands = Hands(calendar, random.Random(f"hands:{seed}"), self.seen)  # noqa: S311
        self.storage = 0.0
        self.started = 0
        self.places: list[_Place] = []

    async def run(self) -> Result:
        self.beside.open()
        self.places = [await self._place() for _ in range(self.setting.gateways)]
        # In the worst weather the breaker keeps most changes from the wire: other days are better.
        share = self.setting.share * self.chance.choice((0.2, 0.4, 1.0))
        self.calcom.follow(stormy_plan(self.seed, share))
        self.storage = self.setting.storage
        workers = [asyncio.ensure_future(self._work(number)) for number in range(len(self.places))]
        self.hands.starts = tuple(starts(self.setting.callers * 2 // 3, self.clock.start))
        everybody = callers(self.setting.callers, self.clock.start, self.chance, self.hands.starts)
        around = [
            asyncio.ensure_future(life(caller, self, random.Random(f"{self.seed}:{caller.call_id}")))  # noqa: S311
            for caller in everybody
        ]
        around += [asyncio.ensure_future(self._crash(number)) for number in range(len(self.places))]
        await asyncio.gather(*around, self.hands.work())
        self.calcom.follow(FaultPlan())
        self.storage = 0.0
        await self._rest()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        result = await self._result()
        for place in self.places:
            await place.gateway.close()
        return result

    def now(self) -> datetime:
        return self.clock.true_now()

    async def ask(self, asked: Asked) -> Heard | None:
        """One function call, to one of the gateways."""
        if asked.function in CHANGES and asked.start is not None and self.chance.random() < MEDDLED:
            await self._meddled(asked.start)
        began = self.now()
        self.notes.asks(asked, began)
        answer = await self._sent(f"/api/retell/{asked.function.replace('_', '-')}", asked.body)
        if answer is None:
            return None
        told = heard(answer)
        self.notes.hears(asked, told, began, self.now())
        if asked.function == "reserve_slot" and told.outcome is Outcome.UNAVAILABLE:
            await self._refused_for_a_hold(asked)
        return told

    async def tell(self, event: str, line: Line, at: datetime) -> None:
        """The platform's word of a call."""
        ends = event == "call_ended"
        holds = ends and await self._holds(line)
        if ends:
            self.notes.lets_go(line.call_id, self.now())
        answer = await self._sent("/api/webhooks/retell", webhook(event, line, at))
        if answer is None or answer.status != 200 or not ends:
            return
        self.notes.hung_up.setdefault(line.call_id, self.now())
        if holds and not await self._holds(line):
            self.seen.add("hang-up released a hold")

    async def _sent(self, path: str, body: bytes) -> HttpAnswer | None:
        """None where nobody heard an answer: its process was killed."""
        place = self.chance.choice(self.places)
        task = asyncio.ensure_future(send_request(place.app, "POST", path, body))
        place.tasks.add(task)
        task.add_done_callback(place.tasks.discard)
        try:
            return await task
        except asyncio.CancelledError:
            if place in self.places:
                raise
            return None

    async def _holds(self, line: Line) -> bool:
        return bool((await self.beside.read(only(_HELD, line.call_id, instant_text(self.now()))))[0][0])

    async def _refused_for_a_hold(self, asked: Asked) -> None:
        """Seen only where the calendar had it free."""
        rows = await self.beside.read(only(_HELD_BY_OTHERS, asked.line.call_id, instant_text(self.now())))
        if asked.start is not None and instant_text(asked.start) in {row[0] for row in rows}:
            self.seen.add("hold refused to another")

    async def _meddled(self, start: datetime) -> None:
        for (uid,) in await self.beside.read(only(_BOOKED_AT, instant_text(start))):
            self.hands.busy.append(asyncio.ensure_future(self.hands.meddle(uid)))

    async def _place(self) -> _Place:
        for _ in range(STARTS_MAX):
            try:
                gateway = await self._started()
            except (LedgerUnavailable, CommitUnknown):
                # It ends saying so, and whoever supervises it starts it again.
                self.seen.add("could not start")
                await asyncio.sleep(1.0)
                continue
            couriers: Any = gateway.worker.deliveries.couriers
            couriers["webhook"] = self
            self.bend(gateway)
            return _Place(gateway, create_app(gateway))
        raise LedgerUnavailable("the database itself does not answer")

    async def _started(self) -> Gateway:
        self.started += 1
        wire = BookedWire(InProcessTransport(self.calcom, 0.2, self.clock), self.clock, self.requests)
        ids = TimedIds(self.seed * 1000 + self.started, self.clock)
        store = FaultyStore(self.spoil(self.home.store()), self._storage_fault)
        return await build_gateway(_settings(self.home.url), wire, self.clock, ids, self.observer, store=store)

    async def send(self, message: Message) -> str | None:
        self.seen.add(f"news {message.kind}")
        return None

    def _storage_fault(self) -> StorageFault | None:
        if not self.storage or self.chance.random() >= self.storage:
            return None
        fault = self.chance.choice(tuple(StorageFault))
        self.seen.add(f"storage {fault.value}")
        return fault

    async def _crash(self, number: int) -> None:
        while self.chance.random() < self.setting.crashes:
            await asyncio.sleep(self.chance.random() * 500)
            if self.chance.random() < 0.5:
                await self._under_way(number)
            old = self.places[number]
            self.places[number] = await self._place()
            if old.gateway.tenancies.sole.changes.under_way.tasks:
                self.seen.add("killed during a change")
            old.kill()
            self.seen.add("killed")

    async def _under_way(self, number: int) -> None:
        """Wait for the middle of a change, for some minutes."""
        until = self.clock.monotonic() + 300
        while self.clock.monotonic() < until:
            if self.places[number].gateway.tenancies.sole.changes.under_way.tasks:
                return
            await asyncio.sleep(0.5)

    async def _work(self, number: int) -> None:
        while True:
            await self.places[number].gateway.worker.turn()
            await asyncio.sleep(await self._until_due())

    async def _until_due(self) -> float:
        """Seconds: a worker that finds nothing to do each second of a virtual day only takes real time."""
        due = (await self.beside.read(only(_NEXT_DUE)))[0][0]
        left = 60.0 if due is None else (datetime.fromisoformat(due) - self.clock.now()).total_seconds()
        return min(60.0, max(1.0, left))

    async def _rest(self) -> None:
        end = self.clock.monotonic() + self.setting.rest_hours * 3600
        await asyncio.sleep(900)
        while self.clock.monotonic() < end:
            self.calcom.tick()
            if not await self._unfinished():
                break
            await asyncio.sleep(60)
        # What a person was asked to look at is looked at each hour.
        await asyncio.sleep(3700 if (await self.beside.read(only(_PERSONS_CHANGES)))[0][0] else 1200)

    async def _unfinished(self) -> bool:
        unfinished = (State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING)
        if await self.places[0].gateway.ledger.in_states(TENANT_ID, unfinished, 1):
            return True
        return bool((await self.beside.read(only(_LIVE_CHANGES)))[0][0])

    async def _result(self) -> Result:
        intents = await self.places[0].gateway.ledger.in_states(TENANT_ID, tuple(State), 100_000)
        rows, changes = await told.rows_of(self.beside, intents), await told.changes_of(self.beside)
        lives = told.lives_of(self.calcom.calendar.bookings, rows, told.Ends(self.hands.ended, changes))
        spoken = self.notes.spoken
        evidence = Evidence(lives, rows, spoken, self.requests, changes=changes, hung_up=self.notes.hung_up)
        found = [*violations(evidence), *told.beside(evidence, self.notes, self.hands.ended)]
        found += await told.stuck_holds(self, self.hands)
        found += [Violation("bug", text) for text in self.observer.bugs]
        regrets = sum(row.intent.state is State.COMPENSATED for row in rows)
        self.seen |= {f"ends as {row.intent.state}" for row in rows} | told.changes_seen(changes, self.calcom.unheard)
        calls, disturbed = self.calcom.calls, self.calcom.disturbed
        return Result(self.seed, len(rows), found, self.seen, calls, disturbed, regrets, evidence)


def _settings(url: str) -> Settings:
    made = read_settings(
        {
            "EINMAL_DATABASE_URL": url,
            "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
            "EINMAL_NOTIFY_URL": "http://127.0.0.1:9/news",
            "EINMAL_NOTIFY_SECRET": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0",
        }
    )
    return replace(made, calcom_api_key=Secret("cal_test"))
