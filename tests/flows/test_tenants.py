"""Two tenants on one gateway: nothing of the one is ever told, joined, counted or booked for the other (I14).

They share what could be confused: the slot, the caller's phone and name, the platform's call id, the Retell key.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.adapters.calcom.webhooks import sign as signature_of
from einmal.beside import build_inspector
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.http.retell import function_call
from einmal.settings import read_settings
from einmal.simulator.asgi import request
from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.records import Host
from einmal.wiring import CannotAdopt
from support.world import World, settings, world

SALON = {"agent_id": "agent_salon", "to_number": "+493011111111"}
PRAXIS = {"agent_id": "agent_praxis", "to_number": "+493022222222"}
CALLER = "+491701234567"

FILE = """
[[tenants]]
id = "salon"
name = "Salon Mitte"
agents = ["agent_salon"]
numbers = ["+493011111111"]
house_email = "termin@salon.test"
calcom_api_key = { env = "SALON_CALCOM" }

[[tenants.services]]
id = "beratung"
name = "Beratung"
event_type_id = 101
duration_minutes = 30

[[tenants]]
id = "praxis"
name = "Praxis Nord"
agents = ["agent_praxis"]
numbers = ["+493022222222"]
house_email = "termin@praxis.test"
language = "en"
calcom_api_key = { env = "PRAXIS_CALCOM" }

[[tenants.services]]
id = "beratung"
name = "Beratung"
event_type_id = 201
duration_minutes = 30
"""


def event_types() -> Any:
    """The salon's, and the same again at the doctor's, with a host of their own."""
    salon = demo_event_types()
    doctor = Host(200, "Praxis Nord", "praxis@host.example.test", "praxis-nord", "Europe/Berlin")
    return (*salon, *(replace(one, id=one.id + 100, slug=f"{one.slug}-2", hosts=(doctor,)) for one in salon))


@asynccontextmanager
async def house(folder: Path, text: str = FILE) -> AsyncIterator[World]:
    path = folder / "einmal.toml"
    path.write_text(text, "utf-8")
    keys = {"SALON_CALCOM": "cal_a", "PRAXIS_CALCOM": "cal_b"}
    async with world(folder, event_types=event_types(), EINMAL_CONFIG=str(path), **keys) as made:
        yield made


def call(whose: dict[str, str], call_id: str = "call_shared1", **more: str) -> dict[str, str]:
    return {"call_id": call_id, "from_number": CALLER, **whose, **more}


WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}


async def test_each_books_its_own_with_everything_else_the_same(tmp_path: Path) -> None:
    """One caller, one call id, one moment, one service name: two wishes, two bookings, each in its own calendar."""
    async with house(tmp_path) as both:
        answers = await asyncio.gather(
            *(both.ask("book_appointment", call(whose), **WISH) for whose in (SALON, PRAXIS, SALON, PRAXIS))
        )
        assert [answer["status"] for answer in answers] == ["booked"] * 4
        refs = [answer["booking"]["ref"] for answer in answers]
        assert refs[0] == refs[2] != refs[1] == refs[3]
        assert sorted(booking.event_type.id for booking in both.calendar.bookings) == [101, 201]
        rows = both.rows("SELECT tenant_id, event_type_id FROM intents ORDER BY event_type_id")
        assert rows == [("salon", 101), ("praxis", 201)]


async def test_each_hears_its_own_language(tmp_path: Path) -> None:
    """The salon answers in German, the practice in English."""
    async with house(tmp_path) as both:
        german = await both.ask("list_services", call(SALON))
        english = await both.ask("list_services", call(PRAXIS))
        assert german["message"].startswith("Wir bieten")
        assert english["message"].startswith("We offer")


async def test_a_customer_of_the_one_is_a_stranger_to_the_other(tmp_path: Path) -> None:
    """The line is known where it booked, and nowhere else."""
    async with house(tmp_path) as both:
        await both.ask("book_appointment", call(SALON), **WISH)
        known = await both.ask("check_customer", call(SALON, "call_later22"))
        stranger = await both.ask("check_customer", call(PRAXIS, "call_later22"))
        assert (known["found"], stranger["found"]) == (True, False)
        assert "Groß" not in json.dumps([known, stranger], ensure_ascii=False)


async def test_an_offer_of_the_one_is_no_offer_of_the_other(tmp_path: Path) -> None:
    """A slot's opaque name is the tenant's: handed to another it is a question, and books nothing."""
    async with house(tmp_path) as both:
        offered = await both.ask("check_availability", call(SALON), **WISH)
        slot = offered["alternatives"][0]["slot"]
        answer = await both.ask(
            "book_appointment", call(PRAXIS), slot=slot, name="Jürgen Groß", dienstleistung="Beratung"
        )
        assert answer["status"] == "needs_input"
        assert both.calendar.bookings == ()


@pytest.mark.parametrize(
    "whose",
    [
        pytest.param({}, id="nobody-named"),
        pytest.param({"agent_id": "agent_unknown"}, id="unknown-agent"),
        pytest.param({"to_number": "+493099999999"}, id="unknown-number"),
        pytest.param({"agent_id": "agent_salon", "to_number": "+493022222222"}, id="two-named"),
    ],
)
async def test_a_call_of_no_tenant_is_refused(tmp_path: Path, whose: dict[str, str]) -> None:
    """With two tenants nothing is anybody's by default, and what names both is nobody's."""
    async with house(tmp_path) as both:
        answer = await both.ask("book_appointment", call(whose), **WISH)
        assert (answer["success"], answer["status"]) == (False, "rejected")
        assert both.calendar.bookings == ()
        assert both.rows("SELECT count(*) FROM intents") == [(0,)]


@pytest.mark.parametrize("number", ["+493022222222", "493022222222", "030 22222222"])
async def test_the_called_number_alone_tells(tmp_path: Path, number: str) -> None:
    """As platforms write it: with a plus, without, or as it is dialled."""
    async with house(tmp_path) as both:
        answer = await both.ask("list_services", call({"to_number": number}))
        assert answer["message"].startswith("We offer")


async def test_on_an_outbound_call_the_house_is_the_one_that_calls(tmp_path: Path) -> None:
    """Then the house's number is `from_number`."""
    async with house(tmp_path) as both:
        ends = {"direction": "outbound", "from_number": PRAXIS["to_number"], "to_number": CALLER}
        answer = await both.ask("list_services", {"call_id": "call_out12345", **ends})
        assert answer["message"].startswith("We offer")


