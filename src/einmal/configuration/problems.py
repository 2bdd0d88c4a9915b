"""What is wrong with a configuration, in words for whoever wrote it: the line, the key, what is allowed.

A message may quote a value, so that it can be found; but never one that looks like a secret, and never a sign that
would turn a terminal's text around. Lines of the file are shown under the same rules: a key pasted into the wrong
place must not reach a log because it was refused.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from einmal.configuration.lines import Path

QUOTED_MAX: Final = 60
LINE_MAX: Final = 120

_SECRET = re.compile(r"\b(?:cal_|key_|whsec_|sk[-_]|ghp_)[^\s\"',]{6,}|(?<=//)[^/\s\"'@]+(?=@)")
"""Keys as Cal.com, Retell and others write them, and what stands before the @ in an address."""

_NAMES_A_SECRET = re.compile(r"key|secret|token|passw", re.IGNORECASE)
_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")
_VALUE = re.compile(r"[^=]*=")
_REFERENCE = re.compile(r'\s*\[?(?:\s*\{\s*(?:env\s*=\s*"[A-Z0-9_]*"|file\s*=\s*"/[^"]*")\s*\},?)*\s*\]?\s*')
"""What only names where a secret stands. A variable's name is in capitals, and keys are not."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `line` counts from 1; None is the file as a whole. `path` is `tenants[0].name`."""

    line: int | None
    path: str
    message: str


class BadConfiguration(Exception):
    """Everything that is wrong with a file, by line. `variables` are those of the environment that it names."""

    def __init__(
        self, file_name: str, problems: list[Problem], text: str = "", variables: frozenset[str] = frozenset()
    ) -> None:
        self.file_name = file_name
        self.problems = sorted(problems, key=lambda problem: problem.line or 0)
        self.variables = variables
        self._lines = text.split("\n")
        super().__init__("\n".join(self.told))

    @property
    def told(self) -> list[str]:
        """One line of text for each problem."""
        return [self.tell(problem) for problem in self.problems]

    def tell(self, problem: Problem) -> str:
        """`salon.toml:14: tenants[0].name: ...`."""
        where = self.file_name if problem.line is None else f"{self.file_name}:{problem.line}"
        return ": ".join(part for part in (where, problem.path, problem.message) if part)

    def line_of(self, problem: Problem) -> str | None:
        """The line that the problem is about, fit to be shown."""
        if problem.line is None or problem.line > len(self._lines):
            return None
        return line_shown(self._lines[problem.line - 1])


def shown(value: object) -> str:
    """A value as it is quoted in a message: short, and harmless."""
    match value:
        case str():
            return f'"{_harmless(_SECRET.sub("***", value[: 4 * QUOTED_MAX]), QUOTED_MAX)}"'
        case bool():
            return "true" if value else "false"
        case int() if abs(value) >= 10**18:
            return "a number beyond measure"
        case int() | float() | datetime() | date() | time():
            return str(value)
        case _:
            return kind_of(value)


def kind_of(value: object) -> str:
    """What a value is, for messages that do not quote it."""
    match value:
        case str():
            return "text"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case datetime() | date() | time():
            return "a date or time"
        case list():
            return "a list"
        case _:
            return "a table"


def path_shown(path: Path) -> str:
    """`tenants[0].special_days.2026-12-24`; a key that needs quotation marks has them."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else shown(part))
    return text


def line_shown(line: str) -> str:
    """A line of the file without what follows `=` after a name such as api_key, and without what looks like a key."""
    line = line[: 8 * LINE_MAX].rstrip("\r")
    name = _VALUE.match(line)
    if name is not None and _NAMES_A_SECRET.search(name[0]) and not _REFERENCE.fullmatch(line, name.end()):
        return _harmless(name[0], LINE_MAX) + " ***"
    return _harmless(_SECRET.sub("***", line), LINE_MAX)


def _harmless(text: str, most: int) -> str:
    cut = text if len(text) <= most else text[: most - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() or c == " " else " " if c == "\t" else f"\\u{ord(c):04X}" for c in cut)


def is_unspeakable(character: str) -> bool:
    """Control and format characters (NUL, line breaks, bidi overrides), lone surrogates, private use."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
