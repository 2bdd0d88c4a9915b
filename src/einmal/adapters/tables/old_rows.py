"""Another program's appointments, read once from beginning to end and put aside in a temporary file.

So that program waits for nothing: its table is read in one short transaction of one moment, and what comes of the rows
may take as long as it takes. The database itself says which booking ids stand twice, so that memory does not grow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, LargeBinary, Text, cast, func, inspect, null, select
from sqlalchemy.dialects import mysql
from sqlalchemy.sql import ColumnElement

from einmal.adapters.tables.groups import STREAMED, Spool
from einmal.adapters.tables.place import Kind
from einmal.adapters.tables.spelling import SPELLINGS, Field
from einmal.adapters.tables.target import TOLD_MAX, fields_of, table_of
from einmal.ports.old_tables import OldTable

Told = Callable[[int], None]
"""Called now and then with how many rows have been read."""


class NotThere(Exception):
    """A table or column of that name is not there. `key` is where the mapping names it: ("columns", "service")."""

    def __init__(self, key: tuple[str, str], why: str) -> None:
        super().__init__(why)
        self.key = key


class OldRow(NamedTuple):
    """As it stands there, in the database's own words; None for NULL and for what is not kept."""

    key: str
    booking_uid: str | None
    service: str | None
    starts_at: str | None
    created_at: str | None
    ends_at: str | None
    call_id: str | None
    status: str | None
    name: str | None
    phone: str | None
    email: str | None
    twice: bool


_OF_THE_ROW: Final = ("key", "booking_uid", "service", "starts_at", "created_at", "ends_at", "call_id", "status")
_OF_THE_PERSON: Final = ("name", "phone", "email")
_TIMES: Final = frozenset({"starts_at", "created_at", "ends_at"})
_NAMED_IN_THE_MAPPING: Final = {"key": "id"}


@dataclass(frozen=True, slots=True)
class _Found:
    """A table that is there, and its columns by what they mean."""

    element: Any
    fields: dict[str, Field]


def read_rows(connection: Connection, kind: Kind, old: OldTable, spool: Spool, told: Told) -> None:
    """All rows, by their ids. Raises NotThere, and whatever a database may raise."""
    if kind is Kind.SQLITE:
        # A text that is no UTF-8 is read as well as can be, and does not end the import.
        connection.connection.driver_connection.text_factory = _text_of_bytes  # type: ignore[union-attr]
    rows = _table(connection, kind, old.table, "columns", {name: getattr(old, name) for name in _of_rows(old)})
    people = None
    if old.customers is not None:
        named = {name: getattr(old.customers, name) for name in ("key", *_OF_THE_PERSON)}
        people = _table(connection, kind, old.customers.table, "customers", named)
    found = connection.execution_options(stream_results=True, yield_per=STREAMED).execute(_asked(kind, rows, people))
    # MySQL tells a TIMESTAMP in the session's zone, which is UTC here, and does not say so.
    in_utc = {name for name in _TIMES & rows.fields.keys() if isinstance(rows.fields[name].type, mysql.TIMESTAMP)}
    spelled = SPELLINGS[kind].spelled
    names = (*_OF_THE_ROW, *_OF_THE_PERSON)
    for row in found:
        values = [_text(spelled(value)) for value in row[:-1]]
        for number, name in enumerate(names):
            if name in in_utc and values[number] is not None:
                values[number] = f"{values[number]}Z"
        spool.add([*values, bool(row[-1])])
        if spool.length % STREAMED == 0:
            told(spool.length)
    told(spool.length)


def rows_in(spool: Spool) -> Iterator[OldRow]:
    return (OldRow(*values) for values in spool)


def _of_rows(old: OldTable) -> tuple[str, ...]:
    return (*_OF_THE_ROW, "customer") if old.customers is not None else (*_OF_THE_ROW, *_OF_THE_PERSON)


def _table(connection: Connection, kind: Kind, named: str, section: str, columns: dict[str, str | None]) -> _Found:
    there = inspect(connection)
    schema, name = None, named
    if not there.has_table(named):
        schema, _, name = named.partition(".")
        if not name or schema not in there.get_schema_names() or not there.has_table(name, schema):
            where = ("source" if section == "columns" else section, "table")
            raise NotThere(where, f"there is no table {named!r}; there are {_listed(there.get_table_names())}")
    fields = fields_of(connection, kind, name, schema)
    by_name = {one.name: one for one in fields}
    for means, column in columns.items():
        if column is not None and column not in by_name:
            key = (section, _NAMED_IN_THE_MAPPING.get(means, means))
            raise NotThere(key, f"{named} has no column {column!r}; there are {_listed(by_name)}")
    known = {means: by_name[column] for means, column in columns.items() if column is not None}
    return _Found(table_of(name, schema, fields), known)


def _listed(names: Any) -> str:
    every = sorted(names)
    more = [f"and {len(every) - TOLD_MAX} more"] if len(every) > TOLD_MAX else []
    return ", ".join([*every[:TOLD_MAX], *more]) or "none"


def _asked(kind: Kind, rows: _Found, people: _Found | None) -> Any:
    """Each row with its person, and whether its booking id stands in another one too."""
    read, uid = SPELLINGS[kind].read, rows.fields["booking_uid"]

    def of(found: _Found, names: tuple[str, ...]) -> list[ColumnElement[Any]]:
        return [(read(found.fields[name]) if name in found.fields else null()).label(f"value_{name}") for name in names]

    exact = cast(uid.element, LargeBinary) if kind is Kind.MYSQL else uid.element
    ordered, joined = rows.fields["key"].element.label("row_key"), rows.fields.get("customer")
    own = () if people is not None else _OF_THE_PERSON
    beside = [] if joined is None else [_joinable(kind, joined, people).label("row_customer")]
    of_rows = [*of(rows, (*_OF_THE_ROW, *own)), ordered, exact.label("row_uid"), *beside]
    old = select(*of_rows).select_from(rows.element).subquery("old_rows")
    counts = [uid.element.is_not(None)] + ([uid.element != ""] if uid.is_text or kind is Kind.SQLITE else [])
    by_uid = select(exact.label("row_uid"), func.count().label("many")).select_from(rows.element)
    twice = by_uid.where(*counts).group_by(exact).having(func.count() > 1).subquery("twice")
    source, whose = old.outerjoin(twice, old.c.row_uid == twice.c.row_uid), old
    if people is not None and joined is not None:
        key = _joinable(kind, people.fields["key"], rows, "customer").label("person_key")
        whose = select(*of(people, _OF_THE_PERSON), key).select_from(people.element).subquery("people")
        source = source.outerjoin(whose, old.c.row_customer == whose.c.person_key)
    values = [old.c[f"value_{name}"] for name in _OF_THE_ROW] + [whose.c[f"value_{name}"] for name in _OF_THE_PERSON]
    return select(*values, func.coalesce(twice.c.many, 0) > 1).select_from(source).order_by(old.c.row_key)


def _joinable(kind: Kind, one: Field, other: _Found | None, name: str = "key") -> ColumnElement[Any]:
    """PostgreSQL compares no text with a number: where the two columns differ, as texts."""
    differ = other is not None and one.type._type_affinity is not other.fields[name].type._type_affinity  # noqa: SLF001
    return cast(one.element, Text) if kind is Kind.POSTGRES and differ else one.element


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case {"blob": text}:
            return _text_of_bytes(bytes.fromhex(text))
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _text_of_bytes(value: bytes) -> str:
    return value.decode("utf-8", "replace")
