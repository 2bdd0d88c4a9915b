"""Reconciliation: after it ledger and calendar are of one mind, and what is not ours to mend is listed.

On real SQLite, before a simulated Cal.com whose pages are edited behind our back, and which tells nobody.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom import calendar as calcom_calendar
from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.domain.drift import Drift, DriftKind
from einmal.domain.facts import Alarm
from einmal.domain.keys import operation_id
from einmal.flows.reconcile import HeldUp, Reconciliation
from einmal.ports.reconciling import LostRun, Run
from einmal.simulator.records import Attendee
from support.changes import LATER, LINE, TEN, booked
from support.world import World, world

GUEST = Attendee("Greta Gast", "greta@gast.test")


@pytest.fixture
async def salon(tmp_path: Path) -> Any:
    async with world(tmp_path) as made:
        yield made


def work(salon: World) -> Reconciliation:
    made = salon.gateway.tenancies.sole.behind.reconciliation
    assert made is not None
    return made


async def reconciled(salon: World, *, mend: bool = True) -> tuple[Run, list[Drift]]:
    """From the beginning to the end, a second a page."""
    one = work(salon)
    run = await one.begin() if mend else await one.planned()
    assert run is not None
    found: list[Drift] = []
    while run.ended_at is None:
        salon.clock.pass_time(timedelta(seconds=1))
        run, some = await one.step(run, mend=mend)
        found += some
    return run, found


def kinds(found: list[Drift]) -> list[tuple[str, bool]]:
    return [(one.kind.value, one.mended) for one in found]


def alarms(salon: World) -> list[str]:
    return [fact.what for fact in salon.observer.facts if isinstance(fact, Alarm)]


async def test_where_all_is_well_nothing_is_found(salon: World) -> None:
    await booked(salon)
    run, found = await reconciled(salon)
    assert found == []
    assert (run.counts.bookings, run.counts.ours, run.counts.foreign, run.counts.rows) == (1, 1, 0, 1)


async def test_an_empty_ledger_before_an_empty_calendar(salon: World) -> None:
    run, found = await reconciled(salon)
    assert (found, run.counts.bookings, run.counts.rows) == ([], 0, 0)


async def test_what_staff_cancelled_is_mended(salon: World) -> None:
    await booked(salon)
    salon.calendar.cancel(uid_of(salon), "krank")
    _, found = await reconciled(salon)
    assert kinds(found) == [("status", True)]
    assert salon.states() == ["cancelled"]
    assert (await reconciled(salon))[1] == []


async def test_what_staff_moved_is_mended(salon: World) -> None:
    """The new time is the appointment's, under the chain."""
    await booked(salon)
    salon.calendar.reschedule(uid_of(salon), TEN + timedelta(hours=3), by_owner=True)
    _, found = await reconciled(salon)
    assert kinds(found) == [("status", True)]
    assert salon.states() == ["moved", "confirmed"]
    assert "13 Uhr" in (await salon.ask("query_appointment", LATER))["message"]
    assert (await reconciled(salon))[1] == []


async def test_another_host_is_taken_up(salon: World) -> None:
    """Reassigned in Cal.com: the same booking, another person."""
    await booked(salon)
    salon.rows("UPDATE appointments SET staff = 'Anna'")
    _, found = await reconciled(salon)
    assert kinds(found) == [("staff", True)]
    assert salon.rows("SELECT staff FROM appointments") == [("Salon Beispiel",)]


async def test_another_time_under_the_same_uid_is_taken_up(salon: World) -> None:
    await booked(salon)
    salon.rows("UPDATE appointments SET starts_at = '2026-12-01T09:15:00.000Z'")
    _, found = await reconciled(salon)
    assert kinds(found) == [("time", True)]
    assert salon.rows("SELECT starts_at, ends_at FROM appointments") == [
        ("2026-12-01T09:00:00.000Z", "2026-12-01T09:30:00.000Z")
    ]


async def test_what_arrived_after_its_no_is_taken_back(salon: World) -> None:
    """A tombstone's booking is seen by the list, and cancelled as ours."""
    await booked(salon)
    salon.rows("UPDATE intents SET state = 'rejected', doubted_at = created_at, booking_uid = NULL")
    salon.rows("DELETE FROM appointments")
    _, found = await reconciled(salon)
    assert kinds(found) == [("arrived", True)]
    assert salon.states() == ["compensating"]
    await salon.gateway.worker.turn()
    salon.clock.pass_time(timedelta(seconds=5))
    await salon.gateway.worker.turn()
    assert salon.states() == ["compensated"]


