"""The table of failures of docs/guarantees.md, row by row: what goes wrong, what the caller hears, who repairs it.

Through the HTTP route, on real SQLite, before a simulated Cal.com, in virtual time. The names are the table's.
"""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.domain.settle import SettlePolicy
from einmal.simulator.records import EventType, Host, Scheduling
from einmal.simulator.storage import StorageFault, faulty_sqlite
from einmal.simulator.virtual import run_virtual
from support.virtual import NOTIFIED, Open, Salon, pass_time, play, salon

WINDOW = SettlePolicy().window
SLOW = 20.0
"""Between two turns of a worker where an hour passes, and nothing is looked at to the second."""
TEAM = (
    EventType(
        201,
        "team",
        "Beratung",
        30,
        (Host(1, "Anna", "anna@host.test", "anna"), Host(2, "Ben", "ben@host.test", "ben")),
        Scheduling.ROUND_ROBIN,
    ),
)


def fault(name: str, operation: str = '"create"', nth: str = "[1]", **more: float) -> str:
    lines = [f"{key} = {value}" for key, value in more.items()]
    when = [f"nth = {nth}"] if nth else []
    return "\n".join(["[[rule]]", f'fault = "{name}"', f"operation = {operation}", *when, *lines, ""])


BLIND = fault("refused_connection", '["list", "get"]', nth="")


def posts(gateway: Open) -> int:
    return len(gateway.tap.posts)


def cancels(gateway: Open) -> int:
    return sum(request.target.endswith("/cancel") for request in gateway.tap.requests)


@pytest.mark.parametrize("how", ["lost_request", "error_before_commit"])
def test_request_lost(tmp_path: Path, how: str) -> None:
    """In doubt, then after the settle window a true no; nothing is sent again by itself."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work()
            said = await gateway.call(telefon="030 9018 2000")
            assert (said["status"], said["success"], said["do_not_rebook"]) == ("in_doubt", False, True)
            assert "Sie bekommen gleich Bescheid" in said["message"]
            await pass_time(WINDOW - timedelta(seconds=30))
            assert made.states == ["doubt"]
            await pass_time(60)
            assert made.states == ["rejected"]
            assert "nichts gebucht" in (await gateway.call(telefon="030 9018 2000"))["message"]
            assert [letter[1:] for letter in gateway.letterbox.letters] == [("resolved", "error")]
            assert posts(gateway) == 1
            assert made.bookings == []

    play(story, salon(tmp_path, fault(how), **NOTIFIED))


@pytest.mark.parametrize("how", ["lost_answer", "error_after_commit"])
def test_answer_lost(tmp_path: Path, how: str) -> None:
    """Found by its id while the caller waits: booked, by one POST."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            said = await gateway.call()
            assert said["status"] == "booked"
            assert (posts(gateway), len(made.live)) == (1, 1)

    play(story, salon(tmp_path, fault(how)))


def test_answer_lost_control(tmp_path: Path) -> None:
    """The control: a client that sends again after a lost answer books both hosts of a team."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            assert (await gateway.call())["status"] == "booked"
            [post] = gateway.tap.posts
            again = json.loads(post.body)
            again["attendee"]["email"] = "termin+again@salon.test"
            deadline = made.clock.monotonic() + 10
            body = json.dumps(again).encode()
            await gateway.tap.inner.send(WireRequest("POST", post.target, post.headers, body, deadline, deadline))
            assert len(made.live) == 2

    play(story, salon(tmp_path, fault("lost_answer"), event_types=TEAM))


def test_arrives_within_the_window(tmp_path: Path) -> None:
    """In doubt, and told that it is booked as soon as it is."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work()
            assert (await gateway.call())["status"] == "in_doubt"
            await pass_time(WINDOW)
            assert made.states == ["confirmed"]
            assert [letter[1:] for letter in gateway.letterbox.letters] == [("resolved", "booked")]
            assert (await gateway.call())["status"] == "booked"
            assert (posts(gateway), len(made.live)) == (1, 1)

    play(story, salon(tmp_path, fault("late_commit", commit_after_seconds=200), **NOTIFIED))


