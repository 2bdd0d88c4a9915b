"""The crash sweep: a gateway killed at every await and every commit, once and then once more, systematically.

A case is lived through undisturbed, and the points at which it could have died are counted; then again for each
point, and for each of those again for the points of the second life. Whatever is found names the one run that shows
it: `book:answer_lost:k=17:second=9`.
"""

import gc
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import takewhile
from typing import Final, NamedTuple

from einmal.domain.invariants import Violation
from einmal.simulator.world.cases import Case, Scenario
from einmal.simulator.world.crashing import Lived, live, unsabotaged
from einmal.simulator.world.episode import Sabotage
from einmal.simulator.world.mortal import COMMITS, Point

SOMETIMES: Final = (
    "nothing written",
    "intent by admission",
    "intent by not_processed",
    "sent by admission",
    "sent by armed",
    "doubt by doubted",
    "confirmed by landed_accepted",
    "confirmed by found_accepted",
    "confirmed by ruled_booked",
    "pending by landed_pending",
    "pending by found_pending",
    "rejected by refused",
    "rejected by shed",
    "rejected by not_ours_and_absent",
    "rejected by settled_absent",
    "rejected by ruled_not_booked",
    "escalated by escalated",
    "compensating by surfaced",
    "compensated by compensated",
    *(f"{side} {commit}" for commit in sorted(COMMITS - {"not_sent"}) for side in ("before", "after")),
    *(f"{ask} under way" for ask in ("create", "find", "read", "changes", "slots", "cancel", "send")),
)
"""Where a gateway must have died in a sweep: after each move, around each commit, with each request on its way."""

SAMPLE: Final = 2
"""Second deaths that are drawn by chance for a first one."""

BATCH: Final = 4
"""First deaths that are handed out at once."""

COLLECT_EVERY: Final = 300
"""Runs."""


class Where(StrEnum):
    """Which points of a life are tried."""

    NONE = "none"
    SAMPLE = "sample"
    """A few, drawn from the name of the case."""
    COMMITS = "commits"
    """Those around commits that differ from the point before them, and a few of the others."""
    DIFFERENT = "different"
    """All that differ from the point before them."""
    ALL = "all"


@dataclass(slots=True)
class Swept:
    """What a sweep went through. `points`: found in first lives, `tried`: of them; `pairs`: second deaths.

    `failures`: (the name that replays it, the violation). `unheard`: runs at whose end a booking stood, known to the
    ledger, of which no caller was told.
    """

    runs: int = 0
    points: int = 0
    tried: int = 0
    pairs: int = 0
    unheard: int = 0
    seconds: float = 0.0
    by: "Counter[str]" = field(default_factory=Counter)
    killed: "Counter[str]" = field(default_factory=Counter)
    failures: list[tuple[str, Violation]] = field(default_factory=list)

    @property
    def never(self) -> tuple[str, ...]:
        """Where nobody died."""
        return tuple(one for one in SOMETIMES if not self.killed[one])

    def add(self, other: "Swept") -> None:
        self.runs += other.runs
        self.points += other.points
        self.tried += other.tried
        self.pairs += other.pairs
        self.unheard += other.unheard
        self.by.update(other.by)
        self.killed.update(other.killed)
        self.failures += other.failures

    def note(self, lived: Lived) -> None:
        self.runs += 1
        self.unheard += bool(lived.unheard)
        self.by[f"{lived.case.scenario.name}:{lived.case.fate}"] += 1
        self.killed.update(lived.killed)
        self.failures += [(lived.case.name, violation) for violation in lived.violations]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep does with each case."""

    first: Where = Where.ALL
    second: Where = Where.NONE
    sabotage: Sabotage = unsabotaged


def sweep(
    scenarios: Sequence[Scenario],
    plan: Plan | None = None,
    *,
    seeds: Iterable[int] = (0,),
    workers: Sequence[int] = (1,),
    processes: int = 1,
    seconds: float | None = None,
    tell: Callable[[Swept], None] = lambda _: None,
) -> Swept:
    """Every scenario with every fate of its own, by the plan, or as far as the time goes.

    `workers`: gateways on one ledger. `processes`: of the machine that this runs on.
    """
    plan, total, began = plan or Plan(), Swept(), time.monotonic()
    until = None if seconds is None else began + seconds
    # Not product(): it would read seeds, which need not end, to their end.
    for seed, number in ((seed, number) for seed in seeds for number in workers):
        work: list[_Work] = []
        for case in (Case(one, fate, seed=seed, workers=number) for one in scenarios for fate in one.fates):
            undisturbed = live(case, plan.sabotage)
            total.note(undisturbed)
            points = undisturbed.points[0]
            total.points += len(points)
            chosen = _chosen(points, plan.first, case.name)
            work += [_Work(case, points, chosen[at : at + BATCH], plan, until) for at in range(0, len(chosen), BATCH)]
        # What the time does not suffice for is a bit of everything, and not always the same end.
        random.Random(seed).shuffle(work)  # noqa: S311 - repeatable, not secret
        for swept in _swept(work, processes):
            total.add(swept)
            total.seconds = time.monotonic() - began
            tell(total)
            if until is not None and time.monotonic() >= until:
                return total
    return total


class _Work(NamedTuple):
    """First deaths of a case, at some of its points, and what follows from each. `until`: monotonic."""

    case: Case
    points: Sequence[Point]
    first: Sequence[int]
    plan: Plan
    until: float | None


def _swept(work: Sequence[_Work], processes: int) -> Iterator[Swept]:
    if processes == 1:
        yield from map(_done, work)
        return
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        yield from pool.imap_unordered(_done, work)


def _done(work: _Work) -> Swept:
    swept, sabotage = Swept(), work.plan.sabotage
    # A world is a web of tasks that hold each other: looked through now and then, and nothing that was there before.
    gc.freeze()
    gc.disable()
    for k in work.first:
        first = live(replace(work.case, k=k), sabotage)
        swept.note(first)
        swept.killed.update(_same(work.points, k))
        swept.tried += 1
        for second in _chosen(first.points[1], work.plan.second, first.case.name):
            if work.until is not None and time.monotonic() >= work.until:
                break
            swept.note(live(replace(first.case, second=second), sabotage))
            swept.pairs += 1
            if swept.runs % COLLECT_EVERY == 0:
                gc.collect()
    gc.enable()
    gc.collect()
    gc.unfreeze()
    return swept


def _same(points: Sequence[Point], number: int) -> Iterator[str]:
    """What the points behind this one are about that do not differ from it: who died here died there."""
    return (point.what for point in takewhile(lambda point: not point.differs, points[number:]))


def _chosen(points: Sequence[Point], where: Where, name: str) -> list[int]:
    """The numbers, from 1, of the points that are tried."""
    numbers = range(1, len(points) + 1)
    different = [number for number in numbers if points[number - 1].differs]
    chance = random.Random(f"second:{name}")  # noqa: S311 - repeatable, not secret
    match where:
        case Where.NONE:
            return []
        case Where.SAMPLE:
            return sorted(chance.sample(different, min(SAMPLE, len(different))))
        case Where.COMMITS:
            commits = [one for one in different if points[one - 1].what.rpartition(" ")[2] in COMMITS]
            others = sorted(set(different) - set(commits))
            return sorted(commits + chance.sample(others, min(SAMPLE, len(others))))
        case Where.DIFFERENT:
            return different
        case Where.ALL:
            return list(numbers)
