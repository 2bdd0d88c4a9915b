"""How often the form may be used: by one visitor, and by all together.

The calendar allows so many requests a minute, and whoever telephones needs them more. A visitor costs nothing to
invent, so it is the bound of all together that holds; that of one visitor keeps one from using up everybody's.
"""

from dataclasses import dataclass, field
from typing import Final

VISITORS_MAX: Final = 1024
"""Who is forgotten begins anew, within what all may do together."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class Pace:
    """So many a minute: at once if need be, then as they come back. Times are monotonic, in seconds."""

    of_one: int
    of_all: int
    _all: _Bucket | None = field(default=None, init=False)
    _each: dict[str, _Bucket] = field(default_factory=dict, init=False)

    def allows(self, who: str, now: float) -> bool:
        """Whether it may be done now; then it counts."""
        every = self._all = _filled(self._all, self.of_all, now)
        own = _filled(self._each.pop(who, None), self.of_one, now)
        self._each[who] = own
        if len(self._each) > VISITORS_MAX:
            del self._each[next(iter(self._each))]
        if own.tokens < 1 or every.tokens < 1:
            return False
        own.tokens -= 1
        every.tokens -= 1
        return True


def _filled(bucket: _Bucket | None, most: int, now: float) -> _Bucket:
    if bucket is None:
        return _Bucket(float(most), now)
    tokens = bucket.tokens + max(0.0, now - bucket.at) * most / 60
    return _Bucket(min(float(most), tokens), now)
