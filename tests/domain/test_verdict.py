"""judge() in its particulars: what each layer says of what, where its borders are, and what evidence goes along."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.model import BookingStatus
from einmal.domain.verdict import (
    Asked,
    Finding,
    GuardPolicy,
    Judgement,
    Layer,
    Reason,
    Verdict,
    judge,
    with_constraint,
)
from support.evidence import CALL, NOW, OTHER_CALL, OURS, THEIRS, booking, intent, known, wish

SEED = GuardPolicy(ownership=False)
OWNERSHIP = GuardPolicy()
MINE = {"call_id": CALL, "einmal_op": OURS}
LATER = wish().start + timedelta(hours=1)


def judged(policy: GuardPolicy = SEED, ledger: Any = None, asked: Asked | None = None, **evidence: Any) -> Verdict:
    return judge(intent(), booking(**evidence), asked or Asked(NOW), ledger, policy)


def aged(seconds: float) -> dict[str, datetime]:
    return {"created_at": NOW - timedelta(seconds=seconds)}


FINDINGS: dict[str, tuple[dict[str, Any], Finding]] = {
    "stale": (
        aged(31.25),
        Finding(
            Layer.FRESHNESS,
            Reason.STALE_BOOKING,
            "created at most 30 s before the request",
            "31.250 s before it",
            decided=True,
        ),
    ),
    "call": (
        {"metadata": {"call_id": OTHER_CALL}},
        Finding(Layer.IDENTITY, Reason.CALL_ID_MISMATCH, CALL, OTHER_CALL, decided=True),
    ),
    "start": (
        {"start": LATER},
        Finding(
            Layer.IDENTITY,
            Reason.IDENTITY_MISMATCH,
            "start 2026-12-01T09:00:00+00:00",
            "start 2026-12-01T10:00:00+00:00",
            decided=True,
        ),
    ),
    "event type": (
        {"event_type_id": 7},
        Finding(Layer.IDENTITY, Reason.IDENTITY_MISMATCH, "event type 101", "event type 7", decided=True),
    ),
    "attendee": (
        {"attendee_emails": ("anna@gast.test",)},
        Finding(
            Layer.IDENTITY, Reason.IDENTITY_MISMATCH, "attendee the address we sent", "attendee another", decided=True
        ),
    ),
    "ledger": (
        {"ledger": known()},
        Finding(Layer.LEDGER, Reason.DATABASE_DUPLICATE, "a booking new to the ledger", "01appointment", decided=True),
    ),
}


@pytest.mark.parametrize(("evidence", "finding"), FINDINGS.values(), ids=list(FINDINGS))
def test_each_objection_tells_what_was_expected_and_what_came(evidence: dict[str, Any], finding: Finding) -> None:
    """Searchable, and without an address; under ownership it is said all the same, and decides nothing of ours."""
    verdict = judged(**evidence)
    assert verdict.findings == (finding,)
    assert verdict.rejection == finding
    assert verdict.judgement is Judgement.FOREIGN
    own = judged(OWNERSHIP, **{**evidence, "metadata": evidence.get("metadata", {}) | {"einmal_op": OURS}})
    assert [one.reason for one in own.findings] == [finding.reason]
    assert not any(one.decided for one in own.findings)
    assert own.owned
    assert not verdict.owned


@pytest.mark.parametrize(("theirs", "received"), [({}, "none"), ({"einmal_op": THEIRS}, "another")])
def test_what_fits_in_all_but_the_id_is_not_ours(theirs: dict[str, str], received: str) -> None:
    """Ownership's own finding, where no layer has one that decides."""
    verdict = judged(OWNERSHIP, metadata=theirs)
    finding = Finding(Layer.IDENTITY, Reason.IDENTITY_MISMATCH, f"operation id {OURS}", received, decided=True)
    assert verdict == Verdict(Judgement.FOREIGN, (finding,), timedelta(0), skewed=False, known=None, owned=False)


