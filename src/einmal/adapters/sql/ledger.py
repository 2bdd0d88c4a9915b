"""The ledger on SQLite: each method of the port is one transaction, and the database has the last word."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from einmal.adapters.sql.gates import SqliteGates
from einmal.adapters.sql.outbox import SqliteOutbox
from einmal.adapters.sql.queues import (
    by_operations,
    claim_job,
    claim_sweep_job,
    looked_job,
    promise_job,
    swept_job,
)
from einmal.adapters.sql.rows import INTENT_COLUMNS, STORED, instant_of, intent_of, stored_reply
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.adapters.sql.writes import admit_job, apply_job
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.intent import Intent, State
from einmal.domain.keys import PersonKey, normal_name
from einmal.domain.model import PersonKind
from einmal.domain.verdict import KnownBooking
from einmal.ports import Admitted, Candidate, Ids, StoredReply, Sweep, Toll, Transition

SCHEMA_HEAD: Final = "0004"
_KNOWN = """
    SELECT a.appointment_id, a.intent_id, a.call_id, a.status, a.starts_at, a.ends_at,
           i.tenant_id, i.phone_hash, i.email_hash
    FROM appointments a JOIN intents i ON i.intent_id = a.intent_id
    WHERE a.calcom_v2_booking_id = ? AND a.intent_id <> ? LIMIT 1"""


class SqliteLedger:
    """The Ledger port on one SQLite file: a writing thread and a reading one.

    `gates` and `outbox` are the ports of those names, on the same file. What is promised is put into the outbox
    once for each of `channels`.
    """

    def __init__(
        self, path: Path | str, ids: Ids, channels: Sequence[str] = (), thread: type[SqliteThread] = SqliteThread
    ) -> None:
        self._writer = thread(path)
        self._reader = thread(path, read_only=True)
        self._ids = ids
        self._channels = tuple(channels)
        self.gates = SqliteGates(self._writer)
        self.outbox = SqliteOutbox(self._writer)

    def open(self) -> None:
        self._writer.open()
        self._reader.open()

    def close(self) -> None:
        self._writer.close()
        self._reader.close()

    async def admit(self, candidate: Candidate, policy: AdmissionPolicy, toll: Toll | None = None) -> Admitted:
        return await self._writer.run(admit_job(candidate, policy, toll, self.gates))

    async def apply(self, transition: Transition) -> StoredReply:
        return await self._writer.run(apply_job(transition, self._ids, self._channels))

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Intent, ...]:
        return await self._writer.run(claim_job(now, lease_until, limit))

    async def looked(self, intent: Intent, look_at: datetime, *, more: int = 1) -> None:
        await self._writer.run(looked_job(intent, look_at, more=more))

    async def promise(self, intent_id: str, at: datetime) -> StoredReply | None:
        return await self._writer.run(promise_job(intent_id, at))

    async def by_operations(self, tenant_id: str, operation_ids: Sequence[str]) -> tuple[Intent, ...]:
        return await self._reader.run(by_operations(tenant_id, operation_ids)) if operation_ids else ()

    async def claim_sweep(self, tenant_id: str, now: datetime, lease_until: datetime) -> Sweep | None:
        return await self._writer.run(claim_sweep_job(tenant_id, now, lease_until))

    async def swept(self, tenant_id: str, until: datetime | None, due_at: datetime) -> None:
        await self._writer.run(swept_job(tenant_id, until, due_at))

    async def stored(self, intent_id: str) -> StoredReply | None:
        return await self._reader.run(_stored(intent_id))

    async def in_states(self, tenant_id: str, states: Sequence[State], limit: int) -> tuple[Intent, ...]:
        def work(connection: sqlite3.Connection) -> tuple[Intent, ...]:
            marks = ", ".join("?" for _ in states)
            statement = (
                f"SELECT {INTENT_COLUMNS} FROM intents WHERE tenant_id = ? AND state IN ({marks}) "  # noqa: S608
                "ORDER BY intent_id LIMIT ?"
            )
            rows = connection.execute(statement, (tenant_id, *(state.value for state in states), limit))
            return tuple(intent_of(row) for row in rows.fetchall())

        return await self._reader.run(work)

    async def known_booking(self, uid: str, intent: Intent) -> KnownBooking | None:
        return await self._reader.run(_known(uid, intent))

    async def appointments_count(self, tenant_id: str, customer: str) -> int:
        return await self._reader.run(
            _count(
                """SELECT count(*) FROM customers c JOIN appointments a ON a.customer_id = c.customer_id
                   WHERE c.tenant_id = ? AND c.name_normal = ? AND a.status IN ('confirmed', 'pending')""",
                tenant_id,
                normal_name(customer),
            )
        )

    async def bookings_count(self, tenant_id: str, booking_uid: str) -> int:
        return await self._reader.run(
            _count(
                "SELECT count(*) FROM appointments WHERE calcom_v2_booking_id = ? AND tenant_id = ?",
                booking_uid,
                tenant_id,
            )
        )

    async def ready(self) -> bool:
        def check(connection: sqlite3.Connection) -> bool:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return row is not None and row[0] == SCHEMA_HEAD

        # On the writer: a process that can read and not write is not ready.
        return await self._writer.run(check)


def _stored(intent_id: str) -> Callable[[sqlite3.Connection], StoredReply | None]:
    def work(connection: sqlite3.Connection) -> StoredReply | None:
        row = connection.execute(STORED, (intent_id,)).fetchone()
        return None if row is None else stored_reply(row)

    return work


def _known(uid: str, intent: Intent) -> Callable[[sqlite3.Connection], KnownBooking | None]:
    person = intent.key.person

    def work(connection: sqlite3.Connection) -> KnownBooking | None:
        row = connection.execute(_KNOWN, (uid, intent.intent_id)).fetchone()
        if row is None:
            return None
        theirs = PersonKey(PersonKind.NAME, "", "", row[7], row[8])
        same_person = row[6] == intent.wish.tenant_id and person.is_same(theirs)
        return KnownBooking(
            appointment_id=row[0],
            intent_id=row[1],
            call_id=row[2],
            live=row[3] in {State.CONFIRMED, State.PENDING},
            same_person=same_person,
            start=instant_of(row[4]),
            end=instant_of(row[5]),
        )

    return work


def _count(statement: str, *values: Any) -> Callable[[sqlite3.Connection], int]:
    def work(connection: sqlite3.Connection) -> int:
        return int(connection.execute(statement, values).fetchone()[0])

    return work
