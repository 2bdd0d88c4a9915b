"""The tools as a model uses them: the official client, over HTTP, on the whole gateway."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.configuration.model import DEFAULT_TENANT
from einmal.entrypoints.mcp.door import opened
from einmal.entrypoints.mcp.server import Tools
from einmal.settings import Secret
from support.serving import served
from support.world import World, world

WISH = {"service": "Beratung", "start": "2026-12-01T10:00", "name": "Jürgen Groß"}
LEGACY, NEWEST = "legacy", "auto"


@dataclass
class Model:
    """What a host does for a model that uses tools."""

    client: Client

    async def ask(self, tool: str, /, **arguments: Any) -> Any:
        """The structured answer, which the client has held against the tool's own schema."""
        result = await self.raw(tool, **arguments)
        assert not result.is_error, result
        sentence, whole = (content.text for content in result.content if content.type == "text")
        assert result.structured_content == json.loads(whole)
        assert sentence == result.structured_content["message"]
        return result.structured_content

    async def raw(self, tool: str, /, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, arguments)


@asynccontextmanager
async def house(folder: Path, token: str | None = None, **environment: str) -> AsyncIterator[tuple[World, str]]:
    """A world, and the address at which its tools are served."""
    async with world(folder, **environment) as here:
        secrets = () if token is None else (Secret("the-one-before"), Secret(token))
        here.gateway.settings = replace(here.gateway.settings, mcp_secret=secrets)
        tools = Tools(here.gateway, DEFAULT_TENANT)
        async with opened(here.gateway, tools.server) as app, served(app) as url:
            yield here, f"{url}/mcp"


@asynccontextmanager
async def model(url: str, mode: str = LEGACY, token: str | None = None) -> AsyncIterator[Model]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield Model(client)


def live(here: World) -> int:
    return sum(booking.status.value in {"accepted", "pending"} for booking in here.calendar.bookings)


@pytest.mark.parametrize("mode", [LEGACY, NEWEST])
async def test_the_tools_are_listed_with_what_they_promise(tmp_path: Path, mode: str) -> None:
    async with house(tmp_path) as (_, url), model(url, mode) as one:
        tools = {tool.name: tool for tool in (await one.client.list_tools()).tools}
        hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations}
    reading = {"list_services", "check_availability", "booking_status"}
    changing = {"hold_slot", "release_hold", "book_appointment", "cancel_appointment", "move_appointment"}
    assert tools.keys() == hints.keys() == reading | changing
    assert {name for name, hint in hints.items() if hint.read_only_hint} == reading
    destroying = {"release_hold", "cancel_appointment", "move_appointment"}
    assert {name for name, hint in hints.items() if hint.destructive_hint} == destroying
    assert {name for name, hint in hints.items() if not hint.idempotent_hint} == {"hold_slot"}
    assert "must not be booked again" in (tools["book_appointment"].description or "")
    assert all(tool.input_schema["additionalProperties"] is False for tool in tools.values())


@pytest.mark.parametrize("mode", [LEGACY, NEWEST])
async def test_booked_once_however_often_it_is_asked(tmp_path: Path, mode: str) -> None:
    """The same arguments again, as a host sends them whose answer was lost: under both protocols one booking."""
    async with house(tmp_path) as (here, url), model(url, mode) as one:
        first, again = [await one.ask("book_appointment", **WISH) for _ in range(2)]
        assert [first["status"], again["status"]] == ["booked", "booked"]
        assert first["booking"] == again["booking"]
        assert first["booking"]["start"] == "2026-12-01T10:00:00+01:00"
        assert live(here) == len(here.tap.posts) == 1


async def test_a_lost_answer_is_told_as_it_is_and_never_booked_again(tmp_path: Path) -> None:
    """In doubt, with the word not to book anew; asked again the same; looked up, it is booked."""
    async with house(tmp_path, EINMAL_REPLY_SECONDS="1") as (here, url), model(url) as one:

        async def loses(request: WireRequest) -> WireAnswer:
            await here.tap.inner.send(request)
            raise MaybeSent("reset")

        async def blind(_: WireRequest) -> WireAnswer:
            raise MaybeSent("timeout")

        here.tap.on_post, here.tap.on_get = loses, blind
        for _ in range(2):
            told = await one.ask("book_appointment", **WISH)
            assert (told["status"], told["success"], told["do_not_rebook"]) == ("in_doubt", False, True)
        other = await one.ask("book_appointment", **WISH | {"start": "2026-12-01T11:00"})
        assert other["status"] == "in_doubt"
        here.tap.on_post = here.tap.on_get = None
        for _ in range(4):
            here.clock.pass_time(timedelta(seconds=30))
            await here.gateway.worker.turn()
        assert (await one.ask("booking_status"))["status"] == "booked"
        assert (await one.ask("book_appointment", **WISH))["status"] == "booked"
        assert live(here) == len(here.tap.posts) == 1


