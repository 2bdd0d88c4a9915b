"""The books of reconciliation: how far a comparison has come, what it found, what is compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from einmal.domain.drift import Drift, DriftKind
from einmal.domain.intent import Intent
from einmal.domain.model import Booking
from einmal.ports.ledger import StoredReply


class Phase(StrEnum):
    CHANGED = "changed"
    """What changed at the calendar since it was last read."""
    UPCOMING = "upcoming"
    """What is still to come, on both sides."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was seen so far. `ours`: bookings with a row of ours; `foreign`: live ones of others; `rows`: live
    appointments of the ledger that were compared; `mended`: differences that were put right."""

    pages: int = 0
    bookings: int = 0
    unread: int = 0
    ours: int = 0
    foreign: int = 0
    rows: int = 0
    mended: int = 0
    found: dict[str, int] = field(default_factory=dict)
    """By kind of drift."""


@dataclass(frozen=True, slots=True)
class Run:
    """One comparison. `cursor` is the instant that its phase goes on from; `steps` tells a worker that has lost it."""

    run_id: str
    tenant_id: str
    phase: Phase
    since: datetime
    cursor: datetime
    changed_until: datetime | None
    began_at: datetime
    counts: Counts
    steps: int = 0
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownDrift:
    """A difference that is written down, from when it was first seen until it is so no longer."""

    drift: Drift
    first_seen_at: datetime
    last_seen_at: datetime


class LostRun(Exception):
    """Somebody else goes on with it."""


class ReconcilingBooks(Protocol):
    """All raise LedgerUnavailable or CommitUnknown."""

    async def begin(self, run: Run, now: datetime, lease_until: datetime, *, every: float | None) -> Run | None:
        """The tenant's open run if nobody is at it, else this new one; None where somebody is.

        `every`: with it, a new one is begun only if the last began so many seconds ago or more.
        """

    async def last(self, tenant_id: str) -> Run | None:
        """The newest that has ended."""

    async def step(self, run: Run, found: Sequence[Drift], now: datetime, lease_until: datetime) -> Run:
        """What one step found, and how far it came, in one commit. Raises LostRun."""

    async def release(self, run: Run, at: datetime) -> None:
        """Whoever comes next may go on with it at once. Nothing where somebody else is at it."""

    async def of_uids(self, tenant_id: str, uids: Sequence[str]) -> tuple[StoredReply, ...]:
        """The tenant's intents whose appointment holds one of these bookings."""

    async def of_operations(self, tenant_id: str, operation_ids: Sequence[str]) -> tuple[StoredReply, ...]:
        """The tenant's intents with these operation ids, their own or carried through a move."""

    async def standing(
        self, tenant_id: str, start: datetime, before: datetime | None, after: Intent | None, limit: int
    ) -> tuple[StoredReply, ...]:
        """Live appointments that begin within [start, before), by start and then by id, beyond that of `after`."""

    async def oldest(self, tenant_id: str) -> datetime | None:
        """When the tenant's first intent was made."""

    async def open_drifts(
        self, tenant_id: str, kinds: Sequence[DriftKind] | None, limit: int
    ) -> tuple[KnownDrift, ...]:
        """What is still so, oldest first."""

    async def close_drifts(self, tenant_id: str, kinds: Sequence[DriftKind], before: datetime, at: datetime) -> int:
        """End those of these kinds that were last seen before then; how many."""

    async def drift_ended(self, tenant_id: str, drift: Drift, at: datetime) -> None:
        """This one is so no longer."""

    async def corrected(self, intent_id: str, booking: Booking) -> None:
        """The appointment's time and host, as the calendar has them."""
