"""The arena: real processes, each with ledgers of its own on one database, held at a line and let go together.

Each process is spawned, not forked, so nothing is shared but the database; each has several ledgers, which are
threads on SQLite, and on PostgreSQL connections, of their own.
"""

import asyncio
import contextlib
import multiprocessing
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final, Self

from races.backend import Guard, opened
from races.contender import PATIENCE_SECONDS, THREADS, closed, contend
from races.databases import database_of
from races.races import Race

PROCESSES: Final = 3
CHUNK: Final = 25
"""Rounds for which is prepared at once: what one prepares is committed together."""

_SPAWN: Final = multiprocessing.get_context("spawn")

_TIDY: Final = (
    "UPDATE intents SET state = 'escalated' WHERE state IN ('intent', 'sent', 'doubt', 'compensating')",
    "UPDATE outbox SET due_at = NULL",
)
"""What a race has left unfinished is not due in the next."""


@dataclass(slots=True)
class Result:
    """`heard`: all outcomes. `unfair`: those that may not stand, one for each such round. `damage`: rows that must not
    be there."""

    race: str
    rounds: int = 0
    heard: "Counter[str]" = field(default_factory=Counter)
    unfair: list[str] = field(default_factory=list)
    damage: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.unfair and not self.damage


class Arena:
    """Contenders on one fresh ledger below `base`, with these guards off. A context manager."""

    def __init__(self, base: str, off: frozenset[Guard] = frozenset()) -> None:
        self._base, self._database = base, database_of(base)
        self.url = self._database.fresh(base, off)
        self._sound = opened(self.url, frozenset())
        self._runner = asyncio.Runner()
        self._round = 0
        # Those who are spawned open it by its name, so it must live as long as they do.
        self._barrier = _SPAWN.Barrier(PROCESSES)
        self._lines: list[Connection] = []
        self._processes = []
        for _ in range(PROCESSES):
            here, there = _SPAWN.Pipe()
            process = _SPAWN.Process(target=contend, args=(self.url, off, there, self._barrier), daemon=True)
            process.start()
            self._lines.append(here)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.send(None)
        for process in self._processes:
            process.join(PATIENCE_SECONDS)
            process.kill()
            process.close()
        self._runner.run(closed([self._sound]))
        self._runner.close()
        self._database.drop(self._base, self.url)

    def run(self, race: Race, rounds: int, *, until_unfair: bool = False) -> Result:
        """So many rounds; for a control, until it went wrong both in what was heard and in the rows."""
        result = Result(race.name)
        # Races with the same guards off share a ledger: what another one broke is not this one's damage.
        before = self._damage(race)
        while result.rounds < rounds:
            if until_unfair and result.unfair and (result.damage or race.damage is None):
                break
            chunk = min(CHUNK, rounds - result.rounds)
            for heard in self._chunk(race, range(self._round, self._round + chunk)):
                result.rounds += 1
                result.heard += heard
                if not race.fair(heard):
                    result.unfair.append(f"{race.name}: {dict(heard)}")
            self._round += chunk
            result.damage = [row for row in self._damage(race) if row not in before]
            for statement in _TIDY:
                self._database.rows(self.url, statement)
        return result

    def _damage(self, race: Race) -> list[tuple[Any, ...]]:
        return [] if race.damage is None else self._database.rows(self.url, race.damage)

    def _chunk(self, race: Race, numbers: range) -> list["Counter[str]"]:
        prepared = self._runner.run(self._prepare(race, numbers))
        for process, line in enumerate(self._lines):
            mine = slice(process * THREADS, (process + 1) * THREADS)
            line.send((race.name, [contenders[mine] for contenders in prepared]))
        heard = [Counter[str]() for _ in numbers]
        for line in self._lines:
            if not line.poll(PATIENCE_SECONDS):
                raise TimeoutError(f"{race.name}: a contender says nothing")
            for number, outcomes in enumerate(line.recv()):
                heard[number].update(outcomes)
        return heard

    async def _prepare(self, race: Race, numbers: range) -> list[Sequence[Any]]:
        contenders = PROCESSES * THREADS
        return await asyncio.gather(*(race.prepare(self._sound, number, contenders) for number in numbers))
