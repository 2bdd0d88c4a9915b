"""Tool definitions to paste into an ElevenLabs agent: webhook tools, as its API takes them.

The field names are the vendor's own (`ToolRequestModel` of its SDK, which a test holds them against).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from einmal.adapters.elevenlabs.envelope import FILLED_IN

PATH: Final = "/api/elevenlabs"

HEADER: Final = "X-Einmal-Secret"

SECRET: Final = "put-the-id-of-your-workspace-secret-here"  # noqa: S105 - where it is kept, not what it is
"""The secret itself stands in no definition, which is copied and shown: ElevenLabs keeps it under this id."""


def tool_definition(
    base_url: str, name: str, description: str, fields: Mapping[str, Any], required: Sequence[str], timeout_ms: int
) -> dict[str, Any]:
    """One tool. What the platform fills in is not required: a conversation on the web has no numbers."""
    filled_in = {field: {"type": "string", "dynamic_variable": variable} for field, variable in FILLED_IN.items()}
    return {
        "type": "webhook",
        "name": name,
        "description": description,
        "response_timeout_secs": timeout_ms // 1000,
        "api_schema": {
            "url": f"{base_url.rstrip('/')}{PATH}/{name.replace('_', '-')}",
            "method": "POST",
            "content_type": "application/json",
            "request_headers": {HEADER: {"secret_id": SECRET}},
            "request_body_schema": {
                "type": "object",
                "description": "",  # the tool's own says it all
                "properties": {**fields, **filled_in},
                "required": list(required),
            },
        },
    }
