"""The contract of the weekly report's books: a week as its rows tell it, rulings, tallies, on every database."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from einmal.adapters.sql import report as statements
from einmal.adapters.system import SystemIds
from einmal.domain.facts import RejectionRuled
from einmal.domain.report import Read
from einmal.domain.tally import Tally
from einmal.domain.verdict import Layer, Reason
from einmal.domain.week import Week
from einmal.domain.week_figures import Doubt, DoubtEnd, Drifts, Figures, RejectedOn, Ruled
from support.sql import BASES, SqlBase
from support.weeks import Rows

IDS = SystemIds()
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Week(2026, 47)
DAYS = WEEK.days(BERLIN)
BEGIN, END = DAYS[0].begin, DAYS[-1].end
HOUR, LAST = timedelta(hours=1), timedelta(milliseconds=1)
STALE = (Layer.FRESHNESS, Reason.STALE_BOOKING)
TWICE = (Layer.CONSTRAINT, Reason.CONSTRAINT_VIOLATION)
WEDNESDAY = datetime(2026, 11, 18, 9, tzinfo=UTC)


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def rows(base: SqlBase) -> Rows:
    made = Rows(base.run)
    made.tenant("default", BEGIN)
    return made


async def figures(base: SqlBase, tenant_id: str = "default") -> Figures:
    read = await base.ledger(IDS).report.read(DAYS)
    return read.tenants.get(tenant_id, Figures())


async def test_an_empty_ledger_has_nothing_to_tell(base: SqlBase) -> None:
    books = base.ledger(IDS).report
    assert await books.read(DAYS) == Read({}, {})
    assert await books.began() is None


async def test_it_began_when_the_first_tenant_was_served(base: SqlBase, rows: Rows) -> None:
    rows.tenant("later", BEGIN + HOUR)
    assert await base.ledger(IDS).report.began() == BEGIN


async def test_a_week_ends_where_the_next_begins(base: SqlBase, rows: Rows) -> None:
    """To the millisecond, by the time of birth that the ids hold, and by the time zone of the house."""
    for at in (BEGIN - LAST, BEGIN, END - LAST, END):
        rows.appointment(at)
        rows.rejected(at, *STALE)
        rows.callback(at)
        rows.drift(at, "ghost", ended=at)
    told = await figures(base)
    assert (told.begun, told.appointments, told.callbacks, told.rejected) == (4, 2, 2, 2)
    assert told.rejections == (RejectedOn(WEEK.monday, *STALE, 1), RejectedOn(WEEK.sunday, *STALE, 1))
    assert told.drifts == {"ghost": Drifts(2, 2, 0)}


async def test_what_was_taken_over_or_moved_here_is_no_wish_of_the_week(base: SqlBase, rows: Rows) -> None:
    origin = rows.appointment(WEDNESDAY)
    rows.appointment(WEDNESDAY, imported_from="appointments#642")
    rows.appointment(WEDNESDAY, moved_from=origin)
    told = await figures(base)
    assert (told.begun, told.appointments) == (1, 1)


async def test_each_tenant_has_its_own(base: SqlBase, rows: Rows) -> None:
    rows.tenant("praxis", BEGIN)
    rows.appointment(WEDNESDAY)
    rows.appointment(WEDNESDAY, "praxis")
    rows.rejected(WEDNESDAY, *STALE, "praxis")
    rows.intent(WEDNESDAY, "confirmed", "praxis", doubted_after=1, resolved_after=2)
    rows.drift(WEDNESDAY, "orphan", tenant_id="praxis")
    assert await figures(base) == Figures(begun=1, appointments=1)
    told = await figures(base, "praxis")
    assert (told.begun, told.appointments, told.rejected, len(told.doubts)) == (3, 1, 1, 1)
    assert told.drifts == {"orphan": Drifts(1, 0, 1)}


async def test_rejections_are_told_by_day_layer_and_reason(base: SqlBase, rows: Rows) -> None:
    """A day is the house's: what happened before its midnight is the day before's."""
    for at in (DAYS[2].begin - LAST, DAYS[2].begin, DAYS[2].begin + HOUR):
        rows.rejected(at, *STALE)
    rows.rejected(DAYS[2].begin, *TWICE)
    assert (await figures(base)).rejections == (
        RejectedOn(date(2026, 11, 17), *STALE, 1),
        RejectedOn(date(2026, 11, 18), *STALE, 2),
        RejectedOn(date(2026, 11, 18), *TWICE, 1),
    )


async def test_how_doubts_ended_and_how_long_they_lasted(base: SqlBase, rows: Rows) -> None:
    """What waited for a person was ended by one. What was taken back is told as that, since its row tells of that."""
    rows.intent(WEDNESDAY, "confirmed")
    rows.intent(WEDNESDAY, "confirmed", doubted_after=1, resolved_after=4)
    rows.intent(WEDNESDAY, "rejected", doubted_after=1, resolved_after=601)
    rows.intent(WEDNESDAY, "doubt", doubted_after=1)
    waits = rows.intent(WEDNESDAY, "escalated", doubted_after=1)
    ruled = rows.intent(WEDNESDAY, "rejected", doubted_after=1, resolved_after=7201)
    for one in (waits, ruled):
        rows.waited_for_a_person(one, WEDNESDAY)
    rows.intent(WEDNESDAY, "compensated", doubted_after=900, resolved_after=90)
    rows.intent(WEDNESDAY, "compensating", doubted_after=900, resolved_after=90)
    told = await figures(base)
    assert sorted(told.doubts, key=lambda one: (one.end, one.seconds or 0)) == [
        Doubt(DoubtEnd.BOOKED, 3.0),
        Doubt(DoubtEnd.BY_PERSON, 7200.0),
        Doubt(DoubtEnd.NOT_BOOKED, 600.0),
        Doubt(DoubtEnd.OPEN),
        Doubt(DoubtEnd.OPEN),
    ]
    assert (told.taken_back, told.being_taken_back) == (1, 1)


async def test_a_request_whose_time_ran_out_is_in_doubt_though_nobody_wrote_so(base: SqlBase, rows: Rows) -> None:
    """Its process died. What was sent a moment before the week's end is still under way as far as that week goes."""
    rows.intent(WEDNESDAY, "sent", deadline_after=15)
    rows.intent(END - LAST, "sent", deadline_after=15)
    assert (await figures(base)).doubts == (Doubt(DoubtEnd.OPEN),)


