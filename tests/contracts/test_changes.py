"""The contract of the books of changes: of one booking one change lives at a time, and all that it makes true is one
commit.

A backend is one entry in BASES. What decides is the domain's, and tested there.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy, AlreadyBooked, NotOffered
from einmal.domain.change import Change, ChangeEvent, ChangeKind, ChangeState
from einmal.domain.facts import Changed
from einmal.domain.intent import Event, Intent, State
from einmal.domain.keys import intent_key, phone_hash
from einmal.domain.model import BookingStatus, MetadataKey, Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.ports import CallContact, Candidate, Transition
from einmal.ports.changes import Begun, Conclusion, NotAdmitted, NotStanding, StaleChange, UnderWay
from support.evidence import CALL, NOW, SECRET, booking, wish
from support.sql import BASES, SqlBase

IDS = SystemIds()
POLICY = AdmissionPolicy()
LATER = NOW + timedelta(minutes=1)
NEW = wish().start + timedelta(days=1)
PHONE = "+491701234567"


@dataclass(frozen=True)
class Books:
    base: SqlBase
    ledger: SqlLedger

    def states(self) -> list[str]:
        return [state for _, state in self.base.rows("intents", "intent_id", "state")]

    def changes(self) -> list[tuple[Any, ...]]:
        return [row[1:] for row in self.base.rows("changes", "change_id", "kind", "state")]


@pytest.fixture(params=BASES)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    with BASES[request.param](tmp_path) as base:
        base.add_tenant("default")
        yield Books(base, base.ledger(IDS, ("log",)))


def candidate(of: Wish, now: datetime = NOW) -> Candidate:
    operation = IDS.operation_id()
    ids = (IDS.time_ordered(), operation, f"termin+{operation}@salon.test")
    return Candidate(
        of, CallContact("retell", "call_7"), intent_key(of, SECRET), *ids, now, now + timedelta(seconds=15)
    )


async def booked(books: Books, of: Wish | None = None, uid: str = "uid-1") -> Intent:
    of = of or wish(phone=PHONE)
    started = (await books.ledger.admit(candidate(of), POLICY)).started
    assert started is not None
    made = booking(uid=uid, start=of.start, end=of.end)
    return (await books.ledger.apply(Transition(started, (Event.LANDED_ACCEPTED,), NOW, booking=made))).intent


def change(of: Intent, kind: ChangeKind = ChangeKind.CANCEL, **parts: Any) -> Change:
    deadline = LATER + timedelta(seconds=15)
    ids = (IDS.time_ordered(), "default", kind, of.intent_id, of.booking_uid or "")
    return replace(Change(*ids, ChangeState.SENT, LATER, deadline, look_at=deadline), **parts)


def moving(of: Intent, start: datetime = NEW) -> tuple[Change, Candidate]:
    to = candidate(replace(of.wish, start=start), LATER)
    return change(of, ChangeKind.MOVE, successor_id=to.intent_id), to


def fact(of: Change, event: ChangeEvent) -> Changed:
    return Changed(LATER, of.intent_id, of.conversation_id, of.change_id, of.kind, event)


async def begun(books: Books, one: Change, to: Candidate | None = None) -> Begun:
    went = await books.ledger.changes.begin(one, to, POLICY)
    assert isinstance(went, Begun), went
    return went


async def test_a_cancel_is_written_as_sent_and_ends_with_its_appointment(books: Books) -> None:
    """Before the wire the change, after the read both."""
    intent = await booked(books)
    one = change(intent)
    assert (await begun(books, one)).successor is None
    assert (books.states(), books.changes()) == (["confirmed"], [("cancel", "sent")])
    done = await books.ledger.changes.conclude(
        Conclusion(one, ChangeEvent.SHOWN, LATER, facts=(fact(one, ChangeEvent.SHOWN),))
    )
    assert (done.state, done.resolved_at, done.look_at) == (ChangeState.DONE, LATER, None)
    assert (books.states(), books.changes()) == (["cancelled"], [("cancel", "done")])
    assert books.base.rows("appointments", "status") == [("cancelled",)]
    assert [kind for (kind,) in books.base.rows("facts", "kind")] == ["changed"]
    assert await books.ledger.changes.change(one.change_id) == done


async def test_a_move_is_two_intents_and_one_commit(books: Books) -> None:
    """What it was is moved, what it becomes is booked, and carries the first one's id through every move."""
    intent = await booked(books)
    one, to = moving(intent)
    went = await begun(books, one, to)
    assert went.successor is not None
    assert (went.successor.moved_from, went.successor.mark) == (intent.intent_id, intent.operation_id)
    assert went.successor.look_at is None, "recovery leaves it to its change"
    assert books.states() == ["confirmed", "sent"]
    became = booking(uid="uid-2", start=NEW, end=NEW + timedelta(minutes=30))
    await books.ledger.changes.conclude(Conclusion(one, ChangeEvent.SHOWN, LATER, booking=became))
    assert books.states() == ["moved", "confirmed"]
    stored = await books.ledger.stored(to.intent_id)
    assert stored is not None
    assert stored.booking is not None
    assert (stored.intent.booking_uid, stored.booking.start) == ("uid-2", NEW)
    again, there = moving(stored.intent, NEW + timedelta(days=1))
    further = await begun(books, again, there)
    assert further.successor is not None
    assert further.successor.mark == intent.operation_id


