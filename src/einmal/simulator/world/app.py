"""The world around the whole gateway: its ASGI application, its HTTP adapters, its SQL on a real database.

Slower than the world around the flows alone, and closer: what is spoken is read from JSON, what is booked stands in
the simulated Cal.com, faults are acted out on its bytes, and a process that is killed leaves a database. And its
callers live: they hold, book, cancel and move, hang up and call again, while people change the calendar by hand.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from einmal.adapters.sql.rows import instant_text
from einmal.adapters.sql.steps import Store, only
from einmal.domain.intent import State
from einmal.domain.invariants import Evidence, Request, Violation, violations
from einmal.domain.reply import Outcome
from einmal.entrypoints.http.app import create_app
from einmal.ports import CommitUnknown, LedgerUnavailable, Message
from einmal.simulator.asgi import HttpAnswer
from einmal.simulator.asgi import request as send_request
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.faults import FaultPlan
from einmal.simulator.storage import FaultyStore, StorageFault
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.virtual import TimedIds, VirtualClock
from einmal.simulator.wire import SimulatedCalcom
from einmal.simulator.world import carrier as carrying
from einmal.simulator.world import told
from einmal.simulator.world.carrier import Carrier, Post
from einmal.simulator.world.episode import Result, Setting
from einmal.simulator.world.hands import Hands, Onlooker
from einmal.simulator.world.homes import Home
from einmal.simulator.world.line import Asked, Heard, Line, heard, webhook
from einmal.simulator.world.living import life, starts
from einmal.simulator.world.notes import Notes
from einmal.simulator.world.people import callers
from einmal.simulator.world.place import Place, settings_for
from einmal.simulator.world.rest import Rest
from einmal.simulator.world.storm import BookedWire, CountedCalcom, stormy_plan
from einmal.wiring import TENANT_ID, Gateway, build_gateway

STARTS_MAX: Final = 100
"""Of a process, one after the other. Simulated faults strike far fewer: then the real database is gone."""

_NEXT_DUE: Final = """
    SELECT min(due) FROM (
        SELECT min(look_at) AS due FROM intents WHERE state IN ('intent', 'sent', 'doubt', 'compensating')
        UNION ALL SELECT min(look_at) FROM changes WHERE look_at IS NOT NULL
        UNION ALL SELECT min(due_at) FROM outbox WHERE due_at IS NOT NULL
        UNION ALL SELECT min(due_at) FROM inbox WHERE due_at IS NOT NULL
        UNION ALL SELECT min(due_at) FROM sweeps) AS dues"""
_HELD: Final = "SELECT count(*) FROM holds WHERE conversation_id = ? AND expires_at > ?"
_KNOWN_OVER: Final = """
    SELECT 1 FROM inbox WHERE source = 'retell' AND subject = ? AND event = 'call_ended' AND handled_at IS NOT NULL"""
_HELD_BY_OTHERS: Final = "SELECT start_at FROM holds WHERE conversation_id <> ? AND expires_at > ?"
_BOOKED_AT: Final = """
    SELECT calcom_v2_booking_id FROM appointments WHERE starts_at = ? AND status IN ('confirmed', 'pending')"""


CHANGES: Final = frozenset({"cancel_appointment", "reschedule_appointment"})
MEDDLED: Final = 0.06
"""Of the changes that callers ask for: somebody changes the same appointment by hand, just then."""

ON_REQUEST: Final = 0.2
"""Of the houses: a host must say yes to each booking."""

LOSES_ONE: Final = 0.15
"""Of the calendars: at the end a booking is gone without a trace."""

PATIENCE_SECONDS: Final = 5.0
"""For so long at most Cal.com's pages wait for whoever hears its webhooks."""

Bend = Callable[[Gateway], None]
"""Sabotage: changes parts of a gateway before it serves."""


