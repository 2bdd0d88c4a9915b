"""Each row of a validation, where it passes and where it does not: what was seen decides, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from einmal.domain import proof
from einmal.domain.proof import Given, Grade, Heard, Made, Refused, Row
from einmal.domain.verdict import Layer, Reason

STALE = Given("slot_taken", (Refused(Layer.FRESHNESS, Reason.STALE_BOOKING),), 0)
STORED = Heard(200, b'{"status":"booked"}')
MADE = Made({("layer1", "stale_booking"): 1}, 3, {"accepted": 3, "rejected": 1})


@pytest.mark.parametrize(
    ("changes", "grade"),
    [
        ({}, Grade.PASS),
        ({"refused": ()}, Grade.FAIL),
        ({"refused": (Refused(Layer.IDENTITY, Reason.CALL_ID_MISMATCH),)}, Grade.FAIL),
        ({"refused": (Refused(Layer.FRESHNESS, Reason.DATABASE_DUPLICATE),)}, Grade.FAIL),
        ({"status": "booked"}, Grade.FAIL),
        ({"appointments": 1}, Grade.FAIL),
    ],
)
def test_a_foreign_booking_is_refused_by_the_layer_that_is_meant(changes: dict[str, Any], grade: Grade) -> None:
    """Another layer's refusal keeps callers safe, and shows that this one is off or blind."""
    row = proof.refusal("stale_rejected", replace(STALE, **changes), Layer.FRESHNESS, Reason.STALE_BOOKING)
    assert (row.grade, "layer1" in row.goal) == (grade, True)


@pytest.mark.parametrize(
    ("again", "posts", "appointments", "grade"),
    [
        (STORED, 1, 1, Grade.PASS),
        (Heard(200, b'{"status":"already_booked"}'), 1, 1, Grade.FAIL),
        (Heard(401, STORED.body), 1, 1, Grade.FAIL),
        (STORED, 2, 1, Grade.FAIL),
        (STORED, 1, 2, Grade.FAIL),
    ],
)
def test_a_replay_is_told_the_stored_answer(again: Heard, posts: int, appointments: int, grade: Grade) -> None:
    assert proof.replayed(STORED, again, posts, appointments).grade is grade


@pytest.mark.parametrize(
    ("status", "error", "posts", "grade"),
    [
        (401, "signature_expired", 1, Grade.PASS),
        (401, "signature_wrong", 1, Grade.FAIL),
        (200, None, 1, Grade.FAIL),
        (401, "signature_expired", 2, Grade.FAIL),
    ],
)
def test_a_replay_that_is_too_late_is_not_heard(status: int, error: str | None, posts: int, grade: Grade) -> None:
    assert proof.expired(Heard(status, b""), error, posts).grade is grade


@pytest.mark.parametrize(
    ("statuses", "appointments", "live", "grade"),
    [
        (["slot_taken", "booked", "slot_taken"], 1, 1, Grade.PASS),
        (["requested", "slot_taken", "slot_taken"], 1, 1, Grade.PASS),
        (["booked", "booked", "slot_taken"], 2, 2, Grade.FAIL),
        (["booked", "slot_taken", "in_doubt"], 1, 1, Grade.FAIL),
        (["booked", "slot_taken"], 1, 1, Grade.FAIL),
        (["booked", "slot_taken", "slot_taken"], 2, 1, Grade.FAIL),
        (["booked", "slot_taken", "slot_taken"], 1, 2, Grade.FAIL),
        (["booked", "slot_taken", "slot_taken"], 1, 0, Grade.FAIL),
        (["booked", "slot_taken", "slot_taken"], 1, None, Grade.COULD_NOT_LOOK),
        (["booked", "booked", "slot_taken"], 2, None, Grade.FAIL),
    ],
)
def test_three_requests_make_one_appointment(
    statuses: list[str], appointments: int, live: int | None, grade: Grade
) -> None:
    assert proof.thrice("three_requests", statuses, appointments, live).grade is grade