async def test_a_key_of_the_one_opens_nothing_of_the_other(tmp_path: Path) -> None:
    """A request signed by the salon that names the practice's agent is refused; with the practice's key it is taken."""
    keys = {"SALON_RETELL": "key_a", "PRAXIS_RETELL": "key_b"}
    text = FILE.replace(
        '{ env = "SALON_CALCOM" }', '{ env = "SALON_CALCOM" }\nretell_api_keys = [{ env = "SALON_RETELL" }]'
    )
    text = text.replace(
        '{ env = "PRAXIS_CALCOM" }', '{ env = "PRAXIS_CALCOM" }\nretell_api_keys = [{ env = "PRAXIS_RETELL" }]'
    )
    path = tmp_path / "einmal.toml"
    path.write_text(text, "utf-8")
    environment = {"SALON_CALCOM": "cal_a", "PRAXIS_CALCOM": "cal_b", "EINMAL_CONFIG": str(path), **keys}
    async with world(tmp_path, event_types=event_types(), **environment) as both:
        endpoint = function_call(both.gateway)
        body = json.dumps({"name": "list_services", "call": call(PRAXIS), "args": {}}).encode()
        assert set(both.gateway.tenancies.keys) == {"key_a", "key_b"}
        foreign = json.loads(await endpoint.answer(body, None, "key_a"))
        own = json.loads(await endpoint.answer(body, None, "key_b"))
        assert (foreign["status"], own["status"]) == ("rejected", "information")
        nameless = json.dumps({"name": "list_services", "args": {}}).encode()
        by_key = json.loads(await endpoint.answer(nameless, None, "key_b"))
        assert by_key["message"].startswith("We offer")


async def test_each_doubt_is_looked_up_in_its_own_calendar(tmp_path: Path) -> None:
    """Recovery of one process does the rows of both, each with its tenant's key."""
    async with house(tmp_path) as both:
        both.tap.on_post = _lost_answers(both)
        both.tap.on_get = _never_answered
        for whose in (SALON, PRAXIS):
            assert (await both.ask("book_appointment", call(whose), **WISH))["status"] == "in_doubt"
        both.tap.on_get = None
        both.tap.requests.clear()
        both.clock.pass_time(timedelta(minutes=5))
        while await both.gateway.worker.recovery.turn(5):
            both.clock.pass_time(timedelta(minutes=5))
        assert both.states() == ["confirmed", "confirmed"]
        assert {request.headers["Authorization"] for request in both.tap.requests} == {"Bearer cal_a", "Bearer cal_b"}
        assert len(both.calendar.bookings) == 2


