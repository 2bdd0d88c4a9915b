"""`einmal callbacks list|done`: who wants to be called back, and that somebody has called.

Names, numbers and notes are shown here: whoever is to call needs them. Nothing of it is logged.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from einmal.adapters.sql.ledger import SqlLedger
from einmal.beside import open_ledger
from einmal.domain.callback import Callback
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Settings

FOUND: Final = 1
USAGE: Final = 2
COULD_NOT_LOOK: Final = 4

_NOBODY: Final = """Nobody waits for a call-back.
Agents note one with the function request_callback: `einmal tools retell` prints its definition."""


def callbacks_list(settings: Settings, limit: int, tenant_id: str | None, *, as_json: bool) -> int:
    """Of one tenant or of all that the ledger knows. Exit code 1 where somebody waits, 0 where nobody does."""

    async def work(ledger: SqlLedger) -> int:
        tenants = await ledger.tenant_ids()
        if tenant_id is not None and tenant_id not in tenants:
            known = f"there are {', '.join(tenants)}" if tenants else "the ledger has served nobody yet"
            print(f"einmal: there is no tenant {tenant_id!r}; {known}", file=sys.stderr)
            return USAGE
        asked = [tenant_id] if tenant_id is not None else list(tenants)
        found = [one for tenant in asked for one in await ledger.callbacks.open_ones(tenant, limit)]
        listed = sorted(found, key=lambda one: (one.created_at, one.callback_id))[:limit]
        more = sum([await ledger.callbacks.count_open(tenant) for tenant in asked]) - len(listed)
        zones = {one.tenant_id: one.time_zone for one in settings.tenants}
        if as_json:
            print(json.dumps([_plain(one) for one in listed], indent=2, ensure_ascii=False))
        elif listed:
            _print_list(listed, zones, whose=len(tenants) > 1)
        else:
            print(_NOBODY)
        if more > 0:
            print(f"einmal: {more} more; see --limit", file=sys.stderr)
        return FOUND if listed else 0

    if limit < 1:
        print("einmal: --limit must be 1 or more", file=sys.stderr)
        return USAGE
    return _with_ledger(settings, work)


def callbacks_done(settings: Settings, callback_id: str) -> int:
    async def work(ledger: SqlLedger) -> int:
        if await ledger.callbacks.done(callback_id, datetime.now(UTC)):
            print("Done.")
            return 0
        print(f"einmal: no call-back {callback_id} is open; see `einmal callbacks list`", file=sys.stderr)
        return USAGE

    return _with_ledger(settings, work)


def _with_ledger(settings: Settings, work: Callable[[SqlLedger], Coroutine[Any, Any, int]]) -> int:
    unusable = unusable_ledger(settings)
    if unusable is not None:
        print(f"einmal: {unusable}", file=sys.stderr)
        return COULD_NOT_LOOK
    try:
        ledger = open_ledger(settings)
        try:
            return asyncio.run(work(ledger))
        finally:
            ledger.close()
    except (LedgerUnavailable, CommitUnknown):
        print("einmal: the ledger does not answer; look again whether it was done", file=sys.stderr)
        return COULD_NOT_LOOK


def _print_list(callbacks: Sequence[Callback], zones: dict[str, str], *, whose: bool) -> None:
    """One below the other: a note is long, and an id must stay whole to be copied."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for callback in callbacks:
        at = callback.created_at.astimezone(ZoneInfo(zones.get(callback.tenant_id, "UTC")))
        told = {
            "call-back": callback.callback_id,
            "tenant": callback.tenant_id if whose else None,
            "since": f"{at:%Y-%m-%d %H:%M}",
            "name": callback.name or "-",
            "phone": callback.phone or "-",
            "wanted": callback.wanted,
            "about": callback.note,
        }
        if table.row_count:
            table.add_row()
        for name, value in told.items():
            if value is not None:
                # As it was said: brackets are no markup here.
                table.add_row(name, Text(value))
    console = Console()
    console.print(table)
    console.print("\nWhen somebody has called: einmal callbacks done ID")


def _plain(callback: Callback) -> dict[str, Any]:
    return {
        "callback": callback.callback_id,
        "tenant": callback.tenant_id,
        "call_id": callback.conversation_id,
        "name": callback.name,
        "phone": callback.phone,
        "wanted": callback.wanted,
        "note": callback.note,
        "created_at": callback.created_at.isoformat(),
    }
