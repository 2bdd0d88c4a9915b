"""What somebody on the phone waits for Einmal: beside a slow calendar, beside none, for a repeat, on two processes."""

import argparse
import contextlib
import statistics
from collections.abc import Iterator
from typing import Any

from contenders import Contender, Ground, contender
from goals import Goal, Line
from rounds import load, run

CALENDAR_SECONDS = 0.2


@contextlib.contextmanager
def running(name: str, ground: Ground) -> Iterator[Contender]:
    one = contender(name, ground)
    try:
        one.start()
        yield one
    finally:
        one.stop()


def asked(one: Contender, clients: int, *words: Any) -> dict[str, Any]:
    """New callers. Raises RuntimeError if anybody was not booked."""
    said = load(one.ports, clients, "--first", one.first, *words)
    one.first += said["asked"]
    if said["errors"]:
        raise RuntimeError(f"{one.name}: {said['statuses']}")
    return said


def latency(ground: Ground, options: argparse.Namespace) -> list[Line]:
    """A calendar that takes 200 ms, asked directly and through Einmal in turns; the difference is ours."""
    lines = []
    with running("einmal", ground) as postgres, running("einmal_sqlite", ground) as sqlite:
        ground.calendar_latency(CALENDAR_SECONDS)
        for clients, marks in ((16, (25, 12)), (64, (50, 30))):
            alone, through = list[dict[str, float]](), {postgres: [], sqlite: []}
            for _ in range(options.rounds):
                alone.append(load([ground.calendar_port], clients, "--calendar", "--seconds", 3)["ms"])
                for one, many in through.items():
                    many.append(asked(one, clients, "--seconds", 3)["ms"])
            for one, many in through.items():
                added = {p: [ms[p] - base[p] for ms, base in zip(many, alone, strict=True)] for p in ("p50", "p99")}
                told = ", ".join(
                    f"{p} +{statistics.median(ms):.1f} ms ({min(ms):.1f}-{max(ms):.1f})" for p, ms in added.items()
                )
                print(
                    f"  {one.title}, {clients} in flight: {told}; the calendar alone {_median(alone, 'p50'):.1f} ms",
                    flush=True,
                )
                goal = Goal(f"{one.title}: added p99 at {clients} in flight", *marks, unit="ms", less=True)
                lines.append((goal, statistics.median(added["p99"])))
    return lines


def overhead(ground: Ground, options: argparse.Namespace) -> list[Line]:
    """The seed's targets: one caller at a time, and how many bookings a second."""
    lines = []
    for name in ("einmal", "einmal_sqlite"):
        with running(name, ground) as one:
            alone = load([ground.calendar_port], 1, "--calendar", "--seconds", 1)["ms"]["p50"]
            single = [asked(one, 1, "--seconds", 1)["ms"]["p50"] for _ in range(options.rounds)]
            many = [asked(one, 16, "--seconds", 2)["rate"] for _ in range(options.rounds)]
            lines += [
                (
                    Goal(f"{one.title}: whole overhead of a booking", 50, unit="ms", less=True),
                    statistics.median(single) - alone,
                ),
                (Goal(f"{one.title}: bookings a second at 16", 100, unit="/s"), statistics.median(many)),
            ]
    return lines


def repeats(ground: Ground, options: argparse.Namespace) -> list[Line]:
    """The same wish again, when it is booked (replay) and while it is (join). Neither may ask the calendar."""
    lines = []
    for name in ("einmal", "einmal_sqlite"):
        with running(name, ground) as one:
            asked(one, 16, "--limit", 500)
            new, again = [], []
            for _ in range(options.rounds):
                new.append(asked(one, 16, "--seconds", 2)["rate"])
                ground.calendar_empty()
                again.append(load(one.ports, 16, "--first", 0, "--repeats", 500, "--seconds", 2)["rate"])
                if any(ground.calendar_counts().values()):
                    raise RuntimeError(f"a repeat asked the calendar: {ground.calendar_counts()}")
            ratio = statistics.median(again) / statistics.median(new)
            print(
                f"  {one.title}: {statistics.median(again):.0f} replays/s, {statistics.median(new):.0f} bookings/s",
                flush=True,
            )
            lines.append((Goal(f"{one.title}: a replay vs a booking at 16", 3), ratio))
            ground.calendar_latency(CALENDAR_SECONDS)
            ground.calendar_empty()
            joined = load(one.ports, 64, "--first", one.first, "--repeats", 1, "--limit", 64)
            one.first += 1
            ground.calendar_latency(0.0)
            posts = ground.calendar_counts()["posts"]
            untold = f"{joined['errors']} not told of the booking"
            print(f"  {one.title}: 64 calls at once with one wish: {posts} POST, {untold}", flush=True)
            lines.append((Goal(f"{one.title}: POSTs for 64 joined calls", 1, unit="POSTs", less=True), float(posts)))
    return lines


def two_processes(ground: Ground, options: argparse.Namespace) -> list[Line]:
    """Two gateways on one ledger. Where all share the cores, what is busy says what the limit was."""
    ratios = []
    one, two = contender("einmal", ground, "_one"), contender("einmal", ground, "_two")
    try:
        for pair in (one, two, two):
            pair.start()
        one.hold()
        two.hold()
        rates: dict[str, list[float]] = {"one": [], "two": []}
        for turn in range(options.rounds):
            for label, pair in (("one", one), ("two", two)):
                done = run(pair, ground, 64, options.seconds_per_round)
                rates[label].append(done.rate)
                if turn == options.rounds - 1:
                    busy = ", ".join(f"{part} {share:.2f}" for part, share in done.cores.items())
                    print(
                        f"  {label}: {statistics.median(rates[label]):.0f}/s; cores busy: {busy}; errors {done.errors}",
                        flush=True,
                    )
        ratios.append(statistics.median(rates["two"]) / statistics.median(rates["one"]))
    finally:
        one.stop()
        two.stop()
    return [(Goal("two processes vs one at 64, load beside them", 1.6), ratios[0])]


def _median(many: list[dict[str, float]], share: str) -> float:
    return statistics.median(ms[share] for ms in many)
