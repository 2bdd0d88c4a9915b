"""The ledger on SQLite: each method of the port is one transaction, and the database has the last word.

The statements are written out here because this is the hot path (an ORM costs four times the whole
gateway, docs/decisions/0002). What must never happen is a partial UNIQUE index or a guarded UPDATE, so a
bug above this line makes an error with a name and not a second booking.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from einmal.adapters.sql.rows import (
    INTENT_COLUMNS,
    fact_text,
    instant_of,
    instant_text,
    intent_of,
    intent_values,
    new_intent,
    reply_of,
    reply_text,
)
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.domain.admission import AdmissionPolicy, Start, admit
from einmal.domain.answer import Answer
from einmal.domain.facts import Fact
from einmal.domain.intent import BOOKED, Intent, State
from einmal.domain.keys import normal_name
from einmal.domain.model import Booking, BookingStatus, PersonKind
from einmal.domain.reply import BookedSlot
from einmal.domain.verdict import KnownBooking
from einmal.ports import Admitted, BookingUidTaken, Candidate, Ids, StaleIntent, StoredReply, Transition

SCHEMA_HEAD: Final = "0002"
SCHEMA_WITHOUT_LAYER_4: Final = "0001"
"""The emergency: layer 4 migrated down. It runs, and shouts."""

_LIVE = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
_UNRESOLVED = "state IN ('intent', 'sent', 'doubt', 'escalated')"

_SAME_KEY = f"""
    SELECT {INTENT_COLUMNS} FROM intents
    WHERE tenant_id = ? AND intent_key = ? ORDER BY generation DESC LIMIT 1"""  # noqa: S608 - constants only

_NEIGHBOURS = f"""
    SELECT {INTENT_COLUMNS} FROM intents WHERE tenant_id = ? AND start_at = ? AND {_LIVE}
    UNION
    SELECT {INTENT_COLUMNS} FROM intents WHERE tenant_id = ? AND conversation_id = ? AND {_UNRESOLVED}
    ORDER BY 1"""  # noqa: S608 - constants only

_INSERT_INTENT = f"INSERT INTO intents ({INTENT_COLUMNS}) VALUES ({', '.join('?' * 27)})"  # noqa: S608 - constants only

_MOVE = """
    UPDATE intents SET state = ?, epoch = ?, resolved_at = ?, booking_uid = ?, reply = ?
    WHERE intent_id = ? AND state = ? AND epoch = ?"""

_STORED = f"""
    SELECT {", ".join("i." + c for c in INTENT_COLUMNS.split(", "))}, i.reply,
           a.appointment_id, a.starts_at, a.ends_at, a.staff
    FROM intents i LEFT JOIN appointments a ON a.intent_id = i.intent_id
    WHERE i.intent_id = ?"""  # noqa: S608 - constants only

_KNOWN = """
    SELECT a.appointment_id, a.intent_id, a.call_id, a.status, a.starts_at, a.ends_at,
           i.tenant_id, i.person_kind, i.person_hash
    FROM appointments a JOIN intents i ON i.intent_id = a.intent_id
    WHERE a.calcom_v2_booking_id = ? AND a.intent_id <> ? LIMIT 1"""


class SqliteLedger:
    """The Ledger port on one SQLite file: a writing thread and a reading one."""

    def __init__(self, path: Path | str, ids: Ids) -> None:
        self._writer = SqliteThread(path)
        self._reader = SqliteThread(path, read_only=True)
        self._ids = ids

    def open(self) -> None:
        self._writer.open()
        self._reader.open()

    def close(self) -> None:
        self._writer.close()
        self._reader.close()

    async def admit(self, candidate: Candidate, policy: AdmissionPolicy) -> Admitted:
        return await self._writer.run(_admit(candidate, policy))

    async def apply(self, transition: Transition) -> StoredReply:
        return await self._writer.run(_apply(transition, self._ids))

    async def stored(self, intent_id: str) -> StoredReply | None:
        return await self._reader.run(_stored(intent_id))

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
            return row is not None and row[0] in {SCHEMA_HEAD, SCHEMA_WITHOUT_LAYER_4}

        # On the writer: a process that can read and not write is not ready.
        return await self._writer.run(check)


def _admit(candidate: Candidate, policy: AdmissionPolicy) -> Callable[[sqlite3.Connection], Admitted]:
    wish, key = candidate.wish, candidate.key

    def work(connection: sqlite3.Connection) -> Admitted:
        row = connection.execute(_SAME_KEY, (wish.tenant_id, key.value)).fetchone()
        around = (wish.tenant_id, instant_text(wish.start), wish.tenant_id, wish.conversation_id)
        neighbours = [intent_of(found) for found in connection.execute(_NEIGHBOURS, around)]
        same_key = None if row is None else intent_of(row)
        admission = admit(wish, key, same_key, neighbours, candidate.now, policy)
        if candidate.call is not None:
            connection.execute(
                "INSERT INTO calls (tenant_id, call_id, platform, agent_id, first_seen_at) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    wish.tenant_id,
                    candidate.call.call_id,
                    candidate.call.platform,
                    candidate.call.agent_id,
                    instant_text(candidate.now),
                ),
            )
        if not isinstance(admission, Start):
            return Admitted(admission, None)
        intent = new_intent(candidate, admission.generation)
        connection.execute(_INSERT_INTENT, intent_values(intent))
        return Admitted(admission, intent)

    return work


def _apply(transition: Transition, ids: Ids) -> Callable[[sqlite3.Connection], StoredReply]:
    before = transition.before
    after = before if transition.booking is None else replace(before, booking_uid=transition.booking.uid)
    for event in transition.events:
        after = after.advance(event, transition.at)
    reply = None if transition.reply is None else reply_text(transition.reply)

    def work(connection: sqlite3.Connection) -> StoredReply:
        slot: BookedSlot | None = None
        resolved = None if after.resolved_at is None else instant_text(after.resolved_at)
        guard = (before.intent_id, before.state.value, before.epoch)
        moved = connection.execute(_MOVE, (after.state.value, after.epoch, resolved, after.booking_uid, reply, *guard))
        if moved.rowcount != 1:
            raise StaleIntent(before.intent_id)
        if transition.answer is not None:
            _insert_attempt(connection, transition, transition.answer)
        if after.state in BOOKED and transition.booking is not None:
            slot = _insert_appointment(connection, transition, after.state, transition.booking, ids)
        for fact in transition.facts:
            _insert_fact(connection, before, fact)
        return StoredReply(after, slot, transition.reply)

    return work


def _insert_attempt(connection: sqlite3.Connection, transition: Transition, answer: Answer) -> None:
    connection.execute(
        "INSERT INTO attempts (intent_id, epoch, answered_at, kind, http_status, detail, booking_uid, elapsed_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            transition.before.intent_id,
            transition.before.epoch,
            instant_text(transition.at),
            answer.kind.value,
            answer.http_status,
            answer.detail,
            None if answer.booking is None else answer.booking.uid,
            answer.elapsed // timedelta(milliseconds=1),
        ),
    )


def _insert_appointment(
    connection: sqlite3.Connection, transition: Transition, state: State, booking: Booking, ids: Ids
) -> BookedSlot:
    wish, at = transition.before.wish, instant_text(transition.at)
    end = booking.end or booking.start + wish.service.duration
    customer_id, appointment_id = _customer(connection, transition, ids), ids.time_ordered()
    try:
        connection.execute(
            "INSERT INTO appointments (appointment_id, tenant_id, intent_id, customer_id, service_id, call_id, "
            "starts_at, ends_at, staff, status, calcom_v2_booking_id, confirmed_at, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                appointment_id,
                wish.tenant_id,
                transition.before.intent_id,
                customer_id,
                wish.service.service_id,
                wish.conversation_id,
                instant_text(booking.start),
                instant_text(end),
                booking.host_name,
                state.value,
                booking.uid,
                at if booking.status is BookingStatus.ACCEPTED else None,
                at,
            ),
        )
    except sqlite3.IntegrityError as error:
        # SQLite names the column of a violated index, not the index.
        if "appointments.calcom_v2_booking_id" in str(error):
            raise BookingUidTaken(booking.uid) from error
        raise
    return BookedSlot(appointment_id, booking.start, end, wish.service.name, booking.host_name)


def _customer(connection: sqlite3.Connection, transition: Transition, ids: Ids) -> str:
    """The customer's id: found by phone, else by e-mail, else made. A name alone identifies nobody."""
    wish = transition.before.wish
    person = wish.person
    for column, value in (("phone", person.phone), ("email", person.email)):
        if value is not None:
            row = connection.execute(
                f"SELECT customer_id FROM customers WHERE tenant_id = ? AND {column} = ? "  # noqa: S608 - constant
                "ORDER BY customer_id LIMIT 1",
                (wish.tenant_id, value),
            ).fetchone()
            if row is not None:
                return str(row[0])
    customer_id = ids.time_ordered()
    connection.execute(
        "INSERT INTO customers (customer_id, tenant_id, name, name_normal, phone, email, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            customer_id,
            wish.tenant_id,
            person.name,
            normal_name(person.name),
            person.phone,
            person.email,
            instant_text(transition.at),
        ),
    )
    return customer_id


