"""Who asks too often, guesses at secrets, or starts again and again; and that nobody honest meets these bounds."""

import asyncio
import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.configuration.model import DEFAULT_TENANT
from einmal.domain.pace import Bucket, Rate, taken
from einmal.edge.guesses import OF_ALL, OF_ONE, OF_WHO_WAS_RIGHT, RIGHT_FOR_SECONDS, WITHIN_SECONDS, Guesses
from einmal.edge.limits import CALLS_MAX, IN_FLIGHT_MAX
from einmal.edge.paces import Paces
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.http.door import visitor_of
from einmal.entrypoints.http.listening import CONNECTIONS_MAX
from einmal.entrypoints.mcp.door import opened
from einmal.entrypoints.mcp.server import Tools
from einmal.entrypoints.rest.app import rest_routes
from einmal.simulator.asgi import HttpAnswer, request
from support.composites import CALL, TYPES, colour, configured
from support.world import World, world

BOOK, DISPATCH = "/api/retell/collect-appointment", "/api/retell/function-call"
NAMES = ["Gast Eins", "Gast Zwei", "Gast Drei", "Gast Vier", "Gast Fünf", "Gast Sechs", "Gast Sieben"]
SLOTS = [f"2026-12-{day:02}" for day in (1, 2, 3, 4, 7, 8, 9)]


async def book(
    here: World, day: str, call_id: str = "call_one", number: str = "anonymous", who: str = "Gast Eins"
) -> str:
    args = {"datum": day, "uhrzeit": "10:00", "name": who, "dienstleistung": "Beratung", "zusaetzlich": "ja"}
    body = {"name": "collect_appointment", "args": args, "call": {"call_id": call_id, "from_number": number}}
    return str((await here.raw(body))["status"])


async def turned_away(here: World) -> dict[str, int]:
    """What the metric says of it, by its word."""
    answer = await request(create_app(here.gateway), "GET", "/metrics")
    counted = re.findall(r'function_calls_refused_total\{adapter="retell",error="(\w+)"\} (\d+)', answer.body.decode())
    return {error: int(number) for error, number in counted if number != "0"}


# Buckets


@given(st.lists(st.floats(0, 30), max_size=80), st.integers(1, 120), st.integers(1, 60))
def test_no_bucket_gives_more_than_it_may(pauses: list[float], per_minute: int, at_once: int) -> None:
    """In any stretch of time: what may come at once, and what came back meanwhile."""
    bucket, now, given_at = None, 0.0, []
    for pause in pauses:
        now += pause
        bucket, wait = taken(bucket, Rate(per_minute, at_once), now)
        if wait == 0:
            given_at.append(now)
    for first, start in enumerate(given_at):
        for last in range(first, len(given_at)):
            span = given_at[last] - start
            assert last - first + 1 <= at_once + span * per_minute / 60 + 1e-6


def test_a_bucket_says_how_long_to_wait_and_that_is_enough() -> None:
    bucket, wait = taken(None, Rate(60, 1), 0.0)
    assert wait == 0
    bucket, wait = taken(bucket, Rate(60, 1), 0.0)
    assert wait == pytest.approx(1.0)
    assert taken(bucket, Rate(60, 1), wait)[1] == 0
    assert taken(Bucket(0.0, 9.0), Rate(0, 1), 9.0)[1] == 0, "0 is no limit"


def test_who_asks_is_remembered_in_a_bounded_way() -> None:
    paces = Paces(most=10)
    for number in range(100):
        paces.wait_seconds(str(number), Rate(1, 1), 0.0)
    assert paces.wait_seconds("99", Rate(1, 1), 0.0) > 0
    assert paces.wait_seconds("0", Rate(1, 1), 0.0) == 0


# Function calls

FEW = {"EINMAL_HOUSE_RATE_PER_MINUTE": "0", "EINMAL_CALL_RATE_PER_MINUTE": "0", "EINMAL_NUMBER_RATE_PER_MINUTE": "0"}


