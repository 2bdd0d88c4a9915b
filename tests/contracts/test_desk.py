"""The contract of the DeskBooks port: what the desk shows is what the rows say, on every database, by an index each."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql import desk
from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.system import SystemClock, SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.callback import Callback
from einmal.domain.drift import Drift, DriftKind
from einmal.domain.intent import Event, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.tally import Tally
from einmal.ports import CallContact, Candidate, Transition
from einmal.ports.desk import LISTED_MAX, Desk, Doubtful, Exported, Rejections
from einmal.ports.journal import FunctionCalled
from einmal.ports.reconciling import Counts, Phase, Run
from support.evidence import SECRET, booking, wish
from support.sql import BASES, SqlBase

IDS = SystemIds()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NOW = SystemClock().now().replace(microsecond=0)
"""Ids are of the machine's clock, and what is a day old is told by them."""
TEN = NOW.replace(hour=10, minute=0, second=0) + timedelta(days=3)
DAY = (TEN.replace(hour=0), TEN.replace(hour=0) + timedelta(days=1))
DAYS = {"default": DAY, "other": DAY}


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        made.add_tenant("other")
        yield made


async def made(
    ledger: SqlLedger, number: int, start: datetime, *events: Event, tenant: str = "default", **transition: Any
) -> Intent:
    """An intent of somebody of his own, in a call of his own; doubted and resolved a minute after the one before."""
    call_id, at = f"call_{number}", NOW + number * MINUTE
    who = {"phone": f"+4930901{number:03}", "tenant_id": tenant, "name": f"Gast {number}"}
    of = wish(start=start, conversation_id=call_id, **who)
    operation = IDS.operation_id()
    ids = (IDS.time_ordered(), operation, f"termin+{operation}@salon.test")
    to = Candidate(of, CallContact("retell", call_id), intent_key(of, SECRET), *ids, NOW, NOW + MINUTE)
    intent = (await ledger.admit(to, AdmissionPolicy())).started
    assert intent is not None
    uid = booking(uid=f"uid{number}", start=start, end=start + HOUR, host_name="Mia")
    for event in events:
        moved = Transition(intent, (event,), at, booking=uid, look_at=NOW, **transition)
        intent, transition = (await ledger.apply(moved)).intent, {}
    return intent


async def test_an_empty_ledger_shows_nothing(base: SqlBase) -> None:
    assert await base.ledger(IDS).desk.seen(NOW, DAYS) == Desk()
    assert await base.ledger(IDS).desk.seen(NOW, {}) == Desk()


async def test_today_is_what_is_live_in_each_tenants_day(base: SqlBase) -> None:
    """By start; with whom, and whether it is booked. Not what was refused, nor what begins a day sooner or later."""
    ledger = base.ledger(IDS)
    await made(ledger, 1, TEN + HOUR, Event.LANDED_ACCEPTED)
    await made(ledger, 2, TEN, Event.DOUBTED)
    await made(ledger, 3, DAY[0], tenant="other")
    await made(ledger, 4, TEN, Event.REFUSED)
    await made(ledger, 5, DAY[1], Event.LANDED_ACCEPTED)
    await made(ledger, 6, DAY[0] - MINUTE, Event.LANDED_ACCEPTED)
    seen = await ledger.desk.seen(NOW, DAYS)
    assert [(one.tenant_id, one.start, one.state, one.staff, one.call_id, one.name) for one in seen.today] == [
        ("other", DAY[0], State.SENT, None, "call_3", "Gast 3"),
        ("default", TEN, State.DOUBT, None, "call_2", "Gast 2"),
        ("default", TEN + HOUR, State.CONFIRMED, "Mia", "call_1", "Gast 1"),
    ]
    assert seen.ever_asked


