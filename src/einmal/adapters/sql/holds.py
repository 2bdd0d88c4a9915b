"""The holds' rows. One transaction decides over all that stands in the way, and whoever comes second sees the first."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from einmal.adapters.sql.queues import SLOT_MAX
from einmal.adapters.sql.rows import instant_of, instant_text
from einmal.adapters.sql.steps import Hold as Lock
from einmal.adapters.sql.steps import Row, Statement, Steps, Store, Transaction
from einmal.domain.hold import HOLDS_MAX, Hold, room_beside

_COLUMNS: Final = (
    "hold_id, tenant_id, conversation_id, service_id, event_type_id, CAST(resources AS TEXT), start_at, end_at, "
    "created_at, expires_at, reservation_uid"
)

_LIVE_INTENT: Final = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"

_FORGET: Final = "DELETE FROM holds WHERE tenant_id = ? AND expires_at <= ?"

_OVERLAPPING: Final = f"""
    SELECT {_COLUMNS} FROM holds WHERE tenant_id = ? AND expires_at > ? AND start_at < ? AND end_at > ?
    ORDER BY hold_id"""  # noqa: S608 - constants only

_OF_CONVERSATION: Final = f"""
    SELECT {_COLUMNS} FROM holds WHERE tenant_id = ? AND expires_at > ? AND conversation_id = ?
    ORDER BY created_at, hold_id"""  # noqa: S608 - constants only

_WANTED: Final = f"""
    SELECT start_at, duration_minutes FROM intents
    WHERE tenant_id = ? AND start_at > ? AND start_at < ? AND generation > 0 AND event_type_id = ?
    AND coalesce(conversation_id, '') <> ? AND {_LIVE_INTENT}"""  # noqa: S608 - constants only

_HUNG_UP: Final = "SELECT 1 FROM calls WHERE tenant_id = ? AND call_id = ? AND ended_at IS NOT NULL"

_INSERT: Final = """
    INSERT INTO holds (hold_id, tenant_id, conversation_id, service_id, event_type_id, resources, start_at, end_at,
        created_at, expires_at, reservation_uid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_EXTEND: Final = "UPDATE holds SET expires_at = ? WHERE hold_id = ?"

_RELEASE: Final = "DELETE FROM holds WHERE hold_id = ?"

_RELEASE_ALL: Final = f"""
    DELETE FROM holds WHERE tenant_id = ? AND conversation_id = ? RETURNING {_COLUMNS}"""  # noqa: S608 - constants only

_MIRRORED: Final = "UPDATE holds SET reservation_uid = ? WHERE hold_id = ? RETURNING hold_id"

_STARTS: Final = f"""
    SELECT start_at FROM intents
    WHERE tenant_id = ? AND conversation_id = ? AND start_at >= ? AND start_at < ? AND {_LIVE_INTENT}
    UNION
    SELECT start_at FROM intents
    WHERE tenant_id = ? AND phone_hash = ? AND start_at >= ? AND start_at < ? AND {_LIVE_INTENT}"""  # noqa: S608 - constants only


class SqlHolds:
    """The Holds port. Shares the ledger's store, and with it the commits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, hold: Hold) -> Hold | None:
        return await self._store.write(taking(hold))

    async def of_conversation(self, tenant_id: str, conversation_id: str, now: datetime) -> tuple[Hold, ...]:
        return await self._store.read(_holds(_OF_CONVERSATION, tenant_id, instant_text(now), conversation_id))

    async def live(self, tenant_id: str, now: datetime, begin: datetime, end: datetime) -> tuple[Hold, ...]:
        asked = (tenant_id, *map(instant_text, (now, end, begin)))
        return await self._store.read(_holds(_OVERLAPPING, *asked))

    async def release(self, hold_ids: Sequence[str]) -> None:
        def work() -> Steps[None]:
            for hold_id in hold_ids:
                yield Statement(_RELEASE, (hold_id,))

        await self._store.write(work)

    async def release_all(self, tenant_id: str, conversation_id: str) -> tuple[Hold, ...]:
        return await self._store.write(_holds(_RELEASE_ALL, tenant_id, conversation_id))

    async def mirrored(self, hold_id: str, reservation_uid: str) -> bool:
        def work() -> Steps[bool]:
            return bool((yield Statement(_MIRRORED, (reservation_uid, hold_id))))

        return await self._store.write(work)

    async def live_starts(
        self, tenant_id: str, conversation_id: str | None, phone_hash: str | None, begin: datetime, end: datetime
    ) -> frozenset[datetime]:
        within = (instant_text(begin), instant_text(end))
        asked = (tenant_id, conversation_id, *within, tenant_id, phone_hash, *within)

        def work() -> Steps[frozenset[datetime]]:
            rows = yield Statement(_STARTS, asked)
            return frozenset(instant_of(row[0]) for row in rows)

        return await self._store.read(work)


def taking(hold: Hold) -> Transaction[Hold | None]:
    tenant, now, start, end = hold.tenant_id, *map(instant_text, (hold.created_at, hold.start, hold.end))

    def work() -> Steps[Hold | None]:
        # All takers of a house wait for each other, because what overlaps begins at different times; and whoever books
        # this very start waits as well.
        yield Lock((f"holds {tenant}", f"slot {tenant} {start}"))
        yield Statement(_FORGET, (tenant, now))
        rows = yield Statement(_OVERLAPPING, (tenant, now, end, start))
        others = [one for one in map(_hold_of, rows) if one.conversation_id != hold.conversation_id]
        rows = yield Statement(_OF_CONVERSATION, (tenant, now, hold.conversation_id))
        own = [_hold_of(row) for row in rows]
        about = (instant_text(hold.start - SLOT_MAX), end, hold.event_type_id, hold.conversation_id)
        wanted = yield Statement(_WANTED, (tenant, *about))
        booked = [hold.resources] * sum(_ends_after(row, hold.start) for row in wanted)
        if (yield Statement(_HUNG_UP, (tenant, hold.conversation_id))):
            # Its holds are let go once that is written: what came later would outlive them.
            return None
        if (others or booked) and not room_beside(hold.resources, [*(one.resources for one in others), *booked]):
            return None
        same = next((one for one in own if one.start == hold.start and one.event_type_id == hold.event_type_id), None)
        if same is not None:
            yield Statement(_EXTEND, (instant_text(hold.expires_at), same.hold_id))
            return replace(same, expires_at=hold.expires_at)
        for oldest in own[: max(0, len(own) + 1 - HOLDS_MAX)]:
            yield Statement(_RELEASE, (oldest.hold_id,))
        yield Statement(_INSERT, _values(hold))
        return hold

    return work


def _ends_after(row: Row, moment: datetime) -> bool:
    """Whether what begins and lasts as the row says is still going on then."""
    starts_at, minutes = row
    return moment < instant_of(starts_at) + timedelta(minutes=minutes)


def _holds(statement: str, *values: object) -> Transaction[tuple[Hold, ...]]:
    def work() -> Steps[tuple[Hold, ...]]:
        rows = yield Statement(statement, values)
        return tuple(map(_hold_of, rows))

    return work


def _values(hold: Hold) -> tuple[object, ...]:
    instants = map(instant_text, (hold.start, hold.end, hold.created_at, hold.expires_at))
    whose = (hold.hold_id, hold.tenant_id, hold.conversation_id, hold.service_id, hold.event_type_id)
    return (*whose, json.dumps(hold.resources, ensure_ascii=False), *instants, hold.reservation_uid)


def _hold_of(row: Row) -> Hold:
    resources = tuple(json.loads(row[5]))
    start, end, created_at, expires_at = map(instant_of, row[6:10])
    return Hold(row[0], row[1], row[2], row[3], row[4], resources, start, end, created_at, expires_at, row[10])
