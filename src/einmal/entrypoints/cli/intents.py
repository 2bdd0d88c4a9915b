"""`einmal intents list|show|rule`: what is in doubt, all that is known of it, and a person's decision."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from einmal.adapters.calcom.services import NoServices
from einmal.adapters.sql.migrate import SchemaMismatch, schema_version, shown
from einmal.adapters.telemetry.logs import configure_logs
from einmal.beside import open_ledger
from einmal.domain.intent import UNRESOLVED, Intent, State
from einmal.flows.rule import CannotRule
from einmal.ports import StoredReply
from einmal.settings import Settings
from einmal.wiring import Gateway, build_gateway

FOUND: Final = 1
USAGE: Final = 2
COULD_NOT_LOOK: Final = 4


def intents_list(settings: Settings, limit: int, tenant_id: str | None, *, everything: bool, as_json: bool) -> int:
    """Of one tenant or of all that are configured. Exit code 1 where something waits for a person, 0 otherwise."""
    configured = {one.tenant_id for one in settings.tenants}
    states = tuple(State) if everything else tuple(sorted(UNRESOLVED | {State.COMPENSATING}))
    ledger = _ledger(settings)
    if ledger is None:
        return COULD_NOT_LOOK
    try:
        # The ledger's, not only those configured: a doubt of a tenant that is gone is a doubt.
        tenants = asyncio.run(ledger.tenant_ids())
        if tenant_id is not None and tenant_id not in tenants:
            print(f"einmal: there is no tenant {tenant_id!r}; there are {', '.join(tenants)}", file=sys.stderr)
            return USAGE
        found = asyncio.run(_in_states(ledger, [tenant_id] if tenant_id is not None else tenants, states, limit))
    finally:
        ledger.close()
    intents = tuple(sorted(found, key=lambda intent: intent.created_at)[:limit])
    if as_json:
        print(json.dumps([_plain(intent) for intent in intents], indent=2))
    elif not intents:
        print("Nothing is unresolved." if not everything else "No intents yet.")
    else:
        _print_list(intents)
    gone = sorted({intent.wish.tenant_id for intent in intents} - configured)
    if gone:
        print(f"einmal: not configured here, and so looked at by nobody: {', '.join(gone)}", file=sys.stderr)
    return FOUND if any(intent.state is State.ESCALATED for intent in intents) else 0


async def _in_states(ledger: Any, tenants: Sequence[str], states: tuple[State, ...], limit: int) -> list[Intent]:
    return [intent for tenant_id in tenants for intent in await ledger.in_states(tenant_id, states, limit)]


def intents_show(settings: Settings, intent_id: str, *, as_json: bool) -> int:
    ledger = _ledger(settings)
    if ledger is None:
        return COULD_NOT_LOOK
    try:
        stored = asyncio.run(ledger.stored(intent_id))
    finally:
        ledger.close()
    if stored is None:
        print(f"einmal: there is no intent {intent_id}", file=sys.stderr)
        return USAGE
    details = _plain(stored.intent) | _ending(stored)
    if as_json:
        print(json.dumps(details, indent=2))
        return 0
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in details.items():
        table.add_row(name, "-" if value is None else str(value))
    Console().print(table)
    return 0


def intents_rule(settings: Settings, intent_id: str, booked: str | None) -> int:
    async def rule(gateway: Gateway) -> None:
        stored = await gateway.ledger.stored(intent_id)
        if stored is None:
            raise CannotRule(f"there is no intent {intent_id}")
        tenancy = gateway.tenancies.get(stored.intent.wish.tenant_id)
        if tenancy is None:
            raise CannotRule(f"its tenant {stored.intent.wish.tenant_id!r} is not configured here")
        if booked is None:
            await tenancy.rulings.not_booked(intent_id)
        else:
            await tenancy.rulings.booked(intent_id, booked)

    return asyncio.run(_with_gateway(settings, rule))


async def _with_gateway(settings: Settings, work: Callable[[Gateway], Awaitable[None]]) -> int:
    configure_logs()
    if _ledger_missing(settings):
        return COULD_NOT_LOOK
    try:
        gateway = await build_gateway(settings)
    except NoServices as why:
        print(f"einmal: {why}", file=sys.stderr)
        return COULD_NOT_LOOK
    try:
        await work(gateway)
    except CannotRule as why:
        print(f"einmal: {why}", file=sys.stderr)
        return USAGE
    finally:
        await gateway.close()
    print("Ruled.")
    return 0


def _ledger(settings: Settings) -> Any:
    return None if _ledger_missing(settings) else open_ledger(settings)


def _ledger_missing(settings: Settings) -> bool:
    try:
        missing = schema_version(settings.ledger_at) is None
    except SchemaMismatch as why:
        print(f"einmal: {why}", file=sys.stderr)
        return True
    if missing:
        print(f"einmal: there is no ledger at {shown(settings.ledger_at)}; see EINMAL_DATABASE_URL", file=sys.stderr)
    return missing


def _print_list(intents: tuple[Intent, ...]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("intent", "state", "service", "start", "in doubt for", "looks", "next look"):
        # The id is what `show` and `rule` take: it is never cut.
        table.add_column(name, no_wrap=True, min_width=26 if name == "intent" else None)
    now = datetime.now(UTC)
    for intent in intents:
        table.add_row(
            intent.intent_id,
            intent.state_at(now).value,
            intent.wish.service.name,
            intent.wish.start.strftime("%Y-%m-%d %H:%MZ"),
            "-" if intent.doubted_at is None else str(now - intent.doubted_at).partition(".")[0],
            str(intent.looks),
            "-" if intent.look_at is None else intent.look_at.strftime("%H:%M:%SZ"),
        )
    # Where nobody watches, a program reads it, or a mail: nothing need be cut to a width.
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _plain(intent: Intent) -> dict[str, Any]:
    """Ids, states and times. Whose wish it is stays out: a terminal is a log to somebody."""

    def at(value: datetime | None) -> str | None:
        return None if value is None else value.isoformat()

    return {
        "intent": intent.intent_id,
        "tenant": intent.wish.tenant_id,
        "state": intent.state.value,
        "operation_id": intent.operation_id,
        "call_id": intent.wish.conversation_id,
        "service": intent.wish.service.name,
        "start": intent.wish.start.isoformat(),
        "generation": intent.generation,
        "epoch": intent.epoch,
        "created_at": at(intent.created_at),
        "sent_at": at(intent.sent_at),
        "send_deadline": at(intent.send_deadline),
        "doubted_at": at(intent.doubted_at),
        "looks": intent.looks,
        "next_look_at": at(intent.look_at),
        "resolved_at": at(intent.resolved_at),
        "booking_uid": intent.booking_uid,
    }


def _ending(stored: StoredReply) -> dict[str, Any]:
    return {
        "appointment": None if stored.booking is None else stored.booking.ref,
        "said": None if stored.reply is None else stored.reply.outcome.value,
        "imported_from": stored.imported_from,
    }
