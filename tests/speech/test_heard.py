"""Dates and times as agents send them: understood, or asked about; never guessed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from einmal.domain.reply import Missing
from einmal.speech.heard import FAR, Heard, hear_start

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""Ten o'clock in Berlin."""
WINTER = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def hear(date: str | None, time: str | None = None, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> Heard:
    return hear_start(date, time, now, zone)


def berlin(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN)


def heard_as(at: datetime) -> Heard:
    return Heard(at.astimezone(UTC))


@pytest.mark.parametrize(
    "date",
    [
        *("2026-12-01", "01.12.2026", "1.12.2026", "1. 12. 2026", "01.12.26", "1.12.", "01.12.", " 1.12.2026 "),
        *("1. 12.", " 2026-12-01", "1.12. 2026"),
    ],
)
def test_a_date_is_heard_in_all_its_forms(date: str) -> None:
    """ISO and dotted dates, with and without the year, name the same day."""
    assert hear(date, "10:00") == heard_as(berlin(2026, 12, 1, 10))


@pytest.mark.parametrize(
    ("time", "hour", "minute"),
    [
        ("10:00", 10, 0),
        ("10", 10, 0),
        ("10.30", 10, 30),
        ("10:30", 10, 30),
        ("9:05", 9, 5),
        ("09:05:00", 9, 5),
        ("09:05:00.000", 9, 5),
        ("10 Uhr", 10, 0),
        ("10 uhr", 10, 0),
        ("10Uhr", 10, 0),
        ("10 Uhr 30", 10, 30),
        ("10 Uhr 5", 10, 5),
        ("10:30 Uhr", 10, 30),
        ("10.30 Uhr", 10, 30),
        ("10h30", 10, 30),
        ("10 o'clock", 10, 0),
        (" 10:00 ", 10, 0),
        ("0:00", 0, 0),
        ("00 Uhr", 0, 0),
        ("23:59", 23, 59),
    ],
)
def test_a_time_is_heard_in_all_its_forms(time: str, hour: int, minute: int) -> None:
    """Clock times with colon, dot, "Uhr" and minutes after it."""
    assert hear("2026-12-01", time) == heard_as(berlin(2026, 12, 1, hour, minute))


@pytest.mark.parametrize(
    "both",
    [
        *("2026-12-01T10:30", "2026-12-01 10:30", "2026-12-01T10:30:00", "2026-12-01, 10:30", "01.12.2026 10:30"),
        *(
            "1.12.2026, 10.30 Uhr",
            "1.12. um 10 Uhr 30",
            "1.12. 10:30",
            "01.12.2026 um 10:30",
            "2026-12-01T10:30:00+01:00",
        ),
        *("2026-12-01 10:30+0100", "1.12.2026 10 Uhr 30"),
    ],
)
def test_date_and_time_in_one_are_heard(both: str) -> None:
    """Both in one field, as agents in the field send them."""
    assert hear(both) == heard_as(berlin(2026, 12, 1, 10, 30))


@pytest.mark.parametrize("time", [None, "", "  "])
def test_a_date_alone_asks_for_the_time(time: str | None) -> None:
    """Half of it is not enough."""
    assert hear("2026-12-01", time) == Heard(missing=(Missing.TIME,))


@pytest.mark.parametrize("date", [None, ""])
def test_a_time_alone_asks_for_the_date(date: str | None) -> None:
    """No date is today's by silence."""
    assert hear(date, "10:00") == Heard(missing=(Missing.DATE,))


def test_nothing_asks_for_both() -> None:
    """All that is missing is told at once."""
    assert hear(None).missing == (Missing.DATE, Missing.TIME)


@pytest.mark.parametrize(
    "time",
    [
        *("24:00", "25:00", "10:60", "10 Uhr 60", "99", "10:5", "1000", "zehn", "halb vier", "10-12", "-1", "10:00:30"),
        *(
            "nachmittags",
            "10:00 bis 11:00",
            "ab 14 Uhr",
            "gegen 15 Uhr",
            "7 pm",
            "Uhr",
            ":30",
            "10:",
            "10:00 Uhr nachts",
        ),
    ],
)
def test_a_time_that_is_not_plain_is_asked_about(time: str) -> None:
    """What needs interpreting, or does not exist, is not rounded into a time."""
    assert hear("2026-12-01", time) == Heard(missing=(Missing.TIME_ODD,))


@pytest.mark.parametrize(
    "date",
    [
        *("morgen", "Dienstag", "2026-02-29", "2026-13-01", "2026-12-32", "31.11.2026", "0.12.2026", "29.2.", "1.13."),
        *("12/01/2026", "2026-12-1", "26-12-01", "20261201", "0000-00-00", "1.12.202", "1.12", "Dezember", "am 1.12."),
    ],
)
def test_a_date_that_is_not_plain_is_asked_about(date: str) -> None:
    """A date that does not exist or is not written as one is not bent into one."""
    assert hear(date, "10:00") == Heard(missing=(Missing.DATE_ODD,))


def test_an_odd_date_and_an_odd_time_are_both_told() -> None:
    """Two troubles, two questions."""
    assert hear("morgen", "früh").missing == (Missing.DATE_ODD, Missing.TIME_ODD)


@pytest.mark.parametrize(
    ("date", "time"),
    [
        pytest.param("2026-11-22", "10:00", id="yesterday"),
        pytest.param("2026-11-23", "09:59", id="a-minute-ago"),
        pytest.param("2026-11-23", "10:00", id="this-very-moment"),
        pytest.param("2023-12-01", "10:00", id="the-year-of-the-models-training"),
        pytest.param("01.12.23", "10:00", id="the-same-dotted"),
        pytest.param("0001-01-01", "10:00", id="the-year-one"),
        pytest.param("15.1.", "10:00", id="january-said-in-november"),
    ],
)
def test_the_past_is_asked_about(date: str, time: str) -> None:
    """A start that is over is a question, never next year's."""
    assert hear(date, time) == Heard(missing=(Missing.DATE_PAST,))


def test_a_minute_ahead_is_the_future() -> None:
    """The border: what is not over can be wished."""
    assert hear("2026-11-23", "10:01") == heard_as(berlin(2026, 11, 23, 10, 1))


def test_today_is_the_tenants_today() -> None:
    """Just after midnight in Berlin it is still yesterday in UTC; "today" is Berlin's."""
    after_midnight = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert hear("2026-11-23", "23:59", after_midnight) == Heard(missing=(Missing.DATE_PAST,))
    assert hear("24.11.", "10:00", after_midnight) == heard_as(berlin(2026, 11, 24, 10))


def test_this_year_is_the_tenants_year() -> None:
    """On New Year's Eve at half past eleven UTC, "1.1." said in Berlin is today."""
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert hear("1.1.", "10:00", new_year) == heard_as(berlin(2027, 1, 1, 10))


@pytest.mark.parametrize("date", ["9999-12-31", "2036-12-01", "01.12.36"])
def test_a_year_far_ahead_was_made_up(date: str) -> None:
    """Nobody books ten years ahead on the phone."""
    assert hear(date, "10:00") == Heard(missing=(Missing.DATE_ODD,))


def test_how_far_ahead_may_be_booked() -> None:
    """The last day within the limit is heard, the next one is asked about."""
    last = NOW.astimezone(BERLIN).date() + FAR
    assert hear(last.isoformat(), "10:00").start is not None
    assert hear((last + timedelta(days=1)).isoformat(), "10:00").missing == (Missing.DATE_ODD,)


@pytest.mark.parametrize("time", ["02:00", "02:30", "2 Uhr 59"])
def test_an_hour_the_clocks_skip_is_asked_about(time: str) -> None:
    """29 March 2026 has no 02:30 in Berlin."""
    assert hear("2026-03-29", time, WINTER) == Heard(missing=(Missing.TIME_SKIPPED,))


@pytest.mark.parametrize("time", ["02:00", "02:30", "2 Uhr 59"])
def test_an_hour_that_comes_twice_is_asked_about(time: str) -> None:
    """25 October 2026 has 02:30 twice in Berlin, an hour apart: which is meant cannot be told."""
    assert hear("2026-10-25", time, WINTER) == Heard(missing=(Missing.TIME_TWICE,))


@pytest.mark.parametrize(
    ("date", "time", "instant"),
    [
        pytest.param("2026-03-29", "01:59", datetime(2026, 3, 29, 0, 59, tzinfo=UTC), id="before-the-gap"),
        pytest.param("2026-03-29", "03:00", datetime(2026, 3, 29, 1, 0, tzinfo=UTC), id="after-the-gap"),
        pytest.param("2026-10-25", "01:59", datetime(2026, 10, 24, 23, 59, tzinfo=UTC), id="before-the-fold"),
        pytest.param("2026-10-25", "03:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC), id="after-the-fold"),
        pytest.param("2026-07-01", "10:00", datetime(2026, 7, 1, 8, 0, tzinfo=UTC), id="summer"),
        pytest.param("2026-12-01", "10:00", datetime(2026, 12, 1, 9, 0, tzinfo=UTC), id="winter"),
    ],
)
def test_the_instant_is_by_the_clocks_of_that_day(date: str, time: str, instant: datetime) -> None:
    """The offset is that of the day meant, not of the day it was said."""
    assert hear(date, time, WINTER) == Heard(instant)


@pytest.mark.parametrize("offset", ["+01:00", "+0100"])
def test_an_offset_that_agrees_with_the_place_is_heard(offset: str) -> None:
    """10:00+01:00 in Berlin's winter is ten o'clock."""
    assert hear(f"2026-12-01T10:00:00{offset}") == heard_as(berlin(2026, 12, 1, 10))


@pytest.mark.parametrize("offset", ["Z", "z", "+00:00", "+02:00", "-01:00", "+0030", "+99:99", "+01:30"])
def test_an_offset_that_does_not_agree_is_asked_about(offset: str) -> None:
    """10:00Z from a model that means ten o'clock, or true UTC: only the caller knows."""
    assert hear(f"2026-12-01T10:00:00{offset}") == Heard(missing=(Missing.TIME_ODD,))


def test_utc_is_heard_where_the_tenant_lives_in_it() -> None:
    """Control: where Z is the local offset, it says nothing odd."""
    assert hear("2026-12-01T10:00Z", zone=ZoneInfo("UTC")).start == datetime(2026, 12, 1, 10, tzinfo=UTC)


ZONES = st.sampled_from(["Europe/Berlin", "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]).map(
    ZoneInfo
)
MINUTES = st.integers(1, 730 * 24 * 60 - 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


@given(at=MINUTES, zone=ZONES)
def test_what_we_print_is_heard_as_the_same_instant(at: datetime, zone: ZoneInfo) -> None:
    """The ISO start of our own answers, handed back, is that very instant in any zone."""
    local = at.astimezone(zone)
    # The hour that comes twice is asked about; that has a test of its own.
    assume(local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset())
    assert hear(local.isoformat(), zone=zone) == Heard(at)


@given(at=MINUTES, zone=ZONES)
def test_a_start_heard_is_the_one_said(at: datetime, zone: ZoneInfo) -> None:
    """Date and time said apart are that local time, or a question; never a neighbouring time."""
    local = at.astimezone(zone)
    heard = hear(f"{local:%d.%m.%Y}", f"{local:%H:%M}", zone=zone)
    if heard.start is None:
        assert heard.missing == (Missing.TIME_TWICE,)
    else:
        assert heard.start == at


@given(
    date=st.none() | st.text(max_size=20) | st.from_regex(r"[0-9]{1,4}[.-][0-9]{1,2}[.-][0-9]{0,4}T?", fullmatch=True),
    time=st.none() | st.text(max_size=12) | st.from_regex(r"[0-9]{1,3}[:. ](Uhr )?[0-9]{0,2}(Z|[+-][0-9]{4})?"),
)
def test_no_text_makes_it_raise(date: str | None, time: str | None) -> None:
    """Whatever is said becomes a start in the future or a question, never both and never neither."""
    heard = hear(date, time)
    assert (heard.start is None) == bool(heard.missing)
    assert heard.start is None or NOW < heard.start <= NOW + FAR + timedelta(days=1)


@pytest.mark.parametrize(
    ("date_text", "time_text", "expected"),
    [
        ("1.12. 10 Uhr", None, "10:00"),
        ("1.12.26 10 Uhr", None, "10:00"),
        ("2026-12-01T10:00", "10 Uhr", "10:00"),
        ("2026-12-01T00:00:00", "11:00", "11:00"),
        ("2026-12-01T10:00", "11:00", None),
        ("1.12.2026", "10:00 Uhr 30", None),
        ("1.12.2026", "10.30 Uhr 45", None),
    ],
)
def test_times_that_disagree_are_a_question(date_text: str, time_text: str | None, expected: str | None) -> None:
    """The date's own time counts if no other is said; midnight there is how software writes "no time"."""
    zone = ZoneInfo("Europe/Berlin")
    heard = hear_start(date_text, time_text, datetime(2026, 11, 23, 9, tzinfo=UTC), zone)
    if expected is None:
        assert heard.missing == (Missing.TIME_ODD,)
    else:
        assert heard.start is not None
        assert heard.start.astimezone(zone).strftime("%d.%m. %H:%M") == f"01.12. {expected}"


@pytest.mark.parametrize(("offset", "utc_hour"), [("+02:00", 0), ("+01:00", 1)])
def test_an_offset_says_which_of_two_equal_hours_is_meant(offset: str, utc_hour: int) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    heard = hear_start(f"2026-10-25T02:30:00{offset}", None, now, ZoneInfo("Europe/Berlin"))
    assert heard.start == datetime(2026, 10, 25, utc_hour, 30, tzinfo=UTC)
