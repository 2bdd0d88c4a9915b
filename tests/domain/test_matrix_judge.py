"""The scenario matrix, layers 1 to 3, combinations and edges: what judge() says, in both modes.

In seed mode the row holds as written. With ownership on, the same booking with our operation id is accepted
and the layer only reports; without it, or with another's, it is never accepted, and the layer says why.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from einmal.adapters.calcom.wire import booking_of
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.intent import Intent
from einmal.domain.verdict import Asked, GuardPolicy, Judgement, KnownBooking, Layer, Reason, Verdict, judge
from support.evidence import CALL, NOW, OTHER_CALL, OURS, THEIRS, booking, intent, known, wish

SEED = GuardPolicy(ownership=False)
OWNERSHIP = GuardPolicy()
STALE, MISMATCH, DUPLICATE = Reason.STALE_BOOKING, Reason.CALL_ID_MISMATCH, Reason.DATABASE_DUPLICATE


def judged(
    policy: GuardPolicy, *, of: Intent | None = None, ledger: KnownBooking | None = None, **evidence: Any
) -> Verdict:
    return judge(of or intent(), booking(**evidence), Asked(NOW), ledger, policy)


def holds(reason: Reason | None, **evidence: Any) -> None:
    """The row ends in this reason (None: accepted) in seed mode, and means what it must under ownership."""
    seed = judged(SEED, **evidence)
    assert (seed.judgement is Judgement.FOREIGN) == (reason is not None)
    assert (seed.rejection.reason if seed.rejection else None) == reason
    metadata = dict(evidence.pop("metadata", {"call_id": CALL}) or {})
    own = judged(OWNERSHIP, metadata=metadata | {"einmal_op": OURS}, **evidence)
    assert own.judgement is Judgement.OURS_ACCEPTED
    assert own.rejection is None
    assert reason is None or reason in [finding.reason for finding in own.findings]
    for others in (metadata, metadata | {"einmal_op": THEIRS}, metadata | {"einmal_op": OURS.upper()}):
        foreign = judged(OWNERSHIP, metadata=others, **evidence)
        assert foreign.judgement is Judgement.FOREIGN
        assert foreign.rejection is not None
        assert foreign.rejection.reason == (reason or Reason.IDENTITY_MISMATCH)


def aged(seconds: float) -> dict[str, Any]:
    return {"created_at": NOW - timedelta(seconds=seconds)}


def test_L1_001_five_seconds_old_is_accepted() -> None:
    holds(None, **aged(5))


def test_L1_002_exactly_thirty_seconds_old_is_accepted() -> None:
    holds(None, **aged(30))


def test_L1_003_thirty_one_seconds_old_is_stale() -> None:
    holds(STALE, **aged(31))


def test_L1_004_sixty_seconds_old_is_stale() -> None:
    holds(STALE, **aged(60))


def test_L1_005_no_created_at_is_no_evidence() -> None:
    holds(None, created_at=None)


def test_L1_006_an_unparseable_created_at_reads_as_none() -> None:
    odd = booking_of(
        {
            "uid": "u",
            "status": "accepted",
            "start": "2026-12-01T09:00:00.000Z",
            "end": "2026-12-01T09:30:00.000Z",
            "eventTypeId": 101,
            "createdAt": "not-a-date",
        }
    )
    assert odd.created_at is None


def test_L1_007_just_under_thirty_seconds_is_accepted() -> None:
    holds(None, **aged(29.999))


def test_L1_008_another_offset_is_the_same_instant() -> None:
    east = timezone(timedelta(hours=9))
    holds(None, created_at=(NOW - timedelta(seconds=10)).astimezone(east))
    holds(STALE, created_at=(NOW - timedelta(seconds=40)).astimezone(east))


def test_L1_009_several_stale_calls_are_all_rejected() -> None:
    for seconds in (31, 35 * 60, 86_400):
        holds(STALE, **aged(seconds))


def test_L1_010_a_slow_answer_to_a_prompt_post_is_not_stale() -> None:
    """Age counts to the moment of the send, in the calendar's clock: an answer after 40 s is judged alike."""
    answered = Answer(AnswerKind.BOOKING, elapsed=timedelta(seconds=40), calendar_date=NOW + timedelta(seconds=40))
    asked = Asked(answered.asked_at(NOW - timedelta(hours=5)), answered.elapsed)
    assert asked.at == NOW
    assert judge(intent(), booking(**aged(1)), asked, None, SEED).judgement is Judgement.OURS_ACCEPTED


