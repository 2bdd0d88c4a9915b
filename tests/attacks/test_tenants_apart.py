"""Two houses that share slot, phone number and call id; whoever has the one's credential reaches for the other's.

Every door that tells houses apart. The control of each is the same request with the right house's credential.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from starlette.types import ASGIApp

from einmal.adapters.calcom.webhooks import sign as calcom_sign
from einmal.adapters.retell.signature import sign as retell_sign
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.mcp.server import Tools
from einmal.entrypoints.rest.app import rest_routes
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.simulator.asgi import HttpAnswer, request
from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.records import Host
from support.world import BERLIN_MORNING, World, world

HOUSES = ("salon", "praxis")
AT = int(BERLIN_MORNING.timestamp() * 1000)
CALL_ID, CALLER = "c-shared1", "+491701234567"
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}


def _house(name: str, number: int) -> str:
    return f"""
[[tenants]]
id = "{name}"
name = "{name.title()}"
agents = ["a-{name}"]
numbers = ["+49301111111{number}"]
house_email = "termin@{name}.test"
calcom_api_key = {{ env = "{name.upper()}_CALCOM" }}
calcom_webhook_secret = {{ env = "{name.upper()}_HOOK" }}
retell_api_keys = [{{ env = "{name.upper()}_RETELL" }}]
vapi_secrets = [{{ env = "{name.upper()}_VAPI" }}]
elevenlabs_secrets = [{{ env = "{name.upper()}_ELEVENLABS" }}]

[[tenants.api_keys]]
name = "website"
scopes = ["book", "read", "list", "change", "availability"]
key = {{ env = "{name.upper()}_API" }}

[[tenants.services]]
id = "beratung"
name = "Beratung"
event_type_id = {number}01
duration_minutes = 30
"""


KINDS = ("CALCOM", "HOOK", "RETELL", "VAPI", "ELEVENLABS", "API")
KEYS = {f"{name.upper()}_{kind}": f"{kind.lower()}-key-of-the-{name}" for name in HOUSES for kind in KINDS}


def key(whose: str, kind: str) -> str:
    return KEYS[f"{whose.upper()}_{kind}"]


@asynccontextmanager
async def houses(folder: Path) -> AsyncIterator[tuple[World, ASGIApp]]:
    path = folder / "einmal.toml"
    path.write_text("".join(_house(name, number) for number, name in enumerate(HOUSES, 1)), "utf-8")
    salon = demo_event_types()[0]
    doctor = Host(200, "Praxis", "praxis@host.example.test", "praxis", "Europe/Berlin")
    types = (replace(salon, id=101), replace(salon, id=201, slug="beratung-2", hosts=(doctor,)))
    async with world(folder, event_types=types, EINMAL_CONFIG=str(path), **KEYS) as made:
        yield made, create_app(made.gateway, [*page_routes(build_site(made.gateway)), *rest_routes(made.gateway)])


async def by_retell(app: ASGIApp, credential: str, named: str) -> HttpAnswer:
    call = {"call_id": CALL_ID, "agent_id": f"a-{named}", "from_number": CALLER}
    body = json.dumps({"name": "book_appointment", "args": WISH | {"tenant": named}, "call": call}).encode()
    headers = {"x-retell-signature": retell_sign(body, key(credential, "RETELL"), AT)}
    return await request(app, "POST", "/api/retell/function-call", body, headers)


async def by_vapi(app: ASGIApp, credential: str, named: str) -> HttpAnswer:
    tool = {"id": "toolu_1", "function": {"name": "book_appointment", "arguments": WISH}}
    call = {"id": CALL_ID, "assistantId": f"a-{named}", "customer": {"number": CALLER}}
    body = {"message": {"type": "tool-calls", "toolCallList": [tool], "call": call}}
    headers = {"x-vapi-secret": key(credential, "VAPI")}
    return await request(app, "POST", "/api/vapi/tool-calls", json.dumps(body).encode(), headers)


async def by_elevenlabs(app: ASGIApp, credential: str, named: str) -> HttpAnswer:
    body = WISH | {"conversation_id": CALL_ID, "agent_id": f"a-{named}", "caller_id": CALLER}
    headers = {"x-einmal-secret": key(credential, "ELEVENLABS")}
    return await request(app, "POST", "/api/elevenlabs/book-appointment", json.dumps(body).encode(), headers)


VOICES = {"retell": by_retell, "vapi": by_vapi, "elevenlabs": by_elevenlabs}


def outcome(answer: HttpAnswer) -> str:
    told = answer.json
    told = json.loads(told["results"][0]["result"]) if "results" in told else told
    return str(told.get("status") or told.get("error"))


def booked(here: World) -> list[tuple[Any, ...]]:
    return here.rows("SELECT tenant_id, event_type_id FROM intents WHERE state = 'confirmed' ORDER BY 2")


@pytest.mark.parametrize("door", VOICES)
async def test_a_key_books_in_its_own_house_and_for_no_other(tmp_path: Path, door: str) -> None:
    """Whatever agent, number or tenant the body names. All else is the same, so that what is confused would be seen."""
    async with houses(tmp_path) as (here, app):
        for credential, named in (("salon", "praxis"), ("praxis", "salon")):
            assert outcome(await VOICES[door](app, credential, named)) == "rejected"
        assert booked(here) == []
        for house in HOUSES:
            assert outcome(await VOICES[door](app, house, house)) == "booked"
        assert booked(here) == [("salon", 101), ("praxis", 201)]


async def rest(app: ASGIApp, whose: str, method: str, path: str, body: Any = None, name: str = "") -> HttpAnswer:
    headers = {"authorization": f"Bearer {key(whose, 'API')}", "content-type": "application/json"}
    headers |= {"idempotency-key": name} if name else {}
    data = b"" if body is None else json.dumps(body).encode()
    return await request(app, method, f"/v1{path}", data, headers)


ASKED = {
    "service": "Beratung",
    "start": "2026-12-01T10:00:00+01:00",
    "customer": {"name": "Jürgen Groß", "phone": CALLER},
    "conversation_id": CALL_ID,
}


async def test_v1_finds_nothing_of_anothers(tmp_path: Path) -> None:
    """By ref, list, Idempotency-Key or conversation: the other's is not there, and that is all that is said."""
    async with houses(tmp_path) as (here, app):
        made = {house: (await rest(app, house, "POST", "/bookings", ASKED, "same-key")).json for house in HOUSES}
        refs = {house: made[house]["ref"] for house in HOUSES}
        assert refs["salon"] != refs["praxis"]
        assert booked(here) == [("salon", 101), ("praxis", 201)]
        for mine, other in (HOUSES, HOUSES[::-1]):
            assert (await rest(app, mine, "GET", f"/bookings/{refs[mine]}")).status == 200, "control"
            assert (await rest(app, mine, "GET", f"/bookings/{refs[other]}")).status == 404
            gone = await rest(app, mine, "POST", f"/bookings/{refs[other]}/cancel", {}, f"cancel-{mine}")
            assert gone.status == 404
            moved = {"start": "2026-12-02T10:00:00+01:00"}
            assert (await rest(app, mine, "POST", f"/bookings/{refs[other]}/move", moved, f"m-{mine}")).status == 404
            listed = json.dumps((await rest(app, mine, "GET", "/bookings")).json)
            assert refs[mine] in listed
            assert refs[other] not in listed
        assert len(here.calendar.bookings) == 2
        assert booked(here) == [("salon", 101), ("praxis", 201)]


