"""Where the lines of a small drawing go: numbers in, boxes and paths out. Pure; a template makes SVG of them.

Whatever the numbers are, everything lies within the box that was given, and a value of nought draws nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float


GAP: Final = 0.2
"""Of a bar's place, what is left free beside it."""

SEEN: Final = 2.0
"""A bar for anything at all is at least so long: one of thousands is to be seen."""


def columns(values: Sequence[float], width: float, height: float) -> tuple[Box, ...]:
    """Bars that stand on the lower edge, side by side; the highest fills the box."""
    place = width / len(values) if values else 0.0
    bars = []
    for at, length in enumerate(_lengths(values, height)):
        bars.append(Box(_shown(at * place), _shown(height - length), _shown(place * (1 - GAP)), _shown(length)))
    return tuple(bars)


def rows(values: Sequence[float], width: float, height: float) -> tuple[Box, ...]:
    """Bars that begin at the left edge, one below the other; the longest fills the box."""
    place = height / len(values) if values else 0.0
    bars = []
    for at, length in enumerate(_lengths(values, width)):
        bars.append(Box(0.0, _shown(at * place), _shown(length), _shown(place * (1 - GAP))))
    return tuple(bars)


def _lengths(values: Sequence[float], most: float) -> list[float]:
    usable = [value if math.isfinite(value) and value > 0 else 0.0 for value in values]
    highest = max(usable, default=0.0)
    return [min(most, max(SEEN, value / highest * most)) if value else 0.0 for value in usable]


def arc(radius: float, centre: tuple[float, float], begin: float, end: float) -> str:
    """The path of a part of a half circle: 0 is its left end, 1 its right one, over the top."""
    (x1, y1), (x2, y2) = (on_arc(radius, centre, part) for part in (begin, end))
    return f"M {x1} {y1} A {_shown(radius)} {_shown(radius)} 0 0 1 {x2} {y2}"


def on_arc(radius: float, centre: tuple[float, float], part: float) -> tuple[float, float]:
    """The point at that part of the half circle; what is no part of it is its nearest end."""
    inside = min(1.0, max(0.0, part)) if not math.isnan(part) else 0.0
    angle = math.pi * (1 - inside)
    return _shown(centre[0] + radius * math.cos(angle)), _shown(centre[1] - radius * math.sin(angle))


def _shown(value: float) -> float:
    """Tenths are enough; and never a minus before nought."""
    return round(value, 1) + 0.0
