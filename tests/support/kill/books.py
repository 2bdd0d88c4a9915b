"""What is left when everything is at rest: the calendar's records, the ledger's rows, and what follows from both.

The ledger is read through SQLAlchemy, whatever database it is; the calendar through the simulator's own buttons.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, and_, create_engine, func, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from einmal.adapters.sql.rows import INTENT_COLUMNS, instant_of, intent_of
from einmal.adapters.sql.schema import appointments, facts, intents, metadata
from einmal.domain.intent import BOOKED, State
from einmal.domain.invariants import By, Life, Row, Spoken, Violation
from einmal.domain.model import MetadataKey
from einmal.domain.reply import Outcome
from einmal.flows.compensate import REASON
from einmal.wiring import TENANT_ID
from support.kill.callers import Caller

T = TypeVar("T")
PATIENCE_SECONDS: Final = 30.0

_UNFINISHED: Final = tuple(state.value for state in (State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING))
_SAYS_BOOKED: Final = frozenset({Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED})
_SAYS_NO: Final = frozenset({Outcome.SLOT_TAKEN, Outcome.REJECTED, Outcome.ERROR, Outcome.UNAVAILABLE})
_COLUMNS: Final = [intents.c[name] for name in INTENT_COLUMNS.split(", ")]


class Books:
    """The ledger, from beside it."""

    def __init__(self, url: str) -> None:
        driver = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}[make_url(url).drivername]
        self._engine = create_engine(make_url(url).set(drivername=driver), poolclass=NullPool)

    def _read(self, work: Callable[[Connection], T]) -> T:
        """Also while the server is being started again."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except DBAPIError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def empty(self) -> None:
        """Delete every row. Only for a ledger that a round has filled itself."""
        for table in reversed(metadata.sorted_tables):
            self._read(lambda connection, table=table: connection.execute(table.delete()))  # type: ignore[misc]

    def intents_count(self) -> int:
        return self._count(select(func.count()).select_from(intents))

    def holds_as_sent(self, operation_id: str) -> bool:
        """Whether what is about to be asked of the calendar is on record, as sent."""
        wanted = select(intents.c.state).where(intents.c.operation_id == operation_id)
        return self._read(lambda connection: connection.execute(wanted).scalar()) == State.SENT.value

    def unfinished(self) -> int:
        return self._count(select(func.count()).select_from(intents).where(intents.c.state.in_(_UNFINISHED)))

    def _count(self, wanted: Select[tuple[int]]) -> int:
        return self._read(lambda connection: int(connection.execute(wanted).scalar_one()))

    def rows(self) -> list[Row]:
        wanted = select(
            *_COLUMNS,
            appointments.c.appointment_id,
            appointments.c.calcom_v2_booking_id,
            appointments.c.starts_at,
        ).select_from(intents.outerjoin(appointments, appointments.c.intent_id == intents.c.intent_id))
        width = len(_COLUMNS)
        found = self._read(lambda connection: [tuple(row) for row in connection.execute(wanted)])
        return [
            Row(intent_of(row), row[width], row[width + 1], None if row[width + 2] is None else instant_of(row[-1]))
            for row in found
        ]

    def left_by_the_dead(self) -> dict[State, int]:
        """How doubts ended that nobody but recovery knew of: their process was killed with the POST on its way."""
        fallen = select(facts.c.data, intents.c.state).select_from(
            facts.join(intents, and_(intents.c.intent_id == facts.c.intent_id, facts.c.kind == "doubted"))
        )
        ended: dict[State, int] = defaultdict(int)
        for data, state in self._read(lambda connection: connection.execute(fallen).all()):
            if "send_deadline_passed" in str(data):
                ended[State(state)] += 1
        return ended


def lives_of(bookings: Sequence[Mapping[str, Any]]) -> list[Life]:
    """The simulator's bookings. Nobody but the gateways books or cancels there, so what has an id is ours."""
    return [_life(booking) for booking in bookings]


