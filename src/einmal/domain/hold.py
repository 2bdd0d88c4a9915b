"""Holds: a slot kept for somebody who thinks about it, from everybody else who asks here.

A hold names those of whom one must be free for it: the staff who do the service, or where nobody named them the event
type itself. Holds that overlap stand beside each other as long as each can have somebody of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.house import StaffMember
from einmal.domain.model import Service, instant


@dataclass(frozen=True, slots=True)
class Hold:
    """`conversation_id` holds it, and to that conversation it is free. `reservation_uid` is its mirror at Cal.com."""

    hold_id: str
    tenant_id: str
    conversation_id: str
    service_id: str
    event_type_id: int
    resources: tuple[str, ...]
    start: datetime
    end: datetime
    created_at: datetime
    expires_at: datetime
    reservation_uid: str | None = None

    def __post_init__(self) -> None:
        for name in ("start", "end", "created_at", "expires_at"):
            object.__setattr__(self, name, instant(getattr(self, name)))

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end


EVENT_TYPE: Final = "event type {}"

HOLDS_MAX: Final = 3
"""For one conversation: as many as it was offered at once. Who wants more would empty the calendar for others."""

HOLD_FOR: Final = timedelta(minutes=5)
"""Longer than anybody thinks about one time on the phone, and what Cal.com gives a reservation by itself."""


def resources_of(service: Service, staff: Sequence[StaffMember]) -> tuple[str, ...]:
    """Of whom one must be free for the service. Who works there and does everything is meant where none is named."""
    named = service.staff or tuple(one.staff_id for one in staff)
    return named or (EVENT_TYPE.format(service.event_type_id),)


def room_beside(resources: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether one of `resources` is left when each of `others` has one of its own.

    Others that cannot all be had stand in nobody's way twice: what of them can be is, and the rest is not counted.
    """
    kept: dict[str, int] = {}
    every = [*others, resources]
    for number, wanted in enumerate(every):
        had = _finds(number, wanted, every, kept, set())
        if number == len(every) - 1:
            return had
    raise AssertionError("every ends with resources")


def room_at(start: datetime, end: datetime, resources: Sequence[str], others: Sequence[Hold]) -> bool:
    """Whether one of `resources` is left then, beside what others hold at the time."""
    overlapping = [one.resources for one in others if one.overlaps(start, end)]
    return not overlapping or room_beside(resources, overlapping)


def _finds(
    number: int, wanted: Sequence[str], every: Sequence[Sequence[str]], kept: dict[str, int], tried: set[str]
) -> bool:
    """Find one for this hold, if need be by finding another for whoever has it."""
    for one in wanted:
        if one in tried:
            continue
        tried.add(one)
        if one not in kept or _finds(kept[one], every[kept[one]], every, kept, tried):
            kept[one] = number
            return True
    return False
