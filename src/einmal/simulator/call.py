"""One request, taken apart: what every route needs to know about it.

The JSON is read as Cal.com's web framework reads it, including its words for what is not JSON.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from einmal.simulator.records import EventType

# V8 quotes a short text whole, and of a longer one the neighbourhood of the mistake.
_QUOTED_WHOLE_BELOW = 21
_QUOTED_AROUND = 10


@dataclass(frozen=True)
class Call:
    """A request whose body was JSON, or that had none."""

    method: str
    target: str
    query: Mapping[str, str]
    version: str | None
    body: Mapping[str, object]
    has_key: bool
    now: datetime
    # Whose key it is. A key that is nobody's in particular is everybody's: it owns every event type.
    account: str | None = None

    def owns(self, event_type: EventType) -> bool:
        """Whether the caller is a host of this event type."""
        return self.has_key and (self.account is None or event_type.is_owned_by(self.account))


@dataclass(frozen=True)
class JsonProblem:
    """Why the body is not JSON."""

    message: str


def read_json(headers: Mapping[str, str], body: bytes) -> Mapping[str, object] | JsonProblem:
    """The JSON object in the body; no body, another content type or a list count as an empty object."""
    if not body or "json" not in headers.get("content-type", "json"):
        return {}
    text = body.decode("utf-8", "replace")
    beginning = len(text) - len(text.lstrip(" \t\r\n"))
    if text[beginning : beginning + 1] not in {"{", "["}:
        return JsonProblem(_not_json(text, beginning))  # a bare string or number is JSON, but not welcome
    try:
        read = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as problem:
        return JsonProblem(_not_json(text, problem.pos))
    except (ValueError, RecursionError):
        return JsonProblem(_not_json(text, len(text)))
    return read if isinstance(read, dict) else {}


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is JSON to Python only")


def _not_json(text: str, position: int) -> str:
    """The complaint in V8's words, recorded for a wrong beginning and the nearest equal for the rest."""
    if position >= len(text):
        return "Unexpected end of JSON input"
    token = text[position]
    if len(text) < _QUOTED_WHOLE_BELOW:
        return f"Unexpected token '{token}', \"{text}\" is not valid JSON"
    first, last = max(0, position - _QUOTED_AROUND), min(len(text), position + _QUOTED_AROUND)
    before, after = "..." if first else "", "..." if last < len(text) else ""
    quoted = re.sub(r"[\ud800-\udfff]", "\ufffd", text[first:last])
    return f"Unexpected token '{token}', {before}\"{quoted}\"{after} is not valid JSON"
