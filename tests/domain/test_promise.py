"""Promises: which move makes which message due, and what a message is called."""

import pytest

from einmal.domain.intent import MOVES, UNRESOLVED, State
from einmal.domain.promise import MessageKind, message_id, owed
from support.evidence import NOW, intent

ENDS = (State.CONFIRMED, State.PENDING, State.REJECTED)


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
@pytest.mark.parametrize("promised", [False, True], ids=["unpromised", "promised"])
def test_what_a_move_owes(before: State, after: State, promised: bool) -> None:
    """A doubt that ends is told to whom it was promised; what needs a person or was taken back, in any case."""
    expected = None
    if after is State.ESCALATED:
        expected = MessageKind.NEEDS_PERSON
    elif after is State.COMPENSATED:
        expected = MessageKind.TAKEN_BACK
    elif after in ENDS and before in UNRESOLVED and promised:
        expected = MessageKind.RESOLVED
    assert owed(before, intent(after, promised_at=NOW if promised else None)) is expected


def test_every_end_of_a_doubt_is_among_them() -> None:
    """Whatever the table leads to from a doubt is told: no promise is forgotten by a new move."""
    ends = {to for state in UNRESOLVED for to in MOVES[state].values()} - UNRESOLVED
    assert ends == set(ENDS)


def test_a_message_is_named_by_its_intent_and_by_what_there_is_to_say() -> None:
    """The same in every try, so that a receiver knows a repeat; another once there is something else to say."""
    assert message_id(intent(State.CONFIRMED)) == "01intent.confirmed"
    assert len({message_id(intent(state)) for state in State}) == len(State)
