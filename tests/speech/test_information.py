"""What is told of the house: its hours, its services, and nothing of anybody."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from einmal.domain.model import Service
from einmal.domain.opening import Holidays, OpeningHours, Span, no_holidays
from einmal.speech.information import WEEK_LETTERS_MAX, tell_customer, tell_hours, tell_service, tell_services
from einmal.speech.said import Language
from einmal.speech.sentences import Voice

DE, EN = Language.GERMAN, Language.ENGLISH
BERLIN = ZoneInfo("Europe/Berlin")
VOICES = [Voice(language, BERLIN) for language in (DE, EN)]
GERMAN, ENGLISH = VOICES
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""Ten o'clock in Berlin."""

SATURDAY = MONDAY + timedelta(days=5)


def spans(*texts: str) -> tuple[Span, ...]:
    """ "9-12:30"."""
    return tuple(Span(*map(_time, text.split("-"))) for text in texts)


def _time(text: str) -> time:
    hour, _, minute = text.partition(":")
    return time(int(hour) % 24, int(minute or 0))


def hours(*days: str, holidays: Holidays = no_holidays, **special: str) -> OpeningHours:
    """From Monday on, each as "9-12 13-18"; what is left is closed. `special`: "d2026_12_24"."""
    weekly = [spans(*day.split()) for day in days] + [()] * (7 - len(days))
    differ = {date.fromisoformat(key[1:].replace("_", "-")): spans(*text.split()) for key, text in special.items()}
    return OpeningHours(tuple(weekly), differ, holidays)


@pytest.mark.parametrize(
    ("house", "german", "english"),
    [
        pytest.param(
            hours("9-18", "9-18", "9-18", "9-18", "9-18"),
            "Wir haben geöffnet: Montag bis Freitag von 9 Uhr bis 18 Uhr. Samstag und Sonntag haben wir geschlossen.",
            "We are open Monday to Friday from 9:00 am to 6:00 pm. We are closed Saturday and Sunday.",
            id="a-plain-week",
        ),
        pytest.param(
            hours("", "9-18", "9-18", "9-20", "9-18", "9-13"),
            "Wir haben geöffnet: Dienstag, Mittwoch und Freitag von 9 Uhr bis 18 Uhr; Donnerstag von 9 Uhr bis 20 Uhr; "
            "Samstag von 9 Uhr bis 13 Uhr. Montag und Sonntag haben wir geschlossen.",
            "We are open Tuesday, Wednesday and Friday from 9:00 am to 6:00 pm; Thursday from 9:00 am to 8:00 pm; "
            "Saturday from 9:00 am to 1:00 pm. We are closed Monday and Sunday.",
            id="equal-days-apart",
        ),
        pytest.param(
            hours("9-18", "9-18", "9-18", "", "9-18", "9-18", "9-18"),
            "Wir haben geöffnet: Montag bis Mittwoch und Freitag bis Sonntag von 9 Uhr bis 18 Uhr. "
            "Donnerstag haben wir geschlossen.",
            "We are open Monday to Wednesday and Friday to Sunday from 9:00 am to 6:00 pm. We are closed Thursday.",
            id="closed-in-the-middle",
        ),
        pytest.param(
            hours(*["0-24"] * 7),
            "Wir haben geöffnet: Montag bis Sonntag von 0 Uhr bis 24 Uhr.",
            "We are open Monday to Sunday from midnight to midnight.",
            id="always-open",
        ),
        pytest.param(hours(), "Wir haben zurzeit geschlossen.", "We are closed at present.", id="never-open"),
    ],
)
def test_a_week_is_told_with_equal_days_together_and_closed_ones_named(
    house: OpeningHours, german: str, english: str
) -> None:
    """A day of which nothing is said would be guessed at."""
    told = [tell_hours(voice, house, None, MONDAY) for voice in VOICES]
    assert [one.message for one in told] == [german, english]
    assert len(told[0].data["opening_hours"]) == 7


LONG = hours("9-12 13-18", "9:30-12:30 14-18:30", "9-13", "10-12 14-20", "9-12:30", "9-14")


@pytest.mark.parametrize(
    ("now", "german", "english"),
    [
        pytest.param(
            MONDAY,
            "Heute haben wir von 9 Uhr bis 12 Uhr und von 13 Uhr bis 18 Uhr geöffnet. Nach welchem Tag fragen Sie?",
            "Today we are open from 9:00 am to 12:00 pm and from 1:00 pm to 6:00 pm. Which day are you asking about?",
            id="open",
        ),
        pytest.param(
            MONDAY + timedelta(hours=9),
            "Heute hatten wir bis 18 Uhr geöffnet. Morgen haben wir von 9 Uhr 30 bis 12 Uhr 30 und von 14 Uhr "
            "bis 18 Uhr 30 geöffnet. Nach welchem Tag fragen Sie?",
            "Today we were open until 6:00 pm. Tomorrow we are open from 9:30 am to 12:30 pm and from 2:00 pm "
            "to 6:30 pm. Which day are you asking about?",
            id="over",
        ),
        pytest.param(
            SATURDAY + timedelta(days=1),
            "Heute haben wir geschlossen. Morgen haben wir von 9 Uhr bis 12 Uhr und von 13 Uhr bis 18 Uhr geöffnet. "
            "Nach welchem Tag fragen Sie?",
            "Today we are closed. Tomorrow we are open from 9:00 am to 12:00 pm and from 1:00 pm to 6:00 pm. "
            "Which day are you asking about?",
            id="closed",
        ),
    ],
)
def test_a_week_nobody_keeps_in_mind_becomes_a_day_and_a_question(now: datetime, german: str, english: str) -> None:
    """The whole of it is in the data."""
    told = [tell_hours(voice, LONG, None, now) for voice in VOICES]
    assert [one.message for one in told] == [german, english]
    assert all(len(one.message) <= WEEK_LETTERS_MAX for one in told)
    assert told[0].data["opening_hours"]["thursday"] == ["10:00-12:00", "14:00-20:00"]