def test_arrives_after_the_no(tmp_path: Path) -> None:
    """It is found by the sweeper, taken back, and counted as regret; the slot is free again."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work()
            assert (await gateway.call())["status"] == "in_doubt"
            await pass_time(WINDOW + timedelta(minutes=1))
            assert made.states == ["rejected"]
            await pass_time(timedelta(minutes=20))
            assert made.states == ["compensated"]
            assert (len(made.bookings), made.live) == (1, [])
            assert made.bookings[0].cancellation_reason
            assert [letter[1] for letter in gateway.letterbox.letters] == ["resolved", "taken_back"]
            assert made.alarms == ["booking_after_no", "booking_taken_back"]
            assert (await gateway.call())["status"] == "booked", "and may be wished again"
            assert cancels(gateway) == 1

    play(story, salon(tmp_path, fault("late_commit", commit_after_seconds=900), **NOTIFIED))


def test_arrives_after_the_no_control(tmp_path: Path) -> None:
    """The control: without a sweeper the booking that nobody knows of stands."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            await gateway.call()
            for _ in range(40):
                await pass_time(60)
                await gateway.gateway.worker.recovery.turn()
                made.calcom.tick()
            assert made.states == ["rejected"]
            assert len(made.live) == 1

    play(story, salon(tmp_path, fault("late_commit", commit_after_seconds=900)))


@pytest.mark.parametrize("cancel", ["lost_answer", "lost_request", "error_after_commit", "error_before_commit"])
def test_taking_back_fails(tmp_path: Path, cancel: str) -> None:
    """Cancelled again after a read, at most three times."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work(SLOW)
            await gateway.call()
            await pass_time(timedelta(minutes=45))
            assert made.states == ["compensated"]
            assert made.live == []
            assert cancels(gateway) <= 3

    late = fault("late_commit", commit_after_seconds=900)
    play(story, salon(tmp_path, late + fault(cancel, '"cancel"', nth="[1, 2]")))


def test_taking_back_never_works(tmp_path: Path) -> None:
    """After three cancels in vain a person is told; it goes on looking, and sees when they have done it."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work(SLOW)
            await gateway.call()
            await pass_time(timedelta(minutes=40))
            assert made.states == ["compensating"]
            assert cancels(gateway) == 3
            assert "compensation_stuck" in made.alarms
            made.calcom.calendar.cancel(made.live[0].uid, "by hand")
            await pass_time(timedelta(hours=1))
            assert made.states == ["compensated"]

    late = fault("late_commit", commit_after_seconds=900)
    play(story, salon(tmp_path, late + fault("error_before_commit", '"cancel"', nth="")))


def test_look_ups_lag(tmp_path: Path) -> None:
    """An empty look proves nothing: the replica shows it seconds later, and it is booked."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work()
            said = await gateway.call()
            assert said["status"] in {"in_doubt", "booked"}
            await pass_time(60)
            assert made.states == ["confirmed"]
            assert (posts(gateway), len(made.live)) == (1, 1)

    lag = fault("replica_lag", '["list", "get"]', nth="", lag_seconds=20)
    play(story, salon(tmp_path, fault("lost_answer") + lag))


@pytest.mark.parametrize("how", ["conflict_409", "conflict_400"])
def test_slot_taken(tmp_path: Path, how: str) -> None:
    """Taken, with alternatives, after one look that it is not ourselves."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            said = await gateway.call()
            assert (said["status"], said["success"]) == ("slot_taken", False)
            assert said["message"].startswith("Dieser Termin wurde bereits gebucht.")
            assert len(said["alternatives"]) == 2
            assert (posts(gateway), made.live) == (1, [])

    play(story, salon(tmp_path, fault(how)))


