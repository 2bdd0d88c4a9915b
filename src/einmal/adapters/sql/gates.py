"""The gate's row: read, decided by the domain, written back, in one transaction.

Admission passes the gate in its own transaction, so a booking pays for it with a row and not with a commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from einmal.adapters.sql.rows import instant_of, instant_or_none, instant_text, text_or_none
from einmal.adapters.sql.steps import FOR_UPDATE, Hold, Row, Statement, Steps, Store
from einmal.domain.gate import Gate, Heard, Passed, Shut, Use, enter, heard, spent
from einmal.ports import Toll

_SEE: Final = """
    SELECT at, tokens, writes_failed, reads_failed, open_until, probing_until, blocked_until
    FROM calendar_gates WHERE account_id = ?"""

_READ: Final = f"{_SEE} {FOR_UPDATE}"

_WRITE: Final = """
    INSERT INTO calendar_gates
        (account_id, at, tokens, writes_failed, reads_failed, open_until, probing_until, blocked_until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE SET at = excluded.at, tokens = excluded.tokens,
        writes_failed = excluded.writes_failed, reads_failed = excluded.reads_failed,
        open_until = excluded.open_until, probing_until = excluded.probing_until,
        blocked_until = excluded.blocked_until"""


class SqlGates:
    """The Gates port. Shares the ledger's store, and with it the commits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Accounts with nothing to remember but their budget, as last read: a success there needs no transaction.
        self._healthy: set[str] = set()

    async def enter(self, toll: Toll, use: Use, now: datetime) -> Passed | Shut:
        return await self._store.write(lambda: self.passes(toll, use, now))

    async def spend(self, toll: Toll, requests: int, now: datetime) -> Gate:
        def work() -> Steps[Gate]:
            after = spent((yield from self._read(toll, now)), requests, now, toll.policy)
            yield self._written(toll, after)
            return after

        return await self._store.write(work)

    async def heard(self, toll: Toll, use: Use, how: Heard, now: datetime) -> bool:
        if how is Heard.WELL and toll.account_id in self._healthy:
            return False

        def work() -> Steps[bool]:
            before = yield from self._read(toll, now)
            after = heard(before, use, how, now, toll.policy)
            if after != before:
                yield self._written(toll, after)
            return after.open_until is not None and before.open_until is None

        return await self._store.write(work)

    def passes(self, toll: Toll, use: Use, now: datetime) -> Steps[Passed | Shut]:
        """Inside somebody's transaction: whether to ask now, spent if so."""
        if not toll.policy.per_minute:
            # Nothing is counted, and a healthy gate's row is left alone: then nobody has to wait for anybody.
            seen = self._gate(toll, (yield Statement(_SEE, (toll.account_id,))), now)
            after, permit = enter(seen, use, now, toll.policy)
            if not _counts(toll, seen, after, permit):
                return permit
        before = yield from self._read(toll, now)
        after, permit = enter(before, use, now, toll.policy)
        if _counts(toll, before, after, permit):
            yield self._written(toll, after)
        return permit

    def _read(self, toll: Toll, now: datetime) -> Steps[Gate]:
        rows = yield Statement(_READ, (toll.account_id,))
        if not rows:
            # There is no row to lock yet, and somebody else may be making it.
            yield Hold((f"gate {toll.account_id}",))
            rows = yield Statement(_READ, (toll.account_id,))
        return self._gate(toll, rows, now)

    def _gate(self, toll: Toll, rows: Sequence[Row], now: datetime) -> Gate:
        if not rows:
            return self._remembered(toll, Gate(now))
        at, tokens, writes_failed, reads_failed, *until = rows[0]
        gate = Gate(instant_of(at), tokens, writes_failed, reads_failed, *map(instant_or_none, until))
        return self._remembered(toll, gate)

    def _written(self, toll: Toll, gate: Gate) -> Statement:
        until = map(text_or_none, (gate.open_until, gate.probing_until, gate.blocked_until))
        values = (toll.account_id, instant_text(gate.at), gate.tokens, gate.writes_failed, gate.reads_failed, *until)
        self._remembered(toll, gate)
        return Statement(_WRITE, values)

    def _remembered(self, toll: Toll, gate: Gate) -> Gate:
        (self._healthy.add if gate.healthy else self._healthy.discard)(toll.account_id)
        return gate


def _counts(toll: Toll, before: Gate, after: Gate, permit: Passed | Shut) -> bool:
    """Whether the row changes. Without a limit there is nothing to count while the gate is healthy. A clock that was
    set back is noted even where the gate stays shut: it would not refill until that clock is there again."""
    return (isinstance(permit, Passed) and bool(toll.policy.per_minute or not before.healthy)) or after.at < before.at
