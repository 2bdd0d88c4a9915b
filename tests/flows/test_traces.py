"""One trace for each function call: through the ledger, the calendar, and what outlives the caller."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.sql.traced import TracedStore
from einmal.entrypoints.http.app import create_app
from einmal.flows.traced import TracedAttempts
from einmal.simulator.asgi import HttpAnswer, request
from support.canary import named_in
from support.spans import Ended, kept, parent, span_id, trace_id
from support.world import World, world

PATH = "/api/retell/collect-appointment"
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "telefon": "+4930901820"}
CALLER = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"

Traced = tuple[World, Ended]


@pytest.fixture
async def traced(tmp_path: Path) -> AsyncIterator[Traced]:
    """The demo salon, and the spans that ended."""
    traces, ended = kept()
    async with world(tmp_path, traces=traces, EINMAL_REPLY_SECONDS="0.5") as salon:
        yield salon, ended


async def call(salon: World, call_id: str = "call_7d4d0c", traceparent: str | None = None, **args: Any) -> HttpAnswer:
    wish = WISH | {"dienstleistung": "Beratung"} | args
    body = json.dumps({"name": "collect_appointment", "call": {"call_id": call_id}, "args": wish}, ensure_ascii=False)
    headers = {} if traceparent is None else {"traceparent": traceparent}
    return await request(create_app(salon.gateway), "POST", PATH, body.encode(), headers=headers)


async def test_a_call_is_one_trace_through_the_ledger_and_the_calendar(traced: Traced) -> None:
    salon, ended = traced
    assert (await call(salon)).json["status"] == "booked"
    assert ended.traces == 1
    spans = ended.trace()
    assert {"collect", "attempt", "calendar create", "ledger write"} <= spans.keys()
    root, attempt = spans["collect"], spans["attempt"]
    assert dict(root.attributes or {}) == {
        "einmal.adapter": "retell",
        "einmal.function": "collect",
        "einmal.outcome": "booked",
        "einmal.call_id": "call_7d4d0c",
    }
    assert parent(root) is None
    assert parent(attempt) == span_id(root)
    assert parent(spans["calendar create"]) == span_id(attempt)
    assert dict(spans["calendar create"].attributes or {}) == {"einmal.operation": "create", "einmal.code": "201"}
    transactions = [(span.attributes or {}).get("einmal.transaction") for span in ended.spans]
    assert {"admission", "move"} <= set(transactions)
    (event,) = attempt.events
    assert event.name == "booked"
    assert (event.attributes or {})["einmal.intent_id"] == (attempt.attributes or {})["einmal.intent_id"]


async def test_a_trace_of_the_callers_is_gone_on_with(traced: Traced) -> None:
    """As W3C's traceparent says; its tracestate is somebody's own text and goes nowhere."""
    salon, ended = traced
    await call(salon, traceparent=f"00-{CALLER}-{SPAN}-01")
    root = ended.trace()["collect"]
    assert (trace_id(root), parent(root)) == (CALLER, SPAN)
    assert {trace_id(span) for span in ended.spans} == {CALLER}


@pytest.mark.parametrize(
    "traceparent",
    [
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{CALLER}-{'0' * 16}-01",
        f"ff-{CALLER}-{SPAN}-01",
        f"00-{CALLER}-{SPAN}",
        f"00-{CALLER}-{SPAN}-01-more",
        "Jürgen Groß".encode().decode("latin-1"),
        "x" * 5000,
    ],
)
async def test_what_is_no_traceparent_begins_a_trace_of_its_own(traced: Traced, traceparent: str) -> None:
    salon, ended = traced
    assert (await call(salon, traceparent=traceparent)).json["status"] == "booked"
    root = ended.trace()["collect"]
    assert parent(root) is None
    assert trace_id(root) != CALLER


async def test_a_caller_who_wants_no_trace_gets_none(traced: Traced) -> None:
    salon, ended = traced
    assert (await call(salon, traceparent=f"00-{CALLER}-{SPAN}-00")).json["status"] == "booked"
    assert ended.spans == []


async def test_the_attempt_that_outlives_its_caller_ends_in_the_callers_trace(traced: Traced) -> None:
    """The root is over when the reply is said; what goes on belongs to it all the same."""
    salon, ended = traced
    answered = asyncio.Event()
    salon.tap.on_post = _held(salon, answered)
    assert (await call(salon)).json["status"] == "in_doubt"
    root = ended.trace()["collect"]
    assert "attempt" not in ended.trace()
    answered.set()
    await salon.gateway.bookings.drain(5)
    attempt, create = ended.trace()["attempt"], ended.trace()["calendar create"]
    assert ended.traces == 1
    assert parent(attempt) == span_id(root)
    assert attempt.end_time is not None
    assert root.end_time is not None
    assert attempt.end_time > root.end_time
    assert parent(create) == span_id(attempt)


async def test_calls_at_the_same_time_do_not_mix(traced: Traced) -> None:
    salon, ended = traced
    times = ["10:00", "11:00", "12:00", "14:00"]
    await asyncio.gather(
        *(call(salon, f"call_{n}abc", uhrzeit=at, telefon=f"+49309018{n}0") for n, at in enumerate(times))
    )
    assert ended.traces == len(times)
    for number in range(len(times)):
        spans = ended.trace(number)
        assert {"collect", "attempt", "calendar create"} <= spans.keys()
        assert parent(spans["attempt"]) == span_id(spans["collect"])


async def test_the_worker_is_in_no_trace(traced: Traced) -> None:
    """It looks into the ledger every second; what it does is told by logs and metrics."""
    salon, ended = traced
    await salon.gateway.worker.turn()
    assert ended.spans == []


async def test_nobody_is_in_a_trace(traced: Traced) -> None:
    salon, ended = traced
    await call(salon, email="juergen@gast.test", traceparent=f"00-{CALLER}-{SPAN}-01")
    await call(salon, "call_9f8e7d", uhrzeit="quatsch")
    assert len(ended.spans) > 5
    assert [named_in(span.to_json()) for span in ended.spans] == [[]] * len(ended.spans)


def test_of_an_exception_its_class_is_kept_and_no_word() -> None:
    traces, ended = kept()
    with pytest.raises(ValueError, match="Jürgen"), traces.arriving(None), traces.span("attempt"):
        raise ValueError("Jürgen Groß")
    for span in ended.spans:
        assert dict(span.attributes or {}) == {"error.type": "ValueError"}
        assert span.status.status_code is StatusCode.ERROR
        assert (span.status.description, span.events) == (None, ())
    assert len(ended.spans) == 2


async def test_unasked_for_nothing_stands_in_the_way(salon: World, traced: Traced) -> None:
    """Not even something that does nothing."""

    def parts(one: World) -> tuple[object, object]:
        return one.gateway.ledger._store, one.gateway.bookings.attempts  # type: ignore[attr-defined]  # noqa: SLF001

    assert not any(isinstance(part, TracedStore | TracedAttempts) for part in parts(salon))
    assert all(isinstance(part, TracedStore | TracedAttempts) for part in parts(traced[0]))


def _held(salon: World, until: asyncio.Event) -> Callable[[WireRequest], Awaitable[WireAnswer]]:
    async def send(request: WireRequest) -> WireAnswer:
        await until.wait()
        return await salon.tap.inner.send(request)

    return send
