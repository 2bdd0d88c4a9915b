"""The rows of `einmal verify` on the simulator: they pass where the guard is whole, and each fails without its part."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from einmal.adapters.sql import layer4, yardstick
from einmal.adapters.sql.migrate import switch_layer_4, upgrade
from einmal.adapters.sql.scratch import NoScratch, scratch_beside
from einmal.domain.proof import Grade, Row
from einmal.entrypoints.cli import verify_ledger
from einmal.entrypoints.cli.verify_scenarios import CUSTOMERS, scenarios, shown_by
from einmal.settings import Secret, Settings, read_settings
from support.ledger_file import new_ledger
from support.sql import asked_of, the_postgres

TIMED = {"overhead", "look_up"}
"""Verdicts about the machine. What is asserted of them here is that they were looked at."""


async def rows_of(tmp_path: Path, settings: Settings | None = None) -> dict[str, Row]:
    path = new_ledger(tmp_path / "scratch.sqlite3")
    return {row.check: row for row in await scenarios(settings or read_settings({}), path, lambda _: None)}


async def test_all_of_it_passes_where_the_guard_is_whole(tmp_path: Path) -> None:
    rows = await rows_of(tmp_path)
    failed = {check: row for check, row in rows.items() if row.grade is not Grade.PASS and check not in TIMED}
    assert failed == {}
    assert {"stale_rejected", "call_id_mismatch", "database_check", "dashboard", "three_requests"} < set(rows)
    assert f"{len(CUSTOMERS)} of {len(CUSTOMERS)}" in rows["no_false_positives"].seen
    assert rows["dashboard"].seen == "3 refusals, 22 appointments, 25 ages"


@pytest.mark.parametrize(
    ("layer", "check"),
    [("freshness", "stale_rejected"), ("identity", "call_id_mismatch"), ("ledger", "database_check")],
)
async def test_a_layer_that_is_switched_off_fails_its_row_alone(tmp_path: Path, layer: str, check: str) -> None:
    """Ownership refuses it all the same, so no caller hears wrong; the row is about the layer."""
    rows = await rows_of(tmp_path, read_settings({f"EINMAL_GUARD_{layer.upper()}": "false"}))
    failed = {name: row.seen for name, row in rows.items() if row.grade is Grade.FAIL and name not in TIMED}
    assert list(failed) == [check]
    assert "the caller heard slot_taken" in failed[check]


async def test_without_any_guard_what_is_somebody_elses_is_told_as_booked(tmp_path: Path) -> None:
    """The control of the rows: all that keeps it from being booked is the guard, and at the end the index."""
    rows = await rows_of(tmp_path, read_settings({"EINMAL_GUARD_ENABLED": "false"}))
    assert "refused by nobody; the caller heard booked; 1 row" in rows["stale_rejected"].seen
    assert "refused by nobody; the caller heard booked; 1 row" in rows["call_id_mismatch"].seen
    assert "refused by layer4 as constraint_violation" in rows["database_check"].seen
    assert {rows[check].grade for check in ("stale_rejected", "call_id_mismatch", "database_check")} == {Grade.FAIL}


async def test_metrics_of_another_name_are_metrics_that_show_nothing(tmp_path: Path) -> None:
    assert (await rows_of(tmp_path, read_settings({"EINMAL_METRICS_NAMESPACE": "api_gateway"})))[
        "dashboard"
    ].grade is Grade.PASS
    assert (
        shown_by("# TYPE einmal_appointments_created counter\neinmal_appointments_created_total 3\n", "x").appointments
        == 0
    )


async def test_the_ledger_rows_fail_without_the_index(tmp_path: Path) -> None:
    """A ledger of the installation's that lost its index, and a scratch one without: both are told."""
    here = new_ledger(tmp_path / "here.sqlite3")
    assert (await verify_ledger.here(here)).grade is Grade.PASS
    switch_layer_4(here, on=False)
    assert (await verify_ledger.here(here)).grade is Grade.FAIL
    missing = await verify_ledger.here(tmp_path / "none.sqlite3")
    assert (missing.grade, "there is no ledger" in missing.seen) == (Grade.NOT_ASKED, True)
    odd = tmp_path / "odd.sqlite3"
    odd.write_text("not a database, but long enough to be taken for one" * 40)
    assert (await verify_ledger.here(odd)).grade is Grade.COULD_NOT_LOOK


