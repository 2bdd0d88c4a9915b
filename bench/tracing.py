"""What traces cost: Einmal with a collector and without, in turns, and how long each takes to start."""

import argparse
import contextlib
import statistics
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from contenders import Contender, Ground, contender, time_to_ready
from goals import Goal, Line
from rounds import Round, run

CLIENTS = 16


@contextlib.contextmanager
def collector() -> Iterator[str]:
    """The address of one that takes whatever it is sent."""

    class Taking(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def tracing(ground: Ground, options: argparse.Namespace) -> list[Line]:
    """Ratios of the same turn: the machine is as busy for one as for the other."""
    with collector() as url, contextlib.ExitStack() as stack:
        both: dict[str, Contender] = {}
        ready: dict[str, list[float]] = {"off": [], "on": []}
        for name, more in (("off", {}), ("on", {"EINMAL_TRACES_URL": url})):
            both[name] = contender("einmal_sqlite", ground, f"_{name}")
            both[name].more = more
            stack.callback(both[name].stop)
            time_to_ready(both[name])  # with an empty database
        for _ in range(options.rounds):
            for name, one in both.items():
                one.stop()
                ready[name].append(time_to_ready(one))
        for one in both.values():
            one.hold()
        turns = [_turn(both, ground, options.seconds_per_round) for _ in range(options.rounds)]
    begun = statistics.median(on / off for on, off in zip(ready["on"], ready["off"], strict=True))
    cpu = statistics.median(on.cpu_us["gateway"] / off.cpu_us["gateway"] for off, on in turns)
    p50, p99 = (statistics.median(on.ms[p] / off.ms[p] for off, on in turns) for p in ("p50", "p99"))
    off_us, on_us = (statistics.median(turn[n].cpu_us["gateway"] for turn in turns) for n in (0, 1))
    print(
        f"  with traces {cpu:.2f} x the gateway's CPU a booking ({off_us:.0f} and {on_us:.0f} µs), "
        f"{p50:.2f} x p50, {p99:.2f} x p99; {begun:.2f} x the time to start",
        flush=True,
    )
    return [
        (Goal("traces: the gateway's CPU a booking", 1.5, unit="x", less=True), cpu),
        (Goal("traces: p50 at 16 clients", 1.5, unit="x", less=True), p50),
    ]


def _turn(both: dict[str, Contender], ground: Ground, seconds: float) -> tuple[Round, Round]:
    return run(both["off"], ground, CLIENTS, seconds), run(both["on"], ground, CLIENTS, seconds)