@pytest.mark.parametrize(("evidence", "finding"), FINDINGS.values(), ids=list(FINDINGS))
def test_in_seed_mode_our_own_id_overrules_nothing(evidence: dict[str, Any], finding: Finding) -> None:
    """Seed mode is the four layers alone, as they were."""
    own = {**evidence, "metadata": evidence.get("metadata", {}) | {"einmal_op": OURS}}
    assert judged(SEED, **own).findings == (finding,)


def test_where_a_layer_decides_ownership_adds_nothing() -> None:
    """The layer's reason is the more telling one."""
    verdict = judged(OWNERSHIP, metadata={}, **aged(31))
    assert [one.reason for one in verdict.findings] == [Reason.STALE_BOOKING]


def test_where_the_layer_is_off_ownership_speaks_after_it() -> None:
    """What it would have said comes first, and the decision last."""
    verdict = judged(GuardPolicy(freshness=False), metadata={}, **aged(31))
    assert [(one.reason, one.decided) for one in verdict.findings] == [
        (Reason.STALE_BOOKING, False),
        (Reason.IDENTITY_MISMATCH, True),
    ]
    assert verdict.rejection == verdict.findings[1]


@pytest.mark.parametrize("ours", [CALL, "", None])
@pytest.mark.parametrize("theirs", [CALL, OTHER_CALL, "", None])
def test_calls_differ_only_where_both_are_known(ours: str | None, theirs: str | None) -> None:
    """Absent and empty are no evidence."""
    metadata = {} if theirs is None else {"call_id": theirs}
    of = intent(of=wish(conversation_id=ours))
    verdict = judge(of, booking(metadata=metadata), Asked(NOW), None, SEED)
    assert bool(verdict.findings) is (ours == CALL and theirs == OTHER_CALL)


@pytest.mark.parametrize(
    ("emails", "objects"),
    [
        ((), False),
        ((f"termin+{OURS}@salon.test",), False),
        (("guest@x.test", f"termin+{OURS}@salon.test"), False),
        (("guest@x.test",), True),
    ],
)
def test_an_attendee_is_another_only_where_ours_is_missing_among_them(emails: tuple[str, ...], objects: bool) -> None:
    """None listed is no evidence, and a guest beside ours none either."""
    assert bool(judged(attendee_emails=emails).findings) is objects


@pytest.mark.parametrize("by", ["01other", "01intent"])
def test_our_own_row_is_no_duplicate(by: str) -> None:
    """The ledger's row under this very intent is the same booking seen twice."""
    verdict = judged(ledger=known(intent_id=by))
    assert bool(verdict.findings) is (by == "01other")
    assert verdict.known == known(intent_id=by)


@pytest.mark.parametrize("layer", list(Layer))
@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("off", ["nothing", "ownership", "freshness", "identity", "ledger"])
def test_which_switch_switches_what(layer: Layer, enabled: bool, off: str) -> None:
    """Each its own layer; the main one all of them; the constraint is schema and has none."""
    policy = GuardPolicy(enabled=enabled, **({} if off == "nothing" else {off: False}))
    own = {Layer.FRESHNESS: "freshness", Layer.IDENTITY: "identity", Layer.LEDGER: "ledger"}.get(layer)
    assert policy.decides(layer) is (own is None or (enabled and own != off))
    assert policy.owns is (enabled and off != "ownership")


def test_what_is_off_is_named() -> None:
    """Shouted about at start, in the order of the layers."""
    assert GuardPolicy().layers_off() == []
    assert GuardPolicy(enabled=False).layers_off() == ["ownership", "freshness", "identity", "ledger"]
    for name in ("ownership", "freshness", "identity", "ledger"):
        assert GuardPolicy(**{name: False}).layers_off() == [name]


