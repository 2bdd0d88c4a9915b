"""An import that is killed goes on where it was; two at once, and rows that the database refuses."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from einmal.adapters.sql import importing
from einmal.adapters.sql.ledger import SqliteLedger
from einmal.adapters.sql.sqlite import connect
from einmal.adapters.system import SystemClock, SystemIds
from einmal.domain.model import Person
from einmal.domain.takeover import LeftWhy, Old
from einmal.flows.take_over import BATCH, WAITS, TakingOver, Tally
from einmal.ports import LedgerUnavailable
from einmal.simulator.storage import StorageFault, faulty_sqlite
from support import dying_import
from support.dying_import import olds, opened, take_over
from support.sql import BASES, SqlBase

COUNT = 2 * BATCH + 200


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        yield made


def killed(base: SqlBase, kind: str, at: int) -> None:
    """A process of its own, ended by SIGKILL."""
    words = (str(base.where), str(COUNT), kind, str(at))
    ended = subprocess.run([sys.executable, dying_import.__file__, *words], check=False, timeout=60)
    assert ended.returncode == -9


def counted(base: SqlBase, table: str) -> int:
    [(count,)] = base.run(f"SELECT count(*) FROM {table}")  # noqa: S608 - the tests' own
    return int(count)


async def test_killed_inside_and_between_batches_it_goes_on_where_it_was(base: SqlBase) -> None:
    """Inside one nothing of it is written, between two all of the first is; in the end each row is there once."""
    for kind, at, written in (
        ("inside", BATCH, 0),
        ("between", BATCH, BATCH),
        ("inside", BATCH // 2, BATCH),
        ("inside", BATCH + 200, 2 * BATCH),
    ):
        killed(base, kind, at)
        for table in ("intents", "appointments", "customers"):
            assert counted(base, table) == written, (kind, at, table)
    tally = await take_over(opened(base.where, SystemIds()), olds(COUNT))
    assert (tally.rows, tally.known, tally.taken.total(), tally.left) == (COUNT, 2 * BATCH, 200, {})
    again = await take_over(opened(base.where, SystemIds()), olds(COUNT))
    assert (again.known, again.taken.total()) == (COUNT, 0)
    refs = [ref for (ref,) in base.rows("intents", "imported_from")]
    assert sorted(refs) == sorted(f"appointments#{number}" for number in range(COUNT))
    assert counted(base, "appointments") == counted(base, "customers") == COUNT
    assert counted(base, "calls") == len(range(0, COUNT, 3))


async def test_two_at_once_write_each_row_once(base: SqlBase) -> None:
    """Whoever is second finds what the first has written."""
    both = await asyncio.gather(*(take_over(opened(base.where, SystemIds()), olds(COUNT)) for _ in range(2)))
    assert [tally.left for tally in both] == [{}, {}]
    assert sum(tally.taken.total() for tally in both) == sum(tally.known for tally in both) == COUNT
    assert counted(base, "intents") == counted(base, "appointments") == COUNT


async def test_a_row_that_the_database_refuses_keeps_no_other_back(base: SqlBase) -> None:
    """It is looked for by halves, left out alone, and told."""
    rows = [one if number not in {7, 200} else _refused(one) for number, one in enumerate(olds(BATCH))]
    tally = await take_over(opened(base.where, SystemIds()), iter(rows))
    assert (tally.taken.total(), tally.left) == (BATCH - 2, {LeftWhy.REFUSED: 2})
    assert [one.ref for one in tally.shown] == ["appointments#7", "appointments#200"]
    assert counted(base, "appointments") == counted(base, "customers") == BATCH - 2


def _refused(old: Old) -> Old:
    """No customer may have an empty number; no row that was read would have one."""
    return replace(old, wish=replace(old.wish, person=Person("Gast", "")))


async def test_the_generations_of_one_wish_are_counted(base: SqlBase) -> None:
    """The same person, call and time again and again: each but the last was cancelled."""
    one = next(olds(1))
    ended = dying_import.State.CANCELLED
    again = [replace(one, ref=f"appointments#{n}", booking_uid=f"u{n}", state=ended) for n in range(1, 4)]
    await take_over(opened(base.where, SystemIds()), iter(again[:2]))
    await take_over(opened(base.where, SystemIds()), iter([again[2], one]))
    assert base.rows("intents", "generation", "state") == [
        *((number, "cancelled") for number in (1, 2, 3)),
        (4, "confirmed"),
    ]


@dataclass
class Hurried(SystemClock):
    """Whoever sleeps is awake at once, and it is written down for how long."""

    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def taken_over_badly(path: Path, *faults: StorageFault | None) -> tuple[Tally, list[float]]:
    """With these commits going wrong, one after the other, and all others going well."""
    left, clock = list(faults), Hurried()
    ledger = SqliteLedger(path, SystemIds(), (), faulty_sqlite(lambda: left.pop(0) if left else None))
    ledger.open()
    try:
        taking = TakingOver("default", dying_import.KEY, ledger.importing, clock)
        return await taking.apply(olds(COUNT), 20, lambda _: None), clock.slept
    finally:
        ledger.close()


@pytest.mark.parametrize("fault", StorageFault)
async def test_a_ledger_that_does_not_answer_is_waited_for(tmp_path: Path, fault: StorageFault) -> None:
    """Whether it has written what it was given or not: in the end each row is there once."""
    with BASES["sqlite"](tmp_path) as base:
        assert isinstance(base.where, Path)
        base.add_tenant("default")
        tally, slept = await taken_over_badly(base.where, None, fault, fault)
        written = fault is StorageFault.UNKNOWN_WRITTEN
        assert (tally.taken.total(), tally.known) == ((COUNT - BATCH, BATCH) if written else (COUNT, 0))
        assert [seconds for seconds in slept if seconds in WAITS] == list(WAITS[:2])
        assert counted(base, "intents") == counted(base, "appointments") == counted(base, "customers") == COUNT


async def test_a_ledger_that_is_gone_is_given_up(tmp_path: Path) -> None:
    """After all waits; what was written stays, and the next run goes on from there."""
    with BASES["sqlite"](tmp_path) as base:
        assert isinstance(base.where, Path)
        base.add_tenant("default")
        with pytest.raises(LedgerUnavailable):
            await taken_over_badly(base.where, None, *[StorageFault.UNAVAILABLE] * (len(WAITS) + 1))
        assert counted(base, "intents") == BATCH
        tally, _ = await taken_over_badly(base.where)
        assert (tally.known, tally.taken.total()) == (BATCH, COUNT - BATCH)


def test_no_statement_of_a_batch_walks_through_the_ledger(tmp_path: Path) -> None:
    """Where SQLite finds what a batch is compared with: by equality on each column that says which. A range of the
    tenant's rows would make each batch dearer than the one before."""
    statements = (
        importing._REFS.format(marks="?, ?"),  # noqa: SLF001 - what is sent is what is shown
        importing._UIDS.format(marks="?, ?"),  # noqa: SLF001
        importing._LIVE_WISHES.format(marks="?, ?"),  # noqa: SLF001
        importing._LIVE_SLOTS.format(marks="(?, ?)", column="phone_hash"),  # noqa: SLF001
        importing._LIVE_SLOTS.format(marks="(?, ?)", column="email_hash"),  # noqa: SLF001
        importing._GENERATIONS.format(marks="?, ?"),  # noqa: SLF001
        importing._CUSTOMERS.format(marks="?, ?", column="phone"),  # noqa: SLF001
        importing._CUSTOMERS.format(marks="?, ?", column="email"),  # noqa: SLF001
    )
    with BASES["sqlite"](tmp_path) as base, closing(connect(base.where)) as ledger:
        for sql in statements:
            plan = [row[3] for row in ledger.execute(f"EXPLAIN QUERY PLAN {sql}", ["x"] * sql.count("?"))]
            assert any(step.startswith("SEARCH") for step in plan), plan
            assert not any(">" in step or step.startswith("SCAN i") for step in plan), plan
