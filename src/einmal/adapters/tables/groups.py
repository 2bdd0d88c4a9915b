"""Groups of rows with one booking id between them, read so that the memory it takes does not grow with the table.

The database groups; what comes of it goes into a temporary file, a line for each id. So it is counted to the end,
however little of it is shown, and no list has to stay open while rows are changed, which SQLite would not have.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final, Self

from sqlalchemy import Connection, Text, case, cast, func, inspect, select
from sqlalchemy.sql import ColumnElement

from einmal.adapters.tables.place import Kind
from einmal.adapters.tables.spelling import Field, Spelled
from einmal.adapters.tables.target import Target

STREAMED: Final = 2_000
"""So many groups at a time come over the wire."""

STREAMS: Final = {"stream_results": True, "yield_per": STREAMED}
"""For one statement; set on a connection it would hold for all that follow."""

BATCH_ROWS_MAX: Final = 500
"""So many rows at most are read, or changed in one transaction."""

Values = dict[str, Spelled]
"""A row: what stands in each column that was read."""


@dataclass
class Spool:
    """A list that may be as long as a disk. Written first, then read, as often as one likes."""

    length: int = 0
    _file: IO[str] = field(default_factory=lambda: tempfile.TemporaryFile("w+", encoding="utf-8"))  # noqa: SIM115 - closed below

    def add(self, item: Any) -> None:
        self._file.write(json.dumps(item) + "\n")
        self.length += 1

    def __iter__(self) -> Iterator[Any]:
        self._file.seek(0)
        # Not by iterating over the file, which would not let it be told where it is.
        while line := self._file.readline():
            yield json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the whole table. `surplus` is how many rows would have to go; `empty` have a text without a letter in it."""

    rows: int
    empty: int
    duplicates: int
    surplus: int


def counted(connection: Connection, target: Target, spool: Spool | None = None) -> Counts:
    """Counts to the end. Each id that stands in several rows goes into the spool, with how many those are."""
    column, table = target.column.element, target.element
    rows = connection.execute(select(func.count()).select_from(table)).scalar_one()
    empty = 0
    if may_be_empty(target):
        empty = connection.execute(select(func.count()).select_from(table).where(column == "")).scalar_one()
    duplicates, surplus = 0, 0
    count = func.count()
    groups = (
        select(target.spelling.read(target.column), count)
        .select_from(table)
        .where(*_counts(target))
        .group_by(column)
        .having(count > 1)
        .order_by(column)
    )
    if target.kind is Kind.MYSQL and not _has_index(connection, target):
        # Else it keeps a million groups in a table on disk, which takes half a minute; sorted they take seconds.
        groups = groups.prefix_with("SQL_BIG_RESULT")
    found = connection.execute(groups, execution_options=STREAMS)
    for uid, many in found:
        duplicates, surplus = duplicates + 1, surplus + many - 1
        if spool is not None:
            spool.add([target.spelling.spelled(uid), many])
    return Counts(int(rows), int(empty), duplicates, surplus)


def _has_index(connection: Connection, target: Target) -> bool:
    """Whether rows can be read in the order of the column."""
    indexes = inspect(connection).get_indexes(target.name, target.schema)
    return any(index["column_names"][:1] == [target.column.name] for index in indexes)


def may_be_empty(target: Target) -> bool:
    """Whether an empty text can stand there at all; a database may refuse to compare a number with one."""
    return target.column.is_text or target.kind is Kind.SQLITE


def batches(spool: Spool) -> Iterator[list[tuple[Spelled, int]]]:
    """Ids whose rows are read together. A group with very many rows is alone."""
    batch: list[tuple[Spelled, int]] = []
    rows = 0
    for uid, many in spool:
        if batch and rows + many > BATCH_ROWS_MAX:
            yield batch
            batch, rows = [], 0
        batch.append((uid, many))
        rows += many
    if batch:
        yield batch


def rows_of(
    connection: Connection, target: Target, uids: Sequence[Spelled], fields: Sequence[Field], *, locked: bool = False
) -> list[Values]:
    """All rows with one of these ids, as the database takes two ids for the same."""
    named = {f"uid_{number}": target.spelling.bound(uid) for number, uid in enumerate(uids)}
    wanted = target.column.element.in_([target.spelling.written(target.column, name) for name in named])
    return selected(connection, target, fields, wanted, named, locked=locked)


def selected(
    connection: Connection,
    target: Target,
    fields: Sequence[Field],
    where: ColumnElement[bool],
    values: dict[str, Any],
    *,
    limit: int | None = None,
    first: Sequence[ColumnElement[Any]] = (),
    locked: bool = False,
) -> list[Values]:
    """In the order of their ids, so that two who lock the same rows do not wait for each other in a ring."""
    order = [*first, target.row_id.element]
    read = select(*(target.spelling.read(one).label(f"value_{number}") for number, one in enumerate(fields)))
    read = read.select_from(target.element).where(where).order_by(*order).limit(limit)
    if locked and target.kind is not Kind.SQLITE:
        read = read.with_for_update()
    names = [one.name for one in fields]
    spelled = target.spelling.spelled
    return [
        dict(zip(names, (spelled(value) for value in row), strict=True)) for row in connection.execute(read, values)
    ]


def by_age(target: Target) -> list[ColumnElement[Any]]:
    """The oldest first, as far as the database can tell."""
    return [] if target.created is None else [target.created.element.is_(None), target.created.element]


def by_rank(target: Target) -> list[ColumnElement[Any]]:
    """The row to be kept first: what is cancelled already comes behind all others."""
    if target.status is None:
        return by_age(target)
    status = func.lower(func.trim(cast(target.status.element, Text)))
    return [case((status.in_(target.over), 1), else_=0), *by_age(target)]


def _counts(target: Target) -> list[ColumnElement[bool]]:
    """NULL is free. An empty text is nobody's booking: it is counted apart."""
    column = target.column.element
    return [column.is_not(None), column != ""] if may_be_empty(target) else [column.is_not(None)]
