"""Seats in a booking that several people share.

A person is an e-mail as typed: another case is another person, another phone is not.
"""

from collections.abc import Iterable
from dataclasses import replace

from einmal.simulator.outcomes import Refusal, Refused
from einmal.simulator.records import BookingStatus, EventType, Seat, SimulatedBooking


def shared_booking(event_type: EventType, bookings: Iterable[SimulatedBooking]) -> SimulatedBooking | None:
    """The booking among these, all of one start, that the next person would join."""
    if event_type.seats is None:
        return None
    return next((booking for booking in bookings if booking.status is BookingStatus.ACCEPTED), None)


def joined(booking: SimulatedBooking, seat: Seat) -> SimulatedBooking | Refused:
    """The booking with one more seat taken."""
    if any(taken.attendee.email == seat.attendee.email for taken in booking.seats):
        return Refused(Refusal.ALREADY_SIGNED_UP)
    if not has_seats_left(booking):
        return Refused(Refusal.NO_SEATS_LEFT)
    return replace(booking, seats=(*booking.seats, seat))


def left(booking: SimulatedBooking, seat_uid: str) -> SimulatedBooking | Refused:
    """The booking without that seat; with the last one it is called off, which is inferred and not recorded."""
    seats = tuple(seat for seat in booking.seats if seat.uid != seat_uid)
    if len(seats) == len(booking.seats):
        return Refused(Refusal.UNKNOWN_SEAT)
    if not seats:
        return replace(booking, seats=seats, status=BookingStatus.CANCELLED, has_unique_key=False)
    return replace(booking, seats=seats)


def has_seats_left(booking: SimulatedBooking) -> bool:
    """Whether one more person can join."""
    return len(booking.seats) < (booking.event_type.seats or 0)
