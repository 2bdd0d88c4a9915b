"""A week as ISO 8601 counts it: from the midnight that begins a Monday to the next, where somebody lives."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

YEARS: Final = range(2000, 3000)
_WRITTEN: Final = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of somebody's calendar, and the instants between which it lies."""

    date: date
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, order=True)
class Week:
    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Week":
        year, number, _ = day.isocalendar()
        return cls(year, number)

    @classmethod
    def read(cls, text: str) -> "Week":
        """As it is written: 2026-W47. Raises ValueError with what was wrong."""
        written = _WRITTEN.fullmatch(text)
        if written is None:
            raise ValueError("a week is written 2026-W47")
        year, number = int(written[1]), int(written[2])
        if year not in YEARS:
            raise ValueError(f"weeks are known from {YEARS.start} to {YEARS.stop - 1}")
        try:
            date.fromisocalendar(year, number, 1)
        except ValueError:
            raise ValueError(f"{year} has no week {number}") from None
        return cls(year, number)

    @property
    def monday(self) -> date:
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def before(self) -> "Week":
        return Week.of(self.monday - timedelta(days=1))

    @property
    def after(self) -> "Week":
        return Week.of(self.sunday + timedelta(days=1))

    def days(self, zone: tzinfo) -> tuple[Day, ...]:
        """Its seven days there, each with its own length: 23 or 25 hours where the clocks change."""
        dates = [self.monday + timedelta(days=number) for number in range(8)]
        edges = [datetime.combine(one, time(0), zone).astimezone(UTC) for one in dates]
        return tuple(Day(*one) for one in zip(dates, edges, edges[1:], strict=False))

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"
