"""The table of failures, of changes and of calls: what goes wrong, what the caller hears, who repairs it.

Through the HTTP route, on real SQLite, before a simulated Cal.com, in virtual time. The names are the table's.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.domain.settle import SettlePolicy
from einmal.simulator.asgi import request
from support.virtual import NOTIFIED, WISH, Open, Salon, pass_time, play, salon

WINDOW = SettlePolicy().window
LINE = {"call_id": "call_2nd", "from_number": "+491701234567", "direction": "inbound"}
NEW = datetime(2026, 12, 2, 13, 0, tzinfo=UTC)
"""Two in the afternoon in Berlin."""

CHANGES = {
    "cancel_appointment": {},
    "reschedule_appointment": {"neues_datum": "2026-12-02", "neue_uhrzeit": "14:00"},
}
DONE = {"cancel_appointment": "cancelled", "reschedule_appointment": "rescheduled"}


def fault(name: str, operation: str, nth: str = "[1]", **more: float) -> str:
    lines = [f"{key} = {value}" for key, value in more.items()]
    when = [f"nth = {nth}"] if nth else []
    return "\n".join(["[[rule]]", f'fault = "{name}"', f"operation = {operation}", *when, *lines, ""])


def of(function: str) -> str:
    return '"cancel"' if function == "cancel_appointment" else '"reschedule"'


async def ask(gateway: Open, function: str, /, **args: Any) -> dict[str, Any]:
    body = json.dumps({"name": function, "call": LINE, "args": args}, ensure_ascii=False).encode()
    answer = await request(gateway.app, "POST", "/api/retell/function-call", body)
    assert answer.status == 200
    said: dict[str, Any] = answer.json
    return said


async def booked(gateway: Open) -> None:
    assert (await ask(gateway, "book_appointment", **WISH))["status"] == "booked"


def sent(gateway: Open) -> int:
    return sum(one.target.endswith(("/cancel", "/reschedule")) for one in gateway.tap.requests)


def changed(made: Salon) -> list[str]:
    return [state for (state,) in made.rows("SELECT state FROM changes ORDER BY change_id")]


@pytest.mark.parametrize("function", CHANGES)
@pytest.mark.parametrize("how", ["lost_answer", "error_after_commit"])
def test_answer_to_a_change_lost(tmp_path: Path, function: str, how: str) -> None:
    """It is read again while the caller waits."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            await booked(gateway)
            assert (await ask(gateway, function, **CHANGES[function]))["status"] == DONE[function]
            assert (sent(gateway), changed(made)) == (1, ["done"])

    play(story, salon(tmp_path, fault(how, of(function))))


def test_request_to_cancel_lost(tmp_path: Path) -> None:
    """What was told to be under way is sent again, until a read shows it; and the news says so."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work()
            await booked(gateway)
            said = await ask(gateway, "cancel_appointment")
            assert (said["status"], said["success"], said["do_not_rebook"]) == ("in_doubt", False, True)
            assert "Sie bekommen gleich Bescheid" in said["message"]
            assert (await ask(gateway, "booking_status"))["status"] == "in_doubt"
            await pass_time(timedelta(minutes=3))
            assert (sent(gateway), changed(made), made.live) == (2, ["done"], [])
            assert (await ask(gateway, "booking_status"))["status"] == "cancelled"
            assert [letter[1:] for letter in gateway.letterbox.letters] == [("resolved", "cancelled")]

    play(story, salon(tmp_path, fault("lost_request", '"cancel"'), **NOTIFIED))


def test_no_cancel_arrives(tmp_path: Path) -> None:
    """After three it is for a person; whoever cancels it there ends it."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work(pause_seconds=20)  # hours pass
            await booked(gateway)
            await ask(gateway, "cancel_appointment")
            await pass_time(timedelta(hours=1))
            assert (sent(gateway), changed(made)) == (3, ["escalated"])
            assert "cancel_without_effect" in made.alarms
            assert "needs_person" in [letter[1] for letter in gateway.letterbox.letters]
            made.calcom.calendar.cancel(made.bookings[0].uid, "von Hand")
            await pass_time(timedelta(hours=2))
            assert (changed(made), made.states) == (["done"], ["cancelled"])

    play(story, salon(tmp_path, fault("lost_request", '"cancel"', nth=""), **NOTIFIED))


