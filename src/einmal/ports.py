"""Ports: what the flows need of the world, in domain words.

Every port has a fake that is shipped, not patched in: the simulator for the calendar, a virtual clock,
SQLite in a temporary file for the ledger. One contract suite runs against fake and real alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from einmal.domain.admission import Admission, AdmissionPolicy
from einmal.domain.answer import Answer
from einmal.domain.facts import Fact
from einmal.domain.intent import Event, Intent, State
from einmal.domain.keys import IntentKey
from einmal.domain.model import Booking, Offer, Service, Wish
from einmal.domain.reply import BookedSlot, Reply
from einmal.domain.verdict import KnownBooking


class Clock(Protocol):
    def now(self) -> datetime:
        """The local wall clock, aware, UTC. Never decides whether a booking is ours."""

    def monotonic(self) -> float:
        """Seconds that only grow. All deadlines are measured in these."""

    async def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    def jitter(self) -> float:
        """Chance in [0, 1), to spread what would otherwise happen at once."""

    def operation_id(self) -> str:
        """160 random bits in base32, unguessable."""

    def time_ordered(self) -> str:
        """A unique row id that sorts by its time of birth."""


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """What is asked of the calendar. `deadline` is monotonic; past it nothing may be written any more."""

    intent: Intent
    idempotency_key: str
    deadline: float


class Look:
    """A look-up's answer: bookings seen, or blindness. An empty look never proves absence."""


@dataclass(frozen=True, slots=True)
class Seen(Look):
    """`complete` is False where the calendar may hold more than it listed."""

    bookings: tuple[Booking, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Blind(Look):
    """The look-up failed; `why` is a short word of ours."""

    why: str


class Calendar(Protocol):
    """The remote calendar. Remote outcomes are values; only bugs raise."""

    async def create(self, request: BookingRequest) -> Answer:
        """One POST, never repeated by anything below this line."""

    async def find(self, intent: Intent, deadline: float) -> Seen | Blind:
        """Bookings at the intent's start and event type under its attendee's address, in any status."""

    async def read(self, uid: str, deadline: float) -> Seen | Blind:
        """The booking with this uid; Seen(()) where the calendar says there is none."""

    async def slots(
        self, service: Service, start: datetime, end: datetime, deadline: float
    ) -> tuple[Offer, ...] | Blind:
        """Free slots that start within [start, end), earliest first. Advisory."""


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
    """What the transaction decided. `started` is the new row where `admission` is a Start."""

    admission: Admission
    started: Intent | None


@dataclass(frozen=True, slots=True)
class StoredReply:
    """An intent with what was said or may be said of it."""

    intent: Intent
    booking: BookedSlot | None
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class Transition:
    """One or more moves of one intent, written in one commit, with everything that they make true.

    `booking` is the appointment that the move books; `answer` the attempt that led here; `send_deadline`
    belongs to a move that arms; `look_at` and `not_ours` to one that doubts: when recovery looks if nobody
    has by then, and whether the calendar said that the slot is not ours.
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


class StaleIntent(Exception):
    """The guarded update found no row: somebody else moved the intent. Who loses that race promises nothing."""


class BookingUidTaken(Exception):
    """Layer 4: UNIQUE on the booking's uid spoke. Nothing of the transition was written."""


class CommitUnknown(Exception):
    """The ledger failed while committing: it may be written or not. Read again by key."""


class LedgerUnavailable(Exception):
    """The ledger could not be reached, and nothing was written."""


class Ledger(Protocol):
    """The durable books. Each method is one transaction; none is open while the wire is used."""

    async def admit(self, candidate: Candidate, policy: AdmissionPolicy) -> Admitted:
        """Decide, and where the decision is Start write the intent as `sent`. Durable on return."""

    async def apply(self, transition: Transition) -> StoredReply:
        """Make the moves; what stands after them.

        Raises StaleIntent, BookingUidTaken, CommitUnknown or LedgerUnavailable.
        """

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Intent, ...]:
        """Unresolved intents whose look is due, longest overdue first, and nobody else's until `lease_until`.

        A worker that dies with a claim loses nothing: the row is due again when the lease ends.
        """

    async def looked(self, intent: Intent, look_at: datetime) -> None:
        """One look more, and nothing concluded. Where somebody else moved the intent meanwhile, nothing."""

    async def stored(self, intent_id: str) -> StoredReply | None:
        """The intent with its appointment and stored reply."""

    async def in_states(self, tenant_id: str, states: Sequence[State], limit: int) -> tuple[Intent, ...]:
        """Intents in these states, oldest first."""

    async def known_booking(self, uid: str, intent: Intent) -> KnownBooking | None:
        """What the ledger holds under this uid for another intent, whichever tenant's. It counts as the
        same person's only within one tenant."""

    async def appointments_count(self, tenant_id: str, customer: str) -> int:
        """Live appointments under exactly this customer name (compared as names are)."""

    async def bookings_count(self, tenant_id: str, booking_uid: str) -> int:
        """Rows that hold this booking uid: 0 or 1."""

    async def ready(self) -> bool:
        """Whether a transaction can be had now, on the schema that this code expects."""


class Observer(Protocol):
    def observe(self, facts: Sequence[Fact]) -> None:
        """Told after the commit. Must not raise, must not block."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose calendar this is. `hash_key` keys the hashes in intent keys; it never leaves the process."""

    tenant_id: str
    name: str
    time_zone: str
    language: str
    house_email: str
    services: tuple[Service, ...]
    hash_key: bytes

    def __repr__(self) -> str:
        return f"Tenant({self.tenant_id!r})"


@dataclass(frozen=True, slots=True)
class Budgets:
    """How long things may take, in seconds.

    A function's reply is given before the platform's own time-out ends (the agents in the field wait 5 to
    10 s). The POST has a deadline of its own and outlives the reply: a caller who hangs up does not undo it.
    """

    reply_seconds: float = 8.0
    post_seconds: float = 10.0
    look_up_seconds: float = 3.0
    slots_seconds: float = 2.0
    lease_margin: timedelta = timedelta(seconds=5)
