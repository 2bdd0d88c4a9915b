"""How values look on a page: instants in the house's time, durations in words, personal data behind dots."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from einmal.entrypoints.evidence.masking import without
from einmal.entrypoints.evidence.shown import MASK, masked_email, masked_name, masked_phone, span

__all__ = [
    "FILTERS",
    "MASK",
    "clock_time",
    "day",
    "iso",
    "masked_email",
    "masked_name",
    "masked_phone",
    "minute",
    "span",
]


def clock_time(at: datetime | None, zone: ZoneInfo) -> str:
    """12:03:27.412"""
    return "–" if at is None else f"{at.astimezone(zone):%H:%M:%S}.{at.microsecond // 1000:03}"


def day(at: datetime | None, zone: ZoneInfo) -> str:
    """2026-12-01"""
    return "–" if at is None else f"{at.astimezone(zone):%Y-%m-%d}"


def minute(at: datetime | None, zone: ZoneInfo) -> str:
    """2026-12-01 10:15"""
    return "–" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def iso(at: datetime) -> str:
    """For programs, and for a time element."""
    return at.isoformat(timespec="milliseconds")


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "clock_time": clock_time,
    "day": day,
    "minute": minute,
    "iso": iso,
    "span": span,
    "without": without,
    "masked_name": masked_name,
    "masked_phone": masked_phone,
    "masked_email": masked_email,
}
