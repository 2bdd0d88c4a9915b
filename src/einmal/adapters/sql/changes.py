"""The books of changes on SQL: a change and the intents that it touches move in one commit."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from einmal.adapters.sql.change_rows import COLUMNS, change_of, change_values
from einmal.adapters.sql.outbox import put_message
from einmal.adapters.sql.queues import PROMISE_WHOLE, due_by
from einmal.adapters.sql.rows import STORED, instant_text, new_intent, stored_reply
from einmal.adapters.sql.rows import text_or_none as text
from einmal.adapters.sql.steps import SKIP_LOCKED, Hold, Statement, Steps, Store, Transaction, Violated, only
from einmal.adapters.sql.writes import decision, fact_row, insert, move
from einmal.domain.admission import AdmissionPolicy, HungUp, Start
from einmal.domain.change import Change, ChangeEvent, ChangeKind, ChangeState
from einmal.domain.intent import BOOKED, Event, Intent, State
from einmal.domain.model import Booking, BookingStatus
from einmal.domain.promise import MessageKind
from einmal.ports import Candidate, Ids, StaleIntent, StoredReply, Transition
from einmal.ports.changes import Begun, Conclusion, NotAdmitted, NotStanding, StaleChange, UnderWay

_LIVE: Final = "state IN ('sent', 'doubt', 'escalated')"
_INSERT: Final = f"INSERT INTO changes ({COLUMNS}) VALUES ({', '.join('?' * (COLUMNS.count(',') + 1))})"  # noqa: S608 - constants only
_ONE: Final = f"SELECT {COLUMNS} FROM changes WHERE change_id = ?"  # noqa: S608 - constants only
_LIVE_OF: Final = f"SELECT {COLUMNS} FROM changes WHERE intent_id = ? AND {_LIVE}"  # noqa: S608 - constants only
_OVER: Final = "SELECT 1 FROM calls WHERE tenant_id = ? AND call_id = ? AND ended_at IS NOT NULL"
_LAST_OF: Final = f"""
    SELECT {COLUMNS} FROM changes WHERE intent_id = ? OR successor_id = ?
    ORDER BY change_id DESC LIMIT 1"""  # noqa: S608 - constants only
_MOVE: Final = f"""
    UPDATE changes SET state = ?, look_at = ?, doubted_at = ?, resolved_at = ?
    WHERE change_id = ? AND state = ? RETURNING {COLUMNS}"""  # noqa: S608 - constants only
_DUE: Final = f"""
    SELECT {COLUMNS} FROM changes WHERE look_at <= ? OR look_at > ?
    ORDER BY look_at, change_id LIMIT ? {SKIP_LOCKED}"""  # noqa: S608 - constants only
_LEASE: Final = "UPDATE changes SET look_at = ? WHERE change_id = ?"
_LOOKED: Final = """
    UPDATE changes SET looks = looks + 1, sends = sends + ?, look_at = ? WHERE change_id = ? AND state = ?"""
_PROMISE: Final = """
    UPDATE changes SET promised_at = coalesce(promised_at, ?)
    WHERE change_id = ? AND NOT EXISTS (SELECT 1 FROM composite_segments s WHERE s.intent_id = changes.intent_id)"""
_PROMISE_SUCCESSOR: Final = """
    UPDATE intents SET promised_at = coalesce(promised_at, ?)
    WHERE intent_id = (SELECT successor_id FROM changes WHERE change_id = ?)"""
_GENERATION: Final = "SELECT max(generation) FROM intents WHERE tenant_id = ? AND intent_key = ?"

_IS_NOT: Final = {
    State.SENT: Event.REFUSED,
    State.DOUBT: Event.SETTLED_ABSENT,
    State.ESCALATED: Event.RULED_NOT_BOOKED,
}
_SUCCESSOR: Final[dict[ChangeEvent, dict[State, Event]]] = {
    ChangeEvent.DOUBTED: {State.SENT: Event.DOUBTED},
    ChangeEvent.ESCALATED: {State.DOUBT: Event.ESCALATED},
    ChangeEvent.REFUSED: _IS_NOT,
    ChangeEvent.SETTLED: _IS_NOT,
    ChangeEvent.OVERTAKEN: _IS_NOT,
}
"""What a change's event is for the intent that it was to become."""

_BECOMES: Final[dict[State, dict[bool, Event]]] = {
    State.SENT: {False: Event.LANDED_ACCEPTED, True: Event.LANDED_PENDING},
    State.DOUBT: {False: Event.FOUND_ACCEPTED, True: Event.FOUND_PENDING},
    State.ESCALATED: {False: Event.RULED_BOOKED, True: Event.RULED_BOOKED},
}
"""Of one that shows, by whether its host still has to accept."""


