"""The weekly report: what its figures make of the goals, what is named, and what cannot be said."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.facts import Timing
from einmal.domain.intent import State
from einmal.domain.report import Goal, Read, Report, Standing, report_of
from einmal.domain.tally import Tally, timed
from einmal.domain.verdict import Layer, Reason
from einmal.domain.week import Week
from einmal.domain.week_figures import Doubt, DoubtEnd, Drifts, Figures, RejectedOn, Ruled, doubt_end, together
from support.evidence import NOW

WEEK = Week(2026, 47)
STALE = (Layer.FRESHNESS, Reason.STALE_BOOKING)
NOTHING = Read({}, {})
MET, MISSED, NOT_MEASURED = Standing.MET, Standing.MISSED, Standing.NOT_MEASURED

COUNTS = st.integers(0, 1000)
FIGURES = st.builds(
    Figures,
    begun=COUNTS,
    appointments=COUNTS,
    rejections=st.lists(
        st.builds(
            RejectedOn,
            st.dates(WEEK.monday, WEEK.sunday),
            st.sampled_from(Layer),
            st.sampled_from(Reason),
            st.integers(1, 30),
        ),
        max_size=5,
    ).map(tuple),
    rulings=st.lists(
        st.builds(Ruled, st.sampled_from("abc"), st.sampled_from(Layer), st.sampled_from(Reason), st.booleans()),
        max_size=4,
    ).map(tuple),
    doubts=st.lists(st.builds(Doubt, st.sampled_from(DoubtEnd), st.none() | st.floats(0, 1e6)), max_size=5).map(tuple),
    drifts=st.dictionaries(st.sampled_from(["ghost", "time"]), st.builds(Drifts, COUNTS, COUNTS, COUNTS)),
    callbacks=COUNTS,
)


def rejected(count: int, day: date = WEEK.monday, of: tuple[Layer, Reason] = STALE) -> RejectedOn:
    return RejectedOn(day, *of, count)


def report(tallies: dict[str, Tally] | None = None, before: Read = NOTHING, **parts: Any) -> Report:
    read = Read({"default": Figures(**parts)}, tallies or {})
    return report_of(WEEK, "Europe/Berlin", NOW, read, before, running=False, tenant=None)


def standing(of: Report, goal: Goal) -> Standing:
    return next(one.standing for one in of.kpis if one.goal is goal)


@pytest.mark.parametrize(
    ("appointments", "rejections", "expected"),
    [(0, 0, NOT_MEASURED), (5, 0, MET), (99, 1, MISSED), (100, 1, MET), (0, 1, MISSED)],
)
def test_the_prevention_rate_is_below_one_per_cent(appointments: int, rejections: int, expected: Standing) -> None:
    """Of what was booked and refused together; of nothing there is no rate."""
    of = report(appointments=appointments, rejections=(rejected(rejections),) if rejections else ())
    assert standing(of, Goal.PREVENTION_RATE) is expected


def test_one_rejection_that_was_wrong_misses_the_goal() -> None:
    """Counted by intent, however many layers spoke; what was ruled right is none."""
    right, wrong = Ruled("a", *STALE, wrong=False), Ruled("b", *STALE, wrong=True)
    also = Ruled("b", Layer.LEDGER, Reason.DATABASE_DUPLICATE, wrong=True)
    assert standing(report(appointments=1, rulings=(right,)), Goal.FALSE_POSITIVES) is MET
    of = report(appointments=1, rulings=(right, wrong, also))
    assert standing(of, Goal.FALSE_POSITIVES) is MISSED
    assert of.this.figures.false_positives == 1
    assert of.this.figures.ruled(*STALE, wrong=True) == of.this.figures.ruled(*STALE, wrong=False) == 1


@pytest.mark.parametrize(("counts", "named"), [((10, 1), ()), ((11, 1), (0,)), ((6, 30), (1,)), ((12, 13), (0, 1))])
def test_a_day_with_more_than_ten_rejections_is_named(counts: tuple[int, int], named: tuple[int, ...]) -> None:
    """Of all layers together."""
    tuesday = WEEK.monday + timedelta(days=1)
    other = (Layer.CONSTRAINT, Reason.CONSTRAINT_VIOLATION)
    of = report(rejections=(rejected(counts[0] - 1), rejected(1, of=other), rejected(counts[1], tuesday)))
    assert [*of.days_to_look_into] == [(WEEK.monday, tuesday)[one] for one in named]
    assert standing(of, Goal.REJECTIONS_A_DAY) is (MISSED if named else MET)


@pytest.mark.parametrize(
    ("judge", "look_up", "commit", "expected"),
    [
        (0.001, 0.002, 0.01, (MET, MET)),
        (0.001, 0.010, 0.01, (MET, MISSED)),
        (0.030, 0.005, 0.020, (MISSED, MET)),
        (0.001, None, 0.01, (MET, NOT_MEASURED)),
        (None, None, None, (NOT_MEASURED, NOT_MEASURED)),
    ],
)
def test_what_the_guard_takes_is_the_sum_of_its_means(
    judge: float | None, look_up: float | None, commit: float | None, expected: tuple[Standing, Standing]
) -> None:
    means = zip((Timing.JUDGE, Timing.LEDGER, Timing.COMMIT), (judge, look_up, commit), strict=True)
    of = report({timed(timing): Tally(4, 4 * mean) for timing, mean in means if mean is not None}, appointments=1)
    assert (standing(of, Goal.OVERHEAD), standing(of, Goal.LOOK_UP)) == expected


def test_repeats_are_those_that_joined_or_heard_the_stored_answer() -> None:
    """Of all wishes: those that began something, and those that did not, for whatever reason."""
    words = {"not_started.join": 2, "not_started.replay": 3, "not_started.held": 5}
    this = report({word: Tally(count) for word, count in words.items()}, begun=10).this
    assert (this.repeats, this.wishes, this.repeats_percent) == (5, 20, 25.0)


def test_of_one_tenant_is_told_what_its_rows_tell() -> None:
    """What is tallied is the whole installation's: of one tenant nobody can say."""
    tenants = {"a": Figures(begun=2, appointments=2), "b": Figures(begun=1, appointments=1, rejections=(rejected(1),))}
    read = Read(tenants, {timed(Timing.LEDGER): Tally(1, 0.5), "not_started.join": Tally(1)})
    of = report_of(WEEK, "UTC", NOW, read, read, running=False, tenant="a")
    assert (of.this.figures.appointments, of.this.repeats, of.this.wishes) == (2, None, None)
    assert {one.goal: one.standing for one in of.kpis} == {
        Goal.PREVENTION_RATE: MET,
        Goal.FALSE_POSITIVES: MET,
        Goal.REJECTIONS_A_DAY: MET,
        Goal.OVERHEAD: NOT_MEASURED,
        Goal.LOOK_UP: NOT_MEASURED,
    }
    assert list(of.tenants) == ["a"]
    assert list(report_of(WEEK, "UTC", NOW, read, read, running=False, tenant=None).tenants) == ["a", "b"]


