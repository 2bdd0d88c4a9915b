"""The composites' rows, and those of their segments, by which whoever meets an intent finds the whole."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from einmal.adapters.sql.outbox import put_message
from einmal.adapters.sql.queues import due_by
from einmal.adapters.sql.rows import (
    STORED,
    instant_of,
    instant_or_none,
    instant_text,
    reply_of,
    reply_text,
    stored_reply,
)
from einmal.adapters.sql.rows import text_or_none as text
from einmal.adapters.sql.steps import SKIP_LOCKED, Hold, Statement, Steps, Store, Transaction, only
from einmal.domain.composite import Composite, CompositeEvent, CompositeState, Planned
from einmal.domain.promise import MessageKind
from einmal.domain.reply import Reply
from einmal.ports.composites import StaleComposite

HOPS_MAX: Final = 5

_COLUMNS: Final = (
    "composite_id, tenant_id, conversation_id, composite_key, service_id, service_name, state, created_at, "
    "book_until, looks, look_at, promised_at, resolved_at, CAST(reply AS TEXT)"
)
_OF_A_SEGMENT: Final = "intent_id, event_type_id, start_at, duration_minutes"
_INSERT: Final = f"""
    INSERT INTO composites ({_COLUMNS.replace("CAST(reply AS TEXT)", "reply")})
    VALUES ({", ".join("?" * (_COLUMNS.count(",") + 1))})"""  # noqa: S608 - constants only
_INSERT_SEGMENT: Final = f"""
    INSERT INTO composite_segments ({_OF_A_SEGMENT}, composite_id) VALUES (?, ?, ?, ?, ?)"""  # noqa: S608 - constants only
_ONE: Final = f"SELECT {_COLUMNS} FROM composites WHERE composite_id = ?"  # noqa: S608 - constants only
_SEGMENTS: Final = f"""
    SELECT {_OF_A_SEGMENT} FROM composite_segments WHERE composite_id = ? ORDER BY start_at, intent_id"""  # noqa: S608 - constants only
_LIVE: Final = "state IN ('booking', 'booked', 'undoing', 'escalated')"
_STANDS: Final = f"""
    SELECT {_COLUMNS} FROM composites
    WHERE tenant_id = ? AND composite_key = ? AND ({_LIVE} OR (reply IS NOT NULL AND resolved_at > ?))
    ORDER BY composite_id DESC LIMIT 1"""  # noqa: S608 - constants only
_MOVE: Final = f"""
    UPDATE composites SET state = ?, looks = ?, look_at = ?, resolved_at = ?, reply = ?
    WHERE composite_id = ? AND state = ? RETURNING {_COLUMNS}"""  # noqa: S608 - constants only
_LOOKED: Final = "UPDATE composites SET looks = looks + 1, look_at = ? WHERE composite_id = ? AND state = ?"
_DUE: Final = f"""
    SELECT {_COLUMNS} FROM composites WHERE look_at <= ? OR look_at > ?
    ORDER BY look_at, composite_id LIMIT ? {SKIP_LOCKED}"""  # noqa: S608 - constants only
_LEASE: Final = "UPDATE composites SET look_at = ? WHERE composite_id = ?"
_PROMISE: Final = f"""
    UPDATE composites SET promised_at = coalesce(promised_at, ?) WHERE composite_id = ?
    RETURNING {_COLUMNS}"""  # noqa: S608 - constants only
_OF_INTENT: Final = "SELECT composite_id FROM composite_segments WHERE intent_id = ?"
_MOVED_FROM: Final = "SELECT moved_from FROM intents WHERE intent_id = ? AND moved_from IS NOT NULL"
_INTENT_OF: Final = "SELECT intent_id FROM appointments WHERE appointment_id = ?"


class SqlComposites:
    """The CompositeBooks port. Shares the ledger's store; `channels` are those of its outbox."""

    def __init__(self, store: Store, channels: Sequence[str]) -> None:
        self._store = store
        self._channels = tuple(channels)

    async def begin(
        self, composite: Composite, *, offered: bool, replay_since: datetime
    ) -> tuple[Composite, bool] | None:
        asked = (composite.tenant_id, composite.key, instant_text(replay_since))

        def work() -> Steps[tuple[Composite, bool] | None]:
            # There is no row to lock yet, and a doubled request may be making it.
            yield Hold((f"composite {composite.tenant_id} {composite.key}",))
            rows = yield Statement(_STANDS, asked)
            if rows:
                return (yield from _read(rows[0])), False
            if not offered:
                return None
            yield Statement(_INSERT, _values(composite))
            for one in composite.segments:
                when = (instant_text(one.start), one.duration_minutes)
                yield Statement(_INSERT_SEGMENT, (one.intent_id, one.event_type_id, *when, composite.composite_id))
            return composite, True

        return await self._store.write(work)

    async def conclude(
        self, composite: Composite, event: CompositeEvent, at: datetime, look_at: datetime | None, reply: Reply | None
    ) -> Composite:
        after = composite.advance(event, at, look_at, reply)
        told = None if after.reply is None else reply_text(after.reply)
        values = (after.state.value, after.looks, *map(text, (after.look_at, after.resolved_at)), told)

        def work() -> Steps[Composite]:
            moved = yield Statement(_MOVE, (*values, composite.composite_id, composite.state.value))
            if not moved:
                raise StaleComposite(composite.composite_id)
            stands = yield from _read(moved[0])
            yield from self._news(stands, at)
            return stands

        return await self._store.write(work)

    async def looked(self, composite: Composite, look_at: datetime) -> None:
        await self._store.write(only(_LOOKED, instant_text(look_at), composite.composite_id, composite.state.value))

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Composite, ...]:
        def work() -> Steps[tuple[Composite, ...]]:
            claimed = []
            for row in (yield Statement(_DUE, (*due_by(now), limit))):
                yield Statement(_LEASE, (instant_text(lease_until), row[0]))
                # A row that cannot be read is leased like the others, and is in nobody's way.
                with contextlib.suppress(ValueError):
                    claimed.append(replace((yield from _read(row)), look_at=lease_until))
            return tuple(claimed)

        return await self._store.write(work)

    async def promise(self, composite_id: str, at: datetime) -> Composite | None:
        def work() -> Steps[Composite | None]:
            rows = yield Statement(_PROMISE, (instant_text(at), composite_id))
            return (yield from _read(rows[0])) if rows else None

        return await self._store.write(work)

    async def composite(self, composite_id: str) -> Composite | None:
        return await self._store.read(_one(composite_id))

    async def of_intents(self, intent_ids: Sequence[str]) -> dict[str, Composite]:
        def work() -> Steps[dict[str, Composite]]:
            found = {}
            for intent_id in intent_ids:
                composite = yield from _of_intent(intent_id)
                if composite is not None:
                    found[intent_id] = composite
            return found

        return await self._store.read(work)

    async def of_appointment(self, appointment_id: str) -> Composite | None:
        def work() -> Steps[Composite | None]:
            rows = yield Statement(_INTENT_OF, (appointment_id,))
            return (yield from _of_intent(rows[0][0])) if rows else None

        return await self._store.read(work)

    def _news(self, composite: Composite, at: datetime) -> Steps[None]:
        """What was promised is told once, of the first segment that was begun: it bears the name of the whole."""
        if composite.promised_at is None or composite.resolved_at is None:
            return
        for one in composite.segments:
            rows = yield Statement(STORED, (one.intent_id,))
            if rows:
                name = f"{composite.composite_id}.{composite.state}"
                intent = stored_reply(rows[0]).intent
                yield from put_message(intent, MessageKind.RESOLVED, self._channels, at, name)
                return


