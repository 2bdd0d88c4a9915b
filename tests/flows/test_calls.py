"""The phone call itself: from ring to hang-up, as Retell's webhooks and the function calls tell of it.

Through the HTTP application, on real SQLite, before a simulated Cal.com.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.retell.signature import sign
from einmal.entrypoints.http.app import create_app
from einmal.flows.calls import OPEN_MAX, SEEN_MAX
from einmal.ports import CallNews, Calls
from einmal.simulator.asgi import HttpAnswer, request
from support.world import BERLIN_MORNING, World, world

WEBHOOK = "/api/webhooks/retell"
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
LINES = {"from_number": "+491701234567", "to_number": "+4930901820"}
NOW_MS = int(BERLIN_MORNING.timestamp() * 1000)
TIMES = {"start_timestamp": NOW_MS - 60_000, "end_timestamp": NOW_MS - 1_000, "disconnection_reason": "user_hangup"}
WHOLE = ("retell", "agent_1", "inbound", "2026-11-23T08:59:00.000Z", "2026-11-23T08:59:59.000Z", "user_hangup")
ROW = "SELECT platform, agent_id, direction, started_at, ended_at, disconnection_reason FROM calls WHERE call_id = ?"
OVER = "Das Gespräch ist beendet, es wurde nichts mehr getan."


async def post(salon: World, path: str, body: Any, **headers: str) -> HttpAnswer:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await request(create_app(salon.gateway), "POST", path, data, headers=sent)
    # What was begun behind the answer is done.
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "first contact"))
    return answer


def event(name: str, call_id: str = "call_7d4d0c", **more: Any) -> dict[str, Any]:
    call = {"call_id": call_id, "agent_id": "agent_1", "direction": "inbound", **LINES}
    times = TIMES if name != "call_started" else {"start_timestamp": TIMES["start_timestamp"]}
    return {"event": name, "call": call | times | more}


async def told(salon: World, name: str, call_id: str = "call_7d4d0c", **more: Any) -> HttpAnswer:
    return await post(salon, WEBHOOK, event(name, call_id, **more))


async def asked(salon: World, function: str, call_id: str | None = "call_7d4d0c", **args: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"name": function, "args": args}
    body |= {} if call_id is None else {"call": {"call_id": call_id, "from_number": "anonymous"}}
    answer = await post(salon, "/api/retell/function-call", body)
    assert answer.status == 200
    said: dict[str, Any] = answer.json
    return said


@contextmanager
def full(salon: World) -> Iterator[None]:
    """A ledger in which nothing that is told can be kept."""
    salon.rows("ALTER TABLE inbox RENAME TO gone_too")
    try:
        yield
    finally:
        salon.rows("ALTER TABLE gone_too RENAME TO inbox")


@contextmanager
def unreachable(salon: World) -> Iterator[None]:
    """A ledger in which no call can be read or written."""
    salon.rows("ALTER TABLE calls RENAME TO gone")
    try:
        yield
    finally:
        salon.rows("ALTER TABLE gone RENAME TO calls")


async def booked(salon: World, call_id: str = "call_7d4d0c", **args: Any) -> dict[str, Any]:
    return await asked(salon, "book_appointment", call_id, **(WISH | args))


# After the hang-up --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["call_ended", "call_analyzed"])
async def test_nothing_is_booked_after_the_hang_up(salon: World, how: str) -> None:
    """Said so, and not sent. Where the word of the end was lost, the analysis tells of it."""
    assert (await told(salon, how)).json == {"status": "ok"}
    answer = await booked(salon)
    assert (answer["success"], answer["status"], answer["message"]) == (False, "rejected", OVER)
    assert (salon.tap.posts, salon.states()) == ([], [])


async def test_the_control_a_call_that_goes_on_books(salon: World) -> None:
    """That it began, and that another one ended, is in nobody's way."""
    await told(salon, "call_started")
    await told(salon, "call_ended", "call_other22")
    assert (await booked(salon))["status"] == "booked"


