"""`einmal serve` and `einmal simulator`: processes that listen, say what they are, and end cleanly."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvicorn

from einmal.adapters.calcom.services import NoServices
from einmal.adapters.sql.ledger import SCHEMA_HEAD
from einmal.adapters.sql.migrate import SchemaMismatch, schema_version, shown, upgrade
from einmal.adapters.telemetry.logs import channel, configure_logs
from einmal.entrypoints.cli.exposed import exposed_warnings
from einmal.entrypoints.cli.unsigned import unsigned_warnings
from einmal.entrypoints.cli.watch import watch_configuration
from einmal.entrypoints.cli.watch_constraint import watch_constraint
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.http.listening import BoundedProtocol
from einmal.entrypoints.lab.pages import has_lab, lab_routes
from einmal.entrypoints.rest.app import rest_routes
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.entrypoints.web.curl import first_call
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Secret, Settings, is_loopback
from einmal.settings.weak import weak_secrets
from einmal.simulator.app import simulator_app
from einmal.simulator.catalogue import demo_calendar
from einmal.simulator.faults import FaultPlan, PlanMistake
from einmal.simulator.wire import SimulatedCalcom
from einmal.wiring import Gateway, build_gateway, opened_traces

SIMULATOR_PORT: Final = 8090
COULD_NOT_START: Final = 4


class CannotStart(Exception):
    """Says in one line why, and what to do."""


def serve(settings: Settings) -> int:
    """Run the gateway until it is told to stop."""
    configure_logs()
    try:
        run_to_the_end(_serve(settings))
    except (CannotStart, SchemaMismatch, NoServices) as why:
        print(f"einmal: {why}", file=sys.stderr)
        return COULD_NOT_START
    except (LedgerUnavailable, CommitUnknown) as why:
        print(f"einmal: the ledger {shown(settings.ledger_at)} cannot be used: {why}", file=sys.stderr)
        return COULD_NOT_START
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
        sockets = [listen(host, port, "choose another with --port")]
        text = f"Simulated Cal.com v2 on http://{host}:{port}. Every key works; nothing is kept."
        await _AnnouncedServer(_simulated_calcom(latency_seconds, plan), text, dated=False).serve(sockets)

    try:
        run_to_the_end(run())
    except CannotStart as why:
        print(f"einmal: {why}", file=sys.stderr)
        return COULD_NOT_START
    return 0


async def _serve(settings: Settings) -> None:
    refuse_weak(settings, settings.host)
    # Ports first: a database made or a simulator started for a gateway that cannot listen helps nobody.
    door = listen(settings.host, settings.port, "choose another with EINMAL_PORT")
    simulated = all(one.calcom_api_key is None for one in settings.tenants)
    async with AsyncExitStack() as stack:
        if simulated:
            settings = await with_simulator(settings, stack)
        prepare_ledger(settings.ledger_at)
        traces = opened_traces(settings)
        if traces is not None:
            stack.push_async_callback(traces.close)
        gateway = await build_gateway(settings, traces=traces)
        stop = asyncio.Event()
        worker = asyncio.create_task(gateway.worker.run(stop), name="worker")
        watch = asyncio.create_task(watch_configuration(gateway, stop), name="configuration")
        constraint = asyncio.create_task(watch_constraint(gateway, stop), name="constraint")
        try:
            site = build_site(gateway, has_lab=has_lab(settings))
            pages = [*page_routes(site), *(lab_routes(site) if site.has_lab else ()), *rest_routes(gateway)]
            app, text = create_app(gateway, pages), _greeting(gateway, simulated=simulated)
            _set_aside_what_stays()
            await _AnnouncedServer(app, text, ending=site.feed.close).serve([door])
        finally:
            stop.set()
            # Whatever became of them, POSTs in flight are finished.
            await asyncio.gather(worker, watch, constraint, return_exceptions=True)
            left = await gateway.close()
            if left:
                channel("alerts").error("stopped with POSTs in flight", extra={"fields": {"left": left}})


def refuse_weak(settings: Settings, host: str) -> None:
    """Where the world can come in, with no secret that it could guess. Raises CannotStart."""
    weak = () if is_loopback(host) else weak_secrets(settings)
    if weak:
        raise CannotStart(f"on {host} this is not safe: {'; '.join(weak)}")


def _set_aside_what_stays() -> None:
    """What a process holds once it is set up it holds to its end. To look it all over for garbage again and again would
    hold up every call by a twentieth of a second each time."""
    gc.collect()
    gc.freeze()


async def with_simulator(settings: Settings, stack: AsyncExitStack) -> Settings:
    """Start the built-in simulator, and unless told otherwise a ledger that ends with it.

    The simulator forgets when it stops. A ledger that remembered would then tell of bookings that are no more.
    """
    if settings.is_default("database_url"):
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="einmal-"))
        settings = replace(settings, database_url=Path(folder) / "ledger.sqlite3")
    try:
        door = listen("127.0.0.1", SIMULATOR_PORT, "")
    except CannotStart:
        door = listen("127.0.0.1", 0, "no port is free")
    await serve_beside(_simulated_calcom(0.0), door, stack, dated=False)
    # The simulator takes any key, and like the real one it lists bookings only to those who have one.
    key = Secret("simulator")
    port = door.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    return replace(settings, calcom_base_url=url, calcom_api_key=key, simulated=True)


async def serve_beside(app: Any, door: socket.socket, stack: AsyncExitStack, *, dated: bool = True) -> None:
    """Serve this as long as the stack stands. It can be reached on return."""
    server = _QuietServer(_config(app, dated=dated))
    task = asyncio.create_task(server.serve([door]))
    stack.push_async_callback(_stop, server, task)
    while not server.started:
        if task.done():
            task.result()
            raise CannotStart("what should listen beside the rest ended at once")
        await asyncio.sleep(0.01)


async def _stop(server: uvicorn.Server, task: "asyncio.Task[None]") -> None:
    server.should_exit = True
    await task


def prepare_ledger(where: Path | str) -> None:
    version = schema_version(where)
    if version is None:
        upgrade(where)
        return
    if version != SCHEMA_HEAD:
        raise CannotStart(f"the ledger {shown(where)} has schema {version}, not {SCHEMA_HEAD}; run `einmal db upgrade`")


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
        http=BoundedProtocol,  # whoever is slow does not keep a connection
        date_header=dated,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing here believes them
        lifespan="off",
        ws="none",  # nothing here speaks it, and a request that asks for it is a request like others
        server_header=False,
        timeout_graceful_shutdown=12,
        # Longer than platforms keep a connection they may use again: closed under a call, it would be a call lost.
        timeout_keep_alive=75,
    )


class _AnnouncedServer(uvicorn.Server):
    """Says what it is once it can be reached, not before. `ending` ends what would never end by itself."""

    def __init__(self, app: Any, text: str, *, dated: bool = True, ending: Callable[[], None] = lambda: None) -> None:
        super().__init__(_config(app, dated=dated))
        self._text = text
        self._ending = ending

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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)


def listen(host: str, port: int, advice: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise CannotStart(f"{host}:{port} cannot be listened on ({error.strerror}); {advice}") from error
    return door


def run_to_the_end(main: Any) -> None:
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
    lines += [f"WARNING: {one}" for one in weak_secrets(settings)]
    lines += exposed_warnings(settings)
    lines += unsigned_warnings(gateway.tenancies, loopback=settings.loopback)
    off = settings.guard.layers_off()
    if off:
        lines.append(f"WARNING: guard layers are OFF: {', '.join(off)}. What they would have stopped is logged only.")
        channel("alerts").error("guard layers are off", extra={"fields": {"layers": off}})
    if simulated and not gateway.tenancies.keys:
        lines += ["", "Book an appointment, and ask for the same again:", "", *[f"  {first_call(gateway)}"] * 2]
    return "\n".join(lines)
