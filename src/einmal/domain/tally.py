"""What is counted by day because no row tells it: which wishes began nothing, what the guard took, what was served.

Each thing that is counted has a word of a closed set, so that what is kept never grows with what callers or servers
think of.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from einmal.domain.admission import Admission
from einmal.domain.facts import CalendarAsked, Fact, NotStarted, Operation, Served, Timed, Timing
from einmal.domain.reply import Outcome

LOOK_UP_SECONDS: Final = 0.010
"""What a look-up of the ledger is meant to stay below; what takes longer is counted by itself."""

OTHER: Final = "other"
INFORMATION: Final = "information"

REASONS: Final = frozenset(one.__name__.lower() for one in get_args(Admission))
"""Why a wish began nothing, in the admission's own words."""

JOINED: Final = frozenset({"join", "replay"})
"""The repeats: the same wish once more, which waited for its answer or heard the stored one."""

_OUTCOMES: Final = frozenset({INFORMATION, *(one.value for one in Outcome)})


@dataclass(frozen=True, slots=True)
class Tally:
    """How often, and how many seconds it took in all."""

    count: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.count + other.count, self.seconds + other.seconds)

    @property
    def mean(self) -> float | None:
        return self.seconds / self.count if self.count else None


def tallied(fact: Fact, functions: Collection[str]) -> Mapping[str, Tally]:
    """What the fact adds, by word; nothing for what rows tell. `functions` are those that are known here."""
    match fact:
        case NotStarted(why=why):
            return {not_started(why if why in REASONS else OTHER): Tally(1)}
        case Timed(timing=timing, seconds=seconds):
            once = {timed(timing): Tally(1, seconds)}
            slow = timing is Timing.LEDGER and seconds >= LOOK_UP_SECONDS
            return once | {SLOW_LOOK_UP: Tally(1, seconds)} if slow else once
        case Served():
            function = fact.function if fact.function in functions else OTHER
            outcome = fact.outcome if fact.outcome in _OUTCOMES else OTHER
            return {f"{SERVED}{function}.{outcome}": Tally(1, fact.seconds)}
        case CalendarAsked():
            return {f"{ASKED}{fact.operation.value}.{_class_of(fact.code)}": Tally(1, fact.seconds)}
        case _:
            return {}


SERVED: Final = "served."
ASKED: Final = "calendar."
SLOW_LOOK_UP: Final = f"slow.{Timing.LEDGER.value}"
_CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx", "429", "none", OTHER)


def not_started(why: str) -> str:
    return f"not_started.{why}"


def timed(timing: Timing) -> str:
    return f"timed.{timing.value}"


def _class_of(code: str) -> str:
    known = f"{code[:1]}xx" if len(code) == 3 and code.isascii() and code.isdigit() and code != "429" else code
    return known if known in _CLASSES else OTHER


def all_words(functions: Collection[str]) -> frozenset[str]:
    """Every word that there can be."""
    return frozenset(
        {
            SLOW_LOOK_UP,
            *(not_started(why) for why in {*REASONS, OTHER}),
            *(timed(timing) for timing in Timing),
            *(f"{SERVED}{one}.{outcome}" for one in {*functions, OTHER} for outcome in {*_OUTCOMES, OTHER}),
            *(f"{ASKED}{operation.value}.{kind}" for operation in Operation for kind in _CLASSES),
        }
    )
