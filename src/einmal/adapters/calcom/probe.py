"""What the capability probe asks of Cal.com: its event types, and bookings in the very shape they come in.

The calendar's own adapter reads what it needs and forgives the rest. Here it is looked at whether the rest is still as
pinned: an account, a server or a version that answers otherwise is found at set-up and not in a call.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from einmal.adapters.calcom.calendar import Account
from einmal.adapters.calcom.services import EVENT_TYPES_VERSION
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, Transport, WireAnswer, WireRequest
from einmal.adapters.calcom.wire import Unreadable, booking_of, json_object
from einmal.domain.model import Booking
from einmal.ports import Clock

ANSWER_SECONDS: Final = 15.0
LOOKED_AT_MAX: Final = 20
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_TEST: Final = re.compile(r"(?<![^\W_])test(?![^\W_])", re.IGNORECASE)
_STATUSES: Final = frozenset({"accepted", "pending", "cancelled", "rejected"})


class Unreached(Exception):
    """Cal.com did not answer, or not with what was asked for. `args[0]` says why in words for the operator."""


class KeyRefused(Unreached):
    """It answered, and will not have the key."""


@dataclass(frozen=True, slots=True)
class EventType:
    """`is_test`: its title or slug says so. `seats`: several people may share one of its bookings."""

    id: int
    title: str
    slug: str
    minutes: int
    seats: bool = False

    @property
    def is_test(self) -> bool:
        # By itself: a Sehtest is what customers book.
        return any(_TEST.search(text) is not None for text in (self.title, self.slug))


@dataclass(frozen=True, slots=True)
class Listed:
    """Bookings as a list shows them; `flaws` are what of their shape is not as pinned."""

    bookings: tuple[Booking, ...]
    flaws: tuple[str, ...]
    rows: int


class Probe:
    """Asks with one account's key. Reads only."""

    def __init__(self, transport: Transport, account: Account, clock: Clock) -> None:
        self._transport = transport
        self._account = account
        self._clock = clock

    async def event_types(self) -> tuple[EventType, ...]:
        """Raises Unreached."""
        answer = await self._asked("/v2/event-types", EVENT_TYPES_VERSION)
        if answer.status == 404:  # what it says where there are none
            return ()
        rows = _rows(answer)
        return tuple(one for row in rows if (one := _event_type(row)) is not None)

    async def newest(self) -> Listed:
        """Some of the account's bookings, last changed first. Raises Unreached."""
        return await self._listed({"sortUpdatedAt": "desc", "take": str(LOOKED_AT_MAX)})

    async def beginning_at(self, start: datetime) -> Listed:
        """Those that begin then, or soon after. Raises Unreached."""
        at = start.strftime("%Y-%m-%dT%H:%M:%SZ")
        return await self._listed({"afterStart": at, "sortStart": "asc", "take": "100"})

    async def _listed(self, query: Mapping[str, str]) -> Listed:
        rows = _rows(await self._asked(f"/v2/bookings?{urlencode(query)}", self._account.api_version))
        bookings = []
        for row in rows:
            try:
                bookings.append(booking_of(row))
            except Unreadable:
                continue
        return Listed(tuple(bookings), tuple(flaw for row in rows for flaw in flaws_of(row)), len(rows))

    async def _asked(self, target: str, version: str) -> WireAnswer:
        headers = {"cal-api-version": version, "Accept": "application/json", "User-Agent": "einmal"}
        if self._account.api_key is not None:
            headers["Authorization"] = f"Bearer {self._account.api_key}"
        deadline = self._clock.monotonic() + ANSWER_SECONDS
        try:
            answer = await self._transport.send(WireRequest("GET", target, headers, b"", deadline, deadline))
        except (NeverSent, MaybeSent) as failure:
            raise Unreached(f"Cal.com cannot be reached ({failure.args[0]})") from failure
        if answer.status in {401, 403}:
            raise KeyRefused(f"Cal.com refuses the API key ({answer.status}); check EINMAL_CALCOM_API_KEY")
        if answer.status not in {200, 404}:
            raise Unreached(f"Cal.com answered {answer.status}")
        return answer


def flaws_of_answer(body: bytes) -> tuple[str, ...]:
    """Of the answer to a POST that made a booking."""
    try:
        answer = json_object(body)
    except Unreadable:
        return ("no JSON object",)
    envelope = () if answer.get("status") == "success" else ("status is not 'success'",)
    return (*envelope, *flaws_of(answer.get("data")))


def flaws_of(data: object) -> tuple[str, ...]:
    """What of a booking's shape is not as pinned, field by field; never a value, which may be somebody's name."""
    if not isinstance(data, Mapping):
        return ("a booking is no object",)
    event_type = data.get("eventType")
    number = event_type.get("id") if isinstance(event_type, Mapping) else data.get("eventTypeId")
    as_pinned = {
        "uid": isinstance(data.get("uid"), str) and bool(data["uid"]),
        "status": data.get("status") in _STATUSES if isinstance(data.get("status"), str) else False,
        "start": _is_instant(data.get("start")),
        "createdAt": _is_instant(data.get("createdAt")),
        "updatedAt": _is_instant(data.get("updatedAt")),
        "eventType.id": isinstance(number, int) and not isinstance(number, bool),
        "attendees": _are_attendees(data.get("attendees")),
        # On shared bookings it is each seat's.
        "metadata": isinstance(data.get("metadata"), Mapping) or _seated(data.get("attendees")),
    }
    return tuple(name for name, is_so in as_pinned.items() if not is_so)


def _rows(answer: WireAnswer) -> list[Any]:
    try:
        rows = json_object(answer.body).get("data")
    except Unreadable:
        rows = None
    if not isinstance(rows, list):
        raise Unreached("Cal.com's answer cannot be read; does EINMAL_CALCOM_BASE_URL lead to its API?")
    return rows


def _event_type(row: object) -> EventType | None:
    if not isinstance(row, Mapping):
        return None
    number, title, slug, minutes = (row.get(name) for name in ("id", "title", "slug", "lengthInMinutes"))
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(minutes, int):
        return None
    seats = row.get("seats")
    shared = isinstance(seats, Mapping) and not seats.get("disabled")
    return EventType(number, _printable(title), _printable(slug), minutes, shared or bool(row.get("seatsPerTimeSlot")))


def _printable(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() else ""


def _is_instant(value: object) -> bool:
    return isinstance(value, str) and _INSTANT.fullmatch(value) is not None


def _are_attendees(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, Mapping) and isinstance(one.get("email"), str) for one in value
    )


def _seated(attendees: object) -> bool:
    return isinstance(attendees, list) and any(isinstance(one, Mapping) and "seatUid" in one for one in attendees)
