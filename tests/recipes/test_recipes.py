"""The recipes run as they stand in the document, against a gateway that is served.

The frameworks are not installed here: stand-ins have the few names that the snippets import. What they book is real.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import aiohttp
import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.entrypoints.http.app import create_app
from einmal.settings import SETTINGS, read_settings
from support.rest import KEY, Program, program
from support.serving import served
from support.world import World, world

DOCUMENT = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text("utf-8")
WISH = {"service": "Beratung", "start": "2026-12-01T10:00", "name": "Jürgen Groß"}


def snippet(section: str, language: str) -> str:
    """The first block of code in that section."""
    text = DOCUMENT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.split(rf"```{language}\n", text)[1].partition("```")[0]


def live(here: World) -> int:
    return sum(booking.status.value in {"accepted", "pending"} for booking in here.calendar.bookings)


def module(name: str, **names: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(names)
    return made


@asynccontextmanager
async def gateway(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A gateway that knows the key, and `einmal_call` as it is saved from the document."""
    async with world(folder, EINMAL_RETELL_API_KEY="only-ours") as here, served(create_app(here.gateway)) as url:
        monkeypatch.setenv("GATEWAY_URL", url)
        monkeypatch.setenv("GATEWAY_KEY", "only-ours")
        # Time stands still in this house; its callers sign by the same clock.
        monkeypatch.setattr("time.time", lambda: here.clock.now().timestamp())
        saved = module("einmal_call")
        exec(compile(snippet("Any Python agent", "python"), "einmal_call.py", "exec"), vars(saved))  # noqa: S102
        monkeypatch.setitem(sys.modules, "einmal_call", saved)
        yield here


def run(section: str, monkeypatch: pytest.MonkeyPatch, **stand_ins: ModuleType) -> dict[str, Any]:
    for name, stand_in in stand_ins.items():
        monkeypatch.setitem(sys.modules, name.replace("__", "."), stand_in)
    names: dict[str, Any] = {}
    exec(compile(snippet(section, "python"), section, "exec"), names)  # noqa: S102
    return names


async def test_any_python_agent_books_once_and_never_guesses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed; repeated; and where nobody answers, in doubt instead of an error that a model would book again after."""
    async with gateway(tmp_path, monkeypatch) as here:
        saved = vars(sys.modules["einmal_call"])
        call = {"call_id": "call_7d4d0c", "from_number": "+4930901820"}
        answers = [await saved["einmal"]("book_appointment", call, **WISH) for _ in range(2)]
        assert [one["status"] for one in answers] == ["booked", "booked"]
        assert live(here) == 1
        monkeypatch.setenv("GATEWAY_KEY", "another")
        with pytest.raises(aiohttp.ClientResponseError):
            await saved["einmal"]("book_appointment", call, **WISH)
        saved["URL"] = "http://127.0.0.1:9/"
        assert (await saved["einmal"]("book_appointment", call, **WISH))["do_not_rebook"] is True


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<html/>\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
    ids=["cut off", "of a proxy", "502", "none"],
)
async def test_an_answer_that_nobody_can_read_is_a_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    """The request has arrived, for all that is known: no exception, which an agent takes for "it did not work"."""

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with gateway(tmp_path, monkeypatch):
        saved = vars(sys.modules["einmal_call"])
        server = await asyncio.start_server(answers, "127.0.0.1", 0)
        async with server:
            saved["URL"] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            told = await saved["einmal"]("book_appointment", {"call_id": "call_7d4d0c"}, **WISH)
        assert (told["status"], told["do_not_rebook"]) == ("in_doubt", True)


async def test_livekit_agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Agent:
        def __init__(self, *, instructions: str) -> None:
            self.instructions = instructions

    def function_tool() -> Callable[[Any], Any]:
        return lambda function: function

    stand_in = module("livekit.agents", Agent=Agent, RunContext=object, function_tool=function_tool)
    async with gateway(tmp_path, monkeypatch) as here:
        names = run("LiveKit Agents", monkeypatch, livekit=module("livekit"), livekit__agents=stand_in)
        agent = names["Receptionist"]("call-_+4930901820_k2", {"sip.phoneNumber": "+4930901820"})
        free = await agent.check_availability(None, "Beratung", "am 1. Dezember um 10 Uhr")
        assert free["status"] == "available"
        for _ in range(2):
            told = await agent.book_appointment(None, "Beratung", "am 1. Dezember um 10 Uhr", "Jürgen Groß")
            assert told["status"] == "booked"
        assert live(here) == 1


async def test_pipecat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered: dict[str, Any] = {}

    def register_function(name: str, handler: Any, *, cancel_on_interruption: bool) -> None:
        assert not cancel_on_interruption
        registered[name] = handler

    stand_in = module("pipecat.services.llm_service", FunctionCallParams=object)
    parents = {"pipecat": module("pipecat"), "pipecat__services": module("pipecat.services")}
    async with gateway(tmp_path, monkeypatch) as here:
        names = run("Pipecat", monkeypatch, **parents, pipecat__services__llm_service=stand_in)
        names["add_booking"](SimpleNamespace(register_function=register_function), "call_7d4d0c", "+4930901820")
        told: list[Any] = []

        async def result_callback(result: Any) -> None:
            told.append(result)

        for _ in range(2):
            await registered["book_appointment"](SimpleNamespace(arguments=WISH, result_callback=result_callback))
        asked = {"service": "Beratung", "start": "2026-12-01T11:00"}
        await registered["check_availability"](SimpleNamespace(arguments=asked, result_callback=result_callback))
        assert [one["status"] for one in told] == ["booked", "booked", "available"]
        assert live(here) == 1


async def test_n8n(tmp_path: Path) -> None:
    """The node's request, with its expressions worked out, sent twice as Retry On Fail does; then by another run."""
    node = json.loads(snippet("n8n", "json"))["nodes"][0]
    assert node["retryOnFail"]
    assert node["parameters"]["genericAuthType"] == "httpBearerAuth"
    item = {"service": "Beratung", "start": "2026-12-01T10:00:00+01:00", "name": "Jürgen Groß", "phone": "+4930901820"}
    async with program(tmp_path, KEY, EINMAL_API_KEYS=f"n8n:book:{KEY}") as one:
        first, again = [await replayed(node["parameters"], item, "231", one) for _ in range(2)]
        other = await replayed(node["parameters"], item, "232", one)
        assert [status for status, _ in (first, again, other)] == [201, 201, 200]
        assert first[1]["ref"] == again[1]["ref"] == other[1]["ref"]
        assert one.live == 1


