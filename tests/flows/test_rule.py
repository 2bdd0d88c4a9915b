"""Rulings: a person's decision, by the same guarded moves."""

import json

import pytest

from einmal.adapters.calcom.transport import NeverSent, WireAnswer, WireRequest
from einmal.flows.rule import CannotRule
from support.world import World


async def escalated(salon: World) -> str:
    """An intent whose booking came back at another time; returns its id."""

    async def moved(request: WireRequest) -> WireAnswer:
        answer = await salon.tap.inner.send(request)
        data = json.loads(answer.body)
        data["data"]["start"] = "2026-12-01T11:00:00.000Z"
        return WireAnswer(201, {}, json.dumps(data).encode(), 0.0)

    salon.tap.on_post = moved
    await salon.call()
    salon.tap.on_post = None
    [(intent_id, state)] = salon.rows("SELECT intent_id, state FROM intents")
    assert state == "escalated"
    return str(intent_id)


async def test_ruled_booked_is_booked_with_what_the_calendar_says(salon: World) -> None:
    intent_id = await escalated(salon)
    await salon.gateway.rulings.booked(intent_id, salon.calendar.bookings[0].uid)
    said = await salon.call()
    assert (said["status"], said["booking"]["start"]) == ("booked", "2026-12-01T10:00:00+01:00")
    assert salon.states() == ["confirmed"]


async def test_ruled_not_booked_is_a_no_and_may_be_wished_again(salon: World) -> None:
    intent_id = await escalated(salon)
    salon.calendar.cancel(salon.calendar.bookings[0].uid, "by hand")
    await salon.gateway.rulings.not_booked(intent_id)
    assert (await salon.call())["status"] == "error"
    salon.clock.pass_time(salon.gateway.bookings.house_rules.admission.replay_no_for * 2)
    assert (await salon.call())["status"] == "booked"


async def test_what_cannot_be_ruled_says_why_and_changes_nothing(salon: World) -> None:
    rulings = salon.gateway.rulings
    with pytest.raises(CannotRule, match="there is no intent"):
        await rulings.not_booked("nobody")
    intent_id = await escalated(salon)
    with pytest.raises(CannotRule, match="no live booking"):
        await rulings.booked(intent_id, "unknown")

    async def blind(_: WireRequest) -> WireAnswer:
        raise NeverSent("connect")

    salon.tap.on_get = blind
    with pytest.raises(CannotRule, match="could not be asked"):
        await rulings.booked(intent_id, salon.calendar.bookings[0].uid)
    salon.tap.on_get = None
    assert salon.states() == ["escalated"]
    await rulings.not_booked(intent_id)
    with pytest.raises(CannotRule, match="rejected; only an escalated one"):
        await rulings.not_booked(intent_id)


async def test_a_booking_that_another_intent_holds_cannot_be_given_away(salon: World) -> None:
    await salon.call("call_other", uhrzeit="12:00", telefon="030 5550123")
    held = salon.calendar.bookings[0].uid
    salon.observer.facts.clear()

    async def moved(request: WireRequest) -> WireAnswer:
        answer = await salon.tap.inner.send(request)
        data = json.loads(answer.body)
        data["data"]["eventTypeId"] = 999
        return WireAnswer(201, {}, json.dumps(data).encode(), 0.0)

    salon.tap.on_post = moved
    await salon.call()
    [(intent_id,)] = salon.rows("SELECT intent_id FROM intents WHERE state = 'escalated'")
    with pytest.raises(CannotRule, match="another intent"):
        await salon.gateway.rulings.booked(intent_id, held)
    assert len(salon.rows("SELECT 1 FROM appointments")) == 1
