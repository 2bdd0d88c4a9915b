"""The contract of the books of composites: one lives for each wish, and no segment begins of one that is being undone.

A backend is one entry in BASES. What decides is the domain's, and tested there.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy, HungUp, Start
from einmal.domain.composite import Composite, CompositeEvent, CompositeState, Part, Planned
from einmal.domain.intent import Event, State
from einmal.domain.keys import intent_key
from einmal.domain.reply import Outcome, Reply
from einmal.ports import Candidate, Transition
from einmal.ports.composites import StaleComposite
from support.evidence import NOW, SECRET, booking, wish
from support.sql import BASES, SqlBase

IDS = SystemIds()
LATER = NOW + timedelta(minutes=1)
NO = Reply(Outcome.SLOT_TAKEN, asked_start=wish().start)


@dataclass(frozen=True)
class Books:
    base: SqlBase
    ledger: SqlLedger

    async def begun(self, one: Composite) -> tuple[Composite, bool] | None:
        return await self.ledger.composites.begin(one, offered=True, replay_since=NOW - timedelta(minutes=1))

    async def moved(self, one: Composite, event: CompositeEvent, reply: Reply | None = None) -> Composite:
        return await self.ledger.composites.conclude(one, event, NOW, LATER, reply)

    def messages(self) -> list[tuple[str, ...]]:
        return self.base.rows("outbox", "message_id", "kind")


@pytest.fixture(params=BASES)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    with BASES[request.param](tmp_path) as base:
        base.add_tenant("default")
        yield Books(base, base.ledger(IDS, ("log",)))


def composite(key: str = "key", **changes: object) -> Composite:
    start = wish().start
    planned = tuple(
        Planned(IDS.time_ordered(), number, start + number * timedelta(hours=1), 30) for number in range(201, 203)
    )
    made = Composite(
        IDS.time_ordered(),
        "default",
        key,
        "faerben",
        "Färben",
        CompositeState.BOOKING,
        NOW,
        NOW + timedelta(seconds=8),
        planned,
        "call_1",
        look_at=NOW + timedelta(seconds=23),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def candidate(one: Composite, number: int = 0, at: object = NOW) -> tuple[Candidate, AdmissionPolicy]:
    of = replace(wish(), start=one.segments[number].start)
    operation, intent_id = IDS.operation_id(), one.segments[number].intent_id
    email = f"termin+{operation}@salon.test"
    key = intent_key(of, SECRET)
    made = Candidate(of, None, key, intent_id, operation, email, NOW, NOW + timedelta(seconds=15))
    return replace(made, now=at), AdmissionPolicy(part=Part(one.composite_id, intent_id))  # type: ignore[arg-type]


async def test_it_is_read_back_as_it_was_written(books: Books) -> None:
    """With its segments in their order."""
    one = composite()
    assert await books.begun(one) == (one, True)
    assert await books.ledger.composites.composite(one.composite_id) == one
    assert await books.ledger.composites.composite("nobody") is None


async def test_of_equal_wishes_at_once_one_is_written(books: Books) -> None:
    """The others get that one."""
    found = await asyncio.gather(*(books.begun(composite()) for _ in range(6)))
    assert sum(new for one in found if one is not None for new in [one[1]]) == 1
    assert len({one[0].composite_id for one in found if one is not None}) == 1
    assert len(books.base.rows("composites", "composite_id")) == 1
    assert await books.begun(composite("another")) is not None


async def test_what_the_house_does_not_offer_is_not_written_but_told_if_it_stands(books: Books) -> None:
    """What was booked before is told all the same."""
    since = NOW - timedelta(minutes=1)
    begin = books.ledger.composites.begin
    assert await begin(composite(), offered=False, replay_since=since) is None
    one, _ = await books.begun(composite()) or (None, None)
    assert await begin(composite(), offered=False, replay_since=since) == (one, False)


async def test_of_two_who_move_it_one_is_too_late(books: Books) -> None:
    """Who loses that race promises nothing."""
    one = composite()
    await books.begun(one)
    await books.moved(one, CompositeEvent.BROKEN)
    with pytest.raises(StaleComposite):
        await books.moved(one, CompositeEvent.STOOD)


async def test_an_answer_is_replayed_for_a_while_and_then_wished_anew(books: Books) -> None:
    """One that was called off has none, and may be wished again at once."""
    one = composite()
    await books.begun(one)
    undone = await books.moved(await books.moved(one, CompositeEvent.BROKEN, NO), CompositeEvent.GONE)
    assert undone.reply == NO
    assert await books.begun(composite()) == (undone, False)
    begin = books.ledger.composites.begin
    again = await begin(composite(), offered=True, replay_since=NOW)
    assert again is not None
    assert again[1]
    called_off = await books.moved(await books.moved(again[0], CompositeEvent.CALLED_OFF), CompositeEvent.GONE)
    assert called_off.reply is None
    anew = await begin(composite(), offered=True, replay_since=NOW)
    assert anew is not None
    assert anew[1]


async def test_a_segment_begins_only_while_it_is_being_booked(books: Books) -> None:
    """Not before its row, not once it is being undone, and not when the time is over."""
    one = composite()
    assert isinstance((await books.ledger.admit(*candidate(one))).admission, HungUp)
    await books.begun(one)
    late = candidate(one, at=one.book_until)
    assert isinstance((await books.ledger.admit(*late)).admission, HungUp)
    begun = await books.ledger.admit(*candidate(one))
    assert isinstance(begun.admission, Start)
    assert begun.started is not None
    assert begun.started.intent_id == one.segments[0].intent_id
    landed = booking(uid="uid1", start=begun.started.wish.start)
    await books.ledger.apply(Transition(begun.started, (Event.LANDED_ACCEPTED,), NOW, booking=landed))
    await books.moved(one, CompositeEvent.BROKEN)
    assert isinstance((await books.ledger.admit(*candidate(one, 1))).admission, HungUp)
    assert len(books.base.rows("intents", "intent_id")) == 1


async def test_whoever_meets_an_intent_finds_the_whole(books: Books) -> None:
    """By intent and by appointment; of what is no segment, nothing."""
    one = composite()
    await books.begun(one)
    admitted = await books.ledger.admit(*candidate(one))
    assert admitted.started is not None
    intent = admitted.started
    stands = await books.ledger.apply(
        Transition(intent, (Event.LANDED_ACCEPTED,), NOW, booking=booking(uid="uid1", start=intent.wish.start))
    )
    assert stands.booking is not None
    of = books.ledger.composites
    assert await of.of_intents([intent.intent_id, "nobody"]) == {intent.intent_id: one}
    assert await of.of_appointment(stands.booking.ref) == one
    assert await of.of_appointment("nobody") is None


async def test_a_promise_of_a_segment_is_the_promise_of_the_whole(books: Books) -> None:
    """Its own end is no news; that of the whole is, once."""
    one = composite()
    await books.begun(one)
    admitted = await books.ledger.admit(*candidate(one))
    assert admitted.started is not None
    intent = admitted.started
    promised = await books.ledger.promise(intent.intent_id, NOW)
    assert promised is not None
    assert promised.intent.promised_at is None
    doubt = Transition(intent, (Event.DOUBTED,), NOW, look_at=LATER)
    in_doubt = (await books.ledger.apply(doubt)).intent
    found = booking(uid="uid1", start=intent.wish.start)
    stands = await books.ledger.apply(Transition(in_doubt, (Event.FOUND_ACCEPTED,), NOW, booking=found))
    assert stands.intent.state is State.CONFIRMED
    assert books.messages() == []
    as_it_is = await books.ledger.composites.composite(one.composite_id)
    assert as_it_is is not None
    assert as_it_is.promised_at == NOW
    await books.moved(as_it_is, CompositeEvent.STOOD)
    assert books.messages() == [(f"{one.composite_id}.booked", "resolved")]


async def test_what_is_due_is_claimed_once(books: Books) -> None:
    """Longest overdue first; a look puts it off, and what has ended is nobody's."""
    first, second = composite("a"), composite("b", look_at=NOW + timedelta(seconds=30))
    for one in (second, first):
        await books.begun(one)
    of, lease = books.ledger.composites, LATER + timedelta(seconds=30)
    assert await of.claim_due(NOW, lease, 5) == ()
    claimed = await of.claim_due(LATER, lease, 1)
    assert [one.composite_id for one in claimed] == [first.composite_id]
    assert [one.composite_id for one in await of.claim_due(LATER, lease, 5)] == [second.composite_id]
    await of.looked(first, LATER)
    (again,) = await of.claim_due(LATER, lease, 5)
    assert again.looks == 1
    await books.moved(first, CompositeEvent.STOOD)
    assert [one.key for one in await of.claim_due(lease, lease + timedelta(seconds=30), 5)] == ["b"]


async def test_a_promise_is_noted_once(books: Books) -> None:
    """Of what is not there, none."""
    one = composite()
    await books.begun(one)
    of = books.ledger.composites
    noted = await of.promise(one.composite_id, NOW)
    again = await of.promise(one.composite_id, LATER)
    assert noted is not None
    assert again is not None
    assert noted.promised_at == again.promised_at == NOW
    assert await of.promise("nobody", NOW) is None
