"""Verification: some seconds after a booking it is read once more, and a difference is an alarm."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.domain.facts import Alarm, Drifted
from support.changes import LATER, booked
from support.world import World, world


@pytest.fixture
async def salon(tmp_path: Path) -> Any:
    async with world(tmp_path, EINMAL_VERIFY_SECONDS="20") as made:
        yield made


async def after(salon: World, seconds: float) -> int:
    """The worker's turn so much later; how often it has asked the calendar."""
    before = len(salon.tap.requests)
    salon.clock.pass_time(timedelta(seconds=seconds))
    await salon.gateway.worker.turn()
    return len(salon.tap.requests) - before


def alarms(salon: World) -> list[str]:
    return [fact.what for fact in salon.observer.facts if isinstance(fact, Alarm)]


def waiting(salon: World) -> int:
    (((count,)),) = salon.rows("SELECT count(*) FROM appointments WHERE verify_at IS NOT NULL")
    return int(count)


async def test_it_is_read_once_and_not_before_its_time(salon: World) -> None:
    await booked(salon)
    assert [await after(salon, seconds) for seconds in (10, 9, 2, 60)] == [0, 0, 1, 0]
    assert (alarms(salon), waiting(salon)) == ([], 0)


async def test_what_is_not_as_it_was_told_is_an_alarm(salon: World) -> None:
    """And mended, where it is ours to mend."""
    await booked(salon)
    salon.calendar.cancel(salon.calendar.bookings[0].uid, "")
    await after(salon, 25)
    assert alarms(salon) == ["booking_differs"]
    assert salon.states() == ["cancelled"]
    assert [fact.drift.mended for fact in salon.observer.facts if isinstance(fact, Drifted)] == [True]
    assert waiting(salon) == 0


async def test_a_booking_that_is_not_there_is_an_alarm_after_ten_minutes(salon: World) -> None:
    """A replica lags for seconds; who is not there for so long is not there. It stays to be reconciled."""
    await booked(salon)
    salon.calendar.clear()
    for _ in range(19):
        assert await after(salon, 31) == 1
    assert alarms(salon) == []
    await after(salon, 31)
    assert alarms(salon) == ["booking_gone"]
    assert (salon.states(), waiting(salon)) == (["confirmed"], 0)


async def test_a_calendar_that_cannot_be_read_is_asked_again(salon: World) -> None:
    async def down(_: WireRequest) -> WireAnswer:
        return WireAnswer(503, {}, b"", 0.0)

    await booked(salon)
    salon.tap.on_get = down
    await after(salon, 25)
    assert waiting(salon) == 1
    salon.tap.on_get = None
    await after(salon, 31)
    assert (waiting(salon), alarms(salon)) == (0, [])


async def test_who_cannot_be_read_for_an_hour_is_left_to_reconciliation(salon: World) -> None:
    async def down(_: WireRequest) -> WireAnswer:
        return WireAnswer(503, {}, b"", 0.0)

    await booked(salon)
    salon.tap.on_get = down
    await after(salon, 25)
    await after(salon, 3700)
    assert "booking_not_verified" in alarms(salon)
    assert waiting(salon) == 0


async def test_what_was_changed_meanwhile_is_not_read(salon: World) -> None:
    """Its change has read it."""
    await booked(salon)
    await salon.ask("cancel_appointment", LATER)
    assert await after(salon, 25) == 0
    assert waiting(salon) == 0


async def test_zero_seconds_is_never(tmp_path: Path) -> None:
    async with world(tmp_path) as salon:
        await booked(salon)
        assert waiting(salon) == 0
        assert await after(salon, 3600) == 0