async def test_a_row_of_a_tenant_that_is_served_no_longer_waits(tmp_path: Path) -> None:
    """Its configuration may come back, or another process have it: nothing is decided, and it is said."""
    async with house(tmp_path) as both:
        both.tap.on_post = _never_answered
        both.tap.on_get = _never_answered
        await both.ask("book_appointment", call(PRAXIS), **WISH)
        assert both.states() == ["doubt"]
        without = FILE.replace('id = "praxis"', 'id = "another"').replace("agent_praxis", "agent_another")
        await both.gateway.adopt(read_settings(_environment(tmp_path, without)))
        both.clock.pass_time(timedelta(minutes=10))
        await both.gateway.worker.recovery.turn(5)
        assert both.states() == ["doubt"]
        assert any(getattr(fact, "what", None) == "tenant_unknown" for fact in both.observer.facts)


async def _never_answered(_request: WireRequest) -> WireAnswer:
    raise MaybeSent("timeout")


def _lost_answers(both: World) -> Callable[[WireRequest], Awaitable[WireAnswer]]:
    """The calendar books, and nobody hears of it."""

    async def lost(request: WireRequest) -> WireAnswer:
        await both.tap.inner.send(request)
        raise MaybeSent("reset")

    return lost


def _environment(folder: Path, text: str) -> dict[str, str]:
    path = folder / "changed.toml"
    path.write_text(text, "utf-8")
    known = settings(folder / "ledger.sqlite3")
    return {
        "EINMAL_DATABASE_URL": f"sqlite:///{known.database_url}",
        "EINMAL_CONFIG": str(path),
        "SALON_CALCOM": "cal_a",
        "PRAXIS_CALCOM": "cal_b",
    }


async def test_new_hours_are_in_force_without_a_restart(tmp_path: Path) -> None:
    """What changed is rebuilt, what did not goes on as it is; a call under way ends as it began."""
    async with house(tmp_path) as both:
        before = {one.tenant.tenant_id: one for one in both.gateway.tenancies.all}
        changed = FILE.replace(
            'name = "Praxis Nord"', 'name = "Praxis Nord"\nopening_hours = { monday = ["09:00-12:00"] }'
        )
        await both.gateway.adopt(read_settings(_environment(tmp_path, changed)))
        after = {one.tenant.tenant_id: one for one in both.gateway.tenancies.all}
        assert after["salon"] is before["salon"]
        assert after["praxis"] is not before["praxis"]
        answer = await both.ask("get_opening_hours", call(PRAXIS))
        assert answer["message"] == "We are open Monday from 9:00 am to 12:00 pm. We are closed Tuesday to Sunday."


async def test_of_several_tenants_all_but_one_do_not_vanish_while_it_runs(tmp_path: Path) -> None:
    """An emptied or half-written file would make one house of them, and give it every call."""
    async with house(tmp_path) as both:
        one = FILE.split('[[tenants]]\nid = "praxis"', maxsplit=1)[0]
        with pytest.raises(CannotAdopt, match="all tenants but one"):
            await both.gateway.adopt(read_settings(_environment(tmp_path, one)))
        assert len(both.gateway.tenancies) == 2


async def test_one_houses_key_is_never_anothers(tmp_path: Path) -> None:
    """One house with a key becomes two without: that is no change that a running gateway takes."""
    path = tmp_path / "einmal.toml"
    alone = FILE.split('[[tenants]]\nid = "praxis"', maxsplit=1)[0]
    path.write_text(alone, "utf-8")
    keyless = FILE.replace('calcom_api_key = { env = "SALON_CALCOM" }\n', "").replace(
        'calcom_api_key = { env = "PRAXIS_CALCOM" }\n', ""
    )
    environment = {"SALON_CALCOM": "cal_a", "EINMAL_CONFIG": str(path)}
    async with world(tmp_path, event_types=event_types(), **environment) as salon:
        with pytest.raises(CannotAdopt, match=r"no Cal\.com key"):
            await salon.gateway.adopt(read_settings(_environment(tmp_path, keyless)))
        await salon.ask("book_appointment", call(SALON), **WISH)
        assert {request.headers["Authorization"] for request in salon.tap.requests} == {"Bearer cal_a"}


