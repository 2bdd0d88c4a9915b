"""A grammar: a table of phrases, tried in their order at each place of the text; what none of them knows is unread.

A word is passed over only where it is a known filler. One unread word makes the whole utterance a question: it
could be a "not".
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from einmal.speech.marks import (
    At,
    DayMark,
    Mark,
    NoSuchTime,
    NthWeekday,
    OnDate,
    OnDayOfMonth,
    OnWeekday,
    Style,
    TimeMark,
    Vague,
    Within,
)
from einmal.speech.words import TEXT_MAX


class Field(Enum):
    """Where a text stood: in a field for dates, in one for times, or by itself."""

    DATE = auto()
    TIME = auto()
    FREE = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """What a phrase may know of what stands before it."""

    field: Field
    marks: Sequence[Mark]

    @property
    def after_day(self) -> bool:
        return bool(self.marks) and isinstance(self.marks[-1], DayMark)

    @property
    def day_known(self) -> bool:
        return self.field is Field.TIME or any(isinstance(mark, DayMark) for mark in self.marks)


Meaning = Callable[[re.Match[str], Place], Sequence[Mark] | None]
"""The marks of a phrase, or None where it is not meant after all."""

Phrases = Sequence[tuple[str, Meaning]]


@dataclass(frozen=True, slots=True)
class Read:
    marks: tuple[Mark, ...]
    unread: tuple[str, ...] = ()

    @property
    def times(self) -> tuple[TimeMark, ...]:
        return tuple(mark for mark in self.marks if isinstance(mark, TimeMark))


class Grammar:
    def __init__(self, prepare: Callable[[str], str], phrases: Phrases, fillers: frozenset[str]) -> None:
        """`phrases`: a pattern over prepared text, which must end where a word ends, and what it means."""
        self._prepare = prepare
        self._phrases = [(re.compile(rf"(?:{pattern})(?= |$)"), meaning) for pattern, meaning in phrases]
        self._fillers = fillers
        self._kept = lru_cache(maxsize=4096)(self._read)

    def read(self, text: str, field: Field) -> Read:
        """A text says the same whenever it is said, and agents say the same few thousand dates and times."""
        return Read((), ("…",)) if len(text) > TEXT_MAX else self._kept(text, field)

    def _read(self, text: str, field: Field) -> Read:
        text = self._prepare(text)
        marks: list[Mark] = []
        unread: list[str] = []
        place = 0
        while place < len(text):
            if text[place] == " ":
                place += 1
                continue
            found = self._phrase(text, place, Place(field, marks))
            if found is not None:
                meant, place = found
                marks.extend(meant)
                continue
            word = text[place:].partition(" ")[0]
            if word not in self._fillers:
                unread.append(word)
            place += len(word)
        return Read(tuple(marks), tuple(unread))

    def _phrase(self, text: str, place: int, before: Place) -> tuple[Sequence[Mark], int] | None:
        for pattern, meaning in self._phrases:
            match = pattern.match(text, place)
            if match is not None and match.end() > place:
                meant = meaning(match, before)
                if meant is not None:
                    return meant, match.end()
        return None


def alternatives(words: Iterable[str]) -> str:
    """A pattern of any of these, the longest first."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def always(*marks: Mark) -> Meaning:
    """A phrase that means the same wherever it stands."""
    return lambda _said, _place: marks


# Dates

YEAR: Final = r"(?P<year>\d{4}|20 \d{2})"
""" "2026", or as it is spoken in pairs: "20 26"."""


def nth(said: re.Match[str], place: Place) -> Sequence[Mark] | None:
    """ "Dienstag, 24. um zehn"; but at the end of a text the dot may be the sentence's: "Dienstag 10."."""
    at_end = said.end() == len(said.string)
    if place.day_known and (at_end or not (place.after_day and isinstance(place.marks[-1], OnWeekday))):
        return None
    return (OnDayOfMonth(int(said["day"])),)


def nth_weekday(weekdays: Mapping[str, int], months: Mapping[str, int]) -> Meaning:
    """ "the first Monday in December", "the last Friday of November" (0)."""
    return lambda said, _: (NthWeekday(int(said["nth"] or 0), weekdays[said["weekday"]], months[said["month"]]),)


