"""Facts: what logs and metrics are told, field by field, and what they are never told."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain import facts
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.facts import Alarm, Answered, Booked, Doubted, Rejected
from einmal.domain.intent import State
from einmal.domain.model import Booking
from einmal.domain.verdict import Asked, GuardPolicy, Judgement, KnownBooking, Layer, Reason, Verdict, judge
from support.evidence import CALL, NOW, OTHER_CALL, OURS, booking, intent, known

SEED = GuardPolicy(ownership=False)
LATER = NOW + timedelta(seconds=3)


def judged(of: Booking, ledger: KnownBooking | None = None, policy: GuardPolicy = SEED) -> Verdict:
    return judge(intent(), of, Asked(NOW), ledger, policy)


def test_the_fact_of_a_stale_booking_is_complete() -> None:
    """Whoever searches a log for the incident finds layer, reason, both sides, ids and the age."""
    old = booking(created_at=NOW - timedelta(seconds=35.5))
    assert facts.rejected(intent(), old, judged(old), LATER, SEED) == Rejected(
        at=LATER,
        intent_id="01intent",
        call_id=CALL,
        layer=Layer.FRESHNESS,
        reason=Reason.STALE_BOOKING,
        expected="created at most 30 s before the request",
        received="35.500 s before it",
        booking_uid=old.uid,
        booking_call_id=CALL,
        booking_created_at=old.created_at,
        age_seconds=35.5,
        freshness_limit_seconds=30.0,
        known_appointment_id=None,
        known_call_id=None,
    )


def test_the_fact_of_a_duplicate_names_what_the_ledger_holds() -> None:
    """Appointment and call of the one that is there already."""
    fact = facts.rejected(intent(), booking(), judged(booking(), known()), LATER, SEED)
    assert (fact.layer, fact.reason) == (Layer.LEDGER, Reason.DATABASE_DUPLICATE)
    assert (fact.known_appointment_id, fact.known_call_id) == ("01appointment", OTHER_CALL)
    assert fact.received == "01appointment"


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (OTHER_CALL, OTHER_CALL),
        ("a.b:c@d-e_f9Z", "a.b:c@d-e_f9Z"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "(no id)"),
        ("Frau Meier, 030 901820", "(no id)"),
        ("call\n", "(no id)"),
        ("call ü", "(no id)"),
    ],
)
def test_a_strangers_call_id_is_told_only_if_it_looks_like_one(theirs: str, told: str) -> None:
    """It could hold anything, a name or a number too."""
    odd = booking(metadata={"call_id": theirs})
    fact = facts.rejected(intent(), odd, judged(odd), LATER, SEED)
    assert fact.reason is Reason.CALL_ID_MISMATCH
    assert (fact.expected, fact.received, fact.booking_call_id) == (CALL, told, told)


def test_what_the_other_layers_received_is_told_as_it_is() -> None:
    """Only call ids come from strangers; "another" and "event type 7" are our own words."""
    odd = booking(event_type_id=7)
    assert facts.rejected(intent(), odd, judged(odd), LATER, SEED).received == "event type 7"


def test_a_booking_without_a_call_id_or_a_birth_has_none_in_the_fact() -> None:
    """Absent is not "(no id)": there was nothing to hide."""
    bare = booking(metadata={}, created_at=None)
    fact = facts.rejected(intent(), bare, judged(bare, policy=GuardPolicy()), LATER, GuardPolicy())
    assert (fact.booking_call_id, fact.booking_created_at, fact.age_seconds) == (None, None, None)


def test_only_a_rejection_is_a_fact_of_one() -> None:
    """What was accepted cannot be reported as rejected."""
    with pytest.raises(ValueError, match="nothing was rejected"):
        facts.rejected(intent(), booking(), judged(booking()), LATER, SEED)


def test_the_fact_of_a_booking_is_complete() -> None:
    """With the layers that objected and were overruled by the operation id."""
    ours = booking(
        metadata={"call_id": OTHER_CALL, "einmal_op": OURS}, created_at=NOW - timedelta(seconds=31), uid="u1"
    )
    verdict = judged(ours, policy=GuardPolicy())
    assert facts.booked(intent(), ours, verdict, State.PENDING, LATER) == Booked(
        at=LATER,
        intent_id="01intent",
        call_id=CALL,
        booking_uid="u1",
        start=ours.start,
        state=State.PENDING,
        age_seconds=31.0,
        skewed=False,
        overruled=(Reason.STALE_BOOKING, Reason.CALL_ID_MISMATCH),
    )


def test_a_skewed_clock_is_told_with_the_booking() -> None:
    """Accepted by its id, and an operator should look at the clocks."""
    ours = booking(metadata={"einmal_op": OURS}, created_at=NOW + timedelta(hours=1))
    fact = facts.booked(intent(), ours, judged(ours, policy=GuardPolicy()), State.CONFIRMED, LATER)
    assert fact.skewed
    assert fact.age_seconds == -3600.0
    assert fact.overruled == ()


def answered(answer: Answer, verdict: Verdict | None = None) -> Answered:
    return facts.answered(intent(epoch=3), answer, verdict, LATER, SEED)


def test_the_fact_of_an_answer_is_complete() -> None:
    """Kind, status, our word for it, how long it took to the microsecond, and of which send it was."""
    took = timedelta(seconds=1, microseconds=234_567)
    assert answered(Answer(AnswerKind.LOST, http_status=502, detail="http_502", elapsed=took)) == Answered(
        at=LATER,
        intent_id="01intent",
        epoch=3,
        kind=AnswerKind.LOST,
        http_status=502,
        detail="http_502",
        elapsed_seconds=1.234567,
        booking_age_seconds=None,
        fresh=None,
        judgement=None,
    )


@given(st.floats(-100, 100), st.floats(0, 60))
def test_a_bookings_age_runs_from_its_birth_to_the_receipt(age: float, elapsed: float) -> None:
    """What an operator calls its age; fresh is measured to the send."""
    verdict = Verdict(Judgement.FOREIGN, age=timedelta(seconds=age))
    fact = answered(Answer(AnswerKind.BOOKING, elapsed=timedelta(seconds=elapsed)), verdict)
    assert fact.booking_age_seconds == (timedelta(seconds=age) + timedelta(seconds=elapsed)).total_seconds()
    assert fact.fresh is (timedelta(seconds=age) <= SEED.freshness_limit)
    assert fact.judgement is Judgement.FOREIGN


@pytest.mark.parametrize(("age", "fresh"), [(30.0, True), (30.000001, False), (None, None)])
def test_where_freshness_ends(age: float | None, fresh: bool | None) -> None:
    """The same border as the layer's own."""
    verdict = Verdict(Judgement.OURS_ACCEPTED, age=None if age is None else timedelta(seconds=age))
    assert answered(Answer(AnswerKind.BOOKING), verdict).fresh is fresh


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "attendee_emails": st.just(("anna.geheim@gast.test",)),
            "attendee_name": st.just("Anna Geheim"),
            "host_name": st.just("Mia Geheim"),
            "metadata": st.just({"call_id": "Anna Geheim +49301"}),
            "event_type_id": st.just(7),
            "created_at": st.just(NOW - timedelta(minutes=9)),
        },
    ),
    st.sampled_from([SEED, GuardPolicy()]),
)
def test_no_fact_tells_of_a_person(odd: dict[str, Any], policy: GuardPolicy) -> None:
    """Whatever a stranger's booking holds, names, numbers and addresses stay out."""
    seen = booking(**odd)
    verdict = judged(seen, policy=policy)
    told: list[Any] = [facts.booked(intent(), seen, verdict, State.CONFIRMED, LATER)]
    if verdict.rejection is not None:
        told.append(facts.rejected(intent(), seen, verdict, LATER, policy))
    assert "geheim" not in repr(told).lower()
    assert "+49301" not in repr(told)


def test_a_doubt_and_an_alarm_tell_where_to_look() -> None:
    """When, which row, and a short word of ours; an alarm may have nothing to add."""
    doubted = Doubted(NOW, "01intent", CALL, "http_502")
    assert (doubted.at, doubted.intent_id, doubted.call_id, doubted.why) == (NOW, "01intent", CALL, "http_502")
    alarm = Alarm(NOW, "twice", None)
    assert (alarm.at, alarm.what, alarm.intent_id, alarm.detail) == (NOW, "twice", None, "")
