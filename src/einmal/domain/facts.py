"""Facts: what happened, frozen, told to observers after the commit that made it true.

Ids, states and durations only; never a name, a phone or an address. Logs and metrics are made of these.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.change import ChangeEvent, ChangeKind
from einmal.domain.drift import Drift
from einmal.domain.intent import Event, Intent, State
from einmal.domain.model import Booking, MetadataKey
from einmal.domain.verdict import GuardPolicy, Judgement, Layer, Reason, Verdict


@dataclass(frozen=True, slots=True)
class Rejected:
    """A layer rejected a booking that the calendar gave us as ours."""

    at: datetime
    intent_id: str
    call_id: str | None
    layer: Layer
    reason: Reason
    expected: str
    received: str
    booking_uid: str
    booking_call_id: str | None
    booking_created_at: datetime | None
    age_seconds: float | None
    freshness_limit_seconds: float
    known_appointment_id: str | None = None
    known_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking was validated and stands in calendar and ledger."""

    at: datetime
    intent_id: str
    call_id: str | None
    booking_uid: str
    start: datetime
    state: State
    age_seconds: float | None
    skewed: bool
    overruled: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """The calendar answered a POST, or its time ran out."""

    at: datetime
    intent_id: str
    epoch: int
    kind: AnswerKind
    http_status: int | None
    detail: str
    elapsed_seconds: float
    booking_age_seconds: float | None = None
    fresh: bool | None = None
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Doubted:
    """An intent is in doubt: it may have landed."""

    at: datetime
    intent_id: str
    call_id: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """A person should look at this. `what` is a short word of ours, `intent_id` where to look."""

    at: datetime
    what: str
    intent_id: str | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """A cancel or a move of an appointment went one step further."""

    at: datetime
    intent_id: str
    call_id: str | None
    change_id: str
    kind: ChangeKind
    event: ChangeEvent


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that the outside told was handled, or refused at the door. `outcome` is a short word of ours."""

    at: datetime
    source: str
    event: str
    outcome: str
    booking_uid: str | None = None


@dataclass(frozen=True, slots=True)
class Drifted:
    """Ledger and calendar did not agree; `mended`: now they do."""

    at: datetime
    drift: Drift


class Timing(StrEnum):
    """What is timed of the guard. Closed: these are metric labels."""

    JUDGE = "judge"
    """Layers 0 to 3, on evidence that is there already."""
    LEDGER = "layer3"
    """Looking the booking up in the ledger."""
    COMMIT = "layer4"
    """The commit in which the UNIQUE index has the last word."""


@dataclass(frozen=True, slots=True)
class Timed:
    at: datetime
    timing: Timing
    seconds: float


class Operation(StrEnum):
    """What is asked of the calendar. Closed: these are metric labels."""

    CREATE = "create"
    FIND = "find"
    READ = "read"
    LIST = "list"
    SLOTS = "slots"
    RESERVE = "reserve"
    RELEASE = "release"
    MOVE = "move"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class CalendarAsked:
    """One request to the calendar. `code`: its HTTP status, or a word where none came."""

    at: datetime
    operation: Operation
    code: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Served:
    """A function call was answered. `function` and `outcome` are words of ours."""

    at: datetime
    adapter: str
    function: str
    outcome: str
    seconds: float
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A request was no function call, or nobody could say whose. `error` is a short word of ours."""

    at: datetime
    adapter: str
    error: str


WAYS: Final = frozenset(
    {
        *(Event.FOUND_ACCEPTED, Event.FOUND_PENDING, Event.NOT_OURS_AND_ABSENT, Event.SETTLED_ABSENT),
        *(Event.ESCALATED, Event.RULED_BOOKED, Event.RULED_NOT_BOOKED),
    }
)
"""How a doubt can end, or come before a person."""

