"""What is no TOML, told to somebody who has never heard of TOML: what was probably meant, at the line to be mended."""

import re
from collections.abc import Sequence
from typing import Final

from einmal.configuration.problems import Problem, may_be_secret

_AT = re.compile(r" \(at (?:line (?P<line>[0-9]+), column (?P<column>[0-9]+)|end of document)\)$")
_HINTS: Final = {
    "Invalid value": 'after = there must be a value; text stands in quotation marks, such as name = "Salon"',
    "Cannot": "this key stands a second time",
    "Duplicate inline table key": "a key stands a second time within { }",
    "Expected '='": "a line is a key, =, and a value",
    "Unclosed array": "a ] is missing, or a comma before this",
    "Invalid initial character": "a key is letters, digits, - and _, or stands in quotation marks",
    "Invalid statement": "a line is a key, =, and a value; a key of more than letters, digits, - and _ is quoted",
    "Expected newline": "there is more in this line after the value",
    "Unterminated string": "a quotation mark is missing",
    "Illegal character '\\n'": "a quotation mark is missing",
    "Illegal character": "this sign must not stand here",
    "Found invalid character": "this sign must not stand here",
    "Invalid date or datetime": "there is no such day or time; or it is text, and needs quotation marks",
    "Unescaped '\\'": "in quotation marks a backslash is written twice",
}
_QUOTED = re.compile(r"'[^']{4,}'")
_SEVERAL: Final = frozenset({"tenants", "services", "staff"})
_HEADER = re.compile(r"\s*\[(\[?)\s*([A-Za-z0-9_.-]+)\s*\]")


def syntax_problem(message: str, text: str) -> Problem:
    """tomllib's complaint, with its place and what is usually meant by it."""
    place = _AT.search(message)
    what = message[: place.start()] if place else message
    hint = next((hint for begin, hint in _HINTS.items() if what.startswith(begin)), None)
    told = f"is not TOML: {hint or _QUOTED.sub('…', what)[:100]}"
    if place is None:
        return Problem(None, "", told)
    if place["line"] is None:
        return Problem(text.count("\n") + 1, "", f"{told} (at the end of the file)")
    number = int(place["line"])
    if what.startswith("Cannot"):
        # Of what stands twice tomllib tells where it ends, so its column says nothing.
        return _written_twice(number, text.split("\n", number)[:number]) or Problem(number, "", told)
    return Problem(number, "", f"{told} (column {place['column']})")


def _written_twice(number: int, lines: Sequence[str]) -> Problem | None:
    """What is wrong with a header that stands a second time, at the last of these lines; None where it is a key."""
    here = _HEADER.match(lines[-1])
    if here is None:
        header = lines[-1].lstrip().startswith("[")
        return Problem(number, "", "is not TOML: this table is written twice") if header else None
    called = here[2]
    found = [(line, _HEADER.match(text)) for line, text in enumerate(lines, 1)]
    same = [(line, one[1]) for line, one in found if one is not None and one[2] == called]
    if called.rpartition(".")[2] in _SEVERAL:
        # One of them has one bracket only: that is what is to be mended.
        single = next((line for line, bracket in same if not bracket), None)
        if single is not None:
            return Problem(single, "", f"is not TOML: of several, each has two brackets: [[{called}]]")
    name = "this table" if may_be_secret(called) else f"[[{called}]]" if here[1] else f"[{called}]"
    first = f", first in line {same[-2][0]}" if len(same) > 1 else ""
    return Problem(number, "", f"is not TOML: {name} is written twice{first}; put all of it below one header")
