"""Which appointment is meant by a change, and what is told of it: never another one, and never on a guess."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.entrypoints.http.calls import RetellWebhooks
from support.changes import (
    ANONYMOUS,
    CONFIG,
    LATER,
    LINE,
    STRANGER,
    TEN,
    WISH,
    booked,
    changes,
    changing,
    live,
    unanswered,
    unseen,
)
from support.teams import team_of_two
from support.world import World, world

THIRD = {"call_id": "call_third", "from_number": LINE["from_number"]}
NEW = {"neues_datum": "2026-12-02", "neue_uhrzeit": "14:00"}
NAMED = {"name": "Jürgen Groß", "datum": "2026-12-01", "uhrzeit": "10:00"}
THREE = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
"""Three in the afternoon in Berlin, of the day on which TEN is."""
THURSDAY = datetime(2026, 12, 3, 9, 0, tzinfo=UTC)
MOVED = datetime(2026, 12, 2, 13, 0, tzinfo=UTC)
"""When NEW is."""


@pytest.fixture
async def salon(tmp_path: Path) -> Any:
    path = tmp_path / "einmal.toml"
    path.write_text(CONFIG, "utf-8")
    async with world(tmp_path, EINMAL_CONFIG=str(path)) as made:
        yield made


def asked_of(answer: dict[str, Any]) -> list[str]:
    """The appointments among which it is asked which is meant."""
    assert (answer["success"], answer["status"], answer["missing"]) == (False, "needs_input", ["appointment"])
    return [one["start"] for one in answer.get("readings", [])]


# By its ref ----------------------------------------------------------------------------------------------------------


async def test_a_ref_names_one_of_two(salon: World) -> None:
    """Who has two is not asked again which of them they mean."""
    ref = (await booked(salon))["booking"]["ref"]
    await booked(salon, uhrzeit="15:00", name="Anna Weiß")
    answer = await salon.ask("cancel_appointment", LATER, ref=ref)
    assert (answer["status"], answer["booking"]["start"]) == ("cancelled", "2026-12-01T10:00:00+01:00")
    assert live(salon) == [THREE]


async def test_the_ref_of_what_was_cancelled_cancels_nothing_else(salon: World) -> None:
    """Said once more, it would take the other appointment as well."""
    ref = (await booked(salon))["booking"]["ref"]
    await booked(salon, uhrzeit="15:00", name="Anna Weiß")
    first = await salon.ask("cancel_appointment", LATER, datum="2026-12-01", uhrzeit="10:00")
    assert first["status"] == "cancelled"
    assert await salon.ask("cancel_appointment", LATER, ref=ref) == first
    assert live(salon) == [THREE]


async def test_anothers_ref_means_neither_theirs_nor_ones_own(salon: World) -> None:
    """The only one on the line would be lost for a ref that is not its own."""
    ref = (await booked(salon, STRANGER))["booking"]["ref"]
    await booked(salon, uhrzeit="15:00", name="Anna Weiß")
    answer = await salon.ask("cancel_appointment", LATER, ref=ref)
    assert asked_of(answer) == ["2026-12-01T15:00:00+01:00"]
    assert live(salon) == [TEN, THREE]


async def test_a_ref_and_a_date_that_disagree_are_asked_about(salon: World) -> None:
    """One of the two was heard wrongly, and nobody knows which."""
    ref = (await booked(salon))["booking"]["ref"]
    await booked(salon, datum="2026-12-03")
    answer = await salon.ask("cancel_appointment", LATER, ref=ref, datum="2026-12-04", uhrzeit="10:00")
    assert asked_of(answer) == ["2026-12-01T10:00:00+01:00", "2026-12-03T10:00:00+01:00"]
    assert live(salon) == [TEN, THURSDAY]


# By what is said of it -----------------------------------------------------------------------------------------------


async def test_of_two_at_one_time_the_named_persons_is_meant(tmp_path: Path) -> None:
    """Another's, proved with name, day and time; the caller's own of the same time stands."""
    path = tmp_path / "einmal.toml"
    path.write_text(CONFIG, "utf-8")
    async with world(tmp_path, event_types=team_of_two(), EINMAL_CONFIG=str(path)) as salon:
        await booked(salon, STRANGER, name="Anna Weiß")
        await booked(salon, name="Ben Schulz")
        answer = await salon.ask("cancel_appointment", LATER, **(NAMED | {"name": "Anna Weiß"}))
        assert answer["status"] == "cancelled"
        stands = {one.attendee.name: one.status.value for one in salon.calendar.bookings}
        assert stands == {"Anna Weiß": "cancelled", "Ben Schulz": "accepted"}


async def test_another_name_on_the_line_is_asked_about(salon: World) -> None:
    """Whoever rings for Ben does not lose Anna's appointment of that day."""
    await booked(salon, name="Anna Weiß")
    answer = await salon.ask("cancel_appointment", LATER, name="Ben Schulz", datum="2026-12-01")
    assert asked_of(answer) == ["2026-12-01T10:00:00+01:00"]
    assert live(salon) == [TEN]


