"""Retention: some time after an appointment nobody need know whose it was, and the ledger forgets it by itself.

A little at a time, one tenant after the other, in every worker: two that meet leave each other's rows alone. A tenant
that is served no longer is among them.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from einmal.ports import Clock
from einmal.ports.forgetting import ForgettingBooks

EVERY_SECONDS: Final = 600.0
"""Days are counted here: some minutes more or less are nobody's."""

A_TIME: Final = 100
"""Rows of a kind in one transaction. Callers share the ledger with it."""

SAID_FOR: Final = timedelta(days=14)
"""What was told in a call, and who was called back: as long as logs, for nothing is promised by it any more."""


@dataclass(slots=True)
class Retention:
    """`kept_for`: how long after an appointment's end its person is known; None: for ever, and what was said too."""

    books: ForgettingBooks
    tenants: Callable[[], Awaitable[tuple[str, ...]]]
    clock: Clock
    kept_for: timedelta | None
    _left: deque[str] = field(default_factory=deque, init=False)
    _due_at: float = field(default=0.0, init=False)
    _forgotten: bool = field(default=False, init=False)
    """Something was, and its files are not scrubbed yet."""

    async def turn(self) -> int:
        """One tenant's share; how many rows it was. Raises LedgerUnavailable or CommitUnknown."""
        if self.kept_for is None:
            return 0
        if not self._left:
            if self.clock.monotonic() < self._due_at:
                return 0
            self._left.extend(await self.tenants())
            self._due_at = self.clock.monotonic() + EVERY_SECONDS
        return await self._share(self.kept_for) if self._left else 0

    async def _share(self, kept_for: timedelta) -> int:
        now, tenant_id = self.clock.now(), self._left[0]
        count = await self.books.forget(tenant_id, now - kept_for, now - min(SAID_FOR, kept_for), now, A_TIME)
        self._forgotten = self._forgotten or count > 0
        if count < A_TIME:
            self._left.popleft()
        if not self._left and self._forgotten:
            self._forgotten = not await self.books.scrub()
        return count
