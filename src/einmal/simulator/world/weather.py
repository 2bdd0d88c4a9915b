"""The weather of the simulated world: what becomes of requests, and how often."""

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
    CONFLICT = "conflict"
    """Refused although it is free."""


class LookFate(StrEnum):
    GOOD = "good"
    BLIND = "blind"
    ERROR = "error"
    LAGS = "lags"
    ODD = "odd"
    """A full page that may have hidden something."""


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
)


def stormy(share: float = 0.4) -> Weather:
    """Weather in which this share of the calls goes wrong."""
    total = sum(weight for _, weight in _DISTURBED)
    fates = {Fate.GOOD: 1 - share} | {fate: share * weight / total for fate, weight in _DISTURBED}
    looks = {
        LookFate.GOOD: 1 - share,
        LookFate.BLIND: share * 0.35,
        LookFate.ERROR: share * 0.15,
        LookFate.LAGS: share * 0.4,
        LookFate.ODD: share * 0.1,
    }
    return Weather(fates, looks)


CALM: Final = Weather({Fate.GOOD: 1.0}, {LookFate.GOOD: 1.0})
