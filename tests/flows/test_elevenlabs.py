"""The promise on ElevenLabs: one wish, one booking; a doubt is told as one; and the webhook that ends a call.

Through the HTTP application, on real SQLite, before a simulated Cal.com.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.adapters.elevenlabs.signature import sign
from einmal.entrypoints.http.app import create_app
from einmal.simulator.asgi import HttpAnswer, request
from support.world import BERLIN_MORNING, World, world

WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
LINE = {
    "conversation_id": "conv_7d4d0c",
    "agent_id": "agent_1",
    "caller_id": "+491701234567",
    "called_number": "+4930901820",
}
AT = int(BERLIN_MORNING.timestamp())


async def post(salon: World, path: str, body: Any, **headers: str) -> HttpAnswer:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await request(create_app(salon.gateway), "POST", path, data, headers=sent)
    # What was begun behind the answer is done.
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "first contact"))
    return answer


async def asked(salon: World, function: str = "book-appointment", /, **fields: Any) -> dict[str, Any]:
    answer = await post(salon, f"/api/elevenlabs/{function}", LINE | fields)
    assert answer.status == 200
    said: dict[str, Any] = answer.json
    return said


async def test_the_same_wish_twice_is_one_booking(salon: World) -> None:
    """One after the other, and at once; the answer is ours, whole."""
    first = await asked(salon, **WISH)
    again = await asyncio.gather(*(asked(salon, **WISH | {"uhrzeit": "um zehn"}) for _ in range(3)))
    assert (first["success"], first["status"], first["bestaetigung_status"]) == (True, "booked", "confirmed")
    assert all(one["booking"] == first["booking"] for one in again)
    assert len(salon.tap.posts) == len(salon.calendar.bookings) == 1
    assert salon.rows("SELECT platform, call_id, agent_id FROM calls") == [("elevenlabs", "conv_7d4d0c", "agent_1")]


@pytest.mark.parametrize("function", ["list-services", "list_services"])
async def test_a_function_is_found_by_either_spelling(salon: World, function: str) -> None:
    assert (await asked(salon, function))["status"] == "information"


async def test_a_lost_answer_is_in_doubt_and_told_so(salon: World) -> None:
    """Never "booked", never "failed", never another POST."""

    async def lost(_request: WireRequest) -> WireAnswer:
        raise MaybeSent("timeout")

    salon.tap.on_post = lost
    said = await asked(salon, **WISH)
    assert (said["status"], said["success"], said["do_not_rebook"]) == ("in_doubt", False, True)
    salon.tap.on_post = None
    assert await asked(salon, **WISH) == said
    assert len(salon.tap.posts) == 1


async def test_the_conversation_is_the_platforms_field_alone(salon: World) -> None:
    """A call id among the model's fields neither joins nor reads another conversation."""
    await asked(salon, **WISH, caller_id=None)
    other = {"conversation_id": "conv_other1", "caller_id": None}
    stranger = await asked(salon, "booking-status", **other, call_id="conv_7d4d0c")
    same = await asked(salon, "booking-status", caller_id=None, call_id="conv_other1")
    assert stranger["message"] != same["message"]
    assert stranger["status"] != "booked"


async def test_a_path_that_is_no_function_is_not_found(salon: World) -> None:
    """It says which there are."""
    answer = await post(salon, "/api/elevenlabs/make-coffee", LINE)
    assert (answer.status, answer.json["error"]) == (404, "no_such_function")
    assert "book_appointment" in answer.json["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"name":1,"name":2}', b'{"name":"\xff"}'])
async def test_what_is_no_object_is_told_what_is_wrong(salon: World, body: bytes) -> None:
    answer = await post(salon, "/api/elevenlabs/book-appointment", body)
    assert (answer.status, answer.json["error"]) == (422, "bad_envelope")


FIELDS = st.dictionaries(
    st.sampled_from([*WISH, *LINE, "slot", "telefon", "email"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=3)),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=FIELDS)
async def test_no_field_breaks_it(salon: World, fields: dict[str, Any]) -> None:
    """Whatever stands in a field, there is something to say."""
    answer = await post(salon, "/api/elevenlabs/check-availability", fields)
    assert answer.status == 200
    assert answer.json["message"]


# The webhook -----------------------------------------------------------------------------------------------------

HOOK = "/api/webhooks/elevenlabs"


def told(kind: str = "post_call_transcription", **data: Any) -> bytes:
    whole = {"agent_id": "agent_1", "conversation_id": "conv_7d4d0c", "transcript": [], "status": "done"} | data
    return json.dumps({"type": kind, "event_timestamp": AT - 60, "data": whole}).encode()


async def test_after_its_end_nothing_is_booked_in_a_call(tmp_path: Path) -> None:
    """Told once or three times, signed with either of two secrets."""
    async with world(tmp_path, EINMAL_ELEVENLABS_SECRET="s", EINMAL_ELEVENLABS_WEBHOOK_SECRET="old, new") as salon:
        for secret in ("old", "new", "new"):
            answer = await post(salon, HOOK, told(), elevenlabs_signature=sign(told(), secret, AT))
            assert (answer.status, answer.json) == (200, {"status": "ok"})
        answer = await post(salon, "/api/elevenlabs/book-appointment", LINE | WISH, x_einmal_secret="s")
        assert answer.json["message"] == "Das Gespräch ist beendet, es wurde nichts mehr getan."
        assert salon.calendar.bookings == ()
        assert salon.rows("SELECT source, event, outcome, times FROM inbox") == [
            ("elevenlabs", "post_call_transcription", "told", 3)
        ]
        assert salon.rows("SELECT platform, ended_at FROM calls") == [("elevenlabs", "2026-11-23T08:59:00.000Z")]


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (None, "signature_missing"),
        ("t=1,v0=2", "signature_malformed"),
        (sign(told(), "another", AT), "signature_wrong"),
        (sign(told(), "s3", AT - 1801), "signature_expired"),
    ],
)
async def test_what_is_not_signed_is_refused(tmp_path: Path, header: str | None, error: str) -> None:
    async with world(tmp_path, EINMAL_ELEVENLABS_WEBHOOK_SECRET="s3") as salon:
        sent = {} if header is None else {"elevenlabs_signature": header}
        answer = await post(salon, HOOK, told(), **sent)
        assert (answer.status, answer.json["error"]) == (401, error)
        assert salon.rows("SELECT count(*) FROM inbox") == [(0,)]


async def test_without_a_secret_no_webhook_is_taken(salon: World) -> None:
    """Whoever could end calls could keep people from booking."""
    answer = await post(salon, HOOK, told(), elevenlabs_signature=sign(told(), "", AT))
    assert (answer.status, answer.json["error"]) == (401, "no_secret_set")


async def test_what_tells_of_no_end_is_acknowledged(tmp_path: Path) -> None:
    async with world(tmp_path, EINMAL_ELEVENLABS_WEBHOOK_SECRET="s3") as salon:
        body = told("call_initiation_failure")
        answer = await post(salon, HOOK, body, elevenlabs_signature=sign(body, "s3", AT))
        assert (answer.status, answer.json) == (200, {"status": "ignored"})
        body = told(conversation_id=None)
        answer = await post(salon, HOOK, body, elevenlabs_signature=sign(body, "s3", AT))
        assert (answer.status, answer.json["error"]) == (422, "bad_envelope")
