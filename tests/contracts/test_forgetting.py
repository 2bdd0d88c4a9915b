"""The contract of the ForgettingBooks port, by itself: what is over names nobody any more, and is still known."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.personal import COLUMNS, Holds
from einmal.adapters.sql.schema import metadata
from einmal.domain.admission import AdmissionPolicy, Replay, Start
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.callback import Callback
from einmal.domain.change import Change, ChangeKind, ChangeState
from einmal.domain.intent import Event
from einmal.domain.model import BookingStatus
from einmal.flows.retain import SAID_FOR
from einmal.ports import Notice, Source, Transition
from einmal.ports.changes import Begun
from einmal.ports.journal import FunctionCalled
from support.evidence import CALL, NOW, OTHER_CALL, booking
from support.personal import (
    CANARIES,
    DAY,
    EMAIL,
    END,
    IDS,
    MINUTE,
    NAME,
    PHONE,
    SAID,
    START,
    admitted,
    begun,
    booked,
    canaries_in,
    lived,
    person_wish,
)
from support.sql import BASES, SqlBase

KEPT_FOR = 30 * DAY
LATER = END + KEPT_FOR + MINUTE
"""When it has all been over for long enough."""
Happens = Callable[[SqlLedger, SqlBase, str], Awaitable[None]]


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        made.add_tenant("other")
        yield made


async def forgotten(ledger: SqlLedger, now: datetime = LATER, limit: int = 100, tenant: str = "default") -> int:
    return await ledger.forgetting.forget(tenant, now - KEPT_FOR, now - SAID_FOR, now, limit)


def test_each_column_of_the_schema_has_its_place() -> None:
    """A new column is put among those that name somebody, or among the others: nobody forgets to forget it."""
    schema = {table.name: {column.name for column in table.columns} for table in metadata.tables.values()}
    assert {table: set(columns) for table, columns in COLUMNS.items()} == schema


async def test_what_is_long_over_names_nobody(base: SqlBase) -> None:
    """In no row, no free page, no log beside the file; the control finds all of them before."""
    ledger = base.ledger(IDS)
    await lived(ledger, base)
    assert len(canaries_in(base)) == 9
    assert await forgotten(ledger) == 1
    await ledger.forgetting.scrub()
    assert canaries_in(base) == []


async def test_what_the_register_calls_names_is_what_is_emptied(base: SqlBase) -> None:
    """Column by column: each of those that name somebody did, and no other column ever does."""
    ledger = base.ledger(IDS)
    await lived(ledger, base)
    before = {place for place in PLACES if _named(base, *place)}
    names = {(table, one) for table, columns in COLUMNS.items() for one in columns if columns[one] is Holds.NAMES}
    assert before == names
    await forgotten(ledger)
    assert not [place for place in PLACES if _named(base, *place)]
    left = {(table, one) for table, one in names if any(value for (value,) in _values(base, table, one))}
    assert left == {("attempts", "received")}, "which keeps what names nobody"


PLACES = [(table, column) for table, columns in COLUMNS.items() for column in columns]


def _values(base: SqlBase, table: str, column: str) -> list[tuple[object, ...]]:
    return base.run(f"SELECT {column} FROM {table}")  # noqa: S608 - the schema's own


def _named(base: SqlBase, table: str, column: str) -> bool:
    values = str(_values(base, table, column)).casefold()
    return any(one.casefold() in values for one in (*CANARIES, "kanaria vogelsang"))


async def test_until_then_nothing_is_touched(base: SqlBase) -> None:
    """Counted from the slot's end, to the moment."""
    ledger = base.ledger(IDS)
    guest = await booked(ledger)
    assert await forgotten(ledger, END + KEPT_FOR) == 0
    stored = await ledger.stored(guest.intent.intent_id)
    assert stored is not None
    assert stored.intent.wish.person == guest.intent.wish.person
    assert await forgotten(ledger, END + KEPT_FOR + MINUTE) == 1


