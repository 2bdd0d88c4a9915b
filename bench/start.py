"""What it takes until a gateway answers, and what it holds then: beside a bare Python, and a bare server of its kind.

From the start of the process to its first good answer to `/readyz`, by the clock and by the processor; memory then, and
after a thousand bookings. All take turns, so a ratio is of one run; a machine that is busy is busy for all of them.
"""

import argparse
import contextlib
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from contenders import EINMAL, Contender, Ground, contender
from goals import Goal, Line
from processes import Process, cpu_seconds, free_port, rss_bytes, wait_until_it_answers
from waits import asked

MEGABYTE = 1e6
BOOKINGS = 1000

BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def ready(request):
    return PlainTextResponse("ready")

app = Starlette(routes=[Route("/readyz", ready)])
uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", access_log=False)
"""
"""The least that answers HTTP with what Einmal answers it with."""


@dataclass
class Starts:
    """Of one who starts, by round."""

    title: str
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)

    def ready(self, process: Process, began: float) -> None:
        self.seconds.append(time.monotonic() - began)
        self.cpu.append(cpu_seconds(process.pid))
        self.rss.append(rss_bytes(process.pid))

    @property
    def told(self) -> str:
        memory = f", {statistics.median(self.rss) / MEGABYTE:.0f} MB" if self.rss else ""
        processor = f", {statistics.median(self.cpu):.2f} s of the processor" if self.cpu else ""
        least, most = min(self.seconds), max(self.seconds)
        return f"{self.title}: {statistics.median(self.seconds):.2f} s ({least:.2f}-{most:.2f}){processor}{memory}"


def start(ground: Ground, options: argparse.Namespace) -> list[Line]:
    plain, version = Starts("python -c pass"), Starts("einmal --version")
    bare = Starts("a bare server")
    first, again = Starts("Einmal, SQLite, no ledger yet"), Starts("Einmal, SQLite")
    server = Starts("Einmal, PostgreSQL")
    with contextlib.ExitStack() as stack:
        file, base = contender("einmal_sqlite", ground), contender("einmal", ground)
        for one in (file, base):
            stack.callback(one.stop)
            one.start()
            one.stop()
        turns: list[tuple[Starts, Callable[[Starts], None]]] = [
            (plain, lambda starts: _ended(starts, "-c", "pass")),
            (version, lambda starts: _ended(starts, "-m", "einmal", "--version")),
            (bare, lambda starts: _bare(starts, ground)),
            (first, lambda starts: _started(starts, contender("einmal_sqlite", ground, f"_{len(starts.seconds)}"))),
            (again, lambda starts: _started(starts, file)),
            (server, lambda starts: _started(starts, base)),
        ]
        for _ in range(options.rounds):
            for starts, turn in turns:
                turn(starts)
        for starts, _turn in turns:
            print(f"  {starts.told}", flush=True)
        file.start()
        asked(file, 16, "--limit", BOOKINGS)
        booked = rss_bytes(file.processes[0].pid)
    print(f"  Einmal, SQLite, after {BOOKINGS} bookings: {booked / MEGABYTE:.0f} MB", flush=True)
    return [
        (Goal("start to ready beside a bare server: the processor", 0, less=True), _ratio(again.cpu, bare.cpu)),
        (Goal("start to ready beside a bare server: the clock", 0, less=True), _ratio(again.seconds, bare.seconds)),
        (Goal("memory at rest beside a bare server", 0, less=True), _ratio(again.rss, bare.rss)),
        (Goal(f"memory after {BOOKINGS} bookings beside at rest", 0, less=True), booked / statistics.median(again.rss)),
        (Goal("einmal --version beside python -c pass", 0, less=True), _ratio(version.seconds, plain.seconds)),
    ]


def _ended(starts: Starts, *words: str) -> None:
    began = time.monotonic()
    subprocess.run([EINMAL, *words], check=True, stdout=subprocess.DEVNULL)
    starts.seconds.append(time.monotonic() - began)


def _bare(starts: Starts, ground: Ground) -> None:
    port, began = free_port(), time.monotonic()
    process = Process((str(EINMAL), "-c", BARE, str(port)), {}, ground.folder, ground.folder / "bare.log")
    try:
        wait_until_it_answers(port, process, "/readyz")
        starts.ready(process, began)
    finally:
        process.stop()


def _started(starts: Starts, one: Contender) -> None:
    began = time.monotonic()
    try:
        one.start()
        starts.ready(one.processes[0], began)
    finally:
        one.stop()


def _ratio(ours: list[float] | list[int], theirs: list[float] | list[int]) -> float:
    """The median of the turns' own ratios."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
