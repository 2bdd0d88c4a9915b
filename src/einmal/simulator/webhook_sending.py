"""Sends webhooks as Cal.com's direct mode does: each once, before the answer of the call that caused it.

What the receiver answers does not matter, nor that it is not there; a redirect is not followed. All that one change
causes goes out at once, and the slowest receiver is waited for: that long is how much slower the call becomes. Only
here is there an end to the waiting.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.rendering import utc_text
from einmal.simulator.webhooks import Delivery

SENT_MAX: Final = 200
"""How many are remembered."""

TIME_OUT_SECONDS: Final = 10.0

_AS_NODE_SENDS: Final = {"Accept": "*/*", "Accept-Language": "*", "Sec-Fetch-Mode": "cors", "User-Agent": "node"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One that went out, and how it ended: an HTTP status, or a word for none."""

    at: str
    trigger: str
    url: str
    uid: str
    status: int | None
    error: str | None

    @property
    def plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("at", "trigger", "url", "uid", "status", "error")}


class WebhookSender:
    """Sends, and remembers the last ones."""

    def __init__(self, calendar: SimulatedCalendar, time_out_seconds: float = TIME_OUT_SECONDS) -> None:
        """What they tell of happens in this calendar."""
        self._calendar = calendar
        self._time_out_seconds = time_out_seconds
        self.sent: deque[Sent] = deque(maxlen=SENT_MAX)
        """Newest last."""

    async def send(self, deliveries: Sequence[Delivery]) -> None:
        """All of them at once, until the last has ended. Readers find what is being called off as it was before."""
        with self._calendar.before_written(deliveries):
            await self._sent_to_all(deliveries)

    async def send_afterwards(self, delivery: Delivery) -> None:
        """One whose change was written long ago."""
        await self._sent_to_all((delivery,))

    async def _sent_to_all(self, deliveries: Sequence[Delivery]) -> None:
        time_out = aiohttp.ClientTimeout(total=self._time_out_seconds)
        async with aiohttp.ClientSession(timeout=time_out, cookie_jar=aiohttp.DummyCookieJar()) as session:
            await asyncio.gather(*(self._one(session, delivery) for delivery in deliveries))

    async def _one(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        status, error = None, None
        try:
            async with session.post(
                delivery.url, data=delivery.body, headers={**_AS_NODE_SENDS, **delivery.headers}, allow_redirects=False
            ) as response:
                status = response.status
        except TimeoutError:
            error = "timeout"
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            error = type(failure).__name__
        now = utc_text(self._calendar.now())
        self.sent.append(Sent(now, delivery.trigger.value, delivery.url, delivery.uid, status, error))