async def test_an_index_that_makes_nothing_unique_is_not_in_force(tmp_path: Path) -> None:
    path = new_ledger(tmp_path / "ledger.sqlite3")
    with yardstick.store_at(path) as store:
        for statement in (
            "DROP INDEX unique_calcom_v2_booking_id",
            "CREATE UNIQUE INDEX unique_calcom_v2_booking_id ON appointments (calcom_v2_booking_id) WHERE staff > ''",
        ):
            await store.write(yardstick.only(statement))
    assert await layer4.in_force(path) is False


async def test_twice_is_refused_by_the_index_and_taken_without_it(tmp_path: Path) -> None:
    path = new_ledger(tmp_path / "ledger.sqlite3")
    with yardstick.store_at(path) as store:
        with pytest.raises(LookupError, match="two appointments"):
            await yardstick.refuses_twice(store)
        with pytest.raises(LookupError, match="to copy"):
            await yardstick.filled(store, 10)
    await scenarios(read_settings({}), path, lambda _: None)
    with yardstick.store_at(path) as store:
        assert await yardstick.refuses_twice(store) is True
    switch_layer_4(path, on=False)
    with yardstick.store_at(path) as store:
        assert await yardstick.refuses_twice(store) is False
        doubled = yardstick.only("SELECT count(*) - count(DISTINCT calcom_v2_booking_id) FROM appointments")
        assert (await store.read(doubled))[0][0] == 0, "what was tried is not left behind"


async def test_where_no_scratch_database_can_be_made_the_rest_is_looked_at(tmp_path: Path) -> None:
    """The scenarios run on a file; how long a look-up takes on that server nobody can say."""
    nowhere = replace(read_settings({}), database_url=Secret("postgresql://nobody@127.0.0.1:1/none"))
    rows = {row.check: row for row in await verify_ledger.on_scratch(nowhere, lambda _: None)}
    assert (rows["look_up"].grade, "cannot be used" in rows["look_up"].seen) == (Grade.COULD_NOT_LOOK, True)
    assert rows["stale_rejected"].grade is Grade.PASS
    assert rows["constraint_enforced"].grade is Grade.PASS


async def test_on_a_server_it_makes_a_database_of_its_own_and_drops_it() -> None:
    """And none of it stays; who may not make one hears so, and the look-up is not said to be quick."""
    server = the_postgres()
    url = server.create()
    try:
        upgrade(url)
        settings = replace(read_settings({}), database_url=Secret(url))
        rows = {row.check: row for row in await verify_ledger.on_scratch(settings, lambda _: None)}
        assert {check for check, row in rows.items() if row.grade is not Grade.PASS} <= TIMED
        assert rows["look_up"].grade is not Grade.COULD_NOT_LOOK
        assert asked_of(url, "SELECT datname FROM pg_database WHERE starts_with(datname, 'einmal_scratch')") == []
        assert asked_of(url, "SELECT count(*) FROM appointments") == [(0,)], "the one that is named holds nothing new"
        asked_of(url, "CREATE ROLE poor LOGIN")
        with pytest.raises(NoScratch, match="may not make databases"):
            async with scratch_beside(url.replace("postgres@", "poor@")):
                pass
        assert (await verify_ledger.here(url)).grade is Grade.PASS
        asked_of(
            url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'unique_calcom_v2_booking_id'::regclass"
        )
        assert (await verify_ledger.here(url)).grade is Grade.FAIL
    finally:
        server.drop(url)
        asked_of(server.url("postgres"), "DROP ROLE IF EXISTS poor")


async def test_stopped_twice_it_still_drops_its_database() -> None:
    """The second Ctrl-C comes while the first is being obeyed."""
    server = the_postgres()
    url = server.create()

    async def used() -> None:
        async with scratch_beside(url):
            made.set()
            await asyncio.Event().wait()

    try:
        made = asyncio.Event()
        using = asyncio.create_task(used())
        await made.wait()
        for _ in range(3):
            using.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await using
        assert asked_of(url, "SELECT datname FROM pg_database WHERE starts_with(datname, 'einmal_scratch')") == []
    finally:
        server.drop(url)
