"""Just enough YAML to write what Prometheus and Alertmanager read: tables, lists, quoted words, numbers.

Every text is quoted, so that none is ever taken for a number, a date or a no.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Value: TypeAlias = "str | int | float | bool | Sequence[Value] | Mapping[str, Value]"

HEADER: Final = "# Made by monitoring/write.py (`make docs`); change that, not this.\n"


def written(value: Mapping[str, Value]) -> str:
    """The file."""
    return HEADER + "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Value) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [line for name, inner in value.items() for line in _under(f"{name}:", inner)]
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return [line for inner in value for line in _item(_lines(inner))]
    return [json.dumps(value, ensure_ascii=False)]


def _under(name: str, value: Value) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence | Mapping) or not value:
        return [f"{name} {_lines(value)[0]}"]
    return [name, *(f"  {line}" for line in _lines(value))]


def _item(lines: list[str]) -> list[str]:
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]
