"""judge(): is this booking ours? The heart of Einmal.

Cal.com may answer a POST with success and somebody else's booking (the incident). Five questions are put
to the evidence, in this order; someone who reads only this file understands the product.

  0. Ownership   Does it carry the operation id that we stored before we asked? Then it is ours, whatever its
                 age; otherwise it is not, whatever else fits. The layers below then say why.
  1. Freshness   Was it created more than 30 s before we asked? Then it answers an older request.
  2. Identity    Is it of another phone call; of another start, event type or attendee?
  3. Ledger      Do we know this booking already, under another wish?
  4. Constraint  UNIQUE on the booking's uid. Not here: the database has that word when the row is written.

Freshness is measured to the moment of the first send, in the calendar's own clock, so neither a slow
answer nor a skewed local clock makes an own booking look stale. Under ownership a fixed threshold decides
nothing: it would refuse every own booking once the clocks are 31 s apart, and so make orphans.

"Seed mode" (ownership off) is the four layers alone: what carries no `createdAt` or `call_id` passes them,
and a known uid ends the matter. A layer that is switched off still reports what it would have said.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from einmal.domain.intent import Intent
from einmal.domain.model import Booking, BookingStatus, MetadataKey


class Layer(StrEnum):
    """Closed: these are metric labels. Ownership has none of its own; its reasons come from the layers."""

    FRESHNESS = "layer1"
    IDENTITY = "layer2"
    LEDGER = "layer3"
    CONSTRAINT = "layer4"


class Reason(StrEnum):
    """Closed: these are metric labels."""

    STALE_BOOKING = "stale_booking"
    CALL_ID_MISMATCH = "call_id_mismatch"
    IDENTITY_MISMATCH = "identity_mismatch"
    DATABASE_DUPLICATE = "database_duplicate"
    CONSTRAINT_VIOLATION = "constraint_violation"


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """Which layers decide. Off means: it reports, and does not reject."""

    enabled: bool = True
    ownership: bool = True
    freshness: bool = True
    identity: bool = True
    ledger: bool = True
    freshness_limit: timedelta = timedelta(seconds=30)
    skew_tolerance: timedelta = timedelta(seconds=5)

    def decides(self, layer: Layer) -> bool:
        match layer:
            case Layer.FRESHNESS:
                return self.enabled and self.freshness
            case Layer.IDENTITY:
                return self.enabled and self.identity
            case Layer.LEDGER:
                return self.enabled and self.ledger
            case Layer.CONSTRAINT:
                return True  # it is schema: off means migrating down

    @property
    def owns(self) -> bool:
        return self.enabled and self.ownership

    def layers_off(self) -> list[str]:
        """The switches that are off, by name; all of them where the guard is off as a whole."""
        switches = {
            "ownership": self.ownership,
            "freshness": self.freshness,
            "identity": self.identity,
            "ledger": self.ledger,
        }
        return [name for name, on in switches.items() if not (self.enabled and on)]


@dataclass(frozen=True, slots=True)
class Asked:
    """When the intent was first sent, in the clock that `createdAt` is of if possible, and how long it took."""

    at: datetime
    elapsed: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class KnownBooking:
    """What our ledger holds under this uid. Never shown to a caller unless `same_person`."""

    appointment_id: str
    intent_id: str
    call_id: str | None
    live: bool
    same_person: bool
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One layer's objection. `decided` is False where the layer was off or ownership overruled it."""

    layer: Layer
    reason: Reason
    expected: str
    received: str
    decided: bool


