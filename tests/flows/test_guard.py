"""The answer of the incident, given to the whole gateway: a success that is somebody else's booking."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.sql.migrate import switch_layer_4, upgrade
from einmal.domain.facts import Alarm, Rejected
from support.world import World, world

SEED = {"EINMAL_GUARD_OWNERSHIP": "false"}
OFF = {f"EINMAL_GUARD_{layer}": "false" for layer in ("FRESHNESS", "IDENTITY", "LEDGER")}


async def first_caller(salon: World) -> bytes:
    """Books as any caller does; returns the calendar's answer, to be given to somebody else later."""
    kept: list[WireAnswer] = []

    async def keep(request: WireRequest) -> WireAnswer:
        kept.append(await salon.tap.inner.send(request))
        return kept[0]

    salon.tap.on_post = keep
    said = await salon.call("call_first00", name="book_appointment", telefon="030 901820")
    assert said["status"] == "booked"
    salon.clock.pass_time(timedelta(minutes=34))
    return kept[0].body


def replays(body: bytes, **changes: Any) -> Any:
    data = json.loads(body)
    data["data"] |= changes

    async def wire(_: WireRequest) -> WireAnswer:
        return WireAnswer(201, {}, json.dumps(data).encode(), 0.0)

    return wire


async def second_caller(salon: World, **args: Any) -> dict[str, Any]:
    wish = {"name": "Anna Vogel", "telefon": "030 5550123"} | args
    name = wish.pop("name")
    return await salon.raw(
        {
            "name": "book_appointment",
            "call": {"call_id": "call_second0"},
            "args": {"datum": "2026-12-01", "uhrzeit": "10:00", "dienstleistung": "Beratung", "name": name} | wish,
        }
    )


def only(layer: str) -> dict[str, str]:
    return SEED | {name: value for name, value in OFF.items() if not name.endswith(layer)}


@pytest.mark.parametrize(
    ("flags", "layer", "reason"),
    [
        (only("FRESHNESS"), "layer1", "stale_booking"),
        (only("IDENTITY"), "layer2", "call_id_mismatch"),
        (only("LEDGER"), "layer3", "database_duplicate"),
        (SEED | OFF, "layer4", "constraint_violation"),
        ({"EINMAL_GUARD_ENABLED": "false"}, "layer4", "constraint_violation"),
        (SEED, "layer1", "stale_booking"),
        ({}, "layer1", "stale_booking"),
        (OFF, "layer2", "identity_mismatch"),
    ],
    ids=["freshness", "identity", "ledger", "constraint", "guard off", "seed mode", "default", "ownership alone"],
)
async def test_the_incident_is_stopped(tmp_path: Path, flags: dict[str, str], layer: str, reason: str) -> None:
    """Each layer alone stops it in seed mode; under ownership no switch lets it through."""
    async with world(tmp_path, **flags) as salon:
        salon.tap.on_post = replays(await first_caller(salon))
        said = await second_caller(salon)
        assert (said["status"], said["success"]) == ("slot_taken", False)
        assert said["message"].startswith("Dieser Termin wurde bereits gebucht.")
        assert "Groß" not in json.dumps(said, ensure_ascii=False), "not a word of whose it is"
        [rejected] = [fact for fact in salon.observer.facts if isinstance(fact, Rejected)]
        assert (rejected.layer, rejected.reason) == (layer, reason)
        assert len(salon.rows("SELECT 1 FROM appointments")) == 1
        assert salon.states() == ["confirmed", "rejected"]
        assert len(salon.tap.posts) == 2
        [(_kind, data)] = salon.rows("SELECT kind, data FROM facts WHERE kind = 'rejected'")
        assert json.loads(data)["reason"] == reason
        assert "Vogel" not in data
        alarms = [fact.what for fact in salon.observer.facts if isinstance(fact, Alarm)]
        assert alarms == (["constraint_violation"] if layer == "layer4" else [])
        assert salon.calendar.bookings[0].status.value == "accepted", "and nobody's booking was cancelled"


async def test_the_control_without_layers_and_without_the_index(tmp_path: Path) -> None:
    """With everything off, layer 4 migrated down too, the incident happens: two rows, one booking, a lie."""
    upgrade(tmp_path / "ledger.sqlite3")
    switch_layer_4(tmp_path / "ledger.sqlite3", on=False)
    async with world(tmp_path, EINMAL_GUARD_ENABLED="false") as salon:
        salon.tap.on_post = replays(await first_caller(salon))
        assert (await second_caller(salon))["status"] == "booked"
        assert len(salon.rows("SELECT 1 FROM appointments")) == 2
        assert len(salon.calendar.bookings) == 1


async def test_a_foreign_answer_for_the_same_person_is_their_own_appointment(tmp_path: Path) -> None:
    """Another service, so another wish; the calendar hands this person's own booking back: they may hear so."""
    async with world(tmp_path, **SEED) as salon:
        body = await first_caller(salon)
        salon.tap.on_post = replays(body)
        said = await second_caller(salon, telefon="030 901820", dienstleistung="Haarschnitt")
        assert (said["status"], said["success"]) == ("already_booked", True)
        assert said["booking"]["service"] == "Beratung"
        assert len(salon.rows("SELECT 1 FROM appointments")) == 1
        assert await second_caller(salon, telefon="030 901820", dienstleistung="Haarschnitt") == said


async def test_our_id_on_another_start_is_for_a_person(salon: World) -> None:
    async def moved(request: WireRequest) -> WireAnswer:
        answer = await salon.tap.inner.send(request)
        data = json.loads(answer.body)
        data["data"]["start"] = "2026-12-01T11:00:00.000Z"
        return WireAnswer(201, {}, json.dumps(data).encode(), 0.0)

    salon.tap.on_post = moved
    assert (await salon.call())["status"] == "in_doubt"
    assert salon.states() == ["escalated"]
    assert [fact.what for fact in salon.observer.facts if isinstance(fact, Alarm)] == ["wrong_time"]


async def test_our_own_id_on_a_booking_of_another_row_is_for_a_person(salon: World) -> None:
    """No rule explains it: not booked, not rejected, and an alarm."""
    body = json.loads(await first_caller(salon))

    async def impossible(request: WireRequest) -> WireAnswer:
        operation = json.loads(request.body)["metadata"]["einmal_op"]
        data = {"data": body["data"] | {"metadata": {"einmal_op": operation}}}
        return WireAnswer(201, {}, json.dumps(data).encode(), 0.0)

    salon.tap.on_post = impossible
    assert (await second_caller(salon))["status"] == "in_doubt"
    assert salon.states() == ["confirmed", "escalated"]
    assert len(salon.rows("SELECT 1 FROM appointments")) == 1


@pytest.mark.parametrize("skew", [timedelta(days=1), timedelta(days=-1), timedelta(seconds=31)])
async def test_a_skewed_local_clock_decides_nothing(salon: World, skew: timedelta) -> None:
    """I17: the calendar's clock and ours differ; the own booking is the own booking."""

    async def elsewhere(request: WireRequest) -> WireAnswer:
        answer = await salon.tap.inner.send(request)
        data = json.loads(answer.body)
        created = salon.clock.now() + skew
        data["data"]["createdAt"] = created.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        date = created.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return WireAnswer(201, {"date": date}, json.dumps(data).encode(), 0.0)

    salon.tap.on_post = elsewhere
    assert (await salon.call())["status"] == "booked"
    assert [fact for fact in salon.observer.facts if isinstance(fact, Rejected)] == []