def test_one_customer_who_is_refused_is_a_false_positive() -> None:
    assert proof.false_positives(["booked", "booked"]).grade is Grade.PASS
    refused = proof.false_positives(["booked", "slot_taken"])
    assert (refused.grade, refused.seen) == (Grade.FAIL, "1 of 2 booked; others heard slot_taken")
    assert proof.false_positives([]).grade is Grade.COULD_NOT_LOOK


@pytest.mark.parametrize(
    ("milliseconds", "grade"),
    [([1.0, 49.9, 90.0], Grade.PASS), ([1.0, 50.0, 90.0], Grade.FAIL), ([], Grade.COULD_NOT_LOOK)],
)
def test_the_overhead_is_judged_by_its_median(milliseconds: list[float], grade: Grade) -> None:
    assert proof.overhead(milliseconds).grade is grade


@pytest.mark.parametrize(
    ("milliseconds", "grade"),
    [
        ([0.2] * 99 + [40.0], Grade.PASS),
        ([0.2] * 98 + [40.0] * 2, Grade.WARN),
        ([4.99] * 100, Grade.PASS),
        ([5.0] * 100, Grade.WARN),
        ([10.0] * 100, Grade.WARN),
        ([10.1] * 100, Grade.FAIL),
        ([], Grade.COULD_NOT_LOOK),
    ],
)
def test_a_slow_look_up_warns_and_a_very_slow_one_fails(milliseconds: list[float], grade: Grade) -> None:
    """The goal is 5 ms, the alarm over 10; one in a hundred may take longer than the goal, not than the alarm."""
    row = proof.look_up(milliseconds, 10_000)
    assert row.grade is grade
    assert grade is Grade.COULD_NOT_LOOK or "10,000 appointments" in row.seen


def test_the_constraint_must_refuse_and_be_in_force() -> None:
    tried = {answer: proof.constraint_tried(refused=answer).grade for answer in (True, False, None)}
    assert tried == {True: Grade.PASS, False: Grade.FAIL, None: Grade.COULD_NOT_LOOK}
    assert proof.constraint_in_force(stands=True).grade is Grade.PASS
    missing = proof.constraint_in_force(stands=False)
    assert (missing.grade, "einmal db upgrade" in missing.seen) == (Grade.FAIL, True)


@pytest.mark.parametrize(
    "shown",
    [
        Made(),
        replace(MADE, appointments=2),
        replace(MADE, ages={"accepted": 3}),
        replace(MADE, refusals={("layer2", "stale_booking"): 1}),
        replace(MADE, refusals={**MADE.refusals, ("layer4", "constraint_violation"): 1}),
    ],
)
def test_the_dashboard_must_have_what_was_made_and_nothing_else(shown: Made) -> None:
    row = proof.dashboard(MADE, shown)
    assert (row.grade, "instead of" in row.seen) == (Grade.FAIL, True)


def test_a_dashboard_that_has_it_all_may_list_what_never_was() -> None:
    """What can be listed is there as 0 from the start."""
    zeros = replace(MADE, refusals={**MADE.refusals, ("layer4", "constraint_violation"): 0})
    assert proof.dashboard(MADE, zeros).grade is Grade.PASS
    assert proof.dashboard(MADE, None).grade is Grade.COULD_NOT_LOOK


@pytest.mark.parametrize(
    ("grades", "whole"),
    [
        ([], Grade.PASS),
        ([Grade.PASS, Grade.NOT_ASKED], Grade.PASS),
        ([Grade.PASS, Grade.WARN], Grade.WARN),
        ([Grade.WARN, Grade.COULD_NOT_LOOK], Grade.COULD_NOT_LOOK),
        ([Grade.COULD_NOT_LOOK, Grade.FAIL, Grade.PASS], Grade.FAIL),
    ],
)
def test_the_worst_row_is_the_verdict(grades: list[Grade], whole: Grade) -> None:
    assert proof.worst([Row("check", grade, "", "") for grade in grades]) is whole
