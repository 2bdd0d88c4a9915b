"""Retell's envelope: `{name, call, args}`, or the arguments alone at the root ("Payload: args only").

Strict where strictness protects (no duplicate keys, bounded depth, an object), generous in the names that
agents in the field use for the same thing.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from einmal.adapters.functions.call import FunctionCall, function_named
from einmal.adapters.strict_json import BadEnvelope, json_object, object_of, text_or_none, vouched_id

_PLACEHOLDER_IDS: Final = frozenset(
    {"", "none", "null", "nil", "undefined", "unknown", "n/a", "current", "current_call", "call", "call_id", "test"}
    | {"dummy", "dummy_call_id", "callid", "example", "string", "id"}
)
_COUNTER = re.compile(r"(?:call[_-]?(?:id[_-]?)?)?\d{0,9}")


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
        args = object_of(args) if args.strip() else {}
    if wrapped is None and call is None and function_named(name) not in functions:
        # Arguments alone: here `name` is the caller's, not the function's.
        name, args = None, data
    if wrapped is None and call is None and args is None:
        # A function's name among its arguments.
        args = {key: value for key, value in data.items() if key not in {"name", "function_name"}}
    if args is None:
        args = {}
    if not isinstance(args, dict):
        raise BadEnvelope("args must be a JSON object")
    return call_of(call if isinstance(call, dict) else {}, function_named(name), args, call_id_header)


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
        call_id=vouched_id(call.get("call_id")) or _said(call_id_header),
        said_call_id=_said(args.get("call_id")),
        agent_id=vouched_id(call.get("agent_id")),
        caller_number=text_or_none(call.get("to_number" if outbound else "from_number")),
        house_number=text_or_none(call.get("from_number" if outbound else "to_number")),
        direction="outbound" if outbound else "inbound" if direction == "inbound" else None,
    )


_SAID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{3,63}")


def _said(value: object) -> str | None:
    """An id that nobody vouches for: it must look like one, because it could be a phone or an address."""
    text = value if isinstance(value, str) and _SAID.fullmatch(value) else None
    if text is None or text.lower() in _PLACEHOLDER_IDS or _COUNTER.fullmatch(text.lower()):
        return None
    return text
