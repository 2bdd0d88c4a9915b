"""The contract of the Callbacks port: who wants to be called back is there once, and is told to the house once.

The row and its messages are one commit. A backend is one entry in BASES.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.callbacks import SqlCallbacks
from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.steps import Statement, Steps, Transaction
from einmal.adapters.system import SystemIds
from einmal.domain.callback import Callback
from einmal.domain.promise import MessageKind
from einmal.ports import Callbacks, CommitUnknown, LedgerUnavailable, Outbox
from einmal.simulator.storage import FaultyStore, StorageFault
from support.evidence import CALL, NOW
from support.sql import BASES, SqlBase

IDS = SystemIds()
CHANNELS = ("log", "webhook")
SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(minutes=1)


@dataclass(frozen=True)
class Books:
    base: SqlBase
    first: SqlLedger

    @property
    def callbacks(self) -> Callbacks:
        return self.first.callbacks

    @property
    def outbox(self) -> Outbox:
        return self.first.outbox

    def another(self, channels: Sequence[str] = CHANNELS) -> SqlLedger:
        return self.base.ledger(IDS, channels)

    def failing(self, fault: StorageFault) -> SqlLedger:
        """A process whose next commit goes wrong."""
        inner = self.another()
        inner_store: Any = inner._store  # noqa: SLF001 - the store under the fault
        faults = [fault]
        return SqlLedger(FaultyStore(inner_store, lambda: faults.pop() if faults else None), IDS, CHANNELS)

    @property
    def messages(self) -> list[tuple[Any, ...]]:
        return sorted(self.base.rows("outbox", "message_id", "channel", "kind", "callback_id"))


@pytest.fixture(params=BASES)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    with BASES[request.param](tmp_path) as base:
        for tenant in ("default", "other"):
            base.add_tenant(tenant)
        yield Books(base, base.ledger(IDS, CHANNELS))


def wanted(**parts: Any) -> Callback:
    told = {
        "callback_id": IDS.time_ordered(),
        "tenant_id": "default",
        "conversation_id": CALL,
        "name": "Jürgen Groß",
        "phone": "+491701234567",
        "note": "Termin verschieben",
        "wanted": "morgen ab 17 Uhr",
        "created_at": NOW,
    }
    return Callback(**told | parts)


# Noted -----------------------------------------------------------------------------------------------------------


async def test_who_wants_to_be_called_is_listed_and_due_on_every_channel(books: Books) -> None:
    """The row as it was said, and one message a channel that tells of it."""
    one = wanted()
    assert await books.callbacks.note(one) == (one, True)
    assert await books.callbacks.open_ones("default", 10) == (one,)
    name = f"{one.callback_id}.requested"
    assert books.messages == [(name, channel, "callback", one.callback_id) for channel in CHANNELS]
    messages = await books.outbox.claim_messages(NOW, LATER, 10)
    assert [(message.message_id, message.channel) for message in messages] == [(name, channel) for channel in CHANNELS]
    for message in messages:
        assert (message.kind, message.tries, message.created_at) == (MessageKind.CALLBACK, 0, NOW)
        assert message.about == one


@pytest.mark.parametrize("parts", [{}, {"name": None, "note": None, "wanted": None}, {"conversation_id": None}])
async def test_it_is_read_back_as_it_was_said(books: Books, parts: dict[str, Any]) -> None:
    """Whatever was not said is absent, and not empty."""
    one = wanted(**parts)
    await books.callbacks.note(one)
    assert await books.another().callbacks.open_ones("default", 10) == (one,)


@pytest.mark.parametrize("conversation_id", [CALL, None])
async def test_a_repeat_is_the_same_call_back(books: Books, conversation_id: str | None) -> None:
    """The first one's id and time; one row, one message; also where no platform vouches for the call."""
    one = wanted(conversation_id=conversation_id)
    again = wanted(conversation_id=conversation_id, created_at=LATER)
    await books.callbacks.note(one)
    assert await books.callbacks.note(again) == (one, False)
    assert await books.callbacks.open_ones("default", 10) == (one,)
    assert len(books.messages) == len(CHANNELS)


async def test_what_a_repeat_says_anew_is_added_and_told_by_what_is_not_sent_yet(books: Books) -> None:
    """The message is read when it goes."""
    one = wanted()
    await books.callbacks.note(one)
    more = wanted(note="lieber bei Anna", name="Jürgen Gross")
    stands, new = await books.callbacks.note(more)
    assert (stands, new) == (one.with_more(more), False)
    assert await books.callbacks.open_ones("default", 10) == (stands,)
    messages = await books.outbox.claim_messages(LATER, LATER + SECOND, 10)
    assert [message.about for message in messages] == [stands, stands]
    assert stands.note == "Termin verschieben; lieber bei Anna"


