"""The books of the weekly report: what a week was like, what is tallied, what a person ruled, and what has gone out."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from einmal.domain.facts import RejectionRuled
from einmal.domain.report import Read, Report
from einmal.domain.tally import Tally
from einmal.domain.week import Day, Week


class ReportBooks(Protocol):
    """All raise LedgerUnavailable or CommitUnknown."""

    async def read(self, days: Sequence[Day]) -> Read:
        """What happened from the first of these days to the last, by tenant, as it stands now."""

    async def began(self) -> datetime | None:
        """When the first tenant was served; None where there is none."""

    async def rule(self, ruling: RejectionRuled) -> bool | None:
        """Write it, unless it was ruled so last. Whether it was written; None where no layer refused the intent."""


class TallyBooks(Protocol):
    async def add(self, tallies: Mapping[tuple[date, str], Tally]) -> None:
        """Add these, by day and word, to what any process has counted. Raises LedgerUnavailable or CommitUnknown."""


class WeeklyBooks(Protocol):
    """Which week's report has gone out on which channel. All raise LedgerUnavailable or CommitUnknown."""

    async def claim(self, week: Week, channel: str, now: datetime, lease_until: datetime) -> int | None:
        """How often it was tried in vain, if it is to be sent now; nobody else is told so until the lease ends."""

    async def sent(self, week: Week, channel: str, at: datetime) -> None:
        """It has arrived: never again."""

    async def not_sent(self, week: Week, channel: str, due_at: datetime | None) -> None:
        """One try more in vain; None gives it up."""


class ReportCourier(Protocol):
    """One channel for reports."""

    async def send(self, report: Report) -> str | None:
        """None if it has arrived, else a short word of ours why not. Raises only for bugs."""
