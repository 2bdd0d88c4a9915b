"""Instants as people say them, in German and English."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from einmal.speech.said import Case, Language, say_day, say_instant, say_length, say_time, weekday_name

DE, EN = Language.GERMAN, Language.ENGLISH
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def berlin(month: int, day: int, hour: int = 10, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("hour", "minute", "german", "english"),
    [
        (10, 0, "10 Uhr", "10:00 am"),
        (11, 30, "11 Uhr 30", "11:30 am"),
        (8, 5, "8 Uhr 5", "8:05 am"),
        (0, 0, "0 Uhr", "12:00 am"),
        (0, 15, "0 Uhr 15", "12:15 am"),
        (12, 0, "12 Uhr", "12:00 pm"),
        (13, 0, "13 Uhr", "1:00 pm"),
        (23, 59, "23 Uhr 59", "11:59 pm"),
        (1, 0, "1 Uhr nachts", "1:00 am"),
        (3, 30, "3 Uhr 30 nachts", "3:30 am"),
        (4, 0, "4 Uhr morgens", "4:00 am"),
        (6, 0, "6 Uhr morgens", "6:00 am"),
        (6, 59, "6 Uhr 59 morgens", "6:59 am"),
        (7, 0, "7 Uhr", "7:00 am"),
        (15, 0, "15 Uhr", "3:00 pm"),
    ],
)
def test_a_time_is_said_as_people_say_it(hour: int, minute: int, german: str, english: str) -> None:
    """ "Uhr" and 24 hours in German, am and pm in English; small hours are told from the afternoon's."""
    at = berlin(12, 1, hour, minute)
    assert (say_time(at, BERLIN, DE), say_time(at, BERLIN, EN)) == (german, english)


WEEK = [
    (7, "Montag", "Monday"),
    (8, "Dienstag", "Tuesday"),
    (9, "Mittwoch", "Wednesday"),
    (10, "Donnerstag", "Thursday"),
    (11, "Freitag", "Friday"),
    (12, "Samstag", "Saturday"),
    (13, "Sonntag", "Sunday"),
]


@pytest.mark.parametrize(("day", "german", "english"), WEEK, ids=[row[2] for row in WEEK])
def test_every_weekday_has_its_name(day: int, german: str, english: str) -> None:
    """The weekday is the date's own."""
    at = berlin(12, day)
    assert say_day(at, BERLIN, DE, NOW) == f"am {german}, dem {day}. Dezember"
    assert say_day(at, BERLIN, EN, NOW) == f"on {english}, December {day}"


YEAR = [
    *("Januar January", "Februar February", "März March", "April April", "Mai May", "Juni June", "Juli July"),
    *("August August", "September September", "Oktober October", "November November", "Dezember December"),
]


@pytest.mark.parametrize(("month", "names"), list(enumerate(YEAR, 1)), ids=[names.split()[1] for names in YEAR])
def test_every_month_has_its_name(month: int, names: str) -> None:
    """The month is said by name."""
    german, english = names.split()
    at = berlin(month, 3)
    assert say_day(at, BERLIN, DE, NOW).endswith(f", dem 3. {german}")
    assert say_day(at, BERLIN, EN, NOW).endswith(f", {english} 3")


def test_the_year_is_said_only_where_it_is_another() -> None:
    """Who books for next year hears the year."""
    at = berlin(1, 15, year=2027)
    assert say_instant(at, BERLIN, DE, NOW) == "am Freitag, dem 15. Januar 2027, um 10 Uhr"
    assert say_instant(at, BERLIN, EN, NOW) == "on Friday, January 15, 2027, at 10:00 am"


def test_day_and_time_together() -> None:
    """The whole instant in one breath."""
    at = berlin(12, 1, 10, 30)
    assert say_instant(at, BERLIN, DE, NOW) == "am Dienstag, dem 1. Dezember, um 10 Uhr 30"
    assert say_instant(at, BERLIN, EN, NOW) == "on Tuesday, December 1, at 10:30 am"


