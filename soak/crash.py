"""The crash sweep for as long as one likes: every point, and every pair of points, on all cores.

    python soak/crash.py --seconds 1200 [--only book regret] [--workers 1 2] [--seed 1] [--jobs 2]
    python soak/crash.py --replay book:answer_lost:k=17:second=9

Seed 0 has steady times; each seed from there on has others, drawn from it. One seed is gone through whole, all its
scenarios and fates in a shuffled order, before the next is begun. Exit code 1: a violation, whose name replays it.
"""

import argparse
import itertools
import os
import sys
import time
from pathlib import Path
from typing import Final

sys.path[:1] = [str(Path(__file__).parent.parent / "src")]

from einmal.simulator.world.cases import SCENARIOS, case_of  # noqa: E402
from einmal.simulator.world.crash import Plan, Swept, Where, sweep  # noqa: E402
from einmal.simulator.world.crashing import live  # noqa: E402

TELL_SECONDS: Final = 10.0
FAILURES_MAX: Final = 20
NAMES: Final = [one.name for one in SCENARIOS]


class Told:
    """Prints how it goes, now and then, and each violation when it is found."""

    def __init__(self) -> None:
        self.at = time.monotonic()
        self.failures = 0

    def __call__(self, swept: Swept) -> None:
        for name, violation in swept.failures[self.failures : FAILURES_MAX]:
            print(f"FAILED {name}: {violation.invariant}: {violation.text}", flush=True)
        self.failures = len(swept.failures)
        if time.monotonic() - self.at > TELL_SECONDS:
            self.at = time.monotonic()
            print(line(swept), flush=True)


def line(swept: Swept) -> str:
    rate = swept.runs / swept.seconds if swept.seconds else 0
    return (
        f"{swept.seconds:6.0f} s  {swept.runs} runs  {rate:.0f}/s  {swept.points} points  {swept.tried} first deaths  "
        f"{swept.pairs} second ones  {len(swept.failures)} violations"
    )


def report(swept: Swept) -> int:
    """How much of what, and the exit code."""
    by_scenario: dict[str, int] = {}
    for name, runs in swept.by.items():
        by_scenario[name.partition(":")[0]] = by_scenario.get(name.partition(":")[0], 0) + runs
    for name, runs in sorted(by_scenario.items()):
        print(f"{name:24}{runs:>10} runs in {sum(one.startswith(f'{name}:') for one in swept.by):>3} cases")
    print(line(swept))
    print(f"{swept.unheard} runs ended with a booking that the ledger knows and nobody was told of")
    print(f"nobody died: {', '.join(swept.never) or 'nowhere of the list'}")
    return 1 if swept.failures else 0


def replay(name: str) -> int:
    """One run again, shown whole."""
    lived = live(case_of(name))
    for number, points in enumerate(lived.points, 1):
        print(f"life {number}: " + ", ".join(f"{at} {point.what}" for at, point in enumerate(points, 1)))
    if lived.evidence is not None:
        for moved in lived.evidence.moves:
            print(f"{moved.intent_id}: {moved.before or 'new'} -> {moved.after} by {moved.event or 'admission'}")
        for said in lived.evidence.spoken:
            print(f"{said.at:%H:%M:%S} told {said.outcome} in {said.call_id}")
        for asked in lived.evidence.requests:
            print(f"{asked.at:10.2f} s {asked.kind} {asked.about or ''}")
        for life in lived.evidence.lives:
            print(f"{life.uid} of {life.made_by}: {life.since:%H:%M:%S} until {life.until or 'now'}")
    for violation in lived.violations:
        print(f"{violation.invariant}: {violation.text}")
    return 1 if lived.violations else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="The crash sweep.")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS", "1200")))
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="gateways on one ledger")
    parser.add_argument("--first", choices=list(Where), default=Where.DIFFERENT, type=Where)
    parser.add_argument("--second", choices=list(Where), default=Where.COMMITS, type=Where)
    parser.add_argument("--only", nargs="*", choices=NAMES, default=[], metavar="SCENARIO")
    parser.add_argument("--replay", metavar="NAME")
    options = parser.parse_args()
    if options.replay:
        return replay(options.replay)
    scenarios = [one for one in SCENARIOS if not options.only or one.name in options.only]
    swept = sweep(
        scenarios,
        Plan(options.first, options.second),
        seeds=itertools.count(options.seed),
        workers=options.workers,
        processes=options.jobs,
        seconds=options.seconds,
        tell=Told(),
    )
    return report(swept)


if __name__ == "__main__":
    sys.exit(main())
