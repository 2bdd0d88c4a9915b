"""What clients send through with the tenant's key is counted, and ends before what bookings need of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from einmal.domain.gate import Gate, GatePolicy, Heard, Passed, Shut, ShutWhy, Use, enter, heard, spent
from einmal.flows.metered import Metered
from einmal.ports import LedgerUnavailable, Toll
from support.world import SetClock

POLICY = GatePolicy(per_minute=30)
"""A bucket of ten; two of them are kept back, so the eighth is the last."""


@dataclass
class OneGate:
    """A gate's row. `fails`: the ledger cannot be written."""

    gate: Gate
    spends: list[int] = field(default_factory=list)
    fails: bool = False

    async def enter(self, toll: Toll, use: Use, now: datetime) -> Passed | Shut:
        self.gate, permit = enter(self.gate, use, now, toll.policy)
        return permit

    async def heard(self, toll: Toll, use: Use, how: Heard, now: datetime) -> bool:
        self.gate = heard(self.gate, use, how, now, toll.policy)
        return False

    async def spend(self, toll: Toll, requests: int, now: datetime) -> Gate:
        if self.fails:
            raise LedgerUnavailable
        self.spends.append(requests)
        self.gate = spent(self.gate, requests, now, toll.policy)
        return self.gate


@dataclass
class Still(SetClock):
    """Nobody wakes up until somebody lets a second pass."""

    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__()

    async def sleep(self, seconds: float) -> None:
        await self.goes_on.wait()
        self.goes_on.clear()

    async def second(self) -> None:
        self.pass_time(timedelta(seconds=1))
        self.goes_on.set()
        for _ in range(5):
            await asyncio.sleep(0)


def metered(policy: GatePolicy = POLICY) -> tuple[Metered, OneGate, Still]:
    clock = Still()
    gates = OneGate(Gate(clock.now()))
    return Metered(gates, Toll("account", policy), clock), gates, clock


async def test_what_passes_ends_before_what_bookings_need() -> None:
    """And says when to come back; a booking has what is left."""
    one, gates, clock = metered()
    permits = [one.admit() for _ in range(9)]
    assert permits[:8] == [None] * 8
    assert isinstance(permits[8], Shut)
    assert permits[8].why is ShutWhy.BUDGET
    assert permits[8].until > clock.now()
    await one.close()
    for use in (Use.LOOK, Use.BOOK):
        assert isinstance(await gates.enter(one.toll, use, clock.now()), Passed)


async def test_requests_wait_for_no_commit_and_are_written_once_a_second() -> None:
    """The first at once, those of the next second together."""
    one, gates, clock = metered()
    one.admit()
    await asyncio.sleep(0)
    assert gates.spends == [1]
    for _ in range(3):
        one.admit()
    assert gates.spends == [1]
    await clock.second()
    assert gates.spends == [1, 3]
    await clock.second()
    assert gates.spends == [1, 3]
    await one.close()


async def test_what_others_spent_is_seen_with_the_next_write() -> None:
    one, gates, clock = metered()
    one.admit()
    await asyncio.sleep(0)
    for _ in range(7):
        await gates.enter(one.toll, Use.BOOK, clock.now())
    assert one.admit() is None  # not yet
    await clock.second()
    assert isinstance(one.admit(), Shut)
    await one.close()


async def test_an_open_breaker_holds_no_client_up_and_none_is_its_probe() -> None:
    """Whether Cal.com answers is the client's to find out; whether bookings are sent is not the client's to say."""
    one, gates, clock = metered()
    for _ in range(POLICY.failures_max):
        await gates.heard(one.toll, Use.BOOK, Heard.FAILED, clock.now())
    one.admit()
    await one.close()
    clock.pass_time(POLICY.open_for)
    assert one.admit() is None
    await one.close()
    assert gates.gate.open_until is not None
    assert gates.gate.probing_until is None
    assert isinstance(await gates.enter(one.toll, Use.LOOK, clock.now()), Passed)


async def test_what_cal_com_has_throttled_is_not_asked_again_before_its_minute_is_over() -> None:
    one, gates, clock = metered()
    await gates.heard(one.toll, Use.BOOK, Heard.THROTTLED, clock.now())
    one.count()
    await one.close()
    assert one.admit() == Shut(ShutWhy.BUDGET, clock.now() + POLICY.blocked_for)


async def test_without_a_limit_nothing_is_counted() -> None:
    one, gates, _ = metered(GatePolicy(per_minute=0))
    assert [one.admit() for _ in range(500)] == [None] * 500
    one.count()
    await one.close()
    assert gates.spends == []


async def test_where_the_ledger_cannot_be_written_they_pass_and_what_follows_is_counted() -> None:
    one, gates, clock = metered()
    gates.fails = True
    assert one.admit() is None
    await asyncio.sleep(0)
    gates.fails = False
    one.admit()
    await clock.second()
    assert gates.spends == [1]
    await one.close()


@pytest.mark.parametrize(("counts", "booked"), [(True, 2), (False, 10)])
async def test_what_passed_is_not_there_for_bookings(counts: bool, booked: int) -> None:
    """Eight of ten. The control, of which the gate is told nothing, lets ten more go out."""
    one, gates, clock = metered()
    gates.fails = not counts
    for _ in range(8):
        one.count()
    await one.close()
    permits = [await gates.enter(one.toll, Use.BOOK, clock.now()) for _ in range(12)]
    assert sum(isinstance(permit, Passed) for permit in permits) == booked
