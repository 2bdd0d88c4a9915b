"""What day marks mean at this moment: the days that they can be read as."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, assert_never

from einmal.domain.opening import Holidays
from einmal.domain.reply import Missing
from einmal.speech.marks import (
    DayMark,
    Either,
    InDays,
    InMonths,
    InWeek,
    Mark,
    NthWeekday,
    OnDate,
    OnDayOfMonth,
    OnEither,
    OnFeast,
    OnWeekday,
    OnWorkday,
    TooWide,
    Which,
)

FAR: Final = timedelta(days=730)
"""Nobody books two years ahead on the phone; a year that far off was made up."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days that were meant, or the trouble with them.

    `later` are days that only the house's hours and horizon could make meant (this year's is over, so next
    year's?); `asked` are read back with a trouble.
    """

    meant: tuple[date, ...] = ()
    later: tuple[date, ...] = ()
    trouble: Missing | None = None
    asked: tuple[date, ...] = ()


def days_of(marks: Sequence[Mark], today: date, holidays: Holidays) -> Days:
    """The days of an utterance's day marks."""
    days = [mark for mark in marks if isinstance(mark, DayMark)]
    named = [mark for mark in days if not isinstance(mark, TooWide)]
    if not named:
        return Days(trouble=Missing.DATE_WIDE if days else Missing.DATE)
    if len(named) < len(days):
        # "Next week" beside a day may be its week, or another wish: the day is read back; a number may be any month's.
        only_numbers = all(isinstance(mark, OnDayOfMonth) for mark in named)
        return Days(trouble=Missing.DATE_WIDE) if only_numbers else _unclear(named, today, holidays)
    if _or_between_days(marks):
        every = {_day(mark, today, holidays) for mark in named}
        return every.pop() if len(every) == 1 else _unclear(named, today, holidays)
    weekdays = [mark for mark in days if isinstance(mark, OnWeekday)]
    dated = [mark for mark in days if not isinstance(mark, OnWeekday)]
    found = _agreed([_day(mark, today, holidays) for mark in dated or weekdays])
    if found.trouble is not None or not dated or not weekdays:
        return found
    if all(day.weekday() == mark.weekday for mark in weekdays for day in (*found.meant, *found.later)):
        # Of two years the weekday says which.
        return Days((*found.meant, *found.later))
    return _unclear(days, today, holidays)


def _or_between_days(marks: Sequence[Mark]) -> bool:
    places = [place for place, mark in enumerate(marks) if isinstance(mark, DayMark)]
    return any(isinstance(mark, Either) for mark in marks[places[0] : places[-1]])


def _agreed(all_days: Sequence[Days]) -> Days:
    first, *others = all_days
    for other in others:
        for days in (first, other):
            if days.trouble is not None:
                return days
        meant = tuple(day for day in first.meant if day in other.meant)
        if not meant:
            asked = _sorted((*first.meant, *first.later, *other.meant, *other.later))
            return Days(trouble=Missing.DATE_UNCLEAR, asked=asked)
        first = Days(meant)
    return first


def _unclear(marks: Sequence[DayMark], today: date, holidays: Holidays) -> Days:
    every = [_day(mark, today, holidays) for mark in marks]
    asked = _sorted(day for days in every for day in (*days.meant, *days.later, *days.asked))
    return Days(trouble=Missing.DATE_UNCLEAR if asked else Missing.DATE_ODD, asked=asked)


def _sorted(days: Iterable[date]) -> tuple[date, ...]:
    return tuple(sorted(set(days)))


def _day(mark: DayMark, today: date, holidays: Holidays) -> Days:
    try:
        found = _read_day(mark, today, holidays)
    except (ValueError, OverflowError):  # the 31st of November
        return Days(trouble=Missing.DATE_ODD)
    if any(day - today > FAR for day in (*found.meant, *found.later)):
        return Days(trouble=Missing.DATE_ODD)
    return found


