"""Rows by their ids: read, changed, taken out and put in again, some hundred at a time."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Insert, delete, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from einmal.adapters.tables.groups import BATCH_ROWS_MAX, Values, selected
from einmal.adapters.tables.spelling import Field, Spelled, key_of
from einmal.adapters.tables.target import Target

_ID = "einmal_row_id"


def by_ids(
    connection: Connection, target: Target, ids: Iterable[Spelled], fields: Sequence[Field], *, locked: bool = False
) -> dict[str, Values]:
    """Those that are there, each under the key of its id."""
    wanted = list(ids)
    found: dict[str, Values] = {}
    for start in range(0, len(wanted), BATCH_ROWS_MAX):
        bound = {
            f"{_ID}_{number}": target.spelling.bound(one)
            for number, one in enumerate(wanted[start : start + BATCH_ROWS_MAX])
        }
        where = target.row_id.element.in_([target.spelling.written(target.row_id, name) for name in bound])
        rows = selected(connection, target, fields, where, bound, locked=locked)
        found |= {key_of(row[target.row_id.name]): row for row in rows}
    return found


def change(connection: Connection, target: Target, changes: Iterable[tuple[Spelled, Values]]) -> None:
    """Sets these columns of these rows. Who calls it holds the rows, and reads them again.

    What the database works out by itself is left to it.
    """
    own = {one.name for one in target.fields if not one.written}

    def columns(one: tuple[Spelled, Values]) -> list[str]:
        return sorted(set(one[1]) - own)

    for names, same in groupby(sorted(changes, key=columns), columns):
        if not names:
            continue
        fields = [_named(target, name) for name in names]
        statement = update(target.element).where(_is_row(target))
        statement = statement.values(
            {one.element: target.spelling.written(one, f"einmal_set_{at}") for at, one in enumerate(fields)}
        )
        bound = [
            {_ID: target.spelling.bound(row_id)}
            | {f"einmal_set_{at}": target.spelling.bound(values[name]) for at, name in enumerate(names)}
            for row_id, values in same
        ]
        connection.execute(statement, bound)


def take_out(connection: Connection, target: Target, ids: Iterable[Spelled]) -> None:
    bound = [{_ID: target.spelling.bound(one)} for one in ids]
    if bound:
        connection.execute(delete(target.element).where(_is_row(target)), bound)


def put_in(connection: Connection, target: Target, rows: Sequence[Mapping[str, Spelled]]) -> None:
    """Whole rows, ids included. What the database works out by itself is left to it."""
    if not rows:
        return
    fields = [one for one in target.fields if one.written and one.name in rows[0]]
    statement = _Whole(target.element).values(
        {one.element: target.spelling.written(one, f"einmal_put_{at}") for at, one in enumerate(fields)}
    )
    bound = [
        {f"einmal_put_{at}": target.spelling.bound(row[one.name]) for at, one in enumerate(fields)} for row in rows
    ]
    connection.execute(statement, bound)


class _Whole(Insert):
    """An INSERT that says the id as well, also where PostgreSQL makes ids itself."""

    inherit_cache = True


@compiles(_Whole, "postgresql")
def _(statement: _Whole, compiler: SQLCompiler, **more: Any) -> str:
    text: str = compiler.visit_insert(statement, **more)  # type: ignore[no-untyped-call]
    return text.replace(") VALUES (", ") OVERRIDING SYSTEM VALUE VALUES (", 1)


def _is_row(target: Target) -> Any:
    return target.row_id.element == target.spelling.written(target.row_id, _ID)


def _named(target: Target, name: str) -> Field:
    return next(one for one in target.fields if one.name == name)
