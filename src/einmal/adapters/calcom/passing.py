"""The calendar as a client of Cal.com's own API reaches it through the guard: its body, its key, its version.

Looking and reading are the tenant's own; what changes anything there is the client's request, word for word. What
Cal.com answered is kept until the client has its answer, so that it can have it word for word.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from einmal.adapters.calcom.answers import read_answer, read_change, read_move
from einmal.adapters.calcom.calendar import Account, CalcomCalendar
from einmal.adapters.calcom.client_request import Asked
from einmal.adapters.calcom.transport import Transport, WireAnswer, WireRequest
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.intent import Intent
from einmal.domain.keys import IntentKey
from einmal.domain.model import Person
from einmal.ports import BookingRequest, ChangeAnswer, ChangeKind, Clock

PASSED_ON: Final = ("authorization", "cal-api-version", "x-cal-client-id", "x-cal-secret-key", "user-agent", "accept")
"""Of the client's headers, those that Cal.com decides by."""

R = TypeVar("R")


@dataclass(slots=True)
class Passage:
    """One client's booking on its way. `answer` is Cal.com's, where one came to this very request."""

    asked: Asked
    person: Person
    headers: Mapping[str, str]
    answer: WireAnswer | None = None


@dataclass(slots=True)
class ChangePassage:
    """One client's change on its way, as Passage: a move to `start`, or a cancellation where that is None."""

    start: datetime | None
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    answer: WireAnswer | None = None


@dataclass(frozen=True, slots=True)
class Passages:
    """Those that are under way in this process: bookings by their wish and its key, changes by the booking's uid."""

    _by_wish: dict[str, list[Passage]] = field(default_factory=dict)
    _by_uid: dict[str, list[ChangePassage]] = field(default_factory=dict)

    def begin(self, key: IntentKey, passage: Passage) -> None:
        """Let this one's POST be sent as its client wrote it. Of several for one person the first one's is sent."""
        self._by_wish.setdefault(_wished(key), []).append(passage)

    def end(self, key: IntentKey, passage: Passage) -> None:
        _end(self._by_wish, _wished(key), passage)

    @property
    def under_way(self) -> int:
        """How many there are."""
        return sum(len(some) for some in self._by_wish.values()) + sum(len(some) for some in self._by_uid.values())

    def of(self, intent: Intent) -> Passage | None:
        """That of whoever the intent is for: under one e-mail there may be two people, and only one of them has it."""
        of_wish = self._by_wish.get(_wished(intent.key), [])
        return next((one for one in of_wish if one.person == intent.wish.person), None)

    def begin_change(self, uid: str, passage: ChangePassage) -> None:
        self._by_uid.setdefault(uid, []).append(passage)

    def end_change(self, uid: str, passage: ChangePassage) -> None:
        _end(self._by_uid, uid, passage)

    def change_of(self, uid: str, start: datetime | None) -> ChangePassage | None:
        """That of a move to this start, or of a cancellation where none is given."""
        return next((one for one in self._by_uid.get(uid, []) if one.start == start), None)


@dataclass(frozen=True, slots=True)
class CountedTransport:
    """Another one, that says of each request that it goes out."""

    inner: Transport
    count: Callable[[], None]

    async def send(self, request: WireRequest) -> WireAnswer:
        self.count()
        return await self.inner.send(request)

    async def close(self) -> None:
        await self.inner.close()


class PassingCalendar(CalcomCalendar):
    def __init__(self, transport: Transport, account: Account, clock: Clock, passages: Passages) -> None:
        super().__init__(transport, account, clock)
        self._passages = passages

    def _is_shared(self, rows: Sequence[object], intent: Intent) -> bool:  # noqa: ARG002 - the calendar's
        """Whoever asks through here is told of the seat itself, and waits for nothing."""
        return False

    async def create(self, request: BookingRequest) -> Answer:
        passage = self._passages.of(request.intent)
        if passage is None:
            # Its client has gone, and with it what was to be sent. Another body would be another booking.
            return Answer(AnswerKind.NOT_SENT, detail="client_gone")
        headers = _headers(passage) | {"idempotency-key": request.idempotency_key}
        body = passage.asked.marked(request.intent.operation_id)
        wire = WireRequest("POST", "/v2/bookings", headers, body, request.deadline, request.deadline)
        return await self._post(wire, _kept(passage, read_answer))

    async def cancel(self, uid: str, reason: str, deadline: float) -> ChangeAnswer:  # noqa: ARG002 - the client's own
        passage = self._passages.change_of(uid, None)
        if passage is None:
            return ChangeAnswer(ChangeKind.NOT_ASKED, "client_gone", None)
        return await self._cancelled(_change(passage, uid, "cancel", deadline), _kept(passage, read_change))

    async def move(self, uid: str, start: datetime, reason: str, deadline: float) -> Answer:  # noqa: ARG002 - as above
        passage = self._passages.change_of(uid, start)
        if passage is None:
            return Answer(AnswerKind.NOT_SENT, detail="client_gone")
        return await self._post(_change(passage, uid, "reschedule", deadline), _kept(passage, read_move))


T = TypeVar("T", Passage, ChangePassage)


def _wished(key: IntentKey) -> str:
    # A key that its client named may be on its way with two wishes at once, and only one of them is admitted.
    return f"{key.value} {key.fingerprint}"


def _end(under_way: dict[str, list[T]], key: str, passage: T) -> None:
    left = [one for one in under_way.pop(key, []) if one is not passage]
    if left:
        under_way[key] = left


def _kept(passage: Passage | ChangePassage, read: Callable[[WireAnswer], R]) -> Callable[[WireAnswer], R]:
    """Reads an answer, and keeps it for the client whose request it answers."""

    def keep(answer: WireAnswer) -> R:
        passage.answer = answer
        return read(answer)

    return keep


def _headers(passage: Passage | ChangePassage) -> dict[str, str]:
    passed = {name: value for name, value in passage.headers.items() if name in PASSED_ON}
    return passed | {"content-type": "application/json"}


def _change(passage: ChangePassage, uid: str, what: str, deadline: float) -> WireRequest:
    body = json.dumps(passage.body, ensure_ascii=False, separators=(",", ":")).encode()
    return WireRequest("POST", f"/v2/bookings/{uid}/{what}", _headers(passage), body, deadline, deadline)
