"""A slot is kept for who thinks about it: from everybody else here, and beside that off Cal.com's lists."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.domain.gate import Passed, Shut, ShutWhy, Use
from einmal.flows.hold import Holding
from einmal.ports import LedgerUnavailable, Toll
from einmal.simulator.calendar import Attendee
from support.teams import TEAM, team_of_two
from support.world import World, serving, world

TEN = {"dienstleistung": "Beratung", "datum": "2026-12-01", "uhrzeit": "10:00"}
HALF_PAST = TEN | {"uhrzeit": "10:30"}
AT_TEN = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ANNA = {"call_id": "call_anna", "from_number": "+491701234567"}
BEN = {"call_id": "call_ben", "from_number": "+4930901820"}
CARLA = {"call_id": "call_carla"}
RESERVATIONS = "/v2/slots/reservations"


@pytest.fixture
async def salon(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[World]:
    """Anna does it, and so does Ben."""
    (tmp_path / "einmal.toml").write_text(TEAM, "utf-8")
    async with world(tmp_path, event_types=team_of_two(), EINMAL_CONFIG=str(tmp_path / "einmal.toml")) as made:
        yield made


async def settled(salon: World) -> None:
    """What is told the calendar behind the replies has been told."""
    holding = salon.gateway.tenancies.sole.holding
    while holding._begun:  # noqa: SLF001 - there is no other way to know
        await holding.drain(5)


async def reserve(salon: World, call: dict[str, Any] | None = ANNA, **said: Any) -> dict[str, Any]:
    answer = await salon.ask("reserve_slot", call, **(TEN | said))
    await settled(salon)
    return answer


async def check(salon: World, call: dict[str, Any] | None, **said: Any) -> str:
    """Asked after what was looked up before is forgotten."""
    salon.clock.pass_time(timedelta(seconds=20))
    return str((await salon.ask("check_availability", call, **(TEN | said)))["status"])


async def book(salon: World, call: dict[str, Any], **said: Any) -> str:
    answer = await salon.ask("book_appointment", call, **({"name": "Jürgen Groß"} | TEN | said))
    await settled(salon)
    return str(answer["status"])


def held(salon: World) -> list[tuple[Any, ...]]:
    return salon.rows("SELECT conversation_id, start_at FROM holds ORDER BY start_at")


def mirrors(salon: World) -> list[WireRequest]:
    return [one for one in salon.tap.requests if one.target.startswith(RESERVATIONS)]


def listed(salon: World, event_type_id: int = 101, at: datetime = AT_TEN) -> bool:
    """Whether Cal.com itself still lists the slot."""
    event_type = salon.calendar.event_type(event_type_id)
    assert event_type is not None
    return at in salon.calendar.slots(event_type, at, at + timedelta(minutes=1))


async def test_a_free_slot_is_kept(salon: World) -> None:
    """Said with its full date, and with the name that books exactly it."""
    answer = await reserve(salon)
    assert (answer["success"], answer["status"]) == (True, "reserved")
    assert answer["bestaetigung_status"] == "awaiting_confirmation"
    assert answer["alternatives"][0]["start"] == "2026-12-01T10:00:00+01:00"
    assert held(salon) == [("call_anna", "2026-12-01T09:00:00.000Z")]
    assert salon.calendar.bookings == ()


async def test_it_is_free_for_who_holds_it_and_for_nobody_else(salon: World) -> None:
    """In checks and in offers, and at the booking itself; a slot that only overlaps it is kept as well."""
    await reserve(salon)
    assert await check(salon, ANNA) == "available"
    assert await check(salon, BEN) == "unavailable"
    assert await check(salon, None) == "unavailable"
    assert await check(salon, BEN, dienstleistung="Dauerwelle", uhrzeit="10:15") == "unavailable"
    assert await book(salon, BEN) == "unavailable"
    assert await book(salon, ANNA) == "booked"


@pytest.mark.parametrize("name", ["check_availability", "get_alternatives", "find_next_available"])
async def test_the_searches_hide_what_others_hold_and_show_ones_own(salon: World, name: str) -> None:
    """The first slot of a day is the one that all of them name."""
    first = {"dienstleistung": "Beratung", "datum": "2026-12-01"}
    await reserve(salon, uhrzeit="08:00")
    salon.clock.pass_time(timedelta(seconds=20))
    own = await salon.ask(name, ANNA, **first)
    others = await salon.ask(name, BEN, **first)
    assert own["alternatives"][0]["start"] == "2026-12-01T08:00:00+01:00"
    assert others["alternatives"][0]["start"] == "2026-12-01T08:30:00+01:00"


async def test_the_ledgers_hold_counts_without_its_mirror(salon: World) -> None:
    """Where Cal.com is not told, nobody here is offered the slot all the same."""

    async def silent(_: WireRequest) -> WireAnswer:
        raise MaybeSent("timeout")

    real = salon.tap.inner.send

    async def send(request: WireRequest) -> WireAnswer:
        return await (silent if request.target.startswith(RESERVATIONS) else real)(request)

    salon.tap.inner.send = send  # type: ignore[method-assign]
    assert (await reserve(salon))["status"] == "reserved"
    assert listed(salon)
    assert await check(salon, BEN) == "unavailable"
    assert await check(salon, ANNA) == "available"


async def test_the_second_who_reserves_is_offered_something_else(salon: World) -> None:
    """The nearest that are free, and not the one that is held."""
    await reserve(salon)
    answer = await reserve(salon, BEN)
    assert (answer["success"], answer["status"]) == (False, "unavailable")
    assert [one["start"][11:16] for one in answer["alternatives"]] == ["09:30", "10:30"]
    assert len(held(salon)) == 1


async def test_of_many_who_reserve_at_once_one_holds_it(salon: World) -> None:
    """All of them have just seen it free."""
    calls = [{"call_id": f"call_number{number}"} for number in range(6)]
    answers = await asyncio.gather(*(salon.ask("reserve_slot", call, **TEN) for call in calls))
    assert sorted(answer["status"] for answer in answers) == ["reserved"] + ["unavailable"] * 5
    await settled(salon)


async def test_reserved_again_it_is_the_same_hold(salon: World) -> None:
    """A doubled message: one row, one reservation at Cal.com, even where both come at once."""
    first, second = await asyncio.gather(*(salon.ask("reserve_slot", ANNA, **TEN) for _ in range(2)))
    await settled(salon)
    assert first == second == await reserve(salon)
    assert len(held(salon)) == len(mirrors(salon)) == 1


async def test_who_saw_the_hold_before_it_was_reserved_reserves_it_not_again(salon: World) -> None:
    """Of two at once the slower one may hold the row as it was a moment ago."""
    await reserve(salon)
    holding = salon.gateway.tenancies.sole.holding
    (hold,) = await holding.holds.of_conversation(holding.tenant.tenant_id, ANNA["call_id"], salon.clock.now())
    (service,) = [one for one in holding.tenant.services if one.service_id == hold.service_id]
    await holding._mirror(replace(hold, reservation_uid=None), service)  # noqa: SLF001 - the moment cannot be met
    assert len(mirrors(salon)) == 1


async def test_what_is_taken_is_not_held(salon: World) -> None:
    salon.calendar.create(101, AT_TEN, Attendee("Gast", "gast@example.test"))
    assert (await reserve(salon))["status"] == "unavailable"
    assert held(salon) == []
    assert mirrors(salon) == []


async def test_a_slot_is_looked_at_afresh_before_it_is_held(salon: World) -> None:
    """Somebody booked it a moment after it was said to be free."""
    assert (await salon.ask("check_availability", ANNA, **TEN))["status"] == "available"
    salon.calendar.create(101, AT_TEN, Attendee("Gast", "gast@example.test"))
    assert (await salon.ask("check_availability", ANNA, **TEN))["status"] == "available"
    assert (await reserve(salon))["status"] == "unavailable"


@pytest.mark.parametrize("said", [{}, {"call_id": "call_said_by_the_model"}])
async def test_without_a_call_that_is_vouched_for_nothing_is_held(salon: World, said: dict[str, str]) -> None:
    """Nobody could be told from others. That it is free is true, and all that is said."""
    assert (await reserve(salon, None, **said))["status"] == "available"
    assert held(salon) == []


async def test_a_question_comes_before_a_hold(salon: World) -> None:
    """As at a check: no name is needed, but a service and a time; a day alone is a search."""
    assert (await reserve(salon, dienstleistung="Massage"))["missing"] == ["service"]
    assert (await reserve(salon, uhrzeit=""))["status"] == "available"
    assert held(salon) == []


async def test_an_offers_name_reserves_exactly_that(salon: World) -> None:
    offered = (await salon.ask("check_availability", ANNA, **TEN))["alternatives"][0]
    answer = await salon.ask("reserve_slot", ANNA, slot=offered["slot"])
    assert (answer["status"], answer["alternatives"]) == ("reserved", [offered])
    await settled(salon)


async def test_where_the_ledger_is_silent_the_slot_is_free_and_not_held(salon: World) -> None:
    """ "I am keeping it for you" is said once that is written down."""

    class Silent:
        async def take(self, _: object) -> None:
            raise LedgerUnavailable("no disk")

    real = salon.gateway.tenancies.sole.holding
    holding: Any = replace(real, holds=Silent())
    broken = replace(salon, gateway=serving(salon.gateway, holding=holding))
    assert (await broken.ask("reserve_slot", ANNA, **TEN))["status"] == "available"


# The mirror at Cal.com -----------------------------------------------------------------------------------------------


async def test_cal_com_is_told_for_as_long_as_the_hold_lasts(salon: World) -> None:
    """By its own clock: nobody needs to take it back."""
    await reserve(salon)
    (told,) = mirrors(salon)
    assert (told.method, told.target) == ("POST", RESERVATIONS)
    assert told.headers["cal-api-version"] == "2024-09-04"
    assert json.loads(told.body) == {
        "eventTypeId": 101,
        "slotStart": "2026-12-01T09:00:00Z",
        "reservationDuration": 5,
    }
    assert not listed(salon)
    salon.clock.pass_time(timedelta(minutes=5))
    assert listed(salon)


@pytest.mark.parametrize("shut", [None, Use.OFFER, Use.BACKGROUND])
async def test_both_pass_the_gate_before_cal_com(salon: World, shut: Use | None) -> None:
    """A reservation as an offer, its end as what nobody waits for. What may not be asked runs out by itself."""
    asked: list[Use] = []
    real = salon.gateway.tenancies.sole.holding
    gated: Any = real.calendar

    class Gates:
        async def enter(self, toll: Toll, use: Use, now: datetime) -> Passed | Shut:
            asked.append(use)
            return Shut(ShutWhy.BUDGET, now) if use is shut else Passed()

        async def heard(self, *_: object) -> bool:
            return False

    holding = replace(real, calendar=replace(gated, gates=Gates()))
    other = replace(salon, gateway=serving(salon.gateway, holding=holding))
    assert (await reserve(other))["status"] == "reserved"
    assert (await other.ask("release_slot_reservation", ANNA))["status"] == "released"
    await settled(other)
    assert asked == [Use.OFFER] + [Use.BACKGROUND] * (shut is not Use.OFFER)
    sent = {None: ["POST", "DELETE"], Use.OFFER: [], Use.BACKGROUND: ["POST"]}[shut]
    assert [one.method for one in mirrors(salon)] == sent


async def test_the_reply_does_not_wait_for_cal_com(salon: World) -> None:
    """Whatever becomes of the reservation, the hold stands and has been said."""
    asked, go_on = asyncio.Event(), asyncio.Event()
    real = salon.tap.inner.send

    async def send(request: WireRequest) -> WireAnswer:
        if request.target.startswith(RESERVATIONS):
            asked.set()
            await go_on.wait()
        return await real(request)

    salon.tap.inner.send = send  # type: ignore[method-assign]
    assert (await salon.ask("reserve_slot", ANNA, **TEN))["status"] == "reserved"
    await asked.wait()
    # Let go before the reservation was even answered: it is given up as soon as it is there.
    assert (await salon.ask("release_slot_reservation", ANNA))["status"] == "released"
    go_on.set()
    await settled(salon)
    assert [one.method for one in mirrors(salon)] == ["POST", "DELETE"]
    assert listed(salon)


async def test_a_team_is_not_hidden_by_one_of_its_holds(team: World) -> None:
    """One reservation would take the slot of all of them off the list: the ledger alone counts there."""
    assert (await reserve(team, ANNA))["status"] == "reserved"
    assert (await reserve(team, BEN))["status"] == "reserved"
    assert (await reserve(team, CARLA))["status"] == "unavailable"
    assert mirrors(team) == []
    assert await book(team, BEN) == "booked"
    assert await book(team, ANNA, name="Anna Weiß") == "booked"


async def test_what_a_team_has_left_is_booked_by_who_holds_it(team: World) -> None:
    """One of the two is booked already. Whoever else asks is offered another time, and the holder gets theirs."""
    assert await book(team, ANNA, name="Anna Weiß") == "booked"
    assert (await reserve(team, BEN))["status"] == "reserved"
    assert await book(team, CARLA, name="Carla Vogel") == "unavailable"
    assert await book(team, BEN) == "booked"


async def test_of_a_fourth_hold_the_firsts_mirror_goes(salon: World) -> None:
    """Its row went with the fourth; nobody would show that slot to anybody otherwise."""
    for at in ("10:00", "11:00", "12:00", "13:00"):
        assert (await reserve(salon, uhrzeit=at))["status"] == "reserved"
        salon.clock.pass_time(timedelta(seconds=1))
    assert len(held(salon)) == 3
    assert [one.method for one in mirrors(salon)] == ["POST"] * 4 + ["DELETE"]
    assert listed(salon)


# Letting go ----------------------------------------------------------------------------------------------------------


async def test_released_it_is_free_for_everybody(salon: World) -> None:
    """At Cal.com too; and a second time changes nothing."""
    await reserve(salon)
    for _ in range(2):
        answer = await salon.ask("release_slot_reservation", ANNA)
        assert (answer["success"], answer["status"], answer["bestaetigung_status"]) == (True, "released", "none")
        await settled(salon)
    assert held(salon) == []
    assert [one.method for one in mirrors(salon)] == ["POST", "DELETE"]
    assert listed(salon)
    assert await check(salon, BEN) == "available"


async def test_the_slot_that_is_named_is_released_and_no_other(salon: World) -> None:
    """By its opaque name or by its time."""
    await reserve(salon)
    other = await reserve(salon, uhrzeit="11:00")
    third = await reserve(salon, uhrzeit="12:00")
    await salon.ask("release_slot_reservation", ANNA, **TEN)
    await salon.ask("release_slot_reservation", ANNA, slot=third["alternatives"][0]["slot"])
    assert held(salon) == [("call_anna", other["alternatives"][0]["start"].replace("11:00:00+01:00", "10:00:00.000Z"))]
    await settled(salon)


async def test_a_slot_that_is_named_unclearly_is_asked_about(salon: World) -> None:
    """All of them are let go where none is named, and not where one is that nobody understood."""
    await reserve(salon)
    answer = await salon.ask("release_slot_reservation", ANNA, datum="irgendwann", uhrzeit="10:00")
    assert (answer["status"], answer["missing"][0]) == ("needs_input", "date")
    assert len(held(salon)) == 1


async def test_where_the_ledger_is_silent_nothing_is_said_to_be_released(salon: World) -> None:
    """It goes by itself; but that is not now."""

    class Silent:
        async def release_all(self, *_: object) -> None:
            raise LedgerUnavailable("no disk")

    silent: Any = Silent()
    holding = replace(salon.gateway.tenancies.sole.holding, holds=silent)
    answer = await replace(salon, gateway=serving(salon.gateway, holding=holding)).ask("release_slot_reservation", ANNA)
    assert (answer["success"], answer["status"]) == (False, "error")
    await holding.hang_up("default", "call_anna")  # nobody is there to be told


async def test_nobody_releases_anothers(salon: World) -> None:
    """Nor without a call, nor under an id that a model made up."""
    await reserve(salon)
    for call, said in ((BEN, {}), (None, {}), (None, {"call_id": "call_anna"})):
        assert (await salon.ask("release_slot_reservation", call, **said))["status"] == "released"
    assert len(held(salon)) == 1


async def test_who_books_holds_no_longer_what_they_booked(salon: World) -> None:
    """After the reply. What else they hold is theirs until they hang up: there may be a second booking."""
    await reserve(salon)
    await reserve(salon, uhrzeit="11:00")
    assert await book(salon, ANNA) == "booked"
    assert held(salon) == [("call_anna", "2026-12-01T10:00:00.000Z")]


async def test_who_moves_onto_what_they_hold_holds_it_no_longer(team: World) -> None:
    """Otherwise it is kept from the next caller although a second person is free then."""
    assert await book(team, ANNA, uhrzeit="15:00") == "booked"
    await reserve(team)
    moved = await team.ask("reschedule_appointment", ANNA, neues_datum="2026-12-01", neue_uhrzeit="10:00")
    await settled(team)
    assert (moved["status"], held(team)) == ("rescheduled", [])
    assert (await reserve(team, BEN))["status"] == "reserved"


async def test_who_holds_nothing_costs_a_booking_nothing(salon: World) -> None:
    """The way of every booking: no statement about holds, no request."""
    asked: list[str] = []
    real = salon.gateway.tenancies.sole.holding.holds

    class Noted:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(real, name)

    noted: Any = Noted()
    holding = replace(salon.gateway.tenancies.sole.holding, holds=noted)
    bookings = replace(salon.gateway.bookings, answered=holding.answered)
    gateway = serving(salon.gateway, holding=holding, bookings=bookings)
    assert await book(replace(salon, gateway=gateway), ANNA) == "booked"
    assert asked == []
    assert mirrors(salon) == []


async def test_a_held_slot_that_turns_out_taken_is_shown_as_theirs_no_longer(salon: World) -> None:
    """Somebody booked it in the calendar itself, which no reservation stops."""
    await reserve(salon)
    salon.calendar.create(101, AT_TEN, Attendee("Gast", "gast@example.test"))
    assert await book(salon, ANNA) == "slot_taken"
    assert held(salon) == []
    assert await check(salon, ANNA) == "unavailable"


async def test_when_they_hang_up_all_of_it_goes(salon: World) -> None:
    """Rows and mirrors; another's stay. Twice is once."""
    await reserve(salon)
    await reserve(salon, uhrzeit="11:00")
    await reserve(salon, BEN, uhrzeit="12:00")
    holding = salon.gateway.tenancies.sole.holding
    for _ in range(2):
        await holding.hang_up("default", "call_anna")
    await settled(salon)
    assert [row[0] for row in held(salon)] == ["call_ben"]
    assert [one.method for one in mirrors(salon)] == ["POST"] * 3 + ["DELETE"] * 2


