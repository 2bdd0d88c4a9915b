"""The contract of the Stories port: all that a ledger knows of a call or an intent, on every database."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.callback import Callback
from einmal.domain.facts import LookedUp, rejected
from einmal.domain.intent import Event, Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, MetadataKey, Wish
from einmal.domain.verdict import Asked, GuardPolicy, judge
from einmal.ports import CallContact, Candidate, Notice, Source, Transition
from einmal.ports.journal import FunctionCalled
from einmal.ports.stories import Named
from support.evidence import NOW, OTHER_CALL, SECRET, booking, known, wish
from support.sql import BASES, SqlBase

IDS = SystemIds()
MINUTE = timedelta(minutes=1)
CHANNELS = ("log",)


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        made.add_tenant("other")
        yield made


async def begun(ledger: SqlLedger, of: Wish) -> Intent:
    operation = IDS.operation_id()
    ids = (IDS.time_ordered(), operation, f"termin+{operation}@salon.test")
    call = CallContact("retell", of.conversation_id or "", "agent_1")
    admitted = await ledger.admit(
        Candidate(of, call, intent_key(of, SECRET), *ids, NOW, NOW + MINUTE), AdmissionPolicy()
    )
    assert admitted.started is not None
    return admitted.started


async def booked(ledger: SqlLedger, of: Wish, uid: str) -> tuple[Intent, Booking]:
    intent = await begun(ledger, of)
    marked = {MetadataKey.CALL_ID: of.conversation_id or "", MetadataKey.OPERATION_ID: intent.operation_id}
    made = booking(uid=uid, metadata=marked, attendee_name=of.person.name, attendee_emails=(intent.attendee_email,))
    answer = Answer(AnswerKind.BOOKING, made, 201, elapsed=timedelta(milliseconds=412))
    stands = await ledger.apply(Transition(intent, (Event.LANDED_ACCEPTED,), NOW, answer, made))
    return stands.intent, made


def said(number: int, call_id: str | None, tenant_id: str = "default") -> FunctionCalled:
    at, took = NOW + number * MINUTE, timedelta(milliseconds=7)
    return FunctionCalled(f"01s{number:03}", tenant_id, call_id, at, "retell", "book", "booked", "Gebucht.", took)


async def test_a_call_nobody_knows_has_no_story(base: SqlBase) -> None:
    stories = base.ledger(IDS).stories
    assert await stories.of_call("unknown") == ()
    assert await stories.of_intent("unknown") is None
    assert await stories.named("unknown") == Named(is_call=False, intent_id=None)
    assert await stories.latest(10) == ()


async def test_the_story_of_an_answer_that_was_anothers(base: SqlBase) -> None:
    """What came back is kept field by field; the layer's word, the look, the notices; and whose the booking is."""
    ledger = base.ledger(IDS, CHANNELS)
    first, theirs = await booked(
        ledger, wish(name="Anna Weiß", phone="+4930901820", conversation_id=OTHER_CALL), "uid1"
    )
    intent = await begun(ledger, wish(phone="+4930901821"))
    answer = Answer(AnswerKind.BOOKING, theirs, 201, elapsed=timedelta(milliseconds=300))
    asked = Asked(NOW + 35 * MINUTE, answer.elapsed)
    verdict = judge(intent, theirs, asked, known(call_id=OTHER_CALL), GuardPolicy())
    fact = rejected(intent, theirs, verdict, NOW + MINUTE, GuardPolicy())
    doubt = Transition(intent, (Event.DOUBTED,), NOW + MINUTE, answer, facts=(fact,), look_at=NOW, not_ours=True)
    await ledger.apply(doubt)
    await ledger.journal.write((LookedUp(NOW + MINUTE, "default", intent.intent_id, "absent"),))
    await ledger.inbox.receive(Notice("default", Source.CALCOM, "d", "BOOKING_CREATED", "uid1", {}), NOW, NOW)
    story = await ledger.stories.of_intent(intent.intent_id)
    assert story is not None
    [attempt] = story.attempts
    assert (attempt.kind, attempt.http_status, attempt.elapsed) == ("booking", 201, timedelta(milliseconds=300))
    assert attempt.seen is not None
    assert (attempt.seen.uid, attempt.seen.name, attempt.seen.call_id) == ("uid1", "Anna Weiß", OTHER_CALL)
    assert (attempt.seen.operation_id, attempt.seen.created_at) == (first.operation_id, theirs.created_at)
    assert [fact.kind for fact in story.facts] == ["rejected", "lookedup"]
    assert story.facts[0].data["reason"] == "stale_booking"
    assert [(one.intent_id, one.call_id) for one in story.others] == [(first.intent_id, OTHER_CALL)]
    assert [notice.event for notice in story.notices] == ["BOOKING_CREATED"]
    assert (story.stored.intent.state, story.appointment) == (State.DOUBT, None)
    own = await ledger.stories.of_intent(first.intent_id)
    assert own is not None
    assert own.others == ()
    assert own.appointment is not None


