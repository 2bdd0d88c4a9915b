"""The audit log: who looked at what is personal, and what a person changed. It is only added to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class AuditLog(Protocol):
    async def record(self, event_type: str, description: str, data: Mapping[str, Any], at: datetime) -> None:
        """One row, durable on return. `event_type` is a word of ours; `data` holds ids, nobody's name.

        Raises LedgerUnavailable or CommitUnknown.
        """