def on_date(months: Mapping[str, int]) -> Meaning:
    """The date of the groups day, month (a number or a name), and year or short (its last two digits)."""

    def meaning(said: re.Match[str], _: Place) -> Sequence[Mark]:
        groups = said.groupdict()
        month, year, short = said["month"], groups.get("year"), groups.get("short")
        number = months[month] if month in months else int(month)
        if year is not None and " " in year and year[-1] in "05":
            # "Zwanzig dreißig" after a date is a year, or half past eight in the evening.
            return OnDate(int(said["day"]), number), Vague()
        full = year.replace(" ", "") if year else f"20{short}" if short else None
        return (OnDate(int(said["day"]), number, None if full is None else int(full)),)

    return meaning


# Times

OFFSET: Final = r"(?: ?(?P<offset>z|[+-]\d{2}:?\d{2}))?"


def _existing(at: At) -> tuple[TimeMark, ...]:
    return (at if at.hour <= 23 and at.minute <= 59 else NoSuchTime(),)


def exact(hour: str, minute: str | None = None, offset: str | None = None) -> tuple[TimeMark, ...]:
    """The time as it stands, if there is such a time."""
    return _existing(At(int(hour), int(minute or 0), Style.EXACT, offset))


def clock(hour: str, minute: str | None = None) -> tuple[TimeMark, ...]:
    """ "10 Uhr", "15 Uhr 30", "at ten". A nought before the hour is how software writes the early morning."""
    style = Style.EXACT if len(hour) == 2 and hour.startswith("0") else Style.CLOCK
    return _existing(At(int(hour), int((minute or "0").replace(" ", "")), style))


def digital(hour: str, minute: str, offset: str | None = None) -> tuple[TimeMark, ...]:
    """ "03:30" as it stands; "3:30" is also how recognisers write "drei Uhr dreißig"."""
    return exact(hour, minute, offset) if len(hour) == 2 or offset else clock(hour, minute)


def dial(hour: str, minutes: int) -> tuple[TimeMark, ...]:
    """So many minutes after (or, below 0, before) an hour as a clock's face has it."""
    if 13 <= int(hour) <= 23 and abs(minutes) < 30:  # "zehn vor fünfzehn Uhr"
        at = int(hour) * 60 + minutes
        return (At(at // 60, at % 60, Style.EXACT),)
    if not 1 <= int(hour) <= 12:
        return (NoSuchTime(),)
    at = (int(hour) * 60 + minutes) % 720
    return (At(at // 60, at % 60, Style.DIAL),)


def half_day(hour: str, minute: str | None, half: str) -> tuple[TimeMark, ...]:
    """ "3 pm"; `half` begins with a or p."""
    if not 1 <= int(hour) <= 12 or int(minute or 0) > 59:
        return (NoSuchTime(),)
    return (At(int(hour) % 12 + (12 if half.startswith("p") else 0), int(minute or 0), Style.EXACT),)


Reader = Callable[[str], At | None]


def reader(times: Phrases) -> Reader:
    """Reads a text that is one time and nothing else; a bare number is an hour."""
    known = [(re.compile(pattern), meaning) for pattern, meaning in times]

    def read(text: str) -> At | None:
        for pattern, meaning in known:
            whole = pattern.fullmatch(text)
            if whole is not None:
                marks = meaning(whole, Place(Field.TIME, ())) or ()
                break
        else:
            bare = re.fullmatch(r"(\d{1,2})(?:[. ](\d{2}))?\.?", text)
            marks = clock(bare[1], bare[2]) if bare else ()
        return marks[0] if len(marks) == 1 and isinstance(marks[0], At) else None

    return read


def window(read: Reader, begins: frozenset[str], ends: frozenset[str]) -> Meaning:
    """From, until or (by any other word) about the group time, by the first word of the group kind."""

    def meaning(said: re.Match[str], _: Place) -> Sequence[Mark] | None:
        at, kind = read(said["time"]), said["kind"].split()[0]
        if at is None:
            return None
        return (Within(begin=at) if kind in begins else Within(end=at) if kind in ends else Within(about=at),)

    return meaning


def between(read: Reader) -> Meaning:
    """From the group begin to the group end."""

    def meaning(said: re.Match[str], _: Place) -> Sequence[Mark] | None:
        begin, end = read(said["begin"]), read(said["end"])
        return None if begin is None or end is None else (Within(begin, end),)

    return meaning


def bare(said: re.Match[str], place: Place) -> Sequence[Mark] | None:
    """A number alone is an hour where a day is known or an "at" stands before it; with a dot it may be a day's."""
    if int(said["hour"]) > 23 or not (place.day_known or said["before"]):
        return None
    if said["dot"] and not said["before"] and place.field is not Field.TIME:
        return None
    return clock(said["hour"], said["minute"])
