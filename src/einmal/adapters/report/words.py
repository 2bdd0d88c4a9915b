"""Figures as they are written: counts, per cent, and times that say how long they are."""

from collections.abc import Callable
from datetime import date
from typing import Final

NOTHING: Final = "-"

Write = Callable[[float], str]


def number(value: float) -> str:
    return f"{value:,.0f}"


def percent(value: float) -> str:
    return f"{value:.2f} %"


def span(seconds: float) -> str:
    """In the unit that it is read in: 0.42 ms, 3.1 s, 4 min 10 s, 2 h 5 min."""
    if seconds < 1:
        return f"{seconds * 1000:.2f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def told(value: float | None, write: Write = number) -> str:
    return NOTHING if value is None else write(value)


def change(value: float | None, before: float | None, write: Write = number) -> str:
    """From the week before to this one; nothing where one of them is not known."""
    if value is None or before is None:
        return NOTHING
    difference = value - before
    written = write(abs(difference))
    if written == write(0):
        return "="
    return f"{'+' if difference > 0 else '-'}{written}"


def day(value: date) -> str:
    """Of the operator's own language, whatever the machine's is."""
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{names[value.weekday()]} {value.isoformat()}"
