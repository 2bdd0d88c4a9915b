"""Every function call is answered within its own budget, which lies below what agents wait; in virtual time."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.functions.names import BACKSTOP_SECONDS, FUNCTIONS, SECONDS, Does
from einmal.adapters.retell.tools import tool_definitions
from einmal.settings import read_settings
from einmal.simulator.asgi import request
from einmal.speech.said import Language
from support.virtual import WISH, Open, Salon, play, salon

REPLY_SECONDS = read_settings({}).reply_seconds
BY_THEIR_FLOW = {Does.COLLECT, Does.BOOK, Does.CANCEL, Does.RESCHEDULE}
AGENTS_WAIT = {
    # What was seen in the field, in seconds: context, the customer, whatever asks the calendar, bookings and changes.
    2.0: {Does.PARSE_DATE, Does.TELL_TIME, Does.LIST_SERVICES, Does.TELL_SERVICE, Does.TELL_HOURS, Does.TELL_CONTEXT},
    4.0: {Does.TELL_CUSTOMER},
    5.0: {
        *(Does.CHECK, Does.ALTERNATIVES, Does.NEXT, Does.TELL_APPOINTMENTS, Does.TELL_STATUS),
        *(Does.RESERVE, Does.RELEASE, Does.CALL_BACK),
    },
    10.0: BY_THEIR_FLOW,
}
CALL = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}


def budget(does: Does) -> float:
    return SECONDS.get(does, REPLY_SECONDS + BACKSTOP_SECONDS)


@pytest.mark.parametrize("does", Does)
def test_each_function_answers_before_agents_stop_waiting(does: Does) -> None:
    [patience] = [seconds for seconds, functions in AGENTS_WAIT.items() if does in functions]
    assert budget(does) < patience
    assert (does in SECONDS) is (does not in BY_THEIR_FLOW)


@pytest.mark.parametrize(
    "tool", tool_definitions("https://gateway.example", Language.ENGLISH), ids=lambda one: one["name"]
)
def test_the_tool_definitions_wait_longer_than_the_budget(tool: dict[str, Any]) -> None:
    assert tool["timeout_ms"] / 1000 > budget(FUNCTIONS[tool["name"]]) + 0.5


async def timed(gateway: Open, function: str, **args: Any) -> tuple[dict[str, Any], float]:
    """What is answered, and after how many seconds of virtual time."""
    loop, body = asyncio.get_running_loop(), {"name": function, "call": CALL, "args": args}
    began = loop.time()
    answer = await request(gateway.app, "POST", "/api/retell/function-call", json.dumps(body).encode())
    assert answer.status == 200
    return answer.json, loop.time() - began


class Silent:
    """Never answers. Counts who asked, and who was called off."""

    def __init__(self) -> None:
        self.asked = 0
        self.called_off = 0

    async def __call__(self, *_: Any) -> Any:
        self.asked += 1
        try:
            await asyncio.sleep(1_000_000)
        except asyncio.CancelledError:
            self.called_off += 1
            raise


@pytest.mark.parametrize("function", ["check_availability", "get_alternatives", "find_next_available"])
def test_nobody_waits_longer_for_a_silent_calendar(tmp_path: Path, function: str) -> None:
    """An error with an id, nothing booked, and one look at the most: others may wait for the same."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            silent = Silent()
            gateway.tap.inner.send = silent  # type: ignore[method-assign]
            said, seconds = await timed(gateway, function, datum="2026-12-01", dienstleistung="Beratung")
            assert (said["success"], said["status"]) == (False, "error")
            assert said["error_id"]
            assert "es wurde nichts gebucht" in said["message"]
            assert (seconds, silent.asked) == (4.0, 1)

    play(story, salon(tmp_path))


@pytest.mark.parametrize(
    ("function", "known"), [("check_customer", ("found",)), ("initialize_call", ("customer", "found"))]
)
def test_a_silent_ledger_leaves_open_who_calls(tmp_path: Path, function: str, known: tuple[str, ...]) -> None:
    """Told within the budget, without the part that is missing."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.gateway.ledger.customer_name = Silent()  # type: ignore[method-assign]
            said, seconds = await timed(gateway, function)
            assert said["status"] == "information"
            for field in known:
                said = said[field]
            assert said is None
            assert seconds < SECONDS[FUNCTIONS[function]]

    play(story, salon(tmp_path))


def test_a_booking_has_the_answer_of_its_own_flow(tmp_path: Path) -> None:
    """In doubt when the budget ends, not an error: the POST goes on, and what becomes of it is told later."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:

            async def late(sent: WireRequest) -> WireAnswer:
                await asyncio.sleep(REPLY_SECONDS + 1.5)
                return await gateway.tap.inner.send(sent)

            gateway.tap.on_post = late
            said, seconds = await timed(gateway, "book_appointment", **WISH)
            assert (said["status"], said["do_not_rebook"]) == ("in_doubt", True)
            assert round(seconds, 6) == REPLY_SECONDS
            await asyncio.sleep(3)
            assert made.states == ["confirmed"]
            assert (await timed(gateway, "book_appointment", **WISH))[0]["status"] == "booked"
            assert len(gateway.tap.posts) == 1

    play(story, salon(tmp_path))


