"""What stands now, for whoever looks at the desk: today, the last 24 hours, and what needs a person.

It is only read. It holds names and phones: whoever shows it masks what need not be seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from einmal.domain.callback import Callback
from einmal.domain.intent import State

LISTED_MAX: Final = 20
"""Of each list of what needs a person. Whoever has done these sees the next."""

TODAY_MAX: Final = 200
"""Appointments of one tenant's day that are listed."""

AGES_MAX: Final = 1_000
"""The newest attempts, whose bookings' ages are shown."""

BROKEN_DOWN_MAX: Final = 10_000
"""The newest rejections, which are shown by layer and hour. Their whole number is among the figures."""


@dataclass(frozen=True, slots=True)
class Today:
    """One live intent of a tenant's day: booked, or not known to be free."""

    tenant_id: str
    intent_id: str
    call_id: str | None
    start: datetime
    service: str
    staff: str | None
    state: State
    name: str


@dataclass(frozen=True, slots=True)
class Rejections:
    """How many of one hour, layer and reason; these are words of the ledger."""

    hour: datetime
    layer: str
    reason: str
    count: int


class Doubtful(StrEnum):
    """What is in doubt."""

    BOOK = "book"
    CANCEL = "cancel"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Unsure:
    """A booking or a change of one that nobody can tell yes or no of. `since`: when that began."""

    tenant_id: str
    intent_id: str
    call_id: str | None
    what: Doubtful
    since: datetime
    start: datetime
    service: str


@dataclass(frozen=True, slots=True)
class OpenDrift:
    """Ledger and calendar do not agree, since then."""

    tenant_id: str
    kind: str
    subject: str
    intent_id: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class LastCompared:
    """A tenant's last whole comparison with its calendar."""

    tenant_id: str
    ended_at: datetime
    rows: int
    mended: int


@dataclass(frozen=True, slots=True)
class Desk:
    """As it stands at one moment. Lists are oldest first, and end at their maximum.

    `ages`: of the bookings that came back in the last 24 hours, how old each was when it came. `repeats`: wishes that
    joined another or heard its stored answer, yesterday and today in UTC.
    """

    today: tuple[Today, ...] = ()
    rejections: tuple[Rejections, ...] = ()
    ages: tuple[timedelta, ...] = ()
    repeats: Mapping[str, int] = field(default_factory=dict)
    doubts: tuple[Unsure, ...] = ()
    escalated: tuple[Unsure, ...] = ()
    drifts: tuple[OpenDrift, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    given_up: int = 0
    compared: tuple[LastCompared, ...] = ()
    ever_asked: bool = False
    """Whether there was ever a function call, or an intent."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One live appointment, with what a house has on paper of it."""

    intent_id: str
    start: datetime
    end: datetime
    service: str
    staff: str | None
    state: State
    name: str
    phone: str | None
    email: str | None
    call_id: str | None
    booking_uid: str | None
    created_at: datetime
    asked_start: datetime
    """What it is sorted by: the start of the intent, whatever the calendar has made of it."""


Span = tuple[datetime, datetime]
"""From the first instant to before the second."""


class DeskBooks(Protocol):
    """All raise LedgerUnavailable."""

    async def seen(self, now: datetime, days: Mapping[str, Span]) -> Desk:
        """What stands at that moment; `days`: by tenant, its day."""

    async def live_within(self, tenant_id: str, span: Span, most: int) -> int:
        """How many live appointments begin in that span, counted no further than `most`."""

    async def exported(self, tenant_id: str, span: Span, after: Exported | None, limit: int) -> Sequence[Exported]:
        """The live appointments that begin in that span, by start and id, beyond that one."""
