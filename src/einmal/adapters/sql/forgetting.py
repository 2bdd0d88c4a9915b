"""The ForgettingBooks port on SQL. Rows stay, emptied: their hashes go on telling a repeat from a new wish, their ids
what became of a call. Only an erasure cuts the hashes as well.

Whatever could still need the person is left alone: what is unresolved or to come, changes, composites and news under
way. What others look at in this very moment is left for the next time, so that nobody waits for this.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from einmal.adapters.sql.held import held_of
from einmal.adapters.sql.rows import instant_of, instant_text
from einmal.adapters.sql.steps import Statement, Steps, Store
from einmal.domain.keys import NAMED
from einmal.ports.forgetting import Held, Whom

_LIVE: Final = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
_UNRESOLVED: Final = "('intent', 'sent', 'doubt', 'escalated', 'compensating')"

# What a read at the calendar has put to a later time is over when that is.
_OVER: Final = f"""
    SELECT i.intent_id, i.start_at, i.duration_minutes, i.phone_hash, i.email_hash, i.person_phone, i.person_email
    FROM intents i
    WHERE i.tenant_id = ? AND i.start_at < ? AND i.forgotten_at IS NULL AND i.state NOT IN {_UNRESOLVED}
      AND NOT EXISTS (SELECT 1 FROM appointments a WHERE a.intent_id = i.intent_id AND a.ends_at >= ?)
      AND NOT EXISTS (SELECT 1 FROM changes g WHERE g.intent_id = i.intent_id
                      AND g.state IN ('sent', 'doubt', 'escalated'))
      AND NOT EXISTS (SELECT 1 FROM changes g WHERE g.successor_id = i.intent_id
                      AND g.state IN ('sent', 'doubt', 'escalated'))
      AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.intent_id = i.intent_id AND o.due_at IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM composite_segments s JOIN composites c ON c.composite_id = s.composite_id
                      WHERE s.intent_id = i.intent_id AND c.state IN ('booking', 'undoing', 'escalated'))
    ORDER BY i.start_at, i.intent_id LIMIT ? /* FOR UPDATE OF i SKIP LOCKED */"""  # noqa: S608 - constants only

# An address that the house made for this wish alone is nobody's: by it a booking that arrives late is known as ours.
_EMPTY: Final = """
    UPDATE intents SET person_name = NULL, person_phone = NULL, person_email = NULL, staff = NULL,
        attendee_email = CASE WHEN attendee_email LIKE '%+' || operation_id || '@%' THEN attendee_email ELSE '' END,
        forgotten_at = coalesce(forgotten_at, ?)
    WHERE intent_id IN ({marks})"""

_CUT: Final = """
    UPDATE intents SET intent_key = ?, fingerprint = '', person_hash = ?, name_hash = ?, phone_hash = NULL,
        email_hash = NULL
    WHERE intent_id = ?"""

_CUT_COMPOSITE: Final = "UPDATE composites SET composite_key = ? WHERE composite_id = ?"

_RECEIVED: Final = """
    SELECT intent_id, epoch, CAST(received AS TEXT) FROM attempts
    WHERE intent_id IN ({marks}) AND received IS NOT NULL"""

_STRIP: Final = "UPDATE attempts SET received = ? WHERE intent_id = ? AND epoch = ?"

_CUSTOMERS_OF: Final = "SELECT DISTINCT customer_id FROM appointments WHERE intent_id IN ({marks})"
_CUSTOMERS_BY: Final = "SELECT customer_id FROM customers WHERE tenant_id = ? AND {column} IN ({{marks}})"

_NEEDED: Final = """
    SELECT DISTINCT a.customer_id FROM appointments a JOIN intents i ON i.intent_id = a.intent_id
    WHERE a.customer_id IN ({marks}) AND i.forgotten_at IS NULL"""

_COMING: Final = f"""
    SELECT {{column}} FROM intents
    WHERE tenant_id = ? AND {{column}} IN ({{{{marks}}}}) AND forgotten_at IS NULL AND {_LIVE} LIMIT 1"""  # noqa: S608 - constants only

_NOBODY: Final = """
    UPDATE customers SET name = '', name_normal = '', phone = NULL, email = NULL
    WHERE customer_id IN ({marks})"""

_CALLED_BACK: Final = """
    SELECT callback_id FROM callbacks b
    WHERE b.tenant_id = ? AND b.done_at < ? AND b.done_at IS NOT NULL AND b.forgotten_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.callback_id = b.callback_id AND o.due_at IS NOT NULL)
    ORDER BY b.done_at, b.callback_id LIMIT ? /* FOR UPDATE OF b SKIP LOCKED */"""

_FORGET_CALLBACKS: Final = """
    UPDATE callbacks SET person_name = NULL, person_phone = NULL, note = NULL, wanted = NULL,
        done_at = coalesce(done_at, ?), forgotten_at = coalesce(forgotten_at, ?)
    WHERE callback_id IN ({marks})"""

_HEARD: Final = """
    SELECT served_id FROM function_calls WHERE tenant_id = ? AND at < ? AND heard IS NOT NULL
    ORDER BY at, served_id LIMIT ? /* FOR UPDATE SKIP LOCKED */"""

_UNSAID: Final = "UPDATE function_calls SET heard = NULL WHERE served_id IN ({marks})"

_ALONE: Final = f"""
    UPDATE customers SET {{contact}} = NULL WHERE tenant_id = ? AND {{contact}} = ?
      AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.tenant_id = customers.tenant_id AND i.{{contact}}_hash = ?
                      AND i.forgotten_at IS NULL AND i.{_LIVE})"""  # noqa: S608 - constants only

_AUDIT: Final = "INSERT INTO system_audit_log (event_type, description, data, created_at) VALUES (?, ?, ?, ?)"

AT_ONCE: Final = 500
"""Ids in one statement."""


class SqlForgetting:
    """Shares the ledger's store. On PostgreSQL in commits of its own: it holds rows that a caller may want."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def forget(
        self, tenant_id: str, over_before: datetime, said_before: datetime, now: datetime, limit: int
    ) -> int:
        at, over, said = map(instant_text, (now, over_before, said_before))

        def work() -> Steps[int]:
            found = yield Statement(_OVER, (tenant_id, over, over, limit))
            # By its start, so that an index finds it; whether it has ended is seen here. Those that have not come last.
            due = [row for row in found if instant_of(row[1]) + timedelta(minutes=row[2]) < over_before]
            yield from _emptied([row[0] for row in due], at)
            people = [tuple(row[3:7]) for row in due]
            yield from _nobodies(tenant_id, [row[0] for row in due], people)
            called = [row[0] for row in (yield Statement(_CALLED_BACK, (tenant_id, said, limit)))]
            yield from _each(_FORGET_CALLBACKS, called, at, at)
            heard = [row[0] for row in (yield Statement(_HEARD, (tenant_id, said, limit)))]
            yield from _each(_UNSAID, heard)
            # One kind that fills its measure says that there may be more.
            return max(len(due), len(called), len(heard))

        return await self._store.write(work)

    async def held(self, tenant_id: str, whom: Whom, now: datetime) -> Held:
        def work() -> Steps[Held]:
            return (yield from held_of(tenant_id, whom, now)).held

        return await self._store.snapshot(work)

    async def erase(self, tenant_id: str, whom: Whom, at: datetime) -> Held:
        now = instant_text(at)

        def work() -> Steps[Held]:
            found = yield from held_of(tenant_id, whom, at, locked=True)
            held = found.held
            if held.stands or held.is_empty:
                return held
            intents = [row["intent_id"] for row in held.rows["intents"]]
            yield from _emptied(intents, now)
            for intent_id, key in found.keys.items():
                # A pseudonym for each row by itself: two who were erased are not one and the same.
                nobody = f"erased-{intent_id}"
                yield Statement(_CUT, (_cut(key, intent_id), nobody, nobody, intent_id))
            for composite_id, key in found.composite_keys.items():
                yield Statement(_CUT_COMPOSITE, (_cut(key, composite_id), composite_id))
            yield from _stripped(found.seen)
            yield from _nobodies(tenant_id, intents, [(whom.phone_hash, whom.email_hash, whom.phone, whom.email)])
            # Whoever shares the row by another number keeps the rest of it.
            yield Statement(_ALONE.format(contact="phone"), (tenant_id, whom.phone, whom.phone_hash))
            yield Statement(_ALONE.format(contact="email"), (tenant_id, whom.email, whom.email_hash))
            yield from _each(_FORGET_CALLBACKS, [row["callback_id"] for row in held.rows["callbacks"]], now, now)
            yield from _each(_UNSAID, [row["served_id"] for row in held.rows["function_calls"]])
            asked = (("phone", whom.phone), ("email", whom.email), ("call", whom.call_id))
            by = [kind for kind, value in asked if value is not None]
            counts = {table: len(rows) for table, rows in held.rows.items() if rows}
            data = {"tenant": tenant_id, "by": by, "rows": counts, "seen_elsewhere": held.seen_elsewhere}
            yield Statement(
                _AUDIT, ("personal_data_erased", "what was held of one person was erased", json.dumps(data), now)
            )
            return held

        return await self._store.write(work)

    async def scrub(self) -> bool:
        return await self._store.scrub()


