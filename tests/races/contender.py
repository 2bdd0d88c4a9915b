"""A contender: one process with ledgers of its own, which waits at the line and does what it is told."""

import asyncio
from collections.abc import Sequence
from multiprocessing.connection import Connection
from threading import BrokenBarrierError
from typing import Any, Final

from races.backend import Guard, SqlLedger, opened
from races.races import RACES, Race

THREADS: Final = 2
"""Ledgers of one process, and what it does at once."""

PATIENCE_SECONDS: Final = 60.0


def contend(url: str, off: frozenset[Guard], line: Connection, barrier: Any) -> None:
    """One process: chunk after chunk, until it is told None."""
    ledgers = [opened(url, off) for _ in range(THREADS)]
    races = {race.name: race for race in RACES}
    with asyncio.Runner() as runner:
        while (told := line.recv()) is not None:
            name, chunk = told
            line.send([runner.run(_round(races[name], ledgers, mine, barrier)) for mine in chunk])
        runner.run(closed(ledgers))


async def closed(ledgers: Sequence[SqlLedger]) -> None:
    for ledger in ledgers:
        ledger.close()
    await asyncio.sleep(0)  # connections end in the loop that made them


async def _round(race: Race, ledgers: Sequence[SqlLedger], mine: Sequence[Any], barrier: Any) -> list[str]:
    try:
        # Held up with all its threads: nothing else is to be done here meanwhile.
        barrier.wait(PATIENCE_SECONDS)
    except BrokenBarrierError:
        return ["nobody else came"] * len(mine)
    outcomes = (race.act(ledger, what) for ledger, what in zip(ledgers, mine, strict=True))
    return [
        outcome if isinstance(outcome, str) else type(outcome).__name__
        for outcome in await asyncio.gather(*outcomes, return_exceptions=True)
    ]
