"""One table of the file, read key by key: what is asked for is known, and what is left over is a mistake.

Every reader gives the value, or None and a problem at the key's line; so the whole file is read whatever is wrong
with parts of it, and all problems are told at once.
"""

import difflib
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from einmal.configuration.lines import Lines, Path
from einmal.configuration.problems import Problem, is_unspeakable, kind_of, path_shown, shown

T = TypeVar("T")

NAME_MAX: Final = 100
SENTENCE_MAX: Final = 500
UNKNOWN_NAMED: Final = 10
"""So many unknown keys of one table are told one by one; a search for the nearest known one takes its time."""

_KEY_COMPARED_MAX: Final = 40


class Report:
    """Collects what is wrong, each with its line."""

    def __init__(self, lines: Lines, outer: frozenset[str] = frozenset()) -> None:
        self.problems: list[Problem] = []
        self.outer = outer
        """Keys that belong before the first header."""
        self._lines = lines

    def add(self, path: Path, message: str, *, unknown: bool = False, near: bool = False) -> None:
        """`unknown`: nobody knows the last key. What stands there is not shown; nor is it, unless `near` one."""
        where = path_shown(path, unknown=unknown and not near)
        self.problems.append(Problem(self._lines.of(path), where, message, unknown))

    def place(self, path: Path) -> str:
        """`services[0].name (line 4)`, to point at the other of two."""
        line = self._lines.of(path)
        return path_shown(path) + ("" if line is None else f" (line {line})")


