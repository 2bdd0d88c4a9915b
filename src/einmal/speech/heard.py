"""Dates and times as agents send them: ISO and dotted. Never a guess: what is unclear comes back as such.

A wrong date said with confidence is worse than a question. So a date in the past, a year that somebody
made up, a time that the clocks skip or repeat, and an instant in a foreign zone are all questions.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from einmal.domain.reply import Missing

FAR: Final = timedelta(days=730)
"""Nobody books two years ahead on the phone; a year that far off was made up."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The start that was meant, or why it cannot be told."""

    start: datetime | None = None
    missing: tuple[Missing, ...] = ()


_SPLIT = re.compile(r"^\s*(\d{4}-\d{2}-\d{2}|\d{1,2}\.\s?\d{1,2}\.(?:\s?\d{4}|\d{2})?)(?:[T,\s]+(?:um\s+)?(.+))?$")
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DOTTED_DATE = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.(?:\s?(\d{4})|(\d{2}))?")
_TIME = re.compile(
    r"(\d{1,2})(?:[:.](\d{2})(?::00(?:\.0+)?)?\s*(?:uhr|h)?|\s*(?:uhr|h|o'clock)\s*(\d{1,2})?)?"
    r"\s*(?P<zone>z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)


_Clock = tuple[time, str | None]
"""A local time and, where one was given, its zone as text."""


def hear_start(date_text: str | None, time_text: str | None, now: datetime, zone: ZoneInfo) -> Heard:
    """The instant meant by a date and a time, or by both in `date_text` (then `time_text` may be absent).

    `now` is aware; `zone` is where the caller and the tenant live.
    """
    today = now.astimezone(zone).date()
    day, in_date = _split(date_text)
    missing: list[Missing] = []
    heard_day = _date(day, today) if day else Missing.DATE
    heard_time = _agreed(_time(time_text), _time(in_date))
    if isinstance(heard_day, Missing):
        missing.append(heard_day)
    if isinstance(heard_time, Missing):
        missing.append(heard_time)
    if isinstance(heard_day, Missing) or isinstance(heard_time, Missing):
        return Heard(missing=tuple(missing))
    return _instant(heard_day, heard_time, now, zone)


def _split(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    found = _SPLIT.match(text)
    return (found[1], found[2]) if found else (text, None)


def _date(text: str, today: date) -> date | Missing:
    iso, dotted = _ISO_DATE.fullmatch(text), _DOTTED_DATE.fullmatch(text.strip())
    try:
        if iso:
            day = date(int(iso[1]), int(iso[2]), int(iso[3]))
        elif dotted:
            day = _dotted(int(dotted[1]), int(dotted[2]), dotted[3] or dotted[4], today)
        else:
            return Missing.DATE_ODD
    except ValueError:
        return Missing.DATE_ODD
    if day < today:
        return Missing.DATE_PAST
    return Missing.DATE_ODD if day - today > FAR else day


def _dotted(day: int, month: int, year: str | None, today: date) -> date:
    """Without a year: this one. Whether "15.1." said in November is next January is for the caller to say."""
    if year is None:
        return date(today.year, month, day)
    return date(int(year) + (2000 if len(year) == 2 else 0), month, day)


def _time(text: str | None) -> _Clock | Missing:
    """The local time and, where one was given, its zone as text."""
    if text is None or not text.strip():
        return Missing.TIME
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return Missing.TIME_ODD
    hour, minute = int(found[1]), int(found[2] or found[3] or 0)
    if hour > 23 or minute > 59:
        return Missing.TIME_ODD
    return time(hour, minute), found["zone"]


def _agreed(said: _Clock | Missing, in_date: _Clock | Missing) -> _Clock | Missing:
    """The time, where the date brought one as well. Midnight there is how software writes "no time"."""
    if said is Missing.TIME:
        return in_date
    if isinstance(said, Missing) or isinstance(in_date, Missing) or in_date[0] == time(0):
        return said
    return said if said[0] == in_date[0] else Missing.TIME_ODD


def _instant(day: date, heard: _Clock, now: datetime, zone: ZoneInfo) -> Heard:
    clock, offset = heard
    local = datetime.combine(day, clock, zone)
    start = local.astimezone(UTC)
    if start.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        return Heard(missing=(Missing.TIME_SKIPPED,))
    again = local.replace(fold=1)
    if local.utcoffset() != again.utcoffset():
        if offset is None:
            return Heard(missing=(Missing.TIME_TWICE,))
        # The offset says which of the two is meant.
        local = again if _offset(offset) == again.utcoffset() else local
        start = local.astimezone(UTC)
    if offset is not None and _offset(offset) != local.utcoffset():
        # 10:00Z from a model that means 10 o'clock, or true UTC? Only the caller knows.
        return Heard(missing=(Missing.TIME_ODD,))
    return Heard(missing=(Missing.DATE_PAST,)) if start <= now else Heard(start)


def _offset(text: str) -> timedelta:
    if text in {"z", "Z"}:
        return timedelta(0)
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