@pytest.mark.parametrize("said", [{"uhrzeit": "15:00"}, {"dienstleistung": "Massage"}], ids=["time", "service"])
async def test_what_speaks_against_the_only_one_is_not_dropped(salon: World, said: dict[str, str]) -> None:
    """The caller means something else, and would lose the one they have."""
    await booked(salon)
    assert asked_of(await salon.ask("cancel_appointment", LATER, **said)) == []
    assert live(salon) == [TEN]


async def test_another_service_proves_nothing(salon: World) -> None:
    """A stranger who knows name, day and time, and not what it is for, cancels nothing."""
    await booked(salon)
    answer = await salon.ask("cancel_appointment", ANONYMOUS, **NAMED, dienstleistung="Haarschnitt")
    assert (answer["success"], answer["status"]) == (False, "rejected")
    assert live(salon) == [TEN]


async def test_todays_date_is_not_the_appointments(salon: World) -> None:
    """The agent sends along which day it is, and there is an appointment on that day too."""
    await booked(salon, datum="2026-11-27", uhrzeit="15:00")
    await booked(salon)
    said = {"current_date": "2026-11-27", "datum": "2026-12-01", "uhrzeit": "10:00"}
    answer = await salon.ask("cancel_appointment", LATER, **said)
    assert (answer["status"], answer["booking"]["start"]) == ("cancelled", "2026-12-01T10:00:00+01:00")
    assert live(salon) == [datetime(2026, 11, 27, 14, 0, tzinfo=UTC)]


async def test_what_began_today_is_found(salon: World) -> None:
    """Ten minutes after it began it is too late to cancel, and nobody is told that they have none."""
    await booked(salon, datum="2026-11-24")
    salon.clock.pass_time(timedelta(days=1, minutes=10))
    answer = await salon.ask("cancel_appointment", LATER, datum="heute", uhrzeit="10:00")
    assert (answer["status"], answer["booking"]["start"]) == ("rejected", "2026-11-24T10:00:00+01:00")
    assert "zu spät" in answer["message"]


async def test_who_tries_one_time_after_the_other_is_told_nothing(salon: World) -> None:
    """Name and day are soon known: the right time comes too late to learn of an appointment by it."""
    await booked(salon)
    for time in ("8:00", "8:30", "9:00", "9:30", "10:00", "10:30"):
        answer = await salon.ask("get_customer_appointments", ANONYMOUS, **(NAMED | {"uhrzeit": time}))
        assert (answer["success"], answer["status"]) == (False, "rejected")
        assert "appointments" not in answer


async def test_the_name_that_is_asked_for_is_that_of_the_appointment(salon: World) -> None:
    """Who wants to cancel does not hear that something is to be booked."""
    answer = await salon.ask("cancel_appointment", ANONYMOUS, datum="2026-12-01", uhrzeit="10:00")
    assert (answer["status"], answer["missing"]) == ("needs_input", ["name"])
    assert answer["message"] == "Auf welchen Namen ist der Termin eingetragen?"


# Said again ----------------------------------------------------------------------------------------------------------


async def test_each_of_a_family_cancels_their_own(salon: World) -> None:
    """The second is not told of the first's, while their own stands."""
    await booked(salon, name="Anna Weiß")
    await booked(salon, name="Ben Weiß", uhrzeit="15:00")
    hers = await salon.ask("cancel_appointment", LATER, name="Anna Weiß")
    his = await salon.ask("cancel_appointment", LATER, name="Ben Weiß")
    assert [one["status"] for one in (hers, his)] == ["cancelled"] * 2
    assert [one["booking"]["start"][11:16] for one in (hers, his)] == ["10:00", "15:00"]
    assert live(salon) == []


