"""What a booking costs does not grow with the bookings before it, on a database that nobody ever analyzed.

On an empty table all indexes that could be asked cost the same, whatever the order of their columns; of those the
planner takes the one that was made last, and a session keeps that plan. Autovacuum is off here, so that nothing comes
to its help.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.ledger import PostgresLedger
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.intent import Event
from einmal.domain.keys import intent_key
from einmal.ports import CallContact, Candidate, Transition
from support.evidence import NOW, SECRET, booking, wish
from support.notes import until
from support.sql import SqlBase, postgres_base

IDS = SystemIds()
BOOKINGS, LANES = 600, 16
TABLES = ("appointments", "calls", "customers", "intents")

NEVER_ANALYZED = """
    DO $$ DECLARE one regclass; BEGIN
        FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
            EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', one);
        END LOOP;
    END $$"""

MADE_LAST = """
    DROP INDEX unique_live_intent;
    CREATE UNIQUE INDEX unique_live_intent ON intents ({})
        WHERE state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"""


@pytest.fixture
def base(tmp_path: Path) -> Iterator[SqlBase]:
    with postgres_base(tmp_path) as made:
        made.run(NEVER_ANALYZED)
        made.add_tenant("default")
        yield made


async def book(ledger: PostgresLedger, number: int) -> None:
    """Somebody of his own, in a call of his own, at a time of his own: admitted, and booked."""
    phone, call, start = f"+49309{number:06d}", f"call_{number}", NOW + number * timedelta(minutes=30)
    of = wish(name=f"Gast {number}", phone=phone, conversation_id=call, start=start)
    operation = IDS.operation_id()
    made = (IDS.time_ordered(), operation, f"termin+{operation}@salon.test", NOW, NOW + timedelta(seconds=15))
    candidate = Candidate(of, CallContact("retell", call), intent_key(of, SECRET), *made)
    admitted = await ledger.admit(candidate, AdmissionPolicy())
    assert admitted.started is not None
    given = booking(uid=f"uid-{number}", start=start, end=start + timedelta(minutes=30))
    await ledger.apply(Transition(admitted.started, (Event.LANDED_ACCEPTED,), NOW, booking=given))


async def book_many(base: SqlBase) -> None:
    """In lanes side by side. The sessions have ended, and with that have told what they read."""
    ledger = PostgresLedger(str(base.where), IDS)
    ledger.open()

    async def lane(first: int) -> None:
        for number in range(first, BOOKINGS, LANES):
            await book(ledger, number)

    try:
        await asyncio.gather(*map(lane, range(LANES)))
    finally:
        ledger.close()
    ours = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'einmal'"
    await until(lambda: base.run(f"SELECT count(*) {ours}") == [(0,)])


def read_much(base: SqlBase) -> list[str]:
    """The indexes and tables of which more was read than a few rows each time."""
    indexes = base.run(
        "SELECT indexrelname, idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE idx_tup_read > 4 * idx_scan + 50"
    )
    tables = base.run(
        "SELECT relname, seq_scan, seq_tup_read FROM pg_stat_user_tables "  # noqa: S608 - constants only
        f"WHERE relname IN {TABLES} AND seq_tup_read > 4 * seq_scan + 50"
    )
    return [str(name) for name, *_ in (*indexes, *tables)]


def used(base: SqlBase) -> int:
    """How often an index of the intents was asked at all."""
    return int(base.run("SELECT sum(idx_scan)::int FROM pg_stat_user_indexes WHERE relname = 'intents'")[0][0])


async def test_what_a_booking_reads_does_not_grow(base: SqlBase) -> None:
    """Six hundred bookings by one tenant: each look reads a few rows, and no table is read from end to end."""
    await book_many(base)
    assert read_much(base) == []
    assert used(base) >= 3 * BOOKINGS, "and that was counted"
    assert len(base.rows("appointments", "appointment_id")) == BOOKINGS
    assert base.run("SELECT count(*) FROM pg_stat_user_tables WHERE analyze_count + autoanalyze_count > 0") == [(0,)]


@pytest.mark.parametrize("columns", ["tenant_id, intent_key", "intent_key, tenant_id"])
async def test_control_with_an_index_that_was_made_later_it_does(base: SqlBase, columns: str) -> None:
    """The planner takes it for the neighbours of a slot, and reads all that the tenant has live."""
    for statement in MADE_LAST.format(columns).split(";"):
        base.run(statement)
    await book_many(base)
    assert "unique_live_intent" in read_much(base)
