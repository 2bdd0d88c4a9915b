"""`einmal mcp`: the gateway for a model that speaks MCP. On stdio standard output is the protocol's; we speak on the
other."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from einmal.adapters.calcom.services import NoServices
from einmal.adapters.sql.migrate import SchemaMismatch, shown
from einmal.adapters.telemetry.logs import channel, configure_logs
from einmal.entrypoints.cli.serve import (
    COULD_NOT_START,
    CannotStart,
    listen,
    prepare_ledger,
    refuse_weak,
    run_to_the_end,
    serve_beside,
    with_simulator,
)
from einmal.entrypoints.cli.watch import watch_configuration
from einmal.extras import MCP
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Settings
from einmal.wiring import build_gateway, opened_traces

if TYPE_CHECKING:
    from einmal.entrypoints.mcp.server import Tools

USAGE: Final = 2


@dataclass(frozen=True, slots=True)
class Listens:
    """Where, over HTTP."""

    host: str
    port: int


def mcp(settings: Settings, listens: Listens | None, tenant_id: str | None) -> int:
    """Serve one tenant's tools until the client leaves, or until told to stop."""
    if MCP.is_missing():
        print(f"einmal: `einmal mcp` {MCP.needed}", file=sys.stderr)
        return COULD_NOT_START
    if listens is not None and not 0 < listens.port < 65536:
        print("einmal: --port must be from 1 to 65535", file=sys.stderr)
        return USAGE
    known = [one.tenant_id for one in settings.tenants]
    if tenant_id is None and len(known) > 1:
        print(f"einmal: say whose calendar with --tenant: {', '.join(known)}", file=sys.stderr)
        return USAGE
    if tenant_id is not None and tenant_id not in known:
        print(f"einmal: there is no such tenant; there are {', '.join(known)}", file=sys.stderr)
        return USAGE
    return _run(settings, listens, tenant_id or known[0])


def _run(settings: Settings, listens: Listens | None, tenant_id: str) -> int:
    configure_logs()
    # The SDK's own words would quote what a client sent.
    logging.getLogger("mcp").addHandler(logging.NullHandler())
    logging.getLogger("mcp").propagate = False
    try:
        run_to_the_end(_serve(settings, listens, tenant_id))
    except (CannotStart, SchemaMismatch, NoServices) as why:
        print(f"einmal: {why}", file=sys.stderr)
        return COULD_NOT_START
    except (LedgerUnavailable, CommitUnknown) as why:
        print(f"einmal: the ledger {shown(settings.ledger_at)} cannot be used: {why}", file=sys.stderr)
        return COULD_NOT_START
    return 0


async def _serve(settings: Settings, listens: Listens | None, tenant_id: str) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if listens is not None:
        refuse_weak(settings, listens.host)
    # Who may come in hangs on where this process can be reached, not on where gateways are.
    door = None if listens is None else listen(listens.host, listens.port, "choose another with --port")
    settings = settings if listens is None else replace(settings, host=listens.host)
    async with AsyncExitStack() as stack:
        if all(one.calcom_api_key is None for one in settings.tenants):
            settings = await with_simulator(settings, stack)
            _say("NO CAL.COM KEY IS SET: bookings go to the built-in simulator, which forgets everything at the end.")
            _say("For a real calendar set EINMAL_CALCOM_API_KEY and EINMAL_ATTENDEE_FALLBACK_EMAIL.")
        tools = await stack.enter_async_context(_gateway(settings, tenant_id))
        if door is None:
            await _until(_stdio(tools), stop)
        else:
            await _http(tools, door, stop)
    if door is None and stop.is_set():
        # A thread waits for a line of standard input, and nothing but one ends that. All that is ours is closed.
        sys.stderr.flush()
        os._exit(0)


def _say(text: str) -> None:
    print(f"einmal: {text}", file=sys.stderr, flush=True)


async def _until(served: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Until it ends by itself, or is told to."""
    serving, stopping = asyncio.create_task(served), asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if serving.done():
        serving.result()


@asynccontextmanager
async def _gateway(settings: Settings, tenant_id: str) -> "AsyncIterator[Tools]":
    """The tools on a gateway that does its own recovery."""
    from einmal.entrypoints.mcp.server import Tools  # noqa: PLC0415 - an extra, and a second to load

    prepare_ledger(settings.ledger_at)
    async with AsyncExitStack() as stack:
        traces = opened_traces(settings)
        if traces is not None:
            stack.push_async_callback(traces.close)
        gateway = await build_gateway(settings, traces=traces)
        tools, ended = Tools(gateway, tenant_id), asyncio.Event()
        behind = (gateway.worker.run(ended), watch_configuration(gateway, ended))
        running = [asyncio.create_task(one, name="behind") for one in behind]
        try:
            yield tools
        finally:
            ended.set()
            await asyncio.gather(*running, return_exceptions=True)
            await tools.hang_up()
            left = await gateway.close()
            if left:
                channel("alerts").error("stopped with POSTs in flight", extra={"fields": {"left": left}})


async def _stdio(tools: "Tools") -> None:
    from einmal.entrypoints.mcp.stdio import patient_stdio  # noqa: PLC0415

    server = tools.server
    async with patient_stdio() as (reads, writes):
        _say("MCP on standard input and output; it ends when its client does.")
        await server.run(reads, writes, server.create_initialization_options())


async def _http(tools: "Tools", door: socket.socket, stop: asyncio.Event) -> None:
    from einmal.entrypoints.mcp.door import PATH, opened  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(opened(tools.gateway, tools.server))
        await serve_beside(app, door, stack)
        host, port = door.getsockname()[:2]
        _say(f"MCP on http://{f'[{host}]' if ':' in host else host}:{port}{PATH}")
        await stop.wait()
