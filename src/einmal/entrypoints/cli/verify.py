"""`einmal verify`: does this installation keep what it promises? A row for each check, with a verdict.

Safe by default: the scenarios run on the built-in simulator and a ledger made for the trial. Only a named event type,
marked as one for tests, makes it book at a real Cal.com; it says what it will do, asks, and tidies up.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from rich.console import Console

from einmal.adapters.calcom.probe import EventType, Unreached
from einmal.adapters.calcom.transport import Transport
from einmal.adapters.sql.scratch import NoScratch
from einmal.adapters.system import SystemClock
from einmal.adapters.telemetry.logs import configure_logs
from einmal.assembly import account_id
from einmal.beside import build_probe, calcom_transport
from einmal.configuration import TenantConfiguration
from einmal.domain.proof import Grade, Row, worst
from einmal.entrypoints.cli import verify_ledger, verify_probe
from einmal.entrypoints.cli.verify_calendar import NoSlot, Plan, at_calendar, planned, stop_signals
from einmal.entrypoints.cli.verify_shown import Section, show, show_json
from einmal.entrypoints.cli.verify_trial import Overheard
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Settings

USAGE: Final = 2
CODES: Final = {Grade.FAIL: 1, Grade.COULD_NOT_LOOK: 4}


@dataclass(frozen=True, slots=True)
class Asked:
    """The command's arguments."""

    event_type: int | None = None
    service: str | None = None
    tenant: str | None = None
    probe_only: bool = False
    marked: bool = False
    sure: bool = False

    @property
    def books(self) -> bool:
        return self.event_type is not None or self.service is not None


class Misused(Exception):
    """What was asked for cannot be done; `args[0]` says why, and what can."""


class CouldNot(Exception):
    """`args[0]` says why, in words for the operator."""


Way = Callable[[TenantConfiguration], Transport]
"""To a tenant's Cal.com."""


def run_verify(settings: Settings, asked: Asked, *, as_json: bool, way: Way | None = None) -> int:
    """Exit code 1 where a row fails, 4 where one could not be looked at. `way` is the network unless one is given."""
    # Of what is tried on purpose the log would tell as of what happens.
    configure_logs(level=logging.CRITICAL)
    try:
        tenants = _tenants(settings, asked)
        sections = asyncio.run(_verified(settings, asked, tenants, way or partial(calcom_transport, settings)))
    except Misused as why:
        print(f"einmal: {why}", file=sys.stderr)
        return USAGE
    except (CouldNot, NoScratch, LedgerUnavailable, CommitUnknown) as why:
        print(f"einmal: {why}", file=sys.stderr)
        return CODES[Grade.COULD_NOT_LOOK]
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("einmal: stopped; nothing was booked at Cal.com, and no ledger is left behind", file=sys.stderr)
        return CODES[Grade.COULD_NOT_LOOK]
    (show_json if as_json else show)(sections)
    return CODES.get(worst([row for section in sections for row in section.rows]), 0)


def _tenants(settings: Settings, asked: Asked) -> list[TenantConfiguration]:
    """Whose Cal.com accounts are looked at: a tenant for each; none where nobody has a key. Raises Misused."""
    named = {one.tenant_id: one for one in settings.tenants}
    if asked.tenant is not None and asked.tenant not in named:
        raise Misused(f"there is no tenant {asked.tenant!r}; there are {', '.join(named)}")
    chosen = list(named.values()) if asked.tenant is None else [named[asked.tenant]]
    keyed = {account_id(one): one for one in reversed(chosen) if one.calcom_api_key is not None}
    if (asked.probe_only or asked.books) and not keyed:
        raise Misused("EINMAL_CALCOM_API_KEY is not set: there is no Cal.com account to look at")
    if asked.books and len(chosen) > 1:
        raise Misused(f"say with --tenant at whose Cal.com account to book: {', '.join(named)}")
    return list(reversed(keyed.values()))


