"""Before the wire: this person has something that day, of the same kind or at the same time. They are asked."""

from pathlib import Path
from typing import Any

import pytest

from support.world import World, world

LINE = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}
LATER = {"call_id": "call_2nd", "from_number": "+491701234567"}
STRANGER = {"call_id": "call_else", "from_number": "+4930901820"}
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}


@pytest.fixture
async def salon(tmp_path: Path) -> Any:
    async with world(tmp_path) as made:
        yield made


async def book(salon: World, call: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return await salon.ask("book_appointment", call, **(WISH | more))


async def test_the_same_kind_on_the_same_day_is_asked_about(salon: World) -> None:
    """From the same line, in a later call: did they forget, or do they want to move it?"""
    await book(salon, LINE)
    asked = await book(salon, LATER, uhrzeit="15:00")
    assert (asked["status"], asked["missing"]) == ("needs_input", ["decision"])
    assert "Sie haben bereits einen Termin für Beratung" in asked["message"]
    assert "10 Uhr" in asked["message"]
    assert asked["booking"]["start"] == "2026-12-01T10:00:00+01:00"
    assert len(salon.calendar.bookings) == 1


async def test_who_wants_both_gets_both(salon: World) -> None:
    """Said so, it is booked; said again, it is the stored answer."""
    await book(salon, LINE)
    both = await book(salon, LATER, uhrzeit="15:00", zusaetzlich=True)
    assert both["status"] == "booked"
    again = await book(salon, LATER, uhrzeit="15:00")
    assert again["status"] == "booked"
    assert len(salon.calendar.bookings) == 2


async def test_what_overlaps_is_asked_about_whatever_it_is(salon: World) -> None:
    """Nobody sits in two chairs."""
    await book(salon, LINE, dienstleistung="Dauerwelle", uhrzeit="9:00")
    asked = await book(salon, LATER, dienstleistung="Beratung", uhrzeit="10:00")
    assert asked["missing"] == ["decision"]


async def test_in_one_call_a_changed_mind_is_asked_about(salon: World) -> None:
    """An anonymous caller says another time and nobody cancelled the first."""
    call = {"call_id": "call_anon", "from_number": "anonymous"}
    await book(salon, call)
    assert (await book(salon, call, uhrzeit="11:00"))["missing"] == ["decision"]


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Mia Groß", "uhrzeit": "11:00"},
        {"datum": "2026-12-02"},
        {"dienstleistung": "Haarschnitt", "uhrzeit": "11:00"},
    ],
    ids=["for the daughter", "another day", "another service"],
)
async def test_a_second_different_booking_in_one_call_is_a_wish_of_its_own(salon: World, other: dict[str, str]) -> None:
    """Nobody is asked what needs no asking."""
    await book(salon, LINE)
    assert (await book(salon, LINE, **other))["status"] == "booked"


async def test_a_stranger_of_the_same_name_hears_nothing_of_it(salon: World) -> None:
    """Another line: they are another person."""
    await book(salon, LINE)
    answer = await book(salon, STRANGER, uhrzeit="15:00")
    assert answer["status"] == "booked"
    assert "10 Uhr" not in answer["message"]


async def test_a_number_that_was_only_said_opens_no_books(salon: World) -> None:
    """Somebody says another's name and number: nothing of theirs is told."""
    await book(salon, LINE)
    answer = await book(salon, STRANGER, uhrzeit="15:00", telefon="+491701234567")
    assert answer["status"] == "booked"


async def test_after_a_cancel_nobody_is_asked(salon: World) -> None:
    """There is nothing to keep."""
    await book(salon, LINE)
    await salon.ask("cancel_appointment", LINE)
    assert (await book(salon, LATER, uhrzeit="15:00"))["status"] == "booked"
