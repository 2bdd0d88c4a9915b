"""Gateways that race: each a process of its own with its door open on loopback, all on one ledger, and one calendar.

The calendar is Cal.com at its worst moment: its bookings wait for a host, and a second request in one second does not
see the first one's row, so of two POSTs both are bookings. What keeps the second POST from being sent is the
gateway's ledger, and nothing else. Its guards can be taken away, as in the arena.
"""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp

from einmal.adapters.sql.sqlite import SqliteThread
from einmal.adapters.sql.steps import Store
from einmal.entrypoints.http.app import create_app
from einmal.settings import read_settings
from einmal.simulator.app import simulator_app
from einmal.simulator.calendar import SimulatedBooking, SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.faults import FaultPlan
from einmal.simulator.wire import SimulatedCalcom
from einmal.wiring import build_gateway
from races.backend import PREFIX, Guard, store_of, thread_of
from races.contender import PATIENCE_SECONDS
from races.databases import database_of
from support.serving import served

GATEWAYS: Final = 2
START: Final = (datetime.now(UTC) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
"""The same for everybody: what waits for the host's word keeps nobody else out."""

KEY: Final = "cal_test"
HEADERS: Final = {"Authorization": f"Bearer {KEY}", "cal-api-version": "2024-08-13"}

_SPAWN: Final = multiprocessing.get_context("spawn")

_UNSEEN: Final = """
[[rule]]
fault = "concurrent_duplicate"
operation = "create"
window_seconds = 5
"""


def gateway(url: str, calendar: str, off: frozenset[Guard], line: Connection) -> None:
    """One process: says where it listens, and stops when it is told anything."""
    asyncio.run(_serve(url, calendar, off, line))


async def _serve(url: str, calendar: str, off: frozenset[Guard], line: Connection) -> None:
    settings = read_settings(
        {
            "EINMAL_DATABASE_URL": url,
            "EINMAL_CALCOM_BASE_URL": calendar,
            "EINMAL_CALCOM_API_KEY": KEY,
            "EINMAL_CALCOM_RATE_PER_MINUTE": "0",
            "EINMAL_HOUSE_RATE_PER_MINUTE": "0",
            "EINMAL_CALL_RATE_PER_MINUTE": "0",
            "EINMAL_NUMBER_RATE_PER_MINUTE": "0",
            "EINMAL_BOOKINGS_PER_CALL": "0",
            "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
            # A machine with much else to do makes nobody's booking a doubt.
            "EINMAL_REPLY_SECONDS": "30",
        }
    )
    thread: type[SqliteThread] = thread_of(off)
    store: Store | None = None if url.startswith(PREFIX) else store_of(url, off)
    made = await build_gateway(settings, thread=thread, store=store)
    try:
        async with served(create_app(made)) as address:
            line.send(address)
            await asyncio.to_thread(line.poll, None)
    finally:
        await made.close()


@dataclass(frozen=True)
class Crossing:
    """The gateways by their addresses, and the calendar behind them. Each round is another person's."""

    addresses: Sequence[str]
    calendar: SimulatedCalendar
    client: aiohttp.ClientSession

    async def phone_call(self, number: int, gateway: int) -> dict[str, Any]:
        """A function call of this round's person, as Retell sends it."""
        at = START.astimezone(ZoneInfo("Europe/Berlin"))
        args = {
            "datum": f"{at:%Y-%m-%d}",
            "uhrzeit": f"{at:%H:%M}",
            "name": name_of(number),
            "telefonnummer": phone_of(number),
            "dienstleistung": "Beratung",
        }
        body = {"name": "collect_appointment", "args": args, "call": {"call_id": f"call_{number}"}}
        url = f"{self.addresses[gateway]}/api/retell/collect-appointment"
        async with self.client.post(url, json=body) as answer:
            told: dict[str, Any] = await answer.json()
            return told

    async def proxied(self, number: int, gateway: int, **headers: str) -> tuple[int, Any]:
        """A booking of this round's person, as a client of Cal.com sends it."""
        attendee = {
            "name": name_of(number),
            "email": f"gast{number}@kunde.test",
            "phoneNumber": phone_of(number),
            "timeZone": "Europe/Berlin",
        }
        body = {"start": START.isoformat(), "eventTypeId": 101, "attendee": attendee}
        sent = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(f"{self.addresses[gateway]}/v2/bookings", json=body, headers=sent) as answer:
            return answer.status, await answer.json()

    def live(self, *numbers: int) -> list[SimulatedBooking]:
        """What stands in the calendar for the people of these rounds."""
        names = {name_of(number) for number in numbers}
        standing = [one for one in self.calendar.bookings if one.status.value in {"accepted", "pending"}]
        return [one for one in standing if one.attendee.name in names]


def name_of(number: int) -> str:
    # In letters: what is heard on the phone as a name has no digits.
    return "Anna " + "".join("abcdefghij"[int(digit)] for digit in f"{number:04d}").capitalize()


def phone_of(number: int) -> str:
    return f"+4930901{number:04d}"


@asynccontextmanager
async def crossing(base: str, off: frozenset[Guard] = frozenset()) -> AsyncIterator[Crossing]:
    """Gateways on one fresh ledger below `base`, with these guards off."""
    types = [replace(one, requires_confirmation=True) for one in demo_event_types()]
    calendar = SimulatedCalendar(types, now=lambda: datetime.now(UTC), new_uid=random_uid)
    calcom = SimulatedCalcom(calendar, api_keys=None, now=lambda: datetime.now(UTC))
    database = database_of(base)
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(served(simulator_app(calcom, faults=FaultPlan.from_toml(_UNSEEN))))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        url = await asyncio.to_thread(database.fresh, base, off)
        # A thread: it opens a loop of its own.
        stack.push_async_callback(asyncio.to_thread, database.drop, base, url)
        addresses = []
        for _ in range(GATEWAYS):
            here, there = _SPAWN.Pipe()
            process = _SPAWN.Process(target=gateway, args=(url, at, off, there), daemon=True)
            process.start()
            stack.push_async_callback(asyncio.to_thread, _stopped, process, here)
            if not await asyncio.to_thread(here.poll, PATIENCE_SECONDS):
                raise TimeoutError("a gateway says nothing")
            addresses.append(await asyncio.to_thread(here.recv))
        yield Crossing(addresses, calendar, client)


def _stopped(process: Any, line: Connection) -> None:
    with suppress(OSError):
        line.send("stop")
    process.join(PATIENCE_SECONDS)
    process.kill()
    process.close()
