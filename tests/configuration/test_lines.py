"""Every key has its line, however the file is laid out; and no text, TOML or not, is too much."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.configuration.lines import DEPTH_MAX, KEY_PARTS_MAX, NESTED_MAX, Lines, Path

FILE = '''\
# a comment with a [header] and a key = 1
id = "a"            # "quoted # sign"
"quoted key" = 1
'literal.key' = 2
"esc\\u0061ped" = 3

dotted.one = 4
dotted . "two" . three = 5
[table]
key = """
[[not.a.header]]
key = "not a key"
"""
after = \'\'\'
also = 'not'\'\'\'\'
last = """ends with a quote""""

[table.inner]   # comment
  indented = [
    "one", # "two",
    [1, 2, { deep = 1 }],
    # nothing here
    { inline = 1, other = 2 }
  ,]
flat = { a = 1, b.c = 2, "d e" = [ { f = 1 } ] }
[[tenants]]
name = "first"
[tenants.opening_hours]
monday = []
[[tenants.services]]
name = "x"
[[tenants.services]]
name = "y"
when = 1979-05-27 07:32:00 # a date with a blank
next = 1
[[tenants]]
name = "second"
[[tenants.services]]
name = "z"
["tenants"."staff"]
name = "s"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("id",), 2),
        (("quoted key",), 3),
        (("literal.key",), 4),
        (("escaped",), 5),
        (("dotted",), 7),
        (("dotted", "one"), 7),
        (("dotted", "two", "three"), 8),
        (("table",), 9),
        (("table", "key"), 10),
        (("table", "after"), 14),
        (("table", "last"), 16),
        (("table", "inner"), 18),
        (("table", "inner", "indented"), 19),
        (("table", "inner", "indented", 0), 19),
        (("table", "inner", "indented", 1, 2, "deep"), 21),
        (("table", "inner", "indented", 2), 23),
        (("table", "inner", "indented", 2, "inline"), 23),
        (("table", "inner", "indented", 2, "other"), 23),
        (("table", "inner", "flat", "a"), 25),
        (("table", "inner", "flat", "b", "c"), 25),
        (("table", "inner", "flat", "d e", 0, "f"), 25),
        (("tenants",), 26),
        (("tenants", 0), 26),
        (("tenants", 0, "name"), 27),
        (("tenants", 0, "opening_hours"), 28),
        (("tenants", 0, "opening_hours", "monday"), 29),
        (("tenants", 0, "services", 0, "name"), 31),
        (("tenants", 0, "services", 1, "name"), 33),
        (("tenants", 0, "services", 1, "next"), 35),
        (("tenants", 1, "name"), 37),
        (("tenants", 1, "services", 0), 38),
        (("tenants", 1, "services", 0, "name"), 39),
        (("tenants", 1, "staff", "name"), 41),
    ],
)
def test_each_key_of_a_hostile_layout_has_its_line(path: Path, line: int) -> None:
    """Comments, strings that look like TOML, dotted and quoted keys, inline tables, arrays over several lines."""
    assert Lines(FILE).of(path) == line


def test_the_layout_above_is_toml() -> None:
    """What is tested is what tomllib takes."""
    assert tomllib.loads(FILE)["tenants"][1]["staff"] == {"name": "s"}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param(("tenants", 0, "zone"), 26, id="a-key-that-is-missing"),
        pytest.param(("tenants", 0, "opening_hours", "monday", 3), 29, id="an-element-of-an-array"),
        pytest.param(("nowhere",), None, id="nothing-of-it-stands-anywhere"),
        pytest.param((), None, id="the-file-as-a-whole"),
    ],
)
def test_what_has_no_line_has_that_of_what_it_stands_in(path: Path, line: int | None) -> None:
    """A missing key is looked for where it should be."""
    assert Lines(FILE).of(path) == line


def test_lines_end_as_windows_ends_them() -> None:
    assert Lines(FILE.replace("\n", "\r\n")).of(("tenants", 1, "name")) == 37


def test_what_is_nested_deeper_than_anybody_asks_has_the_line_of_its_place() -> None:
    """Paths are kept to a depth: below it, a key has the line of the first that stands there."""
    key = ".".join("a" * KEY_PARTS_MAX)
    lines = Lines(f"x = 1\n{key} = 1\n[y]\n{key} = 2\nz = " + "[" * NESTED_MAX + "]" * NESTED_MAX)
    assert lines.refused is None
    assert lines.of(("a",) * 100) == 2
    assert lines.of(("y", *("a",) * DEPTH_MAX)) == 4
    assert lines.of(("y", "z", *(0,) * DEPTH_MAX)) == 5


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (".".join("a" * (KEY_PARTS_MAX + 1)) + " = 1", "parts with dots"),
        ("[" + ".".join("a" * 100_000) + "]", "parts with dots"),
        ("x = { " + ".".join("a" * 100_000) + " = 1 }", "parts with dots"),
        ("x = " + "[" * 100_000, "nested deeper"),
        ("x = " + "{ a = " * 100_000, "nested deeper"),
        ("x = " + "9" * 100_000, "more than 1000 letters"),
    ],
    ids=["long-key", "long-header", "long-inline-key", "arrays", "inline-tables", "number"],
)
def test_what_would_cost_tomllib_too_much_is_known_beforehand(text: str, why: str) -> None:
    """Its memory grows with the square of a key's parts, and it reads nesting by recursion."""
    refused = Lines("first = 1\n" + text).refused
    assert refused is not None
    assert refused[0] == 2
    assert why in refused[1]


