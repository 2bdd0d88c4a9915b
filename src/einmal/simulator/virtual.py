"""Virtual time: an event loop in which nobody waits. When nothing is ready, the clock jumps to the next timer.

A day of retries, back-off and leases passes in milliseconds, and always in the same order: nothing here depends
on the machine's speed. Whatever runs on it must do without threads and sockets; a loop with nothing left to
wait for is an error and not a hang.
"""

import asyncio
import random
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from einmal.domain.keys import OPERATION_ID_BITS, operation_id

T = TypeVar("T")

MONDAY_MORNING: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""Ten o'clock in Berlin."""


class NothingToWaitFor(Exception):
    """Every task waits for something that no timer and no other task will bring about."""


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting, lets the time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise NothingToWaitFor
        if timeout > 0:
            self.now += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class VirtualClock:
    """The Clock port on the running loop's time. `skew` is how far the local wall clock is off."""

    def __init__(self, start: datetime = MONDAY_MORNING, skew: timedelta = timedelta(0)) -> None:
        self.start = start
        self.skew = skew

    def now(self) -> datetime:
        return self.true_now() + self.skew

    def true_now(self) -> datetime:
        """The time in the calendar, whatever the local clock says. In whole milliseconds."""
        return self.start + timedelta(milliseconds=int(self.monotonic() * 1000))

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SeededIds:
    """The Ids port from one seed: the same ids and the same jitter in every run."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(f"ids:{seed}")  # noqa: S311 - it must be repeatable, not secret
        self._made = 0

    def jitter(self) -> float:
        return self._random.random()

    def operation_id(self) -> str:
        return operation_id(self._random.randbytes(OPERATION_ID_BITS // 8))

    def time_ordered(self) -> str:
        self._made += 1
        return f"{self._made:010d}{self._random.getrandbits(64):016x}"


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time. Raises NothingToWaitFor where it would hang."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