TAKING_BACK: Final = frozenset({Event.SURFACED, Event.COMPENSATED})
"""A booking of ours stands after its "no"; it has been taken back."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An intent made one of the moves of WAYS or of TAKING_BACK."""

    at: datetime
    intent_id: str
    call_id: str | None
    event: Event


@dataclass(frozen=True, slots=True)
class NotStarted:
    """A wish began nothing: a repeat that joined or heard the stored answer, or something in its way. `why` is the
    admission's own word."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The calendar was asked what became of an intent in doubt. `saw` is a short word of ours."""

    at: datetime
    tenant_id: str
    intent_id: str
    saw: str


@dataclass(frozen=True, slots=True)
class RejectionRuled:
    """A person looked at an intent that a layer had refused, and said whether that was wrong. The last one counts."""

    at: datetime
    intent_id: str
    wrong: bool


Counted = Timed | CalendarAsked | Served | Refused | NotStarted | LookedUp
"""Told for metrics alone: nothing was decided."""

Fact = Rejected | Booked | Answered | Doubted | Settled | Changed | Noticed | Drifted | RejectionRuled | Counted | Alarm


def rejected(intent: Intent, booking: Booking, verdict: Verdict, at: datetime, policy: GuardPolicy) -> Rejected:
    """The fact of a verdict that has a rejection. Raises ValueError for one that has none."""
    finding = verdict.rejection
    if finding is None:
        raise ValueError("nothing was rejected")
    return Rejected(
        at=at,
        intent_id=intent.intent_id,
        call_id=intent.wish.conversation_id,
        layer=finding.layer,
        reason=finding.reason,
        expected=finding.expected,
        received=finding.received
        if finding.reason is not Reason.CALL_ID_MISMATCH
        else _call_id(finding.received) or "",
        booking_uid=booking.uid,
        booking_call_id=_call_id(booking.metadata.get(MetadataKey.CALL_ID)),
        booking_created_at=booking.created_at,
        age_seconds=_seconds(verdict.age),
        freshness_limit_seconds=policy.freshness_limit.total_seconds(),
        known_appointment_id=None if verdict.known is None else verdict.known.appointment_id,
        known_call_id=None if verdict.known is None else verdict.known.call_id,
    )


def booked(intent: Intent, booking: Booking, verdict: Verdict, state: State, at: datetime) -> Booked:
    return Booked(
        at=at,
        intent_id=intent.intent_id,
        call_id=intent.wish.conversation_id,
        booking_uid=booking.uid,
        start=booking.start,
        state=state,
        age_seconds=_seconds(verdict.age),
        skewed=verdict.skewed,
        overruled=tuple(finding.reason for finding in verdict.findings),
    )


def settled(intent: Intent, events: Sequence[Event], at: datetime) -> tuple[Settled, ...]:
    """A fact for each of these moves that ends a doubt, or takes a booking back."""
    told = (event for event in events if event in WAYS | TAKING_BACK)
    return tuple(Settled(at, intent.intent_id, intent.wish.conversation_id, event) for event in told)


def answered(intent: Intent, answer: Answer, verdict: Verdict | None, at: datetime, policy: GuardPolicy) -> Answered:
    age = None if verdict is None else verdict.age
    return Answered(
        at=at,
        intent_id=intent.intent_id,
        epoch=intent.epoch,
        kind=answer.kind,
        http_status=answer.http_status,
        detail=answer.detail,
        elapsed_seconds=round(answer.elapsed.total_seconds(), 6),
        # From birth to receipt: what an operator calls the booking's age.
        booking_age_seconds=None if age is None else (age + answer.elapsed).total_seconds(),
        fresh=None if age is None else age <= policy.freshness_limit,
        judgement=None if verdict is None else verdict.judgement,
    )


_CALL_ID = re.compile(r"[A-Za-z0-9_.:@-]{1,200}")


def _call_id(text: str | None) -> str | None:
    """What a stranger's booking calls its call, if it looks like an id: it could hold anything."""
    return text if text is None or _CALL_ID.fullmatch(text) else "(no id)"


def _seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()
