"""The gate's row: read, decided by the domain, written back, in one transaction.

Admission passes the gate in its own transaction, so a booking pays for it with a row and not with a commit.
"""

import sqlite3
from datetime import datetime
from typing import Final

from einmal.adapters.sql.rows import instant_of, instant_or_none, instant_text, text_or_none
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.domain.gate import Gate, Heard, Passed, Shut, Use, enter, heard
from einmal.ports import Toll

_READ: Final = """
    SELECT at, tokens, writes_failed, reads_failed, open_until, probing_until, blocked_until
    FROM calendar_gates WHERE account_id = ?"""

_WRITE: Final = """
    INSERT INTO calendar_gates
        (account_id, at, tokens, writes_failed, reads_failed, open_until, probing_until, blocked_until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE SET at = excluded.at, tokens = excluded.tokens,
        writes_failed = excluded.writes_failed, reads_failed = excluded.reads_failed,
        open_until = excluded.open_until, probing_until = excluded.probing_until,
        blocked_until = excluded.blocked_until"""


class SqliteGates:
    """The Gates port. Shares the ledger's writing thread, and with it the commits."""

    def __init__(self, writer: SqliteThread) -> None:
        self._writer = writer
        # Accounts with nothing to remember but their budget, as last read: a success there needs no transaction.
        self._healthy: set[str] = set()

    async def enter(self, toll: Toll, use: Use, now: datetime) -> Passed | Shut:
        return await self._writer.run(lambda connection: self.passes(connection, toll, use, now))

    async def heard(self, toll: Toll, use: Use, how: Heard, now: datetime) -> bool:
        if how is Heard.WELL and toll.account_id in self._healthy:
            return False

        def work(connection: sqlite3.Connection) -> bool:
            before = self._read(connection, toll, now)
            after = heard(before, use, how, now, toll.policy)
            if after != before:
                self._write(connection, toll, after)
            return after.open_until is not None and before.open_until is None

        return await self._writer.run(work)

    def passes(self, connection: sqlite3.Connection, toll: Toll, use: Use, now: datetime) -> Passed | Shut:
        """Inside somebody's transaction: whether to ask now, spent if so."""
        before = self._read(connection, toll, now)
        after, permit = enter(before, use, now, toll.policy)
        # Without a limit there is nothing to count, and a healthy gate's row is left alone. A clock that was set back
        # is noted even where the gate stays shut: it would not refill until that clock is there again.
        counts = isinstance(permit, Passed) and (toll.policy.per_minute or not before.healthy)
        if counts or after.at < before.at:
            self._write(connection, toll, after)
        return permit

    def _read(self, connection: sqlite3.Connection, toll: Toll, now: datetime) -> Gate:
        row = connection.execute(_READ, (toll.account_id,)).fetchone()
        if row is None:
            return self._remembered(toll, Gate(now))
        at, tokens, writes_failed, reads_failed, *until = row
        gate = Gate(instant_of(at), tokens, writes_failed, reads_failed, *map(instant_or_none, until))
        return self._remembered(toll, gate)

    def _write(self, connection: sqlite3.Connection, toll: Toll, gate: Gate) -> None:
        until = map(text_or_none, (gate.open_until, gate.probing_until, gate.blocked_until))
        values = (toll.account_id, instant_text(gate.at), gate.tokens, gate.writes_failed, gate.reads_failed, *until)
        connection.execute(_WRITE, values)
        self._remembered(toll, gate)

    def _remembered(self, toll: Toll, gate: Gate) -> Gate:
        (self._healthy.add if gate.healthy else self._healthy.discard)(toll.account_id)
        return gate
