"""The contract of the Listing port: one booking by its name, a wish by its key, and pages; each by an index."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql import listing
from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.intent import Event, Intent
from einmal.domain.keys import intent_key
from einmal.domain.model import Wish
from einmal.ports import Candidate, Transition
from einmal.ports.listing import Filter, Position
from support.evidence import NOW, SECRET, booking, wish
from support.ledger_file import new_ledger
from support.sql import BASES, SqlBase

IDS = SystemIds()
DAY = timedelta(days=1)
ALL = Filter(NOW - DAY, NOW + 400 * DAY)
PHONES = ("+4930901820", "+4930901821")


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        made.add_tenant("another")
        yield made


async def wished(ledger: SqlLedger, of: Wish, *, books: bool = True) -> Intent:
    operation = IDS.operation_id()
    ids = (IDS.time_ordered(), operation, f"termin+{operation}@salon.test")
    candidate = Candidate(of, None, intent_key(of, SECRET), *ids, NOW, NOW + timedelta(seconds=15))
    started = (await ledger.admit(candidate, AdmissionPolicy())).started
    assert started is not None
    if not books:
        return started
    made = booking(uid=started.intent_id, start=of.start, end=of.end)
    return (await ledger.apply(Transition(started, (Event.LANDED_ACCEPTED,), NOW, booking=made))).intent


async def test_a_booking_is_found_by_either_of_its_names_and_by_its_key(base: SqlBase) -> None:
    """And by no other tenant."""
    ledger = base.ledger(IDS)
    intent = await wished(ledger, wish(phone=PHONES[0]))
    by_intent = await ledger.listing.named("default", intent.intent_id)
    assert by_intent is not None
    assert by_intent.booking is not None
    by_appointment = await ledger.listing.named("default", by_intent.booking.ref)
    assert by_appointment == by_intent == await ledger.listing.of_key("default", intent.key.value)
    for name in (intent.intent_id, by_intent.booking.ref):
        assert await ledger.listing.named("another", name) is None
    assert await ledger.listing.of_key("another", intent.key.value) is None
    assert await ledger.listing.named("default", "none") is None


async def test_pages_hold_each_once_in_the_order_of_time(base: SqlBase) -> None:
    """Several may begin at one moment; what is in doubt is among them, another tenant's is not."""
    ledger = base.ledger(IDS)
    made = []
    for number in (2, 0, 1, 0, 2):
        of = wish(phone=f"+493090182{len(made)}", start=NOW + (number + 1) * DAY, conversation_id=f"c{len(made)}")
        made.append(await wished(ledger, of, books=number != 1))
    await wished(ledger, wish(phone=PHONES[0], start=NOW + DAY, tenant_id="another"))
    expected = sorted(made, key=lambda one: (one.wish.start, one.intent_id))
    found, after = list[str](), None
    for _ in range(3):
        page = await ledger.listing.page("default", ALL, after, 2)
        found += [one.intent.intent_id for one in page]
        after = Position(page[-1].intent.wish.start, page[-1].intent.intent_id)
    assert found == [one.intent_id for one in expected]
    assert await ledger.listing.page("default", ALL, after, 2) == ()


async def test_a_filter_leaves_out_all_others(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    one = await wished(ledger, wish(phone=PHONES[0], email="anna.weiss@kunde.de", conversation_id="c1"))
    other = await wished(ledger, wish(phone=PHONES[1], start=NOW + 9 * DAY, conversation_id="c2"))
    mine, theirs = one.key.person, other.key.person
    for which, expected in (
        (Filter(ALL.begin, ALL.end, phone_hash=mine.phone_hash), one),
        (Filter(ALL.begin, ALL.end, email_hash=mine.email_hash), one),
        (Filter(ALL.begin, ALL.end, conversation_id="c2"), other),
        (Filter(NOW + 9 * DAY, NOW + 9 * DAY + DAY), other),
        (Filter(ALL.begin, other.wish.start, phone_hash=theirs.phone_hash), None),
        (Filter(ALL.begin, ALL.end, phone_hash=mine.phone_hash, conversation_id="c2"), None),
    ):
        found = await ledger.listing.page("default", which, None, 9)
        assert [stored.intent.intent_id for stored in found] == ([] if expected is None else [expected.intent_id])


async def test_what_does_not_stand_is_in_no_page(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    started = await wished(ledger, wish(phone=PHONES[0]), books=False)
    await ledger.apply(Transition(started, (Event.REFUSED,), NOW))
    assert await ledger.listing.page("default", ALL, None, 9) == ()


@pytest.mark.parametrize(
    ("which", "index"),
    [
        (Filter(NOW, NOW, phone_hash="x"), "unique_live_wish_of_phone"),
        (Filter(NOW, NOW, email_hash="x"), "unique_live_wish_of_email"),
        (Filter(NOW, NOW, conversation_id="x"), "intents_call_index"),
        (Filter(NOW, NOW), "intents_live_start_index"),
    ],
)
def test_each_page_is_found_by_an_index_of_its_own(tmp_path: Path, which: Filter, index: str) -> None:
    statement, values = listing.page_asked(which)
    with closing(sqlite3.connect(new_ledger(tmp_path / "plans.sqlite3"))) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", ("x",) * statement.count("?")).fetchall()
    steps = [row[3] for row in plan]
    assert any(index in step for step in steps), steps
    assert not [step for step in steps if "SCAN" in step or "(tenant_id=?)" in step]
    assert len(values) == sum(
        given is not None for given in (which.phone_hash, which.email_hash, which.conversation_id)
    )
