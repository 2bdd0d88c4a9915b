"""The import: appointments of another program become known to the ledger, some hundred in each commit.

Where it is killed it is begun again: what was taken over is known by where it came from and by its booking, and only
what is new is written. Nothing is asked of the calendar, and nothing is changed there or in the other program's table.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from einmal.domain.takeover import LeftOut, LeftWhy, Old
from einmal.flows.calls import OPEN_MAX
from einmal.ports import Clock, CommitUnknown, LedgerUnavailable
from einmal.ports.importing import ImportBooks, Preview, RefusedRows, Weighed

T = TypeVar("T")

BATCH: Final = 250
"""Enough that the commit no longer dominates; few enough that a caller whose booking waits for it does not notice."""

PAUSE_SECONDS: Final = 0.02
"""Between two commits, so that callers find the ledger free as well."""

WAITS: Final = (0.5, 2.0, 5.0, 10.0)
"""How long a ledger that does not answer is waited for, before it is given up: callers come first."""

DISTINCT_MAX: Final = 100
"""So many different details are counted one by one."""

Row = Old | LeftOut
Told = Callable[[int], None]
"""Called after each batch with how many rows it has come to."""


@dataclass(slots=True)
class Tally:
    """What became, or would become, of all rows. `shown` are the first of those left out."""

    rows: int = 0
    known: int = 0
    differ: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    left: Counter[LeftWhy] = field(default_factory=Counter)
    details: Counter[tuple[LeftWhy, str]] = field(default_factory=Counter)
    shown: list[LeftOut] = field(default_factory=list)

    @property
    def unwanted(self) -> int:
        """How many are left out though the mapping does not say so."""
        return self.left.total() - self.left[LeftWhy.SKIPPED]

    def add(self, weighed: Weighed, shown_max: int) -> None:
        self.known += weighed.known
        self.differ += weighed.differ
        self.taken.update(old.state.value for old in weighed.fresh)
        for one in weighed.left:
            self.left[one.why] += 1
            if len(self.shown) < shown_max and one.why is not LeftWhy.SKIPPED:
                self.shown.append(one)
            detail = (one.why, one.detail)
            if one.detail and (detail in self.details or len(self.details) < DISTINCT_MAX):
                self.details[detail] += 1


@dataclass(frozen=True, slots=True)
class TakingOver:
    """One tenant's."""

    tenant_id: str
    hash_key: bytes
    books: ImportBooks
    clock: Clock

    async def plan(self, rows: Iterable[Row], shown_max: int, told: Told) -> Tally:
        """What an import would do. Raises LedgerUnavailable or CommitUnknown, and so does `apply`."""
        tally, preview = Tally(), self.books.preview(self.tenant_id, self.hash_key)
        try:
            for olds in _batches(rows, tally, shown_max):
                tally.add(await self._patiently(partial(_looked, preview, olds)), shown_max)
                told(tally.rows)
        finally:
            preview.close()
        return tally

    async def apply(self, rows: Iterable[Row], shown_max: int, told: Told) -> Tally:
        tally = Tally()
        for olds in _batches(rows, tally, shown_max):
            for weighed in await self._patiently(partial(self._written, olds)):
                tally.add(weighed, shown_max)
            told(tally.rows)
            await self.clock.sleep(PAUSE_SECONDS)
        return tally

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Again, where the ledger did not answer: what it has written after all is known then."""
        for wait in WAITS:
            try:
                return await work()
            except (LedgerUnavailable, CommitUnknown):
                await self.clock.sleep(wait)
        return await work()

    async def _written(self, olds: Sequence[Old]) -> list[Weighed]:
        """All of them in one commit; where one is refused, in halves, until that one is alone."""
        if not olds:
            return []
        try:
            over_before = self.clock.now() - OPEN_MAX
            return [await self.books.take_over(self.tenant_id, self.hash_key, olds, over_before)]
        except RefusedRows:
            if len(olds) == 1:
                return [Weighed((), 0, (LeftOut(olds[0].ref, LeftWhy.REFUSED),))]
            middle = len(olds) // 2
            return [*await self._written(olds[:middle]), *await self._written(olds[middle:])]


async def _looked(preview: Preview, olds: Sequence[Old]) -> Weighed:
    return await preview.look(olds) if olds else Weighed((), 0, ())


def _batches(rows: Iterable[Row], tally: Tally, shown_max: int) -> Iterator[tuple[Old, ...]]:
    """Those that can be taken over, some at a time; the others are counted."""
    left = iter(rows)
    while some := tuple(islice(left, BATCH)):
        tally.rows += len(some)
        tally.add(Weighed((), 0, tuple(one for one in some if isinstance(one, LeftOut))), shown_max)
        yield tuple(one for one in some if isinstance(one, Old))
