"""Drawings: whatever the numbers, all lines lie within the box, and nothing is drawn of nothing."""

import math
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.entrypoints.web.desk_charts import RATE_MAX, ages, by_hour, by_layer, gauge
from einmal.entrypoints.web.drawing import SEEN, Box, arc, columns, on_arc, rows
from einmal.ports.desk import Rejections

NOW = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)
HOUR = NOW.replace(minute=0)
ANYTHING = st.lists(st.floats() | st.integers(-5, 10**12), max_size=60)
SIZES = st.floats(10, 2000)
TENTH = 0.1


@pytest.mark.parametrize("draw", [columns, rows])
@given(values=ANYTHING, width=SIZES, height=SIZES)
def test_every_bar_lies_within_the_box(draw: object, values: list[float], width: float, height: float) -> None:
    """Also of numbers that are none: infinite, negative, or not a number."""
    boxes: tuple[Box, ...] = draw(values, width, height)  # type: ignore[operator]
    assert len(boxes) == len(values)
    for box in boxes:
        assert all(map(math.isfinite, (box.x, box.y, box.width, box.height)))
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= width + TENTH
        assert box.y + box.height <= height + TENTH


@given(values=st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_longer_is_more(values: list[int]) -> None:
    """A bar is no longer than that of a larger number; nought has none, and the smallest something is to be seen."""
    heights = [box.height for box in columns(values, 320, 120)]
    by_value = sorted(zip(values, heights, strict=True))
    assert [height for _, height in by_value] == sorted(heights)
    assert all((height == 0) == (value == 0) for value, height in by_value)
    assert all(height >= SEEN for value, height in by_value if value)


def test_bars_stand_on_the_lower_edge_beside_each_other() -> None:
    assert columns([1, 2], 100, 10) == (Box(0.0, 5.0, 40.0, 5.0), Box(50.0, 0.0, 40.0, 10.0))
    assert rows([1, 2], 100, 10) == (Box(0.0, 0.0, 50.0, 4.0), Box(0.0, 5.0, 100.0, 4.0))
    assert columns([], 100, 10) == ()


@given(part=st.floats(), radius=st.floats(1, 500))
def test_a_point_of_the_arc_is_on_it(part: float, radius: float) -> None:
    """On the upper half circle, whatever part of it was asked for."""
    x, y = on_arc(radius, (500.0, 500.0), part)
    assert abs(math.hypot(x - 500, y - 500) - radius) < 2 * TENTH
    assert y <= 500


def test_an_arc_runs_from_left_to_right() -> None:
    assert arc(80, (100, 100), 0, 1) == "M 20.0 100.0 A 80.0 80.0 0 0 1 180.0 100.0"


@pytest.mark.parametrize(
    ("rate", "tone"), [(0, "good"), (4.99, "good"), (5, "warn"), (9.99, "warn"), (10, "bad"), (100, "bad")]
)
def test_the_gauge_turns_yellow_at_five_and_red_at_ten(rate: float, tone: str) -> None:
    drawn = gauge(rate)
    assert drawn.tone == tone
    assert [name for name, _ in drawn.parts] == ["good", "warn", "bad"]
    ends = [re.findall(r"(?<=M )\S+ \S+|\S+ \S+$", path) for _, path in drawn.parts]
    assert [one[1] for one in ends[:-1]] == [one[0] for one in ends[1:]], "each colour begins where the one before ends"


def test_the_needle_stays_on_its_scale() -> None:
    assert gauge(RATE_MAX).needle == gauge(100).needle
    assert gauge(0).needle[0] < gauge(5).needle[0] < gauge(10).needle[0] < gauge(RATE_MAX).needle[0]


def test_an_age_is_counted_in_the_first_bar_that_holds_it() -> None:
    """Five seconds are up to five; a clock that is ahead makes an age of less than nothing; weeks are beyond all."""
    seconds = (-3, 0, 5, 6, 31, 60, 300.5, 10**7)
    drawn = ages([timedelta(seconds=one) for one in seconds], timedelta(seconds=30))
    assert [(bar.count, bar.late) for bar in drawn] == [
        *[(3, False), (1, False), (0, False)],
        *[(2, True), (0, True), (1, True), (1, True)],
    ]
    assert [bar.count for bar in ages([], timedelta(seconds=30))] == [0] * 7


def test_layers_are_drawn_in_their_order() -> None:
    """All hours together, a bar for each reason."""
    told = [("layer2", "identity_mismatch", 1), ("layer1", "stale_booking", 2), ("layer1", "stale_booking", 2)]
    some = [Rejections(HOUR - timedelta(hours=at), *one) for at, one in enumerate(told)]
    assert [(bar.layer, bar.reason, bar.count) for bar in by_layer(some)] == [
        ("layer1", "stale_booking", 4),
        ("layer2", "identity_mismatch", 1),
    ]
    assert by_layer([]) == ()


def test_hours_without_any_are_drawn_as_well() -> None:
    """From the hour a day ago to this one."""
    some = [Rejections(HOUR, "layer1", "a", 2), Rejections(HOUR, "layer2", "b", 1)]
    drawn = by_hour([*some, Rejections(HOUR - timedelta(hours=24), "layer1", "a", 5)], NOW)
    assert (drawn[0].hour, drawn[0].count) == (HOUR - timedelta(hours=24), 5)
    assert (drawn[-1].hour, drawn[-1].count) == (HOUR, 3)
    assert (len(drawn), sum(bar.count for bar in drawn)) == (25, 8)
