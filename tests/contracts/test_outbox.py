"""The contract of the Outbox port: what was promised is there once its doubt has ended, until it is sent.

A message is put in by the commit that makes it due, or not at all; it is claimed by one worker at a time, and is
there again if that one dies. A backend is one entry in BACKENDS, as in test_ledger.py.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contracts.memory_rows import rows_of
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.intent import Event, IllegalMove, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import BookingStatus, Wish
from einmal.domain.promise import MessageKind
from einmal.domain.reply import Outcome, Reply
from einmal.ports import BookingUidTaken, Candidate, Ledger, Message, Outbox, StaleIntent, StoredReply, Transition
from einmal.simulator.memory import MemoryBooks, MemoryLedger
from support.evidence import NOW, SECRET, booking, wish
from support.sql import BASES, Base

IDS = SystemIds()
CHANNELS = ("log", "webhook")
SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(minutes=1)
LEASE = LATER + timedelta(seconds=60)
FAR = NOW + timedelta(days=30)
REFUSAL = Reply(Outcome.SLOT_TAKEN, asked_start=wish().start)


@dataclass(frozen=True)
class Process:
    """One process on the books: its ledger and its outbox."""

    ledger: Ledger
    outbox: Outbox


@dataclass(frozen=True)
class Books:
    """An outbox under test, and what stands behind it, as in test_ledger.py."""

    first: Process
    another: Callable[[Sequence[str]], Process]
    rows: Callable[..., list[tuple[Any, ...]]]

    @property
    def ledger(self) -> Ledger:
        return self.first.ledger

    @property
    def outbox(self) -> Outbox:
        return self.first.outbox

    @property
    def names(self) -> list[tuple[str, str]]:
        return sorted(self.rows("outbox", "message_id", "channel"))


@dataclass(frozen=True)
class SqlBooks(Books):
    """`change` runs one statement beside the ledger and returns what it RETURNs."""

    change: Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def sql_books_on(base: Base, folder: Path) -> Iterator[SqlBooks]:
    with base(folder) as made:
        made.add_tenant("default")

        def opened(channels: Sequence[str] = CHANNELS) -> Process:
            ledger = made.ledger(IDS, channels)
            return Process(ledger, ledger.outbox)

        yield SqlBooks(opened(), opened, made.rows, made.run)


@contextmanager
def memory_books(folder: Path) -> Iterator[Books]:
    tables = MemoryBooks()

    def opened(channels: Sequence[str] = CHANNELS) -> Process:
        ledger = MemoryLedger(IDS, channels, books=tables)
        return Process(ledger, ledger.outbox)

    yield Books(opened(), opened, rows_of(tables))


SQL_BACKENDS: dict[str, Callable[[Path], AbstractContextManager[SqlBooks]]] = {
    name: partial(sql_books_on, base) for name, base in BASES.items()
}
BACKENDS: dict[str, Callable[[Path], AbstractContextManager[Books]]] = {**SQL_BACKENDS, "memory": memory_books}


@pytest.fixture(params=BACKENDS)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    with BACKENDS[request.param](tmp_path) as made:
        yield made


@pytest.fixture(params=SQL_BACKENDS)
def sql_books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBooks]:
    with SQL_BACKENDS[request.param](tmp_path) as made:
        yield made


def a_caller(number: int) -> Wish:
    """Somebody of his own, at a time of his own."""
    return wish(conversation_id=f"call_{number}", phone=f"+49309{number:06d}", start=NOW + timedelta(days=1 + number))


async def started(ledger: Ledger, of: Wish | None = None) -> Intent:
    the_wish, operation = of or wish(phone="+4930901820"), IDS.operation_id()
    key, deadline = intent_key(the_wish, SECRET), NOW + 15 * SECOND
    candidate = Candidate(the_wish, None, key, IDS.time_ordered(), operation, "a@b.test", NOW, deadline)
    admitted = (await ledger.admit(candidate, AdmissionPolicy())).started
    assert admitted is not None
    return admitted


async def moved(ledger: Ledger, intent: Intent, *events: Event, **parts: Any) -> StoredReply:
    return await ledger.apply(Transition(intent, events, parts.pop("at", LATER), **parts))


async def promised(ledger: Ledger, of: Wish | None = None) -> Intent:
    """A doubt of which the caller was told that he will hear."""
    doubt = (await moved(ledger, await started(ledger, of), Event.DOUBTED, at=NOW)).intent
    stands = await ledger.promise(doubt.intent_id, NOW)
    assert stands is not None
    return stands.intent


async def ended(books: Books, of: Wish | None = None, **parts: Any) -> Intent:
    """A promised doubt that is no more: one message lies in the outbox for each channel."""
    return (await moved(books.ledger, await promised(books.ledger, of), Event.SETTLED_ABSENT, **parts)).intent


async def claimed(outbox: Outbox, now: Any = LATER, lease: Any = LEASE, limit: int = 100) -> tuple[Message, ...]:
    return await outbox.claim_messages(now, lease, limit)


def told(message: Message) -> Reply:
    assert isinstance(message.about, StoredReply)
    return message.about.told(LATER)


def named(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return sorted((message.message_id, message.channel) for message in messages)


# What puts a message in ------------------------------------------------------------------------------------------


async def test_what_ends_a_promised_doubt_is_due_at_once_on_every_channel(books: Books) -> None:
    """One message, the same id on each channel, untried, born with the move; it tells what was booked."""
    doubt = await promised(books.ledger)
    stands = await moved(books.ledger, doubt, Event.FOUND_ACCEPTED, booking=booking())
    messages = await claimed(books.outbox)
    assert named(messages) == [(f"{doubt.intent_id}.confirmed", channel) for channel in CHANNELS]
    for message in messages:
        assert (message.kind, message.tries, message.created_at) == (MessageKind.RESOLVED, 0, LATER)
        assert message.about == stands
        assert told(message).outcome is Outcome.BOOKED


@pytest.mark.parametrize(
    ("events", "parts", "state", "kind"),
    [
        ((Event.FOUND_ACCEPTED,), {"booking": booking()}, State.CONFIRMED, MessageKind.RESOLVED),
        ((Event.FOUND_PENDING,), {"booking": booking(status=BookingStatus.PENDING)}, State.PENDING, "resolved"),
        ((Event.NOT_OURS_AND_ABSENT,), {"reply": REFUSAL}, State.REJECTED, MessageKind.RESOLVED),
        ((Event.SETTLED_ABSENT,), {"reply": REFUSAL}, State.REJECTED, MessageKind.RESOLVED),
        ((Event.ESCALATED,), {}, State.ESCALATED, MessageKind.NEEDS_PERSON),
        ((Event.ESCALATED, Event.RULED_BOOKED), {"booking": booking()}, State.CONFIRMED, MessageKind.RESOLVED),
        ((Event.ESCALATED, Event.RULED_NOT_BOOKED), {}, State.REJECTED, MessageKind.RESOLVED),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
async def test_every_way_out_of_a_promised_doubt_is_told(
    books: Books, events: tuple[Event, ...], parts: dict[str, Any], state: State, kind: MessageKind
) -> None:
    doubt = await promised(books.ledger)
    await moved(books.ledger, doubt, *events, **parts)
    messages = await claimed(books.outbox)
    assert {(message.message_id, message.kind) for message in messages} == {(f"{doubt.intent_id}.{state}", kind)}
    assert len(messages) == len(CHANNELS)


async def test_a_promise_made_while_it_is_being_sent_is_kept_by_its_answer(books: Books) -> None:
    """The caller hung up before the answer came; no doubt was ever written, and he hears all the same."""
    intent = await started(books.ledger)
    await books.ledger.promise(intent.intent_id, NOW)
    await moved(books.ledger, intent, Event.LANDED_ACCEPTED, booking=booking())
    assert {message.kind for message in await claimed(books.outbox)} == {MessageKind.RESOLVED}


@pytest.mark.parametrize(
    ("events", "parts"),
    [
        ((Event.LANDED_ACCEPTED,), {"booking": booking()}),
        ((Event.LANDED_PENDING,), {"booking": booking(status=BookingStatus.PENDING)}),
        ((Event.REFUSED,), {}),
        ((Event.NOT_PROCESSED, Event.SHED), {}),
        ((Event.DOUBTED,), {}),
        ((Event.DOUBTED, Event.FOUND_ACCEPTED), {"booking": booking()}),
        ((Event.DOUBTED, Event.SETTLED_ABSENT), {}),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
async def test_where_nothing_was_promised_nothing_is_sent(
    books: Books, events: tuple[Event, ...], parts: dict[str, Any]
) -> None:
    """The caller heard the answer on the phone, or that it is still being looked at and no more."""
    await moved(books.ledger, await started(books.ledger), *events, **parts)
    assert books.names == []


async def test_a_doubt_by_itself_is_no_news(books: Books) -> None:
    """Promised, and still open: there is nothing to tell yet."""
    await promised(books.ledger)
    assert books.names == []


async def test_a_person_is_asked_whether_or_not_anything_was_promised(books: Books) -> None:
    intent = await started(books.ledger)
    await moved(books.ledger, intent, Event.DOUBTED, Event.ESCALATED)
    assert {(m.kind, m.message_id) for m in await claimed(books.outbox)} == {
        (MessageKind.NEEDS_PERSON, f"{intent.intent_id}.escalated")
    }


async def test_what_was_taken_back_is_told_whether_or_not_anything_was_promised(books: Books) -> None:
    """Only once it is taken back; that it arrived is nobody's news."""
    refused = (await moved(books.ledger, await started(books.ledger), Event.REFUSED, reply=REFUSAL)).intent
    back = (await moved(books.ledger, refused, Event.SURFACED, booking=booking())).intent
    assert books.names == []
    await moved(books.ledger, back, Event.COMPENSATED)
    assert {(m.kind, m.message_id) for m in await claimed(books.outbox)} == {
        (MessageKind.TAKEN_BACK, f"{back.intent_id}.compensated")
    }


