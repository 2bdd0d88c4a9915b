"""What ledger and calendar do not agree about, as tables; and who has two appointments at one time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.drift import Drift, DriftKind, drifts_of, gone_for_good, twice, window_after
from einmal.domain.intent import BOOKED, Intent, State
from einmal.domain.model import Booking, BookingStatus, MetadataKey
from einmal.domain.reply import BookedSlot
from support.evidence import NOW, OURS, intent

AT = NOW + timedelta(days=3)
END = AT + timedelta(minutes=30)
MARKED = {MetadataKey.OPERATION_ID.value: OURS}
BOOKING = Booking("uid1", BookingStatus.ACCEPTED, AT, END, 101, metadata=MARKED, host_name="Anna")
HELD = BookedSlot("ref1", AT, END, "Beratung", "Anna")
MOVED = replace(BOOKING, status=BookingStatus.CANCELLED, moved_to="uid2")

STATUSES = {
    (State.CONFIRMED, BookingStatus.ACCEPTED): None,
    (State.CONFIRMED, BookingStatus.PENDING): DriftKind.STATUS,
    (State.CONFIRMED, BookingStatus.CANCELLED): DriftKind.STATUS,
    (State.CONFIRMED, BookingStatus.REJECTED): DriftKind.STATUS,
    (State.PENDING, BookingStatus.PENDING): None,
    (State.PENDING, BookingStatus.ACCEPTED): DriftKind.STATUS,
    (State.PENDING, BookingStatus.CANCELLED): DriftKind.STATUS,
    (State.PENDING, BookingStatus.REJECTED): DriftKind.STATUS,
}


def row(state: State, uid: str | None = "uid1") -> Intent:
    return intent(state, booking_uid=uid)


def kinds(found: tuple[Drift, ...]) -> list[DriftKind]:
    return [one.kind for one in found]


@pytest.mark.parametrize(("state", "status"), STATUSES)
def test_the_status_of_an_appointment(state: State, status: BookingStatus) -> None:
    expected = STATUSES[state, status]
    found = drifts_of(row(state), HELD, replace(BOOKING, status=status))
    assert kinds(found) == ([] if expected is None else [expected])


def test_every_status_of_an_appointment_stands_in_the_table() -> None:
    assert set(STATUSES) == {(state, status) for state in BOOKED for status in BookingStatus}


ELSEWHERE = {
    State.CONFIRMED: DriftKind.STATUS,
    State.PENDING: DriftKind.STATUS,
    State.DOUBT: DriftKind.ARRIVED,
    State.ESCALATED: DriftKind.ARRIVED,
    State.REJECTED: DriftKind.ARRIVED,
    State.CANCELLED: DriftKind.REVIVED,
    State.DECLINED: DriftKind.REVIVED,
    State.MOVED: DriftKind.REVIVED,
    State.LOST: DriftKind.REVIVED,
    State.COMPENSATED: DriftKind.REVIVED,
    State.INTENT: None,
    State.SENT: None,
    State.COMPENSATING: None,
}


@pytest.mark.parametrize("state", State)
def test_a_live_booking_with_our_id_that_no_row_holds(state: State) -> None:
    """What is under way is nobody's difference: whoever is at it comes to the same booking."""
    expected = ELSEWHERE[state]
    held = "uid0" if state in BOOKED else None
    found = drifts_of(row(state, held), None, BOOKING)
    assert kinds(found) == ([] if expected is None else [expected])


@pytest.mark.parametrize("state", State)
def test_one_that_has_ended_and_that_no_row_holds_is_none(state: State) -> None:
    found = drifts_of(row(state, "uid0"), None, replace(BOOKING, status=BookingStatus.CANCELLED))
    assert found == ()


def test_what_was_moved_is_told_as_moved() -> None:
    (found,) = drifts_of(row(State.CONFIRMED), HELD, MOVED)
    assert found.detail == "confirmed here, moved there"