async def test_what_remains_deduplicates(base: SqlBase) -> None:
    """The same wish again hears the stored answer, before and after; the row is found by its phone as well."""
    ledger = base.ledger(IDS)
    guest = await booked(ledger)
    await forgotten(ledger)
    admission, started = await admitted(ledger, person_wish(), LATER)
    assert started is None
    assert isinstance(admission, Replay)
    assert admission.intent.intent_id == guest.intent.intent_id
    assert admission.intent.key == guest.intent.key
    assert guest.intent.key.person.phone_hash is not None
    [stands] = await ledger.appointments.of_line("default", guest.intent.key.person.phone_hash, NOW, 5)
    assert (stands.intent.wish.person.name, stands.intent.attendee_email) == ("", "")
    [known] = await ledger.by_operations("default", [guest.intent.operation_id])
    assert known.intent_id == guest.intent.intent_id


@pytest.mark.parametrize("why", ["doubt", "escalated", "sent", "compensating"])
async def test_what_is_unresolved_is_left_alone(base: SqlBase, why: str) -> None:
    """However old: whoever settles it may need the person."""
    ledger = base.ledger(IDS)
    intent = await begun(ledger, person_wish())
    lost = Answer(AnswerKind.LOST, elapsed=MINUTE)
    steps = {
        "sent": (),
        "doubt": (Event.DOUBTED,),
        "escalated": (Event.DOUBTED, Event.ESCALATED),
        "compensating": (Event.DOUBTED, Event.SETTLED_ABSENT, Event.SURFACED),
    }[why]
    if steps:
        await ledger.apply(Transition(intent, steps, NOW, lost, look_at=NOW))
    assert await forgotten(ledger) == 0
    base.run("UPDATE intents SET state = 'rejected' RETURNING intent_id")
    assert await forgotten(ledger) == 1, "the control: when it is resolved it is forgotten"


async def change_under_way(ledger: SqlLedger, base: SqlBase, intent_id: str) -> None:
    made = Change("01change", "default", ChangeKind.CANCEL, intent_id, "uid-1", ChangeState.SENT, NOW, NOW)
    begun_now = await ledger.changes.begin(made, None, AdmissionPolicy())
    assert isinstance(begun_now, Begun)


async def news_due(ledger: SqlLedger, base: SqlBase, intent_id: str) -> None:
    base.run(
        "INSERT INTO outbox (message_id, channel, tenant_id, intent_id, kind, created_at, due_at) "  # noqa: S608
        f"VALUES ('m', 'log', 'default', '{intent_id}', 'resolved', '-', '-') RETURNING 1"
    )


async def put_off(ledger: SqlLedger, base: SqlBase, intent_id: str) -> None:
    """As reconciliation does where somebody has moved it by hand under the same uid."""
    await ledger.reconciling.corrected(intent_id, booking(start=LATER, end=LATER + MINUTE))


async def part_under_way(ledger: SqlLedger, base: SqlBase, intent_id: str) -> None:
    base.run(
        "INSERT INTO composites (composite_id, tenant_id, composite_key, service_id, service_name, state, created_at, "
        "book_until, looks) VALUES ('c', 'default', 'key', 's', 'S', 'undoing', '-', '-', 0) RETURNING 1"
    )
    base.run(f"INSERT INTO composite_segments VALUES ('{intent_id}', 'c', 1, '-', 30) RETURNING 1")  # noqa: S608


UNDER_WAY = {
    change_under_way: "UPDATE changes SET state = 'refused' RETURNING 1",
    news_due: "UPDATE outbox SET due_at = NULL RETURNING 1",
    put_off: f"UPDATE appointments SET ends_at = '{END.isoformat()}' RETURNING 1",  # noqa: S608 - the tests' own
    part_under_way: "UPDATE composites SET state = 'undone' RETURNING 1",
}