class Judgement(StrEnum):
    OURS_ACCEPTED = "ours_accepted"
    OURS_PENDING = "ours_pending"
    OURS_ENDED = "ours_ended"
    """Ours by its id, and already cancelled or declined: nothing to promise."""
    WRONG_TIME = "wrong_time"
    """Our id on another start or event type: somebody moved it, or worse. A person must look."""
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement over one sighting, with everything that led to it.

    `age` is how long before we asked the booking was created (negative: after). `skewed` says that it was
    created later after the answer than clocks should differ: reported, decided by the operation id.
    """

    judgement: Judgement
    findings: tuple[Finding, ...] = ()
    age: timedelta | None = None
    skewed: bool = False
    known: KnownBooking | None = None
    owned: bool = False

    @property
    def rejection(self) -> Finding | None:
        """The finding that decided; the first one in the order of the layers."""
        return next((finding for finding in self.findings if finding.decided), None)


def judge(
    intent: Intent,
    booking: Booking,
    asked: Asked,
    known: KnownBooking | None,
    policy: GuardPolicy,
) -> Verdict:
    """The verdict on `booking` as the answer to `intent`.

    `known`: the ledger's row with this uid under *another* intent, if there is one.
    """
    age = None if booking.created_at is None else asked.at - booking.created_at
    skewed = age is not None and age + asked.elapsed < -policy.skew_tolerance
    owned = booking.metadata.get(MetadataKey.OPERATION_ID) == intent.operation_id
    overruled = policy.owns and owned
    objections = [
        objection
        for objection in (
            _freshness(age, policy),
            _call(intent, booking),
            _identity(intent, booking),
            _ledger(intent, known),
        )
        if objection is not None
    ]
    findings = tuple(
        Finding(layer, reason, expected, received, decided=policy.decides(layer) and not overruled)
        for layer, reason, expected, received in objections
    )
    if policy.owns and not owned and not any(finding.decided for finding in findings):
        findings += (_not_owned(intent, booking),)
    judgement = (
        Judgement.FOREIGN
        if any(finding.decided for finding in findings)
        else _ours(intent, booking, strict=policy.owns)
    )
    return Verdict(judgement, findings, age, skewed, known, owned)


_Objection = tuple[Layer, Reason, str, str]


def _freshness(age: timedelta | None, policy: GuardPolicy) -> _Objection | None:
    if age is None or age <= policy.freshness_limit:
        return None
    limit = f"created at most {policy.freshness_limit.total_seconds():g} s before the request"
    return Layer.FRESHNESS, Reason.STALE_BOOKING, limit, f"{age.total_seconds():.3f} s before it"


def _call(intent: Intent, booking: Booking) -> _Objection | None:
    ours, theirs = intent.wish.conversation_id, booking.metadata.get(MetadataKey.CALL_ID)
    # Compared letter by letter: ids that differ only in case are two ids.
    if not ours or not theirs or ours == theirs:
        return None
    return Layer.IDENTITY, Reason.CALL_ID_MISMATCH, ours, theirs


def _identity(intent: Intent, booking: Booking) -> _Objection | None:
    wish = intent.wish
    if booking.start != wish.start:
        found = ("start", wish.start.isoformat(), booking.start.isoformat())
    elif booking.event_type_id != wish.service.event_type_id:
        found = ("event type", str(wish.service.event_type_id), str(booking.event_type_id))
    elif booking.attendee_emails and intent.attendee_email not in booking.attendee_emails:
        # The addresses themselves are personal: that they differ is evidence enough.
        found = ("attendee", "the address we sent", "another")
    else:
        return None
    what, expected, received = found
    return Layer.IDENTITY, Reason.IDENTITY_MISMATCH, f"{what} {expected}", f"{what} {received}"


def _ledger(intent: Intent, known: KnownBooking | None) -> _Objection | None:
    if known is None or known.intent_id == intent.intent_id:
        return None
    return Layer.LEDGER, Reason.DATABASE_DUPLICATE, "a booking new to the ledger", known.appointment_id


def _not_owned(intent: Intent, booking: Booking) -> Finding:
    theirs = booking.metadata.get(MetadataKey.OPERATION_ID)
    return Finding(
        Layer.IDENTITY,
        Reason.IDENTITY_MISMATCH,
        f"operation id {intent.operation_id}",
        "none" if theirs is None else "another",
        decided=True,
    )


def _ours(intent: Intent, booking: Booking, *, strict: bool) -> Judgement:
    wish = intent.wish
    moved = booking.start != wish.start or booking.event_type_id != wish.service.event_type_id
    if strict and moved:
        return Judgement.WRONG_TIME
    match booking.status:
        case BookingStatus.ACCEPTED:
            return Judgement.OURS_ACCEPTED
        case BookingStatus.PENDING:
            return Judgement.OURS_PENDING
        case BookingStatus.CANCELLED | BookingStatus.REJECTED:
            return Judgement.OURS_ENDED


def with_constraint(verdict: Verdict, known: KnownBooking | None) -> Verdict:
    """The verdict after layer 4 spoke: the database refused to hold this booking twice."""
    finding = Finding(
        Layer.CONSTRAINT,
        Reason.CONSTRAINT_VIOLATION,
        "a booking new to the ledger",
        "one it holds" if known is None else known.appointment_id,
        decided=True,
    )
    return replace(verdict, judgement=Judgement.FOREIGN, findings=(*verdict.findings, finding), known=known)