async def test_drift_is_told_by_kind_and_what_is_open_whenever_it_began(base: SqlBase, rows: Rows) -> None:
    rows.drift(WEDNESDAY, "status", ended=WEDNESDAY)
    rows.drift(WEDNESDAY, "status")
    rows.drift(BEGIN - HOUR, "status")
    rows.drift(BEGIN - HOUR, "ghost")
    rows.drift(BEGIN - HOUR, "time", ended=WEDNESDAY)
    assert (await figures(base)).drifts == {"status": Drifts(2, 1, 2), "ghost": Drifts(0, 0, 1)}


async def test_who_waits_for_a_call_is_told_whenever_they_asked(base: SqlBase, rows: Rows) -> None:
    rows.callback(WEDNESDAY, done=WEDNESDAY)
    rows.callback(BEGIN - HOUR)
    told = await figures(base)
    assert (told.callbacks, told.callbacks_open) == (1, 1)


async def test_the_last_ruling_counts_and_the_same_one_is_written_once(base: SqlBase, rows: Rows) -> None:
    """It changes nothing but itself: the intent stays as it was."""
    refused, other = rows.rejected(WEDNESDAY, *STALE), rows.rejected(WEDNESDAY, *STALE)
    ledger = base.ledger(IDS)
    before = base.rows("intents", "intent_id", "state", "epoch", "resolved_at")
    verdicts = [True, True, False, False, True]
    written = [await ledger.report.rule(RejectionRuled(NOW, refused, wrong)) for wrong in verdicts]
    assert written == [True, False, True, False, True]
    assert await ledger.report.rule(RejectionRuled(NOW, other, wrong=False)) is True
    told = await figures(base)
    assert set(told.rulings) == {Ruled(refused, *STALE, wrong=True), Ruled(other, *STALE, wrong=False)}
    assert told.false_positives == 1
    assert base.rows("intents", "intent_id", "state", "epoch", "resolved_at") == before