async def test_a_move_that_is_refused_leaves_what_was(books: Books) -> None:
    """And what was said of it is stored with the wish that it did not become."""
    intent = await booked(books)
    one, to = moving(intent)
    await begun(books, one, to)
    said = Reply(Outcome.UNAVAILABLE, Why.STANDS, asked_start=NEW)
    await books.ledger.changes.conclude(Conclusion(one, ChangeEvent.REFUSED, LATER, reply=said))
    assert (books.states(), books.changes()) == (["confirmed", "rejected"], [("move", "refused")])
    stored = await books.ledger.stored(to.intent_id)
    assert stored is not None
    assert stored.reply == said


@pytest.mark.parametrize("kind", ChangeKind)
async def test_a_doubt_is_both_ones(books: Books, kind: ChangeKind) -> None:
    """It may have been moved: the new time is kept from others until that is known."""
    intent = await booked(books)
    one, to = moving(intent) if kind is ChangeKind.MOVE else (change(intent), None)
    await begun(books, one, to)
    doubt = await books.ledger.changes.conclude(
        Conclusion(one, ChangeEvent.DOUBTED, LATER, look_at=LATER + timedelta(seconds=10))
    )
    assert (doubt.state, doubt.doubted_at) == (ChangeState.DOUBT, LATER)
    assert books.states() == ["confirmed", "doubt"][: 1 + (to is not None)]
    escalated = await books.ledger.changes.conclude(Conclusion(doubt, ChangeEvent.ESCALATED, LATER))
    settled = await books.ledger.changes.conclude(Conclusion(escalated, ChangeEvent.SETTLED, LATER))
    assert settled.state is ChangeState.REFUSED
    assert books.states() == ["confirmed", "rejected"][: 1 + (to is not None)]


async def test_of_one_booking_one_change_lives(books: Books) -> None:
    """The second hears of the first, whatever it wants; after its end it may go on."""
    intent = await booked(books)
    first = change(intent)
    await begun(books, first)
    assert await books.ledger.changes.begin(change(intent), None, POLICY) == UnderWay(first)
    one, to = moving(intent)
    assert await books.ledger.changes.begin(one, to, POLICY) == UnderWay(first)
    await books.ledger.changes.conclude(Conclusion(first, ChangeEvent.REFUSED, LATER))
    await begun(books, one, to)


async def _race(books: Books, changes: list[Any]) -> Counter[str]:
    ledgers = [books.base.ledger(IDS) for _ in changes]

    async def one(ledger: SqlLedger, made: tuple[Change, Candidate | None]) -> str:
        try:
            return type(await ledger.changes.begin(*made, POLICY)).__name__
        except StaleChange:
            return "StaleChange"

    return Counter(await asyncio.gather(*(one(*pair) for pair in zip(ledgers, changes, strict=True))))


