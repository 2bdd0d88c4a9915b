"""The calls about bookings: create, read, list, cancel.

Each method takes a `Call` and gives an `Answer`. The order of the checks is Cal.com's, since it decides which
of two mistakes a client hears about, and whether a repeat gets the old booking or a refusal.
"""

from collections.abc import Mapping

from einmal.simulator.calendar import (
    BookingStatus,
    Changed,
    Created,
    EventType,
    Existing,
    Refusal,
    Refused,
    Scheduling,
    SimulatedCalendar,
)
from einmal.simulator.call import Call
from einmal.simulator.querying import NOT_SIMULATED_FILTERS, WrongParameters, read_list_query
from einmal.simulator.rendering import (
    Answer,
    bare,
    booking_data,
    page_data,
    refused,
    refused_briefly,
    success,
)
from einmal.simulator.validation import (
    NOT_SIMULATED_FIELDS,
    CreateBody,
    Malformed,
    read_cancel,
    read_create,
    schema_complaint,
)

_NO_KEY = (
    "PermissionsGuard - no authentication provided. Provide either authorization bearer token containing "
    "managed user access token or oAuth client id in 'x-cal-client-id' header."
)
_TOO_SOON = (
    'The event type can\'t be booked at the "start" time provided. '
    "This could be because it's too soon (violating the minimum booking notice) "
    "or too far in the future (outside the event's scheduling window). "
    "Try fetching available slots first using the GET /v2/slots endpoint and then make a booking "
    'with "start" time equal to one of the available slots: https://cal.com/docs/api-reference/v2/slots'
)
_TAKEN = "either already has booking at this time or is not available"
_SYSTEM_RESPONSES = frozenset({"name", "email", "attendeePhoneNumber", "guests", "location"})


class BookingCalls:
    """The routes under /v2/bookings."""

    def __init__(self, calendar: SimulatedCalendar) -> None:
        """All of them work on one calendar."""
        self._calendar = calendar

    def create(self, call: Call) -> Answer:
        """POST /v2/bookings."""
        if call.body.get("instant") is True or not NOT_SIMULATED_FIELDS.isdisjoint(call.body):
            return _not_simulated(call, "instant, recurring and routed bookings")
        wanted = read_create(call.body)
        if isinstance(wanted, Malformed):
            return refused(400, wanted.message, call.target, call.now)
        event_type = self._named_event_type(wanted)
        if event_type is None:
            return refused(404, _unknown_event_type(wanted), call.target, call.now)
        location, place_complaint = _chosen_location(wanted, event_type)
        if place_complaint is not None:
            return refused(400, place_complaint, call.target, call.now)
        complaint = schema_complaint(wanted)
        if complaint is not None:
            return refused_briefly("BAD_REQUEST", complaint, call.target, call.now)
        return self._booked(call, wanted, event_type, location)

    def read(self, call: Call, uid: str) -> Answer:
        """GET /v2/bookings/{uid}: whoever knows the uid may read."""
        booking = self._calendar.get(uid)
        if booking is None:
            message = f"Booking with uid={uid} was not found in the database"
            return refused(404, message, call.target, call.now)
        return success(200, booking_data(booking))

    def list(self, call: Call) -> Answer:
        """GET /v2/bookings: the only one of these calls that wants a key."""
        if not call.has_key:
            return refused(403, _NO_KEY, call.target, call.now)
        if not NOT_SIMULATED_FILTERS.isdisjoint(call.query):
            return _not_simulated(call, "teams")
        wanted = read_list_query(call.query)
        if isinstance(wanted, WrongParameters):
            details = {"errors": list(wanted.errors)}
            return refused(400, "Bad Request Exception", call.target, call.now, details=details)
        if any(self._calendar.event_type(number) is None for number in wanted.event_type_ids or ()):
            message = "Bad request: Please check your request data and try again"
            return refused_briefly("TRPCError", message, call.target, call.now)
        return page_data(self._calendar.list(wanted), wanted)

    def cancel(self, call: Call, uid: str) -> Answer:
        """POST /v2/bookings/{uid}/cancel: whoever knows the uid may cancel, but the host must say why."""
        reason = read_cancel(call.body)
        if isinstance(reason, Malformed):
            return refused(400, reason.message, call.target, call.now)
        booking = self._calendar.get(uid)
        cancellable = booking is not None and booking.status is not BookingStatus.CANCELLED
        # All keys here belong to the one account that owns the calendar, so whoever has one is the host.
        if cancellable and call.has_key and not reason.strip():
            return bare(400, "Cancellation reason is required when you are the host")
        outcome = self._calendar.cancel(uid, reason)
        match outcome:
            case Changed(booking):
                return success(200, booking_data(booking))
            case Refused(Refusal.UNKNOWN_BOOKING):
                return refused(404, f"Booking with uid={uid} not found", call.target, call.now)
            case Refused():
                message = (
                    f"Can't cancel booking with uid={uid} because it has been cancelled already. "
                    "Please provide uid of a booking that is not cancelled."
                )
                return refused(400, message, call.target, call.now)

    def create_in_old_version(self, call: Call) -> Answer:
        """POST /v2/bookings as version 2024-04-15 understands it: a newer body lacks what that one needs."""
        target = {name: call.body[name] for name in ("start", "eventTypeId", "metadata") if name in call.body}
        missing = (
            ("timeZone", {"isTimeZone": "timeZone must be a valid IANA time-zone"}),
            ("language", {"isString": "language must be a string"}),
        )
        errors = [
            {"target": target, "property": name, "children": [], "constraints": constraints}
            for name, constraints in missing
            if name not in call.body
        ]
        if not errors:
            return _not_simulated(call, "API version 2024-04-15")
        return refused(400, "Bad Request Exception", call.target, call.now, details={"errors": errors})

    def _booked(self, call: Call, wanted: CreateBody, event_type: EventType, location: str | None) -> Answer:
        outcome = self._calendar.create(
            event_type.id,
            wanted.start,
            wanted.attendee,
            metadata=wanted.metadata,
            guests=wanted.guests,
            location=location,
            responses=_stored_responses(wanted, location),
        )
        match outcome:
            case Created(booking) | Existing(booking):
                return success(201, booking_data(booking))  # nothing tells the two apart
            case Refused(Refusal.UNSTORABLE_TEXT):
                return bare(500, "unsupported Unicode escape sequence")
            case Refused(reason):
                return refused(400, _reason_text(reason, event_type), call.target, call.now)

    def _named_event_type(self, wanted: CreateBody) -> EventType | None:
        if wanted.event_type_id is not None:
            return self._calendar.event_type(wanted.event_type_id)
        return named_by_slug(self._calendar, wanted.event_type_slug, wanted.username)


