"""The contract of the Holds port: a slot is kept for one conversation, and for no more of them than can be had.

Who has room beside whom is the domain's, and tested there. Here: that all of a house's holds and intents are seen, in
one transaction with the new row, whichever process takes.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql import holds as sql_holds
from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.sqlite import connect
from einmal.adapters.sql.steps import Hold as Lock
from einmal.adapters.sql.steps import Statement, Steps, only
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy, Held, Start
from einmal.domain.hold import HOLDS_MAX, Hold
from einmal.domain.intent import LIVE, State
from einmal.domain.keys import intent_key, phone_hash
from einmal.domain.model import Person, Service, Wish
from einmal.ports import Candidate, Holds
from support.evidence import NOW, SECRET
from support.sql import BASES, SqlBase

IDS = SystemIds()
POLICY = AdmissionPolicy()
START = datetime(2026, 12, 1, 9, 0, tzinfo=NOW.tzinfo)
MINUTE = timedelta(minutes=1)
SERVICE = Service("beratung", "Beratung", 101, 30)
ANNA, BOTH = ("anna",), ("anna", "ben")


@dataclass(frozen=True)
class Books:
    base: SqlBase
    ledger: SqlLedger

    @property
    def holds(self) -> Holds:
        return self.ledger.holds

    def rows(self) -> list[tuple[Any, ...]]:
        return self.base.rows("holds", "hold_id", "conversation_id", "start_at", "reservation_uid")


@pytest.fixture(params=BASES)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    with BASES[request.param](tmp_path) as base:
        base.add_tenant("salon")
        base.add_tenant("praxis")
        yield Books(base, base.ledger(IDS))


_numbers = count()


def hold(conversation: str = "call_1", minutes: int = 0, **changes: Any) -> Hold:
    """Half an hour of Anna's, so many minutes after the start, for the next five minutes."""
    start = START + minutes * MINUTE
    made = Hold(
        f"hold-{next(_numbers):06}",
        "salon",
        conversation,
        SERVICE.service_id,
        SERVICE.event_type_id,
        ANNA,
        start,
        start + SERVICE.duration,
        NOW,
        NOW + 5 * MINUTE,
    )
    return replace(made, **changes)


async def admitted(books: Books, conversation: str | None, **changes: Any) -> Start | Any:
    """What becomes of a wish for the slot; an intent of this conversation if it is a start."""
    policy = changes.pop("policy", POLICY)
    person = Person("Jürgen Groß", changes.pop("phone", None))
    wish = replace(Wish("salon", conversation, SERVICE, START, person), **changes)
    operation = IDS.operation_id()
    key, address = intent_key(wish, SECRET), f"termin+{operation}@salon.test"
    intent_id, lease = IDS.time_ordered(), NOW + timedelta(seconds=15)
    candidate = Candidate(wish, None, key, intent_id, operation, address, NOW, lease)
    return (await books.ledger.admit(candidate, policy)).admission


async def test_a_hold_is_read_back_as_it_was_taken(books: Books) -> None:
    """In another process too; and another house has none of it."""
    taken = hold(resources=("anna", "jürgen groß"))
    assert await books.holds.take(taken) == taken
    elsewhere = books.base.ledger(IDS).holds
    assert await elsewhere.of_conversation("salon", "call_1", NOW) == (taken,)
    assert await elsewhere.live("salon", NOW, START, START + MINUTE) == (taken,)
    assert await elsewhere.of_conversation("praxis", "call_1", NOW) == ()
    assert await elsewhere.live("praxis", NOW, START, START + MINUTE) == ()


@pytest.mark.parametrize("minutes", [-29, 0, 29])
async def test_whoever_comes_second_is_told_no(books: Books, minutes: int) -> None:
    """By overlap, not by start."""
    await books.holds.take(hold())
    assert await books.holds.take(hold("call_2", minutes)) is None
    assert len(books.rows()) == 1


@pytest.mark.parametrize("minutes", [-30, 30])
async def test_holds_that_touch_stand_side_by_side(books: Books, minutes: int) -> None:
    await books.holds.take(hold())
    assert await books.holds.take(hold("call_2", minutes)) is not None


