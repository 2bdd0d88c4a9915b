"""The parts that the bodies of webhooks are made of: people, times, what was asked and what was answered."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from einmal.simulator.records import Attendee, Host, Scheduling, SimulatedBooking

RESCHEDULED_REASON: Final = "rescheduledReason"
_OWN_FIELDS: Final = frozenset({"name", "email", "attendeePhoneNumber", "guests", "location"})


def organizer(booking: SimulatedBooking) -> dict[str, object]:
    host = booking.host
    return {
        "id": host.id,
        "name": host.name,
        "email": host.email,
        "username": host.username,
        "timeZone": host.time_zone,
        "language": {"locale": "en"},
        "timeFormat": "h:mma",
        "utcOffset": _offset_minutes(host.time_zone, booking.start),
    }


def invitees(booking: SimulatedBooking) -> list[Attendee]:
    """Those who were invited: the hosts, whom the table holds beside them, are the organizer and his team."""
    emails = {host.email for host in booking.hosts}
    return [one for one in booking.attendees if one.email not in emails or one == booking.attendee]


def invited(one: Attendee, start: datetime) -> dict[str, object]:
    return {
        "email": one.email,
        "name": one.name,
        **({"phoneNumber": one.phone} if one.phone else {}),
        "firstName": "",
        "lastName": "",
        "timeZone": one.time_zone,
        "language": {"locale": one.language},
        "utcOffset": _offset_minutes(one.time_zone, start),
    }


def came(one: Attendee, start: datetime) -> dict[str, object]:
    return {
        "name": one.name,
        "email": one.email,
        "timeZone": one.time_zone,
        "phoneNumber": one.phone,
        "language": {"locale": one.language},
        "utcOffset": _offset_minutes(one.time_zone, start),
    }


def team(booking: SimulatedBooking) -> dict[str, object]:
    """Here each team's event type has a team of its own, of the same number."""
    event_type = booking.event_type
    if event_type.scheduling is Scheduling.INDIVIDUAL:
        return {}
    members = [_member(host, booking.start) for host in booking.hosts if host != booking.host]
    return {"team": {"members": members, "name": f"team {event_type.slug}", "id": event_type.id}}


def _member(host: Host, start: datetime) -> dict[str, object]:
    return invited(Attendee(host.name, host.email, None, host.time_zone), start) | {"id": host.id}


def asked(booking: SimulatedBooking) -> dict[str, object]:
    """Every field of the booking form, answered or not."""
    who = booking.attendee
    phone = {"value": who.phone} if who.phone else {}
    guests = {"value": list(booking.guests)} if booking.guests else {}
    place = {"value": booking.location, "optionValue": ""}
    by_phone = booking.event_type.asks_for_phone
    return {
        "name": {"label": "your_name", "value": who.name, "isHidden": False},
        "email": {"label": "email_address", "value": who.email, "isHidden": by_phone},
        "attendeePhoneNumber": {"label": "phone_number", **phone, "isHidden": not by_phone},
        "location": {"label": "location", "value": place, "isHidden": False},
        "title": {"label": "what_is_this_meeting_about", "isHidden": True},
        "notes": {"label": "additional_notes", "isHidden": False},
        "guests": {"label": "additional_guests", **guests, "isHidden": False},
        "rescheduleReason": {"label": "reason_for_reschedule", "isHidden": False},
        **answers(own_answers(booking, but=RESCHEDULED_REASON)),
    }


def answered(booking: SimulatedBooking) -> dict[str, object]:
    """What was answered, under the names of its fields."""
    who = booking.attendee
    phone = {"attendeePhoneNumber": who.phone} if who.phone else {}
    guests = {"guests": list(booking.guests)} if booking.guests else {}
    return answers({"name": who.name, "email": who.email, **phone, **guests} | own_answers(booking))


def own_answers(booking: SimulatedBooking, but: str | None = None) -> dict[str, object]:
    """To questions that are the house's own."""
    return {name: value for name, value in booking.responses.items() if name not in _OWN_FIELDS and name != but}


def answers(values: Mapping[str, object]) -> dict[str, object]:
    return {name: {"label": name, "value": value} for name, value in values.items()}


def metadata(booking: SimulatedBooking) -> Mapping[str, str]:
    """Of a shared booking, what its newest guest brought along."""
    return booking.seats[-1].metadata if booking.seats else booking.metadata


def calendar_uid(booking: SimulatedBooking) -> str:
    return f"{booking.first_uid or booking.uid}@Cal.com"


def minutes(booking: SimulatedBooking) -> int:
    return (booking.end - booking.start) // timedelta(minutes=1)


def _offset_minutes(time_zone: str, at: datetime) -> int:
    offset = at.astimezone(ZoneInfo(time_zone)).utcoffset()
    return 0 if offset is None else offset // timedelta(minutes=1)


def short(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
