"""A bucket for each who asks, of so many as a process can remember."""

from dataclasses import dataclass, field
from typing import Final

from einmal.domain.pace import Bucket, Rate, taken

REMEMBERED: Final = 10_000
"""Who is forgotten begins anew. Those who asked longest ago are, and they have the most tokens back."""


@dataclass(slots=True)
class Paces:
    most: int = REMEMBERED
    _buckets: dict[str, Bucket] = field(default_factory=dict, init=False)

    def wait_seconds(self, who: str, rate: Rate, now: float) -> float:
        """0 where it may be done now, and then it counts."""
        if rate.per_minute == 0:
            return 0.0
        bucket, wait = taken(self._buckets.pop(who, None), rate, now)
        self._buckets[who] = bucket
        if len(self._buckets) > self.most:
            del self._buckets[next(iter(self._buckets))]
        return wait