def test_L2_001_the_own_call_id_is_accepted() -> None:
    holds(None, metadata={"call_id": CALL})


def test_L2_002_another_call_id_is_rejected() -> None:
    holds(MISMATCH, metadata={"call_id": OTHER_CALL})


@pytest.mark.parametrize("metadata", [{}, {"call_id": ""}], ids=["L2_003_missing", "L2_005_empty"])
def test_L2_003_to_005_no_call_id_is_no_evidence(metadata: dict[str, str]) -> None:
    holds(None, metadata=metadata)


def test_L2_004_a_null_call_id_reads_as_missing() -> None:
    data = {"uid": "u", "status": "accepted", "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T09:30:00Z"}
    assert booking_of(data | {"eventTypeId": 1, "metadata": {"call_id": None}}).metadata == {}


def test_L2_006_without_a_call_of_our_own_nothing_can_differ() -> None:
    holds(None, of=intent(of=wish(conversation_id=None)), metadata={"call_id": OTHER_CALL})


def test_L2_007_stale_is_said_before_the_call_id_is_looked_at() -> None:
    holds(STALE, metadata={"call_id": OTHER_CALL}, **aged(31))


def test_L2_008_ids_that_differ_in_case_are_two_ids() -> None:
    holds(MISMATCH, metadata={"call_id": CALL.upper()})


def test_L2_009_only_the_call_id_of_the_metadata_counts() -> None:
    holds(None, metadata={"call_id": CALL, "callId": OTHER_CALL, "other_call_id": OTHER_CALL})


def test_L2_010_metadata_beside_other_keys_is_read() -> None:
    holds(MISMATCH, metadata={"a": "1", "call_id": OTHER_CALL, "z": "2"})


def test_L3_001_a_uid_new_to_the_ledger_is_accepted() -> None:
    holds(None, ledger=None)


def test_L3_002_a_uid_that_the_ledger_holds_ends_the_matter() -> None:
    holds(DUPLICATE, ledger=known(same_person=True))


def test_L3_003_a_uid_of_another_call_is_a_duplicate() -> None:
    holds(DUPLICATE, ledger=known(call_id=OTHER_CALL))


def test_L3_010_a_cancelled_row_is_a_duplicate_all_the_same() -> None:
    holds(DUPLICATE, ledger=known(live=False))


def test_ML_001_fresh_own_and_new_is_accepted() -> None:
    holds(None)


def test_ML_002_stale_stops_before_layer_2() -> None:
    holds(STALE, metadata={"call_id": OTHER_CALL}, **aged(31))


def test_ML_003_the_wrong_call_stops_before_layer_3() -> None:
    holds(MISMATCH, metadata={"call_id": OTHER_CALL}, ledger=known())


def test_ML_004_the_ledger_stops_before_the_constraint() -> None:
    holds(DUPLICATE, ledger=known())


def test_ML_006_of_several_failures_the_first_decides() -> None:
    seed = judged(SEED, metadata={"call_id": OTHER_CALL}, ledger=known(), **aged(31))
    assert [finding.reason for finding in seed.findings] == [STALE, MISMATCH, DUPLICATE]
    assert seed.rejection is not None
    assert seed.rejection.layer is Layer.FRESHNESS


@pytest.mark.parametrize(("age", "reason"), [(29.999, None), (30.0, None), (30.001, STALE)])
def test_EC_001_to_003_the_border_is_thirty_seconds(age: float, reason: Reason | None) -> None:
    holds(reason, **aged(age))


@pytest.mark.parametrize("skew", [-5, 5])
def test_EC_004_clocks_five_seconds_apart_change_nothing(skew: int) -> None:
    holds(None, **aged(skew))
    assert not judged(SEED, **aged(skew)).skewed


def test_EC_008_and_009_long_and_odd_uids_are_judged_like_others() -> None:
    for uid in ("x" * 255, "a/b?c='\"ü"):
        holds(None, uid=uid)


def test_EC_010_unicode_metadata_is_kept() -> None:
    holds(None, metadata={"call_id": CALL, "grüße": "日本 🎉"})


def test_EC_011_a_year_old_booking_is_stale() -> None:
    holds(STALE, **aged(365 * 86_400))


