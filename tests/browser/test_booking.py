"""The booking form in a real browser: however it is sent, one wish is one booking, and the page tells what is true."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.simulator.calendar import Attendee
from support.browser import DESKTOP, PHONE, Seen, browse, shot
from support.serving import served
from support.world import World, world

SLOT = "2026-11-25 10:00"
START = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
SENTENCE = "Ihr Termin für Beratung am Mittwoch, dem 25. November, um 10 Uhr ist gebucht."
HOSTILE = "<script>document.title='gone'</script> Anna Weiß"

Step = list[str]


def filled(name: str = "Jürgen Groß", slot: str = SLOT) -> list[Step]:
    service: list[Step] = [["goto", "/book"], ["type", "#service", "Beratung"]]
    return [*service, ["type", "#customer-name", name], ["choose", "#time-slot", slot]]


def listening(app: ASGIApp, asked: list[str]) -> ASGIApp:
    async def listens(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(f"{scope['method']} {scope['path']}")
        await app(scope, receive, send)

    return listens


@contextlib.asynccontextmanager
async def form(here: World) -> AsyncIterator[tuple[str, list[str]]]:
    """The application of a world, and all that is asked of it."""
    asked: list[str] = []
    app = create_app(here.gateway, page_routes(build_site(here.gateway)))
    async with served(listening(app, asked)) as url:
        yield url, asked


async def visit(url: str, *steps: Step, name: str = "", size: dict[str, int] = DESKTOP, **given: Any) -> Seen:
    names = [step[1] for step in steps if step[0] == "see"]
    shots = {one: shot(f"book-{name}-{one}") for one in names} if name else {}
    seen = await browse("steps.mjs", url, steps=steps, shots=shots, **size, **given)
    assert seen.elsewhere == []
    for one in names:
        assert seen.result[one]["violations"] == [], one
        assert seen.result[one]["sideways"] == 0, one
    return seen


def live(here: World) -> list[tuple[str, datetime]]:
    return [(one.attendee.name, one.start) for one in here.calendar.bookings if one.status.value == "accepted"]


async def test_three_rapid_clicks_make_one_booking(tmp_path: Path) -> None:
    """And the page that follows says so, for as often as it is loaded again."""
    async with world(tmp_path, latency=0.3) as here, form(here) as (url, asked):
        steps: list[Step] = [*filled(), ["see", "form"], ["hammer", "#submit-booking"], ["until", ".ok-message"]]
        steps += [["see", "booked"], ["reload"], ["see", "again"]]
        seen = await visit(url, *steps, name="clicks")
        assert live(here) == [("Jürgen Groß", START)]
        assert len(here.tap.posts) == 1
        assert len([one for one in asked if one == "POST /book"]) > 1
    assert seen.result["booked"]["ok"] == [SENTENCE]
    assert seen.result["again"]["ok"] == [SENTENCE]


async def test_two_tabs_back_and_reload_are_one_wish(tmp_path: Path) -> None:
    """The form has its name in its address: another tab of it is the same form, and so is going back to it."""
    async with world(tmp_path) as here, form(here) as (url, asked):
        steps: list[Step] = [*filled(), ["tab"], *filled()[1:], ["press", "#submit-booking"], ["see", "tab"]]
        steps += [["leave"], ["press", "#submit-booking"], ["see", "other tab"], ["back"], ["reload"], ["see", "back"]]
        seen = await visit(url, *steps)
        assert live(here) == [("Jürgen Groß", START)]
        assert len(here.tap.posts) == 1
        assert asked.count("POST /book") == 2
    assert [seen.result[one]["ok"] for one in ("tab", "other tab", "back")] == [[SENTENCE]] * 3


async def test_another_form_for_the_same_is_no_second_booking(tmp_path: Path) -> None:
    """Two forms, one person, one time: whoever has it is told so, by the phone number that both hold."""
    async with world(tmp_path) as here, form(here) as (url, _):
        phone: Step = ["type", "#phone", "030 901820"]
        steps: list[Step] = [*filled(), phone, ["tab"], *filled(), phone, ["press", "#submit-booking"]]
        seen = await visit(url, *steps, ["leave"], ["press", "#submit-booking"], ["see", "again"])
        assert live(here) == [("Jürgen Groß", START)]
    assert seen.result["again"]["ok"] == [
        "Sie haben diesen Termin bereits: Beratung am Mittwoch, dem 25. November, um 10 Uhr."
    ]


async def test_a_taken_time_is_said_so_and_others_are_one_click_away(tmp_path: Path) -> None:
    """Somebody else takes it between the list and the click."""
    async with world(tmp_path) as here, form(here) as (url, _):

        async def taken(request: WireRequest) -> WireAnswer:
            here.tap.on_post = None
            here.calendar.create(101, START, Attendee("Anna Weiß", "anna@weiss.test"))
            return await here.tap.inner.send(request)

        here.tap.on_post = taken
        steps: list[Step] = [*filled(), ["press", "#submit-booking"], ["see", "taken"], ["reload"], ["see", "still"]]
        steps += [["press", ".book-offers button"], ["until", ".ok-message"], ["see", "booked"]]
        seen = await visit(url, *steps, name="taken", size=PHONE, dark=True)
        offered = seen.result["taken"]["offers"]
        at = datetime.strptime(f"{offered[0]} +0100", "%Y-%m-%d %H:%M %z")
        assert live(here) == [("Anna Weiß", START), ("Jürgen Groß", at)]
    assert seen.result["taken"]["errors"] == ["Dieser Termin wurde bereits gebucht"]
    assert seen.result["still"]["errors"] == ["Dieser Termin wurde bereits gebucht"]
    assert len(offered) == 2


async def lose_the_answer(here: World) -> None:
    """It is booked, nobody says so, and nobody can look."""

    async def lost(request: WireRequest) -> WireAnswer:
        await here.tap.inner.send(request)
        raise MaybeSent("reset")

    async def blind(_request: WireRequest) -> WireAnswer:
        return WireAnswer(503, {}, b"", 0.1)

    here.tap.on_post, here.tap.on_get = lost, blind


async def find_it(here: World, asked: list[str], sign: str) -> None:
    """Once the page has looked a second time by itself, the calendar can be read again, and a worker looks."""
    while sum(one.startswith("GET /book/form_") and one.endswith(sign) for one in asked) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    here.tap.on_get = None
    while here.states() != ["confirmed"]:
        here.clock.pass_time(timedelta(seconds=5))
        await here.gateway.worker.turn()


async def test_a_lost_answer_is_being_checked_and_then_booked(tmp_path: Path) -> None:
    """The page tells it by itself, without being loaded again."""
    async with world(tmp_path) as here, form(here) as (url, asked):
        await lose_the_answer(here)
        steps: list[Step] = [*filled(), ["press", "#submit-booking"], ["see", "checking"], ["until", ".ok-message"]]
        found = asyncio.create_task(find_it(here, asked, "/standing"))
        seen = await visit(url, *steps, ["see", "booked"], name="lost", size=PHONE)
        await found
        assert len(live(here)) == len(here.tap.posts) == 1
    checking = seen.result["checking"]
    assert checking["heading"] == "Wir prüfen das noch"
    assert checking["wait"] == ["Ich habe Ihre Anfrage aufgenommen und prüfe sie noch."]
    assert seen.result["booked"]["ok"] == [SENTENCE]
    assert seen.result["booked"]["path"] == checking["path"]


async def test_it_works_without_scripts(tmp_path: Path) -> None:
    """Service, times, booking, being checked, booked: each is a page, and the last comes by itself."""
    async with world(tmp_path) as here, form(here) as (url, asked):
        await lose_the_answer(here)
        steps: list[Step] = [["goto", "/booking-form"], ["type", "#service", "beratung"]]
        steps += [["type", "#customer-name", "Jürgen Groß"], ["press", "noscript button"], ["see", "times"]]
        steps += [["choose", "#time-slot", SLOT], ["press", "#submit-booking"], ["see", "checking"]]
        found = asyncio.create_task(find_it(here, asked, ""))
        seen = await visit(url, *steps, ["until", ".ok-message"], ["see", "booked"], javascript=False)
        await found
        assert len(live(here)) == 1
    assert seen.result["times"]["values"]["customer-name"] == "Jürgen Groß"
    assert seen.result["checking"]["heading"] == "Wir prüfen das noch"
    assert seen.result["booked"]["ok"] == [SENTENCE]


async def test_what_is_missing_is_said_beside_it_and_a_hostile_name_is_text(tmp_path: Path) -> None:
    """Everything that was typed is kept, whatever it holds."""
    async with world(tmp_path) as here, form(here) as (url, _):
        steps: list[Step] = [["goto", "/book"], ["see", "empty"], ["type", "#customer-name", HOSTILE]]
        steps += [["type", "#phone", "12"], ["press", "#submit-booking"], ["see", "odd"], ["empty", "#phone"]]
        steps += [["type", "#service", "Beratung"], ["choose", "#time-slot", SLOT]]
        seen = await visit(url, *steps, ["press", "#submit-booking"], ["see", "booked"], name="odd", size=PHONE)
        assert [name for name, _ in live(here)] == [HOSTILE]
    odd, booked = seen.result["odd"], seen.result["booked"]
    assert odd["invalid"] == ["service", "phone", "time-slot"]
    assert odd["values"]["customer-name"] == HOSTILE
    assert odd["errors"][1:] == [
        "Bitte wählen Sie eine Leistung.",
        "Diese Nummer lässt sich nicht anrufen. Richtig wäre zum Beispiel 030 901820, oder lassen Sie sie weg.",
        "Bitte wählen Sie eine Zeit.",
    ]
    assert HOSTILE in booked["facts"]
    assert booked["scripts"] == 0
    refused = "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
    assert [one for one in seen.troubles if one != refused] == []


async def test_english_and_later_times(tmp_path: Path) -> None:
    """The same words as by phone, in the visitor's language; later times keep what was typed."""
    async with world(tmp_path) as here, form(here) as (url, _):
        steps: list[Step] = [["goto", "/book?lang=en"], ["type", "#service", "Haarschnitt"]]
        steps += [["type", "#customer-name", "Anna Weiß"], ["until", "button[name=from]"], ["see", "first"]]
        steps += [["tap", "button[name=from]"], ["choose", "#time-slot", "2026-12-08 09:30"], ["see", "later"]]
        seen = await visit(url, *steps, ["press", "#submit-booking"], ["see", "booked"], name="en")
    assert seen.result["later"]["values"]["customer-name"] == "Anna Weiß"
    assert seen.result["booked"]["ok"] == [
        "Your appointment for Haarschnitt on Tuesday, December 8, at 9:30 am is booked."
    ]
    assert seen.troubles == []
