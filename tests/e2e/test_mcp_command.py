"""`einmal mcp` as a host starts it: a real process, the official client, and nothing but the protocol on its output."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from einmal.entrypoints.cli.mcp import mcp
from einmal.settings import read_settings
from einmal.simulator.app import simulator_app
from einmal.simulator.catalogue import demo_calendar
from einmal.simulator.faults import FaultPlan
from einmal.simulator.wire import SimulatedCalcom
from support.canary import CANARY
from support.serving import served

WISH = {"service": "Beratung", "start": "2027-12-01T10:00", "name": "Jürgen Groß"}
TENANTS = """
[[tenants]]
id = "salon"
name = "Salon"
agents = ["agent_1"]
[[tenants.services]]
name = "Beratung"
event_type_id = 101
duration_minutes = 30

[[tenants]]
id = "praxis"
name = "Praxis"
agents = ["agent_2"]
[[tenants.services]]
name = "Haarschnitt"
event_type_id = 102
duration_minutes = 45
"""


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("EINMAL_")}


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@asynccontextmanager
async def process(folder: Path, *words: str, mode: str = "legacy", **environment: str) -> AsyncIterator[Client]:
    """The command as a host's configuration names it; what it says beside the protocol is heard by the canary."""
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "einmal", "mcp", *words],
        env=clean_environment() | environment,
        cwd=folder,
    )
    with (folder / "stderr").open("w") as complaints:
        async with Client(stdio_client(started, errlog=complaints), mode=mode) as client:
            yield client
    CANARY.hear("`einmal mcp`", (folder / "stderr").read_text())