async def test_rejections_are_counted_by_hour_layer_and_reason(base: SqlBase) -> None:
    """Those of the last 24 hours, and no other facts."""
    hour = NOW.replace(minute=0, second=0)
    rows = [
        (hour, "rejected", "layer1", "stale_booking"),
        (hour, "rejected", "layer1", "stale_booking"),
        (hour - 2 * HOUR, "rejected", "layer2", "call_id_mismatch"),
        (hour - 26 * HOUR, "rejected", "layer3", "database_duplicate"),
        (hour, "alarm", "layer4", "constraint_violation"),
    ]
    values = ", ".join(
        f"('default', 'i', '{at:%Y-%m-%dT%H:%M:%S.000Z}', '{kind}', "
        f'\'{{"layer": "{layer}", "reason": "{reason}"}}\')'
        for at, kind, layer, reason in rows
    )
    base.run(f"INSERT INTO facts (tenant_id, intent_id, at, kind, data) VALUES {values}")  # noqa: S608 - the tests' own
    seen = await base.ledger(IDS).desk.seen(NOW, {})
    assert seen.rejections == (
        Rejections(hour - 2 * HOUR, "layer2", "call_id_mismatch", 1),
        Rejections(hour, "layer1", "stale_booking", 2),
    )


async def test_ages_are_those_of_the_bookings_that_came_back(base: SqlBase) -> None:
    """How old each was when it came; an answer without a booking has none, nor one of days ago."""
    ledger = base.ledger(IDS)
    old = booking(created_at=NOW - 33 * MINUTE)
    await made(ledger, 1, TEN, Event.DOUBTED, answer=Answer(AnswerKind.BOOKING, old, 201))
    await made(ledger, 2, TEN + HOUR, Event.DOUBTED, answer=Answer(AnswerKind.LOST))
    seen = await ledger.desk.seen(NOW + 2 * MINUTE, {})
    assert seen.ages == (34 * MINUTE,)
    later = await ledger.desk.seen(NOW + timedelta(days=2), {})
    assert later.ages == ()


async def test_repeats_are_those_of_yesterday_and_today(base: SqlBase) -> None:
    ledger, day = base.ledger(IDS), timedelta(days=1)
    today = NOW.astimezone(UTC).date()
    joined, replayed, other = "not_started.join", "not_started.replay", "not_started.occupied"
    await ledger.tallies.add({(today, joined): Tally(2), (today - day, joined): Tally(1), (today, other): Tally(5)})
    await ledger.tallies.add({(today - day, replayed): Tally(4), (today - 2 * day, replayed): Tally(50)})
    assert (await ledger.desk.seen(NOW, {})).repeats == {"join": 3, "replay": 4}


async def test_doubts_are_listed_oldest_first(base: SqlBase) -> None:
    """What is in doubt, what was sent and never answered, and what waits for a person; not what is under way."""
    ledger = base.ledger(IDS)
    later = await made(ledger, 4, TEN, Event.DOUBTED)
    first = await made(ledger, 3, TEN + HOUR, Event.DOUBTED)
    dead = await made(ledger, 5, TEN + 2 * HOUR)
    ruled = await made(ledger, 6, TEN + 3 * HOUR, Event.DOUBTED, Event.ESCALATED)
    before = await ledger.desk.seen(NOW + MINUTE, {})
    assert [one.intent_id for one in before.doubts] == [first.intent_id, later.intent_id]
    after = await ledger.desk.seen(NOW + 2 * MINUTE, {})
    assert [(one.intent_id, one.since) for one in after.doubts] == [
        (dead.intent_id, NOW + MINUTE),
        (first.intent_id, NOW + 3 * MINUTE),
        (later.intent_id, NOW + 4 * MINUTE),
    ]
    assert [(one.intent_id, one.what, one.call_id, one.service) for one in after.escalated] == [
        (ruled.intent_id, Doubtful.BOOK, "call_6", "Beratung")
    ]


async def test_a_change_in_doubt_is_listed_with_them(base: SqlBase) -> None:
    """Under the intent whose booking it changes; one that waits for a person among those that do."""
    ledger = base.ledger(IDS)
    moved = await made(ledger, 1, TEN, Event.LANDED_ACCEPTED)
    stuck = await made(ledger, 2, TEN + HOUR, Event.LANDED_ACCEPTED)
    going = await made(ledger, 3, TEN + 2 * HOUR, Event.LANDED_ACCEPTED)
    for of, kind, state in ((moved, "move", "doubt"), (stuck, "cancel", "escalated"), (going, "cancel", "sent")):
        change(base, of.intent_id, kind, state)
    seen = await ledger.desk.seen(NOW, {})
    assert [(one.intent_id, one.what, one.start) for one in seen.doubts] == [(moved.intent_id, Doubtful.MOVE, TEN)]
    assert [(one.intent_id, one.what) for one in seen.escalated] == [(stuck.intent_id, Doubtful.CANCEL)]