class AppEpisode:
    """One seed's world, with its ledger in this home. Sabotage: `spoil` bends each gateway's store, `door` what stands
    in front of it, `bend` the rest."""

    def __init__(
        self,
        seed: int,
        setting: Setting,
        home: Home,
        spoil: Callable[[Store], Store] = lambda one: one,
        bend: Bend = lambda _: None,
        door: Callable[[Any], Any] = lambda app: app,
    ) -> None:
        self.seed = seed
        self.setting = setting
        self.home = home
        self.spoil = spoil
        self.bend = bend
        self.door = door
        self.beside = home.store()
        self.chance = random.Random(f"app:{seed}")  # noqa: S311 - repeatable, not secret
        self.clock = VirtualClock()
        outside = random.Random(f"outside:{seed}")  # noqa: S311
        self.post = outside.choice(carrying.POSTS) if setting.webhooks else Post.NONE
        self.reconcile_seconds = outside.choice((0, 0, 600, 3600)) if setting.webhooks else 3600
        on_request = setting.webhooks and outside.random() < ON_REQUEST
        types = [replace(one, requires_confirmation=on_request) for one in demo_event_types()]
        uids = random.Random(f"uids:{seed}")  # noqa: S311
        calendar = SimulatedCalendar(
            types, now=self.clock.true_now, new_uid=lambda: f"{uids.getrandbits(112):022d}"[:22]
        )
        calcom = SimulatedCalcom(calendar, api_keys=None, now=self.clock.true_now)
        self.calcom = CountedCalcom(calcom)
        self.requests: list[Request] = []
        self.posting: set[str] = set()
        self.notes = Notes()
        self.seen = self.notes.seen
        self.observer = Onlooker(self.seen)
        self.hands = Hands(calendar, random.Random(f"hands:{seed}"), self.seen)  # noqa: S311
        self.carrier = Carrier(self.post, self.calcom, self._brought, outside, self.seen, self.posting)
        self.calcom.tells = self.carrier.fetch
        self.hands.tells = self._at_hand
        self.rest = Rest(
            lambda: self.places[0].gateway,
            self.beside,
            self.calcom,
            self.carrier,
            self.clock,
            setting.rest_hours,
            self.seen,
        )
        self.storage = 0.0
        self.started = 0
        self.places: list[Place] = []

    async def run(self) -> Result:
        self.beside.open()
        self.places = [await self._place() for _ in range(self.setting.gateways)]
        # In the worst weather the breaker keeps most changes from the wire: other days are better.
        share = self.setting.share * self.chance.choice((0.2, 0.4, 1.0))
        self.calcom.follow(stormy_plan(self.seed, share, self.setting.lagging))
        self.storage = self.setting.storage
        workers = [asyncio.ensure_future(self._work(number)) for number in range(len(self.places))]
        self.hands.starts = tuple(starts(self.setting.callers * 2 // 3, self.clock.start))
        everybody = callers(self.setting.callers, self.clock.start, self.chance, self.hands.starts)
        around = [
            asyncio.ensure_future(life(caller, self, random.Random(f"{self.seed}:{caller.call_id}")))  # noqa: S311
            for caller in everybody
        ]
        around += [asyncio.ensure_future(self._crash(number)) for number in range(len(self.places))]
        if self.setting.webhooks:
            around += [asyncio.ensure_future(self.hands.edit()), asyncio.ensure_future(self.carrier.forge())]
        await asyncio.gather(*around, self.hands.work())
        self.calcom.follow(FaultPlan())
        self.storage = 0.0
        await self.rest.comes()
        unlike = await self._unlike()
        if self.setting.webhooks and self.hands.chance.random() < LOSES_ONE:
            self.hands.lose(await self.rest.changing())
        await self.rest.reconciled()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        result = await self._result(unlike)
        for place in self.places:
            await place.gateway.close()
        return result

    def _at_hand(self) -> None:
        """People find in the calendar what is due by now, and its pages wait for whoever hears of what they do."""
        self.calcom.tick()
        self.carrier.fetch(PATIENCE_SECONDS)

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
        if await self.beside.read(only(_KNOWN_OVER, line.call_id)):
            self.notes.hung_up.setdefault(line.call_id, self.now())
        if holds and not await self._holds(line):
            self.seen.add("hang-up released a hold")

    async def _brought(self, body: bytes, headers: Mapping[str, str]) -> HttpAnswer | None:
        """One webhook of the calendar's."""
        return await self._sent(carrying.PATH, body, headers)

    async def _sent(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> HttpAnswer | None:
        """None where nobody heard an answer: its process was killed."""
        place = self.chance.choice(self.places)
        task = asyncio.ensure_future(send_request(place.app, "POST", path, body, headers=dict(headers or {})))
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

    async def _place(self) -> Place:
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
            return Place(gateway, self.door(create_app(gateway)))
        raise LedgerUnavailable("the database itself does not answer")

    async def _started(self) -> Gateway:
        self.started += 1
        inner = InProcessTransport(self.calcom, 0.2, self.clock)
        wire = BookedWire(inner, self.clock, self.requests, self.posting)
        ids = TimedIds(self.seed * 1000 + self.started, self.clock)
        store = FaultyStore(self.spoil(self.home.store()), self._storage_fault)
        settings = settings_for(self.home.url, self.post, self.reconcile_seconds)
        return await build_gateway(settings, wire, self.clock, ids, self.observer, store=store)

    async def send(self, message: Message) -> str | None:
        self.seen.add(f"news {message.kind}")
        self.notes.writes(message)
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

    async def _unlike(self) -> list[Violation]:
        """What the two sides do not agree about although every webhook arrived and nothing else was compared."""
        if self.reconcile_seconds or not await self.rest.told():
            return []
        self.seen.add("told by webhooks alone")
        evidence = replace(await self._evidence(), listed=told.brought_back(self.hands))
        return [replace(one, text=f"{one.text}, before any reconciliation") for one in unlike_of(evidence)]

    async def _evidence(self) -> Evidence:
        intents = await self.places[0].gateway.ledger.in_states(TENANT_ID, tuple(State), 100_000)
        rows, changes = await told.rows_of(self.beside, intents), await told.changes_of(self.beside)
        lives = told.lives_of(self.hands, rows, changes)
        left, hung_up = await self.rest.left(), self.notes.hung_up
        spoken, requests = self.notes.spoken, self.requests
        return Evidence(lives, rows, spoken, requests, changes=changes, hung_up=hung_up, reconciled=True, listed=left)

    async def _result(self, unlike: list[Violation]) -> Result:
        evidence = await self._evidence()
        rows = evidence.rows
        found = [*violations(evidence), *unlike, *told.beside(evidence, self.notes, self.hands.ended)]
        found += [*self.carrier.wrong, *self.notes.told_twice()]
        found += await told.stuck_holds(self, self.hands)
        found += [Violation("bug", text) for text in self.observer.bugs]
        regrets = sum(row.intent.state is State.COMPENSATED for row in rows)
        self.seen |= {f"ends as {row.intent.state}" for row in rows}
        self.seen |= told.changes_seen(evidence.changes, self.calcom.unheard)
        calls, disturbed = self.calcom.calls, self.calcom.disturbed
        return Result(self.seed, len(rows), found, self.seen, calls, disturbed, regrets, evidence)


def unlike_of(evidence: Evidence) -> list[Violation]:
    """What breaks I13."""
    return [one for one in violations(evidence) if one.invariant == "I13"]
