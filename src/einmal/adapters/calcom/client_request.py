"""What a client of Cal.com's API asks for, read from its own request; and Cal.com's own words for answers.

Only what the guard needs is understood: when, what, and for whom. The rest of the body travels as it came, with one
thing added: the operation id, in the metadata, by which its booking is known.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from einmal.adapters.calcom.wire import Unreadable, booking_of, json_object
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
        metadata = {**(self.body.get("metadata") or {}), MetadataKey.OPERATION_ID.value: operation_id}
        return json.dumps({**self.body, "metadata": metadata}, ensure_ascii=False, separators=(",", ":")).encode()


_SLUGS: Final = ("eventTypeSlug", "username", "organizationSlug")
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
    if not isinstance(data.get("metadata"), dict | None):
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
        data = json.loads(body or b"{}", parse_constant=_no_number)
        # Written once before anything is promised: what cannot be sent on must not be found out after that.
        text = json.dumps(data, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError):
        raise NotUnderstood("the body must be JSON in UTF-8") from None
    if _NUL.search(text):
        raise NotUnderstood("no text may hold the character U+0000: Cal.com fails over it each time")
    if not isinstance(data, dict):
        raise NotUnderstood("the body must be a JSON object")
    return data


_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _no_number(name: str) -> float:
    raise ValueError(name)


def read_start(data: Mapping[str, Any]) -> datetime:
    """The start that is asked for. Raises NotUnderstood."""
    return _start(data.get("start"))


_OF_A_PART: Final = ("seatUid", "cancelSubsequentBookings", "allRemainingBookings")


def is_of_a_part(data: Mapping[str, Any]) -> bool:
    """Whether a change is of one seat, or of more than this booking: no read of the booking shows that it is done."""
    return any(data.get(name) not in (None, False) for name in _OF_A_PART)


def is_a_seat(body: bytes) -> bool:
    """Whether Cal.com's answer to a booking is a seat of its own in a booking that others share."""
    try:
        return isinstance(json_object(body)["data"]["seatUid"], str)
    except (Unreadable, KeyError, TypeError):
        return False


def stands(body: bytes, start: datetime) -> bool:
    """Whether Cal.com tells of a booking that is live, at that start."""
    try:
        booking = booking_of(json_object(body).get("data"))
    except Unreadable:
        return False
    return booking.status.live and booking.start == start


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
    if not _YEARS[0] <= at.year <= _YEARS[1]:
        raise NotUnderstood(f"start must lie between the years {_YEARS[0]} and {_YEARS[1]}")
    # Cal.com takes one without an offset for UTC, and cuts off what is below a second.
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).replace(microsecond=0)


_YEARS: Final = (1970, 2200)
"""Beyond them lies no booking, and at the ends of time there are no time zones."""

_ID_MAX: Final = 2**31 - 1
"""What Cal.com's own database can hold."""


def _event_type(data: Mapping[str, Any]) -> int | None:
    value = data.get("eventTypeId")
    if value is None and isinstance(data.get("eventTypeSlug"), str):
        if data.get("teamSlug") is not None:
            # Which of a team's event types that is Cal.com tells nobody by the team's slug.
            raise NotUnderstood("a team's event type must be named by its eventTypeId for a booking to be guarded")
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise NotUnderstood("eventTypeId must be a whole number, or eventTypeSlug with username be given")
    if not 0 < value <= _ID_MAX:
        raise NotUnderstood(f"eventTypeId must be from 1 to {_ID_MAX}")
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
