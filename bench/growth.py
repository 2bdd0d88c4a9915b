"""What bookings and look-ups cost as the ledger grows: two ledgers side by side, 10,000 rows and many, in turns."""

import argparse
import json
import shutil
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from contenders import BENCH, EINMAL, Contender, Ground, contender
from goals import Goal, Line
from rounds import load
from seed import fill
from waits import asked

SMALL: Final = 10_000
BYTES_A_ROW: Final = 5000
"""On disk while both databases are filled, with what the server keeps for recovery."""

REPEATS: Final = 300

Pair = dict[int, Contender]
"""By how many rows they hold, the small one first."""


def growth(ground: Ground, options: argparse.Namespace) -> list[Line]:
    free = shutil.disk_usage(ground.folder).free
    if free < options.rows * BYTES_A_ROW and not options.pretend_room:
        print(f"  no room for {options.rows:,} rows: {free / 1e9:.0f} GB are free")
        return []
    pairs = [
        {rows: contender(name, ground, f"_{rows}") for rows in (SMALL, options.rows)}
        for name in ("einmal", "einmal_sqlite")
    ]
    try:
        # Both databases at once: one is filled by its server, the other by this process.
        with ThreadPoolExecutor() as hands:
            list(hands.map(_filled, pairs))
        return [line for pair in pairs for line in _compared(pair, options)]
    finally:
        for one in (one for pair in pairs for one in pair.values()):
            one.stop()


def _filled(pair: Pair) -> None:
    for rows, one in pair.items():
        began = time.monotonic()
        one.start()
        asked(one, 1, "--limit", 1)
        one.stop()
        fill(one, rows)
        print(f"  {one.title}: {one.rows():,} appointments, filled in {time.monotonic() - began:.0f} s", flush=True)


def _compared(pair: Pair, options: argparse.Namespace) -> list[Line]:
    title = pair[SMALL].title
    for one in pair.values():
        one.start()
        one.repeats_from = one.first
        asked(one, 16, "--limit", REPEATS)
    took: dict[str, dict[int, list[float]]] = {}
    for _ in range(options.rounds):
        for rows, one in pair.items():
            for what, ms in _medians(one, rows).items():
                took.setdefault(what, {}).setdefault(rows, []).append(ms)
    for one in pair.values():
        one.stop()
    lines: list[Line] = []
    for what, by_rows in took.items():
        small, large = (statistics.median(by_rows[rows]) for rows in pair)
        beside = f"{small:8.3f} ms at {SMALL:,}, {large:8.3f} ms at {options.rows:,}"
        print(f"  {title}: {what:<34} {beside}: {large / small:.2f} x", flush=True)
        if what == "layers 0-3 decided":
            lines.append((Goal(f"{title}: layers 1-2 of the judgement", 5, unit="ms", less=True), small))
            continue
        lines.append((Goal(f"{title}: {what}, {options.rows:,} vs {SMALL:,} rows", 1.5, 1.3, less=True), large / small))
        if what.startswith("by "):
            lines.append((Goal(f"{title}: {what}, {SMALL:,} rows", 10, unit="ms", less=True), small))
    return lines


def _medians(one: Contender, rows: int) -> dict[str, float]:
    command = [EINMAL, BENCH / "lookups.py", "--url", one.where, "--rows", rows]
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    medians: dict[str, float] = json.loads(done.stdout)
    booking = asked(one, 1, "--seconds", 1)["ms"]["p50"]
    again = ("--first", one.repeats_from, "--repeats", REPEATS)
    replay = load(one.ports, 1, *again, "--seconds", 1)["ms"]["p50"]
    return medians | {"a booking through HTTP": booking, "a replay through HTTP": replay}
