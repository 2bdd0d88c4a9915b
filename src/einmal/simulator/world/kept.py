"""A booking as the world's calendar keeps it: all that it ever was, for replicas that lag and for the auditor."""

from dataclasses import dataclass, replace
from datetime import datetime

from einmal.domain.invariants import By, Life
from einmal.domain.model import Booking, BookingStatus, MetadataKey


@dataclass(slots=True)
class Kept:
    """A booking with its history: (instant, status) in order."""

    booking: Booking
    """As it stands now."""
    history: list[tuple[datetime, BookingStatus]]
    host: int
    made_by: By
    ended_by: By | None = None

    def becomes(self, status: BookingStatus, at: datetime) -> None:
        self.history.append((at, status))
        self.booking = replace(self.booking, status=status, updated_at=at)

    def as_it_was(self, at: datetime) -> Booking | None:
        """What a replica shows that has seen no more than this."""
        if self.history[-1][0] <= at:
            return self.booking
        status = self.status_at(at)
        return None if status is None else replace(self.booking, status=status)

    def status_at(self, at: datetime) -> BookingStatus | None:
        status = None
        for since, then in self.history:
            if since > at:
                break
            status = then
        return status


def life_of(kept: Kept) -> Life:
    ended = kept.history[-1]
    accepted = next((since for since, status in kept.history if status is BookingStatus.ACCEPTED), None)
    booking = kept.booking
    return Life(
        uid=booking.uid,
        operation_id=booking.metadata.get(MetadataKey.OPERATION_ID),
        start=booking.start,
        event_type_id=booking.event_type_id,
        since=kept.history[0][0],
        until=None if ended[1].live else ended[0],
        made_by=kept.made_by,
        ended_by=kept.ended_by,
        pending_until=accepted,
        end=booking.end,
        resource=f"host {kept.host}",
    )
