"""Opening hours: borders, breaks, midnight, and which of two rules for one day counts."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.opening import Bookable, OpeningHours, Span, no_holidays

MORNING = Span(time(9), time(12, 30))
AFTERNOON = Span(time(13, 30), time(18))
LATE = Span(time(18), time(0))
WEEK = ((MORNING, AFTERNOON), (), (LATE,), (), (), (), (Span(time(0), time(0)),))
MONDAY, TUESDAY, WEDNESDAY, SUNDAY = (date(2026, 11, day) for day in (23, 24, 25, 29))
HALF_AN_HOUR = timedelta(minutes=30)


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock))


@pytest.mark.parametrize(
    ("day", "clock", "minutes", "admitted"),
    [
        pytest.param(MONDAY, "09:00", 30, True, id="from-the-minute-it-opens"),
        pytest.param(MONDAY, "08:59", 30, False, id="not-a-minute-before"),
        pytest.param(MONDAY, "12:00", 30, True, id="until-the-minute-it-closes"),
        pytest.param(MONDAY, "12:01", 30, False, id="not-a-minute-after"),
        pytest.param(MONDAY, "12:30", 30, False, id="not-in-the-break"),
        pytest.param(MONDAY, "12:00", 120, False, id="not-across-the-break"),
        pytest.param(MONDAY, "13:30", 270, True, id="a-whole-span"),
        pytest.param(MONDAY, "09:00", 540, False, id="longer-than-any-span"),
        pytest.param(TUESDAY, "10:00", 30, False, id="a-closed-day"),
        pytest.param(WEDNESDAY, "23:30", 30, True, id="until-midnight"),
        pytest.param(WEDNESDAY, "23:31", 30, False, id="not-past-midnight"),
        pytest.param(WEDNESDAY, "17:59", 1, False, id="a-late-day-opens-late"),
        pytest.param(SUNDAY, "00:00", 1440, True, id="open-all-day"),
        pytest.param(SUNDAY, "00:00", 1441, False, id="no-longer-than-a-day"),
    ],
)
def test_an_appointment_must_lie_within_one_span(day: date, clock: str, minutes: int, admitted: bool) -> None:
    """Begin and end count, to the minute; a break lies between two spans."""
    assert OpeningHours(WEEK).admits(at(day, clock), timedelta(minutes=minutes)) is admitted


def test_a_holiday_closes_and_a_special_day_overrules_it() -> None:
    """Who opens on a holiday says so; a special day may also close one that would be open."""
    holidays = {MONDAY: "Feiertag", WEDNESDAY: "Feiertag"}.get
    hours = OpeningHours(WEEK, {WEDNESDAY: (MORNING,), SUNDAY: ()}, holidays)
    assert hours.on(MONDAY) == ()
    assert hours.on(WEDNESDAY) == (MORNING,)
    assert hours.on(SUNDAY) == ()
    assert hours.admits(at(WEDNESDAY, "09:00"), HALF_AN_HOUR)
    assert not hours.admits(at(WEDNESDAY, "19:00"), HALF_AN_HOUR), "the week's hours do not count on a special day"
    assert hours.on(MONDAY + timedelta(days=7)) == (MORNING, AFTERNOON)


def test_no_day_is_a_holiday_unless_somebody_says_so() -> None:
    assert no_holidays(date(2026, 12, 25)) is None
    assert OpeningHours(WEEK).on(date(2026, 12, 28)) == (MORNING, AFTERNOON)


@pytest.mark.parametrize(("opens", "closes"), [("10:00", "09:00"), ("10:00", "10:00"), ("00:01", "00:01")])
def test_a_span_closes_after_it_opens(opens: str, closes: str) -> None:
    with pytest.raises(ValueError, match="close after it opens"):
        Span(time.fromisoformat(opens), time.fromisoformat(closes))


@pytest.mark.parametrize("days", [0, 6, 8])
def test_a_week_has_seven_days(days: int) -> None:
    with pytest.raises(ValueError, match="seven days"):
        OpeningHours(((),) * days)


MINUTES = st.integers(0, 24 * 60 - 1)


@given(MINUTES, MINUTES, MINUTES, st.integers(1, 24 * 60))
def test_admitting_is_lying_within_on_the_number_line(opens: int, closes: int, begin: int, minutes: int) -> None:
    """The same as arithmetic on minutes of the day, for every span, begin and length."""
    ends = closes or 24 * 60
    if opens >= ends:
        return
    span = Span(time(opens // 60, opens % 60), time(closes // 60, closes % 60))
    hours = OpeningHours(((span,), (), (), (), (), (), ()))
    start = at(MONDAY, "00:00") + timedelta(minutes=begin)
    assert hours.admits(start, timedelta(minutes=minutes)) is (opens <= begin and begin + minutes <= ends)


BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
"""Eight o'clock on a Monday in Berlin."""


@pytest.mark.parametrize(
    ("day", "clock", "admitted"),
    [
        pytest.param(MONDAY, "09:00", False, id="within-the-notice"),
        pytest.param(MONDAY, "10:00", True, id="the-notice-to-the-minute"),
        pytest.param(MONDAY, "13:00", False, id="in-the-break"),
        pytest.param(date(2026, 11, 30), "09:00", False, id="after-the-horizon"),
        pytest.param(date(2026, 11, 16), "10:00", False, id="in-the-past"),
    ],
)
def test_what_can_be_wished_lies_between_notice_and_horizon(day: date, clock: str, admitted: bool) -> None:
    """Two hours' notice and a week's horizon, counted in real time; the hours in local time."""
    bookable = Bookable(OpeningHours(WEEK), HALF_AN_HOUR, timedelta(hours=2), timedelta(days=7))
    assert bookable.admits(at(day, clock).replace(tzinfo=BERLIN), NOW) is admitted
