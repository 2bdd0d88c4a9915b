"""A client of Cal.com's API at our proxy, with the simulator behind it; and the simulator itself beside it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.http.door import header, send_json
from einmal.simulator.app import simulator_app
from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.faults import FaultPlan
from einmal.simulator.records import Scheduling
from support.serving import served
from support.world import World, world

_LOSES_ONE: str = """
[[rule]]
fault = "lost_answer"
operation = "create"
nth = [1]
"""


@dataclass(frozen=True)
class Proxied:
    """`url` is the gateway's, `losing` that of the simulator, which loses the first answer to a booking."""

    here: World
    url: str
    losing: str

    @property
    def live(self) -> int:
        return sum(booking.status.value in {"accepted", "pending"} for booking in self.here.calendar.bookings)


@asynccontextmanager
async def proxied(folder: Path, *, ordinary: bool = False) -> AsyncIterator[Proxied]:
    """`ordinary`: each slot is one person's, as with most event types."""
    types = [replace(one, scheduling=Scheduling.INDIVIDUAL) for one in demo_event_types()] if ordinary else None
    async with (
        world(folder, event_types=types, EINMAL_CALCOM_API_KEY="cal_test") as here,
        served(_with_older_lists(simulator_app(here.calcom), here)) as calcom,
        served(simulator_app(here.calcom, faults=FaultPlan.from_toml(_LOSES_ONE))) as losing,
    ):
        sole = here.gateway.tenancies.sole
        elsewhere = replace(sole.configuration, calcom_base_url=calcom)
        here.gateway.tenancies.adopt([replace(sole, configuration=elsewhere)])
        async with served(create_app(here.gateway)) as url:
            yield Proxied(here, url, losing)


def _with_older_lists(app: ASGIApp, here: World) -> ASGIApp:
    """Whoever names no version of the API has event types in the shape of an older one, which the simulator has not."""

    async def older(scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and scope["path"] == "/v2/event-types"
        if not asks or header(scope, b"cal-api-version") is not None:
            await app(scope, receive, send)
            return
        types = [
            {"id": one.id, "title": one.title, "hidden": False, "length": one.length_minutes}
            for one in here.calendar.event_types
        ]
        groups = [{"profile": {"slug": "salon"}, "eventTypes": types}]
        await send_json(send, 200, json.dumps({"status": "success", "data": {"eventTypeGroups": groups}}).encode())

    return older
