"""POST /v2/bookings as API version 2024-04-15 does it, which Cal.com falls back to without a word.

Whoever forgets the version header lands here: with a newer body in a 400, with an older one in a booking whose
answer is the database row itself. Only what was recorded is answered, which is an ordinary event type; the rest
of that version is a 501.
"""

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from einmal.simulator.calendar import (
    Attendee,
    Created,
    EventType,
    Refusal,
    Refused,
    Scheduling,
    SimulatedBooking,
    SimulatedCalendar,
)
from einmal.simulator.call import Call
from einmal.simulator.rendering import Answer, booking_title, refused, refused_with, success, utc_text
from einmal.simulator.validation import is_time_zone, read_instant

_QUOTED = ("start", "eventTypeId", "timeZone", "language", "metadata", "responses")


class OldVersionCalls:
    """The one route of the old version that is known."""

    def __init__(self, calendar: SimulatedCalendar) -> None:
        """It works on this calendar."""
        self._calendar = calendar

    def create(self, call: Call) -> Answer:
        """POST /v2/bookings: a newer body lacks what this version needs."""
        missing = (
            ("timeZone", {"isTimeZone": "timeZone must be a valid IANA time-zone"}),
            ("language", {"isString": "language must be a string"}),
        )
        target = {name: call.body[name] for name in _QUOTED if name in call.body}
        errors = [
            {"target": target, "property": name, "children": [], "constraints": constraints}
            for name, constraints in missing
            if name not in call.body
        ]
        if errors:
            return refused(400, "Bad Request Exception", call.target, call.now, details={"errors": errors})
        wanted = self._wanted(call)
        if wanted is None:
            return not_known(call)
        event_type, start, attendee = wanted
        match self._calendar.create(event_type.id, start, attendee):
            case Created(booking):
                return success(201, _row_data(booking))
            case Refused(Refusal.NO_FREE_HOST):
                code = "no_available_users_found_error"
                error = {"code": "HttpException", "message": code, "details": code}
                return refused_with(400, error, call.target, call.now)
            case _:
                return not_known(call)

    def _wanted(self, call: Call) -> tuple[EventType, datetime, Attendee] | None:
        """What is to be booked, if it is something of the kind that was recorded."""
        body = call.body
        number, responses, zone, language = (body.get(n) for n in ("eventTypeId", "responses", "timeZone", "language"))
        event_type = self._calendar.event_type(number) if isinstance(number, int) else None
        start = read_instant(body.get("start"))
        if event_type is None or start is None or not _is_ordinary(event_type):
            return None
        if set(body) - set(_QUOTED) or body.get("metadata") or not isinstance(responses, dict):
            return None
        name, email = responses.get("name"), responses.get("email")
        if set(responses) != {"name", "email"} or not isinstance(name, str) or not isinstance(email, str):
            return None
        if not isinstance(zone, str) or not is_time_zone(zone) or not isinstance(language, str):
            return None
        return event_type, start, Attendee(name, email, None, zone, language)


def not_known(call: Call) -> Answer:
    """Whatever else that version can do."""
    return refused(501, "This simulator does not know this of API version 2024-04-15.", call.target, call.now)


def _is_ordinary(event_type: EventType) -> bool:
    return (
        event_type.scheduling is Scheduling.INDIVIDUAL
        and not event_type.requires_confirmation
        and not event_type.asks_for_phone
        and event_type.seats is None
        and event_type.bookings_per_booker is None
    )


def _row_data(booking: SimulatedBooking) -> dict[str, object]:
    host, attendee = booking.host, booking.attendee
    return {
        "id": booking.id,
        "uid": booking.uid,
        "idempotencyKey": _unique_key(booking),
        "userId": host.id,
        "userPrimaryEmail": host.email,
        "eventTypeId": booking.event_type.id,
        "title": booking_title(booking),
        "description": "",
        "customInputs": {},
        "responses": {"name": attendee.name, "email": attendee.email},
        "startTime": utc_text(booking.start),
        "endTime": utc_text(booking.end),
        "location": booking.location,
        "createdAt": utc_text(booking.created_at),
        "updatedAt": utc_text(booking.updated_at),
        "status": booking.status.value.upper(),
        "paid": False,
        "destinationCalendarId": None,
        "cancellationReason": None,
        "rejectionReason": None,
        "reassignReason": None,
        "reassignById": None,
        "dynamicEventSlugRef": None,
        "dynamicGroupSlugRef": None,
        "rescheduled": None,
        "fromReschedule": None,
        "recurringEventId": None,
        "smsReminderNumber": None,
        "scheduledJobs": [],
        "metadata": {},
        "isRecorded": False,
        "iCalUID": f"{booking.uid}@Cal.com",
        "iCalSequence": 0,
        "rating": None,
        "ratingFeedback": None,
        "noShowHost": False,
        "oneTimePassword": None,
        "cancelledBy": None,
        "rescheduledBy": None,
        "creationSource": "API_V2",
        "user": {"email": None, "name": host.name, "timeZone": host.time_zone, "username": host.username},
        "attendees": [
            {
                "id": booking.id,
                "email": attendee.email,
                "name": attendee.name,
                "timeZone": attendee.time_zone,
                "phoneNumber": None,
                "locale": attendee.language,
                "bookingId": booking.id,
                "noShow": False,
            }
        ],
        "payment": [],
        "references": [],
        "paymentRequired": False,
        "luckyUsers": [],
        "isDryRun": False,
        "videoCallUrl": booking.location,
    }


def _unique_key(booking: SimulatedBooking) -> str:
    """Cal.com's own: of start, end and host, and of nothing that the caller sends."""
    start, end = (f"{_milliseconds(moment)}" for moment in (booking.start, booking.end))
    return str(uuid5(NAMESPACE_URL, f"{start}.{end}.{booking.host.id}"))


def _milliseconds(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * 1000)
