"""The documents say what is so: what is drawn is fresh, and what is claimed is shown by a test that exists."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import draw_states  # noqa: E402

from einmal.domain.intent import Event, State  # noqa: E402
from einmal.settings import SETTINGS  # noqa: E402
from einmal.settings.given import OF_A_FILE, secret_settings  # noqa: E402


def test_the_drawing_of_the_states_is_fresh() -> None:
    """`make docs` writes it anew."""
    assert draw_states.TARGET.read_text("utf-8") == draw_states.drawn()
    assert set(draw_states.STATES) == set(State)
    assert set(draw_states.EVENTS) == set(Event)


def test_each_row_of_the_table_of_failures_is_shown_by_a_test() -> None:
    table = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
    sources = [ROOT / "tests" / "flows" / name for name in ("test_failures.py", "test_change_failures.py")]
    source = "\n".join(one.read_text("utf-8") for one in sources)
    rows = re.findall(r"^\| (\d+) \|.*\| `(test_\w+)` \|$", table, re.MULTILINE)
    tests = re.findall(r"^def (test_\w+)\(", source, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    assert {name for _, name in rows} == {name for name in tests if not name.endswith("_control")}
    assert len(rows) == table.count("\n| ") - table.count("\n| #"), "a row that the pattern does not read"


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_setting_that_a_page_names_exists() -> None:
    known = {setting.variable for setting in SETTINGS} | {f"{secret}{OF_A_FILE}" for secret in secret_settings()}
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        named = set(re.findall(r"EINMAL_[A-Z_]*[A-Z]", page.read_text("utf-8")))
        assert named <= known, page.name
