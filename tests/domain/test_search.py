"""Which of many free slots are offered."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.model import Offer, Service
from einmal.domain.search import OFFERS_MAX, Search, nearest, spread

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SERVICE = Service("beratung", "Beratung", 101, 30)
MINUTES = st.lists(st.integers(-600, 600), unique=True).map(sorted)


def offers(minutes: list[int]) -> tuple[Offer, ...]:
    return tuple(Offer(NOON + timedelta(minutes=one), "beratung") for one in minutes)


@given(MINUTES, st.integers(1, 5))
def test_the_nearest_are_offered_in_the_order_of_time(minutes: list[int], most: int) -> None:
    """No other is nearer than one that is offered, and the moment itself is never among them."""
    chosen = nearest(NOON, offers(minutes), most)
    distances = sorted(abs(one) for one in minutes if one != 0)
    assert sorted(abs(offer.start - NOON) for offer in chosen) == [timedelta(minutes=one) for one in distances[:most]]
    assert list(chosen) == sorted(chosen, key=lambda offer: offer.start)


@given(MINUTES)
def test_a_spread_has_the_first_and_the_last(minutes: list[int]) -> None:
    """What is offered of a day tells how early and how late there is something."""
    free = offers(minutes)
    chosen = spread(free)
    assert len(chosen) == min(len(free), OFFERS_MAX)
    assert set(chosen) <= set(free)
    assert len(set(chosen)) == len(chosen)
    if free:
        assert (chosen[0], chosen[-1]) == (free[0], free[-1])


@pytest.mark.parametrize("end", [NOON, NOON - timedelta(minutes=1)])
def test_a_search_ends_after_it_begins(end: datetime) -> None:
    with pytest.raises(ValueError, match="ends after"):
        Search(SERVICE, NOON, end)


def test_a_naive_moment_is_a_bug() -> None:
    with pytest.raises(ValueError, match="naive"):
        Search(SERVICE, NOON.replace(tzinfo=None), NOON)
