"""A client of Cal.com's own API: it knows a base URL and a key, and what it talks to is our proxy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from einmal.entrypoints.http.app import create_app
from einmal.simulator.app import simulator_app
from support.serving import served
from support.world import World, world

VERSION = {"cal-api-version": "2024-08-13", "Authorization": "Bearer cal_test"}
ASKED: dict[str, Any] = {
    "start": "2026-12-01T09:00:00Z",
    "eventTypeId": 101,
    "attendee": {"name": "Jürgen Groß", "email": "juergen@kunde.test", "timeZone": "Europe/Berlin"},
    "metadata": {"ours": "17"},
}
ANOTHER = {**ASKED, "attendee": {**ASKED["attendee"], "name": "Anna Weiß", "email": "anna@kunde.test"}}


@dataclass
class Client:
    """A client of Cal.com's API: it knows a base URL and a key."""

    here: World
    url: str
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        sent = VERSION | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, self.url + path, json=body, headers=sent) as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, await answer.json(content_type=None), told

    async def book(self, body: Any = ASKED, **headers: str) -> tuple[int, Any]:
        status, data, _ = await self.ask("POST", "/v2/bookings", body, **headers)
        return status, data

    @property
    def live(self) -> int:
        return sum(booking.status.value in {"accepted", "pending"} for booking in self.here.calendar.bookings)


@asynccontextmanager
async def client(
    folder: Path, event_types: Any = None, http: str = "auto", **environment: str
) -> AsyncIterator[Client]:
    async with (
        world(folder, event_types=event_types, EINMAL_CALCOM_API_KEY="cal_test", **environment) as here,
        served(simulator_app(here.calcom)) as calcom,
        aiohttp.ClientSession() as session,
    ):
        sole = here.gateway.tenancies.sole
        elsewhere = replace(sole.configuration, calcom_base_url=calcom)
        here.gateway.tenancies.adopt([replace(sole, configuration=elsewhere)])
        async with served(create_app(here.gateway), http) as url:
            yield Client(here, url, session)
