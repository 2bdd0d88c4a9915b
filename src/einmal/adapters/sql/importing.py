"""The ImportBooks port on SQL: some hundred rows in one transaction, a statement for each table, not for each row.

What would break a UNIQUE index is looked for first, so that a row that cannot be taken over keeps no other from it.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from einmal.adapters.sql.rows import INTENT_COLUMNS, instant_text, intent_values
from einmal.adapters.sql.steps import Hold, Statement, Steps, Store, Violated
from einmal.adapters.sql.tenants import hash_key_of
from einmal.domain.intent import BOOKED, State
from einmal.domain.keys import IntentKey, intent_key, normal_name
from einmal.domain.model import Person
from einmal.domain.takeover import LeftOut, LeftWhy, Old, taken_over
from einmal.ports import Ids
from einmal.ports.importing import RefusedRows, Weighed
from einmal.sealed import Keyring

PLATFORM: Final = "import"
"""Of a call that only another program's table tells of."""

_REFS: Final = """
    SELECT i.imported_from, i.booking_uid, i.start_at, i.service_id, a.confirmed_at = a.created_at
    FROM intents i LEFT JOIN appointments a ON a.intent_id = i.intent_id
    WHERE i.tenant_id = ? AND i.imported_from IN ({marks})"""
"""The last: it was confirmed when it was taken over, whatever has become of it since."""

_UIDS: Final = "SELECT calcom_v2_booking_id FROM appointments WHERE calcom_v2_booking_id IN ({marks})"
_LIVE: Final = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
_LIVE_WISHES: Final = f"SELECT intent_key FROM intents WHERE tenant_id = ? AND intent_key IN ({{marks}}) AND {_LIVE}"  # noqa: S608 - constants only
_LIVE_SLOTS: Final = f"""
    WITH wanted (contact, start_of_it) AS (VALUES {{marks}})
    SELECT i.{{column}}, i.start_at, i.service_id FROM wanted CROSS JOIN intents i
    WHERE i.tenant_id = ? AND i.{{column}} = wanted.contact AND i.start_at = wanted.start_of_it AND i.{_LIVE}"""  # noqa: S608 - constants only
"""Each by the index that is unique there: a list of starts is answered by SQLite with a walk through all of them."""

_GENERATIONS: Final = """
    SELECT intent_key, max(generation) FROM intents
    WHERE tenant_id = ? AND intent_key IN ({marks}) GROUP BY intent_key"""
_CUSTOMERS: Final = """
    SELECT {column}, min(customer_id) FROM customers
    WHERE tenant_id = ? AND {column} IN ({marks}) GROUP BY {column}"""
_CUSTOMER_COLUMNS: Final = "customer_id, tenant_id, name, name_normal, phone, email, created_at"
_CALL_COLUMNS: Final = "tenant_id, call_id, platform, first_seen_at, ended_at"
_APPOINTMENT_COLUMNS: Final = (
    "appointment_id, tenant_id, intent_id, customer_id, service_id, call_id, starts_at, ends_at, status, "
    "calcom_v2_booking_id, confirmed_at, created_at"
)


class SqlImporting:
    """Shares the ledger's store."""

    def __init__(self, store: Store, ids: Ids, keyring: Keyring | None = None) -> None:
        self._store = store
        self._ids = ids
        self._keyring = keyring or Keyring()

    async def hash_key(self, tenant_id: str) -> bytes | None:
        return await self._store.read(hash_key_of(tenant_id, self._keyring))

    def preview(self, tenant_id: str, hash_key: bytes) -> "SqlPreview":
        return SqlPreview(self._store, tenant_id, hash_key)

    async def take_over(self, tenant_id: str, hash_key: bytes, batch: Sequence[Old], over_before: datetime) -> Weighed:
        keys = _keys(batch, hash_key)

        def work() -> Steps[Weighed]:
            # Of two imports at once the second sees what the first has written.
            yield Hold((f"import {tenant_id}",))
            weighed = yield from _weighed(tenant_id, batch, keys, ())
            if weighed.fresh:
                yield from _calls(tenant_id, weighed.fresh, over_before)
                yield from self._written(tenant_id, weighed.fresh, keys)
            return weighed

        try:
            return await self._store.write(work)
        except Violated as violated:
            raise RefusedRows(violated.constraint) from violated

    def _written(self, tenant_id: str, fresh: Sequence[Old], keys: dict[str, IntentKey]) -> Steps[None]:
        customers = yield from self._customers(tenant_id, fresh)
        last = yield from _found(_GENERATIONS, {keys[old.ref].value for old in fresh}, tenant_id)
        generations: dict[str, int] = dict(last)
        intents, appointments = [], []
        for old, customer_id in zip(fresh, customers, strict=True):
            key = keys[old.ref]
            generation = generations[key.value] = generations.get(key.value, 0) + 1
            intent = taken_over(old, key, generation, self._ids.time_ordered(), self._ids.operation_id())
            intents.append((*intent_values(intent), old.ref))
            appointments.append(_appointment(old, intent.intent_id, customer_id, self._ids.time_ordered()))
        yield from _inserted("intents", f"{INTENT_COLUMNS}, imported_from", intents)
        yield from _inserted("appointments", _APPOINTMENT_COLUMNS, appointments)

    def _customers(self, tenant_id: str, fresh: Sequence[Old]) -> Steps[list[str]]:
        """Whose each of them is: found by phone, else by e-mail, else made. A name alone identifies nobody."""
        people = [old.wish.person for old in fresh]
        phones = yield from _found(_CUSTOMERS, {one.phone for one in people if one.phone}, tenant_id, column="phone")
        emails = yield from _found(_CUSTOMERS, {one.email for one in people if one.email}, tenant_id, column="email")
        known = _Known({str(phone): row for phone, row in phones}, {str(email): row for email, row in emails})
        made, whose = [], []
        for old, person in zip(fresh, people, strict=True):
            customer_id = known.of(person)
            if customer_id is None:
                customer_id = self._ids.time_ordered()
                name, at = normal_name(person.name), instant_text(old.created_at)
                made.append((customer_id, tenant_id, person.name, name, person.phone, person.email, at))
                known.add(person, customer_id)
            whose.append(customer_id)
        yield from _inserted("customers", _CUSTOMER_COLUMNS, made)
        return whose


