"""The ledger's store on PostgreSQL: few connections, used last in first out, and every end of a commit told apart.

READ COMMITTED, with names held by advisory locks where two transactions must not both look before either writes, and
rows locked where one is read to be written. What must never be is a constraint there as on SQLite. Which of a
commit's ends is which matters more here, for there is a network: refused is nothing written, an answer that did not
come is unknown, and only an answer is a commit.

No statement_timeout and no cancelled COMMIT: a server that is told to stop waiting for its standby answers as if it
had not needed one.
"""

import asyncio
import contextlib
import hashlib
import random
import re
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any, Final, TypeVar

import asyncpg

from einmal.adapters.sql.steps import Hold, Row, Statement, Steps, Transaction, Violated
from einmal.ports import CommitUnknown, LedgerUnavailable

T = TypeVar("T")

CONNECTIONS_MAX: Final = 16
"""More make a server of few cores slower, not faster."""

CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 3.0
"""For a statement, or for the commit. Nobody on the phone waits longer."""

TRIES_MAX: Final = 4
"""Of a transaction that another one was in the way of."""

_AFTER_CONNECTING: Final = """
    SELECT set_config('default_transaction_isolation', 'read committed', false),
           set_config('lock_timeout', '2s', false),
           set_config('idle_in_transaction_session_timeout', '10s', false),
           set_config('synchronous_commit', CASE current_setting('synchronous_commit')
               WHEN 'off' THEN 'on' WHEN 'local' THEN 'on' ELSE current_setting('synchronous_commit') END, false)"""
"""An intent must survive power loss: it is the only memory of a POST that may have landed."""

_IN_THE_WAY: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_GONE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)
"""The server, or its being the primary. The connections beside it are worth no more."""


class _Gone(Exception):
    """The server did not answer, and will not on this connection. Says why in a word."""


