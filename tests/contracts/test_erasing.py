"""The contract of the ForgettingBooks port, when asked: all that is held of one person, and that it is gone."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.personal import COLUMNS, Holds
from einmal.domain.admission import Start
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.callback import Callback
from einmal.domain.intent import Event
from einmal.domain.keys import phone_hash
from einmal.flows.retain import SAID_FOR
from einmal.ports import Transition
from einmal.ports.forgetting import Held, StandsWhy, Whom
from support.evidence import CALL, NOW, OTHER_CALL, SECRET, booking
from support.personal import (
    DAY,
    EMAIL,
    END,
    IDS,
    MINUTE,
    NAME,
    PHONE,
    START,
    admitted,
    begun,
    booked,
    canaries_in,
    everything,
    lived,
    person_wish,
    whom,
)
from support.sql import BASES, SqlBase

LATER = END + MINUTE
OTHER_PHONE = "+491512345678"


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        made.add_tenant("other")
        yield made


def counted(held: Held) -> Mapping[str, int]:
    return {table: len(rows) for table, rows in held.rows.items() if rows}


OF_A_LIFE = {
    **dict.fromkeys(("customers", "intents", "appointments", "attempts", "callbacks", "calls"), 1),
    **dict.fromkeys(("function_calls", "inbox"), 1),
}


async def erased(ledger: SqlLedger, who: Whom | None = None, at: Any = LATER) -> Held:
    held = await ledger.forgetting.erase("default", who or whom(), at)
    await ledger.forgetting.scrub()
    return held


@pytest.mark.parametrize("who", [whom(), whom(None, EMAIL), whom(PHONE, EMAIL)], ids=["phone", "email", "both"])
async def test_all_that_is_held_is_shown(base: SqlBase, who: Whom) -> None:
    """By phone, by e-mail or by both; a call-back is known by its phone alone. No hash is shown."""
    ledger = base.ledger(IDS)
    guest = await lived(ledger, base)
    held = await ledger.forgetting.held("default", who, NOW)
    by_phone = who.phone is not None
    assert counted(held) == {table: 1 for table in OF_A_LIFE if by_phone or table != "callbacks"}
    [intent] = held.rows["intents"]
    assert (intent["person_name"], intent["person_phone"], intent["person_email"]) == (NAME, PHONE, EMAIL)
    assert intent["intent_id"] == guest.intent.intent_id
    [attempt] = held.rows["attempts"]
    assert attempt["received"]["emails"] == [EMAIL]
    hashes = {column for columns in COLUMNS.values() for column, holds in columns.items() if holds is Holds.HASH}
    assert not hashes & {column for rows in held.rows.values() for row in rows for column in row}


async def test_others_see_nothing_of_it(base: SqlBase) -> None:
    """Another person, another tenant, and nobody at all."""
    ledger = base.ledger(IDS)
    await lived(ledger, base)
    for tenant, who in (("default", whom(OTHER_PHONE)), ("other", whom()), ("default", whom(None, None))):
        held = await ledger.forgetting.held(tenant, who, LATER)
        assert held.is_empty
        assert (await ledger.forgetting.erase(tenant, who, LATER)).is_empty
    assert len(canaries_in(base)) == 9


async def test_who_was_forgotten_is_found_by_the_hash(base: SqlBase) -> None:
    """What remains is theirs, and is shown."""
    ledger = base.ledger(IDS)
    guest = await lived(ledger, base)
    later = LATER + 30 * DAY
    await ledger.forgetting.forget("default", later - 30 * DAY, later - SAID_FOR, later, 100)
    held = await ledger.forgetting.held("default", whom(), later)
    assert [row["intent_id"] for row in held.rows["intents"]] == [guest.intent.intent_id]
    assert held.rows["intents"][0]["person_name"] is None
    assert counted(await erased(ledger, at=later))["intents"] == 1
    assert (await ledger.forgetting.held("default", whom(), later)).is_empty


async def test_what_is_erased_is_gone_everywhere(base: SqlBase) -> None:
    """From rows, free pages and the log beside the file: names, phone and e-mail, and every hash of them."""
    ledger = base.ledger(IDS)
    guest = await lived(ledger, base)
    key = guest.intent.key
    hashes = (
        key.person.hash,
        key.person.name_hash,
        key.person.email_hash,
        key.fingerprint,
        key.value.rpartition("-")[2],
    )
    assert all(one and one in everything(base) for one in hashes)
    held = await erased(ledger)
    assert counted(held) == OF_A_LIFE
    assert canaries_in(base) == []
    assert not [one for one in hashes if one and one in everything(base)]
    assert (await ledger.forgetting.held("default", whom(PHONE, EMAIL), LATER)).is_empty
    assert (await erased(ledger)).is_empty, "again, and nothing happens"


async def test_that_it_was_done_is_noted_without_saying_of_whom(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    await lived(ledger, base)
    await erased(ledger)
    [(event, description, data)] = base.rows("system_audit_log", "event_type", "description", "CAST(data AS TEXT)")
    assert (event, description) == ("personal_data_erased", "what was held of one person was erased")
    assert '"by": ["phone"]' in data
    assert '"intents": 1' in data
    assert not any(one in data for one in (NAME, PHONE, PHONE[1:], EMAIL, phone_hash(PHONE, SECRET)))


async def test_the_row_stands_and_tells_what_became_of_it(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    guest = await lived(ledger, base)
    await erased(ledger)
    story = await ledger.stories.of_intent(guest.intent.intent_id)
    assert story is not None
    assert story.stored.intent.state is guest.intent.state
    assert story.stored.intent.key.value == f"20261124T090000Z-erased-{guest.intent.intent_id}"
    recorded = await ledger.history.recorded("default", NOW - DAY)
    assert (recorded.total, recorded.unread) == (1, 0)


async def test_whoever_was_erased_may_come_again(base: SqlBase) -> None:
    """As somebody new: admitted, booked, a customer of their own."""
    ledger = base.ledger(IDS)
    guest = await lived(ledger, base)
    await erased(ledger)
    admission, _ = await admitted(ledger, replace(guest.intent.wish, conversation_id=OTHER_CALL), LATER)
    assert admission == Start(1)
    await booked(ledger, person_wish("call_3", LATER + DAY), "uid-2", LATER)
    assert await ledger.customer_name("default", PHONE) == NAME
    assert len(base.rows("customers", "customer_id")) == 2


async def test_an_appointment_to_come_is_in_the_way(base: SqlBase) -> None:
    """Nothing is erased, not even what is over; and what it is, is told."""
    ledger = base.ledger(IDS)
    await lived(ledger, base)
    second = await booked(ledger, person_wish(OTHER_CALL, LATER + DAY), "uid-2")
    held = await erased(ledger)
    assert [(one.why, one.row_id, one.at) for one in held.stands] == [
        (StandsWhy.TO_COME, second.intent.intent_id, LATER + DAY)
    ]
    assert len(canaries_in(base)) == 9
    assert await ledger.customer_name("default", PHONE) == NAME
    assert base.rows("system_audit_log", "event_type") == []
    later = await ledger.forgetting.held("default", whom(), LATER + 2 * DAY)
    assert later.stands == ()


@pytest.mark.parametrize(
    "steps", [(), (Event.DOUBTED,), (Event.DOUBTED, Event.ESCALATED)], ids=["sent", "doubt", "escalated"]
)
async def test_what_is_unresolved_is_in_the_way(base: SqlBase, steps: tuple[Event, ...]) -> None:
    """However long its slot is over: nobody can tell yet whether there is an appointment."""
    ledger = base.ledger(IDS)
    intent = await begun(ledger, person_wish())
    if steps:
        await ledger.apply(Transition(intent, steps, NOW, Answer(AnswerKind.LOST, elapsed=MINUTE), look_at=NOW))
    held = await erased(ledger)
    assert [one.why for one in held.stands] == [StandsWhy.UNRESOLVED]


async def test_news_that_is_due_is_in_the_way(base: SqlBase) -> None:
    """Else it would be told of nobody. When it has gone, all goes."""
    ledger = base.ledger(IDS, ("log",))
    calling = Callback("01c", "default", CALL, NAME, PHONE, None, None, NOW)
    await ledger.callbacks.note(calling)
    assert [one.why for one in (await erased(ledger)).stands] == [StandsWhy.NEWS]
    [message] = await ledger.outbox.claim_messages(LATER, LATER + MINUTE, 5)
    await ledger.outbox.sent(message, LATER)
    assert (await erased(ledger)).stands == ()
    assert await ledger.callbacks.open_ones("default", 5) == (), "nobody could call them back"


async def test_the_house_s_own_address_goes_on_telling_a_late_arrival(base: SqlBase) -> None:
    """It was made for this wish and is nobody's: a booking that comes after its "no" is still known by it."""
    ledger = base.ledger(IDS)
    intent = await begun(ledger, person_wish(start=LATER + DAY, email=None))
    lost = Answer(AnswerKind.LOST, elapsed=MINUTE)
    await ledger.apply(Transition(intent, (Event.DOUBTED, Event.SETTLED_ABSENT), NOW, lost))
    assert (await erased(ledger)).stands == ()
    [stands] = await ledger.by_operations("default", [intent.operation_id])
    assert (stands.wish.person.name, stands.attendee_email) == ("", intent.attendee_email)
    assert intent.operation_id in intent.attendee_email


