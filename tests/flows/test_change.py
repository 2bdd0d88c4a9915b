"""Cancel and move, through the dispatcher, on real SQLite and the simulated Cal.com."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import NeverSent, WireAnswer, WireRequest
from einmal.domain.facts import Alarm
from einmal.flows.change_doubt import ChangeRecovery
from einmal.simulator.calendar import BookingStatus
from support.changes import (
    ANONYMOUS,
    CONFIG,
    LATER,
    LINE,
    STRANGER,
    TEN,
    Lost,
    booked,
    changes,
    changing,
    live,
    unanswered,
    unseen,
)
from support.world import World, world


@pytest.fixture
async def salon(tmp_path: Path) -> Any:
    path = tmp_path / "einmal.toml"
    path.write_text(CONFIG, "utf-8")
    async with world(tmp_path, EINMAL_CONFIG=str(path)) as made:
        yield made


async def test_the_caller_cancels_what_is_booked_under_their_line(salon: World) -> None:
    """From a later call, with nothing said but that: there is only one."""
    await booked(salon)
    answer = await salon.ask("cancel_appointment", LATER)
    assert (answer["success"], answer["status"], answer["bestaetigung_status"]) == (True, "cancelled", "cancelled")
    assert "storniert" in answer["message"]
    assert live(salon) == []
    assert salon.states() == ["cancelled"]
    assert salon.rows("SELECT status FROM appointments") == [("cancelled",)]
    assert changes(salon) == [("cancel", "done")]


async def test_a_second_cancel_is_a_success_and_asks_nothing(salon: World) -> None:
    """In the same call and in a later one."""
    await booked(salon)
    first = await salon.ask("cancel_appointment", LINE)
    again = await salon.ask("cancel_appointment", LINE)
    later = await salon.ask("cancel_appointment", LATER)
    assert first["message"] == again["message"] == later["message"]
    assert [one["status"] for one in (first, again, later)] == ["cancelled"] * 3
    assert len(changing(salon)) == 1


async def test_what_was_cancelled_can_be_booked_again(salon: World) -> None:
    """In the same call it is asked first, for it may be a late repeat; in another one nobody needs to be."""
    await booked(salon)
    await salon.ask("cancel_appointment", LINE)
    args = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
    asked = await salon.ask("book_appointment", LINE, **args)
    assert (asked["status"], asked["missing"], live(salon)) == ("needs_input", ["again"], [])
    await booked(salon, zusaetzlich=True)
    assert live(salon) == [TEN]
    await salon.ask("cancel_appointment", LATER)
    await booked(salon, LATER)
    assert live(salon) == [TEN]


async def test_the_caller_moves_their_appointment(salon: World) -> None:
    """The old one stands until the new one does; the ledger keeps the chain."""
    await booked(salon)
    answer = await salon.ask("reschedule_appointment", LATER, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    assert (answer["success"], answer["status"], answer["bestaetigung_status"]) == (True, "rescheduled", "confirmed")
    assert answer["booking"]["start"] == "2026-12-02T14:00:00+01:00"
    assert "Mittwoch" in answer["message"]
    assert live(salon) == [datetime(2026, 12, 2, 13, 0, tzinfo=UTC)]
    assert salon.states() == ["moved", "confirmed"]
    assert changes(salon) == [("move", "done")]
    old, new = salon.rows("SELECT intent_id, operation_id, moved_from, carried_id FROM intents ORDER BY intent_id")
    assert (new[2], new[3]) == (old[0], old[1])
    told = await salon.ask("get_customer_appointments", LATER)
    assert [one["start"] for one in told["appointments"]] == ["2026-12-02T14:00:00+01:00"]


async def test_a_move_that_is_said_twice_moves_once(salon: World) -> None:
    """The second says the same, and asks the calendar nothing."""
    await booked(salon)
    said = {"altes_datum": "2026-12-01", "neues_datum": "2026-12-02", "neue_uhrzeit": "14:00"}
    first = await salon.ask("reschedule_appointment", LINE, **said)
    again = await salon.ask("reschedule_appointment", LINE, **said)
    assert first == again
    assert len(changing(salon)) == 1


async def test_a_moved_appointment_is_moved_and_cancelled_like_any_other(salon: World) -> None:
    """Its booking carries the first one's operation id for ever."""
    await booked(salon)
    await salon.ask("reschedule_appointment", LINE, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    back = await salon.ask("reschedule_appointment", LINE, neues_datum="2026-12-03", neue_uhrzeit="9:00")
    assert back["status"] == "rescheduled"
    gone = await salon.ask("cancel_appointment", LATER)
    assert gone["status"] == "cancelled"
    assert salon.states() == ["moved", "moved", "cancelled"]
    assert live(salon) == []


async def test_what_was_moved_there_and_back_is_moved_there_again(salon: World) -> None:
    """Said of what stands now, and not of what once became of it; it does not stand there any more."""
    await booked(salon)
    there, back = {"new_date": "2026-12-02", "new_time": "14:00"}, {"new_date": "2026-12-01", "new_time": "10:00"}
    first = await salon.ask("reschedule_appointment", LINE, old_date="2026-12-01", old_time="10:00", **there)
    await salon.ask("reschedule_appointment", LINE, old_date="2026-12-02", old_time="14:00", **back)
    again = await salon.ask("reschedule_appointment", LATER, old_date="2026-12-01", old_time="10:00", **there)
    assert (first["status"], again["status"]) == ("rescheduled", "rescheduled")
    assert again["booking"]["ref"] != first["booking"]["ref"]
    assert live(salon) == [datetime(2026, 12, 2, 13, 0, tzinfo=UTC)]


async def test_a_time_that_is_taken_leaves_it_where_it_was(salon: World) -> None:
    """It says so, and offers what is near."""
    await booked(salon)
    await booked(salon, STRANGER, uhrzeit="14:00", name="Anna Weiß")
    answer = await salon.ask("reschedule_appointment", LINE, neues_datum="2026-12-01", neue_uhrzeit="14:00")
    assert (answer["success"], answer["status"]) == (False, "unavailable")
    assert "bleibt bestehen" in answer["message"]
    assert answer["alternatives"]
    assert len(live(salon)) == 2
    assert changes(salon) == [("move", "refused")]
    told = await salon.ask("get_customer_appointments", LINE)
    assert [one["start"] for one in told["appointments"]] == ["2026-12-01T10:00:00+01:00"]


async def test_an_alternative_that_was_offered_for_a_move_is_taken_by_its_slot(salon: World) -> None:
    """The opaque name means exactly that time."""
    await booked(salon)
    await booked(salon, STRANGER, uhrzeit="14:00", name="Anna Weiß")
    offered = await salon.ask("reschedule_appointment", LINE, neues_datum="2026-12-01", neue_uhrzeit="14:00")
    chosen = offered["alternatives"][0]
    answer = await salon.ask("reschedule_appointment", LINE, slot=chosen["slot"])
    assert (answer["status"], answer["booking"]["start"]) == ("rescheduled", chosen["start"])


@pytest.mark.parametrize("function", ["cancel_appointment", "reschedule_appointment", "get_customer_appointments"])
async def test_a_stranger_is_told_of_nothing_and_changes_nothing(salon: World, function: str) -> None:
    """Not by name, not by day, not by time alone."""
    await booked(salon)
    new = {"neues_datum": "2026-12-02", "neue_uhrzeit": "14:00"} if function.startswith("resch") else {}
    for said in ({}, {"name": "Jürgen Groß"}, {"altes_datum": "2026-12-01", "alte_uhrzeit": "10:00"}):
        for call in (STRANGER, ANONYMOUS):
            answer = await salon.ask(function, call, **said, **new)
            assert (answer["success"], answer["status"]) == (False, "needs_input")
            assert "booking" not in answer
            assert "readings" not in answer
    assert live(salon) == [TEN]
    assert changing(salon) == []


async def test_who_names_it_wholly_may_cancel_it(salon: World) -> None:
    """Name, day and time together are the second fact."""
    await booked(salon)
    answer = await salon.ask("cancel_appointment", ANONYMOUS, name="Jürgen Groß", datum="2026-12-01", uhrzeit="10:00")
    assert answer["status"] == "cancelled"


async def test_who_names_it_nearly_is_told_nothing(salon: World) -> None:
    """And is offered somebody who calls back."""
    await booked(salon)
    answer = await salon.ask("cancel_appointment", ANONYMOUS, name="Jürgen Groß", datum="2026-12-01", uhrzeit="11:00")
    assert (answer["success"], answer["status"]) == (False, "rejected")
    assert "zurückrufen" in answer["message"]


async def test_of_several_it_is_asked_which(salon: World) -> None:
    """And what is answered then is taken."""
    await booked(salon)
    await booked(salon, name="Anna Weiß", datum="2026-12-02", uhrzeit="11:00", dienstleistung="Haarschnitt")
    asked = await salon.ask("cancel_appointment", LATER)
    assert (asked["status"], asked["missing"]) == ("needs_input", ["appointment"])
    assert [one["start"] for one in asked["readings"]] == ["2026-12-01T10:00:00+01:00", "2026-12-02T11:00:00+01:00"]
    answer = await salon.ask("cancel_appointment", LATER, datum="2026-12-02")
    assert answer["status"] == "cancelled"
    assert live(salon) == [TEN]


async def test_too_late_is_too_late_and_says_what_it_costs(salon: World) -> None:
    """By the house's own notice; the appointment stands."""
    await booked(salon, datum="2026-11-24", uhrzeit="9:00")
    cancelled = await salon.ask("cancel_appointment", LINE)
    assert (cancelled["status"], cancelled["success"]) == ("rejected", False)
    assert cancelled["message"].endswith("Es fallen 20 Euro an. Soll Sie jemand zurückrufen?")
    moved = await salon.ask("reschedule_appointment", LINE, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    assert moved["status"] == "rescheduled", "a move has a shorter notice"


@pytest.mark.parametrize("function", ["cancel_appointment", "reschedule_appointment"])
async def test_a_lost_answer_is_looked_up_while_the_caller_waits(salon: World, function: str) -> None:
    """It landed, and a read shows it."""
    await booked(salon)
    salon.tap.inner = Lost(salon, lands=True)  # type: ignore[assignment]
    answer = await salon.ask(function, LINE, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    assert answer["status"] == {"cancel_appointment": "cancelled", "reschedule_appointment": "rescheduled"}[function]
    assert len(changing(salon)) == 1


async def test_a_cancel_whose_request_was_lost_is_sent_again(salon: World) -> None:
    """The caller was told that it is being checked; a second cancel would change nothing."""
    await booked(salon)
    salon.tap.inner = Lost(salon, lands=False)  # type: ignore[assignment]
    answer = await salon.ask("cancel_appointment", LINE)
    assert (answer["status"], answer["do_not_rebook"]) == ("in_doubt", True)
    assert changes(salon) == [("cancel", "doubt")]
    again = await salon.ask("cancel_appointment", LINE)
    assert again["status"] == "in_doubt"
    assert len(changing(salon)) == 1, "the second call joins the first"
    for _ in range(4):
        salon.clock.pass_time(timedelta(minutes=1))
        await salon.gateway.worker.turn()
    assert changes(salon) == [("cancel", "done")]
    assert live(salon) == []


async def test_a_move_whose_request_was_lost_is_never_sent_again(salon: World) -> None:
    """After the settle window it is settled: the appointment stands."""
    await booked(salon)
    salon.tap.inner = Lost(salon, lands=False)  # type: ignore[assignment]
    answer = await salon.ask("reschedule_appointment", LINE, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    assert answer["status"] == "in_doubt"
    for _ in range(30):
        salon.clock.pass_time(timedelta(minutes=1))
        await salon.gateway.worker.turn()
    assert changes(salon) == [("move", "refused")]
    assert salon.states() == ["confirmed", "rejected"]
    assert len(changing(salon)) == 1
    assert live(salon) == [TEN]


async def test_what_surely_was_not_sent_is_over_at_once(salon: World) -> None:
    """Nothing was changed, and it says so."""
    await booked(salon)
    salon.tap.inner = Lost(salon, lands=False, error=NeverSent)  # type: ignore[assignment]
    answer = await salon.ask("cancel_appointment", LINE)
    assert (answer["status"], answer["success"]) == ("error", False)
    assert "nichts geändert" in answer["message"]
    assert changes(salon) == [("cancel", "refused")]
    assert live(salon) == [TEN]


async def test_what_others_cancelled_is_said_to_be_cancelled(salon: World) -> None:
    """The ledger takes it up."""
    await booked(salon)
    salon.calendar.cancel(salon.calendar.bookings[0].uid, "krank")
    answer = await salon.ask("cancel_appointment", LINE)
    assert answer["status"] == "cancelled"
    assert "schon storniert" in answer["message"]
    assert salon.states() == ["cancelled"]
    assert changing(salon) == []


async def test_what_others_moved_is_asked_about(salon: World) -> None:
    """The caller may mean the old time; the ledger knows the new one after that."""
    await booked(salon)
    new = datetime(2026, 12, 4, 10, 0, tzinfo=UTC)
    salon.calendar.reschedule(salon.calendar.bookings[0].uid, new, by_owner=True)
    asked = await salon.ask("cancel_appointment", LINE)
    assert (asked["status"], asked["readings"][0]["start"]) == ("needs_input", "2026-12-04T11:00:00+01:00")
    assert salon.states() == ["moved", "confirmed"]
    answer = await salon.ask("cancel_appointment", LINE, datum="2026-12-04")
    assert answer["status"] == "cancelled"
    assert live(salon) == []


async def test_a_strangers_booking_is_never_touched(salon: World) -> None:
    """The uid in our row names a booking that does not carry our id: nobody knows whose it is."""
    await booked(salon)
    uid = salon.calendar.bookings[0].uid
    other = salon.calendar.create(101, TEN + timedelta(days=5), salon.calendar.bookings[0].attendee)
    with sqlite3.connect(salon.path) as connection:
        connection.execute("UPDATE intents SET booking_uid = ?", (other.booking.uid,))  # type: ignore[union-attr]
    answer = await salon.ask("cancel_appointment", LINE)
    assert (answer["status"], answer["success"]) == ("error", False)
    assert {one.uid: one.status for one in salon.calendar.bookings}[uid] is BookingStatus.ACCEPTED
    assert changing(salon) == []


async def test_two_changes_at_once_are_one(salon: World) -> None:
    """Eight moves to eight times, at once: one is carried out, and one booking stands."""
    await booked(salon)
    asked = [
        salon.ask("reschedule_appointment", LATER, neues_datum="2026-12-02", neue_uhrzeit=f"{hour}:00")
        for hour in range(9, 17)
    ]
    answers = await asyncio.gather(*asked)
    assert len(live(salon)) == 1
    assert sum(one["status"] == "rescheduled" for one in answers) == 1
    assert len(changing(salon)) == 1


@pytest.mark.parametrize("function", ["cancel_appointment", "reschedule_appointment"])
async def test_what_is_being_changed_is_not_said_to_be_booked(salon: World, function: str) -> None:
    """The calendar has it no more, and nobody can look: then the same wish again is in doubt as well."""
    await booked(salon)
    unseen(salon)
    changed = await salon.ask(function, LINE, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    assert changed["status"] == "in_doubt"
    assert TEN not in live(salon)
    args = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
    assert (await salon.ask("book_appointment", LINE, **args))["status"] == "in_doubt"


async def test_the_status_of_what_this_call_booked(salon: World) -> None:
    """Whatever became of it."""
    assert (await salon.ask("booking_status", LINE))["status"] == "needs_input"
    await booked(salon)
    assert (await salon.ask("booking_status", LINE))["status"] == "booked"
    await salon.ask("cancel_appointment", LINE)
    assert (await salon.ask("booking_status", LINE))["status"] == "cancelled"


async def test_cancel_it_said_once_more_cancels_nothing_else(salon: World) -> None:
    """The model repeats itself with fewer words, and there is another appointment that would fit."""
    await booked(salon)
    await booked(salon, uhrzeit="15:00", name="Anna Weiß")
    first = await salon.ask("cancel_appointment", LATER, datum="2026-12-01", uhrzeit="10:00")
    for said in ({}, {"datum": "2026-12-01"}, {"dienstleistung": "Beratung"}):
        assert await salon.ask("cancel_appointment", LATER, **said) == first
    assert len(live(salon)) == 1
    # Who means the other one says so.
    other = await salon.ask("cancel_appointment", LATER, datum="2026-12-01", uhrzeit="15:00")
    assert other["status"] == "cancelled"
    assert live(salon) == []


async def test_what_this_call_has_cancelled_is_what_it_means(salon: World) -> None:
    """Two appointments, one is cancelled, and "cancel it" comes again: the other one stands."""
    await booked(salon)
    await booked(salon, uhrzeit="15:00", name="Anna Weiß")
    first = await salon.ask("cancel_appointment", LINE, datum="2026-12-01", uhrzeit="10:00")
    again = await salon.ask("cancel_appointment", LINE)
    assert first == again
    assert len(live(salon)) == 1


async def test_a_move_said_twice_moves_nothing_else(salon: World) -> None:
    """Named by its day only, and there is another on that day."""
    await booked(salon)
    said = {"altes_datum": "2026-12-01", "neues_datum": "2026-12-02", "neue_uhrzeit": "14:00"}
    first = await salon.ask("reschedule_appointment", LINE, **said)
    await booked(salon, uhrzeit="15:00", name="Anna Weiß")
    assert await salon.ask("reschedule_appointment", LINE, **said) == first
    assert len(changing(salon)) == 1


async def test_what_is_in_doubt_is_neither_cancelled_nor_denied(salon: World) -> None:
    """Nobody knows yet whether there is anything to cancel."""
    salon.tap.on_post = unanswered
    await salon.ask(
        "book_appointment", LINE, datum="2026-12-01", uhrzeit="10:00", name="Jürgen Groß", dienstleistung="Beratung"
    )
    answer = await salon.ask("cancel_appointment", LINE)
    assert answer["status"] == "in_doubt"
    assert changing(salon) == []


async def test_a_move_that_arrives_after_it_was_settled_is_followed(salon: World) -> None:
    """The calendar has it at the new time, whatever was said: the sweep sees it, and the ledger says so."""
    await booked(salon)
    salon.tap.inner = Lost(salon, lands=False)  # type: ignore[assignment]
    await salon.ask("reschedule_appointment", LINE, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    for _ in range(12):
        salon.clock.pass_time(timedelta(minutes=1))
        await salon.gateway.worker.turn()
    assert changes(salon) == [("move", "refused")]
    new = datetime(2026, 12, 2, 13, 0, tzinfo=UTC)
    salon.calendar.reschedule(salon.calendar.bookings[0].uid, new, by_owner=True)
    for _ in range(3):
        salon.clock.pass_time(timedelta(minutes=16))
        await salon.gateway.worker.turn()
    assert salon.states() == ["moved", "rejected", "confirmed"]
    told = await salon.ask("get_customer_appointments", LINE)
    assert [one["start"] for one in told["appointments"]] == ["2026-12-02T14:00:00+01:00"]


async def test_a_201_of_a_move_proves_nothing(salon: World) -> None:
    """It holds somebody else's booking at the time that was wished, and ours was not touched."""
    await booked(salon)
    other = await booked(salon, STRANGER, datum="2026-12-02", uhrzeit="14:00", name="Anna Weiß")
    foreign = next(one for one in salon.calendar.bookings if one.attendee.name == "Anna Weiß")
    inner = salon.tap.inner.send

    async def send(request: WireRequest) -> WireAnswer:
        if not request.target.endswith("/reschedule"):
            return await inner(request)
        read = WireRequest(
            "GET", f"/v2/bookings/{foreign.uid}", request.headers, b"", request.deadline, request.deadline
        )
        shown = await inner(read)
        return WireAnswer(201, shown.headers, shown.body, 0.0)

    salon.tap.inner.send = send  # type: ignore[method-assign]
    answer = await salon.ask("reschedule_appointment", LINE, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    assert (answer["status"], answer["success"]) == ("in_doubt", False)
    for _ in range(12):
        salon.clock.pass_time(timedelta(minutes=1))
        await salon.gateway.worker.turn()
    assert changes(salon) == [("move", "refused")]
    told = await salon.ask("get_customer_appointments", STRANGER)
    assert [one["ref"] for one in told["appointments"]] == [other["booking"]["ref"]]
    assert len(live(salon)) == 2


async def test_a_change_of_a_tenant_that_is_not_served_here_is_put_off(salon: World) -> None:
    """Others may serve it: it is no alarm twice a minute, and in nobody's way."""
    await booked(salon)
    salon.tap.inner = Lost(salon, lands=False)  # type: ignore[assignment]
    await salon.ask("cancel_appointment", LINE)
    worker = salon.gateway.worker
    assert worker.changes is not None
    elsewhere = ChangeRecovery(worker.changes.books, {}, salon.clock, salon.observer)
    salon.clock.pass_time(timedelta(minutes=1))
    assert await elsewhere.turn() == 1
    salon.clock.pass_time(timedelta(minutes=14))
    assert await elsewhere.turn() == 0
    assert [fact.what for fact in salon.observer.facts if isinstance(fact, Alarm)] == ["tenant_unknown"]