NOW = END + HOUR


async def test_a_ruling_counts_in_the_week_of_the_rejection(base: SqlBase, rows: Rows) -> None:
    """Whenever it is made; and with the tenant whose intent it was."""
    rows.tenant("praxis", BEGIN)
    refused = rows.rejected(WEDNESDAY, *TWICE, "praxis")
    await base.ledger(IDS).report.rule(RejectionRuled(NOW, refused, wrong=True))
    assert (await figures(base)).rulings == ()
    assert (await figures(base, "praxis")).rulings == (Ruled(refused, *TWICE, wrong=True),)
    later = await base.ledger(IDS).report.read(WEEK.after.days(BERLIN))
    assert later == Read({}, {})


async def test_what_no_layer_refused_takes_no_ruling(base: SqlBase, rows: Rows) -> None:
    booked = rows.appointment(WEDNESDAY)
    books = base.ledger(IDS).report
    for unknown in (booked, "nobody"):
        assert await books.rule(RejectionRuled(NOW, unknown, wrong=True)) is None
    assert base.rows("facts", "kind") == []


async def test_of_two_who_rule_the_same_at_once_one_writes(base: SqlBase, rows: Rows) -> None:
    refused = rows.rejected(WEDNESDAY, *STALE)
    both = [base.ledger(IDS).report for _ in range(2)]
    written = await asyncio.gather(*(one.rule(RejectionRuled(NOW, refused, wrong=True)) for one in both))
    assert sorted(map(str, written)) == ["False", "True"]


async def test_tallies_of_several_processes_add_up(base: SqlBase) -> None:
    """By day: those of the week are told together."""
    first, second = (base.ledger(IDS) for _ in range(2))
    monday, sunday, next_day = WEEK.monday, WEEK.sunday, WEEK.after.monday
    mine = {(monday, "timed.layer3"): Tally(2, 0.5), (next_day, "timed.layer3"): Tally(100, 1.0)}
    theirs = {(sunday, "timed.layer3"): Tally(1, 0.25), (monday, "not_started.join"): Tally(1)}
    await asyncio.gather(*(one.tallies.add(some) for one in (first, second) for some in (mine, theirs)))
    read = await first.report.read(DAYS)
    assert read.tallies == {"timed.layer3": Tally(6, 1.5), "not_started.join": Tally(2)}
    await first.tallies.add({})
    assert len(base.rows("tallies", "day", "what")) == 4


def test_everything_is_found_by_an_index(tmp_path: Path) -> None:
    """No table is read from end to end for a week of it."""
    names = (
        "_INTENTS",
        "_APPOINTMENTS",
        "_DOUBTS",
        "_REJECTED",
        "_RULED",
        "_DRIFTS_OPEN",
        "_DRIFTS_SEEN",
        "_CALLBACKS",
        "_TALLIES",
    )
    asked = {name: getattr(statements, name) for name in (*names, "_CALLBACKS_OPEN", "_WHOSE_REJECTION", "_RULED_LAST")}
    with BASES["sqlite"](tmp_path) as base:
        for name, statement in asked.items():
            plan = base.run("EXPLAIN QUERY PLAN " + statement.replace("?", "'x'"))
            steps = [step for *_, step in plan if "SCAN" in step and step != "SCAN refused"]
            assert steps == [], name
        control = base.run("EXPLAIN QUERY PLAN SELECT * FROM drifts WHERE detail = 'x'")
        assert any("SCAN drifts" in step for *_, step in control), "and that is what a scan looks like"