async def test_a_whole_of_several_bookings_goes_as_one(base: SqlBase) -> None:
    """Its key is a hash too; while it is undone, it stands in the way."""
    ledger = base.ledger(IDS)
    guest = await booked(ledger)
    base.run(
        "INSERT INTO composites (composite_id, tenant_id, composite_key, service_id, service_name, state, created_at, "
        "book_until, looks) VALUES ('c', 'default', '20261124T090000Z-0123abcd', 's', 'S', 'undoing', '-', '-', 0) "
        "RETURNING 1"
    )
    base.run(f"INSERT INTO composite_segments VALUES ('{guest.intent.intent_id}', 'c', 1, '-', 30) RETURNING 1")  # noqa: S608
    assert [one.why for one in (await erased(ledger)).stands] == [StandsWhy.UNRESOLVED]
    base.run("UPDATE composites SET state = 'booked' RETURNING 1")
    assert counted(await erased(ledger))["composites"] == 1
    assert base.rows("composites", "composite_key") == [("20261124T090000Z-erased-c",)]


async def test_their_name_in_an_answer_to_another_goes_too(base: SqlBase) -> None:
    """The incident: somebody else's wish was answered with this person's booking, name and address in it."""
    ledger = base.ledger(IDS)
    guest = await lived(ledger, base)
    other = await begun(ledger, person_wish(OTHER_CALL, name="Anna Weiß", phone=OTHER_PHONE, email=None))
    foreign = Answer(AnswerKind.BOOKING, replace(guest.booking, attendee_emails=(EMAIL.upper(),)), 201, elapsed=MINUTE)
    await ledger.apply(Transition(other, (Event.DOUBTED,), NOW, foreign, look_at=NOW, not_ours=True))
    assert (await ledger.forgetting.held("default", whom(), LATER)).seen_elsewhere == 1
    assert (await erased(ledger)).seen_elsewhere == 1
    assert canaries_in(base) == ["Tante Trude"], "whom the other one wished for as well"
    stored = await ledger.stored(other.intent_id)
    assert stored is not None
    assert stored.intent.wish.person.phone == OTHER_PHONE
    mine = await ledger.forgetting.held("default", whom(OTHER_PHONE), LATER)
    assert [row["received"]["uid"] for row in mine.rows["attempts"]] == ["uid-1"]


