"""What was asked and what came back, side by side: what differs is marked, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from einmal.domain.comparison import PERSONAL, Came, Field, compare
from support.evidence import CALL, NOW, OTHER_CALL, OURS, THEIRS, intent, wish

LIMIT = timedelta(seconds=30)
ASKED = intent(of=wish(email="jg@gast.test"), attendee_email="jg@gast.test")
CAME = Came(
    name="Jürgen Groß",
    emails=("jg@gast.test",),
    start=ASKED.wish.start,
    event_type_id=101,
    call_id=CALL,
    operation_id=OURS,
    created_at=NOW + timedelta(seconds=1),
    status="accepted",
)


def differing(came: Came, of: Any = ASKED) -> set[Field]:
    return {line.field for line in compare(of, came, NOW, LIMIT) if line.differs}


def test_our_own_booking_differs_in_nothing() -> None:
    """Every field has its line, in the order in which a person looks."""
    lines = compare(ASKED, CAME, NOW, LIMIT)
    assert [line.field for line in lines] == list(Field)
    assert differing(CAME) == set()
    assert {Field.NAME, Field.EMAIL} == PERSONAL


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Anna Weiß"}, Field.NAME),
        ({"emails": ("aw@gast.test",)}, Field.EMAIL),
        ({"start": CAME.start + timedelta(minutes=15)}, Field.START),
        ({"event_type_id": 102}, Field.EVENT_TYPE),
        ({"call_id": OTHER_CALL}, Field.CALL_ID),
        ({"operation_id": THEIRS}, Field.OPERATION_ID),
        ({"operation_id": None}, Field.OPERATION_ID),
        ({"created_at": NOW - timedelta(seconds=31)}, Field.CREATED_AT),
    ],
)
def test_one_thing_that_is_anothers_is_marked_alone(changes: dict[str, Any], field: Field) -> None:
    assert differing(replace(CAME, **changes)) == {field}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "JUERGEN GROSS"},
        {"name": None},
        {"emails": ()},
        {"emails": ("host@haus.test", "jg@gast.test")},
        {"call_id": None},
        {"created_at": None},
        {"created_at": NOW - timedelta(seconds=30)},
        {"created_at": NOW + timedelta(hours=2)},
        {"status": "cancelled"},
    ],
)
def test_what_is_not_told_or_told_otherwise_differs_from_nothing(changes: dict[str, Any]) -> None:
    """Another spelling of the name, an absent field, an age within the limit, a clock that runs ahead."""
    assert differing(replace(CAME, **changes)) == set()


def test_the_address_that_fits_is_the_one_that_is_shown() -> None:
    came = replace(CAME, emails=("host@haus.test", "jg@gast.test"))
    [line] = [line for line in compare(ASKED, came, NOW, LIMIT) if line.field is Field.EMAIL]
    assert (line.asked, line.came) == ("jg@gast.test", "jg@gast.test")


def test_a_name_whose_retention_has_ended_tells_nothing() -> None:
    forgotten = intent(of=wish(name="", email="jg@gast.test"), attendee_email="jg@gast.test")
    assert differing(replace(CAME, name="Anna Weiß"), forgotten) == set()


def test_what_was_moved_is_known_by_the_id_that_it_carries() -> None:
    moved = replace(ASKED, operation_id=THEIRS, carried_id=OURS)
    assert differing(CAME, moved) == set()
    assert differing(replace(CAME, operation_id=THEIRS), moved) == {Field.OPERATION_ID}
