"""The whole gateway in virtual time: HTTP route, real SQLite, a simulated Cal.com with a fault plan."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from einmal.adapters.sql.sqlite import SqliteInline, connect
from einmal.domain.facts import Alarm
from einmal.entrypoints.http.app import create_app
from einmal.ports import Message, StoredReply
from einmal.simulator.asgi import request
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.faults import FaultPlan
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.virtual import SeededIds, VirtualClock, run_virtual
from einmal.simulator.wire import SimulatedCalcom
from einmal.wiring import Gateway, build_gateway
from support.ledger_file import new_ledger
from support.world import Recorder, Tap, settings

WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
NOTIFIED = {
    "EINMAL_NOTIFY_URL": "http://127.0.0.1:9/news",
    "EINMAL_NOTIFY_SECRET": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0",
}


@dataclass
class Salon:
    """One salon's Cal.com and ledger. Gateways come and go before them."""

    path: Path
    clock: VirtualClock
    calcom: FaultyCalcom
    environment: dict[str, str]
    storage: "type[SqliteInline]"
    observer: Recorder = field(default_factory=Recorder)
    latency: float = 0.2
    seed: int = 0

    @property
    def bookings(self) -> list[Any]:
        return list(self.calcom.calendar.bookings)

    @property
    def live(self) -> list[Any]:
        return [booking for booking in self.bookings if booking.status.value in {"accepted", "pending"}]

    @asynccontextmanager
    async def gateway(self) -> "AsyncIterator[Open]":
        """A process: a gateway with its worker not started. Leaving is a clean stop."""
        transport = Tap(InProcessTransport(self.calcom, self.latency, self.clock))
        self.seed += 1
        gateway = await build_gateway(
            settings(self.path, **self.environment),
            transport,
            self.clock,
            SeededIds(self.seed),
            self.observer,
            self.storage,
        )
        opened = Open(self, gateway, create_app(gateway), transport, Letterbox(self))
        couriers: Any = gateway.worker.deliveries.couriers
        if "webhook" in couriers:
            couriers["webhook"] = opened.letterbox
        try:
            yield opened
        finally:
            await opened.stop()

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = connect(self.path)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    @property
    def states(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT state FROM intents ORDER BY created_at, intent_id")]

    @property
    def alarms(self) -> list[str]:
        return [fact.what for fact in self.observer.facts if isinstance(fact, Alarm)]


@dataclass
class Open:
    """A gateway that serves."""

    salon: Salon
    gateway: Gateway
    app: ASGIApp
    tap: Tap
    letterbox: "Letterbox"
    _worker: "asyncio.Task[None] | None" = None
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    def work(self, pause_seconds: float = 4.0) -> None:
        """Start the worker that `serve` runs inside."""
        running = self.gateway.worker.run(self._told, pause_seconds)
        self._worker = asyncio.create_task(running, name="worker")

    async def stop(self) -> None:
        self._told.set()
        if self._worker is not None:
            await self._worker
        await self.gateway.close()

    async def kill(self) -> None:
        """As kill -9: every task of this process ends where it stands, and nothing is tidied up."""
        here = asyncio.current_task()
        doomed = [task for task in asyncio.all_tasks() if task is not here]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        self._worker = None

    async def call(self, call_id: str = "call_7d4d0c", **args: Any) -> dict[str, Any]:
        """A function call through the HTTP route."""
        body = {"name": "collect_appointment", "call": {"call_id": call_id, "from_number": "anonymous"}}
        data = json.dumps(body | {"args": WISH | args}, ensure_ascii=False).encode()
        answer = await request(self.app, "POST", "/api/retell/collect-appointment", data)
        assert answer.status == 200
        said: dict[str, Any] = answer.json
        return said


Story = Callable[[Salon], Coroutine[Any, Any, None]]


def salon(
    folder: Path,
    plan: str = "",
    event_types: Any = None,
    storage: type[SqliteInline] = SqliteInline,
    **environment: str,
) -> Salon:
    """A salon with faults by `plan` (TOML)."""
    path = folder / "ledger.sqlite3"
    if not path.exists():
        new_ledger(path)
    clock = VirtualClock()
    calendar = SimulatedCalendar(event_types or demo_event_types(), now=clock.true_now, new_uid=random_uid)
    calcom = SimulatedCalcom(calendar, api_keys=None, now=clock.true_now)
    return Salon(path, clock, FaultyCalcom(calcom, FaultPlan.from_toml(plan, in_process=True)), environment, storage)


async def pass_time(span: timedelta | float) -> None:
    await asyncio.sleep(span.total_seconds() if isinstance(span, timedelta) else span)


@dataclass
class Letterbox:
    """A channel that records what arrives. `refuses` so many tries first."""

    salon: Salon
    refuses: int = 0
    letters: list[tuple[str, str, str]] = field(default_factory=list)
    """(message id, kind, outcome)"""

    async def send(self, message: Message) -> str | None:
        if self.refuses:
            self.refuses -= 1
            return "http_503"
        assert isinstance(message.about, StoredReply)
        told = message.about.told(self.salon.clock.now())
        self.letters.append((message.message_id, message.kind.value, told.outcome.value))
        return None


def play(story: Story, made: Salon) -> None:
    """Run the story to its end, in virtual time."""
    run_virtual(story(made))
