"""An import whose process dies: at the Nth row that it writes, or when it has told of the Nth. Run as a program.

dying_import.py LEDGER COUNT inside|between N
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from einmal.adapters.sql.ledger import PostgresLedger, SqliteLedger, SqlLedger
from einmal.adapters.system import SystemClock, SystemIds
from einmal.domain.intent import State
from einmal.domain.model import Person, Service, Wish
from einmal.domain.takeover import Old
from einmal.flows.take_over import TakingOver, Tally
from einmal.ports import Ids

KEY: Final = b"\7" * 32
SERVICE: Final = Service("beratung", "Beratung", 101, 30)
BEGIN: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class MortalIds(SystemIds):
    """Whose process dies when the last of so many operation ids is asked for."""

    def __init__(self, left: int) -> None:
        self.left = left

    def operation_id(self) -> str:
        self.left -= 1
        if self.left == 0:
            die()
        return super().operation_id()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def opened(where: Path | str, ids: Ids) -> SqlLedger:
    made: SqlLedger = SqliteLedger(where, ids) if isinstance(where, Path) else PostgresLedger(where, ids)
    made.open()
    return made


def olds(count: int) -> Iterator[Old]:
    """Each of a person of its own; every third call is of two of them."""
    for number in range(count):
        wish = Wish("default", f"call_{number // 3 * 2}", SERVICE, BEGIN + timedelta(minutes=30 * number), of(number))
        yield Old(f"appointments#{number}", wish, wish.end, State.CONFIRMED, f"uid_{number}", BEGIN)


def of(number: int) -> Person:
    return Person(f"Gast {number}", f"+49309{number:07d}")


async def take_over(ledger: SqlLedger, rows: Iterator[Old], dies_at: int = 0) -> Tally:
    def told(done: int) -> None:
        if done == dies_at:
            die()

    try:
        return await TakingOver("default", KEY, ledger.importing, SystemClock()).apply(rows, 20, told)
    finally:
        ledger.close()
        await asyncio.sleep(0)


if __name__ == "__main__":
    _, said, how_many, kind, at = sys.argv
    place: Path | str = said if "://" in said else Path(said)
    inside = kind == "inside"
    mortal = opened(place, MortalIds(int(at)) if inside else SystemIds())
    asyncio.run(take_over(mortal, olds(int(how_many)), 0 if inside else int(at)))
