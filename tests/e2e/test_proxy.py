"""Cal.com's own API, guarded: a client that changes nothing but its base URL books once, whatever its network does."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.simulator.app import simulator_app
from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.records import Scheduling
from support.calcom_client import ANOTHER, ASKED, VERSION, client
from support.serving import served
from support.world import World


async def test_a_booking_goes_through_as_it_was_written_and_comes_back_as_cal_com_told_it(tmp_path: Path) -> None:
    """201, the client's own metadata beside ours, its attendee; and the ledger has it."""
    async with client(tmp_path) as one:
        status, told = await one.book()
        assert status == 201
        assert told["status"] == "success"
        assert told["data"]["attendees"][0]["email"] == "juergen@kunde.test"
        assert told["data"]["metadata"]["ours"] == "17"
        assert told["data"]["metadata"].keys() == {"ours", "einmal_op"}
        assert one.here.states() == ["confirmed"]


async def test_a_repeat_has_the_original_answer_and_books_nothing(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        first, again, keyed = await one.book(), await one.book(), await one.book(idempotency_key="k1")
        assert [status for status, _ in (first, again, keyed)] == [201, 201, 201]
        assert len({told["data"]["uid"] for _, told in (first, again, keyed)}) == 1
        assert one.live == 1
        assert len(one.here.tap.posts) == 1


async def test_many_at_once_are_one(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        answers = await asyncio.gather(*(one.book() for _ in range(8)))
        assert {(status, told["data"]["uid"]) for status, told in answers} == {(201, answers[0][1]["data"]["uid"])}
        assert one.live == 1


async def test_another_person_on_the_slot_hears_that_it_is_taken(tmp_path: Path) -> None:
    """Cal.com's own words and status, because they are Cal.com's own answer."""
    async with client(tmp_path) as one:
        await one.book()
        status, told = await one.book(ANOTHER)
        assert status == 400
        assert "already has booking at this time or is not available" in told["error"]["message"]
        assert one.live == 1


async def test_a_stale_booking_is_taken_and_not_handed_on(tmp_path: Path) -> None:
    """The incident through the proxy: Cal.com answers 201 with somebody else's booking."""
    async with client(tmp_path) as one:
        _, before = await one.book()
        wire = await one.here.tap.inner.send(_get(f"/v2/bookings/{before['data']['uid']}", one.here))
        one.here.clock.pass_time(timedelta(minutes=35))

        async def foreign(_: WireRequest) -> WireAnswer:
            return WireAnswer(201, {"content-type": "application/json"}, wire.body, 0.1)

        one.here.tap.on_post = foreign
        status, told = await one.book(ANOTHER)
        assert status == 400
        assert "Groß" not in str(told)
        assert one.here.states() == ["confirmed", "rejected"]


@pytest.mark.parametrize(("through", "bookings"), [("proxy", 1), ("straight", 2)])
async def test_a_naive_client_that_tries_again_never_doubles(tmp_path: Path, through: str, bookings: int) -> None:
    """The first answer is lost after Cal.com has booked, and the client does what clients do. Straight at Cal.com, the
    control, its own booking stands in its way, so it takes the next slot as well."""
    ordinary = [replace(one, scheduling=Scheduling.INDIVIDUAL) for one in demo_event_types()]
    async with client(tmp_path, event_types=ordinary) as one:
        lost = []

        async def loses(request: WireRequest) -> WireAnswer:
            answer = await one.here.tap.inner.send(request)
            if not lost:
                lost.append(answer)
                raise MaybeSent("reset")
            return answer

        async def straight(body: Any) -> int:
            at = one.here.clock.monotonic() + 5
            wire = WireRequest("POST", "/v2/bookings", VERSION, json.dumps(body).encode(), at, at)
            try:
                return (await one.here.tap.send(wire)).status
            except MaybeSent:
                return 0

        async def proxied(body: Any) -> int:
            return (await one.book(body))[0]

        one.here.tap.on_post = loses
        assert await _naive(proxied if through == "proxy" else straight) == 201
        assert lost
        assert one.live == bookings


async def _naive(post: Callable[[Any], Awaitable[int]]) -> int:
    """Two tries for each slot, and then the next one."""
    for start in ("2026-12-01T09:00:00Z", "2026-12-01T09:30:00Z", "2026-12-01T10:00:00Z"):
        for _ in range(2):
            status = await post({**ASKED, "start": start})
            if status == 201:
                return status
    return 0


async def test_a_lost_answer_that_cannot_be_looked_up_is_a_504_and_the_same_request_resolves_it(tmp_path: Path) -> None:
    async with client(tmp_path, EINMAL_REPLY_SECONDS="1") as one:

        async def loses(request: WireRequest) -> WireAnswer:
            await one.here.tap.inner.send(request)
            raise MaybeSent("reset")

        async def blind(_: WireRequest) -> WireAnswer:
            raise MaybeSent("timeout")

        one.here.tap.on_post, one.here.tap.on_get = loses, blind
        status, told, headers = await one.ask("POST", "/v2/bookings", ASKED)
        assert status == 504
        assert headers["retry-after"] == "5"
        assert "send the same request again" in told["error"]["message"]
        one.here.tap.on_post = one.here.tap.on_get = None
        for _ in range(4):
            one.here.clock.pass_time(timedelta(seconds=30))
            await one.here.gateway.worker.turn()
        status, told = await one.book()
        assert status == 201
        assert one.live == 1
        assert len(one.here.tap.posts) == 1


async def test_cancelled_once_however_often_it_is_asked(tmp_path: Path) -> None:
    """Cal.com refuses the second cancel; here a repeat is answered as the first one was."""
    async with client(tmp_path) as one:
        _, told = await one.book()
        path = f"/v2/bookings/{told['data']['uid']}/cancel"
        answers = [await one.ask("POST", path, {"cancellationReason": "krank"}) for _ in range(2)]
        assert [(status, told["data"]["status"]) for status, told, _ in answers] == [(200, "cancelled")] * 2
        assert answers[0][1]["data"]["cancellationReason"] == "krank"
        assert one.live == 0
        assert (await one.book())[0] == 201  # the same wish, wished anew


async def test_moved_once_however_often_it_is_asked(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        _, told = await one.book()
        path = f"/v2/bookings/{told['data']['uid']}/reschedule"
        status, moved, _ = await one.ask("POST", path, {"start": "2026-12-01T10:00:00Z"})
        assert (status, moved["data"]["start"]) == (201, "2026-12-01T10:00:00.000Z")
        status, again, _ = await one.ask("POST", path, {"start": "2026-12-01T10:00:00Z"})
        assert (status, again["data"]["uid"]) == (201, moved["data"]["uid"])
        assert one.live == 1


async def test_everything_else_passes_as_it_came(tmp_path: Path) -> None:
    """Lists, event types, slots, errors, unknown paths: what Cal.com says, with its status and its headers."""
    async with client(tmp_path) as one, served(simulator_app(one.here.calcom)) as straight:
        await one.book()
        for method, path in (
            ("GET", "/v2/bookings?take=1&sortStart=asc"),
            ("GET", "/v2/event-types"),
            ("GET", "/v2/nothing-here?x=%2F%20ü"),
            ("POST", "/v2/bookings/none/confirm"),
        ):
            here = await one.ask(method, path)
            there = await replace(one, url=straight).ask(method, path)
            assert here[0] == there[0]
            assert _timeless(here[1]) == _timeless(there[1])
            assert here[2]["content-type"] == there[2]["content-type"]


def _timeless(data: Any) -> Any:
    return {name: value for name, value in data.items() if name != "timestamp"} if isinstance(data, dict) else data


@pytest.mark.parametrize(
    ("change", "headers", "status", "said"),
    [
        ({}, {"cal-api-version": "2024-04-15"}, 400, "cal-api-version must be 2024-08-13 or 2026-02-25"),
        ({"recurrenceCount": 3}, {}, 400, "one request, one booking"),
        ({"start": "morgen"}, {}, 400, "start must be an ISO 8601"),
        ({"attendee": {"name": "Anna Weiß"}}, {}, 400, "email or a phoneNumber"),
        ({}, {"Authorization": "Bearer cal_other"}, 401, "none of those"),
    ],
)
async def test_what_cannot_be_guarded_is_refused_and_not_sent(
    tmp_path: Path, change: dict[str, Any], headers: dict[str, str], status: int, said: str
) -> None:
    async with client(tmp_path) as one:
        got, told, _ = await one.ask("POST", "/v2/bookings", {**ASKED, **change}, **headers)
        assert got == status
        assert said in told["error"]["message"]
        assert one.here.tap.posts == []


async def test_a_key_sent_with_another_booking_is_refused(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        assert (await one.book(idempotency_key="k1"))[0] == 201
        status, told = await one.book(ANOTHER, idempotency_key="k1")
        assert status == 422
        assert "new key" in told["error"]["message"]
        assert one.live == 1


async def test_it_is_closed_off_loopback_unless_somebody_opens_it(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        for address in ({"X-Forwarded-For": "192.0.2.7"}, {"Host": "salon.example"}):
            assert (await one.ask("GET", "/v2/event-types", **address))[0] == 404
        one.here.gateway.settings = replace(one.here.gateway.settings, proxy=True)
        assert (await one.ask("GET", "/v2/event-types", Host="salon.example"))[0] == 200


def _get(target: str, here: World) -> WireRequest:
    at = here.clock.monotonic() + 5
    return WireRequest("GET", target, VERSION, b"", at, at)
