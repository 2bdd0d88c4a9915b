"""Who has what: the ways in which one caller could be taken for two, or two for one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.entrypoints.http.app import create_app
from einmal.simulator.asgi import request
from einmal.simulator.records import EventType, Host, Scheduling
from support.world import World, world

HOSTS = (Host(1, "Anna", "anna@host.test", "anna"), Host(2, "Ben", "ben@host.test", "ben"))
TEAM = (EventType(201, "team", "Beratung", 30, HOSTS, Scheduling.ROUND_ROBIN),)


async def wish(salon: World, call_id: str, name: str, **args: Any) -> dict[str, Any]:
    fields = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": name, "dienstleistung": "Beratung"} | args
    return await salon.raw({"name": "book_appointment", "args": fields, "call": {"call_id": call_id}})


@pytest.mark.parametrize(
    "contact",
    [
        {"telefon": "0123456789"},
        {"telefon": "+491234567890"},
        {"telefon": "0000000000"},
        {"telefon": "5555555"},
        {"email": "kunde@example.com"},
        {"email": "test@salon-eins.de"},
        {"email": "noreply@web.de"},
        {"email": "termin@salon.test"},
        {"email": "keine"},
    ],
)
async def test_what_a_model_makes_up_identifies_nobody(salon: World, contact: dict[str, str]) -> None:
    """Two strangers under one invented contact are the incident again, at admission."""
    assert (await wish(salon, "call_aaaa", "Jürgen Groß", **contact))["status"] == "booked"
    second = await wish(salon, "call_bbbb", "Anna Vogel", **contact)
    assert (second["status"], second["success"]) == ("slot_taken", False)
    assert salon.rows("SELECT phone, email FROM customers") == [(None, None)]


async def test_the_same_email_with_and_without_a_phone_is_one_person(tmp_path: Path) -> None:
    async with world(tmp_path, event_types=TEAM) as salon:
        mail = {"email": "j.gross@kunde.de"}
        assert (await wish(salon, "call_aaaa", "Jürgen Groß", telefon="030 901820", **mail))["status"] == "booked"
        assert (await wish(salon, "call_bbbb", "Jürgen Groß", **mail))["status"] == "already_booked"
        third = await wish(salon, "call_cccc", "Jürgen Groß", telefon="030 5550123", **mail)
        assert third["status"] == "already_booked"
        assert len(salon.calendar.bookings) == 1


@pytest.mark.parametrize("later", ["Jürgen Gros", "Herr Jürgen Groß", "Juergen Gross"])
async def test_a_name_heard_differently_books_no_second_time(tmp_path: Path, later: str) -> None:
    """In one call, on a team where a second host is free."""
    async with world(tmp_path, event_types=TEAM) as salon:
        first = await wish(salon, "call_aaaa", "Jürgen Groß")
        again = await wish(salon, "call_aaaa", later)
        assert again["success"]
        assert again["booking"] == first["booking"]
        assert len(salon.calendar.bookings) == 1


async def test_a_namesake_waits_for_the_others_outcome(salon: World) -> None:
    """ "Taken" is said once it is: the first call's POST is refused, and the second caller gets the slot."""
    go_on, arrived = asyncio.Event(), asyncio.Event()

    async def fails(_: WireRequest) -> WireAnswer:
        arrived.set()
        await go_on.wait()
        salon.tap.on_post = None
        return WireAnswer(422, {}, b"{}", 0.0)

    salon.tap.on_post = fails
    first = asyncio.create_task(wish(salon, "call_aaaa", "Jürgen Groß"))
    await arrived.wait()
    second = asyncio.create_task(wish(salon, "call_bbbb", "Jürgen Groß"))
    for _ in range(20):
        await asyncio.sleep(0)
    go_on.set()
    assert (await first)["status"] == "error"
    assert (await second)["status"] == "booked"


async def test_a_namesake_of_a_doubt_is_not_told_taken(salon: World) -> None:
    async def lost(_: WireRequest) -> WireAnswer:
        raise MaybeSent("timeout")

    salon.tap.on_post = lost
    assert (await wish(salon, "call_aaaa", "Jürgen Groß"))["status"] == "in_doubt"
    assert (await wish(salon, "call_bbbb", "Jürgen Groß"))["status"] == "in_doubt"
    assert len(salon.tap.posts) == 1


async def test_a_second_wish_waits_for_the_first(tmp_path: Path) -> None:
    """ "And one at eleven", while the first is still being booked: both are booked."""
    async with world(tmp_path, latency=0.05) as salon:
        said = await asyncio.gather(
            wish(salon, "call_aaaa", "Jürgen Groß", telefon="030 901820"),
            wish(salon, "call_aaaa", "Jürgen Groß", telefon="030 901820", uhrzeit="11:00", zusaetzlich=True),
        )
        assert [answer["status"] for answer in said] == ["booked", "booked"]
        assert len(salon.calendar.bookings) == 2


