"""Who wants to be called back, until somebody has done it."""

from datetime import datetime
from typing import Protocol

from einmal.domain.callback import Callback


class Callbacks(Protocol):
    """All raise LedgerUnavailable where nothing was written, CommitUnknown where nobody knows."""

    async def note(self, callback: Callback) -> tuple[Callback, bool]:
        """Write it down and put it into the outbox, in one commit; what stands, and whether it is new.

        The same phone in the same conversation, while that one is open, is the same call-back: what is said anew is
        added to it, and nobody is told twice. So a note whose commit is unknown may be made again.
        """

    async def open_ones(self, tenant_id: str, limit: int) -> tuple[Callback, ...]:
        """Those that nobody has done yet, oldest first."""

    async def count_open(self, tenant_id: str) -> int: ...

    async def done(self, callback_id: str, at: datetime) -> bool:
        """Somebody has called: whether it was open until now."""
