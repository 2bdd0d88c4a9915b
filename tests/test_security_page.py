"""SECURITY.md names the tests that show what it claims: each of them is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = re.compile(r"`(tests/[\w/]+(?:\.py)?)?(?:::(\w+)(?:\[[^`]*\])?)?`")
CONTROL = "SECURITY.md names a test that is not there"


def named(page: str) -> Iterator[tuple[str, str | None]]:
    """Each file, and each test of it; in a row `::name` is of the file that was named before it."""
    for row in page.splitlines():
        path = None
        for found in NAMED.finditer(row):
            path = found[1] or path
            if path is not None and (found[1] or found[2]):
                yield path, found[2]


def missing(path: str, test: str | None) -> bool:
    if not (ROOT / path).exists():
        return True
    return (
        test is not None and re.search(rf"^ *(?:async )?def {test}\(", (ROOT / path).read_text("utf-8"), re.M) is None
    )


@pytest.mark.parametrize(("path", "test"), sorted(set(named(PAGE)), key=str))
def test_each_test_that_is_named_is_there(path: str, test: str | None) -> None:
    """A claim without its test is none."""
    assert not missing(path, test), CONTROL


def test_a_test_that_is_not_there_is_seen() -> None:
    """Control: a file that is none, and a name that is none."""
    rows = "| a | b | `tests/test_docs.py::test_of_nothing`, `::test_nor_this` |\n| a | b | `tests/no_such.py` |"
    assert [missing(*one) for one in named(rows)] == [True, True, True]
