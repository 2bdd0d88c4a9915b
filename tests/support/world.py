"""A small world: the real gateway on real SQLite, the simulated Cal.com where the network would be."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.sql.sqlite import connect
from einmal.adapters.system import SystemIds
from einmal.adapters.telemetry.logs import LogObserver
from einmal.domain.facts import Counted, Fact, Settled
from einmal.entrypoints.http.retell import collect_appointment, function_call
from einmal.settings import Secret, Settings, read_settings
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.clock import SteppedClock
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom
from einmal.tenancies import Tenancies
from einmal.wiring import Gateway, build_gateway
from support.ledger_file import new_ledger

BERLIN_MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday, ten o'clock in Berlin."""


class SetClock(SteppedClock):
    """Stands on a Monday morning until it is moved; durations are real."""

    def __init__(self) -> None:
        super().__init__(BERLIN_MORNING)

    async def sleep(self, seconds: float) -> None:
        """Time passes; nobody waits for it."""
        self.pass_time(timedelta(seconds=seconds))
        await asyncio.sleep(0)


Wire = Callable[[WireRequest], Awaitable[WireAnswer]]


@dataclass
class Tap:
    """The transport with hooks, which None lets through: for the POST, for look-ups, for event types."""

    inner: InProcessTransport
    on_post: Wire | None = None
    on_get: Wire | None = None
    on_types: Wire | None = None
    requests: list[WireRequest] = field(default_factory=list)
    refused_keys: tuple[str, ...] = ()

    async def send(self, request: WireRequest) -> WireAnswer:
        self.requests.append(request)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") in self.refused_keys:
            return WireAnswer(401, {}, b"{}", 0.0)
        is_booking = request.method == "POST" and request.target == "/v2/bookings"
        hook = self.on_post if is_booking else self.on_get if request.target.startswith("/v2/bookings") else None
        hook = self.on_types if request.target.startswith("/v2/event-types") else hook
        return await (hook or self.inner.send)(request)

    async def close(self) -> None:
        return

    @property
    def posts(self) -> list[WireRequest]:
        return [r for r in self.requests if r.method == "POST" and r.target == "/v2/bookings"]


@dataclass
class Recorder:
    facts: list[Fact] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    log: LogObserver = field(default_factory=LogObserver)
    """Lines are written as everywhere, for the suite's canary to read."""

    def observe(self, facts: Any) -> None:
        """What is only counted is left to the metrics."""
        self.facts.extend(fact for fact in facts if not isinstance(fact, Counted | Settled))
        self.told.set()
        self.log.observe(facts)


@dataclass
class World:
    gateway: Gateway
    clock: SetClock
    calendar: SimulatedCalendar
    tap: Tap
    observer: Recorder
    path: Path
    calcom: SimulatedCalcom

    async def call(
        self,
        call_id: str | None = "call_7d4d0c",
        name: str = "collect_appointment",
        from_number: str = "anonymous",
        **args: Any,
    ) -> dict[str, Any]:
        """One wrapped function call; fields default to a bookable wish, None leaves a field out."""
        wish = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"} | args
        body: dict[str, Any] = {"name": name, "args": {key: v for key, v in wish.items() if v is not None}}
        if call_id is not None:
            body["call"] = {"call_id": call_id, "from_number": from_number}
        return await self.raw(body)

    async def raw(self, body: Any, header: str | None = None) -> dict[str, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        answer: dict[str, Any] = json.loads(await collect_appointment(self.gateway).answer(data, header))
        return answer

    async def ask(self, name: str, call: dict[str, Any] | None = None, /, **args: Any) -> dict[str, Any]:
        """One call of the dispatcher."""
        body = {"name": name, "args": args} | ({} if call is None else {"call": call})
        data = json.dumps(body, ensure_ascii=False).encode()
        answer: dict[str, Any] = json.loads(await function_call(self.gateway).answer(data))
        return answer

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = connect(self.path)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def states(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT state FROM intents ORDER BY intent_id")]


def serving(gateway: Gateway, **parts: Any) -> Gateway:
    """The same gateway with other parts for its only tenant."""
    return replace(gateway, tenancies=Tenancies([replace(gateway.tenancies.sole, **parts)]))


def settings(path: Path, **environment: str) -> Settings:
    base = {
        "EINMAL_DATABASE_URL": f"sqlite:///{path}",
        "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
        # Time stands still here, so a budget would never refill.
        "EINMAL_CALCOM_RATE_PER_MINUTE": "0",
        # They would mend what a test wants to see mended by others. Whoever means them says so.
        "EINMAL_VERIFY_SECONDS": "0",
        "EINMAL_RECONCILE_SECONDS": "0",
    }
    made = read_settings(base | environment)
    return made if made.calcom_api_key else replace(made, calcom_api_key=Secret("cal_test"))


@asynccontextmanager
async def world(
    folder: Path,
    latency: float = 0.0,
    event_types: Any = None,
    refused_keys: tuple[str, ...] = (),
    traces: Any = None,
    **environment: str,
) -> AsyncIterator[World]:
    path = folder / "ledger.sqlite3"
    if not path.exists():
        new_ledger(path)
    clock = SetClock()
    calendar = SimulatedCalendar(event_types or demo_event_types(), now=clock.now, new_uid=random_uid)
    calcom = SimulatedCalcom(calendar, api_keys=None, now=clock.now)
    tap = Tap(InProcessTransport(calcom, latency), refused_keys=refused_keys)
    observer = Recorder()
    gateway = await build_gateway(settings(path, **environment), tap, clock, SystemIds(), observer, traces=traces)
    try:
        yield World(gateway, clock, calendar, tap, observer, path, calcom)
    finally:
        await gateway.close()
