"""Everything that the ledger knows of one phone call, or of one intent: what an evidence page is made of.

It is only read, and it holds personal data: whoever shows it masks what need not be seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from einmal.domain.callback import Callback
from einmal.domain.change import Change
from einmal.ports.journal import FunctionCalled
from einmal.ports.ledger import StoredReply


@dataclass(frozen=True, slots=True)
class BookingSeen:
    """The booking that an answer brought, as it was told. Any of it may be a stranger's."""

    uid: str
    status: str
    start: datetime
    event_type_id: int
    created_at: datetime | None
    call_id: str | None
    operation_id: str | None
    name: str | None
    emails: tuple[str, ...]
    host: str | None


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """One POST and its answer. `detail` is a word of ours; `seen` is there where the answer held a booking."""

    epoch: int
    answered_at: datetime
    kind: str
    http_status: int | None
    detail: str
    booking_uid: str | None
    elapsed: timedelta
    seen: BookingSeen | None


@dataclass(frozen=True, slots=True)
class FactTold:
    """A fact as it was written down: its class in lower case, and its fields."""

    at: datetime
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AppointmentMade:
    appointment_id: str
    status: str
    start: datetime
    end: datetime
    staff: str | None
    booking_uid: str | None
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoticeTaken:
    """What the outside told of a booking. `outcome` is None until it is handled."""

    received_at: datetime
    source: str
    event: str
    times: int
    handled_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class MessageOwed:
    """What was promised, on one channel. Without `due_at` or `sent_at` it was given up."""

    message_id: str
    channel: str
    kind: str
    created_at: datetime
    due_at: datetime | None
    tries: int
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class BookingHeld:
    """A booking that another intent holds: whose it really is."""

    booking_uid: str
    appointment_id: str
    intent_id: str
    call_id: str | None


@dataclass(frozen=True, slots=True)
class IntentStory:
    """`stored` is the intent as it stands, its appointment and its stored reply. `others`: whose the bookings are that
    came back for it and that others hold."""

    stored: StoredReply
    appointment: AppointmentMade | None
    attempts: tuple[AttemptMade, ...]
    facts: tuple[FactTold, ...]
    changes: tuple[Change, ...]
    notices: tuple[NoticeTaken, ...]
    messages: tuple[MessageOwed, ...]
    others: tuple[BookingHeld, ...] = ()


@dataclass(frozen=True, slots=True)
class CallStory:
    """One phone call. Without `platform` no row tells of the call itself, only of what was wished in it."""

    tenant_id: str
    call_id: str
    platform: str | None
    agent_id: str | None
    direction: str | None
    first_seen_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    disconnection_reason: str | None
    functions: tuple[FunctionCalled, ...]
    intents: tuple[IntentStory, ...]
    changes: tuple[Change, ...]
    callbacks: tuple[Callback, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What an id names: a call, or an intent, be it by its own id, its operation id, its booking or its appointment."""

    is_call: bool
    intent_id: str | None


class Stories(Protocol):
    """Each in one read transaction. All raise LedgerUnavailable."""

    async def of_call(self, call_id: str) -> tuple[CallStory, ...]:
        """One for each tenant that has a call of this id, in their order: ids are the platforms', not ours."""

    async def of_intent(self, intent_id: str) -> IntentStory | None:
        """None where there is no such intent."""

    async def latest(self, limit: int, after: str | None = None, before: str | None = None) -> Sequence[FunctionCalled]:
        """The newest function calls of all tenants, newest first; only those with a `served_id` later than `after`
        and earlier than `before`."""

    async def named(self, text: str) -> Named:
        """What this id names, letter by letter."""