def _cut(key: str, row_id: str) -> str:
    """A key that nobody's wish can have, and that stands where the old one stood in the index. A name that a client
    gave stays: it says nothing of the person, and books once for all time, also when they are gone."""
    if key.startswith(NAMED):
        return key
    return f"{key.partition('-')[0]}-erased-{row_id}"


def _each(statement: str, ids: Sequence[str], *before: Any) -> Steps[list[Any]]:
    """The statement for these, some hundred at a time."""
    rows: list[Any] = []
    for begin in range(0, len(ids), AT_ONCE):
        some = ids[begin : begin + AT_ONCE]
        rows += yield Statement(statement.format(marks=", ".join("?" for _ in some)), (*before, *some))
    return rows


def _emptied(intents: Sequence[str], at: str) -> Steps[None]:
    """What names the person of these, in their own rows and in what came back for them."""
    yield from _each(_EMPTY, intents, at)
    yield from _stripped((yield from _each(_RECEIVED, intents)))


def _stripped(attempts: Iterable[Sequence[Any]]) -> Steps[None]:
    """Of the booking that came back, name and addresses; uid, times and ids stay as evidence."""
    for intent_id, epoch, received in attempts:
        plain = json.dumps(json.loads(received) | {"name": None, "emails": []}, separators=(",", ":"))
        yield Statement(_STRIP, (plain, intent_id, epoch))


