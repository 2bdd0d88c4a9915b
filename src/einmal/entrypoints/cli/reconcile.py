"""`einmal reconcile`: are ledger and calendar of one mind, and what was mended? It may run beside a gateway."""

import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from einmal.adapters.sql.tenants import SealedAway
from einmal.adapters.telemetry.logs import configure_logs
from einmal.beside import build_reconciler
from einmal.domain.drift import MENDED, Drift, DriftKind
from einmal.entrypoints.cli.invariants import since_of
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.flows.reconcile import HeldUp, Reconciliation
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.reconciling import LostRun, Run
from einmal.settings import Settings

FOUND: Final = 1
USAGE: Final = 2
COULD_NOT_LOOK: Final = 4
KEPT_MAX: Final = 1_000
SHOWN_MAX: Final = 20
FAILURES_MAX: Final = 3
HELD_BACK_SECONDS_MAX: Final = 120.0

MEANING: Final[dict[DriftKind, str]] = {
    DriftKind.STATUS: "cancelled, moved, accepted or declined at the calendar",
    DriftKind.TIME: "at another time there",
    DriftKind.STAFF: "with another host there",
    DriftKind.ARRIVED: "stands there, and the ledger said no or did not know",
    DriftKind.GHOST: "in the ledger, and the calendar knows no such booking",
    DriftKind.ORPHAN: "carries an operation id that this ledger does not hold",
    DriftKind.DOUBLED: "two live bookings of one operation id",
    DriftKind.REVIVED: "ended in the ledger, and stands there",
    DriftKind.NOT_MARKED: "in the ledger, and does not carry our operation id",
    DriftKind.UNREADABLE: "differs in the list, and cannot be read by itself (a recurring series, say)",
    DriftKind.PERSON_TWICE: "two bookings of one attendee overlap",
}


class CouldNot(Exception):
    """In words for the operator, why it stopped."""


def run_reconcile(
    settings: Settings, since_text: str | None, tenant_id: str | None, *, dry: bool, as_json: bool
) -> int:
    """Exit code 1 where something is left that a person must look at, 4 where ledger or calendar could not be read."""
    configure_logs(level=logging.CRITICAL)  # what is found is printed
    since = None if since_text is None else since_of(since_text, datetime.now(UTC))
    if since_text is not None and since is None:
        print(f"einmal: --since {since_text}: say 30d, 12h, 2026-11-01 or 2026-11-01T09:00Z", file=sys.stderr)
        return USAGE
    unusable = unusable_ledger(settings)
    if unusable is not None:
        print(f"einmal: {unusable}", file=sys.stderr)
        return COULD_NOT_LOOK
    tenants = {one.tenant_id: one for one in settings.tenants}
    chosen = [tenant_id] if tenant_id is not None else list(tenants)
    if any(one not in tenants for one in chosen):
        print(f"einmal: there is no tenant {tenant_id}; there are {', '.join(tenants)}", file=sys.stderr)
        return USAGE
    if any(tenants[one].calcom_api_key is None for one in chosen):
        print(
            "einmal: EINMAL_CALCOM_API_KEY is not set; without a calendar there is nothing to compare with",
            file=sys.stderr,
        )
        return USAGE
    code = 0
    for one in chosen:
        code = max(code, _reported(settings, since, one, dry=dry, as_json=as_json))
    return code


def _reported(settings: Settings, since: datetime | None, tenant_id: str, *, dry: bool, as_json: bool) -> int:
    try:
        run, found = asyncio.run(_reconciled(settings, since, tenant_id, mend=not dry))
    except CouldNot as why:
        print(f"einmal: {tenant_id}: {why}", file=sys.stderr)
        return COULD_NOT_LOOK
    left = run.counts.found and sum(run.counts.found.values()) - run.counts.mended
    if as_json:
        print(json.dumps(_as_json(run, found, dry=dry), ensure_ascii=False))
    else:
        _print(run, found, dry=dry)
    return FOUND if left else 0


async def _reconciled(
    settings: Settings, since: datetime | None, tenant_id: str, *, mend: bool
) -> tuple[Run, list[Drift]]:
    try:
        made = await build_reconciler(settings, tenant_id)
    except (LookupError, SealedAway) as why:
        raise CouldNot(str(why)) from None
    except (LedgerUnavailable, CommitUnknown) as failure:
        raise CouldNot(f"the ledger does not answer ({type(failure).__name__}); nothing was done") from None
    try:
        return await _to_the_end(made.reconciliation, since, mend=mend)
    except (LedgerUnavailable, CommitUnknown) as failure:
        raise CouldNot(f"the ledger does not answer ({type(failure).__name__}); what was done is kept") from None
    except LostRun:
        raise CouldNot("somebody else goes on with this run; nothing is lost") from None
    finally:
        await made.close()


