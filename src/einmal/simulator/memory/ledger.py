"""The Ledger port in memory. Each method is one transaction: first it decides and raises, then it writes.

The decisions are the domain's, as on SQLite: admission, the table of moves, the gate, what is owed to whom.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from einmal.adapters.sql.queues import FAR, SLOT_MAX
from einmal.domain.admission import AdmissionPolicy, Start, admit
from einmal.domain.gate import Gate, Shut, Use
from einmal.domain.intent import BOOKED, Event, Intent, State
from einmal.domain.promise import owed
from einmal.domain.reach import confirming
from einmal.domain.verdict import KnownBooking
from einmal.ports import Admitted, Candidate, Ids, StaleIntent, StoredReply, Sweep, Toll, Transition
from einmal.simulator.memory.appointments import Drawn
from einmal.simulator.memory.books import AttemptRow, FactRow, MemoryBooks, SweepRow
from einmal.simulator.memory.commit import Commit, ConstraintViolated, kept, kept_or_none
from einmal.simulator.memory.draft import quick_intent
from einmal.simulator.memory.gates import MemoryGates
from einmal.simulator.memory.intents import born
from einmal.simulator.memory.outbox import MemoryOutbox, put_confirmed, put_message
from einmal.simulator.storage import StorageFault

OnMove = Callable[[Intent | None, Event | None, Intent], None]
"""Told of each move as it is written: before, event, after; of a birth with neither before nor event.

