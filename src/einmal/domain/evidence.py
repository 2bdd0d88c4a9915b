"""Evidence: what stood in the calendar when, what the ledger holds, what was said when, what was asked.

Plain and frozen, and told by whoever saw it: a simulated world that knows the truth, or a look at a live ledger and
its calendar, which knows less of it. What is not known has a value that says so and breaks no promise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from einmal.domain.change import Change
from einmal.domain.intent import Event, Intent, State
from einmal.domain.reply import Outcome


class By(StrEnum):
    US = "us"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Life:
    """A booking as it truly stood in the calendar, from `since` until `until` (None: it stands).

    `made_by` and `ended_by` tell our gateway from everybody else. `pending_until` is when its host accepted;
    `since` where it never had to be. What was cancelled and brought back has a second life under its uid, after the
    first in the evidence.
    """

    uid: str
    operation_id: str | None
    start: datetime
    event_type_id: int
    since: datetime
    until: datetime | None
    made_by: By
    ended_by: By | None
    pending_until: datetime | None
    tenant_id: str = "default"
    end: datetime | None = None
    resource: str | None = None
    """Of capacity one, such as a host; None where the evidence cannot tell which."""

    def stood(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)

    @property
    def stands(self) -> bool:
        return self.until is None


@dataclass(frozen=True, slots=True)
class Row:
    """An intent of the ledger at the end, with its appointment's uid and start where it has one.

    `imported`: taken over from another program, which made its booking; so it carries no operation id of ours.
    """

    intent: Intent
    ref: str | None = None
    uid: str | None = None
    start: datetime | None = None
    imported: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one function call was answered, at the moment of speech. `intent_id` where it is known whose it was."""

    at: datetime
    wish_key: str
    call_id: str | None
    outcome: Outcome
    ref: str | None = None
    start: datetime | None = None
    intent_id: str | None = None


class RequestKind(StrEnum):
    POST = "post"
    LOOK = "look"
    CANCEL = "cancel"
    MOVE = "move"
    PAGE = "page"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent to the calendar. `processed`: the calendar acted on it, at once or later.

    `at` is monotonic time, in seconds. `about` is an operation id, or for a cancel and a move the uid. `stored`: when
    a POST left, the ledger held its operation id, as sent.
    """

    at: float
    kind: RequestKind
    about: str | None
    processed: bool = True
    stored: bool = True


@dataclass(frozen=True, slots=True)
class Moved:
    """One move as the ledger made it."""

    intent_id: str
    before: State | None
    event: Event | None
    after: State


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything of one stretch of time, after which the faults have stopped and the workers have had their say."""

    lives: Sequence[Life]
    rows: Sequence[Row]
    spoken: Sequence[Spoken] = ()
    requests: Sequence[Request] = ()
    moves: Sequence[Moved] = ()
    ownership: bool = True
    settled: bool = True
    """The faults stopped long enough ago for every doubt to have ended."""
    unsettled: frozenset[str] = frozenset()
    """Of evidence that has settled, the intents that have not: they may still end, or be seen, as they should."""
    complete: bool = True
    """Every booking there was is among the lives. Otherwise a booking that is not there may only be unseen."""
    news: frozenset[str] | None = None
    """The intents of which the outbox holds how they ended; None where nobody looked."""
    requests_per_minute: int = 0
    """The calendar's limit; 0 for none."""
    changes: Sequence[Change] = ()
    """The ledger's changes at the end."""
    hung_up: Mapping[str, datetime] = field(default_factory=dict)
    """By call id since when the ledger has surely known that the call was over."""
    reconciled: bool = False
    """Ledger and calendar were compared as a whole after the last thing that happened to either."""
    listed: frozenset[str] = frozenset()
    """Bookings that the comparison left to a person: it says why the two differ about them."""


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    text: str
    intent_id: str | None = None


INVARIANTS: Final[dict[str, str]] = {
    "I1": "at most one live booking for an operation id, one processed POST for an intent, one move for a change",
    "I2": "no ghost: what the ledger holds as booked stands in the calendar, or others ended it there",
    "I3": "no orphan: what we booked and stands has its row, and the row stood before the POST",
    "I4": "nothing foreign is taken for ours, and nothing foreign is ever cancelled",
    "I5": "no lie, at the moment of speech",
    "I6": "no false no, once everything has come to rest",
    "I7": "one answer for an intent",
    "I8": "one live intent for a person and a slot",
    "I9": "no two bookings of ours hold one host at one time",
    "I10": "only legal moves",
    "I11": "nothing acknowledged is lost, nor is news that was promised",
    "I12": "once the faults stop, every doubt ends, of a change too",
    "I13": "webhooks in any order, doubled or lost, and one reconciliation, lead to the same state",
    "I14": "no tenant crosses another",
    "I15": "no name, phone or address in logs, metrics and errors",
    "I16": "per intent 12 look-ups in the first hour and 3 cancels; the budget of requests holds",
    "I17": "the same decisions with our clock a day off",
    "I18": "nothing is booked or moved for a call that is known to be over",
}
"""What each one says, in the order in which they are told."""