@pytest.mark.parametrize(
    ("booking", "expected"),
    [
        (BOOKING, []),
        (replace(BOOKING, start=AT + timedelta(minutes=15)), [DriftKind.TIME]),
        (replace(BOOKING, end=END + timedelta(minutes=15)), [DriftKind.TIME]),
        (replace(BOOKING, end=None), []),
        (replace(BOOKING, host_name="Ben"), [DriftKind.STAFF]),
        (replace(BOOKING, host_name=None), []),
        (replace(BOOKING, start=AT - timedelta(minutes=15), host_name="Ben"), [DriftKind.TIME, DriftKind.STAFF]),
    ],
)
def test_time_and_host(booking: Booking, expected: list[DriftKind]) -> None:
    """What is not told is no difference."""
    assert kinds(drifts_of(row(State.CONFIRMED), HELD, booking)) == expected


def test_a_booking_without_our_id_is_nobodys_to_mend() -> None:
    """Whatever else differs."""
    odd = replace(BOOKING, metadata={}, status=BookingStatus.CANCELLED, host_name="Ben")
    assert kinds(drifts_of(row(State.CONFIRMED), HELD, odd)) == [DriftKind.NOT_MARKED]


def booked(uid: str, minutes: int, long: int = 30, **more: Any) -> Booking:
    start = AT + timedelta(minutes=minutes)
    one = Booking(uid, BookingStatus.ACCEPTED, start, start + timedelta(minutes=long), 101)
    named: dict[str, Any] = {"attendee_emails": ("greta@gast.test",), "attendee_name": "Greta Gast"}
    return replace(one, **(named | more))


@pytest.mark.parametrize(
    ("other", "is_twice"),
    [
        (booked("b", 0), True),
        (booked("b", 29), True),
        (booked("b", 30), False),
        (booked("b", -30), False),
        (booked("b", 10, attendee_emails=("GRETA@gast.test",), attendee_name="G."), True),
        (booked("b", 10, attendee_emails=("else@gast.test",), attendee_name="greta  gast"), True),
        (booked("b", 10, attendee_emails=("else@gast.test",), event_type_id=102), False),
        (booked("b", 10, attendee_emails=("else@gast.test",), attendee_name="Anna Weiß"), False),
        (booked("b", 10, attendee_emails=(), attendee_name=None), False),
        (booked("b", 10, status=BookingStatus.CANCELLED), False),
        (booked("a", 10), False),
    ],
)
def test_who_has_two_at_one_time(other: Booking, is_twice: bool) -> None:
    found = twice((booked("a", 0),), other)
    assert [one.subject for one in found] == (["a b"] if is_twice else [])


@given(spans=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 90)), max_size=12))
def test_the_window_forgets_nobody_who_overlaps(spans: list[tuple[int, int]]) -> None:
    """Over any bookings in order of their start, each pair that overlaps is found once."""
    bookings = [booked(f"u{n:02}", start, long) for n, (start, long) in enumerate(sorted(spans))]
    window: tuple[Booking, ...] = ()
    found: list[str] = []
    for one in bookings:
        found += [drift.subject for drift in twice(window, one)]
        window = window_after(window, one)
    pairs = [
        f"{a.uid} {b.uid}"
        for n, a in enumerate(bookings)
        for b in bookings[n + 1 :]
        if a.start < (b.end or b.start) and b.start < (a.end or a.start)
    ]
    assert sorted(found) == sorted(pairs)


@pytest.mark.parametrize(
    ("ghosts", "compared", "ours", "believed"),
    [
        *((0, 0, 1, True), (1, 1, 1, True), (3, 3, 1, True), (4, 4, 1, False), (4, 7, 1, False), (4, 8, 1, True)),
        *((50, 1000, 1, True), (1, 1, 0, False), (50, 1000, 0, False)),
    ],
)
def test_so_many_ghosts_are_another_calendar(ghosts: int, compared: int, ours: int, believed: bool) -> None:
    """And where none of ours was seen, one is."""
    assert gone_for_good(ghosts, compared, ours) is believed
