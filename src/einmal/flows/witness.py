"""The witness: what one reading of a live ledger and one of its calendar can say, as evidence.

It knows less than a simulated world. When a booking ended is only when it last changed; who ended it is known only
where the ledger took it back; what was said is what is stored and what would be told now. Where nobody can know, the
evidence says nothing, so that what is found is a violation and not a guess.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from einmal.domain.evidence import By, Evidence, Life, Row, Spoken
from einmal.domain.intent import BOOKED, REFUSED, State
from einmal.domain.keys import is_operation_id
from einmal.domain.model import Booking, BookingStatus, MetadataKey
from einmal.domain.reply import Outcome
from einmal.ports import Recorded

REST: Final = timedelta(hours=25)
"""A doubt that nobody can look into waits a day for a person; an hour more for the looks before and after."""

LAG: Final = timedelta(minutes=10)
"""How long a booking may stand and not be listed: the replica that answers lags."""

NOT_HERE: Final[dict[str, str]] = {
    "I10": "the ledger keeps states, not the moves between them",
    "I13": "what became of each webhook is not recorded; `einmal reconcile` compares the two sides",
    "I14": "one tenant's rows are read at a time; the tests hold two against each other",
    "I15": "it is asked of the texts of a run with known persons, in the tests",
    "I16": "look-ups, cancels and the minutes they fell in are not recorded one by one",
    "I17": "it takes the same world twice, in the tests",
    "I18": "when the ledger was told that a call is over is not recorded",
}
"""Why the live books say nothing of these."""

AS_FAR_AS: Final[dict[str, str]] = {
    "I1": "of POSTs, those whose answer was recorded",
    "I2": "who ended a booking is known only where we took it back",
    "I3": "not whether the row stood before its POST, which is not recorded",
    "I4": "of what was taken for ours; cancels are not recorded one by one",
    "I5": "of what would be told now; what was said earlier is not recorded",
    "I6": "of intents that have come to rest",
    "I7": "of the stored answer and what stands; each telling is not recorded",
    "I9": "of bookings whose host the calendar names",
    "I11": "of rows that say booked, and of news that was surely promised before the end",
    "I12": "of intents that have come to rest",
}
"""How far those reach that are checked in part."""

_TAKEN_BACK: Final = frozenset({State.COMPENSATING, State.COMPENSATED})
_UNFINISHED: Final = frozenset({State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING})
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Listed:
    """What the calendar listed. `known`: the operation ids on these bookings that the ledger holds, in the window or
    not. `complete`: every booking was listed that was made or changed since then, and could be read."""

    since: datetime
    bookings: Sequence[Booking]
    known: frozenset[str]
    complete: bool


def changed(booking: Booking) -> datetime | None:
    """When it last changed, by the calendar's clock."""
    return booking.updated_at or booking.created_at


def operation(booking: Booking) -> str | None:
    """The operation id that it carries, if what it carries is one."""
    marked = booking.metadata.get(MetadataKey.OPERATION_ID, "")
    return marked if is_operation_id(marked) else None


def evidence(recorded: Recorded, listed: Listed, now: datetime, *, ownership: bool) -> Evidence:
    return Evidence(
        lives=tuple(_lives(recorded, listed)),
        rows=recorded.rows,
        spoken=(*recorded.refusals, *_told_now(recorded, listed, now)),
        requests=recorded.posts,
        ownership=ownership,
        unsettled=unsettled(recorded.rows, listed, now),
        complete=listed.complete,
        news=recorded.news,
    )


def unsettled(rows: Sequence[Row], listed: Listed, now: datetime) -> frozenset[str]:
    """The intents that may still end, be taken back or be listed as they should. A time to come counts as now: our
    clock was set back, or the calendar's is ahead."""
    born: dict[str, list[datetime]] = defaultdict(list)
    for booking in listed.bookings:
        born[operation(booking) or ""].append(booking.created_at or _LONG_AGO)
    return frozenset(row.intent.intent_id for row in rows if _young(row, born, now))


def _young(row: Row, born: Mapping[str, Sequence[datetime]], now: datetime) -> bool:
    intent = row.intent
    if intent.state in BOOKED:
        return now - (intent.resolved_at or intent.created_at) < LAG
    if intent.state in _UNFINISHED:
        return now - (intent.doubted_at or intent.created_at) < REST
    if intent.state not in REFUSED or intent.doubted_at is None:
        return False  # nobody watches it any more, so nothing will make it true
    ended = intent.resolved_at or intent.created_at
    return now - max(ended, intent.doubted_at, *born.get(intent.operation_id, ())) < REST


def _lives(recorded: Recorded, listed: Listed) -> Iterator[Life]:
    """Bookings of the window's intents, those that they hold, and those that carry an id of nobody's."""
    by_operation = {row.intent.mark: row for row in recorded.rows}
    born = {booking.uid: booking.created_at for booking in listed.bookings}
    held = {row.uid for row in recorded.rows}
    tenant_id = next((row.intent.wish.tenant_id for row in recorded.rows), "default")
    for booking in listed.bookings:
        marked = operation(booking)
        row = by_operation.get(marked or "")
        orphan = marked is not None and marked not in listed.known and _since(booking) >= listed.since
        if row is not None or orphan or booking.uid in held:
            made_by = By.US if row is not None or orphan else By.OTHERS
            life = _life(booking, marked, row, made_by, tenant_id, booking.uid in recorded.waited)
            moved_at = born.get(booking.moved_to or "")
            # It ended when what it has become began, whenever its own row was written.
            yield life if moved_at is None else replace(life, until=moved_at)


def _since(booking: Booking) -> datetime:
    return changed(booking) or _LONG_AGO


def _life(booking: Booking, marked: str | None, row: Row | None, made_by: By, tenant_id: str, waited: bool) -> Life:  # noqa: FBT001
    live = booking.status.live
    ours_to_end = row is not None and row.intent.state in _TAKEN_BACK and row.intent.booking_uid == booking.uid
    born = booking.created_at or _LONG_AGO
    accepted = _since(booking) if waited else born
    return Life(
        uid=booking.uid,
        operation_id=marked,
        start=booking.start,
        event_type_id=booking.event_type_id,
        since=born,
        until=None if live else _since(booking),
        made_by=made_by,
        ended_by=None if live else By.US if ours_to_end else By.OTHERS,
        pending_until=None if booking.status is BookingStatus.PENDING else accepted,
        tenant_id=tenant_id,
        end=booking.end,
        resource=booking.host_name,
    )


def _told_now(recorded: Recorded, listed: Listed, now: datetime) -> Iterator[Spoken]:
    """What would be told of each booking if its caller asked again.

    At a moment after everything that was listed: the two clocks may differ.
    """
    at = max([now, *(_since(booking) for booking in listed.bookings)])
    for row in recorded.rows:
        intent = row.intent
        if intent.state in BOOKED:
            outcome = Outcome.BOOKED if intent.state is State.CONFIRMED else Outcome.REQUESTED
            call_id = intent.wish.conversation_id
            yield Spoken(at, intent.key.value, call_id, outcome, row.ref, row.start, intent.intent_id)
