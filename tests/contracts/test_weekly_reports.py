"""The contract of what goes out once a week: one claim, one channel, one sending, on every database."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.system import SystemIds
from einmal.domain.week import Week
from support.evidence import NOW
from support.sql import BASES, SqlBase

IDS = SystemIds()
WEEK = Week(2026, 47)
MINUTE = timedelta(minutes=1)
LEASE = NOW + 3 * MINUTE


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        yield made


async def test_a_week_is_claimed_once_for_each_channel(base: SqlBase) -> None:
    weekly = base.ledger(IDS).weekly
    assert await weekly.claim(WEEK, "mail", NOW, LEASE) == 0
    assert await weekly.claim(WEEK, "mail", NOW + MINUTE, LEASE + MINUTE) is None
    assert await weekly.claim(WEEK, "slack", NOW, LEASE) == 0
    assert await weekly.claim(WEEK.after, "mail", NOW, LEASE) == 0


async def test_whoever_dies_with_it_leaves_it_to_the_next_when_the_lease_ends(base: SqlBase) -> None:
    weekly = base.ledger(IDS).weekly
    await weekly.claim(WEEK, "mail", NOW, LEASE)
    assert await weekly.claim(WEEK, "mail", LEASE - MINUTE, LEASE + MINUTE) is None
    assert await weekly.claim(WEEK, "mail", LEASE, LEASE + 3 * MINUTE) == 0


async def test_what_was_written_by_a_clock_that_is_set_back_since_is_due_now(base: SqlBase) -> None:
    weekly = base.ledger(IDS).weekly
    await weekly.claim(WEEK, "mail", NOW, LEASE)
    assert await weekly.claim(WEEK, "mail", NOW - timedelta(days=30), NOW) == 0


async def test_what_is_sent_or_given_up_is_never_due_again(base: SqlBase) -> None:
    weekly = base.ledger(IDS).weekly
    for channel in ("mail", "slack"):
        await weekly.claim(WEEK, channel, NOW, LEASE)
    await weekly.sent(WEEK, "mail", NOW)
    await weekly.not_sent(WEEK, "slack", None)
    for later in (LEASE + MINUTE, LEASE + timedelta(days=400)):
        assert await weekly.claim(WEEK, "mail", later, later + MINUTE) is None
        assert await weekly.claim(WEEK, "slack", later, later + MINUTE) is None
    assert [row[1:] for row in base.rows("weekly_reports", "channel", "tries", "due_at", "sent_at")] == [
        (0, None, "2026-11-23T09:00:00.000Z"),
        (1, None, None),
    ]


async def test_what_was_not_sent_is_due_when_it_is_said_and_tries_are_counted(base: SqlBase) -> None:
    """What a slow one tells after another has sent it is not believed."""
    weekly = base.ledger(IDS).weekly
    for tries in range(3):
        at = NOW + tries * 10 * MINUTE
        assert await weekly.claim(WEEK, "mail", at, at + MINUTE) == tries
        await weekly.not_sent(WEEK, "mail", at + 10 * MINUTE)
        assert await weekly.claim(WEEK, "mail", at + 9 * MINUTE, at + 20 * MINUTE) is None
    await weekly.sent(WEEK, "mail", NOW)
    await weekly.not_sent(WEEK, "mail", NOW)
    assert await weekly.claim(WEEK, "mail", NOW + timedelta(days=1), LEASE) is None


async def test_of_many_that_claim_at_once_one_may(base: SqlBase) -> None:
    many = [base.ledger(IDS).weekly for _ in range(4)]
    claims = await asyncio.gather(*(one.claim(WEEK, "mail", NOW, LEASE) for one in many))
    assert sorted(claims, key=str) == [0, None, None, None]
