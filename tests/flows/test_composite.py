"""A composite service through the dispatcher: one answer to the caller, and all of its bookings or none of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.domain.composite import Composite, CompositeEvent
from einmal.domain.reply import Reply
from einmal.flows.composite_undo import CompositeSteps
from support.composites import (
    CALL,
    LATER,
    OTHER,
    TEN,
    TYPES,
    WISH,
    colour,
    composites,
    configured,
    live,
    taken,
    whole,
    work,
)
from support.sql import postgres_base
from support.world import World, serving, world


@pytest.fixture
async def salon(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, event_types=TYPES, **configured(tmp_path)) as made:
        yield made


async def test_all_free_is_one_answer_and_three_bookings(salon: World) -> None:
    """From the beginning of the first to the end of the last."""
    answer = await colour(salon)
    assert (answer["success"], answer["status"]) == (True, "booked")
    assert answer["booking"]["start"] == "2026-12-01T10:00:00+01:00"
    assert answer["booking"]["end"] == "2026-12-01T12:30:00+01:00"
    assert "Färben" in answer["message"]
    assert live(salon) == whole()
    assert salon.states() == ["confirmed"] * 3
    assert composites(salon) == ["booked"]


@pytest.mark.parametrize("staff_took", ["10:15", "11:00", "12:00"], ids=["first", "second", "third"])
async def test_where_one_is_taken_nothing_stands(salon: World, staff_took: str) -> None:
    """What was booked before it is cancelled again, and the caller hears of the whole."""
    hour, minute = map(int, staff_took.split(":"))
    event_type = {10: 201, 11: 202, 12: 203}[hour]
    at = TEN + timedelta(hours=hour - 10, minutes=minute)
    made = salon.calendar
    # Somebody of the house, in Cal.com itself.
    held = {"name": "Mia Weiß", "email": "mia@host.test", "timeZone": "Europe/Berlin"}
    body = {"start": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventTypeId": event_type, "attendee": held}
    assert (await posted(salon, body)).status == 201
    before = len(made.bookings)
    answer = await colour(salon)
    assert (answer["success"], answer["status"]) == (False, "slot_taken")
    assert len(live(salon)) == 1
    assert composites(salon) == ["undone"]
    assert len(made.bookings) - before == {10: 0, 11: 1, 12: 2}[hour]
    assert set(salon.states()) <= {"cancelled", "rejected"}


async def posted(salon: World, body: dict[str, Any]) -> WireAnswer:
    headers = {"Content-Type": "application/json", "cal-api-version": "2024-08-13", "Authorization": "Bearer x"}
    request = WireRequest("POST", "/v2/bookings", headers, json.dumps(body).encode(), 1e9, 1e9)
    return await salon.tap.inner.send(request)


class NeverUndone(CompositeSteps):
    """The control: nothing that stands is ever taken back."""

    async def step(self, composite: Composite, conversation_id: str | None = None) -> Composite:
        return composite

    async def move(self, composite: Composite, event: CompositeEvent, reply: Reply | None = None) -> Composite:
        return composite


async def test_control_without_compensation_a_part_stands(salon: World) -> None:
    """The same story with the guard off: it is the compensation that keeps it from being so."""
    await taken(salon)
    books = salon.gateway.tenancies.sole.composites
    steps = NeverUndone(books.steps.books, books.steps.changes)
    off = replace(salon, gateway=serving(salon.gateway, composites=replace(books, steps=steps)))
    await colour(off)
    assert live(salon) == [(TEN, 201), (TEN + timedelta(hours=1), 202)]


async def test_what_is_taken_is_answered_with_alternatives_for_the_whole(salon: World) -> None:
    """Ben is busy at eleven: the next starts at which all three are free."""
    await taken(salon)
    answer = await colour(salon)
    assert answer["status"] == "slot_taken"
    assert [one["start"][11:16] for one in answer["alternatives"]] == ["08:30", "11:30"]
    assert len(live(salon)) == 1


async def test_an_offer_is_free_in_all_its_parts(salon: World) -> None:
    """A check says no where any segment is not free at its time."""
    free = await salon.ask("check_availability", CALL, **{k: v for k, v in WISH.items() if k != "name"})
    assert free["status"] == "available"
    await taken(salon)
    answer = await salon.ask("check_availability", CALL, **{k: v for k, v in WISH.items() if k != "name"})
    assert answer["status"] == "unavailable"
    starts = [one["start"] for one in answer["alternatives"]]
    assert starts
    booked = await colour(salon, uhrzeit=starts[0][11:16], datum=starts[0][:10])
    assert booked["status"] == "booked"


async def test_nothing_of_a_composite_is_held(salon: World) -> None:
    """It is said to be free, which is true."""
    answer = await salon.ask("reserve_slot", CALL, **WISH)
    assert answer["status"] == "available"
    assert salon.rows("SELECT * FROM holds") == []


async def test_the_same_wish_again_hears_the_same(salon: World) -> None:
    """In the same call, and from another call of the same person."""
    first = await colour(salon)
    again = await colour(salon)
    later = await colour(salon, LATER)
    assert (again["status"], later["status"]) == ("booked", "already_booked")
    assert first["booking"] == again["booking"] == later["booking"]
    assert live(salon) == whole()


async def test_the_same_no_again_books_nothing_in_between(salon: World) -> None:
    """A platform's retry within the minute is answered from the row."""
    await taken(salon)
    await colour(salon)
    posts = len(salon.tap.posts)
    assert (await colour(salon))["status"] == "slot_taken"
    assert len(salon.tap.posts) == posts


