"""The calls that change a booking: cancel, reschedule, confirm, decline.

Whoever knows a uid may cancel and reschedule; confirm and decline want the key of a host. None of the four is
idempotent by promise: some repeats are refused and some do it again, as recorded.
"""

from einmal.simulator.booking_calls import NO_KEY, booked
from einmal.simulator.calendar import BookingStatus, Changed, Refusal, Refused, SimulatedBooking, SimulatedCalendar
from einmal.simulator.call import Call
from einmal.simulator.rendering import Answer, bare, booking_data, refused, refused_briefly, success, utc_text
from einmal.simulator.validation import Malformed, read_cancel, read_decline, read_reschedule

_NOT_YOURS = "You are not authorized to access this resource"
_ENDED = "Cannot cancel a booking that has already ended"
_BAD_REQUEST = "Bad request: Please check your request data and try again"


class ChangeCalls:
    """The routes under /v2/bookings/{uid}."""

    def __init__(self, calendar: SimulatedCalendar) -> None:
        """All of them work on one calendar."""
        self._calendar = calendar

    def cancel(self, call: Call, uid: str) -> Answer:
        """POST …/cancel: whoever knows the uid may cancel, but the host must say why."""
        reason = read_cancel(call.body)
        if isinstance(reason, Malformed):
            return refused(400, reason.message, call.target, call.now)
        booking = self._calendar.seen(uid)
        cancellable = booking is not None and booking.status is not BookingStatus.CANCELLED
        # The key of somebody else makes nobody a host: it cancels like no key at all.
        if booking is not None and cancellable and call.owns(booking.event_type) and not reason.strip():
            return bare(400, "Cancellation reason is required when you are the host")
        seated = booking is not None and cancellable and booking.event_type.seats is not None
        if booking is not None and seated and not call.owns(booking.event_type):
            return self._left(call, uid)
        match self._calendar.cancel(uid, reason):
            case Changed(booking):
                return success(200, booking_data(booking))
            case Refused(reason_against):
                return _not_cancelled(call, uid, reason_against)

    def _left(self, call: Call, uid: str) -> Answer:
        seat_uid = call.body.get("seatUid")
        match self._calendar.leave(uid, seat_uid if isinstance(seat_uid, str) else ""):
            case Changed(booking):
                return success(200, booking_data(booking))
            case Refused(Refusal.ENDED):
                return bare(400, _ENDED)
            case Refused() if not isinstance(seat_uid, str):
                return bare(401, "User not a host of this event or an admin of the booking user")
            case Refused():
                message = "Invalid seatUid: this seat does not exist or has already been cancelled."
                return refused(400, message, call.target, call.now)

    def reschedule(self, call: Call, uid: str) -> Answer:
        """POST …/reschedule: the host's key decides whether it needs no new confirmation."""
        wanted = read_reschedule(call.body)
        if isinstance(wanted, Malformed):
            return refused(400, wanted.message, call.target, call.now)
        old = self._calendar.seen(uid)
        if old is None:
            return _unknown(call, uid)
        if old.event_type.bookings_per_booker is not None:
            message = "This simulator does not know rescheduling under a limit of bookings per booker."
            return refused(501, message, call.target, call.now)
        outcome = self._calendar.reschedule(
            uid,
            wanted.start,
            by_owner=call.owns(old.event_type),
            reason=wanted.reason,
            by_email=wanted.by_email,
        )
        match outcome:
            case Refused(Refusal.ALREADY_RESCHEDULED):
                message = (
                    f"Can't reschedule booking with uid={uid} because it has been cancelled and rescheduled already "
                    f"to booking with uid={old.rescheduled_to}. You probably want to reschedule "
                    f"{old.rescheduled_to} instead by passing it within the request URL."
                )
                return refused(400, message, call.target, call.now)
            case Refused(Refusal.ALREADY_CANCELLED):
                message = (
                    f"Can't reschedule booking with uid={uid} because it has been cancelled. "
                    "Please provide uid of a booking that is not cancelled."
                )
                return refused(400, message, call.target, call.now)
            case _:
                return booked(self._calendar, call, outcome, old.event_type)

    def confirm(self, call: Call, uid: str) -> Answer:
        """POST …/confirm: looks at no other booking, and revives a cancelled one."""
        booking = self._ruled_by_host(call, uid)
        return booking if isinstance(booking, Answer) else _ruled(call, self._calendar.accept(uid))

    def decline(self, call: Call, uid: str) -> Answer:
        """POST …/decline: as often as one likes."""
        complaint = read_decline(call.body)
        if complaint is not None:
            return refused(400, complaint.message, call.target, call.now)
        booking = self._ruled_by_host(call, uid)
        reason = call.body.get("reason")
        given = reason if isinstance(reason, str) else ""
        return booking if isinstance(booking, Answer) else _ruled(call, self._calendar.decline(uid, given))

    def mark_absent(self, call: Call, uid: str) -> Answer:
        """POST …/mark-absent: before the start it is refused, and that is all that was recorded."""
        if not call.has_key:
            return refused(403, NO_KEY, call.target, call.now)
        booking = self._calendar.get(uid)
        if booking is None or not call.owns(booking.event_type) or call.now >= booking.start:
            return refused(501, "This simulator does not know who came.", call.target, call.now)
        message = (
            "Bookings can only be marked as absent after their scheduled start time. Current time in UTC+0: "
            f"{utc_text(call.now)}, Booking start time in UTC+0: {utc_text(booking.start)}"
        )
        return refused(400, message, call.target, call.now)

    def _ruled_by_host(self, call: Call, uid: str) -> SimulatedBooking | Answer:
        if not call.has_key:
            return refused(403, NO_KEY, call.target, call.now)
        booking = self._calendar.get(uid)
        if booking is None:
            return _unknown(call, uid)
        if not call.owns(booking.event_type):
            return refused_briefly("TRPCError", _NOT_YOURS, call.target, call.now, status=401)
        return booking


def _not_cancelled(call: Call, uid: str, reason: Refusal) -> Answer:
    if reason is Refusal.UNKNOWN_BOOKING:
        return refused(404, f"Booking with uid={uid} not found", call.target, call.now)
    if reason is Refusal.ENDED:
        return bare(400, _ENDED)
    message = (
        f"Can't cancel booking with uid={uid} because it has been cancelled already. "
        "Please provide uid of a booking that is not cancelled."
    )
    return refused(400, message, call.target, call.now)


def _ruled(call: Call, outcome: Changed | Refused) -> Answer:
    match outcome:
        case Changed(booking):
            return success(200, booking_data(booking))
        case Refused():
            return refused_briefly("TRPCError", _BAD_REQUEST, call.target, call.now)


def _unknown(call: Call, uid: str) -> Answer:
    return refused(404, f"Booking with uid={uid} was not found in the database", call.target, call.now)