async def test_a_trial_does_not_go_live_by_its_file(tmp_path: Path) -> None:
    """Its ledger is thrown away when it stops; real bookings would be forgotten with it."""
    keyless = FILE.replace('calcom_api_key = { env = "SALON_CALCOM" }\n', "").replace(
        'calcom_api_key = { env = "PRAXIS_CALCOM" }\n', ""
    )
    async with house(tmp_path) as both:
        both.gateway.settings = replace(both.gateway.settings, simulated=True)
        with pytest.raises(CannotAdopt, match="restart it to go live"):
            await both.gateway.adopt(read_settings(_environment(tmp_path, FILE)))
        await both.gateway.adopt(read_settings(_environment(tmp_path, keyless)))
        keys = {one.configuration.calcom_api_key for one in both.gateway.tenancies.all}
        assert keys == {both.gateway.settings.calcom_api_key}


async def test_a_tenant_that_cannot_be_had_keeps_nobody_waiting(tmp_path: Path) -> None:
    """The practice's event types are not to be had: it stays as it was, and the salon's new name counts."""
    async with house(tmp_path) as both:
        both.tap.on_types = _never_answered
        both.rows("DELETE FROM services")
        services = FILE[FILE.rindex("[[tenants.services]]") :]
        changed = FILE.replace(services, "").replace("Salon Mitte", "Salon Neu")
        waiting = await both.gateway.adopt(read_settings(_environment(tmp_path, changed)))
        assert waiting == ("praxis",)
        assert {one.tenant.name for one in both.gateway.tenancies.all} == {"Salon Neu", "Praxis Nord"}
        both.tap.on_types = None
        assert await both.gateway.adopt(read_settings(_environment(tmp_path, changed))) == ()


async def test_a_service_under_another_id_is_the_same_wish(tmp_path: Path) -> None:
    """An operator renames a service between two equal calls: one booking, and the second call hears of it."""
    async with house(tmp_path) as both:
        first = await both.ask("book_appointment", call(SALON), **WISH)
        renamed = FILE.replace(
            'id = "beratung"\nname = "Beratung"\nevent_type_id = 101',
            'id = "b2"\nname = "Beratung"\nevent_type_id = 101',
        )
        assert renamed != FILE
        await both.gateway.adopt(read_settings(_environment(tmp_path, renamed)))
        again = await both.ask("book_appointment", call(SALON), **WISH)
        elsewhere = await both.ask("book_appointment", call(SALON, "call_later22"), **WISH)
        assert again["booking"]["ref"] == first["booking"]["ref"]
        assert (again["status"], elsewhere["status"]) == ("booked", "already_booked")
        assert len(both.calendar.bookings) == len(both.tap.posts) == 1


async def test_the_houses_own_lines_tell_nobody(tmp_path: Path) -> None:
    """A call that the house's second line forwards shows that line: two callers by it are two people."""
    text = FILE.replace('numbers = ["+493011111111"]', 'numbers = ["+493011111111", "+493011111112"]')
    async with house(tmp_path, text) as both:
        forwarded = {**SALON, "from_number": "+493011111112"}
        await both.ask("book_appointment", call(forwarded), **WISH)
        second = await both.ask("book_appointment", call(forwarded, "call_second2"), **(WISH | {"name": "Anna Berg"}))
        assert second["status"] == "slot_taken"
        assert (await both.ask("check_customer", call(forwarded, "call_third33")))["found"] is not True


async def test_recovery_takes_one_row_of_each_tenant_a_turn(tmp_path: Path) -> None:
    """Of many doubts of one house one is looked at a second: more would take the budget from its callers."""
    async with house(tmp_path) as both:
        both.tap.on_post = _lost_answers(both)
        both.tap.on_get = _never_answered
        for number, whose in enumerate((SALON, SALON, SALON, PRAXIS)):
            wish = WISH | {"uhrzeit": f"{10 + number}:00"}
            await both.ask("book_appointment", call(whose, f"call_doubt{number}"), **wish)
        both.tap.on_get = None
        both.clock.pass_time(timedelta(minutes=10))
        both.tap.requests.clear()
        await both.gateway.worker.recovery.turn(8)
        looks = [request.headers["Authorization"] for request in both.tap.requests]
        assert sorted(looks) == ["Bearer cal_a", "Bearer cal_b"]