@pytest.mark.parametrize(
    ("limit", "same"),
    [
        ("EINMAL_HOUSE_RATE_PER_MINUTE", {}),
        ("EINMAL_CALL_RATE_PER_MINUTE", {"call_id": "call_one"}),
        ("EINMAL_NUMBER_RATE_PER_MINUTE", {"number": "+491701234567"}),
    ],
    ids=["house", "call", "number"],
)
@pytest.mark.parametrize("limited", [True, False], ids=["limited", "control"])
async def test_what_comes_too_fast_is_told_so_and_not_begun(
    tmp_path: Path, limit: str, same: dict[str, str], limited: bool
) -> None:
    """Never "booked", and nothing reaches ledger or calendar. The control, without a limit, books them all."""
    async with world(tmp_path, **FEW | {limit: "4" if limited else "0"}, EINMAL_BOOKINGS_PER_CALL="0") as here:
        said = []
        for number, day in enumerate(SLOTS):
            caller = {"call_id": f"call_{day}", "number": f"+49170123456{number}"} | same
            said.append(await book(here, day, **caller, who=NAMES[number]))
        done = 2 if limited else len(SLOTS)  # half a minute's worth at once
        assert Counter(said) == Counter({"booked": done} | ({"error": len(SLOTS) - done} if limited else {})), said
        assert len(here.states()) == len(here.tap.posts) == done


async def test_what_is_said_is_true_in_both_languages(tmp_path: Path) -> None:
    for language, words in (("de", "nicht bearbeitet"), ("en", "not carried out")):
        folder = tmp_path / language
        folder.mkdir()
        async with world(folder, EINMAL_CALL_RATE_PER_MINUTE="2", EINMAL_LANGUAGE=language) as here:
            await here.call()
            answer = await here.call(datum="2026-12-02")
            assert answer["success"] is False
            assert words in answer["message"]
            assert not {"gebucht.", "booked"} & set(answer["message"].split())
            again = await here.call()
            assert (again["status"], again["message"]) == ("error", answer["message"])
            assert "nichts gebucht" not in again["message"], "it is booked: only this was not carried out"
            assert await turned_away(here) == {"too_fast": 2}


@pytest.mark.parametrize("most", [5, 0], ids=["five", "control-no-limit"])
async def test_one_phone_call_books_five_appointments_and_no_sixth(tmp_path: Path, most: int) -> None:
    """Also when all come at once; what was booked is told again however often it is asked."""
    async with world(tmp_path, EINMAL_BOOKINGS_PER_CALL=str(most)) as here:
        said = await asyncio.gather(*(book(here, day, who=who) for day, who in zip(SLOTS, NAMES, strict=True)))
        assert Counter(said)["booked"] == (most or len(SLOTS)), said
        assert set(said) == ({"booked", "rejected"} if most else {"booked"})
        first = said.index("booked")
        assert await book(here, SLOTS[first], who=NAMES[first]) == "booked"
        other = await book(here, "2026-12-10", call_id="call_two", who="Gast Acht")
        assert other == "booked", "another call is another's"


@pytest.mark.parametrize("vouched", [False, True], ids=["made-up", "control-vouched"])
async def test_an_id_that_a_model_made_up_is_nobodys_call(tmp_path: Path, vouched: bool) -> None:
    """Models write one id into every call: counted by it, strangers would use up each other's five."""
    async with world(tmp_path, EINMAL_BOOKINGS_PER_CALL="1", EINMAL_CALL_RATE_PER_MINUTE="4") as here:
        said = []
        for day, who in zip(SLOTS[:3], NAMES, strict=False):
            args = {"datum": day, "uhrzeit": "10:00", "name": who, "dienstleistung": "Beratung", "zusaetzlich": "ja"}
            made_up = args if vouched else args | {"call_id": "call_of_the_salon"}
            call = {"call_id": "call_of_the_salon"} if vouched else {}
            said.append((await here.raw({"args": made_up, "call": call}))["status"])
        assert said == (["booked", "rejected", "error"] if vouched else ["booked"] * 3)


