"""Call-backs through the gateway: noted before it is said, once, and told to the house."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.functions.names import SECONDS, Does
from einmal.domain.callback import Callback
from einmal.domain.facts import Alarm
from einmal.domain.promise import MessageKind
from einmal.entrypoints.http.retell import function_call
from einmal.flows.call_back import NOTE_SECONDS
from einmal.ports import Message
from einmal.simulator.storage import FaultyStore, StorageFault
from einmal.wiring import Gateway
from support.world import World, world

CALL = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}
WITHHELD = CALL | {"from_number": "anonymous"}
SAID = {"name": "Jürgen Groß", "grund": "Termin verschieben", "wann": "morgen ab 17 Uhr"}


@dataclass
class Letterbox:
    letters: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> str | None:
        self.letters.append(message)
        return None


def rows(salon: World) -> list[tuple[Any, ...]]:
    columns = "conversation_id, person_name, person_phone, note, wanted, created_at, done_at"
    return salon.rows(f"SELECT {columns} FROM callbacks ORDER BY callback_id")  # noqa: S608 - the tests' own words


ROW = ("call_7d4d0c", "Jürgen Groß", "+491701234567", "Termin verschieben", "morgen ab 17 Uhr")
BORN = "2026-11-23T09:00:00.000Z"


async def test_a_call_back_is_noted_and_said_to_be(salon: World) -> None:
    """The answer's schema, the sentence, and the row behind it; the calendar is not asked."""
    before = len(salon.tap.requests)
    assert await salon.ask("request_callback", CALL, **SAID) == {
        "success": True,
        "status": "noted",
        "message": "Ihren Rückrufwunsch habe ich notiert.",
        "bestaetigung_status": "none",
    }
    assert rows(salon) == [(*ROW, BORN, None)]
    assert len(salon.tap.requests) == before


async def test_asked_twice_it_is_noted_once(salon: World) -> None:
    """A doubled request and a model that asks again: one row, one message a channel, and the caller is not misled."""
    first = await salon.ask("request_callback", CALL, **SAID)
    second = await salon.ask("request_callback", CALL, **SAID)
    assert [first["status"], second["status"]] == ["noted", "noted"]
    assert second["message"] == "Ihr Rückrufwunsch ist bereits notiert."
    assert rows(salon) == [(*ROW, BORN, None)]
    assert salon.rows("SELECT channel, kind FROM outbox") == [("log", "callback")]


async def test_what_is_said_later_is_added(salon: World) -> None:
    await salon.ask("request_callback", CALL)
    await salon.ask("request_callback", CALL, **SAID)
    assert rows(salon) == [(*ROW, BORN, None)]


async def test_without_a_number_it_is_asked_for_and_nothing_is_noted(salon: World) -> None:
    """A withheld line: then the number that is said."""
    asked = await salon.ask("request_callback", WITHHELD, **SAID)
    assert (asked["success"], asked["status"], asked["missing"]) == (False, "needs_input", ["phone"])
    assert asked["message"] == "Unter welcher Nummer erreichen wir Sie?"
    assert rows(salon) == []
    told = await salon.ask("request_callback", WITHHELD, **SAID, telefon="030 901820")
    assert told["status"] == "noted"
    assert [row[2] for row in rows(salon)] == ["+4930901820"]


async def test_it_may_be_asked_for_after_the_hang_up(salon: World) -> None:
    """Nothing is booked then; that somebody wants to be called is as true as before."""
    await salon.call(from_number="+491701234567")
    salon.rows("UPDATE calls SET ended_at = '2026-11-23T09:00:00.000Z'")
    assert (await salon.ask("request_callback", CALL, **SAID))["status"] == "noted"


async def test_the_house_is_told_by_the_worker(salon: World) -> None:
    """From the outbox, once."""
    box = Letterbox()
    couriers: Any = salon.gateway.worker.deliveries.couriers
    couriers["log"] = box
    await salon.ask("request_callback", CALL, **SAID)
    assert await salon.gateway.worker.deliveries.turn() == 1
    assert await salon.gateway.worker.deliveries.turn() == 0
    (letter,) = box.letters
    assert letter.kind is MessageKind.CALLBACK
    assert isinstance(letter.about, Callback)
    assert (letter.about.phone, letter.about.note) == ("+491701234567", "Termin verschieben")


async def test_who_cannot_be_told_raises_an_alarm_without_an_intent(salon: World) -> None:
    """As for bookings: after minutes it is somebody's business. Ids only."""
    couriers: Any = salon.gateway.worker.deliveries.couriers
    couriers.clear()
    await salon.ask("request_callback", CALL, **SAID)
    for _ in range(4):
        await salon.gateway.worker.deliveries.turn()
        salon.clock.pass_time(timedelta(hours=1))
    (alarm,) = (fact for fact in salon.observer.facts if isinstance(fact, Alarm))
    assert (alarm.what, alarm.intent_id, alarm.detail) == ("notification_failing", None, "log: no_such_channel")


