"""The simulator where the network would be: the Cal.com adapter's own bytes, without a socket."""

import asyncio

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.simulator.wire import SimulatedCalcom


class InProcessTransport:
    """Answers at once, or after `latency_seconds`. `posts` counts what would have gone out as a booking."""

    def __init__(self, calcom: SimulatedCalcom, latency_seconds: float = 0.0) -> None:
        self._calcom = calcom
        self._latency_seconds = latency_seconds
        self.posts = 0

    async def send(self, request: WireRequest) -> WireAnswer:
        if request.method == "POST" and request.target == "/v2/bookings":
            self.posts += 1
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._calcom.handle(request.method, request.target, headers, request.body)
        await asyncio.sleep(self._latency_seconds)
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        return WireAnswer(answer.status, lowered, answer.body, self._latency_seconds)

    async def close(self) -> None:
        return