class SqlChanges:
    """The ChangeBooks port. Shares the ledger's store, and with it the commits."""

    def __init__(self, store: Store, ids: Ids, channels: Sequence[str]) -> None:
        self._store = store
        self._ids = ids
        self._channels = tuple(channels)

    async def begin(
        self, change: Change, candidate: Candidate | None, policy: AdmissionPolicy
    ) -> Begun | UnderWay | NotStanding | NotAdmitted:
        return await self._store.write(_begin(change, candidate, policy))

    async def conclude(self, conclusion: Conclusion) -> Change:
        return await self._store.write(self._conclusion(conclusion))

    async def follow(
        self, intent: Intent, status: BookingStatus, at: datetime, successor: tuple[Candidate, Booking] | None = None
    ) -> StoredReply:
        return await self._store.write(self._following(intent, status, at, successor))

    async def looked(self, change: Change, look_at: datetime, *, sent: int = 0) -> None:
        values = (sent, instant_text(look_at), change.change_id, change.state.value)
        await self._store.write(only(_LOOKED, *values))

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Change, ...]:
        def work() -> Steps[tuple[Change, ...]]:
            claimed = []
            for row in (yield Statement(_DUE, (*due_by(now), limit))):
                yield Statement(_LEASE, (instant_text(lease_until), row[0]))
                # A row that cannot be read is leased like the others, and is in nobody's way.
                with contextlib.suppress(ValueError):
                    claimed.append(replace(change_of(row), look_at=lease_until))
            return tuple(claimed)

        return await self._store.write(work)

    async def promise(self, change_id: str, at: datetime) -> Change | None:
        def work() -> Steps[Change | None]:
            # Of a move the news is its successor's: where the appointment is now.
            yield Statement(_PROMISE, (instant_text(at), change_id))
            yield Statement(_PROMISE_SUCCESSOR, (instant_text(at), change_id))
            rows = yield Statement(_ONE, (change_id,))
            stands = change_of(rows[0]) if rows else None
            if stands is not None:
                yield Statement(PROMISE_WHOLE, (instant_text(at), stands.intent_id))
            return stands

        return await self._store.write(work)

    async def change(self, change_id: str) -> Change | None:
        rows = await self._store.read(only(_ONE, change_id))
        return change_of(rows[0]) if rows else None

    async def last_of(self, intent_ids: Sequence[str]) -> tuple[Change, ...]:
        def work() -> Steps[tuple[Change, ...]]:
            found = {}
            for intent_id in intent_ids:
                rows = yield Statement(_LAST_OF, (intent_id, intent_id))
                found.update({row[0]: change_of(row) for row in rows})
            return tuple(found.values())

        return await self._store.read(work)

    def _conclusion(self, conclusion: Conclusion) -> Transaction[Change]:
        change, event, at = conclusion.change, conclusion.event, conclusion.at
        after = change.advance(event, at, conclusion.look_at)

        def work() -> Steps[Change]:
            yield Hold((_lock(change.intent_id),))
            values = (after.state.value, *map(text, (after.look_at, after.doubted_at, after.resolved_at)))
            moved = yield Statement(_MOVE, (*values, change.change_id, change.state.value))
            if not moved:
                raise StaleChange(change.change_id)
            for fact in conclusion.facts:
                yield fact_row(change.tenant_id, change.intent_id, fact)
            if event is ChangeEvent.SHOWN:
                gone = Event.CANCELLED if change.kind is ChangeKind.CANCEL else Event.MOVED
                yield from self._ended(change.intent_id, gone, conclusion)
            if change.successor_id is not None:
                yield from self._became(change.successor_id, conclusion)
            stands = change_of(moved[0])
            yield from self._news(stands, at)
            return stands

        return work

    def _news(self, change: Change, at: datetime) -> Steps[None]:
        """Of a cancel. A move's news is its successor's, and due as any intent's."""
        kinds = {ChangeState.DONE: MessageKind.RESOLVED, ChangeState.ESCALATED: MessageKind.NEEDS_PERSON}
        kind = kinds.get(change.state)
        is_owed = kind is MessageKind.NEEDS_PERSON or change.promised_at is not None
        if change.kind is ChangeKind.CANCEL and kind is not None and is_owed:
            name = f"{change.change_id}.{change.state}"
            yield from put_message((yield from _intent(change.intent_id)), kind, self._channels, at, name)

    def _ended(self, intent_id: str, event: Event, conclusion: Conclusion) -> Steps[None]:
        """The appointment that was; unless somebody else's news of it was faster."""
        intent = yield from _intent(intent_id)
        if intent.state in BOOKED:
            yield from self._moved(Transition(intent, (event,), conclusion.at))

    def _became(self, successor_id: str, conclusion: Conclusion) -> Steps[None]:
        """The appointment that is to be."""
        intent = yield from _intent(successor_id)
        booking, at = conclusion.booking, conclusion.at
        if conclusion.event is ChangeEvent.SHOWN and booking is not None:
            event = _BECOMES[intent.state][booking.status is BookingStatus.PENDING]
            yield from self._moved(Transition(intent, (event,), at, booking=booking))
        elif intent.state in _SUCCESSOR[conclusion.event]:
            event = _SUCCESSOR[conclusion.event][intent.state]
            yield from self._moved(Transition(intent, (event,), at, reply=conclusion.reply))

    def _following(
        self, intent: Intent, status: BookingStatus, at: datetime, successor: tuple[Candidate, Booking] | None
    ) -> Transaction[StoredReply]:
        def work() -> Steps[StoredReply]:
            yield Hold((_lock(intent.intent_id),))
            if (yield Statement(_LIVE_OF, (intent.intent_id,))):
                # Its own change concludes it: that knows what was asked for, and what it is to become.
                raise StaleChange(intent.intent_id)
            now = yield from _stored(intent.intent_id)
            if now.intent.state not in BOOKED or now.intent.booking_uid != intent.booking_uid:
                raise StaleChange(intent.intent_id)
            if successor is not None:
                return (yield from self._moved_by_others(now.intent, *successor, at))
            happened = _happened(now.intent.state, status)
            return now if happened is None else (yield from self._moved(Transition(now.intent, (happened,), at)))

        return work

    def _moved_by_others(
        self, intent: Intent, candidate: Candidate, booking: Booking, at: datetime
    ) -> Steps[StoredReply]:
        yield from self._moved(Transition(intent, (Event.MOVED,), at))
        made = yield from _inserted(candidate, intent)
        # The chain is told by changes, whoever made them.
        change_id, uid = self._ids.time_ordered(), intent.booking_uid or ""
        done = Change(
            change_id, intent.wish.tenant_id, ChangeKind.MOVE, intent.intent_id, uid, ChangeState.DONE, at, at
        )
        yield Statement(_INSERT, change_values(replace(done, successor_id=made.intent_id, sends=0, resolved_at=at)))
        event = _BECOMES[State.SENT][booking.status is BookingStatus.PENDING]
        # Whoever moved it tells the customer: to them this is no booking of ours.
        return (yield from self._moved(Transition(made, (event,), at, booking=booking), ()))

    def _moved(self, transition: Transition, channels: Sequence[str] | None = None) -> Steps[StoredReply]:
        try:
            told = self._channels if channels is None else channels
            return (yield from move(transition, self._ids, told)())
        except StaleIntent as stale:
            raise StaleChange(str(stale)) from stale