# The ledger fails ------------------------------------------------------------------------------------------------


@dataclass
class Failing:
    """A gateway whose commits go wrong as told, one after the other."""

    world: World
    gateway: Gateway
    faults: list[StorageFault]

    async def ask(self, **args: Any) -> dict[str, Any]:
        body = {"name": "request_callback", "args": args, "call": CALL}
        answer: dict[str, Any] = json.loads(await function_call(self.gateway).answer(json.dumps(body).encode()))
        return answer


@pytest.fixture
async def failing(tmp_path: Path) -> AsyncIterator[Failing]:
    async with world(tmp_path) as made:
        faults: list[StorageFault] = []
        ledger: Any = made.gateway.ledger
        store = FaultyStore(ledger._store, lambda: faults.pop(0) if faults else None)  # noqa: SLF001 - under the fault
        ledger.callbacks._store = store  # noqa: SLF001 - the same
        yield Failing(made, made.gateway, faults)


@pytest.mark.parametrize(
    "faults",
    [
        [StorageFault.UNAVAILABLE],
        [StorageFault.UNKNOWN_LOST, StorageFault.UNAVAILABLE],
        [StorageFault.UNKNOWN_LOST, StorageFault.UNKNOWN_LOST],
    ],
    ids=["unavailable", "unknown-then-unavailable", "unknown-twice"],
)
async def test_a_ledger_that_fails_promises_nothing(failing: Failing, faults: list[StorageFault]) -> None:
    """An error with its id; the sentence offers no call-back, and claims none."""
    failing.faults += faults
    answer = await failing.ask(**SAID)
    assert (answer["success"], answer["status"]) == (False, "error")
    assert answer["error_id"]
    assert answer["message"] == (
        "Entschuldigung, ich konnte Ihren Rückrufwunsch nicht sicher notieren. Bitte rufen Sie später noch einmal an."
    )
    assert rows(failing.world) == []
    (alarm,) = (fact for fact in failing.world.observer.facts if isinstance(fact, Alarm))
    assert (alarm.what, alarm.intent_id) == ("callback_not_noted", None)


@pytest.mark.parametrize("fault", [StorageFault.UNKNOWN_WRITTEN, StorageFault.UNKNOWN_LOST])
async def test_a_commit_that_nobody_heard_of_is_made_again(failing: Failing, fault: StorageFault) -> None:
    """Written or not: one row afterwards, and this caller is told that it is noted, not that it was before."""
    failing.faults.append(fault)
    answer = await failing.ask(**SAID)
    assert answer["message"] == "Ihren Rückrufwunsch habe ich notiert."
    assert rows(failing.world) == [(*ROW, BORN, None)]
    assert failing.world.rows("SELECT channel, kind FROM outbox") == [("log", "callback")]


async def test_a_ledger_that_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody is told that it is noted; what was under way is finished all the same, and heard of by who asks again."""
    async with world(tmp_path, EINMAL_REPLY_SECONDS="0.2") as made:
        ledger: Any = made.gateway.ledger
        store, go_on, written = ledger.callbacks._store, asyncio.Event(), asyncio.Event()  # noqa: SLF001 - made slow

        class Slow:
            async def write(self, work: Any) -> Any:
                await go_on.wait()
                stands = await store.write(work)
                written.set()
                return stands

        ledger.callbacks._store = Slow()  # noqa: SLF001 - the same
        late = await made.ask("request_callback", CALL, **SAID)
        assert (late["status"], rows(made)) == ("error", [])
        assert "nicht sicher" in late["message"]
        go_on.set()
        await written.wait()
        again = await made.ask("request_callback", CALL, **SAID)
        assert again["message"] == "Ihr Rückrufwunsch ist bereits notiert."
        assert rows(made) == [(*ROW, BORN, None)]


def test_its_own_budget_ends_before_the_endpoints() -> None:
    """Else the caller would hear that a calendar cannot be reached."""
    assert SECONDS[Does.CALL_BACK] > NOTE_SECONDS


async def test_nothing_of_the_caller_is_logged(
    failing: Failing, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noted, repeated, asked, failed: ids and words of ours."""
    monkeypatch.setattr(logging.getLogger("einmal"), "propagate", True)
    caplog.set_level(logging.DEBUG, "einmal")
    await failing.ask(**SAID)
    await failing.ask(**SAID)
    await failing.ask(**SAID, telefon="die vom Kanarienvogel")
    failing.faults.append(StorageFault.UNAVAILABLE)
    await failing.ask(**SAID, telefon="030 901820")
    await failing.gateway.worker.deliveries.turn()
    written = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "somebody wants to be called back" in written
    assert not [
        word for word in ("Groß", "1701234567", "901820", "verschieben", "17 Uhr", "Kanarien") if word in written
    ]