async def test_what_a_call_has_is_told_by_a_process_that_forgot_it(tmp_path: Path) -> None:
    """It was booked through another process, or before a start: never "not booked". What is new is not begun."""
    async with world(tmp_path, EINMAL_BOOKINGS_PER_CALL="1") as here:
        first = await here.call()
        for number in range(CALLS_MAX):  # so many have called since
            here.gateway.limits.booked(f"default/{number}", "wish")
        assert (await here.call(datum="2026-12-02", zusaetzlich="ja"))["status"] == "booked"
        again = await here.call()
        assert (again["status"], again["booking"]) == ("booked", first["booking"])
        third = await here.call(datum="2026-12-03", zusaetzlich="ja")
        assert (third["status"], "nicht gebucht" in third["message"]) == ("rejected", True)
        assert len(here.tap.posts) == 2
        assert await turned_away(here) == {"enough": 1}


async def test_refused_wishes_use_up_none_of_the_five(tmp_path: Path) -> None:
    """Whoever hears "taken" again and again may still book."""
    async with world(tmp_path, EINMAL_BOOKINGS_PER_CALL="1") as here:
        assert await book(here, SLOTS[0], "call_other", who="Gast Eins") == "booked"
        for who in NAMES[1:4]:
            assert await book(here, SLOTS[0], who=who) == "slot_taken"
        assert await book(here, SLOTS[1], who="Gast Zwei") == "booked"


@pytest.mark.parametrize("most", [2, 100], ids=["full", "control-room"])
async def test_when_everything_is_busy_nothing_new_is_begun(tmp_path: Path, most: int) -> None:
    """Before the ledger is asked and before anything is armed: no row, no POST."""
    async with world(tmp_path, **FEW) as here:
        go = asyncio.Event()

        async def slow(sent: Any) -> Any:
            await go.wait()
            return await here.tap.inner.send(sent)

        here.tap.on_post, here.gateway.limits.in_flight_max = slow, most
        wished = zip(SLOTS[:4], NAMES, strict=False)
        calls = [asyncio.create_task(book(here, day, f"call_{day}", who=who)) for day, who in wished]
        if most == 2:
            await asyncio.wait(calls, timeout=0.5)
            assert len(here.states()) == 2
        go.set()
        said = Counter(await asyncio.gather(*calls))
        assert said == ({"booked": 2, "error": 2} if most == 2 else {"booked": 4})
        assert len(here.tap.posts) == said["booked"]
        assert here.gateway.limits.in_flight == 0
        assert await turned_away(here) == ({"too_busy": said["error"]} if said["error"] else {})


def test_who_is_one_too_many_hears_a_sentence() -> None:
    """Function calls are shed before connections run out, which nobody hears anything of."""
    assert IN_FLIGHT_MAX < CONNECTIONS_MAX


# Guesses


def test_guesses_are_counted_by_visitor_and_in_whole() -> None:
    guesses = Guesses()
    for _ in range(OF_ONE):
        assert guesses.wait_seconds("mallory", 0.0) == 0
        guesses.begin("mallory", 0.0)
    assert guesses.wait_seconds("mallory", 1.0) == WITHIN_SECONDS - 1
    assert guesses.wait_seconds("alice", 1.0) == 0
    assert guesses.wait_seconds("mallory", WITHIN_SECONDS) == 0
    guesses.right("alice", 0.0)
    for number in range(OF_ALL):
        guesses.begin(f"botnet {number}", 2.0)
    assert guesses.wait_seconds("bob", 3.0) > 0
    assert guesses.wait_seconds("alice", 3.0) == 0, "who was right is not held up by others"
    assert guesses.wait_seconds("bob", 3.0, trusted=True) == 0
    assert guesses.wait_seconds("alice", RIGHT_FOR_SECONDS + WITHIN_SECONDS) == 0


@pytest.mark.parametrize(
    ("named", "same", "other"),
    [
        ("::ffff:203.0.113.5", "203.0.113.5", "::ffff:203.0.113.6"),
        ("203.0.113.5:40001", "203.0.113.5:40002", "203.0.113.6:40001"),
        ("[2001:db8::1]:40001", "2001:db8::2", "[2001:db8:0:1::1]:40001"),
        ("198.51.100.1, 203.0.113.5", "203.0.113.5", "203.0.113.5, 198.51.100.1"),
    ],
    ids=["ipv4-in-ipv6", "with-a-port", "ipv6-with-a-port", "the-last-of-several"],
)
def test_a_visitor_is_one_address_however_a_proxy_writes_it(named: str, same: str, other: str) -> None:
    """Else one who guesses is somebody new with each connection, or holds up all of IPv4."""

    def visitor(forwarded: str) -> str:
        headers = [(b"host", b"gateway.test"), (b"x-forwarded-for", forwarded.encode())]
        return visitor_of({"type": "http", "client": ("10.0.0.1", 1), "headers": headers})

    assert visitor(named) == visitor(same) != visitor(other)


