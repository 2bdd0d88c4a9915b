"""I9: no two bookings of ours hold one resource, such as a host, at one time.

Counted are pairs of ours of which the later was born accepted while the earlier stood accepted: the calendar refuses
that, so somebody went around it. What is pending holds nothing, and to accept two of them is their host's doing; so is
what others booked or forced. A booking of which nobody knows the resource or the end says nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from einmal.domain.evidence import By, Life


def overlaps(lives: Sequence[Life]) -> Iterator[tuple[Life, Life]]:
    """The pairs, the earlier made before the later."""
    held: dict[tuple[str, str], list[tuple[datetime, Life]]] = defaultdict(list)
    for life in lives:
        if life.made_by is By.US and life.resource is not None and life.end is not None:
            held[life.tenant_id, life.resource].append((life.end, life))
    for of_one in held.values():
        of_one.sort(key=lambda pair: pair[1].start)
        for number, (end, one) in enumerate(of_one):
            for _, other in of_one[number + 1 :]:
                if other.start >= end:
                    break
                earlier, later = sorted((one, other), key=lambda life: life.since)
                if _accepted(later, later.since) and _accepted(earlier, later.since):
                    yield earlier, later


def _accepted(life: Life, at: datetime) -> bool:
    return life.stood(at) and life.pending_until is not None and life.pending_until <= at
