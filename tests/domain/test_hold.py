"""Holds: of whom one must be free, and whether somebody is left beside what others hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.hold import Hold, resources_of, room_at, room_beside
from einmal.domain.house import StaffMember
from einmal.domain.model import Service

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)
ANNA, BEN = StaffMember("anna", "Anna"), StaffMember("ben", "Ben")
CUT = Service("schnitt", "Haarschnitt", 102, 45)


def hold(start: datetime = AT, resources: tuple[str, ...] = ("anna",)) -> Hold:
    whose = ("hold-1", "default", "call_1", "beratung", 101)
    return Hold(*whose, resources, start, start + HALF_AN_HOUR, AT - timedelta(days=1), AT)


@pytest.mark.parametrize(
    ("service", "staff", "resources"),
    [
        (CUT, (), ("event type 102",)),
        (CUT, (ANNA, BEN), ("anna", "ben")),
        (replace(CUT, staff=("ben",)), (ANNA, BEN), ("ben",)),
        (replace(CUT, staff=("ben",)), (), ("ben",)),
    ],
)
def test_of_whom_one_must_be_free(service: Service, staff: tuple[StaffMember, ...], resources: tuple[str, ...]) -> None:
    """Those who are named for it, else all who work there, else whoever the event type stands for."""
    assert resources_of(service, staff) == resources


@pytest.mark.parametrize(
    ("resources", "others", "room"),
    [
        (("anna",), [], True),
        (("anna",), [("anna",)], False),
        (("anna",), [("ben",)], True),
        (("anna", "ben"), [("anna",)], True),
        (("anna", "ben"), [("anna", "ben")], True),
        (("anna", "ben"), [("anna",), ("ben",)], False),
        (("anna", "ben"), [("anna", "ben"), ("anna", "ben")], False),
        # Whoever could have either steps aside for who needs this one.
        (("anna",), [("anna", "ben")], True),
        (("anna",), [("anna", "ben"), ("ben", "carla")], True),
        (("anna",), [("anna", "ben"), ("ben",)], False),
        # Two who were let in for one place stand in the way of that place, and of no other.
        (("ben",), [("anna",), ("anna",)], True),
        ((), [], False),
    ],
)
def test_whether_somebody_is_left(resources: tuple[str, ...], others: list[tuple[str, ...]], room: bool) -> None:
    assert room_beside(resources, others) is room


PEOPLE = ("a", "b", "c", "d")
wanted = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True).map(tuple)


def most(holds: list[tuple[str, ...]]) -> int:
    """How many of them can each have somebody of their own: all ways tried."""
    best = 0
    for given_to in product(*((*one, None) for one in holds)):
        had = [one for one in given_to if one is not None]
        if len(had) == len(set(had)):
            best = max(best, len(had))
    return best


@given(wanted, st.lists(wanted, max_size=4))
def test_there_is_room_exactly_if_one_more_can_be_seated(
    resources: tuple[str, ...], others: list[tuple[str, ...]]
) -> None:
    """Against brute force, also where the others are more than can be had."""
    assert room_beside(resources, others) is (most([*others, resources]) > most(others))


@given(wanted, st.lists(wanted, max_size=4), st.randoms())
def test_the_order_in_which_others_came_changes_nothing(
    resources: tuple[str, ...], others: list[tuple[str, ...]], chance: Random
) -> None:
    shuffled = list(others)
    chance.shuffle(shuffled)
    assert room_beside(resources, shuffled) is room_beside(resources, others)


@pytest.mark.parametrize(
    ("minutes", "overlaps"), [(-30, False), (-29, True), (0, True), (29, True), (30, False), (24 * 60, False)]
)
def test_holds_that_only_touch_do_not_overlap(minutes: int, overlaps: bool) -> None:
    """Half open: the next one begins when this one ends."""
    begin = AT + timedelta(minutes=minutes)
    assert hold().overlaps(begin, begin + HALF_AN_HOUR) is overlaps
    assert room_at(begin, begin + HALF_AN_HOUR, ("anna",), [hold()]) is not overlaps


def test_what_is_held_at_the_time_counts_for_those_who_could_do_it() -> None:
    """Somebody else's hold of somebody else is in nobody's way."""
    assert room_at(AT, AT + HALF_AN_HOUR, ("anna",), [hold(resources=("ben",))])
    assert room_at(AT, AT + HALF_AN_HOUR, ("anna", "ben"), [hold()])
    assert not room_at(AT, AT + HALF_AN_HOUR, ("anna", "ben"), [hold(), hold(resources=("ben",))])


def test_instants_are_kept_in_utc() -> None:
    """And a naive one names none."""
    berlin = timezone(timedelta(hours=1))
    assert hold(AT.astimezone(berlin)).start.tzinfo is UTC
    with pytest.raises(ValueError, match="naive"):
        hold(AT.replace(tzinfo=None))
