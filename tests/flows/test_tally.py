"""Counting by day: in memory first, then in the ledger; what is lost, and what is never counted twice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.tallies import SqlTallies
from einmal.adapters.system import SystemIds
from einmal.domain.facts import NotStarted, Timed, Timing
from einmal.domain.tally import Tally
from einmal.flows import tally
from einmal.flows.tally import EVERY_SECONDS, Tallying
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.simulator.clock import SteppedClock
from support.evidence import NOW
from support.sql import SqlBase, sqlite_base
from support.world import World

REPLAY = NotStarted(NOW, "replay")


class Hands(SteppedClock):
    """Both its times pass together, when a test says so."""

    def monotonic(self) -> float:
        return self.now().timestamp()


@dataclass
class Books:
    """Real ones, that can be made to fail: before anything is written, or after it."""

    real: SqlTallies
    before: Exception | None = None
    after: Exception | None = None
    writes: int = 0

    async def add(self, tallies: Mapping[tuple[date, str], Tally]) -> None:
        if self.before is not None:
            raise self.before
        await self.real.add(tallies)
        self.writes += bool(tallies)
        if self.after is not None:
            raise self.after


@dataclass
class Counting:
    base: SqlBase
    clock: Hands = field(default_factory=lambda: Hands(NOW))

    def __post_init__(self) -> None:
        self.books = Books(self.base.ledger(SystemIds()).tallies)
        self.tallying = Tallying(self.books, self.clock, frozenset({"book"}))

    @property
    def rows(self) -> list[tuple[str, str, int]]:
        return [(day, what, count) for day, what, count in self.base.rows("tallies", "day", "what", "count")]

    async def later(self, seconds: float) -> None:
        self.clock.pass_time(timedelta(seconds=seconds))
        await self.tallying.turn()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Counting]:
    with sqlite_base(tmp_path) as base:
        yield Counting(base)


async def test_it_is_written_every_ten_seconds_not_at_each_call(counting: Counting) -> None:
    for _ in range(3):
        counting.tallying.observe((REPLAY, Timed(NOW, Timing.JUDGE, 0.5)))
        await counting.later(3)
    assert counting.rows == []
    await counting.later(1)
    assert counting.rows == [("2026-11-23", "not_started.replay", 3), ("2026-11-23", "timed.judge", 3)]
    assert counting.base.rows("tallies", "total") == [(0.0,), (1.5,)]
    counting.tallying.observe((REPLAY,))
    await counting.later(EVERY_SECONDS)
    assert counting.rows[0] == ("2026-11-23", "not_started.replay", 4)
    await counting.later(EVERY_SECONDS)
    assert counting.books.writes == 2, "of nothing there is nothing to write"


async def test_a_day_is_one_of_utc_whenever_it_is_written(counting: Counting) -> None:
    """In Berlin it is one o'clock on Tuesday."""
    berlin = datetime(2026, 11, 24, 0, 59, tzinfo=UTC).astimezone()
    counting.tallying.observe((NotStarted(datetime(2026, 11, 23, 23, 59, tzinfo=UTC), "join"),))
    counting.tallying.observe((NotStarted(berlin, "join"),))
    await counting.tallying.flush()
    assert counting.rows == [("2026-11-23", "not_started.join", 1), ("2026-11-24", "not_started.join", 1)]


async def test_what_was_not_written_is_kept_with_what_comes_meanwhile(counting: Counting) -> None:
    """And tried again ten seconds later, not each second."""
    counting.books.before = LedgerUnavailable("away")
    counting.tallying.observe((REPLAY,))
    with pytest.raises(LedgerUnavailable):
        await counting.later(EVERY_SECONDS)
    counting.tallying.observe((REPLAY,))
    await counting.later(5)
    counting.books.before = None
    await counting.later(5)
    assert counting.rows == [("2026-11-23", "not_started.replay", 2)]


async def test_what_may_have_been_written_is_let_go(counting: Counting) -> None:
    """Rather counted too little than twice."""
    counting.books.after = CommitUnknown("perhaps")
    counting.tallying.observe((REPLAY,))
    with pytest.raises(CommitUnknown):
        await counting.tallying.flush()
    counting.books.after = None
    await counting.tallying.flush()
    assert counting.rows == [("2026-11-23", "not_started.replay", 1)]


async def test_what_is_kept_is_bounded_and_what_is_known_counts_on(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "KEPT_MAX", 2)
    for why in ("replay", "join", "held", "join"):
        counting.tallying.observe((NotStarted(NOW, why),))
    await counting.tallying.flush()
    assert counting.rows == [("2026-11-23", "not_started.join", 2), ("2026-11-23", "not_started.replay", 1)]


async def test_at_the_end_it_is_written_if_that_can_be(counting: Counting) -> None:
    counting.tallying.observe((REPLAY,))
    counting.books.before = LedgerUnavailable("away")
    await counting.tallying.close()
    assert counting.rows == []
    counting.books.before = None
    await counting.tallying.close()
    assert counting.rows == [("2026-11-23", "not_started.replay", 1)]


async def test_a_gateway_counts_what_no_row_tells(salon: World) -> None:
    """A booking and its repeat: what the guard took, what was served, what the calendar was asked."""
    for _ in range(2):
        await salon.call()
    assert salon.gateway.worker.tallies is not None
    await salon.gateway.worker.tallies.flush()
    told = dict(salon.rows("SELECT what, count FROM tallies"))
    assert told.items() >= {
        ("not_started.replay", 1),
        ("served.collect.booked", 2),
        ("calendar.create.2xx", 1),
        ("timed.judge", 1),
        ("timed.layer4", 1),
    }
    assert {day for (day,) in salon.rows("SELECT day FROM tallies")} == {"2026-11-23"}


async def test_a_gateway_that_ends_writes_what_is_left(salon: World) -> None:
    await salon.call()
    assert salon.rows("SELECT count(*) FROM tallies") == [(0,)]
    await salon.gateway.close()
    assert salon.rows("SELECT count FROM tallies WHERE what = 'served.collect.booked'") == [(1,)]
