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
from support.canary import CANARY

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
