"""`einmal work`: what gateways do behind their calls, and nothing else; with a door for probes, if one is asked for."""

import asyncio
import signal
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

from einmal.adapters.calcom.services import NoServices
from einmal.adapters.sql.migrate import SchemaMismatch, shown
from einmal.adapters.telemetry.logs import configure_logs
from einmal.entrypoints.cli.serve import (
    COULD_NOT_START,
    CannotStart,
    listen,
    prepare_ledger,
    refuse_weak,
    run_to_the_end,
    serve_beside,
)
from einmal.entrypoints.cli.watch import watch_configuration
from einmal.entrypoints.cli.watch_constraint import watch_constraint
from einmal.entrypoints.http.app import create_inside
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Settings
from einmal.wiring import build_gateway

USAGE: Final = 2


def work(settings: Settings, host: str, port: int | None) -> int:
    """Run recovery alone until told to stop; on `port` it can be asked how it is."""
    if any(one.calcom_api_key is None for one in settings.tenants):
        print(
            "einmal: EINMAL_CALCOM_API_KEY is not set; without a calendar there is nothing to recover", file=sys.stderr
        )
        return USAGE
    if port is not None and not 0 < port < 65536:
        print("einmal: --port must be from 1 to 65535", file=sys.stderr)
        return USAGE
    # Who may read the metrics hangs on where this process can be reached, not on where gateways are.
    settings = replace(settings, host=host)
    try:
        if port is not None:
            refuse_weak(settings, host)
        door = None if port is None else listen(host, port, "choose another with --port")
        configure_logs()
        run_to_the_end(_work(settings, door))
    except (CannotStart, SchemaMismatch, NoServices) as why:
        print(f"einmal: {why}", file=sys.stderr)
        return COULD_NOT_START
    except (LedgerUnavailable, CommitUnknown) as why:
        print(f"einmal: the ledger {shown(settings.ledger_at)} cannot be used: {why}", file=sys.stderr)
        return COULD_NOT_START
    return 0


async def _work(settings: Settings, door: socket.socket | None) -> None:
    prepare_ledger(settings.ledger_at)
    gateway = await build_gateway(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with AsyncExitStack() as stack:
            where = ""
            if door is not None:
                await serve_beside(create_inside(gateway), door, stack)
                where = f" Metrics: http://{settings.host}:{door.getsockname()[1]}/metrics."
            print(f"Recovering what is unresolved in {shown(settings.ledger_at)}.{where} Stop with Ctrl-C.", flush=True)
            await asyncio.gather(
                gateway.worker.run(stop), watch_configuration(gateway, stop), watch_constraint(gateway, stop)
            )
    finally:
        await gateway.close()