def _insert_fact(connection: sqlite3.Connection, intent: Intent, fact: Fact) -> None:
    connection.execute(
        "INSERT INTO facts (tenant_id, intent_id, at, kind, data) VALUES (?, ?, ?, ?, ?)",
        (
            intent.wish.tenant_id,
            intent.intent_id,
            instant_text(fact.at),
            type(fact).__name__.lower(),
            fact_text(fact),
        ),
    )


def _stored(intent_id: str) -> Callable[[sqlite3.Connection], StoredReply | None]:
    def work(connection: sqlite3.Connection) -> StoredReply | None:
        row = connection.execute(_STORED, (intent_id,)).fetchone()
        if row is None:
            return None
        intent = intent_of(row)
        reply, ref, starts_at, ends_at, staff = row[27:]
        booking = (
            None
            if ref is None
            else BookedSlot(ref, instant_of(starts_at), instant_of(ends_at), intent.wish.service.name, staff)
        )
        return StoredReply(intent, booking, None if reply is None else reply_of(reply))

    return work


def _known(uid: str, intent: Intent) -> Callable[[sqlite3.Connection], KnownBooking | None]:
    person = intent.key.person

    def work(connection: sqlite3.Connection) -> KnownBooking | None:
        row = connection.execute(_KNOWN, (uid, intent.intent_id)).fetchone()
        if row is None:
            return None
        same_person = (
            row[6] == intent.wish.tenant_id
            and person.kind is not PersonKind.NAME
            and (row[7], row[8]) == (person.kind.value, person.hash)
        )
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
