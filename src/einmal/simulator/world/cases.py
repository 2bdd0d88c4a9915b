"""The cases of the crash sweep: what is wished, what the calendar makes of it, and where the gateway dies."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from einmal.simulator.world.weather import Fate, LookFate


@dataclass(frozen=True, slots=True)
class Ask:
    """A function call: which person in which phone call, so many seconds after the beginning."""

    person: int = 0
    call: int = 0
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is wished, and of what kind the calendar is. `fates`: what may become of the POST that is watched."""

    name: str
    asks: tuple[Ask, ...] = (Ask(),)
    fates: tuple[Fate, ...] = tuple(Fate)
    before: tuple[Fate, ...] = ()
    """What becomes of the POSTs before it; all behind it are good."""
    looks: LookFate = LookFate.GOOD
    looks_for: float = 0.0
    """Seconds from the beginning for which look-ups and cancels are of this kind; good from then on."""
    late_seconds: float = 400.0
    """A late request arrives up to so long after; half of it where time is steady."""
    silent: bool = False
    """Nobody who heard nothing asks again."""
    emails: bool = False
    """The callers give an e-mail address and no phone."""
    hosts: int = 1
    on_request: bool = False
    refused: bool = False
    """The calendar refuses the wish for certain."""
    breaker_seconds: float = 0.0
    """For how long the breaker is open at the beginning."""
    person_after: timedelta = timedelta(hours=24)
    """When a doubt that nobody could look into goes to a person, who rules."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run, by all that it follows from. `k`: the point of the first death, None for none; `second`: of the next.

    Points are counted from 1 within each life, over all gateways that live then.
    """

    scenario: Scenario
    fate: Fate
    k: int | None = None
    second: int | None = None
    seed: int = 0
    workers: int = 1

    @property
    def name(self) -> str:
        """Names exactly this run: `book:answer_lost:k=17:second=9`."""
        parts = [self.scenario.name, self.fate.value]
        parts += [] if self.k is None else [f"k={self.k}"]
        parts += [] if self.second is None else [f"second={self.second}"]
        parts += [f"seed={self.seed}"] if self.seed else []
        parts += [f"workers={self.workers}"] if self.workers != 1 else []
        return ":".join(parts)


_ALWAYS: Final = 1e9
_LATE: Final = (Fate.LATE,)

_LOUD: Final = (
    Scenario("book"),
    Scenario("repeated", asks=(Ask(), Ask(after=0.3))),
    Scenario("rivals", asks=(Ask(), Ask(person=1, call=1, after=0.2))),
    Scenario("rearmed", before=(Fate.NOT_CONNECTED,)),
    Scenario("breaker", breaker_seconds=1.0),
    Scenario("blind", looks=LookFate.BLIND, looks_for=120),
    Scenario("lagging", looks=LookFate.LAGS, looks_for=_ALWAYS),
    Scenario("round_robin", emails=True, hosts=2),
    Scenario("on_request", emails=True, on_request=True),
    Scenario("refused", fates=(Fate.GOOD,), refused=True),
    Scenario("ruled", looks=LookFate.BLIND, looks_for=1500, person_after=timedelta(minutes=20)),
    Scenario("regret", fates=_LATE, late_seconds=3000),
    # The look-ups fail until the cancel is due, which then finds a calendar that is well; or is itself not heard of.
    Scenario("regret_blind", fates=_LATE, late_seconds=3000, looks=LookFate.BLIND, looks_for=2200),
    Scenario("regret_unheard", fates=_LATE, late_seconds=3000, looks=LookFate.LAGS, looks_for=_ALWAYS),
)

SCENARIOS: Final = _LOUD + tuple(replace(one, name=f"{one.name}_silent", silent=True) for one in _LOUD)
"""Each with callers who ask again, and with callers who never do."""


def case_of(name: str) -> Case:
    """The case with this name. Raises ValueError where there can be none."""
    scenario_name, fate, *parts = name.split(":")
    scenario = next((one for one in SCENARIOS if one.name == scenario_name), None)
    numbers = {key: int(value) for key, _, value in (part.partition("=") for part in parts)}
    if scenario is None or numbers.keys() - {"k", "second", "seed", "workers"}:
        raise ValueError(f"no case is called {name}")
    return Case(scenario, Fate(fate), **numbers)
