"""Instants as people say them: "am Dienstag, dem 1. Dezember, um 10 Uhr 30".

What is said is unambiguous and is heard as the same instant: small hours are told apart from the afternoon's, and an
hour that comes twice says which of the two it is. Names of days and months are CLDR's, by Babel.
"""

from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from babel import Locale


class Language(StrEnum):
    GERMAN = "de"
    ENGLISH = "en"


@cache
def _names(language: Language) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The days from Monday, the months from January."""
    locale = Locale.parse(language.value)
    days, months = locale.days["format"]["wide"], locale.months["format"]["wide"]
    return tuple(days[number] for number in range(7)), tuple(months[number] for number in range(1, 13))


def weekday_name(day: date, language: Language) -> str:
    """ "Donnerstag"."""
    return _names(language)[0][day.weekday()]


def say_time(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """ "10 Uhr", "11 Uhr 30", "3 Uhr nachts"; "10:00 am"."""
    local = at.astimezone(zone)
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    match language:
        case Language.GERMAN:
            part = " nachts" if 1 <= local.hour <= 3 else " morgens" if 4 <= local.hour <= 6 else ""
            which = f" {('nach' if local.fold else 'vor')} der Zeitumstellung" if twice else ""
            return f"{local.hour} Uhr" + (f" {local.minute}" if local.minute else "") + part + which
        case Language.ENGLISH:
            half = "am" if local.hour < 12 else "pm"
            which = f" {('after' if local.fold else 'before')} the clocks change" if twice else ""
            return f"{local.hour % 12 or 12}:{local.minute:02d} {half}{which}"
        case _:
            assert_never(language)


class Case(StrEnum):
    """The article before a date, in German; English has no such thing but its "on"."""

    ON = "dem"
    """ "am Dienstag, dem 1. Dezember"."""
    NAMED = "den"
    """After "Meinen Sie": "Dienstag, den 1. Dezember"."""
    IS = "der"
    """After "Das ist": "Dienstag, der 1. Dezember"."""


def say_day(at: datetime, zone: ZoneInfo, language: Language, now: datetime | None, case: Case = Case.ON) -> str:
    """ "am Dienstag, dem 1. Dezember"; the year only where it is not this one, or always without a `now`."""
    local = at.astimezone(zone)
    days, months = _names(language)
    day, month = days[local.weekday()], months[local.month - 1]
    year = f" {local.year}" if now is None or local.year != now.astimezone(zone).year else ""
    match language:
        case Language.GERMAN:
            return f"{'am ' * (case is Case.ON)}{day}, {case.value} {local.day}. {month}{year}"
        case Language.ENGLISH:
            return f"{'on ' * (case is Case.ON)}{day}, {month} {local.day}{',' if year else ''}{year}"
        case _:
            assert_never(language)


def say_instant(at: datetime, zone: ZoneInfo, language: Language, now: datetime | None, case: Case = Case.ON) -> str:
    """Day and time: "am Dienstag, dem 1. Dezember, um 10 Uhr"."""
    join = {Language.GERMAN: ", um ", Language.ENGLISH: ", at "}[language]
    return say_day(at, zone, language, now, case) + join + say_time(at, zone, language)


_GERMAN_HOURS: Final = (
    "eine",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
)
_ENGLISH_HOURS: Final = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_HOURS: Final = {Language.GERMAN: _GERMAN_HOURS, Language.ENGLISH: _ENGLISH_HOURS}
_UNITS: Final = {
    Language.GERMAN: (("Stunde", "Stunden"), ("Minute", "Minuten"), " und "),
    Language.ENGLISH: (("hour", "hours"), ("minute", "minutes"), " and "),
}


def say_length(minutes: int, language: Language) -> str:
    """ "45 Minuten", "eine Stunde", "zwei Stunden und 15 Minuten"."""
    hour, minute, joint = _UNITS[language]
    words = _HOURS[language]
    hours, rest = divmod(minutes, 60)
    said = [f"{words[hours - 1] if hours <= len(words) else hours} {hour[hours > 1]}"] if hours else []
    if rest or not said:
        said.append(f"{words[0] if rest == 1 else rest} {minute[rest != 1]}")
    return joint.join(said)
