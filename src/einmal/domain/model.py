"""The nouns: what a caller wants, who they are, and what the calendar holds.

Everything here is frozen, and every instant is an aware datetime in UTC; local time exists only at the
two ends (what was said, what is spoken). A naive datetime is a bug and raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum


def instant(value: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a naive datetime, which names no instant."""
    if value.tzinfo is None:
        raise ValueError("a naive datetime names no instant; give it a time zone")
    return value.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Segment:
    """One of the bookings that a composite service is made of, `gap_minutes` after the end of the one before."""

    event_type_id: int
    duration_minutes: int
    gap_minutes: int = 0
    staff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """What can be booked. `event_type_id` is Cal.com's; aliases are other names callers use.

    `staff` are the ids of those who do it, empty being everybody; `notice` and `horizon` bound when it may be wished;
    by itself only as far as a date is understood at all. With `segments` it is a composite: one appointment to the
    caller, and a booking of each segment at Cal.com. Then `event_type_id` is the first one's, and what is booked is
    never this service but each of its parts (domain/composite).
    """

    service_id: str
    name: str
    event_type_id: int
    duration_minutes: int
    aliases: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    notice: timedelta = timedelta(0)
    horizon: timedelta = timedelta(days=731)
    description: str = ""
    segments: tuple[Segment, ...] = ()

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.duration_minutes)


@dataclass(frozen=True, slots=True)
class Person:
    """Who the appointment is for. `phone` is E.164 and absent when unknown or withheld; so is `email`.

    A NUL is no part of any name, and not every database can hold one.
    """

    name: str
    phone: str | None = None
    email: str | None = None

    def __post_init__(self) -> None:
        if "\0" in self.name:
            object.__setattr__(self, "name", self.name.replace("\0", ""))
        if self.email is not None:
            # Always in one form: Cal.com tells addresses apart by their case, people do not.
            object.__setattr__(self, "email", self.email.lower())


class PersonKind(StrEnum):
    """By what a person is told from others. Only phone and e-mail identify across phone calls."""

    PHONE = "phone"
    EMAIL = "email"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller wants: a service, a start, a person; said in a conversation.

    `conversation_id` is the platform's call id where one is known; `staff` a wish for somebody, in words.
    """

    tenant_id: str
    conversation_id: str | None
    service: Service
    start: datetime
    person: Person
    staff: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", instant(self.start))

    @property
    def end(self) -> datetime:
        return self.start + self.service.duration


class BookingStatus(StrEnum):
    ACCEPTED = "accepted"
    PENDING = "pending"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def live(self) -> bool:
        return self in {BookingStatus.ACCEPTED, BookingStatus.PENDING}


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as the calendar told it: evidence, not yet believed.

    `created_at` is None where the calendar sent none or sent nonsense: no evidence either way. `end` is None
    where it was not told; nothing is judged by it.
    """

    uid: str
    status: BookingStatus
    start: datetime
    end: datetime | None
    event_type_id: int
    created_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    attendee_emails: tuple[str, ...] = ()
    attendee_name: str | None = None
    host_name: str | None = None
    updated_at: datetime | None = None
    moved_from: str | None = None
    moved_to: str | None = None
    """The uids of the bookings that this one was before, and became, by being rescheduled."""

    def __post_init__(self) -> None:
        for name in ("start", "end", "created_at", "updated_at"):
            value: datetime | None = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, instant(value))


@dataclass(frozen=True, slots=True)
class Offer:
    """A free slot that can be booked, as the calendar listed it. Advisory: never trusted at commit."""

    start: datetime
    service_id: str


class MetadataKey(StrEnum):
    """What travels on a booking, so that it can be told whose it is. Never `videoCallUrl`: Cal.com eats it."""

    CALL_ID = "call_id"
    OPERATION_ID = "einmal_op"