async def test_a_repeat_still_hears_what_was_booked_before_the_end(salon: World) -> None:
    """The platform's own retry comes late: it is the stored answer, and never "the call is over"."""
    first = await booked(salon)
    await told(salon, "call_ended")
    assert await booked(salon) == first
    assert (await booked(salon, uhrzeit="11:00"))["status"] == "rejected", "what is new is not begun"
    assert (first["status"], len(salon.tap.posts)) == ("booked", 1)


async def test_what_is_under_way_when_the_end_comes_is_finished(salon: World) -> None:
    """The POST is on the wire: what comes of it is written down and told."""

    async def hangs_up(sent: WireRequest) -> WireAnswer:
        assert (await told(salon, "call_ended")).json == {"status": "ok"}
        return await salon.tap.inner.send(sent)

    salon.tap.on_post = hangs_up
    assert (await booked(salon))["status"] == "booked"
    assert salon.states() == ["confirmed"]


async def test_a_call_is_over_only_for_its_own_tenant(tmp_path: Path) -> None:
    """Two houses may well be told of the same id."""
    (tmp_path / "einmal.toml").write_text(TWO, "utf-8")
    environment = {"EINMAL_CONFIG": str(tmp_path / "einmal.toml"), "CAL_A": "cal_a", "CAL_B": "cal_b"}
    async with world(tmp_path, **environment) as both:
        await told(both, "call_ended", agent_id="agent_1", to_number=None)
        for agent, status in (("agent_1", "rejected"), ("agent_2", "booked")):
            body = {"name": "book_appointment", "args": WISH, "call": {"call_id": "call_7d4d0c", "agent_id": agent}}
            assert (await post(both, "/api/retell/function-call", body)).json["status"] == status


TWO = "\n".join(
    f"""
[[tenants]]
id = "house_{number}"
name = "Haus {number}"
house_email = "termin@haus{number}.test"
calcom_api_key = {{ env = "CAL_{letter}" }}
agents = ["agent_{number}"]

[[tenants.services]]
id = "beratung"
name = "Beratung"
event_type_id = 101
duration_minutes = 30
"""
    for number, letter in ((1, "A"), (2, "B"))
)


# In any order -------------------------------------------------------------------------------------------------------


async def test_doubled_and_reordered_webhooks_leave_the_same_row(salon: World) -> None:
    """Each order of the three, doubled, with a function call in between that knows neither agent nor direction."""
    events = ("call_started", "call_ended", "call_analyzed")
    for number, order in enumerate(permutations((*events, "function"))):
        call_id = f"call_x{number:05d}"
        for name in (*order, *order[::-1]):
            await (asked(salon, "list_services", call_id) if name == "function" else told(salon, name, call_id))
        assert salon.rows(ROW, call_id) == [WHOLE], order
    assert salon.rows("SELECT count(*) FROM calls") == [(24,)]


async def test_a_call_that_was_first_seen_by_a_booking_gets_its_particulars_later(salon: World) -> None:
    """The function call comes before Retell's word that there is a call at all."""
    assert (await booked(salon))["status"] == "booked"
    assert salon.rows(ROW, "call_7d4d0c") == [("retell", None, None, None, None, None)]
    await told(salon, "call_started")
    await told(salon, "call_ended")
    assert salon.rows(ROW, "call_7d4d0c") == [WHOLE]


# Who may tell it ----------------------------------------------------------------------------------------------------


