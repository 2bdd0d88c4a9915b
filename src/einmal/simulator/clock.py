"""A clock that stands until it is moved, so that 35 minutes between two phone calls take no time."""

import asyncio
import time
from datetime import datetime, timedelta


class SteppedClock:
    """The wall clock stands still; durations are the machine's own."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def pass_time(self, span: timedelta) -> None:
        self._now += span
