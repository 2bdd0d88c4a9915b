"""The transition table: complete, and the only way to move."""

from dataclasses import replace
from datetime import timedelta

import pytest

from einmal.domain.intent import (
    BOOKED,
    ENDED,
    LIVE,
    MOVES,
    REFUSED,
    UNRESOLVED,
    Event,
    IllegalMove,
    Intent,
    State,
    advance,
)
from support.evidence import NOW, intent

LEGAL = {
    ("intent", "armed", "sent"),
    ("intent", "shed", "rejected"),
    ("sent", "not_processed", "intent"),
    ("sent", "landed_accepted", "confirmed"),
    ("sent", "landed_pending", "pending"),
    ("sent", "refused", "rejected"),
    ("sent", "doubted", "doubt"),
    ("doubt", "found_accepted", "confirmed"),
    ("doubt", "found_pending", "pending"),
    ("doubt", "not_ours_and_absent", "rejected"),
    ("doubt", "settled_absent", "rejected"),
    ("doubt", "escalated", "escalated"),
    ("escalated", "ruled_booked", "confirmed"),
    ("escalated", "ruled_not_booked", "rejected"),
    ("rejected", "surfaced", "compensating"),
    ("compensating", "compensated", "compensated"),
    ("pending", "host_accepted", "confirmed"),
    ("pending", "host_declined", "declined"),
    ("pending", "cancelled", "cancelled"),
    ("pending", "moved", "moved"),
    ("pending", "vanished", "lost"),
    ("confirmed", "cancelled", "cancelled"),
    ("confirmed", "moved", "moved"),
    ("confirmed", "vanished", "lost"),
}
"""Written down a second time, on purpose: a change of the table must be meant."""


def test_the_table_is_exactly_this() -> None:
    assert {(s.value, e.value, t.value) for s, moves in MOVES.items() for e, t in moves.items()} == LEGAL
    assert set(MOVES) == set(State)
    assert {event for _, event, _ in LEGAL} == {event.value for event in Event}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_whatever_is_not_in_the_table_raises_and_changes_nothing(state: State, event: Event) -> None:
    before = intent(state)
    if event in MOVES[state]:
        assert before.advance(event, NOW, NOW + timedelta(seconds=15)).state is MOVES[state][event]
        return
    with pytest.raises(IllegalMove, match=event.value):
        before.advance(event, NOW)
    assert before == intent(state)


def test_from_sent_and_doubt_nothing_leads_to_a_second_post() -> None:
    """R1: only what was surely not processed may be sent again."""
    back_to_intent = {(state, event) for state in State for event, to in MOVES[state].items() if to is State.INTENT}
    assert back_to_intent == {(State.SENT, Event.NOT_PROCESSED)}
    to_sent = {(state, event) for state in State for event, to in MOVES[state].items() if to is State.SENT}
    assert to_sent == {(State.INTENT, Event.ARMED)}


def test_booked_is_reached_only_from_what_was_sent_or_ruled() -> None:
    sources = {state for state in State for to in MOVES[state].values() if to is State.CONFIRMED}
    assert sources == {State.SENT, State.DOUBT, State.ESCALATED, State.PENDING}


def test_a_send_that_was_not_processed_raises_the_epoch() -> None:
    """The fence: a sender that wakes up late holds the old epoch."""
    assert intent().advance(Event.NOT_PROCESSED, NOW).epoch == 2
    assert intent().advance(Event.DOUBTED, NOW).epoch == 1


def test_every_state_is_in_exactly_one_family() -> None:
    families = [UNRESOLVED, BOOKED, REFUSED, ENDED]
    assert sorted(state for family in families for state in family) == sorted(State)
    assert LIVE == UNRESOLVED | BOOKED


def test_resolved_at_is_set_once_and_only_when_resolved() -> None:
    doubt = intent().advance(Event.DOUBTED, NOW)
    assert doubt.resolved_at is None
    rejected = doubt.advance(Event.SETTLED_ABSENT, NOW + timedelta(seconds=5))
    assert rejected.resolved_at == NOW + timedelta(seconds=5)
    assert rejected.advance(Event.SURFACED, NOW + timedelta(hours=1)).resolved_at == rejected.resolved_at


