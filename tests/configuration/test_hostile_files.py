"""Files that nobody wrote on purpose: no TOML, no text, no file, rubbish; all that is wrong with them at once."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.configuration import BadConfiguration, Defaults, Problem
from einmal.configuration.example import example
from einmal.configuration.lines import KEY_PARTS_MAX, NESTED_MAX
from einmal.configuration.read import FILE_BYTES_MAX, read_configuration, read_configuration_file

ENVIRONMENT: dict[str, str] = {}
SERVICE = '[[services]]\nname = "Schnitt"\nevent_type_id = 1\nduration_minutes = 30\n'


def wrong(text: str) -> BadConfiguration:
    with pytest.raises(BadConfiguration) as bad:
        read_configuration(text, "salon.toml", Defaults(), ENVIRONMENT)
    return bad.value


def told(text: str) -> list[str]:
    return [line.removeprefix("salon.toml") for line in wrong(text).told]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "name = Salon",
            ":1: is not TOML: after = there must be a value; text stands in quotation marks, such as name",
        ),
        ("name = 'Salon", ":1: is not TOML: "),
        ('name = "Salon', ":1: is not TOML: a quotation mark is missing (at the end of the file)"),
        ('name = "Salon\nx', ":1: is not TOML: a quotation mark is missing (column 14)"),
        ("a = 1\nhello world", ":2: is not TOML: a line is a key, =, and a value (column 7)"),
        ("name = 'x'\nname = 'y'", ":2: is not TOML: this key stands a second time"),
        ("[opening_hours]\n[opening_hours]", ":2: is not TOML: [opening_hours] is written twice, first in line 1; put"),
        ("opening_hours = {}\n[opening_hours]", ":2: is not TOML: [opening_hours] is written twice; put all of it"),
        ('[a]\n["a"]', ":2: is not TOML: this table is written twice"),
        ("[Hunter2]\n[Hunter2]", ":2: is not TOML: this table is written twice, first in line 1"),
        ("\n[services]\n[[services]]", ":2: is not TOML: of several, each has two brackets: [[services]]"),
        ("[[services]]\n[services]", ":2: is not TOML: of several, each has two brackets: [[services]]"),
        ("services = [{}]\n[[services]]", ":2: is not TOML: [[services]] is written twice"),
        ("x = { Hunter2 = 1, Hunter2 = 2 }", ":1: is not TOML: a key stands a second time within { } (column"),
        ("services = [", ":1: is not TOML: "),
        ("agents = ['a'\nname = 'x'", ":2: is not TOML: a ] is missing, or a comma before this (column 1)"),
        ("name = 'x' 'y'", ":1: is not TOML: there is more in this line after the value (column 12)"),
        (
            "when = 2026-02-30",
            ":1: is not TOML: there is no such day or time; or it is text, and needs quotation marks",
        ),
        ('path = "C:\\q"', ":1: is not TOML: in quotation marks a backslash is written twice"),
        ("Straße = 1", ":1: is not TOML: "),
        ("name = 'a\0b'", ":1: is not TOML: this sign must not stand here"),
        ('{"tenants": []}', ":1: is not TOML: a line is a key, =, and a value; a key of more than letters"),
        ("tenants:\n  - id: x", ":1: is not TOML: a line is a key, =, and a value (column 8)"),
        ("a = 1\nx = " + "9" * 5000, ":2: cannot be read: this has a value of more than 1000 letters that is no text"),
        ("a = 1\nx = " + "[" * 500, f":2: cannot be read: this is nested deeper than {NESTED_MAX} times"),
        ("a = 1\n" + "a." * 500 + "b = 1", f":2: cannot be read: this has a key of more than {KEY_PARTS_MAX} parts"),
        ("a = 1\n[" + "a." * 500 + "b]", f":2: cannot be read: this has a key of more than {KEY_PARTS_MAX} parts"),
    ],
)
def test_what_is_no_toml_says_what_is_usually_meant(toml: str, message: str) -> None:
    """For somebody who has never heard of TOML; with the line, also where tomllib tells none."""
    (line,) = told(toml)
    assert message in line


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_file() -> None:
    """Nobody has to run the check five times to find five mistakes."""
    bad = wrong("language = 'x'\nnumbers = ['1', '2']\n[opening_hours]\nmonday = ['9', '10-9']\n" + SERVICE + "x = 1")
    assert [problem.line for problem in bad.problems] == [1, 2, 2, 4, 4, 9]
    assert bad.problems[0] == Problem(1, "language", 'must be one of de, en, not "x"')


def test_of_many_unknown_keys_some_are_named() -> None:
    """A file of another program is recognised without ten thousand lines."""
    lines = told("".join(f"k{number} = 1\n" for number in range(1000)))
    assert len(lines) == 11
    assert lines[0] == ": there are 990 more keys that do not exist"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", ":1: is not UTF-8, in which TOML is written; save the file as UTF-8"),
        (b"name = 'x'\n\n# \xe4", ":3: is not UTF-8, in which TOML is written; save the file as UTF-8"),
        (b"#" * (FILE_BYTES_MAX + 1), f": is longer than {FILE_BYTES_MAX} bytes"),
        (None, ": cannot be read: No such file or directory"),
    ],
    ids=["utf-16", "latin-1", "endless", "no-file"],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    """Bytes that are no text are told by their line; a folder, a pipe or nothing by the file."""
    path = tmp_path / "salon.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadConfiguration) as bad:
        read_configuration_file(path, Defaults(), {})
    assert bad.value.told == [f"{path}{message}"]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n", "\ufeff# and a mark"])
def test_a_file_that_says_nothing_is_no_house(tmp_path: Path, text: str) -> None:
    """Taken for one it would answer every call. The line says what the least is."""
    path = tmp_path / "salon.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadConfiguration) as bad:
        read_configuration_file(path, Defaults(), {})
    (line,) = bad.value.told
    assert line.startswith(f"{path}: says nothing")
    assert "the least is one [[services]], or one [[tenants]]" in line


def test_a_folder_or_an_endless_device_is_no_file(tmp_path: Path) -> None:
    """Reading it would fail in other words, or never end."""
    for path in (tmp_path, Path("/dev/zero"), Path("x\0y")):
        with pytest.raises(BadConfiguration, match="cannot be read"):
            read_configuration_file(path, Defaults(), {})


LINES = example().splitlines()
PIECES = st.sampled_from(
    [
        *LINES,
        *("=", "[", "]", "[[", "]]", '"', "'", '"""', "\n", "#", ".", "{", "}", ",", "true", "inf", "nan", "-1", "\0"),
        *("2026-12-01", "[[tenants]]", "tenants = [{}]", "id = 1", "\\u0000", "\u202e", "9" * 30, "[opening_hours]"),
    ]
)