def test_who_sits_at_the_machine_is_not_held_up_by_what_others_guess() -> None:
    """Also right after a start, when nobody has been right yet. Their own wrong ones count; and the control is
    somebody whom a proxy brings."""
    headers = [(b"host", b"127.0.0.1:8080")]
    here = visitor_of({"type": "http", "client": ("127.0.0.1", 1), "headers": headers})
    brought = visitor_of(
        {"type": "http", "client": ("127.0.0.1", 1), "headers": [*headers, (b"x-forwarded-for", b"203.0.113.5 here")]}
    )
    guesses = Guesses()
    for number in range(OF_ALL):
        guesses.begin(f"botnet {number}", 0.0)
    assert guesses.wait_seconds(here, 1.0) == 0
    assert guesses.wait_seconds(brought, 1.0) > 0
    for _ in range(OF_ONE):
        guesses.begin(here, 1.0)
    assert guesses.wait_seconds(here, 2.0) > 0


def test_who_was_right_has_more_tries_and_not_endless_ones() -> None:
    """Their address may be shared."""
    guesses = Guesses()
    guesses.right("office", 0.0)
    for _ in range(OF_WHO_WAS_RIGHT):
        assert guesses.wait_seconds("office", 1.0) == 0
        guesses.begin("office", 1.0)
    assert guesses.wait_seconds("office", 1.0) > 0


TOKEN = "an-operators-token-for-tests"
API_KEY = "website:availability:kEy-of-the-website-0001"
DOORS = {
    "/metrics": ("GET", TOKEN),
    "/api/appointments/count?customer=x": ("GET", TOKEN),
    "/calls": ("GET", TOKEN),
    "/v1/services": ("GET", "kEy-of-the-website-0001"),
}


async def guess(app: Any, path: str, token: str, visitor: str) -> int:
    headers = {"authorization": f"Bearer {token}", "x-forwarded-for": visitor, "host": "gateway.test"}
    return (await request(app, DOORS[path][0], path, headers=headers)).status


@pytest.mark.parametrize("path", DOORS)
async def test_bearer_tokens_are_not_guessed_for_long(tmp_path: Path, path: str) -> None:
    """After ten wrong ones that visitor's are not compared any more, not even the right one; others come in."""
    from einmal.entrypoints.web.app import build_site, page_routes  # noqa: PLC0415

    async with world(tmp_path, EINMAL_ADMIN_TOKEN=TOKEN, EINMAL_API_KEYS=API_KEY) as here:
        app = create_app(here.gateway, [*page_routes(build_site(here.gateway)), *rest_routes(here.gateway)])
        right = DOORS[path][1]
        for number in range(OF_ONE):
            assert await guess(app, path, f"wrong-{number}", "203.0.113.5") in {401, 303}
        assert await guess(app, path, right, "203.0.113.5") == 429
        assert await guess(app, path, right, "203.0.113.6") == 200
        here.gateway.limits.guesses = Guesses()
        forgetful = create_app(here.gateway, [*page_routes(build_site(here.gateway)), *rest_routes(here.gateway)])
        assert await guess(forgetful, path, right, "203.0.113.5") == 200, "control: who does not count lets it in"


async def test_the_mcp_secret_is_not_guessed_for_long(tmp_path: Path) -> None:
    """After ten wrong ones that visitor is refused before anything is compared; who has it comes in, and so does the
    same request where nobody counts."""
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    async with world(tmp_path, EINMAL_MCP_SECRET=TOKEN) as here:
        tools = Tools(here.gateway, DEFAULT_TENANT)
        async with opened(here.gateway, tools.server) as app:

            async def status(token: str, visitor: str) -> int:
                headers = {"authorization": f"Bearer {token}", "x-forwarded-for": visitor}
                return (await request(app, "POST", "/mcp", ping, headers)).status

            assert {await status(f"wrong-{number}", "203.0.113.5") for number in range(OF_ONE)} == {401}
            assert await status(TOKEN, "203.0.113.5") == 429
            assert await status(TOKEN, "203.0.113.6") not in {401, 429}
            here.gateway.limits.guesses = Guesses()
            assert await status(TOKEN, "203.0.113.5") not in {401, 429}, "control"


