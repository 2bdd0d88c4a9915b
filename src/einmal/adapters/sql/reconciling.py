"""The books of reconciliation: a run's row moves on with what each step found, in one commit."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Final

from einmal.adapters.sql.rows import STORED, instant_of, instant_or_none, instant_text, stored_reply, text_or_none
from einmal.adapters.sql.steps import FOR_UPDATE, Hold, Row, Statement, Steps, Store, only
from einmal.domain.drift import Drift, DriftKind
from einmal.domain.intent import Intent
from einmal.domain.model import Booking
from einmal.ports import StoredReply
from einmal.ports.reconciling import Counts, KnownDrift, LostRun, Phase, Run

_COLUMNS: Final = (
    "run_id, tenant_id, phase, since, cursor, changed_until, CAST(counts AS TEXT), began_at, ended_at, steps, "
    "leased_until"
)
_OPEN: Final = f"""
    SELECT {_COLUMNS} FROM reconciliations WHERE tenant_id = ? AND ended_at IS NULL {FOR_UPDATE}"""  # noqa: S608 - constants only
_LAST: Final = f"""
    SELECT {_COLUMNS} FROM reconciliations WHERE tenant_id = ? AND ended_at IS NOT NULL
    ORDER BY began_at DESC, run_id DESC LIMIT 1"""  # noqa: S608 - constants only
_BEGIN: Final = """
    INSERT INTO reconciliations (run_id, tenant_id, phase, since, cursor, changed_until, counts, began_at, ended_at,
        steps, leased_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_LEASE: Final = "UPDATE reconciliations SET leased_until = ?, steps = steps + 1 WHERE run_id = ?"
_STEP: Final = """
    UPDATE reconciliations SET phase = ?, cursor = ?, changed_until = ?, counts = ?, ended_at = ?, leased_until = ?,
        steps = steps + 1
    WHERE run_id = ? AND steps = ? AND ended_at IS NULL RETURNING run_id"""
_RELEASE: Final = "UPDATE reconciliations SET leased_until = ? WHERE run_id = ? AND steps = ? AND ended_at IS NULL"
_DRIFT: Final = """
    INSERT INTO drifts (tenant_id, kind, subject, intent_id, detail, run_id, first_seen_at, last_seen_at, ended_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, kind, subject) DO UPDATE SET
        first_seen_at = CASE WHEN drifts.ended_at IS NULL THEN drifts.first_seen_at ELSE excluded.first_seen_at END,
        intent_id = excluded.intent_id, detail = excluded.detail, run_id = excluded.run_id,
        last_seen_at = excluded.last_seen_at, ended_at = excluded.ended_at"""
_DRIFTS: Final = """
    SELECT kind, subject, intent_id, detail, first_seen_at, last_seen_at FROM drifts
    WHERE tenant_id = ? AND ended_at IS NULL{of_kinds} ORDER BY first_seen_at, kind, subject LIMIT ?"""
_CLOSE: Final = """
    UPDATE drifts SET ended_at = ? WHERE tenant_id = ? AND ended_at IS NULL AND last_seen_at < ?{of_kinds}
    RETURNING subject"""

_DRIFT_ENDED: Final = """
    UPDATE drifts SET ended_at = ? WHERE tenant_id = ? AND kind = ? AND subject = ? AND ended_at IS NULL"""

_SELECT: Final = STORED.rpartition("WHERE")[0]
_LIVE: Final = "i.state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
_STANDING: Final = f"""{_SELECT}
    WHERE i.tenant_id = ? AND (i.start_at, i.intent_id) > (?, ?) AND i.start_at >= ? AND i.start_at < ?
      AND i.generation > 0 AND {_LIVE} AND i.state IN ('confirmed', 'pending')
    ORDER BY i.start_at, i.intent_id LIMIT ?"""
_OLDEST: Final = "SELECT min(created_at) FROM intents WHERE tenant_id = ?"
_CORRECT: Final = """
    UPDATE appointments SET starts_at = ?, ends_at = coalesce(?, ends_at), staff = coalesce(?, staff)
    WHERE intent_id = ?"""

# First the ids, each by its own index: a planner that is shown the tenant as well may read all that is the tenant's.
_IDS_OF_UIDS: Final = "SELECT intent_id FROM appointments WHERE calcom_v2_booking_id IN ({marks})"
_IDS_OF_OPERATIONS: Final = "SELECT intent_id FROM intents WHERE operation_id IN ({marks})"
_IDS_OF_CARRIED: Final = "SELECT intent_id FROM intents WHERE carried_id IS NOT NULL AND carried_id IN ({marks})"
_OF_IDS: Final = f"{_SELECT} WHERE i.intent_id IN ({{marks}}) ORDER BY i.intent_id"

_FAR: Final = "9999"
"""Beyond every instant that is written."""


class SqlReconciling:
    """The ReconcilingBooks port. Shares the ledger's store, and with it the commits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, run: Run, now: datetime, lease_until: datetime, *, every: float | None) -> Run | None:
        def work() -> Steps[Run | None]:
            yield Hold((f"reconcile {run.tenant_id}",))
            rows = yield Statement(_OPEN, (run.tenant_id,))
            if rows:
                if instant_text(now) < rows[0][10] <= instant_text(now + _LEASE_MAX):
                    return None
                yield Statement(_LEASE, (instant_text(lease_until), rows[0][0]))
                found = _run(rows[0])
                return replace(found, steps=found.steps + 1)
            last = yield Statement(_LAST, (run.tenant_id,))
            if every is not None and last and now < instant_of(last[0][7]) + timedelta(seconds=every):
                return None
            yield Statement(_BEGIN, _values(run, lease_until))
            return run

        return await self._store.write(work)

    async def last(self, tenant_id: str) -> Run | None:
        rows = await self._store.read(only(_LAST, tenant_id))
        return _run(rows[0]) if rows else None

    async def step(self, run: Run, found: Sequence[Drift], now: datetime, lease_until: datetime) -> Run:
        def work() -> Steps[Run]:
            values = (run.phase.value, instant_text(run.cursor), text_or_none(run.changed_until), _counts_text(run))
            until = (text_or_none(run.ended_at), instant_text(lease_until))
            if not (yield Statement(_STEP, (*values, *until, run.run_id, run.steps))):
                raise LostRun(run.run_id)
            for drift in found:
                yield Statement(_DRIFT, _drift_values(run, drift, now))
            return replace(run, steps=run.steps + 1)

        return await self._store.write(work)

    async def release(self, run: Run, at: datetime) -> None:
        await self._store.write(only(_RELEASE, instant_text(at), run.run_id, run.steps))

    async def of_uids(self, tenant_id: str, uids: Sequence[str]) -> tuple[StoredReply, ...]:
        return await self._whose(tenant_id, (_IDS_OF_UIDS,), uids)

    async def of_operations(self, tenant_id: str, operation_ids: Sequence[str]) -> tuple[StoredReply, ...]:
        return await self._whose(tenant_id, (_IDS_OF_OPERATIONS, _IDS_OF_CARRIED), operation_ids)

    async def standing(
        self, tenant_id: str, start: datetime, before: datetime | None, after: Intent | None, limit: int
    ) -> tuple[StoredReply, ...]:
        end = _FAR if before is None else instant_text(before)
        last = ("", "") if after is None else (instant_text(after.wish.start), after.intent_id)
        return await self._stored(_STANDING, tenant_id, *last, instant_text(start), end, limit)

    async def oldest(self, tenant_id: str) -> datetime | None:
        rows = await self._store.read(only(_OLDEST, tenant_id))
        return instant_or_none(rows[0][0])

    async def open_drifts(
        self, tenant_id: str, kinds: Sequence[DriftKind] | None, limit: int
    ) -> tuple[KnownDrift, ...]:
        statement = _DRIFTS.format(of_kinds=_of_kinds(kinds))
        rows = await self._store.read(only(statement, tenant_id, *_values_of(kinds), limit))
        return tuple(
            KnownDrift(Drift(DriftKind(kind), subject, intent_id, detail), instant_of(first), instant_of(last))
            for kind, subject, intent_id, detail, first, last in rows
        )

    async def close_drifts(self, tenant_id: str, kinds: Sequence[DriftKind], before: datetime, at: datetime) -> int:
        statement = _CLOSE.format(of_kinds=_of_kinds(kinds))
        values = (instant_text(at), tenant_id, instant_text(before), *_values_of(kinds))
        return len(await self._store.write(only(statement, *values)))

    async def drift_ended(self, tenant_id: str, drift: Drift, at: datetime) -> None:
        await self._store.write(only(_DRIFT_ENDED, instant_text(at), tenant_id, drift.kind.value, drift.subject))

    async def corrected(self, intent_id: str, booking: Booking) -> None:
        values = (instant_text(booking.start), text_or_none(booking.end), booking.host_name, intent_id)
        await self._store.write(only(_CORRECT, *values))

    async def _whose(self, tenant_id: str, asked: Sequence[str], names: Sequence[str]) -> tuple[StoredReply, ...]:
        def work() -> Steps[tuple[StoredReply, ...]]:
            ids: set[str] = set()
            for statement in asked:
                rows = yield Statement(statement.format(marks=_marks(names)), tuple(names))
                ids |= {row[0] for row in rows}
            if not ids:
                return ()
            rows = yield Statement(_OF_IDS.format(marks=_marks(sorted(ids))), tuple(sorted(ids)))
            found = (stored_reply(row) for row in rows)
            return tuple(one for one in found if one.intent.wish.tenant_id == tenant_id)

        return await self._store.read(work) if names else ()

    async def _stored(self, statement: str, *values: str | int) -> tuple[StoredReply, ...]:
        return tuple(stored_reply(row) for row in await self._store.read(only(statement, *values)))


_LEASE_MAX: Final = timedelta(hours=1)
"""No lease is longer: one that ends later was written by a clock that has been set back since."""


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)


def _values_of(kinds: Sequence[DriftKind] | None) -> list[str]:
    return [kind.value for kind in kinds or ()]


def _of_kinds(kinds: Sequence[DriftKind] | None) -> str:
    return "" if not kinds else f" AND kind IN ({_marks(kinds)})"


def _run(row: Row) -> Run:
    run_id, tenant_id, phase, since, cursor, changed_until, counts, began_at, ended_at, steps, _ = row
    until, ended = instant_or_none(changed_until), instant_or_none(ended_at)
    begun, told = instant_of(began_at), Counts(**json.loads(counts))
    return Run(run_id, tenant_id, Phase(phase), instant_of(since), instant_of(cursor), until, begun, told, steps, ended)


def _values(run: Run, lease_until: datetime) -> tuple[str | int | None, ...]:
    return (
        run.run_id,
        run.tenant_id,
        run.phase.value,
        instant_text(run.since),
        instant_text(run.cursor),
        text_or_none(run.changed_until),
        _counts_text(run),
        instant_text(run.began_at),
        text_or_none(run.ended_at),
        run.steps,
        instant_text(lease_until),
    )


def _counts_text(run: Run) -> str:
    return json.dumps(asdict(run.counts), separators=(",", ":"))


def _drift_values(run: Run, drift: Drift, now: datetime) -> tuple[str | None, ...]:
    at = instant_text(now)
    what = (drift.kind.value, drift.subject, drift.intent_id, drift.detail)
    return (run.tenant_id, *what, run.run_id, at, at, at if drift.mended else None)
