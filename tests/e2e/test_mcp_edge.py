"""The tools over HTTP as somebody meets them who means no good, or whose network does not: raw requests, no client."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from e2e.test_mcp_tools import WISH, house, live, model
from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.configuration.model import DEFAULT_TENANT
from einmal.domain.facts import Fact, Served
from einmal.domain.model import Wish
from einmal.domain.reply import Reply
from einmal.entrypoints.mcp.door import opened
from einmal.entrypoints.mcp.server import Tools
from support.serving import served
from support.world import World, serving, world

TOKEN = {"Authorization": "Bearer only-ours"}
SPEAKS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
NEWEST = "2026-07-28"


@dataclass
class Raw:
    """Whoever has the token. `session`: what the server called ours."""

    here: World
    url: str
    http: aiohttp.ClientSession
    session: str = ""

    async def post(self, body: Any, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = SPEAKS | TOKEN | ({"Mcp-Session-Id": self.session} if self.session else {})
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.post(self.url, data=BytesIO(data), headers=sent) as answer:
            self.session = self.session or answer.headers.get("mcp-session-id", "")
            told = await answer.read()
            return answer.status, json.loads(told) if told else None

    async def call(self, tool: str, number: int = 2, /, **arguments: Any) -> tuple[int, Any]:
        return await self.post(call(tool, number, **arguments))


def call(tool: str, number: int = 2, /, **arguments: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


@asynccontextmanager
async def raw(folder: Path, **environment: str) -> AsyncIterator[Raw]:
    """In a session of its own."""
    async with house(folder, token="only-ours", **environment) as (here, url), aiohttp.ClientSession() as http:
        one = Raw(here, url, http)
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        await one.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
        await one.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        yield one


@dataclass
class Wire:
    """The POST is on the wire until it may go on."""

    sent: asyncio.Event
    goes_on: asyncio.Event


def slowly(one: Raw) -> Wire:
    wire = Wire(asyncio.Event(), asyncio.Event())

    async def waits(request: WireRequest) -> WireAnswer:
        wire.sent.set()
        await wire.goes_on.wait()
        return await one.here.tap.inner.send(request)

    one.here.tap.on_post = waits
    return wire


@pytest.mark.parametrize("how", ["cancelled", "hung up"])
async def test_a_booking_outlives_whoever_asked_for_it(tmp_path: Path, how: str) -> None:
    """By the protocol's own word, or by closing the connection while the POST is on the wire: it is made, once, and who
    asks again hears of it."""
    async with raw(tmp_path) as one:
        wire = slowly(one)
        asking = asyncio.create_task(one.call("book_appointment", **WISH))
        await wire.sent.wait()
        if how == "cancelled":
            told = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}
            assert (await one.post(told))[0] == 202
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        wire.goes_on.set()
        status, again = await one.call("book_appointment", 3, **WISH)
        assert (status, again["result"]["structuredContent"]["status"]) == (200, "booked")
        assert live(one.here) == len(one.here.tap.posts) == 1


async def test_a_session_is_nobodys_who_only_knows_its_name(tmp_path: Path) -> None:
    """Without the token it opens nothing; a made-up one is none; under the newest protocol nobody looks at it."""
    async with raw(tmp_path) as one:
        await one.call("book_appointment", **WISH)
        assert (await one.post(call("booking_status"), Authorization="Bearer wrong"))[0] == 401
        assert (await one.post(call("booking_status"), Mcp_Session_Id="f" * 32))[0] == 404
        envelope = {"protocolVersion": NEWEST, "clientCapabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        asked = call("booking_status")
        asked["params"]["_meta"] = {f"io.modelcontextprotocol/{name}": value for name, value in envelope.items()}
        newest = {"MCP_Protocol_Version": NEWEST, "Mcp_Method": "tools/call", "Mcp_Name": "booking_status"}
        status, told = await one.post(asked, **newest)
        assert (status, told["result"]["structuredContent"]["status"]) == (200, "needs_input")
        asked["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2025-06-18"
        assert (await one.post(asked, **newest))[0] == 400
        assert (await one.call("booking_status", 9))[1]["result"]["structuredContent"]["status"] == "booked"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "OPTIONS", "HEAD", "POST", "DELETE"])
async def test_every_method_wants_the_token(tmp_path: Path, method: str) -> None:
    async with raw(tmp_path) as one, one.http.request(method, one.url, headers=SPEAKS) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (json.dumps(call("book_appointment", **WISH))[:-3].encode() + b', "name": "Anna"}}}', 400, "not_json"),
        (b'{"a":' * 30 + b"1" + b"}" * 30, 400, "not_json"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "not_json"),
        (b"[]", 400, "not_json"),
        (b"\xff", 400, "not_json"),
        (b"x" * (2 * 1024 * 1024 + 1), 413, "too_large"),
    ],
)
async def test_what_two_readers_could_read_otherwise_is_refused(
    tmp_path: Path, body: bytes, status: int, error: str
) -> None:
    """Two equal keys, too deep, too long, no UTF-8: under both protocols, before anything is done, and not quoted."""
    async with raw(tmp_path) as one:
        for headers in ({}, {"MCP_Protocol_Version": NEWEST, "Mcp_Method": "tools/call"}):
            got, told = await one.post(body, **headers)
            assert (got, told["error"]) == (status, error)
            assert "Anna" not in str(told)
        assert one.here.tap.posts == []


async def test_a_bug_after_the_booking_does_not_unsay_it(tmp_path: Path) -> None:
    """What breaks when the calendar has booked is not told as "I have booked nothing new"."""
    async with world(tmp_path) as here:

        def breaks(_wish: Wish, _reply: Reply) -> None:
            raise RuntimeError("a bug of ours")

        gateway = serving(here.gateway, bookings=replace(here.gateway.tenancies.sole.bookings, answered=breaks))
        tools = Tools(gateway, DEFAULT_TENANT)
        async with opened(gateway, tools.server) as app, served(app) as url, model(f"{url}/mcp") as one:
            told = [await one.ask("book_appointment", **WISH) for _ in range(2)]
            assert [each["status"] for each in told] == ["booked", "booked"]
            assert live(here) == 1


class Breaking:
    """Tells nobody, and breaks at what is told last."""

    def observe(self, facts: Sequence[Fact]) -> None:
        if any(isinstance(fact, Served) for fact in facts):
            raise RuntimeError("of Jürgen Groß")


@pytest.mark.parametrize(("tool", "status"), [("book_appointment", "in_doubt"), ("check_availability", "error")])
async def test_whatever_breaks_a_model_hears_what_is_true(tmp_path: Path, tool: str, status: str) -> None:
    """No error of the protocol, which a model takes for "it failed", and which would quote what broke."""
    async with world(tmp_path) as here:
        tools = Tools(replace(here.gateway, observer=Breaking()), DEFAULT_TENANT)
        asked = WISH if tool == "book_appointment" else {"service": "Beratung", "start": WISH["start"]}
        async with opened(here.gateway, tools.server) as app, served(app) as url, model(f"{url}/mcp") as one:
            told = await one.ask(tool, **asked)
            assert (told["status"], told.get("do_not_rebook", False)) == (status, status == "in_doubt")
            assert told["error_id"]
            assert "Groß" not in str(told)
