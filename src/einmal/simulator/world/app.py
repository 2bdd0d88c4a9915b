"""The same world around the whole gateway: its ASGI application, its HTTP adapters, its SQL on a real database.

Slower than the world around the flows alone, and closer: what is spoken is read from JSON, what is booked stands in
the simulated Cal.com, faults are acted out on its bytes, and a process that is killed leaves a database.
"""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from einmal.adapters.sql.steps import Store, only
from einmal.domain.intent import State
from einmal.domain.invariants import By, Evidence, Life, Request, Row, Spoken, violations
from einmal.domain.model import MetadataKey, Wish
from einmal.domain.reply import Outcome, Reply
from einmal.entrypoints.http.app import create_app
from einmal.flows.compensate import REASON
from einmal.ports import CommitUnknown, LedgerUnavailable, Message
from einmal.settings import Secret, Settings, read_settings
from einmal.simulator.asgi import request as send_request
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.faults import FaultPlan
from einmal.simulator.records import BookingStatus, SimulatedBooking
from einmal.simulator.storage import FaultyStore, StorageFault
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.virtual import SeededIds, VirtualClock
from einmal.simulator.wire import SimulatedCalcom
from einmal.simulator.world.episode import REST_HOURS, Result, Setting
from einmal.simulator.world.homes import Home
from einmal.simulator.world.parts import Alarms
from einmal.simulator.world.people import callers, phone_call
from einmal.simulator.world.storm import BookedWire, CountedCalcom, stormy_plan
from einmal.wiring import TENANT_ID, Gateway, build_gateway

STARTS_MAX: Final = 100
"""Of a process, one after the other. Simulated faults strike far fewer: then the real database is gone."""

_BERLIN: Final = timedelta(hours=1)
_NEXT_DUE: Final = """
    SELECT min(due) FROM (
        SELECT min(look_at) AS due FROM intents WHERE state IN ('intent', 'sent', 'doubt', 'compensating')
        UNION ALL SELECT min(due_at) FROM outbox WHERE due_at IS NOT NULL
        UNION ALL SELECT min(due_at) FROM sweeps) AS dues"""
_BOOKED: Final = "SELECT intent_id, appointment_id, calcom_v2_booking_id, starts_at FROM appointments"


@dataclass(slots=True)
class _Place:
    """Where a process runs; another takes its place when it is killed."""

    gateway: Gateway
    app: Any
    tasks: "set[asyncio.Task[Any]]" = field(default_factory=set)

    def kill(self) -> None:
        for task in [*self.tasks, *self.gateway.bookings.under_way]:
            task.cancel()


