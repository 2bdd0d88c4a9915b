"""`einmal invariants`: are all promises kept, in this ledger and its calendar? It reads, also beside a gateway."""

import asyncio
import json
import re
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from einmal.adapters.telemetry.logs import configure_logs
from einmal.beside import Inspector, build_inspector
from einmal.domain.evidence import INVARIANTS
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.flows.inspect import CouldNotLook, Finding, Inspected, Standing
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Settings

FOUND: Final = 1
USAGE: Final = 2
COULD_NOT_LOOK: Final = 4
SHOWN_MAX: Final = 20


def run_invariants(settings: Settings, since_text: str, tenant_id: str | None, *, as_json: bool) -> int:
    """Exit code 1 where a promise was broken, 4 where ledger or calendar could not be read."""
    configure_logs()
    since = since_of(since_text, datetime.now(UTC))
    if since is None:
        print(f"einmal: --since {since_text}: say 30d, 12h, 2026-11-01 or 2026-11-01T09:00Z", file=sys.stderr)
        return USAGE
    unusable = unusable_ledger(settings)
    if unusable is not None:
        print(f"einmal: {unusable}", file=sys.stderr)
        return COULD_NOT_LOOK
    tenants = {one.tenant_id: one for one in settings.tenants}
    if len(tenants) == 1 and tenant_id is None:
        tenant_id = next(iter(tenants))
    if tenant_id not in tenants:
        print(f"einmal: say whose with --tenant: {', '.join(tenants)}", file=sys.stderr)
        return USAGE
    if tenants[tenant_id].calcom_api_key is None:
        print(
            "einmal: EINMAL_CALCOM_API_KEY is not set; without a calendar there is nothing to compare with",
            file=sys.stderr,
        )
        return USAGE
    try:
        inspected = asyncio.run(_inspect(settings, since, tenant_id))
    except CouldNotLook as why:
        print(f"einmal: {why}", file=sys.stderr)
        return COULD_NOT_LOOK
    if as_json:
        print(json.dumps(_plain(inspected), indent=2))
    else:
        _print(inspected)
    return FOUND if inspected.violations else 0


_SPAN: Final = re.compile(r"(\d{1,5})([dh])")


def since_of(text: str, now: datetime) -> datetime | None:
    """The instant that `--since` names; a date is of UTC. None for what names none."""
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            return now - (timedelta(days=int(span[1])) if span[2] == "d" else timedelta(hours=int(span[1])))
        value = datetime.fromisoformat(text)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


async def _inspect(settings: Settings, since: datetime, tenant_id: str) -> Inspected:
    inspector = build_inspector(settings, tenant_id=tenant_id)
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("reading the calendar", total=None)

            def told(pages: int, bookings: int) -> None:
                progress.update(bar, description=f"{pages:,} pages, {bookings:,} bookings")

            await _may_ask(inspector)
            return await inspector.inspection.run(since, told)
    finally:
        await inspector.close()


_NOT_WRITABLE: Final = (
    "this ledger can be read here and not written, and without that Cal.com cannot be asked, for each question is "
    "counted there. Connect as the role that serves (einmal_app), not as the auditor"
)


async def _may_ask(inspector: Inspector) -> None:
    """Else each page would be waited for until nobody wants it any more. Raises CouldNotLook."""
    try:
        writable = await inspector.ready()
    except (LedgerUnavailable, CommitUnknown):
        writable = False
    if not writable:
        raise CouldNotLook(_NOT_WRITABLE)


def _print(seen: Inspected) -> None:
    print(f"Intents made, or with a slot, since {seen.since:%Y-%m-%d %H:%MZ}: {seen.intents:,} of {seen.total:,}")
    print(f"Bookings listed by the calendar: {seen.bookings:,} (pages read: {seen.pages:,})")
    if seen.total == 0:
        print("The ledger holds no intents yet: start `einmal serve`, book an appointment, and look again.")
    elif seen.intents == 0:
        print("None in this window: look further back with --since.")
    if seen.young:
        print(f"Not at rest: {seen.young:,}. What may still become true is not held against them.")
    if seen.unasked:
        print(
            f"Taken over, and their bookings not listed: {seen.unasked:,}. "
            "Whether those stand is not asked here; see `einmal reconcile`."
        )
    if seen.moved:
        print(f"Came or went while the calendar was read, and left out: {seen.moved:,}")
    for unread, what in ((seen.unread_intents, "Intents"), (seen.unread_bookings, "Bookings")):
        if unread:
            print(f"{what} that could not be read: {unread:,}")
    print()
    for finding in seen.findings:
        _print_finding(finding)
    counts = Counter(finding.standing for finding in seen.findings)
    held, broken, open_ = (counts[one] for one in (Standing.HELD, Standing.VIOLATED, Standing.NOT_CHECKED))
    print(f"\n{held} held, {broken} violated, {open_} not checked here.")
    if broken:
        print("See `einmal intents show ID`, and docs/proofs.md for what each one means.")


def _print_finding(finding: Finding) -> None:
    count = f" ({len(finding.violations):,})" if finding.violations else ""
    standing = finding.standing.upper() if finding.violations else finding.standing
    print(f"{finding.invariant:4}{standing + count:15} {INVARIANTS[finding.invariant]}")
    if finding.why:
        print(f"{'':20}({finding.why})")
    for one in finding.violations[:SHOWN_MAX]:
        print(f"      {one.intent_id or '-'}: {one.text}")
    if len(finding.violations) > SHOWN_MAX:
        print(f"      and {len(finding.violations) - SHOWN_MAX:,} more; --json has them all")


def _plain(seen: Inspected) -> dict[str, Any]:
    return {
        "since": seen.since.isoformat(),
        "at": seen.at.isoformat(),
        "intents": seen.intents,
        "intents_in_all": seen.total,
        "intents_not_at_rest": seen.young,
        "intents_taken_over_unasked": seen.unasked,
        "intents_unread": seen.unread_intents,
        "bookings": seen.bookings,
        "bookings_unread": seen.unread_bookings,
        "pages": seen.pages,
        "complete": seen.complete,
        "moved_meanwhile": seen.moved,
        "violations": len(seen.violations),
        "invariants": [
            {
                "invariant": finding.invariant,
                "standing": finding.standing.value,
                "why": finding.why,
                "found": [{"intent": one.intent_id, "text": one.text} for one in finding.violations],
            }
            for finding in seen.findings
        ],
    }
