"""The ledger on SQL: each method of the port is one transaction, and the database has the last word."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from einmal.adapters.sql import queues
from einmal.adapters.sql.appointments import SqlAppointments
from einmal.adapters.sql.auditing import SqlAuditLog
from einmal.adapters.sql.by_booking import SqlBookingUids
from einmal.adapters.sql.callbacks import SqlCallbacks
from einmal.adapters.sql.calls import SqlCalls
from einmal.adapters.sql.changes import SqlChanges
from einmal.adapters.sql.composites import SqlComposites
from einmal.adapters.sql.desk import SqlDesk
from einmal.adapters.sql.forgetting import SqlForgetting
from einmal.adapters.sql.gates import SqlGates
from einmal.adapters.sql.history import SqlHistory
from einmal.adapters.sql.holds import SqlHolds
from einmal.adapters.sql.idempotency import SqlIdempotencyKeys
from einmal.adapters.sql.importing import SqlImporting
from einmal.adapters.sql.inbox import SqlInbox
from einmal.adapters.sql.journal import SqlJournal
from einmal.adapters.sql.listing import SqlListing
from einmal.adapters.sql.outbox import SqlOutbox
from einmal.adapters.sql.overview import SqlOverview
from einmal.adapters.sql.reconciling import SqlReconciling
from einmal.adapters.sql.report import SqlReport
from einmal.adapters.sql.rows import STORED, instant_of, stored_reply
from einmal.adapters.sql.sqlite import SqliteStore, SqliteThread
from einmal.adapters.sql.steps import FOR_UPDATE, Statement, Steps, Store, Transaction
from einmal.adapters.sql.store import store_of
from einmal.adapters.sql.stories import SqlStories
from einmal.adapters.sql.tallies import SqlTallies
from einmal.adapters.sql.tenants import sealed_anew, services_of, tenant_written, tenants_known
from einmal.adapters.sql.verifying import SqlVerifying
from einmal.adapters.sql.weekly import SqlWeekly
from einmal.adapters.sql.writes import admission, move
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.intent import Intent, State
from einmal.domain.keys import PersonKey, normal_name
from einmal.domain.model import PersonKind, Service
from einmal.domain.verdict import KnownBooking
from einmal.ports import Admitted, Candidate, Ids, StoredReply, Sweep, Toll, Transition
from einmal.sealed import Keyring

SCHEMA_HEAD: Final = "0011"
_VERSION: Final = f"SELECT version_num FROM alembic_version {FOR_UPDATE}"  # noqa: S608 - constants only
_KNOWN = """
    SELECT a.appointment_id, a.intent_id, a.call_id, a.status, a.starts_at, a.ends_at,
           i.tenant_id, i.phone_hash, i.email_hash
    FROM appointments a JOIN intents i ON i.intent_id = a.intent_id
    WHERE a.calcom_v2_booking_id = ? AND a.intent_id <> ? LIMIT 1"""

_APPOINTMENTS_OF = """
    SELECT count(*) FROM customers c JOIN appointments a ON a.customer_id = c.customer_id
    WHERE c.tenant_id = ? AND c.name_normal = ? AND a.status IN ('confirmed', 'pending')"""

_BOOKINGS_OF = "SELECT count(*) FROM appointments WHERE calcom_v2_booking_id = ? AND tenant_id = ?"


_CUSTOMER_NAME = "SELECT name FROM customers WHERE tenant_id = ? AND phone = ? ORDER BY customer_id LIMIT 1"


class SqlLedger:
    """The Ledger port on a store.

    `gates`, `outbox` and `history` are the ports of those names, on the same one. What is promised is put into the
    outbox once for each of `channels`.
    """

    def __init__(self, store: Store, ids: Ids, channels: Sequence[str] = (), keyring: Keyring | None = None) -> None:
        self._store = store
        self._keyring = keyring or Keyring()
        self._ids = ids
        self._channels = tuple(channels)
        self.gates = SqlGates(store)
        self.appointments = SqlAppointments(store)
        self.changes = SqlChanges(store, ids, channels)
        self.outbox = SqlOutbox(store)
        self.history = SqlHistory(store)
        self.calls = SqlCalls(store)
        self.holds = SqlHolds(store)
        self.composites = SqlComposites(store, self._channels)
        self.callbacks = SqlCallbacks(store, self._channels)
        self.inbox = SqlInbox(store, ids, channels)
        self.importing = SqlImporting(store, ids, self._keyring)
        self.journal = SqlJournal(store)
        self.idempotency_keys = SqlIdempotencyKeys(store)
        self.listing = SqlListing(store)
        self.stories = SqlStories(store)
        self.audit_log = SqlAuditLog(store)
        self.booking_uids = SqlBookingUids(store)
        self.overview = SqlOverview(store)
        self.desk = SqlDesk(store)
        self.report = SqlReport(store)
        self.tallies = SqlTallies(store)
        self.weekly = SqlWeekly(store)
        self.reconciling = SqlReconciling(store)
        self.verifying = SqlVerifying(store)
        self.forgetting = SqlForgetting(store)

    def open(self) -> None:
        self._store.open()

    def close(self) -> None:
        self._store.close()

    async def admit(self, candidate: Candidate, policy: AdmissionPolicy, toll: Toll | None = None) -> Admitted:
        return await self._store.write_shared(admission(candidate, policy, toll, self.gates))

    async def apply(self, transition: Transition) -> StoredReply:
        return await self._store.write_shared(move(transition, self._ids, self._channels))

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Intent, ...]:
        return await self._store.write(queues.claim(now, lease_until, limit))

    async def looked(self, intent: Intent, look_at: datetime, *, more: int = 1) -> None:
        await self._store.write(queues.look(intent, look_at, more))

    async def promise(self, intent_id: str, at: datetime) -> StoredReply | None:
        return await self._store.write(queues.promise(intent_id, at))

    async def by_operations(self, tenant_id: str, operation_ids: Sequence[str]) -> tuple[Intent, ...]:
        return await self._store.read(queues.by_operations(tenant_id, operation_ids)) if operation_ids else ()

    async def claim_sweep(self, tenant_id: str, now: datetime, lease_until: datetime) -> Sweep | None:
        return await self._store.write(queues.claim_sweep(tenant_id, now, lease_until))

    async def swept(self, tenant_id: str, until: datetime | None, due_at: datetime) -> None:
        await self._store.write(queues.swept(tenant_id, until, due_at))

    async def stored(self, intent_id: str) -> StoredReply | None:
        return await self._store.read(_stored(intent_id))

    async def in_states(self, tenant_id: str, states: Sequence[State], limit: int) -> tuple[Intent, ...]:
        return await self._store.read(queues.in_states(tenant_id, states, limit))

    async def known_booking(self, uid: str, intent: Intent) -> KnownBooking | None:
        return await self._store.read(_known(uid, intent))

    async def appointments_count(self, tenant_id: str, customer: str) -> int:
        return await self._store.read(_count(_APPOINTMENTS_OF, tenant_id, normal_name(customer)))

    async def bookings_count(self, tenant_id: str, booking_uid: str) -> int:
        return await self._store.read(_count(_BOOKINGS_OF, booking_uid, tenant_id))

    async def tenant_ids(self) -> tuple[str, ...]:
        """All that were ever served from this ledger."""
        return await self._store.read(tenants_known())

    async def customer_name(self, tenant_id: str, phone: str) -> str | None:
        return await self._store.read(_name(tenant_id, phone))

    async def ensure_tenant(self, tenant_id: str, name: str, services: Sequence[Service], now: datetime) -> bytes:
        """As at every start: the tenant and its services as they are now; the key of its hashes. Raises SealedAway."""
        hash_key = await self._store.write(tenant_written(tenant_id, name, services, now, self._keyring))
        if self._keyring:
            # What lay plain until now would stand in the file until the log beside it is full.
            await self._store.scrub()
        return hash_key

    async def sealed_anew(self) -> tuple[int, int]:
        """How many keys of hashes there are, and how many were sealed anew by this. Raises SealedAway."""
        return await self._store.write(sealed_anew(self._keyring))

    async def known_services(self, tenant_id: str) -> tuple[Service, ...]:
        """Those of the last start."""
        return await self._store.read(services_of(tenant_id))

    async def ready(self) -> bool:
        def check() -> Steps[bool]:
            # The lock is a write, and so is its commit: where one can only be read, or waits for a standby that is
            # not there, nobody is ready.
            rows = yield Statement(_VERSION)
            return bool(rows) and rows[0][0] == SCHEMA_HEAD

        return await self._store.write(check)


class PostgresLedger(SqlLedger):
    """The ledger in a PostgreSQL database, shared by as many processes as connect to it."""

    def __init__(self, url: str, ids: Ids, channels: Sequence[str] = (), keyring: Keyring | None = None) -> None:
        super().__init__(store_of(url), ids, channels, keyring)


class SqliteLedger(SqlLedger):
    """The ledger in one SQLite file: a writing thread and a reading one."""

    def __init__(
        self,
        path: Path | str,
        ids: Ids,
        channels: Sequence[str] = (),
        thread: type[SqliteThread] = SqliteThread,
        keyring: Keyring | None = None,
    ) -> None:
        super().__init__(SqliteStore(path, thread), ids, channels, keyring)


def _stored(intent_id: str) -> Transaction[StoredReply | None]:
    def work() -> Steps[StoredReply | None]:
        rows = yield Statement(STORED, (intent_id,))
        return stored_reply(rows[0]) if rows else None

    return work


def _known(uid: str, intent: Intent) -> Transaction[KnownBooking | None]:
    person = intent.key.person

    def work() -> Steps[KnownBooking | None]:
        rows = yield Statement(_KNOWN, (uid, intent.intent_id))
        if not rows:
            return None
        row = rows[0]
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


def _count(statement: str, *values: Any) -> Transaction[int]:
    def work() -> Steps[int]:
        rows = yield Statement(statement, values)
        return int(rows[0][0])

    return work


def _name(tenant_id: str, phone: str) -> Transaction[str | None]:
    def work() -> Steps[str | None]:
        rows = yield Statement(_CUSTOMER_NAME, (tenant_id, phone))
        return str(rows[0][0]) if rows else None

    return work
