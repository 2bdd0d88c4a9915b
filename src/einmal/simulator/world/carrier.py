"""The carrier of Cal.com's webhooks: in order, in any order, or badly; and now and then somebody forges one.

As recorded, each goes out once, before the answer of the call that caused it, and of a cancel before its row is
written; what the receiver answers does not matter. What is lost, doubled or late is drawn from the seed.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from einmal.adapters.calcom.webhooks import UNSIGNED, sign
from einmal.domain.invariants import Violation
from einmal.domain.model import MetadataKey
from einmal.simulator.asgi import HttpAnswer
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.webhooks import Delivery

PATH: Final = "/api/webhooks/calcom"
SECRET: Final = "whsec-of-the-salon"  # noqa: S105 - of a simulated world
HEADER: Final = "X-Cal-Signature-256"

NOT_LATE_SECONDS: Final = 5.0
ANSWERED_SECONDS: Final = 0.15
"""Less than an answer of the simulated Cal.com takes: who asked for a change hears of it after the webhook."""


class Post(StrEnum):
    """How webhooks arrive in a world."""

    NONE = "none"
    """Nobody has subscribed."""
    IN_ORDER = "in order"
    ALL = "all"
    """Doubled, late and in any order, and none is lost."""
    BADLY = "badly"


POSTS: Final = (Post.NONE, Post.IN_ORDER, Post.ALL, Post.ALL, Post.BADLY, Post.BADLY, Post.BADLY)

Bring = Callable[[bytes, Mapping[str, str]], Awaitable[HttpAnswer | None]]
"""To one of the gateways; None where it died meanwhile."""


@dataclass(slots=True)
class Carrier:
    post: Post
    calcom: FaultyCalcom
    bring: Bring
    chance: random.Random
    seen: set[str]
    posting: AbstractSet[str]
    """Operation ids of the POSTs that are not answered yet."""
    late_seconds_max: float = field(init=False)
    lost: set[str] = field(default_factory=set)
    """Uids of which the gateway was not told something."""
    wrong: list[Violation] = field(default_factory=list)
    _under_way: "set[asyncio.Task[None]]" = field(default_factory=set)
    _in_line: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.late_seconds_max = self.chance.choice((60, 600, 600, 3600))
        if self.post is not Post.NONE:
            self.calcom.subscribe(f"http://gateway.test{PATH}", SECRET)

    def fetch(self, patience: float = ANSWERED_SECONDS) -> None:
        """Set out with what waits. Whoever caused it waits so long at most, and the row of a cancel with them."""
        for delivery in self.calcom.take_deliveries():
            writing = ExitStack()
            writing.enter_context(self.calcom.calendar.before_written((delivery,)))
            self._begin(self._carried(delivery, writing, patience))

    async def arrived(self) -> None:
        """Until nothing is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def stop(self) -> None:
        """What is under way is lost."""
        for task in self._under_way:
            task.cancel()

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carried(self, delivery: Delivery, writing: ExitStack, patience: float) -> None:
        at = self.calcom.calendar.now()
        times, delay = self._weather()
        if not times:
            self.seen.add("webhook lost")
            self._lose(delivery)
        if delay > patience or not times:
            # Nobody waits for it: Cal.com goes on, and writes.
            writing.close()
        with writing:
            if self.post is Post.IN_ORDER:
                async with self._in_line:
                    await asyncio.sleep(delay)
                    arrived = await self._told(delivery, at)
            else:
                arrived = not times
                for _ in range(times):
                    await asyncio.sleep(delay)
                    arrived = await self._told(delivery, at) or arrived
                    delay = self.chance.random() * self.chance.choice((1.0, 60.0))
            if not arrived:
                self._lose(delivery)
            # A receiver may keep Cal.com waiting.
            await asyncio.sleep(self.chance.random() * max(0.0, patience - ANSWERED_SECONDS))

    def _weather(self) -> tuple[int, float]:
        """How often it arrives, and how late."""
        prompt = self.chance.random() * ANSWERED_SECONDS
        if self.post is Post.IN_ORDER:
            return 1, prompt / 4
        fate = self.chance.random()
        if fate < 0.15 and self.post is Post.BADLY:
            return 0, 0.0
        times = 2 if fate > 0.85 else 1
        late = self.chance.random()
        if late > 0.7:
            return times, self.chance.random() * self.late_seconds_max
        return times, prompt if late > 0.15 else self.chance.random() * NOT_LATE_SECONDS

    async def _told(self, delivery: Delivery, at: datetime) -> bool:
        """Whether it was acknowledged. Where none is lost, something between the two repeats it until it is."""
        answer = await self.bring(delivery.body, delivery.headers)
        while (answer is None or answer.status >= 500) and self.post is not Post.BADLY:
            await asyncio.sleep(self.chance.random() * NOT_LATE_SECONDS)
            answer = await self.bring(delivery.body, delivery.headers)
        if answer is None or answer.status != 200:
            if answer is not None and answer.status < 500:
                self.wrong.append(Violation("webhook", f"a signed one was answered {answer.status}"))
            return False
        booking = self.calcom.calendar.get(delivery.uid)
        if booking is not None:
            if booking.metadata.get(MetadataKey.OPERATION_ID) in self.posting:
                self.seen.add("webhook before its answer")
            if booking.updated_at > at:
                self.seen.add("webhook of old news")
        return True

    def _lose(self, delivery: Delivery) -> None:
        """Of a move, what it was moved from as well."""
        booking = self.calcom.calendar.get(delivery.uid)
        before = None if booking is None else booking.rescheduled_from
        self.lost |= {delivery.uid, *(() if before is None else (before,))}

    async def forge(self) -> None:
        """Somebody who knows a uid says what is not so; now and then, who knows the secret too."""
        for _ in range(self.chance.randrange(6)):
            await asyncio.sleep(self.chance.random() * 400)
            bookings = self.calcom.calendar.bookings
            if not bookings:
                continue
            told = _lie(self.chance.choice(bookings).uid, self.chance)
            if self.chance.random() < 0.5:
                # Taken, if there is a secret, and believed in nothing.
                await self.bring(told, {HEADER: sign(told, SECRET)})
                self.seen.add("webhook that lies")
                continue
            wrong = self.chance.choice((UNSIGNED, sign(told, "whsec-of-another"), sign(told + b" ", SECRET), None))
            answer = await self.bring(told, {} if wrong is None else {HEADER: wrong})
            if answer is not None and answer.status == 401:
                self.seen.add("forged webhook refused")
            elif answer is not None:
                self.wrong.append(Violation("webhook", f"a forged one was answered {answer.status}"))


_LIES: Final = ("BOOKING_CANCELLED", "BOOKING_CANCELLED", "BOOKING_REJECTED", "BOOKING_CREATED", "BOOKING_RESCHEDULED")


def _lie(uid: str, chance: random.Random) -> bytes:
    payload = {"uid": uid, "startTime": "2026-12-24T06:00:00Z", "endTime": "2026-12-24T06:30:00Z", "status": "ACCEPTED"}
    at = f"2026-11-23T09:{chance.randrange(60):02}:00.000Z"
    return json.dumps({"triggerEvent": chance.choice(_LIES), "createdAt": at, "payload": payload}).encode()
