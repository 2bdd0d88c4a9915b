"""One session on PostgreSQL, and every end of a commit told apart.

Which of a commit's ends it was matters more here than on a file, for there is a network: refused is nothing written,
an answer that did not come is unknown, and only an answer is a commit.

No statement_timeout and no cancelled COMMIT: a server that is told to stop waiting for its standby answers as if it
had not needed one.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import asyncpg

from einmal.adapters.sql.postgres_dialect import NotTogether, dialect, dialect_of_many, locks, taken
from einmal.adapters.sql.steps import FOR_UPDATE, Hold, Row, Statement, Steps, Transaction, Violated
from einmal.ports import CommitUnknown, LedgerUnavailable

T = TypeVar("T")

CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 3.0
"""For the statements of a transaction, or for its commit. Nobody on the phone waits longer."""

_AFTER_CONNECTING: Final = """
    SELECT set_config('default_transaction_isolation', 'read committed', false),
           set_config('lock_timeout', '2s', false),
           set_config('idle_in_transaction_session_timeout', '10s', false),
           set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit')
               IN ('off', 'local', 'remote_write') THEN 'on' ELSE current_setting('synchronous_commit') END, false)"""
"""An intent must survive power loss, the standby's too: it is the only memory of a POST that may have landed."""

BEGIN: Final = "BEGIN"
BEGIN_GROUP: Final = "BEGIN; SET LOCAL lock_timeout = '200ms'"
"""What one of a group waits for, all of it waits for: not for long, then each goes alone."""

BEGIN_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

IN_THE_WAY: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""Another transaction's doing: worth another try."""

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


class Gone(Exception):
    """The server did not answer, and will not on this connection. Says why in a word."""


@dataclass(slots=True)
class _Member:
    """One transaction of a group: where it is, and what it keeps the others from."""

    steps: Steps[Any]
    step: Statement | Hold
    held: set[object] = field(default_factory=set)
    result: Any = None
    is_done: bool = False

    def send(self, rows: Sequence[Row]) -> None:
        try:
            self.step = self.steps.send(rows)
        except StopIteration as done:
            self.result, self.is_done = done.value, True
            self.held.clear()


