"""The weekly report: what the guard did for a house, against the goals, beside the week before.

Wishes, appointments, doubts and what was taken back are those of the week in which they were wished, as they stand
when the report is made. Rejections are of the day on which they happened. What is tallied is counted by day in UTC
and for the whole installation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from einmal.domain.facts import Timing
from einmal.domain.tally import ASKED, JOINED, SERVED, SLOW_LOOK_UP, Tally, not_started, timed
from einmal.domain.week import Week
from einmal.domain.week_figures import Figures, together

REJECTIONS_A_DAY: Final = 10
"""More than so many on one day: somebody looks into it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A week as it is told. `tallies` are None where one tenant was asked for: they are the whole installation's."""

    figures: Figures
    tallies: Mapping[str, Tally] | None

    @property
    def is_empty(self) -> bool:
        """Nobody wished anything, and nothing was answered."""
        nothing = Figures(drifts=self.figures.drifts, callbacks_open=self.figures.callbacks_open)
        return self.figures == nothing and not self._together("").count

    def tally(self, word: str) -> Tally | None:
        return None if self.tallies is None else self.tallies.get(word, Tally())

    @property
    def repeats(self) -> int | None:
        return None if self.tallies is None else sum(self.tallies.get(not_started(w), Tally()).count for w in JOINED)

    @property
    def wishes(self) -> int | None:
        """All, whether they began something or not."""
        if self.tallies is None:
            return None
        return self.figures.begun + self._together(not_started("")).count

    @property
    def repeats_percent(self) -> float | None:
        return 100 * (self.repeats or 0) / self.wishes if self.wishes else None

    @property
    def look_up_seconds(self) -> float | None:
        """The mean of a look into the ledger for a booking that is there already."""
        return self._mean(Timing.LEDGER)

    @property
    def slow_look_ups(self) -> int | None:
        slow = self.tally(SLOW_LOOK_UP)
        return None if slow is None else slow.count

    @property
    def overhead_seconds(self) -> float | None:
        """What the guard takes of a booking: the means of judging, of the look-up and of the last commit, added up."""
        means = [self._mean(timing) for timing in Timing]
        known = [mean for mean in means if mean is not None]
        return sum(known) if known else None

    @property
    def served(self) -> Tally:
        return self._together(SERVED)

    @property
    def served_in_vain(self) -> int:
        return self._together(SERVED, ".error").count

    @property
    def asked(self) -> Tally:
        return self._together(ASKED)

    @property
    def asked_in_vain(self) -> int:
        """Requests to the calendar without an answer, or with one that it is ill."""
        return sum(self._together(ASKED, end).count for end in (".5xx", ".none", ".other"))

    def _mean(self, timing: Timing) -> float | None:
        found = self.tally(timed(timing))
        return None if found is None else found.mean

    def _together(self, begin: str, end: str = "") -> Tally:
        found = (one for word, one in (self.tallies or {}).items() if word.startswith(begin) and word.endswith(end))
        return sum(found, Tally())


class Goal(StrEnum):
    PREVENTION_RATE = "prevention_rate"
    FALSE_POSITIVES = "false_positives"
    OVERHEAD = "overhead"
    LOOK_UP = "look_up"
    REJECTIONS_A_DAY = "rejections_a_day"


class Standing(StrEnum):
    MET = "met"
    MISSED = "missed"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure that has a goal: per cent, a number, or seconds."""

    goal: Goal
    value: float | None
    before: float | None

    @property
    def standing(self) -> Standing:
        if self.value is None:
            return Standing.NOT_MEASURED
        met = self.value < _BELOW[self.goal] if self.goal in _BELOW else self.value <= _AT_MOST[self.goal]
        return Standing.MET if met else Standing.MISSED


_BELOW: Final = {Goal.PREVENTION_RATE: 1.0, Goal.OVERHEAD: 0.050, Goal.LOOK_UP: 0.010}
_AT_MOST: Final = {Goal.FALSE_POSITIVES: 0.0, Goal.REJECTIONS_A_DAY: float(REJECTIONS_A_DAY)}


@dataclass(frozen=True, slots=True)
class Report:
    """`before` is None where there was nothing yet to compare with. `tenant`: of this one alone."""

    week: Week
    zone: str
    at: datetime
    running: bool
    """The week is not over yet."""
    tenant: str | None
    this: Told
    before: Told | None
    tenants: Mapping[str, Figures]
    kpis: tuple[Kpi, ...]

    @property
    def missed(self) -> tuple[Kpi, ...]:
        return tuple(one for one in self.kpis if one.standing is Standing.MISSED)

    @property
    def days_to_look_into(self) -> dict[date, int]:
        return {day: count for day, count in self.this.figures.by_day.items() if count > REJECTIONS_A_DAY}


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one week: by tenant, and what was tallied."""

    tenants: Mapping[str, Figures]
    tallies: Mapping[str, Tally]

    def told(self, tenant: str | None) -> Told:
        if tenant is not None:
            return Told(self.tenants.get(tenant, Figures()), None)
        return Told(together(self.tenants.values()), self.tallies)


def report_of(
    week: Week, zone: str, at: datetime, read: Read, before: Read, *, running: bool, tenant: str | None
) -> Report:
    """The report of what was read of that week and of the one before."""
    this, earlier = read.told(tenant), before.told(tenant)
    compared = None if earlier.is_empty else earlier
    values, others = _values(this), {} if compared is None else _values(compared)
    kpis = tuple(Kpi(goal, values[goal], others.get(goal)) for goal in Goal)
    shown = {name: one for name, one in sorted(read.tenants.items()) if tenant in {None, name}}
    return Report(week, zone, at, running, tenant, this, compared, shown, kpis)


def _values(told: Told) -> dict[Goal, float | None]:
    figures = told.figures
    return {
        Goal.PREVENTION_RATE: figures.prevention_rate,
        Goal.FALSE_POSITIVES: figures.false_positives,
        Goal.OVERHEAD: told.overhead_seconds,
        Goal.LOOK_UP: told.look_up_seconds,
        Goal.REJECTIONS_A_DAY: max(figures.by_day.values(), default=0),
    }