async def test_moved_and_cancelled_each_once(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, url), model(url) as one:
        booked = await one.ask("book_appointment", **WISH)
        for _ in range(2):
            moved = await one.ask("move_appointment", ref=booked["booking"]["ref"], new_start="2026-12-01T13:00:00Z")
            assert (moved["status"], moved["booking"]["start"]) == ("rescheduled", "2026-12-01T14:00:00+01:00")
        cancelled = [await one.ask("cancel_appointment", start="2026-12-01T14:00") for _ in range(2)]
        assert [told["status"] for told in cancelled] == ["cancelled", "cancelled"]
        assert live(here) == 0


async def test_a_time_in_words_and_the_slot_of_an_offer_are_understood(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, url), model(url) as one:
        free = await one.ask("check_availability", service="Beratung", day="am 1. Dezember")
        said = await one.ask("check_availability", service="Beratung", start="am 1. Dezember um 14 Uhr 30")
        assert said["alternatives"][0]["start"] == "2026-12-01T14:30:00+01:00"
        offer = free["alternatives"][0]
        booked = await one.ask("book_appointment", slot=offer["slot"], name="Anna Weiß")
        assert booked["booking"]["start"] == offer["start"]


async def test_the_house_is_asked_what_it_offers(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, url), model(url) as one:
        told = await one.ask("list_services")
        assert {"name": "Beratung", "duration_minutes": 30} in told["services"]


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("book_appointment", WISH | {"begin": "10:00"}, "takes service, start, slot, name"),
        ("book_appointment", {"service": "Beratung", "start": "2026-12-01T10:00"}, "name must be given"),
        ("book_appointment", WISH | {"name": 7}, "name must be a string"),
        ("book_appointment", WISH | {"additional": "yes"}, "additional must be true or false"),
        ("book_appointment", WISH | {"name": "x" * 501}, "name may have at most 500 letters"),
        ("list_services", {"service": "Beratung"}, "takes no fields"),
    ],
)
async def test_a_mistake_in_the_arguments_is_told_and_nothing_is_begun(
    tmp_path: Path, tool: str, arguments: dict[str, Any], says: str
) -> None:
    async with house(tmp_path) as (here, url), model(url) as one:
        result = await one.raw(tool, **arguments)
        assert result.is_error
        assert says in result.content[0].text  # type: ignore[union-attr]
        assert here.states() == []
        assert 'einmal_function_calls_refused_total{adapter="mcp",error="bad_arguments"} 1.0' in await scraped(here)


async def test_what_cannot_be_understood_is_asked(tmp_path: Path) -> None:
    """No mistake of the model's: a question for the person."""
    async with house(tmp_path) as (_, url), model(url) as one:
        told = await one.ask("book_appointment", **WISH | {"start": "irgendwann"})
        assert (told["status"], told["missing"]) == ("needs_input", ["date", "time"])


async def scraped(here: World) -> str:
    return (await here.gateway.scraped()).decode()


async def test_it_is_counted_and_written_down_as_every_call_is(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, url), model(url) as one:
        await one.ask("book_appointment", **WISH)
        await here.gateway.journal.turn()
        assert 'adapter="mcp",function="book",outcome="booked"' in await scraped(here)
        rows = here.rows("SELECT adapter, function, outcome, conversation_id FROM function_calls")
        assert [row[:3] for row in rows] == [("mcp", "book", "booked")]
        assert rows[0][3].startswith("mcp_")


# Conversations.


async def test_another_session_knows_nothing_of_what_this_one_booked(tmp_path: Path) -> None:
    """Whoever comes from elsewhere names the appointment by name and start together."""
    async with house(tmp_path) as (here, url):
        async with model(url) as one:
            await one.ask("book_appointment", **WISH)
        async with model(url) as other:
            told = await other.ask("cancel_appointment", start="2026-12-01T10:00")
            assert told["status"] == "needs_input"
            assert live(here) == 1
            told = await other.ask("cancel_appointment", start="2026-12-01T10:00", name="Jürgen Groß")
            assert told["status"] == "cancelled"


