"""Whether a table can be repaired as it was asked for. All of it is asked before anything is changed."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, inspect, text

from einmal.adapters.tables.constraint import constraint_of, is_unique, unique_name
from einmal.adapters.tables.place import CouldNotLook, Kind
from einmal.adapters.tables.record import LOG
from einmal.adapters.tables.target import Target, fields_of


def must_be_anothers(connection: Connection, target: Target, *, ours: bool) -> None:
    """Raises CouldNotLook where a ledger of Einmal's is taken for a table of somebody else's."""
    if ours or target.kind is Kind.MYSQL or not inspect(connection).has_table("intents", target.schema):
        return
    if any(one.name == "operation_id" for one in fields_of(connection, target.kind, "intents", target.schema)):
        raise CouldNotLook(
            f"{target.shown} stands in a ledger of Einmal's, whose intents would not change with it; run it without "
            "--url, with EINMAL_DATABASE_URL naming that ledger"
        )


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
    if constraint_of(connection, target).unique is None:
        yield from _in_the_way(connection, target)


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


_NAMED: Final = {
    # There an index has its name to itself in the whole schema; here, in the whole database; there, in its table.
    Kind.POSTGRES: """
        SELECT coalesce(x.indisvalid, true) FROM pg_catalog.pg_class i
        JOIN pg_catalog.pg_class c ON c.relnamespace = i.relnamespace
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = i.oid
        WHERE i.relname = :index AND c.relname = :name
        AND CASE WHEN CAST(:schema AS text) IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = :schema END""",
    Kind.SQLITE: "SELECT true FROM sqlite_master WHERE name = :index COLLATE NOCASE",
    Kind.MYSQL: """
        SELECT DISTINCT true FROM information_schema.statistics WHERE index_name = :index
        AND table_schema = coalesce(:schema, database()) AND table_name = :name""",
}

_PARTED: Final = {
    # By what a table's rows are shared out among partitions. Where it is the booking id, no row has an id of its own.
    Kind.POSTGRES: """
        SELECT pg_get_partkeydef(c.oid) FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = c.oid
        WHERE c.relname = :name
        AND CASE WHEN CAST(:schema AS text) IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = :schema END""",
    Kind.MYSQL: """
        SELECT DISTINCT partition_expression FROM information_schema.partitions
        WHERE table_schema = coalesce(:schema, database()) AND table_name = :name AND partition_method IS NOT NULL""",
}


def _in_the_way(connection: Connection, target: Target) -> Iterator[str]:
    """Why the unique index could not be put up, once the rows are changed."""
    index = unique_name(target)
    named = {"schema": target.schema, "name": target.name, "index": index}
    for (valid,) in _asked(connection, _NAMED[target.kind], named):
        if valid:
            yield f"something else is called {index!r}, as the unique index is to be; rename or drop it first"
        else:
            yield (
                f"the index {index!r} is INVALID, left by a CREATE INDEX CONCURRENTLY that failed: it makes nothing "
                "unique, and stands in the way; DROP INDEX first"
            )
    for (by,) in _asked(connection, _PARTED.get(target.kind, ""), named):
        yield (
            f"it is partitioned by {by}, and a partitioned table can have no unique index on {target.column.name!r} "
            "alone; nothing would keep the duplicates from coming back. Move its rows into a table without partitions"
        )


def _asked(connection: Connection, question: str, named: dict[str, str | None]) -> list[Any]:
    if not question:
        return []
    return list(
        connection.execute(text(question), {name: one for name, one in named.items() if f":{name}" in question})
    )


_ENGINES = """
    SELECT table_name, engine FROM information_schema.tables
    WHERE table_schema = coalesce(:schema, database()) AND table_name IN (:name, :log)"""


def _engines(connection: Connection, target: Target) -> Iterator[str]:
    named = {"schema": target.schema, "name": target.name, "log": LOG}
    for name, engine in connection.execute(text(_ENGINES), named):
        if engine is not None and str(engine).lower() != "innodb":
            yield f"{name} has the engine {engine}, which knows no transactions; ALTER TABLE ... ENGINE=InnoDB first"
