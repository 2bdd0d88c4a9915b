"""One round of one contender: warm up, measure, drain, count its rows against the calendar's bookings, rest."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from contenders import BENCH, Contender, Ground
from processes import cpu_seconds, rest

PARTS = ("gateway", "database", "stub", "load")


@dataclass(frozen=True)
class Round:
    rate: float
    ms: dict[str, float]
    errors: int
    lost: int
    """Bookings without a row of the contender's, rows without a booking, and bookings made twice."""
    cpu_us: dict[str, float]
    """By part, for each booking."""
    cores: dict[str, float]
    """By part, how many cores it kept busy."""
    statuses: dict[str, int]


def load(ports: list[int], clients: int, *words: Any) -> dict[str, Any]:
    """What the load process says. Whatever else it is to do stands in `words`."""
    command = [sys.executable, BENCH / "load.py", "--ports", ",".join(map(str, ports)), "--clients", clients, *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def run(one: Contender, ground: Ground, clients: int, seconds: float) -> Round:
    if one.name == "limit":
        return _limit(one, ground, clients, seconds)
    one.go_on()
    try:
        rows = one.rows()
        ground.calendar_empty()
        gateways = tuple(process.pid for process in one.processes)
        pids = (*gateways, ground.server.process.pid, ground.calendar.pid)
        watched = ("--pids", ",".join(map(str, pids)))
        said = load(one.ports, clients, "--first", one.first, "--seconds", seconds, *watched)
        one.first += said["asked"]
        for pid in gateways:
            rest(pid)
        made = ground.calendar_counts()
        lost = abs(made["different"] - (one.rows() - rows)) + made["posts"] - made["different"]
    finally:
        one.hold()
    cpu = said["cpu"]
    used = {
        "gateway": sum(cpu[str(pid)] for pid in gateways),
        "database": cpu[str(ground.server.process.pid)],
        "stub": cpu[str(ground.calendar.pid)],
        "load": cpu["load"],
    }
    counted = max(1, said["counted"])
    return Round(
        said["rate"],
        said["ms"],
        said["errors"],
        lost,
        {part: 1e6 * spent / counted for part, spent in used.items()},
        {part: spent / said["seconds"] for part, spent in used.items()},
        said["statuses"],
    )


def _limit(one: Contender, ground: Ground, clients: int, seconds: float) -> Round:
    """pgbench's own words for the same: it counts what it committed, and says how long each took."""
    rows, server, seconds = one.rows(), ground.server, max(1, round(seconds))  # it knows whole seconds only
    before = cpu_seconds(server.process.pid)
    command = [server.programs / "pgbench", "-n", "-M", "prepared", "-c", clients, "-j", min(2, clients)]
    command += ["-T", seconds, "-D", f"n={one.first}", "-f", BENCH / "baselines" / "limit.sql"]
    command += ["-h", "127.0.0.1", "-p", server.port, "-U", "postgres", str(one.where).rpartition("/")[2]]
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, text=True)
    if done.returncode:
        raise RuntimeError(f"pgbench: {done.stderr[-2000:]}")
    rest(server.process.pid, 1.0)
    committed = int(_said(r"actually processed: (\d+)", done.stdout))
    failed = int(_said(r"failed transactions: (\d+)", done.stdout))
    one.first += committed + clients
    spent = cpu_seconds(server.process.pid) - before
    mean = float(_said(r"latency average = ([\d.]+)", done.stdout))
    return Round(
        float(_said(r"tps = ([\d.]+)", done.stdout)),
        {"p50": mean, "p95": mean, "p99": mean},
        failed,
        abs(one.rows() - rows - committed),
        {"database": 1e6 * spent / max(1, committed)},
        {"database": spent / seconds},
        {},
    )


def _said(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"pgbench did not say {pattern}: {text}")
    return found.group(1)
