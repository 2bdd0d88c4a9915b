"""`einmal dedupe`: says what mends duplicate booking ids, does it with --apply, takes it back with --undo."""

import argparse
import contextlib
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from einmal.adapters.sql.migrate import SchemaMismatch, switch_layer_4
from einmal.adapters.tables.audit import Audited
from einmal.adapters.tables.place import BadPlace, CouldNotLook
from einmal.adapters.tables.repair import Order, Progress, Repaired, planned, repaired
from einmal.adapters.tables.spelling import shown_value
from einmal.adapters.tables.undo import NothingToUndo, Undone, undone
from einmal.domain.duplicates import NOTE, Action
from einmal.entrypoints.cli.audit import plain as plain_audit
from einmal.entrypoints.cli.audit import print_groups
from einmal.entrypoints.cli.tables import (
    COULD_NOT_LOOK,
    DUPLICATES,
    USAGE,
    Named,
    Unnamed,
    complain,
    ledger_place,
    named_by,
    plain_row,
    standing,
    told,
    waiting,
)
from einmal.settings import Settings

_KEPT_WHOLE: Final = (
    "--delete is not for our own ledger: an intent tells what a caller was told, and its appointment belongs to it; "
    "without --delete the younger ones are cancelled"
)


def dedupe(arguments: argparse.Namespace, settings: Settings) -> int:
    """Exit code 1 where duplicates are there, or are left; 3 where only the constraint is missing; 4 for no look."""
    try:
        named = named_by(arguments, settings)
        if not named.ours:
            _must_be_anothers(named, settings)
        if arguments.delete:
            _may_delete(named, undoes=arguments.undo is not None)
        order = _order(named, settings, deletes=arguments.delete)
        if arguments.undo is not None:
            return _undo(order, arguments.undo or None, as_json=arguments.json)
        if arguments.apply:
            return _apply(order, arguments.limit, as_json=arguments.json)
        return _plan(order, arguments.limit, as_json=arguments.json)
    except Unnamed as why:
        complain(why)
        return why.code
    except NothingToUndo as why:
        complain(why)
        return USAGE
    except (CouldNotLook, SchemaMismatch) as why:
        complain(why)
        return COULD_NOT_LOOK


def _must_be_anothers(named: Named, settings: Settings) -> None:
    """By its URL our own ledger would be a table like any other. A table of another schema is one."""
    with contextlib.suppress(BadPlace):
        if "." not in named.wanted.table and named.place.is_same(ledger_place(settings)):
            raise Unnamed(
                "--url names our own ledger, whose intents would not change with it; run it without --url", USAGE
            )


def _may_delete(named: Named, *, undoes: bool) -> None:
    if named.ours:
        raise Unnamed(_KEPT_WHOLE, USAGE)
    if undoes:
        raise Unnamed("--undo knows from the audit log what was deleted; say it without --delete", USAGE)


def _order(named: Named, settings: Settings, *, deletes: bool) -> Order:
    now = datetime.now(UTC)
    # Names for people: which run came before which is for the log to say, for a clock may be set back.
    run = f"{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}"
    index = _layer_4(settings) if named.ours else None
    return Order(named.place, named.wanted, run, now, deletes, named.ours, index)


def _layer_4(settings: Settings) -> Callable[[bool], None]:
    def switch(on: bool) -> None:  # noqa: FBT001 - a switch
        switch_layer_4(settings.ledger_at, on=on)

    return switch


def _plan(order: Order, limit: int, *, as_json: bool) -> int:
    with waiting("reading"):
        seen = planned(order, limit)
    now = datetime.now(UTC)
    counts, unique = seen.counts, seen.constraint.unique
    # Two empty texts would keep the index from being put up: that is mended as well.
    code = standing(counts.duplicates, unique)
    if as_json:
        action = Action.DELETED if order.deletes else Action.CANCELLED
        plan = {"applied": False, "action": action, "exit_code": code} | plain_audit(seen, now)
        print(json.dumps(plan, indent=2, ensure_ascii=False))
        return code
    print(f"{seen.shown}, {seen.table}.{seen.column}: {counts.rows:,} rows")
    for line in _intended(order, seen):
        print(line)
    print_groups(seen.groups, counts.duplicates, now)
    if code:
        print("\nNothing was changed. The same with --apply does it; --undo takes it back.")
    return code


