"""What `einmal audit` and `einmal dedupe` have in common: how a table is named, and how rows of it are told."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from einmal.adapters.tables.audit import Group, Seen
from einmal.adapters.tables.place import BadPlace, Place, place_of, place_of_file
from einmal.adapters.tables.spelling import shown_value
from einmal.adapters.tables.target import Wanted
from einmal.domain.duplicates import CANCELLED_WORDS
from einmal.domain.intent import State
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.settings import Settings

CLEAN: Final = 0
DUPLICATES: Final = 1
USAGE: Final = 2
CONSTRAINT_MISSING: Final = 3
COULD_NOT_LOOK: Final = 4

OF_A_TABLE: Final = ("table", "column", "id_column", "created_column", "call_column", "status_column", "note_column")

OUR_APPOINTMENTS: Final = Wanted(
    id_column="appointment_id",
    note_column="",
    over=(*CANCELLED_WORDS, State.DECLINED, State.MOVED, State.LOST, State.COMPENSATED),
)


@dataclass(frozen=True, slots=True)
class Named:
    """Which table is meant. `ours` is our own ledger's, which is more than a table."""

    place: Place
    wanted: Wanted
    ours: bool


class Unnamed(Exception):
    """No table is named that could be looked at. Says why; `code` is the exit code."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


def named_by(arguments: argparse.Namespace, settings: Settings) -> Named:
    """The table that the arguments name, or our own ledger's. Raises Unnamed."""
    given = {name: value for name in OF_A_TABLE if (value := getattr(arguments, name, None)) is not None}
    if arguments.limit < 0:
        raise Unnamed("--limit must be 0 or more", USAGE)
    if arguments.url is not None:
        try:
            return Named(place_of(arguments.url), replace(Wanted(), **given), ours=False)
        except BadPlace as wrong:
            raise Unnamed(str(wrong), USAGE) from wrong
    if given:
        option = next(iter(given)).replace("_", "-")
        raise Unnamed(f"--{option} goes with --url; without one it is our own ledger's appointments", USAGE)
    unusable = unusable_ledger(settings)
    if unusable is not None:
        raise Unnamed(unusable, COULD_NOT_LOOK)
    return Named(ledger_place(settings), OUR_APPOINTMENTS, ours=True)


def ledger_place(settings: Settings) -> Place:
    """Where our own ledger is. Raises BadPlace."""
    where = settings.ledger_at
    return place_of(where) if isinstance(where, str) else place_of_file(where)


def standing(duplicates: int, unique: str | None) -> int:
    """The exit code. Duplicates win over a constraint that is missing: they are why it cannot stand."""
    if duplicates:
        return DUPLICATES
    return CLEAN if unique is not None else CONSTRAINT_MISSING


def complain(why: object) -> None:
    print(f"einmal: {why}", file=sys.stderr)


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Somebody who waits at a terminal sees that it goes on."""
    from rich.console import Console  # noqa: PLC0415 - the commands import what they need

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


def age_text(created_at: datetime | None, now: datetime) -> str:
    if created_at is None:
        return "age unknown"
    seconds = int((now - created_at).total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if abs(seconds) >= size:
            many = seconds // size
            return f"{many:,} {unit}{'' if many == 1 else 's'} old"
    return f"{seconds} s old"


def told(row: Seen, now: datetime) -> str:
    """One line of a row: ids and times."""
    at = "-" if row.created_at is None else f"{row.created_at:%Y-%m-%d %H:%M:%SZ}"
    parts = [shown_value(row.row_id), at, age_text(row.created_at, now)]
    parts.append(f"call {'-' if row.call_id is None else shown_value(row.call_id)}")
    parts += [f"{name} {shown_value(value)}" for name, value in row.more if value is not None]
    if row.status is not None:
        parts.append(shown_value(row.status))
    return "  ".join(parts)


def plain_row(row: Seen, now: datetime) -> dict[str, Any]:
    return {
        "id": row.row_id,
        "created_at": None if row.created_at is None else row.created_at.isoformat(),
        "age_seconds": None if row.created_at is None else int((now - row.created_at).total_seconds()),
        "call_id": row.call_id,
        "status": row.status,
        "oldest": row.oldest,
    } | dict(row.more)


def plain_group(group: Group, now: datetime) -> dict[str, Any]:
    return {
        "booking_id": group.uid,
        "rows_in_all": group.count,
        "rows": [plain_row(row, now) | {"kept": row.kept} for row in group.rows],
    }
