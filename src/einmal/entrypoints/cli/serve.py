"""`einmal serve` and `einmal simulator`: processes that listen, say what they are, and end cleanly."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import uvicorn

from einmal.adapters.calcom.services import NoServices
from einmal.adapters.sql.ledger import SCHEMA_HEAD
from einmal.adapters.sql.migrate import SchemaMismatch, has_layer_4, schema_version, shown, upgrade
from einmal.adapters.telemetry.logs import channel, configure_logs
from einmal.entrypoints.cli.watch import watch_configuration
from einmal.entrypoints.http.app import create_app
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Secret, Settings, is_loopback
from einmal.simulator.app import simulator_app
from einmal.simulator.catalogue import demo_calendar
from einmal.simulator.faults import FaultPlan, PlanMistake
from einmal.simulator.wire import SimulatedCalcom
from einmal.wiring import Gateway, build_gateway

SIMULATOR_PORT: Final = 8090
_COULD_NOT_START: Final = 4


class CannotStart(Exception):
    """Says in one line why, and what to do."""


def serve(settings: Settings) -> int:
    """Run the gateway until it is told to stop."""
    configure_logs()
    try:
        _run(_serve(settings))
    except (CannotStart, SchemaMismatch, NoServices) as why:
        print(f"einmal: {why}", file=sys.stderr)
        return _COULD_NOT_START
    except (LedgerUnavailable, CommitUnknown) as why:
        print(f"einmal: the ledger {shown(settings.ledger_at)} cannot be used: {why}", file=sys.stderr)
        return _COULD_NOT_START
    return 0


def work(settings: Settings) -> int:
    """Run recovery alone until told to stop."""
    configure_logs()
    if any(one.calcom_api_key is None for one in settings.tenants):
        print(
            "einmal: EINMAL_CALCOM_API_KEY is not set; without a calendar there is nothing to recover", file=sys.stderr
        )
        return 2
    try:
        _run(_work(settings))
    except (CannotStart, SchemaMismatch, NoServices) as why:
        print(f"einmal: {why}", file=sys.stderr)
        return _COULD_NOT_START
    except (LedgerUnavailable, CommitUnknown) as why:
        print(f"einmal: the ledger {shown(settings.ledger_at)} cannot be used: {why}", file=sys.stderr)
        return _COULD_NOT_START
    return 0


def serve_simulator(host: str, port: int, latency_seconds: float, faults: Path | None) -> int:
    """Run only the simulator, with the faults of a plan if one is given."""
    if not is_loopback(host):
        print("einmal: the simulator knows no keys, so it listens on loopback only", file=sys.stderr)
        return 2

    if not 0 < port < 65536 or latency_seconds < 0:
        print("einmal: --port must be from 1 to 65535, --latency at least 0", file=sys.stderr)
        return 2
    try:
        plan = None if faults is None else FaultPlan.from_toml(faults.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, PlanMistake) as wrong:
        print(f"einmal: the fault plan {faults} cannot be used: {wrong}", file=sys.stderr)
        return 2

    async def run() -> None:
        sockets = [_listen(host, port, "choose another with --port")]
        text = f"Simulated Cal.com v2 on http://{host}:{port}. Every key works; nothing is kept."
        await _AnnouncedServer(_simulated_calcom(latency_seconds, plan), text, dated=False).serve(sockets)

    try:
        _run(run())
    except CannotStart as why:
        print(f"einmal: {why}", file=sys.stderr)
        return _COULD_NOT_START
    return 0


async def _serve(settings: Settings) -> None:
    # Ports first: a database made or a simulator started for a gateway that cannot listen helps nobody.
    door = _listen(settings.host, settings.port, "choose another with EINMAL_PORT")
    simulated = all(one.calcom_api_key is None for one in settings.tenants)
    async with AsyncExitStack() as stack:
        if simulated:
            settings = await _simulate(settings, stack)
        _prepare_ledger(settings.ledger_at)
        gateway = await build_gateway(settings)
        stop = asyncio.Event()
        worker = asyncio.create_task(gateway.worker.run(stop), name="worker")
        watch = asyncio.create_task(watch_configuration(gateway, stop), name="configuration")
        try:
            await _AnnouncedServer(create_app(gateway), _greeting(gateway, simulated=simulated)).serve([door])
        finally:
            stop.set()
            # Whatever became of them, POSTs in flight are finished.
            await asyncio.gather(worker, watch, return_exceptions=True)
            left = await gateway.close()
            if left:
                channel("alerts").error("stopped with POSTs in flight", extra={"fields": {"left": left}})


async def _work(settings: Settings) -> None:
    _prepare_ledger(settings.ledger_at)
    gateway = await build_gateway(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    print(f"Recovering what is unresolved in {shown(settings.ledger_at)}. Stop with Ctrl-C.", flush=True)
    await asyncio.gather(gateway.worker.run(stop), watch_configuration(gateway, stop))
    await gateway.close()


async def _simulate(settings: Settings, stack: AsyncExitStack) -> Settings:
    """Start the built-in simulator, and unless told otherwise a ledger that ends with it.

    The simulator forgets when it stops. A ledger that remembered would then tell of bookings that are no more.
    """
    if settings.is_default("database_url"):
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="einmal-"))
        settings = replace(settings, database_url=Path(folder) / "ledger.sqlite3")
    try:
        door = _listen("127.0.0.1", SIMULATOR_PORT, "")
    except CannotStart:
        door = _listen("127.0.0.1", 0, "no port is free")
    server = _QuietServer(_config(_simulated_calcom(0.0), dated=False))
    task = asyncio.create_task(server.serve([door]))
    stack.push_async_callback(_stop, server, task)
    while not server.started:
        if task.done():
            task.result()
            raise CannotStart("the built-in simulator ended at once")
        await asyncio.sleep(0.01)
    # The simulator takes any key, and like the real one it lists bookings only to those who have one.
    key = Secret("simulator")
    port = door.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    return replace(settings, calcom_base_url=url, calcom_api_key=key, simulated=True)


async def _stop(server: uvicorn.Server, task: "asyncio.Task[None]") -> None:
    server.should_exit = True
    await task


def _prepare_ledger(where: Path | str) -> None:
    version = schema_version(where)
    if version is None:
        upgrade(where)
        return
    if version != SCHEMA_HEAD:
        raise CannotStart(f"the ledger {shown(where)} has schema {version}, not {SCHEMA_HEAD}; run `einmal db upgrade`")
    if not has_layer_4(where):
        channel("alerts").error("layer 4 is off: the ledger has no UNIQUE index on booking uids")


class _QuietServer(uvicorn.Server):
    """A server beside the main one: signals are the main one's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _simulated_calcom(latency_seconds: float, plan: FaultPlan | None = None) -> Any:
    calcom = SimulatedCalcom(demo_calendar(), api_keys=None, now=lambda: datetime.now(UTC))
    return simulator_app(calcom, latency_seconds=latency_seconds, faults=plan)