def _intended(order: Order, seen: Audited) -> Iterator[str]:
    counts = seen.counts
    if counts.duplicates:
        what = "delete" if order.deletes else "cancel"
        yield f"Would keep the oldest row of {counts.duplicates:,} booking ids each, and {what} {counts.surplus:,} rows"
        yield "(one that is cancelled already only where all rows of its booking id are)."
        if not order.deletes:
            yield f"Their booking id becomes NULL; note, where there is a column for it: {NOTE}."
        yield (
            "Those whose calls these were should be called, but for rows that are cancelled already: they have no "
            "appointment, and were told that they have."
        )
    if counts.empty:
        yield f"Would make the empty text of {counts.empty:,} rows NULL."
    if seen.constraint.unique is None:
        yield "Would then make the column unique."
    elif not counts.duplicates:
        yield f"Nothing to do: no booking id stands in two rows, and {shown_value(seen.constraint.unique)} sees to it."


def _apply(order: Order, limit: int, *, as_json: bool) -> int:
    with _progress("mending") as progress:
        done = repaired(order, progress, limit)
    left = done.left.duplicates
    code = DUPLICATES if left else standing(0, done.constraint)
    now = datetime.now(UTC)
    if as_json:
        print(json.dumps(_plain(done, now) | {"exit_code": code}, indent=2, ensure_ascii=False))
    else:
        _print(done, order, now)
    return code


def _print(done: Repaired, order: Order, now: datetime) -> None:
    rows = sum(done.changed.values())
    if not rows and not done.added and done.constraint is not None:
        print(f"Nothing to do: no booking id stands in two rows, and {shown_value(done.constraint)} sees to it.")
        return
    print(f"Run {done.run}")
    for action, many in done.changed.items():
        if many:
            print(f"{action.capitalize()}: {many:,} rows")
    if done.contacts:
        print("\nTo be called, for they have no appointment and were told that they have:")
    for one in done.contacts:
        print(f"  {told(one.row, now)}  (booking {shown_value(one.uid)} is of {shown_value(one.kept_id)})")
    if done.callers > len(done.contacts):
        print(f"  and {done.callers - len(done.contacts):,} more: see --limit; all are in system_audit_log")
    if done.left.duplicates:
        complain(
            f"{done.left.duplicates:,} booking ids stand in several rows still: written meanwhile, or spelled in ways "
            "that the column's collation takes for one; `einmal audit` says which. The constraint is not put up"
        )
    elif done.added:
        print(f"\nThe column is unique now: {shown_value(done.constraint or '')}.")
    if rows or done.added:
        print(f"Undo it with: einmal dedupe --undo {done.run}{'' if order.ours else ' --url ...'}")


def _plain(done: Repaired, now: datetime) -> dict[str, Any]:
    return {
        "applied": True,
        "run": done.run,
        "changed": {action.value: many for action, many in done.changed.items()},
        "duplicate_booking_ids_left": done.left.duplicates,
        "constraint": done.constraint,
        "constraint_added": done.added,
        "contacts": [
            {"booking_id": one.uid, "kept": one.kept_id} | plain_row(one.row, now) | {"oldest": False}
            for one in done.contacts
        ],
    }


def _undo(order: Order, run: str | None, *, as_json: bool) -> int:
    with _progress("putting back") as progress:
        done = undone(order, run, progress)
    code = DUPLICATES if done.refused else 0
    if as_json:
        print(json.dumps(_plain_undo(done) | {"exit_code": code}, indent=2))
        return code
    print(f"Run {done.run} is undone: {done.restored:,} rows are as they were before it.")
    if done.already:
        print(f"{done.already:,} were so already.")
    if done.index_dropped:
        print("The column is not unique any more: duplicates can be written again.")
    if done.refused:
        complain(f"{done.refused:,} rows are left alone, for somebody has changed them, or what they need, since:")
        for row_id in done.refused_ids:
            print(f"  {shown_value(row_id)}", file=sys.stderr)
    return code


def _plain_undo(done: Undone) -> dict[str, Any]:
    return {
        "run": done.run,
        "restored": done.restored,
        "restored_before": done.already,
        "refused": done.refused,
        "refused_ids": done.refused_ids,
        "constraint_dropped": done.index_dropped,
    }


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Progress]:
    from rich.console import Console  # noqa: PLC0415 - the commands import what they need
    from rich.progress import Progress as Bar  # noqa: PLC0415

    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, in_all: bar.update(task, completed=done, total=in_all)
