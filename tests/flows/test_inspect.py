# ruff: noqa: S608 - what is bent here is bent with SQL of our own
"""The inspection of a live ledger: honest books break nothing, and what somebody bent is found, each by its name."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.sqlite import SqliteInline
from einmal.beside import build_inspector
from einmal.domain.evidence import INVARIANTS
from einmal.domain.gate import Use
from einmal.flows.gated import GatedCalendar
from einmal.flows.inspect import Inspected, Standing
from einmal.flows.witness import LAG, REST
from einmal.simulator.records import SimulatedBooking
from einmal.simulator.transport import InProcessTransport
from support.virtual import Salon, pass_time, play, salon
from support.world import Tap, settings

MONTH = timedelta(days=30)
LOST = '[[rule]]\nfault = "lost_answer"\noperation = "create"\nnth = [2]\n'


async def inspect(made: Salon, during: Callable[[], None] = lambda: None, span: timedelta = MONTH) -> Inspected:
    """As the command does it; `during` is done while the first page is on its way."""
    tap = Tap(InProcessTransport(made.calcom, made.latency, made.clock))

    async def on_get(request: Any) -> Any:
        if len(tap.requests) == 1:
            during()
        return await tap.inner.send(request)

    tap.on_get = on_get
    inspector = build_inspector(settings(made.path, **made.environment), tap, made.clock, made.observer, SqliteInline)
    try:
        return await inspector.inspection.run(made.clock.now() - span)
    finally:
        await inspector.close()
        assert all("sortUpdatedAt=desc" in request.target for request in tap.requests), "by list pages alone"


def broken(seen: Inspected) -> set[str]:
    return {one.invariant for one in seen.violations}


async def lived_in(made: Salon) -> None:
    """Two booked, one of them by the look-up, and one who was too late; an hour ago."""
    async with made.gateway() as opened:
        assert (await opened.call(telefon="+493012345678"))["status"] == "booked"
        assert (await opened.call("call_2", uhrzeit="11:00", name="Anna Berg"))["status"] == "booked"
        assert (await opened.call("call_3", name="Ben Cohn"))["status"] == "slot_taken"
    await pass_time(timedelta(hours=1))


def test_an_empty_ledger_breaks_nothing(tmp_path: Path) -> None:
    made = salon(tmp_path)

    async def story(_: Salon) -> None:
        seen = await inspect(made)
        assert (seen.total, seen.intents, seen.bookings, seen.violations) == (0, 0, 0, ())

    play(story, made)


def test_honest_books_break_nothing_and_the_report_says_what_was_seen(tmp_path: Path) -> None:
    """Each invariant has its standing; what cannot be known here says why."""
    made = salon(tmp_path, LOST)

    async def story(_: Salon) -> None:
        await lived_in(made)
        seen = await inspect(made)
        assert (seen.total, seen.intents, seen.bookings, seen.young, seen.moved) == (3, 3, 2, 1, 0)
        assert seen.violations == ()
        assert [finding.invariant for finding in seen.findings] == list(INVARIANTS)
        held = [finding.invariant for finding in seen.findings if finding.standing is Standing.HELD]
        assert held == ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I11", "I12"]
        assert all(finding.why for finding in seen.findings if finding.standing is Standing.NOT_CHECKED)
        early = await inspect(made, span=-timedelta(days=300))
        assert (early.total, early.intents) == (3, 0)

    play(story, made)


def test_what_is_under_way_is_not_held_against_anybody(tmp_path: Path) -> None:
    """A doubt whose booking stands, a booking of this minute; the same is a violation a day later."""
    made = salon(tmp_path)

    async def story(_: Salon) -> None:
        async with made.gateway() as opened:
            await opened.call()
        bend(made.path, "UPDATE intents SET state = 'doubt', doubted_at = created_at, look_at = created_at", FORGET)
        seen = await inspect(made)
        assert (seen.violations, seen.young) == ((), 1)
        await pass_time(REST)
        assert broken(await inspect(made)) == {"I3", "I12"}

    play(story, made)


FORGET = "DELETE FROM appointments"


def bend(path: Path, *statements: str) -> None:
    """What a bug, a restored back-up or a person with a database tool does."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";".join(statements))


def ledger(*statements: str) -> Callable[[Salon], None]:
    return lambda made: bend(made.path, *statements)


def _table(made: Salon) -> tuple[Any, SimulatedBooking, SimulatedBooking]:
    """The calendar's rows, which nobody may write to but who is up to no good, and the two bookings."""
    first, second = made.bookings
    return made.calcom.calendar._table, first, second  # noqa: SLF001


def _copied(made: Salon) -> None:
    table, first, _ = _table(made)
    table.insert(replace(first, uid="copied", id=999))


def _without_metadata(made: Salon) -> None:
    table, first, _ = _table(made)
    table.replace(replace(first, metadata={}))


def _over_the_first(made: Salon) -> None:
    table, first, second = _table(made)
    table.replace(replace(second, start=first.start, end=first.end))
    bend(made.path, "UPDATE appointments SET starts_at = (SELECT min(starts_at) FROM appointments)")


_FIRST = "(SELECT intent_id FROM intents ORDER BY created_at, intent_id LIMIT 1)"
_NO = """{"outcome":"slot_taken","why":"plain","asked_start":null,"alternatives":[],"missing":[],"choices":[],
"error_id":null,"booking":null}"""