def test_EC_012_slightly_in_the_future_is_accepted() -> None:
    holds(None, **aged(-3))


def test_EC_013_far_in_the_future_is_skew_and_is_said() -> None:
    holds(None, **aged(-3600))
    assert judged(SEED, **aged(-3600)).skewed


def test_EC_014_verdicts_do_not_depend_on_each_other() -> None:
    first = [judged(SEED, **aged(s)) for s in (5, 31, 5)]
    assert [v.judgement for v in first] == [Judgement.OURS_ACCEPTED, Judgement.FOREIGN, Judgement.OURS_ACCEPTED]


def test_TC_007_the_limit_can_be_set() -> None:
    policy = GuardPolicy(ownership=False, freshness_limit=timedelta(minutes=5))
    assert judged(policy, **aged(299)).judgement is Judgement.OURS_ACCEPTED
    assert judged(policy, **aged(301)).judgement is Judgement.FOREIGN


def test_a_slow_post_is_not_taken_for_a_skewed_clock() -> None:
    """Created 8 s after we asked, in an answer that took 9 s: nothing is odd about that."""
    asked = Asked(NOW, timedelta(seconds=9))
    assert not judge(intent(), booking(**aged(-8)), asked, None, OWNERSHIP).skewed


_INCIDENT = {"metadata": {"call_id": OTHER_CALL}, "ledger": known(), **aged(35 * 60)}


@pytest.mark.parametrize(("layer", "reason"), [("freshness", STALE), ("identity", MISMATCH), ("ledger", DUPLICATE)])
def test_the_incident_is_stopped_by_each_layer_alone(layer: str, reason: Reason) -> None:
    """Seed mode, and the other layers' flags off."""
    flags = {name: name == layer for name in ("freshness", "identity", "ledger")}
    verdict = judged(GuardPolicy(ownership=False, **flags), **_INCIDENT)
    assert verdict.rejection is not None
    assert verdict.rejection.reason is reason
    assert len(verdict.findings) == 3, "the layers that are off still say what they would have done"


def test_the_incident_passes_with_every_layer_off() -> None:
    """The control: without the layers the answer is believed, as it was."""
    for policy in (GuardPolicy(enabled=False), GuardPolicy(True, False, False, False, False)):
        verdict = judged(policy, **_INCIDENT)
        assert verdict.judgement is Judgement.OURS_ACCEPTED
        assert len(verdict.findings) == 3


@pytest.mark.parametrize("off", [(), ("freshness",), ("identity",), ("ledger",), ("freshness", "identity", "ledger")])
def test_the_incident_is_never_accepted_under_ownership(off: tuple[str, ...]) -> None:
    """Whichever layers are switched off, a booking without our id is not ours."""
    verdict = judged(GuardPolicy(**dict.fromkeys(off, False)), **_INCIDENT)
    assert verdict.judgement is Judgement.FOREIGN


def test_our_id_at_another_time_is_for_a_person() -> None:
    later = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
    metadata = {"call_id": CALL, "einmal_op": OURS}
    for change in ({"start": later, "end": later}, {"event_type_id": 102}):
        assert judged(OWNERSHIP, metadata=metadata, **change).judgement is Judgement.WRONG_TIME


@pytest.mark.parametrize(
    "change",
    [{"event_type_id": 102}, {"start": datetime(2026, 12, 1, 10, 0, tzinfo=UTC)}, {"attendee_emails": ("x@y.test",)}],
    ids=["event type", "start", "attendee"],
)
def test_another_start_type_or_attendee_is_an_identity_mismatch(change: dict[str, Any]) -> None:
    verdict = judged(SEED, **change)
    assert verdict.rejection is not None
    assert verdict.rejection.reason is Reason.IDENTITY_MISMATCH


def test_evidence_holds_no_address() -> None:
    verdict = judged(SEED, attendee_emails=("anna@gast.test",))
    assert "anna" not in repr(verdict.findings)


@pytest.mark.parametrize("status", ["cancelled", "rejected"])
def test_an_ended_booking_promises_nothing(status: Any) -> None:
    metadata = {"einmal_op": OURS}
    verdict = judged(OWNERSHIP, status=status, metadata=metadata)
    assert verdict.judgement is Judgement.OURS_ENDED
    assert judged(OWNERSHIP, status="pending", metadata=metadata).judgement is Judgement.OURS_PENDING