async def test_as_many_as_there_are_people(books: Books) -> None:
    """By whom it is done, across services; who needs somebody else is not in the way."""
    assert await books.holds.take(hold("call_1", resources=BOTH)) is not None
    assert await books.holds.take(hold("call_2", resources=ANNA, service_id="schnitt", event_type_id=102)) is not None
    assert await books.holds.take(hold("call_3", resources=BOTH)) is None
    assert await books.holds.take(hold("call_3", resources=("carla",))) is not None


async def test_another_houses_hold_is_nobodys_business(books: Books) -> None:
    await books.holds.take(hold())
    assert await books.holds.take(hold("call_2", tenant_id="praxis")) is not None


async def test_taken_again_it_is_the_same_hold_for_longer(books: Books) -> None:
    """A doubled message holds once; its mirror is kept."""
    first = hold()
    await books.holds.take(first)
    assert await books.holds.mirrored(first.hold_id, "reservation-1")
    again = hold(created_at=NOW + MINUTE, expires_at=NOW + 6 * MINUTE)
    expected = replace(first, expires_at=NOW + 6 * MINUTE, reservation_uid="reservation-1")
    assert await books.holds.take(again) == expected
    assert await books.holds.of_conversation("salon", "call_1", NOW + 5 * MINUTE) == (expected,)


async def test_its_own_holds_are_in_no_conversations_way(books: Books) -> None:
    """Who thinks about ten or a quarter past may have both in mind."""
    assert await books.holds.take(hold()) is not None
    assert await books.holds.take(hold(minutes=15)) is not None


@pytest.mark.parametrize(("ended_at", "holds"), [("NULL", True), ("'2026-11-23T09:00:00.000Z'", False)])
async def test_nothing_is_held_for_who_has_hung_up(books: Books, ended_at: str, holds: bool) -> None:
    """A request that was under way then; while they talk, and in another house's call of that name, it holds."""
    for tenant, ended in (("salon", ended_at), ("praxis", "'2026-11-23T09:00:00.000Z'")):
        books.base.run(
            "INSERT INTO calls (tenant_id, call_id, platform, first_seen_at, ended_at) "  # noqa: S608 - our own words
            f"VALUES ('{tenant}', 'call_1', 'retell', '2026-11-23T08:59:00.000Z', {ended}) RETURNING 1"
        )
    assert (await books.holds.take(hold()) is not None) is holds


async def test_what_has_run_out_is_nobodys_and_is_deleted_on_the_way(books: Books) -> None:
    """To the instant: at its end it holds no longer."""
    await books.holds.take(hold())
    end = NOW + 5 * MINUTE
    last = end - timedelta(milliseconds=1)
    assert await books.holds.take(hold("call_2", created_at=last, expires_at=last + MINUTE)) is None
    assert len(await books.holds.live("salon", last, START, START + MINUTE)) == 1
    assert await books.holds.live("salon", end, START, START + MINUTE) == ()
    assert await books.holds.of_conversation("salon", "call_1", end) == ()
    assert await books.holds.take(hold("call_2", created_at=end, expires_at=end + MINUTE)) is not None
    assert [row[1] for row in books.rows()] == ["call_2"]


async def test_of_too_many_the_oldest_goes(books: Books) -> None:
    """A model that reserves all that it is offered must not empty the day."""
    taken = [hold(minutes=60 * number, created_at=NOW + number * MINUTE) for number in range(HOLDS_MAX + 2)]
    for one in taken:
        assert await books.holds.take(one) is not None
    assert await books.holds.of_conversation("salon", "call_1", NOW + MINUTE) == tuple(taken[-HOLDS_MAX:])


async def test_a_refused_hold_costs_none_of_the_others(books: Books) -> None:
    for number in range(HOLDS_MAX):
        await books.holds.take(hold(minutes=60 * number))
    await books.holds.take(hold("call_2", 600))
    assert await books.holds.take(hold(minutes=600)) is None
    assert len(await books.holds.of_conversation("salon", "call_1", NOW)) == HOLDS_MAX


