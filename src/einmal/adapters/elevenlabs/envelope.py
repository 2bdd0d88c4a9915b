"""What a tool of ours makes ElevenLabs send: the function's fields, who calls, and in which conversation.

The body is ours to define. Four fields of it are filled in by the platform (`system__…` variables, which the model can
neither read nor write); the rest is the model's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from einmal.adapters.strict_json import json_object, text_or_none, vouched_id

FILLED_IN: Final = {
    "conversation_id": "system__conversation_id",
    "agent_id": "system__agent_id",
    "caller_id": "system__caller_id",
    "called_number": "system__called_number",
}
"""Our fields, and the platform's variables that they are bound to."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool. `args` are the model's fields alone."""

    args: Mapping[str, Any]
    conversation_id: str | None = None
    agent_id: str | None = None
    caller_number: str | None = None
    house_number: str | None = None


def read_tool_call(body: bytes) -> ToolCall:
    """Raises BadEnvelope. A variable that nobody filled in was not told."""
    data = json_object(body)
    return ToolCall(
        args={key: value for key, value in data.items() if key not in FILLED_IN},
        conversation_id=vouched_id(data.get("conversation_id")),
        agent_id=vouched_id(data.get("agent_id")),
        caller_number=text_or_none(data.get("caller_id")),
        house_number=text_or_none(data.get("called_number")),
    )
