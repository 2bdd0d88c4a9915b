"""The ledger in memory is the one on SQLite: whatever is done to both, both answer, raise and hold the same.

Over random histories of port calls by two processes, with clocks set back, stale movers, illegal moves, ids used
twice and commits that go wrong. A short one that fails is printed, a long one is named by its seed.
"""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.histories import CHANNELS, DOINGS, FAULTS, PAUSES, TENANTS, Backend, History, Step, lived_through
from contracts.memory_rows import TABLES, rows_of
from einmal.adapters.sql.ledger import SqliteLedger
from einmal.adapters.sql.migrate import switch_layer_4, upgrade
from einmal.adapters.sql.sqlite import connect
from einmal.adapters.sql.tenants import ensure_tenant
from einmal.simulator.memory import MemoryBooks, MemoryLedger
from einmal.simulator.storage import StorageFault, faulty_sqlite
from einmal.simulator.virtual import SeededIds
from support.evidence import NOW

NUMBER = st.integers(0, 1000)
STEP = st.tuples(
    st.sampled_from(DOINGS),
    st.sampled_from(PAUSES),
    st.sampled_from(FAULTS),
    st.integers(0, 1),
    NUMBER,
    NUMBER,
)


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "ledger.sqlite3"
    upgrade(path)
    for tenant in TENANTS:
        ensure_tenant(path, tenant, tenant, (), NOW)
    return path


FILES = count()


@pytest.fixture
def histories(empty_file: Path, tmp_path: Path) -> Callable[..., AbstractContextManager[History]]:
    """New books of both kinds, for each example."""

    @contextmanager
    def made(*, layer_4: bool = True) -> Iterator[History]:
        path = shutil.copy(empty_file, tmp_path / f"{next(FILES)}.sqlite3")
        fault: list[StorageFault | None] = [None]
        # Ids are drawn in the same order by both, also where nothing comes of them.
        on_file = [
            SqliteLedger(path, SeededIds(n + 1), c, faulty_sqlite(lambda: fault[0])) for n, c in enumerate(CHANNELS)
        ]
        tables = MemoryBooks(layer_4=layer_4)
        if not layer_4:
            switch_layer_4(path, on=False)
        in_memory = [
            MemoryLedger(SeededIds(n + 1), c, books=tables, before=lambda: fault[0]) for n, c in enumerate(CHANNELS)
        ]
        for ledger in on_file:
            ledger.open()

        def rows(table: str, *columns: str) -> list[tuple[Any, ...]]:
            with closing(connect(path)) as connection:
                return connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()  # noqa: S608

        try:
            yield History(Backend(on_file, rows), Backend(in_memory, rows_of(tables)), fault)
        finally:
            for ledger in on_file:
                ledger.close()

    return made


def columns_of(table: str, folder: Path) -> list[str]:
    with closing(connect(folder)) as connection:
        return [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]


def assert_equal_rows(history: History, path: Path) -> None:
    for table in TABLES:
        columns = [name for name in columns_of(table, path) if name != "webhook_data"]
        on_file, in_memory = (sorted(backend.rows(table, *columns), key=repr) for backend in history.backends)
        assert in_memory == on_file, table


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=10, max_size=60))
async def test_over_any_short_history_memory_is_sqlite(
    histories: Callable[..., AbstractContextManager[History]], empty_file: Path, steps: list[Step]
) -> None:
    """Short ones are found by hypothesis, and made shorter where they differ."""
    with histories() as history:
        await lived_through(history, steps)
        assert_equal_rows(history, empty_file)


@pytest.mark.parametrize("seed", range(12))
async def test_over_a_long_history_memory_is_sqlite(
    histories: Callable[..., AbstractContextManager[History]], empty_file: Path, seed: int
) -> None:
    """Long ones reach what takes many steps: leases that end, sweeps, messages, third generations."""
    chance = random.Random(f"history:{seed}")  # noqa: S311 - repeatable, not secret
    with histories(layer_4=seed % 3 > 0) as history:
        for _ in range(10):
            await lived_through(history, [a_step(chance) for _ in range(40)])
            assert_equal_rows(history, empty_file)


def a_step(chance: random.Random) -> Step:
    what, how = chance.randrange(1000), chance.randrange(1000)
    return chance.choice(DOINGS), chance.choice(PAUSES), chance.choice(FAULTS), chance.randrange(2), what, how
