"""Who guesses at secrets, and how long they must wait.

Counted for each visitor and for all together: addresses cost an attacker little. A stranger must not lock out whoever
has the secret. So who was right lately is not held up by what others guess, and has ten times as many tries: their
address may be an office's, or a proxy's that names nobody.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WITHIN_SECONDS: Final = 300.0
OF_ONE: Final = 10
OF_WHO_WAS_RIGHT: Final = 100
OF_ALL: Final = 100
"""A secret of sixteen letters and digits outlasts them by more than the age of the world; a weak one outlasts them
long enough to be noticed."""

RIGHT_FOR_SECONDS: Final = 24 * 3600.0
VISITORS_MAX: Final = 10_000

HERE: Final = " here"
"""Ends the name of a visitor from this machine, whom no proxy brings."""


@dataclass(slots=True)
class Guesses:
    """Times are monotonic, in seconds."""

    _of_one: dict[str, deque[float]] = field(default_factory=dict, init=False)
    _of_all: deque[float] = field(default_factory=lambda: deque(maxlen=2 * OF_ALL), init=False)
    _right: dict[str, float] = field(default_factory=dict, init=False)

    def wait_seconds(self, who: str, now: float, *, trusted: bool = False) -> float:
        """How long until this visitor may try again; 0 for now. `trusted`: known by more than an address.

        What others guess does not hold up whoever sits at this machine, either.
        """
        right_at = self._right.get(who)
        known = trusted or who.endswith(HERE) or (right_at is not None and now - right_at < RIGHT_FOR_SECONDS)
        most = OF_WHO_WAS_RIGHT if right_at is not None and known and not trusted else OF_ONE
        waits = [_wait(self._of_one.get(who, deque()), most, now)]
        if not known:
            waits.append(_wait(self._of_all, OF_ALL, now))
        return max(waits)

    def begin(self, who: str, now: float) -> None:
        """A try, wrong until it turns out to be right: others come while a password is being checked."""
        mine = self._of_one.pop(who, None) or deque(maxlen=2 * OF_WHO_WAS_RIGHT)
        mine.append(now)
        self._of_one[who] = mine
        self._of_all.append(now)
        if len(self._of_one) > VISITORS_MAX:
            del self._of_one[next(iter(self._of_one))]

    def was_right(self, who: str, began: float, now: float) -> None:
        for tries in (self._of_one.get(who), self._of_all):
            if tries is not None and began in tries:
                tries.remove(began)
        self.right(who, now)

    def right(self, who: str, now: float) -> None:
        """Who was right without a try being counted."""
        self._right.pop(who, None)
        self._right[who] = now
        if len(self._right) > VISITORS_MAX:
            del self._right[next(iter(self._right))]


def _wait(tries: deque[float], most: int, now: float) -> float:
    if len(tries) < most:
        return 0.0
    return max(0.0, tries[-most] + WITHIN_SECONDS - now)
