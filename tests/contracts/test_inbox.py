"""The contract of the Inbox port: kept once for each content, handled once, by one worker at a time."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.intent import Event, Intent
from einmal.domain.keys import intent_key
from einmal.ports import CallContact, Candidate, LedgerUnavailable, Notice, Source, Transition
from support.evidence import NOW, SECRET, THEIRS, booking, wish
from support.sql import BASES, SqlBase

IDS = SystemIds()
MINUTE = timedelta(minutes=1)
TENANTS = ("default", "another")
SOON = NOW + timedelta(seconds=1)


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        made.add_tenant("another")
        yield made


async def booked(ledger: SqlLedger, uid: str) -> Intent:
    of, operation = wish(phone="+491701234567"), IDS.operation_id()
    ids = (IDS.time_ordered(), operation, f"termin+{operation}@salon.test")
    call = CallContact("retell", "call_7")
    to = Candidate(of, call, intent_key(of, SECRET), *ids, NOW, NOW + timedelta(seconds=15))
    started = (await ledger.admit(to, AdmissionPolicy())).started
    assert started is not None
    made = booking(uid=uid, start=of.start, end=of.end)
    return (await ledger.apply(Transition(started, (Event.LANDED_ACCEPTED,), NOW, booking=made))).intent


def notice(digest: str = "d1", subject: str | None = "uid1", **more: object) -> Notice:
    fields = {"tenant_id": "default", "source": Source.CALCOM, "event": "BOOKING_CREATED", "data": {"uids": ["ü"]}}
    return Notice(**(fields | {"digest": digest, "subject": subject} | more))  # type: ignore[arg-type]


async def test_it_is_kept_once_and_comes_back_as_it_was(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    first = await ledger.inbox.receive(notice(), NOW, SOON)
    again = await ledger.inbox.receive(notice(), NOW + MINUTE, SOON + MINUTE)
    assert (again.inbox_id, again.known, again.handled) == (first.inbox_id, False, False)
    assert (first.first, again.first) == (True, False)
    (entry,) = await ledger.inbox.claim_due(NOW + MINUTE, NOW + 2 * MINUTE, 9, TENANTS)
    assert (entry.event, entry.subject, entry.data, entry.received_at, entry.tries) == (
        *("BOOKING_CREATED", "uid1", {"uids": ["ü"]}),
        *(NOW, 0),
    )
    assert base.rows("inbox", "times") == [(2,)]


async def test_the_same_content_is_anothers_for_another_tenant_or_source(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    for one in (notice(), notice(tenant_id="another"), notice(source=Source.RETELL)):
        await ledger.inbox.receive(one, NOW, SOON)
    assert len(await ledger.inbox.claim_due(SOON, NOW + MINUTE, 9, TENANTS)) == 3


async def test_what_is_handled_is_never_due_again(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    kept = await ledger.inbox.receive(notice(), NOW, SOON)
    await ledger.inbox.handled(kept.inbox_id, "mended", SOON)
    assert await ledger.inbox.claim_due(NOW + MINUTE, NOW + 2 * MINUTE, 9, TENANTS) == ()
    assert (await ledger.inbox.receive(notice(), NOW + MINUTE, NOW + MINUTE)).handled
    assert await ledger.inbox.claim_due(NOW + 5 * MINUTE, NOW + 6 * MINUTE, 9, TENANTS) == ()
    assert base.rows("inbox", "outcome") == [("mended",)]


async def test_it_is_not_due_before_its_time_nor_twice_in_a_lease(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    await ledger.inbox.receive(notice(), NOW, SOON)
    assert await ledger.inbox.claim_due(NOW, NOW + MINUTE, 9, TENANTS) == ()
    assert len(await ledger.inbox.claim_due(SOON, NOW + MINUTE, 9, TENANTS)) == 1
    assert await ledger.inbox.claim_due(SOON + MINUTE / 2, NOW + 2 * MINUTE, 9, TENANTS) == ()
    assert len(await ledger.inbox.claim_due(NOW + MINUTE, NOW + 2 * MINUTE, 9, TENANTS)) == 1


async def test_what_is_put_off_counts_its_tries(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    await ledger.inbox.receive(notice(), NOW, NOW)
    (entry,) = await ledger.inbox.claim_due(NOW, NOW + MINUTE, 9, TENANTS)
    await ledger.inbox.put_off(entry, NOW + MINUTE)
    (entry,) = await ledger.inbox.claim_due(NOW + MINUTE, NOW + 2 * MINUTE, 9, TENANTS)
    await ledger.inbox.put_off(entry, NOW + 2 * MINUTE, more=0)
    (entry,) = await ledger.inbox.claim_due(NOW + 2 * MINUTE, NOW + 3 * MINUTE, 9, TENANTS)
    assert entry.tries == 1
    await ledger.inbox.handled(entry.inbox_id, "told", NOW)
    await ledger.inbox.put_off(entry, NOW)
    assert await ledger.inbox.claim_due(NOW + 9 * MINUTE, NOW + 10 * MINUTE, 9, TENANTS) == ()


async def test_it_is_claimed_by_who_serves_its_tenant(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    await ledger.inbox.receive(notice(), NOW, NOW)
    for others in ((), ("another",)):
        assert await ledger.inbox.claim_due(NOW, NOW + MINUTE, 9, others) == ()
    assert len(await ledger.inbox.claim_due(NOW, NOW + MINUTE, 9, ("another", "default"))) == 1


async def test_a_clock_that_was_set_back_leaves_nothing_lying(base: SqlBase) -> None:
    """Due in a day from now was written by a clock that is right no more."""
    ledger = base.ledger(IDS)
    await ledger.inbox.receive(notice(), NOW, NOW + timedelta(days=1))
    assert len(await ledger.inbox.claim_due(NOW, NOW + MINUTE, 9, TENANTS)) == 1


async def test_two_workers_never_have_the_same(base: SqlBase) -> None:
    one, other = base.ledger(IDS), base.ledger(IDS)
    for number in range(12):
        await one.inbox.receive(notice(f"d{number}"), NOW, NOW)
    claimed = await asyncio.gather(
        *(ledger.inbox.claim_due(NOW, NOW + MINUTE, 3, TENANTS) for ledger in (one, other, one, other))
    )
    ids = [entry.inbox_id for some in claimed for entry in some]
    assert len(ids) == len(set(ids))
    assert ids


async def test_of_many_that_come_at_once_one_is_kept(base: SqlBase) -> None:
    one, other = base.ledger(IDS), base.ledger(IDS)
    kept = await asyncio.gather(*(ledger.inbox.receive(notice(), NOW, NOW) for ledger in (one, other) * 4))
    assert len({received.inbox_id for received in kept}) == 1
    assert base.rows("inbox", "count(*)", "sum(times)") == [(1, 8)]


async def test_a_booking_of_ours_is_known_by_uid_or_by_operation_id(base: SqlBase) -> None:
    """Of this tenant; another's is nobody's."""
    ledger = base.ledger(IDS)
    intent = await booked(ledger, "uid1")
    told = {
        "by uid": notice("1", uids=("new", "uid1")),
        "by id": notice("2", operation_id=intent.operation_id),
        "by neither": notice("3", uids=("new",), operation_id=THEIRS),
        "another's": notice("4", tenant_id="another", uids=("uid1",), operation_id=intent.operation_id),
    }
    known = [name for name, one in told.items() if (await ledger.inbox.receive(one, NOW, SOON)).known]
    assert known == ["by uid", "by id"]


async def test_the_notice_stands_beside_the_appointment(base: SqlBase) -> None:
    """With its event; and the customer's confirmation is due once, where Cal.com told that it made the booking."""
    ledger = base.ledger(IDS, ("log",))
    await booked(ledger, "uid1")
    for event in ("BOOKING_REQUESTED", "BOOKING_CREATED", "BOOKING_PAID"):
        await ledger.inbox.receive(notice(event, event=event), NOW, NOW)
    claimed = {entry.event: entry for entry in await ledger.inbox.claim_due(NOW, NOW + MINUTE, 9, TENANTS)}
    for event in ("BOOKING_REQUESTED", "BOOKING_CREATED", "BOOKING_PAID"):
        entry = claimed[event]
        await ledger.inbox.noted("uid1", entry, NOW)
        await ledger.inbox.noted("nobody's", entry, NOW)
    assert base.rows("outbox", "kind", "channel") == [("confirmed", "log")]
    ((kept,),) = base.rows("appointments", "CAST(webhook_data AS TEXT)")
    assert "BOOKING_PAID" in kept


async def test_what_was_handled_long_ago_is_forgotten(base: SqlBase) -> None:
    """Oldest first, some at a time; what waits never is."""
    ledger = base.ledger(IDS)
    for number in range(4):
        kept = await ledger.inbox.receive(notice(f"d{number}"), NOW, NOW)
        if number:
            await ledger.inbox.handled(kept.inbox_id, "told", NOW + number * MINUTE)
    assert [await ledger.inbox.prune(NOW + 3 * MINUTE, limit) for limit in (1, 9, 9)] == [1, 1, 0]
    assert base.rows("inbox", "digest") == [("d0",), ("d3",)]


async def test_a_tenant_that_nobody_knows_is_refused(base: SqlBase) -> None:
    """A bug above; nothing is kept."""
    ledger = base.ledger(IDS)
    with pytest.raises((LedgerUnavailable, Exception)):
        await ledger.inbox.receive(notice(tenant_id="nobody"), NOW, NOW)
    assert base.rows("inbox", "count(*)") == [(0,)]