class PostgresStore:
    """The Store on one PostgreSQL database. Connects when first needed, and again whenever it must."""

    def __init__(self, url: str, connections_max: int = CONNECTIONS_MAX) -> None:
        self._url = url
        self._connections_max = connections_max
        self._idle: list[_Connection] = []
        self._free = asyncio.Semaphore(connections_max)
        self._loop: asyncio.AbstractEventLoop | None = None
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
                async with self._connection() as connection:
                    return await connection.transaction(work())
            except _IN_THE_WAY as error:
                if tries == TRIES_MAX:
                    raise LedgerUnavailable(_named(error)) from None
            except Violated:
                # Somebody wrote that row meanwhile. Seen from a new transaction it is one that is there.
                if violated or tries == TRIES_MAX:
                    raise
                violated = True
            await asyncio.sleep(random.random() * 0.02 * tries)  # noqa: S311 - not a secret
        raise AssertionError

    async def read(self, work: Transaction[T]) -> T:
        async with self._connection() as connection:
            return await connection.statements(work())

    async def snapshot(self, work: Transaction[T]) -> T:
        async with self._connection() as connection:
            return await connection.transaction(work(), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    @contextlib.asynccontextmanager
    async def _connection(self) -> "AsyncIterator[_Connection]":
        if self._closed:
            raise LedgerUnavailable("the ledger is closed")
        if self._loop is not asyncio.get_running_loop():
            # Connections are those of the loop that made them, and it is over.
            self._loop, self._free = asyncio.get_running_loop(), asyncio.Semaphore(self._connections_max)
            self._forget_idle()
        try:
            await asyncio.wait_for(self._free.acquire(), ANSWER_SECONDS)
        except TimeoutError:
            raise LedgerUnavailable("no connection is free") from None
        connection = None
        try:
            connection = self._rested() or await _connected(self._url)
            yield connection
        except _Gone as gone:
            self._forget_idle()
            raise LedgerUnavailable(str(gone)) from None
        except CommitUnknown:
            self._forget_idle()
            raise
        except asyncpg.PostgresError as error:
            if isinstance(error, _IN_THE_WAY):
                raise
            raise LedgerUnavailable(_named(error)) from None
        finally:
            if connection is not None:
                self._put_back(connection)
            self._free.release()

    def _rested(self) -> "_Connection | None":
        self._idle = [one for one in self._idle if one.is_usable]  # a server that restarts ends its sessions
        return self._idle.pop() if self._idle else None

    def _put_back(self, connection: "_Connection") -> None:
        if connection.is_usable and not self._closed:
            self._idle.append(connection)
        else:
            connection.end()

    def _forget_idle(self) -> None:
        while self._idle:
            self._idle.pop().end()


class _Connection:
    """One session. It holds nothing between transactions, so it needs no reset."""

    def __init__(self, session: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._session = session
        self._warned = False
        self._clean = True
        session.add_log_listener(self._hears)

    @property
    def is_usable(self) -> bool:
        return self._clean and not self._session.is_closed()

    def end(self) -> None:
        with contextlib.suppress(RuntimeError):  # its loop has closed, and with it the socket
            self._session.terminate()

    async def transaction(self, steps: Steps[T], begin: str = "BEGIN") -> T:
        """Raises what the steps raise, or what the server says, with nothing written; or CommitUnknown."""
        self._clean = False
        try:
            first = next(steps)
        except StopIteration as done:
            raise AssertionError("a transaction without a statement") from done
        held = first.names if isinstance(first, Hold) else ()
        try:
            await self._said(self._session.execute(f"{begin}; {_locks(held)}"))
            result = await self._steps(steps, first, held)
        except _Gone:
            raise
        except Exception:
            await self._rolled_back()
            raise
        await self._committed()
        self._clean = True
        return result

    async def statements(self, steps: Steps[T]) -> T:
        """Each statement by itself."""
        self._clean = False
        result = await self._steps(steps, next(steps))
        self._clean = True
        return result

    async def _steps(self, steps: Steps[T], step: Statement | Hold, held: tuple[str, ...] = ()) -> T:
        try:
            while True:
                if isinstance(step, Hold):
                    if step.names is not held:
                        await self._said(self._session.execute(_locks(step.names)))
                    step = steps.send(())
                    continue
                try:
                    asked = self._session.fetch(dialect(step.sql), *map(_taken, step.values))
                    rows: list[Row] = await self._said(asked)
                except asyncpg.IntegrityConstraintViolationError as error:
                    step = steps.throw(Violated(error.constraint_name or _named(error)))
                else:
                    step = steps.send(rows)
        except StopIteration as done:
            result: T = done.value
            return result

    async def _rolled_back(self) -> None:
        with contextlib.suppress(_Gone, asyncpg.PostgresError):
            await self._said(self._session.execute("ROLLBACK"))
            self._clean = True

    async def _committed(self) -> None:
        self._warned = False
        commit = asyncio.ensure_future(self._session.execute("COMMIT"))
        try:
            done, _ = await asyncio.wait({commit}, timeout=ANSWER_SECONDS)
        except asyncio.CancelledError:
            self._give_up(commit)
            raise
        if not done:
            self._give_up(commit)
            raise CommitUnknown("no answer to COMMIT")
        try:
            answer = commit.result()
        except (*_IN_THE_WAY, asyncpg.IntegrityConstraintViolationError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, it was no answer
            raise CommitUnknown(_named(error)) from None
        if answer != "COMMIT":
            raise LedgerUnavailable(f"COMMIT was answered with {answer}")
        if self._warned:
            raise CommitUnknown("committed, and perhaps on one server only")

    def _give_up(self, commit: "asyncio.Future[Any]") -> None:
        # Not cancelled: that would tell the server to stop waiting for its standby.
        self._session.terminate()
        commit.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _said(self, asked: Any) -> Any:
        try:
            return await asyncio.wait_for(asked, ANSWER_SECONDS)
        except _GONE as error:
            raise _Gone(_named(error)) from None

    def _hears(self, _: object, message: "asyncpg.PostgresLogMessage") -> None:
        # At a COMMIT there is one warning: the wait for a standby was called off. Its words are the server's language.
        self._warned = self._warned or getattr(message, "severity_en", "") == "WARNING"


async def _connected(url: str) -> _Connection:
    try:
        session = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings={"application_name": "einmal"})
    except (*_GONE, asyncpg.PostgresError) as error:
        raise _Gone(_named(error)) from None
    try:
        await session.fetch(_AFTER_CONNECTING, timeout=ANSWER_SECONDS)
    except (*_GONE, asyncpg.PostgresError) as error:
        session.terminate()
        raise _Gone(_named(error)) from None
    except BaseException:
        session.terminate()
        raise
    return _Connection(session)


def _locks(names: tuple[str, ...]) -> str:
    """In one round trip, and always taken in one order."""
    digests = (hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    locks = sorted({int.from_bytes(digest, "big", signed=True) for digest in digests})
    return "; ".join(f"SELECT pg_advisory_xact_lock({lock})" for lock in locks)


_OPENED: Final = re.compile(r"/\* (FOR UPDATE[^*]*) \*/")


@lru_cache(maxsize=256)
def dialect(sql: str) -> str:
    """The statement as PostgreSQL takes it: numbered values, and what SQLite was not to read."""
    parts = _OPENED.sub(r"\1", sql).split("?")
    return "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1)) + parts[-1]


def _named(error: BaseException) -> str:
    """What went wrong, and nothing of what was written: a server quotes values in its messages."""
    state = getattr(error, "sqlstate", None)
    return type(error).__name__ if state is None else f"{type(error).__name__} {state}"


def _taken(value: Any) -> Any:
    """PostgreSQL's text has no NUL."""
    return value.replace("\0", "\ufffd") if type(value) is str and "\0" in value else value
