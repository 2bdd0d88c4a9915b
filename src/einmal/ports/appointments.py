"""Whose appointments there are, and how each stands in the ledger. Only read."""

from datetime import datetime
from typing import Protocol

from einmal.ports.ledger import StoredReply


class Appointments(Protocol):
    async def of_conversation(self, tenant_id: str, conversation_id: str, limit: int) -> tuple[StoredReply, ...]:
        """What this call has booked or asked for, in any state, newest first."""

    async def of_line(self, tenant_id: str, phone_hash: str, since: datetime, limit: int) -> tuple[StoredReply, ...]:
        """What lives under this phone and begins after `since`, earliest first; also what is in doubt."""

    async def ended_of_line(self, tenant_id: str, phone: str, since: datetime, limit: int) -> tuple[StoredReply, ...]:
        """What was booked under this phone, would begin after `since`, and is cancelled or moved."""

    async def changed_in(self, tenant_id: str, conversation_id: str, limit: int) -> tuple[StoredReply, ...]:
        """What this call has cancelled or moved, or tried to, whichever call booked it; newest change first."""

    async def at(self, tenant_id: str, start: datetime) -> tuple[StoredReply, ...]:
        """What is booked for that very start, whoever's."""
