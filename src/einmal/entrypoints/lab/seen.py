"""What a run showed: values, for whoever draws them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from einmal.entrypoints.lab.place import Sent
from einmal.entrypoints.lab.trouble import Trouble

BEFORE: Final = timedelta(minutes=34, seconds=28)
"""How long before the first request somebody else has booked."""


@dataclass(frozen=True, slots=True)
class Ask:
    """`at`: seconds after the first. The words are what the agent makes of what was said."""

    at: float
    call_id: str
    name: str
    date: str
    time: str


@dataclass(frozen=True, slots=True)
class Heard:
    """`said`: yes, no, wait, or none where the line was dead. `stood`: how many bookings of the caller's stood then."""

    ask: Ask
    said: str
    sentence: str
    stood: int

    @property
    def is_false(self) -> bool:
        """A yes without a booking, or a no beside one."""
        return (self.said == "yes" and self.stood == 0) or (self.said == "no" and self.stood > 0)


@dataclass(frozen=True, slots=True)
class Listed:
    """A booking in the calendar. `own`: it is the caller's."""

    name: str
    host: str
    uid: str
    at: float
    own: bool


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    state: str
    uid: str


@dataclass(frozen=True, slots=True)
class Side:
    heard: tuple[Heard, ...]
    sent: tuple[Sent, ...]
    calendar: tuple[Listed, ...]
    ledger: tuple[Row, ...]
    rejections: tuple[str, ...] = ()

    @property
    def requests(self) -> tuple[Sent, ...]:
        """What was sent from the first request on, in its order, counted from then."""
        began = BEFORE.total_seconds()
        since = sorted((one for one in self.sent if one.at >= began), key=lambda one: one.at)
        return tuple(replace(one, at=one.at - began) for one in since)

    @property
    def bookings(self) -> int:
        return sum(one.own for one in self.calendar)

    @property
    def falsehoods(self) -> int:
        return sum(one.is_false for one in self.heard)

    @property
    def is_right(self) -> bool:
        return self.bookings == 1 and not self.falsehoods


@dataclass(frozen=True, slots=True)
class Run:
    trouble: Trouble
    seed: int
    start: datetime
    caller: str
    ours: Side
    unguarded: Side
