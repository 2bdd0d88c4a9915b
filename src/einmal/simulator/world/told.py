"""What stands at the end, read from the database and the simulated calendar, as evidence; and what else must hold in
this world, where the auditor knows who asked for what.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from einmal.adapters.sql.change_rows import COLUMNS, change_of
from einmal.adapters.sql.steps import Store, only
from einmal.domain.change import Change, ChangeKind, ChangeState
from einmal.domain.intent import BOOKED, Intent, State
from einmal.domain.invariants import By, Evidence, Life, Row, Violation
from einmal.domain.keys import normal_name
from einmal.domain.model import MetadataKey, Person
from einmal.domain.reply import Outcome
from einmal.simulator.faults import Operation
from einmal.simulator.records import BookingStatus, SimulatedBooking
from einmal.simulator.world.hands import LIVE, FirstLife, Hands
from einmal.simulator.world.line import Asked, Line, Phone, day_said
from einmal.simulator.world.notes import Kept, Notes
from einmal.simulator.world.people import SERVICE
from einmal.wiring import TENANT_ID

_STANDS: Final = frozenset({Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED})
_SLOT: Final = timedelta(minutes=30)
_BOOKED: Final = "SELECT intent_id, appointment_id, calcom_v2_booking_id, starts_at FROM appointments"
_CHANGES: Final = f"SELECT {COLUMNS} FROM changes ORDER BY change_id"  # noqa: S608 - constants only


async def rows_of(beside: Store, intents: Sequence[Intent]) -> list[Row]:
    booked = {row[0]: row[1:] for row in await beside.read(only(_BOOKED))}
    rows = []
    for intent in intents:
        ref, uid, start = booked.get(intent.intent_id, (None, None, None))
        rows.append(Row(intent, ref, uid, None if start is None else datetime.fromisoformat(start)))
    return rows


async def changes_of(beside: Store) -> list[Change]:
    return [change_of(row) for row in await beside.read(only(_CHANGES))]


@dataclass(frozen=True, slots=True)
class Ends:
    """How bookings ended. `by_hand`: uids; `changes`: the ledger's."""

    by_hand: AbstractSet[str]
    changes: Sequence[Change]

    def of(self, booking: SimulatedBooking, became: SimulatedBooking | None) -> tuple[datetime | None, By | None]:
        """When, and by whom. What arrives after its change was given up is nobody's who could have told of it."""
        if booking.status in LIVE:
            return None, None
        # It ended when what it has become began, whenever its own row was written.
        until = booking.updated_at if became is None else became.created_at
        late = became is not None and self._given_up(booking.uid, until)
        return until, By.OTHERS if booking.uid in self.by_hand or late else By.US

    def _given_up(self, uid: str, at: datetime) -> bool:
        moves = [one for one in self.changes if one.booking_uid == uid and one.kind is ChangeKind.MOVE and one.sends]
        return not any(one.resolved_at is None or at <= one.resolved_at for one in moves)


def lives_of(hands: Hands, rows: Sequence[Row], changes: Sequence[Change]) -> list[Life]:
    """What truly stood in the calendar from when to when; of what was brought back by hand two lives."""
    marks = {row.intent.mark for row in rows}
    bookings = [*hands.calendar.bookings, *hands.vanished.values()]
    by_uid = {booking.uid: booking for booking in bookings}
    ends, again = Ends(hands.ended, changes), brought_back(hands)
    found: list[Life] = []
    for booking in bookings:
        last = ends.of(booking, by_uid.get(booking.rescheduled_to or ""))
        life = _life(booking, marks, _accepted_at(hands, booking), *last)
        first = hands.revived.get(booking.uid)
        if first is not None:
            found += _both(life, first)
        else:
            found.append(_again(life) if booking.uid in again else life)
    return found


def brought_back(hands: Hands) -> frozenset[str]:
    """The bookings that were brought back after their end, and what became of them when they were moved after that."""
    found = set(hands.revived)
    for booking in hands.calendar.bookings:  # in the order of writing: what it was moved from comes first
        before = booking.rescheduled_from
        first = hands.revived.get(before or "")
        if before in found and (first is None or first.again <= booking.created_at):
            found.add(booking.uid)
    return frozenset(found)


def _accepted_at(hands: Hands, booking: SimulatedBooking) -> datetime | None:
    born = hands.calendar.born(booking.uid) or booking
    # Of what has gone without a trace nobody knows how it was made; who brings one back accepts it.
    waited = born.event_type.requires_confirmation and born.status is not BookingStatus.ACCEPTED
    return hands.accepted.get(booking.uid) if waited else booking.created_at


def _both(life: Life, first: FirstLife) -> tuple[Life, Life]:
    """`life` is the whole."""
    accepted = life.pending_until if life.pending_until is not None and life.pending_until < first.until else None
    ended_by = By.OTHERS if first.by_hand else By.US
    before = replace(life, until=first.until, ended_by=ended_by, pending_until=accepted)
    return before, replace(life, since=first.again, pending_until=first.again, made_by=By.OTHERS)


def _again(life: Life) -> Life:
    """It was made by whoever moved what had been brought back, unless it was ours to end."""
    return life if life.ended_by is By.US else replace(life, made_by=By.OTHERS)


