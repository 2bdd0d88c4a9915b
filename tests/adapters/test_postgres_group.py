"""Commits that several transactions share, on a real PostgreSQL server.

Each ends as it would by itself: with its own rows or its own error. Sharing is seen in the number of commits alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from einmal.adapters.sql import postgres, postgres_session
from einmal.adapters.sql.gates import SqlGates
from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.postgres import GROUP_MAX, PostgresStore, _Waiting
from einmal.adapters.sql.postgres_dialect import locks
from einmal.adapters.sql.postgres_session import Session
from einmal.adapters.sql.steps import FOR_UPDATE, Hold, Statement, Steps, Transaction, Violated
from einmal.adapters.sql.writes import admission, move
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy, AlreadyBooked, Busy, Join, Start
from einmal.domain.gate import GatePolicy, Passed, Use
from einmal.domain.intent import Event, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Wish
from einmal.ports import Admitted, Candidate, CommitUnknown, LedgerUnavailable, Toll, Transition
from support.evidence import NOW, SECRET, booking, wish
from support.notes import TABLE, apart, counted, kept, note, note_until, opened, together, until, written
from support.sql import SqlBase, postgres_base
from support.wire import Fate, wire

IDS = SystemIds()
OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'einmal'"
IN_THE_MIDDLE = f"{OURS} AND query LIKE '%pg_sleep%'"
"""Sessions of the store with a transaction that `note_until` keeps open."""

Way = Callable[[PostgresStore, Sequence[Transaction[Any]]], Any]


TABLES = "notes counters outbox facts attempts appointments customers calls intents tenants calendar_gates"
EMPTIED = f"""
    DO $$ BEGIN
        PERFORM pg_terminate_backend(pid) {OURS};
        {" ".join(f"DELETE FROM {table};" for table in TABLES.split())}
    END $$"""  # noqa: S608 - constants only


@pytest.fixture(scope="module")
def database() -> Iterator[SqlBase]:
    """One for all tests: making one takes longer than most of them."""
    with postgres_base(Path()) as made:
        made.run(TABLE)
        made.run("CREATE TABLE counters (name text PRIMARY KEY, n int NOT NULL)")
        yield made


@pytest.fixture
def base(database: SqlBase) -> SqlBase:
    """The database, emptied. Whoever is still busy there is of a test that is over."""
    database.run(EMPTIED)
    return database


@pytest.fixture
async def store(base: SqlBase) -> AsyncIterator[PostgresStore]:
    async with opened(base.where) as made:
        yield made


@pytest.fixture
def one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One group, and whoever comes meanwhile waits for its end."""
    monkeypatch.setattr(postgres, "GROUPS_MAX", 1)


@pytest.fixture
def nobody_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard off: inside a group nobody waits for anybody."""
    monkeypatch.setattr(postgres_session, "_held_by", lambda _: set())


@pytest.fixture
def nobody_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard off: what is wrong with one of a group is everybody's."""
    monkeypatch.setattr(postgres, "NotTogether", ZeroDivisionError)


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many went together, each time that more than one did."""
    sizes: list[int] = []
    carried_out = Session.group

    async def group(self: Session, several: Sequence[Steps[Any]]) -> list[Any]:
        if len(several) > 1:
            sizes.append(len(several))
        return await carried_out(self, several)

    monkeypatch.setattr(Session, "group", group)
    return sizes


def notes(base: SqlBase) -> list[str]:
    return [text for (text,) in base.rows("notes", "text")]


# Many share few commits --------------------------------------------------------------------------------------------


async def commits_of(base: SqlBase, how_many: int, way: Way) -> int:
    """So many notes at once; what was said of each is its own. The commits as the server was asked for them."""
    texts = [f"{number:03d}" for number in range(how_many)]
    async with wire(str(base.where)) as (through, url), opened(url) as store:
        assert await way(store, [note(text) for text in texts]) == texts
    assert notes(base) == texts
    return through.commits


@pytest.mark.parametrize("how_many", [2, 40, 2 * GROUP_MAX + 1])
async def test_many_at_once_share_their_commits(base: SqlBase, how_many: int) -> None:
    """One commit for as many as a group takes, and each of them hears of its own row."""
    assert await commits_of(base, how_many, together) == -(-how_many // GROUP_MAX)


async def test_control_each_by_itself_has_a_commit_each(base: SqlBase) -> None:
    """The same notes by `write`."""
    assert await commits_of(base, 40, apart) == 40


async def test_one_alone_goes_at_once(base: SqlBase) -> None:
    """It waits for no mates: one after another are as many commits."""
    async with wire(str(base.where)) as (through, url), opened(url) as store:
        assert [await store.write_shared(note(text)) for text in "abc"] == [*"abc"]
    assert through.commits == 3


async def test_who_comes_while_a_commit_is_under_way_shares_the_next(base: SqlBase, one_at_once: None) -> None:
    """Ten that come one after another while the first one is open are one more commit."""
    freed = asyncio.Event()
    async with wire(str(base.where)) as (through, url), opened(url) as store:
        first = asyncio.create_task(store.write_shared(note_until("first", freed.is_set)))
        late = []
        for number in range(10):
            await asyncio.sleep(0.01)
            late.append(asyncio.create_task(store.write_shared(note(f"late-{number}"))))
        await asyncio.sleep(0)
        freed.set()
        assert [await first, *await asyncio.gather(*late)] == ["first", *(f"late-{number}" for number in range(10))]
    assert through.commits == 2


# Results are told apart --------------------------------------------------------------------------------------------

SHELVES = "SELECT name, n FROM counters WHERE name LIKE ? ORDER BY n DESC, name"
ADD = "UPDATE counters SET n = n + ? WHERE name = ? RETURNING name, n"
PUT = "INSERT INTO counters (name, n) VALUES (?, ?) RETURNING n, name"


def asked(*statements: tuple[Any, ...]) -> Transaction[list[list[tuple[Any, ...]]]]:
    """The rows of each of these statements, one after the other."""

    def work() -> Steps[list[list[tuple[Any, ...]]]]:
        said = []
        for sql, *values in statements:
            said.append([tuple(row) for row in (yield Statement(sql, tuple(values)))])
        return said

    return work


async def answers(base: SqlBase, way: Way) -> list[Any]:
    """Transactions of many kinds at once: what each was answered. They get in each other's way nowhere."""
    base.run("INSERT INTO counters SELECT 'many-' || i, i % 7 FROM generate_series(10, 39) AS i")
    base.run("INSERT INTO counters VALUES ('one', 1), ('two-a', 1), ('two-b', 2), ('more-a', 3), ('more-b', 4)")
    async with opened(base.where) as store:
        works = [
            asked((SHELVES, "none%"), (SHELVES, "one%")),
            asked((SHELVES, "many-%"), (SHELVES, "none%")),
            asked((SHELVES, "two-%"), (SHELVES, "many-1%")),
            *[asked((SHELVES, "many-%"))] * 3,
            asked((ADD, 5, "more-a"), (ADD, 0, "none"), (SHELVES, "more-a")),
            asked((ADD, 7, "more-b"), (ADD, 1, "more-b"), (SHELVES, "more-b")),
            asked((PUT, "new-a", 1), (SHELVES, "new-a")),
            asked((PUT, "new-b", 2), (SHELVES, "new-b")),
            asked(("INSERT INTO counters (name, n) VALUES (?, ?)", "new-c", 3), (SHELVES, "new-c")),
            asked(("DELETE FROM counters WHERE name = ?", "gone"), ("SELECT count(*) FROM notes",)),
            asked(("SELECT count(*) FROM notes",), ("SELECT 1, 2, 3",)),
            asked(("SELECT ?::text, ?::int, ?::bool", None, -1, True)),
            asked(("SELECT ?::text, ?::int, ?::bool", "nul\0", 2, None)),
            asked(("SELECT ?::text, ?::int, ?::bool", "", 3, False)),
        ]
        said = await way(store, works)
    base.run("TRUNCATE counters")
    return said


