"""Where a conversation is played: the whole gateway behind its ASGI application, on a real database, in virtual time,
before a simulated Cal.com that counts what reaches it; and those who act at that calendar by themselves.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp

from einmal.adapters.telemetry.logs import LogObserver
from einmal.domain.callback import Callback
from einmal.domain.facts import Fact
from einmal.domain.invariants import Request
from einmal.entrypoints.http.app import create_app
from einmal.ports import Message, StoredReply
from einmal.settings import Settings, read_settings
from einmal.simulator.calendar import Changed, Created, SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.faults import Operation
from einmal.simulator.faulty import FaultyCalcom, operation_of
from einmal.simulator.records import Attendee, BookingStatus, EventType, Host, Scheduling, SimulatedBooking
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.virtual import SeededIds, VirtualClock
from einmal.simulator.wire import SimulatedCalcom, WireAnswer
from einmal.simulator.world.storm import BookedWire
from einmal.wiring import Gateway, build_gateway
from support.conversation import FOLDER, Conversation, Person
from support.conversation_home import Place

LATENCY_SECONDS: Final = 0.2
RETELL_KEY: Final = "key_test_123"
_ZONE: Final = "Europe/Berlin"
_LIVE: Final = frozenset({BookingStatus.ACCEPTED, BookingStatus.PENDING})
_COUNTED: Final = {Operation.CREATE: "bookings", Operation.CANCEL: "cancels", Operation.RESCHEDULE: "moves"}
_NEXT_DUE: Final = """
    SELECT min(due) FROM (
        SELECT min(look_at) AS due FROM intents WHERE state IN ('intent', 'sent', 'doubt', 'compensating')
        UNION ALL SELECT min(look_at) FROM changes WHERE look_at IS NOT NULL
        UNION ALL SELECT min(due_at) FROM outbox WHERE due_at IS NOT NULL
        UNION ALL SELECT min(due_at) FROM sweeps
            WHERE EXISTS (SELECT 1 FROM intents WHERE state = 'rejected' AND doubted_at IS NOT NULL)) AS dues"""


class CountingCalcom(SimulatedCalcom):
    """Knows what it has carried out: bookings, cancels, moves. What it refused is not counted."""

    def __init__(self, calendar: SimulatedCalendar, clock: VirtualClock) -> None:
        super().__init__(calendar, api_keys=None, now=clock.true_now)
        self.processed: Counter[str] = Counter()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> WireAnswer:
        answer = super().handle(method, target, headers, body)
        operation = operation_of(method, target)
        if operation in _COUNTED and answer.status < 300:
            self.processed[_COUNTED[operation]] += 1
        return answer


class Observers:
    """The log, as in production, and a list to look at."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._log = LogObserver()

    def observe(self, facts: Any) -> None:
        self.facts.extend(facts)
        self._log.observe(facts)


@dataclass
class Letterbox:
    """Where news goes: "resolved booked", "callback"."""

    clock: VirtualClock
    news: list[str] = field(default_factory=list)

    async def send(self, message: Message) -> str | None:
        about = message.about
        if isinstance(about, StoredReply):
            self.news.append(f"{message.kind.value} {about.told(self.clock.now()).outcome.value}")
        else:
            assert isinstance(about, Callback)
            self.news.append(message.kind.value)
        return None


@dataclass
class Stage:
    """`made_by_others`, `ended_by_others`: uids of bookings that somebody made or ended at the calendar itself."""

    conversation: Conversation
    clock: VirtualClock
    calcom: FaultyCalcom
    counting: CountingCalcom
    transport: InProcessTransport
    rows: Callable[[str], list[tuple[Any, ...]]]
    """One statement, beside the gateway."""
    gateway: Gateway
    app: ASGIApp
    letterbox: Letterbox
    observers: Observers
    requests: list[Request]
    made_by_others: set[str] = field(default_factory=set)
    ended_by_others: set[str] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def live(self) -> list[SimulatedBooking]:
        return [booking for booking in self.calcom.calendar.bookings if booking.status in _LIVE]

    def act(self, person: Person) -> None:
        """What somebody does in Cal.com's own pages. Raises AssertionError where Cal.com refuses."""
        calendar = self.calcom.calendar
        if person.does == "books":
            attendee = Attendee(person.name or "", f"guest{len(calendar.bookings)}@example.test", time_zone=_ZONE)
            made = calendar.create(self._event_type(person.service), person.start, attendee)
            assert isinstance(made, Created), made
            self.made_by_others.add(made.booking.uid)
            return
        booking = self._meant(person)
        if person.does == "moves":
            assert person.to is not None
            moved = calendar.reschedule(booking.uid, person.to, by_owner=True)
            assert isinstance(moved, Created), moved
            self.ended_by_others.add(booking.uid)  # what it became is ours still: it carries our id
            return
        done = {"cancels": calendar.cancel, "confirms": calendar.accept, "declines": calendar.decline}[person.does]
        assert isinstance(done(booking.uid), Changed)
        if person.does != "confirms":
            self.ended_by_others.add(booking.uid)

    def _meant(self, person: Person) -> SimulatedBooking:
        found = [one for one in self.live if one.start == person.start and person.name in {None, one.attendee.name}]
        assert len(found) == 1, f"{len(found)} live bookings at {person.start}"
        return found[0]

    def _event_type(self, service: str | None) -> int:
        return next(one.id for one in self.calcom.calendar.event_types if one.title == service)

    async def work(self) -> None:
        """The worker, as it runs in every gateway; it sleeps for as long as nothing is due."""
        while True:
            await self.gateway.worker.turn()
            while await self._woken():
                continue

    async def _woken(self) -> bool:
        """Whether something has happened before anything was due: then something else may be due earlier."""
        self.wake.clear()
        try:
            await asyncio.wait_for(self.wake.wait(), self._until_due())
        except TimeoutError:
            return False
        return True

    def _until_due(self) -> float:
        due = self.rows(_NEXT_DUE)[0][0]
        left = 60.0 if due is None else (datetime.fromisoformat(due) - self.clock.now()).total_seconds()
        return min(60.0, max(1.0, left))


