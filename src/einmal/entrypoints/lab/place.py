"""Where a run takes place: a calendar of its own, in virtual time, with a listener on the wire."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.entrypoints.lab.trouble import Setting
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.records import Attendee, EventType, Host, Scheduling, SimulatedBooking
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.virtual import VirtualClock
from einmal.simulator.wire import SimulatedCalcom

EVENT_TYPE: Final = 101
LATENCY_SECONDS: Final = 0.2
SOMEBODY: Final = "Clara Winter"
"""Who has an appointment at the same time already, with somebody else of the house."""

_HOSTS: Final = tuple(
    Host(number, name, f"{name.lower()}@host.test", name.lower(), "Europe/Berlin")
    for number, name in ((1, "Olga"), (2, "Mia"), (3, "Ben"), (4, "Lea"))
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request and what came back: a status, or a word of ours where nothing did."""

    at: float
    what: str
    answer: str


@dataclass
class Wire:
    """The transport, written down. What is under way when its process dies is written down as that."""

    inner: InProcessTransport
    clock: VirtualClock
    doubles_first: bool
    sent: list[Sent] = field(default_factory=list)

    async def send(self, request: WireRequest) -> WireAnswer:
        what = _what(request)
        at, answer = self.clock.monotonic(), "died"
        try:
            if what == "book" and self.doubles_first:
                self.doubles_first = False
                await self.inner.send(request)
            got = await self.inner.send(request)
            answer = str(got.status)
        except (MaybeSent, NeverSent) as lost:
            answer = str(lost)
            raise
        else:
            return got
        finally:
            self.sent.append(Sent(at, what, answer))

    async def close(self) -> None:
        return


def _what(request: WireRequest) -> str:
    path = request.target.partition("?")[0]
    if request.method == "POST":
        return "book" if path == "/v2/bookings" else "change"
    return "look" if path.startswith("/v2/bookings") else "slots" if path.startswith("/v2/slots") else "services"


@dataclass(frozen=True, slots=True)
class Place:
    clock: VirtualClock
    calcom: FaultyCalcom
    wire: Wire

    def live(self, name: str) -> list[SimulatedBooking]:
        """What stands in the calendar under this name."""
        return [one for one in self.calendar if one.attendee.name == name and one.status.value == "accepted"]

    @property
    def calendar(self) -> tuple[SimulatedBooking, ...]:
        return self.calcom.calendar.bookings


def place(setting: Setting, seed: int, start_after: timedelta) -> Place:
    """A new calendar, in which somebody has an appointment so long after the beginning."""
    clock = VirtualClock()
    calendar = SimulatedCalendar((_event_type(setting),), now=clock.true_now, new_uid=_uids(seed))
    if setting.team:
        attendee = Attendee(SOMEBODY, "clara@winter.test")
        calendar.create(EVENT_TYPE, clock.true_now() + start_after, attendee)
    calcom = FaultyCalcom(SimulatedCalcom(calendar, api_keys=None, now=clock.true_now), setting.plan)
    wire = Wire(InProcessTransport(calcom, LATENCY_SECONDS, clock), clock, setting.doubles_first)
    return Place(clock, calcom, wire)


def _event_type(setting: Setting) -> EventType:
    return EventType(
        id=EVENT_TYPE,
        slug="beratung",
        title="Beratung",
        length_minutes=30,
        hosts=_HOSTS if setting.team else _HOSTS[:1],
        scheduling=Scheduling.ROUND_ROBIN if setting.team else Scheduling.INDIVIDUAL,
        opens=(8, 18),
        time_zone="Europe/Berlin",
    )


def _uids(seed: int) -> Callable[[], str]:
    chance = random.Random(f"lab uids:{seed}")  # noqa: S311 - it must be repeatable, not secret
    return lambda: "".join(chance.choices("123456789abcdefghijkmnopqrstuvwxyz", k=22))
