"""Booking, through the real gateway on real SQLite: one wish, one POST, one row, and the truth."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.domain.facts import Alarm, Doubted
from einmal.simulator.records import EventType, Host, Scheduling
from support.world import World, world

HOSTS = (Host(1, "Anna", "anna@host.test", "anna"), Host(2, "Ben", "ben@host.test", "ben"))
TEAM = (EventType(201, "team", "Beratung", 30, HOSTS, Scheduling.ROUND_ROBIN),)
ON_REQUEST = (EventType(202, "request", "Beratung", 30, HOSTS[:1], Scheduling.INDIVIDUAL, requires_confirmation=True),)


def answers(status: int, body: Any) -> Any:
    """A wire that answers every request so."""

    async def wire(_: WireRequest) -> WireAnswer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return WireAnswer(status, {}, data, 0.0)

    return wire


def fails(error: Exception) -> Any:
    async def wire(_: WireRequest) -> WireAnswer:
        raise error

    return wire


def lands_and_then(salon: World, answer: Any) -> Any:
    """The booking is made; what comes back is something else."""

    async def wire(request: WireRequest) -> WireAnswer:
        await salon.tap.inner.send(request)
        result: WireAnswer = await answer(request)
        return result

    return wire


async def test_a_booking_is_one_post_one_row_and_the_truth(salon: World) -> None:
    said = await salon.call()
    assert (said["status"], said["success"], said["bestaetigung_status"]) == ("booked", True, "confirmed")
    assert said["message"] == "Ihr Termin für Beratung am Dienstag, dem 1. Dezember, um 10 Uhr ist gebucht."
    assert said["booking"]["start"] == "2026-12-01T10:00:00+01:00"
    [booking] = salon.calendar.bookings
    [(uid, call_id, status)] = salon.rows("SELECT calcom_v2_booking_id, call_id, status FROM appointments")
    assert (uid, call_id, status) == (booking.uid, "call_7d4d0c", "confirmed")
    [(operation,)] = salon.rows("SELECT operation_id FROM intents")
    assert booking.metadata == {"call_id": "call_7d4d0c", "einmal_op": operation}
    assert booking.attendee.email == f"termin+{operation}@salon.test"
    assert [type(fact).__name__ for fact in salon.observer.facts] == ["Answered", "Booked"]


async def test_the_intent_stands_as_sent_before_the_wire_is_touched(salon: World) -> None:
    seen: list[Any] = []

    async def wire(request: WireRequest) -> WireAnswer:
        seen.extend(salon.rows("SELECT state, operation_id FROM intents"))
        return await salon.tap.inner.send(request)

    salon.tap.on_post = wire
    await salon.call()
    [(state, operation)] = seen
    assert state == "sent"
    assert operation in salon.tap.posts[0].body.decode()


async def test_a_repeat_hears_the_same_and_asks_nobody(salon: World) -> None:
    first = await salon.call()
    before = len(salon.tap.requests)
    salon.clock.pass_time(timedelta(days=3))
    assert await salon.call() == first
    assert await salon.call(name="book_appointment", uhrzeit="10 Uhr", dienstleistung="beratung") == first
    assert len(salon.tap.requests) == before


async def test_twenty_identical_calls_at_once(tmp_path: Path) -> None:
    """One POST, one row, twenty equal answers; on a team with two hosts, where a second would be booked."""
    async with world(tmp_path, latency=0.02, event_types=TEAM) as salon:
        said = await asyncio.gather(*(salon.call() for _ in range(20)))
        assert len(salon.tap.posts) == 1
        assert len(salon.calendar.bookings) == len(salon.rows("SELECT 1 FROM appointments")) == 1
        assert all(answer == said[0] for answer in said)
        assert said[0]["status"] == "booked"


async def test_control_twenty_calls_that_admission_cannot_tell_apart(tmp_path: Path) -> None:
    """The control: the same storm from twenty phones is twenty POSTs, and both hosts are booked."""
    async with world(tmp_path, latency=0.02, event_types=TEAM) as salon:
        calls = (salon.call(f"call_x{n}y", telefon=f"030 90182{n:02d}") for n in range(20))
        said = await asyncio.gather(*calls)
        assert len(salon.tap.posts) == 20
        assert len(salon.calendar.bookings) == 2
        assert sorted(answer["status"] for answer in said) == ["booked"] * 2 + ["slot_taken"] * 18


async def test_the_same_phone_from_another_call_already_has_it(salon: World) -> None:
    booked = await salon.call("call_aa11", telefon="030 901820")
    again = await salon.call("call_bb22", from_number="+4930901820")
    assert (again["status"], again["success"]) == ("already_booked", True)
    assert again["booking"] == booked["booking"]
    assert len(salon.tap.posts) == 1


async def test_the_same_name_from_three_calls(salon: World) -> None:
    """One booked, the others "taken": without a phone nobody can say that it is the same person."""
    said = [await salon.call(f"call_test_{n}") for n in (1, 2, 3)]
    assert [answer["status"] for answer in said] == ["booked", "slot_taken", "slot_taken"]
    assert [answer["success"] for answer in said] == [True, False, False]
    assert len(salon.calendar.bookings) == 1


async def test_the_same_name_in_arguments_only_with_ids_of_the_model(salon: World) -> None:
    wish = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
    said = [await salon.raw(wish | {"call_id": f"call_test_{letter}"}) for letter in "abc"]
    assert [answer["status"] for answer in said] == ["booked", "slot_taken", "slot_taken"]
    placeholders = [await salon.raw(wish | {"uhrzeit": "11:00", "call_id": text}) for text in ("call_001", "None", "1")]
    assert [answer["status"] for answer in placeholders] == ["booked"] * 3
    assert len(salon.calendar.bookings) == 2


async def test_two_people_one_host_one_winner(salon: World) -> None:
    said = await asyncio.gather(
        salon.call("call_aa11", telefon="030 901820"), salon.call("call_bb22", telefon="030 5550123")
    )
    assert sorted(answer["status"] for answer in said) == ["booked", "slot_taken"]
    taken = next(answer for answer in said if answer["status"] == "slot_taken")
    assert taken["message"] == "Dieser Termin wurde bereits gebucht. Ich hätte 9 Uhr 30 oder 10 Uhr 30."
    assert len(salon.calendar.bookings) == 1


async def test_an_offered_slot_books_exactly_that(salon: World) -> None:
    await salon.call("call_aa11")
    taken = await salon.call("call_bb22", telefon="030 5550123")
    slot = taken["alternatives"][1]
    said = await salon.call("call_bb22", telefon="030 5550123", slot=slot["slot"], datum=None, uhrzeit=None)
    assert said["status"] == "booked"
    assert said["booking"]["start"] == slot["start"]


async def test_a_check_books_nothing(salon: World) -> None:
    free = await salon.call(bestaetigung=False)
    assert (free["status"], free["bestaetigung_status"]) == ("available", "awaiting_confirmation")
    assert (await salon.call(name="check_availability", bestaetigung=True))["status"] == "available"
    assert salon.states() == []
    await salon.call()
    busy = await salon.call(bestaetigung="nein")
    assert (busy["status"], busy["success"]) == ("unavailable", False)
    assert len(busy["alternatives"]) == 2


async def test_a_booking_that_the_host_must_confirm_is_requested(tmp_path: Path) -> None:
    async with world(tmp_path, event_types=ON_REQUEST) as salon:
        said = await salon.call()
        assert (said["status"], said["bestaetigung_status"]) == ("requested", "pending")
        assert "gebucht" not in said["message"]
        assert await salon.call() == said
        assert salon.states() == ["pending"]


async def test_a_conflict_that_was_us_is_booked(salon: World) -> None:
    """The answer says "already has booking", and the booking that is there is ours."""
    occupied = {"error": {"message": "User either already has booking at this time or is not available"}}
    salon.tap.on_post = lands_and_then(salon, answers(400, occupied))
    assert (await salon.call())["status"] == "booked"
    assert len(salon.tap.posts) == len(salon.calendar.bookings) == 1
    assert salon.states() == ["confirmed"]


LOST = {
    "timeout": fails(MaybeSent("timeout")),
    "500": answers(500, {"statusCode": 500, "message": "Internal server error"}),
    "502": answers(502, b"<html>Bad gateway</html>"),
    "302": answers(302, b""),
    "truncated": answers(201, b'{"status":"success","data":{"uid'),
    "empty": answers(201, {"status": "success", "data": {}}),
    "list": answers(201, {"status": "success", "data": [{"uid": "x"}]}),
    "unknown 400": answers(400, {"error": {"message": "something never seen"}}),
    "418": answers(418, {}),
    "proxy 429": answers(429, b"slow down"),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
async def test_a_lost_answer_to_a_booking_that_landed_is_found_while_the_caller_waits(
    salon: World, answer: Any
) -> None:
    salon.tap.on_post = lands_and_then(salon, answer)
    said = await salon.call()
    assert said["status"] == "booked"
    assert await salon.call() == said
    assert len(salon.tap.posts) == len(salon.calendar.bookings) == 1
    assert salon.states() == ["confirmed"]


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
async def test_a_lost_answer_to_what_never_arrived_is_a_doubt(salon: World, answer: Any) -> None:
    """Never "booked", never "failed", never another POST; another slot is not begun for this caller either."""
    salon.tap.on_post = answer
    said = await salon.call()
    assert (said["status"], said["success"], said["do_not_rebook"]) == ("in_doubt", False, True)
    assert said["message"] == "Ich habe Ihre Anfrage aufgenommen und prüfe sie noch."
    salon.tap.on_post = None
    assert await salon.call() == said
    elsewhere = await salon.call(uhrzeit="11:00")
    assert (elsewhere["status"], elsewhere["do_not_rebook"]) == ("in_doubt", True)
    assert len(salon.tap.posts) == 1
    assert salon.states() == ["doubt"]
    assert salon.rows("SELECT 1 FROM appointments") == []
    assert [fact for fact in salon.observer.facts if isinstance(fact, Doubted)]


async def test_a_look_up_that_is_blind_leaves_the_doubt(salon: World) -> None:
    salon.tap.on_post = answers(409, {"statusCode": 409, "message": "booking_conflict_error"})
    salon.tap.on_get = fails(NeverSent("connect"))
    assert (await salon.call())["status"] == "in_doubt"
    assert salon.states() == ["doubt"]


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (fails(NeverSent("connect")), "error", "nichts gebucht"),
        (
            answers(429, {"error": {"code": "ThrottlerException", "message": "Too many requests"}}),
            "error",
            "überlastet",
        ),
        (answers(404, {"error": {"message": "Event type with id 101 not found."}}), "error", "nichts gebucht"),
        (answers(400, {"error": {"message": "Attempting to book a meeting in the past."}}), "rejected", "andere Zeit"),
    ],
    ids=["not sent", "throttled", "not found", "past"],
)
async def test_a_certain_no_is_said_and_replayed_for_a_minute(
    salon: World, answer: Any, status: str, words: str
) -> None:
    salon.tap.on_post = answer
    said = await salon.call()
    assert (said["status"], said["success"]) == (status, False)
    assert words in said["message"]
    salon.tap.on_post = None
    salon.clock.pass_time(timedelta(seconds=60))
    assert await salon.call() == said, "the same no, with the same error id"
    salon.clock.pass_time(timedelta(seconds=1))
    assert (await salon.call())["status"] == "booked"
    assert salon.states() == ["rejected", "confirmed"]
    assert salon.rows("SELECT generation FROM intents ORDER BY 1") == [(1,), (2,)]


async def test_a_refused_key_pages_the_operator(salon: World) -> None:
    salon.tap.on_post = answers(401, {"error": {"message": "Invalid API Key"}})
    assert (await salon.call())["status"] == "error"
    assert [fact.what for fact in salon.observer.facts if isinstance(fact, Alarm)] == ["calendar_refuses_our_key"]


async def test_when_the_budget_ends_the_caller_hears_checking_and_later_the_truth(tmp_path: Path) -> None:
    """The POST is not cut short by the reply; the next call hears how it ended."""
    async with world(tmp_path, EINMAL_REPLY_SECONDS="0.02") as salon:
        go_on = asyncio.Event()

        async def slow(request: WireRequest) -> WireAnswer:
            await go_on.wait()
            return await salon.tap.inner.send(request)

        salon.tap.on_post = slow
        assert (await salon.call())["status"] == "in_doubt"
        assert (await salon.call())["status"] == "in_doubt"
        go_on.set()
        await salon.gateway.bookings.drain(5)
        assert (await salon.call())["status"] == "booked"
        assert len(salon.tap.posts) == 1


async def test_a_caller_who_hangs_up_does_not_undo_the_post(salon: World) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: WireRequest) -> WireAnswer:
        arrived.set()
        await go_on.wait()
        return await salon.tap.inner.send(request)

    salon.tap.on_post = slow
    caller = asyncio.create_task(salon.call())
    await arrived.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await salon.gateway.bookings.drain(5)
    assert salon.states() == ["confirmed"]
    assert (await salon.call())["status"] == "booked"


async def test_without_a_ledger_nothing_is_sent(salon: World) -> None:
    """The database is gone before the POST: refused with a sentence."""
    ledger: Any = salon.gateway.ledger
    ledger.close()
    said = await salon.call()
    assert (said["status"], said["success"]) == ("error", False)
    assert "nichts Neues gebucht" in said["message"]
    assert said["error_id"]
    assert salon.tap.posts == []


async def test_a_ledger_lost_after_the_post_is_not_called_booked(salon: World) -> None:
    """The booking may stand in the calendar and not in the ledger: neither yes nor no is said."""

    async def wire(request: WireRequest) -> WireAnswer:
        answer = await salon.tap.inner.send(request)
        ledger: Any = salon.gateway.ledger
        ledger.close()
        return answer

    salon.tap.on_post = wire
    assert (await salon.call())["status"] == "in_doubt"
    assert salon.states() == ["sent"], "recovery finds it here"
    assert "ledger_lost_after_post" in [fact.what for fact in salon.observer.facts if isinstance(fact, Alarm)]


async def test_a_row_left_as_sent_by_a_dead_process_is_a_doubt(tmp_path: Path) -> None:
    async with world(tmp_path) as salon:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def never(_: WireRequest) -> WireAnswer:
            arrived.set()
            await go_on.wait()
            raise MaybeSent("reset")

        salon.tap.on_post = never
        task = asyncio.create_task(salon.call())
        await arrived.wait()
        async with world(tmp_path) as after:
            after.clock.pass_time(timedelta(minutes=1))
            assert (await after.call())["status"] == "in_doubt"
            assert after.tap.posts == []
        go_on.set()
        await task