@pytest.mark.parametrize("kind", ChangeKind)
async def test_of_six_changes_at_once_one_begins(books: Books, kind: ChangeKind) -> None:
    """From six processes, to six times."""
    intent = await booked(books)
    moves = [moving(intent, NEW + timedelta(hours=number)) for number in range(6)]
    cancels = [(change(intent), None) for _ in range(6)]
    assert (await _race(books, moves if kind is ChangeKind.MOVE else cancels))["Begun"] == 1
    assert len(books.changes()) == 1


async def test_control_without_index_and_lock_several_begin(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of cancels; of moves the second would still be kept back by what the first is to become (R7)."""
    intent = await booked(books)
    books.base.run("DROP INDEX unique_live_change")
    monkeypatch.setattr("einmal.adapters.sql.changes._LIVE_OF", "SELECT 1 FROM changes WHERE intent_id = ? AND 1 = 0")
    assert (await _race(books, [(change(intent), None) for _ in range(6)]))["Begun"] > 1


async def test_who_is_late_writes_nothing(books: Books) -> None:
    """Of two ends of one change the second is stale, and where the appointment is gone none begins."""
    intent = await booked(books)
    one = change(intent)
    await begun(books, one)
    await books.ledger.changes.conclude(Conclusion(one, ChangeEvent.SHOWN, LATER))
    with pytest.raises(StaleChange):
        await books.ledger.changes.conclude(Conclusion(one, ChangeEvent.DOUBTED, LATER))
    went = await books.ledger.changes.begin(change(intent), None, POLICY)
    assert isinstance(went, NotStanding)
    assert went.stored is not None
    assert went.stored.intent.state is State.CANCELLED


async def test_what_stands_in_the_way_of_the_new_time_is_told(books: Books) -> None:
    """The caller has it already, or the house is closed: nothing is written."""
    intent = await booked(books)
    await booked(books, wish(phone=PHONE, start=NEW, conversation_id="call_other"), "uid-9")
    one, to = moving(intent)
    went = await books.ledger.changes.begin(one, to, POLICY)
    assert isinstance(went, NotAdmitted)
    assert isinstance(went.admission, AlreadyBooked)
    closed = await books.ledger.changes.begin(*moving(intent, NEW + timedelta(days=2)), replace(POLICY, offered=False))
    assert closed == NotAdmitted(NotOffered())
    assert books.changes() == []
    assert books.states() == ["confirmed", "confirmed"]


async def test_an_appointment_is_not_in_the_way_of_its_own_move(books: Books) -> None:
    """Not even where the same phone has the slot: it is the one that is moved."""
    intent = await booked(books)
    one, to = moving(intent, intent.wish.start + timedelta(minutes=15))
    policy = replace(POLICY, leaving=intent.intent_id)
    assert isinstance(await books.ledger.changes.begin(one, to, policy), Begun)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (BookingStatus.CANCELLED, State.CANCELLED),
        (BookingStatus.REJECTED, State.CANCELLED),
        (BookingStatus.ACCEPTED, State.CONFIRMED),
        (BookingStatus.PENDING, State.CONFIRMED),
    ],
)
async def test_what_others_did_is_followed(books: Books, status: BookingStatus, state: State) -> None:
    """As a read shows it."""
    intent = await booked(books)
    assert (await books.ledger.changes.follow(intent, status, LATER)).intent.state is state


async def test_what_others_moved_is_followed_with_its_chain(books: Books) -> None:
    """As if it had been moved here; who follows the same once more is too late."""
    intent = await booked(books)
    to = candidate(replace(intent.wish, start=NEW), LATER)
    became = replace(booking(uid="uid-2", start=NEW), metadata={MetadataKey.OPERATION_ID: intent.operation_id})
    after = await books.ledger.changes.follow(intent, became.status, LATER, (to, became))
    assert (after.intent.state, after.intent.booking_uid, after.intent.mark) == (
        State.CONFIRMED,
        "uid-2",
        intent.operation_id,
    )
    assert (books.states(), books.changes()) == (["moved", "confirmed"], [("move", "done")])
    with pytest.raises(StaleChange):
        await books.ledger.changes.follow(intent, became.status, LATER, (candidate(to.wish), became))
    (chain,) = await books.ledger.changes.last_of((intent.intent_id,))
    assert chain.successor_id == after.intent.intent_id


async def test_what_is_due_is_one_workers_until_its_lease_ends(books: Books) -> None:
    """Longest overdue first."""
    first, second = (
        change(await booked(books)),
        change(
            await booked(books, wish(start=NEW, conversation_id="call_9", name="Anna Weiß"), "uid-2"),
            look_at=LATER + timedelta(minutes=2),
        ),
    )
    await begun(books, first)
    await begun(books, second)
    due, lease = LATER + timedelta(minutes=1), LATER + timedelta(minutes=3)
    (claimed,) = await books.ledger.changes.claim_due(due, lease, 5)
    assert claimed == replace(first, look_at=lease)
    assert await books.ledger.changes.claim_due(due, lease, 5) == ()
    both = await books.ledger.changes.claim_due(lease + timedelta(seconds=1), lease + timedelta(minutes=5), 5)
    assert [one.change_id for one in both] == [second.change_id, first.change_id]


async def test_looks_and_sends_are_counted_before_they_are_made(books: Books) -> None:
    """And one that was not made is taken back."""
    one = change(await booked(books))
    await begun(books, one)
    await books.ledger.changes.looked(one, LATER + timedelta(minutes=1), sent=1)
    await books.ledger.changes.looked(one, LATER + timedelta(minutes=2), sent=-1)
    stands = await books.ledger.changes.change(one.change_id)
    assert stands == replace(one, looks=2, sends=1, look_at=LATER + timedelta(minutes=2))


async def test_a_promise_is_kept_by_the_commit_that_ends_the_doubt(books: Books) -> None:
    """Of a cancel the news is that it is cancelled; of a move, where the appointment is now."""
    for number, kind in enumerate(ChangeKind):
        of = wish(start=wish().start + timedelta(days=7 * number), conversation_id=f"call_{number}", phone=None)
        intent = await booked(books, of, f"uid-{number}")
        one, to = moving(intent, of.start + timedelta(days=1)) if kind is ChangeKind.MOVE else (change(intent), None)
        await begun(books, one, to)
        doubt = await books.ledger.changes.conclude(Conclusion(one, ChangeEvent.DOUBTED, LATER))
        assert books.base.rows("outbox", "message_id") == []
        promised = await books.ledger.changes.promise(one.change_id, LATER)
        assert promised == replace(doubt, promised_at=LATER)
        made = booking(uid="uid-new", start=of.start + timedelta(days=1)) if to is not None else None
        await books.ledger.changes.conclude(Conclusion(promised, ChangeEvent.SHOWN, LATER, booking=made))
        (message,) = await books.ledger.outbox.claim_messages(LATER, LATER + timedelta(minutes=1), 5)
        told = message.about.told(LATER)  # type: ignore[union-attr]
        assert told.outcome is (Outcome.CANCELLED if to is None else Outcome.BOOKED)
        books.base.run("DELETE FROM outbox")


async def test_appointments_are_found_by_line_call_and_start(books: Books) -> None:
    """And by nothing else."""
    intent = await booked(books)
    known_by = phone_hash(PHONE, SECRET)
    found = books.ledger.appointments
    by_line = await found.of_line("default", known_by, NOW, 5)
    assert [one.intent for one in by_line] == [intent]
    assert await found.of_conversation("default", intent.wish.conversation_id or "", 5) == by_line
    assert await found.at("default", intent.wish.start) == by_line
    for nobody in (
        found.of_line("other", known_by, NOW, 5),
        found.of_line("default", phone_hash("+4930901820", SECRET), NOW, 5),
        found.of_line("default", known_by, intent.wish.start, 5),
        found.of_conversation("default", "call_else", 5),
        found.of_conversation("other", intent.wish.conversation_id or "", 5),
        found.at("default", NEW),
        found.ended_of_line("default", PHONE, NOW, 5),
    ):
        assert await nobody == ()
    one = change(intent)
    await begun(books, one)
    await books.ledger.changes.conclude(Conclusion(one, ChangeEvent.SHOWN, LATER))
    assert await found.of_line("default", known_by, NOW, 5) == ()
    assert [one.intent.state for one in await found.ended_of_line("default", PHONE, NOW, 5)] == [State.CANCELLED]
    assert [one.intent.state for one in await found.of_conversation("default", CALL, 5)] == [State.CANCELLED]
