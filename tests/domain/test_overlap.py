"""I9: which pairs of bookings count as one over the other, from both sides of each condition."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from einmal.domain.evidence import By, Evidence, Life, Row, Violation
from einmal.domain.intent import State
from einmal.domain.invariants import violations
from einmal.domain.overlap import overlaps
from support.evidence import NOW, OURS, THEIRS, intent, wish

START = wish().start
HALF = timedelta(minutes=30)
SECOND = timedelta(seconds=1)


def life(uid: str, **changes: Any) -> Life:
    made = Life(uid, OURS, START, 101, NOW, None, By.US, None, NOW, end=START + HALF, resource="host 0")
    return replace(made, **changes)


def later(**changes: Any) -> Life:
    return life("uid-2", **{"since": NOW + SECOND, "pending_until": NOW + SECOND, "operation_id": THEIRS} | changes)


def test_two_of_ours_at_one_host_at_one_time() -> None:
    assert [(one.uid, other.uid) for one, other in overlaps([later(), life("uid-1")])] == [("uid-1", "uid-2")]


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"start": START + HALF, "end": START + 2 * HALF}, False),
        ({"start": START + HALF - SECOND, "end": START + 2 * HALF}, True),
        ({"start": START - HALF, "end": START}, False),
        ({"start": START - HALF, "end": START + SECOND}, True),
        ({"start": START - HALF, "end": START + 2 * HALF}, True),
        ({"resource": "host 1"}, False),
        ({"resource": None}, False),
        ({"end": None}, False),
        ({"tenant_id": "another"}, False),
        ({"made_by": By.OTHERS}, False),
        ({"event_type_id": 102}, True),
        # Born pending: it is their host who accepts two, then or never.
        ({"pending_until": None}, False),
        ({"pending_until": NOW + 2 * SECOND}, False),
        # Born together, both stood.
        ({"since": NOW, "pending_until": NOW}, True),
    ],
)
def test_which_later_one_counts(changes: dict[str, Any], counts: bool) -> None:
    """In whatever order the two are told."""
    pair = [life("uid-1"), later(**changes)]
    assert bool([*overlaps(pair)]) is counts
    assert bool([*overlaps(pair[::-1])]) is counts


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"until": NOW + SECOND, "ended_by": By.OTHERS}, False),
        ({"until": NOW + 2 * SECOND, "ended_by": By.OTHERS}, True),
        ({"pending_until": None}, False),
        ({"pending_until": NOW + SECOND}, True),
        ({"pending_until": NOW + 2 * SECOND}, False),
        ({"made_by": By.OTHERS}, False),
    ],
)
def test_which_earlier_one_is_in_its_way(changes: dict[str, Any], counts: bool) -> None:
    """It must stand, accepted, at the moment when the later one is made."""
    assert bool([*overlaps([life("uid-1", **changes), later()])]) is counts


def test_what_nobody_knows_the_host_of_is_over_nothing() -> None:
    """Two unknown hosts are not one host."""
    assert [*overlaps([life("uid-1", resource=None), later(resource=None)])] == []


def test_every_pair_is_found_also_past_short_ones() -> None:
    """A long one lies over all that begin within it."""
    long = life("long", end=START + 4 * HALF)
    others = [replace(later(), uid=f"uid-{n}", start=START + n * HALF, end=START + (n + 1) * HALF) for n in range(6)]
    assert [other.uid for _, other in overlaps([*others, long])] == ["uid-0", "uid-1", "uid-2", "uid-3"]


def test_the_checker_names_the_later_ones_intent() -> None:
    """And an intent that nobody knows is named by nobody."""
    rows = [
        Row(intent(State.CONFIRMED, booking_uid="uid-1"), "ref-1", "uid-1", START),
        Row(intent(State.CONFIRMED, intent_id="02", operation_id=THEIRS, booking_uid="uid-2"), "ref-2", "uid-2", START),
    ]
    evidence = Evidence([life("uid-1"), later()], rows)
    assert violations(evidence) == [Violation("I9", "uid-2 was booked over uid-1", "02")]
    assert violations(replace(evidence, lives=[life("uid-1"), later(resource="host 1")])) == []
    orphan = Evidence([life("uid-1"), later(operation_id=None)], rows[:1])
    assert Violation("I9", "uid-2 was booked over uid-1", None) in violations(orphan)
