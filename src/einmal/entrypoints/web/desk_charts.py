"""The desk's drawings: what is counted, in the order in which it is drawn, each with its place."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from einmal.entrypoints.web.drawing import Box, arc, columns, on_arc, rows
from einmal.ports.desk import Rejections

WIDTH: Final = 320.0
HEIGHT: Final = 120.0
ROW: Final = 28.0

YELLOW_FROM: Final = 5.0
RED_FROM: Final = 10.0
RATE_MAX: Final = 20.0
"""Where the gauge ends. Beyond it the number alone says more."""

CENTRE: Final = (100.0, 100.0)
RADIUS: Final = 80.0
NEEDLE: Final = 62.0

AGES: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 30, 60, 300, 600))
"""The upper ends of the histogram's bars; what is older has a bar of its own."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """`tone`: good, warn or bad. `parts`: the three colours' paths; the needle runs from the centre to `needle`."""

    rate: float
    tone: str
    parts: tuple[tuple[str, str], ...]
    needle: tuple[float, float]


def gauge(rate: float) -> Gauge:
    ends = (0.0, YELLOW_FROM / RATE_MAX, RED_FROM / RATE_MAX, 1.0)
    tones = ("good", "warn", "bad")
    parts = tuple((tone, arc(RADIUS, CENTRE, ends[at], ends[at + 1])) for at, tone in enumerate(tones))
    tone = tones[(rate >= YELLOW_FROM) + (rate >= RED_FROM)]
    return Gauge(rate, tone, parts, on_arc(NEEDLE, CENTRE, rate / RATE_MAX))


@dataclass(frozen=True, slots=True)
class Bar:
    """`end`: where what it counts ends; None where it has no end. `late`: older than the freshness layer lets pass."""

    end: timedelta | None
    late: bool
    count: int
    box: Box


def ages(of: Sequence[timedelta], fresh_until: timedelta) -> tuple[Bar, ...]:
    """How many bookings were how old when they came back."""
    ends = (*AGES, None)
    counts = [0] * len(ends)
    for age in of:
        counts[next((at for at, end in enumerate(AGES) if age <= end), len(AGES))] += 1
    boxes = columns(counts, WIDTH, HEIGHT)
    late = [begin >= fresh_until for begin in (timedelta(0), *AGES)]
    return tuple(Bar(*one) for one in zip(ends, late, counts, boxes, strict=True))


@dataclass(frozen=True, slots=True)
class LayerBar:
    layer: str
    reason: str
    count: int
    box: Box


def by_layer(rejections: Sequence[Rejections]) -> tuple[LayerBar, ...]:
    """In the order of the layers."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in rejections:
        counts[one.layer, one.reason] += one.count
    kinds = sorted(counts)
    boxes = rows([counts[kind] for kind in kinds], WIDTH, ROW * len(kinds))
    return tuple(LayerBar(*kind, counts[kind], box) for kind, box in zip(kinds, boxes, strict=True))


@dataclass(frozen=True, slots=True)
class HourBar:
    hour: datetime
    count: int
    box: Box


def by_hour(rejections: Sequence[Rejections], now: datetime) -> tuple[HourBar, ...]:
    """The hours that the last 24 touch, oldest first."""
    counts: Counter[datetime] = Counter()
    for one in rejections:
        counts[one.hour] += one.count
    current = now.replace(minute=0, second=0, microsecond=0)
    hours = [current - timedelta(hours=back) for back in range(24, -1, -1)]
    boxes = columns([counts[hour] for hour in hours], WIDTH, HEIGHT)
    return tuple(HourBar(hour, counts[hour], box) for hour, box in zip(hours, boxes, strict=True))
