"""Slots that somebody on the phone thinks about, kept from everybody else who asks here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from einmal.domain.hold import Hold


class Holds(Protocol):
    """The holds of all processes. Every method raises LedgerUnavailable, those that write CommitUnknown too."""

    async def take(self, hold: Hold) -> Hold | None:
        """The hold as it stands from now on, or None where others leave nobody for it: by holds that overlap it, or
        by what they have booked or are booking of the same event type; and for a call that is over.

        Taken again by the same conversation it is the same hold, for as long again. Of more than HOLDS_MAX of one
        conversation the oldest goes.
        """

    async def of_conversation(self, tenant_id: str, conversation_id: str, now: datetime) -> tuple[Hold, ...]:
        """What this conversation holds, oldest first."""

    async def live(self, tenant_id: str, now: datetime, begin: datetime, end: datetime) -> tuple[Hold, ...]:
        """Whoever's holds that overlap [begin, end)."""

    async def release(self, hold_ids: Sequence[str]) -> None:
        """Let these go; they need not be there."""

    async def release_all(self, tenant_id: str, conversation_id: str) -> tuple[Hold, ...]:
        """Let go of all that this conversation holds: what that was, so that its mirror can go too."""

    async def mirrored(self, hold_id: str, reservation_uid: str) -> bool:
        """Note the hold's mirror in the calendar; False where the hold has been let go meanwhile."""

    async def live_starts(
        self, tenant_id: str, conversation_id: str | None, phone_hash: str | None, begin: datetime, end: datetime
    ) -> frozenset[datetime]:
        """When this conversation, or whoever has this line, has or may have an appointment in [begin, end)."""