Of several moves in one commit each is told, and only the last `after` ever stood in the books. Must not raise.
"""


class MemoryLedger:
    """One process on its books. What is promised is put into the outbox once for each of `channels`.

    `before` is asked before each writing transaction what will become of it, as in simulator/storage. `pause` is
    awaited before each transaction: others go on meanwhile, as they do with a thread or a slow disk.

    For an auditor: `intents` by id, `appointments` by intent id, `attempts` by intent id and epoch. Only to read.
    """

    def __init__(
        self,
        ids: Ids,
        channels: Sequence[str] = (),
        *,
        books: MemoryBooks | None = None,
        before: Callable[[], StorageFault | None] | None = None,
        pause: Callable[[], Awaitable[None]] | None = None,
        on_move: OnMove | None = None,
    ) -> None:
        self.books = books or MemoryBooks()
        self.intents = self.books.intents.rows
        self.appointments = self.books.appointments.by_intent
        self.attempts = self.books.attempts
        self._ids = ids
        self._channels = tuple(channels)
        self._commit = Commit(before, pause)
        self._on_move = on_move
        self.gates = MemoryGates(self.books, self._commit)
        self.outbox = MemoryOutbox(self.books, self._commit)

    def open(self) -> None:
        self._commit.closed = False

    def close(self) -> None:
        """This process has it open no longer. The books are there for the next one."""
        self._commit.closed = True

    async def admit(self, candidate: Candidate, policy: AdmissionPolicy, toll: Toll | None = None) -> Admitted:
        wish, key, now = candidate.wish, candidate.key, candidate.now
        async with self._commit as lasts:
            table = self.books.intents
            same_key = table.newest(wish.tenant_id, key.value)
            admission = admit(wish, key, same_key, table.neighbours(wish, key.person), now, policy)
            started, row, gate, shut = None, None, None, None
            if isinstance(admission, Start):
                gate, shut = self._pay(toll, now)
                started, row = born(candidate, admission.generation, armed=shut is None)
                table.check(row)
            if lasts:
                if candidate.call is not None:
                    self.books.note_call(wish, candidate.call, kept(now))
                if toll is not None and gate is not None:
                    self.gates.write(toll, gate)
                if row is not None:
                    table.put(row)
                    if self._on_move is not None:
                        self._on_move(None, None, row)
            return Admitted(admission, started, shut)

    async def apply(self, transition: Transition) -> StoredReply:
        before, at = transition.before, kept(transition.at)
        ways = _ways(transition)
        after = ways[-1]
        async with self._commit as lasts:
            row = self.intents.get(before.intent_id)
            if row is None or row.state is not before.state or row.epoch != before.epoch:
                raise StaleIntent(before.intent_id)
            if transition.answer is not None and (before.intent_id, before.epoch) in self.attempts:
                raise ConstraintViolated("attempts")
            made = None
            if after.state in BOOKED and before.state not in BOOKED and transition.booking is not None:
                drawn_up = self.books.appointments.drawn_up
                made = drawn_up(before, transition.booking, after.state, at, self._ids)
            moved = _moved(row, after, transition)
            if not lasts:
                return StoredReply(moved, None, None)
            self._write(transition, moved, made, at)
            message = owed(before.state, moved)
            if message is not None:
                put_message(self.books, moved, message, self._channels, at)
            elif moved.state is State.CONFIRMED:
                accepted = before.state is State.PENDING
                told = self._channels if accepted else confirming(self._channels, moved.wish.person)
                put_confirmed(self.books, moved, told, at)
            if self._on_move is not None:
                _tell(self._on_move, transition.events, [*ways[:-1], moved])
            return self.books.stored_of(moved)

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Intent, ...]:
        async with self._commit as lasts:
            table, lease = self.books.intents, kept(lease_until)
            due = [table.rows[intent_id] for intent_id in (table.due.take(kept(now), limit) if lasts else ())]
            return tuple(table.look_at(intent, lease, intent.looks) for intent in due)

    async def looked(self, intent: Intent, look_at: datetime, *, more: int = 1) -> None:
        async with self._commit as lasts:
            row = self.intents.get(intent.intent_id)
            if lasts and row is not None and row.state is intent.state and row.epoch == intent.epoch:
                self.books.intents.look_at(row, kept(look_at), row.looks + more)

    async def promise(self, intent_id: str, at: datetime) -> StoredReply | None:
        async with self._commit as lasts:
            if lasts:
                self.books.intents.promise(intent_id, kept(at))
            return self.books.stored(intent_id)

    async def by_operations(self, tenant_id: str, operation_ids: Sequence[str]) -> tuple[Intent, ...]:
        if not operation_ids:
            return ()
        await self._commit.read()
        found = self.books.intents.by_operations(operation_ids)
        return tuple(intent for intent in found if intent.wish.tenant_id == tenant_id)

    async def claim_sweep(self, tenant_id: str, now: datetime, lease_until: datetime) -> Sweep | None:
        async with self._commit as lasts:
            row = self.books.sweeps.get(tenant_id)
            if row is not None and kept(now) < row.due_at <= kept(now) + FAR:
                return None
            watched = self.books.intents.watched(tenant_id, kept(now - SLOT_MAX))
            if watched is None:
                return None
            until = None if row is None else row.swept_until
            if lasts:
                self.books.sweeps[tenant_id] = SweepRow(until, kept(lease_until))
            return Sweep(*watched, until)

    async def swept(self, tenant_id: str, until: datetime | None, due_at: datetime) -> None:
        async with self._commit as lasts:
            row = self.books.sweeps.get(tenant_id)
            if lasts and row is not None:
                row.swept_until = kept_or_none(until) or row.swept_until
                row.due_at = kept(due_at)

    async def stored(self, intent_id: str) -> StoredReply | None:
        await self._commit.read()
        return self.books.stored(intent_id)

    async def in_states(self, tenant_id: str, states: Sequence[State], limit: int) -> tuple[Intent, ...]:
        await self._commit.read()
        return tuple(self.books.intents.in_states(tenant_id, states)[:limit])

    async def known_booking(self, uid: str, intent: Intent) -> KnownBooking | None:
        await self._commit.read()
        others = (made for made in self.books.appointments.holding(uid) if made.intent_id != intent.intent_id)
        made = next(others, None)
        if made is None:
            return None
        theirs = self.intents[made.intent_id]
        same_tenant = theirs.wish.tenant_id == intent.wish.tenant_id
        return KnownBooking(
            appointment_id=made.appointment_id,
            intent_id=made.intent_id,
            call_id=made.call_id,
            live=made.status in BOOKED,
            same_person=same_tenant and intent.key.person.is_same(theirs.key.person),
            start=made.start,
            end=made.end,
        )

    async def appointments_count(self, tenant_id: str, customer: str) -> int:
        await self._commit.read()
        return self.books.appointments.live_of(tenant_id, customer)

    async def bookings_count(self, tenant_id: str, booking_uid: str) -> int:
        await self._commit.read()
        return sum(made.tenant_id == tenant_id for made in self.books.appointments.holding(booking_uid))

    async def customer_name(self, tenant_id: str, phone: str) -> str | None:
        await self._commit.read()
        return self.books.appointments.name_of(tenant_id, phone)

    async def ready(self) -> bool:
        async with self._commit:
            return True

    def _pay(self, toll: Toll | None, now: datetime) -> tuple[Gate | None, Shut | None]:
        if toll is None:
            return None, None
        gate, permit = self.gates.passing(toll, Use.BOOK, now)
        return gate, permit if isinstance(permit, Shut) else None

    def _write(self, transition: Transition, moved: Intent, made: Drawn | None, at: datetime) -> None:
        """All that the move makes true."""
        books, before = self.books, transition.before
        books.intents.move(before.state, moved)
        if moved.state in BOOKED:
            books.intents.replies.pop(moved.intent_id, None)
        elif transition.reply is not None:
            books.intents.replies[moved.intent_id] = transition.reply
        if transition.answer is not None:
            self.attempts[before.intent_id, before.epoch] = AttemptRow(at, transition.answer)
        if before.state in BOOKED:
            books.appointments.move(before.intent_id, moved.state, at)
        elif made is not None:
            books.appointments.put(*made)
        for fact in transition.facts:
            books.facts.append(FactRow(before.wish.tenant_id, before.intent_id, fact))


def _ways(transition: Transition) -> list[Intent]:
    """The intent before the moves and after each of them. Raises IllegalMove."""
    ways = [transition.before]
    for event in transition.events:
        ways.append(ways[-1].advance(event, transition.at, transition.send_deadline))
    return ways


def _tell(on_move: OnMove, events: Sequence[Event], ways: Sequence[Intent]) -> None:
    for number, event in enumerate(events):
        on_move(ways[number], event, ways[number + 1])


def _moved(row: Intent, after: Intent, transition: Transition) -> Intent:
    """The row after the moves. What others write while somebody holds it (looks, promises) is the row's own."""
    look_at = transition.look_at
    if look_at is None and after.state in {State.INTENT, State.SENT}:
        look_at = after.send_deadline
    return quick_intent(
        row.intent_id,
        row.operation_id,
        row.key,
        row.generation,
        row.wish,
        row.attendee_email,
        after.state,
        after.epoch,
        row.created_at,
        kept_or_none(after.sent_at),
        kept_or_none(after.send_deadline),
        kept_or_none(after.resolved_at),
        after.booking_uid if transition.booking is None else transition.booking.uid,
        kept_or_none(after.doubted_at),
        transition.before.not_ours or transition.not_ours,
        0 if Event.SURFACED in transition.events else row.looks,
        kept_or_none(look_at),
        row.promised_at,
        row.moved_from,
        row.carried_id,
    )
