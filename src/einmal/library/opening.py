"""From values to a gateway that runs: its settings, its ledger, and the recovery behind it."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from einmal.adapters.calcom.services import NoServices
from einmal.adapters.sql.ledger import SCHEMA_HEAD
from einmal.adapters.sql.migrate import SchemaMismatch, schema_version, shown, upgrade
from einmal.domain.model import Service as OfTheHouse
from einmal.library.values import BadArgument, CannotOpen, Service
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import BadSettings, Settings, read_settings
from einmal.wiring import Gateway, build_gateway, opened_traces


def settings_of(given: dict[str, str], services: Sequence[Service]) -> Settings:
    """Of these values alone: the environment is the program's, not ours."""
    _check(services)
    try:
        settings = read_settings(given)
    except BadSettings as wrong:
        raise CannotOpen("; ".join(wrong.problems)) from None
    own = (
        OfTheHouse(
            str(one.event_type_id),
            one.name,
            one.event_type_id,
            one.duration_minutes,
            one.aliases,
            description=one.description,
        )
        for one in services
    )
    return replace(settings, services=tuple(own))


def _check(services: Sequence[Service]) -> None:
    """Raises BadArgument for what nobody could book, or could not tell from another."""
    names, types = set[str](), set[int]()
    for one in services:
        name = one.name.strip().casefold()
        if not name:
            raise BadArgument("each service must have a name")
        for number, what in ((one.event_type_id, "event_type_id"), (one.duration_minutes, "duration_minutes")):
            if number < 1:
                raise BadArgument(f"{what} must be positive")
        if one.event_type_id in types:
            raise BadArgument(f"services hold the event type {one.event_type_id} twice; give one of them aliases")
        if name in names:
            raise BadArgument(f"there are two services called {name}")
        names.add(name)
        types.add(one.event_type_id)


def whose(settings: Settings, tenant_id: str | None) -> str:
    known = [one.tenant_id for one in settings.tenants]
    if any(one.calcom_api_key is None for one in settings.tenants):
        raise CannotOpen("calcom_api_key is missing; to try without a calendar run `einmal simulator`: any key works")
    if tenant_id is None and len(known) > 1:
        raise BadArgument(f"tenant_id must say whose calendar: {', '.join(known)}")
    if tenant_id is not None and tenant_id not in known:
        raise BadArgument(f"there is no such tenant; there are {', '.join(known)}")
    return tenant_id or known[0]


async def opened(settings: Settings, stack: AsyncExitStack) -> Gateway:
    """On a ledger that is made if there is none; with its worker running. Raises CannotOpen."""
    try:
        await asyncio.to_thread(_ready, settings)
        traces = opened_traces(settings)
        if traces is not None:
            stack.push_async_callback(traces.close)
        wired = await build_gateway(settings, traces=traces)
    except (SchemaMismatch, NoServices) as why:
        raise CannotOpen(str(why)) from None
    except (LedgerUnavailable, CommitUnknown) as why:
        raise CannotOpen(f"the ledger {shown(settings.ledger_at)} cannot be used: {why}") from None
    stack.push_async_callback(wired.close)
    stop = asyncio.Event()
    worker = asyncio.create_task(wired.worker.run(stop), name="worker")

    async def end() -> None:
        stop.set()
        await asyncio.gather(worker, return_exceptions=True)

    stack.push_async_callback(end)
    return wired


def _ready(settings: Settings) -> None:
    version = schema_version(settings.ledger_at)
    if version is None:
        upgrade(settings.ledger_at)
    elif version != SCHEMA_HEAD:
        where = shown(settings.ledger_at)
        raise CannotOpen(f"the ledger {where} has schema {version}, not {SCHEMA_HEAD}; run `einmal db upgrade`")