async def test_n8n_tells_a_doubt_by_its_main_output(tmp_path: Path) -> None:
    """A 202 is no error to n8n: the document says so, for who takes it for a booking says what is not known."""
    section = DOCUMENT.partition("\n## n8n\n")[2].partition("\n## ")[0]
    assert "`in_doubt`" in section
    assert "main output" in section
    node = json.loads(snippet("n8n", "json"))["nodes"][0]
    item = {"service": "Beratung", "start": "2026-12-01T10:00:00+01:00", "name": "Jürgen Groß", "phone": "+4930901820"}

    async def lost(_: WireRequest) -> WireAnswer:
        raise MaybeSent("reset")

    own = {"EINMAL_API_KEYS": f"n8n:book:{KEY}", "EINMAL_REPLY_SECONDS": "1"}
    async with program(tmp_path, KEY, **own) as one:
        one.here.tap.on_post = one.here.tap.on_get = lost
        status, told = await replayed(node["parameters"], item, "231", one)
        assert (status, told["status"], told["do_not_rebook"]) == (202, "in_doubt", True)


async def replayed(parameters: Any, item: dict[str, str], execution: str, one: Program) -> tuple[int, Any]:
    def worked_out(text: str) -> str:
        if not text.startswith("="):
            return text
        text = text[1:].replace("{{ $execution.id }}", execution).replace("{{ $itemIndex }}", "0")
        told = re.sub(r"{{ JSON\.stringify\(\$json\.(\w+)\) }}", lambda found: json.dumps(item[found[1]]), text)
        assert "{{" not in told
        return told

    headers = {each["name"]: worked_out(each["value"]) for each in parameters["headerParameters"]["parameters"]}
    path = parameters["url"].removeprefix("http://127.0.0.1:8080")
    body = json.loads(worked_out(parameters["jsonBody"]))
    async with one.session.request(
        parameters["method"], one.url + path, json=body, headers=headers | one.headers
    ) as answer:
        return answer.status, await answer.json(content_type=None)


def test_a_host_of_mcp_servers() -> None:
    """What is set there can be set, and together it is enough."""
    server = json.loads(snippet("Hosts that speak MCP", "json"))["mcpServers"]["einmal"]
    assert (server["command"], server["args"]) == ("einmal", ["mcp"])
    assert server["env"].keys() <= {setting.variable for setting in SETTINGS}
    assert read_settings(server["env"]).tenants[0].calcom_api_key is not None