SABOTEURS: dict[str, tuple[Callable[[Salon], None], set[str]]] = {
    "another uid": (
        ledger(f"UPDATE appointments SET calcom_v2_booking_id = 'gone' WHERE intent_id = {_FIRST}"),
        {"I2", "I5"},
    ),
    "another start": (
        ledger(f"UPDATE appointments SET starts_at = '2026-12-01T07:00:00.000Z' WHERE intent_id = {_FIRST}"),
        {"I2", "I5"},
    ),
    "a row that is gone": (ledger(FORGET, "DELETE FROM attempts; DELETE FROM intents"), {"I3"}),
    "an appointment that is gone": (ledger(FORGET), {"I2", "I5", "I11"}),
    "a no that is none": (
        ledger(FORGET, "UPDATE intents SET state = 'rejected', doubted_at = NULL WHERE state = 'confirmed'"),
        {"I3", "I6"},
    ),
    "a stored no beside a booking": (
        ledger(f"UPDATE intents SET reply = '{_NO}' WHERE state = 'confirmed'"),
        {"I7"},
    ),
    "two processed POSTs": (
        ledger(f"INSERT INTO attempts SELECT intent_id, epoch + 1, answered_at, 'lost', NULL, 'reset', NULL, 1, NULL "
               f"FROM attempts WHERE intent_id = {_FIRST}"),
        {"I1"},
    ),
    "one person twice on a slot": (
        ledger("DROP INDEX unique_live_wish_of_phone",
               "UPDATE intents SET phone_hash = 'same', start_at = (SELECT min(start_at) FROM intents)"),
        {"I8"},
    ),
    "news that nobody wrote": (
        ledger(f"UPDATE intents SET promised_at = '2026-11-20T09:00:00.000Z' WHERE intent_id = {_FIRST}"),
        {"I11"},
    ),
    "two bookings under one id": (_copied, {"I1", "I9"}),
    "a stranger's booking": (_without_metadata, {"I4"}),
    "one over the other": (_over_the_first, {"I9"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SABOTEURS)
def test_what_somebody_bent_is_found(tmp_path: Path, name: str) -> None:
    """By ids alone, and by nothing that tells whose wish it was."""
    bends, invariants = SABOTEURS[name]
    made = salon(tmp_path, LOST)

    async def story(_: Salon) -> None:
        await lived_in(made)
        assert broken(await inspect(made)) == set()
        bends(made)
        seen = await inspect(made)
        assert broken(seen) == invariants, seen.violations
        assert not any(word in str(seen) for word in ("Groß", "Berg", "Cohn", "12345678"))
        standing = {finding.invariant for finding in seen.findings if finding.standing is Standing.VIOLATED}
        assert standing == invariants

    play(story, made)


def test_a_row_that_moves_while_the_calendar_is_read_is_no_violation(tmp_path: Path) -> None:
    """What only one of the two readings says is left out, whichever it is; what both say is told."""
    made = salon(tmp_path, LOST)
    away, back = (f"UPDATE appointments SET calcom_v2_booking_id = {change}" for change in (
        "'x' || calcom_v2_booking_id", "substr(calcom_v2_booking_id, 2)"))  # fmt: skip

    async def story(_: Salon) -> None:
        await lived_in(made)
        for during in (away, back):
            seen = await inspect(made, lambda change=during: bend(made.path, change))
            assert (seen.violations, seen.moved > 0) == ((), True)
        bend(made.path, away)
        assert broken(await inspect(made)) == {"I2", "I5"}

    play(story, made)


def test_a_booking_made_while_the_calendar_is_read_is_no_orphan(tmp_path: Path) -> None:
    """Its row is written before it, and after the ledger was read first."""
    made = salon(tmp_path)

    async def story(_: Salon) -> None:
        async with made.gateway() as opened:
            await opened.call()
            looking = asyncio.create_task(inspect(made))
            await pass_time(made.latency / 2)
            answer = await opened.call("call_2", uhrzeit="11:00", name="Anna Berg")
            assert answer["status"] == "booked"
            seen = await looking
        assert seen.violations == ()

    play(story, made)


def test_in_seed_mode_strangers_bookings_are_not_promised_away(tmp_path: Path) -> None:
    """Without ownership I4 is not checked, and says so."""
    made = salon(tmp_path, EINMAL_GUARD_OWNERSHIP="false")

    async def story(_: Salon) -> None:
        async with made.gateway() as opened:
            await opened.call()
            await opened.call("call_2", uhrzeit="11:00", name="Anna Berg")
        await pass_time(LAG)
        _without_metadata(made)
        seen = await inspect(made)
        assert seen.violations == ()
        [finding] = [one for one in seen.findings if one.invariant == "I4"]
        assert finding.standing is Standing.NOT_CHECKED

    play(story, made)


def test_it_asks_as_background(tmp_path: Path) -> None:
    """Callers come first: of the budget it leaves them half."""
    made = salon(tmp_path)
    tap = Tap(InProcessTransport(made.calcom, 0.0, made.clock))
    inspector = build_inspector(settings(made.path), tap, made.clock, made.observer, SqliteInline)
    calendar = inspector.inspection.calendar
    assert isinstance(calendar, GatedCalendar)
    assert calendar.use is Use.BACKGROUND
    asyncio.run(inspector.close())
