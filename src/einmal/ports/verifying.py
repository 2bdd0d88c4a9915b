"""Appointments that are read once more, some seconds after they were booked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from einmal.ports.ledger import StoredReply


class Verifying(Protocol):
    """All raise LedgerUnavailable or CommitUnknown."""

    async def claim_unverified(
        self, now: datetime, lease_until: datetime, limit: int, tenants: Sequence[str]
    ) -> tuple[StoredReply, ...]:
        """Those of these tenants that are due, longest overdue first, and nobody else's until then."""

    async def verified(self, intent_id: str) -> None:
        """It has been read, and was as the ledger has it, or was mended, or is somebody's to look into."""

    async def verify_again(self, intent_id: str, at: datetime) -> None:
        """It could not be read."""
