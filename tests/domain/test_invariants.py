"""The invariants: honest evidence breaks none, and for each there is evidence that breaks it and no other."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from einmal.domain.intent import Event, Intent, State
from einmal.domain.invariants import (
    By,
    Evidence,
    Life,
    Moved,
    Request,
    RequestKind,
    Row,
    Spoken,
    violations,
)
from einmal.domain.keys import intent_key
from einmal.domain.reply import Outcome
from support.evidence import NOW, OURS, SECRET, THEIRS, intent, wish

START = wish().start
LATER = NOW + timedelta(seconds=2)


def life(**changes: Any) -> Life:
    base = Life("uid-1", OURS, START, 101, NOW, None, By.US, None, NOW)
    return replace(base, **changes)


def row(state: State = State.CONFIRMED, **changes: Any) -> Row:
    made = intent(state, booking_uid="uid-1" if state in {State.CONFIRMED, State.PENDING} else None, **changes)
    return Row(made, "ref-1", "uid-1", START) if made.booking_uid else Row(made)


def spoken(outcome: Outcome = Outcome.BOOKED, **changes: Any) -> Spoken:
    booked = outcome in {Outcome.BOOKED, Outcome.REQUESTED}
    base = Spoken(LATER, "key", "call", outcome, "ref-1" if booked else None, START if booked else None, "01intent")
    return replace(base, **changes)


POST = Request(0.0, RequestKind.POST, OURS)
LOOK = Request(1.0, RequestKind.LOOK, OURS)
HONEST = Evidence([life()], [row()], [spoken(), spoken(at=LATER + timedelta(minutes=5))], [POST, LOOK])


def broken(**changes: Any) -> set[str]:
    return {one.invariant for one in violations(replace(HONEST, **changes))}


def test_honest_evidence_breaks_nothing() -> None:
    assert violations(HONEST) == []
    assert violations(Evidence([], [])) == []
    no = replace(HONEST, lives=[], rows=[row(State.REJECTED)], spoken=[spoken(Outcome.SLOT_TAKEN)])
    assert violations(no) == []


def other(**changes: Any) -> Intent:
    return intent(State.CONFIRMED, intent_id="02other", operation_id=THEIRS, **changes)


BORN = Moved("01intent", None, None, State.SENT)
BREAKS: list[tuple[str, dict[str, Any]]] = [
    ("I1", {"lives": [life(), life(uid="uid-2")]}),
    ("I1", {"requests": [POST, POST]}),
    ("I2", {"lives": [], "spoken": []}),
    ("I2", {"lives": [life(until=LATER, ended_by=By.US)], "spoken": []}),
    ("I2", {"rows": [Row(intent(State.CONFIRMED), "ref-1", "uid-1", START + timedelta(hours=1))], "spoken": []}),
    ("I3", {"lives": [life(), life(uid="uid-9", operation_id="x" * 32)]}),
    ("I3", {"requests": [replace(POST, stored=False)]}),
    ("I4", {"lives": [life(operation_id=THEIRS, made_by=By.OTHERS)]}),
    ("I4", {"lives": [life(), life(uid="uid-9", operation_id=None, made_by=By.OTHERS, until=LATER, ended_by=By.US)]}),
    ("I5", {"spoken": [spoken(start=START + timedelta(hours=1))]}),
    ("I5", {"spoken": [spoken(at=NOW - timedelta(seconds=1))]}),
    ("I5", {"lives": [life(pending_until=None)]}),
    ("I7", {"spoken": [spoken(Outcome.SLOT_TAKEN), spoken(at=LATER + timedelta(seconds=9))]}),
    (
        "I10",
        {"moves": [Moved("01intent", None, None, State.SENT), Moved("01intent", State.SENT, None, State.CONFIRMED)]},
    ),
    ("I10", {"moves": [BORN]}),
    ("I14", {"lives": [life(tenant_id="other")]}),
    ("I16", {"requests": [POST, *[replace(LOOK, at=float(n)) for n in range(13)]]}),
    ("I16", {"requests": [POST, *[Request(float(n), RequestKind.CANCEL, "uid-1") for n in range(4)]]}),
    ("I16", {"requests": [replace(LOOK, about=None, at=n / 10) for n in range(11)], "requests_per_minute": 10}),
]


@pytest.mark.parametrize(("invariant", "changes"), BREAKS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_is_broken_by_what_it_forbids_and_by_that_alone(invariant: str, changes: dict[str, Any]) -> None:
    assert broken(**changes) == {invariant}


def test_a_refused_intent_whose_booking_stands_is_an_orphan_and_a_false_no() -> None:
    found = broken(rows=[row(State.REJECTED)], spoken=[])
    assert found == {"I3", "I6"}
    assert broken(rows=[row(State.REJECTED)], spoken=[], settled=False) == set(), "not before everything has settled"


def test_what_was_acknowledged_and_is_gone_is_lost() -> None:
    assert "I11" in broken(rows=[Row(intent(State.CONFIRMED, booking_uid=None))])


@pytest.mark.parametrize("state", [State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING])
def test_what_has_not_ended_when_all_has_settled(state: State) -> None:
    evidence = replace(HONEST, lives=[], rows=[row(state)], spoken=[])
    assert {one.invariant for one in violations(evidence)} == {"I12"}
    assert violations(replace(evidence, settled=False)) == []


def test_the_same_phone_twice_on_a_slot() -> None:
    one, two = (wish(phone="+493012345", conversation_id=call) for call in ("call_a", "call_b"))
    rows = [
        Row(intent(State.CONFIRMED, one, booking_uid="uid-1"), "ref-1", "uid-1", START),
        Row(other(of=two, booking_uid="uid-2"), "ref-2", "uid-2", START),
    ]
    assert rows[0].intent.key == intent_key(one, SECRET)
    lives = [life(), life(uid="uid-2", operation_id=THEIRS)]
    assert broken(rows=rows, lives=lives, spoken=[]) == {"I8"}


def test_what_others_did_is_not_our_fault() -> None:
    """A booking that somebody cancelled by hand: nobody has told us yet."""
    ended = life(until=LATER + timedelta(minutes=1), ended_by=By.OTHERS)
    assert broken(lives=[ended]) == set()


def test_legal_moves_in_their_order_break_nothing() -> None:
    moves = [
        Moved("01intent", None, None, State.SENT),
        Moved("01intent", State.SENT, Event.LANDED_ACCEPTED, State.CONFIRMED),
    ]
    assert broken(moves=moves) == set()