def change(base: SqlBase, intent_id: str, kind: str, state: str) -> None:
    at = f"{NOW:%Y-%m-%dT%H:%M:%S.000Z}"
    base.run(
        "INSERT INTO changes (change_id, tenant_id, kind, intent_id, conversation_id, booking_uid, state, created_at, "  # noqa: S608 - the tests' own words
        f"send_deadline, sends, looks) VALUES ('c{intent_id}', 'default', '{kind}', '{intent_id}', 'call_9', 'u', "
        f"'{state}', '{at}', '{at}', 1, 0)"
    )


async def test_open_differences_and_the_last_comparison(base: SqlBase) -> None:
    """Oldest first; what was mended is over. A comparison that has not ended is none."""
    ledger = base.ledger(IDS)
    run = Run("r1", "default", Phase.CHANGED, NOW, NOW, None, NOW, Counts(rows=7, mended=1))
    await ledger.reconciling.begin(run, NOW, NOW + MINUTE, every=None)
    found = (Drift(DriftKind.GHOST, "u"), Drift(DriftKind.TIME, "v", mended=True))
    run = await ledger.reconciling.step(run, found, NOW, NOW)
    assert (await ledger.desk.seen(NOW, DAYS)).compared == ()
    ended = Run(**{name: getattr(run, name) for name in run.__slots__} | {"ended_at": NOW + MINUTE})
    await ledger.reconciling.step(ended, (Drift(DriftKind.ORPHAN, "w", "01intent"),), NOW + MINUTE, NOW)
    seen = await ledger.desk.seen(NOW, DAYS)
    assert [(one.kind, one.subject, one.intent_id, one.since) for one in seen.drifts] == [
        ("ghost", "u", None, NOW),
        ("orphan", "w", "01intent", NOW + MINUTE),
    ]
    assert [(one.tenant_id, one.ended_at, one.rows, one.mended) for one in seen.compared] == [
        ("default", NOW + MINUTE, 7, 1)
    ]


async def test_who_waits_to_be_called_and_what_was_given_up(base: SqlBase) -> None:
    """The oldest so many. Of messages, those that will not be tried any more."""
    ledger = base.ledger(IDS, ("slack",))
    for number in range(LISTED_MAX + 1):
        at = NOW + number * MINUTE
        name, phone = f"Anna Weiß {number}", f"+49309018{number:02}"
        await ledger.callbacks.note(
            Callback(IDS.time_ordered(), "default", f"call_{number}", name, phone, "Farbe", None, at)
        )
    seen = await ledger.desk.seen(NOW, {})
    assert [one.created_at for one in seen.callbacks] == [NOW + number * MINUTE for number in range(LISTED_MAX)]
    assert seen.given_up == 0
    first, second, *_ = await ledger.outbox.claim_messages(NOW + HOUR, NOW + HOUR, 10)
    await ledger.outbox.not_sent(first, None)
    await ledger.outbox.sent(second, NOW + HOUR)
    assert (await ledger.desk.seen(NOW, {})).given_up == 1


async def test_a_function_call_alone_was_a_call(base: SqlBase) -> None:
    """Then the desk no longer tells how to make the first one."""
    ledger = base.ledger(IDS)
    called = (IDS.time_ordered(), "default", None, NOW, "retell", "current_time", "information", "Es ist zehn Uhr.")
    await ledger.journal.write((FunctionCalled(*called, timedelta(milliseconds=3)),))
    assert (await ledger.desk.seen(NOW, {})).ever_asked


