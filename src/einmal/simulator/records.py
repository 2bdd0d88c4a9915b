"""What the simulated Cal.com knows: hosts, event types, bookings.

Every record is frozen: a booking that changes is replaced by a new record, so whoever holds an old one
(an auditor, an answer under way) keeps what was true when it looked. All moments are aware; the calendar
turns them into UTC on the way in, as Cal.com's database does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class Scheduling(Enum):
    """Who takes a booking: the only host, whichever host of the team is free, or all of them together."""

    INDIVIDUAL = "individual"
    ROUND_ROBIN = "roundRobin"
    COLLECTIVE = "collective"


class BookingStatus(Enum):
    """The four states a booking can be in, spelled as on the wire."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Host:
    """A person whose time is booked."""

    id: int
    name: str
    email: str
    username: str
    time_zone: str = "UTC"


@dataclass(frozen=True)
class EventType:
    """Something that can be booked, and the rules under which it can."""

    id: int
    slug: str
    title: str
    length_minutes: int
    hosts: tuple[Host, ...]
    scheduling: Scheduling
    requires_confirmation: bool = False
    # Cal.com's requiresConfirmationWillBlockSlot: without it a pending booking keeps nobody else out.
    confirmation_blocks_slot: bool = False
    minimum_notice_minutes: int = 0
    opens: tuple[int, int] = (0, 24)  # hours of the local day, the second one excluded
    time_zone: str = "UTC"
    location: str = "https://example.test/meet"
    seats: int | None = None  # how many people share one booking; None: it is one person's own
    # Cal.com's maxActiveBookingsPerBooker: accepted bookings to come, counted by e-mail.
    bookings_per_booker: int | None = None
    # It asks for the phone and hides the e-mail, as one sets it up for callers: an e-mail that is sent all the
    # same is dropped, and one made from the number is stored in its place.
    asks_for_phone: bool = False

    def is_owned_by(self, account: str) -> bool:
        """Whether this account may see and rule on its bookings: every host may, in a team too."""
        return account in {host.username for host in self.hosts}


@dataclass(frozen=True)
class Attendee:
    """A person who comes. E-mail and phone are kept as typed, since Cal.com compares them as typed."""

    name: str
    email: str
    phone: str | None = None
    time_zone: str = "UTC"
    language: str = "en"


@dataclass(frozen=True)
class Seat:
    """One person's place in a shared booking; metadata is the seat's and not the booking's."""

    uid: str
    attendee: Attendee
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SimulatedBooking:
    """One row of the booking table."""

    id: int
    uid: str
    event_type: EventType
    host: Host
    status: BookingStatus
    start: datetime
    end: datetime
    created_at: datetime
    updated_at: datetime
    attendee: Attendee
    guests: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    responses: Mapping[str, object] = field(default_factory=dict)
    cancellation_reason: str = ""
    location: str = "https://example.test/meet"
    # Cal.com's unique idempotencyKey over host, start and end. Only a booking that was born accepted has one,
    # and it loses it for good when it is called off.
    has_unique_key: bool = False
    rescheduled_from: str | None = None
    rescheduled_to: str | None = None
    rescheduling_reason: str = ""
    rescheduled_by: str | None = None
    # Calendars know a booking by this; it stays that of the first booking through all reschedulings.
    first_uid: str | None = None
    seats: tuple[Seat, ...] = ()

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Everybody whose time it takes."""
        return self.event_type.hosts if self.event_type.scheduling is Scheduling.COLLECTIVE else (self.host,)

    @property
    def attendees(self) -> tuple[Attendee, ...]:
        """The booker and a nameless row per guest: Cal.com stores and matches guests as attendees.

        Hosts beside the first count among them too, and of a shared booking whoever has a seat.
        """
        if self.event_type.seats is not None:
            return tuple(seat.attendee for seat in self.seats)
        booker = self.attendee
        return (
            booker,
            *(Attendee("", email, None, booker.time_zone, booker.language) for email in self.guests),
            *(Attendee(host.name, host.email, None, host.time_zone) for host in self.hosts if host != self.host),
        )

    @property
    def blocks_host(self) -> bool:
        """Whether nobody else can have the host at this time."""
        return self.status is BookingStatus.ACCEPTED or (
            self.status is BookingStatus.PENDING and self.event_type.confirmation_blocks_slot
        )


@dataclass(frozen=True)
class Reservation:
    """A slot kept off the lists for a while. It stops nobody from booking it."""

    uid: str
    event_type: EventType
    host: Host  # whose lists it is kept off: of a team's event type, the first host's, and so all of that type's
    start: datetime
    end: datetime
    created_at: datetime
    until: datetime