def test_a_booking_whose_flow_is_stuck_is_not_left_without_an_answer(tmp_path: Path) -> None:
    """Neither yes nor no: what stands cannot be read just now."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            assert (await timed(gateway, "book_appointment", **WISH))[0]["status"] == "booked"
            gateway.gateway.ledger.stored = Silent()  # type: ignore[method-assign]
            said, seconds = await timed(gateway, "book_appointment", **WISH)
            assert (said["success"], said["status"], said["do_not_rebook"]) == (False, "in_doubt", True)
            assert "Bescheid" not in said["message"], "nothing is promised that is not written down"
            assert round(seconds, 6) == REPLY_SECONDS + BACKSTOP_SECONDS
            assert len(gateway.tap.posts) == 1

    play(story, salon(tmp_path))


async def _of_its_own(*_: Any) -> Any:
    raise TimeoutError


async def _broken(*_: Any) -> Any:
    raise ZeroDivisionError


@pytest.mark.parametrize("broken", [_of_its_own, _broken])
@pytest.mark.parametrize("function", ["check_availability", "book_appointment"])
def test_a_handler_that_throws_is_a_sentence_at_once(
    tmp_path: Path, function: str, broken: Callable[..., Awaitable[Any]]
) -> None:
    """With an error id. A time-out of something inside is no end of the budget."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            offers, bookings = type(gateway.gateway.offers), type(gateway.gateway.bookings)
            before = offers.check, bookings.book
            offers.check, bookings.book = broken, broken  # type: ignore[method-assign,assignment]
            try:
                said, seconds = await timed(gateway, function, **WISH)
            finally:
                offers.check, bookings.book = before  # type: ignore[method-assign]
            assert (said["success"], said["status"], bool(said["error_id"])) == (False, "error", True)
            assert "nichts Neues gebucht" in said["message"]
            assert seconds == 0.0

    play(story, salon(tmp_path))


def test_a_webhook_that_the_ledger_does_not_take_in_time_is_told_again(tmp_path: Path) -> None:
    """Below the ten seconds that Retell waits."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            inbox, calls = gateway.gateway.inbox, gateway.gateway.calls.calls
            gateway.gateway.inbox = type("Slow", (), {"receive": Silent()})()
            body = json.dumps({"event": "call_ended", "call": CALL}).encode()
            began = asyncio.get_running_loop().time()
            answer = await request(gateway.app, "POST", "/api/webhooks/retell", body)
            assert (answer.status, asyncio.get_running_loop().time() - began) == (503, 5.0)
            # What is kept is acknowledged; the worker does what could not be done in time.
            gateway.gateway.inbox = inbox
            gateway.gateway.calls.calls = type("Slow", (), {"told": Silent()})()
            answer = await request(gateway.app, "POST", "/api/webhooks/retell", body)
            assert (answer.status, asyncio.get_running_loop().time() - began) == (200, 10.0)
            gateway.gateway.calls.calls = calls
            assert (await request(gateway.app, "POST", "/api/webhooks/retell", body)).status == 200

    play(story, salon(tmp_path))


def test_while_it_rings_nobody_waits_for_a_silent_ledger(tmp_path: Path) -> None:
    """A second and a half, and the phone is answered."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.gateway.ledger.customer_name = Silent()  # type: ignore[method-assign]
            body = json.dumps({"event": "call_inbound", "call_inbound": CALL}).encode()
            began = asyncio.get_running_loop().time()
            answer = await request(gateway.app, "POST", "/api/webhooks/retell/inbound", body)
            assert answer.json["call_inbound"]["dynamic_variables"]["customer_known"] == "unknown"
            assert asyncio.get_running_loop().time() - began == 1.5

    play(story, salon(tmp_path))
