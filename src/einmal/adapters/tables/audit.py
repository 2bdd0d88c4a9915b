"""Looking for booking ids that stand in several rows. Nothing is changed, and nothing could be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.sql import ColumnElement

from einmal.adapters.tables.constraint import Constraint, constraint_of
from einmal.adapters.tables.groups import Counts, Spool, Values, batches, by_age, by_rank, counted, rows_of, selected
from einmal.adapters.tables.place import Place, carried_out
from einmal.adapters.tables.spelling import Spelled, key_of
from einmal.adapters.tables.target import Target, Wanted, target_of
from einmal.domain.duplicates import Row, instant_of, is_over

ROWS_SHOWN_MAX: Final = 20
"""Of one group. An id that stands in a thousand rows is no booking, and twenty of them show it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A row, as far as it is told: ids and times, nobody's name. `more` holds the columns that say whom to call.

    What is kept is the oldest, but where that was cancelled before: `over`.
    """

    row_id: Spelled
    created_at: datetime | None
    call_id: Spelled
    status: Spelled
    more: tuple[tuple[str, Spelled], ...]
    over: bool
    oldest: bool
    kept: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Rows with this booking id, the one to be kept first. `rows` are fewer than `count` where there are very many.

    One row alone is spelled as no other is, and is taken for another by the column's collation.
    """

    uid: Spelled
    count: int
    rows: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Audited:
    shown: str
    table: str
    column: str
    counts: Counts
    constraint: Constraint
    groups: tuple[Group, ...]


def audited(place: Place, wanted: Wanted, groups_max: int) -> Audited:
    """All is counted; of the groups the first are read. Raises CouldNotLook."""

    def look(connection: Connection) -> Audited:
        target = target_of(connection, place, wanted)
        return audit_of(connection, place, target, groups_max)

    return carried_out(place, look)


def audit_of(connection: Connection, place: Place, target: Target, groups_max: int) -> Audited:
    constraint = constraint_of(connection, target)
    with Spool() as spool:
        counts = counted(connection, target, spool)
        groups = tuple(islice(_groups(connection, target, islice(_shown(spool), groups_max)), groups_max))
    return Audited(place.shown, target.shown, target.column.name, counts, constraint, groups)


def _shown(spool: Spool) -> Iterable[list[tuple[Spelled, int]]]:
    for batch in batches(spool):
        small = [one for one in batch if one[1] <= ROWS_SHOWN_MAX]
        yield from ([one] for one in batch if one[1] > ROWS_SHOWN_MAX)
        if small:
            yield small


def _groups(
    connection: Connection, target: Target, batches_shown: Iterable[list[tuple[Spelled, int]]]
) -> Iterable[Group]:
    for batch in batches_shown:
        uids = [uid for uid, _ in batch]
        if len(batch) == 1 and batch[0][1] > ROWS_SHOWN_MAX:
            shown = _same(connection, target, uids[0], by_rank(target), ROWS_SHOWN_MAX)
            eldest = _same(connection, target, uids[0], by_age(target), 1)
            yield Group(uids[0], batch[0][1], seen(target, shown, *eldest))
        else:
            rows = rows_of(connection, target, uids, target.told)
            for uid, same in by_uid(target, rows):
                yield Group(uid, len(same), seen(target, same))


def _same(
    connection: Connection, target: Target, uid: Spelled, first: Sequence[ColumnElement[Any]], limit: int
) -> list[Values]:
    same = target.column.element == target.spelling.written(target.column, "uid")
    named = {"uid": target.spelling.bound(uid)}
    return selected(connection, target, target.told, same, named, limit=limit, first=first)


def by_uid(target: Target, rows: Sequence[Values]) -> list[tuple[Spelled, list[Values]]]:
    """Rows whose booking ids are the same to the letter. A collation may take `ab` for `AB`; Cal.com does not."""

    def key(row: Values) -> str:
        return key_of(row[target.column.name])

    groups = [list(same) for _, same in groupby(sorted(rows, key=key), key)]
    return [(same[0][target.column.name], same) for same in groups]


def row_of(target: Target, values: Values) -> Row:
    row_id = values[target.row_id.name]
    created = None if target.created is None else instant_of(values[target.created.name])
    over = target.status is not None and is_over(values[target.status.name], target.over)
    return Row(row_id if isinstance(row_id, int | str) else key_of(row_id), created, over)


def seen(target: Target, rows: Sequence[Values], *others: Values) -> tuple[Seen, ...]:
    """As they are told, the one to be kept first. The others, which are not told, may be older."""
    ranked = sorted(((row_of(target, values), values) for values in rows), key=lambda one: one[0].rank)
    eldest = min([row for row, _ in ranked] + [row_of(target, one) for one in others], key=lambda row: row.age)
    return tuple(
        _seen(target, values, row, oldest=row == eldest, kept=not place) for place, (row, values) in enumerate(ranked)
    )


def _seen(target: Target, values: Values, row: Row, *, oldest: bool, kept: bool) -> Seen:
    return Seen(
        row_id=values[target.row_id.name],
        created_at=row.created_at,
        call_id=None if target.call is None else values[target.call.name],
        status=None if target.status is None else values[target.status.name],
        more=tuple((one.name, values[one.name]) for one in target.more),
        over=row.over,
        oldest=oldest,
        kept=kept,
    )
