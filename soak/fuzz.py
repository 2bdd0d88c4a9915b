"""Fuzzing of every parser of outside input, for as long as one likes.

    python soak/fuzz.py --seconds 1200 [--only envelope wish] [--seed 7] [--jobs 2]
    python soak/fuzz.py --replay envelope 7:0:12345

The targets, and what must be true of each, are those of tests/fuzz; every input is made from its seed alone, which
a failure prints and `--replay` takes. Without `--seed` each leg tries other inputs. Exit code 1: a failure.
"""

import argparse
import multiprocessing
import os
import queue
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

ROOT: Final = Path(__file__).parent.parent
# In place of this folder, whose fuzz.py is not the package meant below.
sys.path[:1] = [str(ROOT / "tests"), str(ROOT / "src")]

from fuzz.running import Tally, execute, grow  # noqa: E402
from fuzz.targets import TARGETS  # noqa: E402

BATCH: Final = 500
"""Executions of a target before the next has its turn; then one input that is long."""

TELL_SECONDS: Final = 10.0
FAILURES_MAX: Final = 20


def work(number: int, seed: str, names: list[str], until: float, results: "multiprocessing.Queue[Tally]") -> None:
    """One process: target after target until the time is over; a tally is sent now and then."""
    tally, told, turn = Tally(), time.monotonic(), 0
    while time.monotonic() < until:
        for name in names:
            for one in range(turn * BATCH, (turn + 1) * BATCH):
                execute(TARGETS[name], f"{seed}:{number}:{one}", tally)
            grow(TARGETS[name], f"{seed}:{number}:{turn}", tally)
            if time.monotonic() - told > TELL_SECONDS or time.monotonic() >= until:
                results.put(tally)
                tally, told = Tally(), time.monotonic()
            if time.monotonic() >= until:
                break
        turn += 1


def soak(seconds: float, jobs: int, seed: str, names: list[str]) -> Tally:
    """All processes; what they found, added up and told as it comes."""
    results: multiprocessing.Queue[Tally] = multiprocessing.Queue()
    began = time.monotonic()
    until = began + seconds
    workers = [
        multiprocessing.Process(target=work, args=(number, seed, names, until, results)) for number in range(jobs)
    ]
    for worker in workers:
        worker.start()
    total, told = Tally(), began
    while any(worker.is_alive() for worker in workers) or not results.empty():
        try:
            tally = results.get(timeout=1)
        except queue.Empty:
            continue
        total.executions += tally.executions
        total.grown += tally.grown
        total.outcomes += tally.outcomes
        total.failures += tally.failures
        for failure in tally.failures[: FAILURES_MAX - len(total.failures) + len(tally.failures)]:
            print(f"FAILED {failure}", flush=True)
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            print(_line(total, told - began), flush=True)
    print(_line(total, time.monotonic() - began))
    return total


def _line(total: Tally, took: float) -> str:
    rate = total.executions / took
    return (
        f"{took:6.0f} s  {total.executions} executions  {rate:.0f}/s  {total.grown} long inputs  "
        f"{len(total.outcomes)} outcomes  {len(total.failures)} failures"
    )


def report(total: Tally, names: list[str], jobs: int, seed: str) -> int:
    for name in names:
        begins = f"{name}: "
        mine = {word.removeprefix(begins): n for word, n in total.outcomes.items() if word.startswith(begins)}
        print(f"{name:16}{sum(mine.values()):>10} in {len(mine):>3} outcomes; rarest: {_rarest(mine)}")
    known = {outcome: n for outcome, n in total.outcomes.items() if ": known bug: " in outcome}
    for outcome, number in known.items():
        print(f"{outcome}: {number} times")
    print(f"seed {seed}, {jobs} processes; replay one with: --replay TARGET SEED")
    return 1 if total.failures else 0


def _rarest(outcomes: dict[str, int]) -> str:
    return ", ".join(f"{outcome} ({number})" for outcome, number in Counter(outcomes).most_common()[:-4:-1])


def replay(name: str, seed: str) -> int:
    """One input again, shown whole."""
    tally = Tally()
    if seed.startswith("grow:"):
        grow(TARGETS[name], seed.removeprefix("grow:"), tally)
    else:
        print(f"input: {TARGETS[name].make(Random(seed))!r}")
        execute(TARGETS[name], seed, tally)
    for failure in tally.failures:
        print(failure)
    for outcome in tally.outcomes:
        print(outcome)
    return 1 if tally.failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzzing of every parser of outside input.")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS", "1200")))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", default=None, help="the same seed tries the same inputs in each process")
    parser.add_argument("--only", nargs="*", choices=list(TARGETS), default=[], metavar="TARGET")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "SEED"))
    options = parser.parse_args()
    if options.replay:
        return replay(*options.replay)
    names = options.only or list(TARGETS)
    seed = options.seed or secrets.token_hex(4)
    return report(soak(options.seconds, options.jobs, seed, names), names, options.jobs, seed)


if __name__ == "__main__":
    sys.exit(main())