async def test_v1_takes_a_cursor_and_a_slot_of_its_own_house_only(tmp_path: Path) -> None:
    async with houses(tmp_path) as (_, app):
        for day in ("01", "02", "03"):
            for house in HOUSES:
                asked = ASKED | {"start": f"2026-12-{day}T10:00:00+01:00", "conversation_id": f"c-{day}"}
                answer = await rest(app, house, "POST", "/bookings", asked, f"key-{day}")
                assert answer.status == 201, answer.body
        first = (await rest(app, "salon", "GET", "/bookings?limit=1")).json
        cursor = first.get("next") or first.get("next_cursor") or first.get("cursor")
        assert cursor, first
        more = (await rest(app, "salon", "GET", f"/bookings?limit=1&cursor={cursor}")).json
        assert more != first, "control: its own goes on"
        theirs = await rest(app, "praxis", "GET", f"/bookings?limit=1&cursor={cursor}")
        salons = {one["ref"] for one in (await rest(app, "salon", "GET", "/bookings")).json["bookings"]}
        told = {one["ref"] for one in theirs.json.get("bookings", [])}
        assert not told & salons


async def by_proxy(app: ASGIApp, credential: str, event_type: int, name: str = "same-key") -> HttpAnswer:
    attendee = {"name": "Jürgen Groß", "email": "juergen@kunde.test", "timeZone": "Europe/Berlin"}
    body = {"start": "2026-12-01T09:00:00Z", "eventTypeId": event_type, "attendee": attendee}
    headers = {"authorization": f"Bearer {credential}", "cal-api-version": "2024-08-13", "idempotency-key": name}
    return await request(app, "POST", "/v2/bookings", json.dumps(body).encode(), headers)


async def test_v2_is_told_of_its_own_houses_booking_by_the_key_that_it_sends(tmp_path: Path) -> None:
    """Slot, person and Idempotency-Key are the same in both: each has its own booking, also when it asks again."""
    async with houses(tmp_path) as (here, app):
        types = dict(zip(HOUSES, (101, 201), strict=True))
        told = {house: await by_proxy(app, key(house, "CALCOM"), types[house]) for house in HOUSES}
        assert {answer.status for answer in told.values()} == {201}, [one.body for one in told.values()]
        assert booked(here) == [("salon", 101), ("praxis", 201)]
        uids = {house: told[house].json["data"]["uid"] for house in HOUSES}
        assert len(set(uids.values())) == 2
        for house in HOUSES:
            assert (await by_proxy(app, key(house, "CALCOM"), types[house])).json["data"]["uid"] == uids[house]
        crossed = await by_proxy(app, key("salon", "CALCOM"), types["praxis"])
        assert crossed.status == 422, "the key names the salon's wish, whatever the praxis has under it"
        assert uids["praxis"] not in crossed.body.decode()
        for kind in sorted({*KINDS} - {"CALCOM"}):
            assert (await by_proxy(app, key("salon", kind), 101)).status == 401
        assert len(here.calendar.bookings) == 2