class Table:
    """A table at a path. Keys that nobody asked for when `end` is called are unknown."""

    def __init__(self, report: Report, path: Path, entries: Mapping[str, Any]) -> None:
        self.report = report
        self.path = path
        self._entries = entries
        self._asked: list[str] = []
        self._lacking: dict[str, str] = {}
        self._meant: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def means(self, key: str) -> bool:
        """Whether it is there; or, once `end` was called, whether a misspelt one probably means it."""
        return key in self._entries or key in self._meant

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def problem(self, key: str | None, message: str) -> None:
        self.report.add(self.path if key is None else (*self.path, key), message)

    def element_problem(self, key: str, number: int, message: str) -> None:
        self.report.add((*self.path, key, number), message)

    def raw(self, key: str) -> Any:
        """The value unread, or None; the key counts as known."""
        self._asked.append(key)
        return self._entries.get(key)

    def text(self, key: str, *, needed: str | None = None, most: int = NAME_MAX) -> str | None:
        """One line of text. `needed` says what the key is for where it must not be left out."""
        value = self.raw(key)
        if value is None:
            self._missing(key, needed)
        elif not isinstance(value, str):
            self.problem(key, f"must be text in quotation marks, not {kind_of(value)}")
        else:
            return self._checked(key, value, most)
        return None

    def read(self, key: str, reader: Callable[[str], T], *, quoted: bool = True) -> T | None:
        """Text that a reader understands, or says why not."""
        text = self.text(key)
        if text is None:
            return None
        try:
            return reader(text)
        except ValueError as wrong:
            self.problem(key, f"{wrong}, not {shown(text)}" if quoted else str(wrong))
            return None

    def whole(self, key: str, lowest: int, highest: int, *, needed: str | None = None) -> int | None:
        """A whole number within bounds."""
        value = self.raw(key)
        if value is None:
            self._missing(key, needed)
        elif not isinstance(value, int) or isinstance(value, bool):
            self.problem(key, f"must be a whole number{_bare(value)}, not {shown(value)}")
        elif not lowest <= value <= highest:
            self.problem(key, f"must be from {lowest} to {highest}, not {shown(value)}")
        else:
            return value
        return None

    def number(self, key: str, lowest: int, highest: int) -> float | None:
        """A number within bounds, whole or not."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.problem(key, f"must be a number{_bare(value)}, not {shown(value)}")
        elif not lowest <= value <= highest:
            self.problem(key, f"must be from {lowest} to {highest}, not {shown(value)}")
        else:
            return float(value)
        return None

    def truth(self, key: str) -> bool | None:
        value = self.raw(key)
        if value is None or isinstance(value, bool):
            return value
        self.problem(key, f"must be true or false, without quotation marks, not {shown(value)}")
        return None

    def texts(self, key: str) -> list[tuple[int, str]]:
        """The texts of a list, each with its number in it."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(key, f"must be a list in brackets: [{shown(value) if isinstance(value, str) else '...'}]")
            return []
        found = []
        for number, item in enumerate(value):
            if not isinstance(item, str):
                self.element_problem(key, number, f"must be text in quotation marks, not {kind_of(item)}")
            elif (text := self._checked(key, item, NAME_MAX, number)) is not None:
                found.append((number, text))
        return found

    def table(self, key: str) -> "Table | None":
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.problem(key, f"must be a table, [{self._header(key)}], not {shown(value)}")
            return None
        return Table(self.report, (*self.path, key), value)

    def tables(self, key: str) -> "list[Table]":
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(key, f"must be tables, each under [[{self._header(key)}]] in two brackets")
            return []
        found = []
        for number, item in enumerate(value):
            if isinstance(item, dict):
                found.append(Table(self.report, (*self.path, key, number), item))
            else:
                self.element_problem(key, number, f"must be a table under [[{self._header(key)}]], not {shown(item)}")
        return found

    def end(self, called: Mapping[str, str] | None = None) -> None:
        """Tell of keys that nobody asked for, and of those that are missing unless one of them was meant by it.

        `called` are other words for some that are known.
        """
        asked = set(self._asked)
        unknown = [key for key in self._entries if key not in asked]
        for key in unknown[:UNKNOWN_NAMED]:
            if not self.misplaced(key):
                self._tell_unknown(key, called or {})
        if len(unknown) > UNKNOWN_NAMED:
            self.problem(None, f"there are {len(unknown) - UNKNOWN_NAMED} more keys that do not exist")
        for key, needed in self._lacking.items():
            if key not in self._meant:
                self.problem(None, f"{key} is missing: {needed}")

    def lack(self, key: str, needed: str) -> None:
        """Say at the end that a key is missing, and what it is for."""
        self._lacking[key] = needed

    def unknown(self, key: str, message: str, *, near: bool = False) -> None:
        """A problem with a key of which nobody knows what it is for. `near`: it is like one that is known."""
        self.report.add((*self.path, key), message, unknown=True, near=near)

    def misplaced(self, key: str) -> bool:
        """Whether this is a key of the house, under a header within it; then that is told."""
        header = self._header()
        if not header or header == "tenants" or key not in self.report.outer:
            return False
        header = f"[{header}]" if isinstance(self.path[-1], str) else f"[[{header}]]"
        told = f"is a key of the house itself, and what follows {header} belongs to that: put it above all headers"
        self.problem(key, told + (" but [[tenants]]" if self.path[0] == "tenants" else ""))
        return True

    def _tell_unknown(self, key: str, called: Mapping[str, str]) -> None:
        near = self._nearest(key, called)
        if near is not None:
            self._meant.add(near)
        told = f"did you mean {near}?" if near else f"allowed here: {', '.join(dict.fromkeys(self._asked))}"
        self.unknown(key, f"there is no such key; {told}", near=near is not None)

    def _nearest(self, key: str, called: Mapping[str, str]) -> str | None:
        plain = key.strip().lower().replace("-", "_").replace(" ", "_")
        if len(plain) > _KEY_COMPARED_MAX:
            return None
        known = {name: name for name in self._asked} | dict(called)
        close = [plain] if plain in known else difflib.get_close_matches(plain, sorted(known), n=1, cutoff=0.75)
        return known[close[0]] if close else None

    def _missing(self, key: str, needed: str | None) -> None:
        if needed is not None:
            self.lack(key, needed)

    def _checked(self, key: str, value: str, most: int, number: int | None = None) -> str | None:
        """The text without blanks around it; line breaks in a longer one count as blanks."""
        text = " ".join(value.split()) if most > NAME_MAX else value.strip()
        odd = next((c for c in text[: most + 1] if is_unspeakable(c)), None)
        if not text:
            wrong = "must not be empty; leave the line out instead"
        elif odd is not None:
            wrong = f"holds a sign that cannot be seen or spoken, U+{ord(odd):04X}"
        elif len(text) > most:
            wrong = f"must have at most {most} letters, and has {len(text)}"
        else:
            return unicodedata.normalize("NFC", text)
        if number is None:
            self.problem(key, wrong)
        else:
            self.element_problem(key, number, wrong)
        return None

    def _header(self, *keys: str) -> str:
        """How the file names this table, or one in it: `tenants.services`."""
        return ".".join(part for part in (*self.path, *keys) if isinstance(part, str))


def _bare(value: object) -> str:
    return " without quotation marks" if isinstance(value, str) else ""
