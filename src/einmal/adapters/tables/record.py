"""The audit log: a row of `system_audit_log` for each row that a repair or its undo changed, in the same transaction.

A record holds the whole row as it was and as it is afterwards; an undo needs nothing else. So it outlives a crash, and
it can tell whether somebody has changed the row since.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    select,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql import quoted_name

from einmal.adapters.tables.groups import STREAMS, Values
from einmal.adapters.tables.place import CouldNotLook, Kind, Place
from einmal.adapters.tables.rows import put_in
from einmal.adapters.tables.spelling import Spelled
from einmal.adapters.tables.target import Target, fields_of
from einmal.domain.duplicates import Action

LOG: Final = "system_audit_log"
CHANGED: Final = "duplicate_booking_bug"
REPAIRED: Final = "duplicate_booking_bug_repaired"
"""The whole run was carried out, and the index stands."""
UNDONE: Final = "duplicate_booking_bug_undone"

_COLUMNS: Final = ("event_type", "description", "data", "created_at")


@dataclass(frozen=True, slots=True)
class Record:
    """What was done to one row. `after` is None where it was deleted.

    `beside` is the row of another table that was changed with it, as it was and as it is. `unique` is whether the
    column was unique before the run: a run that is killed at its index says nothing more of it.
    """

    run: str
    action: Action
    row_id: Spelled
    kept_id: Spelled
    uid: Spelled
    before: Values
    after: Values | None
    beside: tuple[Values, Values] | None = None
    unique: bool = False


@dataclass
class Run:
    """One repair, of however many batches. `plain` is whether a plain index gave way to the unique one.

    `bare` is whether nothing made the column unique when its rows were changed, `added` that it put up the index.
    """

    name: str
    rows: int = 0
    repaired: bool = False
    plain: bool = False
    bare: bool = False
    added: bool = False
    undoing: bool = False
    undone: bool = field(default=False)

    @property
    def has_index(self) -> bool:
        """Whether the unique index is this run's to take down, where one stands. An undo has taken it already."""
        return not self.undone and (self.added if self.repaired else self.bare)


def log_of(connection: Connection, place: Place, target: Target) -> Target | None:
    """The log beside the table, or None where there is none yet. Raises CouldNotLook where it is another table."""
    if not inspect(connection).has_table(LOG, target.schema):
        return None
    fields = fields_of(connection, place.kind, LOG, target.schema)
    by_name = {one.name: one for one in fields}
    missing = [name for name in _COLUMNS if name not in by_name]
    if missing:
        raise CouldNotLook(f"the table {LOG} has no column {', '.join(missing)}; it needs {', '.join(_COLUMNS)}")
    kept = tuple(by_name[name] for name in _COLUMNS)
    at, data, number = by_name["created_at"], by_name["data"], by_name.get("id")
    # A log of somebody else's may have ids that say nothing of an order.
    row_id = number if number is not None and isinstance(number.type, Integer) else at
    return Target(place.kind, LOG, target.schema, data, row_id, at, None, None, None, kept, spelling=target.spelling)


