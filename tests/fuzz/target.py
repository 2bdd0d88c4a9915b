"""What a target of fuzzing is: one parser of outside input, and what must be true of whatever it makes of anything."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from fuzz.mutation import Pump


class Violation(AssertionError):
    """Something that must always be true was not."""


def holds(truth: object, what: str) -> None:
    if not truth:
        raise Violation(what)


@dataclass(frozen=True)
class Target:
    """`make` draws an input; `check` parses it, checks what came out and names the outcome in a word or two.

    Any exception of `check` is a failure: it catches itself what the parser's documentation promises.
    `pump` makes long inputs, up to `pumped_max` bytes, which is what the door before the parser lets through;
    without one the parser's callers cut what they give it.
    """

    name: str
    make: Callable[[Random], Any]
    check: Callable[[Any], str]
    pump: Pump | None = None
    pumped_max: int = 0
