"""The promise on Vapi: one wish, one booking, however often and in however many ways a request is sent.

Through the HTTP application, on real SQLite, before a simulated Cal.com.
"""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.entrypoints.http.app import create_app
from einmal.simulator.asgi import HttpAnswer, request
from support.world import World, world

PATH = "/api/vapi/tool-calls"
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
CALLER = "+491701234567"
CALL = {"id": "c-7d4d0c", "assistantId": "a-salon", "type": "inboundPhoneCall"}


def tool(function: str = "book_appointment", number: int = 1, **args: Any) -> dict[str, Any]:
    """One call of a tool, its arguments a string as the vendor's model has them."""
    arguments = json.dumps(args, ensure_ascii=False)
    return {"id": f"toolu_{number}", "type": "function", "function": {"name": function, "arguments": arguments}}


def message(*tools: dict[str, Any], call: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    whole = {"type": "tool-calls", "timestamp": 1764000000000, "toolCallList": list(tools)}
    line = {"call": CALL if call is None else call, "customer": {"number": CALLER}}
    return {"message": whole | line | more}


async def post(salon: World, body: Any, **headers: str) -> HttpAnswer:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await request(create_app(salon.gateway), "POST", PATH, data, headers=sent)
    # What was begun behind the answer is done.
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "first contact"))
    return answer


