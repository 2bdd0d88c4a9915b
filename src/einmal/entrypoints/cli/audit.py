"""`einmal audit`: does any booking id stand in more than one row? It only reads, and may run beside anything."""

import argparse
import json
from datetime import UTC, datetime
from typing import Any, Final

from einmal.adapters.tables.audit import Audited, Group, Seen, audited
from einmal.adapters.tables.place import CouldNotLook
from einmal.adapters.tables.spelling import shown_value
from einmal.entrypoints.cli.tables import (
    COULD_NOT_LOOK,
    Unnamed,
    complain,
    named_by,
    plain_group,
    standing,
    told,
    waiting,
)
from einmal.settings import Settings


def audit(arguments: argparse.Namespace, settings: Settings) -> int:
    """Exit code 1 where there are duplicates, 3 where only the constraint is missing, 4 where it could not look."""
    namespace = settings.metrics_namespace
    try:
        named = named_by(arguments, settings)
        with waiting("reading"):
            seen = audited(named.place, named.wanted, arguments.limit)
    except Unnamed as why:
        complain(why)
        return _blind(namespace, arguments, why.code)
    except CouldNotLook as why:
        complain(why)
        return _blind(namespace, arguments, COULD_NOT_LOOK)
    now = datetime.now(UTC)
    code = standing(seen.counts.duplicates, seen.constraint.unique)
    if arguments.json:
        print(json.dumps(plain(seen, now) | {"exit_code": code}, indent=2, ensure_ascii=False))
    elif arguments.prometheus:
        print(exposition(seen, namespace, now), end="")
    else:
        _print(seen, now)
    return code


def _blind(namespace: str, arguments: argparse.Namespace, code: int) -> int:
    if arguments.prometheus and code == COULD_NOT_LOOK:
        print(_metric(namespace, "audit_looked", "1 where the table could be read.", 0, ""), end="")
    return code


def _print(seen: Audited, now: datetime) -> None:
    counts = seen.counts
    print(f"{seen.shown}, {seen.table}.{seen.column}")
    print(f"Rows: {counts.rows:,}")
    print(f"Booking ids that stand in more than one row: {counts.duplicates:,}")
    print(f"Rows too many: {counts.surplus:,}")
    if counts.empty:
        print(f"Rows with an empty text for a booking id: {counts.empty:,}; two of them break the index, NULLs do not")
    unique = seen.constraint.unique
    there = (
        "MISSING, nothing refuses duplicates" if unique is None else f"{shown_value(unique)} makes the column unique"
    )
    print(f"Constraint: {there}")
    print_groups(seen.groups, counts.duplicates, now)
    if counts.duplicates:
        print("\n`einmal dedupe`, with the same options, says what it would do about it.")
    elif unique is None:
        print("\n`einmal dedupe --apply`, with the same options, puts it up.")


def print_groups(groups: tuple[Group, ...], in_all: int, now: datetime) -> None:
    """Each with its rows, the one to be kept first."""
    for group in groups:
        print(f"\n{shown_value(group.uid)}: {group.count:,} rows")
        if len(group.rows) == 1:
            print("  (spelled so in one row alone; the column's collation takes another spelling for the same)")
        for row in group.rows:
            print(f"  {told(row, now)}{_why_kept(row) if row.kept and len(group.rows) > 1 else ''}")
        if group.count > len(group.rows):
            print(f"  and {group.count - len(group.rows):,} more rows")
    if in_all > len(groups):
        print(f"\nand {in_all - len(groups):,} more booking ids; see --limit")


def _why_kept(row: Seen) -> str:
    return "  (oldest)" if row.oldest else "  (oldest that stands: an older one is cancelled already)"


def plain(seen: Audited, now: datetime) -> dict[str, Any]:
    return {
        "database": seen.shown,
        "table": seen.table,
        "column": seen.column,
        "at": now.isoformat(),
        "rows": seen.counts.rows,
        "duplicate_booking_ids": seen.counts.duplicates,
        "surplus_rows": seen.counts.surplus,
        "empty_texts": seen.counts.empty,
        "constraint": seen.constraint.unique,
        "listed": len(seen.groups),
        "duplicates": [plain_group(group, now) for group in seen.groups],
    }


_METRICS: Final = (
    ("audit_looked", "1 where the table could be read."),
    ("audit_rows", "Rows in the table."),
    ("audit_duplicate_booking_ids", "Booking ids that stand in more than one row."),
    ("audit_surplus_rows", "Rows that would have to go."),
    ("audit_empty_booking_ids", "Rows whose booking id is an empty text."),
    ("audit_constraint_present", "1 where something makes the column unique."),
    ("audit_timestamp_seconds", "When the table was read, in seconds since 1970."),
)


def exposition(seen: Audited, namespace: str, now: datetime) -> str:
    """For a textfile collector: https://github.com/prometheus/node_exporter#textfile-collector."""
    counts = seen.counts
    values = (
        1,
        counts.rows,
        counts.duplicates,
        counts.surplus,
        counts.empty,
        int(seen.constraint.unique is not None),
        int(now.timestamp()),
    )
    labels = f'{{table="{_escaped(seen.table)}",column="{_escaped(seen.column)}"}}'
    metrics = zip(_METRICS, values, strict=True)
    return "".join(_metric(namespace, name, told, value, labels) for (name, told), value in metrics)


def _metric(namespace: str, name: str, told: str, value: int, labels: str) -> str:
    whole = f"{namespace}_{name}"
    return f"# HELP {whole} {told}\n# TYPE {whole} gauge\n{whole}{labels} {value}\n"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
