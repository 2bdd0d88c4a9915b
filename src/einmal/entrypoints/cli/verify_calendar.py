"""The part of `einmal verify` that books at a real Cal.com, on an event type for tests.

What it books is a function call of its own gateway, on a ledger of its own: the installation's ledger learns nothing
of it. At the end, also of a run that was stopped, it tidies up behind itself (`verify_tidy`).
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from einmal.adapters.calcom.probe import EventType, Unreached
from einmal.adapters.sql.scratch import scratch_file
from einmal.adapters.system import SystemClock
from einmal.beside import ProbedAccount
from einmal.configuration import TenantConfiguration
from einmal.domain.model import Service
from einmal.domain.proof import Grade, Row
from einmal.entrypoints.cli.verify_probe import by_a_booking
from einmal.entrypoints.cli.verify_scenarios import NAME, three_calls
from einmal.entrypoints.cli.verify_tidy import is_ours, tidied
from einmal.entrypoints.cli.verify_trial import Overheard, trial
from einmal.ports import Blind
from einmal.settings import Settings

ASK_SECONDS: Final = 15.0
SOONEST: Final = timedelta(days=2)
LATEST: Final = timedelta(days=30)


class NoSlot(Exception):
    """`args[0]` says why none can be booked, in words for the operator."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done at the real calendar, decided before anything is."""

    tenant: TenantConfiguration
    event_type: EventType
    start: datetime
    thrice: bool

    def told(self, base_url: str) -> str:
        """For whoever must agree to it."""
        local = self.start.astimezone(ZoneInfo(self.tenant.time_zone))
        calls = "three function calls ask for it at once" if self.thrice else "one function call asks for it"
        return (
            f"At {base_url}, on event type {self.event_type.id} ({self.event_type.title}):\n"
            f"  one booking is made for {local:%A %Y-%m-%d %H:%M} ({self.tenant.time_zone}); {calls}.\n"
            f"  Its attendee is called {NAME}, under your house address with a plus and an id: Cal.com mails that\n"
            "  address, and the host. Then it is cancelled, of which both get a mail too, and read again."
        )


async def planned(account: ProbedAccount, tenant: TenantConfiguration, wanted: EventType, *, thrice: bool) -> Plan:
    """With the first slot that is free, some days from now. Raises NoSlot."""
    now, clock = datetime.now(UTC), SystemClock()
    service = _service(wanted)
    deadline = clock.monotonic() + ASK_SECONDS
    offers = await account.calendar.slots(service, now + SOONEST, now + LATEST, deadline)
    if isinstance(offers, Blind):
        raise NoSlot(f"Cal.com's free slots cannot be read ({offers.why})")
    if not offers:
        raise NoSlot(f"event type {wanted.id} has no free slot from the day after tomorrow until {LATEST.days} days on")
    return Plan(tenant, wanted, offers[0].start, thrice)


async def at_calendar(
    settings: Settings, plan: Plan, account: ProbedAccount, wire: Overheard, tell: Callable[[str], None]
) -> list[Row]:
    """The rows, the last of which tells of the tidying up. `wire` is what the account is asked over."""
    rows: list[Row] = []
    why_not = await _to_its_end(_work(settings, plan, account, wire, rows, tell))
    tell("cancelling what was booked; do not stop it")
    rows.append(await tidied(account, wire.posts, plan.start))
    if why_not is not None:
        rows.append(Row("stopped", Grade.COULD_NOT_LOOK, why_not, "it ran to its end"))
    return rows


async def _to_its_end(work: Coroutine[Any, Any, None]) -> str | None:
    """Do the work; why it did not come to its end, if so. Whatever ends it does not end what comes after it."""
    task, loop = asyncio.create_task(work), asyncio.get_running_loop()
    for number in stop_signals():
        # Not taken back: whoever asks twice must not keep a booking from being cancelled.
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return "stopped before it was done"
    except Exception as failure:  # noqa: BLE001 - whatever it is, what was booked by then is to be cancelled
        return f"failed before it was done ({type(failure).__name__})"
    return None


def stop_signals() -> tuple[signal.Signals, ...]:
    """What stops a command; a terminal that went away too, unless somebody wants the command to outlive it."""
    asked = (signal.SIGINT, signal.SIGTERM)
    return asked if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (*asked, signal.SIGHUP)


async def _work(
    settings: Settings,
    plan: Plan,
    account: ProbedAccount,
    wire: Overheard,
    rows: list[Row],
    tell: Callable[[str], None],
) -> None:
    tenant = plan.tenant
    of_calendar: dict[str, Any] = {
        "calcom_api_key": tenant.calcom_api_key,
        "calcom_api_version": settings.calcom_api_version,
        "attendee_fallback_email": tenant.house_email,
        "timezone": tenant.time_zone,
        "language": tenant.language,
        "services": (_service(plan.event_type),),
    }

    async def live_at(start: datetime) -> int | None:
        try:
            listed = await account.probe.beginning_at(start)
        except Unreached:
            return None
        return len([one for one in listed.bookings if one.status.live and is_ours(one, wire.posts)])

    with scratch_file() as ledger:
        async with trial(settings, ledger, wire, **of_calendar) as one:
            tell("booking at Cal.com")
            if plan.thrice:
                row = await three_calls(one, "three_requests_calcom", plan.start, live_at)
            else:
                row = _one_booked(await one.status(one.call(f"call_verify_{one.drawn}", NAME, plan.start)))
            rows.append(row)
            tell("reading what was booked")
            rows += await by_a_booking(settings, account.probe, wire.posts, one.clock)


def _one_booked(status: str) -> Row:
    grade = Grade.PASS if status in {"booked", "requested"} else Grade.FAIL
    return Row("booking_calcom", grade, f"the call heard {status}", "the call is booked")


def _service(event_type: EventType) -> Service:
    return Service(str(event_type.id), event_type.title, event_type.id, event_type.minutes)