async def test_on_one_account_the_others_bookings_are_no_ghosts(tmp_path: Path) -> None:
    """Two houses of one Cal.com key: each sees the other's bookings listed, and knows that they have rows."""
    text = FILE.replace('{ env = "PRAXIS_CALCOM" }', '{ env = "SALON_CALCOM" }')
    async with house(tmp_path, text) as both:
        for whose in (SALON, PRAXIS):
            assert (await both.ask("book_appointment", call(whose), **WISH))["status"] == "booked"
        for tenant_id in ("salon", "praxis"):
            made = (both.gateway.settings, both.tap, both.clock, both.observer)
            inspector = build_inspector(*made, tenant_id=tenant_id)
            seen = await inspector.inspection.run(both.clock.now() - timedelta(days=30))
            await inspector.close()
            assert (seen.bookings, seen.violations) == (2, ())


async def test_one_tenant_that_cannot_be_had_at_the_start_does_not_keep_the_others_closed(tmp_path: Path) -> None:
    """The practice names no services and its key is refused: the salon is served, the practice is not."""
    services = FILE[FILE.rindex("[[tenants.services]]") :]
    path = tmp_path / "einmal.toml"
    path.write_text(FILE.replace(services, ""), "utf-8")
    environment = {"SALON_CALCOM": "cal_a", "PRAXIS_CALCOM": "cal_b", "EINMAL_CONFIG": str(path)}
    async with world(tmp_path, event_types=event_types(), refused_keys=("cal_b",), **environment) as both:
        assert [one.tenant.tenant_id for one in both.gateway.tenancies.all] == ["salon"]
        assert (await both.ask("book_appointment", call(SALON), **WISH))["status"] == "booked"
        assert (await both.ask("book_appointment", call(PRAXIS), **WISH))["status"] == "rejected"


@pytest.mark.parametrize("key", [None, "shared"], ids=["unsigned", "signed-with-a-key-of-both"])
async def test_calls_of_a_house_that_cannot_be_served_are_nobody_elses(tmp_path: Path, key: str | None) -> None:
    """The salon is known by its number, the practice by its agent, and is out of order: a web call to it has no number,
    and only the salon is left. It is not the salon's."""
    services = FILE[FILE.rindex("[[tenants.services]]") :]
    text = FILE.replace(services, "").replace('agents = ["agent_salon"]\n', "")
    path = tmp_path / "einmal.toml"
    path.write_text(text, "utf-8")
    environment = {"SALON_CALCOM": "cal_a", "PRAXIS_CALCOM": "cal_b", "EINMAL_CONFIG": str(path)}
    environment |= {} if key is None else {"EINMAL_RETELL_API_KEY": key}
    async with world(tmp_path, event_types=event_types(), refused_keys=("cal_b",), **environment) as both:
        web = {"call_id": "call_web1234", "agent_id": "agent_praxis"}
        body: dict[str, Any] = {"name": "book_appointment", "call": web, "args": WISH}
        answer = await function_call(both.gateway).answer(json.dumps(body).encode(), None, key)
        unknown = body | {"call": {"call_id": "call_web1234", "agent_id": "agent_of_nobody"}}
        stranger = await function_call(both.gateway).answer(json.dumps(unknown).encode(), None, key)
        assert [json.loads(one)["status"] for one in (answer, stranger)] == ["rejected", "rejected"]
        assert both.calendar.bookings == ()


async def test_what_is_offered_no_longer_does_not_come_back_with_the_last_start(tmp_path: Path) -> None:
    """The services of the last start stand in where Cal.com does not answer: those of the last, not of all before."""
    async with house(tmp_path) as both:
        other = FILE.replace('id = "beratung"\nname = "Beratung"', 'id = "schnitt"\nname = "Haarschnitt"', 1)
        await both.gateway.adopt(read_settings(_environment(tmp_path, other)))
        known = await both.gateway.ledger.known_services("salon")  # type: ignore[attr-defined]
        assert [service.service_id for service in known] == ["schnitt"]


async def test_a_refused_key_is_not_helped_out_with_the_services_of_the_last_start(tmp_path: Path) -> None:
    """They are another account's, for all that anybody knows."""
    async with house(tmp_path) as both:
        services = FILE[FILE.rindex("[[tenants.services]]") :]
        both.tap.on_types = _refused
        changed = FILE.replace(services, "")
        assert await both.gateway.adopt(read_settings(_environment(tmp_path, changed))) == ("praxis",)


async def _refused(_request: WireRequest) -> WireAnswer:
    return WireAnswer(401, {}, b"{}", 0.0)


