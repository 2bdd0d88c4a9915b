"""The inbox: what the outside tells of its own accord. Acknowledged as often as it comes, handled once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Source(StrEnum):
    CALCOM = "calcom"
    RETELL = "retell"
    VAPI = "vapi"
    ELEVENLABS = "elevenlabs"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told, reduced to what is acted upon: ids and times, and nobody's name.

    `digest` tells its content from any other; `subject` is the booking or call that it is about. `uids` and
    `operation_id` name bookings of ours, where it says so.
    """

    tenant_id: str
    source: Source
    digest: str
    event: str
    subject: str | None
    data: Mapping[str, Any]
    uids: tuple[str, ...] = ()
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """`known`: it is about a booking of this ledger. `handled`: it has been handled since it was first told.
    `first`: it was not told before."""

    inbox_id: str
    known: bool
    handled: bool = False
    first: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice that waits to be handled. `tries`: how often that was begun in vain."""

    inbox_id: str
    tenant_id: str
    source: Source
    event: str
    subject: str | None
    data: Mapping[str, Any]
    received_at: datetime
    tries: int


class Inbox(Protocol):
    """All raise LedgerUnavailable or CommitUnknown."""

    async def receive(self, notice: Notice, at: datetime, due_at: datetime) -> Received:
        """Keep it, once for each content. Durable on return: it may be acknowledged."""

    async def claim_due(
        self, now: datetime, lease_until: datetime, limit: int, tenants: Sequence[str]
    ) -> tuple[Entry, ...]:
        """What is due of these tenants, longest overdue first, and nobody else's until then."""

    async def handled(self, inbox_id: str, outcome: str, at: datetime) -> None:
        """It is done. `outcome` is a short word."""

    async def put_off(self, entry: Entry, due_at: datetime, *, more: int = 1) -> None:
        """Not yet. `more`: tries to be counted; 0 where nothing was asked."""

    async def noted(self, uid: str, entry: Entry, at: datetime) -> None:
        """Write the notice to the appointment that holds this booking, and when it was confirmed if it is by now.

        Of one that the calendar has made and that is confirmed the customer is to hear, once.
        """

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget what was handled before then, oldest first; how many."""
