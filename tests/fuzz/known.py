"""Bugs that fuzzing has found and that still stand: not failures again, until they are mended.

Whoever mends one takes its line out: `test_known_bugs_still_stand` fails as soon as a line has become needless.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class KnownBug:
    """In `target`, this kind of exception is `what`; `sample` shows it."""

    target: str
    raised: type[Exception]
    says: str
    what: str
    sample: Callable[[], Any]


KNOWN: Final[tuple[KnownBug, ...]] = ()


def known_bug(target: str, failure: Exception) -> str | None:
    """What is known of this failure, if it is known."""
    for bug in KNOWN:
        if bug.target == target and isinstance(failure, bug.raised) and bug.says in str(failure):
            return bug.what
    return None
