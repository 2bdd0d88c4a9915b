"""The Calendar port over Cal.com's API v2."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from einmal.adapters.calcom.answers import Reading, health, read_answer, read_change, read_move
from einmal.adapters.calcom.reservations import RESERVATIONS, read_release, read_reservation, reservation_body
from einmal.adapters.calcom.seats import holds_seat
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, Transport, WireAnswer, WireRequest
from einmal.adapters.calcom.wire import Unreadable, booking_body, booking_of, http_date, json_object
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.gate import Heard
from einmal.domain.intent import Intent
from einmal.domain.model import Booking, Offer, Service
from einmal.ports import Blind, BookingRequest, ChangeAnswer, ChangeKind, Clock, ListedBy, Page, Seen

SLOTS_VERSION: Final = "2024-09-04"
PAGE: Final = 100
"""More than ever begin at one moment, those cancelled before included."""

CHANGES_PAGE: Final = 50
"""Fifty classes with all their attendees stay far below the largest answer that is read."""


_LISTED: Final = {
    ListedBy.CHANGE: ("afterUpdatedAt", "sortUpdatedAt"),
    ListedBy.START: ("afterStart", "sortStart"),
}


@dataclass(frozen=True, slots=True)
class Account:
    """How to speak to one Cal.com account. `time_zone` and `language` are what attendees are told in."""

    api_key: str | None
    api_version: str
    time_zone: str
    language: str

    def __repr__(self) -> str:
        return f"Account(api_version={self.api_version!r})"  # never the key


class CalcomCalendar:
    """One POST per create, sent once. What comes back is read, never trusted."""

    def __init__(self, transport: Transport, account: Account, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._account = account

    async def create(self, request: BookingRequest) -> Answer:
        account = self._account
        headers = self._headers(account.api_version) | {
            "Content-Type": "application/json",
            # Cal.com ignores it today (recorded). Nothing here relies on it.
            "Idempotency-Key": request.idempotency_key,
        }
        body = booking_body(request.intent, account.time_zone, account.language)
        wire = WireRequest("POST", "/v2/bookings", headers, body, request.deadline, request.deadline)
        return await self._post(wire, read_answer)

    async def _post(self, wire: WireRequest, read: Callable[[WireAnswer], Reading]) -> Answer:
        """Sent once, whatever comes of it."""
        began = self._clock.monotonic()
        try:
            answer = await self._transport.send(wire)
        except NeverSent as failure:
            return Answer(AnswerKind.NOT_SENT, detail=failure.args[0], elapsed=self._since(began))
        except MaybeSent as failure:
            return Answer(AnswerKind.LOST, detail=failure.args[0], elapsed=self._since(began))
        kind, booking, word = read(answer)
        return Answer(
            kind,
            booking,
            answer.status,
            word,
            timedelta(seconds=answer.elapsed_seconds),
            http_date(answer.headers.get("date")),
        )

    async def find(self, intent: Intent, deadline: float) -> Seen | Blind:
        # By the start alone: the address that was sent may have been replaced (recorded), the event type deleted,
        # its length changed. Those that begin at the start come first.
        query = {"afterStart": _z(intent.wish.start), "sortStart": "asc", "take": str(PAGE)}
        answer = await self._get(f"/v2/bookings?{urlencode(query)}", self._account.api_version, deadline)
        if isinstance(answer, Blind):
            return answer
        if answer.status != 200:
            return _blind(answer)
        try:
            rows = json_object(answer.body).get("data")
            if not isinstance(rows, list):
                return Blind("no_list")
            bookings = tuple(_rows_read(rows, intent.wish.start))
            if self._is_shared(rows, intent):
                return Blind("seat")
            last = len(rows) < PAGE or _begins_elsewhere(rows[-1], intent.wish.start)
            return Seen(bookings, complete=last)
        except Unreadable as odd:
            return Blind(f"unreadable_{odd.args[0]}")

    def _is_shared(self, rows: Sequence[object], intent: Intent) -> bool:
        """Whether what was asked for stands as a seat in a booking of several: not ours alone, and not absent."""
        return holds_seat(rows, intent.operation_id)

    async def read(self, uid: str, deadline: float) -> Seen | Blind:
        answer = await self._get(f"/v2/bookings/{quote(uid, safe='')}", self._account.api_version, deadline)
        if isinstance(answer, Blind):
            return answer
        if answer.status == 404:
            return Seen(())
        if answer.status != 200:
            return _blind(answer)
        try:
            return Seen((booking_of(json_object(answer.body).get("data")),))
        except Unreadable as odd:
            return Blind(f"unreadable_{odd.args[0]}")

    async def changes(self, page: int, deadline: float) -> Page | Blind:
        query = {"sortUpdatedAt": "desc", "take": str(CHANGES_PAGE), "skip": str(page * CHANGES_PAGE)}
        return await self._page(query, CHANGES_PAGE, deadline)

    async def listed(self, by: ListedBy, since: datetime, skip: int, deadline: float) -> Page | Blind:
        name, order = _LISTED[by]
        # To the millisecond, inclusive (recorded): whoever goes on from the last row sees that one again.
        at = since.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        query = {name: at, order: "asc", "take": str(PAGE), "skip": str(skip)}
        return await self._page(query, PAGE, deadline)

    async def _page(self, query: Mapping[str, str], size: int, deadline: float) -> Page | Blind:
        answer = await self._get(f"/v2/bookings?{urlencode(query)}", self._account.api_version, deadline)
        if isinstance(answer, Blind):
            return answer
        if answer.status != 200:
            return _blind(answer)
        try:
            rows = json_object(answer.body).get("data")
        except Unreadable as odd:
            return Blind(f"unreadable_{odd.args[0]}")
        if not isinstance(rows, list):
            return Blind("no_list")
        bookings = []
        for row in rows:
            # One odd row of somebody's must not hide the others; it comes again with every page that holds it.
            with contextlib.suppress(Unreadable):
                bookings.append(booking_of(row))
        return Page(tuple(bookings), len(rows) - len(bookings), last=len(rows) < size)

    async def move(self, uid: str, start: datetime, reason: str, deadline: float) -> Answer:
        target = f"/v2/bookings/{quote(uid, safe='')}/reschedule"
        body = json.dumps({"start": _z(start), "reschedulingReason": reason}, ensure_ascii=False).encode()
        headers = self._headers(self._account.api_version) | {"Content-Type": "application/json"}
        return await self._post(WireRequest("POST", target, headers, body, deadline, deadline), read_move)

    async def cancel(self, uid: str, reason: str, deadline: float) -> ChangeAnswer:
        headers = self._headers(self._account.api_version) | {"Content-Type": "application/json"}
        # Always with a reason: a host's key is refused without one (recorded).
        body = json.dumps({"cancellationReason": reason}, ensure_ascii=False).encode()
        target = f"/v2/bookings/{quote(uid, safe='')}/cancel"
        return await self._cancelled(WireRequest("POST", target, headers, body, deadline, deadline), read_change)

    async def _cancelled(self, wire: WireRequest, read: Callable[[WireAnswer], tuple[ChangeKind, str]]) -> ChangeAnswer:
        """Sent once, whatever comes of it."""
        try:
            answer = await self._transport.send(wire)
        except NeverSent as failure:
            return ChangeAnswer(ChangeKind.NOT_ASKED, str(failure.args[0]), _silence(failure))
        except MaybeSent as failure:
            return ChangeAnswer(ChangeKind.MAYBE, str(failure.args[0]), _silence(failure))
        kind, word = read(answer)
        return ChangeAnswer(kind, word, health(answer.status, answer.body))

    async def slots(
        self, service: Service, start: datetime, end: datetime, deadline: float
    ) -> tuple[Offer, ...] | Blind:
        query = {
            "eventTypeId": str(service.event_type_id),
            "start": _z(start),
            "end": _z(end),
            "timeZone": "UTC",
        }
        answer = await self._get(f"/v2/slots?{urlencode(query)}", SLOTS_VERSION, deadline)
        if isinstance(answer, Blind):
            return answer
        if answer.status != 200:
            return _blind(answer)
        try:
            days = json_object(answer.body).get("data")
        except Unreadable as odd:
            return Blind(f"unreadable_{odd.args[0]}")
        starts = sorted(_starts(days))
        return tuple(Offer(at, service.service_id) for at in starts if start <= at < end)

    async def reserve(self, service: Service, start: datetime, minutes: int, deadline: float) -> str | Blind:
        keyed = None if self._account.api_key is None else minutes
        headers = self._headers(SLOTS_VERSION) | {"Content-Type": "application/json"}
        body = reservation_body(service.event_type_id, _z(start), keyed)
        answer = await self._ask(WireRequest("POST", RESERVATIONS, headers, body, deadline, deadline))
        return answer if isinstance(answer, Blind) else read_reservation(answer)

    async def release(self, reservation_uid: str, deadline: float) -> Blind | None:
        target = f"{RESERVATIONS}/{quote(reservation_uid, safe='')}"
        request = WireRequest("DELETE", target, self._headers(SLOTS_VERSION), b"", deadline, deadline)
        answer = await self._ask(request)
        return answer if isinstance(answer, Blind) else read_release(answer)

    async def _get(self, target: str, version: str, deadline: float) -> WireAnswer | Blind:
        return await self._ask(WireRequest("GET", target, self._headers(version), b"", deadline, deadline))

    async def _ask(self, request: WireRequest) -> WireAnswer | Blind:
        """For what changes no booking."""
        try:
            return await self._transport.send(request)
        except (NeverSent, MaybeSent) as failure:
            return Blind(str(failure.args[0]), _silence(failure))

    def _since(self, began: float) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - began)

    def _headers(self, version: str) -> dict[str, str]:
        headers = {"cal-api-version": version, "Accept": "application/json", "User-Agent": "einmal"}
        if self._account.api_key is not None:
            headers["Authorization"] = f"Bearer {self._account.api_key}"
        return headers


def _rows_read(rows: list[object], start: datetime) -> Iterator[Booking]:
    """The bookings. Raises Unreadable for an odd row that could be the one looked for: that is blind, not absent."""
    for row in rows:
        try:
            yield booking_of(row)
        except Unreadable:
            if not _begins_elsewhere(row, start):
                raise


def _begins_elsewhere(row: object, start: datetime) -> bool:
    """Whether the row surely is of another start, whatever else it is."""
    text = row.get("start") if isinstance(row, Mapping) else None
    try:
        return isinstance(text, str) and _SLOT.fullmatch(text) is not None and datetime.fromisoformat(text) != start
    except (ValueError, OverflowError):
        return False


def _blind(answer: WireAnswer) -> Blind:
    return Blind(f"http_{answer.status}", health(answer.status, answer.body))


def _silence(failure: NeverSent | MaybeSent) -> Heard | None:
    # Our own deadline, passed before a byte left, says nothing of the calendar.
    return None if isinstance(failure, NeverSent) and failure.args[0] == "deadline" else Heard.FAILED


def _z(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_SLOT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def _starts(days: object) -> list[datetime]:
    """Slot starts as instants. A slot that cannot be read is not offered: this look is advisory."""
    if not isinstance(days, Mapping):
        return []
    rows = [row for slots in days.values() if isinstance(slots, list) for row in slots]
    texts = [row.get("start") for row in rows if isinstance(row, Mapping)]
    starts = []
    for text in texts:
        if isinstance(text, str) and _SLOT.fullmatch(text):
            with contextlib.suppress(ValueError, OverflowError):
                starts.append(datetime.fromisoformat(text).astimezone(UTC))
    return starts
