"""The simulated world: the sound gateway keeps every promise in bad weather, and each bug is caught."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.steps import Store, Transaction, only
from einmal.entrypoints.cli.main import main
from einmal.simulator.storage import FaultyStore, T, undone
from einmal.simulator.virtual import run_virtual
from einmal.simulator.world.app import AppEpisode
from einmal.simulator.world.bent import Saboteur
from einmal.simulator.world.episode import Result, Setting
from einmal.simulator.world.homes import MARK, PostgresHome, homes_for
from einmal.simulator.world.run import ENOUGH, ENOUGH_LIVED, SOMETIMES, SOMETIMES_LIVED, Total, live_through, simulate
from einmal.simulator.world.sabotage import SABOTEURS, caught_by
from support.postgres import PostgresServer, postgres_server

SECONDS = float(os.environ.get("EINMAL_SIMULATE_SECONDS", "10"))
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
    """Callers who live, before the ASGI application, SQLite and the simulated Cal.com with its own faults.

    From a seed on whose first worlds have all that must have been seen: a slow machine gets through two.
    """
    total = simulate(10_000_000, 27, Setting(ledger="sqlite", per_minute=120), seconds=SECONDS)
    with capsys.disabled():
        print(f"\n  with app and SQL: {total.intents:,} intents, {total.intents_per_minute:,} a minute", end=" ")
    assert total.failures == []
    assert total.intents >= 50
    assert {"killed", "said booked", "said in_doubt"} <= set(total.seen)
    assert {"said cancelled", "said rescheduled", "said reserved", "second cancel", "moved by hand"} <= set(total.seen)
    assert {"hang-up released a hold", "late wish refused"} <= set(total.seen)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server(fsync="off", full_page_writes="off") as made:
        yield made


ON_POSTGRES = Setting(ledger="postgres", per_minute=120)


def made_by_runs(server: PostgresServer) -> str:
    return server.run("postgres", f"SELECT datname FROM pg_database WHERE starts_with(datname, '{MARK}')")  # noqa: S608


def test_on_a_real_postgresql_they_are_kept_as_well(server: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
    """In two processes, each with databases of its own; none of them is left."""
    total = simulate(10_000_000, 1, ON_POSTGRES, seconds=SECONDS / 3, database_url=server.url("postgres"))
    with capsys.disabled():
        print(f"\n  on PostgreSQL: {total.intents:,} intents, {total.intents_per_minute:,} a minute", end=" ")
    assert total.failures == []
    assert total.intents >= 50
    assert total.disturbed >= 0.05 * total.calls
    assert {"said booked", "said cancelled", "storage unknown_lost"} <= set(total.seen)
    assert made_by_runs(server) == ""


@pytest.fixture(scope="module")
def home(server: PostgresServer) -> Iterator[PostgresHome]:
    with homes_for("postgres", server.url("postgres")) as homes:
        assert homes is not None
        with homes.opened() as made:
            assert isinstance(made, PostgresHome)
            yield made


def summary(result: Result) -> tuple[object, ...]:
    assert result.evidence is not None
    said = Counter(one.outcome for one in result.evidence.spoken)
    return result.intents, result.calls, result.disturbed, result.regrets, result.seen, said, result.violations


def test_on_postgresql_a_seed_is_a_world(server: PostgresServer, home: PostgresHome) -> None:
    """The server's own time is not the world's. And whoever was killed has left no transaction open."""
    few = replace(ON_POSTGRES, callers=15, crashes=0.6, storage=0.05)
    once = summary(live_through(3, few, home))
    assert "killed" in once[4]  # type: ignore[operator]
    assert server.run("postgres", "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'").strip() == "0"
    assert summary(live_through(3, few, home)) == once
    assert summary(live_through(4, few, home)) != once


def test_whoever_asks_at_once_shares_a_commit(home: PostgresHome) -> None:
    """Except who is killed meanwhile: that was never begun."""
    home.empty()
    store = home.store()
    store.open()
    insert = "INSERT INTO tenants (tenant_id, name, hash_key, created_at) VALUES (?, '', '', '')"

    async def story() -> list[object]:
        writes = [asyncio.ensure_future(store.write_shared(only(insert, name))) for name in "abcd"]
        await asyncio.sleep(0)
        writes[2].cancel()
        await asyncio.gather(*writes, return_exceptions=True)
        return [row[0] for row in await store.read(only("SELECT tenant_id FROM tenants ORDER BY 1"))]

    assert run_virtual(story()) == ["a", "b", "d"]
    assert store.groups == {3: 1}


class Forgetful(FaultyStore):
    """A server that says COMMIT and now and then has not: sabotage under the ledger."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner, lambda: None)
        self._chance = Random(1)  # noqa: S311 - repeatable, not secret

    async def write_shared(self, work: Transaction[T]) -> T:
        if self._chance.random() < 0.1:
            return await undone(self._inner.write_shared, work)
        return await self._inner.write_shared(work)


def test_a_postgresql_that_forgets_what_it_committed_is_caught(home: PostgresHome) -> None:
    """The control: the world would see it if the ledger there did not keep its word."""
    home.empty()
    found = run_virtual(AppEpisode(2, ON_POSTGRES, home, Forgetful).run()).violations
    assert {"I3", "I11"} & {one.invariant for one in found}


def test_a_database_with_somebodys_rows_is_refused(server: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, which says what is allowed; and nothing is made beside it."""
    url = server.create()
    upgrade(url)
    server.run(
        url.rpartition("/")[2],
        "INSERT INTO tenants (tenant_id, name, hash_key, created_at)"
        " VALUES ('salon', 'Salon', '', '2026-01-01T00:00:00.000Z')",
    )
    assert main(["simulate", "--ledger", "postgres", "--database-url", url, "--intents", "1"]) == 4
    said = capsys.readouterr().err
    assert said.strip().count("\n") == 0
    assert "holds a ledger with rows" in said
    assert "name another database" in said
    assert server.run(url.rpartition("/")[2], "SELECT count(*) FROM tenants").strip() == "1"
    assert main(["simulate", "--ledger", "postgres"]) == 2
    assert "needs --database-url postgresql://" in capsys.readouterr().err


def test_everything_that_must_occur_sometimes_does() -> None:
    """The list is real: nothing stands on it that cannot happen."""
    total = simulate(10_000_000, 100_000, Setting(), seconds=SECONDS)
    assert [one for one in SOMETIMES if not total.seen[one]] == []


def test_a_long_run_in_which_something_never_occurred_is_not_good() -> None:
    total = Total(1, intents=ENOUGH)
    assert set(total.never) == set(SOMETIMES)
    assert not total.good


def test_so_is_a_long_run_of_callers_who_live() -> None:
    total = Total(1, "sqlite", intents=ENOUGH_LIVED)
    assert set(total.never) == set(SOMETIMES_LIVED)
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
