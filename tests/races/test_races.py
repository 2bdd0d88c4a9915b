"""Real processes on one database, let go at the same moment; and beside each race its control, with the guard off.

A part of what `make soak LEG=races` does for long. The rounds are bounded, the machine's time is not looked at.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from races.arena import Arena
from races.backend import Guard
from races.races import RACES, ROWS, Race
from support.postgres import postgres_server


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}"


@contextmanager
def postgres(_: Path) -> Iterator[str]:
    with postgres_server(fsync="off", full_page_writes="off") as server:
        yield server.url("postgres")


BASES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {"sqlite": sqlite, "postgres": postgres}
"""Where ledgers are made, for each database."""

ROUNDS = 120
CONTROL_ROUNDS_MAX = 500

Arenas = Callable[[frozenset[Guard]], Arena]
by_name = pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)


@pytest.fixture(scope="module", params=BASES)
def arenas(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arenas]:
    """The arena with these guards off: made once, for all races that ask for it."""
    made = dict[frozenset[Guard], Arena]()
    with BASES[request.param](tmp_path_factory.mktemp("races")) as base, ExitStack() as stack:

        def arena(off: frozenset[Guard]) -> Arena:
            if off not in made:
                made[off] = stack.enter_context(Arena(base, off))
            return made[off]

        yield arena


@by_name
def test_of_many_at_once_as_many_win_as_may(arenas: Arenas, race: Race) -> None:
    """Never two starts, two claims, two conclusions, or a request beyond the budget; and nobody is refused in vain."""
    result = arenas(frozenset()).run(race, ROUNDS)
    assert result.good, result
    assert result.rounds == ROUNDS
    assert len(result.heard) > 1, f"nobody lost, so nobody raced: {result.heard}"


@by_name
def test_control_without_its_guards_the_race_goes_wrong(arenas: Arenas, race: Race) -> None:
    """The same contenders, and what kept them apart is off."""
    result = arenas(race.guards).run(race, CONTROL_ROUNDS_MAX, until_unfair=True)
    assert result.unfair, result
    assert result.damage or race.damage is None, result


@pytest.mark.parametrize("race", [race for race in RACES if race.guards == ROWS], ids=lambda race: race.name)
@pytest.mark.parametrize("off", sorted(ROWS), ids=str)
def test_either_guard_alone_keeps_a_second_row_out(arenas: Arenas, race: Race, off: Guard) -> None:
    """A bug in the decision, or in its transaction, makes an error with a name and not a second booking."""
    result = arenas(frozenset({off})).run(race, ROUNDS)
    assert result.damage == []
    assert result.heard["Start"] == ROUNDS


def test_control_without_the_lock_callers_are_refused_in_vain(arenas: Arenas) -> None:
    """On SQLite a transaction that begins with a read cannot write once another has; on PostgreSQL it finds the
    other's row. Its caller hears that nothing works."""
    race = next(race for race in RACES if race.name == "same key")
    result = arenas(frozenset({Guard.LOCK})).run(race, ROUNDS)
    assert result.heard["LedgerUnavailable"] + result.heard["Violated"], result
    assert result.damage == []
