"""The ledger's store on PostgreSQL: few sessions, used last in first out, and commits shared by those who wait.

READ COMMITTED, with names held by advisory locks where two transactions must not both look before either writes, and
rows locked where one is read to be written. What must never be is a constraint there as on SQLite.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import asyncpg

from einmal.adapters.sql.postgres_dialect import NotTogether
from einmal.adapters.sql.postgres_session import (
    BEGIN_SNAPSHOT,
    IN_THE_WAY,
    Gone,
    Session,
    connected,
    named,
)
from einmal.adapters.sql.steps import Transaction, Violated
from einmal.ports import CommitUnknown, LedgerUnavailable

T = TypeVar("T")

CONNECTIONS_MAX: Final = 16
"""More make a server of few cores slower, not faster."""

FREE_SECONDS: Final = 3.0
"""How long to wait for one of them. Nobody on the phone waits longer."""

TRIES_MAX: Final = 4
"""Of a transaction that another one was in the way of."""

GROUPS_MAX: Final = 1
"""At once. A second one would begin sooner and be smaller, and what a group costs is its round trips and its commit."""

GROUP_MAX: Final = 64
"""Enough that the commit no longer dominates; small enough that the first of a group does not wait for long."""


@dataclass(slots=True, eq=False)
class _Waiting:
    work: Transaction[Any]
    ended: "asyncio.Future[Any]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def end(self, result: Any) -> None:
        if not self.ended.done():  # who does not wait any more needs no answer
            self.ended.set_result(result)

    def fail(self, error: BaseException) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)


class PostgresStore:
    """The Store on one PostgreSQL database. Connects when first needed, and again whenever it must."""

    def __init__(self, url: str, connections_max: int = CONNECTIONS_MAX) -> None:
        self._url = url
        self._connections_max = connections_max
        self._idle: list[Session] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._free = asyncio.Semaphore(connections_max)
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._going = 0
        self._closed = True

    def open(self) -> None:
        self._closed = False

    def close(self) -> None:
        self._closed = True
        self._forget_idle()

    async def write(self, work: Transaction[T]) -> T:
        violated = False
        for tries in range(1, TRIES_MAX + 1):
            try:
                async with self._session() as session:
                    return await session.transaction(work())
            except IN_THE_WAY as error:
                if tries == TRIES_MAX:
                    raise LedgerUnavailable(named(error)) from None
            except Violated:
                # Somebody wrote that row meanwhile. Seen from a new transaction it is one that is there.
                if violated or tries == TRIES_MAX:
                    raise
                violated = True
            await asyncio.sleep(random.random() * 0.02 * tries)  # noqa: S311 - not a secret
        raise AssertionError

    async def write_shared(self, work: Transaction[T]) -> T:
        self._here()
        waiting = _Waiting(work)
        self._waiting.append(waiting)
        if self._going < GROUPS_MAX:
            self._going += 1
            self._in_a_task(self._go_on())
        result: T = await waiting.ended
        return result

    async def read(self, work: Transaction[T]) -> T:
        async with self._session() as session:
            return await session.statements(work())

    async def snapshot(self, work: Transaction[T]) -> T:
        async with self._session() as session:
            return await session.transaction(work(), BEGIN_SNAPSHOT)

    async def scrub(self) -> bool:
        """The server's own vacuum does that, and its log of writes is overwritten in time: nothing to do here."""
        return True

    def _in_a_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="ledger")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _go_on(self) -> None:
        """Whoever waits when a commit is through shares the next one. There is no timer; who is alone goes at once."""
        try:
            while self._waiting:
                await self._together([self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))])
        finally:
            # In the same breath as the last look: whoever comes after it begins a new one.
            self._going -= 1

    async def _together(self, group: list[_Waiting]) -> None:
        try:
            async with self._session() as session:
                results = await session.group([one.work for one in group])
        except NotTogether:
            # Not waited for: one of them may have to wait for somebody's lock, and the others come after it.
            for one in group:
                self._in_a_task(self._alone(one))
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is everybody's
            for one in group:
                one.fail(failure)
        else:
            for one, result in zip(group, results, strict=True):
                one.end(result)

    async def _alone(self, waiting: _Waiting) -> None:
        try:
            waiting.end(await self.write(waiting.work))
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to who waits
            waiting.fail(error)

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        self._here()
        try:
            async with asyncio.timeout(FREE_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise LedgerUnavailable("no connection is free") from None
        session = None
        try:
            session = self._rested() or await connected(self._url)
            yield session
        except Gone as gone:
            self._forget_idle()
            raise LedgerUnavailable(str(gone)) from None
        except CommitUnknown:
            self._forget_idle()
            raise
        except asyncpg.PostgresError as error:
            if isinstance(error, IN_THE_WAY):
                raise
            raise LedgerUnavailable(named(error)) from None
        finally:
            if session is not None:
                self._put_back(session)
            self._free.release()

    def _here(self) -> None:
        """Raises LedgerUnavailable when closed. What belongs to a loop that is over is forgotten."""
        if self._closed:
            raise LedgerUnavailable("the ledger is closed")
        if self._loop is not asyncio.get_running_loop():
            self._loop, self._free = asyncio.get_running_loop(), asyncio.Semaphore(self._connections_max)
            self._waiting.clear()
            self._tasks.clear()
            self._going = 0
            self._forget_idle()

    def _rested(self) -> Session | None:
        self._idle = [one for one in self._idle if one.is_usable]  # a server that restarts ends its sessions
        return self._idle.pop() if self._idle else None

    def _put_back(self, session: Session) -> None:
        if session.is_usable and not self._closed:
            self._idle.append(session)
        else:
            session.end()

    def _forget_idle(self) -> None:
        while self._idle:
            self._idle.pop().end()
