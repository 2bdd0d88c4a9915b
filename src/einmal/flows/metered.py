"""What clients of Cal.com's API send through us with a tenant's own key is counted like what we send ourselves.

Cal.com counts by key, whoever sends. A client's requests are the client's, so neither breaker nor probe is asked about
them; but before they would take what bookings need, they are refused, as Cal.com would refuse them a moment later, and
everybody's bookings with them. A client with a key of its own is nobody's concern here.

Counted in memory and written once a second: a request that passes waits for no commit. So what several processes let
pass in one second may be more than there was; the next second pays for it.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Final

from einmal.domain.gate import Gate, Shut, Use, enter, spent, without_breaker
from einmal.ports import Clock, CommitUnknown, Gates, LedgerUnavailable, Toll

EVERY_SECONDS: Final = 1.0


@dataclass(slots=True)
class Metered:
    """One account, as this process knows it."""

    gates: Gates
    toll: Toll
    clock: Clock
    _seen: Gate | None = field(default=None, init=False)
    """As last read, less what was counted since."""
    _unwritten: int = field(default=0, init=False)
    _writing: "asyncio.Task[None] | None" = field(default=None, init=False)

    def admit(self) -> Shut | None:
        """Count one request that a client sends through; Shut where what is left is for bookings."""
        policy, now = self.toll.policy, self.clock.now()
        if not policy.per_minute:
            return None
        after, permit = enter(without_breaker(self._seen or Gate(now)), Use.RELAY, now, policy)
        if isinstance(permit, Shut):
            return permit
        self._counted(after)
        return None

    def count(self) -> None:
        """One request that goes out in any case, because a booking or a change is to be told."""
        policy, now = self.toll.policy, self.clock.now()
        if policy.per_minute:
            self._counted(spent(self._seen or Gate(now), 1, now, policy))

    async def close(self) -> None:
        """Write what is left to write."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._write()

    def _counted(self, after: Gate) -> None:
        self._seen = after
        self._unwritten += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_in_turns(), name="metered")

    async def _write_in_turns(self) -> None:
        while self._unwritten:
            await self._write()
            await self.clock.sleep(EVERY_SECONDS)

    async def _write(self) -> None:
        requests, self._unwritten = self._unwritten, 0
        if not requests:
            return
        # Where the ledger cannot be written these are not counted: Cal.com counts them all the same.
        with contextlib.suppress(LedgerUnavailable, CommitUnknown):
            after = await self.gates.spend(self.toll, requests, self.clock.now())
            self._seen = spent(after, self._unwritten, self.clock.now(), self.toll.policy)
