"""Tool definitions to paste into a Retell agent: names, time-outs, the call's id in a header, honest descriptions.

The field names are Retell's own (`GeneralToolCustomTool` of its SDK, which a test holds them against). Descriptions
are for the model. They keep it from the three things that made duplicates and false promises in the field: composing
dates itself, calling again while an answer is in doubt, and saying "booked" before it is told so.
"""

from typing import Any, Final

from einmal.adapters.functions.described import MOMENT, description_of, fields_of
from einmal.adapters.functions.toolbox import BOOKING_MS, TOOLS, Tool
from einmal.speech.said import Language

FUNCTION_CALL_PATH: Final = "/api/retell/function-call"

HEADERS: Final = {"X-Call-Id": "{{call_id}}"}
"""Filled in by Retell itself. What the model writes into `args.call_id` is no identity."""

RETRIES: Final = 2
"""A repeat is harmless here: it joins the running attempt or hears the stored answer."""


def tool_definitions(base_url: str, language: Language, services: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """One custom tool for each function that is served. `services`: the names to choose from, where they are known."""
    return [_definition(tool, base_url.rstrip("/"), language, services) for tool in TOOLS]


def _definition(tool: Tool, base_url: str, language: Language, services: tuple[str, ...]) -> dict[str, Any]:
    books = tool.timeout_ms == BOOKING_MS
    return {
        "type": "custom",
        "name": tool.name,
        "description": description_of(tool, language),
        "url": base_url + FUNCTION_CALL_PATH,
        "method": "POST",
        "headers": dict(HEADERS),
        "args_at_root": False,
        "parameter_type": "json",
        "parameters": {
            "type": "object",
            "properties": fields_of(tool, language, services),
            "required": list(tool.required),
        },
        "timeout_ms": tool.timeout_ms,
        "max_retry": RETRIES,
        # Silence while a calendar thinks loses callers.
        "speak_during_execution": books,
        "speak_after_execution": True,
    } | ({"execution_message_type": "static_text", "execution_message_description": MOMENT[language]} if books else {})