async def _to_the_end(work: Reconciliation, since: datetime | None, *, mend: bool) -> tuple[Run, list[Drift]]:
    run = await work.begin(since) if mend else await work.planned(since)
    if run is None:
        raise CouldNot("a gateway or another command is at it in this moment; try again in two minutes")
    if run.steps:
        print(f"Going on with a run that had stopped after {run.counts.bookings} bookings.", file=sys.stderr)
        if since is not None and run.since > since:
            print(f"It reads back to {run.since:%Y-%m-%d %H:%M}Z; run it again for what is older.", file=sys.stderr)
    found: list[Drift] = []
    failures, waited, settled = 0, 0.0, 0
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(_told(run))
        while run.ended_at is None:
            try:
                run, some = await work.step(run, mend=mend)
            except HeldUp as held:
                goes_on = held.settled > settled
                failures, waited = failures + held.asked, 0.0 if goes_on else waited + 1.0
                settled = held.settled
                if failures >= FAILURES_MAX or waited > HELD_BACK_SECONDS_MAX:
                    if mend:
                        await work.books.release(run, work.clock.now())
                    raise CouldNot(f"the calendar cannot be read ({held}); what was done is kept") from None
                await asyncio.sleep(1.0)
                continue
            failures, waited, settled = 0, 0.0, 0
            found = [*found, *some][:KEPT_MAX]
            progress.update(task, description=_told(run))
    return run, found


def _told(run: Run) -> str:
    what = {"changed": "Reading what changed", "upcoming": "Comparing what is to come"}.get(run.phase.value, "Done")
    return f"{what}: {run.counts.bookings} bookings, {sum(run.counts.found.values())} differences"


def _as_json(run: Run, found: Sequence[Drift], *, dry: bool) -> dict[str, Any]:
    listed = [
        {"kind": one.kind, "booking": one.subject, "intent": one.intent_id, "detail": one.detail, "mended": one.mended}
        for one in found
    ]
    return {
        "tenant": run.tenant_id,
        "dry_run": dry,
        "since": run.since.isoformat(),
        "counts": asdict(run.counts),
        "differences": listed,
    }


def _print(run: Run, found: Sequence[Drift], *, dry: bool) -> None:
    counts = run.counts
    print(f"{run.tenant_id}: {_many(counts.bookings, 'booking')} read on {_many(counts.pages, 'page')}:")
    print(f"  {counts.ours} with a row in the ledger, {counts.foreign} that stand and were made elsewhere.")
    print(f"  {_many(counts.rows, 'appointment')} to come compared one by one.")
    if counts.unread:
        print(f"  {_many(counts.unread, 'booking')} could not be understood and left out.")
    if not counts.found:
        print("\nLedger and calendar are of one mind.")
        return
    for kind in DriftKind:
        if kind.value in counts.found:
            print(f"\n{counts.found[kind.value]} x {kind.value}: {MEANING[kind]}{_fate(kind, dry=dry)}")
            some = [one for one in found if one.kind is kind]
            for one in some[:SHOWN_MAX]:
                _print_one(one)
            if counts.found[kind.value] > SHOWN_MAX:
                print(f"  ... and {counts.found[kind.value] - SHOWN_MAX} more; --json lists up to {KEPT_MAX}")
    if dry:
        print("\nNothing was changed. Without --dry-run what is ours is mended.")
    else:
        print(f"\n{counts.mended} mended, {sum(counts.found.values()) - counts.mended} left; see docs/operating.md.")


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _fate(kind: DriftKind, *, dry: bool) -> str:
    if kind in MENDED:
        return "; would be mended" if dry else ""
    if kind is DriftKind.GHOST:
        return "; taken for lost once two runs, ten minutes apart, agree"
    return "; for a person"


def _print_one(one: Drift) -> None:
    intent = "" if one.intent_id is None else f"  intent {one.intent_id}"
    detail = "" if not one.detail else f"  {one.detail}"
    print(f"  {one.subject}{intent}{detail}{'  mended' if one.mended else ''}")
