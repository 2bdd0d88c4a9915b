"""The remote calendar, and the gate before it. Remote outcomes are values; only bugs raise."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from einmal.domain.answer import Answer
from einmal.domain.gate import Gate, GatePolicy, Heard, Passed, Shut, Use
from einmal.domain.intent import Intent
from einmal.domain.model import Booking, Offer, Service


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """What is asked of the calendar. `deadline` is monotonic; past it nothing may be written any more."""

    intent: Intent
    idempotency_key: str
    deadline: float


class Look:
    """A look-up's answer: bookings seen, or blindness. An empty look never proves absence."""


@dataclass(frozen=True, slots=True)
class Seen(Look):
    """`complete` is False where the calendar may hold more than it listed."""

    bookings: tuple[Booking, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Blind(Look):
    """The look-up failed; `why` is a short word of ours.

    `heard`: what it says of the calendar's health; None where the calendar was not asked at all.
    """

    why: str
    heard: Heard | None = Heard.WELL

    @property
    def code(self) -> str:
        """The HTTP status that it was answered with, "none" where there was none that says so."""
        return self.why.removeprefix("http_") if self.why.startswith("http_") else "none"


@dataclass(frozen=True, slots=True)
class Page(Look):
    """One page of the calendar's bookings, last changed first. `unread` rows could not be understood."""

    bookings: tuple[Booking, ...]
    unread: int
    last: bool


class ListedBy(StrEnum):
    """What a listing is ordered by, earliest first."""

    CHANGE = "change"
    START = "start"


class ChangeKind(StrEnum):
    DONE = "done"
    ENDED_BEFORE = "ended_before"
    """Refused because there is nothing live to change."""
    UNKNOWN = "unknown"
    """The calendar knows no such booking."""
    REFUSED = "refused"
    MAYBE = "maybe"
    """No answer, or none that says. What stands is what a new read shows."""
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class ChangeAnswer:
    """How the calendar took a change. Advisory: a change is done when a read shows it."""

    kind: ChangeKind
    detail: str = ""
    heard: Heard | None = Heard.WELL


class Calendar(Protocol):
    """The remote calendar. Remote outcomes are values; only bugs raise."""

    async def create(self, request: BookingRequest) -> Answer:
        """One POST, never repeated by anything below this line."""

    async def find(self, intent: Intent, deadline: float) -> Seen | Blind:
        """Bookings that begin at the intent's start, or later, of whatever type and status and whoever's.

        Complete if all that begin at the start were seen.
        """

    async def read(self, uid: str, deadline: float) -> Seen | Blind:
        """The booking with this uid; Seen(()) where the calendar says there is none."""

    async def slots(
        self, service: Service, start: datetime, end: datetime, deadline: float
    ) -> tuple[Offer, ...] | Blind:
        """Free slots that start within [start, end), earliest first. Advisory."""

    async def reserve(self, service: Service, start: datetime, minutes: int, deadline: float) -> str | Blind:
        """Keep the slot off the calendar's lists for so long: the reservation's uid. It stops nobody from booking."""

    async def release(self, reservation_uid: str, deadline: float) -> Blind | None:
        """Give a reservation up, as often as one likes; None where it is gone."""

    async def changes(self, page: int, deadline: float) -> Page | Blind:
        """The page with this number, from 0, of all bookings in any status, last changed first."""

    async def listed(self, by: ListedBy, since: datetime, skip: int, deadline: float) -> Page | Blind:
        """Bookings in any status that changed, or begin, at `since` or later: earliest first, but for the first `skip`.

        `since` counts to the millisecond by the calendar's own clock.
        """

    async def move(self, uid: str, start: datetime, reason: str, deadline: float) -> Answer:
        """Ask once that the booking be moved there. Only for bookings that were read and are ours; never repeated.

        Advisory even with a booking in it: that may be another's. A move is done when a read shows it.
        """

    async def cancel(self, uid: str, reason: str, deadline: float) -> ChangeAnswer:
        """Ask once that the booking be cancelled. Only for bookings that were read and are ours."""


@dataclass(frozen=True, slots=True)
class Toll:
    """Which account's gate a request passes, and by which rules."""

    account_id: str
    policy: GatePolicy


class Gates(Protocol):
    """The gate of an account, kept where every process sees it."""

    async def enter(self, toll: Toll, use: Use, now: datetime) -> Passed | Shut:
        """Whether to ask now. Passing spends from the budget. Raises LedgerUnavailable or CommitUnknown."""

    async def spend(self, toll: Toll, requests: int, now: datetime) -> Gate:
        """Count requests that were sent without asking; the gate after them. Raises as `enter`."""

    async def heard(self, toll: Toll, use: Use, how: Heard, now: datetime) -> bool:
        """Note how the calendar took it; whether that opened the breaker. Raises as `enter`."""