@pytest.mark.parametrize("conversation", ["call_2", None])
@pytest.mark.parametrize("state", sorted(State))
async def test_what_others_book_or_have_booked_is_in_the_way(
    books: Books, state: State, conversation: str | None
) -> None:
    """Intents in every live state and no other, also of nobody in particular."""
    assert isinstance(await admitted(books, conversation), Start)
    books.base.run(f"UPDATE intents SET state = '{state}' RETURNING 1")  # noqa: S608 - an enum's word
    taken = await books.holds.take(hold(minutes=29))
    assert (taken is None) is (state in LIVE)


@pytest.mark.parametrize(
    ("changes", "in_the_way"),
    [
        ({}, True),
        ({"minutes": 29}, True),
        ({"minutes": -29}, True),
        ({"minutes": 30}, False),
        ({"minutes": -30}, False),
        ({"conversation": "call_2"}, False),
        ({"event_type_id": 102}, False),
        ({"tenant_id": "praxis"}, False),
        ({"resources": BOTH}, False),
    ],
)
async def test_an_intent_is_in_the_way_of_its_own_event_type(
    books: Books, changes: dict[str, Any], in_the_way: bool
) -> None:
    """Where it overlaps, it is another call's, and nobody else is left."""
    await admitted(books, "call_2")
    taken = await books.holds.take(hold(**changes))
    assert (taken is None) is in_the_way


async def test_a_hold_keeps_the_slot_from_whoever_books(books: Books) -> None:
    """Admission looks at the same rows; to its own conversation it is free."""
    await books.holds.take(hold(minutes=15))
    policy = replace(POLICY, resources=ANNA)
    assert isinstance(await admitted(books, "call_2", policy=policy), Held)
    assert isinstance(await admitted(books, "call_1", policy=policy), Start)


async def test_released_it_is_free_again(books: Books) -> None:
    """By id, as often as one likes; the others stay."""
    first, second = hold(), hold(minutes=60)
    await books.holds.take(first)
    await books.holds.take(second)
    for _ in range(2):
        await books.holds.release([first.hold_id, "no hold"])
    assert await books.holds.of_conversation("salon", "call_1", NOW) == (second,)
    assert await books.holds.take(hold("call_2")) is not None


async def test_all_of_a_conversation_are_released_with_their_mirrors_names(books: Books) -> None:
    """What was let go is told once; another's, and another house's, stay."""
    first = hold()
    for one in (first, hold("call_2", 60), hold(tenant_id="praxis")):
        await books.holds.take(one)
    await books.holds.mirrored(first.hold_id, "reservation-1")
    assert await books.holds.release_all("salon", "call_1") == (replace(first, reservation_uid="reservation-1"),)
    assert await books.holds.release_all("salon", "call_1") == ()
    assert len(books.rows()) == 2


async def test_a_mirror_of_what_was_let_go_is_not_noted(books: Books) -> None:
    """So whoever made it knows that it must go."""
    taken = hold()
    await books.holds.take(taken)
    await books.holds.release([taken.hold_id])
    assert await books.holds.mirrored(taken.hold_id, "reservation-1") is False
    assert books.rows() == []


PHONE = "+491701234567"
HASH = phone_hash(PHONE, SECRET)


@pytest.mark.parametrize(
    ("conversation", "hashed", "begin", "end", "found"),
    [
        ("call_1", None, 0, 1, True),
        ("call_2", None, 0, 1, False),
        (None, None, 0, 1, False),
        ("call_2", HASH, 0, 1, True),
        (None, HASH, 0, 1, True),
        (None, "another", 0, 1, False),
        ("call_1", HASH, -1, 0, False),
        ("call_1", HASH, 1, 2, False),
    ],
)
async def test_when_somebody_has_an_appointment(
    books: Books, conversation: str | None, hashed: str | None, begin: int, end: int, found: bool
) -> None:
    """By the conversation or by the line, within [begin, end)."""
    await admitted(books, "call_1", phone=PHONE)
    within = (START + begin * MINUTE, START + end * MINUTE)
    starts = await books.holds.live_starts("salon", conversation, hashed, *within)
    assert starts == (frozenset({START}) if found else frozenset())
    assert await books.holds.live_starts("praxis", conversation, hashed, *within) == frozenset()


