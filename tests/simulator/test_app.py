"""The ASGI application answers as the function behind it does, and the function holds up on odd input."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Scope

from einmal.simulator.app import simulator_app
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.wire import SimulatedCalcom

NOW = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
BODY = {
    "start": "2026-11-28T00:30:00Z",
    "eventTypeId": 1,
    "attendee": {"name": "Jürgen", "email": "ann@guest.example.test", "timeZone": "Europe/Berlin"},
}
VERSION = {"cal-api-version": "2024-08-13"}
SLOTS = "/v2/slots?eventTypeId=1&start=2026-11-28T00%3A00%3A00Z&end=2026-11-28T02%3A00%3A00Z"


def a_calcom(**options: Any) -> SimulatedCalcom:
    uids = iter(f"uid-{number}" for number in range(1000))
    calendar = SimulatedCalendar(recorded_event_types(), now=lambda: NOW, new_uid=lambda: next(uids))
    return SimulatedCalcom(calendar, **{"api_keys": None, "now": lambda: NOW} | options)


async def ask(
    app: ASGIApp, method: str, target: str, headers: dict[str, str], chunks: list[bytes]
) -> tuple[int, dict[str, str], bytes]:
    path, _, query = target.partition("?")
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.title().encode(), value.encode()) for name, value in headers.items()],
    }
    waiting: list[Message] = [{"type": "http.request", "body": c, "more_body": True} for c in chunks]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, body = sent
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"]


@pytest.mark.parametrize("latency_seconds", [0.0, 0.001])
async def test_the_app_answers_like_the_function(latency_seconds: float) -> None:
    """Book, repeat, read, list slots, cancel: status, headers and body are the same both ways."""
    app, calcom = simulator_app(a_calcom(), latency_seconds=latency_seconds), a_calcom()
    book = json.dumps(BODY).encode()
    slots_version = {"cal-api-version": "2024-09-04"}
    for method, target, headers, body in (
        ("POST", "/v2/bookings", VERSION, book),
        ("POST", "/v2/bookings", VERSION, book),
        ("GET", "/v2/bookings/uid-0", VERSION, b""),
        ("GET", "/v2/bookings?attendeeEmail=ann@guest.example.test", VERSION, b""),
        ("GET", "/v2/bookings?take=1", VERSION | {"authorization": "Bearer k"}, b""),
        ("GET", SLOTS, slots_version, b""),
        ("GET", "/v2/event-types", {}, b""),
        ("POST", "/v2/bookings/uid-0/cancel", VERSION, b'{"cancellationReason": "ill"}'),
        ("GET", "/nowhere", {}, b""),
    ):
        answer = calcom.handle(method, target, headers, body)
        seen = await ask(app, method, target, headers, [body[:7], body[7:]])
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        assert seen == (answer.status, lowered, answer.body)


async def test_a_body_too_large_is_refused_unread() -> None:
    """Beyond one MiB the application stops reading; nothing reaches the calendar."""
    chunks = [b"x" * 400_000] * 10
    status, _, body = await ask(simulator_app(a_calcom()), "POST", "/v2/bookings", VERSION, chunks)
    assert (status, json.loads(body)["statusCode"]) == (413, 413)


async def test_a_client_that_leaves_early_gets_nothing() -> None:
    """Half a request books nothing and answers nothing."""
    messages: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(f"sent {message}")

    await simulator_app(a_calcom())({"type": "http", "method": "POST", "path": "/"}, receive, send)


async def test_the_app_starts_and_stops() -> None:
    """A server may announce its own start and end."""
    messages = ["lifespan.startup", "lifespan.shutdown"]
    sent: list[str] = []

    async def receive() -> Message:
        return {"type": messages.pop(0)}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await simulator_app(a_calcom())({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


# The function itself


def test_the_121st_request_of_a_minute_is_turned_away() -> None:
    """Keys are counted apart; the block lasts 60 seconds and says so only in X-RateLimit-Reset."""
    clock = [NOW]
    calcom = a_calcom(requests_per_minute=120, now=lambda: clock[0])

    def status(key: str) -> tuple[int, str]:
        headers = VERSION | {"authorization": f"Bearer {key}"}
        answer = calcom.handle("GET", "/v2/bookings/x", headers, b"")
        return answer.status, answer.headers["X-RateLimit-Reset-Default"]

    assert {status("one") for _ in range(120)} == {(404, "60")}
    clock[0] += timedelta(seconds=50)
    assert status("one") == (429, "60")
    assert status("two") == (404, "60")
    clock[0] += timedelta(seconds=30)
    assert status("one") == (429, "30")
    clock[0] += timedelta(seconds=31)
    assert status("one") == (404, "60")


def test_the_date_header_is_the_simulated_clock() -> None:
    """A gateway that measures clock skew by the Date header must see Cal.com's clock."""
    answer = a_calcom().handle("GET", "/v2/bookings/x", VERSION, b"")
    assert answer.headers["Date"] == "Sat, 21 Nov 2026 02:31:00 GMT"


@pytest.mark.parametrize("field", [{"instant": True}, {"recurrenceCount": 2}, {"routing": {}}])
def test_what_is_not_simulated_says_so(field: dict[str, object]) -> None:
    """Better a 501 than an invented answer."""
    answer = a_calcom().handle("POST", "/v2/bookings", VERSION, json.dumps(BODY | field).encode())
    assert answer.status == 501


TEXT = st.text("a@.ß😀\x00\ud800", max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NAMES = ["start", "eventTypeId", "attendee", "metadata", "guests", "location", "lengthInMinutes", "instant"]


@given(changes=st.dictionaries(st.sampled_from([*NAMES, "bookingFieldsResponses", "meetingUrl"]), JSON))
def test_any_json_gets_an_answer(changes: dict[str, object]) -> None:
    """Whatever stands in the fields, there is a status and a JSON body."""
    answer = a_calcom().handle("POST", "/v2/bookings", VERSION, json.dumps(BODY | changes).encode())
    assert 200 <= answer.status < 600
    assert isinstance(json.loads(answer.body), dict)


@given(body=st.binary(max_size=60), target=st.sampled_from(["/v2/bookings", "/v2/bookings/uid-0/cancel", "/"]))
def test_any_bytes_get_an_answer(body: bytes, target: str) -> None:
    """Whatever the bytes are, they are refused and not stumbled over."""
    assert 400 <= a_calcom().handle("POST", target, VERSION, body).status < 500


@given(value=st.text(max_size=12) | st.sampled_from(["9999-12-31T23:59:59-14:00", "0001-01-01", "-1", "1e9"]))
@pytest.mark.parametrize("name", ["start", "end", "timeZone", "duration", "eventTypeId", "format"])
def test_any_slots_query_gets_an_answer(name: str, value: str) -> None:
    """A strange parameter is answered with slots, a 400 or a 404."""
    target = f"{SLOTS}&{name}={value}"
    assert a_calcom().handle("GET", target, {"cal-api-version": "2024-09-04"}, b"").status in {200, 400, 404}


@given(
    name=st.sampled_from(["take", "skip", "status", "afterStart", "beforeEnd", "eventTypeIds", "sortStart"]),
    value=st.text(max_size=12) | st.sampled_from(["9" * 400, "²", "upcoming, past", "1,3", "desc"]),
)
def test_any_list_query_gets_an_answer(name: str, value: str) -> None:
    """A strange filter is answered with a page or a 400."""
    headers = VERSION | {"authorization": "Bearer any"}
    assert a_calcom().handle("GET", f"/v2/bookings?{name}={value}", headers, b"").status in {200, 400}