async def test_a_doubt_ends_with_what_is_listed(salon: World) -> None:
    await booked(salon)
    salon.rows("UPDATE intents SET state = 'doubt', doubted_at = created_at, booking_uid = NULL")
    salon.rows("DELETE FROM appointments")
    _, found = await reconciled(salon)
    assert kinds(found) == [("arrived", True)]
    assert salon.states() == ["confirmed"]


async def test_a_ghost_is_lost_when_two_runs_agree(salon: World) -> None:
    """First an alarm, and ten minutes later it is written: a replica may lag."""
    await booked(salon)
    salon.rows("UPDATE appointments SET calcom_v2_booking_id = 'gone'")
    salon.rows("UPDATE intents SET booking_uid = 'gone'")
    _, found = await reconciled(salon)
    assert ("ghost", False) in kinds(found)
    assert (salon.states(), alarms(salon)) == (["confirmed"], ["booking_gone"])
    salon.clock.pass_time(timedelta(minutes=5))
    await reconciled(salon)
    assert salon.states() == ["confirmed"]
    salon.clock.pass_time(timedelta(minutes=6))
    await reconciled(salon)
    assert salon.states() == ["lost"]
    assert alarms(salon)[-1] == "booking_lost"
    assert salon.rows("SELECT count(*) FROM drifts WHERE kind = 'ghost' AND ended_at IS NULL") == [(0,)]


async def test_a_ghost_that_is_there_again_was_none(salon: World) -> None:
    """The replica had lagged: nothing was lost, and nothing stays open."""
    await booked(salon)
    uid = uid_of(salon)

    async def lagging(request: WireRequest) -> WireAnswer:
        if request.target.startswith(f"/v2/bookings/{uid}"):
            return WireAnswer(404, {}, b"{}", 0.0)
        return WireAnswer(200, {}, b'{"status":"success","data":[]}', 0.0)

    salon.tap.on_get = lagging
    assert kinds((await reconciled(salon))[1]) == [("ghost", False)]
    salon.tap.on_get = None
    salon.clock.pass_time(timedelta(minutes=20))
    assert (await reconciled(salon))[1] == []
    assert salon.states() == ["confirmed"]
    assert salon.rows("SELECT count(*) FROM drifts WHERE ended_at IS NULL") == [(0,)]


async def test_the_wrong_calendar_loses_nothing(salon: World) -> None:
    """Where hardly anything of ours is known it is another account, not so many ghosts."""
    for number in range(5):
        await booked(
            salon, {"call_id": f"call_{number}", "from_number": f"+4917012345{number}0"}, uhrzeit=f"1{number}:00"
        )
    salon.calendar.clear()
    for _ in range(3):
        _, found = await reconciled(salon)
        assert Counter(kinds(found)) == {("ghost", False): 5}
        salon.clock.pass_time(timedelta(minutes=20))
    assert salon.states() == ["confirmed"] * 5
    assert alarms(salon) == ["calendar_knows_few_of_ours"] * 3


async def test_an_orphan_is_listed_and_left(salon: World) -> None:
    """It carries an operation id of nobody's here: never taken for ours, never cancelled."""
    mark = {"einmal_op": "a" * 32}
    salon.calendar.create(101, TEN, GUEST, metadata=mark)
    _, found = await reconciled(salon)
    assert kinds(found) == [("orphan", False)]
    assert [one.status.value for one in salon.calendar.bookings] == ["accepted"]
    assert salon.rows("SELECT kind, ended_at FROM drifts") == [("orphan", None)]


async def test_foreign_bookings_are_counted(salon: World) -> None:
    salon.calendar.create(101, TEN, GUEST)
    run, found = await reconciled(salon)
    assert (found, run.counts.foreign, run.counts.ours) == ([], 1, 0)


async def test_a_cancelled_one_that_was_revived_is_listed(salon: World) -> None:
    """Confirming a cancelled booking revives it (recorded). A person decides."""
    await booked(salon)
    await salon.ask("cancel_appointment", LATER)
    salon.calendar.accept(uid_of(salon))
    _, found = await reconciled(salon)
    assert {kind for kind, _ in kinds(found)} == {"revived"}
    assert salon.states() == ["cancelled"]


