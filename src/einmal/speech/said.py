"""Instants as people say them: "am Dienstag, dem 1. Dezember, um 10 Uhr 30"."""

from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from zoneinfo import ZoneInfo


class Language(StrEnum):
    GERMAN = "de"
    ENGLISH = "en"


_DAYS: Final = {
    Language.GERMAN: ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    Language.ENGLISH: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final = {
    Language.GERMAN: (
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
    Language.ENGLISH: (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


def say_time(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """ "10 Uhr", "11 Uhr 30"; "10:00 am"."""
    local = at.astimezone(zone)
    match language:
        case Language.GERMAN:
            return f"{local.hour} Uhr" + (f" {local.minute}" if local.minute else "")
        case Language.ENGLISH:
            half = "am" if local.hour < 12 else "pm"
            return f"{local.hour % 12 or 12}:{local.minute:02d} {half}"
        case _:
            assert_never(language)


def say_day(at: datetime, zone: ZoneInfo, language: Language, now: datetime) -> str:
    """ "am Dienstag, dem 1. Dezember"; the year only where it is not this one."""
    local = at.astimezone(zone)
    day, month = _DAYS[language][local.weekday()], _MONTHS[language][local.month - 1]
    year = f" {local.year}" if local.year != now.astimezone(zone).year else ""
    match language:
        case Language.GERMAN:
            return f"am {day}, dem {local.day}. {month}{year}"
        case Language.ENGLISH:
            return f"on {day}, {month} {local.day}{',' if year else ''}{year}"
        case _:
            assert_never(language)


def say_instant(at: datetime, zone: ZoneInfo, language: Language, now: datetime) -> str:
    """Day and time: "am Dienstag, dem 1. Dezember, um 10 Uhr"."""
    join = {Language.GERMAN: ", um ", Language.ENGLISH: " at "}[language]
    return say_day(at, zone, language, now) + join + say_time(at, zone, language)
