"""A program of the house's: it knows a base URL and a key."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.rest.app import rest_routes
from support.serving import served
from support.world import World, world

ASKED: dict[str, Any] = {
    "service": "Beratung",
    "start": "2026-12-01T10:00:00+01:00",
    "customer": {"name": "Jürgen Groß", "phone": "+4930901820"},
}
ANOTHER = ASKED | {"customer": {"name": "Anna Weiß", "phone": "+4930901821"}}
KEY = "0123456789abcdef0123"
_NUMBERS = itertools.count()


@dataclass
class Told:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def type(self) -> str:
        return str(self.body["type"]).rpartition("/")[2]


@dataclass
class Program:
    here: World
    url: str
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str) -> Told:
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {} if key is None else {"Idempotency-Key": key}
        async with self.session.request(method, f"{self.url}/v1{path}", json=body, headers=sent) as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Told(answer.status, await answer.json(content_type=None), told)

    async def get(self, path: str, **headers: str) -> Told:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: Any, key: str | None = None) -> Told:
        return await self.ask("POST", path, body, key or f"key-{next(_NUMBERS)}")

    async def book(self, body: Any = ASKED, key: str | None = None) -> Told:
        return await self.post("/bookings", body, key)

    @property
    def live(self) -> int:
        return sum(booking.status.value in {"accepted", "pending"} for booking in self.here.calendar.bookings)


@asynccontextmanager
async def program(folder: Path, key: str | None = None, **more: Any) -> AsyncIterator[Program]:
    async with (
        world(folder, **more) as here,
        aiohttp.ClientSession() as session,
        served(create_app(here.gateway, rest_routes(here.gateway))) as url,
    ):
        yield Program(here, url, session, {} if key is None else {"Authorization": f"Bearer {key}"})


async def lose(one: Program) -> None:
    """Cal.com books, the answer is lost, and nothing can be looked up."""

    async def loses(request: WireRequest) -> WireAnswer:
        await one.here.tap.inner.send(request)
        raise MaybeSent("reset")

    async def blind(_: WireRequest) -> WireAnswer:
        raise MaybeSent("timeout")

    one.here.tap.on_post, one.here.tap.on_get = loses, blind


async def heal(one: Program) -> None:
    one.here.tap.on_post = one.here.tap.on_get = None
    for _ in range(4):
        one.here.clock.pass_time(timedelta(seconds=30))
        await one.here.gateway.worker.turn()
