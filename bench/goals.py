"""The goals, and what was measured beside them. Ratios are of medians of one run; nothing fails for missing one."""

import statistics
from typing import Any, Final, NamedTuple


class Goal(NamedTuple):
    """Einmal's figure, or its part of another's: at least, or at most where `less` is better."""

    what: str
    required: float
    stretch: float | None = None
    unit: str = "x"
    less: bool = False


Line = tuple[Goal, float]

RATIOS: Final = {
    # against: at 16 clients (required, stretch), at 64
    "naive": ("NAIVE", (8, 15), (20, 35)),
    "fast_naive": ("the fast naive", (1.5, 2.5), (2.5, 4)),
    "fa": ("FA", (2, 3), (3, 5)),
    "dbos_two_steps": ("DBOS", (20, 30), (30, 50)),
    "limit": ("LIM", (0.6, 0.9), (1.0, 1.8)),
}


def comparison(results: dict[str, dict[int, list[Any]]]) -> None:
    """The part of the goals' table that the comparison can answer."""
    lines: list[Line] = []
    for name, (title, *marks) in RATIOS.items():
        for clients, (required, stretch) in zip((16, 64), marks, strict=True):
            ratio = _ratio(results, "einmal", name, clients)
            if ratio is not None:
                lines.append((Goal(f"at {clients} vs {title}", required, stretch), ratio))
    for clients in (16, 64):
        ratio = _ratio(results, "einmal_sqlite", "l2", clients)
        if ratio is not None:
            lines.append((Goal(f"on SQLite at {clients} vs L2 on PostgreSQL", 1.0, 1.3), ratio))
        ratio = _ratio(results, "einmal", "l2", clients)
        if ratio is not None:
            lines.append((Goal(f"at {clients} vs L2 (no goal)", 0.0, None), ratio))
    ours, theirs = (_cpu(results, name) for name in ("einmal", "l2"))
    if ours and theirs:
        lines.append((Goal("gateway CPU a booking at 16 vs L2", 1.5, 1.1, less=True), ours / theirs))
    show(lines)


def show(lines: list[Line]) -> None:
    if not lines:
        return
    print(f"\n{'goal':<68}{'required':>14}{'stretch':>14}{'measured':>12}")
    for goal, measured in lines:
        sign = "<=" if goal.less else ">="
        marks = [f"{sign} {mark:,.10g}" if mark else "-" for mark in (goal.required, goal.stretch)]
        figure = f"{measured:,.0f}" if measured >= 1000 else f"{measured:.3g}"
        what = f"{goal.what}, {goal.unit}"
        print(f"{what:<68}{marks[0]:>14}{marks[1]:>14}{figure:>12}   {said(goal, measured)}")


def said(goal: Goal, measured: float) -> str:
    def met(mark: float) -> bool:
        return measured <= mark if goal.less else measured >= mark

    if not goal.required:
        return ""
    if goal.stretch is not None and met(goal.stretch):
        return "met, stretch too"
    return "met" if met(goal.required) else "MISSED"


def _ratio(results: dict[str, dict[int, list[Any]]], ours: str, theirs: str, clients: int) -> float | None:
    both = [results.get(name, {}).get(clients) for name in (ours, theirs)]
    if not both[0] or not both[1]:
        return None
    rates = [statistics.median(one.rate for one in rounds or []) for rounds in both]
    return rates[0] / rates[1] if rates[1] else None


def _cpu(results: dict[str, dict[int, list[Any]]], name: str) -> float | None:
    rounds = results.get(name, {}).get(16)
    return statistics.median(one.cpu_us["gateway"] for one in rounds) if rounds else None
