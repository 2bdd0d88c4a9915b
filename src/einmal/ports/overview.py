"""The figures of the whole ledger, for metrics and pages. They are only read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from einmal.domain.gate import Gate
from einmal.domain.intent import State


@dataclass(frozen=True, slots=True)
class Figures:
    """As they stand at one moment. All tenants together; of counts by state, those that have no end yet.

    `appointments` and `rejected` are of the last 24 hours. `gates`: by account, what is known of its calendar.
    """

    unresolved: Mapping[State, int] = field(default_factory=dict)
    oldest_doubt_at: datetime | None = None
    oldest_escalated_at: datetime | None = None
    appointments: int = 0
    rejected: int = 0
    drifts: Mapping[str, int] = field(default_factory=dict)
    callbacks: int = 0
    messages: int = 0
    oldest_message_at: datetime | None = None
    notices: int = 0
    oldest_notice_at: datetime | None = None
    gates: Mapping[str, Gate] = field(default_factory=dict)

    @property
    def prevention_rate(self) -> float:
        """Rejections of all that was booked or refused as a duplicate, in per cent; 0 where there was nothing."""
        together = self.appointments + self.rejected
        return 100 * self.rejected / together if together else 0.0


class Overview(Protocol):
    async def figures(self, now: datetime) -> Figures:
        """All of them, each by an index. Raises LedgerUnavailable."""
