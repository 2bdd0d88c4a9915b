"""What the ledger remembers, for whoever checks it. It is only read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from einmal.domain.evidence import Request, Row, Spoken


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stood in the ledger at one moment, of one tenant.

    `rows`: the intents of the window. `total`: how many there are in all. `unread`: rows that could not be read.
    `refusals`: their stored answers, said when they were resolved. `posts`: those whose answer was recorded; the
    time is that of the answer, by our clock, in seconds. `waited`: uids of bookings that waited for their host. `news`:
    intents with a message in the outbox that is sent or still to be sent.
    """

    rows: tuple[Row, ...]
    total: int
    unread: int = 0
    refusals: tuple[Spoken, ...] = ()
    posts: tuple[Request, ...] = ()
    waited: frozenset[str] = frozenset()
    news: frozenset[str] = frozenset()


class History(Protocol):
    async def recorded(self, tenant_id: str, since: datetime) -> Recorded:
        """All of it in one transaction: intents that were made, or whose slot begins, since then.

        Raises LedgerUnavailable.
        """
