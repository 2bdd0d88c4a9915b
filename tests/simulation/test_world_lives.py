"""Callers who cancel, move and hold: the auditor of the whole application catches those who do it badly."""

import os
from collections.abc import Iterator

import pytest

from einmal.simulator.virtual import run_virtual
from einmal.simulator.world.app import AppEpisode
from einmal.simulator.world.homes import Home, homes_for
from einmal.simulator.world.sabotage_changes import SABOTEURS, SETTING, Saboteur, caught_by

EPISODES_MAX = 25


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with homes_for("sqlite") as homes:
        assert homes is not None
        with homes.opened() as made:
            yield made


TRIED = frozenset({"believes a 201", "moves again", "cancels anybody's", "a lost cancel is no", "cancelled unread"})
"""Those caught soonest. All twelve take minutes: EINMAL_SABOTEURS=all."""

EVERY = os.environ.get("EINMAL_SABOTEURS") == "all"


@pytest.mark.parametrize("saboteur", [one for one in SABOTEURS if EVERY or one.name in TRIED], ids=lambda one: one.name)
def test_sabotage_of_changes_is_caught(saboteur: Saboteur, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Begun at a seed that caught it once; if the gateway has changed since, the next ones are tried."""
    caught = caught_by(saboteur, home, saboteur.seed, EPISODES_MAX)
    assert caught is not None, saboteur.does
    with capsys.disabled():
        print(f"\n  {saboteur.name}: {saboteur.does}: caught by {caught[1]} (seed {caught[0]})", end=" ")


@pytest.mark.parametrize("seed", [1, 2] if EVERY else [1])
def test_the_sound_gateway_is_not(seed: int, home: Home) -> None:
    """In the same world, the same people, and nobody has bent anything."""
    home.empty()
    assert run_virtual(AppEpisode(seed, SETTING, home).run()).violations == []


def test_a_seed_is_a_world_of_callers_too(home: Home) -> None:
    """Whatever the machine does meanwhile."""
    told = []
    for seed in (3, 3, 4):
        home.empty()
        result = run_virtual(AppEpisode(seed, SETTING, home).run())
        assert result.evidence is not None
        told.append((result.intents, result.seen, [(one.at, one.outcome) for one in result.evidence.spoken]))
    assert told[0] == told[1]
    assert told[1] != told[2]