def test_request_to_move_lost(tmp_path: Path) -> None:
    """Never sent again: after the settle window the appointment stands where it was, and the news says so."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work()
            await booked(gateway)
            assert (await ask(gateway, "reschedule_appointment", **CHANGES["reschedule_appointment"]))[
                "status"
            ] == "in_doubt"
            await pass_time(WINDOW + timedelta(minutes=1))
            assert (sent(gateway), changed(made)) == (1, ["refused"])
            assert [one.start for one in made.live] == [datetime(2026, 12, 1, 9, 0, tzinfo=UTC)]
            assert [letter[1:] for letter in gateway.letterbox.letters] == [("resolved", "error")]

    play(story, salon(tmp_path, fault("lost_request", '"reschedule"'), **NOTIFIED))


def test_move_arrives_after_it_was_given_up(tmp_path: Path) -> None:
    """The calendar has moved it after all: the sweep sees it, and the ledger follows."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work()
            await booked(gateway)
            await ask(gateway, "reschedule_appointment", **CHANGES["reschedule_appointment"])
            await pass_time(WINDOW + timedelta(minutes=1))
            made.calcom.calendar.reschedule(made.bookings[0].uid, NEW, by_owner=True)
            await pass_time(timedelta(minutes=20))
            assert made.states == ["moved", "rejected", "confirmed"]
            assert (await ask(gateway, "get_customer_appointments"))["appointments"][0]["start"].startswith(
                "2026-12-02"
            )
            assert len(made.live) == 1

    play(story, salon(tmp_path, fault("lost_request", '"reschedule"')))


@pytest.mark.parametrize("function", CHANGES)
@pytest.mark.parametrize("landed", [True, False])
def test_process_killed_during_a_change(tmp_path: Path, function: str, landed: bool) -> None:
    """The row says `sent`; the next process takes it for the doubt that it is, and looks."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            await booked(gateway)
            asyncio.create_task(ask(gateway, function, **CHANGES[function]))  # noqa: RUF006 - it dies with its process
            while sent(gateway) == 0:
                await pass_time(0.05)
            await gateway.kill()
        assert changed(made) == ["sent"]
        async with made.gateway() as gateway:
            gateway.work()
            assert (await ask(gateway, function, **CHANGES[function]))["status"] in {"in_doubt", DONE[function]}
            await pass_time(WINDOW + timedelta(minutes=2))
            moved_or_gone = landed or function == "cancel_appointment"
            assert changed(made) == (["done"] if moved_or_gone else ["refused"])
            assert len(made.live) == (function == "reschedule_appointment")

    play(story, salon(tmp_path, "" if landed else fault("lost_request", of(function))))


def test_calendar_refuses_a_change(tmp_path: Path) -> None:
    """Nothing was changed, and that is said; an appointment that cannot be read is not touched."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            await booked(gateway)
            said = await ask(gateway, "cancel_appointment")
            assert (said["status"], "nichts geändert" in said["message"]) == ("error", True)
            assert (sent(gateway), len(made.live)) == (0, 1)

    play(story, salon(tmp_path, fault("refused_connection", '"get"', nth="")))


@pytest.mark.parametrize("function", CHANGES)
def test_changed_by_others_meanwhile(tmp_path: Path, function: str) -> None:
    """Staff were faster at the calendar: what they did stands, and the ledger follows."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work()
            await booked(gateway)
            await ask(gateway, function, **CHANGES[function])
            made.calcom.calendar.reschedule(made.bookings[0].uid, NEW + timedelta(days=7), by_owner=True)
            await pass_time(WINDOW + timedelta(minutes=1))
            assert changed(made)[0] == "refused"
            assert [one.start for one in made.live] == [NEW + timedelta(days=7)]
            assert "confirmed" in made.states

    play(story, salon(tmp_path, fault("lost_request", of(function))))


def test_wish_after_the_hang_up(tmp_path: Path) -> None:
    """The call is over; what was wished in it is not begun any more."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            event = {"event": "call_ended", "call": LINE | {"disconnection_reason": "user_hangup"}}
            answer = await request(gateway.app, "POST", "/api/webhooks/retell", json.dumps(event).encode())
            assert answer.status == 200
            said = await ask(gateway, "book_appointment", **WISH)
            assert (said["status"], said["success"]) == ("rejected", False)
            assert made.bookings == []

    play(story, salon(tmp_path))
