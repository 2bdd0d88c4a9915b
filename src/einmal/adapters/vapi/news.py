"""What Vapi tells of a call's end: `status-update` with the status ended, and `end-of-call-report` a little later.

Either may be lost or come twice; each ends the call by itself. Of the rest of both nothing is read: they hold the
transcript.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from einmal.adapters.strict_json import BadEnvelope
from einmal.adapters.vapi.envelope import Line
from einmal.ports import CallContact, CallNews

REPORT: Final = "end-of-call-report"
STATUS: Final = "status-update"
PLATFORM: Final = "vapi"


def news_of(kind: str, message: Mapping[str, Any], line: Line, now: datetime) -> CallNews | None:
    """The end of a call; None for a message that tells of none. Raises BadEnvelope where the call has no id."""
    if kind != REPORT and not (kind == STATUS and message.get("status") == "ended"):
        return None
    if line.call_id is None:
        raise BadEnvelope("message.call.id must be the call's id")
    return CallNews(
        CallContact(PLATFORM, line.call_id, line.assistant_id),
        line.direction,
        started_at=_instant(message.get("startedAt")),
        ended_at=_instant(message.get("endedAt")) or _of_milliseconds(message.get("timestamp")) or now,
        disconnection_reason=_reason(message.get("endedReason")),
        analyzed_at=now if kind == REPORT else None,
    )


_BEYOND_MS: Final = 4_102_444_800_000
"""The year 2100: no call is there."""


def _of_milliseconds(value: object) -> datetime | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < _BEYOND_MS:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)


_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: object) -> datetime | None:
    """ISO 8601 with its zone. What cannot be that was not told."""
    if not isinstance(value, str) or _INSTANT.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


REASON_MAX: Final = 160

_REASON: Final = re.compile(r"[a-z][a-z0-9]*(?:[-._][a-z0-9]+)*", re.IGNORECASE | re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{5}")


def _reason(value: object) -> str | None:
    """One of the platform's words. New ones come by themselves; a sentence or a number looks like none of them."""
    if not isinstance(value, str) or len(value) > REASON_MAX or _REASON.fullmatch(value) is None:
        return None
    return None if _NUMBER.search(value) else value