async def test_what_was_brought_back_is_no_refused_moves(salon: World) -> None:
    """A move was refused; then staff cancelled the appointment, brought it back, and moved it. What stands now is what
    became of the appointment, and not of the move that never was."""
    await booked(salon)

    async def refused(request: WireRequest) -> WireAnswer:
        if request.target.endswith("/reschedule"):
            return WireAnswer(400, {}, b'{"status":"error","error":{"message":"no_available_users_found_error"}}', 0.0)
        return await salon.tap.inner.send(request)

    salon.tap.on_get = refused
    await salon.ask("reschedule_appointment", LATER, neues_datum="2026-12-02", neue_uhrzeit="14:00")
    salon.tap.on_get = None
    assert salon.states() == ["confirmed", "rejected"]
    salon.calendar.cancel(uid_of(salon), "krank")
    await reconciled(salon)
    salon.calendar.accept(uid_of(salon))
    salon.calendar.reschedule(uid_of(salon), TEN + timedelta(hours=3), by_owner=True)
    _, found = await reconciled(salon)
    assert {kind for kind, _ in kinds(found)} == {"revived"}
    assert salon.states() == ["cancelled", "rejected"]


async def test_what_a_person_has_decided_is_listed_no_longer(salon: World) -> None:
    """Brought back, listed for as long as it stands, and cancelled again."""
    await booked(salon)
    await salon.ask("cancel_appointment", LATER)
    salon.calendar.accept(uid_of(salon))
    for _ in range(2):
        await reconciled(salon)
        salon.clock.pass_time(timedelta(minutes=20))
        assert salon.rows("SELECT kind, ended_at FROM drifts") == [("revived", None)]
    salon.calendar.cancel(uid_of(salon), "")
    await reconciled(salon)
    assert salon.rows("SELECT count(*) FROM drifts WHERE ended_at IS NULL") == [(0,)]


async def test_one_attendee_twice_is_listed(salon: World) -> None:
    salon.calendar.create(101, TEN, GUEST)
    (one,) = salon.calendar.bookings
    salon.calendar.plant(replace(one, uid="anotheruidofthesame000", id=one.id + 1))
    _, found = await reconciled(salon)
    assert [kind for kind, _ in kinds(found)] == ["person_twice"]


async def test_nothing_is_written_without_mending(salon: World) -> None:
    """--dry-run: it finds the same, and the ledger stays as it is."""
    await booked(salon)
    salon.calendar.cancel(uid_of(salon), "")
    _, found = await reconciled(salon, mend=False)
    assert kinds(found) == [("status", False)]
    assert salon.states() == ["confirmed"]
    assert salon.rows("SELECT * FROM reconciliations") == []
    assert salon.rows("SELECT * FROM drifts") == []


async def test_a_change_of_ours_under_way_is_no_difference(salon: World) -> None:
    await booked(salon)
    salon.rows(
        "INSERT INTO changes (change_id, tenant_id, kind, intent_id, booking_uid, state, created_at, send_deadline, "
        "sends, looks) SELECT 'c1', tenant_id, 'cancel', intent_id, booking_uid, 'sent', created_at, created_at, 1, 0 "
        "FROM intents"
    )
    salon.calendar.cancel(uid_of(salon), "")
    assert (await reconciled(salon))[1] == []
    assert salon.states() == ["confirmed"]


