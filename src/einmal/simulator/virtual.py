"""Virtual time: an event loop in which nobody waits. When nothing is ready, the clock jumps to the next timer.

A day of retries, back-off and leases passes in milliseconds, and always in the same order: nothing here depends
on the machine's speed. Whatever runs on it must do without threads and sockets; a loop with nothing left to
wait for is an error and not a hang.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any, Final, TypeVar

from einmal.domain.keys import OPERATION_ID_BITS, operation_id

T = TypeVar("T")

MONDAY_MORNING: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""Ten o'clock in Berlin."""


class NothingToWaitFor(Exception):
    """Every task waits for something that no timer and no other task will bring about."""


class _Handle:
    """What was asked to be called. Lighter than asyncio's own, which keeps what debugging wants."""

    __slots__ = ("args", "callback", "context", "gone", "when")

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None, when: float = 0.0
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context or copy_context()
        self.when = when
        self.gone = False

    def cancel(self) -> None:
        self.gone = True

    def cancelled(self) -> bool:
        return self.gone


class VirtualLoop(asyncio.AbstractEventLoop):
    """As much of an event loop as tasks, futures and time-outs need, and nothing that touches the machine.

    What is ready runs in the order in which it became ready; timers of one moment in the order they were set.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._ready: deque[_Handle] = deque()
        self._timers: list[tuple[float, int, _Handle]] = []
        self._set = 0
        self._running = False
        self._closed = False
        self.unheard: list[dict[str, Any]] = []
        """What failed where nobody was listening."""

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        handle = _Handle(callback, args, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        handle = _Handle(callback, args, context, when)
        self._set += 1
        heappush(self._timers, (when, self._set, handle))
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> "asyncio.Task[Any]":
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def run_until_complete(self, future: Any) -> Any:
        main = asyncio.ensure_future(future, loop=self)
        outer = asyncio._get_running_loop()  # noqa: SLF001 - how a loop says that it runs
        asyncio._set_running_loop(self)  # noqa: SLF001
        self._running = True
        try:
            self._run_until(main)
        finally:
            self._running = False
            asyncio._set_running_loop(outer)  # noqa: SLF001
        return main.result()

    def _run_until(self, main: "asyncio.Future[Any]") -> None:
        ready, timers = self._ready, self._timers
        while not main.done():
            if not ready:
                self._jump(ready, timers)
            for _ in range(len(ready)):
                handle = ready.popleft()
                if not handle.gone:
                    handle.context.run(handle.callback, *handle.args)

    def _jump(self, ready: "deque[_Handle]", timers: list[tuple[float, int, _Handle]]) -> None:
        """To the next timer that is still wanted, with all others of that moment."""
        while timers:
            when, _, handle = heappop(timers)
            if handle.gone:
                continue
            self._now = max(self._now, when)
            ready.append(handle)
            while timers and timers[0][0] <= self._now:
                handle = heappop(timers)[2]
                if not handle.gone:
                    ready.append(handle)
            return
        raise NothingToWaitFor

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.unheard.append(context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True

    async def shutdown_asyncgens(self) -> None:
        return


class VirtualClock:
    """The Clock port on the running loop's time. `skew` is how far the local wall clock is off."""

    def __init__(self, start: datetime = MONDAY_MORNING, skew: timedelta = timedelta(0)) -> None:
        self.start = start
        self.skew = skew
        self._read = (-1.0, start)

    def now(self) -> datetime:
        return self.true_now() + self.skew if self.skew else self.true_now()

    def true_now(self) -> datetime:
        """The time in the calendar, whatever the local clock says. In whole milliseconds."""
        at = asyncio.get_running_loop().time()
        # Virtual time stands still for as long as anything is ready: most readings are the last one again.
        if self._read[0] != at:
            self._read = (at, self.start + timedelta(milliseconds=int(at * 1000)))
        return self._read[1]

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


class TimedIds(SeededIds):
    """As those of a machine: later ones sort after earlier ones, whichever process made them."""

    def __init__(self, seed: int, clock: VirtualClock) -> None:
        super().__init__(seed)
        self._clock = clock

    def time_ordered(self) -> str:
        return f"{round(self._clock.monotonic() * 1000):010d}{self._random.getrandbits(64):016x}"


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time. Raises NothingToWaitFor where it would hang."""
    loop = VirtualLoop()  # type: ignore[abstract]
    try:
        result: T = loop.run_until_complete(main)
    finally:
        _cancel_what_is_left(loop)
        loop.close()
    return result


def _cancel_what_is_left(loop: VirtualLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
