"""Delivery: what is in the outbox is sent at least once, each channel by itself, until it arrives or is given up."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from einmal.domain.callback import Callback
from einmal.domain.facts import Alarm
from einmal.ports import Clock, Courier, Ids, Message, Observer, Outbox, StoredReply

PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600))

GIVE_UP_AFTER: Final = timedelta(days=3)
"""News of a booking is no news by then. Giving up is an alarm, never silence."""

ALARM_AT_TRIES: Final = 4
"""A short outage of the receiver is nobody's business; this one has lasted minutes."""

LEASE: Final = timedelta(seconds=60)
"""Longer than one turn takes if nobody answers."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    outbox: Outbox
    couriers: Mapping[str, Courier]
    clock: Clock
    ids: Ids
    observer: Observer

    async def turn(self, limit: int = 5) -> int:
        """Send what is due, at most `limit` messages; how many there were."""
        now = self.clock.now()
        messages = await self.outbox.claim_messages(now, now + LEASE, limit)
        # Side by side: what waits for a receiver that is silent keeps neither the others nor the worker waiting.
        ends = await asyncio.gather(*(self._one(message) for message in messages), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end
        return len(messages)

    async def _one(self, message: Message) -> None:
        courier = self.couriers.get(message.channel)
        try:
            why = "no_such_channel" if courier is None else await courier.send(message)
        except Exception as bug:  # noqa: BLE001 - one odd message must not keep the others from arriving
            why = type(bug).__name__
        now = self.clock.now()
        if why is None:
            await self.outbox.sent(message, now)
            return
        given_up = now - message.created_at >= GIVE_UP_AFTER
        if given_up or message.tries + 1 == ALARM_AT_TRIES:
            what = "notification_given_up" if given_up else "notification_failing"
            detail = f"{message.channel}: {why}"
            self.observer.observe((Alarm(now, what, _intent_id(message), detail),))
        pause = PAUSES[min(message.tries, len(PAUSES) - 1)] * (1 + 0.2 * self.ids.jitter())
        await self.outbox.not_sent(message, None if given_up else now + pause)


def _intent_id(message: Message) -> str | None:
    match message.about:
        case StoredReply(intent):
            return intent.intent_id
        case Callback():
            return None