def _life(booking: Mapping[str, Any]) -> Life:
    operation = booking["metadata"].get(MetadataKey.OPERATION_ID)
    made_at, live = datetime.fromisoformat(booking["createdAt"]), booking["status"] in {"accepted", "pending"}
    by_us = booking["cancellationReason"] == REASON
    return Life(
        uid=booking["uid"],
        operation_id=operation,
        start=datetime.fromisoformat(booking["start"]),
        event_type_id=booking["eventTypeId"],
        since=made_at,
        until=None if live else datetime.fromisoformat(booking["updatedAt"]),
        made_by=By.US,
        ended_by=None if live else By.US if by_us else By.OTHERS,
        pending_until=made_at if booking["status"] != "pending" else None,
        tenant_id=TENANT_ID,
    )


def spoken_by(callers: Sequence[Caller]) -> list[Spoken]:
    return [
        Spoken(heard.at, "", caller.call_id, heard.outcome, heard.ref, heard.start)
        for caller in callers
        for heard in caller.heard
    ]


OTHER_CALL: Final = "other call"
"""Not a broken promise, and worth counting: a no is repeated to somebody for whom another call is booking the slot in
this moment, and does not know yet that it has."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A booking that stands, and the call it was booked in."""

    call_id: str
    since: datetime
    uid: str


def broken_promises(
    callers: Sequence[Caller], bookings: Sequence[Mapping[str, Any]], rows: Sequence[Row]
) -> Iterator[Violation]:
    """What the invariants cannot know, for they do not know who wished what."""
    standing = defaultdict(list)
    of_call = {caller.call_id: caller for caller in callers}
    for booking, life in zip(bookings, lives_of(bookings), strict=True):
        caller = of_call.get(booking["metadata"].get("call_id", ""))
        if caller is None:
            yield Violation("wish", f"booking {life.uid} was wished by nobody")
        elif life.stands:
            standing[caller.phone, life.start].append(Standing(caller.call_id, life.since, life.uid))
    for wish, found in standing.items():
        if len(found) > 1:
            yield Violation("wish", f"{len(found)} bookings stand for {wish[0]} at {wish[1]}")
    held = {row.ref: row for row in rows if row.ref is not None}
    for caller in callers:
        yield from _as_told(caller, standing.get(caller.wish, []), held)
    for row in rows:
        if row.intent.state is State.ESCALATED:
            yield Violation("needless person", "nothing here needs a person", row.intent.intent_id)


def _as_told(caller: Caller, standing: Sequence[Standing], held: Mapping[str, Row]) -> Iterator[Violation]:
    who = f"{caller.call_id} ({caller.phone})"
    told_booked = False
    for heard in sorted(caller.heard, key=lambda one: one.at):
        if heard.outcome in _SAYS_BOOKED:
            told_booked = True
            row = held.get(heard.ref or "")
            if row is None or row.intent.state not in BOOKED or not any(one.uid == row.uid for one in standing):
                yield Violation("acknowledged", f"{who} heard {heard.outcome}, and it does not stand")
        elif heard.outcome in _SAYS_NO:
            if told_booked:
                yield Violation("one answer", f"{who} heard booked and then {heard.outcome}")
            for one in standing:
                if one.since <= heard.at:
                    which = "honest no" if one.call_id == caller.call_id else OTHER_CALL
                    yield Violation(which, f"{who} heard {heard.outcome}, and has the slot")
    last = caller.heard[-1].outcome if caller.heard else None
    if last not in _SAYS_BOOKED | _SAYS_NO:
        yield Violation("answer", f"{who} heard {last} at last")


def dossier(caller: Caller, bookings: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> list[str]:
    """All that is known of this caller's wish, in the order in which it happened, a line each."""
    told = [f"{heard.at:%H:%M:%S.%f} heard {heard.outcome}" for heard in caller.heard]
    made = [
        f"{life.since:%H:%M:%S.%f} in the calendar: {life.uid} of {life.operation_id}, stands: {life.stands}"
        for booking, life in zip(bookings, lives_of(bookings), strict=True)
        if booking["metadata"].get("call_id") == caller.call_id
    ]
    for row in rows:
        one = row.intent
        if (one.wish.person.phone, one.wish.start) == caller.wish:
            at = (
                f"{one.created_at:%H:%M:%S.%f} {one.wish.conversation_id} intent {one.operation_id} ends as {one.state}"
            )
            later = {"sent": one.sent_at, "doubted": one.doubted_at, "resolved": one.resolved_at}
            told.append(", ".join([at, *(f"{what} {when:%H:%M:%S.%f}" for what, when in later.items() if when)]))
    return [caller.call_id, *(f"  {line}" for line in sorted([*told, *made]))]