def named_by_slug(calendar: SimulatedCalendar, slug: str | None, username: str | None) -> EventType | None:
    """The event type that one host offers under this slug."""
    for event_type in calendar.event_types:
        names = {host.username for host in event_type.hosts}
        if event_type.slug == slug and username in names:
            return event_type
    return None


def _not_simulated(call: Call, what: str) -> Answer:
    return refused(501, f"This simulator does not know {what}.", call.target, call.now)


def _unknown_event_type(wanted: CreateBody) -> str:
    if wanted.event_type_slug and wanted.username:
        slug, username = wanted.event_type_slug, wanted.username
        return f"Event type with slug {slug} belonging to user {username} not found."
    shown = "undefined" if wanted.event_type_id is None else wanted.event_type_id
    return f"Event type with id {shown} not found."


def _chosen_location(wanted: CreateBody, event_type: EventType) -> tuple[str | None, str | None]:
    """The place asked for, or a complaint; every simulated event type offers exactly one place, a link."""
    if wanted.length_minutes is not None:
        return None, (
            "Can't specify 'lengthInMinutes' because event type does not have multiple possible lengths. "
            "Please, remove the 'lengthInMinutes' field from the request."
        )
    match wanted.location:
        case None:
            return None, None
        case str() as link:
            return link, None
        case {"type": "link"}:
            return event_type.location, None
        case place:
            kind = place.get("type") if isinstance(place, dict) else type(place).__name__
            return None, (
                f"Booking location with type {kind} not valid for event type with id={event_type.id}. "
                "The event type has following location types: link, "
                "and only these types are allowed for booking location."
            )


def _stored_responses(wanted: CreateBody, location: str | None) -> Mapping[str, object]:
    """The answers beyond name, e-mail and phone, which a caller cannot overrule from here."""
    place = {"location": {"value": "link", "optionValue": location}} if location is not None else {}
    custom = {key: value for key, value in wanted.custom_responses.items() if key not in _SYSTEM_RESPONSES}
    return place | custom


def _reason_text(reason: Refusal, event_type: EventType) -> str:
    match reason:
        case Refusal.IN_THE_PAST:
            return "Attempting to book a meeting in the past."
        case Refusal.TOO_SOON:
            return _TOO_SOON
        case Refusal.NO_FREE_HOST:
            whose = "One of the hosts" if event_type.scheduling is Scheduling.ROUND_ROBIN else "User"
            return f"{whose} {_TAKEN}"
        case _:
            raise AssertionError(f"create never refuses with {reason}")