def test_a_sent_row_past_its_deadline_is_read_as_doubt() -> None:
    sent = intent()
    assert sent.send_deadline is not None
    assert sent.state_at(sent.send_deadline) is State.SENT
    assert sent.state_at(sent.send_deadline + timedelta(milliseconds=1)) is State.DOUBT
    assert intent(State.CONFIRMED).state_at(NOW + timedelta(days=1)) is State.CONFIRMED


def test_an_illegal_move_says_what_is_allowed() -> None:
    with pytest.raises(IllegalMove, match="armed, shed"):
        advance(State.INTENT, Event.CANCELLED)


def test_arming_sets_the_send_and_its_deadline() -> None:
    """With the old deadline a second send would be in doubt at once; with none, never."""
    later = NOW + timedelta(seconds=60)
    waiting = intent().advance(Event.NOT_PROCESSED, NOW)
    armed = waiting.advance(Event.ARMED, later, later + timedelta(seconds=15))
    assert (armed.sent_at, armed.send_deadline) == (later, later + timedelta(seconds=15))
    with pytest.raises(ValueError, match="deadline"):
        waiting.advance(Event.ARMED, later)


def test_a_move_changes_what_it_says_and_nothing_else() -> None:
    """Every legal move, field by field: state, epoch, when it was doubted and resolved, and when to look."""
    for state in State:
        for event, to in MOVES[state].items():
            before = intent(state, epoch=7, looks=3, look_at=NOW, promised_at=NOW, booking_uid="u", not_ours=True)
            if event is Event.ARMED:
                continue
            later = NOW + timedelta(seconds=9)
            resolved = None if to in UNRESOLVED else before.resolved_at or later
            assert before.advance(event, later) == replace(
                before,
                state=to,
                epoch=8 if event is Event.NOT_PROCESSED else 7,
                resolved_at=resolved,
                doubted_at=later if event in {Event.DOUBTED, Event.SURFACED} else None,
                look_at=None,
                looks=0 if event is Event.SURFACED else 3,
            )


def test_a_doubt_began_when_it_began() -> None:
    """Its end does not touch it: the settle window and the tombstone's watch count from there; a taking back anew."""
    doubt = intent().advance(Event.DOUBTED, NOW)
    ended = doubt.advance(Event.SETTLED_ABSENT, NOW + timedelta(minutes=10))
    assert ended.doubted_at == NOW
    surfaced = ended.advance(Event.SURFACED, NOW + timedelta(minutes=11))
    assert surfaced.doubted_at == NOW + timedelta(minutes=11)
    assert surfaced.advance(Event.COMPENSATED, NOW + timedelta(minutes=12)).doubted_at == surfaced.doubted_at


def test_arming_leaves_all_but_the_send() -> None:
    """State, the moment of the send and its deadline; the looks go on being due."""
    waiting = intent(State.INTENT, epoch=3, looks=2, look_at=NOW, sent_at=None, send_deadline=None)
    later, deadline = NOW + timedelta(seconds=1), NOW + timedelta(seconds=16)
    armed = waiting.advance(Event.ARMED, later, deadline)
    assert armed == replace(waiting, state=State.SENT, sent_at=later, send_deadline=deadline)


@pytest.mark.parametrize("state", State)
def test_only_a_send_is_ever_overdue(state: State) -> None:
    """Everything else is what it says; and a send without a deadline cannot be known to be over."""
    late = NOW + timedelta(days=1)
    assert intent(state).state_at(late) is (State.DOUBT if state is State.SENT else state)
    assert intent(state, send_deadline=None).state_at(late) is state


def test_what_is_final_says_so() -> None:
    with pytest.raises(IllegalMove, match="it is final") as illegal:
        advance(State.LOST, Event.ARMED)
    assert str(illegal.value) == "lost does not take armed; it takes nothing: it is final"


def test_a_new_row_is_nobodys_booking_and_nobodys_doubt() -> None:
    """What is not said when a row is made, is nothing."""
    made = Intent("i", "o", intent().key, 1, intent().wish, "a@b.de", State.INTENT, 1, NOW, None, None)
    assert (made.resolved_at, made.booking_uid, made.doubted_at, made.look_at, made.promised_at) == (None,) * 5
    assert (made.not_ours, made.looks) == (False, 0)
