"""The fields of the tools, and from a model's arguments to those of a function call.

What a model writes is checked here against what the tool takes: a field that nobody knows is a mistake that is told,
for what is quietly left out would be booked otherwise than it was meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from einmal.entrypoints.http.instants import as_heard

LETTERS_MAX: Final = 500


class BadArguments(Exception):
    """`args[0]` says what was wrong and what is allowed; it quotes no value."""


@dataclass(frozen=True, slots=True)
class Field:
    """`becomes` is what a function call calls it; None where it is no argument of one."""

    kind: str
    says: str
    becomes: str | None = None
    instant: bool = False
    """Whether an instant with its offset may be given, wherever that is."""


_AS_SAID: Final = "in words as they were said ('next Tuesday at ten', 'halb vier am Dienstag')"

FIELDS: Final[dict[str, Field]] = {
    "service": Field("string", "The service, by its name as list_services gives it.", "service"),
    "start": Field(
        "string",
        f"When it begins: ISO 8601 (2026-12-01T10:00, the house's time, or with an offset), or {_AS_SAID}.",
        "start",
        instant=True,
    ),
    "day": Field(
        "string",
        "Instead of start, to see what is free: a day as 2026-12-01, or in words as it was said.",
        "date",
    ),
    "slot": Field(
        "string",
        "Instead of start: the `slot` of an alternative that was offered, unchanged. Never compose one.",
        "slot",
    ),
    "name": Field("string", "The person's full name. Never invent one.", "name"),
    "phone": Field("string", "The person's phone number, such as +4930901820; only if it was given.", "phone"),
    "email": Field("string", "The person's e-mail address; only if it was given. Never invent one.", "email"),
    "staff": Field("string", "By whom it is to be done; only if somebody in particular was wished for.", "staff"),
    "additional": Field(
        "boolean",
        "true only if the person, being asked, has said that they want this beside another appointment of theirs, or "
        "anew after it was cancelled.",
        "additional",
    ),
    "ref": Field("string", "The appointment, by the `booking.ref` of an earlier answer.", "ref"),
    "new_start": Field(
        "string",
        f"When it is to begin instead: ISO 8601, or {_AS_SAID}.",
        "new_date",
        instant=True,
    ),
    "new_slot": Field(
        "string",
        "Instead of new_start: the `slot` of an alternative that was offered, unchanged. Never compose one.",
        "new_slot",
    ),
    "conversation": Field(
        "string",
        "The `conversation` of an earlier answer, unchanged: what was booked or held with it belongs together. Leave "
        "it out in the first call, and with another person.",
    ),
}


def schema(names: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
    """The JSON Schema of a tool that takes these fields."""
    properties = {name: {"type": FIELDS[name].kind, "description": FIELDS[name].says} for name in names}
    for one in properties.values():
        if one["type"] == "string":
            one["maxLength"] = LETTERS_MAX  # type: ignore[assignment]  # JSON
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def checked(arguments: Mapping[str, Any] | None, names: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
    """The arguments that were given; null and an empty text are as good as none. Raises BadArguments."""
    given = {name: value for name, value in (arguments or {}).items() if not _says_nothing(value)}
    if any(name not in names for name in given):
        raise BadArguments(f"a field that this tool does not have; it takes {_listed(names)}")
    for name, value in given.items():
        _check(name, value)
    missing = [name for name in required if name not in given]
    if missing:
        raise BadArguments(f"{_listed(missing)} must be given")
    return given


def _says_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _check(name: str, value: object) -> None:
    if FIELDS[name].kind == "boolean":
        if not isinstance(value, bool):
            raise BadArguments(f"{name} must be true or false")
    elif not isinstance(value, str):
        raise BadArguments(f"{name} must be a string")
    elif len(value) > LETTERS_MAX:
        raise BadArguments(f"{name} may have at most {LETTERS_MAX} letters")


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names) if names else "no fields"


def function_arguments(given: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """What a function call is made with: a phone's caller would have said it so."""
    told: dict[str, Any] = {}
    for name, value in given.items():
        field = FIELDS[name]
        if field.becomes is not None:
            told[field.becomes] = as_heard(value, zone) if field.instant else value
    return told