def test_conflict_with_ourselves(tmp_path: Path) -> None:
    """A proxy sent our POST twice, and we hear the second answer: it is our own booking that is in the way."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:

            async def twice(request: WireRequest) -> WireAnswer:
                await gateway.tap.inner.send(request)
                return await gateway.tap.inner.send(request)

            gateway.tap.on_post = twice
            assert (await gateway.call())["status"] == "booked"
            assert made.rows("SELECT kind FROM attempts") == [("conflict",)]
            assert len(made.live) == 1

    alone = (EventType(202, "alone", "Beratung", 30, TEAM[0].hosts[:1], Scheduling.INDIVIDUAL),)
    play(story, salon(tmp_path, event_types=alone))


def test_foreign_booking(tmp_path: Path) -> None:
    """Success, with somebody else's booking: taken; nothing is stored, and nothing of theirs is cancelled."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            assert (await gateway.call("call_a", name="Anna Berg"))["status"] == "booked"
            said = await gateway.call("call_b", name="Ben Cohn")
            assert said["status"] == "slot_taken"
            assert "Anna" not in json.dumps(said)
            assert made.states == ["confirmed", "rejected"]
            assert len(made.rows("SELECT 1 FROM appointments")) == 1
            assert (len(made.live), cancels(gateway)) == (1, 0)

    play(story, salon(tmp_path, fault("foreign_booking", nth="[2]")))


def test_metadata_missing(tmp_path: Path) -> None:
    """An answer that does not say whose it is proves nothing; the look-up does."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            assert (await gateway.call())["status"] == "booked"
            assert len(made.live) == 1

    play(story, salon(tmp_path, fault("missing_metadata")))


def test_address_replaced(tmp_path: Path) -> None:
    """An event type that asks for a phone drops the e-mail that it was sent: found all the same, by start and id."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            said = await gateway.call(telefon="030 9018 2000")
            assert said["status"] == "booked"
            assert made.live[0].attendee.email.endswith("@sms.cal.com")
            assert (posts(gateway), len(made.live)) == (1, 1)

    by_phone = (EventType(203, "call", "Beratung", 30, TEAM[0].hosts[:1], Scheduling.INDIVIDUAL, asks_for_phone=True),)
    play(story, salon(tmp_path, fault("lost_answer"), event_types=by_phone))


def test_throttled(tmp_path: Path) -> None:
    """Surely not processed: please call again. For Cal.com's minute nobody's POST is armed; then it books."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            said = await gateway.call()
            assert said["status"] == "error"
            assert "überlastet" in said["message"]
            assert "nichts gebucht" in said["message"]
            said = await gateway.call(uhrzeit="11:00")
            assert "überlastet" in said["message"]
            assert posts(gateway) == 1, "shed before it was armed"
            await pass_time(61)
            assert (await gateway.call())["status"] == "booked"

    play(story, salon(tmp_path, fault("throttled"), EINMAL_CALCOM_RATE_PER_MINUTE="120"))


def test_connection_refused_once(tmp_path: Path) -> None:
    """Nothing left this machine: armed again while the caller waits, and booked."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            assert (await gateway.call())["status"] == "booked"
            assert made.rows("SELECT epoch, kind FROM attempts ORDER BY epoch") == [(1, "not_sent"), (2, "booking")]
            assert len(made.live) == 1

    play(story, salon(tmp_path, fault("refused_connection")))


def test_calendar_unreachable(tmp_path: Path) -> None:
    """A clear no within some seconds: nothing was booked, call again later."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            began = made.clock.monotonic()
            said = await gateway.call()
            assert made.clock.monotonic() - began < 3
            assert said["status"] == "error"
            assert "nicht erreichbar" in said["message"]
            assert "rufen Sie später noch einmal an" in said["message"]
            assert made.states == ["rejected"]
            assert {kind for (kind,) in made.rows("SELECT kind FROM attempts")} == {"not_sent"}

    play(story, salon(tmp_path, fault("refused_connection", nth="")))


def test_answer_slower_than_the_caller_waits(tmp_path: Path) -> None:
    """Being checked after eight seconds, never booked and never failed; booked at ten, and told."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work()
            began = made.clock.monotonic()
            said = await gateway.call()
            assert made.clock.monotonic() - began <= 8.5
            assert said["status"] == "in_doubt"
            await pass_time(5)
            assert [letter[1:] for letter in gateway.letterbox.letters] == [("resolved", "booked")]
            assert (await gateway.call())["status"] == "booked"
            assert posts(gateway) == 1

    play(story, salon(tmp_path, fault("slow_answer", delay_seconds=9), **NOTIFIED))


