"""What the capability probe makes of a calendar's answers: whether the gateway can rely on what it relies on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.model import Booking, MetadataKey
from einmal.domain.proof import Grade, Row

SKEW_WARN: Final = timedelta(seconds=5)
SKEW_MAX: Final = timedelta(seconds=30)
"""As old as layer 1 lets an answer be: without ownership, a clock that far off decides about bookings."""

BORN_BESIDE: Final = timedelta(seconds=30)
_NO_BOOKING: Final = "it needs a booking; name an event type for tests with --event-type"


@dataclass(frozen=True, slots=True)
class Glance:
    """The Date header of one answer, and between which two readings of our clock it was written."""

    date: datetime | None
    sent_at: datetime
    received_at: datetime

    @property
    def skew(self) -> timedelta | None:
        """How far their clock is ahead of ours. A Date header has whole seconds, cut off: half of one is added."""
        if self.date is None:
            return None
        return self.date + timedelta(seconds=0.5) - (self.sent_at + (self.received_at - self.sent_at) / 2)


@dataclass(frozen=True, slots=True)
class Booked:
    """The booking that the probe made. `asked` is the metadata that was sent, `flaws` what of the answer's shape is
    not as pinned, `listed` the booking as the list shows it to this key; None where it does not."""

    asked: dict[str, str]
    booking: Booking
    flaws: tuple[str, ...]
    date: datetime | None
    listed: Booking | None


def key_taken(event_types: int | None, why: str) -> Row:
    """`event_types` is None where they were not had; `why` says the reason."""
    goal = "Cal.com takes the key, and shows its event types"
    if event_types is None:
        return Row("key", Grade.FAIL, why, goal)
    return Row("key", Grade.PASS, f"taken; event types: {event_types}", goal)


def unreached(why: str) -> Row:
    """Cal.com did not answer: nothing is known of the key."""
    return Row("key", Grade.COULD_NOT_LOOK, why, "Cal.com takes the key, and shows its event types")


def clock_skew(glances: Sequence[Glance], *, owns: bool) -> Row:
    """By the answer that came quickest: it says most."""
    goal = (
        f"below {_seconds(SKEW_WARN)} s; above {_seconds(SKEW_MAX)} s freshness judges wrongly, unless ownership does"
    )
    dated = [one for one in glances if one.date is not None]
    if not dated:
        return Row("clock_skew", Grade.COULD_NOT_LOOK, "Cal.com's answers had no Date header", goal)
    best = min(dated, key=lambda one: one.received_at - one.sent_at)
    skew = best.skew or timedelta(0)
    ahead = "ahead of" if skew >= timedelta(0) else "behind"
    seen = f"Cal.com's clock is {abs(skew.total_seconds()):.1f} s {ahead} ours (within 1 s)"
    if abs(skew) > SKEW_MAX and not owns:
        return Row("clock_skew", Grade.FAIL, seen, goal)
    return Row("clock_skew", Grade.WARN if abs(skew) > SKEW_WARN else Grade.PASS, seen, goal)


def version(pinned: str, looked_at: int, flaws: Sequence[str]) -> Row:
    """`flaws` of every booking that was looked at, a list's or the probe's own."""
    goal = f"bookings in the shape of cal-api-version {pinned}"
    if not looked_at:
        return Row(
            "version", Grade.NOT_ASKED, "this key lists no bookings yet; one made with --event-type shows it", goal
        )
    if flaws:
        return Row("version", Grade.FAIL, f"not as pinned: {', '.join(sorted(set(flaws)))}", goal)
    return Row("version", Grade.PASS, f"{looked_at} looked at, each as pinned", goal)


def sees_own(booked: Booked | None) -> Row:
    goal = "a booking made with this key is listed to this key"
    if booked is None:
        return Row("sees_own_bookings", Grade.NOT_ASKED, _NO_BOOKING, goal)
    if booked.listed is None:
        seen = f"booking {booked.booking.uid} was made and is not listed: doubts could never be settled"
        return Row("sees_own_bookings", Grade.FAIL, seen, goal)
    return Row("sees_own_bookings", Grade.PASS, f"booking {booked.booking.uid} is listed", goal)


def metadata_kept(booked: Booked | None) -> Row:
    names = " and ".join((MetadataKey.OPERATION_ID.value, MetadataKey.CALL_ID.value))
    goal = f"{names} come back as they were sent, in the answer and in the list"
    if booked is None:
        return Row("metadata", Grade.NOT_ASKED, _NO_BOOKING, goal)
    seen_in = {"the answer": booked.booking} | ({} if booked.listed is None else {"the list": booked.listed})
    lost = [
        f"{name} in {where}"
        for where, booking in seen_in.items()
        for name in (MetadataKey.OPERATION_ID.value, MetadataKey.CALL_ID.value)
        if booking.metadata.get(name) != booked.asked.get(name) or name not in booked.asked
    ]
    if lost:
        return Row("metadata", Grade.FAIL, f"not as it was sent: {', '.join(lost)}", goal)
    return Row("metadata", Grade.PASS, f"as sent, in {' and '.join(seen_in)}", goal)


def birth_told(booked: Booked | None) -> Row:
    goal = f"createdAt is there, within {_seconds(BORN_BESIDE)} s of the answer's Date"
    if booked is None:
        return Row("created_at", Grade.NOT_ASKED, _NO_BOOKING, goal)
    born, date = booked.booking.created_at, booked.date
    if born is None:
        return Row("created_at", Grade.FAIL, "the answer has no createdAt that can be read: layer 1 is blind", goal)
    if date is None:
        return Row("created_at", Grade.WARN, "createdAt is there; the answer had no Date header beside it", goal)
    # A Date header has whole seconds, cut off.
    apart = date + timedelta(seconds=0.5) - born
    seen = f"createdAt and the answer's Date are {abs(apart).total_seconds():.1f} s apart (within 1 s)"
    return Row("created_at", Grade.PASS if abs(apart) <= BORN_BESIDE else Grade.FAIL, seen, goal)


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g}"
