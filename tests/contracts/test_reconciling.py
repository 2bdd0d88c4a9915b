"""The contract of the books of reconciliation and of verification, on every database."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.drift import Drift, DriftKind
from einmal.domain.intent import Event, Intent
from einmal.domain.keys import intent_key
from einmal.domain.model import Wish
from einmal.ports import CallContact, Candidate, Transition
from einmal.ports.reconciling import Counts, LostRun, Phase, Run
from support.evidence import NOW, SECRET, booking, wish
from support.sql import BASES, SqlBase

IDS = SystemIds()
MINUTE = timedelta(minutes=1)
LEASE = NOW + 2 * MINUTE
COUNTS = Counts(1, 2, 3, 4, 5, 6, 7, {"ghost": 8})
RUN = Run("run1", "default", Phase.CHANGED, NOW, NOW, None, NOW, COUNTS)
GHOST = Drift(DriftKind.GHOST, "uid1", "intent1", "detail")
TEN = wish().start


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        made.add_tenant("another")
        yield made


@pytest.fixture
def ledger(base: SqlBase) -> SqlLedger:
    return base.ledger(IDS)


async def booked(ledger: SqlLedger, uid: str, number: int = 0, verify_after: timedelta | None = None) -> Intent:
    """An appointment, so many days later than the first."""
    of: Wish = replace(wish(phone=f"+4917012345{number:02}"), start=TEN + timedelta(days=number))
    operation = IDS.operation_id()
    ids = (IDS.time_ordered(), operation, f"termin+{operation}@salon.test")
    call = CallContact("retell", f"call_{number}")
    to = Candidate(of, call, intent_key(of, SECRET), *ids, NOW, NOW + timedelta(seconds=15))
    started = (await ledger.admit(to, AdmissionPolicy())).started
    assert started is not None
    made = booking(uid=uid, start=of.start, end=of.end, host_name="Anna")
    at = None if verify_after is None else NOW + verify_after
    return (await ledger.apply(Transition(started, (Event.LANDED_ACCEPTED,), NOW, booking=made, verify_at=at))).intent


# A run ---------------------------------------------------------------------------------------------------------------


async def test_a_run_comes_back_as_it_was_left(ledger: SqlLedger) -> None:
    books = ledger.reconciling
    assert await books.begin(RUN, NOW, LEASE, every=None) == RUN
    until = replace(RUN, phase=Phase.UPCOMING, cursor=NOW + MINUTE, changed_until=NOW)
    stepped = await books.step(until, (), NOW, LEASE)
    assert stepped == replace(until, steps=1)
    again = await books.begin(replace(RUN, run_id="run2"), LEASE, LEASE + MINUTE, every=None)
    assert again == replace(stepped, steps=2)


async def test_a_tenant_has_one_run_at_a_time(base: SqlBase) -> None:
    """Who loses the race does nothing; another tenant has its own."""
    one, other = base.ledger(IDS), base.ledger(IDS)
    begun = await asyncio.gather(
        *(
            ledger.reconciling.begin(replace(RUN, run_id=f"run{n}"), NOW, LEASE, every=None)
            for n, ledger in enumerate((one, other) * 3)
        )
    )
    assert sum(run is not None for run in begun) == 1
    assert await one.reconciling.begin(replace(RUN, run_id="x", tenant_id="another"), NOW, LEASE, every=None)


async def test_who_was_overtaken_writes_nothing(ledger: SqlLedger) -> None:
    """Its lease had ended, and somebody went on."""
    books = ledger.reconciling
    run = await books.begin(RUN, NOW, LEASE, every=None)
    assert run is not None
    await books.begin(RUN, LEASE + MINUTE, LEASE + 2 * MINUTE, every=None)
    with pytest.raises(LostRun):
        await books.step(run, (GHOST,), NOW, LEASE)
    assert await books.open_drifts("default", None, 9) == ()


async def test_a_lease_of_a_clock_that_was_set_back_holds_nobody_up(ledger: SqlLedger) -> None:
    books = ledger.reconciling
    await books.begin(RUN, NOW, NOW + timedelta(days=3), every=None)
    assert await books.begin(RUN, NOW, LEASE, every=None) is not None


async def test_the_next_one_begins_when_it_is_due(ledger: SqlLedger) -> None:
    books = ledger.reconciling
    assert await books.last("default") is None
    run = await books.begin(RUN, NOW, LEASE, every=3600.0)
    assert run is not None
    ended = await books.step(replace(run, phase=Phase.ENDED, ended_at=NOW + MINUTE), (), NOW, LEASE)
    assert await books.last("default") == ended
    later = replace(RUN, run_id="run2")
    assert await books.begin(later, NOW + timedelta(minutes=59), LEASE, every=3600.0) is None
    assert await books.begin(later, NOW + timedelta(minutes=61), LEASE, every=3600.0) == later
    with pytest.raises(LostRun):
        await books.step(ended, (), NOW, LEASE)


# What it found -------------------------------------------------------------------------------------------------------


async def test_a_drift_is_known_from_when_it_was_first_seen(ledger: SqlLedger) -> None:
    books = ledger.reconciling
    run = await books.begin(RUN, NOW, LEASE, every=None)
    assert run is not None
    run = await books.step(run, (GHOST,), NOW, LEASE)
    run = await books.step(run, (replace(GHOST, detail="again"),), NOW + MINUTE, LEASE)
    (known,) = await books.open_drifts("default", (DriftKind.GHOST,), 9)
    assert (known.drift.detail, known.first_seen_at, known.last_seen_at) == ("again", NOW, NOW + MINUTE)
    assert await books.open_drifts("default", (DriftKind.ORPHAN,), 9) == ()
    assert await books.open_drifts("another", None, 9) == ()


async def test_one_that_was_mended_is_open_no_more_and_may_come_again(ledger: SqlLedger) -> None:
    books = ledger.reconciling
    run = await books.begin(RUN, NOW, LEASE, every=None)
    assert run is not None
    run = await books.step(run, (replace(GHOST, mended=True),), NOW, LEASE)
    assert await books.open_drifts("default", None, 9) == ()
    run = await books.step(run, (GHOST,), NOW + MINUTE, LEASE)
    (known,) = await books.open_drifts("default", None, 9)
    assert known.first_seen_at == NOW + MINUTE
    await books.drift_ended("default", GHOST, NOW + MINUTE)
    assert await books.open_drifts("default", None, 9) == ()


async def test_what_was_not_seen_again_is_closed(ledger: SqlLedger) -> None:
    """Of the kinds that would have been."""
    books = ledger.reconciling
    run = await books.begin(RUN, NOW, LEASE, every=None)
    assert run is not None
    run = await books.step(run, (GHOST, replace(GHOST, kind=DriftKind.ORPHAN)), NOW, LEASE)
    run = await books.step(run, (replace(GHOST, subject="uid2"),), NOW + MINUTE, LEASE)
    assert await books.close_drifts("default", (DriftKind.GHOST,), NOW + MINUTE, NOW + MINUTE) == 1
    left = {(known.drift.kind, known.drift.subject) for known in await books.open_drifts("default", None, 9)}
    assert left == {(DriftKind.ORPHAN, "uid1"), (DriftKind.GHOST, "uid2")}


# What is compared ----------------------------------------------------------------------------------------------------


async def test_appointments_are_found_by_booking_and_by_operation_id(ledger: SqlLedger) -> None:
    books = ledger.reconciling
    first, second = await booked(ledger, "uid1"), await booked(ledger, "uid2", 1)
    assert [one.intent for one in await books.of_uids("default", ("uid2", "uid9"))] == [second]
    (found,) = await books.of_operations("default", (first.operation_id,))
    assert (found.intent, found.booking is not None) == (first, True)
    assert await books.of_uids("another", ("uid1",)) == ()
    assert await books.of_operations("another", (first.operation_id,)) == ()
    assert await books.of_uids("default", ()) == await books.of_operations("default", ()) == ()


async def test_what_is_to_come_comes_in_parts(ledger: SqlLedger) -> None:
    """Live appointments that begin in a span, each once, however small the parts."""
    for number in range(7):
        await booked(ledger, f"uid{number}", number)
    books = ledger.reconciling
    seen: list[str | None] = []
    after: Intent | None = None
    while some := await books.standing("default", TEN + timedelta(days=1), TEN + timedelta(days=5), after, 3):
        seen += [one.intent.booking_uid for one in some]
        after = some[-1].intent
    assert seen == ["uid1", "uid2", "uid3", "uid4"]
    every = await books.standing("default", TEN, None, None, 99)
    assert len(every) == 7
    assert await books.standing("another", TEN, None, None, 99) == ()
    (one,) = await books.of_uids("default", ("uid1",))
    await ledger.apply(Transition(one.intent, (Event.CANCELLED,), NOW))
    assert len(await books.standing("default", TEN, None, None, 99)) == 6
    assert await books.oldest("default") == NOW
    assert await books.oldest("another") is None


async def test_time_and_host_are_corrected(ledger: SqlLedger) -> None:
    intent = await booked(ledger, "uid1")
    later = TEN + timedelta(hours=1)
    await ledger.reconciling.corrected(intent.intent_id, booking(uid="uid1", start=later, end=None, host_name="Ben"))
    stored = await ledger.stored(intent.intent_id)
    assert stored is not None
    assert stored.booking is not None
    assert (stored.booking.start, stored.booking.staff) == (later, "Ben")


# Verification --------------------------------------------------------------------------------------------------------


async def test_a_new_appointment_is_due_once_and_held_by_one(base: SqlBase) -> None:
    ledger, other = base.ledger(IDS), base.ledger(IDS)
    intent = await booked(ledger, "uid1", verify_after=MINUTE)
    await booked(ledger, "uid2", 1)
    books = ledger.verifying
    assert await books.claim_unverified(NOW, LEASE, 9, ("default",)) == ()
    (claimed,) = await books.claim_unverified(NOW + MINUTE, LEASE, 9, ("default",))
    assert (claimed.intent, claimed.booking is not None) == (intent, True)
    assert await other.verifying.claim_unverified(NOW + MINUTE, LEASE, 9, ("default",)) == ()
    await books.verify_again(intent.intent_id, NOW + 5 * MINUTE)
    assert await books.claim_unverified(LEASE, LEASE + MINUTE, 9, ("default",)) == ()
    assert len(await books.claim_unverified(NOW + 5 * MINUTE, NOW + 6 * MINUTE, 9, ("default",))) == 1
    await books.verified(intent.intent_id)
    assert await books.claim_unverified(NOW + 9 * MINUTE, NOW + 10 * MINUTE, 9, ("default",)) == ()