async def test_each_hears_the_rows_of_its_own_statements(base: SqlBase, groups: list[int]) -> None:
    """None, one and many, in the order that was asked for; equal reads too; NUL as it is written by itself."""
    said = await answers(base, together)
    assert groups == [16], "they were one group"
    many = sorted(((f"many-{i}", i % 7) for i in range(10, 40)), key=lambda row: (-row[1], row[0]))
    assert said[0] == [[], [("one", 1)]]
    assert said[1] == [many, []]
    assert said[2] == [[("two-b", 2), ("two-a", 1)], [row for row in many if row[0].startswith("many-1")]]
    assert said[3] == said[4] == said[5] == [many]
    assert said[6:8] == [[[("more-a", 8)], [], [("more-a", 8)]], [[("more-b", 11)], [("more-b", 12)], [("more-b", 12)]]]
    assert said[8] == [[(1, "new-a")], [("new-a", 1)]]
    assert said[10] == [[], [("new-c", 3)]]
    assert [row for one in said[13:] for row in one[0]] == [(None, -1, True), ("nul\ufffd", 2, None), ("", 3, False)]


async def test_control_each_by_itself_hears_the_same(base: SqlBase) -> None:
    """By `write`, one after the other in that order."""

    async def in_turn(store: PostgresStore, works: Sequence[Transaction[Any]]) -> list[Any]:
        return [await store.write(work) for work in works]

    assert await answers(base, together) == await answers(base, in_turn)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'row'",
        "\n  SELECT 'row' ORDER BY 1 LIMIT 1",
        "SELECT 'row' UNION ALL SELECT 'other'",
        "select 'row'",
        "WITH found AS (SELECT 'row') SELECT * FROM found",
        "VALUES ('row')",
        "SELECT 'row' -- as it was asked for",
    ],
)
async def test_rows_are_heard_however_they_are_asked_for(store: PostgresStore, sql: str) -> None:
    """Two of one group hear what one by itself hears."""
    (by_itself,) = await apart(store, [asked((sql,))])
    assert by_itself[0][0] == ("row",)
    assert await together(store, [asked((sql,))] * 2) == [by_itself] * 2


async def test_texts_with_nul_are_written_without_it(base: SqlBase, store: PostgresStore) -> None:
    """Also where they travel together."""
    assert await together(store, [note("a\0"), note("b\0"), note("c")]) == ["a\0", "b\0", "c"]
    assert notes(base) == ["a\ufffd", "b\ufffd", "c"]


