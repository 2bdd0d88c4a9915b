"""The calls under /v2/slots/reservations: make, show, move and give up a reservation.

Whoever knows a uid may do anything with it, without a key; only a duration of one's own choice wants the key of
a host, and only when it is made. What was not recorded is answered with 501: seats, and bodies that are wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from einmal.simulator.calendar import EventType, Refusal, Refused, SimulatedCalendar
from einmal.simulator.call import Call
from einmal.simulator.records import Reservation
from einmal.simulator.rendering import Answer, refused, success, utc_text
from einmal.simulator.validation import read_instant

_MINUTES_DEFAULT = 5

_NO_KEY = (
    "reservationDuration can only be used for authenticated requests - use access token, api key or OAuth credentials"
)
_NOT_YOURS = (
    "authenticated user is not owner of event type, does not have memberships in common with owner of the event "
    "type, nor does belong to event type's team or org."
)
_FIXED_LENGTH = "You passed 'slotDuration' but this event type is not a variable length event type."
_TEXTS = {
    Refusal.BOOKED: "Can't reserve a slot if the event is already booked.",
    Refusal.RESERVED: ("This time slot is already reserved by another user. Please choose a different time."),
    Refusal.NO_HOST_TO_RESERVE: (
        "Can't reserve the slot because the round robin event type has no available hosts left at this time slot."
    ),
}


@dataclass(frozen=True)
class _Body:
    event_type_id: int
    start: datetime
    slot_minutes: int | None
    minutes: int | None

    @property
    def duration(self) -> timedelta:
        """0 is a duration: the reservation is over as soon as it is made."""
        return timedelta(minutes=_MINUTES_DEFAULT if self.minutes is None else self.minutes)


class ReservationCalls:
    """The routes under /v2/slots/reservations."""

    def __init__(self, calendar: SimulatedCalendar) -> None:
        """All of them work on one calendar."""
        self._calendar = calendar

    def reserve(self, call: Call) -> Answer:
        """POST: the first of two for one slot gets it, unless they come at once."""
        body = _read(call.body)
        if body is None:
            return _malformed(call)
        if body.minutes and not call.has_key:
            return refused(401, _NO_KEY, call.target, call.now)
        event_type = self._calendar.event_type(body.event_type_id)
        if event_type is None:
            return _unknown_event_type(call, body)
        if body.minutes and not call.owns(event_type):
            return refused(403, _NOT_YOURS, call.target, call.now)
        complaint = _complaint(call, body, event_type)
        if complaint is not None:
            return complaint
        outcome = self._calendar.reservations.reserve(event_type, body.start, body.duration)
        return _answered(call, outcome, body, 201)

    def move(self, call: Call, uid: str) -> Answer:
        """PATCH: to another slot, for as long as anybody likes."""
        body = _read(call.body)
        if body is None:
            return _malformed(call)
        if self._calendar.reservations.get(uid) is None:
            return _unknown(call, uid)
        event_type = self._calendar.event_type(body.event_type_id)
        if event_type is None:
            return _unknown_event_type(call, body)
        complaint = _complaint(call, body, event_type)
        if complaint is not None:
            return complaint
        outcome = self._calendar.reservations.move(uid, event_type, body.start, body.duration)
        return _answered(call, outcome, body, 200)

    def read(self, uid: str) -> Answer:
        """GET: an unknown one is no mistake."""
        reserved = self._calendar.reservations.get(uid)
        if reserved is None:
            return success(200, None)
        uid_first = {"reservationUid": reserved.uid, **_slot_data(reserved)}
        return success(200, uid_first | {"reservationUntil": utc_text(reserved.until)})

    def release(self, uid: str) -> Answer:
        """DELETE: as often as one likes."""
        self._calendar.reservations.release(uid)
        return Answer(200, {"status": "success"})


def _read(body: Mapping[str, object]) -> _Body | None:
    """The body, or None where it is not clear how Cal.com would refuse it."""
    known = {"eventTypeId", "slotStart", "slotDuration", "reservationDuration"}
    event_type_id, start = body.get("eventTypeId"), read_instant(body.get("slotStart"))
    slot_minutes, minutes = body.get("slotDuration"), body.get("reservationDuration")
    if not set(body) <= known or start is None or not _is_minutes(event_type_id):
        return None
    if not all(value is None or _is_minutes(value) for value in (slot_minutes, minutes)):
        return None
    return _Body(
        event_type_id=event_type_id if isinstance(event_type_id, int) else 0,
        start=start,
        slot_minutes=slot_minutes if isinstance(slot_minutes, int) else None,
        minutes=minutes if isinstance(minutes, int) else None,
    )


def _is_minutes(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9


def _complaint(call: Call, body: _Body, event_type: EventType) -> Answer | None:
    if event_type.seats is not None:
        return refused(501, "This simulator does not know reservations of seats.", call.target, call.now)
    if body.slot_minutes:
        return refused(400, _FIXED_LENGTH, call.target, call.now)
    return None


def _answered(call: Call, outcome: Reservation | Refused, body: _Body, status: int) -> Answer:
    if isinstance(outcome, Refused):
        return refused(422, _TEXTS[outcome.reason], call.target, call.now)
    return success(
        status,
        _slot_data(outcome)
        | {
            "reservationUid": outcome.uid,
            "reservationDuration": body.duration // timedelta(minutes=1),
            "reservationUntil": utc_text(outcome.until),
        },
    )


def _slot_data(reserved: Reservation) -> dict[str, object]:
    return {
        "eventTypeId": reserved.event_type.id,
        "slotStart": utc_text(reserved.start),
        "slotEnd": utc_text(reserved.end),
        "slotDuration": (reserved.end - reserved.start) // timedelta(minutes=1),
    }


def _unknown(call: Call, uid: str) -> Answer:
    return refused(404, f"Slot with uid={uid} not found", call.target, call.now)


def _unknown_event_type(call: Call, body: _Body) -> Answer:
    return refused(404, f"Event Type with ID={body.event_type_id} not found", call.target, call.now)


def _malformed(call: Call) -> Answer:
    return refused(501, "This simulator knows reservations with a well-formed body only.", call.target, call.now)