async def _verified(
    settings: Settings, asked: Asked, tenants: Sequence[TenantConfiguration], way: Way
) -> list[Section]:
    here = asyncio.current_task()
    if here is not None:
        # Ctrl-C has Python's own: it ends a question that nobody answers, too.
        for number in set(stop_signals()) - {signal.SIGINT}:
            asyncio.get_running_loop().add_signal_handler(number, here.cancel)
    plan = await _agreed(settings, asked, tenants[0], way) if asked.books else None
    if here is not None:
        # From here on there is something to clear up, which Python's own would not wait for when it is pressed twice.
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, here.cancel)
    sections: list[Section] = []
    with _telling() as tell:
        if not asked.probe_only:
            rows = await verify_ledger.on_scratch(settings, tell)
            sections.append(Section("scratch", _touched(settings), tuple(rows)))
            row = await verify_ledger.here(settings.ledger_at)
            sections.append(Section("ledger", "This installation's ledger, read", (row,)))
        for tenant in tenants:
            tell("asking Cal.com")
            sections.append(await _probed(settings, tenant, way, booking_follows=plan is not None))
        if plan is not None:
            sections.append(await _booked(settings, plan, way, tell))
    return sections


def _touched(settings: Settings) -> str:
    if isinstance(settings.ledger_at, str):
        return "The simulator, and a scratch database on this server, dropped again: nothing of the installation's"
    return "The simulator and a scratch ledger: nothing of this installation is touched"


async def _agreed(settings: Settings, asked: Asked, tenant: TenantConfiguration, way: Way) -> Plan:
    """What will be done at the real calendar, once the operator has agreed. Raises Misused or CouldNot."""
    account = build_probe(settings, tenant, way(tenant))
    try:
        wanted = _wanted(asked, tenant, await account.probe.event_types())
        plan = await planned(account, tenant, wanted, thrice=not asked.probe_only)
    except (Unreached, NoSlot) as why:
        raise CouldNot(str(why)) from None
    finally:
        await account.close()
    print(plan.told(tenant.calcom_base_url or settings.calcom_base_url), file=sys.stderr)
    if not asked.sure:
        if not sys.stdin.isatty():
            raise Misused("nobody can be asked here whether to go on; say --yes if it may")
        print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().casefold() not in {"y", "yes", "j", "ja"}:
            raise Misused("nothing was booked")
    return plan


def _wanted(asked: Asked, tenant: TenantConfiguration, there: Sequence[EventType]) -> EventType:
    """The named event type, if it is one for tests. Raises Misused."""
    number = asked.event_type
    if asked.service is not None:
        name = asked.service.casefold()
        ours = [
            one.event_type_id for one in tenant.services if name in {one.name.casefold(), one.service_id.casefold()}
        ]
        theirs = [one.id for one in there if name in {one.title.casefold(), one.slug.casefold()}]
        number = next(iter((*ours, *theirs)), None)
        if number is None:
            raise Misused(f"there is no service {asked.service!r}; Cal.com lists {_listed(there)}")
    found = next((one for one in there if one.id == number), None)
    if found is None:
        raise Misused(f"Cal.com lists no event type {number} to this key; it lists {_listed(there)}")
    if found.seats:
        raise Misused(
            f"event type {found.id} ({found.title}) has seats: what is booked there may be others' booking too, and to "
            "cancel it would cancel theirs. Take one without"
        )
    if not (found.is_test or asked.marked):
        raise Misused(
            f"event type {found.id} ({found.title}) is not marked as one for tests: neither its title nor its slug has "
            "the word test. If bookings in it disturb nobody, add --yes-this-is-a-test-event-type"
        )
    return found


def _listed(there: Sequence[EventType]) -> str:
    return ", ".join(f"{one.id} ({one.title})" for one in there) or "none"


async def _probed(settings: Settings, tenant: TenantConfiguration, way: Way, *, booking_follows: bool) -> Section:
    wire = Overheard(way(tenant), SystemClock())
    account = build_probe(settings, tenant, wire)
    try:
        rows = await verify_probe.read_only(settings, account.probe, wire)
    finally:
        await account.close()
    if booking_follows:
        rows = [row for row in rows if row.grade is not Grade.NOT_ASKED]
    else:
        rows += verify_probe.not_asked()
    whose = f" of {tenant.tenant_id}" if len(settings.tenants) > 1 else ""
    return Section(f"calcom{whose}", f"The Cal.com account{whose}, read", tuple(rows))


async def _booked(settings: Settings, plan: Plan, way: Way, tell: Callable[[str], None]) -> Section:
    wire = Overheard(way(plan.tenant), SystemClock())
    account = build_probe(settings, plan.tenant, wire)
    try:
        rows: list[Row] = await at_calendar(settings, plan, account, wire, tell)
    finally:
        await account.close()
    what = f"Cal.com, event type {plan.event_type.id} ({plan.event_type.title}): booked and cancelled"
    return Section("calcom_booking", what, tuple(rows))


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """What is being done, on standard error, where somebody looks."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _what: None
        return
    with console.status("") as status:
        yield status.update
