"""A second opinion, without the gateway: a row written and committed through HAProxy, again and again.

Each row that was acknowledged must be there at the end; the longest time between two acknowledgements is the gap.
It waits for its COMMIT as long as that takes and calls nothing off: a COMMIT that is called off while it waits for a
standby is answered as if it had not needed one.
"""

import asyncio
import contextlib
import time
from typing import Final

import asyncpg

PAUSE_SECONDS: Final = 0.05
CONNECT_SECONDS: Final = 2.0


class Probe:
    """Writes at this URL, to a table of its own. `acknowledged`: when each number was, on the monotonic clock."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self.acknowledged: dict[int, float] = {}
        self.failed = 0

    async def prepare(self) -> None:
        connection = await asyncpg.connect(self._url)
        await connection.execute("CREATE TABLE IF NOT EXISTS probe (number bigint PRIMARY KEY)")
        await connection.close()

    async def run(self) -> None:
        """Until cancelled."""
        number = 0
        try:
            while True:
                number += 1
                try:
                    await self._write(number)
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    self.failed += 1
                    self._forget()
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._forget()

    async def _write(self, number: int) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=CONNECT_SECONDS)
        await self._connection.execute("INSERT INTO probe VALUES ($1)", number)
        self.acknowledged[number] = time.monotonic()

    def _forget(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(RuntimeError):
                self._connection.terminate()
        self._connection = None

    async def lost(self) -> int:
        """How many rows were acknowledged and are not there."""
        connection = await asyncpg.connect(self._url)
        try:
            there = {int(row[0]) for row in await connection.fetch("SELECT number FROM probe")}
        finally:
            await connection.close()
        return len(self.acknowledged.keys() - there)
