"""The weather of the simulated world: what becomes of requests, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fate(StrEnum):
    """What becomes of a POST."""

    GOOD = "good"
    NOT_CONNECTED = "not_connected"
    THROTTLED = "throttled"
    REQUEST_LOST = "request_lost"
    ANSWER_LOST = "answer_lost"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    LATE = "late"
    SLOW = "slow"
    FOREIGN = "foreign"
    NO_METADATA = "no_metadata"
    TWICE = "twice"
    """A proxy sends it again, and the second answer is the one that is heard."""
    PAUSED = "paused"
    """Booked and answered; but our process stood still meanwhile, and hears it long after its deadline."""
    CONFLICT = "conflict"
    """Refused although it is free."""


class LookFate(StrEnum):
    GOOD = "good"
    BLIND = "blind"
    ERROR = "error"
    LAGS = "lags"
    ODD = "odd"
    """A full page, and what is looked for is not on it."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely each thing is. `calls` of POSTs, looks and cancels go wrong at least so often."""

    fates: dict[Fate, float]
    looks: dict[LookFate, float]
    late_seconds_max: float = 1500.0
    lag_seconds_max: float = 20.0


_DISTURBED: Final = (
    (Fate.NOT_CONNECTED, 3.0),
    (Fate.THROTTLED, 1.0),
    (Fate.REQUEST_LOST, 6.0),
    (Fate.ANSWER_LOST, 8.0),
    (Fate.ERROR_BEFORE, 3.0),
    (Fate.ERROR_AFTER, 4.0),
    (Fate.LATE, 6.0),
    (Fate.SLOW, 3.0),
    (Fate.FOREIGN, 5.0),
    (Fate.NO_METADATA, 2.0),
    (Fate.TWICE, 2.0),
    (Fate.CONFLICT, 2.0),
    (Fate.PAUSED, 2.0),
)


def stormy(share: float = 0.4, *, lags: bool = True, favour: Sequence[Fate] = ()) -> Weather:
    """Weather in which this share of the calls goes wrong. Without `lags` a look that sees, sees everything."""
    weights = {fate: weight * (15 if fate in favour else 1) for fate, weight in _DISTURBED}
    total = sum(weights.values())
    fates = {Fate.GOOD: 1 - share} | {fate: share * weight / total for fate, weight in weights.items()}
    looks = {
        LookFate.GOOD: 1 - share,
        LookFate.BLIND: share * (0.35 if lags else 0.6),
        LookFate.ERROR: share * 0.15,
        LookFate.LAGS: share * 0.4 if lags else 0.0,
        LookFate.ODD: share * (0.1 if lags else 0.25),
    }
    return Weather(fates, looks)


CALM: Final = Weather({Fate.GOOD: 1.0}, {LookFate.GOOD: 1.0})
