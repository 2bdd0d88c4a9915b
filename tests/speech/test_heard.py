"""Dates and times as agents send them: understood, or asked about; never guessed. Speech is in the corpus."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from einmal.domain.opening import Bookable, OpeningHours, Span
from einmal.domain.reply import Missing
from einmal.speech.heard import FAR, Frame, Heard, hear, hear_start
from einmal.speech.said import Language

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""Ten o'clock in Berlin, on a Monday."""
WINTER = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def heard(date: str | None, time: str | None = None, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> Heard:
    return hear_start(date, time, Frame(now, zone))


def berlin(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    "date",
    [
        *("2026-12-01", "01.12.2026", "1.12.2026", "1. 12. 2026", "01.12.26", "1.12.", "01.12.", " 1.12.2026 "),
        *("1. 12.", " 2026-12-01", "1.12. 2026", "1.12", "am 1.12.", "1. Dezember", "December 1st"),
    ],
)
@pytest.mark.parametrize("language", list(Language))
def test_a_date_is_heard_in_all_its_forms(date: str, language: Language) -> None:
    """ISO, dotted and spelled dates, with and without the year, name the same day in either language."""
    frame = Frame(NOW, BERLIN, language)
    assert hear_start(date, "10:00", frame).start == berlin(2026, 12, 1, 10)


@pytest.mark.parametrize(
    ("time", "hour", "minute"),
    [
        *(("10:00", 10, 0), ("10", 10, 0), ("10.30", 10, 30), ("10:30", 10, 30), ("9:05", 9, 5), ("09:05:00", 9, 5)),
        *(("09:05:00.000", 9, 5), ("10 Uhr", 10, 0), ("10 uhr", 10, 0), ("10Uhr", 10, 0), ("10 Uhr 30", 10, 30)),
        *(("10 Uhr 5", 10, 5), ("10 Uhr 05", 10, 5), ("10:30 Uhr", 10, 30), ("10.30 Uhr", 10, 30), ("10h30", 10, 30)),
        *(
            ("10 o'clock", 10, 0),
            (" 10:00 ", 10, 0),
            ("0:00", 0, 0),
            ("00:00", 0, 0),
            ("00 Uhr", 0, 0),
            ("23:59", 23, 59),
        ),
        *(("zehn", 10, 0), ("7 pm", 19, 0), ("7 am", 7, 0), ("7:15 PM", 19, 15), ("12 am", 0, 0), ("12 pm", 12, 0)),
        *(("03:30", 3, 30), ("15 Uhr nachmittags", 15, 0), ("um 10 Uhr.", 10, 0), ("10.", 10, 0)),
    ],
)
@pytest.mark.parametrize("language", list(Language))
def test_a_time_is_heard_in_all_its_forms(time: str, hour: int, minute: int, language: Language) -> None:
    """Clock times with colon, dot, "Uhr" and minutes after it, am and pm, in either language."""
    frame = Frame(NOW, BERLIN, language)
    assert hear_start("2026-12-01", time, frame).start == berlin(2026, 12, 1, hour, minute)


@pytest.mark.parametrize(
    "both",
    [
        *("2026-12-01T10:30", "2026-12-01 10:30", "2026-12-01T10:30:00", "2026-12-01, 10:30", "01.12.2026 10:30"),
        *("1.12.2026, 10.30 Uhr", "1.12. um 10 Uhr 30", "1.12. 10:30", "01.12.2026 um 10:30", "1.12.26 10 Uhr 30"),
        *("2026-12-01T10:30:00+01:00", "2026-12-01 10:30+0100", "1.12.2026 10 Uhr 30", "2026-12-01t10:30:00.000+01:00"),
    ],
)
def test_date_and_time_in_one_are_heard(both: str) -> None:
    """Both in one field, either one, as agents send them; and the same without fields."""
    expected = Heard(berlin(2026, 12, 1, 10, 30), day=date(2026, 12, 1))
    assert heard(both) == heard(None, both) == hear(both, Frame(NOW, BERLIN)) == expected


@pytest.mark.parametrize("time", [None, "", "  "])
def test_a_date_alone_asks_for_the_time(time: str | None) -> None:
    """Half of it is not enough; the day is known."""
    assert heard("2026-12-01", time) == Heard(missing=(Missing.TIME,), day=date(2026, 12, 1))


@pytest.mark.parametrize("date", [None, "", "  "])
def test_a_time_alone_asks_for_the_date(date: str | None) -> None:
    """No date is today's by silence."""
    assert heard(date, "10:00") == Heard(missing=(Missing.DATE,))


def test_nothing_asks_for_both() -> None:
    """All that is missing is told at once."""
    assert heard(None).missing == (Missing.DATE, Missing.TIME)


@pytest.mark.parametrize(
    ("time", "missing"),
    [
        *(
            (time, Missing.TIME_ODD)
            for time in ("24:00", "24 Uhr", "25:00", "10:60", "10 Uhr 60", "99", "10:5", "1000")
        ),
        *((time, Missing.TIME_ODD) for time in ("-1", "10:00:30", ":30", "10:", "10:00 Uhr nachts", "13 pm")),
        *((time, Missing.TIME_ODD) for time in ("10:00 Uhr 30", "nicht um 10", "10 Personen", "halb dreizehn", "0 pm")),
        *(
            (time, Missing.TIME_WIDE)
            for time in ("nachmittags", "10:00 bis 11:00", "ab 14 Uhr", "gegen 15 Uhr", "bald", "10-12")
        ),
        *((time, Missing.TIME_UNCLEAR) for time in ("halb vier", "drei", "3 Uhr", "3:30", "3.30", "10 oder 11 Uhr")),
        ("Uhr", Missing.TIME),
    ],
)
def test_a_time_that_is_not_plain_is_asked_about(time: str, missing: Missing) -> None:
    """What means two times, or none, or does not exist, is not rounded into one."""
    asked = heard("2026-12-01", time if time != "bald" else "so bald wie möglich")
    assert (asked.start, asked.missing) == (None, (missing,))


@pytest.mark.parametrize(
    "date",
    [
        *(
            "2026-02-29",
            "2026-13-01",
            "2026-12-32",
            "31.11.2026",
            "0.12.2026",
            "29.2.",
            "1.13.",
            "2026-12-1",
            "26-12-01",
        ),
        *("20261201", "0000-00-00", "1.12.202", "13/13/2026", "Blubb", "nicht am 1.12.", "32.", "am 0."),
    ],
)
def test_a_date_that_is_none_is_asked_about(date: str) -> None:
    """A date that does not exist or is not understood is not bent into one."""
    assert (heard(date, "10:00").start, heard(date, "10:00").missing) == (None, (Missing.DATE_ODD,))


def test_an_odd_date_and_an_odd_time_are_both_told() -> None:
    """Two troubles, two questions, and which words made them."""
    assert heard("Blubb", "spät") == Heard(missing=(Missing.DATE_ODD, Missing.TIME_ODD), unread=("blubb", "spaet"))


def test_of_an_odd_field_nothing_is_told() -> None:
    """ "Not on Friday" names no day, and a time beside it settles nothing."""
    odd = heard("nicht am Freitag", "10:00")
    assert (odd.day, odd.readings, odd.window) == (None, (), None)


@pytest.mark.parametrize(
    ("date", "time", "instead"),
    [
        pytest.param("2026-11-22", "10:00", (2027, 11, 22), id="yesterday"),
        pytest.param("2026-11-23", "09:59", None, id="a-minute-ago"),
        pytest.param("2026-11-23", "10:00", None, id="this-very-moment"),
        pytest.param("2023-12-01", "10:00", (2026, 12, 1), id="the-year-of-the-models-training"),
        pytest.param("01.12.23", "10:00", (2026, 12, 1), id="the-same-dotted"),
        pytest.param("0001-01-01", "10:00", (2027, 1, 1), id="the-year-one"),
        pytest.param("15.1.", "10:00", (2027, 1, 15), id="january-said-in-november"),
    ],
)
def test_the_past_is_asked_about(date: str, time: str, instead: tuple[int, int, int] | None) -> None:
    """A start that is over is a question, never next year's; the coming year's is named in it."""
    asked = heard(date, time)
    assert (asked.start, asked.missing) == (None, (Missing.DATE_PAST,))
    assert asked.readings == (() if instead is None else (berlin(*instead, 10),))


def test_a_minute_ahead_is_the_future() -> None:
    """The border: what is not over can be wished."""
    assert heard("2026-11-23", "10:01").start == berlin(2026, 11, 23, 10, 1)


def test_today_is_the_tenants_today() -> None:
    """Just after midnight in Berlin it is still yesterday in UTC; "today" is Berlin's."""
    after_midnight = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert heard("2026-11-23", "23:59", after_midnight).missing == (Missing.DATE_PAST,)
    assert heard("24.11.", "10:00", after_midnight).start == berlin(2026, 11, 24, 10)


def test_this_year_is_the_tenants_year() -> None:
    """On New Year's Eve at half past eleven UTC, "1.1." said in Berlin is today."""
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert heard("1.1.", "10:00", new_year).start == berlin(2027, 1, 1, 10)


@pytest.mark.parametrize("date", ["9999-12-31", "2036-12-01", "01.12.36"])
def test_a_year_far_ahead_was_made_up(date: str) -> None:
    """Nobody books ten years ahead on the phone."""
    assert heard(date, "10:00") == Heard(missing=(Missing.DATE_ODD,))


def test_how_far_ahead_may_be_booked() -> None:
    """The last day within the limit is heard, the next one is asked about."""
    last = NOW.astimezone(BERLIN).date() + FAR
    assert heard(last.isoformat(), "10:00").start is not None
    assert heard((last + timedelta(days=1)).isoformat(), "10:00").missing == (Missing.DATE_ODD,)


@pytest.mark.parametrize("time", ["02:00", "02:30", "2 Uhr 59 nachts"])
def test_an_hour_the_clocks_skip_is_asked_about(time: str) -> None:
    """29 March 2026 has no 02:30 in Berlin."""
    assert heard("2026-03-29", time, WINTER) == Heard(missing=(Missing.TIME_SKIPPED,))


@pytest.mark.parametrize(("time", "minute"), [("02:00", 0), ("02:30", 30), ("2 Uhr 59 nachts", 59)])
def test_of_an_hour_that_comes_twice_the_first_is_heard(time: str, minute: int) -> None:
    """25 October 2026 has 02:30 twice in Berlin: the first is taken, and every sentence about it says so."""
    assert heard("2026-10-25", time, WINTER).start == datetime(2026, 10, 25, 0, minute, tzinfo=UTC)
    later = heard("2026-10-25", f"{time} nach der Zeitumstellung", WINTER)
    assert later.start == datetime(2026, 10, 25, 1, minute, tzinfo=UTC)


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
    assert heard(date, time, WINTER).start == instant


@pytest.mark.parametrize("offset", ["+01:00", "+0100"])
def test_an_offset_that_agrees_with_the_place_is_heard(offset: str) -> None:
    """10:00+01:00 in Berlin's winter is ten o'clock."""
    assert heard(f"2026-12-01T10:00:00{offset}").start == berlin(2026, 12, 1, 10)


@pytest.mark.parametrize("offset", ["Z", "z", "+00:00", "+02:00", "-01:00", "+0030", "+99:99", "+01:30"])
def test_an_offset_that_does_not_agree_is_asked_about(offset: str) -> None:
    """10:00Z from a model that means ten o'clock, or true UTC: only the caller knows."""
    assert heard(f"2026-12-01T10:00:00{offset}") == Heard(missing=(Missing.TIME_ODD,))


def test_utc_is_heard_where_the_tenant_lives_in_it() -> None:
    """Control: where Z is the local offset, it says nothing odd."""
    assert heard("2026-12-01T10:00Z", zone=ZoneInfo("UTC")).start == datetime(2026, 12, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(("offset", "utc_hour"), [("+02:00", 0), ("+01:00", 1)])
def test_an_offset_says_which_of_two_equal_hours_is_meant(offset: str, utc_hour: int) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    assert heard(f"2026-10-25T02:30:00{offset}", None, now).start == datetime(2026, 10, 25, utc_hour, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date_text", "time_text", "expected"),
    [
        ("1.12. 10 Uhr", None, "10:00"),
        ("1.12.26 10 Uhr", None, "10:00"),
        ("2026-12-01T10:00", "10 Uhr", "10:00"),
        ("2026-12-01T00:00:00", "11:00", "11:00"),
        ("2026-12-01 00:00", "00:00", "00:00"),
        ("2026-12-01T10:00", "11:00", None),
        ("2026-12-01T10:00", "00:00", None),
        ("1.12.2026", "10:00 Uhr 30", None),
        ("1.12.2026", "10.30 Uhr 45", None),
        ("1.12.2026 nachmittags", "10:00", None),
    ],
)
def test_times_that_disagree_are_a_question(date_text: str, time_text: str | None, expected: str | None) -> None:
    """The date's own time counts if no other is said; midnight there is how software writes "no time"."""
    found = heard(date_text, time_text)
    if expected is None:
        assert found.missing == (Missing.TIME_ODD,)
    else:
        assert found.start is not None
        assert found.start.astimezone(BERLIN).strftime("%d.%m. %H:%M") == f"01.12. {expected}"


def test_a_midnight_in_a_date_alone_asks_for_the_time() -> None:
    """Nobody was heard to say midnight: only with its offset is it meant."""
    assert heard("2026-12-01T00:00:00") == Heard(missing=(Missing.TIME,), day=date(2026, 12, 1))
    assert heard("2026-12-01T00:00:00+01:00").start == berlin(2026, 12, 1, 0)


@pytest.mark.parametrize(
    ("date_text", "time_text"),
    [("2026-12-01", "2.12. 10:00"), ("Dienstag", "Mittwoch 10 Uhr"), ("morgen", "1.12. 9 Uhr")],
)
def test_days_that_disagree_are_a_question(date_text: str, time_text: str) -> None:
    """Neither field is quietly taken for the other; both days are named."""
    found = heard(date_text, time_text)
    assert found.missing == (Missing.DATE_UNCLEAR,)
    assert len(found.readings) == 2


def test_what_is_asked_is_in_the_order_in_which_it_is_read_back() -> None:
    """Readings belong to the first question; more than a listener can choose from are not read back at all."""
    assert heard("Dienstag oder Mittwoch oder Donnerstag", "10:00").readings == tuple(
        berlin(2026, 11, day, 10) for day in (24, 25, 26)
    )
    four = heard("Dienstag oder Mittwoch oder Donnerstag oder Freitag", "10:00")
    assert (four.missing, four.readings) == ((Missing.DATE_UNCLEAR,), ())


OPEN = tuple((Span(time(9), time(18)),) for _ in range(7))


def test_special_days_and_holidays_settle_too() -> None:
    """A day with hours of its own settles by those; one on which the house is shut leaves a question."""
    special = {date(2026, 11, 24): (Span(time(1), time(4)),), date(2026, 11, 25): ()}
    bookable = Bookable(OpeningHours(OPEN, special), timedelta(minutes=30))
    frame = Frame(NOW, BERLIN, bookable=bookable)
    assert hear("Dienstag um drei", frame).start == berlin(2026, 11, 24, 3)
    assert hear("Mittwoch um drei", frame).missing == (Missing.TIME_UNCLEAR,)
    assert hear("Donnerstag um drei", frame).start == berlin(2026, 11, 26, 15)


@pytest.mark.parametrize(
    ("minutes", "settled"), [pytest.param(60, True, id="it-fits"), pytest.param(61, False, id="a-minute-too-long")]
)
def test_the_whole_appointment_must_fit(minutes: int, settled: bool) -> None:
    """Five o'clock is this afternoon's only for what is done by six."""
    frame = Frame(NOW, BERLIN, bookable=Bookable(OpeningHours(OPEN), timedelta(minutes=minutes)))
    found = hear("Dienstag um fünf", frame)
    assert found.start == (berlin(2026, 11, 24, 17) if settled else None)


def test_the_language_of_the_tenant_is_tried_first() -> None:
    """What only the other language knows is heard in it."""
    for language in Language:
        frame = Frame(NOW, BERLIN, language)
        assert (
            hear("tomorrow at 3 pm", frame).start == hear("morgen um 15 Uhr", frame).start == berlin(2026, 11, 24, 15)
        )
