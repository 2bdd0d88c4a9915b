"""What an utterance is made of, the same in every language: day marks and time marks.

A grammar turns words into marks; what the marks mean at this moment is worked out in `days` and `clocks`.
"""

from dataclasses import dataclass
from datetime import time
from enum import Enum, auto


class Which(Enum):
    """How a weekday was pointed at."""

    PLAIN = auto()
    COMING = auto()
    NEXT = auto()
    AFTER_NEXT = auto()
    THIS = auto()


class Part(Enum):
    """A part of the day: which clock times may be called so, and which window it is by itself."""

    MORNING = (time(4), time(12), time(6), time(10))
    FORENOON = (time(6), time(13), time(8), time(12))
    MIDDAY = (time(11), time(15), time(12), time(14))
    AFTERNOON = (time(12), time(19), time(12), time(18))
    EVENING = (time(16), time(23, 59, 59), time(17), time(21))
    NIGHT = (time(20), time(6), time(20), time(23))

    def may_be(self, clock: time) -> bool:
        begins, ends = self.value[:2]
        return begins <= clock < ends if begins < ends else clock >= begins or clock < ends

    @property
    def window(self) -> tuple[time, time]:
        return self.value[2], self.value[3]


class Style(Enum):
    """How surely a clock time says which half of the day it is in."""

    EXACT = auto()
    """10:00, 3 pm: as it stands."""
    CLOCK = auto()
    """10 Uhr: as it stands for most hours; small ones may mean the afternoon."""
    DIAL = auto()
    """halb vier: twice a day."""


@dataclass(frozen=True, slots=True)
class OnDate:
    day: int
    month: int
    year: int | None = None


@dataclass(frozen=True, slots=True)
class OnEither:
    """A date that reads as two: 12/01/2026."""

    dates: tuple[OnDate, ...]


@dataclass(frozen=True, slots=True)
class OnFeast:
    """Christmas Eve: the next one, whichever year that is in."""

    day: int
    month: int


@dataclass(frozen=True, slots=True)
class OnDayOfMonth:
    day: int


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """The first Monday in December; the `nth` of the last one is 0."""

    nth: int
    weekday: int
    month: int


@dataclass(frozen=True, slots=True)
class InDays:
    """So many days from today; more than one count where the words mean either."""

    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InMonths:
    count: int


@dataclass(frozen=True, slots=True)
class OnWeekday:
    """`weekday` counts from Monday as 0; `weeks` more after it.

    `loosely`: they may have been counted from this week instead ("Dienstag in zwei Wochen").
    """

    weekday: int
    which: Which = Which.PLAIN
    weeks: int = 0
    loosely: bool = False


@dataclass(frozen=True, slots=True)
class InWeek:
    """That weekday of the calendar week so many weeks ahead."""

    weekday: int
    weeks: int


@dataclass(frozen=True, slots=True)
class OnWorkday:
    """The next one."""


@dataclass(frozen=True, slots=True)
class TooWide:
    """Next week, at the weekend: a day must be named."""


@dataclass(frozen=True, slots=True)
class At:
    """A clock time; `minute` of the hour. `offset` is an ISO offset, as text. DIAL hours are 0 to 11."""

    hour: int
    minute: int
    style: Style
    offset: str | None = None


@dataclass(frozen=True, slots=True)
class In:
    """`overnight`: the night that begins on the day named, so that its small hours are the next day's, perhaps."""

    part: Part
    overnight: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """A window: from, until, or about a time."""

    begin: At | None = None
    end: At | None = None
    about: At | None = None


@dataclass(frozen=True, slots=True)
class Vague:
    """Shortly after three, as soon as possible: a time must be named."""


@dataclass(frozen=True, slots=True)
class NoSuchTime:
    """25 Uhr."""


@dataclass(frozen=True, slots=True)
class Either:
    """ "or" between two of anything."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Before (0) or after (1) the clocks are put back."""

    fold: int


DayMark = (
    OnDate
    | OnEither
    | OnFeast
    | OnDayOfMonth
    | NthWeekday
    | InDays
    | InMonths
    | OnWeekday
    | InWeek
    | OnWorkday
    | TooWide
)
TimeMark = At | In | Within | Vague | NoSuchTime
Mark = DayMark | TimeMark | Either | Fold