async def test_two_at_once_are_one(salon: World) -> None:
    """Doubled by the platform, and wished from two calls."""
    answers = await asyncio.gather(colour(salon), colour(salon), colour(salon, LATER))
    assert {one["success"] for one in answers} == {True}
    assert live(salon) == whole()
    assert len(salon.tap.posts) == 3


async def test_two_people_at_once_are_one_and_a_no(salon: World) -> None:
    """Whatever happens between them, of nobody's a part stands."""
    answers = await asyncio.gather(colour(salon), colour(salon, OTHER, name="Mia Weiß"))
    await work(salon, 120)
    assert sum(one["success"] for one in answers) <= 1
    assert len(live(salon)) in {0, 3}
    assert sum(one["status"] == "booked" for one in answers) * 3 == len(live(salon))


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_lost_answer_is_looked_up_and_the_rest_follows(salon: World, which: int) -> None:
    """The booking stands, only nobody heard so: it is found while the caller waits."""
    posts = 0

    async def lost(request: WireRequest) -> WireAnswer:
        nonlocal posts
        answer = await salon.tap.inner.send(request)
        posts += 1
        if posts == which + 1:
            raise MaybeSent("answer lost")
        return answer

    salon.tap.on_post = lost
    assert (await colour(salon))["status"] == "booked"
    assert live(salon) == whole()


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_lost_request_is_a_doubt_and_ends_with_nothing(salon: World, which: int) -> None:
    """Nothing further is begun; after the settle window what was booked before it is gone."""
    posts = 0

    async def lost(request: WireRequest) -> WireAnswer:
        nonlocal posts
        posts += 1
        if posts == which + 1:
            raise MaybeSent("request lost")
        return await salon.tap.inner.send(request)

    salon.tap.on_post = lost
    answer = await colour(salon)
    assert (answer["status"], answer["do_not_rebook"]) == ("in_doubt", True)
    assert posts == which + 1
    await work(salon, 1500, 50)
    assert live(salon) == []
    assert composites(salon) == ["undone"]


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_what_turns_up_afterwards_is_taken_back_or_makes_it_whole(salon: World, which: int) -> None:
    """The request is slow, and nobody can look: it arrives a minute later."""
    slow: list[WireRequest] = []

    async def delayed(request: WireRequest) -> WireAnswer:
        if len(salon.tap.posts) == which + 1:
            slow.append(request)
            raise MaybeSent("slow")
        return await salon.tap.inner.send(request)

    salon.tap.on_post = delayed
    assert (await colour(salon))["status"] == "in_doubt"
    await work(salon, 60)
    await salon.tap.inner.send(replace(slow[0], deadline=salon.clock.monotonic() + 10))
    await work(salon, 1500, 50)
    # The last one makes it whole; of the others nothing may stay.
    assert live(salon) == (whole() if which == 2 else [])
    assert composites(salon) == ["booked" if which == 2 else "undone"]


