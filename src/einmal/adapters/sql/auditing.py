"""The audit log's rows."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from einmal.adapters.sql.rows import instant_text
from einmal.adapters.sql.steps import Store, only

_RECORD: Final = "INSERT INTO system_audit_log (event_type, description, data, created_at) VALUES (?, ?, ?, ?)"


class SqlAuditLog:
    """The AuditLog port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def record(self, event_type: str, description: str, data: Mapping[str, Any], at: datetime) -> None:
        await self._store.write(only(_RECORD, event_type, description, json.dumps(dict(data)), instant_text(at)))
