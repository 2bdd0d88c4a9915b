"""What clients called their requests is forgotten once it has expired, a little at a time."""

from dataclasses import dataclass, field
from typing import Final

from einmal.ports import Clock
from einmal.ports.idempotency import IdempotencyKeys

EVERY_SECONDS: Final = 60.0
A_TIME: Final = 500


@dataclass(slots=True)
class Forgetting:
    keys: IdempotencyKeys
    clock: Clock
    _due_at: float = field(default=0.0, init=False)

    async def turn(self) -> int:
        """How many were forgotten. As long as there are more than fit into one turn, the next one goes on."""
        if self.clock.monotonic() < self._due_at:
            return 0
        gone = await self.keys.prune(self.clock.now(), A_TIME)
        if gone < A_TIME:
            self._due_at = self.clock.monotonic() + EVERY_SECONDS
        return gone