async def test_a_calendar_that_is_down_is_an_error_and_nothing_stands(salon: World) -> None:
    """It breaks down between the first and the second segment, and for the cancel as well."""

    async def down(request: WireRequest) -> WireAnswer:
        if len(salon.tap.posts) > 1:
            raise NeverSent("refused")
        return await salon.tap.inner.send(request)

    salon.tap.on_post = down
    answer = await colour(salon)
    assert answer["success"] is False
    assert answer["status"] in {"error", "in_doubt"}
    await work(salon, 1500, 50)
    assert live(salon) == []


async def test_nothing_is_booked_for_who_has_hung_up(salon: World) -> None:
    """The call ends while the first segment is being booked."""

    async def hangs_up(request: WireRequest) -> WireAnswer:
        answer = await salon.tap.inner.send(request)
        if len(salon.tap.posts) == 1:
            salon.rows("UPDATE calls SET ended_at = '2026-11-23T09:00:01.000Z'")
        return answer

    salon.tap.on_post = hangs_up
    await colour(salon)
    await work(salon, 120)
    assert live(salon) == []
    assert len(salon.tap.posts) == 1


async def test_who_has_something_that_day_is_asked_before_anything_is_booked(salon: World) -> None:
    """And gets both who says so."""
    await colour(salon)
    asked = await colour(salon, LATER, uhrzeit="14:30")
    assert (asked["status"], asked["missing"]) == ("needs_input", ["decision"])
    assert live(salon) == whole()
    both = await colour(salon, LATER, uhrzeit="14:30", zusaetzlich=True)
    assert both["status"] == "booked"
    assert len(live(salon)) == 6


@pytest.mark.parametrize("accepts", [True, False], ids=["accepts", "declines"])
async def test_what_a_host_has_to_accept_is_requested_and_a_decline_undoes_the_rest(
    tmp_path: Path, accepts: bool
) -> None:
    """Ben answers himself, an hour later."""
    types = tuple(replace(one, requires_confirmation=one.id == 202) for one in TYPES)
    async with world(tmp_path, event_types=types, **configured(tmp_path)) as salon:
        assert (await colour(salon))["status"] == "requested"
        assert (await colour(salon))["status"] == "requested"
        assert composites(salon) == ["booking"]
        (asked,) = [one for one in salon.calendar.bookings if one.status.value == "pending"]
        (salon.calendar.accept if accepts else salon.calendar.decline)(asked.uid)
        await work(salon, 3 * 3600, 30)
        assert composites(salon) == ["booked" if accepts else "undone"]
        assert live(salon) == (whole() if accepts else [])


async def test_the_same_on_postgresql(tmp_path: Path) -> None:
    """Wished several times at once, refused, called off: the calendar shows the same."""
    with postgres_base(tmp_path) as base:
        more = {"EINMAL_DATABASE_URL": str(base.where), **configured(tmp_path)}
        async with world(tmp_path, event_types=TYPES, **more) as salon:
            answers = await asyncio.gather(colour(salon), colour(salon), colour(salon, LATER))
            assert {one["success"] for one in answers} == {True}
            assert live(salon) == whole()
            assert (await colour(salon, OTHER, name="Mia Weiß", uhrzeit="10:30"))["status"] == "slot_taken"
            assert (await salon.ask("cancel_appointment", LATER))["status"] == "cancelled"
            assert live(salon) == []
            await taken(salon)
            assert (await colour(salon, LATER))["status"] == "slot_taken"
            assert len(live(salon)) == 1
        assert {state for _, state in base.rows("composites", "composite_id", "state")} == {"undone"}
