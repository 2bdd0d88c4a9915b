"""A change's states, and what a read of a booking shows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.change import (
    CHANGE_MOVES,
    LIVE_CHANGES,
    Change,
    ChangeEvent,
    ChangeKind,
    ChangeState,
    Ended,
    IllegalChange,
    MovedTo,
    NotOurs,
    Stands,
    Unseen,
    is_the_move,
    standing,
)
from einmal.domain.model import Booking, BookingStatus, MetadataKey
from support.evidence import NOW, booking, intent

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CHANGE = Change("c1", "default", ChangeKind.MOVE, "i1", "uid-1", ChangeState.SENT, AT, AT + timedelta(seconds=15))
OURS = intent()


def seen(uid: str = "uid-1", **more: object) -> Booking:
    made = booking(uid=uid)
    return replace(made, metadata={MetadataKey.OPERATION_ID: OURS.operation_id}, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ChangeState)
@pytest.mark.parametrize("event", ChangeEvent)
def test_only_the_moves_of_the_table(state: ChangeState, event: ChangeEvent) -> None:
    """Everything else is a bug with a name."""
    change = replace(CHANGE, state=state)
    if event in CHANGE_MOVES[state]:
        assert change.advance(event, AT).state is CHANGE_MOVES[state][event]
    else:
        with pytest.raises(IllegalChange, match=str(state)):
            change.advance(event, AT)


@given(st.lists(st.sampled_from(ChangeEvent), max_size=8))
def test_a_change_that_has_ended_stays_ended(events: list[ChangeEvent]) -> None:
    """Done is done and refused is refused; what is live has no end yet."""
    change = CHANGE
    for event in events:
        if event in CHANGE_MOVES[change.state]:
            assert change.state in LIVE_CHANGES
            change = change.advance(event, AT)
        assert (change.resolved_at is None) is (change.state in LIVE_CHANGES)


def test_a_doubt_knows_since_when() -> None:
    """And keeps it to its end."""
    doubt = CHANGE.advance(ChangeEvent.DOUBTED, AT, look_at=AT + timedelta(seconds=10))
    assert (doubt.doubted_at, doubt.look_at) == (AT, AT + timedelta(seconds=10))
    ended = doubt.advance(ChangeEvent.SETTLED, AT + timedelta(minutes=10))
    assert (ended.doubted_at, ended.look_at) == (AT, None)


MOVED = seen(moved_to="uid-2", status=BookingStatus.CANCELLED)
NEXT = seen("uid-2", moved_from="uid-1", start=NOW + timedelta(days=9))
STRANGER = replace(NEXT, metadata={MetadataKey.OPERATION_ID: "another"})

STANDINGS: list[tuple[str, Sequence[Booking], object]] = [
    ("nothing there", [], Unseen("unknown_there")),
    ("live", [seen()], Stands(seen())),
    ("pending", [seen(status=BookingStatus.PENDING)], Stands(seen(status=BookingStatus.PENDING))),
    ("cancelled", [seen(status=BookingStatus.CANCELLED)], Ended(BookingStatus.CANCELLED)),
    ("declined", [seen(status=BookingStatus.REJECTED)], Ended(BookingStatus.REJECTED)),
    ("moved", [MOVED, NEXT], MovedTo(NEXT)),
    ("moved, and not read there", [MOVED], Unseen("chain_unread")),
    (
        "moved, and cancelled there",
        [MOVED, replace(NEXT, status=BookingStatus.CANCELLED)],
        Ended(BookingStatus.CANCELLED),
    ),
    ("moved to another than was read", [MOVED, replace(NEXT, uid="uid-3")], Unseen("chain_odd")),
    ("moved from another", [MOVED, replace(NEXT, moved_from="uid-9")], Unseen("chain_odd")),
    ("a stranger's", [replace(seen(), metadata={})], NotOurs(replace(seen(), metadata={}))),
    ("moved to a stranger's", [MOVED, STRANGER], NotOurs(STRANGER)),
]


@pytest.mark.parametrize(("chain", "expected"), [row[1:] for row in STANDINGS], ids=[row[0] for row in STANDINGS])
def test_what_a_read_shows(chain: Sequence[Booking], expected: object) -> None:
    """Nothing is concluded from what cannot be read, and nothing of a stranger's."""
    assert standing(OURS, chain) == expected


def test_a_moved_appointments_booking_carries_the_first_ones_id() -> None:
    """Its own was never sent anywhere."""
    successor = replace(OURS, operation_id="its-own", carried_id=OURS.operation_id)
    assert isinstance(standing(successor, [seen()]), Stands)
    assert isinstance(standing(replace(successor, carried_id=None), [seen()]), NotOurs)


@pytest.mark.parametrize(
    ("moved", "is_it"),
    [
        (NEXT, True),
        (replace(NEXT, start=NEXT.start + timedelta(minutes=15)), False),
        (replace(NEXT, event_type_id=999), False),
        (replace(NEXT, status=BookingStatus.CANCELLED), False),
        (replace(NEXT, status=BookingStatus.PENDING), True),
    ],
)
def test_a_move_is_where_it_was_wanted(moved: Booking, is_it: bool) -> None:
    """At that start, of that type, and standing."""
    wanted = replace(OURS.wish, start=NEXT.start)
    assert is_the_move(wanted, moved) is is_it
