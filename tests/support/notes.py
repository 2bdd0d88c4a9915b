"""Transactions to test a store with: notes, each with a text of its own, in a table that the test has made."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

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


@asynccontextmanager
async def opened(url: object, connections_max: int = CONNECTIONS_MAX) -> AsyncIterator[PostgresStore]:
    """A store there. Its connections are closed in the loop that made them."""
    store = PostgresStore(str(url), connections_max)
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