def test_a_week_with_nothing_is_empty_and_nothing_is_compared_with_one() -> None:
    """What stands open from other weeks does not fill it; one function call does."""
    assert report(callbacks_open=3, drifts={"ghost": Drifts(open=1)}).this.is_empty
    assert not report({"served.book.error": Tally(1)}).this.is_empty
    assert report(begun=1).before is None
    full = Read({"default": Figures(begun=7)}, {})
    of = report(begun=1, before=full)
    assert of.before is not None
    assert of.before.figures.begun == 7


def test_the_week_before_stands_beside_each_goal() -> None:
    earlier = Read({"default": Figures(appointments=1, rejections=(rejected(3),))}, {})
    of = report(appointments=1, before=earlier)
    assert {one.goal: (one.value, one.before) for one in of.kpis if one.before is not None} == {
        Goal.PREVENTION_RATE: (0.0, 75.0),
        Goal.FALSE_POSITIVES: (0, 0),
        Goal.REJECTIONS_A_DAY: (0, 3),
    }


@pytest.mark.parametrize(
    ("state", "escalated", "end"),
    [
        (State.DOUBT, False, DoubtEnd.OPEN),
        (State.SENT, False, DoubtEnd.OPEN),
        (State.ESCALATED, True, DoubtEnd.OPEN),
        (State.CONFIRMED, True, DoubtEnd.BY_PERSON),
        (State.REJECTED, True, DoubtEnd.BY_PERSON),
        (State.CONFIRMED, False, DoubtEnd.BOOKED),
        (State.PENDING, False, DoubtEnd.BOOKED),
        (State.CANCELLED, False, DoubtEnd.BOOKED),
        (State.MOVED, False, DoubtEnd.BOOKED),
        (State.DECLINED, False, DoubtEnd.BOOKED),
        (State.LOST, False, DoubtEnd.BOOKED),
        (State.REJECTED, False, DoubtEnd.NOT_BOOKED),
    ],
)
def test_how_a_doubt_ended(state: State, escalated: bool, end: DoubtEnd) -> None:
    """What was booked and has ended since was booked all the same."""
    assert doubt_end(state, escalated=escalated) is end


def test_of_doubts_the_median_and_the_longest_are_told() -> None:
    """Of those that have ended: an open one has no length yet."""
    doubts = (*(Doubt(DoubtEnd.BOOKED, seconds) for seconds in (1.0, 2.0, 9.0)), Doubt(DoubtEnd.OPEN))
    assert Figures(doubts=doubts).doubt_seconds == (2.0, 9.0)
    assert Figures(doubts=doubts[3:]).doubt_seconds is None


@given(st.lists(FIGURES, max_size=4))
def test_the_whole_is_the_sum_of_its_tenants(parts: list[Figures]) -> None:
    whole = together(parts)
    assert whole.appointments == sum(one.appointments for one in parts)
    assert whole.rejected == sum(one.rejected for one in parts) == sum(whole.by_layer.values())
    assert sum(whole.by_day.values()) == whole.rejected
    assert len(whole.doubts) == sum(whole.doubts_ended(end) for end in DoubtEnd)
    assert sum(one.open for one in whole.drifts.values()) == sum(d.open for one in parts for d in one.drifts.values())
    assert together([whole]) == whole


@given(FIGURES)
def test_the_rate_is_a_share_and_each_standing_follows_from_its_figure(figures: Figures) -> None:
    of = report_of(WEEK, "UTC", NOW, Read({"a": figures}, {}), NOTHING, running=True, tenant=None)
    rate = figures.prevention_rate
    assert rate is None or 0 <= rate <= 100
    assert (rate is None) == (standing(of, Goal.PREVENTION_RATE) is NOT_MEASURED)
    assert {one.goal for one in of.missed} == {one.goal for one in of.kpis if one.standing is MISSED}
    more = replace(figures, appointments=figures.appointments + 1).prevention_rate
    assert more is not None
    assert rate is None or more <= rate
