"""The journal is kept beside the calls, not in their way: noted at once, written a moment later by the worker.

A process that dies loses what it noted in its last second or so. Nothing is decided by it; what was promised and what
was booked is in rows of their own, written before anybody was told.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from einmal.domain.facts import Fact, LookedUp
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.journal import Entry, FunctionCalled, Journal

AT_ONCE: Final = 200
KEPT_MAX: Final = 5_000
"""What is kept while the ledger cannot be written: some minutes of a busy line. The oldest goes first."""


class JournalKeeping:
    """The Observer port too: what is looked for is told as a fact."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._entries: deque[Entry] = deque(maxlen=KEPT_MAX)

    def note(self, call: FunctionCalled) -> None:
        self._entries.append(call)

    def observe(self, facts: Sequence[Fact]) -> None:
        self._entries.extend(fact for fact in facts if isinstance(fact, LookedUp))

    async def turn(self) -> None:
        """Write what was noted. Raises LedgerUnavailable or CommitUnknown, and then keeps it for the next time."""
        while self._entries:
            some = tuple(self._entries.popleft() for _ in range(min(AT_ONCE, len(self._entries))))
            try:
                await self._journal.write(some)
            except (LedgerUnavailable, CommitUnknown) as failure:
                # Written perhaps: a function call is known by its id, a look would be told twice.
                again = some if isinstance(failure, LedgerUnavailable) else _known_by_id(some)
                self._entries.extendleft(reversed(again[: KEPT_MAX - len(self._entries)]))
                raise

    async def close(self) -> None:
        """What is left is written, if that can be done now."""
        try:
            await self.turn()
        except (LedgerUnavailable, CommitUnknown):
            return


def _known_by_id(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if isinstance(entry, FunctionCalled))
