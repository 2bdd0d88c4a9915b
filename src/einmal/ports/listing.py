"""Bookings as a house's own programs ask for them: one by its name, or a page of those that stand. Only read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from einmal.ports.ledger import StoredReply


@dataclass(frozen=True, slots=True)
class Position:
    """The last booking of a page."""

    start: datetime
    intent_id: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which ones. Those that begin in [begin, end), of this phone, this e-mail and this conversation as far as given.

    The person's are hashes, as the keys of wishes have them.
    """

    begin: datetime
    end: datetime
    phone_hash: str | None = None
    email_hash: str | None = None
    conversation_id: str | None = None


class Listing(Protocol):
    """All raise LedgerUnavailable."""

    async def named(self, tenant_id: str, ref: str) -> StoredReply | None:
        """The tenant's booking of this name: its appointment's, or its intent's."""

    async def of_key(self, tenant_id: str, intent_key: str) -> StoredReply | None:
        """What has become of a wish, by its key: its newest generation."""

    async def page(self, tenant_id: str, which: Filter, after: Position | None, limit: int) -> tuple[StoredReply, ...]:
        """What stands or may stand, in the order of time. Of a composite its first segment alone."""