@pytest.mark.parametrize("event", [Event.CANCELLED, Event.MOVED, Event.VANISHED])
async def test_what_becomes_of_a_booking_later_is_not_this_promise(books: Books, event: Event) -> None:
    """The promise was to tell how the doubt ended, and it has been told."""
    stands = await moved(books.ledger, await promised(books.ledger), Event.FOUND_ACCEPTED, booking=booking())
    before = books.names
    await moved(books.ledger, stands.intent, event)
    assert books.names == before


async def test_each_thing_there_is_to_say_of_an_intent_has_an_id_of_its_own(books: Books) -> None:
    """A person was needed, has ruled, and the booking came after all: three messages, none hides another."""
    intent = await promised(books.ledger)
    for events in [(Event.ESCALATED,), (Event.RULED_NOT_BOOKED,), (Event.SURFACED, Event.COMPENSATED)]:
        intent = (await moved(books.ledger, intent, *events)).intent
    assert [name for name, channel in books.names if channel == "log"] == [
        f"{intent.intent_id}.{state}" for state in ("compensated", "escalated", "rejected")
    ]


@pytest.mark.parametrize("channels", [(), ("log",), ("log", "webhook", "sms")], ids=len)
async def test_there_is_a_row_for_each_channel_and_none_without(books: Books, channels: tuple[str, ...]) -> None:
    """The channels are those of the process that makes the move."""
    doubt = await promised(books.ledger)
    await moved(books.another(channels).ledger, doubt, Event.SETTLED_ABSENT)
    assert books.names == sorted((f"{doubt.intent_id}.rejected", channel) for channel in channels)