async def test_a_forged_webhook_changes_nothing(tmp_path: Path) -> None:
    """Without the key nobody ends a call, or makes one."""
    async with world(tmp_path, EINMAL_RETELL_API_KEY="key_ours") as salon:
        body = json.dumps(event("call_ended")).encode()
        forged: list[dict[str, str]] = [
            {},
            {"x_retell_signature": "v=1,d=2"},
            {"x_retell_signature": sign(body, "key_theirs", NOW_MS)},
            {"x_retell_signature": sign(body + b" ", "key_ours", NOW_MS)},
            {"x_retell_signature": sign(body, "key_ours", NOW_MS - 300_001)},
        ]
        for path in (WEBHOOK, f"{WEBHOOK}/inbound"):
            for headers in forged:
                assert (await post(salon, path, body, **headers)).status == 401
        assert salon.rows("SELECT * FROM calls") == []
        wish = json.dumps({"args": WISH, "call": {"call_id": "call_7d4d0c"}, "name": "book_appointment"}).encode()
        signed = {"x_retell_signature": sign(wish, "key_ours", NOW_MS)}
        assert (await post(salon, "/api/retell/book-appointment", wish, **signed)).json["status"] == "booked"
        authentic = {"x_retell_signature": sign(body, "key_ours", NOW_MS)}
        assert (await post(salon, WEBHOOK, body, **authentic)).json == {"status": "ok"}
        assert salon.rows("SELECT ended_at IS NOT NULL FROM calls") == [(1,)]


async def test_unsigned_webhooks_come_from_this_machine_only(salon: World) -> None:
    """As function calls, where no key is set."""
    answer = await post(salon, WEBHOOK, event("call_ended"), x_forwarded_for="203.0.113.7")
    assert (answer.status, answer.json["error"]) == (401, "unsigned")
    assert salon.rows("SELECT * FROM calls") == []


@pytest.mark.parametrize("name", ["call_ended", "call_inbound"])
async def test_a_call_of_nobodys_is_acknowledged(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """To send it again would help nobody. The log has who asked, and no number."""
    (tmp_path / "einmal.toml").write_text(TWO, "utf-8")
    environment = {"EINMAL_CONFIG": str(tmp_path / "einmal.toml"), "CAL_A": "cal_a", "CAL_B": "cal_b"}
    async with world(tmp_path, **environment) as both:
        stranger = event(name, agent_id="agent_9")
        body = stranger if name != "call_inbound" else {"event": name, "call_inbound": stranger["call"]}
        with caplog.at_level(logging.WARNING, logger="einmal.http"):
            answer = await post(both, WEBHOOK, body)
        assert (answer.status, answer.json) == (200, {"status": "unknown_tenant"})
        assert both.rows("SELECT * FROM calls") == []
    [line] = [record for record in caplog.records if record.getMessage() == "no tenant for this webhook"]
    assert line.__dict__["fields"] == {"event": name, "agent_id": "agent_9", "tenants": 2}


async def test_an_event_that_is_not_known_is_acknowledged(salon: World) -> None:
    """Retell has more of them every year."""
    answer = await told(salon, "call_transferred")
    assert (answer.status, answer.json) == (200, {"status": "ignored"})
    assert salon.rows("SELECT * FROM calls") == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"a":1,"a":2}', b'{"event":"call_ended","call":{}}'])
async def test_what_is_no_webhook_is_422(salon: World, body: bytes) -> None:
    answer = await post(salon, WEBHOOK, body)
    assert (answer.status, answer.json["error"]) == (422, "bad_envelope")


async def test_over_two_mebibytes_is_413(salon: World) -> None:
    """Transcripts are long; they are not that long."""
    assert (await post(salon, WEBHOOK, b" " * (2 * 1024 * 1024 + 1))).status == 413


async def test_a_ledger_that_cannot_be_reached_is_told_again(salon: World) -> None:
    """503 is what makes Retell send it again; then it is written."""
    with full(salon):
        answer = await told(salon, "call_ended")
        assert (answer.status, answer.json["error"]) == (503, "ledger_unavailable")
    assert (await told(salon, "call_ended")).json == {"status": "ok"}
    assert salon.rows(ROW, "call_7d4d0c") == [WHOLE]


