"""The calendar behind its gate: what may not be asked now is not asked, and what comes back is noted.

A POST passes the gate when it is armed, in the ledger's own transaction; here only its answer is noted. A read
that the gate holds back is blindness, which never proves anything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.facts import Alarm, CalendarAsked, Operation
from einmal.domain.gate import Heard, Shut, ShutWhy, Use
from einmal.domain.intent import Intent
from einmal.domain.model import Offer, Service
from einmal.ports import (
    Blind,
    BookingRequest,
    Calendar,
    ChangeAnswer,
    ChangeKind,
    Clock,
    CommitUnknown,
    Gates,
    LedgerUnavailable,
    ListedBy,
    Observer,
    Page,
    Seen,
    Toll,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GatedCalendar:
    """The Calendar port over another one. `use` is what its look-ups are for: a caller's, or the background's."""

    inner: Calendar
    gates: Gates
    toll: Toll
    use: Use
    clock: Clock
    observer: Observer

    async def create(self, request: BookingRequest) -> Answer:
        began = self.clock.monotonic()
        answer = await self.inner.create(request)
        self._asked(Operation.CREATE, _code_of(answer), began)
        await self._note(Use.BOOK, _heard_of(answer))
        return answer

    async def find(self, intent: Intent, deadline: float) -> Seen | Blind:
        return await self._ask(self.use, Operation.FIND, lambda: self.inner.find(intent, deadline))

    async def read(self, uid: str, deadline: float) -> Seen | Blind:
        return await self._ask(self.use, Operation.READ, lambda: self.inner.read(uid, deadline))

    async def changes(self, page: int, deadline: float) -> Page | Blind:
        return await self._ask(self.use, Operation.LIST, lambda: self.inner.changes(page, deadline))

    async def listed(self, by: ListedBy, since: datetime, skip: int, deadline: float) -> Page | Blind:
        return await self._ask(self.use, Operation.LIST, lambda: self.inner.listed(by, since, skip, deadline))

    async def slots(
        self, service: Service, start: datetime, end: datetime, deadline: float
    ) -> tuple[Offer, ...] | Blind:
        return await self._ask(Use.OFFER, Operation.SLOTS, lambda: self.inner.slots(service, start, end, deadline))

    async def reserve(self, service: Service, start: datetime, minutes: int, deadline: float) -> str | Blind:
        return await self._ask(
            Use.OFFER, Operation.RESERVE, lambda: self.inner.reserve(service, start, minutes, deadline)
        )

    async def release(self, reservation_uid: str, deadline: float) -> Blind | None:
        return await self._ask(Use.BACKGROUND, Operation.RELEASE, lambda: self.inner.release(reservation_uid, deadline))

    async def move(self, uid: str, start: datetime, reason: str, deadline: float) -> Answer:
        shut = await self._shut(self._changing)
        if shut is not None:
            return Answer(AnswerKind.NOT_SENT, detail=shut.why.value)
        began = self.clock.monotonic()
        answer = await self.inner.move(uid, start, reason, deadline)
        self._asked(Operation.MOVE, _code_of(answer), began)
        await self._note(self._changing, _heard_of(answer))
        return answer

    async def cancel(self, uid: str, reason: str, deadline: float) -> ChangeAnswer:
        shut = await self._shut(self._changing)
        if shut is not None:
            return ChangeAnswer(ChangeKind.NOT_ASKED, shut.why.value, None)
        began = self.clock.monotonic()
        answer = await self.inner.cancel(uid, reason, deadline)
        self._asked(Operation.CANCEL, answer.kind.value, began)
        await self._note(self._changing, answer.heard)
        return answer

    @property
    def _changing(self) -> Use:
        """A change that somebody waits for is worth as much as a booking, and as little a probe."""
        return Use.BOOK if self.use is Use.LOOK else self.use

    async def _ask(self, use: Use, operation: Operation, ask: Callable[[], Awaitable[T | Blind]]) -> T | Blind:
        shut = await self._shut(use)
        if shut is not None:
            return Blind(shut.why.value, None)
        began = self.clock.monotonic()
        try:
            look = await ask()
        except asyncio.CancelledError:
            # Whoever asked has run out of time. It was asked all the same.
            self._asked(operation, "cancelled", began)
            raise
        self._asked(operation, look.code if isinstance(look, Blind) else "200", began)
        await self._note(use, look.heard if isinstance(look, Blind) else Heard.WELL)
        return look

    def _asked(self, operation: Operation, code: str, began: float) -> None:
        asked = CalendarAsked(self.clock.now(), operation, code, self.clock.monotonic() - began)
        self.observer.observe((asked,))

    async def _shut(self, use: Use) -> Shut | None:
        try:
            permit = await self.gates.enter(self.toll, use, self.clock.now())
        except (LedgerUnavailable, CommitUnknown):
            # Without the ledger nobody knows what was spent. A caller in doubt is worth one read too many; others wait.
            return None if use is Use.LOOK else Shut(ShutWhy.BUDGET, self.clock.now())
        return permit if isinstance(permit, Shut) else None

    async def _note(self, use: Use, how: Heard | None) -> None:
        if how is None:
            return
        now = self.clock.now()
        try:
            opened = await self.gates.heard(self.toll, use, how, now)
        except (LedgerUnavailable, CommitUnknown):
            return  # the breaker forgets one failure; whoever asked has the answer all the same
        if opened:
            self.observer.observe((Alarm(now, "breaker_open", None, use.value),))


def _code_of(answer: Answer) -> str:
    return "none" if answer.http_status is None else str(answer.http_status)


def _heard_of(answer: Answer) -> Heard | None:
    if answer.kind is AnswerKind.THROTTLED:
        return Heard.THROTTLED
    if answer.http_status is not None:
        return Heard.FAILED if answer.http_status >= 500 else Heard.WELL
    # Our own deadline, passed before a byte left, says nothing of the calendar.
    return None if answer.kind is AnswerKind.NOT_SENT and answer.detail == "deadline" else Heard.FAILED
