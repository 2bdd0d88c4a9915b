"""The Gates port in memory: the domain's gate of each account."""

from dataclasses import replace
from datetime import datetime

from einmal.domain.gate import Gate, Heard, Passed, Shut, Use, enter, heard, spent
from einmal.ports import Toll
from einmal.simulator.memory.books import MemoryBooks
from einmal.simulator.memory.commit import Commit, kept, kept_or_none


class MemoryGates:
    """One process's gates. Shares the ledger's commits."""

    def __init__(self, books: MemoryBooks, commit: Commit) -> None:
        self._gates = books.gates
        self._commit = commit
        # As on SQLite: accounts that had nothing to remember but their budget when this process last looked.
        self._healthy: set[str] = set()

    async def enter(self, toll: Toll, use: Use, now: datetime) -> Passed | Shut:
        async with self._commit as lasts:
            after, permit = self.passing(toll, use, now)
            if lasts and after is not None:
                self.write(toll, after)
            return permit

    async def spend(self, toll: Toll, requests: int, now: datetime) -> Gate:
        async with self._commit as lasts:
            after = spent(self._read(toll, now), requests, now, toll.policy)
            self._remember(toll, after)
            if lasts:
                self.write(toll, after)
            return after

    async def heard(self, toll: Toll, use: Use, how: Heard, now: datetime) -> bool:
        if how is Heard.WELL and toll.account_id in self._healthy:
            return False
        async with self._commit as lasts:
            before = self._read(toll, now)
            after = heard(before, use, how, now, toll.policy)
            if after != before:
                self._remember(toll, after)
                if lasts:
                    self.write(toll, after)
            return after.open_until is not None and before.open_until is None

    def passing(self, toll: Toll, use: Use, now: datetime) -> tuple[Gate | None, Passed | Shut]:
        """Inside somebody's transaction: whether to ask now, and the gate to write then, if any."""
        before = self._read(toll, now)
        after, permit = enter(before, use, now, toll.policy)
        # As on SQLite: without a limit there is nothing to count; a clock that was set back is noted all the same.
        counts = isinstance(permit, Passed) and (toll.policy.per_minute or not before.healthy)
        if counts or after.at < before.at:
            self._remember(toll, after)
            return after, permit
        return None, permit

    def write(self, toll: Toll, gate: Gate) -> None:
        at, ends = kept(gate.at), tuple(map(kept_or_none, (gate.open_until, gate.probing_until, gate.blocked_until)))
        if (at, *ends) != (gate.at, gate.open_until, gate.probing_until, gate.blocked_until):
            gate = replace(gate, at=at, open_until=ends[0], probing_until=ends[1], blocked_until=ends[2])
        self._gates[toll.account_id] = gate

    def _read(self, toll: Toll, now: datetime) -> Gate:
        gate = self._gates.get(toll.account_id)
        if gate is None:
            gate = Gate(now)
        self._remember(toll, gate)
        return gate

    def _remember(self, toll: Toll, gate: Gate) -> None:
        (self._healthy.add if gate.healthy else self._healthy.discard)(toll.account_id)
