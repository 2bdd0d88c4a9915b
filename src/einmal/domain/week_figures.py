"""The figures of one week, as the rows of the ledger tell them: of one tenant, or of several together."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from statistics import median

from einmal.domain.intent import UNRESOLVED, State
from einmal.domain.verdict import Layer, Reason


@dataclass(frozen=True, slots=True)
class RejectedOn:
    """How often a layer refused a booking for one reason on one day."""

    day: date
    layer: Layer
    reason: Reason
    count: int


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a person said last of an intent's rejection, by that layer and for that reason."""

    intent_id: str
    layer: Layer
    reason: Reason
    wrong: bool


class DoubtEnd(StrEnum):
    BOOKED = "booked"
    NOT_BOOKED = "not_booked"
    BY_PERSON = "by_person"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Doubt:
    """How a doubt ended, and how long it lasted; None while it does."""

    end: DoubtEnd
    seconds: float | None = None


def doubt_end(state: State, *, escalated: bool) -> DoubtEnd:
    """`escalated`: it once waited for a person."""
    if state in UNRESOLVED:
        return DoubtEnd.OPEN
    if escalated:
        return DoubtEnd.BY_PERSON
    return DoubtEnd.NOT_BOOKED if state is State.REJECTED else DoubtEnd.BOOKED


@dataclass(frozen=True, slots=True)
class Drifts:
    """Differences of one kind. `over`: of those first seen in the week, how many are no more; `open`: all there are."""

    seen: int = 0
    over: int = 0
    open: int = 0

    def __add__(self, other: "Drifts") -> "Drifts":
        return Drifts(self.seen + other.seen, self.over + other.over, self.open + other.open)


@dataclass(frozen=True, slots=True)
class Figures:
    """One tenant's week as its rows tell it, or that of several together."""

    begun: int = 0
    """Wishes that became an intent; each was to be booked once."""
    appointments: int = 0
    rejections: tuple[RejectedOn, ...] = ()
    rulings: tuple[Ruled, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    taken_back: int = 0
    being_taken_back: int = 0
    drifts: Mapping[str, Drifts] = field(default_factory=dict)
    callbacks: int = 0
    callbacks_open: int = 0

    @property
    def rejected(self) -> int:
        return sum(one.count for one in self.rejections)

    @property
    def prevention_rate(self) -> float | None:
        """Rejections of all that was booked or refused as a duplicate, in per cent; None where there was nothing."""
        both = self.appointments + self.rejected
        return 100 * self.rejected / both if both else None

    @property
    def false_positives(self) -> int:
        """Intents of whose rejection a person said that it was wrong."""
        return len({one.intent_id for one in self.rulings if one.wrong})

    @property
    def by_layer(self) -> dict[tuple[Layer, Reason], int]:
        counts: Counter[tuple[Layer, Reason]] = Counter()
        for one in self.rejections:
            counts[one.layer, one.reason] += one.count
        return dict(sorted(counts.items()))

    @property
    def by_day(self) -> dict[date, int]:
        counts: Counter[date] = Counter()
        for one in self.rejections:
            counts[one.day] += one.count
        return dict(sorted(counts.items()))

    def ruled(self, layer: Layer, reason: Reason, *, wrong: bool) -> int:
        """Of how many intents that were refused so a person said so."""
        of = (layer, reason, wrong)
        return len({one.intent_id for one in self.rulings if (one.layer, one.reason, one.wrong) == of})

    def doubts_ended(self, end: DoubtEnd) -> int:
        return sum(one.end is end for one in self.doubts)

    @property
    def doubt_seconds(self) -> tuple[float, float] | None:
        """Of the doubts that have ended: the median, and the longest."""
        lasted = [one.seconds for one in self.doubts if one.seconds is not None]
        return (median(lasted), max(lasted)) if lasted else None


def together(parts: Iterable[Figures]) -> Figures:
    """The sum of several tenants' weeks."""
    every = tuple(parts)
    drifts: dict[str, Drifts] = {}
    for one in every:
        for kind, some in one.drifts.items():
            drifts[kind] = drifts.get(kind, Drifts()) + some
    return Figures(
        begun=sum(one.begun for one in every),
        appointments=sum(one.appointments for one in every),
        rejections=tuple(some for one in every for some in one.rejections),
        rulings=tuple(some for one in every for some in one.rulings),
        doubts=tuple(some for one in every for some in one.doubts),
        taken_back=sum(one.taken_back for one in every),
        being_taken_back=sum(one.being_taken_back for one in every),
        drifts=dict(sorted(drifts.items())),
        callbacks=sum(one.callbacks for one in every),
        callbacks_open=sum(one.callbacks_open for one in every),
    )