def make_log(connection: Connection, place: Place, target: Target) -> Target:
    """The log, made where it is missing."""
    log = log_of(connection, place, target)
    if log is not None:
        return log
    number = BigInteger().with_variant(Integer(), "sqlite")
    long = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
    instant = (
        DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb").with_variant(Text(), "sqlite")
    )
    table = Table(
        LOG,
        MetaData(),
        Column("id", number, primary_key=True),
        Column("event_type", String(255), nullable=False),
        Column("description", Text, nullable=False),
        Column("data", long, nullable=False),
        Column("created_at", instant, nullable=False),
        schema=None if target.schema is None else quoted_name(target.schema, quote=True),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    connection.execute(CreateTable(table))
    made = log_of(connection, place, target)
    assert made is not None  # noqa: S101 - made above
    return made


def note_rows(
    connection: Connection, log: Target, target: Target, event: str, records: Sequence[Record], now: datetime
) -> None:
    undone = "put back" if event == UNDONE else None
    put_in(
        connection,
        log,
        [
            _entry(
                log.kind,
                event,
                f"run {one.run}: {target.shown} {one.row_id} {undone or one.action}, {one.kept_id} kept",
                _plain(target, one),
                now,
            )
            for one in records
        ],
    )


def note_run(connection: Connection, log: Target, target: Target, event: str, run: Run, now: datetime) -> None:
    """That a run, or its undo, came to its end."""
    what = "the index stands" if event == REPAIRED else "put back"
    data = _whose(target) | {"run": run.name, "rows": run.rows, "plain_index": run.plain, "end": True}
    data["index_added"] = run.added
    put_in(connection, log, [_entry(log.kind, event, f"run {run.name}: {target.shown}, {what}", data, now)])


def runs_of(connection: Connection, log: Target, target: Target) -> dict[str, Run]:
    """All runs on this column of this table, oldest first: as the log counts them, whatever the clock said."""
    found: dict[str, Run] = {}
    for event, data in _entries(connection, log, target):
        run = found.setdefault(data["run"], Run(data["run"]))
        run.undoing |= event == UNDONE
        if event == CHANGED:
            run.rows += 1
            run.bare |= not data.get("unique_before", False)
        elif data.get("end"):
            run.repaired |= event == REPAIRED
            run.undone |= event == UNDONE
            run.plain |= bool(data["plain_index"]) and event == REPAIRED
            run.added |= bool(data.get("index_added", True)) and event == REPAIRED
    return found


def records_of(connection: Connection, log: Target, target: Target, run: str) -> Iterator[dict[str, Any]]:
    """What a run did, as `record` reads it again."""
    for event, data in _entries(connection, log, target):
        if event == CHANGED and data["run"] == run:
            yield data


def record(data: dict[str, Any]) -> Record:
    beside = data.get("beside")
    return Record(
        run=data["run"],
        action=Action(data["action"]),
        row_id=data["row_id"],
        kept_id=data["kept_id"],
        uid=data["booking_id"],
        before=data["before"],
        after=data["after"],
        beside=None if beside is None else (beside["before"], beside["after"]),
        unique=data.get("unique_before", False),
    )


def _entries(connection: Connection, log: Target, target: Target) -> Iterator[tuple[str, dict[str, Any]]]:
    by_name = {one.name: one for one in log.fields}
    event, data = by_name["event_type"], by_name["data"]
    read = select(log.spelling.read(event), log.spelling.read(data)).select_from(log.element)
    read = read.where(event.element.in_([CHANGED, REPAIRED, UNDONE])).order_by(log.row_id.element)
    whose = _whose(target)
    found = connection.execute(read, execution_options=STREAMS)
    for named, text in found:
        try:
            told = json.loads(text)
        except (TypeError, ValueError):
            continue
        # Somebody else may have written such an event; it is not ours to undo.
        if isinstance(told, dict) and "run" in told and all(told.get(name) == one for name, one in whose.items()):
            yield str(named), told


def _whose(target: Target) -> dict[str, Any]:
    return {"table": target.shown, "column": target.column.name}


def _plain(target: Target, one: Record) -> dict[str, Any]:
    plain = _whose(target) | {
        "run": one.run,
        "action": one.action,
        "row_id": one.row_id,
        "kept_id": one.kept_id,
        "booking_id": one.uid,
        "before": one.before,
        "after": one.after,
        "unique_before": one.unique,
    }
    if one.beside is not None:
        plain["beside"] = {"before": one.beside[0], "after": one.beside[1]}
    return plain


def _entry(kind: Kind, event: str, description: str, data: dict[str, Any], now: datetime) -> Values:
    at = now.astimezone(UTC)
    shown = (
        f"{at:%Y-%m-%d %H:%M:%S.%f}" if kind is Kind.MYSQL else f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
    )
    text = json.dumps(data, ensure_ascii=False)
    return {"event_type": event, "description": description[:255], "data": text, "created_at": shown}