async def test_what_was_kept_and_not_done_the_worker_does(salon: World) -> None:
    """Acknowledged is what is in the inbox: nobody need send it again, and what was held is let go."""
    assert await held(salon, "call_7d4d0c", "10:00") == 1
    with unreachable(salon):
        assert (await told(salon, "call_ended")).json == {"status": "ok"}
        assert holds(salon, "call_7d4d0c") == 1
    salon.clock.pass_time(timedelta(seconds=20))
    await salon.gateway.worker.turn()
    assert salon.rows(ROW, "call_7d4d0c") == [WHOLE]
    assert holds(salon, "call_7d4d0c") == 0
    assert salon.rows("SELECT event, times, outcome FROM inbox") == [("call_ended", 1, "told")]


async def test_told_twice_it_is_handled_once(salon: World) -> None:
    """The same content is one row, however often it comes."""
    for _ in range(3):
        assert (await told(salon, "call_ended")).json == {"status": "ok"}
    assert salon.rows("SELECT event, times, outcome FROM inbox") == [("call_ended", 3, "told")]


async def test_the_inbox_of_a_call_holds_no_persons_data(salon: World) -> None:
    """Neither number nor transcript: what is kept is what is acted upon."""
    await told(salon, "call_analyzed")
    ((kept,),) = salon.rows("SELECT data FROM inbox")
    assert set(json.loads(kept)) == {
        *("platform", "call_id", "agent_id", "direction", "disconnection_reason"),
        *("started_at", "ended_at", "analyzed_at"),
    }


# The first contact --------------------------------------------------------------------------------------------------


