"""Transactions to test a store with: notes, each with a text of its own, in a table that the test has made."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from einmal.adapters.sql.postgres import CONNECTIONS_MAX, PostgresStore
from einmal.adapters.sql.steps import Statement, Steps, Transaction

TABLE: Final = "CREATE TABLE notes (text text PRIMARY KEY)"


def written(text: str) -> Statement:
    return Statement("INSERT INTO notes (text) VALUES (?)", (text,))


def note(text: str, *then: str) -> Transaction[str]:
    """One note, and these statements after it in the same transaction; its text."""

    def work() -> Steps[str]:
        yield written(text)
        for statement in then:
            yield Statement(statement)
        return text

    return work


def note_until(text: str, freed: Callable[[], bool]) -> Transaction[str]:
    """One note in a transaction that stays open until this is so; its text."""

    def work() -> Steps[str]:
        yield written(text)
        while not freed():
            yield Statement("SELECT pg_sleep(0.01)")
        return text

    return work


def counted(work: Transaction[Any], tries: list[str], name: str = "try") -> Transaction[Any]:
    """The transaction, which notes each time that it is tried."""

    def trying() -> Steps[Any]:
        tries.append(name)
        return (yield from work())

    return trying


async def together(store: PostgresStore, works: Iterable[Transaction[Any]]) -> list[Any]:
    """All at once: one group, if nobody else is under way and they are not too many. What each ended with."""
    return await asyncio.gather(*map(store.write_shared, works), return_exceptions=True)


async def apart(store: PostgresStore, works: Iterable[Transaction[Any]]) -> list[Any]:
    """All at once, each by itself. What each ended with."""
    return await asyncio.gather(*map(store.write, works), return_exceptions=True)


@asynccontextmanager
async def opened(url: object, connections_max: int = CONNECTIONS_MAX) -> AsyncIterator[PostgresStore]:
    """A store there. Its connections are closed in the loop that made them."""
    async with kept(PostgresStore(str(url), connections_max)) as store:
        yield store


@asynccontextmanager
async def kept(store: PostgresStore) -> AsyncIterator[PostgresStore]:
    """This store, opened; its connections are closed in the loop that made them."""
    store.open()
    try:
        yield store
    finally:
        store.close()
        for _ in range(3):
            await asyncio.sleep(0)


async def until(so: Callable[[], bool]) -> None:
    """Wait for it. Raises AssertionError where it does not come."""
    for _ in range(500):
        if so():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come")