async def test_without_sessions_the_answer_names_the_conversation(tmp_path: Path) -> None:
    """The newest protocol: what is handed back holds a slot, and finds what was booked with it."""
    async with house(tmp_path) as (_, url), model(url, NEWEST) as one:
        begun = await one.ask("check_availability", service="Beratung", start="2026-12-01T10:00")
        conversation = begun["conversation"]
        held = await one.ask("hold_slot", service="Beratung", start="2026-12-01T10:00", conversation=conversation)
        assert (held["status"], held["conversation"]) == ("reserved", conversation)
        elsewhere = await one.ask("check_availability", service="Beratung", start="2026-12-01T10:00")
        assert elsewhere["status"] == "unavailable"
        booked = await one.ask("book_appointment", **WISH, conversation=conversation)
        assert booked["status"] == "booked"
        status = await one.ask("booking_status", conversation=conversation)
        assert status["booking"] == booked["booking"]


async def test_a_conversation_that_nobody_sealed_is_none(tmp_path: Path) -> None:
    """Made up, altered, another session's id, or over: refused, and never taken for somebody's."""
    async with house(tmp_path) as (here, url), model(url, NEWEST) as one:
        conversation = (await one.ask("check_availability", service="Beratung", day="2026-12-01"))["conversation"]
        altered = conversation[:-2] + ("A" if conversation[-2] != "A" else "B") + conversation[-1]
        for made_up in ("mcp_01m80mkjvwz1ycmcbm20jjddwf", "call_7d4d0c", altered):
            result = await one.raw("booking_status", conversation=made_up)
            assert result.is_error, made_up
        here.clock.pass_time(timedelta(hours=2))
        assert (await one.raw("booking_status", conversation=conversation)).is_error


async def test_a_session_that_goes_on_for_days_is_many_conversations(tmp_path: Path) -> None:
    """A phone call ends, and the ledger ends it if nobody does: later wishes of that session are not refused for it."""
    async with house(tmp_path) as (here, url), model(url) as one:
        await one.ask("book_appointment", **WISH)
        for day in ("2026-12-02", "2026-12-03"):
            here.clock.pass_time(timedelta(hours=26))
            await here.gateway.worker.turn()
            told = await one.ask("book_appointment", **WISH | {"start": f"{day}T10:00"})
            assert told["status"] == "booked"
        assert len({row[0] for row in here.rows("SELECT call_id FROM calls")}) == 3


# Who may come in.


async def test_with_a_token_nobody_comes_in_without_it(tmp_path: Path) -> None:
    async with house(tmp_path, token="only-ours") as (_, url):
        assert await refused(url) == (401, "secret_missing")
        assert await refused(url, Authorization="Bearer wrong") == (401, "secret_wrong")
        async with model(url, token="only-ours") as one:
            assert (await one.ask("list_services"))["success"]


async def test_pages_of_other_sites_do_not_come_in(tmp_path: Path) -> None:
    """With the token neither: and a name that was bound to this machine is no way around it."""
    async with house(tmp_path, token="only-ours") as (_, url):
        told = {"Authorization": "Bearer only-ours", "Origin": "https://elsewhere.test"}
        assert await refused(url, **told) == (403, "foreign_origin")
    async with house(tmp_path) as (_, url):
        assert await refused(url, Origin="http://elsewhere.test") == (403, "foreign_origin")
        assert await refused(url, Host="elsewhere.test", Origin="http://elsewhere.test") == (401, "no_secret_set")


async def test_without_a_token_only_a_trial_is_open(tmp_path: Path) -> None:
    """As soon as a platform has a key, a proxy in front may bring the world here."""
    async with house(tmp_path, EINMAL_RETELL_API_KEY="key_1") as (_, url):
        assert await refused(url) == (401, "no_secret_set")
    async with house(tmp_path) as (_, url):
        assert await refused(url, **{"X-Forwarded-For": "203.0.113.7"}) == (401, "no_secret_set")


async def refused(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, json={}, headers=headers) as answer:
        return answer.status, (await answer.json())["error"]
