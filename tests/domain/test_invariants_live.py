"""What a look at live books cannot know breaks no promise; and what it does know still does."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.domain.evidence import INVARIANTS, By, Evidence, Life, Row, Spoken, Violation
from einmal.domain.intent import Intent, State
from einmal.domain.invariants import SURELY_BEFORE, violations
from einmal.domain.reply import Outcome
from support.evidence import NOW, OURS, intent, wish

START = wish().start
US = "01intent"
YOUNG = frozenset({US})
LIFE = Life("uid-1", OURS, START, 101, NOW, None, By.US, None, NOW)
BOOKED = Row(intent(State.CONFIRMED, booking_uid="uid-1"), "ref-1", "uid-1", START)
TOLD = Spoken(NOW, "key", "call", Outcome.BOOKED, "ref-1", START, US)


def found(**parts: Any) -> list[str]:
    return sorted({one.invariant for one in violations(Evidence(**({"lives": [], "rows": []} | parts)))})


def test_every_invariant_is_named_once() -> None:
    """In their order, from I1 on, none left out."""
    assert list(INVARIANTS) == [f"I{number}" for number in range(1, 19)]
    assert len(set(INVARIANTS.values())) == 18


def test_the_page_says_the_same_of_each() -> None:
    """docs/proofs.md and `einmal invariants` have one wording."""
    page = (Path(__file__).parents[2] / "docs" / "proofs.md").read_text("utf-8")
    told = dict(re.findall(r"^\| (I\d+) \| (.*) \|$", page.partition("## On a live ledger")[0], re.MULTILINE))
    assert told == INVARIANTS


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ["I2", "I5"]),
        ({"unsettled": YOUNG}, []),
        ({"unsettled": frozenset({"02"})}, ["I2", "I5"]),
        ({"complete": False}, []),
        ({"settled": False}, ["I2", "I5"]),
    ],
)
def test_a_booking_that_is_not_listed_may_only_be_unseen(more: dict[str, Any], expected: list[str]) -> None:
    """Where the list has gaps, or is older than the booking."""
    assert found(rows=[BOOKED], spoken=[TOLD], **more) == expected


@pytest.mark.parametrize("more", [{"unsettled": YOUNG}, {"complete": False}])
def test_what_is_listed_is_judged_all_the_same(more: dict[str, Any]) -> None:
    """Also of the young: another start, a booking that we ended, one that is lost."""
    moved = replace(LIFE, start=START + timedelta(hours=1))
    assert found(rows=[BOOKED], lives=[moved], spoken=[TOLD], **more) == ["I2", "I5"]
    ended = replace(LIFE, until=NOW, ended_by=By.US)
    assert found(rows=[BOOKED], lives=[ended], spoken=[TOLD], **more) == ["I2", "I5"]
    assert found(rows=[BOOKED], lives=[LIFE], spoken=[replace(TOLD, ref="gone")], **more) == ["I11", "I5"]


@pytest.mark.parametrize(
    ("state", "lives", "expected"),
    [
        (State.REJECTED, [LIFE], ["I3", "I6"]),
        (State.COMPENSATED, [LIFE], ["I3", "I6"]),
        (State.DOUBT, [], ["I12"]),
        (State.SENT, [LIFE], ["I12", "I3"]),
        (State.COMPENSATING, [LIFE], ["I12", "I3"]),
    ],
)
def test_what_has_not_come_to_rest_may_still_end_well(state: State, lives: list[Life], expected: list[str]) -> None:
    """One by one: the others of the same evidence are judged."""
    rows = [Row(intent(state))]
    assert found(rows=rows, lives=lives) == expected
    assert found(rows=rows, lives=lives, unsettled=frozenset({"02"})) == expected
    assert found(rows=rows, lives=lives, unsettled=YOUNG) == []


LONG = SURELY_BEFORE + timedelta(seconds=1)


def promised(state: State = State.CONFIRMED, after: timedelta | None = LONG, **changes: Any) -> Intent:
    made = intent(state, booking_uid="uid-1", promised_at=NOW)
    return replace(made, resolved_at=None if after is None else NOW + after, **changes)


@pytest.mark.parametrize(
    ("made", "news", "broken"),
    [
        (promised(), frozenset(), True),
        (promised(), frozenset({"02"}), True),
        (promised(), YOUNG, False),
        (promised(), None, False),
        (promised(State.PENDING), frozenset(), True),
        (promised(State.REJECTED), frozenset(), True),
        (promised(State.ESCALATED), frozenset(), False),
        (promised(State.CANCELLED), frozenset(), False),
        (promised(after=None), frozenset(), False),
        (promised(after=SURELY_BEFORE), frozenset(), False),
        (promised(after=-LONG), frozenset(), False),
        (promised(promised_at=None), frozenset(), False),
    ],
)
def test_news_that_was_promised_is_in_the_outbox(made: Intent, news: frozenset[str] | None, broken: bool) -> None:
    """If it was surely promised before the end, and somebody looked into the outbox."""
    rows = [Row(made, "ref-1", "uid-1", START)]
    told = [one for one in violations(Evidence([LIFE], rows, news=news)) if one.invariant == "I11"]
    text = f"told that they would hear, and nobody is told {made.state}"
    assert told == ([Violation("I11", text, US)] if broken else [])
