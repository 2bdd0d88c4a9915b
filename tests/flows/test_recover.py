"""Recovery: what a dead process, a lost answer or a slow calendar left behind, and how it ends."""

import asyncio
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.domain.facts import Alarm
from einmal.domain.settle import SettlePolicy
from einmal.simulator.records import EventType, Host, Scheduling
from support.world import World, world

WINDOW = SettlePolicy().window
HOSTS = (Host(1, "Anna", "anna@host.test", "anna"), Host(2, "Ben", "ben@host.test", "ben"))
TEAM = (EventType(201, "team", "Beratung", 30, HOSTS, Scheduling.ROUND_ROBIN),)


async def left_as_sent(salon: World, *, landed: bool) -> None:
    """What a process leaves that was killed between the POST and the second commit."""
    arrived = asyncio.Event()

    async def wire(request: WireRequest) -> WireAnswer:
        if landed:
            await salon.tap.inner.send(request)
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    salon.tap.on_post = wire
    caller = asyncio.create_task(salon.call())
    await arrived.wait()
    for task in asyncio.all_tasks():
        if task is caller or task.get_name() == "booking":
            task.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    salon.tap.on_post = None
    assert salon.states() == ["sent"]
    salon.clock.pass_time(timedelta(seconds=16))


async def recover(salon: World, until: timedelta = timedelta(0)) -> None:
    """Turns of one worker, a second apart, until that much time has passed; at least one."""
    end = salon.clock.now() + until
    while True:
        await salon.gateway.worker.recovery.turn()
        if salon.clock.now() >= end:
            return
        salon.clock.pass_time(timedelta(seconds=1))


def alarms(salon: World) -> list[str]:
    return [fact.what for fact in salon.observer.facts if isinstance(fact, Alarm)]


def look_ups(salon: World) -> int:
    return sum(request.method == "GET" and "afterStart" in request.target for request in salon.tap.requests)


def blind() -> Any:
    async def wire(_: WireRequest) -> WireAnswer:
        raise NeverSent("connect")

    return wire


def lost() -> Any:
    async def wire(_: WireRequest) -> WireAnswer:
        raise MaybeSent("timeout")

    return wire


async def test_a_booking_that_landed_before_the_crash_is_found(salon: World) -> None:
    """The same caller then hears the truth; nothing is sent again."""
    await left_as_sent(salon, landed=True)
    assert (await salon.call())["status"] == "in_doubt"
    await recover(salon)
    said = await salon.call()
    assert said["status"] == "booked"
    assert salon.states() == ["confirmed"]
    assert len(salon.tap.posts) == len(salon.calendar.bookings) == 1


async def test_before_its_deadline_a_sent_row_is_left_alone(salon: World) -> None:
    """Its sender may still be at it."""
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: WireRequest) -> WireAnswer:
        arrived.set()
        await go_on.wait()
        return await salon.tap.inner.send(request)

    salon.tap.on_post = slow
    caller = asyncio.create_task(salon.call())
    await arrived.wait()
    assert await salon.gateway.worker.recovery.turn() == 0
    go_on.set()
    assert (await caller)["status"] == "booked"


async def test_what_never_arrived_is_a_no_after_the_settle_window_and_not_before(salon: World) -> None:
    await left_as_sent(salon, landed=False)
    await recover(salon, until=WINDOW - timedelta(seconds=1))
    assert salon.states() == ["doubt"]
    await recover(salon, until=timedelta(seconds=3))
    assert salon.states() == ["rejected"]
    said = await salon.call()
    assert (said["status"], said["success"]) == ("error", False)
    assert "nichts gebucht" in said["message"]
    salon.clock.pass_time(timedelta(seconds=61))
    assert (await salon.call())["status"] == "booked", "and the same wish may be wished again"
    assert len(salon.calendar.bookings) == 1


async def test_a_booking_that_arrives_late_is_found(salon: World) -> None:
    """The request was under way for minutes; the looks before it saw nothing."""
    late: list[WireRequest] = []

    async def wire(request: WireRequest) -> WireAnswer:
        late.append(request)
        raise MaybeSent("timeout")

    salon.tap.on_post = wire
    assert (await salon.call())["status"] == "in_doubt"
    await recover(salon, until=timedelta(minutes=4))
    assert salon.states() == ["doubt"]
    await salon.tap.inner.send(late[0])
    await recover(salon, until=WINDOW)
    assert salon.states() == ["confirmed"]
    assert (await salon.call())["status"] == "booked"


async def test_looking_is_bounded(salon: World) -> None:
    """I16: at most 12 look-ups in the first hour, those in the call included."""
    salon.tap.on_post = lost()
    salon.tap.on_get = blind()
    await salon.call()
    await recover(salon, until=timedelta(hours=1))
    assert salon.states() == ["doubt"], "blind is not absent, however long"
    assert 8 <= look_ups(salon) <= 12


async def test_a_doubt_that_nobody_can_look_into_goes_to_a_person(salon: World) -> None:
    salon.tap.on_post = lost()
    salon.tap.on_get = blind()
    await salon.call()
    for _ in range(200):
        salon.clock.pass_time(timedelta(minutes=10))
        await salon.gateway.worker.recovery.turn()
    assert salon.states() == ["escalated"]
    assert alarms(salon) == ["breaker_open", "doubt_unresolvable"]
    assert (await salon.call())["status"] == "in_doubt"
    assert len(salon.tap.posts) == 1


