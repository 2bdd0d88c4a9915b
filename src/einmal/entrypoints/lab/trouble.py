"""What can be made to go wrong in the lab, and what each is to the simulator. Every number is drawn from the seed."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from einmal.simulator.faults import Fault, FaultPlan, FaultRule, Operation


class Trouble(StrEnum):
    NONE = "none"
    LOST_ANSWER = "lost_answer"
    LATE_COMMIT = "late_commit"
    ERROR_AFTER_COMMIT = "error_after_commit"
    FOREIGN_BOOKING = "foreign_booking"
    OWN_CONFLICT = "own_conflict"
    CRASH = "crash"
    THROTTLED = "throttled"


SEED_MAX: Final = 9999


@dataclass(frozen=True, slots=True)
class Setting:
    """How one run's world is bent. `dies_after`: seconds after the first call, None where the gateway lives."""

    plan: FaultPlan
    doubles_first: bool = False
    """Something on the way sends the first booking twice, and brings back the second answer."""
    team: bool = True
    """Three who do it: a second booking of the same time is possible."""
    dies_after: float | None = None


def setting_of(trouble: Trouble, seed: int) -> Setting:
    """The world of that run: the same for the same seed."""
    chance = random.Random(f"lab:{trouble}:{seed}")  # noqa: S311 - it must be repeatable, not secret
    delay, late = round(chance.uniform(0.5, 2.0), 2), chance.randint(15, 45)
    fault, parameters = _FAULTS.get(trouble, (None, ()))
    drawn = {"delay_seconds": delay, "commit_after_seconds": late, "reset_seconds": late}
    rules = () if fault is None else (_first(fault, {name: drawn[name] for name in parameters}),)
    plan = FaultPlan(rules, seed)
    if trouble is Trouble.CRASH:
        return Setting(plan, dies_after=delay)
    own = trouble is Trouble.OWN_CONFLICT
    return Setting(plan, doubles_first=own, team=not own)


_FAULTS: Final[dict[Trouble, tuple[Fault, tuple[str, ...]]]] = {
    Trouble.LOST_ANSWER: (Fault.LOST_ANSWER, ("delay_seconds",)),
    Trouble.LATE_COMMIT: (Fault.LATE_COMMIT, ("delay_seconds", "commit_after_seconds")),
    Trouble.ERROR_AFTER_COMMIT: (Fault.ERROR_AFTER_COMMIT, ("delay_seconds",)),
    Trouble.FOREIGN_BOOKING: (Fault.FOREIGN_BOOKING, ()),
    Trouble.CRASH: (Fault.SLOW_ANSWER, ()),
    Trouble.THROTTLED: (Fault.THROTTLED, ("reset_seconds",)),
}
"""The simulator's own fault, and what of it is drawn."""


def _first(fault: Fault, parameters: dict[str, float]) -> FaultRule:
    """It befalls the first booking that is sent, and no other."""
    return FaultRule(fault, frozenset({Operation.CREATE}), nth=frozenset({1}), parameters=parameters)
