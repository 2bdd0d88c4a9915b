"""What a ledger is measured by: filled with appointments, looked up in, and asked to hold one booking twice.

Only for a scratch ledger. The appointments are copies of one that the gateway itself
wrote, each with ids of its own, so that no column is forgotten here.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Table

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.schema import appointments, intents
from einmal.adapters.sql.steps import Statement, Steps, Store, Transaction, Violated, only
from einmal.adapters.sql.store import store_of

_SPREAD: Final = 2_654_435_761
_RANGE: Final = 2**32
"""Odd beside a power of two: no two numbers become one, and neighbours lie far apart in the index."""

_OWN: Final = {
    "intent_id": "'proof_' || n.i",
    "operation_id": "'proof_' || n.i",
    "intent_key": "m.intent_key || n.i",
    "conversation_id": "'proof_' || n.i",
    "appointment_id": "'proof_' || n.i",
    "calcom_v2_booking_id": f"'proof_' || (n.i * {_SPREAD} % {_RANGE})",
}
"""What differs in each copy."""


@contextlib.contextmanager
def store_at(where: Path | str) -> Iterator[Store]:
    store = store_of(where)
    store.open()
    try:
        yield store
    finally:
        store.close()


async def filled(store: Store, count: int) -> None:
    """So many appointments more. Raises LookupError where there is none to copy."""
    models = await store.read(only("SELECT intent_id FROM appointments ORDER BY appointment_id LIMIT 1"))
    if not models:
        raise LookupError("there is no appointment to copy")

    def work() -> Steps[None]:
        for table in (intents, appointments):
            yield Statement(_copies(table, count), (models[0][0],))

    await store.write(work)


async def look_ups(ledger: SqlLedger, count: int, among: int, seconds: Callable[[], float]) -> list[float]:
    """How long each took, in milliseconds, as a booking does it: by the uid of another intent's appointment."""
    asker = await ledger.stored("proof_1")
    if asker is None:
        raise LookupError("nothing was filled in")
    taken = []
    for number in range(count):
        uid = f"proof_{(2 + number * 7919 % (among - 1)) * _SPREAD % _RANGE}"
        began = seconds()
        known = await ledger.known_booking(uid, asker.intent)
        taken.append((seconds() - began) * 1000)
        if known is None:
            raise LookupError(f"{uid} was not found")
    return taken


async def refuses_twice(store: Store) -> bool:
    """Whether the database refuses one booking uid in two rows. Nothing of the attempt stays."""
    rows = await store.read(only("SELECT appointment_id, calcom_v2_booking_id FROM appointments LIMIT 2"))
    if len(rows) < 2:
        raise LookupError("there are no two appointments to try it on")
    try:
        await store.write(_doubled(rows[0][0], rows[1][1]))
    except Violated as violated:
        return "calcom_v2_booking_id" in violated.constraint
    except _Accepted:
        return False
    raise AssertionError


class _Accepted(Exception):
    """The database took the second row; raised inside the transaction, so that it does not stay."""


def _doubled(appointment_id: str, uid: str) -> Transaction[None]:
    def work() -> Steps[None]:
        changed = "UPDATE appointments SET calcom_v2_booking_id = ? WHERE appointment_id = ?"
        yield Statement(changed, (uid, appointment_id))
        raise _Accepted

    return work


def _copies(table: Table, count: int) -> str:
    names = [column.name for column in table.columns]
    values = ", ".join(_OWN.get(name, f"m.{name}") for name in names)
    return f"""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count:d})
        INSERT INTO {table.name} ({", ".join(names)})
        SELECT {values} FROM {table.name} m CROSS JOIN n WHERE m.intent_id = ?"""  # noqa: S608 - constants only
