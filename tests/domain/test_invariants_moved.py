"""The checker, of appointments that were moved or cancelled: one booking becomes another, under one operation id."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from einmal.domain.change import Change, ChangeKind, ChangeState
from einmal.domain.intent import State
from einmal.domain.invariants import (
    By,
    Evidence,
    Life,
    Request,
    RequestKind,
    Row,
    Spoken,
    Violation,
    violations,
)
from einmal.domain.reply import Outcome
from support.evidence import NOW, OURS, intent, wish

START, NEW = wish().start, wish().start + timedelta(days=1)
MOVED_AT = NOW + timedelta(minutes=5)
LATER = NOW + timedelta(minutes=6)

WAS = Life("uid-1", OURS, START, 101, NOW, MOVED_AT, By.US, By.OTHERS, NOW)
IS = Life("uid-2", OURS, NEW, 101, MOVED_AT, None, By.US, None, MOVED_AT)
MOVED = Row(intent(State.MOVED, booking_uid="uid-1"), "ref-1", "uid-1", START)
BECAME = Row(
    intent(
        State.CONFIRMED,
        of=replace(wish(), start=NEW),
        intent_id="02intent",
        operation_id="s" * 32,
        carried_id=OURS,
        moved_from="01intent",
        booking_uid="uid-2",
    ),
    "ref-2",
    "uid-2",
    NEW,
)
SAID = Spoken(LATER, "key", "call", Outcome.RESCHEDULED, "ref-2", NEW, "02intent")
HONEST = Evidence([WAS, IS], [MOVED, BECAME], [SAID])


def found(**changes: Any) -> list[Violation]:
    return violations(replace(HONEST, **changes))


def test_an_honest_move_breaks_nothing() -> None:
    """What it was has ended, what it became stands, and it was said of that."""
    assert found() == []


@pytest.mark.parametrize("at", [NOW + timedelta(minutes=1), LATER])
def test_booked_is_said_of_what_stood_then(at: datetime) -> None:
    """Before the move of the one, after it of the other; of the first after the move others ended it for us."""
    before = Spoken(at, "key", "call", Outcome.BOOKED, "ref-1", START, "01intent")
    assert found(spoken=[before]) == []
    too_early = replace(SAID, at=MOVED_AT - timedelta(seconds=1))
    assert [one.invariant for one in found(spoken=[too_early])] == ["I5"]


def test_two_bookings_of_one_appointment_are_a_double() -> None:
    """Two moves at once: Cal.com makes two bookings."""
    other = replace(IS, uid="uid-3", start=NEW + timedelta(hours=1))
    assert found(lives=[WAS, IS, other])[0].invariant == "I1"
    assert found(lives=[replace(WAS, until=None), IS])[0].invariant == "I1", "or it was never ended"


def test_what_a_move_became_must_be_ours() -> None:
    """A 201 may be another's."""
    strangers = replace(IS, operation_id="x" * 32, made_by=By.OTHERS)
    assert Violation("I4", "took uid-2 for its own", "02intent") in found(lives=[WAS, strangers])


def test_a_move_that_failed_leaves_what_was() -> None:
    """Its row says rejected, and the appointment stands where it was: nothing is false about that."""
    stood = replace(WAS, until=None, ended_by=None)
    held = Row(intent(State.CONFIRMED, booking_uid="uid-1"), "ref-1", "uid-1", START)
    refused = Row(replace(BECAME.intent, state=State.REJECTED, booking_uid=None))
    assert found(lives=[stood], rows=[held, refused], spoken=[]) == []


def test_a_moved_booking_whose_row_says_nothing_of_it_is_an_orphan() -> None:
    """It stands under our id, and the ledger has ended it."""
    assert [one.invariant for one in found(rows=[MOVED], spoken=[])] == ["I3"]


@pytest.mark.parametrize(("ended", "lie"), [(MOVED_AT, False), (None, True)])
def test_cancelled_is_said_of_what_is_gone(ended: datetime | None, lie: bool) -> None:
    """Not before a read has shown it."""
    life = replace(WAS, until=ended, ended_by=None if ended is None else By.US)
    row = Row(intent(State.CANCELLED, booking_uid="uid-1"), "ref-1", "uid-1", START)
    said = Spoken(LATER, "key", "call", Outcome.CANCELLED, "ref-1", START, "01intent")
    broken = [one.text for one in found(lives=[life], rows=[row], spoken=[said]) if one.invariant == "I5"]
    assert broken == (["cancelled of a booking that stood"] if lie else [])