# Cal.com's webhooks

SECRET = "whsec-of-the-salon"


async def told(here: World, uid: str, number: int) -> HttpAnswer:
    from einmal.adapters.calcom.webhooks import sign  # noqa: PLC0415

    data = json.dumps({"triggerEvent": "BOOKING_CREATED", "n": number, "payload": {"uid": uid}}).encode()
    headers = {"X-Cal-Signature-256": sign(data, SECRET)}
    return await request(create_app(here.gateway), "POST", "/api/webhooks/calcom", data, headers)


async def test_one_booking_is_told_of_only_so_often(tmp_path: Path) -> None:
    """Each would be a row and a read. Another booking is another's; the control is the first twenty."""
    async with world(tmp_path, EINMAL_CALCOM_WEBHOOK_SECRET=SECRET) as here:
        said = Counter([(await told(here, "uid-one", number)).status for number in range(30)])
        assert said == {200: 20, 429: 10}
        assert (await told(here, "uid-two", 1)).status == 200
        assert here.rows("SELECT count(*) FROM inbox") == [(21,)]


# Starting again and again


async def test_a_gateway_that_starts_again_and_again_keeps_to_the_budget(tmp_path: Path) -> None:
    """What was spent stands in the ledger. Every start asks for event types, and callers ask for times."""
    allowed = 30
    sent = await asked_by_restarts(tmp_path, allowed, forgets=False)
    assert sent <= allowed


async def test_control_gateways_that_forget_go_far_beyond_it(tmp_path: Path) -> None:
    allowed = 30
    assert await asked_by_restarts(tmp_path, allowed, forgets=True) > 2 * allowed


async def asked_by_restarts(folder: Path, allowed: int, *, forgets: bool) -> int:
    """Requests that reach the calendar within one moment, of twenty starts; `forgets`: each on a ledger of its own."""
    sent = 0
    for start in range(20):
        own = folder / str(start if forgets else 0)
        own.mkdir(exist_ok=True)
        async with world(own, EINMAL_CALCOM_RATE_PER_MINUTE=str(allowed)) as here:
            for day in SLOTS:
                await here.ask("check_availability", datum=day, uhrzeit="10:00", dienstleistung="Beratung")
            await book(here, SLOTS[start % 7], f"call_{start}", who=NAMES[start % 7])
            sent += len(here.tap.requests)
    return sent


async def test_control_time_gives_the_budget_back(tmp_path: Path) -> None:
    """The bound is a rate: a minute later there is room again."""
    async with world(tmp_path, EINMAL_CALCOM_RATE_PER_MINUTE="3") as here:
        assert await book(here, SLOTS[0], "call_a", who="Gast Eins") in {"booked", "error"}
        said = [await book(here, day, f"call_{day}", who="Gast Zwei") for day in SLOTS[1:4]]
        assert "error" in said
        here.clock.pass_time(timedelta(minutes=2))
        assert await book(here, SLOTS[5], "call_z", who="Gast Drei") == "booked"


async def test_a_composite_beyond_what_a_call_may_is_not_begun(tmp_path: Path) -> None:
    """It counts as one, is told as it stands by whoever forgot it, and a new one is begun in none of its parts."""
    settings = configured(tmp_path) | {"EINMAL_BOOKINGS_PER_CALL": "1"}
    async with world(tmp_path, event_types=TYPES, **settings) as here:
        first = await colour(here)
        assert first["status"] == "booked"
        posts = len(here.tap.posts)
        here.gateway.limits._booked.update({"default/" + CALL["call_id"]: {"another wish"}})  # noqa: SLF001 - it forgot
        assert (await colour(here))["booking"] == first["booking"]
        beyond = await colour(here, datum="2026-12-02", zusaetzlich="ja")
        assert (beyond["status"], "nicht gebucht" in beyond["message"]) == ("rejected", True)
        assert len(here.tap.posts) == posts == 3
