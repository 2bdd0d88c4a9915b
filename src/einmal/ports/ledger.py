"""The durable books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from einmal.domain.admission import Admission, AdmissionPolicy
from einmal.domain.answer import Answer
from einmal.domain.facts import Fact
from einmal.domain.gate import Shut
from einmal.domain.intent import BOOKED, Event, Intent, State
from einmal.domain.keys import IntentKey
from einmal.domain.model import Booking, Wish
from einmal.domain.reply import BookedSlot, Outcome, Reply, Why, reply_to_state
from einmal.domain.verdict import KnownBooking
from einmal.ports.calendar import Toll


@dataclass(frozen=True, slots=True)
class CallContact:
    """A phone call that a platform vouches for. Its row is made on first contact, whichever comes first."""

    platform: str
    call_id: str
    agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent to be, with all that must be known before the transaction opens."""

    wish: Wish
    call: CallContact | None
    key: IntentKey
    intent_id: str
    operation_id: str
    attendee_email: str
    now: datetime
    send_deadline: datetime


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the transaction decided. `started` is the new row where `admission` is a Start.

    `shut`: the gate does not let a POST pass now, so the row waits as `intent` and nothing is armed.
    """

    admission: Admission
    started: Intent | None
    shut: Shut | None = None


@dataclass(frozen=True, slots=True)
class StoredReply:
    """An intent with what was said or may be said of it."""

    intent: Intent
    booking: BookedSlot | None
    reply: Reply | None
    changing: bool = False
    """A cancel or a move of the appointment has no end yet: nobody can tell whether it stands."""
    imported_from: str | None = None
    """The other program's row that it was taken over from, such as appointments#642. Not told of a row that a move has
    just returned."""

    @property
    def imported(self) -> bool:
        """Taken over from another program: its booking carries no operation id of ours."""
        return self.imported_from is not None

    def told(self, now: datetime) -> Reply:
        """The stored answer, or what may be said of the newer resolution."""
        if self.reply is not None:
            return self.reply
        if self.changing and self.intent.state in BOOKED:
            return Reply(Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED, asked_start=self.intent.wish.start)
        return reply_to_state(self.intent, self.intent.state_at(now), self.booking)


@dataclass(frozen=True, slots=True)
class Transition:
    """One or more moves of one intent, written in one commit, with everything that they make true.

    `booking` is the appointment that the move books; `answer` the attempt that led here; `send_deadline`
    belongs to a move that arms; `look_at` and `not_ours` to one that doubts: when recovery looks if nobody
    has by then, and whether the calendar said that the slot is not ours. `verify_at`: when the new appointment is read
    once more.
    """

    before: Intent
    events: tuple[Event, ...]
    at: datetime
    answer: Answer | None = None
    booking: Booking | None = None
    facts: tuple[Fact, ...] = ()
    reply: Reply | None = None
    send_deadline: datetime | None = None
    look_at: datetime | None = None
    not_ours: bool = False
    verify_at: datetime | None = None


class StaleIntent(Exception):
    """The guarded update found no row: somebody else moved the intent. Who loses that race promises nothing."""


class BookingUidTaken(Exception):
    """Layer 4: UNIQUE on the booking's uid spoke. Nothing of the transition was written."""


class CommitUnknown(Exception):
    """The ledger failed while committing: it may be written or not. Read again by key."""


class LedgerUnavailable(Exception):
    """The ledger could not be reached, and nothing was written."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is watched for: `since` is the oldest tombstone's birth, `newest_at` the youngest one's.

    `swept_until` is how far changes were read before, by the calendar's own clock.
    """

    since: datetime
    newest_at: datetime
    swept_until: datetime | None


class Ledger(Protocol):
    """The durable books. Each method is one transaction; none is open while the wire is used."""

    async def admit(self, candidate: Candidate, policy: AdmissionPolicy, toll: Toll | None = None) -> Admitted:
        """Decide, and where the decision is Start write the intent. Durable on return.

        It is written as `sent`, armed at once, if the gate of `toll` lets a POST pass now or there is none;
        otherwise as `intent`.
        """

    async def apply(self, transition: Transition) -> StoredReply:
        """Make the moves; what stands after them.

        Raises StaleIntent, BookingUidTaken, CommitUnknown or LedgerUnavailable.
        """

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Intent, ...]:
        """Intents that are due (waiting, sent, in doubt, compensating), longest overdue first, and nobody
        else's until `lease_until`.

        A worker that dies with a claim loses nothing: the row is due again when the lease ends.
        """

    async def looked(self, intent: Intent, look_at: datetime, *, more: int = 1) -> None:
        """Somebody looks now; look again at `look_at`. `more`: looks to be counted, -1 for one that was counted and
        not made. Written before the calendar is asked: who dies of a look is not looked at more often for it.
        Where somebody else moved the intent meanwhile, nothing."""

    async def promise(self, intent_id: str, at: datetime) -> StoredReply | None:
        """The caller is about to be told that they will hear: note it, and what stands at this moment.

        What ends the doubt from then on puts a message into the outbox, in the same commit.
        """

    async def by_operations(self, tenant_id: str, operation_ids: Sequence[str]) -> tuple[Intent, ...]:
        """The tenant's intents with these operation ids, their own or carried through a move, in any state."""

    async def claim_sweep(self, tenant_id: str, now: datetime, lease_until: datetime) -> Sweep | None:
        """The tenant's sweep if one is due and there are tombstones to watch; nobody else's until then."""

    async def swept(self, tenant_id: str, until: datetime | None, due_at: datetime) -> None:
        """How far the calendar's changes have been read (its own clock), and when to go on."""

    async def stored(self, intent_id: str) -> StoredReply | None:
        """The intent with its appointment and stored reply."""

    async def in_states(self, tenant_id: str, states: Sequence[State], limit: int) -> tuple[Intent, ...]:
        """Intents in these states, oldest first."""

    async def known_booking(self, uid: str, intent: Intent) -> KnownBooking | None:
        """What the ledger holds under this uid for another intent, whichever tenant's. It counts as the
        same person's only within one tenant."""

    async def appointments_count(self, tenant_id: str, customer: str) -> int:
        """Live appointments under exactly this customer name (compared as names are)."""

    async def customer_name(self, tenant_id: str, phone: str) -> str | None:
        """The name by which this number (E.164) is known to the tenant; None where it is not."""

    async def bookings_count(self, tenant_id: str, booking_uid: str) -> int:
        """Rows that hold this booking uid: 0 or 1."""

    async def ready(self) -> bool:
        """Whether a transaction can be had now, on the schema that this code expects."""
