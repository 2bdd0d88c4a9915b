"""Which new appointments are still to be read once more: a state of their rows, like every queue here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from einmal.adapters.sql.queues import due_by
from einmal.adapters.sql.rows import STORED, instant_text, stored_reply
from einmal.adapters.sql.steps import SKIP_LOCKED, Statement, Steps, Store, only
from einmal.ports import StoredReply

_DUE: Final = f"""
    SELECT intent_id FROM appointments WHERE (verify_at <= ? OR verify_at > ?) AND tenant_id IN ({{marks}})
    ORDER BY verify_at, intent_id LIMIT ? {SKIP_LOCKED}"""  # noqa: S608 - constants only

_AGAIN: Final = "UPDATE appointments SET verify_at = ? WHERE intent_id = ?"


class SqlVerifying:
    """The Verifying port. Shares the ledger's store, and with it the commits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim_unverified(
        self, now: datetime, lease_until: datetime, limit: int, tenants: Sequence[str]
    ) -> tuple[StoredReply, ...]:
        asked = _DUE.format(marks=", ".join("?" for _ in tenants))

        def work() -> Steps[tuple[StoredReply, ...]]:
            due = yield Statement(asked, (*due_by(now), *tenants, limit))
            claimed = []
            for (intent_id,) in due:
                yield Statement(_AGAIN, (instant_text(lease_until), intent_id))
                rows = yield Statement(STORED, (intent_id,))
                claimed.append(stored_reply(rows[0]))
            return tuple(claimed)

        return await self._store.write(work) if tenants else ()

    async def verified(self, intent_id: str) -> None:
        await self._store.write(only(_AGAIN, None, intent_id))

    async def verify_again(self, intent_id: str, at: datetime) -> None:
        await self._store.write(only(_AGAIN, instant_text(at), intent_id))
