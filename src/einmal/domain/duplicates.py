"""Rows that hold one booking id between them: which of them is kept, and what becomes of a note.

The oldest that stands is kept: its booking was made for it, and each later one was given the same booking as an answer.
Whose age nobody knows counts as youngest, so that it is never kept in place of one whose age is known. What was
cancelled before comes behind all others: kept in place of a row that stands, it would leave nobody an appointment.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

RowId = int | str

NOTE: Final = "SYSTEM ERROR: Duplicate booking ID detected - cancelled by admin"

CANCELLED_WORDS: Final = ("cancelled", "canceled")
"""How a status says that an appointment is cancelled, in small letters."""

_MILLISECONDS_FROM: Final = 100_000_000_000
"""As seconds it would be the year 5138; a number as large as this counts milliseconds."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Action(StrEnum):
    """What became of a row."""

    CANCELLED = "cancelled"
    DELETED = "deleted"
    CLEARED = "cleared"
    """Its empty text was made NULL: no booking, and yet two of them would break the index."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a group, as far as it matters which of them is older."""

    row_id: RowId
    created_at: datetime | None
    over: bool = False
    """Whether its appointment was cancelled before anybody looked for duplicates."""

    @property
    def rank(self) -> tuple[bool, tuple[bool, datetime, bool, int, str]]:
        """Rows sort by it, the one to be kept first."""
        return self.over, self.age

    @property
    def age(self) -> tuple[bool, datetime, bool, int, str]:
        """Rows sort by it, oldest first; of two that are as old, the smaller id is first."""
        number = _number(self.row_id)
        born = self.created_at or _EPOCH
        return self.created_at is None, born, number is None, number or 0, str(self.row_id)


@dataclass(frozen=True, slots=True)
class Parted:
    """A group with one row that stays."""

    kept: Row
    surplus: tuple[Row, ...]


def parted(rows: Iterable[Row]) -> Parted | None:
    """The oldest that stands, and the others; None where there are no two rows, and so nothing to part."""
    kept, *others = sorted(rows, key=lambda row: row.rank)
    return Parted(kept, tuple(others)) if others else None


def is_over(status: object, words: Collection[str]) -> bool:
    """Whether a row's status is one of these words, in large letters or small."""
    return isinstance(status, str) and status.strip(" ").lower() in words


def noted(standing: str | None, length_max: int | None) -> str | None:
    """The note with ours below it. What does not fit stays as it is: the audit log says it as well."""
    whole = f"{standing}\n{NOTE}" if standing else NOTE
    return standing if length_max is not None and len(whole) > length_max else whole


def instant_of(value: object) -> datetime | None:
    """When a row was made, from however a table writes it: ISO text, a date and time, or seconds since 1970.

    What names no zone is taken for UTC; what cannot be read is None.
    """
    try:
        if isinstance(value, str):
            number = _number(value) if len(value) > 8 else None
            return _aware(datetime.fromisoformat(value)) if number is None else _since_1970(number)
        if isinstance(value, int | float):
            return _since_1970(value)
    except (ValueError, OverflowError):
        return None
    return None


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _since_1970(number: float) -> datetime:
    return _EPOCH + timedelta(seconds=number / 1000 if number >= _MILLISECONDS_FROM else number)


def _number(text: RowId) -> int | None:
    """Digits in a column of text are older the smaller the number, not the earlier in the alphabet."""
    if isinstance(text, int):
        return text
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 40 else None