class AppEpisode:
    """One seed's world, with its ledger in this home. `spoil` bends each gateway's store: sabotage on the ledger."""

    def __init__(
        self, seed: int, setting: Setting, home: Home, spoil: Callable[[Store], Store] = lambda one: one
    ) -> None:
        self.seed = seed
        self.setting = setting
        self.home = home
        self.spoil = spoil
        self.beside = home.store()
        self.chance = random.Random(f"app:{seed}")  # noqa: S311 - repeatable, not secret
        self.clock = VirtualClock()
        calendar = SimulatedCalendar(demo_event_types(), now=self.clock.true_now, new_uid=random_uid)
        calcom = SimulatedCalcom(calendar, api_keys=None, now=self.clock.true_now)
        self.calcom = CountedCalcom(calcom)
        self.requests: list[Request] = []
        self.spoken: list[Spoken] = []
        self.seen: set[str] = set()
        self.alarms = Alarms()
        self.storage = 0.0
        self.started = 0
        self.places: list[_Place] = []

    async def run(self) -> Result:
        self.beside.open()
        self.places = [await self._place() for _ in range(self.setting.gateways)]
        self.calcom.follow(stormy_plan(self.seed, self.setting.share))
        self.storage = self.setting.storage
        workers = [asyncio.ensure_future(self._work(number)) for number in range(len(self.places))]
        people = [
            asyncio.ensure_future(phone_call(caller, self._ask, random.Random(f"{self.seed}:{caller.call_id}")))  # noqa: S311
            for caller in callers(self.setting.callers, self.clock.now(), self.chance)
        ]
        crashes = [asyncio.ensure_future(self._crash(number)) for number in range(len(self.places))]
        await asyncio.gather(*people, *crashes)
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
            return _Place(gateway, create_app(gateway))
        raise LedgerUnavailable("the database itself does not answer")

    async def _started(self) -> Gateway:
        self.started += 1
        wire = BookedWire(InProcessTransport(self.calcom, 0.2, self.clock), self.clock, self.requests)
        ids = SeededIds(self.seed * 1000 + self.started)
        store = FaultyStore(self.spoil(self.home.store()), self._storage_fault)
        return await build_gateway(_settings(self.home.url), wire, self.clock, ids, self.alarms, store=store)

    async def send(self, message: Message) -> str | None:
        self.seen.add(f"news {message.kind}")
        return None

    def _storage_fault(self) -> StorageFault | None:
        if not self.storage or self.chance.random() >= self.storage:
            return None
        fault = self.chance.choice(tuple(StorageFault))
        self.seen.add(f"storage {fault.value}")
        return fault

    async def _ask(self, wish: Wish, call_id: str) -> Reply | None:
        place = self.chance.choice(self.places)
        task = asyncio.ensure_future(send_request(place.app, "POST", "/api/retell/collect-appointment", _body(wish)))
        place.tasks.add(task)
        task.add_done_callback(place.tasks.discard)
        try:
            answer = await task
        except asyncio.CancelledError:
            if place in self.places:
                raise
            return None
        said = answer.json
        booking = said.get("booking") or {}
        start = datetime.fromisoformat(booking["start"]) if booking else None
        outcome = Outcome(said["status"])
        self.spoken.append(Spoken(self.clock.true_now(), "", call_id, outcome, booking.get("ref"), start))
        self.seen.add(f"said {outcome}")
        return Reply(outcome)

    async def _crash(self, number: int) -> None:
        while self.chance.random() < self.setting.crashes:
            await asyncio.sleep(self.chance.random() * 500)
            old = self.places[number]
            self.places[number] = await self._place()
            old.kill()
            self.seen.add("killed")

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
        end = self.clock.monotonic() + REST_HOURS * 3600
        unfinished = (State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING)
        await asyncio.sleep(900)
        while self.clock.monotonic() < end:
            self.calcom.tick()
            if not await self.places[0].gateway.ledger.in_states(TENANT_ID, unfinished, 1):
                break
            await asyncio.sleep(60)
        await asyncio.sleep(1200)

    async def _result(self) -> Result:
        rows = await self._rows()
        operations = {row.intent.operation_id for row in rows}
        lives = [_life(booking, operations) for booking in self.calcom.calendar.bookings]
        evidence = Evidence(lives, rows, self.spoken, self.requests)
        found = violations(evidence)
        regrets = sum(row.intent.state is State.COMPENSATED for row in rows)
        states = {f"ends as {row.intent.state}" for row in rows}
        calls, disturbed = self.calcom.calls, self.calcom.disturbed
        return Result(self.seed, len(rows), found, self.seen | states, calls, disturbed, regrets, evidence)

    async def _rows(self) -> list[Row]:
        booked = {row[0]: row[1:] for row in await self.beside.read(only(_BOOKED))}
        intents = await self.places[0].gateway.ledger.in_states(TENANT_ID, tuple(State), 100_000)
        rows = []
        for intent in intents:
            ref, uid, start = booked.get(intent.intent_id, (None, None, None))
            rows.append(Row(intent, ref, uid, None if start is None else datetime.fromisoformat(start)))
        return rows


def _life(booking: SimulatedBooking, operations: set[str]) -> Life:
    operation = booking.metadata.get(MetadataKey.OPERATION_ID)
    live = booking.status in {BookingStatus.ACCEPTED, BookingStatus.PENDING}
    accepted = booking.status is not BookingStatus.PENDING
    return Life(
        uid=booking.uid,
        operation_id=operation,
        start=booking.start,
        event_type_id=booking.event_type.id,
        since=booking.created_at,
        until=None if live else booking.updated_at,
        made_by=By.US if operation in operations else By.OTHERS,
        ended_by=None if live else By.US if booking.cancellation_reason == REASON else By.OTHERS,
        pending_until=booking.created_at if accepted else None,
        tenant_id=TENANT_ID,
        end=booking.end,
        resource=f"host {booking.host.id}",
    )


def _body(wish: Wish) -> bytes:
    local = wish.start + _BERLIN
    args = {"datum": f"{local:%Y-%m-%d}", "uhrzeit": f"{local:%H:%M}", "name": wish.person.name}
    args |= {"dienstleistung": "Beratung"}
    if wish.person.phone is not None:
        args["telefon"] = wish.person.phone
    if wish.person.email is not None:
        args["email"] = wish.person.email
    call = {"call_id": wish.conversation_id, "from_number": "anonymous"}
    return json.dumps({"name": "collect_appointment", "call": call, "args": args}, ensure_ascii=False).encode()


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