@pytest.mark.parametrize("happens", UNDER_WAY, ids=lambda one: one.__name__)
async def test_what_is_under_way_is_left_alone(base: SqlBase, happens: Happens) -> None:
    """A cancel without an end, news to be sent, a time put off at the calendar, a whole that is being undone."""
    ledger = base.ledger(IDS)
    guest = await booked(ledger)
    await happens(ledger, base, guest.intent.intent_id)
    assert await forgotten(ledger) == 0
    assert (await ledger.stored(guest.intent.intent_id)).intent.wish.person.name == NAME  # type: ignore[union-attr]
    base.run(UNDER_WAY[happens])
    assert await forgotten(ledger) == 1, "the control: when it is over it is forgotten"


async def test_a_customer_who_comes_again_is_known(base: SqlBase) -> None:
    """The row is emptied with the last appointment that needs it, and then found by nobody."""
    ledger = base.ledger(IDS)
    await booked(ledger)
    again = await booked(ledger, person_wish(OTHER_CALL, LATER + DAY), "uid-2", LATER)
    assert len(base.rows("customers", "customer_id")) == 1
    assert await forgotten(ledger) == 1
    assert await ledger.customer_name("default", PHONE) == NAME
    assert await forgotten(ledger, again.intent.wish.end + KEPT_FOR + MINUTE) == 1
    assert await ledger.customer_name("default", PHONE) is None
    assert base.rows("customers", "name", "name_normal", "phone", "email") == [("", "", None, None)]
    await booked(ledger, person_wish("call_3", LATER + 99 * DAY), "uid-3", LATER + 98 * DAY)
    assert len(base.rows("customers", "customer_id")) == 2


async def test_somebody_who_is_being_booked_now_keeps_their_row(base: SqlBase) -> None:
    """Their intent is written before the calendar is asked: the appointment that follows finds its customer."""
    ledger = base.ledger(IDS)
    await booked(ledger)
    await begun(ledger, person_wish(OTHER_CALL, LATER + DAY, email=None), LATER)
    assert await forgotten(ledger) == 1
    assert await ledger.customer_name("default", PHONE) == NAME


async def test_a_refused_wish_is_forgotten_with_whoever_it_was_of(base: SqlBase) -> None:
    """There was no appointment, and the customer's row is known by the number alone."""
    ledger = base.ledger(IDS)
    intent = await begun(ledger, person_wish(OTHER_CALL))
    await ledger.apply(Transition(intent, (Event.REFUSED,), NOW, Answer(AnswerKind.REFUSED)))
    assert await forgotten(ledger) == 1
    assert canaries_in(base) == [] or isinstance(base.where, Path), "a file keeps its log until it is scrubbed"


async def test_a_little_at_a_time(base: SqlBase) -> None:
    """Oldest first, and then there is no more."""
    ledger = base.ledger(IDS)
    for number in range(3):
        of = person_wish(f"call_{number}", START + number * DAY, phone=f"+491510000000{number}", email=None)
        await booked(ledger, of, f"uid-{number}")
    assert [await forgotten(ledger, LATER + 9 * DAY, 2) for _ in range(3)] == [2, 1, 0]


