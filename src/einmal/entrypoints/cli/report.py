"""`einmal report`: a week of the ledger against its goals, beside the week before. It only reads."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console

from einmal.adapters.report.data import as_data
from einmal.adapters.report.page import as_html
from einmal.adapters.report.text import print_report
from einmal.beside import open_ledger
from einmal.domain.report import Report
from einmal.domain.week import Week
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.flows.report import Reports
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Settings

FOUND: Final = 1
USAGE: Final = 2
COULD_NOT_LOOK: Final = 4

UNWATCHED_COLUMNS: Final = 100


def run_report(settings: Settings, week_text: str, tenant_id: str | None, shape: str) -> int:
    """Exit code 1 where a goal is missed, 4 where the ledger could not be read."""
    now = datetime.now(UTC)
    try:
        week = week_of(week_text, now, settings.timezone)
    except ValueError as wrong:
        print(f"einmal: --week {week_text}: {wrong}; say 2026-W47, this or last", file=sys.stderr)
        return USAGE
    unusable = unusable_ledger(settings)
    if unusable is not None:
        print(f"einmal: {unusable}", file=sys.stderr)
        return COULD_NOT_LOOK
    try:
        report = asyncio.run(_made(settings, week, now, tenant_id))
    except LookupError as wrong:
        print(f"einmal: {wrong.args[0]}", file=sys.stderr)
        return USAGE
    except (LedgerUnavailable, CommitUnknown):
        print("einmal: the ledger does not answer", file=sys.stderr)
        return COULD_NOT_LOOK
    _show(report, shape)
    return FOUND if report.missed else 0


def week_of(text: str, now: datetime, zone: str) -> Week:
    """The week that is named, there. Raises ValueError for what names none, or one that has not begun."""
    running = Week.of(now.astimezone(ZoneInfo(zone)).date())
    if text in {"this", "last"}:
        return running if text == "this" else running.before
    week = Week.read(text)
    if week > running:
        raise ValueError(f"it has not begun; this is {running}")
    return week


async def _made(settings: Settings, week: Week, now: datetime, tenant_id: str | None) -> Report:
    """Raises LookupError where there is no such tenant."""
    ledger = open_ledger(settings)
    try:
        if tenant_id is not None:
            tenants = await ledger.tenant_ids()
            if tenant_id not in tenants:
                known = f"there are {', '.join(tenants)}" if tenants else "the ledger has served nobody yet"
                raise LookupError(f"there is no tenant {tenant_id!r}; {known}")
        return await Reports(ledger.report, settings.timezone).made(week, now, tenant_id)
    finally:
        ledger.close()


def _show(report: Report, shape: str) -> None:
    match shape:
        case "json":
            print(json.dumps(as_data(report), indent=2, ensure_ascii=False))
        case "html":
            print(as_html(report))
        case _:
            # Where nobody watches a program reads it, or a mail: nothing need be broken to a narrow width.
            print_report(report, Console(width=None if sys.stdout.isatty() else UNWATCHED_COLUMNS))
