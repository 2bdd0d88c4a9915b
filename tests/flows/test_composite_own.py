"""A composite that stands: told as one appointment, cancelled as a whole, moved by nobody but the house."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from support.composites import CALL, LATER, TEN, TYPES, WISH, colour, composites, configured, live, whole, work
from support.world import World, world


@pytest.fixture
async def salon(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, event_types=TYPES, **configured(tmp_path)) as made:
        yield made


async def test_it_is_one_appointment_to_the_caller(salon: World) -> None:
    """Asked for, it is told once, as long as it is."""
    await colour(salon)
    told = await salon.ask("get_customer_appointments", LATER)
    assert told["message"].count("Färben") == 1
    assert (await salon.ask("booking_status", CALL))["status"] == "booked"


@pytest.mark.parametrize("said", [{}, {"datum": "2026-12-01", "uhrzeit": "10:00"}, {"dienstleistung": "Färben"}])
async def test_cancelling_it_cancels_all_of_it(salon: World, said: dict[str, str]) -> None:
    """Whatever of it was named."""
    await colour(salon)
    answer = await salon.ask("cancel_appointment", LATER, **said)
    assert (answer["success"], answer["status"]) == (True, "cancelled")
    assert live(salon) == []
    assert composites(salon) == ["undone"]
    assert (await salon.ask("cancel_appointment", LATER, **said))["status"] == "cancelled"
    assert (await colour(salon, LATER))["status"] == "booked", "and it may be wished again"
    assert live(salon) == whole()


async def test_a_cancel_whose_answer_is_lost_still_cancels_all(salon: World) -> None:
    """The second of the three: it is read again, and sent again by the worker where it must be."""
    await colour(salon)

    async def lost(request: WireRequest) -> WireAnswer:
        if request.target.endswith("/cancel") and cancels() == 2:
            raise MaybeSent("request lost")
        return await salon.tap.inner.send(request)

    def cancels() -> int:
        return sum(one.target.endswith("/cancel") for one in salon.tap.requests)

    salon.tap.on_get = lost
    assert (await salon.ask("cancel_appointment", CALL))["status"] in {"in_doubt", "cancelled"}
    await work(salon, 600, 30)
    assert live(salon) == []
    assert composites(salon) == ["undone"]


async def test_moving_it_is_for_a_person(salon: World) -> None:
    """No part of it is moved alone, and nothing is changed."""
    await colour(salon)
    answer = await salon.ask("reschedule_appointment", LATER, neues_datum="2026-12-02", neue_uhrzeit="10:00")
    assert answer["success"] is False
    assert live(salon) == whole()


async def test_what_staff_cancelled_altogether_may_be_wished_again(salon: World) -> None:
    """They called it off in Cal.com; once that was seen, the same wish is a new one."""
    await colour(salon)
    for one in salon.calendar.bookings:
        salon.calendar.cancel(one.uid, "by staff")
    await salon.ask("get_customer_appointments", LATER)
    salon.rows("UPDATE intents SET state = 'cancelled'")
    salon.rows("UPDATE appointments SET status = 'cancelled'")
    assert (await colour(salon, zusaetzlich=True))["status"] == "booked"
    assert live(salon) == whole()
    assert composites(salon) == ["undone", "booked"]


async def test_a_part_is_never_told_as_booked(salon: World) -> None:
    """While it is in doubt the first segment stands; nobody hears of an appointment."""

    async def lost(request: WireRequest) -> WireAnswer:
        if len(salon.tap.posts) == 3:
            raise MaybeSent("request lost")
        return await salon.tap.inner.send(request)

    salon.tap.on_post = lost
    await colour(salon)
    assert len(live(salon)) == 2
    status = await salon.ask("booking_status", CALL)
    assert status["status"] == "in_doubt"
    told = await salon.ask("get_customer_appointments", LATER)
    assert "Färben" not in told["message"]
    assert (await salon.ask("cancel_appointment", CALL))["status"] == "in_doubt"
    assert len(live(salon)) == 2


async def test_what_stood_before_is_never_taken_back(salon: World) -> None:
    """They have a cut of their own at eleven: it is no segment, and stays."""
    cut = {"uhrzeit": "11:00", "dienstleistung": "Haarschnitt"}
    assert (await salon.ask("book_appointment", CALL, **(WISH | cut)))["status"] == "booked"
    answer = await colour(salon, zusaetzlich=True)
    assert answer["success"] is False
    assert live(salon) == [(TEN + timedelta(hours=1), 202)]