async def asked(salon: World, *tools: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """What the model reads of each result, which is one line."""
    answer = await post(salon, message(*tools, **more))
    assert answer.status == 200
    results = answer.json["results"]
    assert [one["toolCallId"] for one in results] == [one["id"] for one in tools]
    assert all(one["result"].splitlines() == [one["result"]] for one in results)
    return [json.loads(one["result"]) for one in results]


async def test_the_same_wish_twice_is_one_booking(salon: World) -> None:
    """Another request, another id of the tool's call, other words: the answer of the first."""
    (first,) = await asked(salon, tool(**WISH))
    (again,) = await asked(salon, tool(number=2, **WISH | {"uhrzeit": "zehn Uhr"}))
    assert (first["status"], first["message"][:9]) == ("booked", "Ihr Termi")
    assert again["booking"] == first["booking"]
    assert len(salon.tap.posts) == len(salon.calendar.bookings) == 1
    assert salon.rows("SELECT platform, call_id, agent_id, direction FROM calls") == [
        ("vapi", "c-7d4d0c", "a-salon", None)
    ]


async def test_the_same_wish_at_once_is_one_booking(salon: World) -> None:
    """Retries overlap; within one request a model may ask twice, too."""
    answers = await asyncio.gather(*(asked(salon, tool(**WISH), tool(number=2, **WISH)) for _ in range(3)))
    told = [one for answer in answers for one in answer]
    assert {one["status"] for one in told} == {"booked"}
    assert len({one["booking"]["ref"] for one in told}) == 1
    assert len(salon.calendar.bookings) == 1


async def test_who_books_twice_in_one_breath_is_asked(salon: World) -> None:
    """Served in their order, so that the second is asked about with the first already known."""
    first, second = await asked(salon, tool(**WISH), tool(number=2, **WISH | {"uhrzeit": "15:00"}))
    assert (first["status"], second["status"], second["missing"]) == ("booked", "needs_input", ["decision"])
    assert len(salon.calendar.bookings) == 1


async def test_a_change_and_what_follows_it_are_done_in_their_order(salon: World) -> None:
    """Cancelled, then booked anew elsewhere: at once, the second would meet the first under way."""
    await asked(salon, tool(**WISH))
    cancel = tool("cancel_appointment", 2, datum="2026-12-01", uhrzeit="10:00")
    cancelled, booked = await asked(salon, cancel, tool(number=3, **WISH | {"uhrzeit": "15:00"}))
    assert (cancelled["status"], booked["status"]) == ("cancelled", "booked")
    assert salon.states() == ["cancelled", "confirmed"]


async def test_what_the_platform_would_not_wait_for_is_not_begun(tmp_path: Path) -> None:
    """Two long ones do not fit into its twenty seconds: the second is told that nothing was booked, which is so."""
    async with world(tmp_path, EINMAL_REPLY_SECONDS="17") as salon:
        first, second, short = await asked(
            salon, tool(**WISH), tool(number=2, **WISH | {"uhrzeit": "15:00"}), tool("list_services", 3)
        )
        assert (first["status"], second["status"], short["status"]) == ("booked", "error", "information")
        assert "diese wurde nicht bearbeitet" in second["message"]
        assert len(salon.tap.posts) == 1


async def test_a_lost_answer_is_in_doubt_and_told_so(salon: World) -> None:
    """Never "booked", never "failed", never another POST."""

    async def lost(_request: WireRequest) -> WireAnswer:
        raise MaybeSent("timeout")

    salon.tap.on_post = lost
    (said,) = await asked(salon, tool(**WISH))
    assert (said["status"], said["do_not_rebook"]) == ("in_doubt", True)
    assert "prüfe sie noch" in said["message"]
    salon.tap.on_post = None
    assert await asked(salon, tool(number=2, **WISH)) == [said]
    assert len(salon.tap.posts) == 1


async def test_an_offer_is_taken_by_its_slot_alone(salon: World) -> None:
    """The line names no time but in words; what is handed back books it."""
    (free,) = await asked(salon, tool("check_availability", **WISH))
    assert "2026-12-01" not in json.dumps(free)
    offer = free["alternatives"][0]
    (booked,) = await asked(salon, tool(number=2, slot=offer["slot"], name="Jürgen Groß"))
    assert booked["status"] == "booked"
    assert [f"{one.start:%Y-%m-%dT%H:%M}" for one in salon.calendar.bookings] == ["2026-12-01T09:00"]


async def test_the_conversation_is_the_platforms_and_not_the_models(salon: World) -> None:
    """What the model writes as its call is nobody's proof: it neither joins nor reads another conversation."""
    await asked(salon, tool(**WISH), customer={})
    said = {"call_id": "c-7d4d0c", "conversation_id": "c-7d4d0c"}
    (stranger,) = await asked(salon, tool("booking_status", **said), call={"id": "c-other1"}, customer={})
    assert stranger["status"] != "booked"
    (same,) = await asked(salon, tool("booking_status"), customer={})
    assert same["message"] != stranger["message"]
    assert {row[0] for row in salon.rows("SELECT call_id FROM calls")} == {"c-7d4d0c", "c-other1"}


async def test_unknown_functions_and_arguments_have_an_answer_each(salon: World) -> None:
    """The others of the same request are served; ids are given back as they came."""
    broken = tool(number=2) | {"function": {"name": "book_appointment", "arguments": "{"}}
    body = message(tool("make_coffee"), broken, tool("List_Services_v3", 3))
    results = (await post(salon, body)).json["results"]
    assert [one["name"] for one in results] == ["make_coffee", "book_appointment", "List_Services_v3"]
    assert [json.loads(one["result"])["status"] for one in results[::2]] == ["rejected", "information"]
    assert results[1] == {
        "toolCallId": "toolu_2",
        "name": "book_appointment",
        "error": "arguments must be one JSON object, without duplicate keys",
    }


async def test_what_is_told_names_the_platform(salon: World) -> None:
    """In the journal, so that the platforms can be told apart."""
    await asked(salon, tool(**WISH))
    await salon.gateway.worker.turn()
    assert salon.rows("SELECT adapter, function, conversation_id FROM function_calls") == [("vapi", "book", "c-7d4d0c")]


# What it tells of its calls --------------------------------------------------------------------------------------


def ended(kind: str = "end-of-call-report", **more: Any) -> dict[str, Any]:
    told = {"type": kind, "call": CALL, "endedReason": "customer-ended-call", "endedAt": "2026-11-23T08:59:00Z"}
    return {"message": told | more}


@pytest.mark.parametrize("told", [ended(), ended("status-update", status="ended")], ids=["report", "status"])
async def test_after_its_end_nothing_is_booked_in_a_call(salon: World, told: Any) -> None:
    """Told once or three times, it is over."""
    for _ in range(3):
        answer = await post(salon, told)
        assert (answer.status, answer.body) == (200, b"{}")
    (said,) = await asked(salon, tool(**WISH))
    assert said["message"] == "Das Gespräch ist beendet, es wurde nichts mehr getan."
    assert salon.calendar.bookings == ()
    assert salon.rows("SELECT platform, ended_at, disconnection_reason FROM calls") == [
        ("vapi", "2026-11-23T08:59:00.000Z", "customer-ended-call")
    ]
    assert salon.rows("SELECT source, outcome, times FROM inbox") == [("vapi", "told", 3)]


async def test_the_worker_ends_what_could_not_be_ended_as_it_came(salon: World) -> None:
    """The inbox kept it; nobody is on the phone any more once that is handled."""
    salon.rows("ALTER TABLE calls RENAME TO gone")
    assert (await post(salon, ended())).status == 200
    salon.rows("ALTER TABLE gone RENAME TO calls")
    salon.clock.pass_time(timedelta(minutes=2))
    await salon.gateway.worker.turn()
    assert salon.rows("SELECT call_id, disconnection_reason FROM calls") == [("c-7d4d0c", "customer-ended-call")]


@pytest.mark.parametrize(
    "kind", ["status-update", "hang", "assistant-request", "speech-update", "transcript", "conversation-update", "x"]
)
async def test_other_messages_are_taken_and_nothing_is_done(salon: World, kind: str) -> None:
    answer = await post(salon, {"message": {"type": kind, "call": CALL, "status": "in-progress"}})
    assert (answer.status, answer.body) == (200, b"{}")
    assert salon.rows("SELECT count(*) FROM inbox") == [(0,)]


# What is no message ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "one JSON object"),
        (b"[]", "must be a JSON object"),
        (b'{"message":{"type":"tool-calls","type":"hang"}}', "without duplicate keys"),
        (b'{"message":' * 30 + b"1" + b"}" * 30, "nested at most"),
        (b'{"message":{"type":"tool-calls"}}', "from 1 to 16 calls"),
        (b'{"message":{"type":"end-of-call-report"}}', "message.call.id"),
    ],
)
async def test_what_is_no_message_is_told_what_is_wrong(salon: World, body: bytes, told: str) -> None:
    answer = await post(salon, body)
    assert (answer.status, answer.json["error"]) == (422, "bad_envelope")
    assert told in answer.json["message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "function", "name", "arguments", "number", "datum", "uhrzeit", "slot"]),
            inner,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=JSON, arguments=JSON, call=JSON)
async def test_no_message_breaks_it(salon: World, sent: Any, arguments: Any, call: Any) -> None:
    """Every body is answered with a result for each call, or with what is wrong."""
    whole = {"id": "toolu_1", "function": {"name": "check_availability", "arguments": arguments}}
    for tools in (sent, [sent], [whole]):
        answer = await post(salon, {"message": {"type": "tool-calls", "toolCallList": tools, "call": call}})
        assert answer.status in {200, 422}
        assert set(answer.json) in ({"results"}, {"error", "message"})
    assert salon.calendar.bookings == ()
