"""Fixtures that more than one floor needs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from support.canary import listen, nobody_is_named  # noqa: F401 - a fixture of every test
from support.scratch import prefer_memory
from support.world import World, world

prefer_memory()
listen()

# The machines are shared and noisy: no verdict hangs on how long an example took.
settings.register_profile("einmal", deadline=None, print_blob=True)
settings.load_profile("einmal")


@pytest.fixture
async def salon(tmp_path: Path) -> AsyncIterator[World]:
    """The demo salon with default settings."""
    async with world(tmp_path) as made:
        yield made
