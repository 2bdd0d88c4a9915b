"""How a value is read so that it can be kept as JSON and be written again exactly as it was.

What a driver makes of a value is not that: an interval loses its months, a float its last digits, a date of zeros
everything. So each database is asked for its own text, which it reads back without loss.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import CHAR, ColumnElement, Text, bindparam, cast, func, literal_column
from sqlalchemy.dialects import mysql
from sqlalchemy.sql import column as named
from sqlalchemy.sql import quoted_name, sqltypes
from sqlalchemy.types import TypeEngine, UserDefinedType

from einmal.adapters.tables.place import Kind

Spelled = str | int | float | None | dict[str, str]
"""A value as JSON holds it."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the table. `type_name` is PostgreSQL's own word for its type."""

    name: str
    type: TypeEngine[Any]
    nullable: bool
    written: bool
    """Whether a row says what stands in it; the database works out the others."""
    type_name: str = ""

    @property
    def element(self) -> Any:
        """Always quoted: a name may be a word of SQL's, or hold a space."""
        return named(quoted_name(self.name, quote=True))

    @property
    def is_text(self) -> bool:
        return isinstance(self.type, sqltypes.String) and not isinstance(self.type, sqltypes.Enum)

    @property
    def length_max(self) -> int | None:
        length = getattr(self.type, "length", None)
        return length if self.is_text and isinstance(length, int) else None


class Spelling(Protocol):
    def read(self, field: Field) -> ColumnElement[Any]:
        """What to select for the column."""
        ...

    def spelled(self, value: Any) -> Spelled:
        """What was selected, as JSON can hold it."""
        ...

    def written(self, field: Field, name: str) -> ColumnElement[Any]:
        """The parameter of that name, as the column takes it."""
        ...

    def bound(self, value: Spelled) -> Any:
        """What to give that parameter."""
        ...


class _Type(UserDefinedType[Any]):
    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


class _OfPostgres:
    def read(self, field: Field) -> ColumnElement[Any]:
        element: ColumnElement[Any] = field.element
        return element if isinstance(field.type, sqltypes.Integer) else cast(element, Text)

    def spelled(self, value: Any) -> Spelled:
        return value if value is None or isinstance(value, int) else str(value)

    def written(self, field: Field, name: str) -> ColumnElement[Any]:
        return cast(cast(bindparam(name, type_=Text), Text), _Type(field.type_name))

    def bound(self, value: Spelled) -> Any:
        return str(value) if isinstance(value, int) else value


class _OfMysql:
    def read(self, field: Field) -> ColumnElement[Any]:
        match _shape(field.type):
            case "bytes":
                return func.hex(field.element)
            case "float":
                # A FLOAT is told with six digits; as a DOUBLE with all it has.
                return field.element + literal_column("0e0")  # type: ignore[no-any-return]
            case "text":
                return cast(field.element, CHAR)
            case _:
                return field.element  # type: ignore[no-any-return]

    def spelled(self, value: Any) -> Spelled:
        return value if value is None or isinstance(value, int | float) else str(value)

    def written(self, field: Field, name: str) -> ColumnElement[Any]:
        parameter: ColumnElement[Any] = bindparam(name)
        return func.unhex(parameter) if _shape(field.type) == "bytes" else parameter

    def bound(self, value: Spelled) -> Any:
        return value


_AS_BYTES: Final = (sqltypes.LargeBinary, sqltypes.BINARY, sqltypes.VARBINARY, mysql.BIT, sqltypes.NullType)
_AS_TEXT: Final = (sqltypes.Date, sqltypes.DateTime, sqltypes.Time)


def _shape(kind: TypeEngine[Any]) -> str:
    if isinstance(kind, _AS_BYTES):
        return "bytes"
    if isinstance(kind, sqltypes.Float | mysql.FLOAT | mysql.DOUBLE):
        return "float"
    # What MySQL calls DECIMAL loses nothing as text, and the driver nothing of any other.
    return "text" if isinstance(kind, (*_AS_TEXT, sqltypes.Numeric)) else "plain"


class _OfSqlite:
    """A value has a type here, whatever its column has."""

    def read(self, field: Field) -> ColumnElement[Any]:
        return field.element  # type: ignore[no-any-return]

    def spelled(self, value: Any) -> Spelled:
        if isinstance(value, bytes):
            return {"blob": value.hex()}
        if isinstance(value, float) and not math.isfinite(value):
            return {"real": repr(value)}
        plain: str | int | float | None = value
        return plain

    def written(self, field: Field, name: str) -> ColumnElement[Any]:  # noqa: ARG002 - the others need it
        return bindparam(name)

    def bound(self, value: Spelled) -> Any:
        if isinstance(value, dict):
            return bytes.fromhex(value["blob"]) if "blob" in value else float(value["real"])
        return value


SPELLINGS: Final[Mapping[Kind, Spelling]] = {
    Kind.POSTGRES: _OfPostgres(),
    Kind.MYSQL: _OfMysql(),
    Kind.SQLITE: _OfSqlite(),
}


def key_of(value: Spelled) -> str:
    """Two values are the same exactly where this is."""
    return json.dumps(value)


def shown_value(value: Spelled) -> str:
    """As it may be printed: one line, and not a long one."""
    text = value if isinstance(value, str) else json.dumps(value)
    plain = "".join(sign if sign.isprintable() else "?" for sign in text)
    return plain if len(plain) <= 80 else f"{plain[:77]}..."