async def test_a_hang_up_in_another_house_is_none_here(salon: World) -> None:
    await reserve(salon)
    await salon.gateway.tenancies.sole.holding.hang_up("praxis", "call_anna")
    assert len(held(salon)) == 1


async def test_after_its_time_it_is_nobodys(salon: World) -> None:
    """By itself, in the ledger and at Cal.com."""
    await reserve(salon)
    salon.clock.pass_time(timedelta(minutes=5))
    assert await check(salon, BEN) == "available"
    assert await book(salon, BEN) == "booked"


async def test_what_one_process_knows_of_holds_is_bounded(salon: World) -> None:
    """Calls that nobody hangs up are forgotten when what they held has run out."""
    holding: Holding = salon.gateway.tenancies.sole.holding
    for number in range(3):
        await reserve(salon, {"call_id": f"call_number{number}"}, uhrzeit=f"{10 + number}:00")
        salon.clock.pass_time(timedelta(minutes=5))
    assert list(holding._holding) == ["call_number2"]  # noqa: SLF001 - what is in memory is seen nowhere else


# Never one's own -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "offered"),
    [
        (ANNA, False),
        (ANNA | {"call_id": "call_later"}, False),
        (ANNA | {"from_number": "+4930901820"}, False),
        (BEN, True),
        ({"call_id": "call_hidden", "from_number": "anonymous"}, True),
    ],
    ids=["the call", "the line", "the call from elsewhere", "another's", "nobody known"],
)
async def test_nobody_is_offered_what_they_have(tmp_path: Path, call: dict[str, str], offered: bool) -> None:
    """A second host is free then, so that others are."""
    async with world(tmp_path, event_types=team_of_two()) as salon:
        assert await book(salon, ANNA) == "booked"
        assert (await check(salon, call) == "available") is offered
        early = await salon.ask("get_alternatives", call, **HALF_PAST)
        assert any(one["start"][:16] == "2026-12-01T10:00" for one in early["alternatives"]) is offered


