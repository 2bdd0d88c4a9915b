"""The reference is what the code says, and what has no description cannot get into it."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import draw_states  # noqa: E402
import states_picture  # noqa: E402
from reference_parts import Undescribed, described  # noqa: E402
from write_reference import DOCS, files  # noqa: E402

from einmal.domain.intent import State  # noqa: E402


def test_the_reference_is_fresh() -> None:
    """`make docs` writes it anew."""
    for name, text in files().items():
        assert (DOCS / name).read_text("utf-8") == text, f"docs/{name} is old: make docs"


def test_what_has_no_description_fails() -> None:
    """So nobody adds a setting, an option, a route or a metric without a word on it."""
    for nothing in (None, "", "  \n"):
        with pytest.raises(Undescribed, match="EINMAL_NEW"):
            described(nothing, "EINMAL_NEW")


def test_the_picture_of_the_states_is_fresh() -> None:
    """And every state has a place in it."""
    assert draw_states.PICTURE.read_text("utf-8") == states_picture.picture()
    assert states_picture.PLACES.keys() == set(State)
