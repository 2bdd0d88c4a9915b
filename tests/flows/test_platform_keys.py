"""Who may come in at Vapi's and ElevenLabs' doors, and whose call it is then.

Each kind of key opens its own door, each house's key only its own calls, and a trial is for this machine alone.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.elevenlabs.signature import sign as elevenlabs_sign
from einmal.adapters.retell.signature import sign as retell_sign
from einmal.entrypoints.http.app import create_app
from einmal.simulator.asgi import HttpAnswer, request
from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.records import Host
from support.world import BERLIN_MORNING, World, world

WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
VAPI, TOOL = "/api/vapi/tool-calls", "/api/elevenlabs/book-appointment"
SECRETS = {"EINMAL_VAPI_SECRET": "v-old, v-new", "EINMAL_ELEVENLABS_SECRET": "e-old, e-new"}
AT = int(BERLIN_MORNING.timestamp())


def vapi_body(assistant: str | None = None, number: str | None = None, call_id: str = "c-shared1") -> bytes:
    call = {"id": call_id} | ({} if assistant is None else {"assistantId": assistant})
    house = {} if number is None else {"phoneNumber": {"number": number}}
    tool = {"id": "toolu_1", "function": {"name": "book_appointment", "arguments": WISH}}
    body = {"message": {"type": "tool-calls", "toolCallList": [tool], "call": call, **house}}
    return json.dumps(body).encode()


def elevenlabs_body(agent: str | None = None, number: str | None = None, call_id: str = "c-shared1") -> bytes:
    return json.dumps(WISH | {"conversation_id": call_id, "agent_id": agent, "called_number": number}).encode()


BODIES = {VAPI: vapi_body, TOOL: elevenlabs_body}


async def post(
    made: World, path: str, body: bytes | None = None, host: str | None = None, **headers: str
) -> HttpAnswer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    where = {} if host is None else {"host": host}
    return await request(create_app(made.gateway), "POST", path, body or BODIES[path](), headers=sent | where)


def status(answer: HttpAnswer) -> str:
    """Of our answer, in either shape."""
    assert answer.status == 200
    body: Any = answer.json
    body = json.loads(body["results"][0]["result"]) if "results" in body else body
    return str(body["status"])


# Which header ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (VAPI, {"x_vapi_secret": "v-old"}),
        (VAPI, {"x_vapi_secret": "v-new"}),
        (VAPI, {"authorization": "Bearer v-old"}),
        (VAPI, {"authorization": "bearer v-new"}),
        (TOOL, {"x_einmal_secret": "e-old"}),
        (TOOL, {"x_einmal_secret": "e-new"}),
    ],
)
async def test_either_secret_of_a_rotation_opens_its_own_door(
    tmp_path: Path, path: str, headers: dict[str, str]
) -> None:
    async with world(tmp_path, **SECRETS) as salon:
        assert status(await post(salon, path, **headers)) == "booked"


@pytest.mark.parametrize(
    ("path", "headers", "error"),
    [
        (VAPI, {}, "secret_missing"),
        (VAPI, {"x_vapi_secret": ""}, "secret_missing"),
        (VAPI, {"x_vapi_secret": "v"}, "secret_wrong"),
        (VAPI, {"x_vapi_secret": "v-old, v-new"}, "secret_wrong"),
        (VAPI, {"x_vapi_secret": "v-öld"}, "secret_wrong"),
        (VAPI, {"x_vapi_secret": "e-old"}, "secret_wrong"),
        (VAPI, {"x_vapi_secret": "e-old", "authorization": "Bearer v-old"}, "secret_wrong"),
        (VAPI, {"x_vapi_signature": "v-old"}, "secret_missing"),
        (VAPI, {"authorization": "v-old"}, "secret_missing"),
        (VAPI, {"authorization": "Basic v-old"}, "secret_missing"),
        (VAPI, {"authorization": "Bearer "}, "secret_missing"),
        (VAPI, {"x_einmal_secret": "e-old"}, "secret_missing"),
        (TOOL, {}, "secret_missing"),
        (TOOL, {"x_einmal_secret": "e-ol"}, "secret_wrong"),
        (TOOL, {"x_einmal_secret": "v-old"}, "secret_wrong"),
        (TOOL, {"authorization": "Bearer e-old"}, "secret_missing"),
    ],
)
async def test_nothing_else_opens_it(tmp_path: Path, path: str, headers: dict[str, str], error: str) -> None:
    """No prefix, no other header, no key of another platform; the refusal repeats none of it."""
    async with world(tmp_path, **SECRETS) as salon:
        answer = await post(salon, path, **headers)
        assert (answer.status, answer.json["error"]) == (401, error)
        assert not any(value in answer.body.decode() for value in headers.values() if value)
        assert salon.calendar.bookings == ()


async def test_a_key_that_reads_the_same_opens_only_its_own_door(tmp_path: Path) -> None:
    """Retell's key is for Retell's signature, the webhook's secret for webhooks, though all are one word here."""
    one = {"EINMAL_RETELL_API_KEY": "same", "EINMAL_ELEVENLABS_WEBHOOK_SECRET": "same"}
    async with world(tmp_path, **one) as salon:
        for path in BODIES:
            answer = await post(salon, path, x_vapi_secret="same", x_einmal_secret="same")
            assert (answer.status, answer.json["error"]) == (401, "no_secret_set")
        assert salon.gateway.tenancies.called(None, None, "same") is not None


