"""A moment as a sentence, in German or English, in the house's time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from einmal.domain.comparison import PERSONAL, Compared, Field
from einmal.entrypoints.evidence.moment import Told, Value
from einmal.entrypoints.evidence.shown import masked_email, masked_name, span
from einmal.entrypoints.evidence.terms import TERMS
from einmal.entrypoints.evidence.words import WORDS

LANGUAGES: Final = ("de", "en")

ALL: Final[Mapping[str, tuple[str, str]]] = {**WORDS, **TERMS}


@dataclass(frozen=True, slots=True)
class Teller:
    language: str
    zone: ZoneInfo

    def sentence(self, told: Told) -> str:
        values = {name: self.value(value) for name, value in told.values.items()}
        return ALL[told.key][LANGUAGES.index(self.language)].format(**values)

    def sentence_of(self, key: str) -> str:
        """A sentence in which nothing stands."""
        return self.sentence(Told(key))

    def value(self, value: Value) -> str:
        match value:
            case None:
                return "–"
            case datetime():
                return f"{value.astimezone(self.zone):%Y-%m-%d %H:%M}"
            case timedelta():
                return span(value)
            case str() | int():
                return str(value)
            case _:
                return self.term(value.family, value.word)

    def term(self, family: str, word: str) -> str:
        """What one of our own words is called; the word itself where it has no name."""
        named = ALL.get(f"{family}_{word}")
        return _STATUS.sub(r"HTTP \1", word) if named is None else named[LANGUAGES.index(self.language)]

    def line(self, line: Compared, *, revealed: bool) -> tuple[str, str, str]:
        """One line of a comparison: what is compared, what we asked, what came back."""
        shown = self._plain if revealed or line.field not in PERSONAL else _MASKED[line.field]
        asked, came = shown(line.asked), shown(line.came)
        if line.differs and asked == came:
            came += f" ({self.term('field', 'another')})"  # behind their dots they look the same
        return self.term("field", line.field), asked, came

    def _plain(self, value: str | datetime | None) -> str:
        return f"{value.astimezone(self.zone):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value or "–"


_STATUS: Final = re.compile(r"^http_([0-9]{3})$")
"""What we call an answer of which only its status is known."""


def _masked_name(value: str | datetime | None) -> str:
    return masked_name(value if isinstance(value, str) else None)


def _masked_email(value: str | datetime | None) -> str:
    return masked_email(value if isinstance(value, str) else None)


_MASKED: Final = {Field.NAME: _masked_name, Field.EMAIL: _masked_email}