@dataclass(slots=True)
class _Known:
    by_phone: dict[str, str] = field(default_factory=dict)
    by_email: dict[str, str] = field(default_factory=dict)

    def of(self, person: Person) -> str | None:
        return self.by_phone.get(person.phone or "") or self.by_email.get(person.email or "")

    def add(self, person: Person, customer_id: str) -> None:
        for of_them, value in ((self.by_phone, person.phone), (self.by_email, person.email)):
            if value is not None:
                of_them.setdefault(value, customer_id)


class SqlPreview:
    """The Preview port. What it remembers stands in a file of its own, gone when it is closed."""

    def __init__(self, store: Store, tenant_id: str, hash_key: bytes) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._hash_key = hash_key
        self._claims = sqlite3.connect("", isolation_level=None)
        self._claims.execute("CREATE TABLE claims (claim TEXT PRIMARY KEY) WITHOUT ROWID")

    async def look(self, batch: Sequence[Old]) -> Weighed:
        keys = _keys(batch, self._hash_key)
        wanted = [claim for old in batch for claim in _claims(old, keys[old.ref])]
        marks = ", ".join("?" * len(wanted))
        rows = self._claims.execute(f"SELECT claim FROM claims WHERE claim IN ({marks})", wanted)  # noqa: S608 - marks
        claimed = [claim for (claim,) in rows]
        weighed = await self._store.read(lambda: _weighed(self._tenant_id, batch, keys, claimed))
        new = [(claim,) for old in weighed.fresh for claim in _claims(old, keys[old.ref])]
        self._claims.execute("BEGIN")
        self._claims.executemany("INSERT OR IGNORE INTO claims VALUES (?)", new)
        self._claims.execute("COMMIT")
        return weighed

    def close(self) -> None:
        self._claims.close()


def _weighed(
    tenant_id: str, batch: Sequence[Old], keys: dict[str, IntentKey], claimed: Iterable[str]
) -> Steps[Weighed]:
    """What becomes of each, beside what the ledger holds, what is claimed, and the others before it."""
    refs = yield from _found(_REFS, [old.ref for old in batch], tenant_id)
    uids = yield from _found(_UIDS, [old.booking_uid for old in batch])
    held = {ref: _Held(*what) for ref, *what in refs}
    taken = {*claimed, *(_of_uid(uid) for (uid,) in uids), *map(_of_row, held)}
    taken |= yield from _live(tenant_id, [(keys[old.ref], old) for old in batch if old.state in BOOKED])
    fresh, left, differ = [], [], 0
    for old in batch:
        there = held.get(old.ref)
        if there is not None and there.uid == old.booking_uid:
            differ += there.differs(old)
            continue
        claims = _claims(old, keys[old.ref])
        why = _in_the_way(claims, taken)
        if why is not None:
            left.append(LeftOut(old.ref, why))
        else:
            fresh.append(old)
            taken.update(claims)
    return Weighed(tuple(fresh), len(batch) - len(fresh) - len(left), tuple(left), differ)


