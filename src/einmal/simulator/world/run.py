"""Many episodes, on all cores, until enough intents were lived through; and what must have happened among them."""

import gc
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from typing import Final

from einmal.domain.invariants import Violation
from einmal.simulator.virtual import run_virtual
from einmal.simulator.world.app import AppEpisode
from einmal.simulator.world.episode import Episode, Result, Setting
from einmal.simulator.world.homes import Home, Homes, homes_for

SOMETIMES: Final = (
    "said booked",
    "said requested",
    "said already_booked",
    "said slot_taken",
    "said in_doubt",
    "said error",
    "sent -> confirmed by landed_accepted",
    "sent -> pending by landed_pending",
    "sent -> doubt by doubted",
    "sent -> intent by not_processed",
    "intent -> sent by armed",
    "intent -> rejected by shed",
    "doubt -> confirmed by found_accepted",
    "doubt -> rejected by not_ours_and_absent",
    "doubt -> rejected by settled_absent",
    "rejected -> compensating by surfaced",
    "compensating -> compensated by compensated",
    "killed",
    "storage unavailable",
    "storage unknown_written",
    "storage unknown_lost",
    "news resolved",
    "news taken_back",
)
"""A run in which one of these never happened has proven less than it says."""

SOMETIMES_LIVED: Final = (
    *("said booked", "said cancelled", "said rescheduled", "said reserved", "said in_doubt"),
    *("cancel lost and found", "move lost and found", "move in doubt ends as refused", "cancel in doubt ends as done"),
    *("cancel overtaken", "move overtaken", "second cancel", "hold refused to another", "hang-up released a hold"),
    *("late wish refused", "killed", "killed during a change", "moved by hand", "cancelled by hand"),
    *("accepted by hand", "declined by hand", "brought back by hand", "gone without a trace", "ends as lost"),
    *("webhook before its answer", "webhook of old news", "webhook that lies", "forged webhook refused"),
    *("doubt ended by a webhook", "webhook of a move by hand", "told by webhooks alone"),
    *("webhook lost", "lost webhook made good by reconciliation"),
)
"""The same of worlds around the whole application."""

ENOUGH_LIVED: Final = 6_000
"""Intents from which on everything of that list must have occurred."""

ENOUGH: Final = 20_000
"""Intents from which on everything of the list must have occurred."""

BATCH: Final = 6
BATCH_ON_DISK: Final = 2
"""Such an episode takes seconds, and a run ends after whole batches."""


@dataclass(slots=True)
class Total:
    """`failures`: (the seed that replays it, the violation)."""

    seed: int
    ledger: str = "memory"
    intents: int = 0
    episodes: int = 0
    calls: int = 0
    disturbed: int = 0
    regrets: int = 0
    seconds: float = 0.0
    processes: int = 1
    seen: "Counter[str]" = field(default_factory=Counter)
    failures: list[tuple[int, Violation]] = field(default_factory=list)

    @property
    def intents_per_minute(self) -> int:
        return round(self.intents / self.seconds * 60) if self.seconds else 0

    @property
    def never(self) -> tuple[str, ...]:
        """What should have occurred and did not; nothing is expected of a short run."""
        enough, list_ = (ENOUGH, SOMETIMES) if self.ledger == "memory" else (ENOUGH_LIVED, SOMETIMES_LIVED)
        return () if self.intents < enough else tuple(one for one in list_ if not self.seen[one])

    @property
    def good(self) -> bool:
        return not self.failures and not self.never

    def add(self, result: Result) -> None:
        self.intents += result.intents
        self.episodes += 1
        self.calls += result.calls
        self.disturbed += result.disturbed
        self.regrets += result.regrets
        self.seen.update(result.seen)
        self.failures += [(result.seed, violation) for violation in result.violations]


def live_through(seed: int, setting: Setting, home: Home | None = None) -> Result:
    """One episode, whole: with a home for its ledger the whole application's."""
    if home is None:
        return run_virtual(Episode(seed, setting).run())
    home.empty()
    return run_virtual(AppEpisode(seed, setting, home).run())


def simulate(
    intents: int,
    seed: int,
    setting: Setting,
    processes: int | None = None,
    seconds: float | None = None,
    tell: Callable[[Total], None] = lambda _: None,
    database_url: str | None = None,
) -> Total:
    """Episodes from this seed on, until there were so many intents, or so much time has passed.

    With the ledger on PostgreSQL, databases are made beside the one of this URL. Raises NoHome where that cannot be.
    """
    total = Total(seed, setting.ledger, processes=processes or len(os.sched_getaffinity(0)))
    began = time.monotonic()
    # A replay is one episode; a long run is handed out by the dozen.
    most = BATCH if setting.ledger == "memory" else BATCH_ON_DISK
    batch = max(1, min(most, intents // 50))
    processes = total.processes if batch > 1 else 1
    with (
        homes_for(setting.ledger, database_url) as homes,
        closing(_results(seed, setting, processes, batch, homes)) as lived,
    ):
        for results in lived:
            for result in results:
                total.add(result)
            total.seconds = time.monotonic() - began
            tell(total)
            if total.intents >= intents or (seconds is not None and total.seconds >= seconds):
                break
    return total


def _results(seed: int, setting: Setting, processes: int, batch: int, homes: Homes | None) -> Generator[list[Result]]:
    batches = ((first, batch, setting, homes) for first in _from(seed, batch))
    if processes == 1:
        yield from map(_batch, batches)
        return
    with multiprocessing.get_context("fork").Pool(processes, _ended_by_its_parent) as pool:
        yield from pool.imap_unordered(_batch, batches)


def _ended_by_its_parent() -> None:
    """Ctrl-C reaches all of them; the first one tidies up for the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _from(first: int, step: int) -> Iterator[int]:
    while True:
        yield first
        first += step


def _batch(work: tuple[int, int, Setting, Homes | None]) -> list[Result]:
    first, count, setting, homes = work
    # An episode is a web of tasks that hold each other: looked through once a batch, and not all the time.
    gc.disable()
    with nullcontext() if homes is None else homes.opened() as home:
        results = [live_through(seed, setting, home) for seed in range(first, first + count)]
    gc.enable()
    gc.collect()
    for result in results:
        # What need not be looked at need not be sent from one process to another.
        if not result.violations:
            result.evidence = None
    return results
