"""The transport inside the process fails as a network would, and on the clock that it was given."""

import json
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.faults import FaultPlan
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom

NOW = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
PLAIN, CONFIRM = 1, 3


class VirtualClock:
    """Time passes when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds - 100)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.seconds += seconds


class World:
    """A transport, what is behind it, and the clock that both go by."""

    def __init__(self, plan: str = "", latency_seconds: float = 0.0) -> None:
        self.clock, numbers = VirtualClock(), count(1)
        event_types, now = recorded_event_types(), self.clock.now
        self.calendar = SimulatedCalendar(event_types, now=now, new_uid=lambda: f"uid-{next(numbers)}")
        self.calcom = FaultyCalcom(
            SimulatedCalcom(self.calendar, api_keys=None, now=now), FaultPlan.from_toml(plan, in_process=True)
        )
        self.transport = InProcessTransport(self.calcom, latency_seconds, self.clock)

    async def book(self, deadline: float = 10, write_deadline: float = 10, event_type_id: int = PLAIN) -> WireAnswer:
        return await self.transport.send(a_booking(self.clock, deadline, write_deadline, event_type_id))

    async def look(self) -> WireAnswer:
        headers = {"cal-api-version": "2024-08-13", "Authorization": "Bearer k"}
        deadline = self.clock.monotonic() + 10
        return await self.transport.send(WireRequest("GET", "/v2/bookings", headers, b"", deadline, deadline))

    @property
    def passed_seconds(self) -> float:
        return round(self.clock.seconds - 100, 6)

    @property
    def rows(self) -> int:
        return len(self.calendar.bookings)


def a_booking(clock: Any, deadline: float = 10, write_deadline: float = 10, event_type_id: int = PLAIN) -> WireRequest:
    """Deadlines count from now."""
    attendee = {"name": "Ann", "email": "ann@guest.example.test", "timeZone": "UTC"}
    body = {"start": "2026-11-28T12:30:00Z", "eventTypeId": event_type_id, "attendee": attendee}
    headers, now = {"Cal-Api-Version": "2024-08-13"}, clock.monotonic()
    data = json.dumps(body).encode()
    return WireRequest("POST", "/v2/bookings", headers, data, now + deadline, now + write_deadline)


def rule(fault: str, **parameters: float) -> str:
    settings = "".join(f"{name} = {value}\n" for name, value in parameters.items())
    return f'[[rule]]\nfault = "{fault}"\noperation = "create"\nnth = 1\n{settings}'


async def test_an_answer_comes_after_the_latency() -> None:
    """Status, body and lower-case headers arrive, and the clock tells how long it took."""
    world = World(latency_seconds=0.2)
    answer = await world.book()
    assert (answer.status, json.loads(answer.body)["data"]["uid"]) == (201, "uid-1")
    assert answer.elapsed_seconds == pytest.approx(0.2)
    assert (world.passed_seconds, world.transport.posts) == (0.2, 1)
    assert "date" in answer.headers


async def test_it_stands_before_a_calcom_without_faults_too() -> None:
    """By itself, on the machine's clock, as the demo uses it."""
    calendar = SimulatedCalendar(recorded_event_types(), now=lambda: NOW, new_uid=lambda: "uid-1")
    transport = InProcessTransport(SimulatedCalcom(calendar, api_keys=None, now=lambda: NOW), 0.01)
    answer = await transport.send(a_booking(time))
    assert answer.status == 201
    assert 0.01 <= answer.elapsed_seconds < 5
    await transport.close()


@pytest.mark.parametrize(("deadline", "write_deadline"), [(10, 0), (10, -1), (0, 10), (-1, -1)])
async def test_past_its_deadline_nothing_is_written(deadline: float, write_deadline: float) -> None:
    """The word is that of the network's own transport, and nothing was done or counted."""
    world = World()
    with pytest.raises(NeverSent, match="deadline"):
        await world.book(deadline, write_deadline)
    assert (world.rows, world.transport.posts, world.passed_seconds) == (0, 0, 0)