def test_calendar_down(tmp_path: Path) -> None:
    """Five lost POSTs open the breaker: then a no at once, instead of one more doubt. It closes by a look."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            for hour in range(8, 13):
                assert (await gateway.call(f"call_{hour}", uhrzeit=f"{hour}:00", name=f"Anna {hour}"))["status"] in {
                    "in_doubt"
                }
            assert made.alarms == ["breaker_open"]
            said = await gateway.call("call_13", uhrzeit="13:00", name="Anna 13")
            assert said["status"] == "error"
            assert "nichts gebucht" in said["message"]
            assert posts(gateway) == 5
            await pass_time(31)
            assert (await gateway.call("call_14", uhrzeit="14:00", name="Anna 14"))["status"] == "booked"

    play(story, salon(tmp_path, fault("lost_request", nth="[1, 2, 3, 4, 5]")))


def test_budget_spent(tmp_path: Path) -> None:
    """Bookings come before what runs behind; beyond the budget they are shed before they are armed."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            said = [await gateway.call(f"call_{n}", name=f"Anna {chr(65 + n)}", uhrzeit="10:00") for n in range(8)]
            statuses = [one["status"] for one in said]
            assert statuses[0] == "booked"
            assert "error" in statuses
            within_a_minute = len(gateway.tap.requests)
            assert within_a_minute <= 12
            assert not made.rows("SELECT 1 FROM intents WHERE state = 'sent'")

    play(story, salon(tmp_path, EINMAL_CALCOM_RATE_PER_MINUTE="12"))


def test_restart_storm(tmp_path: Path) -> None:
    """A process that is started again and again remembers what was spent."""

    async def story(made: Salon) -> None:
        requests = 0
        for n in range(10):
            async with made.gateway() as gateway:
                await gateway.call(f"call_{n}", uhrzeit=f"{8 + n}:00", name=f"Anna {chr(65 + n)}")
                requests += len(gateway.tap.requests)
        assert made.clock.monotonic() < 60
        assert requests <= 6

    play(story, salon(tmp_path, EINMAL_CALCOM_RATE_PER_MINUTE="6"))


def test_caller_hangs_up(tmp_path: Path) -> None:
    """The POST is not cut short; the same wish again hears how it went."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            caller = asyncio.create_task(gateway.call())
            await pass_time(0.1)
            caller.cancel()
            await pass_time(5)
            assert made.states == ["confirmed"]
            assert (await gateway.call())["status"] == "booked"
            assert posts(gateway) == 1

    play(story, salon(tmp_path))


def test_shutdown_in_the_middle(tmp_path: Path) -> None:
    """A clean stop finishes the POST that is under way."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            asyncio.create_task(gateway.call())  # noqa: RUF006 - nobody waits for it
            await pass_time(0.1)
        assert made.states == ["confirmed"]
        assert len(made.live) == 1

    play(story, salon(tmp_path))


@pytest.mark.parametrize("landed", [True, False])
def test_process_killed(tmp_path: Path, landed: bool) -> None:
    """The row says `sent`; the next process takes it for the doubt it is, and looks."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            asyncio.create_task(gateway.call())  # noqa: RUF006 - it dies with its process
            await pass_time(0.1)
            await gateway.kill()
        assert made.states == ["sent"]
        async with made.gateway() as gateway:
            gateway.work()
            assert (await gateway.call())["status"] == "in_doubt"
            await pass_time(WINDOW + timedelta(minutes=1))
            said = await gateway.call()
            assert said["status"] == ("booked" if landed else "error")
            assert (posts(gateway), len(made.live)) == (0, int(landed))
            assert [letter[1] for letter in gateway.letterbox.letters] == ["resolved"]

    plan = "" if landed else fault("lost_request")
    play(story, salon(tmp_path, plan, **NOTIFIED))


def test_process_killed_before_arming(tmp_path: Path) -> None:
    """A row that waited to be armed was never sent. Nothing is booked for who has hung up."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            asyncio.create_task(gateway.call())  # noqa: RUF006 - it dies with its process
            await pass_time(0.1)
            await gateway.kill()
        assert made.states == ["intent"]
        async with made.gateway() as gateway:
            gateway.work()
            await pass_time(20)
            assert made.states == ["rejected"]
            assert "nichts gebucht" in (await gateway.call())["message"]
            assert made.bookings == []

    play(story, salon(tmp_path, fault("refused_connection", nth="")))


