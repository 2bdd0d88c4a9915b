"""A page of evidence is read by indexes: with however many rows beside it, it costs what its own rows cost."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from einmal.adapters.sql import stories
from support.ledger_file import new_ledger

ASKED = {
    name: value
    for name, value in vars(stories).items()
    if name.startswith("_") and name != "_TENANTS" and isinstance(value, str) and "SELECT" in value
} | {"whose call": stories.calls_statement(3)}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path: Path = new_ledger(tmp_path_factory.mktemp("plans") / "ledger.sqlite3")
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def plan(ledger: sqlite3.Connection, statement: str) -> list[str]:
    values = ("x",) * (statement.count("?") - statement.count("LIMIT ?"))
    return [
        row[3] for row in ledger.execute(f"EXPLAIN QUERY PLAN {statement}", values + (1,) * statement.count("LIMIT ?"))
    ]


@pytest.mark.parametrize("name", sorted(ASKED))
def test_it_is_found_by_an_index(ledger: sqlite3.Connection, name: str) -> None:
    """No scan of a table, and no search by the tenant alone."""
    steps = plan(ledger, ASKED[name])
    assert steps
    assert not [step for step in steps if step.startswith("SCAN") and "CONSTANT" not in step]
    assert not [step for step in steps if "(tenant_id=?)" in step]


def test_control_asked_otherwise_it_reads_them_all(ledger: sqlite3.Connection) -> None:
    assert any(step.startswith("SCAN") for step in plan(ledger, "SELECT * FROM function_calls WHERE heard = ?"))
