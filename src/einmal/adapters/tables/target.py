"""The table that is looked at: whether it is there, what its columns are called, and what they hold.

A name that somebody typed is looked up, never pasted: what the database does not list is not used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql import table as plain_table

from einmal.adapters.tables.place import CouldNotLook, Kind, Place
from einmal.adapters.tables.spelling import SPELLINGS, Field, Spelling
from einmal.domain.duplicates import CANCELLED_WORDS

TOLD_MAX: Final = 20
"""So many names of tables or columns are told where one is not found."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look at, by name. None for a column that is looked for under its usual name, and may be missing."""

    table: str = "appointments"
    column: str = "calcom_v2_booking_id"
    id_column: str = "id"
    created_column: str | None = None
    call_column: str | None = None
    status_column: str = "status"
    note_column: str | None = None
    over: tuple[str, ...] = CANCELLED_WORDS
    """In which words the status says that there is no appointment any more."""


@dataclass(frozen=True, slots=True)
class Target:
    """A table that is there. `fields` are all its columns, in its own order."""

    kind: Kind
    name: str
    schema: str | None
    column: Field
    row_id: Field
    created: Field | None
    call: Field | None
    status: Field | None
    note: Field | None
    fields: tuple[Field, ...]
    more: tuple[Field, ...] = ()
    """Whatever else tells who is to be called, and about which appointment."""
    over: tuple[str, ...] = CANCELLED_WORDS
    spelling: Spelling = field(repr=False, default_factory=lambda: SPELLINGS[Kind.SQLITE])

    @property
    def shown(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"

    @property
    def element(self) -> Any:
        return table_of(self.name, self.schema, self.fields)

    @property
    def told(self) -> tuple[Field, ...]:
        """What is read to tell of a row: its id first."""
        named = (self.row_id, self.column, self.created, self.call, self.status, *self.more)
        return tuple(dict.fromkeys(one for one in named if one is not None))


_CALLER: Final = ("customer_id", "starts_at")


def table_of(name: str, schema: str | None, fields: Iterable[Field]) -> Any:
    """As statements name it: always quoted."""
    where = None if schema is None else quoted_name(schema, quote=True)
    return plain_table(quoted_name(name, quote=True), *(one.element for one in fields), schema=where)


def target_of(connection: Connection, place: Place, wanted: Wanted) -> Target:
    """Finds table and columns. Raises CouldNotLook, which says what there is instead."""
    schema, name = _table(connection, wanted.table)
    fields = fields_of(connection, place.kind, name, schema)
    by_name = {one.name: one for one in fields}
    shown = name if schema is None else f"{schema}.{name}"

    def must(named: str, option: str) -> Field:
        if named not in by_name:
            there = _told(by_name)
            raise CouldNotLook(f"{shown} has no column {named!r} (say another with {option}); there are {there}")
        return by_name[named]

    def may(named: str | None, usual: str, option: str) -> Field | None:
        if named == "":
            return None
        return by_name.get(usual) if named is None else must(named, option)

    note = may(wanted.note_column, "notes", "--note-column")
    return Target(
        kind=place.kind,
        name=name,
        schema=schema,
        column=must(wanted.column, "--column"),
        row_id=must(wanted.id_column, "--id-column"),
        created=may(wanted.created_column, "created_at", "--created-column"),
        call=may(wanted.call_column, "call_id", "--call-column"),
        status=by_name.get(wanted.status_column),
        note=note if note is not None and (note.is_text or place.kind is Kind.SQLITE) else None,
        fields=fields,
        more=tuple(by_name[one] for one in _CALLER if one in by_name),
        over=wanted.over,
        spelling=SPELLINGS[place.kind],
    )


def fields_of(connection: Connection, kind: Kind, name: str, schema: str | None) -> tuple[Field, ...]:
    """All columns of a table that is there."""
    reflected = inspect(connection).get_columns(name, schema)
    names = _type_names(connection, name, schema) if kind is Kind.POSTGRES else {}
    return tuple(replace(_field(one), type_name=names.get(one["name"], "")) for one in reflected)


def _field(reflected: ReflectedColumn) -> Field:
    return Field(
        name=str(reflected["name"]),
        type=reflected["type"],
        nullable=reflected["nullable"],
        written=reflected.get("computed") is None,
    )


def _table(connection: Connection, named: str) -> tuple[str | None, str]:
    """A name with a dot is a table of that name, or else one of another schema."""
    there = inspect(connection)
    if there.has_table(named):
        return None, named
    schema, dot, name = named.partition(".")
    if dot and schema in there.get_schema_names() and there.has_table(name, schema):
        # As the same table is named in the audit log, however somebody named it.
        return (None if schema == there.default_schema_name else schema), name
    names = _told(sorted(there.get_table_names()))
    elsewhere = "" if connection.dialect.name == "sqlite" else "; another schema's is named schema.table"
    raise CouldNotLook(f"there is no table {named!r} (say which with --table); there are {names}{elsewhere}")


def _told(names: Mapping[str, Any] | Sequence[str]) -> str:
    listed = [repr(one) if not one.isidentifier() else one for one in names]
    if len(listed) > TOLD_MAX:
        listed[TOLD_MAX:] = [f"and {len(listed) - TOLD_MAX} more"]
    return ", ".join(listed) or "none"


_TYPE_NAMES: Final = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = :name AND a.attnum > 0 AND NOT a.attisdropped
      AND CASE WHEN CAST(:schema AS text) IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = :schema END"""


def _type_names(connection: Connection, name: str, schema: str | None) -> dict[str, str]:
    rows = connection.execute(text(_TYPE_NAMES), {"name": name, "schema": schema})
    return {str(column): str(kind) for column, kind in rows}