class Script:
    """What becomes of each writing job, by number from 1; 0 is all from there on."""

    def __init__(self, faults: dict[int, StorageFault | None]) -> None:
        self.faults = faults
        self.jobs = 0
        self.armed = False

    def __call__(self) -> StorageFault | None:
        if not self.armed:
            return None
        self.jobs += 1
        return self.faults.get(self.jobs, self.faults.get(0))


@pytest.mark.parametrize("how", [StorageFault.UNAVAILABLE])
def test_ledger_gone_before_the_post(tmp_path: Path, how: StorageFault) -> None:
    """Refused with a sentence; nothing was sent."""
    script = Script({0: how})

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            script.armed = True
            said = await gateway.call()
            assert said["status"] == "error"
            assert "nichts Neues gebucht" in said["message"]
            assert posts(gateway) == 0
            script.armed = False
            assert (await gateway.call())["status"] == "booked"

    play(story, salon(tmp_path, storage=faulty_sqlite(script)))


def test_ledger_gone_after_the_post(tmp_path: Path) -> None:
    """In doubt, without a promise that could not be written down; found by its id once the ledger is back."""
    script = Script({1: None, 0: StorageFault.UNAVAILABLE})

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            script.armed = True
            said = await gateway.call()
            assert said["status"] == "in_doubt"
            assert "Bescheid" not in said["message"]
            script.armed = False
            gateway.work()
            await pass_time(60)
            assert made.states == ["confirmed"]
            assert (await gateway.call())["status"] == "booked"
            assert (posts(gateway), len(made.live)) == (1, 1)

    play(story, salon(tmp_path, storage=faulty_sqlite(script), **NOTIFIED))


@pytest.mark.parametrize("how", [StorageFault.UNKNOWN_WRITTEN, StorageFault.UNKNOWN_LOST])
@pytest.mark.parametrize("job", [1, 2])
def test_commit_unknown(tmp_path: Path, how: StorageFault, job: int) -> None:
    """Read again by key: before the POST it is found or written once more, after it what stands is said."""
    script = Script({job: how})

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            script.armed = True
            said = await gateway.call()
            assert said["status"] in {"booked", "in_doubt"}
            gateway.work()
            await pass_time(60)
            assert made.states == ["confirmed"]
            assert (await gateway.call())["status"] == "booked"
            assert (posts(gateway), len(made.live)) == (1, 1)

    play(story, salon(tmp_path, storage=faulty_sqlite(script)))


def test_look_ups_fail_for_a_day(tmp_path: Path) -> None:
    """Blind is not absent: the doubt stays one, and after a day a person is told to rule."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.work(pause_seconds=60)
            assert (await gateway.call())["status"] == "in_doubt"
            await pass_time(timedelta(hours=23))
            assert made.states == ["doubt"]
            assert (await gateway.call())["status"] == "in_doubt"
            await pass_time(timedelta(hours=2))
            assert made.states == ["escalated"]
            assert [letter[1] for letter in gateway.letterbox.letters] == ["needs_person"]
            assert "doubt_unresolvable" in made.alarms
            made.calcom.follow(type(made.calcom.plan)())
            [booking] = made.live
            [(intent,)] = made.rows("SELECT intent_id FROM intents")
            await gateway.gateway.rulings.booked(intent, booking.uid)
            assert (await gateway.call())["status"] == "booked"
            await pass_time(60)
            assert [letter[1:] for letter in gateway.letterbox.letters][1:] == [("resolved", "booked")]

    play(story, salon(tmp_path, fault("lost_answer") + BLIND, **NOTIFIED))


def test_our_id_at_another_time(tmp_path: Path) -> None:
    """No rule explains it, so none decides it: a person is told."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:

            async def elsewhere(request: WireRequest) -> WireAnswer:
                body: dict[str, Any] = json.loads(request.body)
                body["start"] = "2026-12-01T10:00:00Z"
                await gateway.tap.inner.send(
                    WireRequest("POST", request.target, request.headers, json.dumps(body).encode(), 1e9, 1e9)
                )
                raise MaybeSent("timeout")

            gateway.tap.on_post = elsewhere
            assert (await gateway.call())["status"] == "in_doubt"
            assert made.states == ["escalated"]
            assert made.alarms == ["wrong_time"]

    play(story, salon(tmp_path))


