"""What is counted by day: added up in memory as it happens, and written every few seconds.

A process that dies loses what it counted since it last wrote: ten seconds at most, while the ledger can be written.
These are figures for a report; nothing is decided by them.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date
from typing import Final

from einmal.domain.facts import Fact
from einmal.domain.tally import Tally, tallied
from einmal.ports import Clock, CommitUnknown, LedgerUnavailable
from einmal.ports.reporting import TallyBooks

EVERY_SECONDS: Final = 10.0

KEPT_MAX: Final = 4_000
"""Words and days that are kept while the ledger cannot be written. The words are a closed set of a few hundred, so
this is more than a week of them; what is beyond it is not counted."""


class Tallying:
    """The Observer port too. `functions`: those that are known here, by our own words."""

    def __init__(self, books: TallyBooks, clock: Clock, functions: Collection[str]) -> None:
        self._books = books
        self._clock = clock
        self._functions = frozenset(functions)
        self._counted: dict[tuple[date, str], Tally] = {}
        self._due = clock.monotonic() + EVERY_SECONDS

    def observe(self, facts: Sequence[Fact]) -> None:
        """Told after the commit. Neither raises nor blocks."""
        for fact in facts:
            for word, tally in tallied(fact, self._functions).items():
                self._add((fact.at.astimezone(UTC).date(), word), tally)

    async def turn(self) -> None:
        """Write, if it is time. Raises LedgerUnavailable or CommitUnknown; the next try is ten seconds later."""
        if self._clock.monotonic() >= self._due:
            self._due = self._clock.monotonic() + EVERY_SECONDS
            await self.flush()

    async def flush(self) -> None:
        """Write what was counted. What surely was not written is kept for the next time; what may have been is let go,
        so that nothing is counted twice."""
        counted, self._counted = self._counted, {}
        try:
            await self._books.add(counted)
        except LedgerUnavailable:
            for place, tally in counted.items():
                self._add(place, tally)
            raise

    async def close(self) -> None:
        """What is left is written, if that can be done now."""
        try:
            await self.flush()
        except (LedgerUnavailable, CommitUnknown):
            return

    def _add(self, place: tuple[date, str], tally: Tally) -> None:
        known = self._counted.get(place)
        if known is not None or len(self._counted) < KEPT_MAX:
            self._counted[place] = tally if known is None else known + tally
