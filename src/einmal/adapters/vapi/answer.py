"""What Vapi is answered: a result for each call of a tool, each one line of text, because a line break in it breaks it.

The line is read by the model and by nobody else. It is our answer as compact JSON, less what says the same twice:
the sentence to speak, the status that its tool's description explains, the names of what was booked or offered. Times
as such are left out: a model that is shown one composes others from it, and the offer's `slot` is what it hands back.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from einmal.adapters.vapi.envelope import ToolCall

_LEFT_OUT: Final = frozenset({"success", "bestaetigung_status", "readings", "error_id"})
_OF_AN_ALTERNATIVE: Final = ("slot", "message")
_OF_A_BOOKING: Final = ("ref", "service", "staff")


def result(call: ToolCall, answer: Mapping[str, Any]) -> dict[str, str]:
    """The result of a call that was served."""
    return {"toolCallId": call.tool_call_id, "name": call.name, "result": one_line(answer)}


def failure(call: ToolCall, wrong: str) -> dict[str, str]:
    """The result of a call that could not be read. `wrong` says why, in one line."""
    return {"toolCallId": call.tool_call_id, "name": call.name, "error": wrong}


def answer_body(results: Sequence[Mapping[str, str]]) -> bytes:
    return _encoded({"results": list(results)}).encode()


def one_line(answer: Mapping[str, Any]) -> str:
    """What the model needs of our answer, without any line break."""
    told = {key: value for key, value in answer.items() if key not in _LEFT_OUT}
    if "booking" in told:
        told["booking"] = _some(told["booking"], _OF_A_BOOKING)
    if "alternatives" in told:
        told["alternatives"] = [_some(one, _OF_AN_ALTERNATIVE) for one in told["alternatives"]]
    # JSON escapes \n and \r; what else breaks a line is none of its business.
    return " ".join(_encoded(told).splitlines())


def _some(data: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: data[key] for key in keys if key in data}


def _encoded(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
