"""Phone calls as they happen to a gateway, for whoever shows what became of them. Everybody in them is invented."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.ports import CallContact, CallNews
from support.world import World

HOUSE = "termin@salon.test"
FIRST, SECOND = "call_5f0d9a6e2b7c41d8a3e6", "call_b84c1e07f93d4a52c6b1"
BETWEEN = timedelta(minutes=34, seconds=28)
LINE = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}


async def told(world: World) -> World:
    """What was noted of function calls is written."""
    await world.gateway.journal.turn()
    return world


def under_one_address(world: World) -> None:
    """The calendar as if everybody were booked under the house's address: a round-robin event type then takes two
    people for one, and answers the second with the booking of the first."""

    async def send(request: WireRequest) -> WireAnswer:
        body = json.loads(request.body)
        body["attendee"]["email"] = HOUSE
        return await world.tap.inner.send(replace(request, body=json.dumps(body).encode()))

    world.tap.on_post = send


async def incident(world: World) -> None:
    """Two people, one slot, 35 minutes apart; the second POST is answered with the booking of the first."""
    under_one_address(world)
    wish = {"datum": "2026-12-01", "uhrzeit": "08:00", "dienstleistung": "Beratung"}
    await world.gateway.calls.told("default", _news(world, FIRST, began=True), world.gateway.tenancies.sole.holding)
    await world.ask("collect_appointment", _call(FIRST), name="Clara Winter", **wish | {"bestaetigung": False})
    world.clock.pass_time(timedelta(seconds=26))
    await world.ask("collect_appointment", _call(FIRST), name="Clara Winter", **wish)
    await world.gateway.calls.told("default", _news(world, FIRST, began=False), world.gateway.tenancies.sole.holding)
    world.clock.pass_time(BETWEEN)
    await world.gateway.calls.told("default", _news(world, SECOND, began=True), world.gateway.tenancies.sole.holding)
    world.clock.pass_time(timedelta(seconds=41))
    await world.ask("collect_appointment", _call(SECOND), name="Paul Brandt", **wish)
    world.clock.pass_time(timedelta(seconds=12))
    await world.gateway.calls.told("default", _news(world, SECOND, began=False), world.gateway.tenancies.sole.holding)
    world.tap.on_post = None
    await told(world)


async def lost_then_found(world: World, call_id: str = "call_lost", at: str = "11:00") -> None:
    """The answer to the POST is lost after it was processed, and no look is answered while the caller waits; the
    booking is found behind the call."""

    async def after_commit(request: WireRequest) -> WireAnswer:
        await world.tap.inner.send(request)
        raise MaybeSent("timeout")

    async def blind(_: WireRequest) -> WireAnswer:
        raise MaybeSent("timeout")

    world.tap.on_post, world.tap.on_get = after_commit, blind
    call = {"call_id": call_id, "from_number": f"+49309018{at[:2]}"}
    name = "Jürgen Groß" if at == "11:00" else "Anna Weiß"
    await world.ask("book_appointment", call, **_wish(at) | {"name": name})
    world.tap.on_post = world.tap.on_get = None
    await told(world)


async def escalated(world: World, call_id: str = "call_odd") -> str:
    """An intent whose booking came back at another time: a person must rule. Its id."""

    async def moved(request: WireRequest) -> WireAnswer:
        answer = await world.tap.inner.send(request)
        data = json.loads(answer.body)
        data["data"]["start"] = "2026-12-01T13:00:00.000Z"
        return WireAnswer(201, {}, json.dumps(data).encode(), 0.0)

    world.tap.on_post = moved
    await world.ask("book_appointment", _call(call_id), **_wish("12:00"))
    world.tap.on_post = None
    await told(world)
    [(intent_id,)] = world.rows("SELECT intent_id FROM intents WHERE state = 'escalated'")
    return str(intent_id)


async def moved_then_cancelled(world: World) -> None:
    """One call books, moves and cancels."""
    await world.ask("book_appointment", LINE, **_wish("10:00"))
    world.clock.pass_time(timedelta(seconds=30))
    await world.ask("reschedule_appointment", LINE, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    world.clock.pass_time(timedelta(seconds=30))
    await world.ask("cancel_appointment", LINE)
    await told(world)


async def wants_a_call_back(world: World, call_id: str = "call_back") -> None:
    """Asks a question, wants to be called back, and hangs up without booking."""
    call = {"call_id": call_id, "from_number": "+491701234567"}
    await world.gateway.calls.told("default", _news(world, call_id, began=True), world.gateway.tenancies.sole.holding)
    await world.ask("get_opening_hours", call)
    world.clock.pass_time(timedelta(seconds=20))
    said = {"name": "Anna Weiß", "grund": "Allergie besprechen", "wann": "morgen ab 17 Uhr"}
    await world.ask("request_callback", call, **said)
    world.clock.pass_time(timedelta(seconds=5))
    await world.gateway.calls.told("default", _news(world, call_id, began=False), world.gateway.tenancies.sole.holding)
    await told(world)


async def mended(world: World) -> None:
    """What is due now is looked at."""
    await world.gateway.worker.turn()


def _wish(at: str) -> dict[str, Any]:
    return {"datum": "2026-12-01", "uhrzeit": at, "name": "Jürgen Groß", "dienstleistung": "Beratung"}


def _call(call_id: str) -> dict[str, Any]:
    return {"call_id": call_id, "from_number": "anonymous"}


def _news(world: World, call_id: str, *, began: bool) -> CallNews:
    now = world.clock.now()
    contact = CallContact("retell", call_id, "agent_1")
    times: dict[str, Any] = {"started_at": now} if began else {"ended_at": now, "disconnection_reason": "user_hangup"}
    return CallNews(contact, "inbound", **times)
