"""Whether a table can be repaired as it was asked for. All of it is asked before anything is changed."""

from collections.abc import Iterator

from sqlalchemy import Connection, inspect, text

from einmal.adapters.tables.constraint import is_unique
from einmal.adapters.tables.place import CouldNotLook, Kind
from einmal.adapters.tables.record import LOG
from einmal.adapters.tables.target import Target


def must_be_fit(connection: Connection, target: Target, *, deletes: bool) -> None:
    """Raises CouldNotLook, which says what stands in the way and what would not."""
    problem = next(_problems(connection, target, deletes), None)
    if problem is not None:
        raise CouldNotLook(f"{target.shown}: {problem}")


def _problems(connection: Connection, target: Target, deletes: bool) -> Iterator[str]:  # noqa: FBT001 - internal
    if target.row_id == target.column:
        yield "the column that names a row cannot be the one with the booking ids; say another with --id-column"
    if not is_unique(connection, target, target.row_id.name):
        yield (
            f"nothing makes {target.row_id.name!r} unique, so that it names no row for sure; "
            "say another with --id-column, or make it the primary key"
        )
    if deletes:
        yield from _followers(connection, target)
    elif target.status is None:
        yield "there is no column for the status; say which with --status-column, or use --delete"
    elif not target.column.nullable:
        yield f"{target.column.name!r} cannot be NULL, so that a cancelled row cannot give its id up; use --delete"
    if target.kind is Kind.MYSQL:
        yield from _engines(connection, target)


def _followers(connection: Connection, target: Target) -> Iterator[str]:
    """A row that went with the deleted one would not come back with it."""
    for (_, name), keys in inspect(connection).get_multi_foreign_keys(schema=target.schema).items():
        for key in keys:
            rule = str(key.get("options", {}).get("ondelete", "NO ACTION")).upper()
            if key["referred_table"] == target.name and rule not in {"NO ACTION", "RESTRICT"}:
                yield (
                    f"deleting a row would change {name} as well (ON DELETE {rule}), and no undo would bring that "
                    "back; cancel instead, which is what dedupe does without --delete"
                )


_ENGINES = """
    SELECT table_name, engine FROM information_schema.tables
    WHERE table_schema = coalesce(:schema, database()) AND table_name IN (:name, :log)"""


def _engines(connection: Connection, target: Target) -> Iterator[str]:
    named = {"schema": target.schema, "name": target.name, "log": LOG}
    for name, engine in connection.execute(text(_ENGINES), named):
        if engine is not None and str(engine).lower() != "innodb":
            yield f"{name} has the engine {engine}, which knows no transactions; ALTER TABLE ... ENGINE=InnoDB first"
