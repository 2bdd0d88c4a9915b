"""What clients called their requests, and what they were answered: a request that is sent again is answered, not
carried out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from einmal.domain.request_key import RequestKey

KEPT_FOR: Final = timedelta(hours=24)
"""No client tries the same request again for longer; after that its key names a new one."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Nobody else carries this request out until then. `begun_at`: when it was first begun, if that was before, and it
    has no answer yet."""

    until: datetime
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """Somebody carries it out, at most until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """It was begun then, and has no answer: nobody carries it out now, and what came of it is not known here."""

    at: datetime


@dataclass(frozen=True, slots=True)
class KeyOfAnother:
    """The key was sent with another request."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was answered. `until`: as long as it is true; None where it may be repeated until the key is forgotten."""

    status: int
    answer: str
    until: datetime | None = None


class IdempotencyKeys(Protocol):
    """All raise LedgerUnavailable or CommitUnknown.

    A claim is a lease: who dies with it loses nothing, because who comes next carries the request out again, and the
    wish in it has a key of its own.
    """

    async def claim(self, key: RequestKey, now: datetime, until: datetime) -> Claimed | Running | KeyOfAnother | Kept:
        """Whether the request is now to be carried out by who asks. Durable on return."""

    async def standing(self, key: RequestKey, now: datetime) -> Begun | Running | KeyOfAnother | Kept | None:
        """What there is of this key; None of one that nobody has used. Only read."""

    async def keep(self, key: RequestKey, claim: Claimed, kept: Kept) -> bool:
        """The final answer; past its `until` the key is forgotten. False where the lease was over and somebody else has
        taken it up."""

    async def let_go(self, key: RequestKey, claim: Claimed) -> None:
        """There is no final answer: whoever asks again is to hear what has become of it."""

    async def prune(self, now: datetime, limit: int) -> int:
        """Forget what has expired, oldest first; how many."""