MOVE = Change(
    "01change", "default", ChangeKind.MOVE, "01intent", "uid-1", ChangeState.DONE, NOW, NOW, successor_id="02intent"
)
ASKED = Request(1.0, RequestKind.MOVE, "uid-1")


@pytest.mark.parametrize(("sent", "doubled"), [(1, False), (2, True)])
def test_a_move_is_sent_once(sent: int, doubled: bool) -> None:
    """Each request that arrives makes another booking; one that was refused for being too many does not count."""
    refused = Request(0.0, RequestKind.MOVE, "uid-1", processed=False)
    broken = found(requests=[refused, *[ASKED] * sent], changes=[MOVE])
    told = [Violation("I1", "2 processed requests of 1 moves", "01intent")]
    assert broken == (told if doubled else [])
    again = replace(MOVE, change_id="02change", state=ChangeState.REFUSED)
    assert found(requests=[ASKED, ASKED], changes=[MOVE, again]) == [], "two who wished it asked once each"


def test_an_appointment_becomes_one_other_at_most() -> None:
    """Two successors of which both were ever booked."""
    other = replace(
        BECAME,
        intent=replace(BECAME.intent, intent_id="03intent", operation_id="t" * 32, state=State.CANCELLED),
        ref="ref-3",
        uid=None,
    )
    assert Violation("I1", "one appointment became two: 02intent as well", "03intent") in found(
        rows=[MOVED, BECAME, other]
    )
    never = replace(other, intent=replace(other.intent, state=State.REJECTED))
    assert found(rows=[MOVED, BECAME, never]) == []


@pytest.mark.parametrize("state", [ChangeState.DOUBT, ChangeState.SENT])
def test_no_change_is_left_in_doubt(state: ChangeState) -> None:
    """Once the faults have stopped for long enough. What a person must rule is left to them."""
    doubt = replace(MOVE, state=state)
    assert found(changes=[doubt]) == [Violation("I12", f"a move that is still {state}", "01intent")]
    assert found(changes=[doubt], settled=False) == []
    assert found(changes=[replace(MOVE, state=ChangeState.ESCALATED)]) == []


def test_what_is_cancelled_twice_has_three_cancels_each() -> None:
    """Whoever asks again, after a cancel was refused, is not held back by the one before."""
    cancels = [Request(float(n), RequestKind.CANCEL, "uid-1") for n in range(4)]
    once = replace(MOVE, kind=ChangeKind.CANCEL, successor_id=None)
    assert [one.invariant for one in found(requests=cancels, changes=[once])] == ["I16"]
    assert found(requests=cancels, changes=[once, replace(once, change_id="02change")]) == []


def test_nothing_is_wished_for_a_call_that_is_over() -> None:
    """Neither booked nor moved; what others moved is of the call that booked it, whenever that is seen."""
    over = {"call": NOW - timedelta(seconds=1)}
    call = replace(BECAME.intent.wish, conversation_id="call")
    row = replace(BECAME, intent=replace(BECAME.intent, wish=call))
    told = [Violation("I18", "wished for a call that was over", "02intent")]
    assert found(rows=[MOVED, row], changes=[MOVE], hung_up=over) == told
    assert found(rows=[MOVED, row], changes=[replace(MOVE, sends=0)], hung_up=over) == []
    assert found(rows=[MOVED, row], changes=[MOVE], hung_up={"call": NOW}) == []


def test_the_last_of_a_chain_says_how_it_stands() -> None:
    """Whichever name its row has: it was moved twice, and the second move is not the one of the highest id."""
    back = replace(IS, uid="uid-3", start=START, since=LATER)
    gone = replace(IS, until=LATER, ended_by=By.US)
    second = replace(BECAME, intent=replace(BECAME.intent, intent_id="09intent", state=State.MOVED))
    third = Row(
        replace(BECAME.intent, intent_id="03intent", operation_id="t" * 32, booking_uid="uid-3", moved_from="09intent"),
        "ref-3",
        "uid-3",
        START,
    )
    assert found(lives=[WAS, gone, back], rows=[MOVED, second, third], spoken=[]) == []
