"""The simulator where the network would be: the Cal.com adapter's own bytes, without a socket.

What happened to a request is decided at once, by the simulator; here it is acted out as a network would, on the
clock that was handed in: an answer takes its time, a lost one ends in a reset, one that is too late in a
time-out, although the work is done. Late commits are done when they are due and somebody asks (the next request,
or `FaultyCalcom.tick`), as of the moment they were due.
"""

from typing import assert_never

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.adapters.system import SystemClock
from einmal.ports import Clock
from einmal.simulator.faulty import Delivered, FaultyCalcom, LostAnswer, LostRequest, NotConnected
from einmal.simulator.wire import SimulatedCalcom


class InProcessTransport:
    """Answers at once, or after `latency_seconds` and what the faults add to it.

    `posts` counts what has gone out as a booking, whatever became of it.
    """

    def __init__(
        self, calcom: SimulatedCalcom | FaultyCalcom, latency_seconds: float = 0.0, clock: Clock | None = None
    ) -> None:
        """Without a clock it is the machine's. Deadlines must be of the same clock."""
        self._calcom = calcom if isinstance(calcom, FaultyCalcom) else FaultyCalcom(calcom)
        self._latency_seconds = latency_seconds
        self._clock: Clock = SystemClock() if clock is None else clock
        self.posts = 0

    async def send(self, request: WireRequest) -> WireAnswer:
        """Raises NeverSent or MaybeSent, nothing else."""
        written_at = self._clock.monotonic()
        if written_at >= min(request.write_deadline, request.deadline):
            raise NeverSent("deadline")
        headers = {name.lower(): value for name, value in request.headers.items()}
        outcome = self._calcom.handle(request.method, request.target, headers, request.body)
        left_seconds = request.deadline - written_at
        if isinstance(outcome, NotConnected):
            raise NeverSent("connect" if await self._wait(outcome.delay_seconds, left_seconds) else "timeout")
        if request.method == "POST" and request.target == "/v2/bookings":
            self.posts += 1
        body_delay_seconds = outcome.body_delay_seconds if isinstance(outcome, Delivered) else 0.0
        seconds = self._latency_seconds + outcome.delay_seconds + body_delay_seconds
        if not await self._wait(seconds, left_seconds):
            raise MaybeSent("timeout")
        match outcome:
            case Delivered(answer):
                lowered = {name.lower(): value for name, value in answer.headers.items()}
                return WireAnswer(answer.status, lowered, answer.body, self._clock.monotonic() - written_at)
            case LostRequest() | LostAnswer():
                raise MaybeSent("reset")
            case _:
                assert_never(outcome)

    async def close(self) -> None:
        return

    async def _wait(self, seconds: float, left_seconds: float) -> bool:
        """Let so much time pass, or what is left; gives whether it was enough."""
        await self._clock.sleep(min(seconds, left_seconds))
        return seconds <= left_seconds
