"""What passes the proxy with the tenant's own key is counted where everything else of that key is, and bookings come
first."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from einmal.domain.gate import Gate
from einmal.entrypoints.http.app import create_app
from einmal.ports import Toll
from einmal.simulator.asgi import request
from support.calcom_client import ASKED, Client, client

RATE = {"EINMAL_CALCOM_RATE_PER_MINUTE": "30"}
"""A bucket of ten, of which what passes leaves two. Each second that is waited for brings a third of one back."""


async def _statuses(one: Client, times: int, **headers: str) -> list[int]:
    return [(await one.ask("GET", "/v2/event-types", **headers))[0] for _ in range(times)]


async def test_a_client_with_the_tenants_key_is_held_up_before_bookings_are(tmp_path: Path) -> None:
    """As Cal.com would a moment later, and with it every booking: 429, when to come back, and that nothing was sent."""
    async with client(tmp_path, **RATE) as one:
        assert set(await _statuses(one, 30)) == {200, 429}
        status, told, headers = await one.ask("GET", "/v2/event-types")
        assert status == 429
        assert int(headers["retry-after"]) >= 1
        assert "kept for bookings; nothing was sent" in told["error"]["message"]
        assert (await one.book())[0] == 201
        scraped = await request(create_app(one.here.gateway), "GET", "/metrics")
        counted = re.search(rb'calls_refused_total\{adapter="calcom",error="request_budget"\} (\d+)', scraped.body)
        assert counted is not None, "it is to be seen who holds whom up"
        assert int(counted[1]) >= 20


async def test_a_client_with_a_key_of_its_own_is_not_counted(tmp_path: Path) -> None:
    """Cal.com counts it by itself, and says so itself."""
    async with client(tmp_path, **RATE) as one:
        gateway = one.here.gateway
        calcom = gateway.tenancies.sole.configuration.calcom_base_url
        assert calcom is not None
        gateway.settings = replace(gateway.settings, calcom_base_url=calcom)
        before = one.here.rows("SELECT tokens FROM calendar_gates")
        assert await _statuses(one, 30, Authorization="Bearer cal_other") == [200] * 30
        await gateway.tenancies.sole.proxied.metered.close()
        assert one.here.rows("SELECT tokens FROM calendar_gates") == before


async def test_what_is_refused_is_not_sent(tmp_path: Path) -> None:
    """Nothing was done, so its client may send it again: here a change that passes unguarded."""
    async with client(tmp_path, **RATE) as one:
        _, told = await one.book()
        path = f"/v2/bookings/{told['data']['uid']}/cancel"
        await _statuses(one, 30)
        assert (await one.ask("POST", path, {"cancellationReason": "krank", "seatUid": "seat1"}))[0] == 429
        assert one.live == 1


@dataclass
class Told:
    """Gates that keep what they were told of requests that had not asked."""

    inner: Any
    spent: list[int] = field(default_factory=list)

    async def spend(self, toll: Toll, requests: int, now: datetime) -> Gate:
        self.spent.append(requests)
        gate: Gate = await self.inner.spend(toll, requests, now)
        return gate


@pytest.mark.parametrize("by_slug", [False, True])
async def test_what_is_read_for_a_booking_is_counted_too(tmp_path: Path, by_slug: bool) -> None:
    """Beside the booking, which admission counts: which event type a slug means, once, and what a repeat is told."""
    slug = {"eventTypeSlug": "beratung", "username": "salon-beispiel", "eventTypeId": None}
    async with client(tmp_path, EINMAL_CALCOM_RATE_PER_MINUTE="3000") as one:
        metered = one.here.gateway.tenancies.sole.proxied.metered
        metered.gates = told = Told(metered.gates)
        assert [(await one.book({**ASKED, **slug} if by_slug else ASKED))[0] for _ in range(2)] == [201, 201]
        await metered.close()
        assert sum(told.spent) == 1 + by_slug
