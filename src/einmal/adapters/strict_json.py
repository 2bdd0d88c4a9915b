"""What platforms send, read strictly: one JSON object, no duplicate keys, bounded depth, and ids that look like ids.

Two parsers may pick different ones of two equal keys, and then what was signed is not what is done. Nothing that is
raised here quotes what was sent.
"""

import json
import re
from typing import Any, Final

DEPTH_MAX: Final = 20
ID_MAX: Final = 200

_ID = re.compile(r"[A-Za-z0-9_.:@-]+")
_ONE_OBJECT: Final = "the body must be one JSON object in UTF-8, without duplicate keys"


class BadEnvelope(Exception):
    """Not a function call. `args[0]` says what was wrong and what is allowed; it quotes nothing."""


def json_object(body: bytes) -> dict[str, Any]:
    """The body. Raises BadEnvelope."""
    try:
        # Decoded here: json would guess at other encodings, and what was signed are these bytes.
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadEnvelope(_ONE_OBJECT) from None
    return object_of(text)


def object_of(text: str) -> dict[str, Any]:
    """The object that a text says. Raises BadEnvelope."""
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise BadEnvelope(_ONE_OBJECT) from None
    if not isinstance(data, dict):
        raise BadEnvelope("the body must be a JSON object")
    if _depth(data) > DEPTH_MAX:
        raise BadEnvelope(f"the body may be nested at most {DEPTH_MAX} deep")
    return data


def vouched_id(value: object) -> str | None:
    """An id as platforms make them. A template that nobody filled in is none."""
    if not isinstance(value, str) or len(value) > ID_MAX or _ID.fullmatch(value) is None:
        return None
    return value


def text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("duplicate key")
    return data


def _depth(value: object) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if deepest > DEPTH_MAX:
            break
    return deepest