def test_key_refused(tmp_path: Path) -> None:
    """Certainly nothing was booked; the operator is told."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:

            async def refused(_: WireRequest) -> WireAnswer:
                return WireAnswer(401, {}, b'{"status":"error"}', 0.1)

            gateway.tap.on_post = refused
            said = await gateway.call()
            assert said["status"] == "error"
            assert made.alarms == ["calendar_refuses_our_key"]
            assert made.states == ["rejected"]

    play(story, salon(tmp_path))


def test_nobody_takes_the_news(tmp_path: Path) -> None:
    """Sent again with growing pauses until it arrives, each time under the same id; minutes of it are an alarm."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            gateway.letterbox.refuses = 5
            gateway.work(SLOW)
            assert (await gateway.call())["status"] == "in_doubt"
            await pass_time(timedelta(minutes=100))
            [(name, kind, outcome)] = gateway.letterbox.letters
            [(intent,)] = made.rows("SELECT intent_id FROM intents")
            assert (name, kind, outcome) == (f"{intent}.confirmed", "resolved", "booked")
            assert made.alarms == ["notification_failing"]

    play(story, salon(tmp_path, fault("late_commit", commit_after_seconds=20), **NOTIFIED))


@pytest.mark.parametrize("hours", [-24, 24])
@pytest.mark.parametrize("plan", ["", fault("lost_answer"), fault("late_commit", commit_after_seconds=900)])
def test_our_clock_is_a_day_off(tmp_path: Path, plan: str, hours: int) -> None:
    """Whose a booking is, is decided by its id; the same ends as with a clock that is right."""
    wish = {"datum": "2026-12-08"}

    def ends(folder: Path, skew: timedelta) -> list[str]:
        made = salon(folder, plan)
        made.clock.skew = skew

        async def story() -> None:
            async with made.gateway() as gateway:
                gateway.work(SLOW)
                await gateway.call(**wish)
                await pass_time(timedelta(minutes=35))

        run_virtual(story())
        return [*made.states, f"{len(made.live)} live"]

    right, off = tmp_path / "right", tmp_path / "off"
    right.mkdir()
    off.mkdir()
    assert ends(off, timedelta(hours=hours)) == ends(right, timedelta(0))


@pytest.mark.parametrize("how", ["skewed_date", "missing_date", "slow_body"])
def test_odd_answers(tmp_path: Path, how: str) -> None:
    """A Date that lies, none at all, a body that drips: booked."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            assert (await gateway.call())["status"] == "booked"
            assert (posts(gateway), len(made.live)) == (1, 1)

    play(story, salon(tmp_path, fault(how)))


def test_the_same_call_many_times_at_once(tmp_path: Path) -> None:
    """One POST, one booking, the same answer for all."""

    async def story(made: Salon) -> None:
        async with made.gateway() as gateway:
            said = await asyncio.gather(*(gateway.call() for _ in range(20)))
            assert {json.dumps(one) for one in said} == {json.dumps(said[0])}
            assert said[0]["status"] == "booked"
            assert (posts(gateway), len(made.live)) == (1, 1)

    play(story, salon(tmp_path, event_types=TEAM))
