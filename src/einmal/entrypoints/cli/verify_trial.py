"""The gateway that `einmal verify` tries things on: the real one, behind its real door, on a ledger made for the trial.

The guard's switches are the installation's; nothing else of it is used. Requests are signed with a key drawn for the
trial and come in where Retell's would, and all that goes out to the calendar is overheard.
"""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.types import ASGIApp

from einmal.adapters.calcom.transport import NeverSent, Transport, WireAnswer, WireRequest
from einmal.adapters.calcom.wire import Unreadable, booking_of, json_object
from einmal.adapters.retell.signature import sign
from einmal.adapters.system import SystemClock, SystemIds
from einmal.domain.facts import Booked, Fact, Rejected
from einmal.domain.model import Booking, MetadataKey
from einmal.domain.proof import Refused
from einmal.entrypoints.http.app import BOOK, create_app
from einmal.ports import Clock
from einmal.settings import Secret, Settings, read_settings
from einmal.simulator.asgi import HttpAnswer, request
from einmal.wiring import Gateway, build_gateway

_KEPT: Final = (
    "guard_enabled",
    "guard_ownership",
    "guard_freshness",
    "guard_identity",
    "guard_ledger",
    "guard_freshness_seconds",
    "idempotency_strategy",
    "metrics_namespace",
)
"""What of the installation's settings the trial is held under: those that decide."""


@dataclass(slots=True)
class Exchange:
    """One request to the calendar; `answer` stays None where none came. `left`: it may have reached somebody."""

    request: WireRequest
    sent_at: datetime
    left: bool = True
    answer: WireAnswer | None = None
    received_at: datetime | None = None

    @property
    def books(self) -> bool:
        return self.request.method == "POST" and self.request.target == "/v2/bookings"

    @property
    def operation(self) -> str:
        """The operation id that a request for a booking carries."""
        return str(json.loads(self.request.body)["metadata"][MetadataKey.OPERATION_ID.value])

    def booking(self) -> Booking | None:
        """The booking that was answered, whosever it is; None where there is none that can be read."""
        if self.answer is None or self.answer.status not in {200, 201}:
            return None
        try:
            return booking_of(json_object(self.answer.body).get("data"))
        except Unreadable:
            return None


@dataclass(slots=True)
class Overheard:
    """A transport that notes what passes. `given` answers in the calendar's stead the next request that books."""

    inner: Transport
    clock: Clock
    exchanges: list[Exchange] = field(default_factory=list)
    seconds: float = 0.0
    given: Callable[[WireRequest], WireAnswer] | None = None

    async def send(self, request: WireRequest) -> WireAnswer:
        exchange = Exchange(request, self.clock.now())
        # Before it is sent: a run that is stopped must know what it may have asked for.
        self.exchanges.append(exchange)
        began = self.clock.monotonic()
        given, self.given = (self.given, None) if exchange.books else (None, self.given)
        try:
            answer = await self.inner.send(request) if given is None else given(request)
        except NeverSent:
            exchange.left = False
            raise
        else:
            exchange.answer = answer
            return answer
        finally:
            exchange.received_at = self.clock.now()
            self.seconds += self.clock.monotonic() - began

    async def close(self) -> None:
        await self.inner.close()

    @property
    def posts(self) -> list[Exchange]:
        """Requests for a booking that may have reached the calendar."""
        return [one for one in self.exchanges if one.books and one.left]


@dataclass(slots=True)
class Facts:
    """What the gateway told its observers, in order."""

    told: list[Fact] = field(default_factory=list)

    def observe(self, facts: Sequence[Fact]) -> None:
        self.told.extend(facts)

    @property
    def rejections(self) -> list[Rejected]:
        return [one for one in self.told if isinstance(one, Rejected)]

    @property
    def booked(self) -> list[Booked]:
        return [one for one in self.told if isinstance(one, Booked)]


@dataclass(frozen=True, slots=True)
class Call:
    """A function call as it went over the wire."""

    body: bytes
    signature: str


@dataclass(slots=True)
class Trial:
    gateway: Gateway
    app: ASGIApp
    wire: Overheard
    facts: Facts
    clock: Clock
    key: str
    service: str
    zone: ZoneInfo
    drawn: str
    """Tells the ids of this trial's calls from those of every other."""

    def call(self, call_id: str, name: str, start: datetime, **more: str) -> Call:
        """A caller's wish for this start, signed now."""
        local = start.astimezone(self.zone)
        wish = {"datum": f"{local:%Y-%m-%d}", "uhrzeit": f"{local:%H:%M}", "name": name, "dienstleistung": self.service}
        call = {"call_id": call_id, "from_number": "anonymous"}
        body = json.dumps({"name": "book_appointment", "call": call, "args": wish | more}, ensure_ascii=False).encode()
        return Call(body, sign(body, self.key, int(self.clock.now().timestamp() * 1000)))

    async def send(self, call: Call) -> HttpAnswer:
        headers = {"content-type": "application/json", "x-retell-signature": call.signature}
        return await request(self.app, "POST", BOOK, call.body, headers)

    async def status(self, call: Call) -> str:
        return status_of(await self.send(call))

    async def scrape(self) -> HttpAnswer:
        return await request(self.app, "GET", "/metrics")

    async def appointments(self, name: str) -> int:
        return await self.gateway.ledger.appointments_count(self.gateway.tenant.tenant_id, name)

    def refused_since(self, told: int) -> tuple[Refused, ...]:
        """By which layers, among the facts after the first so many."""
        return tuple(Refused(one.layer, one.reason) for one in self.facts.told[told:] if isinstance(one, Rejected))


def status_of(answer: HttpAnswer) -> str:
    """The word of the outcome; where there is none, the HTTP status."""
    try:
        return str(answer.json["status"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status}"


@asynccontextmanager
async def trial(
    settings: Settings, where: Path | str, transport: Transport, clock: Clock | None = None, **of_calendar: Any
) -> AsyncIterator[Trial]:
    """A gateway on the empty ledger there. `of_calendar` are settings of the account where it is a real one."""
    clock, key, facts = clock or SystemClock(), secrets.token_hex(16), Facts()
    wire = Overheard(transport, clock)
    gateway = await build_gateway(_held_under(settings, where, key, of_calendar), wire, clock, SystemIds(), facts)
    try:
        service = min(gateway.tenant.services, key=lambda one: one.duration_minutes)
        zone = ZoneInfo(gateway.tenant.time_zone)
        drawn = secrets.token_hex(4)
        yield Trial(gateway, create_app(gateway), wire, facts, clock, key, service.name, zone, drawn)
    finally:
        await gateway.close()


def _held_under(settings: Settings, where: Path | str, key: str, of_calendar: dict[str, Any]) -> Settings:
    kept = {name: getattr(settings, name) for name in _KEPT}
    own = {
        "database_url": where if isinstance(where, Path) else Secret(where),
        "calcom_api_key": Secret("simulator"),
        "retell_api_key": (Secret(key),),
        # The simulator has no limit, a real account is asked a handful of things; and nothing runs behind a trial.
        "calcom_rate_per_minute": 0,
        "verify_seconds": 0.0,
        "reconcile_seconds": 0.0,
    }
    return replace(read_settings({}), **(kept | own | of_calendar))


def days_on(at: datetime, days: int, hour: int, zone: ZoneInfo) -> datetime:
    """That hour, so many days later, on the clocks there."""
    return (at.astimezone(zone) + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)
