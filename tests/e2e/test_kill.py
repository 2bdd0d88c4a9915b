"""A part of what `make soak LEG=kill` does for long: real processes killed with SIGKILL under load, on one file."""

import asyncio
from pathlib import Path

from einmal.domain.invariants import Violation
from support.kill.processes import FORGETFUL, migrate
from support.kill.storm import Round, Setting, Storm
from support.postgres import postgres_server


def live_through(folder: Path, **changed: object) -> Round:
    url = f"sqlite:///{folder}/ledger.sqlite3"
    migrate(url)
    return asyncio.run(Storm(Setting(url, seed=7, **changed), folder).run())  # type: ignore[arg-type]


def told(one: Round) -> str:
    return f"{one.kills} kills, {one.on_the_wire} POSTs on the wire, {one.bookings} bookings, {dict(one.seen)}"


def test_twenty_kills_lose_nothing_and_book_nothing_twice(tmp_path: Path) -> None:
    """Two gateways, a worker and a calendar with faults; whatever was heard is true, and every wish has its answer."""
    one = live_through(tmp_path, seconds=18.0, kills=20)
    assert one.violations == []
    assert one.kills >= 20
    assert one.bookings > 20
    happened = {what for what, number in one.seen.items() if number}
    assert happened >= {"killed while a POST was on the wire", "left by the dead, ends as confirmed"}, told(one)
    assert happened >= {"all killed at once", "heard after a retry", "heard booked"}, told(one)


def test_control_an_intent_that_is_not_durable_is_caught(tmp_path: Path) -> None:
    """The same without the row before the wire: what the dead had booked nobody knows, and its caller hears a no."""
    calm = {"faults": False, "callers_per_second": 6.0, "latency_seconds": 0.5, "rest_seconds": 2.0}
    one = live_through(tmp_path, seconds=6.0, kills=4, aimed=1.0, command=FORGETFUL, **calm)
    assert orphans(one.violations), told(one)
    assert "honest no" in {violation.invariant for violation in one.violations}, told(one)


def orphans(found: list[Violation]) -> list[Violation]:
    """Bookings of ours that stand in the calendar and in no ledger."""
    return [violation for violation in found if violation.text.endswith("has no row")]


def test_nothing_acknowledged_is_lost_with_the_database_server(tmp_path: Path) -> None:
    """The same on PostgreSQL, and its server is killed too: what it has committed is there when it is back."""
    with postgres_server() as server:
        url = server.create()
        migrate(url)
        setting = Setting(url, seed=11, seconds=18.0, kills=10, server=server)
        one = asyncio.run(Storm(setting, tmp_path).run())
    assert one.violations == []
    assert one.bookings > 20
    assert one.seen["server killed"] == 4
    assert {"killed while a POST was on the wire", "heard after a retry", "heard booked"} <= set(one.seen), told(one)