def _life(
    booking: SimulatedBooking,
    marks: AbstractSet[str],
    accepted_at: datetime | None,
    until: datetime | None,
    ended_by: By | None,
) -> Life:
    operation = booking.metadata.get(MetadataKey.OPERATION_ID)
    return Life(
        uid=booking.uid,
        operation_id=operation,
        start=booking.start,
        event_type_id=booking.event_type.id,
        since=booking.created_at,
        until=until,
        # One that was moved carries the first one's id for ever, whoever moved it.
        made_by=By.US if operation in marks else By.OTHERS,
        ended_by=ended_by,
        pending_until=accepted_at,
        tenant_id=TENANT_ID,
        end=booking.end,
        resource=f"host {booking.host.id}",
    )


def strangers(evidence: Evidence, askers: Mapping[str, Person]) -> Iterator[Violation]:
    """Whoever was told that an appointment is cancelled or moved, had booked it, or named it wholly. `askers` by call
    id."""
    by_ref = {row.ref: row.intent for row in evidence.rows if row.ref is not None}
    for said in evidence.spoken:
        intent, asker = by_ref.get(said.ref or ""), askers.get(said.call_id or "")
        if intent is None or asker is None or said.outcome not in {Outcome.CANCELLED, Outcome.RESCHEDULED}:
            continue
        person = intent.wish.person
        same = {person.phone, person.email} & {asker.phone, asker.email} - {None}
        same_name = normal_name(person.name) == normal_name(asker.name)
        booked_it = intent.wish.conversation_id == said.call_id
        if not (same or same_name or booked_it):
            yield Violation("stranger", f"{said.outcome} of somebody else's appointment", intent.intent_id)


def unseen_moves(evidence: Evidence, by_hand: AbstractSet[str]) -> Iterator[Violation]:
    """What we moved ourselves is never left unseen, however late it arrived."""
    stands = {row.intent.mark: row for row in evidence.rows if row.intent.state in BOOKED}
    standing = {life.uid for life in evidence.lives if life.stands}
    gone = {life.uid for life in evidence.lives} - standing - by_hand
    for row in stands.values():
        if row.uid in gone:
            yield Violation("unseen", f"{row.intent.state}, and {row.uid} was ended by us", row.intent.intent_id)


def false_noes(evidence: Evidence) -> Iterator[Violation]:
    """No change was refused that had been made."""
    lives = {life.uid: life for life in evidence.lives}
    # What was taken up later is noted as done as well, and was sent by nobody.
    done = {one.booking_uid for one in evidence.changes if one.state is ChangeState.DONE and one.sends > 0}
    # Nor is it a no where others have changed meanwhile what it had become.
    overtaken = {(life.operation_id, life.since): life.until for life in evidence.lives if life.ended_by is By.OTHERS}
    for change in evidence.changes:
        life, ended = lives.get(change.booking_uid), change.resolved_at
        if change.state is not ChangeState.REFUSED or ended is None or life is None or change.booking_uid in done:
            continue
        moved_on = overtaken.get((life.operation_id, life.until or ended))
        if moved_on is not None and moved_on <= ended:
            continue
        if life.until is not None and life.ended_by is By.US and change.created_at <= life.until <= ended:
            yield Violation("false no", f"a {change.kind} was refused that had been made", change.intent_id)


def broken_holds(rows: Sequence[Row], kept: Sequence[Kept]) -> Iterator[Violation]:
    """Of what was held for one call, nothing was begun for another. A hold that was let go early is not `kept`."""
    for hold in kept:
        for row in rows:
            wish, made = row.intent.wish, row.intent.created_at
            others = wish.conversation_id != hold.call_id and row.intent.moved_from is None
            overlaps = wish.start < hold.end and hold.start < wish.end
            if others and overlaps and hold.since < made < hold.until and row.intent.state is not State.REJECTED:
                yield Violation("hold", f"booked over what {hold.call_id} held", row.intent.intent_id)


def beside(evidence: Evidence, notes: Notes, by_hand: AbstractSet[str]) -> Iterator[Violation]:
    """What must hold beside the invariants."""
    yield from strangers(evidence, notes.askers)
    yield from unseen_moves(evidence, by_hand)
    yield from false_noes(evidence)
    yield from broken_holds(evidence.rows, notes.kept)


def changes_seen(changes: Sequence[Change], unheard: AbstractSet[tuple[Operation, str]]) -> set[str]:
    """Situations that changes have been through."""
    seen = set()
    for change in changes:
        operation = Operation.CANCEL if change.kind is ChangeKind.CANCEL else Operation.RESCHEDULE
        if change.state is ChangeState.DONE and (operation, change.booking_uid) in unheard and change.sends:
            seen.add(f"{change.kind} lost and found")
        if change.doubted_at is not None and change.resolved_at is not None:
            seen.add(f"{change.kind} in doubt ends as {change.state}")
        if change.state is ChangeState.ESCALATED:
            seen.add(f"{change.kind} left to a person")
    return seen


async def stuck_holds(phone: Phone, hands: Hands) -> list[Violation]:
    """Long after everybody has hung up, whatever the calendar has free is free for a stranger."""
    found = []
    for number, start in enumerate(hands.starts):
        taken = any(
            one.status in LIVE and one.start < start + _SLOT and start < one.end for one in hands.calendar.bookings
        )
        if taken or not 7 <= start.hour < 16:
            continue
        line, person = Line(f"probe_{number}"), Person("Zoë Probst")
        args = {"name": person.name, "dienstleistung": SERVICE.name, "telefon": f"+4930901820{number}"}
        heard = await phone.ask(Asked("check_availability", line, person, args | day_said(start)))
        if heard is not None and heard.outcome is Outcome.UNAVAILABLE:
            found.append(Violation("hold", "kept from a stranger long after everybody hung up"))
    return found
