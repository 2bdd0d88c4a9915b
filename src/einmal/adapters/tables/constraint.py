"""The index that lets no booking id stand in two rows: whether it is there, putting it up, and taking it down again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column as TableColumn
from sqlalchemy import Connection, Index, MetaData, Table, inspect
from sqlalchemy.schema import CreateIndex, DropIndex
from sqlalchemy.sql import quoted_name

from einmal.adapters.tables.place import Kind
from einmal.adapters.tables.target import Target

_NAME_MAX: Final = {Kind.POSTGRES: 63, Kind.MYSQL: 64, Kind.SQLITE: 1000}


@dataclass(frozen=True, slots=True)
class Constraint:
    """What stands on the column: the name of whatever makes it unique, and whether the plain index is there."""

    unique: str | None
    plain: bool


def unique_name(target: Target) -> str:
    return f"unique_{target.column.name}"[: _NAME_MAX[target.kind]]


def plain_name(target: Target) -> str:
    return f"{target.name}_{target.column.name}_index"[: _NAME_MAX[target.kind]]


def constraint_of(connection: Connection, target: Target) -> Constraint:
    there = inspect(connection)
    plain = any(
        index["name"] == plain_name(target) and not index["unique"] and _covers_all(index, target)
        for index in there.get_indexes(target.name, target.schema)
    )
    return Constraint(next(_unique_on(connection, target, target.column.name), None), plain)


def is_unique(connection: Connection, target: Target, column: str) -> bool:
    """Whether no two rows can have the same there."""
    return next(_unique_on(connection, target, column), None) is not None


def put_up(connection: Connection, target: Target) -> None:
    """Raises IntegrityError where duplicates stand, and then nothing was changed."""
    connection.execute(CreateIndex(_index(target, unique_name(target), unique=True)))


def drop_plain(connection: Connection, target: Target) -> None:
    """The index that the unique one makes needless, where both stand."""
    standing = constraint_of(connection, target)
    if standing.plain and standing.unique == unique_name(target):
        connection.execute(_dropped(target, plain_name(target)))


def take_down(connection: Connection, target: Target, *, unique: bool, plain: bool) -> None:
    """Back to what it was: without the unique index that a run put up, and with the plain one that gave way to it."""
    standing = constraint_of(connection, target)
    if plain and not standing.plain:
        connection.execute(CreateIndex(_index(target, plain_name(target), unique=False)))
    names = {index["name"] for index in inspect(connection).get_indexes(target.name, target.schema)}
    # An index of another name is not ours to take.
    if unique and standing.unique == unique_name(target) and standing.unique in names:
        connection.execute(_dropped(target, unique_name(target)))


def _unique_on(connection: Connection, target: Target, column: str) -> Iterator[str]:
    there = inspect(connection)
    if there.get_pk_constraint(target.name, target.schema)["constrained_columns"] == [column]:
        yield "the primary key"
    for index in there.get_indexes(target.name, target.schema):
        if index["unique"] and index["column_names"] == [column] and _covers(index, column):
            yield str(index["name"])
    for constraint in there.get_unique_constraints(target.name, target.schema):
        if constraint["column_names"] == [column]:
            yield str(constraint["name"] or "a UNIQUE constraint")


def _covers_all(index: Mapping[str, Any], target: Target) -> bool:
    return bool(index["column_names"] == [target.column.name]) and not _options(index)


def _covers(index: Mapping[str, Any], column: str) -> bool:
    """NULLs are free anyhow, so that an index on what is not NULL covers all; any other condition leaves some out.

    One on the beginning of a text lets even less stand twice.
    """
    options = _options(index)
    options.pop("length", None)
    where = str(options.pop("where", "")).replace('"', "").replace("`", "").strip("() ").lower()
    return not options and where in {"", f"{column.lower()} is not null"}


def _options(index: Mapping[str, Any]) -> dict[str, Any]:
    """What narrows the index: its condition, a length of its prefix, that it was never finished."""
    given = {name.partition("_")[2]: value for name, value in index.get("dialect_options", {}).items()}
    return {name: value for name, value in given.items() if name in {"where", "length", "invalid"}}


def _index(target: Target, name: str, *, unique: bool) -> Index:
    column = TableColumn(quoted_name(target.column.name, quote=True), target.column.type)
    where = None if target.schema is None else quoted_name(target.schema, quote=True)
    Table(quoted_name(target.name, quote=True), MetaData(), column, schema=where)
    return Index(quoted_name(name, quote=True), column, unique=unique)


def _dropped(target: Target, name: str) -> DropIndex:
    return DropIndex(_index(target, name, unique=False))
