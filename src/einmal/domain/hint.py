"""What Cal.com's webhooks can mean, and whether a read of the booking already shows it.

A webhook goes out before the change it tells of is written (recorded: for as long as a receiver keeps Cal.com waiting,
a cancelled booking still reads as accepted). So a read that does not show it is made again, a few times.
"""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Final

from einmal.domain.model import Booking, BookingStatus


class Trigger(StrEnum):
    CREATED = "BOOKING_CREATED"
    REQUESTED = "BOOKING_REQUESTED"
    RESCHEDULED = "BOOKING_RESCHEDULED"
    CANCELLED = "BOOKING_CANCELLED"
    REJECTED = "BOOKING_REJECTED"
    PAID = "BOOKING_PAID"
    PING = "PING"


def _has_ended(booking: Booking) -> bool:
    return not booking.status.live


def _is_decided(booking: Booking) -> bool:
    return booking.status is not BookingStatus.PENDING


_SHOWN: Final[dict[str, Callable[[Booking], bool]]] = {
    Trigger.CREATED: _is_decided,
    Trigger.PAID: _is_decided,
    Trigger.CANCELLED: _has_ended,
    Trigger.REJECTED: _has_ended,
}


def shows(event: str, booking: Booking) -> bool:
    """Whether the booking is as the webhook told, or beyond it. What nobody here knows is shown by any read."""
    shown = _SHOWN.get(event)
    return shown is None or shown(booking)


PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 20, 90, 600))
"""When to read again what a read did not show, or could not be made. After the last only reconciliation does."""


def next_read(tries: int) -> timedelta | None:
    """How long to wait after so many tries; None for not any more."""
    return PAUSES[tries] if tries < len(PAUSES) else None