@pytest.mark.parametrize(
    "parts",
    [
        {"phone": "+4930901820"},
        {"conversation_id": "call_another"},
        {"conversation_id": None},
        {"tenant_id": "other"},
    ],
    ids=["phone", "call", "no-call", "tenant"],
)
async def test_another_phone_call_or_house_is_another_call_back(books: Books, parts: dict[str, str | None]) -> None:
    first, second = wanted(), wanted(**parts)
    assert await books.callbacks.note(first) == (first, True)
    assert await books.callbacks.note(second) == (second, True)
    listed = {*await books.callbacks.open_ones("default", 10), *await books.callbacks.open_ones("other", 10)}
    assert listed == {first, second}
    assert len(books.messages) == 2 * len(CHANNELS)


# Done ------------------------------------------------------------------------------------------------------------


async def test_what_is_done_is_no_longer_listed(books: Books) -> None:
    """Once; of another one, or of none, nothing is said to be done."""
    one, other = wanted(), wanted(phone="+4930901820", created_at=LATER)
    await books.callbacks.note(one)
    await books.callbacks.note(other)
    assert await books.callbacks.count_open("default") == 2
    assert [await books.callbacks.done(one.callback_id, LATER) for _ in range(2)] == [True, False]
    assert not await books.callbacks.done("no-such-callback", LATER)
    assert await books.callbacks.open_ones("default", 10) == (other,)
    assert await books.callbacks.count_open("default") == 1
    assert (one.callback_id, "2026-11-23T09:01:00.000Z") in books.base.rows("callbacks", "callback_id", "done_at")


async def test_who_asks_again_after_it_was_done_is_called_again(books: Books) -> None:
    """In the same call even: what was done is over."""
    one, again = wanted(), wanted(created_at=LATER)
    await books.callbacks.note(one)
    await books.callbacks.done(one.callback_id, LATER)
    assert await books.callbacks.note(again) == (again, True)
    assert await books.callbacks.open_ones("default", 10) == (again,)
    assert len(books.messages) == 2 * len(CHANNELS)


async def test_a_message_that_goes_after_it_was_done_says_so(books: Books) -> None:
    """Nobody is called twice because the receiver was down."""
    one = wanted()
    await books.callbacks.note(one)
    await books.callbacks.done(one.callback_id, LATER)
    (message, _) = await books.outbox.claim_messages(LATER, LATER + SECOND, 10)
    assert message.about == replace(one, done_at=LATER)


# Listed ----------------------------------------------------------------------------------------------------------


async def test_the_oldest_is_first_and_each_house_has_its_own(books: Books) -> None:
    ages = [timedelta(minutes=minutes) for minutes in (2, 0, 1)]
    noted = [wanted(phone=f"+493090182{i}", created_at=NOW + age) for i, age in enumerate(ages)]
    foreign = wanted(tenant_id="other")
    for one in (*noted, foreign):
        await books.callbacks.note(one)
    assert await books.callbacks.open_ones("default", 10) == (noted[1], noted[2], noted[0])
    assert await books.callbacks.open_ones("default", 2) == (noted[1], noted[2])
    assert await books.callbacks.open_ones("other", 10) == (foreign,)
    assert [await books.callbacks.count_open(tenant) for tenant in ("default", "other", "nobody")] == [3, 1, 0]


# The outbox carries both -----------------------------------------------------------------------------------------


async def test_messages_of_call_backs_are_sent_and_tried_as_all_are(books: Books) -> None:
    """What arrived is not given out again; what did not is, counted."""
    await books.callbacks.note(wanted())
    log, hook = await books.outbox.claim_messages(NOW, LATER, 10)
    await books.outbox.sent(log, NOW)
    await books.outbox.not_sent(hook, LATER)
    (again,) = await books.outbox.claim_messages(LATER, LATER + SECOND, 10)
    assert (again.channel, again.tries, again.about) == (hook.channel, 1, hook.about)


async def test_a_call_back_is_no_news_of_any_booking(books: Books) -> None:
    """The invariants ask whose news was sent; there is no intent behind this one."""
    await books.callbacks.note(wanted())
    assert (await books.first.history.recorded("default", NOW)).news == frozenset()


