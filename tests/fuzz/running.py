"""One execution by its seed, many of them, and whether the work grows faster than the input."""

import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from fuzz.known import known_bug
from fuzz.target import Target

GROWTH: Final = 4
"""How much longer the second input is; work that is linear grows as much, work that is quadratic sixteen-fold."""

GROWTH_MAX: Final = 9.0
WORTH_SECONDS: Final = 0.02
"""Below this nothing can be said of a ratio, and nobody waits for it."""

SHOWN_MAX: Final = 600


@dataclass(frozen=True)
class Failure:
    """`seed` with the target's name makes the same input again."""

    target: str
    seed: str
    shown: str
    trace: str

    def __str__(self) -> str:
        return f"{self.target}, seed {self.seed}\n  input: {self.shown}\n{self.trace}"


@dataclass
class Tally:
    """What happened. Known bugs are counted as outcomes."""

    executions: int = 0
    grown: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)


def execute(target: Target, seed: str, tally: Tally) -> None:
    """One input, made from the seed alone."""
    given = target.make(Random(seed))  # noqa: S311 - it must be repeatable, not secret
    tally.executions += 1
    try:
        outcome = target.check(given)
    except Exception as failure:  # noqa: BLE001 - whatever it is, it was not promised
        known = known_bug(target.name, failure)
        if known is None:
            tally.failures.append(_failure(target, seed, given))
            return
        outcome = f"known bug: {known}"
    tally.outcomes[f"{target.name}: {outcome}"] += 1


def _failure(target: Target, seed: str, given: Any) -> Failure:
    return Failure(target.name, seed, repr(given)[:SHOWN_MAX], traceback.format_exc(limit=-4))


def run(target: Target, seeds: Iterable[str], tally: Tally) -> None:
    for seed in seeds:
        execute(target, seed, tally)


def grow(target: Target, seed: str, tally: Tally) -> None:
    """Two inputs of one making, one four times as long: the work may grow about as much, by processor time."""
    if target.pump is None:
        return
    tally.grown += 1
    small, large = (target.pump(Random(seed), n) for n in (target.pumped_max // GROWTH, target.pumped_max))  # noqa: S311
    ratios = []
    for _ in range(3):
        # Twice before it is believed: other work on this machine spoils a measurement, and spoils no three.
        after = _seconds(target, large, tally, seed)
        if after < WORTH_SECONDS:
            return
        ratios.append(after / max(_seconds(target, small, tally, seed), WORTH_SECONDS / GROWTH**2))
        if ratios[-1] <= GROWTH_MAX:
            return
    growth = ", ".join(f"{ratio:.0f}" for ratio in ratios)
    trace = f"  the work grew {growth} times for {GROWTH} times the input"
    tally.failures.append(Failure(target.name, f"grow:{seed}", repr(large)[:SHOWN_MAX], trace))


def _seconds(target: Target, given: Any, tally: Tally, seed: str) -> float:
    took = []
    for _ in range(2):
        began = time.thread_time()
        try:
            target.check(given)
        except Exception as failure:  # noqa: BLE001 - as above
            if known_bug(target.name, failure) is None:
                tally.failures.append(_failure(target, f"grow:{seed}", given))
                return 0.0
        took.append(time.thread_time() - began)
    return min(took)
