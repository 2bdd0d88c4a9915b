"""Layer 4 stands in the schema, where anybody with the database may take it down: it is looked at once a minute.

What is off shouts: one log line when it goes, the metric and the pages for as long as it is so.
"""

import asyncio
from typing import Final

from einmal.adapters.sql.layer4 import CannotRead, in_force
from einmal.adapters.telemetry.logs import channel
from einmal.wiring import Gateway

EVERY_SECONDS: Final = 60.0


async def watch_constraint(gateway: Gateway, stop: asyncio.Event, every_seconds: float = EVERY_SECONDS) -> None:
    """Look until told to stop. A ledger that cannot be read says nothing of its index."""
    while not stop.is_set():
        try:
            stands = await in_force(gateway.settings.ledger_at)
        except CannotRead:
            stands = not gateway.constraint_off
        if gateway.constraint_off is stands:
            gateway.constraint_stands(stands=stands)
            if stands:
                channel("guard").info("layer 4 is on again")
            else:
                channel("alerts").error("layer 4 is off: the ledger has no UNIQUE index on booking uids")
        try:
            await asyncio.wait_for(stop.wait(), every_seconds)
        except TimeoutError:
            continue