async def test_a_familys_second_move_is_not_the_first_said_again(salon: World) -> None:
    """Ben is not told that his is moved because Anna's was, to the time that he wants as well."""
    await booked(salon, name="Anna Weiß")
    await booked(salon, name="Ben Weiß", uhrzeit="15:00")
    assert (await salon.ask("reschedule_appointment", LATER, name="Anna Weiß", **NEW))["status"] == "rescheduled"
    his = await salon.ask("reschedule_appointment", LATER, name="Ben Weiß", **NEW)
    assert (his["status"], his["success"]) == ("unavailable", False)
    assert live(salon) == [THREE, MOVED]


async def test_what_was_booked_after_a_cancel_is_cancelled_next(salon: World) -> None:
    """In one call: the second cancel is not the first one said again."""
    await booked(salon)
    assert (await salon.ask("cancel_appointment", LINE))["booking"]["start"] == "2026-12-01T10:00:00+01:00"
    await booked(salon, datum="2026-12-03")
    answer = await salon.ask("cancel_appointment", LINE)
    assert (answer["status"], answer["booking"]["start"]) == ("cancelled", "2026-12-03T10:00:00+01:00")
    assert live(salon) == []


async def test_a_late_repeat_of_the_booking_after_a_move_is_asked_about(salon: World) -> None:
    """Otherwise who moved has two appointments."""
    await booked(salon)
    await salon.ask("reschedule_appointment", LINE, **NEW)
    answer = await salon.ask("book_appointment", LINE, **WISH)
    assert (answer["status"], answer["missing"]) == ("needs_input", ["again"])
    assert live(salon) == [MOVED]


async def test_a_refused_move_speaks_for_its_own_appointment_only(salon: World) -> None:
    """The same taken time for another appointment: what is said to stand is that one."""
    await booked(salon)
    await booked(salon, datum="2026-12-03")
    await booked(salon, STRANGER, datum="2026-12-02", uhrzeit="14:00", name="Anna Weiß")
    for day in ("2026-12-01", "2026-12-03"):
        answer = await salon.ask("reschedule_appointment", LINE, altes_datum=day, alte_uhrzeit="10:00", **NEW)
        assert (answer["status"], answer["booking"]["start"]) == ("unavailable", f"{day}T10:00:00+01:00")
    assert live(salon) == [TEN, MOVED, THURSDAY]


async def test_nothing_is_cancelled_after_the_hang_up(salon: World) -> None:
    """A cancel that comes late is one nobody hears of."""
    await booked(salon)
    ended = {"event": "call_ended", "call": LATER | {"direction": "inbound"}}
    await RetellWebhooks(salon.gateway).answer(json.dumps(ended).encode())
    answer = await salon.ask("cancel_appointment", LATER)
    assert (answer["success"], answer["status"]) == (False, "rejected")
    assert live(salon) == [TEN]


# In doubt ------------------------------------------------------------------------------------------------------------


async def test_what_may_have_been_booked_again_is_not_said_to_be_cancelled(salon: World) -> None:
    """An earlier one of the same time was cancelled; the new one may stand, and does."""
    await booked(salon)
    await salon.ask("cancel_appointment", LATER)
    real = salon.tap.inner.send

    async def landed(request: WireRequest) -> WireAnswer:
        await real(request)
        raise MaybeSent("timeout")

    salon.tap.on_post, salon.tap.on_get = landed, unanswered
    await salon.ask("book_appointment", THIRD, **WISH)
    answer = await salon.ask("cancel_appointment", THIRD, datum="2026-12-01", uhrzeit="10:00")
    assert (answer["status"], answer["do_not_rebook"]) == ("in_doubt", True)
    assert live(salon) == [TEN]


async def test_cancel_it_while_a_booking_is_in_doubt_takes_no_other(salon: World) -> None:
    """The caller means what they have just wished for, and keeps what they had."""
    await booked(salon)
    salon.tap.on_post = unanswered
    await salon.ask("book_appointment", LATER, **(WISH | {"datum": "2026-12-03", "uhrzeit": "15:00"}))
    answer = await salon.ask("cancel_appointment", LATER)
    assert (answer["status"], answer["do_not_rebook"]) == ("in_doubt", True)
    assert live(salon) == [TEN]


@pytest.mark.parametrize("function", ["reschedule_appointment", "cancel_appointment"])
async def test_what_is_being_changed_is_not_denied(salon: World, function: str) -> None:
    """Who rings again hears that it is looked into, and not that they have no appointment."""
    await booked(salon)
    unseen(salon)
    assert (await salon.ask(function, LINE, **(NEW if function.startswith("re") else {})))["status"] == "in_doubt"
    salon.tap.on_get = None
    answer = await salon.ask("get_customer_appointments", LATER)
    assert (answer["status"], answer["do_not_rebook"]) == ("in_doubt", True)