def _nobodies(tenant_id: str, intents: Sequence[str], people: Sequence[Sequence[str | None]]) -> Steps[None]:
    """The customers of these intents, unless something that is not forgotten needs them.

    `people`: phone's and e-mail's hash, phone and e-mail of each. Somebody who is being booked in this moment has a
    live row by then, written before the calendar was asked: a customer who comes again is left as they are.
    """
    customers = {row[0] for row in (yield from _each(_CUSTOMERS_OF, intents))}
    for column, values in (("phone", [one[2] for one in people]), ("email", [one[3] for one in people])):
        known = sorted({value for value in values if value is not None})
        customers |= {row[0] for row in (yield from _each(_CUSTOMERS_BY.format(column=column), known, tenant_id))}
    customers -= {row[0] for row in (yield from _each(_NEEDED, sorted(customers)))}
    for customer_id in sorted(customers):
        if not (yield from _comes_again(tenant_id, customer_id, people)):
            yield from _each(_NOBODY, [customer_id])


def _comes_again(tenant_id: str, customer_id: str, people: Sequence[Sequence[str | None]]) -> Steps[bool]:
    """Whether a live intent is of the customer's phone or e-mail."""
    rows = yield Statement("SELECT phone, email FROM customers WHERE customer_id = ?", (customer_id,))
    phone, email = rows[0]
    phones = sorted({one[0] for one in people if one[0] is not None and one[2] == phone})
    emails = sorted({one[1] for one in people if one[1] is not None and one[3] == email})
    for column, hashes in (("phone_hash", phones), ("email_hash", emails)):
        if (yield from _each(_COMING.format(column=column), hashes, tenant_id)):
            return True
    return False
