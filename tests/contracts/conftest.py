"""What the contract suites share."""

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def connections_end_in_their_loop() -> AsyncIterator[None]:
    """Set up first and taken down last: what a test's ledgers let go of is closed before its event loop is."""
    yield
    for _ in range(3):
        await asyncio.sleep(0)