async def test_a_number_that_is_only_said_tells_nobody_of_anothers_appointment(tmp_path: Path) -> None:
    """What is offered must not depend on it."""
    async with world(tmp_path, event_types=team_of_two()) as salon:
        assert await book(salon, ANNA) == "booked"
        assert await check(salon, BEN, telefon=ANNA["from_number"]) == "available"


async def test_what_was_cancelled_may_be_offered_again(tmp_path: Path) -> None:
    async with world(tmp_path, event_types=team_of_two()) as salon:
        assert await book(salon, ANNA) == "booked"
        salon.rows("UPDATE intents SET state = 'cancelled'")
        assert await check(salon, ANNA) == "available"


# A margin for the talk ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes_before", "status"), [(62, "available"), (61, "rejected"), (59, "rejected")])
async def test_what_is_offered_can_still_be_booked_two_minutes_later(
    tmp_path: Path, minutes_before: int, status: str
) -> None:
    """The house wants an hour's notice: who is told "free" must not hear "too late" once the name is spelled."""
    path = tmp_path / "einmal.toml"
    path.write_text(
        '[[services]]\nid = "beratung"\nname = "Beratung"\nevent_type_id = 101\nduration_minutes = 30\n'
        "notice_minutes = 60\n",
        "utf-8",
    )
    async with world(tmp_path, EINMAL_CONFIG=str(path)) as salon:
        salon.clock.pass_time(AT_TEN - timedelta(minutes=minutes_before) - salon.clock.now())
        answer = await salon.ask("check_availability", ANNA, **TEN)
        assert answer["status"] == status
        reserved = await salon.ask("reserve_slot", ANNA, **TEN)
        assert reserved["status"] == {"available": "reserved"}.get(status, status)
        assert await book(salon, ANNA) == ("rejected" if minutes_before < 60 else "booked")
