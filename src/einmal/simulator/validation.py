"""From the JSON body of a request to what was asked for, or to the words Cal.com refuses it with.

Cal.com looks twice. First its API layer goes through the body property by property (`read_create`,
`read_cancel`); these complaints come before anything else. Later, when the event type is known, the booking
core goes over contact data and metadata again and answers with a shorter body (`schema_complaint`). The two
differ in what they let through, e.g. a number in the metadata passes the first and fails the second.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from einmal.simulator.records import Attendee

_METADATA_RULE = (
    "Metadata must have at most 50 keys, each key up to 40 characters, and string values up to 500 characters."
)
_EMAIL = re.compile(r"(?!\.)(?!.*\.\.)[\w'+.-]*[\w'+-]@(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}", re.ASCII)
_EMAIL_LENGTH_MAX = 254
_JSON_TYPE_NAMES = {bool: "boolean", int: "number", float: "number"}

# Cal.com files the link of its own video rooms under this key, so a caller's value never comes back.
_RESERVED_METADATA_KEY = "videoCallUrl"

_CREATE_FIELDS = frozenset(
    [
        "start",
        "lengthInMinutes",
        "eventTypeId",
        "eventTypeSlug",
        "username",
        "teamSlug",
        "organizationSlug",
        "attendee",
        "guests",
        "meetingUrl",
        "location",
        "metadata",
        "bookingFieldsResponses",
        "emailVerificationCode",
    ]
)
_ATTENDEE_FIELDS = frozenset({"name", "email", "timeZone", "phoneNumber", "language"})
_RESCHEDULE_FIELDS = frozenset({"start", "rescheduledBy", "reschedulingReason", "emailVerificationCode"})
_CANCEL_FIELDS = frozenset({"cancellationReason", "cancelSubsequentBookings", "seatUid"})

NOT_SIMULATED_FIELDS = frozenset({"recurrenceCount", "routing"})


@dataclass(frozen=True)
class Malformed:
    """The body cannot be read; `message` is Cal.com's."""

    message: str


@dataclass(frozen=True)
class RescheduleBody:
    """A body of POST …/reschedule."""

    start: datetime
    reason: str
    by_email: str | None


@dataclass(frozen=True)
class CreateBody:
    """A body of POST /v2/bookings that passed the first look."""

    start: datetime
    event_type_id: int | None
    event_type_slug: str | None
    username: str | None
    attendee: Attendee  # its e-mail may still be empty or malformed
    guests: tuple[str, ...] = ()
    raw_metadata: Mapping[str, object] = field(default_factory=dict)
    custom_responses: Mapping[str, object] = field(default_factory=dict)
    location: object = None
    length_minutes: int | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """What will be stored, in the order of PostgreSQL's jsonb: shorter keys first."""
        kept = {
            key: value
            for key, value in self.raw_metadata.items()
            if isinstance(value, str) and key != _RESERVED_METADATA_KEY
        }
        return dict(sorted(kept.items(), key=lambda item: _jsonb_order(item[0])))


@dataclass(frozen=True)
class Complaint:
    """What is wrong with one property, or with properties inside it."""

    property: str
    reasons: tuple[str, ...] = ()
    inside: tuple["Complaint", ...] = ()

    def __str__(self) -> str:
        """Cal.com's own wording, with its odd spaces."""
        return f"{self.property} property is wrong,{', '.join(self.reasons)} {_joined(self.inside)}"


def read_instant(text: object) -> datetime | None:
    """An ISO 8601 moment in UTC; without a zone it counts as UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1 < moment.year < 9998 else None  # leaves room for a day of arithmetic on either side


@lru_cache(maxsize=256)
def is_time_zone(name: str) -> bool:
    """Whether this is an IANA time zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def read_create(body: Mapping[str, object]) -> CreateBody | Malformed:
    """The first look at POST /v2/bookings."""
    complaints = _unknown(body, _CREATE_FIELDS)
    start = read_instant(body.get("start"))
    if start is None:
        complaints.append(Complaint("start", ("start must be a valid ISO 8601 date string",)))
    complaints += [
        Complaint(name, (f"{name} must be an integer number",))
        for name in ("eventTypeId", "lengthInMinutes")
        if body.get(name) is not None and not _is_integer(body[name])
    ]
    attendee = body.get("attendee")
    if not isinstance(attendee, dict):
        complaints.append(Complaint("attendee", ("attendee should not be null or undefined",)))
    elif inside := _attendee_complaints(attendee):
        complaints.append(Complaint("attendee", (), inside))
    if reasons := _guests_reasons(body.get("guests")):
        complaints.append(Complaint("guests", reasons))
    if reasons := _metadata_reasons(body.get("metadata")):
        complaints.append(Complaint("metadata", reasons))
    if not isinstance(body.get("bookingFieldsResponses") or {}, dict):
        complaints.append(Complaint("bookingFieldsResponses", ("bookingFieldsResponses must be an object",)))
    if complaints or start is None or not isinstance(attendee, dict):
        return Malformed(_joined(complaints))
    return _to_create_body(body, start, attendee)


def read_cancel(body: Mapping[str, object]) -> str | Malformed:
    """The first look at a cancellation: its reason."""
    complaints = _unknown(body, _CANCEL_FIELDS)
    reason = body.get("cancellationReason")
    if not isinstance(reason, str | None):
        complaints.append(Complaint("cancellationReason", ("cancellationReason must be a string",)))
    if complaints or not isinstance(reason, str | None):
        return Malformed(_joined(complaints))
    return reason or ""


