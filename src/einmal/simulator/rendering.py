"""Bookings, slots and errors in the shapes of Cal.com's answers.

Errors come in three shapes, all recorded: the envelope with `details` (anything the API layer refuses), the
envelope without (the booking core's schema and its remote procedures), and a bare `{statusCode, message}` for
what nobody caught. A client that knows only the first will trip over the others.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import groupby
from zoneinfo import ZoneInfo

from einmal.simulator.listing import BookingFilter, Page
from einmal.simulator.records import Attendee, EventType, Host, Scheduling, SimulatedBooking


@dataclass(frozen=True)
class Answer:
    """A status and a JSON body, before headers."""

    status: int
    payload: Mapping[str, object]


def success(status: int, data: object) -> Answer:
    """The envelope of everything that worked."""
    return Answer(status, {"status": "success", "data": data})


def booking_data(booking: SimulatedBooking, seat_uid: str | None = None) -> dict[str, object]:
    """A booking as `data`, for every call that shows one; `seat_uid` is the seat just taken."""
    data = _booking_data(booking)
    if booking.event_type.seats is None:
        return data
    # A shared booking has nothing of its own to tell about its people: it is all at their seats.
    kept = {name: data[name] for name in data if name not in {"cancelledByEmail", "metadata", "bookingFieldsResponses"}}
    seats = [
        _attendee_data(seat.attendee)
        | {
            "seatUid": seat.uid,
            "bookingFieldsResponses": {"name": seat.attendee.name, "guests": []},
            "metadata": dict(seat.metadata),
        }
        for seat in booking.seats
    ]
    taken = {} if seat_uid is None else {"seatUid": seat_uid}
    return kept | {"description": None, "attendees": seats} | taken


def booking_title(booking: SimulatedBooking) -> str:
    """The name that Cal.com gives it."""
    return f"{booking.event_type.title} between {_whose_name(booking)} and {booking.attendee.name}"


def _booking_data(booking: SimulatedBooking) -> dict[str, object]:
    event_type, host = booking.event_type, booking.host
    guests = {"guests": list(booking.guests)} if booking.guests else {}
    return {
        "id": booking.id,
        "uid": booking.uid,
        "title": booking_title(booking),
        "description": "",
        "hosts": [_host_data(host)],
        "status": booking.status.value,
        "cancellationReason": booking.cancellation_reason,
        "cancelledByEmail": "",
        **({"reschedulingReason": booking.rescheduling_reason} if booking.rescheduling_reason else {}),
        "rescheduledByEmail": booking.rescheduled_by,
        **({"rescheduledFromUid": booking.rescheduled_from} if booking.rescheduled_from else {}),
        **({"rescheduledToUid": booking.rescheduled_to} if booking.rescheduled_to else {}),
        "start": utc_text(booking.start),
        "end": utc_text(booking.end),
        "duration": (booking.end - booking.start) // timedelta(minutes=1),
        "eventTypeId": event_type.id,
        "eventType": {"id": event_type.id, "slug": event_type.slug},
        "meetingUrl": booking.location,
        "location": booking.location,
        "absentHost": False,
        "createdAt": utc_text(booking.created_at),
        "updatedAt": utc_text(booking.updated_at),
        "metadata": dict(booking.metadata),
        "rating": None,
        "icsUid": f"{booking.first_uid or booking.uid}@Cal.com",
        "attendees": [_attendee_data(attendee) for attendee in booking.attendees],
        **guests,
        "bookingFieldsResponses": _responses(booking) | guests | dict(booking.responses),
    }


def page_data(page: Page, wanted: BookingFilter) -> Answer:
    """A list with its counters, which are computed from one count and never look at the list itself."""
    total, take, skip = page.counted, wanted.take, wanted.skip
    pages = -(-total // take)
    current = min(pages, skip // take + 1)
    return Answer(
        200,
        {
            "status": "success",
            "data": [booking_data(booking) for booking in page.bookings],
            "pagination": {
                "returnedItems": max(0, min(take, total - skip)),
                "totalItems": total,
                "itemsPerPage": take,
                "remainingItems": max(0, total - skip - take),
                "currentPage": current,
                "totalPages": pages,
                "hasNextPage": current < pages,
                "hasPreviousPage": current > 1,
            },
        },
    )


def slots_data(
    slots: Iterable[datetime],
    length: timedelta,
    time_zone: str,
    *,
    as_range: bool,
    seats: Callable[[datetime], Mapping[str, object]],
) -> Answer:
    """Slots by local day, each with what there is to say of its seats.

    Here, unlike everywhere else, `data` comes before `status`.
    """
    zone = ZoneInfo(time_zone)

    def shown(slot: datetime) -> dict[str, object]:
        end = {"end": _zoned_text(slot + length, time_zone)} if as_range else {}
        return {"start": _zoned_text(slot, time_zone), **end, **seats(slot)}

    days = groupby(slots, key=lambda slot: slot.astimezone(zone).date().isoformat())
    data = {day: [shown(slot) for slot in of_day] for day, of_day in days}
    return Answer(200, {"data": data, "status": "success"})


def seats_data(total: int | None, shared: SimulatedBooking | None) -> dict[str, object]:
    """The seats of one slot; nothing where bookings are not shared."""
    if total is None:
        return {}
    booked = len(shared.seats) if shared is not None else 0
    whose = {} if shared is None else {"bookingUid": shared.uid}
    return {"seatsBooked": booked, "seatsRemaining": total - booked, "seatsTotal": total, **whose}


def event_type_data(event_type: EventType) -> dict[str, object]:
    """An event type, as far as it is simulated. A team's says whose it is; here each has a team of its own."""
    teams = event_type.scheduling is not Scheduling.INDIVIDUAL
    return {
        "id": event_type.id,
        "title": event_type.title,
        "slug": event_type.slug,
        "lengthInMinutes": event_type.length_minutes,
        "description": "",
        "schedulingType": event_type.scheduling.value if teams else None,
        **({"teamId": event_type.id} if teams else {}),
        "minimumBookingNotice": event_type.minimum_notice_minutes,
        "locations": [{"type": "link", "link": event_type.location, "public": True}],
        "hidden": False,
    }


