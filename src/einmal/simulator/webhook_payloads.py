"""What a webhook says: the recorded bodies, for each of the things that happen to a booking.

Three builders in Cal.com, three shapes here. What is made or moved tells everything, metadata included. What a host
confirms or declines is told without what the request had brought along, and what is called off without any metadata;
both have another idea of a time's spelling.
"""

from datetime import UTC
from typing import Final, assert_never
from uuid import NAMESPACE_URL, uuid5

from einmal.simulator.records import BookingStatus, Scheduling
from einmal.simulator.rendering import booking_title, utc_text
from einmal.simulator.webhook_changes import Change, Happening
from einmal.simulator.webhook_parts import (
    RESCHEDULED_REASON,
    answered,
    answers,
    asked,
    calendar_uid,
    came,
    invited,
    invitees,
    metadata,
    minutes,
    organizer,
    own_answers,
    short,
    team,
)

_BOOKER_URL: Final = "https://cal.com"
_SCHEDULING: Final = {
    Scheduling.INDIVIDUAL: None,
    Scheduling.ROUND_ROBIN: "ROUND_ROBIN",
    Scheduling.COLLECTIVE: "COLLECTIVE",
}


def payload_of(change: Change) -> dict[str, object]:
    """The payload of this change's webhook."""
    match change.happening:
        case Happening.MADE | Happening.MOVED:
            return _made(change)
        case Happening.CONFIRMED | Happening.DECLINED:
            return _ruled(change)
        case Happening.CALLED_OFF:
            return _called_off(change)
        case _:
            assert_never(change.happening)


def _made(change: Change) -> dict[str, object]:
    booking, former = change.booking, change.former
    event_type = booking.event_type
    waits = booking.status is BookingStatus.PENDING
    whose = team(booking)
    moved = {
        "rescheduleId": former.id,
        "rescheduleUid": former.uid,
        "rescheduleStartTime": short(former.start),
        "rescheduleEndTime": short(former.end),
    } if former is not None else {}  # fmt: skip
    return {
        "bookerUrl": _BOOKER_URL,
        "title": booking_title(booking),
        "startTime": short(booking.start),
        "endTime": short(booking.end),
        "additionalNotes": "",
        "type": event_type.slug,
        "description": "",
        "eventTypeId": event_type.id,
        "hideCalendarNotes": False,
        "hideCalendarEventDetails": False,
        "hideOrganizerEmail": False,
        "schedulingType": _SCHEDULING[event_type.scheduling],
        "seatsPerTimeSlot": event_type.seats,
        "seatsShowAttendees": True,
        "seatsShowAvailabilityCount": True,
        "customReplyToEmail": None,
        "disableRescheduling": False,
        "disableCancelling": False,
        "organizer": organizer(booking),
        "attendees": [invited(one, booking.start) for one in invitees(booking)],
        "customInputs": {},
        "responses": asked(booking),
        "userFieldsResponses": answers(own_answers(booking, but=RESCHEDULED_REASON)),
        "location": booking.location,
        "destinationCalendar": [] if whose else None,
        # A moved booking keeps its first one's, and does not say so.
        **({"iCalUID": calendar_uid(booking)} if former is None else {}),
        "iCalSequence": change.moves,
        "requiresConfirmation": waits,
        "oneTimePassword": str(uuid5(NAMESPACE_URL, booking.uid)) if waits else None,
        "hashedLink": None,
        **whose,
        "uid": booking.uid,
        **({"appsStatus": []} if former is not None else {}),
        "eventTitle": event_type.title,
        "eventDescription": None,
        "price": 0,
        "currency": "usd",
        "length": minutes(booking),
        "bookingId": booking.id,
        **moved,
        "metadata": {"videoCallUrl": booking.location, **metadata(booking)},
        "status": booking.status.value.upper(),
    }


def _ruled(change: Change) -> dict[str, object]:
    booking = change.booking
    event_type = booking.event_type
    confirmed = change.happening is Happening.CONFIRMED
    return {
        "type": event_type.slug,
        "title": booking_title(booking),
        "description": "",
        "bookerUrl": _BOOKER_URL,
        "userFieldsResponses": answers(own_answers(booking)),
        "responses": answered(booking),
        "customInputs": {},
        "startTime": utc_text(booking.start),
        "endTime": utc_text(booking.end),
        "organizer": organizer(booking),
        "attendees": [came(one, booking.start) for one in invitees(booking)],
        "location": booking.location,
        "uid": booking.uid,
        "destinationCalendar": [],
        "requiresConfirmation": event_type.requires_confirmation,
        "hideOrganizerEmail": False,
        "hideCalendarNotes": False,
        "hideCalendarEventDetails": False,
        "eventTypeId": event_type.id,
        "customReplyToEmail": None,
        "organizationId": None,
        "additionalNotes": "",
        **team(booking),
        **({"rejectionReason": change.reason} if change.reason else {}),
        "eventTitle": event_type.title,
        "eventDescription": None,
        "price": 0,
        "currency": "usd",
        "length": minutes(booking),
        "bookingId": booking.id,
        "status": booking.status.value.upper(),
        # What the request had brought along is not among it.
        **({"metadata": {"videoCallUrl": booking.location}} if confirmed else {}),
    }


def _called_off(change: Change) -> dict[str, object]:
    booking = change.booking
    event_type = booking.event_type
    return {
        "bookerUrl": _BOOKER_URL,
        "title": booking_title(booking),
        "length": minutes(booking),
        "type": event_type.slug,
        "additionalNotes": "",
        "description": "",
        "customInputs": {},
        "eventTypeId": event_type.id,
        "userFieldsResponses": answers(own_answers(booking)),
        "responses": answered(booking),
        "startTime": booking.start.astimezone(UTC).isoformat(timespec="seconds"),
        "endTime": booking.end.astimezone(UTC).isoformat(timespec="seconds"),
        "organizer": organizer(booking),
        "attendees": [came(one, booking.start) for one in invitees(booking)],
        "uid": booking.uid,
        "bookingId": booking.id,
        "location": booking.location,
        "destinationCalendar": [],
        **({"cancellationReason": change.reason} if change.reason else {}),
        **team(booking),
        "seatsPerTimeSlot": event_type.seats,
        "seatsShowAttendees": False,
        "iCalUID": calendar_uid(booking),
        "iCalSequence": change.moves + 1,
        "hideOrganizerEmail": False,
        "customReplyToEmail": None,
        "organizationId": None,
        "eventTitle": event_type.title,
        "eventDescription": None,
        "requiresConfirmation": event_type.requires_confirmation or None,
        "price": None,
        "currency": "usd",
        "status": "CANCELLED",
    }