async def test_all_live_appointments_are_exported_page_by_page(base: SqlBase) -> None:
    """By start, of one tenant, each once, also those that begin together; counted before, and no further than asked."""
    ledger = base.ledger(IDS)
    for number in range(5):
        await made(ledger, number, TEN + (number // 2) * HOUR, Event.LANDED_ACCEPTED)
    await made(ledger, 5, TEN, Event.REFUSED)
    await made(ledger, 6, TEN, Event.LANDED_ACCEPTED, tenant="other")
    await made(ledger, 7, DAY[1], Event.LANDED_ACCEPTED)
    assert await ledger.desk.live_within("default", DAY, 100) == 5
    assert await ledger.desk.live_within("default", DAY, 3) == 3
    got: list[Exported] = []
    while page := await ledger.desk.exported("default", DAY, got[-1] if got else None, 2):
        got += page
    assert sorted(one.name for one in got) == [f"Gast {number}" for number in range(5)]
    assert [one.start for one in got] == sorted(one.start for one in got)
    one = next(one for one in got if one.name == "Gast 2")
    assert (one.phone, one.staff, one.state, one.booking_uid) == ("+4930901002", "Mia", State.CONFIRMED, "uid2")
    assert (one.start, one.end, one.call_id, one.email) == (TEN + HOUR, TEN + 2 * HOUR, "call_2", None)


ASKED = {
    "today": desk._TODAY,  # noqa: SLF001 - what is sent to the database
    "rejections": desk._REJECTIONS,  # noqa: SLF001
    "ages": desk._AGES,  # noqa: SLF001
    "repeats": desk._REPEATS,  # noqa: SLF001
    "doubts": desk._DOUBTS,  # noqa: SLF001
    "escalated": desk._ESCALATED,  # noqa: SLF001
    "changes": desk._CHANGES,  # noqa: SLF001
    "drifts": desk._DRIFTS,  # noqa: SLF001
    "call-backs": desk._CALLBACKS,  # noqa: SLF001
    "given up": desk._GIVEN_UP,  # noqa: SLF001
    "compared": desk._COMPARED,  # noqa: SLF001
    "count": desk._COUNT,  # noqa: SLF001
    "exported": desk._EXPORTED,  # noqa: SLF001
}
BY = {
    "today": "intents_live_start_index (tenant_id=? AND start_at>? AND start_at<?)",
    "rejections": "facts_rejected_index (at>?)",
    "ages": "(intent_id>?)",
    "repeats": "(day>?)",
    "doubts": "intents_due_index (look_at>?)",
    "escalated": "intents_escalated_index (tenant_id>?)",
    "changes": "unique_live_change (intent_id>?)",
    "drifts": "drifts_open_index (tenant_id>?)",
    "call-backs": "callbacks_open_index (tenant_id>?)",
    "given up": "(message_id>?)",
    "compared": "reconciliations_tenant_index (tenant_id=?)",
    "count": "intents_live_start_index (tenant_id=? AND start_at>? AND start_at<?)",
    "exported": "intents_live_start_index (tenant_id=? AND start_at>? AND start_at<?)",
}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    with BASES["sqlite"](tmp_path_factory.mktemp("plans")) as made, closing(sqlite3.connect(made.where)) as connection:
        yield connection


@pytest.mark.parametrize("what", ASKED)
def test_each_is_found_by_an_index_that_holds_little_else(plans: sqlite3.Connection, what: str) -> None:
    """No table is read from end to end: what is scanned is only what an index has found."""
    values = (1,) * ASKED[what].count("?")
    steps = [row[3] for row in plans.execute(f"EXPLAIN QUERY PLAN {ASKED[what]}", values)]
    assert any(BY[what] in step for step in steps), steps
    assert not [step for step in steps if re.match(r"SCAN (?!f$|t$|m$|live$|\d+ CONSTANT)", step)], steps


def test_nor_on_postgres(tmp_path: Path) -> None:
    """Where it may choose, it scans a table that is empty; where it may not, an index answers each question."""
    with BASES["postgres"](tmp_path) as made:
        made.run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_seqscan = off', current_database()); END $$")
        for what, statement in ASKED.items():
            asked = statement.replace("LIMIT ?", "LIMIT 1").replace("?", "'x'")
            plan = "\n".join(row[0] for row in made.run(f"EXPLAIN {asked}"))
            assert "Index Cond" in plan or "Index Scan" in plan, (what, plan)
            assert "Seq Scan" not in plan, (what, plan)