@pytest.mark.parametrize(
    ("whose", "told"),
    [
        pytest.param({"direction": "inbound", "to_number": "+493099999999"}, "+493099999999", id="inbound"),
        pytest.param({"to_number": "+491709999999"}, None, id="which-end-is-not-told"),
    ],
)
async def test_a_call_of_nobody_is_logged_without_the_caller(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, whose: dict[str, str], told: str | None
) -> None:
    """The house's line helps to find the mistake; a number that may be the caller's is in no log."""
    async with house(tmp_path) as both:
        await both.ask("list_services", call(whose))
        fields = caplog.records[-1].__dict__["fields"]
        assert fields == {"agent_id": None, "number": told, "tenants": 2}
        assert CALLER not in caplog.text + str(fields)


@pytest.mark.parametrize(
    ("name", "told"),
    [("make_coffee", "make_coffee"), ("Anna Berg", "(no function's name)"), ("annaberg", "(no function's name)")],
)
async def test_a_name_in_the_functions_place_is_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, told: str
) -> None:
    """Models put a caller's name there."""
    async with house(tmp_path) as both:
        await both.ask(name, call(SALON))
        assert caplog.records[-1].__dict__["fields"] == {"function": told}


async def test_the_only_house_answers_to_its_own_agents_alone(tmp_path: Path) -> None:
    """Where it lists them; a call that names none is its own."""
    alone = FILE.split('[[tenants]]\nid = "praxis"', maxsplit=1)[0]
    async with house(tmp_path, alone) as salon:
        said = [
            await salon.ask("list_services", call(whose))
            for whose in (SALON, {"agent_id": "agent_unknown"}, {"to_number": "+493099999999"}, {})
        ]
        assert [answer["status"] for answer in said] == ["information", "rejected", "rejected", "information"]


# What Cal.com tells -------------------------------------------------------------------------------------------------

SIGNED_FILE = FILE.replace(
    'calcom_api_key = { env = "SALON_CALCOM" }',
    'calcom_api_key = { env = "SALON_CALCOM" }\ncalcom_webhook_secret = { env = "SALON_HOOK" }',
).replace(
    'calcom_api_key = { env = "PRAXIS_CALCOM" }',
    'calcom_api_key = { env = "PRAXIS_CALCOM" }\ncalcom_webhook_secret = { env = "PRAXIS_HOOK" }',
)


async def cancelled_and_told(made: World, secret: str) -> dict[str, Any]:
    """The salon's only booking is cancelled by hand; the webhook of it, signed so, and what is answered."""
    (booking,) = made.calendar.bookings
    made.calendar.cancel(booking.uid, "")
    told = {"triggerEvent": "BOOKING_CANCELLED", "payload": {"uid": booking.uid}}
    body = json.dumps(told).encode()
    headers = {"X-Cal-Signature-256": signature_of(body, secret)}
    answer = await request(create_app(made.gateway), "POST", "/api/webhooks/calcom", body, headers=headers)
    assert answer.status == 200
    made.clock.pass_time(timedelta(seconds=2))
    await made.gateway.worker.turn()
    answered: dict[str, Any] = answer.json
    return answered


@pytest.mark.parametrize(
    ("signed_by", "hooks", "answered", "state"),
    [
        ("hook-a", ("hook-a", "hook-b"), "ok", "cancelled"),
        ("hook-b", ("hook-a", "hook-b"), "unknown_booking", "confirmed"),
        ("hook-a", ("hook-a", "hook-a"), "ok", "cancelled"),
    ],
    ids=["its own", "the other's", "one that they share"],
)
async def test_a_webhook_is_for_whoever_has_its_secret(
    tmp_path: Path, signed_by: str, hooks: tuple[str, str], answered: str, state: str
) -> None:
    """What one house's calendar tells changes nothing of the other's."""
    path = tmp_path / "einmal.toml"
    path.write_text(SIGNED_FILE, "utf-8")
    keys = {"SALON_CALCOM": "cal_a", "PRAXIS_CALCOM": "cal_b", "SALON_HOOK": hooks[0], "PRAXIS_HOOK": hooks[1]}
    async with world(tmp_path, event_types=event_types(), EINMAL_CONFIG=str(path), **keys) as made:
        wish = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
        assert (await made.ask("book_appointment", call(SALON), **wish))["status"] == "booked"
        assert await cancelled_and_told(made, signed_by) == {"status": answered}
        assert made.states() == [state]
