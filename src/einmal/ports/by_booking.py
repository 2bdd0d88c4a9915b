"""From an appointment to its booking at the calendar."""

from typing import Protocol


class BookingUids(Protocol):
    async def uid_of(self, appointment_id: str) -> str | None:
        """The calendar's id of this appointment's booking. Raises LedgerUnavailable."""