@dataclass(frozen=True, slots=True)
class _Held:
    """What the ledger holds of a row that was taken over. What has become of it at the calendar since is left aside."""

    uid: str | None
    start: str
    service_id: str
    confirmed: bool | None

    def differs(self, old: Old) -> bool:
        """Whether the row says something else than when it was taken over. Of its status: confirmed or not."""
        now = (instant_text(old.wish.start), old.wish.service.service_id, old.state is State.CONFIRMED)
        return now != (self.start, self.service_id, bool(self.confirmed))


def _in_the_way(claims: Sequence[str], taken: set[str]) -> LeftWhy | None:
    booking, row, *slot = claims
    if booking in taken:
        return LeftWhy.BOOKING_KNOWN
    if row in taken:
        return LeftWhy.ROW_KNOWN
    return None if taken.isdisjoint(slot) else LeftWhy.SLOT_TWICE


def _live(tenant_id: str, wanted: Sequence[tuple[IntentKey, Old]]) -> Steps[set[str]]:
    """What is claimed by what the ledger holds as live."""
    wishes = yield from _found(_LIVE_WISHES, {key.value for key, _ in wanted}, tenant_id)
    taken = {_of_wish(key) for (key,) in wishes}
    for kind in ("phone", "email"):
        slots = sorted(
            (contact, instant_text(old.wish.start))
            for key, old in wanted
            if (contact := getattr(key.person, f"{kind}_hash")) is not None
        )
        if slots:
            sql = _LIVE_SLOTS.format(marks=", ".join(["(?, ?)"] * len(slots)), column=f"{kind}_hash")
            rows = yield Statement(sql, (*(value for slot in slots for value in slot), tenant_id))
            taken.update(_of_slot(kind, *row) for row in rows)
    return taken


def _keys(batch: Sequence[Old], hash_key: bytes) -> dict[str, IntentKey]:
    """Of two rows of one name the first is taken over, and the other left out."""
    return {old.ref: intent_key(old.wish, hash_key) for old in reversed(batch)}


def _claims(old: Old, key: IntentKey) -> tuple[str, ...]:
    """What no two may have: the booking first, then the row's name, and of what is live its slot."""
    if old.state not in BOOKED:
        return (_of_uid(old.booking_uid), _of_row(old.ref))
    person, start, service_id = key.person, instant_text(old.wish.start), old.wish.service.service_id
    contacts = (("phone", person.phone_hash), ("email", person.email_hash))
    slots = (_of_slot(kind, contact, start, service_id) for kind, contact in contacts if contact is not None)
    return (_of_uid(old.booking_uid), _of_row(old.ref), _of_wish(key.value), *slots)


def _of_uid(uid: str) -> str:
    return f"booking {uid}"


def _of_row(ref: str) -> str:
    return f"row {ref}"


def _of_wish(key: str) -> str:
    return f"wish {key}"


def _of_slot(kind: str, contact: str, start: str, service_id: str) -> str:
    """As the partial UNIQUE indexes have it."""
    return f"{kind} {contact} {start} {service_id}"


def _calls(tenant_id: str, fresh: Sequence[Old], over_before: datetime) -> Steps[None]:
    """Nobody waits for word of the end of those that are over; one of just now may still go on."""
    begun = {old.wish.conversation_id: old.created_at for old in reversed(fresh)}
    rows = []
    for call_id, at in begun.items():
        if call_id is not None:
            ended_at = instant_text(at) if at < over_before else None
            rows.append((tenant_id, call_id, PLATFORM, instant_text(at), ended_at))
    yield from _inserted("calls", _CALL_COLUMNS, rows, "ON CONFLICT (tenant_id, call_id) DO NOTHING")


def _appointment(old: Old, intent_id: str, customer_id: str, appointment_id: str) -> tuple[Any, ...]:
    wish, created = old.wish, instant_text(old.created_at)
    times = (instant_text(wish.start), instant_text(old.end))
    whose = (wish.tenant_id, intent_id, customer_id, wish.service.service_id, wish.conversation_id)
    confirmed = created if old.state is State.CONFIRMED else None
    return (appointment_id, *whose, *times, old.state.value, old.booking_uid, confirmed, created)


def _found(statement: str, wanted: Iterable[Any], *before: Any, column: str = "") -> Steps[Sequence[Any]]:
    """The rows of a statement about several; none where nothing is wanted."""
    values = sorted(wanted)
    if not values:
        return ()
    sql = statement.format(marks=", ".join("?" * len(values)), column=column)
    return (yield Statement(sql, (*before, *values)))


def _inserted(table: str, columns: str, rows: Iterable[tuple[Any, ...]], more: str = "") -> Steps[None]:
    values = list(rows)
    if values:
        one = f"({', '.join('?' * len(values[0]))})"
        sql = f"INSERT INTO {table} ({columns}) VALUES {', '.join([one] * len(values))} {more}"  # noqa: S608 - constants
        yield Statement(sql, tuple(value for row in values for value in row))