@pytest.mark.parametrize("way", [together, apart], ids=["together", "apart"])
async def test_equal_writes_are_carried_out_for_each_of_them(base: SqlBase, store: PostgresStore, way: Way) -> None:
    """An equal read may be read once for all of them; an equal write with RETURNING is done as often as asked."""
    base.run("INSERT INTO counters VALUES ('c', 0)")
    said = await way(store, [asked((ADD, 1, "c"))] * 5)
    assert base.rows("counters", "n") == [(5,)]
    assert sorted(n for ((_, n),) in (one[0] for one in said)) == [1, 2, 3, 4, 5]


# One of them is wrong ----------------------------------------------------------------------------------------------


def raising(text: str, error: Exception) -> Transaction[None]:
    """A note, and then the steps raise this."""

    def work() -> Steps[None]:
        yield written(text)
        raise error

    return work


def twice(*texts: Any) -> Transaction[None]:
    """These notes, one after the other."""

    def work() -> Steps[None]:
        for text in texts:
            yield written(text)

    return work


def never_begun() -> Steps[None]:
    raise LookupError("a bug before the first step")


WRONG: dict[str, Transaction[Any]] = {
    "a row that is there": twice("bad", "there"),
    "a row twice": twice("bad", "bad"),
    "raised by the steps": raising("bad", KeyError("a bug")),
    "raised by the steps, a timeout": raising("bad", TimeoutError("its own")),
    "raised before the first step": never_begun,
    "refused by the server": note("bad", "SELECT nonsense"),
    "a division by zero": note("bad", "SELECT 1 / 0"),
    "a text too long for its index": twice("bad", "".join(map(str, range(100_000)))),
    "a text that is none": twice("bad", "half a character: \ud83d"),
    "a number for a text": twice("bad", 7),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_what_is_wrong_with_one_hurts_nobody_else(
    base: SqlBase, store: PostgresStore, wrong: Transaction[Any]
) -> None:
    """It hears what it would hear by itself, nothing of it is written, and the others are written once."""
    await store.write(note("there"))
    (by_itself,) = await apart(store, [wrong])
    assert isinstance(by_itself, Exception)
    said = await together(store, [note("a"), note("b"), wrong, note("c"), note("d")])
    assert (type(said[2]), str(said[2])) == (type(by_itself), str(by_itself))
    assert [*said[:2], *said[3:]] == [*"abcd"]
    assert notes(base) == [*"abcd", "there"]
    assert await together(store, [note("e"), note("f")]) == [*"ef"], "and the store goes on"


async def test_control_if_nobody_went_alone_all_would_be_hurt(
    base: SqlBase, store: PostgresStore, nobody_goes_alone: None
) -> None:
    """They were in one database transaction, and it was undone."""
    said = await together(store, [note("a"), note("b", "SELECT 1 / 0"), note("c")])
    assert not [one for one in said if isinstance(one, str)]
    assert notes(base) == []


async def test_several_wrong_ones_each_hear_their_own(base: SqlBase, store: PostgresStore) -> None:
    """Each its own exception, the very object that its steps raised."""
    errors = [KeyError(number) for number in range(10)]
    works = [work for number, error in enumerate(errors) for work in (raising("bad", error), note(f"good-{number}"))]
    said = await together(store, works)
    assert all(heard is error for heard, error in zip(said[::2], errors, strict=True))
    assert notes(base) == said[1::2] == [f"good-{number}" for number in range(10)]


async def test_what_steps_make_of_a_violation_counts(base: SqlBase, store: PostgresStore) -> None:
    """Steps that catch it and say something else are heard, as by `write`."""

    def work() -> Steps[str]:
        try:
            yield written("there")
        except Violated as violated:
            raise KeyError(violated.constraint) from violated
        return "written"

    await store.write(note("there"))
    said = await together(store, [note("a"), work, note("b")])
    assert isinstance(said[1], KeyError)
    assert said[1].args == ("notes_pkey",)
    assert notes(base) == ["a", "b", "there"]


# Two of one group in each other's way ------------------------------------------------------------------------------


def made_or_found(text: str) -> Transaction[str]:
    """Looks, and writes the note if there is none. Nothing is held."""

    def work() -> Steps[str]:
        if (yield Statement("SELECT text FROM notes WHERE text = ?", (text,))):
            return "found"
        yield written(text)
        return "made"

    return work


async def test_two_who_write_one_row_end_as_by_themselves(base: SqlBase, store: PostgresStore) -> None:
    """One makes it, the other one finds it: refused for a row that is there now, it looks again."""
    tries: list[str] = []
    works = [counted(made_or_found("same"), tries, "same"), counted(made_or_found("same"), tries, "same"), note("else")]
    assert sorted(await together(store, works)) == ["else", "found", "made"]
    assert notes(base) == ["else", "same"]
    assert len(tries) >= 4, "they were in each other's way"


async def test_control_two_who_write_one_row_in_one_transaction_are_refused(
    base: SqlBase, store: PostgresStore, nobody_goes_alone: None
) -> None:
    """Both looked before either wrote."""
    assert not [one for one in await together(store, [made_or_found("same")] * 2) if isinstance(one, str)]
    assert notes(base) == []


def one_more(by: str) -> Transaction[int]:
    """Reads a number and writes the next one: lost if two read before either writes."""

    def work() -> Steps[int]:
        if by == "name":
            yield Hold(("the counter",))
        lock = FOR_UPDATE if by == "row" else ""
        ((n,),) = yield Statement(f"SELECT n FROM counters WHERE name = ? {lock}", ("c",))  # noqa: S608 - constants
        yield Statement("UPDATE counters SET n = ? WHERE name = ?", (n + 1, "c"))
        return int(n + 1)

    return work


async def count_up(base: SqlBase, store: PostgresStore, by: str) -> tuple[list[int], list[tuple[Any, ...]]]:
    base.run("INSERT INTO counters VALUES ('c', 0)")
    said = await together(store, [one_more(by) for _ in range(30)])
    return sorted(said), base.rows("counters", "n")


@pytest.mark.parametrize("by", ["name", "row"])
async def test_of_those_who_hold_one_thing_each_sees_what_the_others_wrote(
    base: SqlBase, store: PostgresStore, groups: list[int], by: str
) -> None:
    """Thirty of one group count to thirty, each its own number; and they were not undone for it."""
    assert await count_up(base, store, by) == ([*range(1, 31)], [(30,)])
    assert groups == [30]


@pytest.mark.parametrize("by", ["name", "row"])
async def test_control_without_waiting_for_each_other_they_count_to_one(
    base: SqlBase, store: PostgresStore, nobody_excluded: None, by: str
) -> None:
    """The server's own locks do not help: they are held by one transaction, the whole group's."""
    assert await count_up(base, store, by) == ([1] * 30, [(1,)])


async def test_who_holds_nothing_in_common_does_not_wait(
    base: SqlBase, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty who hold a name each take as many rounds as one."""
    rounds: list[int] = []
    one_round = Session._round  # noqa: SLF001 - counted, not changed

    async def counting(self: Session, members: Any, locked: Any) -> None:
        rounds.append(len(members))
        await one_round(self, members, locked)

    monkeypatch.setattr(Session, "_round", counting)

    def holding(text: str) -> Transaction[str]:
        def work() -> Steps[str]:
            yield Hold((text,))
            yield written(text)
            return text

        return work

    assert await together(store, [holding(f"{number}") for number in range(40)])
    assert rounds == [40, 40]


def crossing(text: str, *names: str) -> Transaction[str]:
    """Holds one name after the other."""

    def work() -> Steps[str]:
        for name in names:
            yield Hold((name,))
            yield written(f"{text} has {name}")
        return text

    return work


async def test_two_who_hold_two_names_crosswise_both_end_well(
    base: SqlBase, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of them can go on while they are together; so they are not, and the server decides."""
    one_round, rounds = Session._round, []  # noqa: SLF001 - bounded, not changed

    async def bounded(self: Session, members: Any, locked: Any) -> None:
        rounds.append(len(members))
        if len(rounds) > 100:  # the loop would never be left, and nothing else in the process would ever run
            raise AssertionError("it goes round for ever")
        await one_round(self, members, locked)

    monkeypatch.setattr(Session, "_round", bounded)
    assert await together(store, [crossing("one", "a", "b"), crossing("other", "b", "a")]) == ["one", "other"]
    assert len(rounds) < 100
    assert len(notes(base)) == 4


# Admission ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(base: SqlBase, store: PostgresStore) -> SqlLedger:
    base.add_tenant("default")
    return SqlLedger(store, IDS)


def a_candidate(of: Wish) -> Candidate:
    operation = IDS.operation_id()
    made = (IDS.time_ordered(), operation, f"termin+{operation}@salon.test", NOW, NOW + timedelta(seconds=15))
    return Candidate(of, None, intent_key(of, SECRET), *made)


def admitted(store: PostgresStore, of: Wish, toll: Toll | None = None) -> Transaction[Admitted]:
    return admission(a_candidate(of), AdmissionPolicy(), toll, SqlGates(store))


def a_caller(number: int) -> Wish:
    """Somebody of his own, at a time of his own."""
    start = NOW + timedelta(days=1 + number)
    return wish(conversation_id=f"call_{number}", phone=f"+49309{number:06d}", name=f"Gast {number}", start=start)


PHONE = "+4930901820"
WISHED = wish(phone=PHONE)
RIVALS: dict[str, tuple[Wish, type, str | None]] = {
    "the same wish": (WISHED, Join, "unique_live_intent"),
    "the same slot from another call": (
        wish(phone=PHONE, conversation_id="call_other"),
        Busy,
        "unique_live_wish_of_phone",
    ),
    "another slot in the same call": (wish(phone=PHONE, start=NOW + timedelta(days=3)), Busy, None),
}
"""Another wish beside WISHED: what the second one hears, and which index would refuse its row."""


async def rivals(base: SqlBase, rival: Wish, way: Way) -> tuple[Counter[type], list[str], int]:
    """Two wishes of which one may start, and one of somebody else: what they hear, who tried, how many rows."""
    base.add_tenant("default")
    tries: list[str] = []
    async with opened(base.where) as store:
        works = [admitted(store, WISHED), admitted(store, rival), admitted(store, a_caller(9))]
        said = await way(store, [counted(work, tries, f"{number}") for number, work in enumerate(works)])
    assert all(isinstance(one, Admitted) for one in said), said
    return Counter(type(one.admission) for one in said), tries, len(base.rows("intents", "intent_id"))


@pytest.mark.parametrize(("rival", "heard", "index"), RIVALS.values(), ids=RIVALS)
async def test_of_two_wishes_in_one_group_the_second_sees_the_first(
    base: SqlBase, rival: Wish, heard: type, index: str | None
) -> None:
    """One starts, the other one hears what it would hear by itself; nobody has to try again."""
    said, tries, rows = await rivals(base, rival, together)
    assert (said, rows) == (Counter({Start: 2, heard: 1}), 2)
    assert sorted(tries) == ["0", "1", "2"]


@pytest.mark.parametrize(("rival", "heard", "index"), RIVALS.values(), ids=RIVALS)
async def test_control_two_wishes_by_themselves_hear_the_same(
    base: SqlBase, rival: Wish, heard: type, index: str | None
) -> None:
    said, _, rows = await rivals(base, rival, apart)
    assert (said, rows) == (Counter({Start: 2, heard: 1}), 2)


@pytest.mark.parametrize(("rival", "heard", "index"), RIVALS.values(), ids=RIVALS)
async def test_control_if_the_second_did_not_wait_an_index_has_to_refuse_it(
    base: SqlBase, nobody_excluded: None, rival: Wish, heard: type, index: str | None
) -> None:
    """Where there is one, all three are undone and tried again. Where none can express it, both are booked."""
    said, tries, rows = await rivals(base, rival, together)
    if index is None:
        assert (said, rows) == (Counter({Start: 3}), 3)
        assert len(tries) == 3
    else:
        assert (said, rows) == (Counter({Start: 2, heard: 1}), 2)
        assert min(Counter(tries).values()) == 2


async def test_a_group_sees_what_was_booked_before(base: SqlBase, ledger: SqlLedger, store: PostgresStore) -> None:
    """Two of one group ask from new calls for a slot that this person has: both are told so."""
    first = (await ledger.admit(a_candidate(WISHED), AdmissionPolicy())).started
    assert first is not None
    given = booking(uid="uid-1", start=WISHED.start)
    await ledger.apply(Transition(first, (Event.LANDED_ACCEPTED,), NOW, booking=given))
    again = [admitted(store, wish(phone=PHONE, conversation_id=f"call_again_{number}")) for number in range(2)]
    said = await together(store, [*again, admitted(store, a_caller(1))])
    assert [type(one.admission) for one in said] == [AlreadyBooked, AlreadyBooked, Start]
    assert len(base.rows("intents", "intent_id")) == 2


LIMITED = Toll("account-1", GatePolicy(per_minute=30))
BURST = 10
"""What a full bucket of 30 a minute lets pass at once."""


async def states_of_many(base: SqlBase, first: bool) -> Counter[State]:
    """More admissions in one group than the budget pays for, on a gate that has been passed before or never."""
    base.add_tenant("default")
    async with opened(base.where) as store:
        if first:
            await store.write_shared(lambda: SqlGates(store).passes(LIMITED, Use.BOOK, NOW))
        said = await together(store, [admitted(store, a_caller(number), LIMITED) for number in range(60)])
    return Counter(one.started.state for one in said)


@pytest.mark.parametrize("first", [False, True], ids=["a new gate", "a gate with a row"])
async def test_of_one_group_exactly_the_budget_passes_the_gate(base: SqlBase, groups: list[int], first: bool) -> None:
    """Sixty at once: the rest waits unarmed, and no token is spent twice."""
    armed = BURST - first
    assert await states_of_many(base, first) == {State.SENT: armed, State.INTENT: 60 - armed}
    assert base.rows("calendar_gates", "tokens") == [(0.0,)]
    assert groups == [60]


async def test_control_if_nobody_waited_all_of_them_would_pass(base: SqlBase, nobody_excluded: None) -> None:
    """Sixty POSTs in a second, and the row knows of one."""
    assert await states_of_many(base, first=True) == {State.SENT: 60}
    assert base.rows("calendar_gates", "tokens") == [(BURST - 2.0,)]


async def test_gates_alone_in_a_group_let_exactly_the_budget_pass(base: SqlBase, store: PostgresStore) -> None:
    """Without an admission around them."""
    gates = SqlGates(store)
    permits = await together(store, [lambda: gates.passes(LIMITED, Use.BOOK, NOW)] * 50)
    assert Counter(isinstance(permit, Passed) for permit in permits) == {True: BURST, False: 40}


# Moves -------------------------------------------------------------------------------------------------------------


async def doubted(ledger: SqlLedger, store: PostgresStore, way: Way, *moments: datetime) -> list[str]:
    """One intent that several take for doubtful at these moments: what each hears."""
    sent = (await ledger.admit(a_candidate(WISHED), AdmissionPolicy())).started
    assert sent is not None
    moves = [move(Transition(sent, (Event.DOUBTED,), at, look_at=at), IDS, ()) for at in moments]
    return sorted(type(one).__name__ for one in await way(store, moves))


@pytest.mark.parametrize("way", [together, apart], ids=["together", "apart"])
@pytest.mark.parametrize("apart_by", [0, 1], ids=["at one moment", "a second apart"])
async def test_of_two_moves_of_one_intent_one_is_stale(
    ledger: SqlLedger, store: PostgresStore, way: Way, apart_by: int
) -> None:
    """Also where both say the same to the letter: only one of them has moved it."""
    moments = (NOW + timedelta(seconds=2), NOW + timedelta(seconds=2 + apart_by))
    assert await doubted(ledger, store, way, *moments) == ["StaleIntent", "StoredReply"]


@pytest.mark.parametrize("way", [together, apart], ids=["together", "apart"])
async def test_an_intent_is_armed_by_one_alone(ledger: SqlLedger, store: PostgresStore, way: Way) -> None:
    """Whoever is told that he armed it sends the POST: two who arm at one moment must not both be told."""
    blocked = Toll("account-2", GatePolicy(per_minute=1))
    await ledger.gates.enter(blocked, Use.BOOK, NOW)
    unarmed = (await ledger.admit(a_candidate(WISHED), AdmissionPolicy(), blocked)).started
    assert unarmed is not None
    assert unarmed.state is State.INTENT
    armed = Transition(unarmed, (Event.ARMED,), NOW, send_deadline=NOW + timedelta(seconds=15))
    said = await way(store, [move(armed, IDS, ())] * 2)
    assert sorted(type(one).__name__ for one in said) == ["StaleIntent", "StoredReply"]


async def test_two_bookings_of_one_new_customer_are_one_customer(
    base: SqlBase, ledger: SqlLedger, store: PostgresStore
) -> None:
    """Neither found the customer: they are undone, and the second one to write finds one."""
    wishes = [wish(phone=PHONE, start=NOW + timedelta(hours=hour), conversation_id=f"c{hour}") for hour in range(2)]
    started = [(await ledger.admit(a_candidate(of), AdmissionPolicy())).started for of in wishes]
    tries: list[str] = []
    works = []
    for number, intent in enumerate(started):
        assert intent is not None
        given = booking(uid=f"uid-{number}", start=intent.wish.start)
        booked = move(Transition(intent, (Event.LANDED_ACCEPTED,), NOW, booking=given), IDS, ())
        works.append(counted(booked, tries))
    assert [one.intent.state for one in await together(store, works)] == [State.CONFIRMED] * 2
    assert len(base.rows("customers", "customer_id")) == 1
    assert len(base.rows("appointments", "appointment_id")) == 2
    assert len(tries) >= 4, "they were in each other's way"


# Server and network fail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fate", "stands"),
    [(Fate.NEVER_SENT, []), (Fate.ANSWER_LOST, [*"abc"]), (Fate.SILENCE, [*"abc"])],
    ids=lambda value: value.name if isinstance(value, Fate) else "",
)
async def test_a_shared_commit_without_an_answer_is_unknown_to_all(
    base: SqlBase, monkeypatch: pytest.MonkeyPatch, fate: Fate, stands: list[str]
) -> None:
    """Whether the server had it or not; it is asked once, no cancel follows, and nobody is tried again."""
    monkeypatch.setattr(postgres_session, "ANSWER_SECONDS", 1.0)
    tries: list[str] = []
    async with wire(str(base.where)) as (through, url), opened(url) as store:
        await together(store, [note("known-a"), note("known-b")])
        through.fate = fate
        said = await together(store, [counted(note(text), tries, text) for text in "abc"])
        assert [type(one) for one in said] == [CommitUnknown] * 3
        through.fate = Fate.ANSWERED
        assert (through.commits, through.cancels, tries) == (2, 0, [*"abc"])
        assert notes(base) == [*stands, "known-a", "known-b"]
        assert await together(store, [note("x"), note("y")]) == [*"xy"]
        assert notes(base) == [*stands, "known-a", "known-b", "x", "y"]


async def test_a_group_whose_session_is_ended_has_written_nothing(base: SqlBase, store: PostgresStore) -> None:
    """By an administrator, before its COMMIT: all are told so, none is tried again. The store goes on."""
    tries: list[str] = []
    killed = note("b", "SELECT pg_terminate_backend(pg_backend_pid())")
    said = await together(store, [counted(work, tries) for work in (note("a"), killed, note("c"))])
    assert [type(one) for one in said] == [LedgerUnavailable] * 3
    assert (notes(base), len(tries)) == ([], 3)
    assert await together(store, [note("d"), note("e")]) == [*"de"]


async def test_a_group_that_loses_its_server_has_written_nothing(base: SqlBase) -> None:
    """The wire is cut in the middle of it, as when the server dies. All are told so, and then the store goes on."""
    under_way: list[str] = []
    never = note_until("b", lambda: under_way.append("b") is not None)
    async with wire(str(base.where)) as (through, url), opened(url) as store:
        group = asyncio.create_task(together(store, [note("a"), never, note("c")]))
        await until(lambda: len(under_way) > 2)
        await through.end()
        assert [type(one) for one in await group] == [LedgerUnavailable] * 3
        assert through.commits == 0
        assert await together(store, [note("d"), note("e")]) == [*"de"]
    assert notes(base) == [*"de"]


async def test_a_group_without_a_free_connection_is_unavailable(base: SqlBase, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, with nothing written."""
    monkeypatch.setattr(postgres, "FREE_SECONDS", 0.05)
    freed = asyncio.Event()
    async with opened(base.where, 1) as store:
        holding = asyncio.create_task(store.write(note_until("first", freed.is_set)))
        await asyncio.sleep(0)
        said = await together(store, [note("a"), note("b")])
        assert [str(one) for one in said] == ["no connection is free"] * 2
        freed.set()
        assert await holding == "first"
    assert notes(base) == ["first"]


# Callers who go away -----------------------------------------------------------------------------------------------


async def gone_in_the_middle(base: SqlBase, store: PostgresStore, way: str) -> list[Any]:
    """Three at once, of which the second caller goes away while all are open; what the two others hear."""
    begun, freed = asyncio.Event(), asyncio.Event()

    def waits() -> bool:
        begun.set()
        return freed.is_set()

    write = getattr(store, way)
    first, gone, last = (asyncio.create_task(write(note_until(text, waits))) for text in ("a", "gone", "z"))
    await begun.wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    freed.set()
    return [await first, await last]


async def test_a_caller_who_goes_away_disturbs_nobody(base: SqlBase, store: PostgresStore) -> None:
    """The others are answered; its own row is written with theirs, for it was under way."""
    assert await gone_in_the_middle(base, store, "write_shared") == ["a", "z"]
    assert notes(base) == ["a", "gone", "z"]


async def test_control_by_itself_it_would_be_undone(base: SqlBase, store: PostgresStore) -> None:
    """By `write` a caller who goes away takes his transaction with him."""
    assert await gone_in_the_middle(base, store, "write") == ["a", "z"]
    assert notes(base) == ["a", "z"]


async def test_who_went_away_alone_is_carried_out_all_the_same(base: SqlBase, store: PostgresStore) -> None:
    """Also when nobody is left to hear of it."""
    gone = asyncio.create_task(store.write_shared(note("gone")))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await until(lambda: notes(base) == ["gone"])


async def test_who_went_away_while_waiting_is_carried_out_all_the_same(
    base: SqlBase, store: PostgresStore, one_at_once: None
) -> None:
    """It goes with the next group, whose members are answered."""
    freed = asyncio.Event()
    first = asyncio.create_task(store.write_shared(note_until("first", freed.is_set)))
    await asyncio.sleep(0)
    gone, late = (asyncio.create_task(store.write_shared(note(text))) for text in ("gone", "late"))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    freed.set()
    assert [await first, await late] == ["first", "late"]
    assert notes(base) == ["first", "gone", "late"]


async def test_who_went_away_and_was_wrong_is_heard_of_no_more(base: SqlBase, store: PostgresStore) -> None:
    """Its error is nobody's, and the others are answered."""
    wrong = asyncio.create_task(store.write_shared(raising("bad", KeyError("a bug"))))
    other = asyncio.create_task(store.write_shared(note("a")))
    await asyncio.sleep(0)
    wrong.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wrong
    assert await other == "a"
    assert notes(base) == ["a"]


# Nobody waits for ever ---------------------------------------------------------------------------------------------


class CountedLate(PostgresStore):
    """Bent: a group counts as under way until its task's callback has run, which is after its last look."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._under_way = set[asyncio.Task[None]]()

    async def write_shared(self, work: Transaction[Any]) -> Any:
        self._here()
        waiting = _Waiting(work)
        self._waiting.append(waiting)
        if len(self._under_way) < postgres.GROUPS_MAX:
            group = asyncio.create_task(self._go_on())
            self._under_way.add(group)
            group.add_done_callback(self._under_way.discard)
        return await waiting.ended


async def test_one_after_the_other_is_never_left_waiting(
    base: SqlBase, store: PostgresStore, one_at_once: None
) -> None:
    """Each comes in the very moment in which the one before has ended."""
    async with asyncio.timeout(60):
        for number in range(100):
            assert await store.write_shared(note(f"{number}")) == f"{number}"


async def test_control_where_groups_are_counted_late_the_second_waits_for_ever(
    base: SqlBase, one_at_once: None
) -> None:
    """Nobody goes for it: the last look was before it came, the end of the group after."""
    async with kept(CountedLate(str(base.where))) as store:
        told: list[str] = []

        async def one_after_the_other() -> None:
            for text in ("first", "second"):
                told.append(await store.write_shared(note(text)))  # noqa: PERF401 - one after the other

        both = asyncio.create_task(one_after_the_other())
        await until(lambda: bool(told))
        done, _ = await asyncio.wait({both}, timeout=0.3)
        assert not done
        assert (told, notes(base)) == (["first"], ["first"])
        both.cancel()


async def test_lanes_of_callers_at_different_paces_all_come_to_an_end(base: SqlBase, store: PostgresStore) -> None:
    """Twenty lanes, one after the other in each, with pauses of none to a few turns of the loop."""

    async def lane(who: int) -> None:
        for number in range(10):
            text = f"{who}-{number}"
            assert await store.write_shared(note(text)) == text
            for _ in range((who * 7 + number) % 5):
                await asyncio.sleep(0)

    async with asyncio.timeout(60):
        await asyncio.gather(*(lane(who) for who in range(20)))
    assert len(notes(base)) == 200


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gives up waiting for a lock, but for the limit that a group itself sets."""
    patient = postgres_session._AFTER_CONNECTING.replace("'2s'", "'60s'")  # noqa: SLF001 - its words
    monkeypatch.setattr(postgres_session, "_AFTER_CONNECTING", patient)
    monkeypatch.setattr(postgres_session, "ANSWER_SECONDS", 60.0)


def waiter(text: str) -> Transaction[str]:
    """A note under a name that is held elsewhere."""

    def work() -> Steps[str]:
        yield Hold(("held elsewhere",))
        yield written(text)
        return text

    return work


WAITING_FOR_A_NAME = f"{OURS} AND wait_event = 'advisory'"


async def mates_of_one_who_waits(
    base: SqlBase, monkeypatch: pytest.MonkeyPatch, wait: float | None
) -> tuple[bool, list[Any]]:
    """Two in a group with one who waits for a name that another session holds: whether they ended before that let
    it go, and what all three heard."""
    be_patient(monkeypatch)
    elsewhere = await asyncpg.connect(str(base.where))
    await elsewhere.execute(f"BEGIN; {locks(['held elsewhere'])}")
    async with opened(base.where) as store:
        works = (waiter("waiter"), note("a"), note("b"))
        waiting, *mates = (asyncio.create_task(store.write_shared(work)) for work in works)
        done, _ = await asyncio.wait(mates, timeout=wait)
        before = len(done) == len(mates)
        await elsewhere.close()
        return before, [await waiting, *[await mate for mate in mates]]


async def test_one_who_waits_for_a_lock_does_not_hold_up_its_mates(
    base: SqlBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They end before the lock is free, and the one who waits has its turn later."""
    assert await mates_of_one_who_waits(base, monkeypatch, 30.0) == (True, ["waiter", "a", "b"])
    assert notes(base) == ["a", "b", "waiter"]


async def test_control_with_the_usual_patience_they_wait_with_it(
    base: SqlBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that waits for a lock as long as anybody ends when the lock is free, and not before."""
    monkeypatch.setattr(postgres_session, "BEGIN_GROUP", postgres_session.BEGIN)
    assert await mates_of_one_who_waits(base, monkeypatch, 0.6) == (False, ["waiter", "a", "b"])


class WaitsForThem(PostgresStore):
    """Bent: the next group begins when all who go alone have ended."""

    async def _together(self, group: list[_Waiting]) -> None:
        await super()._together(group)
        while alone := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(alone)


async def those_after_one_who_waits(
    base: SqlBase, monkeypatch: pytest.MonkeyPatch, made: type[PostgresStore], wait: float
) -> tuple[bool, list[Any]]:
    """Five waiting for a name that another session holds, and then others, one after the other: whether those ended
    before that let it go, and what all heard."""
    be_patient(monkeypatch)
    elsewhere = await asyncpg.connect(str(base.where))
    await elsewhere.execute(f"BEGIN; {locks(['held elsewhere'])}")
    async with kept(made(str(base.where))) as store:
        waiting = asyncio.create_task(together(store, [waiter(f"waiter-{number}") for number in range(5)]))
        await until(lambda: base.run(f"SELECT count(*) > 0 {WAITING_FOR_A_NAME}") == [(True,)])

        async def others() -> list[str]:
            return [await store.write_shared(note(text)) for text in "ab"]

        after = asyncio.create_task(others())
        done, _ = await asyncio.wait({after}, timeout=wait)
        await elsewhere.close()
        return bool(done), [*await waiting, *await after]


WAITED = [*(f"waiter-{number}" for number in range(5)), "a", "b"]


async def test_those_who_wait_for_a_lock_do_not_hold_up_who_comes_after_them(
    base: SqlBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wait on connections of their own, and the groups go on."""
    assert await those_after_one_who_waits(base, monkeypatch, PostgresStore, 30.0) == (True, WAITED)


async def test_control_if_groups_waited_for_them_everybody_would(
    base: SqlBase, monkeypatch: pytest.MonkeyPatch, one_at_once: None
) -> None:
    """As long as the lock is held."""
    assert await those_after_one_who_waits(base, monkeypatch, WaitsForThem, 0.6) == (False, WAITED)


# Closed, and opened elsewhere --------------------------------------------------------------------------------------


async def test_who_waits_when_it_is_closed_is_told(base: SqlBase, store: PostgresStore, one_at_once: None) -> None:
    """What is under way ends well. Nobody else is written, and nobody waits for ever."""
    freed = asyncio.Event()
    first = asyncio.create_task(together(store, [note_until("a", freed.is_set), note("b")]))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(together(store, [note("c"), note("d")]))
    await asyncio.sleep(0.01)
    store.close()
    freed.set()
    async with asyncio.timeout(60):
        assert await first == [*"ab"]
        assert [str(one) for one in await waiting] == ["the ledger is closed"] * 2
        assert [str(one) for one in await together(store, [note("e")])] == ["the ledger is closed"]
    assert notes(base) == ["a", "b"]


class Unaware(PostgresStore):
    """Bent: it does not see that the loop is another one."""

    def _here(self) -> None:
        self._loop = asyncio.get_running_loop()
        super()._here()


def in_two_loops(base: SqlBase, made: type[PostgresStore]) -> list[str]:
    """One loop ends in the middle of a group while another one waits; then the store is used in the next loop."""
    store = made(str(base.where))
    store.open()

    async def first() -> None:
        never = [note_until("never-a", lambda: False), note("never-b")]
        open_tasks = [asyncio.create_task(store.write_shared(work)) for work in never]
        await until(lambda: base.run(f"SELECT count(*) {IN_THE_MIDDLE}") == [(1,)])
        open_tasks.append(asyncio.create_task(store.write_shared(note("left waiting"))))
        await asyncio.sleep(0)

    async def second() -> list[str]:
        async with kept(store), asyncio.timeout(60):
            return [*await together(store, [note("c"), note("d")]), await store.write_shared(note("e"))]

    asyncio.run(first())
    return asyncio.run(second())


def test_a_store_goes_on_in_another_loop(base: SqlBase, one_at_once: None) -> None:
    """What the first loop left open is undone, what waited there is forgotten, and nobody waits for it."""
    assert in_two_loops(base, PostgresStore) == [*"cde"]
    assert notes(base) == [*"cde"]


def test_control_a_store_that_does_not_see_the_other_loop_carries_out_what_was_left(
    base: SqlBase, one_at_once: None
) -> None:
    """Long after its caller was gone."""
    assert in_two_loops(base, Unaware) == [*"cde"]
    assert notes(base) == ["c", "d", "e", "left waiting"]