class Counted:
    """The real port, and how often each call was written."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.written: Counter[str] = Counter()

    async def told(self, tenant_id: str, news: CallNews, at: datetime) -> None:
        self.written[news.call.call_id] += 1
        await self._calls.told(tenant_id, news, at)

    async def close_stuck(self, before: datetime, at: datetime, limit: int) -> int:
        return await self._calls.close_stuck(before, at, limit)


def counted(salon: World) -> Counter[str]:
    calls = Counted(salon.gateway.calls.calls)
    salon.gateway.calls.calls = calls
    return calls.written


async def test_the_first_function_call_makes_the_row_and_the_others_write_nothing(salon: World) -> None:
    """Whatever it asks, also for what nobody serves."""
    written = counted(salon)
    for function in ("make_coffee", "get_current_context", "parse_date", "list_services", "check_availability"):
        await asked(salon, function, "call_7d4d0c")
    await asked(salon, "list_services", "call_other22")
    assert written == {"call_7d4d0c": 1, "call_other22": 1}
    assert salon.rows("SELECT call_id, platform FROM calls ORDER BY 1") == [
        ("call_7d4d0c", "retell"),
        ("call_other22", "retell"),
    ]


async def test_a_booking_writes_nothing_more(salon: World) -> None:
    """Its admission has made the row in its own commit."""
    written = counted(salon)
    assert (await booked(salon))["status"] == "booked"
    await asked(salon, "list_services")
    assert written == {}
    assert salon.rows("SELECT call_id FROM calls") == [("call_7d4d0c",)]


async def test_an_id_that_nobody_vouches_for_makes_no_row(salon: World) -> None:
    """What the model wrote into the arguments is no call."""
    await salon.ask("list_services", call_id="call_7d4d0c")
    await asked(salon, "list_services", None)
    assert salon.rows("SELECT * FROM calls") == []


async def test_a_ledger_that_is_gone_fails_no_reply(salon: World) -> None:
    """The next function call of this phone call tries again."""
    written = counted(salon)
    with unreachable(salon):
        assert (await asked(salon, "list_services"))["status"] == "information"
    assert (await asked(salon, "list_services"))["status"] == "information"
    assert written == {"call_7d4d0c": 2}
    assert salon.rows("SELECT call_id FROM calls") == [("call_7d4d0c",)]


async def test_the_reply_does_not_wait_for_the_first_contact(salon: World) -> None:
    """It is made before anything is written."""
    freed = asyncio.Event()

    class Slow(Counted):
        async def told(self, tenant_id: str, news: CallNews, at: datetime) -> None:
            await freed.wait()
            await super().told(tenant_id, news, at)

    salon.gateway.calls.calls = Slow(salon.gateway.calls.calls)
    call = {"call_id": "call_7d4d0c", "from_number": "anonymous"}
    assert (await salon.ask("list_services", call))["status"] == "information"
    assert salon.rows("SELECT * FROM calls") == []
    freed.set()
    await asked(salon, "list_services")
    assert salon.rows("SELECT call_id FROM calls") == [("call_7d4d0c",)]


async def test_only_so_many_calls_are_kept_in_mind(salon: World) -> None:
    """Who was forgotten is written once more, and nothing changes."""
    written = counted(salon)
    await asked(salon, "list_services")
    for number in range(SEEN_MAX - 1):
        salon.gateway.calls.known("default", f"call_{number}")
    await asked(salon, "list_services")
    assert written == {"call_7d4d0c": 1}
    salon.gateway.calls.known("default", "call_one_more")
    await asked(salon, "list_services")
    assert written == {"call_7d4d0c": 2}
    assert salon.rows("SELECT call_id FROM calls") == [("call_7d4d0c",)]


async def test_a_gateway_that_stops_finishes_its_notes(tmp_path: Path) -> None:
    """Closed right behind the reply, with the note still under way."""

    class Slow(Counted):
        async def told(self, tenant_id: str, news: CallNews, at: datetime) -> None:
            for _ in range(100):
                await asyncio.sleep(0)
            await super().told(tenant_id, news, at)

    async with world(tmp_path) as salon:
        salon.gateway.calls.calls = Slow(salon.gateway.calls.calls)
        await salon.ask("list_services", {"call_id": "call_7d4d0c"})
    assert salon.rows("SELECT call_id FROM calls") == [("call_7d4d0c",)]


# Stuck calls, and what a call holds -----------------------------------------------------------------------------------


async def test_the_worker_ends_calls_whose_end_nobody_told(salon: World) -> None:
    """Not before the longest that a call can take; then nothing is booked in them any more."""
    await asked(salon, "list_services")
    salon.clock.pass_time(OPEN_MAX)
    await salon.gateway.worker.turn()
    assert salon.rows(ROW, "call_7d4d0c")[0][4:] == (None, None)
    salon.clock.pass_time(timedelta(seconds=1))
    await salon.gateway.worker.turn()
    assert salon.rows(ROW, "call_7d4d0c")[0][4:] == ("2026-11-23T11:05:01.000Z", "stuck")
    assert (await booked(salon))["message"] == OVER


async def held(salon: World, call_id: str, clock: str) -> int:
    """How many slots this call holds, after it has reserved one more."""
    wish = {"datum": "2026-12-01", "uhrzeit": clock, "dienstleistung": "Beratung"}
    assert (await asked(salon, "reserve_slot", call_id, **wish))["status"] == "reserved"
    return holds(salon, call_id)


def holds(salon: World, call_id: str) -> int:
    return int(salon.rows("SELECT count(*) FROM holds WHERE conversation_id = ?", call_id)[0][0])


@pytest.mark.parametrize("how", ["call_ended", "call_analyzed"])
async def test_the_end_of_a_call_releases_what_it_holds(salon: World, how: str) -> None:
    """All of it, and nothing of another call's; its beginning releases nothing."""
    assert await held(salon, "call_7d4d0c", "10:00") == 1
    assert await held(salon, "call_7d4d0c", "11:00") == 2
    assert await held(salon, "call_other22", "12:00") == 1
    await told(salon, "call_started")
    assert holds(salon, "call_7d4d0c") == 2
    await told(salon, how)
    assert (holds(salon, "call_7d4d0c"), holds(salon, "call_other22")) == (0, 1)