async def test_mcp_serves_one_house_and_sees_nothing_of_another(tmp_path: Path) -> None:
    """Its tools take no tenant, and a ref of the other house's is nobody's. The control is that house's own."""
    async with houses(tmp_path) as (here, app):
        made = {house: (await rest(app, house, "POST", "/bookings", ASKED, "k")).json for house in HOUSES}
        for mine, other in (HOUSES, HOUSES[::-1]):
            tools = Tools(here.gateway, mine)
            theirs = json.dumps(await by_mcp(tools, "booking_status"))
            assert made[other]["ref"] not in theirs
            assert "Beratung" not in theirs, "nobody told this session of either's booking"
            wish = {"service": "Beratung", "start": "2026-12-02T10:00", "name": "Jürgen Groß", "tenant": other}
            assert "booked" not in json.dumps(await by_mcp(tools, "book_appointment", **wish))
            del wish["tenant"]
            assert (await by_mcp(tools, "book_appointment", **wish))["status"] == "booked"
            mine_only = [tenant for tenant, _ in booked(here)]
            assert mine_only.count(mine) == 2, "control: in its own"
        assert sorted(booked(here)) == [("praxis", 201), ("praxis", 201), ("salon", 101), ("salon", 101)]


async def by_mcp(tools: Tools, tool: str, **arguments: Any) -> Any:
    async with Client(tools.server) as client:
        result = await client.call_tool(tool, arguments)
        return result.structured_content or [str(one) for one in result.content]


async def test_a_key_of_one_door_opens_no_other(tmp_path: Path) -> None:
    """Not of the same house either. The control is each at its own door, above."""
    async with houses(tmp_path) as (here, app):
        for kind in KINDS:
            given = key("salon", kind)
            tries = [
                ("/api/vapi/tool-calls", {"x-vapi-secret": given}, "VAPI"),
                ("/api/elevenlabs/book-appointment", {"x-einmal-secret": given}, "ELEVENLABS"),
                ("/v1/bookings", {"authorization": f"Bearer {given}", "idempotency-key": "x"}, "API"),
                ("/api/retell/function-call", {"x-retell-signature": retell_sign(b"{}", given, AT)}, "RETELL"),
                ("/api/webhooks/calcom", {"x-cal-signature-256": calcom_sign(b"{}", given)}, "HOOK"),
            ]
            for path, headers, own in tries:
                status = (await request(app, "POST", path, b"{}", headers)).status
                assert (status == 401) is (kind != own), (kind, path, status)
        assert booked(here) == []


async def test_a_webhook_reaches_its_own_houses_inbox_only(tmp_path: Path) -> None:
    """The booking's uid is the other house's; whoever signs decides whose inbox it is."""
    async with houses(tmp_path) as (here, app):
        assert outcome(await by_retell(app, "salon", "salon")) == "booked"
        uid = here.calendar.bookings[0].uid
        told = {"triggerEvent": "BOOKING_CANCELLED", "payload": {"uid": uid, "tenant": "salon"}}
        body = json.dumps(told).encode()
        for house, known in (("praxis", False), ("salon", True)):
            headers = {"x-cal-signature-256": calcom_sign(body, key(house, "HOOK"))}
            answer = await request(app, "POST", "/api/webhooks/calcom", body, headers)
            assert (answer.json["status"] == "ok") is known
        assert here.rows("SELECT tenant_id FROM inbox ORDER BY received_at, inbox_id") == [("praxis",), ("salon",)]
        assert booked(here) == [("salon", 101)]


async def test_a_form_of_one_house_books_in_no_other(tmp_path: Path) -> None:
    """Its name is sealed with its house: another house's name on it is a forged form."""
    async with houses(tmp_path) as (here, app):
        led = await request(app, "GET", "/book?tenant=salon")
        cookie = {"cookie": led.headers["set-cookie"].partition(";")[0]}
        form = led.headers["location"].partition("form=")[2].partition("&")[0]
        assert (await request(app, "GET", f"/book?form={form}", headers=cookie)).status == 200
        entrance = build_site(here.gateway).pages.entrance
        assert not entrance.is_form_id(_nobody(entrance), "praxis", form)
        page = (await request(app, "GET", f"/book?form={form}", headers=cookie)).body.decode()
        assert "termin@praxis.test" not in page


def _nobody(entrance: Any) -> Any:
    class Bare:
        cookies: dict[str, str] = {}  # noqa: RUF012 - a stand-in for a request without any
        scope = {"type": "http", "headers": [], "client": ("203.0.113.9", 1)}  # noqa: RUF012

    return entrance.stranger(Bare(), BERLIN_MORNING)
