"""What happens to bookings, and the trigger under which Cal.com tells of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import assert_never

from einmal.simulator.records import BookingStatus, SimulatedBooking


class Trigger(Enum):
    """Cal.com's names, in its order."""

    CREATED = "BOOKING_CREATED"
    PAYMENT_INITIATED = "BOOKING_PAYMENT_INITIATED"
    PAID = "BOOKING_PAID"
    RESCHEDULED = "BOOKING_RESCHEDULED"
    REQUESTED = "BOOKING_REQUESTED"
    CANCELLED = "BOOKING_CANCELLED"
    REJECTED = "BOOKING_REJECTED"
    NO_SHOW_UPDATED = "BOOKING_NO_SHOW_UPDATED"
    FORM_SUBMITTED = "FORM_SUBMITTED"
    MEETING_ENDED = "MEETING_ENDED"
    MEETING_STARTED = "MEETING_STARTED"
    RECORDING_READY = "RECORDING_READY"
    INSTANT_MEETING = "INSTANT_MEETING"
    RECORDING_TRANSCRIPTION_GENERATED = "RECORDING_TRANSCRIPTION_GENERATED"
    OOO_CREATED = "OOO_CREATED"
    AFTER_HOSTS_CAL_VIDEO_NO_SHOW = "AFTER_HOSTS_CAL_VIDEO_NO_SHOW"
    AFTER_GUESTS_CAL_VIDEO_NO_SHOW = "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"
    FORM_SUBMITTED_NO_EVENT = "FORM_SUBMITTED_NO_EVENT"
    DELEGATION_CREDENTIAL_ERROR = "DELEGATION_CREDENTIAL_ERROR"


class Happening(Enum):
    """What happens to bookings."""

    MADE = auto()
    MOVED = auto()
    CONFIRMED = auto()
    DECLINED = auto()
    CALLED_OFF = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """One of them, of this booking as it is now. `former` is the one that it was moved from."""

    happening: Happening
    booking: SimulatedBooking
    at: datetime
    reason: str = ""
    former: SimulatedBooking | None = None
    moves: int = 0
    """How often it was moved, from the first booking on."""


def trigger_of(change: Change) -> Trigger:
    """A booking that waits for its host is a request, even one that was moved."""
    waits = change.booking.status is BookingStatus.PENDING
    match change.happening:
        case Happening.MADE:
            return Trigger.REQUESTED if waits else Trigger.CREATED
        case Happening.MOVED:
            return Trigger.REQUESTED if waits else Trigger.RESCHEDULED
        case Happening.CONFIRMED:
            return Trigger.CREATED
        case Happening.DECLINED:
            return Trigger.REJECTED
        case Happening.CALLED_OFF:
            return Trigger.CANCELLED
        case _:
            assert_never(change.happening)
