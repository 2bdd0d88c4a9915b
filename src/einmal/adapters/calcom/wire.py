"""Cal.com's JSON: what we ask, and how what comes back is read. Every field is checked before it is believed.

Shapes as recorded from Cal.com's own server (API version 2024-08-13). Unknown fields are ignored, missing
or odd ones make the whole booking unreadable, except where nothing hangs on them (`createdAt`, `end`).
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from einmal.domain.intent import Intent
from einmal.domain.model import Booking, BookingStatus, MetadataKey

UID_MAX: Final = 255
TEXT_MAX: Final = 120
NAME_MAX: Final = 60
NAME_WORDS_MAX: Final = 7
_IN_NAMES: Final = frozenset(" .,'’-–&/()+")
METADATA_VALUE_MAX: Final = 500
"""In UTF-16 units, as Cal.com counts; ours are ASCII ids."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Unreadable(Exception):
    """This is not a booking as Cal.com sends one. `args[0]` is a short word of ours."""


def booking_body(intent: Intent, time_zone: str, language: str) -> bytes:
    """The body of `POST /v2/bookings`. Metadata values are strings: Cal.com refuses anything else."""
    wish = intent.wish
    attendee = {
        "name": wish.person.name,
        "email": intent.attendee_email,
        "timeZone": time_zone,
        "language": language,
    }
    if wish.person.phone is not None:
        # Always in one form: Cal.com compares phones letter by letter.
        attendee["phoneNumber"] = wish.person.phone
    metadata = {MetadataKey.OPERATION_ID.value: intent.operation_id}
    if wish.conversation_id is not None:
        metadata[MetadataKey.CALL_ID.value] = wish.conversation_id[:METADATA_VALUE_MAX]
    body = {
        "start": wish.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventTypeId": wish.service.event_type_id,
        "attendee": attendee,
        "metadata": metadata,
    }
    return _ENCODER.encode(body).encode()


def json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object. Raises Unreadable."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("not_json") from None
    if not isinstance(data, dict):
        raise Unreadable("no_object")
    return data


def booking_of(data: object) -> Booking:
    """A booking of an answer's `data`. Raises Unreadable."""
    if not isinstance(data, Mapping):
        raise Unreadable("no_booking")
    uid = uid_or_none(data.get("uid"))
    if uid is None:
        raise Unreadable("uid")
    event_type = data.get("eventTypeId")
    if event_type is None and isinstance(data.get("eventType"), Mapping):
        event_type = data["eventType"].get("id")
    if not isinstance(event_type, int) or isinstance(event_type, bool):
        raise Unreadable("event_type")
    try:
        status = BookingStatus(str(data.get("status")).lower())
    except ValueError:
        raise Unreadable("status") from None
    attendees = [a for a in _list(data.get("attendees")) if isinstance(a, Mapping)]
    hosts = [h for h in _list(data.get("hosts")) if isinstance(h, Mapping)]
    return Booking(
        uid=uid,
        status=status,
        start=_instant(data.get("start"), "start"),
        end=_instant_or_none(data.get("end")),
        event_type_id=event_type,
        created_at=_instant_or_none(data.get("createdAt")),
        metadata=_metadata(data.get("metadata")),
        attendee_emails=tuple(a["email"] for a in attendees if isinstance(a.get("email"), str)),
        attendee_name=_text(attendees[0].get("name")) if attendees else None,
        host_name=_spoken_name(hosts[0].get("name")) if hosts else None,
        updated_at=_instant_or_none(data.get("updatedAt")),
        moved_from=uid_or_none(data.get("rescheduledFromUid")),
        moved_to=uid_or_none(data.get("rescheduledToUid")),
    )


def http_date(text: str | None) -> datetime | None:
    """The instant of a Date header, None where it is missing or odd."""
    if text is None:
        return None
    try:
        value = parsedate_to_datetime(text)
        return value.astimezone(UTC) if value.tzinfo is not None else value.replace(tzinfo=UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def uid_or_none(value: object) -> str | None:
    """A uid as Cal.com may send it, and as it can stand in a URL."""
    return value if isinstance(value, str) and 0 < len(value) <= UID_MAX and value.isprintable() else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    """Remote text that may be shown or spoken: one line, printable, short."""
    if not isinstance(value, str):
        return None
    return "".join(c if c.isprintable() else " " for c in value)[:TEXT_MAX].strip() or None


def _spoken_name(value: object) -> str | None:
    """A name that an agent is given, and may speak. What is longer than names are, or holds what none holds, could be
    an order to a model: then nobody is named."""
    text = _text(value)
    if text is None or len(text) > NAME_MAX or len(text.split()) > NAME_WORDS_MAX:
        return None
    return text if all(c.isalnum() or unicodedata.category(c)[0] == "M" or c in _IN_NAMES for c in text) else None


def _metadata(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {str(key): item for key, item in value.items() if isinstance(item, str) and item.isprintable()}


_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")


def _instant_or_none(value: object) -> datetime | None:
    try:
        return _instant(value, "")
    except Unreadable:
        return None


def _instant(value: object, name: str) -> datetime:
    if not isinstance(value, str) or _ISO.match(value) is None:
        raise Unreadable(name)
    try:
        parsed = datetime.fromisoformat(value)
        # Cal.com's API takes what has no zone as UTC; so do we.
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(name) from None