async def test_each_tenant_by_itself(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    await lived(ledger, base)
    assert await forgotten(ledger, tenant="other") == 0
    assert len(canaries_in(base)) == 9


async def test_a_call_back_is_forgotten_when_it_was_done(base: SqlBase) -> None:
    """One that is open is not, however old: somebody still waits."""
    ledger = base.ledger(IDS)
    for number, done in ((1, True), (2, False)):
        one = Callback(f"01c{number}", "default", f"call_{number}", NAME, PHONE, "Notiz", "morgen", NOW)
        await ledger.callbacks.note(one)
        if done:
            await ledger.callbacks.done(one.callback_id, NOW)
    assert await forgotten(ledger, NOW + SAID_FOR) == 0
    assert await forgotten(ledger, NOW + SAID_FOR + MINUTE) == 1
    assert await forgotten(ledger, NOW + 999 * DAY) == 0
    rows = base.rows("callbacks", "callback_id", "person_name", "person_phone", "note", "wanted")
    assert rows == [("01c1", None, None, None, None), ("01c2", NAME, PHONE, "Notiz", "morgen")]
    [waits] = await ledger.callbacks.open_ones("default", 5)
    assert waits.callback_id == "01c2"


async def test_what_was_said_is_forgotten_after_two_weeks(base: SqlBase) -> None:
    """That it was said, when, and what it meant stays."""
    ledger = base.ledger(IDS)
    told = ("01served", "default", CALL, NOW, "retell", "book_appointment", "booked", SAID, MINUTE)
    await ledger.journal.write((FunctionCalled(*told),))
    assert await forgotten(ledger, NOW + SAID_FOR) == 0
    assert await forgotten(ledger, NOW + SAID_FOR + MINUTE) == 1
    [story] = await ledger.stories.of_call(CALL)
    assert [(one.outcome, one.heard) for one in story.functions] == [("booked", "")]


async def test_nothing_comes_back(base: SqlBase) -> None:
    """A webhook that is late, a read that shows another time, a cancel at the calendar: the row stays nobody's."""
    ledger = base.ledger(IDS)
    guest = await lived(ledger, base)
    await forgotten(ledger)
    notice = Notice("default", Source.CALCOM, "late", "BOOKING_CREATED", "uid-1", {"uids": ["uid-1"]}, ("uid-1",))
    received = await ledger.inbox.receive(notice, LATER, LATER)
    [entry] = await ledger.inbox.claim_due(LATER, LATER + MINUTE, 5, ("default",))
    assert entry.inbox_id == received.inbox_id
    await ledger.inbox.noted("uid-1", entry, LATER)
    await ledger.reconciling.corrected(guest.intent.intent_id, guest.booking)
    await ledger.changes.follow(guest.intent, BookingStatus.CANCELLED, LATER)
    await ledger.forgetting.scrub()
    assert canaries_in(base) == []
    assert await forgotten(ledger) == 0


async def test_the_story_can_still_be_read(base: SqlBase) -> None:
    """States, times, ids and what came back; nobody."""
    ledger = base.ledger(IDS)
    guest = await lived(ledger, base)
    await forgotten(ledger)
    story = await ledger.stories.of_intent(guest.intent.intent_id)
    assert story is not None
    [attempt] = story.attempts
    assert attempt.seen is not None
    assert (attempt.seen.uid, attempt.seen.name, attempt.seen.emails) == ("uid-1", None, ())
    assert story.appointment is not None
    recorded = await ledger.history.recorded("default", NOW - DAY)
    assert (recorded.total, recorded.unread) == (1, 0)
    [call] = await ledger.stories.of_call(CALL)
    assert [(one.name, one.phone, one.note) for one in call.callbacks] == [(None, None, None)]


async def test_several_workers_at_once(base: SqlBase) -> None:
    """None waits for another for long, and together they leave nothing."""
    ledgers = [base.ledger(IDS) for _ in range(3)]
    for number in range(12):
        of = person_wish(f"call_{number}", START + number * MINUTE, phone=f"+49151000000{number:02}", email=None)
        await booked(ledgers[0], of, f"uid-{number}")
    counts = [await asyncio.gather(*(forgotten(one, LATER + DAY, 3) for one in ledgers)) for _ in range(6)]
    assert sum(map(sum, counts)) == 12
    assert base.rows("intents", "forgotten_at") == [(f"{(LATER + DAY).isoformat(timespec='milliseconds')[:-6]}Z",)] * 12
    admission, _ = await admitted(ledgers[0], person_wish("call_new", LATER + 2 * DAY, email=EMAIL), LATER)
    assert isinstance(admission, Start)
