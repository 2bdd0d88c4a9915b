"""Layer 4 taken down under a running gateway: the metric and the pages say so, and stop when it is back."""

import asyncio
from pathlib import Path

from einmal.adapters.sql.migrate import switch_layer_4
from einmal.entrypoints.cli.watch_constraint import watch_constraint
from einmal.wiring import Gateway
from support.world import world

OFF = b'einmal_guard_layer_off{layer="constraint"} 1.0'


async def test_a_layer_that_is_taken_down_shouts(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert OFF not in await _scraped(here.gateway)
        switch_layer_4(here.path, on=False)
        assert OFF in await _scraped(here.gateway)
        assert here.gateway.layers_off == ["constraint"]
        switch_layer_4(here.path, on=True)
        assert OFF not in await _scraped(here.gateway)
        assert here.gateway.layers_off == []


async def _scraped(gateway: Gateway) -> bytes:
    """After one look."""
    stop = asyncio.Event()
    looking = asyncio.create_task(watch_constraint(gateway, stop, every_seconds=0.001))
    await asyncio.sleep(0)  # it begins, and a file is read in one go
    stop.set()
    await looking
    return await gateway.scraped()
