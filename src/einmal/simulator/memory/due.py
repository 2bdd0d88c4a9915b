"""What is due when: the work queues of the ledger, found from their earliest end."""

from datetime import datetime
from heapq import heappop, heappush
from typing import Generic, TypeVar

from einmal.adapters.sql.queues import FAR

K = TypeVar("K", str, tuple[str, str])


class Due(Generic[K]):
    """Each key has one moment or none. Of equal moments the smaller key comes first."""

    def __init__(self) -> None:
        # What was put off or dropped stays in the heap until its turn; it is not the key's entry any more.
        self._heap: list[tuple[datetime, K]] = []
        self._entries: dict[K, tuple[datetime, K]] = {}
        self._latest: datetime | None = None
        """Nothing is due later."""

    def put(self, key: K, at: datetime | None) -> None:
        """Due then and at no other time; None for never."""
        if at is None:
            self._entries.pop(key, None)
            return
        entry = (at, key)
        self._entries[key] = entry
        heappush(self._heap, entry)
        if self._latest is None or at > self._latest:
            self._latest = at

    def first(self) -> datetime | None:
        """The earliest moment at which something is due; None where nothing ever is."""
        heap, entries = self._heap, self._entries
        while heap and entries.get(heap[0][1]) is not heap[0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def take(self, now: datetime, limit: int) -> list[K]:
        """At most so many that are due, longest first. They are due no more until they are put again."""
        taken: list[K] = []
        heap, entries = self._heap, self._entries
        while heap and len(taken) != limit and heap[0][0] <= now:
            entry = heappop(heap)
            key = entry[1]
            if entries.get(key) is entry:
                del entries[key]
                taken.append(key)
        if self._latest is not None and self._latest > now + FAR:
            taken += self._from_another_time(now + FAR, limit - len(taken))
        return taken

    def _from_another_time(self, beyond: datetime, limit: int) -> list[K]:
        """What a clock put off that has been set back since: due at once, after what is due anyway."""
        far = sorted(entry for entry in self._entries.values() if entry[0] > beyond)
        taken = [key for _, key in (far if limit < 0 else far[:limit])]
        for key in taken:
            del self._entries[key]
        self._latest = max((at for at, _ in self._entries.values()), default=None)
        return taken
