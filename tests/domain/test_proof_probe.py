"""What the probe makes of a calendar's answers, from both sides of each limit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from einmal.domain import proof_probe
from einmal.domain.model import Booking, BookingStatus
from einmal.domain.proof import Grade
from einmal.domain.proof_probe import Booked, Glance

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SENT = {"einmal_op": "op-1", "call_id": "call_1"}
BOOKING = Booking("uid-1", BookingStatus.ACCEPTED, NOW + timedelta(days=7), None, 101, NOW, SENT)
BOOKED = Booked(SENT, BOOKING, (), NOW, BOOKING)


def glance(ahead_seconds: float, took_seconds: float = 0.2) -> Glance:
    """Of a clock so far ahead, which has whole seconds cut off."""
    half = timedelta(seconds=took_seconds / 2)
    return Glance(NOW + timedelta(seconds=ahead_seconds - 0.5), NOW - half, NOW + half)


@pytest.mark.parametrize(
    ("ahead_seconds", "owns", "grade"),
    [
        (0.0, True, Grade.PASS),
        (5.0, True, Grade.PASS),
        (-5.1, True, Grade.WARN),
        (30.0, False, Grade.WARN),
        (30.1, False, Grade.FAIL),
        (-30.1, False, Grade.FAIL),
        (300.0, True, Grade.WARN),
    ],
)
def test_a_clock_that_is_off_warns_and_fails_where_freshness_alone_decides(
    ahead_seconds: float,
    owns: bool,
    grade: Grade,
) -> None:
    row = proof_probe.clock_skew([glance(ahead_seconds)], owns=owns)
    assert (row.grade, f"{abs(ahead_seconds):.1f} s" in row.seen) == (grade, True)
    assert ("behind" in row.seen) is (ahead_seconds < 0)


def test_the_answer_that_came_quickest_tells_the_skew() -> None:
    """A slow one may have been written at any moment of its way."""
    assert proof_probe.clock_skew([glance(20.0, took_seconds=50.0), glance(1.0)], owns=False).grade is Grade.PASS
    dateless = replace(glance(0.0), date=None)
    assert proof_probe.clock_skew([dateless], owns=True).grade is Grade.COULD_NOT_LOOK
    assert dateless.skew is None


def test_the_key_is_taken_refused_or_nobody_answered() -> None:
    assert proof_probe.key_taken(3, "").grade is Grade.PASS
    refused = proof_probe.key_taken(None, "Cal.com refuses the API key")
    assert (refused.grade, refused.seen) == (Grade.FAIL, "Cal.com refuses the API key")
    assert proof_probe.unreached("connect").grade is Grade.COULD_NOT_LOOK


def test_a_shape_that_is_not_as_pinned_is_named() -> None:
    assert proof_probe.version("2024-08-13", 2, ()).grade is Grade.PASS
    assert proof_probe.version("2024-08-13", 0, ()).grade is Grade.NOT_ASKED
    odd = proof_probe.version("2024-08-13", 2, ("status", "createdAt", "status"))
    assert (odd.grade, odd.seen) == (Grade.FAIL, "not as pinned: createdAt, status")


@pytest.mark.parametrize(
    ("changes", "own", "metadata", "born"),
    [
        ({}, Grade.PASS, Grade.PASS, Grade.PASS),
        ({"listed": None}, Grade.FAIL, Grade.PASS, Grade.PASS),
        ({"listed": replace(BOOKING, metadata={})}, Grade.PASS, Grade.FAIL, Grade.PASS),
        ({"booking": replace(BOOKING, metadata=SENT | {"call_id": "call_2"})}, Grade.PASS, Grade.FAIL, Grade.PASS),
        ({"booking": replace(BOOKING, metadata={"call_id": "call_1"})}, Grade.PASS, Grade.FAIL, Grade.PASS),
        ({"booking": replace(BOOKING, created_at=None)}, Grade.PASS, Grade.PASS, Grade.FAIL),
        ({"booking": replace(BOOKING, created_at=NOW - timedelta(minutes=2))}, Grade.PASS, Grade.PASS, Grade.FAIL),
        ({"date": None}, Grade.PASS, Grade.PASS, Grade.WARN),
    ],
)
def test_a_booking_of_ones_own_shows_what_can_be_relied_on(
    changes: dict[str, Any], own: Grade, metadata: Grade, born: Grade
) -> None:
    booked = replace(BOOKED, **changes)
    seen = (proof_probe.sees_own(booked), proof_probe.metadata_kept(booked), proof_probe.birth_told(booked))
    assert tuple(row.grade for row in seen) == (own, metadata, born)


def test_without_a_booking_it_was_not_asked() -> None:
    rows = (proof_probe.sees_own(None), proof_probe.metadata_kept(None), proof_probe.birth_told(None))
    assert {row.grade for row in rows} == {Grade.NOT_ASKED}
    assert all("--event-type" in row.seen for row in rows)
