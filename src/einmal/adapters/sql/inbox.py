"""The inbox's rows: one for each content, however often it comes; due until it is handled, forgotten after a while."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from einmal.adapters.sql.outbox import put_message
from einmal.adapters.sql.queues import due_by
from einmal.adapters.sql.rows import STORED, instant_of, instant_text, stored_reply
from einmal.adapters.sql.steps import SKIP_LOCKED, Row, Statement, Steps, Store, only
from einmal.domain.hint import Trigger
from einmal.domain.intent import State
from einmal.domain.promise import MessageKind, confirmed_name
from einmal.ports import Ids
from einmal.ports.inbox import Entry, Notice, Received, Source

_RECEIVE: Final = """
    INSERT INTO inbox (inbox_id, tenant_id, source, digest, event, subject, data, received_at, times, tries, due_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 0, ?)
    ON CONFLICT (tenant_id, source, digest) DO UPDATE SET times = inbox.times + 1
    RETURNING inbox_id, handled_at, times"""

_OF_UIDS: Final = "SELECT 1 FROM appointments WHERE tenant_id = ? AND calcom_v2_booking_id IN ({marks}) LIMIT 1"

_OF_OPERATION: Final = """
    SELECT 1 FROM intents WHERE operation_id = ? AND tenant_id = ?
    UNION ALL SELECT 1 FROM intents WHERE carried_id = ? AND tenant_id = ? LIMIT 1"""

_DUE: Final = f"""
    SELECT inbox_id, tenant_id, source, event, subject, CAST(data AS TEXT), received_at, tries FROM inbox
    WHERE (due_at <= ? OR due_at > ?) AND tenant_id IN ({{marks}}) ORDER BY due_at, inbox_id LIMIT ? {SKIP_LOCKED}"""  # noqa: S608 - constants only

_LEASE: Final = "UPDATE inbox SET due_at = ? WHERE inbox_id = ?"

_HANDLED: Final = """
    UPDATE inbox SET due_at = NULL, handled_at = ?, outcome = ? WHERE inbox_id = ? AND handled_at IS NULL"""

_PUT_OFF: Final = "UPDATE inbox SET due_at = ?, tries = tries + ? WHERE inbox_id = ? AND handled_at IS NULL"

_NOTED: Final = """
    UPDATE appointments SET webhook_data = ?,
        confirmed_at = CASE WHEN status = 'confirmed' THEN coalesce(confirmed_at, ?) ELSE confirmed_at END
    WHERE tenant_id = ? AND calcom_v2_booking_id = ? RETURNING intent_id, status"""

_HEARS_ANYHOW: Final = """
    SELECT 1 FROM outbox WHERE message_id = ?
    UNION ALL SELECT 1 FROM composite_segments WHERE intent_id = ? LIMIT 1"""
"""Who was promised news has it by now; and nobody hears of a part of a composite."""

_OLD: Final = f"""
    SELECT inbox_id FROM inbox WHERE handled_at < ? ORDER BY handled_at, inbox_id LIMIT ? {SKIP_LOCKED}"""  # noqa: S608 - constants only

_FORGET: Final = "DELETE FROM inbox WHERE inbox_id = ?"


_MADE: Final = frozenset({Trigger.CREATED, Trigger.PAID})
"""After these a confirmed appointment is news to its customer."""


class SqlInbox:
    """The Inbox port. Shares the ledger's store, and with it the commits."""

    def __init__(self, store: Store, ids: Ids, channels: Sequence[str]) -> None:
        self._store = store
        self._channels = tuple(channels)
        self._ids = ids

    async def receive(self, notice: Notice, at: datetime, due_at: datetime) -> Received:
        inbox_id = self._ids.time_ordered()

        def work() -> Steps[Received]:
            what = (notice.source.value, notice.digest, notice.event, notice.subject, _text(notice.data))
            values = (inbox_id, notice.tenant_id, *what, instant_text(at), instant_text(due_at))
            rows = yield Statement(_RECEIVE, values)
            known = yield from _is_known(notice)
            return Received(rows[0][0], known, handled=rows[0][1] is not None, first=rows[0][2] == 1)

        return await self._store.write(work)

    async def claim_due(
        self, now: datetime, lease_until: datetime, limit: int, tenants: Sequence[str]
    ) -> tuple[Entry, ...]:
        due = _DUE.format(marks=", ".join("?" for _ in tenants))

        def work() -> Steps[tuple[Entry, ...]]:
            rows = yield Statement(due, (*due_by(now), *tenants, limit))
            for row in rows:
                yield Statement(_LEASE, (instant_text(lease_until), row[0]))
            return tuple(_entry(row) for row in rows)

        return await self._store.write(work) if tenants else ()

    async def handled(self, inbox_id: str, outcome: str, at: datetime) -> None:
        await self._store.write(only(_HANDLED, instant_text(at), outcome, inbox_id))

    async def put_off(self, entry: Entry, due_at: datetime, *, more: int = 1) -> None:
        await self._store.write(only(_PUT_OFF, instant_text(due_at), more, entry.inbox_id))

    async def noted(self, uid: str, entry: Entry, at: datetime) -> None:
        data = _text({"event": entry.event, "received_at": instant_text(entry.received_at), **entry.data})

        def work() -> Steps[None]:
            rows = yield Statement(_NOTED, (data, instant_text(at), entry.tenant_id, uid))
            for intent_id, status in rows:
                if entry.event in _MADE and status == State.CONFIRMED:
                    stored = yield Statement(STORED, (intent_id,))
                    about = stored_reply(stored[0]).intent
                    if not (yield Statement(_HEARS_ANYHOW, (f"{intent_id}.{State.CONFIRMED}", intent_id))):
                        yield from put_message(about, MessageKind.CONFIRMED, self._channels, at, confirmed_name(about))

        await self._store.write(work)

    async def prune(self, before: datetime, limit: int) -> int:
        def work() -> Steps[int]:
            old = yield Statement(_OLD, (instant_text(before), limit))
            for row in old:
                yield Statement(_FORGET, (row[0],))
            return len(old)

        return await self._store.write(work)


def _is_known(notice: Notice) -> Steps[bool]:
    if notice.uids:
        marks = ", ".join("?" for _ in notice.uids)
        if (yield Statement(_OF_UIDS.format(marks=marks), (notice.tenant_id, *notice.uids))):
            return True
    if notice.operation_id is None:
        return False
    same = (notice.operation_id, notice.tenant_id)
    return bool((yield Statement(_OF_OPERATION, (*same, *same))))


def _entry(row: Row) -> Entry:
    inbox_id, tenant_id, source, event, subject, data, received_at, tries = row
    return Entry(
        inbox_id, tenant_id, Source(source), event, subject, json.loads(data), instant_of(received_at), int(tries)
    )


def _text(data: object) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
