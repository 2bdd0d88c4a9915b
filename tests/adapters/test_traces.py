"""Traces leave by OTLP over HTTP, beside the calls; a collector that is not there costs nothing and is named once."""

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from einmal.adapters.telemetry import traces
from einmal.adapters.telemetry.traces import exporting
from support.canary import CANARY


@dataclass
class Collector:
    """A real one, as far as it goes: it takes OTLP/HTTP and reads the protobuf."""

    url: str = ""
    status: int = 200
    spans: list[Span] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.status == 200:
            told = ExportTraceServiceRequest.FromString(body)
            CANARY.hear("OTLP", str(told))
            for one in told.resource_spans:
                self.resources.append({item.key: item.value.string_value for item in one.resource.attributes})
                self.spans += [span for scope in one.scope_spans for span in scope.spans]
        return web.Response(status=self.status)


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    yield made
    await runner.cleanup()


@pytest.mark.parametrize("path", ["", "/", "/v1/traces"])
async def test_what_is_left_is_sent_when_we_end(collector: Collector, path: str) -> None:
    """To the path that collectors have, unless another is named."""
    traced = exporting(collector.url + path)
    with traced.arriving(None), traced.span("attempt", intent_id="int-1"):
        pass
    await traced.close()
    attempt, root = collector.spans
    assert (attempt.name, root.name) == ("attempt", "function call")
    assert attempt.parent_span_id == root.span_id
    assert attempt.trace_id == root.trace_id
    assert {item.key: item.value.string_value for item in attempt.attributes} == {"einmal.intent_id": "int-1"}
    assert collector.resources[0]["service.name"] == "einmal"
    assert collector.resources[0].keys() == {"service.name", "service.version"}


@pytest.mark.parametrize("refusal", [400, 302])
async def test_a_collector_that_refuses_is_named_once(
    collector: Collector, caplog: pytest.LogCaptureFixture, refusal: int
) -> None:
    """And once more when it takes them again. One that only says where else to go has not taken them."""
    caplog.set_level(logging.WARNING, "einmal")
    traced = exporting(collector.url)
    provider = traced._provider  # noqa: SLF001 - a second is long here
    loop = asyncio.get_running_loop()
    for status in (refusal, refusal, 200, 200):
        collector.status = status
        with traced.arriving(None):
            pass
        await loop.run_in_executor(None, provider.force_flush)
    await traced.close()
    said = [record.getMessage() for record in caplog.records if record.name == "einmal.http"]
    assert said == ["traces are not taken by their collector", "traces are taken again"]
    assert [record.name for record in caplog.records if record.name.startswith("opentelemetry")] == []
    assert len(collector.spans) == 2


async def test_of_what_a_collector_answers_nothing_is_kept() -> None:
    """Whatever answers at that address, and however long: a thread that reads it all would take the memory of calls."""
    hung_up = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"<p>hello</p>" * 1_000)
                await writer.drain()
        hung_up.set()
        writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    traced = exporting(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    with traced.arriving(None):
        pass
    await traced.close()
    await asyncio.wait_for(hung_up.wait(), 2)
    server.close()


async def test_nobody_there_is_no_reason_to_wait(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is not put off for a collector that does not answer."""
    monkeypatch.setattr(traces, "CLOSE_SECONDS", 0.2)
    monkeypatch.setattr(traces, "EXPORT_SECONDS", 0.1)
    caplog.set_level(logging.WARNING, "einmal")
    traced = exporting("http://127.0.0.1:9")
    for _ in range(3 * traces.KEPT_MAX):
        with traced.arriving(None):
            pass
    await traced.close()
    assert [record.name for record in caplog.records if record.name.startswith("opentelemetry")] == []


def test_without_the_extra_the_setting_says_how_to_get_it() -> None:
    """And everything else does without."""
    blocked = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
from einmal.settings import BadSettings, read_settings
import einmal.entrypoints.cli.serve
try:
    read_settings({"EINMAL_TRACES_URL": "http://127.0.0.1:4318"})
except BadSettings as wrong:
    print(wrong.problems[0])
"""
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == (
        "EINMAL_TRACES_URL: needs OpenTelemetry, which is not installed here; pip install 'einmal[tracing]', or in a "
        "clone pip install -e '.[tracing]'"
    )


def test_nothing_is_loaded_that_nobody_asked_for() -> None:
    """Start-up does not pay for it."""
    loaded = "import sys, json, einmal.entrypoints.cli.serve; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, timeout=60, check=True)
    modules = json.loads(done.stdout)
    assert [name for name in modules if name.partition(".")[0] in {"opentelemetry", "google", "requests"}] == []
