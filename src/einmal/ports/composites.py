"""The books of composites. Each method is one transaction; none is open while the wire is used."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from einmal.domain.composite import Composite, CompositeEvent
from einmal.domain.reply import Reply


class StaleComposite(Exception):
    """Somebody else moved the composite meanwhile."""


class CompositeBooks(Protocol):
    """All raise LedgerUnavailable where nothing was written, CommitUnknown where nobody knows."""

    async def begin(
        self, composite: Composite, *, offered: bool, replay_since: datetime
    ) -> tuple[Composite, bool] | None:
        """Write it as being booked, unless one of this key is there; what stands, and whether it is new.

        One that is undone stands for as long as its answer was given after `replay_since`. None: there is none, and as
        it is not `offered` none was written.
        """

    async def conclude(
        self, composite: Composite, event: CompositeEvent, at: datetime, look_at: datetime | None, reply: Reply | None
    ) -> Composite:
        """Make the move; where it ends what was promised, its news is put into the outbox. Raises StaleComposite."""

    async def looked(self, composite: Composite, look_at: datetime) -> None:
        """Somebody looks now; look again then."""

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Composite, ...]:
        """Composites that are due, longest overdue first, and nobody else's until `lease_until`."""

    async def promise(self, composite_id: str, at: datetime) -> Composite | None:
        """The caller is about to be told that they will hear: note it; the composite as it stands."""

    async def composite(self, composite_id: str) -> Composite | None: ...

    async def of_intents(self, intent_ids: Sequence[str]) -> Mapping[str, Composite]:
        """Of which composite each of these is a segment, or has become one by being moved; by intent id."""

    async def of_appointment(self, appointment_id: str) -> Composite | None:
        """Of which composite this appointment is a segment."""