async def test_by_e_mail_a_stranger_s_booking_is_found_too(base: SqlBase) -> None:
    """One that was never ours: their house made it, and its address came back to somebody else."""
    ledger = base.ledger(IDS)
    other = await begun(ledger, person_wish(OTHER_CALL, name="Anna Weiß", phone=OTHER_PHONE, email=None))
    theirs = booking(uid="uid-9", attendee_name=NAME, attendee_emails=(EMAIL,))
    await ledger.apply(Transition(other, (Event.DOUBTED,), NOW, Answer(AnswerKind.BOOKING, theirs, 201), look_at=NOW))
    assert (await erased(ledger, whom(None, "k%nari.enz@vogel.test"))).is_empty
    assert (await erased(ledger, whom(None, EMAIL))).seen_elsewhere == 1
    assert NAME not in everything(base)


async def test_a_shared_customer_keeps_what_is_not_theirs(base: SqlBase) -> None:
    """Two numbers, one address: erased by the number, the row goes on for the other's appointment."""
    ledger = base.ledger(IDS)
    await booked(ledger)
    other = person_wish(OTHER_CALL, START + timedelta(hours=2), name="Anna Weiß", phone=OTHER_PHONE)
    await booked(ledger, other, "uid-2")
    assert len(base.rows("customers", "customer_id")) == 1
    await erased(ledger, at=LATER + DAY)
    assert base.rows("customers", "phone", "email") == [(None, EMAIL)]
    assert (await ledger.forgetting.held("default", whom(), LATER)).is_empty
    await erased(ledger, whom(OTHER_PHONE, EMAIL), LATER + DAY)
    assert base.rows("customers", "name", "phone", "email") == [("", None, None)]


async def test_a_booking_that_begins_meanwhile_is_left_whole(base: SqlBase) -> None:
    """Wishes and erasures at once, whichever comes first: one of the wishes starts, and it is its person's."""
    ledgers = [base.ledger(IDS) for _ in range(2)]
    await lived(ledgers[0], base)
    wishes = [person_wish(f"call_n{number}", LATER + DAY) for number in range(4)]
    asked = asyncio.gather(*(admitted(ledgers[number % 2], of, LATER) for number, of in enumerate(wishes)))
    await asyncio.gather(*(one.forgetting.erase("default", whom(), LATER) for one in ledgers))
    started = [one for _, one in await asked if one is not None]
    assert len(started) == 1
    stored = await ledgers[0].stored(started[0].intent_id)
    assert stored is not None
    assert (stored.intent.wish.person.name, stored.intent.key) == (NAME, started[0].key)
