"""The calendar as a client of Cal.com's own API reaches it through the guard: its body, its key, its version.

Looking, reading and cancelling are the tenant's own; only the one POST of a booking is the client's. What Cal.com
answered is kept until the client has its answer, so that it can have it word for word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from einmal.adapters.calcom.answers import Reading, read_answer
from einmal.adapters.calcom.calendar import Account, CalcomCalendar
from einmal.adapters.calcom.client_request import Asked
from einmal.adapters.calcom.transport import Transport, WireAnswer, WireRequest
from einmal.domain.answer import Answer, AnswerKind
from einmal.ports import BookingRequest, ChangeAnswer, Clock

PASSED_ON: Final = ("authorization", "cal-api-version", "x-cal-client-id", "x-cal-secret-key", "user-agent", "accept")
"""Of the client's headers, those that Cal.com decides by."""


@dataclass(slots=True)
class Passage:
    """One client's request on its way. `answer` is Cal.com's, where one came."""

    asked: Asked
    headers: Mapping[str, str]
    answer: WireAnswer | None = None


@dataclass(frozen=True, slots=True)
class Passages:
    """Those that are under way in this process, by the key of their wish."""

    _by_key: dict[str, Passage] = field(default_factory=dict)
    reasons: dict[str, str | None] = field(default_factory=dict)
    """Why a client cancels or moves, by the booking's uid."""

    def begin(self, key: str, passage: Passage) -> None:
        """Let this one's POST be sent as its client wrote it. Of several with one wish the first one's is sent."""
        self._by_key.setdefault(key, passage)

    def end(self, key: str, passage: Passage) -> None:
        if self._by_key.get(key) is passage:
            del self._by_key[key]

    def of(self, key: str) -> Passage | None:
        return self._by_key.get(key)


class PassingCalendar(CalcomCalendar):
    def __init__(self, transport: Transport, account: Account, clock: Clock, passages: Passages) -> None:
        super().__init__(transport, account, clock)
        self._passages = passages

    async def create(self, request: BookingRequest) -> Answer:
        passage = self._passages.of(request.intent.key.value)
        if passage is None:
            # Its client has gone, and with it what was to be sent. Another body would be another booking.
            return Answer(AnswerKind.NOT_SENT, detail="client_gone")

        def read(answer: WireAnswer) -> Reading:
            passage.answer = answer
            return read_answer(answer)

        headers = {
            **{name: value for name, value in passage.headers.items() if name in PASSED_ON},
            "content-type": "application/json",
            "idempotency-key": request.idempotency_key,
        }
        body = passage.asked.marked(request.intent.operation_id)
        wire = WireRequest("POST", "/v2/bookings", headers, body, request.deadline, request.deadline)
        return await self._post(wire, read)

    async def cancel(self, uid: str, reason: str, deadline: float) -> ChangeAnswer:
        return await super().cancel(uid, self._passages.reasons.get(uid) or reason, deadline)

    async def move(self, uid: str, start: datetime, reason: str, deadline: float) -> Answer:
        return await super().move(uid, start, self._passages.reasons.get(uid) or reason, deadline)
