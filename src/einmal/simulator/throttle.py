"""Cal.com's rate limit: so many requests in 60 seconds per caller, then nothing for 60 seconds.

There is no Retry-After; only the three X-RateLimit headers tell, and "Reset" is the seconds that are left.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

_WINDOW = timedelta(seconds=60)


@dataclass(frozen=True)
class Allowance:
    """What a caller may still do."""

    admitted: bool
    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """The three headers on every counted answer."""
        return {
            "X-RateLimit-Limit-Default": str(self.limit),
            "X-RateLimit-Remaining-Default": str(self.remaining),
            "X-RateLimit-Reset-Default": str(self.reset_seconds),
        }


@dataclass(frozen=True)
class _Window:
    ends_at: datetime
    requests: int


class Throttle:
    """Counts requests per caller."""

    def __init__(self, limit: int) -> None:
        """`limit` requests are let through in each window."""
        self._limit = limit
        self._windows: dict[str, _Window] = {}

    def clear(self) -> None:
        """Forget everybody."""
        self._windows.clear()

    def refusal(self, reset_seconds: int) -> Allowance:
        """What somebody hears who has used up everything, whether or not anybody has."""
        return Allowance(admitted=False, limit=self._limit, remaining=0, reset_seconds=reset_seconds)

    def admit(self, caller: str, now: datetime) -> Allowance:
        """Count one request. The first one too many starts a new window, in which the caller is shut out."""
        window = self._windows.get(caller)
        if window is None or window.ends_at <= now:
            window = _Window(now + _WINDOW, 0)
        requests = window.requests + 1
        ends_at = now + _WINDOW if requests == self._limit + 1 else window.ends_at
        self._windows[caller] = _Window(ends_at, requests)
        left = ends_at - now
        return Allowance(
            admitted=requests <= self._limit,
            limit=self._limit,
            remaining=max(0, self._limit - requests),
            reset_seconds=-(-left // timedelta(seconds=1)),
        )
