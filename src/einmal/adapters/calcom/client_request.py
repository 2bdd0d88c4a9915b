"""What a client of Cal.com's API asks for, read from its own request; and Cal.com's own words for answers.

Only what the guard needs is understood: when, what, and for whom. The rest of the body travels as it came, with one
thing added: the operation id, in the metadata, by which its booking is known.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from einmal.domain.model import MetadataKey

GUARDED_VERSIONS: Final = ("2024-08-13", "2026-02-25")
"""Of `cal-api-version`. Without that header Cal.com takes the oldest, whose bookings have another shape."""

TAKEN: Final = "User either already has booking at this time or is not available"
"""Cal.com's sentence for a slot that is somebody's."""


class NotUnderstood(Exception):
    """Why it cannot be guarded, in a sentence that says what is allowed. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One booking, as its client asked for it. The event type is named by its id, or by slug and owner.

    `minutes` is None where the event type's own length holds. `body` is all of it.
    """

    start: datetime
    event_type_id: int | None
    slug: Mapping[str, str]
    name: str
    email: str | None
    phone: str | None
    minutes: int | None
    body: Mapping[str, Any]

    def marked(self, operation_id: str) -> bytes:
        """The body as it goes to Cal.com: the client's own, and the operation id."""
        metadata = {**self.body.get("metadata", {}), MetadataKey.OPERATION_ID.value: operation_id}
        return json.dumps({**self.body, "metadata": metadata}, ensure_ascii=False, separators=(",", ":")).encode()


_SLUGS: Final = ("eventTypeSlug", "username", "teamSlug", "organizationSlug")
_SEVERAL: Final = ("recurrenceCount", "instant")


def read_booking(body: bytes, version: str | None) -> Asked:
    """The booking that is asked for. Raises NotUnderstood."""
    if version not in GUARDED_VERSIONS:
        allowed = " or ".join(GUARDED_VERSIONS)
        raise NotUnderstood(f"cal-api-version must be {allowed} for a booking to be guarded")
    data = read_object(body)
    several = next((name for name in _SEVERAL if name in data), None)
    if several is not None:
        raise NotUnderstood(f"{several} is not guarded: one request, one booking; ask for each by itself")
    attendee = data.get("attendee")
    if not isinstance(attendee, dict):
        raise NotUnderstood("attendee must be an object with name, timeZone, and email or phoneNumber")
    email, phone = _text(attendee, "attendee.email", "email"), _text(attendee, "attendee.phoneNumber", "phoneNumber")
    if email is None and phone is None:
        raise NotUnderstood("attendee must have an email or a phoneNumber")
    if not isinstance(data.get("metadata", {}), dict):
        raise NotUnderstood("metadata must be an object")
    return Asked(
        start=_start(data.get("start")),
        event_type_id=_event_type(data),
        slug={name: value for name in _SLUGS if (value := _text(data, name, name)) is not None},
        name=_text(attendee, "attendee.name", "name") or "",
        email=email,
        phone=phone,
        minutes=_minutes(data.get("lengthInMinutes")),
        body=data,
    )


def read_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object. Raises NotUnderstood."""
    try:
        data = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise NotUnderstood("the body must be JSON") from None
    if not isinstance(data, dict):
        raise NotUnderstood("the body must be a JSON object")
    return data


def read_start(data: Mapping[str, Any]) -> datetime:
    """The start that is asked for. Raises NotUnderstood."""
    return _start(data.get("start"))


def reason_of(data: Mapping[str, Any]) -> str | None:
    """Why it is cancelled or moved, in the client's words."""
    given = data.get("cancellationReason", data.get("reschedulingReason"))
    return given if isinstance(given, str) and given.strip() else None


def error_body(status: int, path: str, message: str, now: datetime, **more: Any) -> bytes:
    """An error as Cal.com's server tells one."""
    phrase = HTTPStatus(status).phrase
    code = f"{phrase.title().replace(' ', '')}Exception"
    details = {"message": message, "error": phrase, "statusCode": status, **more}
    at = now.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    error = {"code": code, "message": message, "details": details}
    content = {"status": "error", "timestamp": at, "path": path, "error": error}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _start(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None:
        raise NotUnderstood("start must be an ISO 8601 date and time, such as 2026-12-01T09:00:00Z")
    # Cal.com takes one without an offset for UTC, and cuts off what is below a second.
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).replace(microsecond=0)


def _event_type(data: Mapping[str, Any]) -> int | None:
    value = data.get("eventTypeId")
    if value is None and isinstance(data.get("eventTypeSlug"), str):
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise NotUnderstood("eventTypeId must be a whole number, or eventTypeSlug with username or teamSlug be given")
    return value


def _minutes(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 24 * 60:
        raise NotUnderstood("lengthInMinutes must be a whole number of minutes")
    return value


def _text(data: Mapping[str, Any], called: str, name: str) -> str | None:
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise NotUnderstood(f"{called} must be text")
    return value.strip() or None if value is not None else None