@pytest.mark.parametrize(
    "text", ["a", "a =", "= 1", "[", "[[a]", "a = {", 'a = "', "a = '''", 'a = """x', '"\\q" = 1', "a.b. = 1", "\0"]
)
def test_what_is_no_toml_costs_lines_and_no_exception(text: str) -> None:
    """What stood before is still known."""
    assert Lines("first = 1\n" + text).of(("first",)) == 1


KEYS = st.text("ab-_1", min_size=1, max_size=3) | st.sampled_from(['"a b"', "'c.d'", '"\\u0061"', '""'])
DOTTED = st.lists(KEYS, min_size=1, max_size=3).map(".".join)
VALUES = st.recursive(
    st.sampled_from(
        ["1", "1.5", "true", '"x # y"', "'z]'", "1979-05-27 07:32:00", '"""\n[a]\n"""', "'''\nb = 1\n'''", '"\\""']
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ",\n".join(items) + "]")
        | st.lists(st.tuples(DOTTED, inner), max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key} = {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=6,
)
STATEMENTS = (
    st.tuples(DOTTED, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}")
    | DOTTED.map(lambda key: f"[{key}]")
    | DOTTED.map(lambda key: f"[[{key}]]")
    | st.sampled_from(["", "# a = 1"])
)


def paths(value: Any, path: Path = ()) -> list[Path]:
    """Every key of a document."""
    if isinstance(value, dict):
        return [one for key, item in value.items() for one in [(*path, key), *paths(item, (*path, key))]]
    if isinstance(value, list):
        return [one for number, item in enumerate(value) for one in paths(item, (*path, number))]
    return []


@given(st.lists(STATEMENTS, max_size=8))
def test_a_key_stands_in_the_line_that_it_has(statements: list[str]) -> None:
    """For whatever tomllib takes: each key is written in its line, or in the header that stands there."""
    text = "\n".join(statements)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        Lines(text)
        return
    lines = text.split("\n")
    for path in paths(data):
        if len(path) <= DEPTH_MAX:
            number = Lines(text).of(path)
            assert number is not None
            written = {"a": ("a", "\\u0061"), "": ('""',)}.get(str(path[-1]), (str(path[-1]),))
            assert any(one in lines[number - 1] for one in written), (path, number)


@given(st.text(st.sampled_from("ab=.[]{}\"'\\#, \n\r\t1\0\u202e"), max_size=60))
def test_no_text_is_too_much(text: str) -> None:
    """Anything at all: lines, or none."""
    Lines(text).of(("a",))