def _one(composite_id: str) -> Transaction[Composite | None]:
    def work() -> Steps[Composite | None]:
        rows = yield Statement(_ONE, (composite_id,))
        return (yield from _read(rows[0])) if rows else None

    return work


def _of_intent(intent_id: str) -> Steps[Composite | None]:
    """Also of what was moved since: it is a segment still."""
    for _ in range(HOPS_MAX):
        rows = yield Statement(_OF_INTENT, (intent_id,))
        if rows:
            return (yield from _one(rows[0][0])())
        before = yield Statement(_MOVED_FROM, (intent_id,))
        if not before:
            return None
        intent_id = before[0][0]
    return None


def _values(composite: Composite) -> tuple[Any, ...]:
    """In the order of the columns."""
    return (
        composite.composite_id,
        composite.tenant_id,
        composite.conversation_id,
        composite.key,
        composite.service_id,
        composite.service_name,
        composite.state.value,
        instant_text(composite.created_at),
        instant_text(composite.book_until),
        composite.looks,
        *map(text, (composite.look_at, composite.promised_at, composite.resolved_at)),
        None if composite.reply is None else reply_text(composite.reply),
    )


def _read(row: Sequence[Any]) -> Steps[Composite]:
    segments = yield Statement(_SEGMENTS, (row[0],))
    planned = tuple(Planned(one[0], one[1], instant_of(one[2]), one[3]) for one in segments)
    return Composite(
        composite_id=row[0],
        tenant_id=row[1],
        conversation_id=row[2],
        key=row[3],
        service_id=row[4],
        service_name=row[5],
        state=CompositeState(row[6]),
        created_at=instant_of(row[7]),
        book_until=instant_of(row[8]),
        segments=planned,
        looks=row[9],
        look_at=instant_or_none(row[10]),
        promised_at=instant_or_none(row[11]),
        resolved_at=instant_or_none(row[12]),
        reply=None if row[13] is None else reply_of(row[13]),
    )
