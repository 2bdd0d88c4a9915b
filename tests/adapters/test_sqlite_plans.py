"""What is asked for each page of the calendar is found by an index of its own, never by reading a tenant's rows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from einmal.adapters.sql import appointments, queues, reconciling, writes
from einmal.adapters.sql.migrate import upgrade

TWO = "?, ?"


def by_operations() -> str:
    """As the sweep asks it."""
    steps = queues.by_operations("default", ("a", "b"))()
    return next(steps).sql  # type: ignore[union-attr]


ASKED = {
    "the bookings of a page": reconciling._IDS_OF_UIDS.format(marks=TWO),  # noqa: SLF001 - what is sent to the database
    "their operation ids": reconciling._IDS_OF_OPERATIONS.format(marks=TWO),  # noqa: SLF001
    "those that were carried": reconciling._IDS_OF_CARRIED.format(marks=TWO),  # noqa: SLF001
    "their rows": reconciling._OF_IDS.format(marks=TWO),  # noqa: SLF001
    "what is to come": reconciling._STANDING,  # noqa: SLF001
    "a sweep's ids": by_operations(),
    "who wants that slot": writes._IN_THE_WAY.partition("UNION ALL")[0],  # noqa: SLF001
    "what a wish or a name is already": writes._IN_THE_WAY.split("UNION ALL")[4],  # noqa: SLF001
    "what is booked at a start": appointments._AT,  # noqa: SLF001
}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path: Path = tmp_path_factory.mktemp("plans") / "ledger.sqlite3"
    upgrade(path)
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def plan(ledger: sqlite3.Connection, statement: str) -> list[str]:
    values = ("x",) * statement.count("?")
    return [row[3] for row in ledger.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


def test_a_slot_is_found_by_tenant_and_start(ledger: sqlite3.Connection) -> None:
    """Not by whatever begins after some time: an admission would read all live rows of the tenant."""
    (step, *_) = plan(ledger, ASKED["who wants that slot"])
    assert "intents_live_start_index (tenant_id=? AND start_at=?)" in step


@pytest.mark.parametrize("what", ASKED)
def test_it_is_found_by_an_index_that_holds_little_else(ledger: sqlite3.Connection, what: str) -> None:
    """No scan, and no search by the tenant alone."""
    steps = plan(ledger, ASKED[what])
    assert steps
    assert not [step for step in steps if "SCAN" in step or "(tenant_id=?)" in step]


def test_control_asked_with_the_tenant_it_reads_all_of_them(ledger: sqlite3.Connection) -> None:
    asked = "SELECT * FROM intents WHERE (operation_id IN (?) OR carried_id IN (?)) AND tenant_id = ?"
    assert any("(tenant_id=?)" in step for step in plan(ledger, asked))
