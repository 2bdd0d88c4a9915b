"""Tool definitions to paste into a Vapi assistant: functions with their server, as its API takes them.

The field names are Vapi's own (`CreateFunctionToolDto` of its SDK, which a test holds them against).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

PATH: Final = "/api/vapi/tool-calls"

CREDENTIAL: Final = "put-the-id-of-your-custom-credential-here"
"""The secret itself stands in no definition, which is copied and shown: Vapi keeps it under this id."""

TIMEOUT_SECONDS: Final = 20
"""Vapi's own default, and longer than we take for all calls of one request."""


def tool_definition(
    base_url: str, name: str, description: str, fields: Mapping[str, Any], required: Sequence[str], moment: str | None
) -> dict[str, Any]:
    """One tool. `moment` is said while it works; None where it is silent, or Vapi would fill in words of its own."""
    return {
        "type": "function",
        "async": False,
        "function": {
            "name": name,
            "description": description,
            "parameters": {"type": "object", "properties": dict(fields), "required": list(required)},
        },
        "server": {"url": base_url.rstrip("/") + PATH, "timeoutSeconds": TIMEOUT_SECONDS, "credentialId": CREDENTIAL},
        "messages": [] if moment is None else [{"type": "request-start", "content": moment, "blocking": False}],
    }
