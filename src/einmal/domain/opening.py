"""When a house is open: by weekday, less its holidays, with days that differ. Local time; no zone, no clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

Holidays = Callable[[date], str | None]
"""The public holiday that a day is, by name, or None."""


def no_holidays(_day: date) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Span:
    """From `opens` to before `closes`, on one day. `closes` of midnight is the end of that day."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.closes != time(0) and self.closes <= self.opens:
            raise ValueError("a span must close after it opens, on the same day")

    def holds(self, begin: datetime, end: datetime) -> bool:
        """Whether all of [begin, end), local and of one day's span, lies within."""
        day = begin.date()
        closes = datetime.combine(day + timedelta(days=self.closes == time(0)), self.closes)
        return datetime.combine(day, self.opens) <= begin and end <= closes


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """`weekly` has the spans of Monday to Sunday; `special` those of single days, none being closed.

    A special day overrules a holiday: who opens on one says so.
    """

    weekly: tuple[tuple[Span, ...], ...]
    special: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    holidays: Holidays = no_holidays

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise ValueError("a week has seven days, from Monday")

    def on(self, day: date) -> tuple[Span, ...]:
        """The spans of that day; none where it is closed."""
        if day in self.special:
            return self.special[day]
        return () if self.holidays(day) is not None else self.weekly[day.weekday()]

    def admits(self, begin: datetime, length: timedelta) -> bool:
        """Whether an appointment of that length that begins then (naive, local) lies within one span."""
        return any(span.holds(begin, begin + length) for span in self.on(begin.date()))


@dataclass(frozen=True, slots=True)
class Bookable:
    """What makes one reading of an utterance likelier than another: when this service can be had at all."""

    hours: OpeningHours
    length: timedelta
    notice: timedelta = timedelta(0)
    horizon: timedelta = timedelta(days=365)

    def admits(self, local: datetime, now: datetime) -> bool:
        """Whether `local`, aware in the house's zone, can be wished at `now`."""
        return now + self.notice <= local <= now + self.horizon and self.hours.admits(
            local.replace(tzinfo=None), self.length
        )
