"""The phone calls themselves, from ring to hang-up, as far as anybody tells of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from einmal.ports.ledger import CallContact


@dataclass(frozen=True, slots=True)
class CallNews:
    """What is told of a call at one time. What is None was not told, and changes nothing."""

    call: CallContact
    direction: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    disconnection_reason: str | None = None
    analyzed_at: datetime | None = None


class Calls(Protocol):
    """Both raise LedgerUnavailable or CommitUnknown."""

    async def told(self, tenant_id: str, news: CallNews, at: datetime) -> None:
        """Note it. The call's row is made by whatever tells of it first.

        Of what is told twice the first stays, so news may come in any order and any number of times. A call that has
        ended is never open again, and nothing is booked in it any more.
        """

    async def close_stuck(self, before: datetime, at: datetime, limit: int) -> int:
        """End those that were first heard of before then and whose end nobody told, oldest first; how many.

        Two workers never end the same one.
        """
