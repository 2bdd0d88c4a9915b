"""Retell's envelope: `{name, call, args}`, or the arguments alone at the root ("Payload: args only").

Strict where strictness protects (no duplicate keys, bounded depth, an object), generous in the names that
agents in the field use for the same thing.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

DEPTH_MAX: Final = 20
ID_MAX: Final = 200

_ID = re.compile(r"[A-Za-z0-9_.:@-]+")
_VERSION = re.compile(r"(?<=.)_v\d+$")
_PLACEHOLDER_IDS: Final = frozenset(
    {"", "none", "null", "nil", "undefined", "unknown", "n/a", "current", "current_call", "call", "call_id", "test"}
    | {"dummy", "dummy_call_id", "callid", "example", "string", "id"}
)
_COUNTER = re.compile(r"(?:call[_-]?(?:id[_-]?)?)?\d{0,9}")


class BadEnvelope(Exception):
    """Not a function call. `args[0]` says what was wrong and what is allowed; it quotes nothing."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One request of the agent's.

    `call_id` is vouched for by the platform (the envelope, or the header that our tool definition ships).
    `said_call_id` is what the model wrote into the arguments: no identity, and used only to keep two
    nameless conversations apart.
    """

    name: str | None
    args: Mapping[str, Any]
    call_id: str | None = None
    said_call_id: str | None = None
    agent_id: str | None = None
    caller_number: str | None = None
    house_number: str | None = None
    direction: str | None = None
    """`inbound` or `outbound`, where the platform said who called whom."""

    @property
    def direction_told(self) -> bool:
        """If it was not, the house's number is only presumed to be that."""
        return self.direction is not None

    @property
    def conversation_id(self) -> str | None:
        return self.call_id or self.said_call_id


def read_envelope(
    body: bytes, call_id_header: str | None = None, functions: Collection[str] = frozenset()
) -> FunctionCall:
    """The function call in `body`. Raises BadEnvelope.

    `functions`: names that are a function's even where nothing else tells an envelope from arguments alone.
    """
    data = json_object(body)
    name = data.get("name") or data.get("function_name")
    wrapped = next((key for key in ("args", "arguments", "parameters") if key in data), None)
    args = None if wrapped is None else data[wrapped]
    call = data.get("call")
    if isinstance(args, str):
        args = _parsed(args) if args.strip() else {}
    if wrapped is None and call is None and _function(name) not in functions:
        # Arguments alone: here `name` is the caller's, not the function's.
        name, args = None, data
    if wrapped is None and call is None and args is None:
        # A function's name among its arguments.
        args = {key: value for key, value in data.items() if key not in {"name", "function_name"}}
    if args is None:
        args = {}
    if not isinstance(args, dict):
        raise BadEnvelope("args must be a JSON object")
    return call_of(call if isinstance(call, dict) else {}, _function(name), args, call_id_header)


def call_of(
    call: Mapping[str, Any], name: str | None, args: Mapping[str, Any], call_id_header: str | None = None
) -> FunctionCall:
    """Which call it is, and between whom, as the platform's object tells it."""
    direction = call.get("direction")
    outbound = direction == "outbound"
    return FunctionCall(
        name=name,
        args=args,
        # The header is filled in by a template: what was not, or was filled with nothing, is no id.
        call_id=_vouched(call.get("call_id")) or _said(call_id_header),
        said_call_id=_said(args.get("call_id")),
        agent_id=_vouched(call.get("agent_id")),
        caller_number=_text(call.get("to_number" if outbound else "from_number")),
        house_number=_text(call.get("from_number" if outbound else "to_number")),
        direction="outbound" if outbound else "inbound" if direction == "inbound" else None,
    )


def _function(name: object) -> str | None:
    """A function's name, without the suffix of its version."""
    return _VERSION.sub("", name.strip().lower()) if isinstance(name, str) and name.strip() else None


def json_object(body: bytes) -> dict[str, Any]:
    """The body, read strictly. Raises BadEnvelope."""
    try:
        # Decoded here: json would guess at other encodings, and what was signed are these bytes.
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadEnvelope(_ONE_OBJECT) from None
    return _parsed(text)


_ONE_OBJECT: Final = "the body must be one JSON object in UTF-8, without duplicate keys"


def _parsed(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise BadEnvelope(_ONE_OBJECT) from None
    if not isinstance(data, dict):
        raise BadEnvelope("the body must be a JSON object")
    if _depth(data) > DEPTH_MAX:
        raise BadEnvelope(f"the body may be nested at most {DEPTH_MAX} deep")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two parsers may pick different ones of two equal keys; what was signed would not be what is done.
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


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _vouched(value: object) -> str | None:
    """An id as platforms make them. A template that nobody filled in is none."""
    if not isinstance(value, str) or len(value) > ID_MAX or _ID.fullmatch(value) is None:
        return None
    return value


_SAID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{3,63}")


def _said(value: object) -> str | None:
    """An id that nobody vouches for: it must look like one, because it could be a phone or an address."""
    text = value if isinstance(value, str) and _SAID.fullmatch(value) else None
    if text is None or text.lower() in _PLACEHOLDER_IDS or _COUNTER.fullmatch(text.lower()):
        return None
    return text
