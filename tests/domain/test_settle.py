"""settle(): what a look-up may end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.intent import Intent, State
from einmal.domain.model import Booking, BookingStatus
from einmal.domain.settle import (
    Absent,
    Conclusion,
    Found,
    NeedsPerson,
    SettlePolicy,
    Unclear,
    conclude,
    next_look,
    settle,
)
from support.evidence import NOW, OURS, THEIRS, booking, intent

MINE = {"einmal_op": OURS}


def ours(**changes: Any) -> Booking:
    return booking(metadata=MINE, **changes)


def test_one_live_booking_with_our_id_is_found() -> None:
    assert settle(intent(), [booking(), ours(uid="x")], complete=True) == Found(ours(uid="x"))


def test_found_though_more_may_exist() -> None:
    assert isinstance(settle(intent(), [ours()], complete=False), Found)


def test_pending_is_told_apart() -> None:
    found = settle(intent(), [ours(status=BookingStatus.PENDING)], complete=True)
    assert isinstance(found, Found)
    assert found.pending


def test_nothing_with_our_id_is_absent_only_if_all_was_seen() -> None:
    foreign = booking(metadata={"einmal_op": THEIRS})
    assert settle(intent(), [foreign], complete=True) == Absent()
    assert settle(intent(), [foreign], complete=False) == Unclear("page_full")


def test_ours_and_cancelled_is_neither_found_nor_absent() -> None:
    assert settle(intent(), [ours(status=BookingStatus.CANCELLED)], complete=True) == Unclear("ended")


def test_twice_and_elsewhere_are_for_a_person() -> None:
    later = datetime(2026, 12, 1, 10, tzinfo=UTC)
    assert settle(intent(), [ours(uid="a"), ours(uid="b")], complete=True) == NeedsPerson("twice")
    assert settle(intent(), [ours(start=later, end=later)], complete=True) == NeedsPerson("wrong_time")
    assert settle(intent(), [ours(event_type_id=7)], complete=True) == NeedsPerson("wrong_time")


def test_the_same_booking_listed_twice_is_one() -> None:
    assert isinstance(settle(intent(), [ours(), ours()], complete=True), Found)


@given(st.lists(st.sampled_from([{}, {"einmal_op": THEIRS}, {"call_id": "x"}])), st.booleans())
def test_what_is_not_ours_is_never_found(metadata: list[dict[str, str]], complete: bool) -> None:
    seen = [booking(uid=str(n), metadata=m) for n, m in enumerate(metadata)]
    assert not isinstance(settle(intent(), seen, complete=complete), Found | NeedsPerson)


@pytest.mark.parametrize("status", list(BookingStatus))
def test_every_status_has_its_settlement(status: BookingStatus) -> None:
    assert isinstance(settle(intent(), [ours(status=status)], complete=True), Found) == status.live


POLICY = SettlePolicy()


def doubt(after: float, *, not_ours: bool = False, looks: int = 0) -> tuple[Intent, datetime]:
    """An intent in doubt since NOW, and the moment so many seconds later."""
    return intent(State.DOUBT, doubted_at=NOW, not_ours=not_ours, looks=looks), NOW + timedelta(seconds=after)


@pytest.mark.parametrize(
    ("settlement", "not_ours", "after", "conclusion"),
    [
        (Absent(), True, 0, Conclusion.ABSENT),
        (Absent(), False, 0, Conclusion.LOOK_AGAIN),
        (Absent(), False, 599.9, Conclusion.LOOK_AGAIN),
        (Absent(), False, 600, Conclusion.ABSENT),
        (Unclear("blind"), True, 0, Conclusion.LOOK_AGAIN),
        (Unclear("blind"), False, 86_399, Conclusion.LOOK_AGAIN),
        (Unclear("blind"), False, 86_400, Conclusion.ESCALATE),
        (Unclear("blind"), True, 86_400, Conclusion.ESCALATE),
        (Absent(), False, 86_400, Conclusion.ABSENT),
    ],
)
def test_what_a_look_that_found_nothing_concludes(
    settlement: Absent | Unclear, not_ours: bool, after: float, conclusion: Conclusion
) -> None:
    """Absence counts at once where the calendar said so, else after the window; blindness never does."""
    in_doubt, now = doubt(after, not_ours=not_ours)
    assert conclude(in_doubt, settlement, now, POLICY) is conclusion


def test_only_a_doubt_is_concluded() -> None:
    with pytest.raises(ValueError, match="doubt"):
        conclude(intent(), Absent(), NOW, POLICY)


@given(st.integers(0, 40), st.floats(0, 90_000), st.floats(0, 1, exclude_max=True))
def test_the_next_look_is_later_and_none_skips_the_end_of_the_window(looks: int, after: float, jitter: float) -> None:
    in_doubt, now = doubt(after, looks=looks)
    at = next_look(in_doubt, now, POLICY, jitter)
    assert now < at <= now + timedelta(seconds=POLICY.pauses[-1] * 1.2)
    ends = NOW + POLICY.window
    assert not now < ends < at


def test_the_looks_of_the_call_come_half_a_second_one_two_and_three_after_the_doubt() -> None:
    assert [sum(POLICY.pauses[: n + 1]) for n in range(POLICY.looks_in_call)] == [0.5, 1.0, 2.0, 3.0]