def _begin(
    change: Change, candidate: Candidate | None, policy: AdmissionPolicy
) -> Transaction[Begun | UnderWay | NotStanding | NotAdmitted]:
    def work() -> Steps[Begun | UnderWay | NotStanding | NotAdmitted]:
        # The names of a wish's own locks come first, as in every admission.
        admitted = None if candidate is None else (yield from decision(candidate, policy))
        yield Hold((_lock(change.intent_id),))
        if candidate is None and change.conversation_id is not None:
            over = yield Statement(_OVER, (change.tenant_id, change.conversation_id))
            if over:
                return NotAdmitted(HungUp())
        live = yield Statement(_LIVE_OF, (change.intent_id,))
        if live:
            return UnderWay(change_of(live[0]))
        rows = yield Statement(STORED, (change.intent_id,))
        stored = stored_reply(rows[0]) if rows else None
        if stored is None or stored.intent.state not in BOOKED or stored.intent.booking_uid != change.booking_uid:
            return NotStanding(stored)
        successor = None
        if candidate is not None and admitted is not None:
            if not isinstance(admitted, Start):
                return NotAdmitted(admitted)
            successor = yield from _inserted(candidate, stored.intent, admitted.generation)
        try:
            yield Statement(_INSERT, change_values(change))
        except Violated as violated:
            raise StaleChange(violated.constraint) from violated
        return Begun(change, successor)

    return work


def _inserted(candidate: Candidate, before: Intent, generation: int | None = None) -> Steps[Intent]:
    """The row of what an appointment becomes. Recovery does not look at it: its change does."""
    if generation is None:
        rows = yield Statement(_GENERATION, (candidate.wish.tenant_id, candidate.key.value))
        generation = (rows[0][0] or 0) + 1
    made = new_intent(candidate, generation, armed=True)
    made = replace(made, look_at=None, moved_from=before.intent_id, carried_id=before.mark)
    try:
        yield from insert(made)
    except Violated as violated:
        raise StaleChange(violated.constraint) from violated
    return made


def _intent(intent_id: str) -> Steps[Intent]:
    return (yield from _stored(intent_id)).intent


def _stored(intent_id: str) -> Steps[StoredReply]:
    rows = yield Statement(STORED, (intent_id,))
    return stored_reply(rows[0])


def _happened(state: State, status: BookingStatus) -> Event | None:
    """What others did, where a booking of ours is seen in another status than it was."""
    match status:
        case BookingStatus.CANCELLED:
            return Event.CANCELLED
        case BookingStatus.REJECTED:
            return Event.HOST_DECLINED if state is State.PENDING else Event.CANCELLED
        case BookingStatus.ACCEPTED:
            return Event.HOST_ACCEPTED if state is State.PENDING else None
        case BookingStatus.PENDING:
            return None


def _lock(intent_id: str) -> str:
    return f"change {intent_id}"