@given(st.floats(-1000, 1000), st.floats(0, 60), st.floats(0, 60))
def test_age_and_skew_are_measured_to_the_send(age: float, elapsed: float, limit: float) -> None:
    """Older than the limit is stale; later than the answer by more than clocks differ is skew, and only reported."""
    policy = GuardPolicy(ownership=False, freshness_limit=timedelta(seconds=limit))
    took = timedelta(seconds=elapsed)
    verdict = judged(policy, asked=Asked(NOW, took), **aged(age))
    exact = NOW - (NOW - timedelta(seconds=age))
    assert verdict.age == exact
    assert verdict.skewed is (exact + took < -timedelta(seconds=5))
    assert (verdict.judgement is Judgement.FOREIGN) is (exact > timedelta(seconds=limit))


@pytest.mark.parametrize(("created", "skewed"), [(5.0, False), (5.000001, True), (8.0, True), (None, False)])
def test_five_seconds_is_how_far_clocks_may_differ(created: float | None, skewed: bool) -> None:
    """Exactly so much is no skew; and of no birth nothing is said."""
    verdict = judged(created_at=None if created is None else NOW + timedelta(seconds=created))
    assert verdict.skewed is skewed
    assert (verdict.age is None) is (created is None)


def test_an_answer_takes_no_time_unless_it_is_said() -> None:
    """What is asked of a look-up was sent when it was sent."""
    assert Asked(NOW) == Asked(NOW, timedelta(0))


STATUSES = {
    BookingStatus.ACCEPTED: Judgement.OURS_ACCEPTED,
    BookingStatus.PENDING: Judgement.OURS_PENDING,
    BookingStatus.CANCELLED: Judgement.OURS_ENDED,
    BookingStatus.REJECTED: Judgement.OURS_ENDED,
}


@pytest.mark.parametrize("status", BookingStatus)
@pytest.mark.parametrize("policy", [SEED, OWNERSHIP], ids=["seed", "ownership"])
def test_what_is_ours_is_so_by_its_status(status: BookingStatus, policy: GuardPolicy) -> None:
    """Accepted, to be confirmed, or over."""
    assert judged(policy, metadata=MINE, status=status) == Verdict(
        STATUSES[status], (), timedelta(0), skewed=False, known=None, owned=True
    )


@pytest.mark.parametrize("change", [{"start": LATER}, {"event_type_id": 7}])
@pytest.mark.parametrize("status", BookingStatus)
def test_our_id_where_it_should_not_be(change: dict[str, Any], status: BookingStatus) -> None:
    """Under ownership a person must look; in seed mode with identity off it is believed, as it was."""
    assert judged(OWNERSHIP, metadata=MINE, status=status, **change).judgement is Judgement.WRONG_TIME
    seed = GuardPolicy(ownership=False, identity=False)
    assert judged(seed, metadata=MINE, status=status, **change).judgement is STATUSES[status]


@pytest.mark.parametrize(("ledger", "received"), [(None, "one it holds"), (known(), "01appointment")])
def test_the_constraint_ends_the_matter(ledger: Any, received: str) -> None:
    """Layer 4: whatever was found before stays in evidence, and what the ledger holds goes along."""
    before = judged(OWNERSHIP, metadata=MINE, **aged(31))
    after = with_constraint(before, ledger)
    finding = Finding(
        Layer.CONSTRAINT, Reason.CONSTRAINT_VIOLATION, "a booking new to the ledger", received, decided=True
    )
    assert after == Verdict(
        Judgement.FOREIGN, (*before.findings, finding), before.age, before.skewed, ledger, owned=True
    )
    assert after.rejection == finding


def test_without_evidence_a_verdict_rejects_nothing() -> None:
    """What was found by its id in a look-up needs no judge."""
    assert Verdict(Judgement.OURS_ACCEPTED) == Verdict(Judgement.OURS_ACCEPTED, (), None, False, None, False)
    assert Verdict(Judgement.OURS_ACCEPTED).rejection is None
