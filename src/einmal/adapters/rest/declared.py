"""What a field may hold, declared once: the same declaration reads it, says what is wrong with it, and is its schema.

Nothing that is said of a wrong value quotes it: it may be a name.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from einmal.speech.contact import OddAddress, email_address, nobodys_address

START_MIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
START_MAX: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""What nobody books, and what no calendar can reckon with."""

TOLD_MAX: Final = 20
"""Of unknown fields so many are told: who sends more sends something else altogether."""

_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN: Final = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)")


class Wrong(ValueError):
    """`args[0]` says what is allowed."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """`pointer` is a JSON pointer into the body, or the name of a parameter where `in_query`."""

    pointer: str
    detail: str
    in_query: bool = False


class Kind(Protocol):
    @property
    def schema(self) -> dict[str, Any]: ...

    def read(self, value: object) -> Any:
        """The value, understood. Raises Wrong."""


@dataclass(frozen=True, slots=True)
class Text:
    """One line. `pattern` as in JSON Schema and Python alike, anchored.

    What nobody sees in it is as good as a blank: it could turn the writing round, or make two of one name.
    """

    most: int
    pattern: str | None = None
    allowed: str = "text"

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.most, "pattern": self.pattern or _PLAIN}

    def read(self, value: object) -> str:
        told = f"must be {self.allowed}, of 1 to {self.most} letters in one line"
        if not isinstance(value, str) or len(value) > self.most or _UNSPEAKABLE.search(value):
            raise Wrong(told)
        if self.pattern is not None and re.fullmatch(self.pattern, value, re.ASCII) is None:
            raise Wrong(told)
        seen = value if value.isascii() else unicodedata.normalize("NFC", "".join(map(_seen, value)))
        if not seen.strip():
            raise Wrong(told)
        return " ".join(seen.split())


@dataclass(frozen=True, slots=True)
class Instant:
    """`whole`: a minute and no seconds. No calendar has an appointment at another time."""

    whole: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def read(self, value: object) -> datetime:
        told = "must be an instant in ISO 8601 with its offset, such as 2026-12-01T10:00:00+01:00"
        if not isinstance(value, str) or _INSTANT.fullmatch(value) is None:
            raise Wrong(told)
        try:
            at = datetime.fromisoformat(value.upper())
            if not START_MIN <= at <= START_MAX:
                raise Wrong("must be an instant from the year 2000 to 2099")
            if self.whole and (at.second or at.microsecond):
                raise Wrong("must be a whole minute, such as 2026-12-01T10:00:00+01:00")
        except (ValueError, OverflowError) as wrong:
            raise wrong if isinstance(wrong, Wrong) else Wrong(told) from None
        return at


@dataclass(frozen=True, slots=True)
class Email:
    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "email", "maxLength": 254}

    def read(self, value: object) -> str:
        told = "must be an e-mail address, such as anna.weiss@salon.de"
        try:
            # Dictated addresses are for the phone; here an address is written as it is.
            if not isinstance(value, str) or len(value) > 254 or any(c.isspace() for c in value):
                raise Wrong(told)
            address = email_address(value)
        except OddAddress:
            raise Wrong(told) from None
        if nobodys_address(address):
            raise Wrong("is an address that is nobody's; leave it out where there is none")
        return address


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, also as a parameter's text."""

    least: int
    most: int

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def read(self, value: object) -> int:
        text = value if isinstance(value, str) else ""
        number = int(text) if re.fullmatch(r"[0-9]{1,6}", text) else value
        if not isinstance(number, int) or isinstance(number, bool) or not self.least <= number <= self.most:
            raise Wrong(f"must be a whole number from {self.least} to {self.most}")
        return number


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: "Kind | Record"
    meaning: str
    required: bool = False
    example: object = None


@dataclass(frozen=True, slots=True)
class Record:
    """An object with these fields and no others. `instead`: a field that stands for all of `of`, else needed."""

    fields: tuple[Field, ...]
    instead: str | None = None
    of: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
        for one in self.fields:
            about = {"description": one.meaning} | ({} if one.example is None else {"examples": [one.example]})
            made["properties"][one.name] = one.kind.schema | about
        required = [one.name for one in self.fields if one.required]
        made |= {"required": required} if required else {}
        if self.instead is not None:
            made["anyOf"] = [{"required": list(self.of)}, {"required": [self.instead]}]
        return made

    def read(self, value: object, pointer: str = "") -> tuple[dict[str, Any], list[FieldProblem]]:
        """What was understood, by name, and everything that is wrong."""
        if not isinstance(value, dict):
            return {}, [FieldProblem(pointer, "must be an object")]
        known = {one.name for one in self.fields}
        allowed = ", ".join(one.name for one in self.fields) or "none"
        problems = [
            FieldProblem(f"{pointer}/{_escaped(name)}", f"there is no such field; allowed are {allowed}")
            for name in list(value)[:TOLD_MAX]
            if name not in known
        ]
        read: dict[str, Any] = {}
        for one in self.fields:
            where = f"{pointer}/{one.name}"
            if one.name not in value:
                if one.required or (one.name in self.of and self.instead not in value):
                    problems.append(FieldProblem(where, f"is missing: {one.meaning}"))
                continue
            understood, wrong = _understood(one.kind, value[one.name], where)
            problems += wrong
            if not wrong:
                read[one.name] = understood
        return read, problems

    def read_query(self, pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, Any], list[FieldProblem]]:
        """The same of a query's parameters, each given once."""
        names = [name for name, _ in pairs]
        twice = sorted(name for name, times in Counter(names).items() if times > 1)[:TOLD_MAX]
        given = dict(pairs)
        read, problems = self.read(given)
        told = []
        for one in problems:
            name = one.pointer.removeprefix("/")
            told.append(FieldProblem(name, one.detail + _lost(given.get(name)), in_query=True))
        return read, told + [FieldProblem(name, "is given more than once", in_query=True) for name in twice]


def _understood(kind: "Kind | Record", value: object, pointer: str) -> tuple[Any, list[FieldProblem]]:
    if isinstance(kind, Record):
        return kind.read(value, pointer)
    try:
        return kind.read(value), []
    except Wrong as wrong:
        return None, [FieldProblem(pointer, str(wrong.args[0]))]


def _seen(character: str) -> str:
    """As in function calls: format characters, which turn the writing round or have no width, and private ones."""
    return " " if unicodedata.category(character) in {"Cf", "Co"} else character


def _lost(value: str | None) -> str:
    """What may be wrong with a value that looks right to whoever typed it into an address."""
    return "; in an address a + is written %2B" if value is not None and " " in value else ""


def _escaped(name: str) -> str:
    """As a token of a JSON pointer. A name that nobody knows may be anything: so much of it does to find it."""
    plain = _UNSPEAKABLE.sub("?", name[:40])
    return plain.replace("~", "~0").replace("/", "~1")
