"""Weeks: which days are theirs, how they are written, and what is none."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.week import Week

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = st.dates(date(2000, 2, 1), date(2999, 11, 1))


@pytest.mark.parametrize(
    ("text", "monday"),
    [
        ("2026-W47", date(2026, 11, 16)),
        ("2026-W01", date(2025, 12, 29)),
        ("2026-W53", date(2026, 12, 28)),
        ("2000-W01", date(2000, 1, 3)),
    ],
)
def test_a_week_is_read_as_it_is_written(text: str, monday: date) -> None:
    """The first is the one with the year's first Thursday, so it may begin in the year before."""
    week = Week.read(text)
    assert (str(week), week.monday, week.sunday) == (text, monday, monday + timedelta(days=6))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-W54", "2026 has no week 54"),
        ("2025-W53", "2025 has no week 53"),
        ("2026-W00", "2026 has no week 0"),
        ("1999-W10", "from 2000 to 2999"),
        ("2026-47", "is written 2026-W47"),
        ("2026-w47", "is written 2026-W47"),
        ("2026-W4७", "is written 2026-W47"),
        ("2026-W471", "is written 2026-W47"),
        ("", "is written 2026-W47"),
    ],
)
def test_what_is_no_week_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Week.read(text)


@given(DAYS)
def test_every_day_lies_in_one_week_and_weeks_follow_each_other(day: date) -> None:
    week = Week.of(day)
    assert week.monday <= day <= week.sunday
    assert Week.read(str(week)) == week
    assert week.after.before == week
    assert week.after.monday == week.sunday + timedelta(days=1)
    assert week.before < week < week.after


@given(DAYS, st.sampled_from(["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]))
def test_its_days_are_whole_and_without_a_gap(day: date, name: str) -> None:
    """Midnight to midnight there, the last ending where the next week begins."""
    zone, week = ZoneInfo(name), Week.of(day)
    days = week.days(zone)
    assert [one.date for one in days] == [week.monday + timedelta(days=number) for number in range(7)]
    assert all(one.begin < one.end for one in days)
    assert all(earlier.end == later.begin for earlier, later in pairwise(days))
    assert days[-1].end == week.after.days(zone)[0].begin
    assert all(one.begin.astimezone(zone).date() == one.date for one in days)


def test_a_day_on_which_the_clocks_change_is_an_hour_longer_or_shorter() -> None:
    longest = Week.of(date(2026, 10, 25)).days(BERLIN)[-1]
    assert longest.end - longest.begin == timedelta(hours=25)
    shortest = Week.of(date(2026, 3, 29)).days(BERLIN)[-1]
    assert shortest.end - shortest.begin == timedelta(hours=23)
    assert longest.begin == datetime(2026, 10, 24, 22, tzinfo=UTC)