def read_reschedule(body: Mapping[str, object]) -> "RescheduleBody | Malformed":
    """The first look at a rescheduling. There is no way to name another attendee or other metadata."""
    complaints = _unknown(body, _RESCHEDULE_FIELDS)
    start = read_instant(body.get("start"))
    if start is None:
        complaints.append(Complaint("start", ("start must be a valid ISO 8601 date string",)))
    complaints += _not_texts(body, "rescheduledBy", "reschedulingReason")
    if complaints or start is None:
        return Malformed(_joined(complaints))
    return RescheduleBody(start, _text(body.get("reschedulingReason")), _text(body.get("rescheduledBy")) or None)


def read_decline(body: Mapping[str, object]) -> Malformed | None:
    """What is wrong with a refusal by the host; its reason is shown by the webhook only, so it is not read here."""
    complaints = _unknown(body, frozenset({"reason"})) + _not_texts(body, "reason")
    return Malformed(_joined(complaints)) if complaints else None


def schema_complaint(wanted: CreateBody, *, wants_email: bool = True) -> str | None:
    """The second look, by the booking core; several complaints run into one text."""
    found = [
        f"metadata.{key} - Expected string, received {_JSON_TYPE_NAMES[type(value)]}"
        for key, value in wanted.raw_metadata.items()
        if type(value) in _JSON_TYPE_NAMES
    ]
    if wants_email and not wanted.attendee.email:
        found.append("responses - {email}error_required_field")
    elif wants_email and not _is_email(wanted.attendee.email):
        found.append("responses - {email}email_validation_error")
    if not all(_is_email(guest) for guest in wanted.guests):
        found.append("responses - {guests}email_validation_error")
    return "".join(f"{text}, " for text in found) or None


def _to_create_body(body: Mapping[str, object], start: datetime, attendee: Mapping[str, object]) -> CreateBody:
    """Nothing here can fail: every type was looked at."""
    length, guests, metadata = body.get("lengthInMinutes"), body.get("guests"), body.get("metadata")
    responses, event_type_id = body.get("bookingFieldsResponses"), body.get("eventTypeId")
    return CreateBody(
        start=start,
        event_type_id=event_type_id if isinstance(event_type_id, int) else None,
        event_type_slug=_text(body.get("eventTypeSlug")) or None,
        username=_text(body.get("username")) or None,
        attendee=Attendee(
            name=_text(attendee.get("name")),
            email=_text(attendee.get("email")),
            phone=_text(attendee.get("phoneNumber")) or None,
            time_zone=_text(attendee.get("timeZone")),
            language=_text(attendee.get("language")) or "en",
        ),
        guests=tuple(guests) if isinstance(guests, list) else (),
        raw_metadata=metadata if isinstance(metadata, dict) else {},
        custom_responses=responses if isinstance(responses, dict) else {},
        location=body.get("location") if body.get("location") is not None else body.get("meetingUrl"),
        length_minutes=length if isinstance(length, int) else None,
    )


def _unknown(body: Mapping[str, object], known: frozenset[str]) -> list[Complaint]:
    return [Complaint(name, (f"property {name} should not exist",)) for name in body if name not in known]


def _not_texts(body: Mapping[str, object], *names: str) -> list[Complaint]:
    return [Complaint(n, (f"{n} must be a string",)) for n in names if not isinstance(body.get(n), str | None)]


def _attendee_complaints(attendee: Mapping[str, object]) -> tuple[Complaint, ...]:
    complaints = _unknown(attendee, _ATTENDEE_FIELDS)
    email, phone = attendee.get("email"), attendee.get("phoneNumber")
    if not isinstance(attendee.get("name"), str):
        complaints.append(Complaint("name", ("name must be a string",)))
    zone = attendee.get("timeZone")
    if not isinstance(zone, str) or not is_time_zone(zone):
        complaints.append(Complaint("timeZone", ("timeZone must be a valid IANA time-zone",)))
    for name in ("email", "phoneNumber", "language"):
        if not isinstance(attendee.get(name), str | None):
            complaints.append(Complaint(name, (f"{name} must be a string",)))
    if not email and not phone:
        reason = "Attendee must have at least one contact method (email or phone number)"
        complaints.append(Complaint("attendee email or phone", (reason,)))
    return tuple(complaints)


def _guests_reasons(guests: object) -> tuple[str, ...]:
    if guests is None:
        return ()
    if not isinstance(guests, list):
        return ("each value in guests must be a string", "guests must be an array")
    if not all(isinstance(guest, str) for guest in guests):
        return ("each value in guests must be a string",)
    return ()


def _metadata_reasons(metadata: object) -> tuple[str, ...]:
    """Lengths count UTF-16 units, as JavaScript does: an emoji is two."""
    if metadata is None:
        return ()
    if isinstance(metadata, dict):
        fits = len(metadata) <= 50 and all(
            _utf16_length(key) <= 40 and _fits_as_value(value) for key, value in metadata.items()
        )
        return () if fits else (_METADATA_RULE,)
    if isinstance(metadata, list) and len(metadata) <= 50 and all(_fits_as_value(v) for v in metadata):
        return ("metadata must be an object",)  # to JavaScript a list is an object with the keys 0, 1, 2
    return (_METADATA_RULE, "metadata must be an object")


def _fits_as_value(value: object) -> bool:
    if isinstance(value, str):
        return _utf16_length(value) <= 500
    return type(value) in _JSON_TYPE_NAMES  # numbers and booleans fail only at the second look


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _jsonb_order(key: str) -> tuple[int, bytes]:
    encoded = key.encode("utf-8", "surrogatepass")
    return len(encoded), encoded


def _is_email(text: str) -> bool:
    return len(text) <= _EMAIL_LENGTH_MAX and _EMAIL.fullmatch(text) is not None


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _joined(complaints: list[Complaint] | tuple[Complaint, ...]) -> str:
    return ", ".join(str(complaint) for complaint in complaints)
