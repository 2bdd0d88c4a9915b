"""I13: when the two sides say the same of every appointment, and what is left to a person, from both sides of each."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from einmal.domain.change import LIVE_CHANGES, Change, ChangeKind, ChangeState
from einmal.domain.evidence import By, Evidence, Life, Row, Spoken, Violation
from einmal.domain.intent import BOOKED, LIVE, State
from einmal.domain.invariants import violations
from einmal.domain.reply import Outcome
from support.evidence import NOW, OURS, THEIRS, intent, wish

START = wish().start
HOUR = timedelta(hours=1)
US = "01intent"
PHONE = "+4930901820"


def life(uid: str = "uid-1", **changes: Any) -> Life:
    return replace(Life(uid, OURS, START, 101, NOW, None, By.US, None, NOW), **changes)


def row(state: State = State.CONFIRMED, **changes: Any) -> Row:
    made = Row(intent(state, booking_uid="uid-1"), "ref-1", "uid-1", START)
    return replace(made, **changes)


def found(lives: list[Life], rows: list[Row], **more: Any) -> list[Violation]:
    """Of I13 alone: the others have their own tests."""
    evidence = Evidence(lives, rows, **({"reconciled": True} | more))
    return [one for one in violations(evidence) if one.invariant == "I13"]


def test_where_both_say_the_same_nothing_is_found() -> None:
    assert found([life()], [row()]) == []
    assert found([life(pending_until=None)], [row(State.PENDING)]) == []
    assert found([life(until=NOW, ended_by=By.OTHERS)], [row(State.CANCELLED)]) == []


def test_evidence_that_was_not_reconciled_says_nothing() -> None:
    """A webhook may still be under way, or lost."""
    assert Evidence([], []).reconciled is False
    assert Evidence([], []).listed == frozenset()
    assert found([], [row()], reconciled=False) == []


@pytest.mark.parametrize("state", State)
def test_what_is_held_as_live_stands(state: State) -> None:
    """Whoever ended it, and whether it ever was."""
    expected = [Violation("I13", f"{state} here, and uid-1 does not stand there", US)] if state in BOOKED else []
    assert found([], [row(state)]) == expected
    assert found([life(until=NOW, ended_by=By.OTHERS, pending_until=None)], [row(state)]) == expected


@pytest.mark.parametrize(
    ("state", "pending_until", "text"),
    [
        (State.CONFIRMED, NOW, None),
        (State.PENDING, None, None),
        (State.CONFIRMED, None, "confirmed here, pending there: uid-1"),
        (State.PENDING, NOW, "pending here, confirmed there: uid-1"),
    ],
)
def test_it_stands_in_the_same_status(state: State, pending_until: Any, text: str | None) -> None:
    expected = [] if text is None else [Violation("I13", text, US)]
    assert found([life(pending_until=pending_until)], [row(state)]) == expected


def test_it_stands_at_the_same_time() -> None:
    moved = life(start=START + HOUR)
    assert found([moved], [row()]) == [Violation("I13", "uid-1 begins at another time there", US)]


@pytest.mark.parametrize("state", State)
def test_what_stands_with_an_id_of_ours_has_a_live_row(state: State) -> None:
    """Whoever brought it there; of an escalated intent a person says how it ends."""
    expected = [Violation("I13", f"uid-1 stands there, {state} here", US)]
    right = state in BOOKED | {State.ESCALATED}
    status = {"pending_until": None if state is State.PENDING else NOW}
    for made_by in By:
        assert found([life(made_by=made_by, **status)], [row(state)]) == ([] if right else expected)


def test_what_carries_no_id_of_ours_is_no_business_of_ours() -> None:
    strangers = [life("uid-2", operation_id=None, made_by=By.OTHERS), life("uid-3", operation_id=THEIRS)]
    assert found([life(), *strangers], [row()]) == []


def test_of_two_with_one_id_the_row_holds_one() -> None:
    """Unless a person was told of the other."""
    both = [life(), life("uid-2")]
    assert found(both, [row()]) == [Violation("I13", "uid-2 stands there, uid-1 is held here", US)]
    assert found(both, [row()], listed=frozenset({"uid-2"})) == []
    assert len(found(both, [row()], listed=frozenset({"uid-1"}))) == 1


@pytest.mark.parametrize("state", [State.CANCELLED, State.CONFIRMED])
def test_what_is_listed_for_a_person_is_theirs(state: State) -> None:
    """Both ways: what stands and should not, what is held and is not there."""
    lives = [life()] if state is State.CANCELLED else []
    assert len(found(lives, [row(state)])) == 1
    assert found(lives, [row(state)], listed=frozenset({"uid-1"})) == []
    assert len(found(lives, [row(state)], listed=frozenset({"uid-2"}))) == 1


def test_two_lives_of_one_booking_are_one_that_stands() -> None:
    """Cancelled and brought back: what counts is that it stands again."""
    first = life(until=NOW + HOUR, ended_by=By.OTHERS)
    again = life(since=NOW + 2 * HOUR, made_by=By.OTHERS)
    assert found([first, again], [row()]) == []
    assert found([first, again], [row(State.CANCELLED)]) == [Violation("I13", "uid-1 stands there, cancelled here", US)]


@pytest.mark.parametrize("state", ChangeState)
def test_a_change_without_an_end_explains_it(state: ChangeState) -> None:
    """Of this appointment; its end makes the two the same."""
    change = Change("c1", "default", ChangeKind.CANCEL, US, "uid-1", state, NOW, NOW)
    expected = 0 if state in LIVE_CHANGES else 1
    assert len(found([], [row()], changes=[change])) == expected
    assert len(found([life()], [row(State.CANCELLED)], changes=[change])) == expected
    assert len(found([], [row()], changes=[replace(change, intent_id="02")])) == 1


def another(state: State, start: Any = START + HOUR, **changes: Any) -> Row:
    """Another intent, at the time to which the first one was moved."""
    of = wish(**({"phone": PHONE, "start": start, "conversation_id": "call_two"} | changes))
    return Row(replace(intent(state, of), intent_id="02", operation_id=THEIRS), "ref-2", "uid-2", start)


@pytest.mark.parametrize("state", State)
def test_where_their_person_has_another_one_there_is_no_room_for_it(state: State) -> None:
    """Others moved it to where the same person has a live appointment: the ledger holds one of them."""
    old = replace(row(), intent=replace(intent(State.CONFIRMED, wish(phone=PHONE)), booking_uid="uid-1"))
    moved = life("uid-3", start=START + HOUR)
    beside = [life("uid-2", operation_id=THEIRS, start=START + HOUR, pending_until=NOW)] if state in LIVE else []
    rows = [old, another(state)]
    about_first = [one for one in found([moved, *beside], rows) if one.intent_id == US]
    assert len(about_first) == (0 if state in LIVE else 2)


@pytest.mark.parametrize(
    "changes", [{"phone": "+4930901821"}, {"start": START}, {"service": replace(wish().service, event_type_id=102)}]
)
def test_control_of_another_person_time_or_service_there_is_room(changes: dict[str, Any]) -> None:
    old = replace(row(), intent=replace(intent(State.CONFIRMED, wish(phone=PHONE)), booking_uid="uid-1"))
    moved = life("uid-3", start=START + HOUR)
    told = found([moved], [old, another(State.DOUBT, **changes)])
    assert [one.intent_id for one in told] == [US, US]


# Two lives of one booking, and what was said in them (I5)


def told(lives: list[Life], said: Outcome, seconds: float) -> list[str]:
    spoken = Spoken(NOW + timedelta(seconds=seconds), "key", "call", said, "ref-1", START, US)
    return [one.text for one in violations(Evidence(lives, [row()], [spoken])) if one.invariant == "I5"]


@pytest.mark.parametrize("ended_by", By)
@pytest.mark.parametrize(("seconds", "stood"), [(0, True), (5, True), (10, False), (15, False), (20, True), (25, True)])
def test_booked_is_judged_by_the_life_that_it_was_said_in(ended_by: By, seconds: float, stood: bool) -> None:
    """Between the two it did not stand; who ended it says whether we must have known."""
    first = life(until=NOW + timedelta(seconds=10), ended_by=ended_by)
    again = life(since=NOW + timedelta(seconds=20), made_by=By.OTHERS)
    lie = not stood and ended_by is By.US
    expected = ["booked of a booking that did not stand"] if lie else []
    assert told([first, again], Outcome.BOOKED, seconds) == expected


@pytest.mark.parametrize(("seconds", "lie"), [(5, True), (15, False), (25, False)])
def test_cancelled_is_no_lie_of_what_others_brought_back(seconds: float, lie: bool) -> None:
    """Of its first life it is, while that lasts."""
    first = life(until=NOW + timedelta(seconds=10), ended_by=By.OTHERS)
    again = life(since=NOW + timedelta(seconds=20), made_by=By.OTHERS)
    assert told([first, again], Outcome.CANCELLED, seconds) == (["cancelled of a booking that stood"] if lie else [])
