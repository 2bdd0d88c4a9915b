"""settle(): what do the bookings that a look-up saw say of an intent in doubt?

Only our operation id counts. An empty look never proves absence by itself: it may end a doubt only where
the calendar has answered that the slot is not ours (a conflict, a foreign booking); a lost answer waits
for the settle window.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from einmal.domain.intent import Intent
from einmal.domain.model import Booking, BookingStatus, MetadataKey


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly one live booking carries our id, at the start and of the type that we asked for."""

    booking: Booking

    @property
    def pending(self) -> bool:
        return self.booking.status is BookingStatus.PENDING


@dataclass(frozen=True, slots=True)
class Absent:
    """Everything under the attendee's address was seen, and nothing of it carries our id."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing can be concluded; look again later. `why` is a short word."""

    why: str


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """Our id where it should not be: twice, or at another time or type. `why` is a short word."""

    why: str


Settlement = Found | Absent | Unclear | NeedsPerson


def settle(intent: Intent, seen: Sequence[Booking], *, complete: bool) -> Settlement:
    """What the look-up means. `complete` is False where more rows may exist than were seen."""
    ours = [booking for booking in seen if booking.metadata.get(MetadataKey.OPERATION_ID) == intent.operation_id]
    live = [booking for booking in ours if booking.status.live]
    if not live:
        if ours:
            return Unclear("ended")
        return Absent() if complete else Unclear("page_full")
    if len({booking.uid for booking in live}) > 1:
        return NeedsPerson("twice")
    booking = live[0]
    wish = intent.wish
    if booking.start != wish.start or booking.event_type_id != wish.service.event_type_id:
        return NeedsPerson("wrong_time")
    return Found(booking)
