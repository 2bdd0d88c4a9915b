"""The simulated world: the sound gateway keeps every promise in bad weather, and each bug is caught."""

import os

import pytest

from einmal.simulator.world.episode import Setting
from einmal.simulator.world.run import ENOUGH, SOMETIMES, Total, live_through, simulate
from einmal.simulator.world.sabotage import SABOTEURS, Saboteur, caught_by

SECONDS = float(os.environ.get("EINMAL_SIMULATE_SECONDS", "15"))
EPISODES_MAX = 120


def test_in_bad_weather_every_promise_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """For a bounded time; what it got through is printed. A violation names the seed that replays it."""
    total = simulate(10_000_000, 1, Setting(), seconds=SECONDS)
    with capsys.disabled():
        print(f"\n  simulated: {total.intents:,} intents, {total.intents_per_minute:,} a minute", end=" ")
    assert total.failures == []
    assert total.disturbed >= 0.35 * total.calls
    assert total.intents >= 500


def test_the_whole_application_on_a_real_ledger_keeps_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    """The same callers before the ASGI application, SQLite and the simulated Cal.com with its own faults."""
    total = simulate(10_000_000, 1, Setting(ledger="sqlite", per_minute=120), seconds=SECONDS)
    with capsys.disabled():
        print(f"\n  with app and SQL: {total.intents:,} intents, {total.intents_per_minute:,} a minute", end=" ")
    assert total.failures == []
    assert total.intents >= 50
    assert {"killed", "said booked", "said in_doubt"} <= set(total.seen)


def test_everything_that_must_occur_sometimes_does() -> None:
    """The list is real: nothing stands on it that cannot happen."""
    total = simulate(10_000_000, 100_000, Setting(), seconds=SECONDS)
    assert [one for one in SOMETIMES if not total.seen[one]] == []


def test_a_long_run_in_which_something_never_occurred_is_not_good() -> None:
    total = Total(1, intents=ENOUGH)
    assert set(total.never) == set(SOMETIMES)
    assert not total.good


def test_a_seed_is_a_world() -> None:
    """The same seed again, and everything happens again, to the letter."""
    assert live_through(7, Setting()).evidence == live_through(7, Setting()).evidence
    assert live_through(7, Setting()).evidence != live_through(8, Setting()).evidence


def test_a_clock_that_jumps_by_a_day_breaks_no_promise() -> None:
    """Local clocks leap with each crash; a doubt may end in a person's hands, and never in a lie."""
    hands = {"needless person", "needless regret", "I12", "I16", "replay"}
    for seed in range(40):
        found = live_through(seed, Setting(clock_jumps=True, crashes=0.6)).violations
        assert [one for one in found if one.invariant not in hands] == []


OTHERS = [Setting(callers=40, per_minute=30, storage=0.0), Setting(lags=False), Setting(gateways=4)]


@pytest.mark.parametrize("setting", OTHERS)
def test_other_settings_keep_every_promise_too(setting: Setting) -> None:
    """A tight budget of requests, replicas that never lag, and more gateways."""
    for seed in range(8):
        assert live_through(seed, setting).violations == []


@pytest.mark.parametrize("saboteur", SABOTEURS, ids=lambda one: one.name)
def test_sabotage_is_caught(saboteur: Saboteur, capsys: pytest.CaptureFixture[str]) -> None:
    """A proof that cannot catch this bug would prove nothing."""
    caught = caught_by(saboteur, 1, EPISODES_MAX)
    assert caught is not None, saboteur.does
    with capsys.disabled():
        print(f"\n  {saboteur.name}: {saboteur.does}: caught by {caught[1]} (seed {caught[0]})", end=" ")


def test_there_are_enough_saboteurs() -> None:
    assert len({saboteur.name for saboteur in SABOTEURS}) >= 30