# Pages ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calcom_calendar, "PAGE", 3)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("together", [1, 2, 3, 4, 7])
async def test_over_many_pages_every_booking_is_seen(salon: World, together: int) -> None:
    """Also where more begin at one moment than a page holds."""
    for number in range(14):
        start = TEN + timedelta(hours=number // together)
        one = Attendee(f"Gast {number}", f"gast{number}@gast.test")
        planted(salon, start, one, number)
    run, found = await reconciled(salon)
    assert (found, run.counts.foreign) == ([], 14)


def planted(salon: World, start: datetime, guest: Attendee, number: int) -> None:
    """A booking that somebody made at the counter."""
    if not number:
        salon.calendar.create(101, start, guest)
        return
    model, at = salon.calendar.bookings[0], salon.clock.now() + timedelta(seconds=number // 5)
    name = {"uid": f"counter{number:015}", "id": 1000 + number, "attendee": guest}
    salon.calendar.plant(replace(model, **name, start=start, end=start, created_at=at, updated_at=at))


@pytest.mark.usefixtures("small_pages")
async def test_it_goes_on_where_it_died(salon: World) -> None:
    """Each step is one commit: another process takes up the cursor, and counts nothing twice."""
    for number in range(10):
        planted(salon, TEN + timedelta(hours=number), Attendee(f"Gast {number}", f"gast{number}@gast.test"), number)
    whole, _ = await reconciled(salon, mend=False)
    run = await work(salon).begin()
    assert run is not None
    for _ in range(3):
        run, _ = await work(salon).step(run)
    assert await work(salon).begin() is None, "nobody else goes on while the lease lasts"
    salon.clock.pass_time(timedelta(minutes=3))
    again = await work(salon).begin()
    assert again is not None
    assert (again.run_id, again.counts) == (run.run_id, run.counts)
    with pytest.raises(LostRun):
        await work(salon).step(run)
    while again.ended_at is None:
        again, _ = await work(salon).step(again)
    assert again.counts.foreign == whole.counts.foreign == 10


async def test_a_calendar_that_cannot_be_read_holds_it_up(salon: World) -> None:
    async def down(_: WireRequest) -> WireAnswer:
        return WireAnswer(503, {}, b"", 0.0)

    salon.tap.on_get = down
    run = await work(salon).begin()
    assert run is not None
    with pytest.raises(HeldUp) as held:
        await work(salon).step(run)
    assert held.value.asked


async def test_the_next_run_reads_only_what_changed_since(salon: World) -> None:
    """From where the last one came, and ten minutes before that."""
    salon.calendar.create(101, TEN, GUEST)
    first, _ = await reconciled(salon)
    salon.clock.pass_time(timedelta(hours=2))
    second, _ = await reconciled(salon)
    assert first.changed_until is not None
    assert second.since == first.changed_until - timedelta(minutes=10)


async def test_the_worker_does_it_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once an hour, a page a turn."""
    monkeypatch.setattr("einmal.flows.reconcile.IDLE_SECONDS", 0)
    async with world(tmp_path, EINMAL_RECONCILE_SECONDS="3600") as salon:
        await booked(salon)
        salon.calendar.cancel(uid_of(salon), "")
        for _ in range(3):
            await salon.gateway.worker.turn()
        assert salon.states() == ["cancelled"]
        runs = salon.rows("SELECT count(*) FROM reconciliations WHERE ended_at IS NOT NULL")
        salon.clock.pass_time(timedelta(minutes=50))
        await salon.gateway.worker.turn()
        assert salon.rows("SELECT count(*) FROM reconciliations") == runs == [(1,)]
        salon.clock.pass_time(timedelta(minutes=15))
        await salon.gateway.worker.turn()
        assert salon.rows("SELECT count(*) FROM reconciliations") == [(2,)]


async def test_two_at_once_are_one_run(salon: World) -> None:
    begun = await asyncio.gather(*(work(salon).begin() for _ in range(4)))
    assert sum(run is not None for run in begun) == 1


def uid_of(salon: World) -> str:
    return salon.calendar.bookings[0].uid


def test_every_kind_has_its_meaning() -> None:
    """What the command prints of it."""
    from einmal.entrypoints.cli.reconcile import MEANING  # noqa: PLC0415

    assert set(MEANING) == set(DriftKind)


# What must not hold it up ---------------------------------------------------------------------------------------------


def orphans(salon: World, how_many: int) -> None:
    for number in range(how_many):
        mark = {"einmal_op": operation_id(bytes([number] * 20))}
        guest = Attendee(f"Gast {number}", f"gast{number}@gast.test")
        salon.calendar.create(101, TEN + timedelta(hours=number % 6, days=number // 6), guest, metadata=mark)


async def test_one_that_cannot_be_read_keeps_nobody_else(salon: World) -> None:
    """A recurring series answers with a list, and some are refused: they are listed, and the others mended."""
    await booked(salon)
    await booked(salon, {"call_id": "call_2", "from_number": "+4930901820"}, uhrzeit="12:00")
    odd, other = (one.uid for one in salon.calendar.bookings)
    for uid in (odd, other):
        salon.calendar.cancel(uid, "")

    async def refused(request: WireRequest) -> WireAnswer:
        if request.target.startswith(f"/v2/bookings/{odd}"):
            return WireAnswer(200, {}, b'{"status":"success","data":[]}', 0.0)
        return await salon.tap.inner.send(request)

    salon.tap.on_get = refused
    run, found = await reconciled(salon)
    assert sorted(kinds(found)) == [("status", True), ("unreadable", False)]
    assert run.ended_at is not None
    assert salon.states() == ["confirmed", "cancelled"]
    salon.tap.on_get = None
    await reconciled(salon)
    assert salon.states() == ["cancelled", "cancelled"]
    assert salon.rows("SELECT count(*) FROM drifts WHERE ended_at IS NULL") == [(0,)]


async def test_what_is_settled_is_not_read_again_where_the_budget_ends(tmp_path: Path) -> None:
    """A page full of differences takes several minutes' budget, and ends."""
    async with world(tmp_path, EINMAL_CALCOM_RATE_PER_MINUTE="30") as salon:
        orphans(salon, 24)
        run = await work(salon).begin()
        assert run is not None
        held = 0
        for _ in range(600):
            try:
                run, _ = await work(salon).step(run)
            except HeldUp:
                held += 1
            if run.ended_at is not None:
                break
            salon.clock.pass_time(timedelta(seconds=2))
        assert run.ended_at is not None
        assert held > 5, "control: the budget did end"
        reads = Counter(r.target for r in salon.tap.requests if r.target.startswith("/v2/bookings/"))
        assert len(reads) == 24
        assert set(reads.values()) == {1}


async def test_where_nothing_goes_on_there_is_an_alarm(salon: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(_: WireRequest) -> WireAnswer:
        return WireAnswer(503, {}, b"", 0.0)

    monkeypatch.setattr("einmal.flows.reconcile.STUCK_SECONDS", -1.0)
    one = work(salon)
    one.every_seconds = 3600.0
    salon.tap.on_get = down
    assert await one.turn() is False
    assert "reconciliation_stuck" in alarms(salon)


async def test_in_another_account_nothing_is_lost(salon: World) -> None:
    """Three of three gone, and none of ours seen: too few to tell by their number."""
    for number in range(3):
        await booked(
            salon, {"call_id": f"call_{number}", "from_number": f"+4917012345{number}0"}, uhrzeit=f"1{number}:00"
        )
    salon.calendar.clear()
    for _ in range(3):
        await reconciled(salon)
        salon.clock.pass_time(timedelta(minutes=20))
    assert salon.states() == ["confirmed"] * 3


async def test_since_leaves_no_hole(salon: World) -> None:
    """From later on than the last run came is from there all the same."""
    salon.calendar.create(101, TEN, GUEST)
    first, _ = await reconciled(salon)
    salon.clock.pass_time(timedelta(days=3))
    assert first.changed_until is not None
    planned = await work(salon).planned(salon.clock.now() - timedelta(hours=1))
    assert planned.since == first.changed_until - timedelta(minutes=10)
    earlier = first.changed_until - timedelta(days=90)
    assert (await work(salon).planned(earlier)).since == earlier


async def test_a_date_far_ahead_hides_nothing(salon: World) -> None:
    """Some row was changed in 2099, by a clock that was wrong."""
    salon.calendar.create(101, TEN, GUEST)
    (one,) = salon.calendar.bookings
    salon.calendar.plant(replace(one, uid="future0000000000000000", id=77, updated_at=TEN + timedelta(days=20_000)))
    run, _ = await reconciled(salon)
    assert run.changed_until is not None
    assert run.changed_until <= salon.clock.now() + timedelta(hours=25)


async def test_a_dry_run_tells_what_the_real_one_would(salon: World) -> None:
    """A second live booking of one id is no move: nothing would be mended."""
    await booked(salon)
    (one,) = salon.calendar.bookings
    later = one.start + timedelta(hours=3)
    twin = replace(one, uid="twin000000000000000000", id=99, start=later, end=later + timedelta(minutes=30))
    salon.calendar.plant(twin)
    dry = kinds((await reconciled(salon, mend=False))[1])
    assert dry == kinds((await reconciled(salon))[1])
    assert ("doubled", False) in dry


async def test_a_ghost_is_not_told_as_an_appointment(salon: World) -> None:
    """The calendar knows it no more, and no replica lags for so long: nobody hears that they have it."""
    await booked(salon)
    salon.calendar.clear()
    assert "10 Uhr" in (await salon.ask("query_appointment", LATER))["message"]
    salon.clock.pass_time(timedelta(minutes=11))
    assert "10 Uhr" not in (await salon.ask("query_appointment", LATER))["message"]
    status = await salon.ask("booking_status", LINE)
    assert (status["status"], "gebucht" in status["message"]) == ("rejected", False)


async def test_what_gave_up_keeps_nobody_waiting(salon: World) -> None:
    """Whoever stops in good order gives the run back: the next one goes on at once."""
    one = work(salon)
    run = await one.begin()
    assert run is not None
    assert await one.begin() is None
    await one.books.release(run, salon.clock.now())
    again = await one.begin()
    assert again is not None
    assert again.run_id == run.run_id
    await one.books.release(run, salon.clock.now())
    assert await one.begin() is None, "control: it was somebody else's by then"
