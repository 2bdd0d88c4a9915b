"""Processes that can be killed between any two steps, as by kill -9.

A process runs only while one of its tasks makes a step: from where it is resumed to where it suspends again. So it
can only die between two steps, and whoever kills it there, at each of them in turn, has killed it everywhere that
matters. Nothing of a dead process is ever resumed: no `except`, no `finally`, no callback, no reply that was made
and not sent. What it had sent goes on, for that is not in the process any more.

Calls of the ledger suspend before and after they are done, as a real one's do. So a process dies before each commit
and after it, when it is on disk and nobody has heard of it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from einmal.simulator.virtual import VirtualLoop

_CLAIMS: Final = frozenset({"claim_due", "claim_sweep", "claim_messages"})
COMMITS: Final = _CLAIMS | {"admit", "apply", "looked", "promise", "swept", "enter", "heard", "sent", "not_sent"}
"""The ledger's, the gates' and the outbox's calls that write."""

_READS: Final = frozenset({"stored", "by_operations", "known_booking", "in_states"})
_ASKS: Final = frozenset({"create", "find", "read", "changes", "slots", "cancel", "send"})

_HERE: "ContextVar[Life | None]" = ContextVar("life", default=None)


class Point(NamedTuple):
    """Between two steps. `differs`: from the point before, for since then something left the process or time passed.

    Where it does not, to die here is to have died there: nobody outside can tell the two apart.
    """

    what: str
    differs: bool


class Life:
    """A process from its start to its death.

    `die` is told of each point at which it could, and says whether it does.
    """

    def __init__(self, die: "Callable[[Life, Point], bool]") -> None:
        self.dead = False
        self.doing = ""
        """What the step that is being made is about."""
        self.told = True
        """It has just begun, or something has been written, sent or answered since the last point."""
        self._die = die
        self._stepped_at = 0.0

    def start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """A task of this process, and so is each that it makes."""
        context = copy_context()
        context.run(_HERE.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def before(self, now: float) -> bool:
        """Whether a step may be made. Where no time has passed since the last, dying was offered then."""
        if not self.dead and now > self._stepped_at:
            self.dead = self._die(self, Point("later", True))
        self.doing = ""
        return not self.dead

    def after(self, now: float) -> bool:
        """Whether what the step led to is still heard of."""
        self._stepped_at = now
        point, self.told = Point(self.doing or "step", self.told), False
        self.dead = self.dead or self._die(self, point)
        return not self.dead


@dataclass(slots=True)
class Deaths:
    """Where to die: `at`, the number of the point in the first life, in the second, and so on; None to live on.

    `points`: those passed, of each life.
    """

    at: list[int | None]
    points: list[list[Point]] = field(default_factory=lambda: [[]])

    def here(self, point: Point) -> bool:
        """Whether to die at this one, which is noted."""
        now = self.points[-1]
        now.append(point)
        due = self.at[len(self.points) - 1] if len(self.points) <= len(self.at) else None
        if due != len(now):
            return False
        self.points.append([])
        return True


class _Steps(Coroutine[Any, Any, Any]):
    """A coroutine of a process: makes its steps for as long as that lives."""

    __slots__ = ("_life", "_loop", "_work")

    def __init__(self, work: Coroutine[Any, Any, Any], life: Life, loop: asyncio.AbstractEventLoop) -> None:
        self._work = work
        self._life = life
        self._loop = loop

    def send(self, value: Any) -> Any:
        return self._step(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._work.throw, *error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Any:
        return self._work.__await__()

    def _step(self, go: Callable[..., Any], *arguments: Any) -> Any:
        life, loop = self._life, self._loop
        if not life.before(loop.time()):
            return _forever(loop)
        try:
            suspended = go(*arguments)
        except BaseException:
            # Its end is a step as well: what it returns may never reach anybody.
            life.told = True
            if not life.after(loop.time()):
                return _forever(loop)
            raise
        life.after(loop.time())
        return suspended


def _forever(loop: asyncio.AbstractEventLoop) -> Any:
    """What a task waits for that is never resumed."""
    return next(loop.create_future().__await__())


class MortalLoop(VirtualLoop):
    """Virtual time in which tasks belong to processes, or to the world around them."""

    def __init__(self) -> None:
        super().__init__()
        self._made: list[tuple[asyncio.Task[Any], Coroutine[Any, Any, Any]]] = []

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> "asyncio.Task[Any]":
        life = _HERE.get() if context is None else context.get(_HERE)
        if life is not None:
            coro = _Steps(coro, life, self)
        task = super().create_task(coro, name=name, context=context)
        self._made.append((task, coro))
        return task

    def bury(self) -> None:
        """After the verdict: ends what was left where it stands. Until then all of it is kept from being ended."""
        for task, work in self._made:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - it is meant
                work.close()
        self._made.clear()
        self.close()


class Disk:
    """A port of the ledger: each call suspends before it is done and after."""

    def __init__(self, inner: Any, life: Life) -> None:
        self._inner = inner
        self._life = life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in COMMITS and name not in _READS:
            return method
        life = self._life

        async def call(*arguments: Any, **named: Any) -> Any:
            life.doing = f"before {name}"
            await asyncio.sleep(0)
            result = await method(*arguments, **named)
            life.doing = f"after {name}"
            life.told |= name in COMMITS if name not in _CLAIMS else bool(result)
            await asyncio.sleep(0)
            return result

        return call


class Wire:
    """A port to the outside. What is asked goes on its way whatever becomes of the process that asked."""

    def __init__(self, ask: Callable[..., Coroutine[Any, Any, Any]], life: Life) -> None:
        self._ask = ask
        self._life = life

    def __getattr__(self, name: str) -> Any:
        if name not in _ASKS:
            raise AttributeError(name)

        async def call(*arguments: Any) -> Any:
            self._life.doing, self._life.told = f"{name} under way", True
            return await outside(self._ask(name, *arguments))

        return call


def outside(work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """A task of the world and of no process, whoever begins it."""
    return asyncio.get_running_loop().create_task(work, context=Context())
