"""The books of changes. Each method is one transaction; none is open while the wire is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from einmal.domain.admission import Admission, AdmissionPolicy
from einmal.domain.change import Change, ChangeEvent
from einmal.domain.facts import Fact
from einmal.domain.intent import Intent
from einmal.domain.model import Booking, BookingStatus
from einmal.domain.reply import Reply
from einmal.ports.ledger import Candidate, StoredReply


@dataclass(frozen=True, slots=True)
class Begun:
    """The change's row is written: it may be sent now, once. `successor` is the intent that a move is to become."""

    change: Change
    successor: Intent | None = None


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Another change of this booking has no end yet."""

    change: Change


@dataclass(frozen=True, slots=True)
class NotStanding:
    """The appointment does not stand in the ledger any more."""

    stored: StoredReply | None


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """Something stands in the way of the new time."""

    admission: Admission


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One move of a change, with everything that it makes true of the intents, in one commit.

    `booking` is what a move that shows has become; `reply` what is said of one that is refused, and stored.
    """

    change: Change
    event: ChangeEvent
    at: datetime
    booking: Booking | None = None
    look_at: datetime | None = None
    facts: tuple[Fact, ...] = ()
    reply: Reply | None = None


class StaleChange(Exception):
    """Somebody else moved the change meanwhile, or the booking under it. Who loses that race promises nothing."""


class ChangeBooks(Protocol):
    """All raise LedgerUnavailable where nothing was written, CommitUnknown where nobody knows."""

    async def begin(
        self, change: Change, candidate: Candidate | None, policy: AdmissionPolicy
    ) -> Begun | UnderWay | NotStanding | NotAdmitted:
        """Write the change as sent; of a move, with its `candidate`, the successor too, as sent.

        `policy` is that of the successor's admission. Of a cancel it is not looked at.
        """

    async def conclude(self, conclusion: Conclusion) -> Change:
        """Make the move. Raises StaleChange or BookingUidTaken; then nothing was written."""

    async def follow(
        self, intent: Intent, status: BookingStatus, at: datetime, successor: tuple[Candidate, Booking] | None = None
    ) -> StoredReply:
        """What others did at the calendar to the intent's booking, as a read shows it: its status now, or what it has
        become. Raises StaleChange; the appointment after that.
        """

    async def looked(self, change: Change, look_at: datetime, *, sent: int = 0) -> None:
        """Somebody looks now; look again then. `sent`: requests that go out now, counted before they do."""

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Change, ...]:
        """Changes that are due, longest overdue first, and nobody else's until `lease_until`."""

    async def promise(self, change_id: str, at: datetime) -> Change | None:
        """The caller is about to be told that they will hear: note it; the change as it stands."""

    async def change(self, change_id: str) -> Change | None: ...

    async def last_of(self, intent_ids: Sequence[str]) -> tuple[Change, ...]:
        """The newest change of each of these intents, or to them, where there is one."""