def christmas(day: date) -> str | None:
    return "Erster Weihnachtstag" if (day.month, day.day) == (12, 25) else None


PLAIN = hours("9-18", "9-18", "9-18", "9-18", "9-18", "9-13", holidays=christmas, d2026_12_24="9-12")


@pytest.mark.parametrize(
    ("day", "now", "german", "english"),
    [
        pytest.param(
            date(2026, 11, 24),
            MONDAY,
            "Am Dienstag, dem 24. November, haben wir von 9 Uhr bis 18 Uhr geöffnet.",
            "On Tuesday, November 24, we are open from 9:00 am to 6:00 pm.",
            id="open",
        ),
        pytest.param(
            date(2026, 11, 29),
            MONDAY,
            "Am Sonntag, dem 29. November, haben wir geschlossen.",
            "On Sunday, November 29, we are closed.",
            id="closed",
        ),
        pytest.param(
            date(2026, 12, 25),
            MONDAY,
            "Am Freitag, dem 25. Dezember, ist Feiertag: Erster Weihnachtstag. Da haben wir geschlossen.",
            "Friday, December 25, is a public holiday; we are closed.",
            id="holiday",
        ),
        pytest.param(
            date(2026, 12, 25),
            datetime(2026, 12, 25, 9, tzinfo=UTC),
            "Heute ist Feiertag: Erster Weihnachtstag. Da haben wir geschlossen.",
            "Today is a public holiday; we are closed.",
            id="holiday-today",
        ),
        pytest.param(
            SATURDAY.date(),
            SATURDAY,
            "Heute haben wir von 9 Uhr bis 13 Uhr geöffnet.",
            "Today we are open from 9:00 am to 1:00 pm.",
            id="today",
        ),
        pytest.param(
            SATURDAY.date(),
            SATURDAY + timedelta(hours=3),
            "Heute hatten wir bis 13 Uhr geöffnet.",
            "Today we were open until 1:00 pm.",
            id="today-after-closing",
        ),
    ],
)
def test_a_day_is_told_by_its_date_or_as_today(day: date, now: datetime, german: str, english: str) -> None:
    """Its date is closed by a comma; a holiday's German name is left out in English."""
    assert [tell_hours(voice, PLAIN, day, now).message for voice in VOICES] == [german, english]


def test_days_that_differ_soon_are_told_of_with_the_week() -> None:
    """Who asks for next week must not hear an ordinary one where it is none."""
    ordinary = tell_hours(GERMAN, PLAIN, None, MONDAY)
    assert "other_days" not in ordinary.data
    told = tell_hours(GERMAN, PLAIN, None, datetime(2026, 12, 14, 9, tzinfo=UTC))
    assert told.message == f"{ordinary.message} Einzelne Tage weichen davon ab."
    assert told.data["other_days"] == {"2026-12-24": ["09:00-12:00"], "2026-12-25": []}


def service(name: str = "Dauerwelle", minutes: int = 135) -> Service:
    return Service(name.lower(), name, 101, minutes)


@pytest.mark.parametrize(
    ("staff", "german", "english"),
    [
        ((), "", ""),
        (("Anna",), " Das macht bei uns Anna.", " It is done by Anna."),
        (("Anna", "Jörg"), " Das machen bei uns Anna und Jörg.", " It is done by Anna and Jörg."),
    ],
)
def test_a_service_is_told_with_its_length_and_who_does_it(staff: tuple[str, ...], german: str, english: str) -> None:
    """In hours and minutes; one does it, or several do."""
    assert [tell_service(voice, service(), staff).message for voice in VOICES] == [
        f"Dauerwelle dauert zwei Stunden und 15 Minuten.{german}",
        f"Dauerwelle takes two hours and 15 minutes.{english}",
    ]


@pytest.mark.parametrize(
    ("number", "german", "english"),
    [
        (1, "Wir bieten A an.", "We offer A."),
        (5, "Wir bieten A, B, C, D und E an.", "We offer A, B, C, D and E."),
        (7, "Wir bieten A, B, C, D, E und weitere an.", "We offer A, B, C, D, E and more."),
    ],
)
def test_at_most_five_services_are_read_out(number: int, german: str, english: str) -> None:
    """All of them are in the data."""
    told = [tell_services(voice, [service(name) for name in "ABCDEFG"[:number]]) for voice in VOICES]
    assert [one.message for one in told] == [german, english]
    assert len(told[0].data["services"]) == number


@pytest.mark.parametrize(
    ("known", "german", "english"),
    [
        (True, "Ihre Nummer kenne ich. Wie ist Ihr Name?", "I know your number. What is your name?"),
        (False, "Wie ist Ihr Name?", "What is your name?"),
        (None, "Wie ist Ihr Name?", "What is your name?"),
    ],
)
def test_a_line_is_known_or_not_and_its_name_is_asked(known: bool | None, german: str, english: str) -> None:
    """Nobody is named: whose name would it be?"""
    told = [tell_customer(voice, known=known) for voice in VOICES]
    assert [one.message for one in told] == [german, english]
    assert told[0].data == {"found": known}
