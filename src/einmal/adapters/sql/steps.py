"""A transaction apart from whoever carries it out: a generator that yields statements and is sent their rows.

So each transaction is written once and runs on both databases, in a thread of its own on SQLite, awaited on
PostgreSQL. Values stand for `?`. What only PostgreSQL needs stands in a comment that its side opens: SQLite has one
writer at a time, and nobody to lock out.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

Row = Sequence[Any]


class Statement(NamedTuple):
    sql: str
    values: tuple[Any, ...] = ()


class Hold(NamedTuple):
    """Nobody else holds any of these names until this transaction ends. Cheapest where it is yielded first."""

    names: tuple[str, ...]


Steps = Generator[Statement | Hold, Sequence[Row], T]
Transaction = Callable[[], Steps[T]]
"""Called anew for each try."""

FOR_UPDATE: Final = "/* FOR UPDATE */"
SKIP_LOCKED: Final = "/* FOR UPDATE SKIP LOCKED */"


class Violated(Exception):
    """A row that must not be, refused by the database. `constraint` is its name, or its columns on SQLite."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Store(Protocol):
    """A database that carries out transactions.

    All raise LedgerUnavailable where nothing was written, and what the steps raise after undoing them; `write` raises
    CommitUnknown where nobody knows. `write_shared` is `write` for what is short and frequent: it may share its commit
    with others. `read` promises nothing from one statement to the next, `snapshot` that all of them see one moment.
    """

    def open(self) -> None: ...

    def close(self) -> None: ...

    async def write(self, work: Transaction[T]) -> T: ...

    async def write_shared(self, work: Transaction[T]) -> T: ...

    async def read(self, work: Transaction[T]) -> T: ...

    async def snapshot(self, work: Transaction[T]) -> T: ...

    async def scrub(self) -> bool:
        """Take out of the files what was overwritten or deleted. False where somebody reads just now: try again."""


def only(statement: str, *values: Any) -> Transaction[Sequence[Row]]:
    """The transaction of this one statement; its rows."""

    def work() -> Steps[Sequence[Row]]:
        return (yield Statement(statement, values))

    return work