async def test_a_conflict_whose_look_was_blind_ends_with_the_first_that_sees(salon: World) -> None:
    async def taken(_: WireRequest) -> WireAnswer:
        return WireAnswer(409, {}, b'{"statusCode":409,"message":"booking_conflict_error"}', 0.0)

    salon.tap.on_post, salon.tap.on_get = taken, blind()
    assert (await salon.call())["status"] == "in_doubt"
    salon.tap.on_get = None
    await recover(salon, until=timedelta(seconds=30))
    assert salon.states() == ["rejected"]
    assert (await salon.call())["status"] == "slot_taken"


async def test_two_workers_look_once(tmp_path: Path) -> None:
    """A claimed row is nobody else's until its lease ends; a worker that died with it loses nothing."""
    async with world(tmp_path) as one, world(tmp_path) as two:
        await left_as_sent(one, landed=False)
        two.clock.pass_time(timedelta(seconds=16))
        now = one.clock.now()
        claims = await asyncio.gather(
            *(side.gateway.ledger.claim_due(now, now + timedelta(seconds=30), 5) for side in (one, two, one, two))
        )
        assert sorted(len(claim) for claim in claims) == [0, 0, 0, 1]
        later = now + timedelta(seconds=30)
        assert len(await two.gateway.ledger.claim_due(later, later + timedelta(seconds=30), 5)) == 1


async def test_who_loses_the_race_changes_nothing(salon: World) -> None:
    """A second worker looks at a row that the first has concluded: no second row, no alarm."""
    await left_as_sent(salon, landed=True)
    now = salon.clock.now()
    [stale] = await salon.gateway.ledger.claim_due(now, now, 1)
    await recover(salon)
    assert salon.states() == ["confirmed"]
    await salon.gateway.worker.recovery._one(stale)  # noqa: SLF001 - the paused worker wakes up
    assert salon.states() == ["confirmed"]
    assert len(salon.rows("SELECT 1 FROM appointments")) == 1
    assert alarms(salon) == []


async def test_our_id_twice_goes_to_a_person(tmp_path: Path) -> None:
    """Not by us: somebody copied the booking, metadata and all."""
    async with world(tmp_path, event_types=TEAM) as salon:

        async def doubled(request: WireRequest) -> WireAnswer:
            await salon.tap.inner.send(request)
            other = request.body.replace(b"termin+", b"other+")
            await salon.tap.inner.send(WireRequest("POST", request.target, request.headers, other, math.inf, math.inf))
            raise MaybeSent("timeout")

        async def everything(request: WireRequest) -> WireAnswer:
            target = "/v2/bookings"
            return await salon.tap.inner.send(WireRequest("GET", target, request.headers, b"", math.inf, math.inf))

        salon.tap.on_post, salon.tap.on_get = doubled, everything
        assert (await salon.call())["status"] == "in_doubt"
        assert salon.states() == ["escalated"]
        assert alarms(salon) == ["twice"]


async def test_the_control_a_client_that_sends_again_after_a_lost_answer(tmp_path: Path) -> None:
    """On a team with two hosts the second POST, under another address, is a second booking."""
    async with world(tmp_path, event_types=TEAM) as salon:
        answers = []

        async def lost_after_commit(request: WireRequest) -> WireAnswer:
            answers.append(await salon.tap.inner.send(request))
            raise MaybeSent("timeout")

        salon.tap.on_post = lost_after_commit
        assert (await salon.call())["status"] == "booked"
        assert len(salon.calendar.bookings) == 1
        again = salon.tap.posts[0].body.replace(b"termin+", b"once-more+")
        await salon.tap.inner.send(
            WireRequest("POST", "/v2/bookings", salon.tap.posts[0].headers, again, math.inf, math.inf)
        )
        assert len(salon.calendar.bookings) == 2


async def test_the_loop_survives_a_ledger_that_fails_and_stops_when_told(salon: World) -> None:
    stop = asyncio.Event()
    ledger: Any = salon.gateway.ledger
    ledger.close()
    loop = asyncio.create_task(salon.gateway.worker.run(stop))
    await salon.observer.told.wait()
    assert alarms(salon)[0] == "recovery_without_ledger"
    stop.set()
    await loop


async def test_recovery_leaves_a_fresh_doubt_to_the_call_that_looks_for_it(salon: World) -> None:
    """Between the looks of the call nothing is due; after its last one the row is recovery's."""
    claimed: list[int] = []

    async def watched(_: WireRequest) -> WireAnswer:
        salon.clock.pass_time(timedelta(seconds=2))
        claimed.append(await salon.gateway.worker.recovery.turn())
        raise NeverSent("connect")

    salon.tap.on_post, salon.tap.on_get = lost(), watched
    await salon.call()
    assert claimed == [0, 0, 0, 0]
    assert look_ups(salon) == 4
    salon.tap.on_get = None
    salon.clock.pass_time(timedelta(seconds=12))
    assert await salon.gateway.worker.recovery.turn() == 1