def test_it_is_the_tenants_clock_that_is_read() -> None:
    """Half past eleven at night in UTC is tomorrow in Berlin, in winter by one hour and in summer by two."""
    assert say_instant(datetime(2026, 12, 1, 23, 30, tzinfo=UTC), BERLIN, DE, NOW) == (
        "am Mittwoch, dem 2. Dezember, um 0 Uhr 30"
    )
    assert say_time(datetime(2026, 7, 1, 23, 30, tzinfo=UTC), BERLIN, DE) == "1 Uhr 30 nachts"


def test_this_year_is_the_tenants_too() -> None:
    """On New Year's Eve at half past eleven UTC it is next year in Berlin already."""
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert say_day(berlin(1, 15, year=2027), BERLIN, DE, new_year) == "am Freitag, dem 15. Januar"


@pytest.mark.parametrize(
    ("utc_hour", "german", "english"),
    [
        (0, "2 Uhr 30 nachts vor der Zeitumstellung", "2:30 am before the clocks change"),
        (1, "2 Uhr 30 nachts nach der Zeitumstellung", "2:30 am after the clocks change"),
        (2, "3 Uhr 30 nachts", "3:30 am"),
    ],
)
def test_an_hour_that_comes_twice_says_which_it_is(utc_hour: int, german: str, english: str) -> None:
    """On 25 October 2026 Berlin has 2:30 twice; an hour later there is no doubt."""
    at = datetime(2026, 10, 25, utc_hour, 30, tzinfo=UTC)
    assert (say_time(at, BERLIN, DE), say_time(at, BERLIN, EN)) == (german, english)


def test_around_the_hour_that_is_skipped_nothing_is_said_of_it() -> None:
    """On 29 March 2026 it is 1:59 and then 3:00: both are there once."""
    at = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert say_time(at, BERLIN, DE) == "3 Uhr nachts"
    assert say_time(at - timedelta(minutes=1), BERLIN, DE) == "1 Uhr 59 nachts"


@pytest.mark.parametrize(
    ("case", "german", "english"),
    [
        (Case.ON, "am Dienstag, dem 1. Dezember, um 10 Uhr 30", "on Tuesday, December 1, at 10:30 am"),
        (Case.NAMED, "Dienstag, den 1. Dezember, um 10 Uhr 30", "Tuesday, December 1, at 10:30 am"),
        (Case.IS, "Dienstag, der 1. Dezember, um 10 Uhr 30", "Tuesday, December 1, at 10:30 am"),
    ],
)
def test_a_day_has_the_article_of_its_sentence(case: Case, german: str, english: str) -> None:
    """ "Booked on", "do you mean", "that is": German bends the date, English does not."""
    at = berlin(12, 1, 10, 30)
    assert (say_instant(at, BERLIN, DE, NOW, case), say_instant(at, BERLIN, EN, NOW, case)) == (german, english)


def test_without_a_now_the_year_is_always_said() -> None:
    """What is read later, or asked for, must not hang on when it was said."""
    at = berlin(12, 1)
    assert say_day(at, BERLIN, DE, None, Case.IS) == "Dienstag, der 1. Dezember 2026"
    assert say_day(at, BERLIN, EN, None, Case.IS) == "Tuesday, December 1, 2026"


def test_a_weekday_has_its_name_alone() -> None:
    """For data beside a sentence."""
    assert [weekday_name(date(2026, 12, 1), language) for language in (DE, EN)] == ["Dienstag", "Tuesday"]


@pytest.mark.parametrize(
    ("minutes", "german", "english"),
    [
        (1, "eine Minute", "one minute"),
        (45, "45 Minuten", "45 minutes"),
        (60, "eine Stunde", "one hour"),
        (61, "eine Stunde und eine Minute", "one hour and one minute"),
        (90, "eine Stunde und 30 Minuten", "one hour and 30 minutes"),
        (135, "zwei Stunden und 15 Minuten", "two hours and 15 minutes"),
        (720, "zwölf Stunden", "twelve hours"),
        (780, "13 Stunden", "13 hours"),
    ],
)
def test_a_length_is_in_hours_and_minutes(minutes: int, german: str, english: str) -> None:
    """Nobody counts to 135."""
    assert [say_length(minutes, language) for language in (DE, EN)] == [german, english]