@pytest.mark.parametrize("path", [VAPI, TOOL])
async def test_a_trial_is_for_this_machine_alone(salon: World, path: str) -> None:
    """With no key of any platform: from loopback, and not through a proxy or from a page of some other site."""
    assert status(await post(salon, path)) == "booked"
    for headers in ({"x_forwarded_for": "203.0.113.7"}, {"origin": "https://other.example"}):
        assert (await post(salon, path, **headers)).status == 401
    assert (await post(salon, path, host="gateway.example")).status == 401


@pytest.mark.parametrize("path", [VAPI, TOOL])
async def test_whoever_signs_one_platforms_calls_has_no_open_door_beside_it(tmp_path: Path, path: str) -> None:
    """Behind a reverse proxy that names nobody the world looks like this machine: an upgrade must not let it in."""
    async with world(tmp_path, EINMAL_RETELL_API_KEY="key_a") as salon:
        answer = await post(salon, path)
        assert (answer.status, answer.json["error"]) == (401, "no_secret_set")
        variable = "EINMAL_VAPI_SECRET" if path == VAPI else "EINMAL_ELEVENLABS_SECRET"
        assert variable in answer.json["message"]


@pytest.mark.parametrize("path", [VAPI, TOOL])
async def test_off_loopback_nothing_comes_in_without_a_secret(tmp_path: Path, path: str) -> None:
    async with world(tmp_path, EINMAL_HOST="0.0.0.0") as salon:  # noqa: S104 - nobody listens here
        assert (await post(salon, path)).json["error"] == "no_secret_set"


# Two houses ------------------------------------------------------------------------------------------------------

FILE = """
[[tenants]]
id = "salon"
name = "Salon Mitte"
agents = ["a-salon"]
numbers = ["+493011111111"]
house_email = "termin@salon.test"
calcom_api_key = { env = "SALON_CALCOM" }
vapi_secrets = [{ env = "SALON_VAPI" }]
elevenlabs_secrets = [{ env = "SALON_ELEVENLABS" }]
elevenlabs_webhook_secrets = [{ env = "SALON_HOOK" }]

[[tenants.services]]
name = "Beratung"
event_type_id = 101
duration_minutes = 30

[[tenants]]
id = "praxis"
name = "Praxis Nord"
agents = ["a-praxis"]
numbers = ["+493022222222"]
house_email = "termin@praxis.test"
calcom_api_key = { env = "PRAXIS_CALCOM" }
vapi_secrets = [{ env = "PRAXIS_VAPI" }]
elevenlabs_secrets = [{ env = "PRAXIS_ELEVENLABS" }]

[[tenants.services]]
name = "Beratung"
event_type_id = 201
duration_minutes = 30
"""
KEYS = {
    "SALON_CALCOM": "cal_a",
    "PRAXIS_CALCOM": "cal_b",
    "SALON_HOOK": "hook",
    "SALON_VAPI": "v-salon",
    "PRAXIS_VAPI": "v-praxis",
    "SALON_ELEVENLABS": "e-salon",
    "PRAXIS_ELEVENLABS": "e-praxis",
}
HEADERS = {VAPI: "x_vapi_secret", TOOL: "x_einmal_secret"}


@asynccontextmanager
async def houses(folder: Path) -> AsyncIterator[World]:
    path = folder / "einmal.toml"
    path.write_text(FILE, "utf-8")
    salon = demo_event_types()[0]
    doctor = Host(200, "Praxis Nord", "praxis@host.example.test", "praxis-nord", "Europe/Berlin")
    types = (salon, replace(salon, id=201, slug="beratung-2", hosts=(doctor,)))
    async with world(folder, event_types=types, EINMAL_CONFIG=str(path), **KEYS) as made:
        yield made


