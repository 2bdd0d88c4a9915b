"""Which event type a client means, and how long it takes: by its id, or by slug and owner."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from einmal.adapters.calcom.client_request import Asked
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, Transport, WireRequest
from einmal.domain.model import Service

VERSION: Final = "2024-06-14"
"""Of event types."""

SECONDS: Final = 5.0
KEPT_MAX: Final = 1_000

KEPT_SECONDS: Final = 60.0
"""A slug may be given to another event type, and a booking of another one than was asked for is for a person."""

MINUTES_UNKNOWN: Final = 30
"""Where nobody tells: only what overlaps is reckoned by it, and the booking itself says how long it is."""


@dataclass(frozen=True, slots=True)
class EventType:
    event_type_id: int
    name: str
    minutes: int


class NotTold(Exception):
    """Cal.com did not tell which event type is meant. Nothing is known, not that there is none."""


class EventTypes:
    """What this process was told of them, a moment ago. Of one account: two have different ones of one slug."""

    def __init__(self) -> None:
        self._by_slug: dict[tuple[tuple[str, str], ...], tuple[float, EventType]] = {}

    async def of(
        self, transport: Transport, services: Sequence[Service], asked: Asked, headers: Mapping[str, str], now: float
    ) -> EventType | None:
        """The event type; None where there is none of that slug. `now` is of the monotonic clock. Raises NotTold."""
        if asked.event_type_id is not None:
            of_id = next((one for one in services if one.event_type_id == asked.event_type_id), None)
            name = str(asked.event_type_id) if of_id is None else of_id.name
            minutes = MINUTES_UNKNOWN if of_id is None else of_id.duration_minutes
            return EventType(asked.event_type_id, name, minutes)
        named = tuple(sorted(asked.slug.items()))
        told_at, known = self._by_slug.get(named, (now, None))
        if known is not None and now - told_at < KEPT_SECONDS:
            return known
        found = await self._ask(transport, asked.slug, headers, now)
        if len(self._by_slug) >= KEPT_MAX:
            self._by_slug.clear()
        if found is not None:
            self._by_slug[named] = (now, found)
        return found

    async def _ask(
        self, transport: Transport, slug: Mapping[str, str], headers: Mapping[str, str], now: float
    ) -> EventType | None:
        names = {"eventTypeSlug": "eventSlug", "username": "username", "organizationSlug": "orgSlug"}
        query = urlencode({names[name]: value for name, value in slug.items() if name in names})
        wire = WireRequest(
            "GET",
            f"/v2/event-types?{query}",
            {**headers, "cal-api-version": VERSION},
            b"",
            now + SECONDS,
            now + SECONDS,
        )
        try:
            answer = await transport.send(wire)
        except (NeverSent, MaybeSent):
            raise NotTold from None
        if answer.status not in {200, 404}:
            raise NotTold
        return _read(answer.body, slug) if answer.status == 200 else None


def _read(body: bytes, slug: Mapping[str, str]) -> EventType | None:
    try:
        rows: Any = json.loads(body)["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("slug") == slug["eventTypeSlug"] and isinstance(row.get("id"), int):
            minutes = row.get("lengthInMinutes")
            known = minutes if isinstance(minutes, int) and 0 < minutes <= 1440 else MINUTES_UNKNOWN
            return EventType(row["id"], str(row.get("title") or row["slug"])[:120], known)
    return None
