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
    """Where its two rows differ, the first one counts."""
    pending = ours(status=BookingStatus.PENDING)
    assert settle(intent(), [ours(), pending], complete=True) == Found(ours())
    assert settle(intent(), [pending, ours()], complete=True) == Found(pending)


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


@pytest.mark.parametrize("complete", [True, False])
def test_a_booking_at_our_own_address_without_our_id_is_for_a_person(complete: bool) -> None:
    """Nobody else knows that address: ours with its metadata lost, neither confirmed nor called absent."""
    made = intent()
    stripped = booking(metadata={}, attendee_emails=("else@x.test", made.attendee_email))
    assert settle(made, [booking(), stripped], complete=complete) == NeedsPerson("metadata_missing")
    ended = booking(metadata={}, attendee_emails=(made.attendee_email,), status=BookingStatus.CANCELLED)
    assert settle(made, [ended], complete=complete) == (Absent() if complete else Unclear("page_full"))


def test_an_address_of_the_callers_own_proves_nothing() -> None:
    """They may have booked by themselves, on the web."""
    made = intent(attendee_email="anna@gast.test")
    theirs = booking(metadata={}, attendee_emails=("anna@gast.test",))
    assert settle(made, [theirs], complete=True) == Absent()


def test_what_is_ours_and_ended_outweighs_an_address() -> None:
    """It was there, with our id: whoever ended it, a person need not guess."""
    made = intent()
    stripped = booking(uid="x", metadata={}, attendee_emails=(made.attendee_email,))
    ended = ours(status=BookingStatus.REJECTED)
    assert settle(made, [ended, stripped], complete=True) == Unclear("ended")


def test_an_ended_one_of_ours_beside_a_live_one_changes_nothing() -> None:
    """The live one is the booking."""
    ended = ours(uid="old", status=BookingStatus.CANCELLED)
    assert settle(intent(), [ended, ours(uid="new")], complete=True) == Found(ours(uid="new"))
    assert settle(intent(), [ours(uid="new"), ended], complete=False) == Found(ours(uid="new"))


def test_accepted_is_not_pending() -> None:
    found = settle(intent(), [ours()], complete=True)
    assert isinstance(found, Found)
    assert found.pending is False


@pytest.mark.parametrize(
    ("looks", "pause"),
    [(0, 0.5), (1, 0.5), (2, 1.0), (3, 1.0), (4, 10.0), (5, 30.0), (len(POLICY.pauses) - 1, POLICY.pauses[-1])],
)
def test_each_look_has_its_pause_and_up_to_a_fifth_of_it_more(looks: int, pause: float) -> None:
    """So that what failed together is not looked at together."""
    in_doubt, now = doubt(0, looks=looks)
    assert next_look(in_doubt, now, POLICY, 0.0) == now + timedelta(seconds=min(pause, POLICY.window.total_seconds()))
    assert next_look(in_doubt, now, POLICY, 0.5) == now + timedelta(
        seconds=min(pause * 1.1, POLICY.window.total_seconds())
    )


@pytest.mark.parametrize(
    ("after", "pause"),
    [(0.4, 0.5), (0.5, 0.5), (0.9, 0.5), (1, 1), (3, 10), (12.9, 10), (13, 30), (43, 120), (700, 600), (1063, 1800)],
)
def test_looks_that_were_missed_are_not_made_up_for(after: float, pause: float) -> None:
    """Whoever should have made them has died, and the doubt is as old as it is."""
    in_doubt, now = doubt(after)
    assert next_look(in_doubt, now, POLICY, 0.0) == now + timedelta(seconds=pause)


@pytest.mark.parametrize("looks", [len(POLICY.pauses), 10_000])
def test_from_the_last_pause_on_they_stay_as_long(looks: int) -> None:
    """A day of blindness is not looked at every second, and not forgotten either."""
    in_doubt, now = doubt(5_000, looks=looks)
    assert next_look(in_doubt, now, POLICY, 0.0) == now + timedelta(seconds=POLICY.pauses[-1])


def test_an_hour_of_doubt_costs_at_most_twelve_looks() -> None:
    """Cal.com counts them all: however they are spread, and with the one behind the end of the window."""
    for jitter in (0.0, 0.5, 0.999):
        for counted in (True, False):
            now, looks = NOW + timedelta(seconds=POLICY.pauses[0]), 0
            while now < NOW + timedelta(hours=1, seconds=POLICY.pauses[0]) and looks <= 12:
                looks += 1
                now = next_look(doubt(0, looks=looks if counted else 0)[0], now, POLICY, jitter)
            assert looks <= 12


@pytest.mark.parametrize(
    ("after", "looks", "expected"),
    [
        (599.0, 4, 600.0),
        (590.0, 4, 600.0),
        (299.0, 4, 599.0),
        (300.0, 4, 600.0),
        (600.0, 4, 1200.0),
        (601.0, 4, 1201.0),
        (300.0, 40, 600.0),
    ],
)
def test_a_look_falls_right_behind_the_end_of_the_window(after: float, looks: int, expected: float) -> None:
    """A doubt ends there and not a pause later; at the end itself the next one is a pause away."""
    in_doubt, now = doubt(after, looks=looks)
    assert next_look(in_doubt, now, POLICY, 0.0) == NOW + timedelta(seconds=expected)


def test_what_was_never_in_doubt_has_no_window_to_end() -> None:
    """A row that waits or is being taken back is looked at after its pause."""
    assert next_look(intent(looks=4), NOW + timedelta(seconds=595), POLICY, 0.0) == NOW + timedelta(seconds=605)