@asynccontextmanager
async def staged(conversation: Conversation, home: Place) -> AsyncIterator[Stage]:
    """Before the first word: what others have booked stands, and nobody has called."""
    home.empty()
    clock = VirtualClock(conversation.begins)
    settings = _settings(conversation, home.url)
    calendar = SimulatedCalendar(_event_types(conversation, settings), now=clock.true_now, new_uid=random_uid)
    counting = CountingCalcom(calendar, clock)
    calcom, requests, observers = FaultyCalcom(counting), list[Request](), Observers()
    transport = InProcessTransport(calcom, LATENCY_SECONDS, clock)
    wire, store = BookedWire(transport, clock, requests, set()), home.store()
    gateway = await build_gateway(settings, wire, clock, SeededIds(), observers, store=store)
    letterbox = Letterbox(clock)
    couriers: Any = gateway.worker.deliveries.couriers
    couriers["webhook"] = letterbox
    stage = Stage(
        *(conversation, clock, calcom, counting, transport, home.rows),
        *(gateway, create_app(gateway), letterbox, observers, requests),
    )
    for person in conversation.before:
        stage.act(person)
    try:
        yield stage
    finally:
        await gateway.close()


def _settings(conversation: Conversation, url: str) -> Settings:
    environment = {
        "EINMAL_DATABASE_URL": url,
        "EINMAL_CALCOM_API_KEY": "cal_test",
        "EINMAL_RETELL_API_KEY": RETELL_KEY,
        "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
        "EINMAL_LANGUAGE": conversation.language,
        "EINMAL_GUARD_ENABLED": "true" if conversation.guard else "false",
        "EINMAL_NOTIFY_URL": "http://127.0.0.1:9/news",
        "EINMAL_NOTIFY_SECRET": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0",
    }
    if conversation.house != "plain":
        path = _house(conversation.house)
        named = re.findall(r'env = "([A-Z_]+)"', path.read_text("utf-8"))
        environment |= {"EINMAL_CONFIG": str(path)} | {name: f"cal_{name.lower()}" for name in named}
    return read_settings(environment)


def _house(name: str) -> Path:
    return FOLDER / "houses" / f"{name}.toml"


def _event_types(conversation: Conversation, settings: Settings) -> tuple[EventType, ...]:
    """The plain house's are the demonstration's; of a house with a file they follow from its services."""
    types = demo_event_types() if settings.configuration is None else tuple(_configured(settings))
    asked = set(conversation.on_request)
    assert asked <= {one.title for one in types}, "on_request names services"
    return tuple(replace(one, requires_confirmation=one.title in asked) for one in types)


def _configured(settings: Settings) -> list[EventType]:
    made = []
    for number, tenant in enumerate(settings.tenants):
        people = {one.staff_id: one.name for one in tenant.house.staff} or {tenant.tenant_id: tenant.name}
        ids = {staff_id: 1000 * (number + 1) + at for at, staff_id in enumerate(people)}
        for service in tenant.services:
            hosts = tuple(
                Host(ids[one], people[one], f"{one}@host.example.test", one, _ZONE) for one in service.staff or people
            )
            made.append(
                EventType(
                    service.event_type_id,
                    service.service_id,
                    service.name,
                    service.duration_minutes,
                    hosts,
                    Scheduling.ROUND_ROBIN,
                    opens=(8, 18),
                    time_zone=_ZONE,
                )
            )
    return made