async def test_a_booking_at_our_own_address_without_metadata_is_not_absent(salon: World) -> None:
    """Somebody lost the metadata: never confirmed without the id, and never called absent either."""

    def stripped(answer: WireAnswer) -> WireAnswer:
        data = json.loads(answer.body)
        rows = data["data"] if isinstance(data["data"], list) else [data["data"]]
        for row in rows:
            row["metadata"] = {}
        return WireAnswer(answer.status, answer.headers, json.dumps(data).encode(), 0.0)

    async def wire(request: WireRequest) -> WireAnswer:
        return stripped(await salon.tap.inner.send(request))

    salon.tap.on_post = salon.tap.on_get = wire
    assert (await wish(salon, "call_aaaa", "Jürgen Groß"))["status"] == "in_doubt"
    assert salon.states() == ["escalated"]
    assert len(salon.calendar.bookings) == 1


@pytest.mark.parametrize("confirm", [[False], {"v": False}, ["nein"]])
async def test_a_confirmation_that_cannot_be_read_books_nothing(salon: World, confirm: Any) -> None:
    said = await salon.call(bestaetigung=confirm)
    assert (said["status"], said["missing"]) == ("needs_input", ["confirmation"])
    assert salon.tap.posts == []


async def test_what_the_model_says_is_its_call_id_may_not_be_personal(salon: World) -> None:
    """It goes into facts, logs and the booking's metadata: an address or a phone is no id."""
    fields = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
    for said_id in ("j.gross@kunde.de", "4930901820777", "+4930901820"):
        await salon.raw(fields | {"call_id": said_id})
    assert salon.rows("SELECT DISTINCT conversation_id FROM intents") == [(None,)]


async def test_one_odd_slot_does_not_decide_a_booking(salon: World) -> None:
    """Alternatives are a courtesy: what is odd in them is not offered, and nothing hangs on it."""
    await salon.call("call_aaaa", telefon="030 901820")
    inner = salon.tap.inner

    class OddSlots:
        posts = 0

        async def send(self, request: WireRequest) -> WireAnswer:
            if request.target.startswith("/v2/slots"):
                days = {"d": [{"start": "2026-02-30T10:00:00.000Z"}, {"start": "2026-12-01T11:00:00.000Z"}, 7]}
                return WireAnswer(200, {}, json.dumps({"data": days}).encode(), 0.0)
            return await inner.send(request)

    salon.tap.inner = OddSlots()  # type: ignore[assignment]
    said = await salon.call("call_bbbb", telefon="030 5550123")
    assert said["status"] == "slot_taken"
    assert [offer["start"] for offer in said["alternatives"]] == ["2026-12-01T12:00:00+01:00"]


async def test_a_long_field_costs_nothing(salon: World) -> None:
    """Quadratic reading of a megabyte would stop the whole gateway; it is cut before it is read."""
    said = await salon.call(dienstleistung="{" * 1_000_000)
    assert said["status"] == "needs_input"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "["},
        {"origin": "http://["},
        {"x-forwarded-for": "8.8.8.8"},
        {"forwarded": "for=8.8.8.8"},
        {"via": "1.1 x"},
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_odd_or_forwarded_requests_are_not_from_this_machine(salon: World, headers: dict[str, str]) -> None:
    app = create_app(salon.gateway)
    body = json.dumps({"args": {}}).encode()
    assert (await request(app, "POST", "/api/retell/collect-appointment", body, headers=headers)).status == 401
    assert (await request(app, "GET", "/api/appointments/count?customer=x", headers=headers)).status == 401


@pytest.mark.parametrize("length", ["²", "9" * 5000, "-1", "x"])
async def test_an_odd_content_length_is_no_crash(salon: World, length: str) -> None:
    answer = await request(
        create_app(salon.gateway), "POST", "/api/retell/collect-appointment", b"{}", headers={"content-length": length}
    )
    assert answer.status in {200, 413}


async def test_a_caller_who_leaves_during_admission_leaves_no_row_that_nobody_sends(salon: World) -> None:
    for turns in range(12):
        caller = asyncio.create_task(salon.call(f"call_x{turns}y", telefon=f"030 90182{turns:02d}", uhrzeit="12:00"))
        for _ in range(turns):
            await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
    # Through the writing thread: whatever was handed in before has been committed by then.
    assert await salon.gateway.ledger.ready()
    await salon.gateway.bookings.drain(5)
    assert "sent" not in salon.states()
    assert len(salon.tap.posts) == len(salon.states()) >= 6


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({"datum": "2026-12-03"}, ["date"]),
        ({"uhrzeit": "15:00"}, ["time"]),
        ({"datum": "2026-12-01", "uhrzeit": "15:00"}, ["date"]),
        ({"dienstleistung": "Dauerwelle"}, ["service"]),
    ],
)
async def test_an_offer_and_words_that_contradict_it_are_a_question(
    salon: World, said: dict[str, str], missing: list[str]
) -> None:
    """Never substitute silently: neither the offer nor the words win by themselves."""
    offer = (await salon.call(bestaetigung=False))["alternatives"][0]["slot"]
    fields = {"slot": offer, "name": "Jürgen Groß"}
    answer = await salon.raw({"args": fields | said, "call": {"call_id": "call_aaaa"}})
    assert (answer["status"], answer["missing"]) == ("needs_input", missing)
    agreeing = {"datum": "1.12.2026", "uhrzeit": "10 Uhr", "dienstleistung": "Beratung"}
    answer = await salon.raw({"args": fields | agreeing, "call": {"call_id": "call_aaaa"}})
    assert answer["status"] == "booked"