def _read_day(mark: DayMark, today: date, holidays: Holidays) -> Days:  # noqa: C901, PLR0911 - a case for each
    match mark:
        case OnDate():
            return _on_date(mark, today)
        case OnEither(dates):
            every = [_day(one, today, holidays) for one in dates]
            meant = _sorted(day for days in every for day in (*days.meant, *days.later))
            return Days(meant) if meant else next(days for days in every if days.trouble)
        case OnFeast(day, month):
            this_year = date(today.year, month, day)
            return Days((this_year if this_year >= today else date(today.year + 1, month, day),))
        case OnDayOfMonth(day):
            return Days((_next_day_of_month(day, today),))
        case NthWeekday():
            return _nth_weekday(mark, today)
        case InDays(counts):
            return _unless_past(tuple(today + timedelta(days=count) for count in counts), today)
        case InMonths(count):
            return _in_months(count, today)
        case OnWeekday():
            return _on_weekday(mark, today)
        case InWeek(weekday, weeks):
            day_meant = _monday(today) + timedelta(days=weekday, weeks=weeks)
            return _unless_past((day_meant,), today, day_meant + timedelta(weeks=1))
        case OnWorkday():
            return Days((_next_workday(today, holidays),))
        case TooWide():
            return Days(trouble=Missing.DATE_WIDE)
        case _:
            assert_never(mark)


def _unless_past(meant: tuple[date, ...], today: date, *instead: date) -> Days:
    return Days(meant) if all(day >= today for day in meant) else Days(trouble=Missing.DATE_PAST, asked=instead)


def _on_date(mark: OnDate, today: date) -> Days:
    day = date(today.year if mark.year is None else mark.year, mark.month, mark.day)
    if day >= today:
        return Days((day,))
    coming = tuple(one for year in (today.year, today.year + 1) for one in _in_year(mark, year) if one >= today)[:1]
    # Models make years up, so the coming one's is offered, and not taken.
    return _over(day, coming, today) if mark.year is None else Days(trouble=Missing.DATE_PAST, asked=coming)


def _over(day: date, coming: tuple[date, ...], today: date) -> Days:
    """This year's is over. Next year's is likely where it is the nearer one; else it may be a slip."""
    if coming and coming[0] - today < today - day:
        return Days(later=coming)
    return Days(trouble=Missing.DATE_PAST, asked=coming)


def _in_year(mark: OnDate, year: int) -> tuple[date, ...]:
    try:
        return (date(year, mark.month, mark.day),)
    except ValueError:  # 29 February
        return ()


def _next_day_of_month(day: int, today: date) -> date:
    if not 1 <= day <= 31:
        raise ValueError("no month has such a day")
    found = today
    while found.day != day:
        found += timedelta(days=1)
    return found


def _nth_weekday(mark: NthWeekday, today: date) -> Days:
    day, next_years = (_nth_of(mark, year) for year in (today.year, today.year + 1))
    if day is None:
        return Days(trouble=Missing.DATE_ODD)
    return Days((day,)) if day >= today else _over(day, () if next_years is None else (next_years,), today)


def _nth_of(mark: NthWeekday, year: int) -> date | None:
    """Its day in that year; None where the month has no fifth."""
    day, days = date(year, mark.month, 1), []
    while day.month == mark.month:
        if day.weekday() == mark.weekday:
            days.append(day)
        day += timedelta(days=1)
    return days[mark.nth - 1] if mark.nth <= len(days) else None


def _in_months(count: int, today: date) -> Days:
    months = today.year * 12 + today.month - 1 + count
    try:
        return Days((date(months // 12, months % 12 + 1, today.day),))
    except ValueError:  # a month from the 31st: the other month has none
        return Days(trouble=Missing.DATE_WIDE)


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


def _on_weekday(mark: OnWeekday, today: date) -> Days:
    ahead = (mark.weekday - today.weekday()) % 7
    coming = today + timedelta(days=ahead or 7)
    this_weeks = _monday(today) + timedelta(days=mark.weekday)
    match mark.which:
        case Which.PLAIN:
            first = today + timedelta(days=ahead)
            counted = {start + timedelta(weeks=mark.weeks) for start in (first, coming)}
            if mark.loosely:
                counted.add(this_weeks + timedelta(weeks=mark.weeks))
            return Days(_sorted(counted))
        case Which.COMING:
            return Days((coming,))
        case Which.NEXT:
            return Days(_sorted((coming, this_weeks + timedelta(weeks=1))))
        case Which.AFTER_NEXT:
            return Days(_sorted((coming + timedelta(weeks=1), this_weeks + timedelta(weeks=2))))
        case Which.THIS:
            return _unless_past((this_weeks,), today, coming)
        case _:
            assert_never(mark.which)


def _next_workday(today: date, holidays: Holidays) -> date:
    day = today + timedelta(days=1)
    while day.weekday() > 4 or holidays(day) is not None:
        day += timedelta(days=1)
    return day