@pytest.mark.parametrize("state", sorted(State))
async def test_only_what_stands_or_may_stand_is_had(books: Books, state: State) -> None:
    """What was refused or cancelled may be offered again."""
    await admitted(books, "call_1", phone=PHONE)
    books.base.run(f"UPDATE intents SET state = '{state}' RETURNING 1")  # noqa: S608 - an enum's word
    for one in (("call_1", None), (None, HASH)):
        found = await books.holds.live_starts("salon", *one, START, START + MINUTE)
        assert bool(found) is (state in LIVE)


@pytest.mark.parametrize(
    "statement", [getattr(sql_holds, name) for name in dir(sql_holds) if str(getattr(sql_holds, name)).count("WHERE")]
)
def test_no_statement_reads_more_than_it_must(tmp_path: Path, statement: str) -> None:
    """Asked at every check and every hold: each finds its rows by an index, however many there are."""
    with BASES["sqlite"](tmp_path) as base, closing(connect(Path(base.where))) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?")).fetchall()
    assert plan
    assert [row[3] for row in plan if row[3].startswith("SCAN")] == []


# Races --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("resources", "capacity"), [(ANNA, 1), (BOTH, 2)])
async def test_of_many_takers_exactly_as_many_win_as_can_be_had(
    books: Books, resources: tuple[str, ...], capacity: int
) -> None:
    """At once, from two processes, with starts that overlap and are not equal."""
    processes = [books.holds, books.base.ledger(IDS).holds]
    takers = (
        processes[number % 2].take(hold(f"call_{number}", number % 3, resources=resources)) for number in range(8)
    )
    won = [taken for taken in await asyncio.gather(*takers) if taken is not None]
    assert len(won) == len(books.rows()) == capacity


async def test_one_conversation_that_asks_many_times_at_once_holds_once(books: Books) -> None:
    """A message that arrives doubled, in both processes."""
    processes = [books.holds, books.base.ledger(IDS).holds]
    taken = await asyncio.gather(*(processes[number % 2].take(hold()) for number in range(6)))
    assert len({one.hold_id for one in taken if one is not None}) == len(books.rows()) == 1
    assert None not in taken


def slowly(taken: Hold, seconds: float, *, locked: bool) -> Steps[Hold | None]:
    """The same transaction with a pause before it writes, and without its lock if it is not `locked`."""
    steps = sql_holds.taking(taken)()
    step = next(steps)
    while True:
        rows: Any = ()
        if isinstance(step, Lock):
            if locked:
                rows = yield step
        else:
            if step.sql.lstrip().startswith("INSERT"):
                yield Statement(f"SELECT pg_sleep({seconds})")
            rows = yield step
        try:
            step = steps.send(rows)
        except StopIteration as ended:
            return ended.value


@pytest.mark.parametrize(
    ("locked", "seconds", "won"), [(True, 0.01, 1), (False, 0.3, 3)], ids=["with the lock", "control: without it"]
)
async def test_the_lock_is_what_makes_the_second_see_the_first(
    tmp_path: Path, locked: bool, seconds: float, won: int
) -> None:
    """PostgreSQL: SQLite has one writer at a time, and no lock to take away."""
    with BASES["postgres"](tmp_path) as base:
        base.add_tenant("salon")
        store = base.ledger(IDS)._store  # noqa: SLF001 - beside the port, on purpose
        takers = [hold(f"call_{number}", number) for number in range(3)]
        # Connected beforehand: without the lock only the pause keeps the first from being done before the last begins.
        await asyncio.gather(*(store.read(only("SELECT pg_sleep(0.05)")) for _ in takers))

        async def take(one: Hold) -> Hold | None:
            return await store.write(lambda: slowly(one, seconds, locked=locked))

        taken = await asyncio.gather(*map(take, takers))
        assert sum(one is not None for one in taken) == len(base.rows("holds", "hold_id")) == won
