"""What a call on the calendar can come to, as values: a refusal by Cal.com is no exception here."""

from dataclasses import dataclass
from enum import Enum

from einmal.simulator.records import SimulatedBooking


class Refusal(Enum):
    """Why Cal.com would not do it."""

    UNKNOWN_EVENT_TYPE = "unknown event type"
    IN_THE_PAST = "in the past"
    TOO_SOON = "inside the minimum notice"
    NO_FREE_HOST = "no host is free"
    UNSTORABLE_TEXT = "text that the database cannot hold"
    UNKNOWN_BOOKING = "unknown booking"
    ALREADY_CANCELLED = "already cancelled"
    ALREADY_RESCHEDULED = "already rescheduled"
    ALREADY_ACCEPTED = "already accepted"
    ALREADY_SIGNED_UP = "has a seat already"
    NO_SEATS_LEFT = "no seats left"
    UNKNOWN_SEAT = "unknown seat"
    ENDED = "already ended"
    TOO_MANY_BOOKINGS = "as many bookings as one booker may have"
    RESERVED = "reserved by somebody"
    BOOKED = "booked by somebody"
    NO_HOST_TO_RESERVE = "reserved as often as there are hosts"
    UNKNOWN_RESERVATION = "unknown reservation"
    # One event, two answers: a production build hides the database's error from the code that would name it.
    LOST_RACE = "the unique key was taken first"
    LOST_RACE_REDACTED = "the unique key was taken first, and the error that says so was hidden"


@dataclass(frozen=True)
class Created:
    """A new row was written, or a seat in one."""

    booking: SimulatedBooking
    seat_uid: str | None = None


@dataclass(frozen=True)
class Existing:
    """No row was written: this older one was taken to be the same wish."""

    booking: SimulatedBooking


@dataclass(frozen=True)
class Changed:
    """A row was replaced."""

    booking: SimulatedBooking


@dataclass(frozen=True)
class Refused:
    """Nothing was written."""

    reason: Refusal