async def test_after_the_end_nothing_is_held(salon: World) -> None:
    """A function call that comes late holds nothing that nobody would release."""
    await told(salon, "call_ended")
    wish = {"datum": "2026-12-01", "uhrzeit": "10:00", "dienstleistung": "Beratung"}
    assert (await asked(salon, "reserve_slot", "call_7d4d0c", **wish))["status"] == "unavailable"
    assert holds(salon, "call_7d4d0c") == 0


async def test_an_end_that_could_not_be_written_releases_nothing_yet(salon: World) -> None:
    """The call goes on as far as the ledger knows; told again, both happen."""
    assert await held(salon, "call_7d4d0c", "10:00") == 1
    with full(salon):
        assert (await told(salon, "call_ended")).status == 503
        assert holds(salon, "call_7d4d0c") == 1
    assert (await told(salon, "call_ended")).status == 200
    assert holds(salon, "call_7d4d0c") == 0


# While it rings -----------------------------------------------------------------------------------------------------


async def ringing(salon: World, path: str = f"{WEBHOOK}/inbound", **more: Any) -> dict[str, Any]:
    answer = await post(salon, path, {"event": "call_inbound", "call_inbound": LINES | more})
    assert answer.status == 200
    assert set(answer.json) == {"call_inbound"}
    assert answer.json["call_inbound"]["metadata"] == {}
    variables: dict[str, Any] = answer.json["call_inbound"]["dynamic_variables"]
    return variables


async def test_the_agent_is_handed_the_day_and_the_house_while_it_rings(salon: World) -> None:
    """In the tenant's language, and all of it strings: models have no calendar."""
    assert await ringing(salon) == {
        "moment": "Heute ist Montag, der 23. November 2026, es ist 10 Uhr.",
        "date": "2026-11-23",
        "weekday": "Montag",
        "time": "10:00",
        "time_zone": "Europe/Berlin",
        "house": salon.gateway.tenant.name,
        "services": "Beratung, Haarschnitt, Dauerwelle",
        "customer_known": "no",
    }


async def test_in_english_too(tmp_path: Path) -> None:
    async with world(tmp_path, EINMAL_LANGUAGE="en") as salon:
        variables = await ringing(salon)
        assert (variables["weekday"], variables["moment"][:8]) == ("Monday", "Today is")


async def test_that_a_line_is_known_is_told_and_never_by_whose_name(salon: World) -> None:
    """A withheld number is neither known nor unknown."""
    await salon.call(from_number="+491701234567")
    told_of = [await ringing(salon, from_number=line) for line in ("+491701234567", "+491709999999", "anonymous")]
    assert [variables["customer_known"] for variables in told_of] == ["yes", "no", "unknown"]
    assert "Groß" not in str(told_of)


async def test_both_urls_take_every_event(salon: World) -> None:
    """The signature covers no URL, so the URL decides nothing."""
    assert await ringing(salon, WEBHOOK) == await ringing(salon)
    assert (await post(salon, f"{WEBHOOK}/inbound", event("call_ended"))).json == {"status": "ok"}


async def test_a_call_is_noted_while_it_rings_and_gets_the_rest_later(salon: World) -> None:
    """Without an id there is nothing to note."""
    await ringing(salon)
    assert salon.rows("SELECT * FROM calls") == []
    await ringing(salon, call_id="call_7d4d0c")
    assert salon.rows(ROW, "call_7d4d0c") == [("retell", None, "inbound", None, None, None)]
    await told(salon, "call_ended")
    assert salon.rows(ROW, "call_7d4d0c") == [WHOLE]


async def test_without_a_ledger_the_phone_is_answered_all_the_same(salon: World) -> None:
    """Whose line it is, nobody can tell then."""
    salon.rows("ALTER TABLE customers RENAME TO elsewhere")
    with unreachable(salon):
        assert (await ringing(salon, call_id="call_7d4d0c"))["customer_known"] == "unknown"
