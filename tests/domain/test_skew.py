"""I17: what a clock that is off may change, and what it may not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from einmal.domain.evidence import By, Evidence, Life, Moved, Request, RequestKind, Row, Spoken, Violation
from einmal.domain.intent import State
from einmal.domain.reply import Outcome
from einmal.domain.skew import same_decisions
from support.evidence import NOW, OURS, THEIRS, intent, wish

DAY = timedelta(days=1)
START = wish().start
ROW = Row(intent(State.CONFIRMED, booking_uid="uid-1"), "ref-1", "uid-1", START)
LIFE = Life("uid-1", OURS, START, 101, NOW, None, By.US, None, NOW)
RIGHT = Evidence(
    [LIFE],
    [ROW],
    [Spoken(NOW, "key", "call", Outcome.BOOKED, "ref-1", START)],
    [Request(0.0, RequestKind.POST, OURS)],
    [Moved("01intent", None, None, State.SENT)],
)


def changed(**of_intent: Any) -> Evidence:
    return replace(RIGHT, rows=[replace(ROW, intent=replace(ROW.intent, **of_intent))])


def test_what_our_clock_read_may_differ() -> None:
    """Every instant of a row is its reading; and two lists need not be of one kind."""
    at = {"created_at": NOW + DAY, "sent_at": NOW + DAY, "send_deadline": NOW + DAY, "resolved_at": NOW + DAY}
    assert [*same_decisions(RIGHT, changed(**at, doubted_at=NOW, look_at=NOW, promised_at=NOW))] == []
    assert [*same_decisions(RIGHT, replace(RIGHT, lives=tuple(RIGHT.lives)))] == []


@pytest.mark.parametrize(
    "of_intent",
    [
        {"state": State.REJECTED},
        {"operation_id": THEIRS},
        {"generation": 2},
        {"epoch": 2},
        {"booking_uid": "uid-2"},
        {"not_ours": True},
        {"looks": 1},
        {"wish": wish(start=START + DAY)},
    ],
)
def test_what_was_decided_may_not(of_intent: dict[str, Any]) -> None:
    [told] = same_decisions(RIGHT, changed(**of_intent))
    state = of_intent.get("state", State.CONFIRMED)
    assert told == Violation("I17", f"decided otherwise: confirmed and {state} with our clock off", "01intent")


@pytest.mark.parametrize("of_row", [{"ref": "ref-2"}, {"uid": "uid-2"}, {"start": START + DAY}])
def test_nor_what_was_booked(of_row: dict[str, Any]) -> None:
    [told] = same_decisions(RIGHT, replace(RIGHT, rows=[replace(ROW, **of_row)]))
    assert told.intent_id == "01intent"


def test_an_intent_of_one_world_only() -> None:
    """Whichever of the two it is."""
    nobody = replace(RIGHT, rows=[])
    assert [*same_decisions(RIGHT, nobody)] == [Violation("I17", "wished only with our clock right", "01intent")]
    assert [*same_decisions(nobody, RIGHT)] == [Violation("I17", "wished only with our clock off", "01intent")]


@pytest.mark.parametrize("what", ["lives", "spoken", "requests", "moves"])
def test_what_happened_outside_is_the_same(what: str) -> None:
    """In number and in order."""
    twice = [*getattr(RIGHT, what)] * 2
    for other in ([], twice):
        told = [*same_decisions(RIGHT, replace(RIGHT, **{what: other}))]
        assert told == [Violation("I17", f"other {what} with our clock off")]