@pytest.mark.parametrize("function", ["booking_status", "get_customer_appointments", "cancel_appointment"])
async def test_who_rings_again_is_told_of_the_doubt(salon: World, function: str) -> None:
    """Told that there is nothing, they would book a second one."""
    salon.tap.on_post = unanswered
    await salon.ask("book_appointment", LINE, **WISH)
    answer = await salon.ask(function, LATER, **NAMED)
    assert (answer["status"], answer["do_not_rebook"]) == ("in_doubt", True)


async def test_nobody_is_promised_an_answer_without_a_number(salon: World) -> None:
    """There is nowhere to send it to."""
    salon.tap.on_post = unanswered
    await salon.ask("book_appointment", ANONYMOUS, **WISH)
    answer = await salon.ask("booking_status", ANONYMOUS)
    assert answer["status"] == "in_doubt"
    assert "Bescheid" not in answer["message"]


# What others changed -------------------------------------------------------------------------------------------------


async def test_a_move_back_from_where_others_put_it_is_no_success_unseen(salon: World) -> None:
    """The ledger still has it at the old time, the calendar has not: it is asked with the time it has now."""
    await booked(salon)
    noon = datetime(2026, 12, 1, 11, 0, tzinfo=UTC)
    salon.calendar.reschedule(salon.calendar.bookings[0].uid, noon, by_owner=True)
    answer = await salon.ask("reschedule_appointment", LATER, neues_datum="2026-12-01", neue_uhrzeit="10:00")
    assert asked_of(answer) == ["2026-12-01T12:00:00+01:00"]
    assert live(salon) == [noon]


async def test_a_move_said_again_after_others_cancelled_it_is_no_success(salon: World) -> None:
    """The caller would come for an appointment that nobody has any more."""
    await booked(salon)
    await salon.ask("reschedule_appointment", LINE, **NEW)
    salon.calendar.cancel(next(one.uid for one in salon.calendar.bookings if one.start == MOVED), "krank")
    answer = await salon.ask("reschedule_appointment", LATER, **NEW)
    assert (answer["success"], answer["status"]) == (False, "rejected")
    assert live(salon) == []


async def test_a_move_that_others_overtook_is_asked_about_with_its_time(salon: World) -> None:
    """They moved it while ours was on its way: the caller hears where it is now."""
    await booked(salon)
    real, one_o_clock = salon.tap.inner.send, datetime(2026, 12, 1, 12, 0, tzinfo=UTC)

    async def overtaken(request: WireRequest) -> WireAnswer:
        if request.target.endswith("/reschedule") and live(salon) == [TEN]:
            salon.calendar.reschedule(salon.calendar.bookings[0].uid, one_o_clock, by_owner=True)
        return await real(request)

    salon.tap.inner.send = overtaken  # type: ignore[method-assign]
    answer = await salon.ask("reschedule_appointment", LATER, **NEW)
    assert asked_of(answer) == ["2026-12-01T13:00:00+01:00"]
    assert live(salon) == [one_o_clock]


async def test_one_odd_read_does_not_end_a_move(salon: World) -> None:
    """The calendar forgot for a moment whose booking it is; once it knows again the move is done, without a person."""
    await booked(salon)
    real = salon.tap.inner.send

    async def odd(request: WireRequest) -> WireAnswer:
        answer = await real(request)
        if not changing(salon) or request.method != "GET" or not request.target.startswith("/v2/bookings/"):
            return answer
        read = json.loads(answer.body)
        read["data"]["metadata"] = {}
        return WireAnswer(answer.status, answer.headers, json.dumps(read).encode(), 0.0)

    salon.tap.inner.send = odd  # type: ignore[method-assign]
    assert (await salon.ask("reschedule_appointment", LINE, **NEW))["status"] == "in_doubt"
    salon.clock.pass_time(timedelta(seconds=15))
    await salon.gateway.worker.turn()
    salon.tap.inner.send = real  # type: ignore[method-assign]
    for _ in range(10):
        salon.clock.pass_time(timedelta(minutes=1))
        await salon.gateway.worker.turn()
    assert changes(salon) == [("move", "done")]
    assert live(salon) == [MOVED]
