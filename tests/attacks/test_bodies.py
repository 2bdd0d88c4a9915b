"""Bodies that are too large, too deep, say one thing twice, or lie about their length: at every door that reads one.

The control of each is the same request with a body that fits, which gets past this check.
"""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from einmal.adapters.calcom.webhooks import sign as calcom_sign
from einmal.adapters.elevenlabs.signature import sign as elevenlabs_sign
from einmal.adapters.retell.signature import sign as retell_sign
from einmal.adapters.strict_json import DEPTH_MAX
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.http.door import BODY_BYTES_MAX
from einmal.entrypoints.rest.app import rest_routes
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.simulator.asgi import HttpAnswer, request
from support.world import BERLIN_MORNING, World, world

NOW = int(BERLIN_MORNING.timestamp())
SET = {
    "EINMAL_RETELL_API_KEY": "key_retell",
    "EINMAL_VAPI_SECRET": "a-secret-of-vapi-for-tests",
    "EINMAL_ELEVENLABS_SECRET": "a-secret-of-elevenlabs-tools",
    "EINMAL_ELEVENLABS_WEBHOOK_SECRET": "hook",
    "EINMAL_CALCOM_WEBHOOK_SECRET": "whsec",
    "EINMAL_API_KEYS": "website:book:kEy-of-the-website-0001",
    "EINMAL_ADMIN_TOKEN": "an-operators-token-for-tests",
}
DOORS = {
    "/api/retell/collect-appointment": lambda b: {"x-retell-signature": retell_sign(b, "key_retell", NOW * 1000)},
    "/api/retell/function-call": lambda b: {"x-retell-signature": retell_sign(b, "key_retell", NOW * 1000)},
    "/api/webhooks/retell": lambda b: {"x-retell-signature": retell_sign(b, "key_retell", NOW * 1000)},
    "/api/vapi/tool-calls": lambda _: {"x-vapi-secret": "a-secret-of-vapi-for-tests"},
    "/api/elevenlabs/book-appointment": lambda _: {"x-einmal-secret": "a-secret-of-elevenlabs-tools"},
    "/api/webhooks/elevenlabs": lambda b: {"elevenlabs-signature": elevenlabs_sign(b, "hook", NOW)},
    "/api/webhooks/calcom": lambda b: {"x-cal-signature-256": calcom_sign(b, "whsec")},
    "/api/internal/appointments/verify": lambda _: {"authorization": "Bearer an-operators-token-for-tests"},
    "/v1/bookings": lambda _: {
        "authorization": "Bearer kEy-of-the-website-0001",
        "content-type": "application/json",
        "idempotency-key": "one",
    },
}
WELL = json.dumps(
    {
        "name": "collect_appointment",
        "args": {},
        "call": {"call_id": "call_1"},
        "event": "call_started",
        "message": {"type": "status-update", "call": {"id": "c-1"}},
        "type": "post_call_transcription",
        "data": {"conversation_id": "c-1", "agent_id": "a"},
        "triggerEvent": "PING",
        "booking_id": "uid",
    }
).encode()
"""Whole enough for every one of them to be read as JSON."""


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, **SET) as made:
        yield made


def app_of(here: World) -> ASGIApp:
    return create_app(here.gateway, [*page_routes(build_site(here.gateway)), *rest_routes(here.gateway)])


async def sent(here: World, path: str, body: bytes, chunks: int = 1, **more: str) -> HttpAnswer:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return await request(app_of(here), "POST", path, body, DOORS[path](body) | named, chunks)


def is_read(answer: HttpAnswer) -> bool:
    """Whether it got past what reads JSON, whatever it was then."""
    told = json.dumps(answer.json) if answer.body else ""
    return (
        answer.status < 500 and "without duplicate keys" not in told and "nested" not in told and answer.status != 413
    )


def nested(depth: int) -> bytes:
    """The sound body with one more field in it, that deep; the whole is one deeper."""
    return WELL[:-1] + b',"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


BAD = {
    "duplicate": WELL[:-1] + b',"name":"cancel_appointment"}',
    "duplicate-inside": WELL[:-1] + b',"x":{"a":1,"a":2}}',
    "duplicate-by-escape": WELL[:-1] + b',"\\u006eame":"cancel_appointment"}',
    "too-deep": nested(DEPTH_MAX + 1),
    "very-deep": WELL[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep-without-end": b'{"x":' + b"[" * 500_000,
    "no-utf-8": WELL[:-1] + b',"x":"\xff"}',
    "utf-16": WELL.decode().encode("utf-16"),
    "gzip": gzip.compress(WELL),
    "two": WELL + WELL,
    "a-list": b"[" + WELL + b"]",
    "a-huge-number": b'{"x":' + b"9" * 100_000 + b"}",
    "nothing": b"",
}


@pytest.mark.parametrize("path", DOORS)
async def test_control_what_fits_is_read(here: World, path: str) -> None:
    assert is_read(await sent(here, path, WELL))
    assert is_read(await sent(here, path, nested(DEPTH_MAX)))
    assert is_read(await sent(here, path, WELL, chunks=7))


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
@pytest.mark.parametrize("path", DOORS)
async def test_what_two_parsers_could_read_differently_is_refused(here: World, path: str, body: bytes) -> None:
    """A 4xx with nothing of it quoted, and nothing done."""
    answer = await sent(here, path, body)
    assert 400 <= answer.status < 500, answer.body[:200]
    assert b"cancel_appointment" not in answer.body
    assert here.states() == []
    assert here.rows("SELECT count(*) FROM inbox") == [(0,)]


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("told", [True, False], ids=["with-its-length", "in-chunks"])
async def test_more_than_two_mebibytes_are_not_taken_in(here: World, path: str, told: bool) -> None:
    """Refused by the length that is told, or as soon as it is too much: the rest is not read."""
    body = WELL + b" " * (BODY_BYTES_MAX + 1 - len(WELL))
    more = {"content_length": str(len(body))} if told else {}
    assert (await sent(here, path, body, chunks=1 if told else 33, **more)).status == 413
    assert is_read(await sent(here, path, body[:-1], chunks=33)), "control: one byte less is read"


@pytest.mark.parametrize("path", DOORS)
async def test_a_body_without_end_is_read_to_its_bound_only(here: World, path: str) -> None:
    given = 0

    async def endless() -> Message:
        nonlocal given
        given += 65_536
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    app = app_of(here)

    async def from_endless(scope: Any, _receive: Any, send: Any) -> None:
        await app(scope, endless, send)

    answer = await request(from_endless, "POST", path, b"", DOORS[path](b""))
    assert answer.status == 413
    assert given <= BODY_BYTES_MAX + 2 * 65_536


@pytest.mark.parametrize("path", DOORS)
async def test_a_length_that_is_no_number_or_sent_twice_bounds_nothing(here: World, path: str) -> None:
    """What is counted are the bytes."""
    body = WELL + b" " * BODY_BYTES_MAX
    for length in ("-1", "1e3", "0x10", "１", "9" * 30):
        latin = length.encode().decode("latin-1")
        assert (await sent(here, path, body, chunks=33, content_length=latin)).status == 413


@pytest.mark.parametrize("path", ["/sign-in", "/book"])
async def test_a_form_is_small(here: World, path: str) -> None:
    for size, large in ((3 * 1024 * 1024, True), (100, False)):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await request(app_of(here), "POST", path, b"secret=" + b"x" * size, headers)
        assert (answer.status in {403, 413}) is large or path == "/book"
        assert answer.status < 500