class Session:
    """It holds nothing between transactions, so it needs no reset."""

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

    async def transaction(self, steps: Steps[T], begin: str = BEGIN) -> T:
        """Raises what the steps raise, or what the server says, with nothing written; or CommitUnknown."""
        first = next(steps)
        held = first.names if isinstance(first, Hold) else ()
        self._clean = False
        try:
            async with _answers():
                await _said(self._session.execute(f"{begin}; {locks(held)}"))
                result = await self._one(steps, first, held)
        except Gone:
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
        async with _answers():
            result = await self._one(steps, next(steps))
        self._clean = True
        return result

    async def group(self, several: Sequence[Transaction[Any]]) -> list[Any]:
        """Several transactions as one: their results, with one commit. Raises NotTogether or CommitUnknown.

        Equal statements travel together. Who wants to hold what another one holds goes on when that one is through.
        """
        self._clean = False
        try:
            members = [_Member(steps, next(steps)) for steps in (work() for work in several)]
            names = [name for one in members if isinstance(one.step, Hold) for name in one.step.names]
            async with _answers():
                await _said(self._session.execute(f"{BEGIN_GROUP}; {locks(names)}"))
                locked = set(names)
                while under_way := [one for one in members if not one.is_done]:
                    await self._round(under_way, locked)
        except Gone:
            raise
        except Exception:  # noqa: BLE001 - it belongs to one of them, and comes again when that one is alone
            await self._rolled_back()
            raise NotTogether from None
        try:
            await self._committed()
        except asyncpg.PostgresError:
            raise NotTogether from None
        self._clean = True
        return [one.result for one in members]

    async def _one(self, steps: Steps[T], step: Statement | Hold, held: tuple[str, ...] = ()) -> T:
        try:
            while True:
                if isinstance(step, Hold):
                    if step.names is not held:
                        await _said(self._session.execute(locks(step.names)))
                    step = steps.send(())
                    continue
                try:
                    rows = await self._rows(step.sql, step.values)
                except asyncpg.IntegrityConstraintViolationError as error:
                    step = steps.throw(Violated(error.constraint_name or named(error)))
                else:
                    step = steps.send(rows)
        except StopIteration as done:
            result: T = done.value
            return result

    async def _round(self, members: Sequence[_Member], locked: set[str]) -> None:
        """One step of each who need not wait for another."""
        going = []
        for one in members:
            wanted = _held_by(one.step) - one.held
            if wanted and any(wanted & other.held for other in members if other is not one):
                continue
            one.held |= wanted
            going.append(one)
        if not going:
            raise NotTogether  # each waits for another one's names
        more: set[str] = set()
        holding: list[_Member] = []
        asking = defaultdict[str, list[tuple[_Member, tuple[Any, ...]]]](list)
        for one in going:
            if isinstance(one.step, Hold):
                holding.append(one)
                more |= {*one.step.names} - locked
            else:
                asking[one.step.sql].append((one, one.step.values))
        if more:
            await _said(self._session.execute(locks(more)))
            locked |= more
        for one in holding:
            one.send(())
        for sql, asked in asking.items():
            found = await self._fetched(sql, [values for _, values in asked])
            for (one, _), rows in zip(asked, found, strict=True):
                one.send(rows)

    async def _rows(self, sql: str, values: tuple[Any, ...]) -> Sequence[Row]:
        asked: Any = self._session.fetch(dialect(sql), *map(taken, values))
        rows: Sequence[Row] = await _said(asked)
        return rows

    async def _fetched(self, sql: str, values: Sequence[tuple[Any, ...]]) -> Sequence[Sequence[Row]]:
        """The rows of one statement for each of the values, in one round trip."""
        if len(values) == 1:
            return [await self._rows(sql, values[0])]
        numbered = dialect_of_many(sql)
        if numbered is None:
            await _said(self._session.executemany(dialect(sql), [tuple(map(taken, one)) for one in values]))
            return [()] * len(values)
        # What only reads need not be asked twice. What writes is carried out for each.
        asked = list(dict.fromkeys(values)) if sql.lstrip().startswith("SELECT") else list(values)
        found: list[list[Row]] = [[] for _ in asked]
        numbers = [(*map(taken, one), number) for number, one in enumerate(asked)]
        for row in await _said(self._session.fetchmany(numbered, numbers)):
            found[row[0]].append(row[1:])
        if len(asked) == len(values):
            return found
        rows_of = dict(zip(asked, found, strict=True))
        return [rows_of[one] for one in values]

    async def _rolled_back(self) -> None:
        with contextlib.suppress(Gone, asyncpg.PostgresError):
            async with _answers():
                await _said(self._session.execute("ROLLBACK"))
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
        except (*IN_THE_WAY, asyncpg.IntegrityConstraintViolationError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, it was no answer
            raise CommitUnknown(named(error)) from None
        if answer != "COMMIT":
            raise LedgerUnavailable(f"COMMIT was answered with {answer}")
        if self._warned:
            raise CommitUnknown("committed, and perhaps on one server only")

    def _give_up(self, commit: "asyncio.Future[Any]") -> None:
        # Not cancelled: that would tell the server to stop waiting for its standby.
        self._session.terminate()
        commit.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _hears(self, _: object, message: "asyncpg.PostgresLogMessage") -> None:
        # At a COMMIT there is one warning: the wait for a standby was called off. Its words are the server's language.
        self._warned = self._warned or getattr(message, "severity_en", "") == "WARNING"


async def connected(url: str) -> Session:
    """A new session with the settings that the guarantees rest on. Raises Gone."""
    try:
        session = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings={"application_name": "einmal"})
    except (*_GONE, asyncpg.PostgresError) as error:
        raise Gone(named(error)) from None
    try:
        await session.fetch(_AFTER_CONNECTING, timeout=ANSWER_SECONDS)
    except (*_GONE, asyncpg.PostgresError) as error:
        session.terminate()
        raise Gone(named(error)) from None
    except BaseException:
        session.terminate()
        raise
    return Session(session)


@contextlib.asynccontextmanager
async def _answers() -> Any:
    """What is asked inside is answered in time, or the server is Gone."""
    limit = asyncio.timeout(ANSWER_SECONDS)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if limit.expired():
            raise Gone(named(error)) from None
        raise


async def _said(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except _GONE as error:
        raise Gone(named(error)) from None


def _held_by(step: Statement | Hold) -> set[object]:
    """A row that is read FOR UPDATE is held as well, from this group as from everybody."""
    if isinstance(step, Hold):
        return set(step.names)
    return {step} if FOR_UPDATE in step.sql else set()


def named(error: BaseException) -> str:
    """What went wrong, and nothing of what was written: a server quotes values in its messages."""
    state = getattr(error, "sqlstate", None)
    return type(error).__name__ if state is None else f"{type(error).__name__} {state}"