def read_or_wrong(text: str) -> BadConfiguration | None:
    """None where the text is right; every variable that it names is set."""
    environment = dict.fromkeys(re.findall(r'env = "([A-Z_]+)"', text), "cal_x")
    try:
        read_configuration(text, "x", Defaults(), environment)
    except BadConfiguration as bad:
        return bad
    return None


@given(st.lists(PIECES, max_size=30).map("\n".join) | st.lists(PIECES, max_size=20).map("".join) | st.text())
def test_any_text_gives_a_configuration_or_what_is_wrong(text: str) -> None:
    """Nothing else is raised, whatever the file; and each problem can be told with its line."""
    bad = read_or_wrong(text)
    assert bad is None or bad.problems
    for problem in [] if bad is None else bad.problems:
        assert problem.message
        assert bad is not None
        assert bad.tell(problem).isprintable()
        assert (bad.line_of(problem) or "").isprintable()


@given(st.data())
def test_the_example_with_something_wrong_in_it_raises_nothing_else(data: st.DataObject) -> None:
    """Lines struck out, doubled, swapped, cut: what an editor does to a good file."""
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at, other = data.draw(st.integers(0, len(lines) - 1)), data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["strike", "double", "swap", "cut"])):
            case "strike":
                lines[at] = ""
            case "double":
                lines.insert(other, lines[at])
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case _:
                lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
    bad = read_or_wrong("\n".join(lines))
    assert bad is None or all(problem.line is not None for problem in bad.problems)
