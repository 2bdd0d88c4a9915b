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
HIDDEN: Final = "***"

_SECRET = re.compile(r"\b(?:cal_|key_|whsec_|sk[-_]|ghp_)[^\s\"',]{6,}|(?<=//)[^/\s\"'@]+(?=@)")
"""Keys as Cal.com, Retell and others write them, and what stands before the @ in an address."""

_NAMES_A_SECRET = re.compile(r"key|secret|token|passw|webhook|retell", re.IGNORECASE)
_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")
_VALUE = re.compile(r"[^=]*=")

_ENV: Final = r"""\s*(?:"[A-Z0-9_]{1,60}"|'[A-Z0-9_]{1,60}')\s*"""
_FILE: Final = r"""\s*(?:"/[^"]*"|'/[^']*')\s*"""
_ONE: Final = rf"\{{\s*(?:env\s*={_ENV}|file\s*={_FILE})\}}\s*,?\s*"
_END: Final = r"(?:\}\s*)?,?\s*\]?\s*"
_REFERENCE = re.compile(rf"\s*(?:{_ONE}|\[\s*(?:{_ONE})*\]?\s*)?")
_REFERENCE_OF: Final = {"env": re.compile(_ENV + _END), "file": re.compile(_FILE + _END)}
"""What only names where a secret stands; and the same after an `env =` or `file =` in its own line."""
_IN_CAPITALS = re.compile(r"""["']([A-Z0-9_]+)["']""")
_WORD = re.compile(r"(?:[A-Z]{1,30}[0-9]{0,3}|[A-Z0-9]{0,8})")

_HEADER = re.compile(r"\s*\[\[?[^\]=#,{]*\]\]?")
_BEGINS = re.compile(r"\s*(?:\[\[?\s*[A-Za-z0-9_\"'.-]+\s*\]|[A-Za-z0-9_\"'.-]+\s*=)")
_KEY_BEFORE = re.compile(r"[\s{\[]*[A-Za-z0-9_\"'.-]+\s*=")
_LONG_WORD = re.compile("[A-Za-z0-9_]{6,}")
_ABOVE_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `line` counts from 1; None is the file as a whole. `path` is `tenants[0].name`.

    `unknown`: nobody knows what the key is for, so what stands there may be a secret.
    """

    line: int | None
    path: str
    message: str
    unknown: bool = False


class BadConfiguration(Exception):
    """Everything that is wrong with a file, by line. `variables` are those of the environment that it names."""

    def __init__(
        self, file_name: str, problems: list[Problem], text: str = "", variables: frozenset[str] = frozenset()
    ) -> None:
        self.file_name = file_name
        self.problems = sorted(problems, key=lambda problem: problem.line or 0)
        self.variables = variables
        self._lines = text.split("\n")
        self._by_line: dict[int, list[Problem]] = {}
        for problem in self.problems:
            if problem.line is not None:
                self._by_line.setdefault(problem.line, []).append(problem)
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
        here, line = self._by_line.get(problem.line, [problem]), self._lines[problem.line - 1]
        if any(HIDDEN in one.path for one in here):
            return HIDDEN
        # Of two things that are wrong in a line, one may be about a secret.
        secret = any(one.unknown or names_a_secret(one.path) for one in here)
        if problem.path:
            return line_shown(line, secret=secret)
        # No TOML: nothing but the text tells what it is.
        line = _LONG_WORD.sub(lambda word: HIDDEN if may_be_secret(word[0]) else word[0], line[: 8 * LINE_MAX])
        return line_shown(line, secret=secret or self._below_a_secret(problem.line))

    def _below_a_secret(self, line: int) -> bool:
        """Whether this line, of a file that is no TOML, may belong to a secret: by the key or header above it."""
        for text in reversed(self._lines[max(0, line - _ABOVE_MAX) : line]):
            begins = _BEGINS.match(text[:LINE_MAX])
            if begins is None:
                continue
            if names_a_secret(begins[0]):
                return True
            if not re.search(r"\b(?:env|file|value)\b", begins[0]):
                return False
        return False


def shown(value: object) -> str:
    """A value as it is quoted in a message: short, and harmless."""
    match value:
        case str():
            return f'"{_harmless(_SECRET.sub(HIDDEN, value[: 4 * QUOTED_MAX]), QUOTED_MAX)}"'
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


def names_a_secret(text: str) -> bool:
    return _NAMES_A_SECRET.search(text) is not None


def is_variable(name: str) -> bool:
    """Whether a name looks like that of an environment's variable, and not like a key in capitals."""
    if not name or name[0].isdigit() or len(name) > (60 if "_" in name else 23):
        return False
    return all(_WORD.fullmatch(part) for part in name.split("_"))


def may_be_secret(key: str) -> bool:
    """Whether somebody may have written a secret where a key belongs. Of a date it is not said."""
    mixed = re.search("[A-Za-z]", key) is not None and re.search("[0-9]", key) is not None
    return _SECRET.search(key) is not None or (mixed and len(key) >= 6) or re.search("[a-z][A-Z]", key) is not None


def path_shown(path: Path, *, unknown: bool = False) -> str:
    """`tenants[0].special_days.2026-12-24`; a key that needs quotation marks has them.

    `unknown`: nobody knows the last key. Then it is hidden where it may be a secret.
    """
    last = path[-1] if path else None
    if unknown and isinstance(last, str):
        within = any(names_a_secret(part) for part in path[:-1] if isinstance(part, str))
        if within or may_be_secret(last):
            return ".".join(filter(None, (path_shown(path[:-1]), HIDDEN)))
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else shown(part))
    return text


def line_shown(line: str, *, secret: bool = False) -> str:
    """A line of the file without what looks like a key, and without what follows `=` after a name such as api_key.

    `secret`: what it says may be one. Then only what names a variable or a file is shown.
    """
    line = line[: 8 * LINE_MAX].rstrip("\r")
    name = _VALUE.match(line)
    if name is None:
        if secret and line.strip() not in {"", "[", "]", "{", "}"}:
            header = _HEADER.match(line)
            line = header[0] if header is not None and not may_be_secret(header[0]) else HIDDEN
    elif (secret or names_a_secret(name[0])) and not _only_refers(line, name.end()):
        bare = _KEY_BEFORE.fullmatch(name[0])
        if bare is None or (secret and may_be_secret(bare[0])):
            return HIDDEN
        return _harmless(_SECRET.sub(HIDDEN, name[0]), LINE_MAX) + f" {HIDDEN}"
    return _harmless(_SECRET.sub(HIDDEN, line), LINE_MAX)


def _only_refers(line: str, begin: int) -> bool:
    """Whether what follows the first `=` of a line only tells where a secret is."""
    word = re.search(r"[a-z]+(?=\s*=$)", line[:begin])
    pattern = _REFERENCE_OF.get(word[0], _REFERENCE) if word is not None else _REFERENCE
    if pattern.fullmatch(line, begin) is None:
        return False
    return all(is_variable(name) for name in _IN_CAPITALS.findall(line, begin))


def _harmless(text: str, most: int) -> str:
    cut = text if len(text) <= most else text[: most - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() or c == " " else " " if c == "\t" else f"\\u{ord(c):04X}" for c in cut)


def is_unspeakable(character: str) -> bool:
    """Control and format characters (NUL, line breaks, bidi overrides), lone surrogates, private use."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
