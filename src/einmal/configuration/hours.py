"""Opening hours as they are written: a list of spans for each weekday, and days that differ.

A span that is read wrongly sends callers to a closed door, so nothing is guessed: no hours without minutes, no span
past midnight, no two that overlap, and none that only touch, for no appointment could lie across the seam.
"""

import re
from datetime import date, time
from itertools import pairwise
from typing import Final

from einmal.configuration.holidays import public_holidays
from einmal.configuration.problems import shown
from einmal.configuration.table import Table
from einmal.domain.opening import OpeningHours, Span, no_holidays

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_GERMAN: Final = ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag")
_CALLED: Final = (
    dict(zip(_GERMAN, WEEKDAYS, strict=True))
    | {day[:2]: name for day, name in zip(_GERMAN, WEEKDAYS, strict=True)}
    | {name[:3]: name for name in WEEKDAYS}
    | {"sonnabend": "saturday"}
)
_SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2}) ?[-–—] ?([0-9]{1,2}):([0-9]{2})")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_GERMAN_DATE = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_DAY_MINUTES: Final = 24 * 60
_EXAMPLE: Final = '"09:00-18:00"'


def read_hours(tenant: Table, state: str | None) -> OpeningHours | None:
    """The hours of a house; None where nobody gave any. Days that are left out are closed."""
    weekly, special = tenant.table("opening_hours"), tenant.table("special_days")
    closed = tenant.truth("closed_on_public_holidays")
    if closed and state is None and "state" not in tenant:
        tenant.problem("closed_on_public_holidays", 'needs to know whose: give the state, such as state = "BE"')
    if weekly is None:
        for key in ("special_days", "closed_on_public_holidays"):
            if key in tenant and "opening_hours" not in tenant:
                tenant.problem(key, "means nothing without [opening_hours], to which it is the exception")
        return None
    days = tuple(_spans(weekly, day) for day in WEEKDAYS)
    weekly.end(_CALLED)
    if not weekly.keys:
        weekly.problem(None, 'is empty: give the days that are open, such as monday = ["09:00-18:00"]')
    holidays = public_holidays(state) if state is not None and closed is not False else no_holidays
    return OpeningHours(days, _special_days(special), holidays)


def _special_days(table: Table | None) -> dict[date, tuple[Span, ...]]:
    days: dict[date, tuple[Span, ...]] = {}
    if table is None:
        return days
    for key in table.keys:
        day = _date(table, key)
        if day is not None:
            days[day] = _spans(table, key)
    return days


def _date(table: Table, key: str) -> date | None:
    parts, german = _DATE.fullmatch(key), _GERMAN_DATE.fullmatch(key)
    if parts is not None:
        try:
            return date(int(parts[1]), int(parts[2]), int(parts[3]))
        except ValueError:
            table.problem(key, "there is no such day")
    elif not table.misplaced(key):
        hint = f"{german[3]}-{int(german[2]):02d}-{int(german[1]):02d}" if german else "2026-12-24"
        told = f'is no date; write year, month and day in quotation marks: "{hint}" = ["09:00-12:00"]'
        table.problem(key, told)
    return None


def _spans(table: Table, key: str) -> tuple[Span, ...]:
    """The spans of one day, in order; none where it is closed or wrong."""
    value = table.raw(key)
    if value in (None, "closed") or (isinstance(value, list) and not value):
        return ()
    if isinstance(value, str):
        texts = [value]
    elif isinstance(value, list):
        texts = [text for _, text in table.texts(key)]
    else:
        table.problem(key, f'must be a list of spans such as ["09:00-18:00"], or "closed", not {shown(value)}')
        return ()
    read = [(_minutes(table, key, text), text) for text in texts]
    found = sorted((*minutes, text) for minutes, text in read if minutes is not None)
    for (begin, end, text), (later, later_end, later_text) in pairwise(found):
        if later < end:
            table.problem(key, f"{shown(text)} and {shown(later_text)} overlap")
        elif later == end:
            one = f"{_clock(begin)}-{_clock(later_end)}"
            table.problem(key, f'{shown(later_text)} begins where {shown(text)} ends; write one span, "{one}"')
    return tuple(Span(_time(begin), _time(end)) for begin, end, _ in found)


def _minutes(table: Table, key: str, text: str) -> tuple[int, int] | None:
    """Begin and end as minutes of the day."""
    parts = _SPAN.fullmatch(text)
    if parts is None:
        if text == "closed":
            instead = '"closed" without brackets'
        elif re.search("[0-9]", text) is None:
            instead = f'"closed" or [] for a day without hours, [{_EXAMPLE}] for one with'
        else:
            instead = _EXAMPLE
        table.problem(key, f"{shown(text)} is no span of opening hours; write {instead}")
        return None
    hours, minutes = (int(parts[1]), int(parts[3])), (int(parts[2]), int(parts[4]))
    for hour, minute in zip(hours, minutes, strict=True):
        if minute > 59 or hour * 60 + minute > _DAY_MINUTES:
            table.problem(key, f"{shown(text)}: there is no {hour:02d}:{minute:02d}; a day goes from 00:00 to 24:00")
            return None
    begin, end = (hour * 60 + minute for hour, minute in zip(hours, minutes, strict=True))
    end = end or _DAY_MINUTES
    if begin >= end:
        night = "ends before it begins; a span past midnight is written as two, the second on the next day"
        table.problem(key, f"{shown(text)} {night if begin > end else 'ends as it begins'}")
        return None
    return begin, end


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
