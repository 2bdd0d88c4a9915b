"""Dates and times as people and agents say them. Never a guess: what is unclear comes back as a question.

A wrong date said with confidence is worse than a question. docs/speech.md has the rules; `grammar` reads words, `days`
and `clocks` work out what they can mean today, and here the meanings become one instant or what must be asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from typing import Final
from zoneinfo import ZoneInfo

from einmal.domain.opening import Bookable, no_holidays
from einmal.domain.reply import Missing
from einmal.speech.clocks import NIGHT_ENDS, Times, times_of
from einmal.speech.days import FAR, Days, days_of
from einmal.speech.english import ENGLISH
from einmal.speech.german import GERMAN
from einmal.speech.grammar import Field, Read
from einmal.speech.marks import At, DayMark, Either, Fold, Mark, NoSuchTime, Style, TimeMark
from einmal.speech.said import Language

__all__ = ["FAR", "Frame", "Heard", "hear", "hear_start"]


@dataclass(frozen=True, slots=True)
class Frame:
    """What an utterance is held against: the moment (aware), where caller and house live, and what the house offers.

    `bookable` settles what has several readings; without it they are asked.
    """

    now: datetime
    zone: ZoneInfo
    language: Language = Language.GERMAN
    bookable: Bookable | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """The start that was meant, or why it cannot be told.

    `readings` are what the first of `missing` reads back (days as their noon), `day` is known where only the time
    is missing, `window` where a part of that day was named. `unread` are the words that the grammar does not know.
    """

    start: datetime | None = None
    missing: tuple[Missing, ...] = ()
    readings: tuple[datetime, ...] = ()
    day: date | None = None
    window: tuple[time, time] | None = None
    unread: tuple[str, ...] = ()


def hear(text: str, frame: Frame) -> Heard:
    """The instant meant by an utterance that holds both day and time."""
    reads = _reads(text, Field.FREE, frame.language)
    unread = reads[0].unread
    if not unread:
        return _one_of([_heard(read.marks, frame) for read in reads])
    # What was not understood could be a "not": nothing that stands beside it is told as if it were all.
    missing = (Missing.DATE_ODD,) if reads[0].times else (Missing.DATE_ODD, Missing.TIME)
    return Heard(missing=missing, unread=unread)


def hear_start(date_text: str | None, time_text: str | None, frame: Frame) -> Heard:
    """The instant meant by a date and a time, each of which may hold both."""
    in_date = _reads(date_text or "", Field.DATE, frame.language)
    in_time = _reads(time_text or "", Field.TIME, frame.language)
    both = [(*_without_empty_midnight(day), *time.marks) for day in in_date for time in in_time]
    heard = _one_of([_heard(marks, frame) for marks in both])
    odd = [Missing.DATE_ODD] if in_date[0].unread else []
    odd += [Missing.TIME_ODD] if in_time[0].unread else []
    if not odd:
        return heard
    fields = {item.field for item in odd}
    others = {Missing.DATE, Missing.TIME}
    missing = [item for item in heard.missing if item.field not in fields and (item in others or not in_date[0].unread)]
    ordered = sorted([*odd, *missing], key=lambda item: item.field)
    return Heard(missing=tuple(ordered), unread=(*in_date[0].unread, *in_time[0].unread))


def _one_of(heards: Sequence[Heard]) -> Heard:
    """What a text means, where each language reads it whole: "um 12:00 am 24." is noon, or midnight."""
    first, *others = heards
    if all(other == first for other in others):
        return first
    question = next((heard for heard in heards if heard.start is None), None)
    if question is not None:
        return question
    readings = _read_back(heard.start for heard in heards if heard.start is not None)
    one_day = len({heard.day for heard in heards}) == 1
    unclear = Missing.TIME_UNCLEAR if one_day else Missing.DATE_UNCLEAR
    return Heard(missing=(unclear,), readings=readings, day=first.day if one_day else None)


def _without_empty_midnight(in_date: Read) -> Sequence[Mark]:
    """A midnight in a date is how software writes "no time"; with an offset somebody meant it."""
    return [mark for mark in in_date.marks if mark != At(0, 0, Style.EXACT)]


def _reads(text: str, field: Field, language: Language) -> list[Read]:
    """In the languages that understand it whole, the caller's first; in the caller's alone, where none does."""
    german, english = GERMAN.read(text, field), ENGLISH.read(text, field)
    if german == english:
        return [german]
    reads = [german, english] if language is Language.GERMAN else [english, german]
    whole = [read for read in reads if not read.unread]
    # What exists in one of them only is meant so: "15:00 am 24 November".
    return [read for read in whole if NoSuchTime() not in read.marks] or whole[:1] or reads[:1]


def _heard(marks: Sequence[Mark], frame: Frame) -> Heard:
    if _cut_off(marks):
        return Heard(missing=(Missing.DATE_ODD,))
    now = frame.now.astimezone(UTC)
    today = now.astimezone(frame.zone).date()
    bookable = frame.bookable
    days = days_of(marks, today, bookable.hours.holidays if bookable else no_holidays)
    times = times_of(marks)
    troubles = [trouble for trouble in (days.trouble, times.trouble) if trouble is not None]
    if days.later and (times.trouble is not None or bookable is None):
        # This year's is over, and nothing says that next year's is meant.
        days = Days(trouble=Missing.DATE_PAST, asked=days.later)
        troubles.insert(0, Missing.DATE_PAST)
    if troubles:
        return _unheard(days, times, troubles, frame)
    return _settled(days, times, marks, frame)


def _cut_off(marks: Sequence[Mark]) -> bool:
    """Whether an "or" is there whose other side was not heard."""
    ors = [place for place, mark in enumerate(marks) if isinstance(mark, Either)]
    return any(not _holds_of_both(marks[:place], marks[place:]) for place in ors)


def _holds_of_both(left: Sequence[Mark], right: Sequence[Mark]) -> bool:
    days = [any(isinstance(mark, DayMark) for mark in side) for side in (left, right)]
    times = [any(isinstance(mark, TimeMark) for mark in side) for side in (left, right)]
    return all(days) or all(times)


def _unheard(days: Days, times: Times, troubles: list[Missing], frame: Frame) -> Heard:
    if days.trouble is None and len(days.meant) > 1:
        troubles.insert(0, Missing.DATE_UNCLEAR)
        days = replace(days, asked=days.meant)
    if times.trouble is None and len(times.meant) > 1:
        troubles.append(Missing.TIME_UNCLEAR)
    asked: Sequence[datetime] = ()
    if times.trouble is None and len(times.meant) == 1:
        starts = [start for day in days.asked for start in _instants(day, times.meant[0], frame.zone)[:1]]
        asked = [start for start in starts if start > frame.now]
    elif days.asked:
        asked = [_noon(day, frame.zone) for day in days.asked]
    day = days.meant[0] if days.trouble is None and len(days.meant) == 1 else None
    return Heard(missing=tuple(troubles), readings=_read_back(asked), day=day, window=times.window)


READ_BACK_MAX: Final = 3
"""As many as a listener can choose from."""


def _read_back(readings: Iterable[datetime]) -> tuple[datetime, ...]:
    """All of them or none: to leave one out would be to choose."""
    ordered = tuple(sorted(set(readings)))
    return ordered if len(ordered) <= READ_BACK_MAX else ()


class _Clocks(Enum):
    SKIPPED = auto()
    ODD_OFFSET = auto()


@dataclass(frozen=True, slots=True)
class _Start:
    day: date
    clock: time
    instant: datetime


def _settled(days: Days, times: Times, marks: Sequence[Mark], frame: Frame) -> Heard:
    fold = next((mark.fold for mark in marks if isinstance(mark, Fold)), 0)
    offset = next((mark.offset for mark in marks if isinstance(mark, At) and mark.offset is not None), None)

    def starts_of(clocks: Sequence[time]) -> list[_Start | _Clocks]:
        both = [(day, clock) for day in (*days.meant, *days.later) for clock in clocks]
        if times.overnight:
            both += [(day + timedelta(days=1), clock) for day, clock in both if clock < NIGHT_ENDS]
        return [_start(day, clock, fold, offset, frame.zone) for day, clock in both]

    read = starts_of(times.meant)
    starts = [start for start in read if isinstance(start, _Start)]
    if not starts:
        return Heard(missing=(Missing.TIME_ODD if _Clocks.ODD_OFFSET in read else Missing.TIME_SKIPPED,))
    ahead = _ahead(starts, frame)
    admitted = _admitted(ahead, frame) or _admitted(_ahead(starts_of(times.rather), frame), frame)
    if len(admitted) == 1:
        return Heard(admitted[0].instant, day=admitted[0].day)
    if not ahead:
        return Heard(missing=(Missing.DATE_PAST,))
    if days.later:
        return Heard(missing=(Missing.DATE_PAST,), readings=_read_back(start.instant for start in ahead))
    ahead = admitted or ahead
    if len(ahead) == 1:
        return Heard(ahead[0].instant, day=ahead[0].day)
    return _asked(ahead, frame)


def _ahead(starts: Iterable[_Start | _Clocks], frame: Frame) -> list[_Start]:
    """Of the instants that exist, those that are not over."""
    return [start for start in starts if isinstance(start, _Start) and start.instant > frame.now]


def _admitted(starts: Iterable[_Start], frame: Frame) -> list[_Start]:
    """Those that can be booked at all; none where the hours are not known."""
    house = frame.bookable
    if house is None:
        return []
    return [start for start in starts if house.admits(start.instant.astimezone(frame.zone), frame.now)]


def _asked(starts: list[_Start], frame: Frame) -> Heard:
    days = sorted({start.day for start in starts})
    readings = _read_back(start.instant for start in starts)
    if len(days) == 1:
        unclear = Missing.TIME_UNCLEAR if readings else Missing.TIME_WIDE
        return Heard(missing=(unclear,), readings=readings, day=days[0])
    if readings:
        return Heard(missing=(Missing.DATE_UNCLEAR,), readings=readings)
    # Too many to choose from at once: first the day, then the time.
    noons = _read_back(_noon(day, frame.zone) for day in days)
    return Heard(missing=(Missing.DATE_UNCLEAR, Missing.TIME_UNCLEAR), readings=noons)


def _start(day: date, clock: time, fold: int, offset: str | None, zone: ZoneInfo) -> _Start | _Clocks:
    instants = _instants(day, clock, zone)
    if not instants:
        return _Clocks.SKIPPED
    if offset is None:
        # Of two equal hours the first, unless the words say which; whatever is said of it tells.
        return _Start(day, clock, instants[min(fold, len(instants) - 1)])
    for instant in instants:
        if instant.astimezone(zone).utcoffset() == _offset(offset):
            return _Start(day, clock, instant)
    # 10:00Z from a model that means 10 o'clock, or true UTC? Only the caller knows.
    return _Clocks.ODD_OFFSET


def _instants(day: date, clock: time, zone: ZoneInfo) -> list[datetime]:
    """The instants that a local time names: one; none where the clocks skip it; two where it comes twice."""
    found = []
    for fold in (0, 1):
        local = datetime.combine(day, clock, zone).replace(fold=fold)
        instant = local.astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) and instant not in found:
            found.append(instant)
    return found


def _noon(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(12), zone).astimezone(UTC)


def _offset(text: str) -> timedelta:
    if text in {"z", "Z"}:
        return timedelta(0)
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
