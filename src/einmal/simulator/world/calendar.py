"""A calendar for the simulated world: the Calendar port itself, without HTTP, with faults drawn from a seed.

What it knows of Cal.com is what hurts: it commits and does not answer, answers and has not committed, commits late,
shows old states, calls our own booking a conflict, and gives other people's bookings as success. It keeps the truth
for the auditor: every life, every request, and for each POST what was meant to become of it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.gate import Heard
from einmal.domain.intent import Intent
from einmal.domain.invariants import By, Life, Request, RequestKind
from einmal.domain.model import Booking, BookingStatus, MetadataKey, Offer, Service
from einmal.ports import Blind, BookingRequest, ChangeAnswer, ChangeKind, ListedBy, Page, Seen
from einmal.simulator.virtual import VirtualClock
from einmal.simulator.world.kept import Kept, life_of
from einmal.simulator.world.weather import CALM, Fate, LookFate, Weather

F = TypeVar("F", Fate, LookFate)


_WITHOUT_COMMIT: Final = {
    Fate.NOT_CONNECTED: Answer(AnswerKind.NOT_SENT, detail="connect"),
    Fate.THROTTLED: Answer(AnswerKind.THROTTLED, http_status=429, detail="throttled"),
    Fate.REQUEST_LOST: Answer(AnswerKind.LOST, detail="reset"),
    Fate.ERROR_BEFORE: Answer(AnswerKind.LOST, http_status=502, detail="http_502"),
    Fate.CONFLICT: Answer(AnswerKind.CONFLICT, http_status=409, detail="conflict"),
    Fate.LATE: Answer(AnswerKind.LOST, detail="timeout"),
}

_UNHEARD: Final = {
    Fate.ANSWER_LOST: Answer(AnswerKind.LOST, detail="reset"),
    Fate.ERROR_AFTER: Answer(AnswerKind.LOST, http_status=500, detail="http_500"),
}


@dataclass(slots=True)
class WorldCalendar:
    """`hosts`: how many may be booked at one time. `on_request`: bookings wait for their host."""

    clock: VirtualClock
    random: random.Random
    weather: Weather
    hosts: int = 1
    on_request: bool = False
    holds_sent: Callable[[str], bool] = lambda _: True
    requests: list[Request] = field(default_factory=list)
    fates: dict[str, list[Fate]] = field(default_factory=dict)
    cancels_lost: set[str] = field(default_factory=set)
    """Bookings that somebody asked to cancel, and the request was lost."""
    counting: bool = True
    disturbed: int = 0
    calls: int = 0
    _kept: list[Kept] = field(default_factory=list)
    _at: dict[datetime, list[Kept]] = field(default_factory=dict)
    _late: list[tuple[datetime, Intent]] = field(default_factory=list)

    def settle_down(self) -> None:
        """No more faults from now on, and no more counting of them."""
        self.weather = CALM
        self.counting = False

    def lives(self) -> list[Life]:
        """The truth, as the auditor reads it."""
        self._arrive()
        return [life_of(kept) for kept in self._kept]

    async def create(self, request: BookingRequest) -> Answer:
        intent = request.intent
        fate = self._draw(self.weather.fates)
        began = self.clock.monotonic()
        if began >= request.deadline:
            return Answer(AnswerKind.NOT_SENT, detail="deadline")
        processed = fate not in {Fate.NOT_CONNECTED, Fate.THROTTLED, Fate.REQUEST_LOST, Fate.ERROR_BEFORE}
        stored = self.holds_sent(intent.operation_id)
        self.requests.append(Request(began, RequestKind.POST, intent.operation_id, processed, stored))
        self.fates.setdefault(intent.operation_id, []).append(fate)
        await self._wait(0.05 + self.random.random() * 0.7)
        left = request.deadline - self.clock.monotonic()
        answer = self._answer(fate, intent)
        if fate in {Fate.REQUEST_LOST, Fate.ANSWER_LOST, Fate.LATE}:
            await self._wait(left if self.random.random() < 0.3 else min(left, self.random.random()))
        elif fate is Fate.PAUSED:
            await self._wait(20 + self.random.random() * 60)
        elif fate is Fate.SLOW:
            slow = self.random.random() * 14
            await self._wait(min(slow, left))
            if slow >= left:
                return Answer(AnswerKind.LOST, detail="timeout")
        return replace(answer, elapsed=timedelta(seconds=self.clock.monotonic() - began))

    def _answer(self, fate: Fate, intent: Intent) -> Answer:
        if fate is Fate.LATE:
            after = timedelta(seconds=self.random.random() * self.weather.late_seconds_max)
            self._late.append((self.clock.true_now() + after, intent))
        if fate in _WITHOUT_COMMIT:
            return _WITHOUT_COMMIT[fate]
        if fate is Fate.FOREIGN:
            other = self._somebodys()
            if other is not None:
                return Answer(AnswerKind.BOOKING, other, 201)
        booking = self._commit(intent)
        if fate is Fate.TWICE:
            booking = self._commit(intent)
        if fate in _UNHEARD:
            return _UNHEARD[fate]
        if booking is None:
            return Answer(AnswerKind.CONFLICT, http_status=400, detail="not_available")
        return Answer(AnswerKind.BOOKING, replace(booking, metadata={}) if fate is Fate.NO_METADATA else booking, 201)

    async def find(self, intent: Intent, deadline: float) -> Seen | Blind:
        fate = await self._look(RequestKind.LOOK, intent.operation_id, deadline)
        if isinstance(fate, Blind):
            return fate
        found = self._at.get(intent.wish.start, []) if fate is not LookFate.ODD else []
        return Seen(tuple(self._seen(found, fate)), complete=fate is not LookFate.ODD)

    async def read(self, uid: str, deadline: float) -> Seen | Blind:
        fate = await self._look(RequestKind.OTHER, None, deadline)
        if isinstance(fate, Blind):
            return fate
        return Seen(tuple(self._seen([kept for kept in self._kept if kept.booking.uid == uid], fate)))

    async def changes(self, page: int, deadline: float) -> Page | Blind:
        fate = await self._look(RequestKind.PAGE, None, deadline)
        if isinstance(fate, Blind):
            return fate
        seen = self._seen(self._kept, fate)
        seen.sort(key=lambda booking: booking.updated_at or booking.start, reverse=True)
        size = 50
        rows = seen[page * size : (page + 1) * size]
        return Page(tuple(rows), 0, last=len(rows) < size)

    async def listed(self, by: ListedBy, since: datetime, skip: int, deadline: float) -> Page | Blind:
        fate = await self._look(RequestKind.PAGE, None, deadline)
        if isinstance(fate, Blind):
            return fate
        seen = self._seen(self._kept, fate)
        dated = [((one.updated_at or one.start) if by is ListedBy.CHANGE else one.start, one) for one in seen]
        rows = [one for at, one in sorted(dated, key=lambda pair: pair[0]) if at >= since][skip : skip + 50]
        return Page(tuple(rows), 0, last=len(rows) < 50)

    async def slots(
        self,
        service: Service,
        start: datetime,
        end: datetime,
        deadline: float,  # noqa: ARG002 - the port's
    ) -> tuple[Offer, ...] | Blind:
        self.requests.append(Request(self.clock.monotonic(), RequestKind.OTHER, None))
        await self._wait(0.05)
        return (Offer(start + timedelta(hours=1), service.service_id),) if start + timedelta(hours=1) < end else ()

    async def reserve(self, service: Service, start: datetime, minutes: int, deadline: float) -> str | Blind:  # noqa: ARG002 - the port's
        self.requests.append(Request(self.clock.monotonic(), RequestKind.OTHER, None))
        await self._wait(0.05)
        return f"reservation of {service.service_id} at {start.isoformat()}"

    async def release(self, reservation_uid: str, deadline: float) -> Blind | None:  # noqa: ARG002 - the port's
        self.requests.append(Request(self.clock.monotonic(), RequestKind.OTHER, None))
        await self._wait(0.05)
        return None

    async def move(self, uid: str, start: datetime, reason: str, deadline: float) -> Answer:  # noqa: ARG002 - the port's
        """Nobody moves anything in this world: what changes go through is the whole application's (`app`)."""
        self.requests.append(Request(self.clock.monotonic(), RequestKind.OTHER, uid))
        return Answer(AnswerKind.REFUSED, http_status=400, detail="validation")

    async def cancel(self, uid: str, reason: str, deadline: float) -> ChangeAnswer:  # noqa: ARG002 - the port's
        fate = self._draw(self.weather.looks)
        self.requests.append(Request(self.clock.monotonic(), RequestKind.CANCEL, uid))
        await self._wait(0.05 + self.random.random() * 0.5)
        if fate is LookFate.BLIND:
            self.cancels_lost.add(uid)
            return ChangeAnswer(ChangeKind.MAYBE, "reset", Heard.FAILED)
        kept = next((kept for kept in self._kept if kept.booking.uid == uid), None)
        if kept is None:
            return ChangeAnswer(ChangeKind.UNKNOWN, "not_found")
        if not kept.booking.status.live:
            return ChangeAnswer(ChangeKind.ENDED_BEFORE, "ended_before")
        self._end(kept, By.US)
        if fate is LookFate.ERROR:
            return ChangeAnswer(ChangeKind.MAYBE, "http_500", Heard.FAILED)
        return ChangeAnswer(ChangeKind.DONE)

    # What people do in the calendar.

    def live(self) -> list[Booking]:
        self._arrive()
        return [kept.booking for kept in self._kept if kept.booking.status.live]

    def cancelled_by_hand(self, uid: str) -> None:
        self._end(next(kept for kept in self._kept if kept.booking.uid == uid), By.OTHERS)

    def accepted(self, uid: str) -> None:
        kept = next(kept for kept in self._kept if kept.booking.uid == uid)
        if kept.booking.status is BookingStatus.PENDING:
            kept.becomes(BookingStatus.ACCEPTED, self.clock.true_now())

    def booked_by_hand(self, start: datetime, event_type_id: int) -> None:
        """A booking of somebody else's, with another gateway's id in it, or none."""
        if self._free(start) is not None:
            metadata = {MetadataKey.OPERATION_ID.value: "z" * 32} if self.random.random() < 0.5 else {}
            self._keep(start, timedelta(minutes=30), event_type_id, metadata, "guest@example.test", By.OTHERS)

    def _draw(self, chances: dict[F, float]) -> F:
        self.calls += self.counting
        at = self.random.random()
        fate, *_ = chances
        for fate, chance in chances.items():  # noqa: B007 - the last one that was come to
            at -= chance
            if at < 0:
                break
        self.disturbed += fate.value != "good"
        return fate

    async def _look(self, kind: RequestKind, about: str | None, deadline: float) -> "LookFate | Blind":
        if self.clock.monotonic() >= deadline:
            return Blind("deadline", None)
        fate = self._draw(self.weather.looks)
        self.requests.append(Request(self.clock.monotonic(), kind, about))
        await self._wait(0.05 + self.random.random() * 0.4)
        self._arrive()
        if fate is LookFate.BLIND:
            return Blind("timeout", Heard.FAILED)
        return Blind("http_503", Heard.FAILED) if fate is LookFate.ERROR else fate

    def _seen(self, found: list[Kept], fate: LookFate) -> list[Booking]:
        now = self.clock.true_now()
        if fate is not LookFate.LAGS:
            return [kept.booking for kept in found]
        now -= timedelta(seconds=self.random.random() * self.weather.lag_seconds_max)
        return [booking for kept in found if (booking := kept.as_it_was(now)) is not None]

    async def _wait(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    def _arrive(self) -> None:
        """Requests that were under way for longer than anybody waited."""
        now = self.clock.true_now()
        for due, intent in [late for late in self._late if late[0] <= now]:
            self._late.remove((due, intent))
            self._commit(intent, due)

    def _commit(self, intent: Intent, at: datetime | None = None) -> Booking | None:
        wish = intent.wish
        same = self._same(intent) if self.hosts > 1 or self.on_request else None
        if same is not None:
            return same
        if self._free(wish.start) is None:
            return None
        metadata = {MetadataKey.OPERATION_ID.value: intent.operation_id}
        if wish.conversation_id is not None:
            metadata[MetadataKey.CALL_ID.value] = wish.conversation_id
        service = wish.service
        return self._keep(
            wish.start, service.duration, service.event_type_id, metadata, intent.attendee_email, By.US, at
        )

    def _same(self, intent: Intent) -> Booking | None:
        """The incident's shortcut: success with what stands already under this start and address, unmarked."""
        wanted = BookingStatus.PENDING if self.on_request else BookingStatus.ACCEPTED
        for kept in self._at.get(intent.wish.start, ()):
            if intent.attendee_email in kept.booking.attendee_emails and kept.booking.status is wanted:
                return kept.booking
        return None

    def _keep(
        self,
        start: datetime,
        duration: timedelta,
        event_type_id: int,
        metadata: dict[str, str],
        email: str,
        by: By,
        at: datetime | None = None,
    ) -> Booking:
        now = at or self.clock.true_now()
        status = BookingStatus.PENDING if self.on_request and by is By.US else BookingStatus.ACCEPTED
        booking = Booking(
            uid=f"uid{len(self._kept)}",
            status=status,
            start=start,
            end=start + duration,
            event_type_id=event_type_id,
            created_at=now,
            updated_at=now,
            metadata=metadata,
            attendee_emails=(email,),
            host_name="Anna",
        )
        kept = Kept(booking, [(now, status)], self._free(start) or 0, by)
        self._kept.append(kept)
        self._at.setdefault(start, []).append(kept)
        return booking

    def _free(self, start: datetime) -> int | None:
        """A host who is free, None if there is none. What is pending stops nobody, as in the real one.

        Everything here lasts as long as the grid is wide, so only what begins together is in each other's way.
        """
        begins = self._at.get(start, ())
        busy = {kept.host for kept in begins if kept.booking.status is BookingStatus.ACCEPTED}
        return next((host for host in range(self.hosts) if host not in busy), None)

    def _somebodys(self) -> Booking | None:
        live = [kept.booking for kept in self._kept if kept.booking.status.live]
        return self.random.choice(live) if live else None

    def _end(self, kept: Kept, by: By) -> None:
        if kept.booking.status.live:
            kept.becomes(BookingStatus.CANCELLED, self.clock.true_now())
            kept.ended_by = by
