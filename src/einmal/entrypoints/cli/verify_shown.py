"""What `einmal verify` prints: a table for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from einmal.domain.proof import Grade, Row, worst

SHOWN: Final = {
    Grade.PASS: "[green]pass[/]",
    Grade.WARN: "[yellow]warn[/]",
    Grade.NOT_ASKED: "[dim]not asked[/]",
    Grade.COULD_NOT_LOOK: "[yellow]could not look[/]",
    Grade.FAIL: "[bold red]FAIL[/]",
}

NAMES: Final = {
    "stale_rejected": "stale booking rejected",
    "call_id_mismatch": "call id mismatch detected",
    "database_check": "database check",
    "constraint_enforced": "constraint enforced",
    "constraint_here": "constraint, this ledger",
    "replay_two_minutes": "request replayed after 2 min",
    "replay_six_minutes": "request replayed after 6 min",
    "three_requests": "three identical requests",
    "three_requests_calcom": "three identical requests",
    "no_false_positives": "no false positives",
    "overhead": "overhead",
    "look_up": "look-up time",
    "dashboard": "dashboard shows it all",
    "key": "key is taken",
    "clock_skew": "clock skew",
    "version": "version as pinned",
    "sees_own_bookings": "key sees its own bookings",
    "metadata": "metadata comes back",
    "created_at": "createdAt is there",
    "booking_calcom": "a booking at Cal.com",
    "tidied_up": "tidied up",
    "stopped": "ran to its end",
    "scratch_dropped": "scratch ledger dropped",
}

WIDTH: Final = max(map(len, NAMES.values()))
"""One for all tables, so that they stand below each other."""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows about one thing, and what was done for them in a sentence."""

    of: str
    what: str
    rows: tuple[Row, ...]


def show(sections: Sequence[Section]) -> None:
    console = Console()
    for section in sections:
        table = Table(title=section.what, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        table.add_column("check", no_wrap=True, min_width=WIDTH)
        table.add_column("verdict", no_wrap=True, min_width=len(Grade.COULD_NOT_LOOK))
        table.add_column("seen, and the goal", overflow="fold")
        for row in section.rows:
            told = f"{escape(row.seen)}\n[dim]goal: {escape(row.goal)}[/]"
            table.add_row(NAMES.get(row.check, row.check), SHOWN[row.grade], told)
        console.print(table)
    console.print(_summary(sections), highlight=False)


def show_json(sections: Sequence[Section]) -> None:
    rows = [
        {"of": section.of, "check": row.check, "verdict": row.grade.value, "seen": row.seen, "goal": row.goal}
        for section in sections
        for row in section.rows
    ]
    json.dump({"verdict": worst(_all(sections)).value, "rows": rows}, sys.stdout, indent=2, ensure_ascii=False)
    print()


def _summary(sections: Sequence[Section]) -> str:
    rows = _all(sections)
    counts = {grade: sum(row.grade is grade for row in rows) for grade in Grade}
    told = [f"{counts[grade]} {SHOWN[grade]}" for grade in Grade if counts[grade]]
    return ", ".join(told)


def _all(sections: Sequence[Section]) -> list[Row]:
    return [row for section in sections for row in section.rows]