def _config(app: Any, *, dated: bool = True) -> uvicorn.Config:
    """`dated`: the server adds a Date header. The simulator brings its own, which may be skewed or missing."""
    return uvicorn.Config(
        app,
        date_header=dated,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing here believes them
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=12,
        # Longer than platforms keep a connection they may use again: closed under a call, it would be a call lost.
        timeout_keep_alive=75,
    )


class _AnnouncedServer(uvicorn.Server):
    """Says what it is once it can be reached, not before."""

    def __init__(self, app: Any, text: str, *, dated: bool = True) -> None:
        super().__init__(_config(app, dated=dated))
        self._text = text

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Told to stop, it stops and returns. The server's own way ends the process before POSTs are drained."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._text, flush=True)


def _listen(host: str, port: int, advice: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise CannotStart(f"{host}:{port} cannot be listened on ({error.strerror}); {advice}") from error
    return door


def _run(main: Any) -> None:
    factory = None
    if sys.platform != "win32":
        import uvloop  # noqa: PLC0415

        factory = uvloop.new_event_loop
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


def _greeting(gateway: Gateway, *, simulated: bool) -> str:
    """What a person sees who has just started it."""
    settings, tenancies = gateway.settings, gateway.tenancies.all
    address = f"http://{settings.host}:{settings.port}"
    lines = [f"Einmal is listening on {address}"]
    if simulated:
        lines += [
            "",
            "  NO CAL.COM KEY IS SET: bookings go to the built-in simulator, not to a calendar.",
            f"  It listens on {settings.calcom_base_url} and forgets everything when you stop it.",
            "  For the real one set EINMAL_CALCOM_API_KEY and EINMAL_ATTENDEE_FALLBACK_EMAIL.",
            "",
        ]
    else:
        lines.append(f"Cal.com: {settings.calcom_base_url}")
    lines.append(f"Ledger: {shown(settings.ledger_at)}")
    for one in tenancies:
        services = ", ".join(service.name for service in one.tenant.services)
        lines.append(f"Services: {services}" if len(tenancies) == 1 else f"{one.tenant.name}: {services}")
    if not gateway.tenancies.keys:
        where = "and are taken from this machine only" if settings.loopback else "and are REFUSED off loopback"
        lines.append(f"WARNING: EINMAL_RETELL_API_KEY is not set: function calls are not signed, {where}.")
    off = settings.guard.layers_off()
    if off:
        lines.append(f"WARNING: guard layers are OFF: {', '.join(off)}. What they would have stopped is logged only.")
        channel("alerts").error("guard layers are off", extra={"fields": {"layers": off}})
    if simulated and not gateway.tenancies.keys:
        lines += ["", "Book an appointment, and ask for the same again:", "", *_curl_lines(gateway, address)]
    return "\n".join(lines)


def _curl_lines(gateway: Gateway, address: str) -> list[str]:
    one = gateway.tenancies.all[0]
    zone = one.voice.zone
    day = (gateway.clock.now().astimezone(zone) + timedelta(days=7)).strftime("%Y-%m-%d")
    # The shortest service fits on every day.
    service = min(one.tenant.services, key=lambda one: one.duration_minutes)
    arguments = {"datum": day, "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": service.name}
    whose = {"agent_id": one.configuration.agents[0]} if one.configuration.agents else {}
    if not whose and one.configuration.numbers:
        whose = {"to_number": one.configuration.numbers[0]}
    call = {"name": "collect_appointment", "call": {"call_id": "call_1a2b3c", **whose}, "args": arguments}
    body = json.dumps(call, ensure_ascii=False)
    url = f"{address}/api/retell/collect-appointment"
    line = f"  curl -sw '\\n' {url} -H 'Content-Type: application/json' -d '{body}'"
    return [line, line]
