"""The desk, in a real browser: it says what needs a person, renews itself, and follows the calls."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.adapters.sql.rows import instant_text
from einmal.adapters.system import SystemIds
from einmal.domain.tally import Tally
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.entrypoints.web.feed import Feed
from support.browser import DESKTOP, PHONE, Seen, browse, served, shot, site
from support.world import World, world

OPERATOR, READER = "an-operators-token-for-tests", "a-readers-token-for-tests"
TOKENS = {"EINMAL_ADMIN_TOKEN": OPERATOR, "EINMAL_READER_TOKEN": READER}
NAMES = ("Groß", "Weiß", "Vogel", "0901820", "5550123")
"""Of the callers below, and ends of their numbers."""


@contextlib.asynccontextmanager
async def a_morning(folder: Path, **environment: str) -> AsyncIterator[World]:
    """The salon on the next morning of this machine, soon after eight in UTC: ids are of the machine's own time, and
    what is a day old is told by them."""
    async with world(folder, **environment) as here:
        now = datetime.now(UTC)
        morning = now.replace(hour=8, minute=0, second=0, microsecond=0)
        here.clock.pass_time((morning if morning > now else morning + timedelta(days=1)) - here.clock.now())
        yield here


def day_of(here: World, *, after: int = 0) -> str:
    return (here.clock.now() + timedelta(days=after)).strftime("%Y-%m-%d")


async def book(here: World, call_id: str, hour: int, name: str = "Jürgen Groß", **more: Any) -> str:
    wish = {"datum": day_of(here), "uhrzeit": f"{hour:02}:00", "name": name, "dienstleistung": "Beratung"} | more
    answer = await here.ask("book_appointment", {"call_id": call_id}, **wish)
    status: str = answer["status"]
    return status


async def busy(here: World) -> dict[str, str]:
    """A bad day: bookings, a stale answer, one in doubt, one that waits for a person, and more that waits. The ids."""
    kept: list[WireAnswer] = []

    async def keep(request: WireRequest) -> WireAnswer:
        kept.append(await here.tap.inner.send(request))
        return kept[-1]

    async def stale(_: WireRequest) -> WireAnswer:
        return WireAnswer(201, {}, kept[0].body, 0.0)

    async def lost(_: WireRequest) -> WireAnswer:
        raise MaybeSent("reset")

    here.tap.on_post = keep
    assert await book(here, "call_first", 12, telefon="030 901820") == "booked"
    assert await book(here, "call_second", 13, "Anna Weiß", telefon="030 901821") == "booked"
    here.clock.pass_time(timedelta(minutes=34))
    here.tap.on_post = stale
    await book(here, "call_third", 12, "Anna Vogel", telefon="030 5550123")
    here.tap.on_post = lost
    here.tap.on_get = lost
    for number, (call, name) in enumerate([("call_doubt", "Paul Weiß"), ("call_stuck", "Lena Groß")]):
        await book(here, call, 15 + number, name, telefon=f"030 90183{number}")
    here.tap.on_post = here.tap.on_get = None
    here.rows("UPDATE intents SET state = 'escalated' WHERE conversation_id = 'call_stuck'")
    call = {"call_id": "call_back", "from_number": "+4930901820"}
    await here.ask("request_callback", call, name="Anna Weiß", telefon="030 901820", note="Farbe")
    now = here.clock.now()
    at = instant_text(now - timedelta(hours=2))
    here.rows(
        "INSERT INTO drifts (tenant_id, kind, subject, detail, run_id, first_seen_at, last_seen_at) "
        "VALUES ('default', 'ghost', '8Gdq2bPmGxR1TzJ4oWn5yV', '', 'r', ?, ?)",
        *(at, at),
    )
    here.rows(
        "INSERT INTO outbox (message_id, channel, tenant_id, kind, created_at) VALUES (?, 'slack', 'default', 'x', ?)",
        *(f"{SystemIds().time_ordered()}.confirmed", at),
    )
    await here.gateway._parts.ledger.tallies.add({(now.date(), "not_started.replay"): Tally(3)})  # noqa: SLF001
    await here.gateway.journal.turn()
    return dict(here.rows("SELECT conversation_id, intent_id FROM intents"))


def fine(seen: Seen) -> dict[str, Any]:
    """What was read, where nothing was wrong with the page itself."""
    assert (seen.elsewhere, seen.troubles) == ([], [])
    result: dict[str, Any] = seen.result
    assert (result["status"], result["sideways"], result["violations"]) == (200, 0, [])
    return result


@pytest.mark.parametrize(
    ("look", "size"),
    [
        ("desktop", DESKTOP),
        ("desktop-dark", DESKTOP | {"dark": True}),
        ("phone", PHONE),
        ("zoomed", {"width": 320, "height": 256}),
    ],
)
async def test_what_needs_a_person_stands_first(tmp_path: Path, look: str, size: dict[str, Any]) -> None:
    """Each with a link to where one acts, before all figures; and no name or number in full."""
    async with a_morning(tmp_path) as here:
        ids = await busy(here)
        async with site(here) as url:
            read = fine(await browse("desk_read.mjs", url, path="/?lang=en", shot=shot(f"desk-{look}"), **size))
    text = read["text"]
    wanted = ["Your decision", "Call-backs", "Differences to the calendar", "Messages that did not arrive"]
    places = [text.index(part) for part in (*wanted, "Being checked", "Figures", "Appointments today")]
    assert places == sorted(places)
    assert {f"/intents/{ids['call_stuck']}", f"/intents/{ids['call_doubt']}", "/calls/call_back"} <= set(read["links"])
    assert read["announced"] == ["status", "4 things need a person."]
    assert not [name for name in NAMES if name in text]
    assert "was there before we asked" in text
    assert "J••• G•••" in text
    assert read["exports"] == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", ["Noch ist kein Anruf angekommen", "Nichts braucht gerade einen Menschen.", "Für heute steht kein"]),
        ("en", ["No call has come in yet", "Nothing needs a person just now.", "No appointment stands for today."]),
    ],
)
async def test_an_empty_desk_says_what_to_do_next(tmp_path: Path, language: str, words: list[str]) -> None:
    """A line to try it with, and what to enter at Retell."""
    async with world(tmp_path) as here, site(here) as url:
        read = fine(await browse("desk_read.mjs", url, path=f"/?lang={language}", shot=shot(f"desk-empty-{language}")))
    assert not [word for word in (*words, "curl ", "/api/retell/function-call") if word not in read["text"]]


async def plain(url: str) -> str:
    """The page as it is sent, before any script."""
    async with aiohttp.ClientSession() as client, client.get(f"{url}/?lang=en") as response:
        assert response.status == 200
        return await response.text()


async def test_a_desk_that_was_asked_before_does_not(tmp_path: Path) -> None:
    """Nor does one whose calls are signed tell of a line that would be refused."""
    async with world(tmp_path, EINMAL_RETELL_API_KEY="key_123") as here, site(here) as url:
        page = await plain(url)
        assert "curl " not in page
        assert "/api/retell/function-call" in page
        await here.gateway.journal.turn()
        here.rows(
            "INSERT INTO function_calls (served_id, tenant_id, at, adapter, function, outcome, elapsed_ms) "
            "VALUES ('01', 'default', '2026-11-23T09:00:00.000Z', 'retell', 'tell_time', 'information', 3)"
        )
        assert "No call has come in yet" in page
        assert "No call has come in yet" not in await plain(url)


async def test_figures_and_calls_come_by_themselves(tmp_path: Path) -> None:
    """A booking is made while the page is open: the list has it within seconds, the figure moves, and whoever reads
    stays where they were."""
    async with a_morning(tmp_path) as here, site(here) as url:
        await here.call("call_before", name="check_availability", datum=day_of(here, after=7))
        await here.gateway.journal.turn()
        writing = asyncio.create_task(as_the_worker_does(here))
        args = {"datum": day_of(here), "uhrzeit": "14:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
        body = {"name": "book_appointment", "call": {"call_id": "call_live"}, "args": args}
        seen = await browse("desk_live.mjs", url, body=body, name="Gebucht", call_id="call_live")
        writing.cancel()
    assert (seen.elsewhere, seen.troubles) == ([], [])
    assert seen.result == {
        "first": False,
        "said": "booked",
        "before": "0",
        "link": ["/calls/call_live", "/calls/call_before"],
        "were": ["#layers", seen.result["were"][1]],
        "are": seen.result["were"],
        "today": seen.result["today"],
        "polled": False,
    }
    assert "14:00" in seen.result["today"]
    assert "Groß" not in seen.result["today"]


async def as_the_worker_does(here: World) -> None:
    while True:
        await here.gateway.journal.turn()
        await asyncio.sleep(0.2)


async def test_a_page_that_the_feed_refuses_asks_by_itself(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.call("call_before")
        await here.gateway.journal.turn()
        full = replace(build_site(here.gateway), feed=Feed(here.gateway.stories, pages_max=0))
        async with served(create_app(here.gateway, page_routes(full))) as url:
            seen = await browse("desk_refused.mjs", url)
    assert seen.result["state"] is True
    assert "call_before" in seen.result["calls"]


async def test_a_layer_that_is_off_is_shouted_about(tmp_path: Path) -> None:
    async with world(tmp_path, EINMAL_GUARD_FRESHNESS="false") as here, site(here) as url:
        read = fine(await browse("desk_read.mjs", url, path="/?lang=en", shot=shot("desk-layer-off")))
    assert [text for text in read["banner"] if "OFF: freshness" in text]


async def test_a_reader_sees_no_names_and_no_export(tmp_path: Path) -> None:
    async with a_morning(tmp_path, **TOKENS) as here:
        await busy(here)
        async with site(here) as url:
            read = fine(await browse("desk_read.mjs", url, path="/?lang=en", bearer=READER))
    assert not [name for name in NAMES if name in read["text"]]
    assert read["exports"] == 0


async def test_without_javascript_it_stands_as_it_is(tmp_path: Path) -> None:
    """All of it but the renewing."""
    async with a_morning(tmp_path) as here:
        ids = await busy(here)
        async with site(here) as url:
            page = await plain(url)
    assert f"/intents/{ids['call_doubt']}" in page
    assert "/calls/call_second" in page
