"""The calls that make and show bookings: create, read, list.

Each method takes a `Call` and gives an `Answer`. The order of the checks is Cal.com's, since it decides which
of two mistakes a client hears about, and whether a repeat gets the old booking or a refusal.
"""

from collections.abc import Mapping
from dataclasses import replace

from einmal.simulator.calendar import (
    Attendee,
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
    read_create,
    schema_complaint,
)

NO_KEY = (
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
_TOO_MANY = "Attendee with this email can't book because the maximum number of active bookings has been reached."
_SYSTEM_RESPONSES = frozenset({"name", "email", "attendeePhoneNumber", "guests", "location"})

# What Cal.com's error filter does not know comes out without the envelope.
_BARE_REFUSALS = {
    Refusal.LOST_RACE: (409, "booking_conflict_error"),
    Refusal.LOST_RACE_REDACTED: (400, "An error occurred while querying the database."),
    Refusal.ALREADY_SIGNED_UP: (409, "already_signed_up_for_this_booking_error"),
    Refusal.UNSTORABLE_TEXT: (500, "unsupported Unicode escape sequence"),
}


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
        return self._booked(call, wanted, event_type)

    def read(self, call: Call, uid: str) -> Answer:
        """GET /v2/bookings/{uid}: whoever knows the uid may read."""
        booking = self._calendar.read(uid)
        if booking is None:
            message = f"Booking with uid={uid} was not found in the database"
            return refused(404, message, call.target, call.now)
        return success(200, booking_data(booking))

    def list(self, call: Call) -> Answer:
        """GET /v2/bookings: the only one of these calls that wants a key."""
        if not call.has_key:
            return refused(403, NO_KEY, call.target, call.now)
        if not NOT_SIMULATED_FILTERS.isdisjoint(call.query):
            return _not_simulated(call, "teams")
        wanted = read_list_query(call.query)
        if isinstance(wanted, WrongParameters):
            details = {"errors": list(wanted.errors)}
            return refused(400, "Bad Request Exception", call.target, call.now, details=details)
        if any(self._calendar.event_type(number) is None for number in wanted.event_type_ids or ()):
            message = "Bad request: Please check your request data and try again"
            return refused_briefly("TRPCError", message, call.target, call.now)
        return page_data(self._calendar.list(wanted, call.account), wanted)

    def _booked(self, call: Call, wanted: CreateBody, event_type: EventType) -> Answer:
        if event_type.asks_for_phone:
            if wanted.attendee.phone is None:
                return _not_simulated(call, "how Cal.com asks for a missing phone number")
            wanted = replace(wanted, attendee=_known_by_phone(wanted.attendee))
        location, place_complaint = _chosen_location(wanted, event_type)
        if place_complaint is not None:
            return refused(400, place_complaint, call.target, call.now)
        complaint = schema_complaint(wanted, wants_email=not event_type.asks_for_phone)
        if complaint is not None:
            return refused_briefly("BAD_REQUEST", complaint, call.target, call.now)
        outcome = self._calendar.create(
            event_type.id,
            wanted.start,
            wanted.attendee,
            metadata=wanted.metadata,
            guests=wanted.guests,
            location=location,
            responses=_stored_responses(wanted, location),
        )
        return booked(self._calendar, call, outcome, event_type)

    def _named_event_type(self, wanted: CreateBody) -> EventType | None:
        if wanted.event_type_id is not None:
            return self._calendar.event_type(wanted.event_type_id)
        return named_by_slug(self._calendar, wanted.event_type_slug, wanted.username)


def booked(
    calendar: SimulatedCalendar, call: Call, outcome: Created | Existing | Refused, event_type: EventType
) -> Answer:
    """The answer to whatever may have written a new booking."""
    match outcome:
        case Created(booking) | Existing(booking):
            # Cal.com reads the row again before it answers, and from a replica that is behind it gets none.
            shown = calendar.read(booking.uid)
            if shown is None:
                return bare(500, "Internal server error")
            seat_uid = outcome.seat_uid if isinstance(outcome, Created) else None
            return success(201, booking_data(shown, seat_uid))  # nothing tells created and existing apart
        case Refused(reason) if reason in _BARE_REFUSALS:
            return bare(*_BARE_REFUSALS[reason])
        case Refused(reason):
            status = 409 if reason is Refusal.NO_SEATS_LEFT else 400
            return refused(status, _reason_text(reason, event_type), call.target, call.now)


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


def _known_by_phone(attendee: Attendee) -> Attendee:
    """The attendee under an address made from the number as typed: spaces stay, and no e-mail sent counts."""
    return replace(attendee, email=f"{(attendee.phone or '').replace('+', '')}@sms.cal.com")


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
            whose = "One of the hosts" if event_type.scheduling is not Scheduling.INDIVIDUAL else "User"
            return f"{whose} {_TAKEN}"
        case Refusal.TOO_MANY_BOOKINGS:
            return _TOO_MANY
        case Refusal.NO_SEATS_LEFT:
            return "No more seats left at this seated booking."
        case _:
            raise AssertionError(f"a new booking is never refused with {reason}")
