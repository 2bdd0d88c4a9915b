"""settle(): what do the bookings that a look-up saw say of an intent in doubt, and when to look again?

Only our operation id counts. An empty look never proves absence by itself. It ends a doubt where the
calendar has answered that the slot is not ours (a conflict, a foreign booking). After a lost answer the
request may still be on its way: an absence counts only once the settle window is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from einmal.domain.intent import Intent
from einmal.domain.model import Booking, BookingStatus, MetadataKey


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly one live booking carries our id, at the start and of the type that we asked for."""

    booking: Booking

    @property
    def pending(self) -> bool:
        return self.booking.status is BookingStatus.PENDING


@dataclass(frozen=True, slots=True)
class Absent:
    """Everything that begins at the asked start was seen, and nothing of it carries our id."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing can be concluded; look again later. `why` is a short word."""

    why: str


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """Our id where it should not be: twice, or at another time or type. `why` is a short word."""

    why: str


Settlement = Found | Absent | Unclear | NeedsPerson


@dataclass(frozen=True, slots=True)
class SettlePolicy:
    """`window`: how long after the doubt began an absence is not yet proof; longer than any request lives.

    `give_up_after`: when a person must rule, because looking was impossible all that time.
    `pauses`: between looks. The first four fall into the caller's time (0.5, 1, 2 and 3 s after the doubt
    began); with those that follow it is at most twelve looks in the first hour.
    """

    window: timedelta = timedelta(minutes=10)
    give_up_after: timedelta = timedelta(hours=24)
    pauses: tuple[float, ...] = (0.5, 0.5, 1.0, 1.0, 10.0, 30.0, 120.0, 300.0, 600.0, 1800.0)
    looks_in_call: int = 4


def _at_our_address(intent: Intent, booking: Booking) -> bool:
    made_for_this = intent.operation_id in intent.attendee_email
    return made_for_this and booking.status.live and intent.attendee_email in booking.attendee_emails


class Conclusion(StrEnum):
    """What to do about a doubt that a look did not end."""

    ABSENT = "absent"
    ESCALATE = "escalate"
    LOOK_AGAIN = "look_again"


def conclude(intent: Intent, settlement: Absent | Unclear, now: datetime, policy: SettlePolicy) -> Conclusion:
    """Whether an absence counts now. Raises ValueError for an intent that was never in doubt."""
    if intent.doubted_at is None:
        raise ValueError("only a doubt is concluded")
    waited = now - intent.doubted_at
    if isinstance(settlement, Absent) and (intent.not_ours or waited >= policy.window):
        return Conclusion.ABSENT
    # Absence that was seen all along needs no person; blindness does.
    if waited >= policy.give_up_after:
        return Conclusion.ESCALATE
    return Conclusion.LOOK_AGAIN


def next_look(intent: Intent, now: datetime, policy: SettlePolicy, jitter: float) -> datetime:
    """When to look again after `intent.looks` looks. `jitter` in [0, 1) spreads those that failed together.

    Looks that were missed are not made up for: the longer the doubt has lasted, the longer the pause. A look falls
    right behind the end of the settle window, so that a doubt ends there and not a pause later.
    """
    lasted = timedelta(0) if intent.doubted_at is None else now - intent.doubted_at
    over = sum(timedelta(seconds=sum(policy.pauses[: n + 1])) <= lasted for n in range(len(policy.pauses)))
    pause = policy.pauses[min(max(intent.looks, over), len(policy.pauses) - 1)]
    at = now + timedelta(seconds=pause * (1 + 0.2 * jitter))
    ends = None if intent.doubted_at is None else intent.doubted_at + policy.window
    return ends if ends is not None and now < ends < at else at


def settle(intent: Intent, seen: Sequence[Booking], *, complete: bool) -> Settlement:
    """What the look-up means. `complete` is False where more rows may exist than were seen."""
    ours = [booking for booking in seen if booking.metadata.get(MetadataKey.OPERATION_ID) == intent.operation_id]
    live = [booking for booking in ours if booking.status.live]
    if not live:
        if ours:
            return Unclear("ended")
        if any(_at_our_address(intent, booking) for booking in seen):
            # Nobody else knows that address: it is ours with its metadata lost. Without the id it is never
            # confirmed, and never called absent either.
            return NeedsPerson("metadata_missing")
        return Absent() if complete else Unclear("page_full")
    if len({booking.uid for booking in live}) > 1:
        return NeedsPerson("twice")
    booking = live[0]
    wish = intent.wish
    if booking.start != wish.start or booking.event_type_id != wish.service.event_type_id:
        return NeedsPerson("wrong_time")
    return Found(booking)
