"""Post-call webhooks: `{type, event_timestamp, data}`, read only for the end of a conversation.

The rest is the transcript and the recording, and none of it is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from einmal.adapters.strict_json import BadEnvelope, json_object, text_or_none, vouched_id
from einmal.ports import CallContact, CallNews

PLATFORM: Final = "elevenlabs"
TRANSCRIPTION: Final = "post_call_transcription"
AUDIO: Final = "post_call_audio"


@dataclass(frozen=True, slots=True)
class Ended:
    """`house_number` helps to tell whose conversation it was."""

    event: str
    news: CallNews
    house_number: str | None


def read_webhook(body: bytes, now: datetime) -> Ended | None:
    """The end of a conversation; None for a webhook that tells of none. Raises BadEnvelope."""
    data = json_object(body)
    event = data.get("type")
    if not isinstance(event, str):
        raise BadEnvelope("type must be the name of an event, such as post_call_transcription")
    if event not in {TRANSCRIPTION, AUDIO}:
        return None
    told = _object(data, "data")
    conversation_id = vouched_id(told.get("conversation_id"))
    if conversation_id is None:
        raise BadEnvelope("data.conversation_id must be the conversation's id")
    metadata = _object(told, "metadata")
    phone_call = _object(metadata, "phone_call")
    direction = phone_call.get("direction")
    began, lasted = _number(metadata.get("start_time_unix_secs")), _number(metadata.get("call_duration_secs"))
    ended = began + lasted if began and lasted is not None else _number(data.get("event_timestamp"))
    news = CallNews(
        CallContact(PLATFORM, conversation_id, vouched_id(told.get("agent_id"))),
        direction if direction in ("inbound", "outbound") else None,
        started_at=_instant(began),
        # Why it ended is a sentence there, which may hold anything.
        ended_at=_instant(ended) or now,
        analyzed_at=now if event == TRANSCRIPTION else None,
    )
    return Ended(event, news, text_or_none(phone_call.get("agent_number")))


_BEYOND: Final = 4_102_444_800
"""The year 2100, in seconds: no call is there."""


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < _BEYOND:
        return None
    return float(value)


def _instant(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds and seconds < _BEYOND else None


def _object(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}