def secret(path: str, whose: str) -> dict[str, str]:
    return {HEADERS[path]: f"{'v' if path == VAPI else 'e'}-{whose}"}


@pytest.mark.parametrize("path", [VAPI, TOOL])
async def test_each_books_its_own_with_everything_else_the_same(tmp_path: Path, path: str) -> None:
    """One conversation id, one moment, one name: two houses, two bookings, each in its own calendar."""
    async with houses(tmp_path) as both:
        for whose in ("salon", "praxis", "salon"):
            body = BODIES[path](f"a-{whose}")
            assert status(await post(both, path, body, **secret(path, whose))) == "booked"
        assert both.rows("SELECT tenant_id, event_type_id, count(*) FROM intents GROUP BY 1, 2 ORDER BY 2") == [
            ("salon", 101, 1),
            ("praxis", 201, 1),
        ]


@pytest.mark.parametrize("path", [VAPI, TOOL])
@pytest.mark.parametrize(
    ("whose", "told", "said"),
    [
        ("praxis", {"number": "+493022222222"}, "booked"),
        ("praxis", {}, "booked"),
        ("praxis", {"assistant": "a-salon"}, "rejected"),
        ("praxis", {"number": "+493011111111"}, "rejected"),
        ("praxis", {"assistant": "a-praxis", "number": "+493011111111"}, "rejected"),
        ("praxis", {"assistant": "a-unknown"}, "rejected"),
    ],
)
async def test_the_key_says_whose_it_is_and_the_call_must_agree(
    tmp_path: Path, path: str, whose: str, told: dict[str, str], said: str
) -> None:
    """Another house's assistant or number with one's own key is refused, in words."""
    async with houses(tmp_path) as both:
        body = BODIES[path](told.get("assistant"), told.get("number"))
        assert status(await post(both, path, body, **secret(path, whose))) == said
        rows = both.rows("SELECT DISTINCT tenant_id FROM intents")
        assert rows == ([("praxis",)] if said == "booked" else [])


async def test_a_webhook_ends_a_call_of_its_own_house_only(tmp_path: Path) -> None:
    """The salon's secret ends nothing of the practice's, though the conversation's id is one."""
    async with houses(tmp_path) as both:
        for agent, told in (("a-praxis", "unknown_tenant"), ("a-salon", "ok")):
            data = {"agent_id": agent, "conversation_id": "c-shared1"}
            body = json.dumps({"type": "post_call_transcription", "data": data}).encode()
            header = elevenlabs_sign(body, "hook", AT)
            answer = await post(both, "/api/webhooks/elevenlabs", body, elevenlabs_signature=header)
            assert answer.json == {"status": told}
        said = [status(await post(both, TOOL, BODIES[TOOL](f"a-{who}"), **secret(TOOL, who))) for who in HOUSES]
        assert said == ["rejected", "booked"]


HOUSES = ("salon", "praxis")


async def test_retells_door_is_as_it_was(tmp_path: Path) -> None:
    """Its signature, its key; a secret of another platform's is none of it."""
    async with world(tmp_path, EINMAL_RETELL_API_KEY="key_a", **SECRETS) as salon:
        body = json.dumps({"name": "book_appointment", "args": WISH, "call": {"call_id": "call_7d4d0c"}}).encode()
        signed = {key: retell_sign(body, key, AT * 1000) for key in ("key_a", "v-old")}
        answers = [
            await post(salon, "/api/retell/function-call", body, x_retell_signature=header)
            for header in signed.values()
        ]
        assert [answer.status for answer in answers] == [200, 401]


async def test_a_report_ends_a_call_of_its_own_house_only(tmp_path: Path) -> None:
    """With the salon's secret the practice's assistant is nobody's: taken, and nothing is done."""
    async with houses(tmp_path) as both:
        for assistant in ("a-praxis", "a-salon"):
            told = {"type": "end-of-call-report", "call": {"id": "c-shared1", "assistantId": assistant}}
            answer = await post(both, VAPI, json.dumps({"message": told}).encode(), **secret(VAPI, "salon"))
            assert (answer.status, answer.body) == (200, b"{}")
        assert both.rows("SELECT tenant_id, agent_id FROM calls") == [("salon", "a-salon")]
