"""The doors: who may come in, what is refused and how, and that nothing half-done stays behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from einmal.adapters.retell.signature import sign
from einmal.entrypoints.http.app import create_app
from einmal.simulator.asgi import HttpAnswer, request
from support.world import BERLIN_MORNING, World, serving, world

PATH = "/api/retell/collect-appointment"
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
BODY = json.dumps({"name": "collect_appointment", "call": {"call_id": "call_7d4d0c"}, "args": WISH}, ensure_ascii=False)
NOW_MS = int(BERLIN_MORNING.timestamp() * 1000)


async def post(app: ASGIApp, body: bytes, path: str = PATH, **more: Any) -> HttpAnswer:
    return await request(app, "POST", path, body, **more)


async def test_a_call_is_answered_with_json(salon: World) -> None:
    answer = await post(create_app(salon.gateway), BODY.encode(), chunks=3)
    assert (answer.status, answer.json["status"]) == (200, "booked")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


async def test_arguments_only_with_the_header_of_the_tool_definition(salon: World) -> None:
    app = create_app(salon.gateway)
    said = await post(app, json.dumps(WISH | {"call_id": "call_001"}).encode(), headers={"x-call-id": "call_7d4d0c"})
    assert said.json["status"] == "booked"
    assert salon.rows("SELECT call_id FROM calls") == [("call_7d4d0c",)]
    assert (await post(app, BODY.encode())).json == said.json, "the same call in the other envelope"


@pytest.mark.parametrize(
    ("change", "missing", "words"),
    [
        ({"name": None}, ["name"], "welchen Namen"),
        ({"name": "anonymous"}, ["name"], "welchen Namen"),
        ({"name": "{{customer_name}}"}, ["name"], "welchen Namen"),
        ({"dienstleistung": "Massage"}, ["service"], "Beratung, Haarschnitt und Dauerwelle"),
        ({"datum": "am Blubb"}, ["date"], "nicht ganz verstanden. Welchen Tag meinen Sie?"),
        ({"datum": "2023-12-01"}, ["date"], "schon vorbei. Meinen Sie Dienstag, den 1. Dezember, um 10 Uhr?"),
        ({"datum": "2026-02-30"}, ["date"], "Welchen Tag meinen Sie?"),
        ({"datum": None, "uhrzeit": None}, ["date", "time"], "An welchem Tag"),
        ({"uhrzeit": "25 Uhr"}, ["time"], "Um wie viel Uhr?"),
        ({"uhrzeit": "{{uhrzeit}}"}, ["time"], "Um wie viel Uhr"),
        ({"email": "anna bei web"}, ["email"], "buchstabieren"),
        ({"bestaetigung": "vielleicht"}, ["confirmation"], "ja oder nein"),
        ({"slot": "c2VsYnN0Z2ViYXN0ZWx0"}, ["service"], ""),
    ],
)
async def test_what_is_missing_is_asked_for_and_nothing_is_stored(
    salon: World, change: dict[str, Any], missing: list[str], words: str
) -> None:
    args = {key: value for key, value in (WISH | change).items() if value is not None}
    if "slot" in change:
        args.pop("dienstleistung")
    answer = await post(create_app(salon.gateway), json.dumps({"args": args, "call": {"call_id": "c1x"}}).encode())
    assert answer.status == 200
    assert (answer.json["status"], answer.json["success"]) == ("needs_input", False)
    assert answer.json["missing"][: len(missing)] == missing
    assert words in answer.json["message"]
    assert salon.tap.posts == []
    assert salon.states() == []


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"{", b"\xff\xfe", b"null", b'{"a":1,"a":2}', b"[" * 100_000])
async def test_what_is_no_object_is_422(salon: World, body: bytes) -> None:
    answer = await post(create_app(salon.gateway), body)
    assert (answer.status, answer.json["error"]) == (422, "bad_envelope")
    assert "must be" in answer.json["message"]


@pytest.mark.parametrize("declared", [True, False], ids=["content-length", "chunked"])
async def test_over_two_mebibytes_is_413(salon: World, declared: bool) -> None:
    limit = 2 * 1024 * 1024
    app = create_app(salon.gateway)
    for size, status in ((limit, 422), (limit + 1, 413)):
        headers = {"content-length": str(size)} if declared else {}
        answer = await post(app, b"[" + b" " * (size - 2) + b"]", headers=headers, chunks=40)
        assert answer.status == status
    assert "2097152" in answer.json["message"]


async def test_a_function_that_this_url_does_not_serve_books_nothing(salon: World) -> None:
    said = await salon.call(name="cancel_appointment_v17")
    assert (said["status"], said["success"]) == ("rejected", False)
    assert salon.states() == []


async def test_with_a_key_only_signed_calls_come_in(tmp_path: Path) -> None:
    async with world(tmp_path, EINMAL_RETELL_API_KEY="key_old, key_new") as salon:
        app, body = create_app(salon.gateway), BODY.encode()
        good = sign(body, "key_new", NOW_MS)
        refused = {
            "signature_missing": {},
            "signature_malformed": {"x-retell-signature": "v=1,d=2"},
            "signature_wrong": {"x-retell-signature": sign(body, "key_other", NOW_MS)},
            "signature_expired": {"x-retell-signature": sign(body, "key_new", NOW_MS - 300_001)},
        }
        for error, headers in refused.items():
            answer = await post(app, body, headers=headers)
            assert (answer.status, answer.json["error"]) == (401, error)
        assert (await post(app, body + b" ", headers={"x-retell-signature": good})).status == 401
        assert salon.states() == []
        first = await post(app, body, headers={"x-retell-signature": good})
        assert first.json["status"] == "booked"
        captured = await post(app, body, headers={"x-retell-signature": good})
        assert captured.json == first.json, "a captured request changes nothing"
        assert (await post(app, body, headers={"x-retell-signature": sign(body, "key_old", NOW_MS)})).status == 200


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("einmal.example.test", {}),
        ("127.0.0.1:8080", {"origin": "https://evil.test"}),
        ("127.0.0.1:8080", {"origin": "null"}),
        ("", {}),
    ],
    ids=["through a proxy", "another site's page", "a sandboxed page", "no host"],
)
async def test_unsigned_calls_come_only_from_programs_on_this_machine(
    salon: World, host: str, headers: dict[str, str]
) -> None:
    app = create_app(salon.gateway)
    assert (await post(app, BODY.encode(), host=host, headers=headers)).status == 401
    assert (await request(app, "GET", "/api/appointments/count?customer=x", host=host, headers=headers)).status == 401
    assert salon.states() == []


async def test_off_loopback_unsigned_calls_are_refused(tmp_path: Path) -> None:
    async with world(tmp_path, EINMAL_HOST="0.0.0.0") as salon:  # noqa: S104 - that is the case under test
        app = create_app(salon.gateway)
        assert (await post(app, BODY.encode())).json["error"] == "unsigned"
        assert (await request(app, "GET", "/api/appointments/count?customer=x")).json["error"] == "token_missing"


async def test_a_key_of_another_platform_closes_the_unsigned_door(tmp_path: Path) -> None:
    """A proxy that says nothing of itself looks like this machine: where anybody has a key, nobody comes without."""
    async with world(tmp_path, EINMAL_VAPI_SECRET="vapi-secret-of-the-salon") as salon:
        app = create_app(salon.gateway)
        assert (await post(app, BODY.encode())).json["error"] == "unsigned"
        assert salon.states() == []


async def test_the_two_counts(salon: World) -> None:
    app = create_app(salon.gateway)
    await salon.call()
    uid = salon.calendar.bookings[0].uid
    count = await request(app, "GET", "/api/appointments/count?customer=J%C3%BCrgen+Gro%C3%9F")
    assert count.json == {"count": 1}
    assert (await request(app, "GET", "/api/appointments/count?customer=Anna")).json == {"count": 0}
    verify = "/api/internal/appointments/verify"
    assert (await post(app, json.dumps({"booking_id": uid}).encode(), verify)).json == {"count": 1}
    assert (await post(app, b'{"booking_id":"nobody"}', verify)).json == {"count": 0}
    for body in (b"", b"{}", b"[]", b'{"booking_id":7}'):
        assert (await post(app, body, verify)).status == 422
    assert (await request(app, "GET", "/api/appointments/count")).status == 422


async def test_an_admin_token_is_asked_for_where_one_is_set(tmp_path: Path) -> None:
    async with world(tmp_path, EINMAL_ADMIN_TOKEN="let-me-in") as salon:
        app, path = create_app(salon.gateway), "/api/appointments/count?customer=x"
        assert (await request(app, "GET", path)).status == 401
        assert (await request(app, "GET", path, headers={"authorization": "Bearer wrong"})).status == 401
        assert (await request(app, "GET", path, headers={"authorization": "Bearer let-me-in"})).status == 200


async def test_health_and_readiness(salon: World) -> None:
    app = create_app(salon.gateway)
    assert (await request(app, "GET", "/healthz")).json["status"] == "ok"
    assert (await request(app, "GET", "/readyz")).json == {"status": "ready"}
    ledger: Any = salon.gateway.ledger
    ledger.close()
    assert (await request(app, "GET", "/readyz")).status == 503
    assert (await request(app, "GET", "/healthz")).status == 200
    assert (await request(app, "GET", "/api/appointments/count?customer=x")).status == 503


async def test_unknown_paths_and_methods_say_so(salon: World) -> None:
    app = create_app(salon.gateway)
    assert (await request(app, "GET", "/nowhere")).json["error"] == "not_found"
    wrong = await request(app, "GET", PATH)
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")


async def test_a_bug_of_ours_is_still_something_to_say(salon: World) -> None:
    """Any exception under the endpoint: 200, a sentence that claims nothing it cannot know, an error id."""

    class Offers:
        async def check(self, *_: object) -> None:
            raise RuntimeError("words of the caller")

    broken = serving(salon.gateway, offers=Offers())
    body = json.dumps({"args": WISH | {"bestaetigung": False}, "call": {"call_id": "call_7d4d0c"}}).encode()
    answer = await post(create_app(broken), body)
    assert (answer.status, answer.json["status"]) == (200, "error")
    assert "nichts Neues gebucht" in answer.json["message"]
    assert len(answer.json["error_id"]) == 26
    assert "words" not in answer.body.decode()