def refused(status: int, message: str, path: str, now: datetime, *, details: object = None) -> Answer:
    """What the API layer refuses."""
    # Python has another name for this one in newer versions.
    phrase = "Unprocessable Entity" if status == 422 else HTTPStatus(status).phrase
    shown = details or {"message": message, "error": phrase, "statusCode": status}
    code = f"{phrase.replace(' ', '')}Exception"
    return refused_with(status, {"code": code, "message": message, "details": shown}, path, now)


def refused_briefly(code: str, message: str, path: str, now: datetime, *, status: int = 400) -> Answer:
    """What the booking core refuses: no `details`."""
    return refused_with(status, {"code": code, "message": message}, path, now)


def refused_with(status: int, error: Mapping[str, object], path: str, now: datetime) -> Answer:
    """The envelope of everything that was refused in good order."""
    payload = {"status": "error", "timestamp": utc_text(now), "path": path, "error": error}
    return Answer(status, payload)


def bare(status: int, message: str) -> Answer:
    """What nobody caught: not even the envelope."""
    return Answer(status, {"statusCode": status, "message": message})


def utc_text(moment: datetime) -> str:
    """As JavaScript prints a moment: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _zoned_text(moment: datetime, time_zone: str) -> str:
    if time_zone == "UTC":
        return utc_text(moment)
    return moment.astimezone(ZoneInfo(time_zone)).isoformat(timespec="milliseconds")


def _whose_name(booking: SimulatedBooking) -> str:
    event_type = booking.event_type
    return f"team {event_type.slug}" if event_type.scheduling is Scheduling.COLLECTIVE else booking.host.name


def _host_data(host: Host) -> dict[str, object]:
    return {
        "id": host.id,
        "name": host.name,
        "email": host.email,
        "username": host.username,
        "timeZone": host.time_zone,
    }


def _attendee_data(attendee: Attendee) -> dict[str, object]:
    phone = {"phoneNumber": attendee.phone} if attendee.phone else {}
    return {
        "name": attendee.name,
        "email": attendee.email,
        "timeZone": attendee.time_zone,
        "language": attendee.language,
        "absent": False,
        **phone,
    }


def _responses(booking: SimulatedBooking) -> dict[str, object]:
    attendee = booking.attendee
    phone = {"attendeePhoneNumber": attendee.phone} if attendee.phone else {}
    return {"email": attendee.email, **phone, "name": attendee.name}
