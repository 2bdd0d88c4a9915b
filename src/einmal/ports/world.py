"""The world around the flows: time, chance, whoever watches, whose calendar it is, how long things may take."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from einmal.domain.facts import Fact
from einmal.domain.house import House
from einmal.domain.model import Service
from einmal.domain.opening import Bookable


class Clock(Protocol):
    def now(self) -> datetime:
        """The local wall clock, aware, UTC. Never decides whether a booking is ours."""

    def monotonic(self) -> float:
        """Seconds that only grow. All deadlines are measured in these."""

    async def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    def jitter(self) -> float:
        """Chance in [0, 1), to spread what would otherwise happen at once."""

    def operation_id(self) -> str:
        """160 random bits in base32, unguessable."""

    def time_ordered(self) -> str:
        """A unique row id that sorts by its time of birth."""


class Observer(Protocol):
    def observe(self, facts: Sequence[Fact]) -> None:
        """Told after the commit. Must not raise, must not block."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose calendar this is. `hash_key` keys the hashes in intent keys; it never leaves the process."""

    tenant_id: str
    name: str
    time_zone: str
    language: str
    house_email: str
    services: tuple[Service, ...]
    hash_key: bytes
    house: House = field(default_factory=House)
    numbers: tuple[str, ...] = ()
    """The house's own lines, E.164: none of them tells who calls."""

    def bookable(self, service: Service) -> Bookable | None:
        """When the service can be had at all; None where nobody said when the house is open."""
        hours = self.house.hours
        return None if hours is None else Bookable(hours, service.duration, service.notice, service.horizon)

    def offers(self, service: Service, start: datetime, now: datetime) -> bool:
        """Whether the house takes wishes for then: within its hours where they are known, after the notice, before
        the horizon."""
        if not now + service.notice <= start <= now + service.horizon:
            return False
        bookable = self.bookable(service)
        return bookable is None or bookable.admits(start.astimezone(ZoneInfo(self.time_zone)), now)

    def day_of(self, at: datetime) -> tuple[datetime, datetime]:
        """The day of the house in which that instant lies: from midnight to midnight."""
        zone = ZoneInfo(self.time_zone)
        day = at.astimezone(zone).date()
        begin, end = (datetime.combine(one, time(0), zone) for one in (day, day + timedelta(days=1)))
        return begin.astimezone(UTC), end.astimezone(UTC)

    def __repr__(self) -> str:
        return f"Tenant({self.tenant_id!r})"


@dataclass(frozen=True, slots=True)
class Budgets:
    """How long things may take, in seconds.

    A function's reply is given before the platform's own time-out ends (the agents in the field wait 5 to
    10 s). The POST has a deadline of its own and outlives the reply: a caller who hangs up does not undo it.
    """

    reply_seconds: float = 8.0
    post_seconds: float = 10.0
    look_up_seconds: float = 3.0
    slots_seconds: float = 2.0
    lease_margin: timedelta = timedelta(seconds=5)