# Races and faults ------------------------------------------------------------------------------------------------


async def test_doubled_requests_make_one_row_and_one_message(books: Books) -> None:
    """Platforms repeat a request while the first one still runs, here to other processes."""
    ledgers = [books.first, *(books.another() for _ in range(3))]
    asked = [ledger.callbacks.note(wanted()) for ledger in ledgers for _ in range(4)]
    answers = await asyncio.gather(*asked)
    assert Counter(new for _, new in answers) == {True: 1, False: len(asked) - 1}
    assert len({stands.callback_id for stands, _ in answers}) == 1
    assert await books.callbacks.count_open("default") == 1
    assert len(books.messages) == len(CHANNELS)


async def test_what_many_say_at_once_is_all_noted(books: Books) -> None:
    """No note overwrites another that was made at the same time."""
    ledgers = [books.first, books.another()]
    said = [f"Grund {number}" for number in range(8)]
    await asyncio.gather(*(ledgers[i % 2].callbacks.note(wanted(note=note)) for i, note in enumerate(said)))
    (stands,) = await books.callbacks.open_ones("default", 10)
    assert stands.note is not None
    assert sorted(stands.note.split("; ")) == said


async def test_control_looking_and_writing_in_two_transactions_notes_it_twice(books: Books) -> None:
    """Control: two who both looked before either wrote make two rows of one caller."""
    both_looked = asyncio.Barrier(2)
    insert = (
        "INSERT INTO callbacks (callback_id, tenant_id, person_phone, created_at) "
        "VALUES ('{}', 'default', '+491701234567', '2026-11-23T09:00:00.000Z') RETURNING callback_id"
    )

    async def look_then_write(name: str) -> None:
        found = books.base.run("SELECT callback_id FROM callbacks WHERE person_phone = '+491701234567'")
        await both_looked.wait()
        if not found:
            books.base.run(insert.format(name))

    await asyncio.gather(look_then_write("01"), look_then_write("02"))
    assert await books.callbacks.count_open("default") == 2


async def test_where_nothing_was_written_nothing_is_owed(books: Books) -> None:
    """Neither a row without its message nor a message without its row."""
    for fault, raised in [(StorageFault.UNAVAILABLE, LedgerUnavailable), (StorageFault.UNKNOWN_LOST, CommitUnknown)]:
        with pytest.raises(raised):
            await books.failing(fault).callbacks.note(wanted())
    assert await books.callbacks.count_open("default") == 0
    assert books.messages == []


async def test_a_commit_that_nobody_heard_of_is_found_by_the_next_try(books: Books) -> None:
    """The same note again, by its id: the row that was written after all."""
    one = wanted()
    ledger = books.failing(StorageFault.UNKNOWN_WRITTEN)
    with pytest.raises(CommitUnknown):
        await ledger.callbacks.note(one)
    assert await ledger.callbacks.note(one) == (one, False)
    assert len(books.messages) == len(CHANNELS)


class Interrupted:
    """A store in which something happens elsewhere after a transaction has looked and before it writes."""

    def __init__(self, inner: Any, meanwhile: Callable[[], object]) -> None:
        self._inner = inner
        self._meanwhile = meanwhile

    async def write(self, work: Transaction[Any]) -> Any:
        def steps() -> Steps[Any]:
            under_way = work()
            step = next(under_way)
            while True:
                if isinstance(step, Statement) and "UPDATE callbacks" in step.sql:
                    self._meanwhile()
                try:
                    step = under_way.send((yield step))
                except StopIteration as done:
                    return done.value

        return await self._inner.write(steps)


async def test_what_is_done_while_it_is_asked_for_again_is_asked_for_anew(tmp_path: Path) -> None:
    """Somebody called just now, and did not know what is said now: nothing is added to what is over."""
    with BASES["postgres"](tmp_path) as base:
        base.add_tenant("default")
        books = Books(base, base.ledger(IDS, CHANNELS))
        one, again = wanted(), wanted(created_at=LATER)
        await books.callbacks.note(one)
        done = "UPDATE callbacks SET done_at = '2026-11-23T09:00:30.000Z' RETURNING callback_id"
        inner: Any = books.first._store  # noqa: SLF001 - the store that is interrupted
        interrupted: Any = Interrupted(inner, lambda: base.run(done))
        assert await SqlCallbacks(interrupted, CHANNELS).note(again) == (again, True)
        assert await books.callbacks.open_ones("default", 10) == (again,)
        assert len(books.messages) == 2 * len(CHANNELS)