@pytest.mark.parametrize(("fault", "rows"), [("lost_request", 0), ("lost_answer", 1)])
async def test_a_dead_connection_looks_the_same_on_both_sides_of_the_work(fault: str, rows: int) -> None:
    """MaybeSent, a reset, after its delay; only the calendar knows whether it was booked."""
    world = World(rule(fault, delay_seconds=3))
    with pytest.raises(MaybeSent, match="reset"):
        await world.book()
    assert (world.rows, world.transport.posts, world.passed_seconds) == (rows, 1, 3)


@pytest.mark.parametrize("fault", ["lost_request", "lost_answer"])
async def test_a_connection_that_dies_too_late_has_timed_out(fault: str) -> None:
    """Nobody waits beyond the deadline to see the reset."""
    world = World(rule(fault, delay_seconds=60))
    with pytest.raises(MaybeSent, match="timeout"):
        await world.book()
    assert world.passed_seconds == 10


@pytest.mark.parametrize(
    "plan",
    [
        rule("slow_answer", delay_seconds=11),
        rule("slow_body", body_delay_seconds=11),
        rule("slow_answer", delay_seconds=6) + rule("slow_body", body_delay_seconds=5),
    ],
)
async def test_an_answer_that_is_too_late_was_booked_all_the_same(plan: str) -> None:
    """Head and body together pass the deadline: a time-out at the deadline, and the row is there."""
    world = World(plan)
    with pytest.raises(MaybeSent, match="timeout"):
        await world.book()
    assert (world.rows, world.transport.posts, world.passed_seconds) == (1, 1, 10)


async def test_an_answer_just_in_time_is_an_answer() -> None:
    """At the deadline is not past it."""
    world = World(rule("slow_answer", delay_seconds=6) + rule("slow_body", body_delay_seconds=4))
    answer = await world.book()
    assert (answer.status, answer.elapsed_seconds) == (201, 10)


async def test_a_booking_is_listed_while_its_answer_is_under_way() -> None:
    """As recorded (24): a look sent during a POST finds the row before the POST is answered."""
    world = World(rule("slow_answer", delay_seconds=5))
    during: list[int] = []

    class Meanwhile(VirtualClock):
        async def sleep(self, seconds: float) -> None:
            if seconds and not during:
                during.append(0)
                during[0] = len(json.loads((await world.look()).body)["data"])
            await super().sleep(seconds)

    world.transport = InProcessTransport(world.calcom, 0.0, Meanwhile())
    assert (await world.book()).status == 201
    assert during == [1]


async def test_no_connection_means_nothing_left() -> None:
    """NeverSent, and the next attempt may simply be made."""
    world = World(rule("refused_connection", delay_seconds=1))
    with pytest.raises(NeverSent, match="connect"):
        await world.book()
    assert (world.rows, world.transport.posts, world.passed_seconds) == (0, 0, 1)
    assert (await world.book()).status == 201


async def test_a_connection_that_is_refused_too_late_has_timed_out() -> None:
    """A host that drops packets is found out by the deadline only; still nothing has left."""
    world = World(rule("refused_connection", delay_seconds=60))
    with pytest.raises(NeverSent, match="timeout"):
        await world.book()
    assert (world.rows, world.transport.posts, world.passed_seconds) == (0, 0, 10)


async def test_a_late_commit_is_there_for_whoever_looks_later() -> None:
    """The connection died, and 20 seconds on there is a booking, made when it was due."""
    world = World(rule("late_commit", commit_after_seconds=20))
    with pytest.raises(MaybeSent, match="reset"):
        await world.book()
    assert json.loads((await world.look()).body)["data"] == []
    await world.clock.sleep(30)
    (listed,) = json.loads((await world.look()).body)["data"]
    assert listed["createdAt"] == "2026-11-21T02:31:20.000Z"


async def test_a_refusal_is_an_answer() -> None:
    """What the simulator refuses is no failure of the network."""
    world = World(rule("throttled", reset_seconds=30))
    answer = await world.book()
    assert (answer.status, answer.headers["x-ratelimit-reset-default"]) == (429, "30")


async def test_only_bookings_count_as_posts() -> None:
    """A look does not."""
    world = World()
    await world.look()
    assert world.transport.posts == 0
    await world.book(event_type_id=CONFIRM)
    await world.book(event_type_id=CONFIRM)
    assert (world.transport.posts, world.rows) == (2, 1)