async def told(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


async def test_a_host_that_starts_it_books_once_and_cancels(tmp_path: Path) -> None:
    """Without a key it is a trial, and says so where no protocol is spoken. The process is the conversation."""
    async with process(tmp_path) as client:
        assert len((await client.list_tools()).tools) == 8
        booked = [await told(client, "book_appointment", **WISH) for _ in range(2)]
        assert [one["status"] for one in booked] == ["booked", "booked"]
        assert booked[0]["booking"] == booked[1]["booking"]
        wrong = await client.call_tool("book_appointment", WISH | {"begin": "10:00"})
        assert wrong.is_error
        assert (await told(client, "cancel_appointment", ref=booked[0]["booking"]["ref"]))["status"] == "cancelled"
        assert (await told(client, "booking_status"))["status"] == "cancelled"
    said = (tmp_path / "stderr").read_text()
    assert "NO CAL.COM KEY IS SET: bookings go to the built-in simulator" in said
    assert '"booking successful and validated"' in said


async def test_one_of_several_houses_and_the_newest_protocol(tmp_path: Path) -> None:
    """No handle is asked for where the process is the conversation."""
    (tmp_path / "tenants.toml").write_text(TENANTS)
    async with process(tmp_path, "--tenant", "salon", mode="auto", EINMAL_CONFIG="tenants.toml") as client:
        services = (await told(client, "list_services"))["services"]
        assert [one["name"] for one in services] == ["Beratung"]
        # A house of the file takes wishes for a year.
        today = datetime.now(UTC)
        start = f"{today + timedelta(days=8 - today.weekday()):%Y-%m-%d}T10:00"
        booked = await told(client, "book_appointment", start=start, name=WISH["name"])
        assert booked["status"] == "booked"
        assert "conversation" not in booked
        assert (await told(client, "cancel_appointment", start=start))["status"] == "cancelled"


def test_told_to_stop_it_ends_and_its_output_is_the_protocol_alone(tmp_path: Path) -> None:
    """A line that nobody can read is answered in the protocol; a host that ends it with a signal waits for nothing."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
    with subprocess.Popen(
        [sys.executable, "-m", "einmal", "mcp"],
        cwd=tmp_path,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as one:
        assert one.stdin is not None
        assert one.stdout is not None
        one.stdin.write("no protocol\n" + json.dumps(asked) + "\n")
        one.stdin.flush()
        lines = [one.stdout.readline()]
        one.send_signal(signal.SIGTERM)
        assert one.wait(30) == 0
        lines += one.stdout.readlines()
        assert [json.loads(line)["result"]["serverInfo"]["name"] for line in lines if '"id":1' in line] == ["einmal"]
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in lines)


SLOW = '[[rule]]\nfault = "slow_answer"\noperation = "create"\ndelay_seconds = 1\n'


@pytest.mark.parametrize("patient", [True, False])
async def test_what_was_asked_before_the_input_ended_is_answered(tmp_path: Path, patient: bool) -> None:
    """Piped in, and the pipe is closed while the calendar is slow: "booked", and not an error of the connection, for it
    is booked. The control is the SDK's own, which gives up at once."""
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "book_appointment", "arguments": WISH}},
        {"jsonrpc": "2.0", "id": "three", "method": "tools/call", "params": {"name": "no_tool", "arguments": {}}},
        {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {"name": "book_appointment", "arguments": WISH}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4}},
    ]
    calendar = demo_calendar()
    wire = SimulatedCalcom(calendar, api_keys=None, now=lambda: datetime.now(UTC))
    words = ["-m", "einmal", "mcp"] if patient else ["-c", IMPATIENT]
    async with served(simulator_app(wire, faults=FaultPlan.from_toml(SLOW))) as url:
        own = {"EINMAL_CALCOM_API_KEY": "cal_test", "EINMAL_CALCOM_BASE_URL": url}
        one = await asyncio.create_subprocess_exec(
            *(sys.executable, *words),
            cwd=tmp_path,
            env=clean_environment() | own | {"EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaints = await one.communicate("".join(json.dumps(line) + "\n" for line in lines).encode())
        assert one.returncode == 0, complaints.decode()
        CANARY.hear("`einmal mcp`", complaints.decode())
    answers = {told["id"]: told for told in map(json.loads, said.decode().splitlines())}
    assert answers["three"]["error"]["message"].startswith("there is no such tool")
    assert 4 not in answers
    if patient:
        assert answers[2]["result"]["structuredContent"]["status"] == "booked"
        assert len(calendar.bookings) == 1
    else:
        assert answers[2]["error"]["message"] == "Connection closed"


IMPATIENT = """
import asyncio, os
from einmal.entrypoints.cli.mcp import _gateway
from einmal.settings import read_settings
from mcp.server.stdio import stdio_server

async def served():
    async with _gateway(read_settings(os.environ), "default") as tools, stdio_server() as (reads, writes):
        await tools.server.run(reads, writes, tools.server.create_initialization_options())

asyncio.run(served())
"""


async def test_over_http_it_ends_when_told_to_with_a_client_still_there(tmp_path: Path) -> None:
    """The address is said where no protocol is; whoever has the secret books."""
    port = free_port()
    one = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "einmal", "mcp", "--http", "--port", str(port)),
        cwd=tmp_path,
        env=clean_environment() | {"EINMAL_MCP_SECRET": "only-ours"},
        stderr=asyncio.subprocess.PIPE,
    )
    assert one.stderr is not None
    said = ""
    while f"http://127.0.0.1:{port}/mcp" not in said:
        line = await one.stderr.readline()
        assert line, said
        said += line.decode()
    async with (
        httpx2.AsyncClient(headers={"Authorization": "Bearer only-ours"}) as http,
        Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http), mode="legacy") as client,
    ):
        assert (await told(client, "book_appointment", **WISH))["status"] == "booked"
        one.send_signal(signal.SIGTERM)
        said += (await one.stderr.read()).decode()
    assert await one.wait() == 0
    CANARY.hear("`einmal mcp --http`", said)


INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "a test", "version": "1"},
}


def test_without_the_sdk_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "mcp", None)
        assert mcp(read_settings({}), None, None) == 4
    assert "pip install 'einmal[mcp]'" in capsys.readouterr().err


def test_whose_calendar_must_be_said_where_there_are_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tenants.toml").write_text(TENANTS)
    settings = read_settings({"EINMAL_CONFIG": str(tmp_path / "tenants.toml")})
    assert mcp(settings, None, None) == 2
    assert "--tenant: salon, praxis" in capsys.readouterr().err
    assert mcp(settings, None, "buero") == 2
    assert "there are salon, praxis" in capsys.readouterr().err
