"""What is counted by day: added to the rows that are there, so that several processes add up."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from einmal.adapters.sql.steps import Statement, Steps, Store
from einmal.domain.tally import Tally

_ADD: Final = """
    INSERT INTO tallies (day, what, count, total) VALUES (?, ?, ?, ?)
    ON CONFLICT (day, what) DO UPDATE SET count = tallies.count + excluded.count, total = tallies.total + excluded.total
"""


class SqlTallies:
    """The TallyBooks port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, tallies: Mapping[tuple[date, str], Tally]) -> None:
        def work() -> Steps[None]:
            # In one order everywhere: of two processes that add at once, none waits for the other's second row.
            for (day, what), one in sorted(tallies.items(), key=lambda item: item[0]):
                yield Statement(_ADD, (day.isoformat(), what, one.count, one.seconds))

        if tallies:
            await self._store.write(work)
