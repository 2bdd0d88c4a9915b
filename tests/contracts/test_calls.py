"""The contract of the Calls port: what is told of a phone call may come in any order and any number of times.

On every database that a ledger may stand on, and against the admission, which writes the same row.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from einmal.adapters.system import SystemIds
from einmal.domain.admission import Admission, AdmissionPolicy, HungUp, Join, Start
from einmal.domain.keys import intent_key
from einmal.ports import CallContact, CallNews, Candidate, Ledger, LedgerUnavailable
from support.evidence import NOW, SECRET, wish
from support.sql import BASES, SqlBase

IDS = SystemIds()
CALL = CallContact("retell", "call_7d4d0c", "agent_1")
BARE = CallContact("retell", "call_7d4d0c")
MINUTE = timedelta(minutes=1)
END = NOW + 5 * MINUTE

CONTACT = CallNews(BARE)
STARTED = CallNews(CALL, "inbound", started_at=NOW)
ENDED = CallNews(CALL, "inbound", NOW, END, "user_hangup")
ANALYZED = CallNews(CALL, "inbound", NOW, END, "user_hangup", analyzed_at=END + MINUTE)
COLUMNS = ("call_id", "platform", "agent_id", "direction", "started_at", "ended_at", "disconnection_reason")
WHOLE = ("retell", "agent_1", "inbound", "2026-11-23T09:00:00.000Z", "2026-11-23T09:05:00.000Z", "user_hangup")


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        made.add_tenant("another")
        yield made


def of_call(news: CallNews, call_id: str) -> CallNews:
    call = CallContact(news.call.platform, call_id, news.call.agent_id)
    told = (news.direction, news.started_at, news.ended_at, news.disconnection_reason, news.analyzed_at)
    return CallNews(call, *told)


def ends(base: SqlBase) -> dict[str, str | None]:
    """When each call ended."""
    return dict(base.run("SELECT call_id, ended_at FROM calls WHERE tenant_id = 'default'"))


@pytest.mark.parametrize("first", [CONTACT, STARTED, ENDED, ANALYZED], ids=["contact", "started", "ended", "analyzed"])
async def test_whatever_comes_first_makes_the_row(base: SqlBase, first: CallNews) -> None:
    """A function call, the start, the end, or only the analysis."""
    await base.ledger(IDS).calls.told("default", first, NOW)
    assert base.rows("calls", "tenant_id", "call_id", "platform", "first_seen_at") == [
        ("default", "call_7d4d0c", "retell", "2026-11-23T09:00:00.000Z")
    ]


async def test_any_order_and_any_doubling_leave_the_same_row(base: SqlBase) -> None:
    """Every order of the four, each told twice over, and once more at the end."""
    calls, names = base.ledger(IDS).calls, []
    for number, order in enumerate(permutations((CONTACT, STARTED, ENDED, ANALYZED))):
        names.append(f"call_{number:04d}")
        for news in (*order, *order[::-1], order[number % 4]):
            await calls.told("default", of_call(news, names[-1]), NOW + number * MINUTE)
    assert base.rows("calls", *COLUMNS) == [(name, *WHOLE) for name in names]
    assert {row[0] for row in base.rows("calls", "analyzed_at")} == {"2026-11-23T09:06:00.000Z"}


@pytest.mark.parametrize("later", [CONTACT, STARTED], ids=["contact", "started"])
async def test_a_call_that_has_ended_is_never_open_again(base: SqlBase, later: CallNews) -> None:
    """A late word of its beginning changes nothing about its end."""
    calls = base.ledger(IDS).calls
    await calls.told("default", ENDED, NOW)
    await calls.told("default", later, END + MINUTE)
    assert ends(base) == {"call_7d4d0c": "2026-11-23T09:05:00.000Z"}


async def test_the_first_end_stays(base: SqlBase) -> None:
    """Also where a second one tells of another time, or another reason."""
    calls = base.ledger(IDS).calls
    await calls.told("default", ENDED, NOW)
    await calls.told("default", CallNews(CALL, None, None, END + MINUTE, "agent_hangup"), NOW)
    assert base.rows("calls", *COLUMNS) == [("call_7d4d0c", *WHOLE)]


async def test_later_news_fills_in_what_was_missing(base: SqlBase) -> None:
    """A call first seen by a function call has neither agent nor direction; one that ended, perhaps no reason."""
    calls = base.ledger(IDS).calls
    for news in (CONTACT, CallNews(BARE, ended_at=END), ENDED):
        await calls.told("default", news, NOW)
    assert base.rows("calls", *COLUMNS) == [("call_7d4d0c", *WHOLE)]


async def test_the_same_id_of_another_tenant_is_another_call(base: SqlBase) -> None:
    calls = base.ledger(IDS).calls
    await calls.told("another", CONTACT, NOW)
    await calls.told("default", ENDED, NOW)
    assert base.rows("calls", "tenant_id", "ended_at") == [
        ("another", None),
        ("default", "2026-11-23T09:05:00.000Z"),
    ]


async def test_a_ledger_that_cannot_be_reached_says_so(base: SqlBase) -> None:
    """So that whoever tells it tells it again."""
    ledger = base.ledger(IDS)
    ledger.close()
    with pytest.raises(LedgerUnavailable):
        await ledger.calls.told("default", ENDED, NOW)


# Stuck calls -----------------------------------------------------------------------------------------------------


async def test_only_calls_that_are_open_too_long_are_closed(base: SqlBase) -> None:
    """Of whichever tenant; not at that very moment, not later ones, and none that has an end already."""
    calls = base.ledger(IDS).calls
    await calls.told("default", of_call(CONTACT, "call_old"), NOW - MINUTE)
    await calls.told("default", of_call(CONTACT, "call_now"), NOW)
    await calls.told("default", of_call(ENDED, "call_over"), NOW - MINUTE)
    await calls.told("another", of_call(CONTACT, "call_old"), NOW - MINUTE)
    assert await calls.close_stuck(NOW, END, 10) == 2
    assert await calls.close_stuck(NOW, END + MINUTE, 10) == 0
    assert sorted(base.run("SELECT call_id, tenant_id, ended_at, disconnection_reason FROM calls")) == [
        ("call_now", "default", None, None),
        ("call_old", "another", "2026-11-23T09:05:00.000Z", "stuck"),
        ("call_old", "default", "2026-11-23T09:05:00.000Z", "stuck"),
        ("call_over", "default", "2026-11-23T09:05:00.000Z", "user_hangup"),
    ]


async def test_the_oldest_are_closed_first_and_not_too_many(base: SqlBase) -> None:
    calls = base.ledger(IDS).calls
    for number in (3, 1, 4, 2):
        await calls.told("default", of_call(CONTACT, f"call_{number}"), NOW + number * MINUTE)
    assert await calls.close_stuck(NOW + 10 * MINUTE, END, 3) == 3
    assert [name for name, ended_at in ends(base).items() if ended_at is None] == ["call_4"]


async def test_two_workers_share_them(base: SqlBase) -> None:
    """None is counted twice, none is left."""
    workers = [base.ledger(IDS).calls for _ in range(2)]
    for number in range(20):
        await workers[0].told("default", of_call(CONTACT, f"call_{number}"), NOW)
    closed = await asyncio.gather(*(worker.close_stuck(END, END, 20) for worker in workers))
    assert sum(closed) == 20
    assert None not in ends(base).values()


async def test_who_was_closed_stays_closed_whatever_comes_late(base: SqlBase) -> None:
    """Also where the platform tells of it after all."""
    calls = base.ledger(IDS).calls
    await calls.told("default", CONTACT, NOW)
    await calls.close_stuck(END, END, 1)
    for news in (STARTED, CallNews(CALL, "inbound", NOW, END + MINUTE, "user_hangup")):
        await calls.told("default", news, NOW)
    assert base.rows("calls", *COLUMNS) == [("call_7d4d0c", *WHOLE[:5], "stuck")]


# Against the admission ---------------------------------------------------------------------------------------------


async def admitted(ledger: Ledger, call_id: str, number: int = 0) -> Admission:
    """The wish of a caller of his own in this call."""
    who = {"name": f"Anna Weiß {number}", "phone": f"+49309{number:06d}"}
    of = wish(conversation_id=call_id, start=NOW + timedelta(days=1 + number), **who)
    key, deadline = intent_key(of, SECRET), NOW + timedelta(seconds=15)
    call = CallContact("retell", call_id)
    candidate = Candidate(of, call, key, IDS.time_ordered(), IDS.operation_id(), "a@b.test", NOW, deadline)
    return (await ledger.admit(candidate, AdmissionPolicy())).admission


async def test_nothing_is_admitted_after_the_end(base: SqlBase) -> None:
    """What was admitted before it is found again; another call is not touched."""
    ledger = base.ledger(IDS)
    assert isinstance(await admitted(ledger, "call_7d4d0c"), Start)
    await ledger.calls.told("default", ENDED, NOW)
    assert isinstance(await admitted(ledger, "call_7d4d0c"), Join)
    assert isinstance(await admitted(ledger, "call_7d4d0c", 1), HungUp)
    assert isinstance(await admitted(ledger, "call_other22", 2), Start)


async def test_an_admission_makes_the_row_that_is_told_of_later(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    await admitted(ledger, "call_7d4d0c")
    await ledger.calls.told("default", ENDED, NOW)
    assert base.rows("calls", *COLUMNS) == [("call_7d4d0c", *WHOLE)]


async def test_of_an_end_and_an_admission_at_once_the_row_says_who_was_first(base: SqlBase) -> None:
    """Either may win; after both the call has ended, and has an intent only if it was admitted."""
    ledgers = [base.ledger(IDS) for _ in range(2)]
    for number in range(10):
        call_id = f"call_{number:04d}"
        decided, _ = await asyncio.gather(
            admitted(ledgers[0], call_id, number), ledgers[1].calls.told("default", of_call(ENDED, call_id), NOW)
        )
        assert isinstance(decided, Start | HungUp)
        has = base.run(f"SELECT count(*) FROM intents WHERE conversation_id = '{call_id}'")[0][0]  # noqa: S608
        assert has == isinstance(decided, Start)
        assert isinstance(await admitted(ledgers[0], call_id, 100 + number), HungUp)
