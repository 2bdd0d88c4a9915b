"""The table of a composite: what it may become, and what its segments make of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from einmal.domain.composite import (
    BEING_UNDONE,
    COMPOSITE_MOVES,
    UNDER_WAY,
    Composite,
    CompositeEvent,
    CompositeState,
    IllegalCompositeMove,
    Piece,
    Planned,
    follows,
    parts_of,
    piece,
)
from einmal.domain.intent import BOOKED, UNRESOLVED, State
from einmal.domain.keys import composite_key
from einmal.domain.model import Person, Segment, Service, Wish
from einmal.domain.reply import Outcome, Reply

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TEN = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SECRET = b"0" * 32
SEGMENTS = (Segment(201, 30), Segment(202, 45, 30, ("ben",)))
FAERBEN = Service("faerben", "Färben", 201, 105, notice=timedelta(hours=2), segments=SEGMENTS)


def composite(state: CompositeState = CompositeState.BOOKING) -> Composite:
    planned = (Planned("i1", 201, TEN, 30), Planned("i2", 202, TEN + timedelta(minutes=60), 45))
    return Composite("c1", "salon", "key", "faerben", "Färben", state, NOW, NOW + timedelta(seconds=8), planned)


@pytest.mark.parametrize(("state", "event"), list(product(CompositeState, CompositeEvent)))
def test_whatever_is_not_in_the_table_changes_nothing(state: CompositeState, event: CompositeEvent) -> None:
    """A move is in the table or raises."""
    if event in COMPOSITE_MOVES[state]:
        assert composite(state).advance(event, NOW).state is COMPOSITE_MOVES[state][event]
    else:
        with pytest.raises(IllegalCompositeMove, match=state):
            composite(state).advance(event, NOW)


def test_what_is_under_way_is_looked_at_and_what_has_ended_is_not() -> None:
    """And when it ended is told."""
    later = NOW + timedelta(seconds=5)
    undoing = replace(composite(), looks=3).advance(CompositeEvent.BROKEN, NOW, later)
    assert (undoing.look_at, undoing.resolved_at, undoing.looks) == (later, None, 0)
    undone = undoing.advance(CompositeEvent.GONE, later, later)
    assert (undone.look_at, undone.resolved_at) == (None, later)


def test_what_was_said_is_kept_until_the_end() -> None:
    """A retry hears the same no."""
    no = Reply(Outcome.SLOT_TAKEN, asked_start=TEN)
    undone = composite().advance(CompositeEvent.BROKEN, NOW, None, no).advance(CompositeEvent.GONE, NOW)
    assert undone.reply == no


def test_every_state_of_an_intent_is_a_piece() -> None:
    """Unresolved is open, booked stands or is asked, everything else is gone."""
    assert piece(None) is Piece.UNBEGUN
    for state in State:
        expected = (
            {Piece.OPEN} if state in UNRESOLVED else {Piece.ASKED, Piece.STANDS} if state in BOOKED else {Piece.GONE}
        )
        assert piece(state) in expected


@pytest.mark.parametrize("may_begin", [True, False])
@pytest.mark.parametrize("pieces", list(product(Piece, repeat=2)))
def test_booked_is_only_what_stands_in_all_its_parts(pieces: tuple[Piece, Piece], may_begin: bool) -> None:
    """All combinations of two segments."""
    event = follows(CompositeState.BOOKING, pieces, may_begin=may_begin)
    hopeless = Piece.GONE in pieces or (Piece.UNBEGUN in pieces and not may_begin)
    if hopeless:
        assert event is CompositeEvent.BROKEN
    elif pieces == (Piece.STANDS, Piece.STANDS):
        assert event is CompositeEvent.STOOD
    else:
        assert event is None


@pytest.mark.parametrize("state", sorted(BEING_UNDONE))
@pytest.mark.parametrize("pieces", list(product(Piece, repeat=2)))
def test_undone_is_only_what_stands_in_no_part(state: CompositeState, pieces: tuple[Piece, Piece]) -> None:
    """What is in doubt may stand yet."""
    nothing = all(one in {Piece.GONE, Piece.UNBEGUN} for one in pieces)
    assert follows(state, pieces, may_begin=False) is (CompositeEvent.GONE if nothing else None)


def test_what_has_ended_or_stands_follows_nothing() -> None:
    """Whatever its segments do then."""
    for state in set(CompositeState) - UNDER_WAY:
        assert all(follows(state, some, may_begin=False) is None for some in product(Piece, repeat=2))


def test_each_part_begins_after_the_gap_behind_the_one_before() -> None:
    """With its own event type, duration and people, under the name of the whole."""
    (first, colour), (second, cut) = parts_of(FAERBEN)
    assert (first, second) == (timedelta(0), timedelta(minutes=60))
    assert (colour.event_type_id, cut.event_type_id, cut.duration_minutes, cut.staff) == (201, 202, 45, ("ben",))
    assert {colour.name, cut.name} == {"Färben"}
    assert colour.service_id != cut.service_id
    assert cut.notice == timedelta(0), "the notice is the whole's"
    assert not colour.segments


def test_one_person_has_one_key_from_every_call() -> None:
    """And another one for another service that begins with the same event type."""
    person = Person("Jürgen Groß", "+491701234567")
    wish = Wish("salon", "call_1", FAERBEN, TEN, person)
    key = composite_key(wish, SECRET)
    assert composite_key(replace(wish, conversation_id="call_2"), SECRET) == key
    assert composite_key(replace(wish, person=replace(person, name="J. Groß")), SECRET) == key
    others = (
        replace(wish, service=replace(FAERBEN, service_id="straehnen")),
        replace(wish, start=TEN + timedelta(minutes=15)),
        replace(wish, person=Person("Jürgen Groß", "+4930901820")),
        replace(wish, tenant_id="praxis"),
    )
    assert len({key, *(composite_key(other, SECRET) for other in others)}) == 5
