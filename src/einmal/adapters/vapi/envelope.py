"""Vapi's server messages: `{message: {type, call, customer, phoneNumber, …}}`, of which `tool-calls` ask for answers.

One request may hold several calls of tools. Who calls, and in which phone call, stands in the message, which the model
does not write; what it writes are `name` and `arguments`, and nothing in them identifies anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from einmal.adapters.strict_json import ID_MAX, BadEnvelope, object_of, text_or_none, vouched_id

CALLS_MAX: Final = 16
"""More than any model asks for at a time. Each of them may wait for the calendar."""

_DIRECTIONS: Final = {"inboundPhoneCall": "inbound", "outboundPhoneCall": "outbound"}


@dataclass(frozen=True, slots=True)
class Line:
    """The phone call that a message is about, as Vapi vouches for it. The customer is the other end, whoever called."""

    call_id: str | None = None
    assistant_id: str | None = None
    customer_number: str | None = None
    house_number: str | None = None
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool. `name` is as the model wrote it. `args` is None where `wrong` says what was."""

    tool_call_id: str
    name: str
    args: Mapping[str, Any] | None
    wrong: str | None = None


def message_of(data: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The type of a message, and the message. Raises BadEnvelope."""
    message = data.get("message")
    if not isinstance(message, dict):
        raise BadEnvelope("message must be a JSON object")
    kind = message.get("type")
    if not isinstance(kind, str):
        raise BadEnvelope("message.type must be the name of a server message, such as tool-calls")
    return kind, message


def line_of(message: Mapping[str, Any]) -> Line:
    call = _object(message, "call")
    customer = _object(message, "customer") or _object(call, "customer")
    house = _object(message, "phoneNumber") or _object(call, "phoneNumber")
    kind = call.get("type")
    return Line(
        call_id=vouched_id(call.get("id")),
        assistant_id=vouched_id(call.get("assistantId")),
        customer_number=text_or_none(customer.get("number")),
        house_number=text_or_none(house.get("number")),
        direction=_DIRECTIONS.get(kind) if isinstance(kind, str) else None,
    )


def tool_calls_of(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """What a `tool-calls` message asks for, in its order. Raises BadEnvelope.

    Both lists hold the same calls, the second with the tools' definitions around them.
    """
    asked = message.get("toolCallList")
    if not isinstance(asked, list) or not asked:
        tools = message.get("toolWithToolCallList")
        asked = [_object(one, "toolCall") for one in tools if isinstance(one, dict)] if isinstance(tools, list) else []
    if not 0 < len(asked) <= CALLS_MAX:
        raise BadEnvelope(f"message.toolCallList must hold from 1 to {CALLS_MAX} calls of tools")
    return tuple(_tool_call(one) for one in asked)


def _tool_call(asked: object) -> ToolCall:
    if not isinstance(asked, dict):
        raise BadEnvelope("each call of a tool must be a JSON object")
    tool_call_id = asked.get("id")
    if not isinstance(tool_call_id, str) or not 0 < len(tool_call_id) <= ID_MAX:
        raise BadEnvelope(f"each call of a tool must have an id of 1 to {ID_MAX} letters: its result is found by that")
    # In the documentation's examples name and arguments stand beside the id, in the SDK's model in `function`.
    function = _object(asked, "function") or asked
    name = text_or_none(function.get("name")) or ""
    if not 0 < len(name) <= ID_MAX:
        raise BadEnvelope(f"each call of a tool must have the name of a function, of 1 to {ID_MAX} letters")
    if _is_broken(tool_call_id + name):
        # Both are told back, and the answer of the calls beside it must not break over them.
        raise BadEnvelope("the id and the name of a call of a tool must be whole characters")
    try:
        return ToolCall(tool_call_id, name, _arguments(function.get("arguments")))
    except BadEnvelope:
        return ToolCall(tool_call_id, name, None, "arguments must be one JSON object, without duplicate keys")


def _is_broken(text: str) -> bool:
    """Whether half of a character stands in it, which JSON can write and UTF-8 cannot."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _arguments(value: object) -> dict[str, Any]:
    """A string of JSON, or an object; nothing at all is no arguments. Raises BadEnvelope."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    if isinstance(value, str):
        return object_of(value)
    if not isinstance(value, dict):
        raise BadEnvelope("arguments must be a JSON object")
    return value


def _object(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}
