"""Work queues are states of the ledger: what is due is found by `look_at`, and a claim is a lease."""

import contextlib
from collections.abc import Sequence
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
from einmal.adapters.sql.steps import SKIP_LOCKED, Statement, Steps, Transaction, only
from einmal.domain.intent import Intent, State
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
    ORDER BY look_at, intent_id LIMIT ? {SKIP_LOCKED}"""  # noqa: S608 - constants only

_LEASE = "UPDATE intents SET look_at = ? WHERE intent_id = ?"

_LOOKED = """
    UPDATE intents SET looks = looks + ?, look_at = ? WHERE intent_id = ? AND state = ? AND epoch = ?"""

_PROMISE = """
    UPDATE intents SET promised_at = coalesce(promised_at, ?)
    WHERE intent_id = ? AND intent_id NOT IN (SELECT intent_id FROM composite_segments WHERE intent_id = ?)"""

PROMISE_WHOLE: Final = """
    UPDATE composites SET promised_at = coalesce(promised_at, ?)
    WHERE composite_id IN (SELECT composite_id FROM composite_segments WHERE intent_id = ?)"""
"""The end of a segment is no news: whoever hears of it would take a part for the whole."""

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


def claim(now: datetime, lease_until: datetime, limit: int) -> Transaction[tuple[Intent, ...]]:
    def work() -> Steps[tuple[Intent, ...]]:
        due = yield Statement(_DUE, (*due_by(now), limit))
        until = instant_text(lease_until)
        claimed = []
        for row in due:
            yield Statement(_LEASE, (until, row[0]))
            # A row that cannot be read is leased like the others, and is in nobody's way.
            with contextlib.suppress(ValueError):
                claimed.append(replace(intent_of(row), look_at=instant_of(until)))
        return tuple(claimed)

    return work


def look(intent: Intent, look_at: datetime, more: int) -> Transaction[object]:
    return only(_LOOKED, more, instant_text(look_at), intent.intent_id, intent.state.value, intent.epoch)


def promise(intent_id: str, at: datetime) -> Transaction[StoredReply | None]:
    def work() -> Steps[StoredReply | None]:
        yield Statement(_PROMISE, (instant_text(at), intent_id, intent_id))
        yield Statement(PROMISE_WHOLE, (instant_text(at), intent_id))
        rows = yield Statement(STORED, (intent_id,))
        return stored_reply(rows[0]) if rows else None

    return work


def claim_sweep(tenant_id: str, now: datetime, lease_until: datetime) -> Transaction[Sweep | None]:
    def work() -> Steps[Sweep | None]:
        watched = yield Statement(_WATCHED, (tenant_id, instant_text(now - SLOT_MAX)))
        since, newest_at = watched[0]
        if since is None:
            return None
        claimed = yield Statement(_CLAIM_SWEEP, (tenant_id, instant_text(lease_until), *due_by(now)))
        return Sweep(instant_of(since), instant_of(newest_at), instant_or_none(claimed[0][0])) if claimed else None

    return work


def swept(tenant_id: str, until: datetime | None, due_at: datetime) -> Transaction[object]:
    return only(_SWEPT, text_or_none(until), instant_text(due_at), tenant_id)


def by_operations(tenant_id: str, operation_ids: Sequence[str]) -> Transaction[tuple[Intent, ...]]:
    marks = ", ".join("?" for _ in operation_ids)
    # Each by its own index. A planner that is shown the tenant as well may read all that is the tenant's.
    statement = (
        f"SELECT {INTENT_COLUMNS} FROM intents WHERE operation_id IN ({marks}) UNION ALL "  # noqa: S608 - constants only
        f"SELECT {INTENT_COLUMNS} FROM intents WHERE carried_id IS NOT NULL AND carried_id IN ({marks})"
    )

    def work() -> Steps[tuple[Intent, ...]]:
        rows = yield Statement(statement, (*operation_ids, *operation_ids))
        found = {row[0]: intent_of(row) for row in rows}
        return tuple(intent for intent in found.values() if intent.wish.tenant_id == tenant_id)

    return work


def in_states(tenant_id: str, states: Sequence[State], limit: int) -> Transaction[tuple[Intent, ...]]:
    marks = ", ".join("?" for _ in states)
    statement = (
        f"SELECT {INTENT_COLUMNS} FROM intents WHERE tenant_id = ? AND state IN ({marks}) "  # noqa: S608
        "ORDER BY intent_id LIMIT ?"
    )

    def work() -> Steps[tuple[Intent, ...]]:
        rows = yield Statement(statement, (tenant_id, *(state.value for state in states), limit))
        return tuple(intent_of(row) for row in rows)

    return work