async def test_a_call_has_all_that_was_done_in_it(base: SqlBase) -> None:
    ledger = base.ledger(IDS, CHANNELS)
    of = wish(phone="+4930901820")
    intent, _ = await booked(ledger, of, "uid1")
    call_id = of.conversation_id
    assert call_id is not None
    await ledger.journal.write((said(2, call_id), said(1, call_id), said(3, "call_else")))
    wanted = Callback("01callback", "default", call_id, "Jürgen Groß", "+4930901820", None, None, NOW)
    await ledger.callbacks.note(wanted)
    [story] = await ledger.stories.of_call(call_id)
    assert (story.tenant_id, story.platform, story.agent_id) == ("default", "retell", "agent_1")
    assert [one.served_id for one in story.functions] == ["01s001", "01s002"]
    assert [one.stored.intent.intent_id for one in story.intents] == [intent.intent_id]
    assert story.callbacks == (wanted,)


async def test_one_id_may_be_a_call_of_two_tenants(base: SqlBase) -> None:
    """Ids are the platforms': each tenant's story is its own."""
    ledger = base.ledger(IDS)
    await ledger.journal.write((said(1, "call_both"), said(2, "call_both", "other")))
    stories = await ledger.stories.of_call("call_both")
    assert [(story.tenant_id, len(story.functions)) for story in stories] == [("default", 1), ("other", 1)]


async def test_each_id_of_an_appointment_leads_to_its_intent(base: SqlBase) -> None:
    """By its own, its operation's, its booking's and its appointment's; a call's is a call; letter by letter."""
    ledger = base.ledger(IDS)
    intent, _ = await booked(ledger, wish(phone="+4930901820"), "uid1")
    [(appointment_id,)] = base.rows("appointments", "appointment_id")
    for one in (intent.intent_id, intent.operation_id, "uid1", appointment_id):
        assert await ledger.stories.named(one) == Named(is_call=False, intent_id=intent.intent_id)
    assert await ledger.stories.named("UID1") == Named(is_call=False, intent_id=None)
    assert (await ledger.stories.named(str(intent.wish.conversation_id))).is_call


async def test_the_latest_are_read_page_by_page(base: SqlBase) -> None:
    """Newest first, of all tenants; `after` and `before` leave out the one that is named."""
    ledger = base.ledger(IDS)
    every = tuple(said(number, f"call_{number}", ("default", "other")[number % 2]) for number in range(5))
    await ledger.journal.write(every)
    newest = tuple(reversed(every))
    assert await ledger.stories.latest(2) == newest[:2]
    assert await ledger.stories.latest(2, before=newest[1].served_id) == newest[2:4]
    assert await ledger.stories.latest(9, after=every[3].served_id) == newest[:1]
    assert await ledger.stories.latest(9, after=every[0].served_id, before=every[2].served_id) == (every[1],)


async def test_a_person_whose_retention_has_ended_is_nobody(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    intent, _ = await booked(ledger, wish(phone="+4930901820"), "uid1")
    base.run("UPDATE intents SET person_name = NULL, person_phone = NULL")
    story = await ledger.stories.of_intent(intent.intent_id)
    assert story is not None
    assert story.stored.intent.wish.person == replace(intent.wish.person, name="", phone=None)
