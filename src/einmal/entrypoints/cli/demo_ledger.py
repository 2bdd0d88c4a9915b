"""A ledger in which the incident has happened to a guarded gateway: an example for the pages and for `einmal explain`.

Everybody is booked under the house's address here, as the unguarded gateway did. So Cal.com answers the second caller
with the booking of the first, and the gateway must find that out.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from einmal.adapters.calcom.transport import Transport, WireAnswer, WireRequest
from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.system import SystemIds
from einmal.assembly import HOUSE_EMAIL_OF_THE_SIMULATOR
from einmal.entrypoints.cli.demo import BEGIN, BETWEEN_THE_CALLS, FIRST, SECOND, Collected
from einmal.entrypoints.http.retell import collect_appointment
from einmal.settings import Secret, read_settings
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.clock import SteppedClock
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom
from einmal.wiring import build_gateway

USAGE: Final = 2


@dataclass(frozen=True)
class UnderOneAddress:
    """Sends every booking on under the house's address, whoever it is for."""

    inner: Transport

    async def send(self, request: WireRequest) -> WireAnswer:
        if request.method == "POST" and request.target == "/v2/bookings":
            body = json.loads(request.body)
            body["attendee"]["email"] = HOUSE_EMAIL_OF_THE_SIMULATOR
            request = replace(request, body=json.dumps(body).encode())
        return await self.inner.send(request)

    async def close(self) -> None:
        await self.inner.close()


def demo_ledger(path: Path) -> int:
    """Make the ledger, and say how to look at it. Exit code 2 where there is a file already: it is nobody's to lose."""
    if path.exists():
        print(f"einmal: {path} is there already; name a new file", file=sys.stderr)
        return USAGE
    if not path.parent.is_dir():
        print(f"einmal: there is no folder {path.parent}", file=sys.stderr)
        return USAGE
    upgrade(path)
    asyncio.run(_play(path))
    where = f"EINMAL_DATABASE_URL=sqlite:///{path}"
    print(f"The ledger {path} holds both calls. Look at the second one:\n")
    print(f"  {where} einmal explain {SECOND[1]}")
    print(f"  {where} einmal serve    # then /calls/{SECOND[1]}")
    return 0


async def _play(path: Path) -> None:
    clock = SteppedClock(BEGIN)
    calendar = SimulatedCalendar(demo_event_types(), now=clock.now, new_uid=random_uid)
    transport = UnderOneAddress(InProcessTransport(SimulatedCalcom(calendar, api_keys=None, now=clock.now)))
    settings = read_settings({"EINMAL_DATABASE_URL": f"sqlite:///{path}"})
    settings = replace(settings, calcom_api_key=Secret("demo"))
    gateway = await build_gateway(settings, transport, clock, SystemIds(), Collected())
    try:
        for name, call_id in (FIRST, SECOND):
            wish = {"datum": "2026-10-09", "uhrzeit": "08:00", "name": name, "dienstleistung": "Beratung"}
            call = {"call_id": call_id, "from_number": "anonymous"}
            body = {"name": "collect_appointment", "call": call, "args": wish}
            await collect_appointment(gateway).answer(json.dumps(body).encode())
            clock.pass_time(BETWEEN_THE_CALLS)
    finally:
        await gateway.close()