# In the same commit ----------------------------------------------------------------------------------------------


async def test_a_move_that_came_too_late_promises_nothing(books: Books) -> None:
    """Two end one doubt: whoever lost the race puts nothing in, so nobody hears two endings."""
    doubt = await promised(books.ledger)
    await moved(books.ledger, doubt, Event.FOUND_ACCEPTED, booking=booking())
    with pytest.raises(StaleIntent):
        await moved(books.ledger, doubt, Event.SETTLED_ABSENT)
    assert {name for name, _ in books.names} == {f"{doubt.intent_id}.confirmed"}


async def test_a_move_that_was_not_written_puts_nothing_in(books: Books) -> None:
    """Layer 4 refuses the booking, the table refuses the move: neither leaves a message behind."""
    await moved(books.ledger, await started(books.ledger, a_caller(1)), Event.LANDED_ACCEPTED, booking=booking())
    doubt = await promised(books.ledger)
    with pytest.raises(BookingUidTaken):
        await moved(books.ledger, doubt, Event.FOUND_ACCEPTED, booking=booking())
    with pytest.raises(IllegalMove):
        await moved(books.ledger, doubt, Event.SETTLED_ABSENT, Event.CANCELLED)
    assert books.names == []


@pytest.mark.parametrize("round_number", range(5))
async def test_of_many_who_end_one_doubt_at_once_one_is_told(books: Books, round_number: int) -> None:
    """Ten contradicting endings over two processes: the caller hears the one that was written, once a channel."""
    doubt = await promised(books.ledger)
    both = (books.ledger, books.another(CHANNELS).ledger)
    endings = [Event.SETTLED_ABSENT, Event.ESCALATED]
    outcomes = await asyncio.gather(
        *(moved(both[n // 5], doubt, endings[n % 2]) for n in range(10)), return_exceptions=True
    )
    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, StoredReply))
    assert books.names == [(f"{doubt.intent_id}.{winner.intent.state}", channel) for channel in CHANNELS]


@pytest.mark.parametrize("round_number", range(10))
async def test_who_is_promised_to_while_it_ends_hears_it_now_or_later(books: Books, round_number: int) -> None:
    """Over two processes, in whichever order they come: the end itself, or a message with it. Exactly one."""
    doubt = (await moved(books.ledger, await started(books.ledger), Event.DOUBTED)).intent
    other = books.another(CHANNELS).ledger
    end_first = round_number % 2 == 1
    end = asyncio.create_task(moved(other, doubt, Event.SETTLED_ABSENT))
    if end_first:
        await asyncio.sleep(0)  # handed in before the promise; which of the two is written first is open all the same
    stands, _ = await asyncio.gather(books.ledger.promise(doubt.intent_id, LATER), end)
    assert stands is not None
    heard_now = stands.intent.state is State.REJECTED
    assert heard_now is (books.names == [])


# Claiming --------------------------------------------------------------------------------------------------------


async def test_an_empty_outbox_gives_nothing(books: Books) -> None:
    assert await claimed(books.outbox) == ()


async def test_nothing_is_claimed_before_it_is_due(books: Books) -> None:
    """On the stroke of its time it is."""
    await ended(books)
    assert await claimed(books.outbox, now=LATER - timedelta(milliseconds=1)) == ()
    assert len(await claimed(books.outbox, now=LATER)) == 2


async def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(books: Books) -> None:
    """A worker that dies loses nothing: the same message, with the same id, as if never tried."""
    await ended(books)
    first = await claimed(books.outbox)
    other = books.another(CHANNELS).outbox
    assert await claimed(other, now=LEASE - timedelta(milliseconds=1), lease=FAR) == ()
    again = await claimed(other, now=LEASE, lease=FAR)
    assert sorted(again, key=lambda m: m.channel) == sorted(first, key=lambda m: m.channel)


async def test_no_more_is_claimed_than_was_asked_for_and_the_longest_due_first(books: Books) -> None:
    """Born in another order than their ids: who has waited longest is not passed over."""
    minutes = [3, 1, 4, 2, 5]
    intents = [await ended(books, a_caller(n), at=NOW + timedelta(minutes=minute)) for n, minute in enumerate(minutes)]
    by_age = [f"{intents[minutes.index(minute)].intent_id}.rejected" for minute in sorted(minutes)]
    claims = [await claimed(books.outbox, now=FAR, lease=FAR + SECOND, limit=2) for _ in by_age]
    assert [named(claim) for claim in claims] == [[(name, channel) for channel in CHANNELS] for name in by_age]
    assert await claimed(books.outbox, now=FAR, lease=FAR + SECOND, limit=2) == ()


async def test_what_is_claimed_together_comes_longest_due_first(books: Books) -> None:
    """A caller who has waited for an hour is not told after one of a minute ago."""
    minutes = [3, 1, 4, 2, 5]
    for number, minute in enumerate(minutes):
        await ended(books, a_caller(number), at=NOW + timedelta(minutes=minute))
    messages = await claimed(books.outbox, now=FAR)
    born = [message.created_at for message in messages if message.channel == "log"]
    assert born == [NOW + timedelta(minutes=minute) for minute in sorted(minutes)]


@pytest.mark.parametrize("round_number", range(3))
async def test_of_two_workers_each_message_is_one_workers(books: Books, round_number: int) -> None:
    """Ten claims at once over two processes share twenty messages, and none is given out twice."""
    for number in range(10):
        await ended(books, a_caller(number))
    both = (books.outbox, books.another(CHANNELS).outbox)
    claims = await asyncio.gather(*(claimed(both[n % 2], limit=3) for n in range(10)))
    given = Counter(name for claim in claims for name in named(claim))
    assert sorted(given) == books.names
    assert set(given.values()) == {1}
    assert all(len(claim) <= 3 for claim in claims)


async def test_what_is_told_is_what_stands_when_it_goes(books: Books) -> None:
    """Found as a request, accepted by the host before the message went: the caller hears "booked"."""
    doubt = await promised(books.ledger)
    pending = booking(status=BookingStatus.PENDING)
    stands = await moved(books.ledger, doubt, Event.FOUND_PENDING, booking=pending)
    first = await claimed(books.outbox)
    assert {told(message).outcome for message in first} == {Outcome.REQUESTED}
    accepted = await moved(books.ledger, stands.intent, Event.HOST_ACCEPTED)
    again = await claimed(books.outbox, now=LEASE)
    assert [message.about for message in again] == [accepted, accepted]
    assert {told(message).outcome for message in again} == {Outcome.BOOKED}
    assert named(again) == named(first), "it is the same message, whatever it says by now"


async def test_a_refusal_is_told_with_the_reply_that_was_stored(books: Books) -> None:
    await ended(books, reply=REFUSAL)
    assert {told(message) for message in await claimed(books.outbox)} == {REFUSAL}


# Sent, or not ----------------------------------------------------------------------------------------------------


async def test_what_was_sent_is_never_claimed_again(books: Books) -> None:
    """Not when its lease ends either."""
    await ended(books)
    for message in await claimed(books.outbox):
        await books.outbox.sent(message, LATER + SECOND)
    assert await claimed(books.outbox, now=FAR) == ()
    assert books.rows("outbox", "due_at", "sent_at") == [(None, "2026-11-23T09:01:01.000Z")] * 2


async def test_channels_are_sent_and_tried_by_themselves(books: Books) -> None:
    """The log has it; the webhook that was down is tried again, and only that."""
    await ended(books)
    log, webhook = sorted(await claimed(books.outbox), key=lambda message: message.channel)
    await books.outbox.sent(log, LATER)
    await books.outbox.not_sent(webhook, LATER + 5 * SECOND)
    (again,) = await claimed(books.outbox, now=LATER + 5 * SECOND)
    assert (again.channel, again.message_id, again.tries) == ("webhook", webhook.message_id, 1)
    assert again.created_at == webhook.created_at


async def test_tries_are_counted_and_it_is_due_when_it_was_said(books: Books) -> None:
    await ended(books)
    now = LATER
    for tries in range(5):
        messages = await claimed(books.outbox, now=now, lease=FAR)
        assert [message.tries for message in messages] == [tries, tries]
        due = now + 30 * SECOND
        for message in messages:
            await books.outbox.not_sent(message, due)
        assert await claimed(books.outbox, now=due - timedelta(milliseconds=1)) == ()
        now = due


async def test_what_was_given_up_is_never_claimed_again(books: Books) -> None:
    """And is told apart from what was sent: it has no moment of arrival."""
    await ended(books)
    for message in await claimed(books.outbox):
        await books.outbox.not_sent(message, None)
    assert await claimed(books.outbox, now=FAR) == ()
    assert books.rows("outbox", "due_at", "sent_at", "tries") == [(None, None, 1)] * 2


async def test_who_failed_late_does_not_bring_back_what_another_has_sent(books: Books) -> None:
    """Its lease had run out, another worker sent it, and then the first one's time-out came."""
    await ended(books)
    late = await claimed(books.outbox)
    other = books.another(CHANNELS).outbox
    for message in await claimed(other, now=LEASE, lease=FAR):
        await other.sent(message, LEASE)
    for message in late:
        await books.outbox.not_sent(message, LEASE + SECOND)
    assert await claimed(books.outbox, now=FAR) == ()
    assert books.rows("outbox", "tries") == [(0,), (0,)]


async def test_who_arrived_late_ends_the_tries_of_another(books: Books) -> None:
    """At least once, and not once more than needed: the slow POST did arrive."""
    await ended(books)
    late = await claimed(books.outbox)
    other = books.another(CHANNELS).outbox
    for message in await claimed(other, now=LEASE, lease=FAR):
        await other.not_sent(message, LEASE + SECOND)
    for message in late:
        await books.outbox.sent(message, LEASE)
    assert await claimed(books.outbox, now=FAR) == ()


async def test_sent_and_not_sent_touch_no_other_message(books: Books) -> None:
    """Neither another intent's nor another message of the same intent."""
    await ended(books, a_caller(1))
    first = await claimed(books.outbox, limit=2)
    await ended(books, a_caller(2))
    await books.outbox.sent(first[0], LATER)
    await books.outbox.not_sent(first[1], None)
    left = await claimed(books.outbox, now=LATER)
    assert [message.tries for message in left] == [0, 0]
    assert {message.message_id for message in left}.isdisjoint({first[0].message_id})


# What only SQL can do: the controls with the guard off, and rows that none of our code writes ---------------------


async def test_a_message_that_lies_there_already_stops_no_move(sql_books: SqlBooks) -> None:
    """What is due is written, the message stays as it was, and there is no second one."""
    doubt = await promised(sql_books.ledger)
    sql_books.change(
        "INSERT INTO outbox (message_id, channel, tenant_id, intent_id, kind, created_at, tries) "  # noqa: S608 - ours
        f"VALUES ('{doubt.intent_id}.rejected', 'log', 'default', '{doubt.intent_id}', 'resolved', "
        "'2026-11-23T09:00:00.000Z', 3)"
    )
    stands = await moved(sql_books.ledger, doubt, Event.SETTLED_ABSENT)
    assert stands.intent.state is State.REJECTED
    assert sorted(sql_books.rows("outbox", "channel", "tries")) == [("log", 3), ("webhook", 0)]


async def test_control_a_promise_after_a_look_in_another_transaction_is_kept_by_nobody(sql_books: SqlBooks) -> None:
    """Control: looked at, ended, then promised. The caller was told "you will hear", and no message is there."""
    doubt = (await moved(sql_books.ledger, await started(sql_books.ledger), Event.DOUBTED)).intent
    looked = await sql_books.ledger.stored(doubt.intent_id)
    await moved(sql_books.ledger, doubt, Event.SETTLED_ABSENT)
    note = "UPDATE intents SET promised_at = '2026-11-23T09:01:00.000Z' WHERE intent_id = '{}' RETURNING state"
    sql_books.change(note.format(doubt.intent_id))
    assert looked is not None
    assert looked.intent.state is State.DOUBT
    assert sql_books.names == []


async def test_control_looking_and_taking_in_two_transactions_gives_it_out_twice(sql_books: SqlBooks) -> None:
    """Control: two workers who both looked before either took send the same message."""
    await ended(sql_books)
    both_looked, given = asyncio.Barrier(2), list[str]()

    async def look_then_take() -> None:
        due = sql_books.change("SELECT message_id FROM outbox WHERE due_at <= '2026-11-23T09:01:00.000Z'")
        await both_looked.wait()
        sql_books.change("UPDATE outbox SET due_at = '2026-11-23T09:02:00.000Z'")
        given.extend(name for (name,) in due)

    await asyncio.gather(look_then_take(), look_then_take())
    assert set(Counter(given).values()) == {2 * len(CHANNELS)}
