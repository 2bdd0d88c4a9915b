"""settle(): what a look-up may end."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.model import Booking, BookingStatus
from einmal.domain.settle import Absent, Found, NeedsPerson, Unclear, settle
from support.evidence import OURS, THEIRS, booking, intent

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
