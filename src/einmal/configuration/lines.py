"""Where each key of a TOML file stands: `tomllib` reads values and forgets their places.

For text that tomllib accepts, `Lines` knows the line of every header and every key, dotted and quoted ones and those
of inline tables included. An element of a [[table]] has its header's line, a table in an array the line where it
begins, and whatever else stands in an array the line of the array's key. Text that is no TOML costs lines, never an
exception. One pass without recursion: nesting and long keys cost nothing, because paths are kept only as deep as
anybody asks for them.

It is also the measure of what may be handed to tomllib, whose memory grows with the square of a key's parts: `refused`.
"""

import contextlib
import re
import tomllib
from dataclasses import dataclass
from typing import Final, NoReturn

Path = tuple[str | int, ...]

DEPTH_MAX: Final = 8
KEY_PARTS_MAX: Final = 16
NESTED_MAX: Final = 64
PLAIN_MAX: Final = 1000
"""No number and no date has so many letters."""

_BLANKS = re.compile(r"[ \t]*+")
_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*+)*+")
_REST = re.compile(r"[^\n]*+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]++")
_QUOTED_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*+"' r"|'[^'\n]*+'")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*+"{3,5}' r"|'''(?:[^']|'{1,2}(?!'))*+'{3,5}|" + _QUOTED_KEY.pattern,
    re.DOTALL,
)
_PLAIN = re.compile(r"[^\n,\]}#]*+")
"""Numbers, dates and truths; a date may have a blank in it."""


class _Lost(Exception):
    """This is no TOML that tomllib would take."""


@dataclass(slots=True)
class _Open:
    """An array or an inline table that is being read. `index` counts an array's elements; an inline table has none."""

    path: Path
    index: int | None


class Lines:
    """The lines of one text, from 1."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._position = 0
        self._counted = 0
        self._line = 1
        self._known: dict[Path, int] = {}
        self._elements: dict[Path, int] = {}
        self.refused: tuple[int, str] | None = None
        """The line that is beyond measure, and how."""
        with contextlib.suppress(_Lost):
            self._document()

    def of(self, path: Path) -> int | None:
        """The line of a key or table; where that is not known, of what it stands in."""
        for length in range(min(len(path), DEPTH_MAX), 0, -1):
            line = self._known.get(path[:length])
            if line is not None:
                return line
        return None

    def _document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_SPACE)
            if self._position >= len(self._text):
                return
            if self._next("["):
                table = self._header()
            else:
                self._entry(table)
            self._skip(_REST)

    def _header(self) -> Path:
        element = self._text.startswith("[[", self._position)
        line = self._here()
        self._position += 2 if element else 1
        parts = self._key()
        path: Path = ()
        for number, part in enumerate(parts[:DEPTH_MAX], 1):
            path += (part,)
            if element and number == len(parts):
                self._known.setdefault(path, line)
                self._elements[path] = self._elements.get(path, -1) + 1
            if path in self._elements:
                path += (self._elements[path],)
            self._know(path, line)
        return path[:DEPTH_MAX]

    def _entry(self, table: Path) -> None:
        """One key, `=` and its value, whatever is nested in it."""
        containers: list[_Open] = []
        self._assignment(table, containers)
        while containers:
            self._skip(_SPACE)
            inner = containers[-1]
            if self._next("]") or self._next("}"):
                containers.pop()
                self._position += 1
            elif self._next(","):
                self._position += 1
            elif inner.index is None:
                self._assignment(inner.path, containers)
            else:
                path = (*inner.path, inner.index)[:DEPTH_MAX]
                inner.index += 1
                if self._next("{"):
                    self._know(path, self._here())
                self._value(path, containers)

    def _assignment(self, table: Path, containers: list[_Open]) -> None:
        line = self._here()
        path = table
        for part in self._key():
            if len(path) == DEPTH_MAX:
                break
            path += (part,)
            self._know(path, line)
        if not self._next("="):
            raise _Lost
        self._position += 1
        self._skip(_BLANKS)
        self._value(path, containers)

    def _value(self, path: Path, containers: list[_Open]) -> None:
        if self._next("[") or self._next("{"):
            containers.append(_Open(path, 0 if self._next("[") else None))
            self._position += 1
            if len(containers) > NESTED_MAX:
                self._refuse(f"is nested deeper than {NESTED_MAX} times")
            return
        found = _STRING.match(self._text, self._position)
        if found is None:
            found = _PLAIN.match(self._text, self._position)
            if found is None or found.end() == self._position:
                raise _Lost
            if found.end() - self._position > PLAIN_MAX:
                self._refuse(f"has a value of more than {PLAIN_MAX} letters that is no text in quotation marks")
        self._position = found.end()

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip(_BLANKS)
            bare = _BARE_KEY.match(self._text, self._position)
            quoted = None if bare else _QUOTED_KEY.match(self._text, self._position)
            if bare:
                parts.append(bare[0])
                self._position = bare.end()
            elif quoted:
                parts.append(_unquoted(quoted[0]))
                self._position = quoted.end()
            else:
                raise _Lost
            self._skip(_BLANKS)
            if not self._next("."):
                return parts
            self._position += 1
            if len(parts) == KEY_PARTS_MAX:
                self._refuse(f"has a key of more than {KEY_PARTS_MAX} parts with dots between them")

    def _refuse(self, why: str) -> NoReturn:
        self.refused = (self._here(), why)
        raise _Lost

    def _know(self, path: Path, line: int) -> None:
        if len(path) <= DEPTH_MAX:
            self._known.setdefault(path, line)

    def _next(self, character: str) -> bool:
        return self._text.startswith(character, self._position)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._position)
        if found is not None:
            self._position = found.end()

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._position)
        self._counted = self._position
        return self._line


def _unquoted(key: str) -> str:
    if key.startswith("'"):
        return key[1:-1]
    try:
        return str(tomllib.loads(f"key = {key}")["key"])
    except (ValueError, RecursionError):
        raise _Lost from None
