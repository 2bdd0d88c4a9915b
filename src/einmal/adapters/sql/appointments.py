"""Look-ups of appointments: by call, by phone, by start. Each is one indexed read."""

from datetime import datetime
from typing import Final

from einmal.adapters.sql.rows import STORED, instant_text, stored_reply
from einmal.adapters.sql.steps import Store, only
from einmal.ports import StoredReply

_LIVE: Final = "i.state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
_SELECT: Final = STORED.rpartition("WHERE")[0]

# Ids sort by their time of birth.
_OF_CONVERSATION: Final = f"""{_SELECT}
    WHERE i.tenant_id = ? AND i.conversation_id = ? ORDER BY i.intent_id DESC LIMIT ?"""

_OF_LINE: Final = f"""{_SELECT}
    WHERE i.tenant_id = ? AND i.phone_hash = ? AND i.start_at > ? AND {_LIVE}
    ORDER BY i.start_at, i.intent_id LIMIT ?"""

_ENDED_OF_LINE: Final = f"""{_SELECT} JOIN customers c ON c.customer_id = a.customer_id
    WHERE c.tenant_id = ? AND c.phone = ? AND i.person_phone = c.phone AND a.starts_at > ?
      AND i.state IN ('cancelled', 'moved') ORDER BY i.intent_id DESC LIMIT ?"""

_CHANGED_IN: Final = f"""{_SELECT} JOIN changes h ON h.intent_id = i.intent_id
    WHERE h.tenant_id = ? AND h.conversation_id = ? ORDER BY h.change_id DESC LIMIT ?"""

_AT: Final = f"""{_SELECT}
    WHERE i.tenant_id = ? AND i.start_at = ? AND i.generation > 0 AND {_LIVE} ORDER BY i.intent_id"""


class SqlAppointments:
    """The Appointments port. Shares the ledger's store; a reader keeps nobody waiting."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_conversation(self, tenant_id: str, conversation_id: str, limit: int) -> tuple[StoredReply, ...]:
        return await self._found(_OF_CONVERSATION, tenant_id, conversation_id, limit)

    async def of_line(self, tenant_id: str, phone_hash: str, since: datetime, limit: int) -> tuple[StoredReply, ...]:
        return await self._found(_OF_LINE, tenant_id, phone_hash, instant_text(since), limit)

    async def ended_of_line(self, tenant_id: str, phone: str, since: datetime, limit: int) -> tuple[StoredReply, ...]:
        return await self._found(_ENDED_OF_LINE, tenant_id, phone, instant_text(since), limit)

    async def changed_in(self, tenant_id: str, conversation_id: str, limit: int) -> tuple[StoredReply, ...]:
        return await self._found(_CHANGED_IN, tenant_id, conversation_id, limit)

    async def at(self, tenant_id: str, start: datetime) -> tuple[StoredReply, ...]:
        return await self._found(_AT, tenant_id, instant_text(start))

    async def _found(self, statement: str, *values: str | int) -> tuple[StoredReply, ...]:
        return tuple(stored_reply(row) for row in await self._store.read(only(statement, *values)))
