"""The rows of `einmal verify` about ledgers: what runs on a scratch one, and what is read of this installation's."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from einmal.adapters.sql import layer4, yardstick
from einmal.adapters.sql.migrate import SchemaMismatch, schema_version, shown
from einmal.adapters.sql.scratch import NoScratch, ScratchLeft, scratch_beside, scratch_file
from einmal.beside import open_ledger
from einmal.domain import proof
from einmal.domain.proof import Grade, Row
from einmal.entrypoints.cli.verify_scenarios import scenarios
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Secret, Settings

APPOINTMENTS: Final = 10_000
LOOK_UPS: Final = 500


async def on_scratch(settings: Settings, tell: Callable[[str], None]) -> list[Row]:
    """The scenarios, layer 4 tried and look-ups timed, on a ledger of the installation's kind.

    Where none of its kind can be made, the scenarios run on a file, and the look-up could not be looked at.
    """
    rows: list[Row] = []
    try:
        async with scratch_beside(settings.ledger_at) as where:
            rows += await _on_ledger(settings, where, tell)
    except NoScratch as why:
        with scratch_file() as path:
            rows += await scenarios(settings, path, tell)
            rows.append(await _tried(path))
        rows.append(Row("look_up", Grade.COULD_NOT_LOOK, str(why), proof.look_up((), 0).goal))
    except ScratchLeft as left:
        rows.append(Row("scratch_dropped", Grade.FAIL, str(left), "nothing of the trial is left"))
    return rows


async def here(where: Path | str) -> Row:
    """Whether the installation's own ledger has layer 4 in force. Reads only."""
    goal = proof.constraint_in_force(stands=True).goal
    try:
        version = schema_version(where)
        if version is None:
            none = f"there is no ledger at {shown(where)} yet; `einmal serve` makes one"
            return Row("constraint_here", Grade.NOT_ASKED, none, goal)
        return proof.constraint_in_force(stands=await layer4.in_force(where))
    except SchemaMismatch as why:
        return Row("constraint_here", Grade.COULD_NOT_LOOK, str(why), goal)
    except layer4.CannotRead as why:
        cannot = f"{shown(where)} cannot be read ({why})"
        return Row("constraint_here", Grade.COULD_NOT_LOOK, cannot, goal)


async def _on_ledger(settings: Settings, where: Path | str, tell: Callable[[str], None]) -> list[Row]:
    rows = await scenarios(settings, where, tell)
    tell("asking the database to hold one booking twice")
    rows.append(await _tried(where))
    tell(f"looking bookings up among {APPOINTMENTS:,}")
    rows.append(await _timed(settings, where))
    return rows


async def _tried(where: Path | str) -> Row:
    with yardstick.store_at(where) as store:
        try:
            return proof.constraint_tried(refused=await yardstick.refuses_twice(store))
        except (LookupError, LedgerUnavailable, CommitUnknown):
            return proof.constraint_tried(refused=None)


async def _timed(settings: Settings, where: Path | str) -> Row:
    ledger = open_ledger(replace(settings, database_url=where if isinstance(where, Path) else Secret(where)))
    try:
        with yardstick.store_at(where) as store:
            await yardstick.filled(store, APPOINTMENTS)
        taken_ms = await yardstick.look_ups(ledger, LOOK_UPS, APPOINTMENTS, time.perf_counter)
        return proof.look_up(taken_ms, APPOINTMENTS)
    except (LookupError, LedgerUnavailable, CommitUnknown) as why:
        return Row("look_up", Grade.COULD_NOT_LOOK, type(why).__name__, proof.look_up((), 0).goal)
    finally:
        ledger.close()
