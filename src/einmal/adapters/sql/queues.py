"""Work queues are states of the ledger: what is due is found by `look_at`, and a claim is a lease."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from einmal.adapters.sql.rows import (
    INTENT_COLUMNS,
    STORED,
    instant_of,
    instant_or_none,
    instant_text,
    intent_of,
    stored_reply,
    text_or_none,
)
from einmal.domain.intent import Intent
from einmal.ports import StoredReply, Sweep

DUE = "state IN ('intent', 'sent', 'doubt', 'compensating')"
TOMBSTONE = "state = 'rejected' AND doubted_at IS NOT NULL"

FAR: Final = timedelta(hours=12)
"""Nothing is put off for longer than an hour or two. What is due later than this was written by a clock that has
been set back since, and is due now."""

SLOT_MAX: Final = timedelta(days=1)
"""No appointment is longer. A tombstone is watched until its slot has surely ended."""

# In two statements: RETURNING keeps no order.
_DUE = f"""
    SELECT {INTENT_COLUMNS} FROM intents WHERE {DUE} AND (look_at <= ? OR look_at > ?)
    ORDER BY look_at, intent_id LIMIT ?"""  # noqa: S608 - constants only

_LEASE = "UPDATE intents SET look_at = ? WHERE intent_id = ?"

_LOOKED = """
    UPDATE intents SET looks = looks + ?, look_at = ? WHERE intent_id = ? AND state = ? AND epoch = ?"""

_PROMISE = "UPDATE intents SET promised_at = coalesce(promised_at, ?) WHERE intent_id = ?"

_WATCHED = f"""
    SELECT min(created_at), max(doubted_at) FROM intents
    WHERE tenant_id = ? AND start_at > ? AND {TOMBSTONE}"""  # noqa: S608 - constants only

_CLAIM_SWEEP = """
    INSERT INTO sweeps (tenant_id, due_at) VALUES (?, ?)
    ON CONFLICT (tenant_id) DO UPDATE SET due_at = excluded.due_at WHERE sweeps.due_at <= ? OR sweeps.due_at > ?
    RETURNING swept_until"""

_SWEPT = "UPDATE sweeps SET swept_until = coalesce(?, swept_until), due_at = ? WHERE tenant_id = ?"


def due_by(now: datetime) -> tuple[str, str]:
    """Due is what lies before the first, or beyond the second."""
    return instant_text(now), instant_text(now + FAR)


def claim_job(now: datetime, lease_until: datetime, limit: int) -> Callable[[sqlite3.Connection], tuple[Intent, ...]]:
    def work(connection: sqlite3.Connection) -> tuple[Intent, ...]:
        due = connection.execute(_DUE, (*due_by(now), limit)).fetchall()
        until = instant_text(lease_until)
        connection.executemany(_LEASE, [(until, row[0]) for row in due])
        claimed = []
        for row in due:
            # A row that cannot be read is leased like the others, and is in nobody's way.
            with contextlib.suppress(ValueError):
                claimed.append(replace(intent_of(row), look_at=instant_of(until)))
        return tuple(claimed)

    return work


def looked_job(intent: Intent, look_at: datetime, *, more: int) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        guard = (intent.intent_id, intent.state.value, intent.epoch)
        connection.execute(_LOOKED, (more, instant_text(look_at), *guard))

    return work


def promise_job(intent_id: str, at: datetime) -> Callable[[sqlite3.Connection], StoredReply | None]:
    def work(connection: sqlite3.Connection) -> StoredReply | None:
        connection.execute(_PROMISE, (instant_text(at), intent_id))
        row = connection.execute(STORED, (intent_id,)).fetchone()
        return None if row is None else stored_reply(row)

    return work


def claim_sweep_job(
    tenant_id: str, now: datetime, lease_until: datetime
) -> Callable[[sqlite3.Connection], Sweep | None]:
    def work(connection: sqlite3.Connection) -> Sweep | None:
        since, newest_at = connection.execute(_WATCHED, (tenant_id, instant_text(now - SLOT_MAX))).fetchone()
        if since is None:
            return None
        claim = (tenant_id, instant_text(lease_until), *due_by(now))
        row = connection.execute(_CLAIM_SWEEP, claim).fetchone()
        return None if row is None else Sweep(instant_of(since), instant_of(newest_at), instant_or_none(row[0]))

    return work


def swept_job(tenant_id: str, until: datetime | None, due_at: datetime) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute(_SWEPT, (text_or_none(until), instant_text(due_at), tenant_id))

    return work


def by_operations(tenant_id: str, operation_ids: Sequence[str]) -> Callable[[sqlite3.Connection], tuple[Intent, ...]]:
    def work(connection: sqlite3.Connection) -> tuple[Intent, ...]:
        marks = ", ".join("?" for _ in operation_ids)
        statement = f"SELECT {INTENT_COLUMNS} FROM intents WHERE operation_id IN ({marks}) AND tenant_id = ?"  # noqa: S608
        return tuple(intent_of(row) for row in connection.execute(statement, (*operation_ids, tenant_id)))

    return work
