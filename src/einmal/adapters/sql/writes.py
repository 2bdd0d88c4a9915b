"""The writing transactions of the ledger: admission (T1) and the guarded move (T2).

The statements are written out here because this is the hot path (an ORM costs four times the whole
gateway, docs/decisions/0002). What must never happen is a partial UNIQUE index or a guarded UPDATE, so a
bug above this line makes an error with a name and not a second booking.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from einmal.adapters.sql.gates import SqlGates
from einmal.adapters.sql.outbox import put_message
from einmal.adapters.sql.rows import (
    INTENT_COLUMNS,
    INTENT_WIDTH,
    STORED,
    booking_text,
    fact_text,
    instant_text,
    intent_of,
    intent_values,
    new_intent,
    reply_text,
    stored_reply,
    text_or_none,
)
from einmal.adapters.sql.steps import FOR_UPDATE, Hold, Row, Statement, Steps, Transaction, Violated
from einmal.domain.admission import Admission, AdmissionPolicy, Start, admit
from einmal.domain.answer import Answer
from einmal.domain.facts import Fact
from einmal.domain.gate import Shut, Use
from einmal.domain.hold import room_beside
from einmal.domain.intent import BOOKED, LIVE, Event, Intent, State
from einmal.domain.keys import normal_name
from einmal.domain.model import Booking, BookingStatus, Wish
from einmal.domain.promise import MessageKind, confirmed_name, owed
from einmal.domain.reach import confirming
from einmal.ports import Admitted, BookingUidTaken, Candidate, Ids, StaleIntent, StoredReply, Toll, Transition

_UNBOOKED = frozenset({State.INTENT, State.SENT, State.DOUBT})
"""From here there is no appointment yet."""

_NO_APPOINTMENT = (None,) * 4

_LIVE = "state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"

_OF_A_HOLD = ", ".join(
    "CAST(resources AS TEXT)" if column == "attendee_email" else "NULL" for column in INTENT_COLUMNS.split(", ")
)
_RESOURCES = INTENT_COLUMNS.split(", ").index("attendee_email")

ABOUT = timedelta(days=1)
"""How far around a wish a person's other appointments are looked at. None is longer."""

_IN_THE_WAY = f"""
    SELECT {INTENT_COLUMNS} FROM intents WHERE tenant_id = ? AND start_at = ? AND generation > 0 AND {_LIVE}
    UNION ALL
    SELECT {INTENT_COLUMNS} FROM intents WHERE tenant_id = ? AND conversation_id = ? AND {_LIVE}
    UNION ALL
    SELECT {INTENT_COLUMNS} FROM intents
        WHERE tenant_id = ? AND phone_hash = ? AND start_at > ? AND start_at < ? AND {_LIVE}
    UNION ALL
    SELECT {INTENT_COLUMNS} FROM intents
        WHERE tenant_id = ? AND email_hash = ? AND start_at > ? AND start_at < ? AND {_LIVE}
    UNION ALL
    SELECT * FROM (SELECT {INTENT_COLUMNS} FROM intents
        WHERE tenant_id = ? AND intent_key = ? ORDER BY generation DESC LIMIT 1) AS newest
    UNION ALL
    SELECT {_OF_A_HOLD} FROM holds
        WHERE tenant_id = ? AND expires_at > ? AND start_at < ? AND end_at > ? AND conversation_id <> ?"""  # noqa: S608 - constants only
"""Who wants this slot, what this call has, what this person has about that time, the newest intent of this very wish;
and last, in an intent's shape without an id, what others hold."""

_INSERT_INTENT = f"INSERT INTO intents ({INTENT_COLUMNS}) VALUES ({', '.join('?' * INTENT_WIDTH)})"  # noqa: S608 - constants only

_MOVE = f"""
    UPDATE intents SET state = ?, epoch = ?, sent_at = ?, send_deadline = ?, resolved_at = ?, booking_uid = ?,
           doubted_at = ?, not_ours = ?, looks = coalesce(?, looks), look_at = ?,
           reply = CASE WHEN ? THEN NULL ELSE coalesce(?, reply) END
    WHERE intent_id = ? AND state = ? AND epoch = ? RETURNING {INTENT_COLUMNS}, reply"""  # noqa: S608 - constants only


_INSERT_CALL = """
    INSERT INTO calls (tenant_id, call_id, platform, agent_id, first_seen_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, call_id) DO UPDATE SET agent_id = coalesce(calls.agent_id, excluded.agent_id)
    RETURNING ended_at"""

_MOVE_APPOINTMENT = """
    UPDATE appointments SET status = ?, confirmed_at = coalesce(confirmed_at, ?) WHERE intent_id = ?"""

_INSERT_ATTEMPT = """
    INSERT INTO attempts (intent_id, epoch, answered_at, kind, http_status, detail, booking_uid, elapsed_ms,
        received)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_INSERT_APPOINTMENT = """
    INSERT INTO appointments (appointment_id, tenant_id, intent_id, customer_id, service_id, call_id,
        starts_at, ends_at, staff, status, calcom_v2_booking_id, confirmed_at, created_at, verify_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_INSERT_CUSTOMER = """
    INSERT INTO customers (customer_id, tenant_id, name, name_normal, phone, email, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""

_BEING_BOOKED = f"""
    SELECT 1 FROM composites WHERE composite_id = ? AND state = 'booking' AND book_until > ? {FOR_UPDATE}"""  # noqa: S608 - constants only

_INSERT_FACT = "INSERT INTO facts (tenant_id, intent_id, at, kind, data) VALUES (?, ?, ?, ?, ?)"


def admission(
    candidate: Candidate, policy: AdmissionPolicy, toll: Toll | None, gates: SqlGates
) -> Transaction[Admitted]:
    def work() -> Steps[Admitted]:
        decided = yield from decision(candidate, policy)
        if not isinstance(decided, Start):
            return Admitted(decided, None)
        permit = None if toll is None else (yield from gates.passes(toll, Use.BOOK, candidate.now))
        shut = permit if isinstance(permit, Shut) else None
        intent = new_intent(candidate, decided.generation, armed=shut is None)
        yield from insert(intent)
        return Admitted(decided, intent, shut)

    return work


def decision(candidate: Candidate, policy: AdmissionPolicy) -> Steps[Admission]:
    """What becomes of the wish, in the transaction that acts on it. The call's row is made on the way."""
    wish, key = candidate.wish, candidate.key
    start, tenant = instant_text(wish.start), wish.tenant_id
    # Of two who want the same, or want it in one call, the second sees the first one's row.
    yield Hold((f"slot {tenant} {start}", f"call {tenant} {wish.conversation_id}"))
    hung_up = False
    if candidate.call is not None:
        call = candidate.call
        values = (tenant, call.call_id, call.platform, call.agent_id, instant_text(candidate.now))
        rows = yield Statement(_INSERT_CALL, values)
        hung_up = rows[0][0] is not None
    about = (instant_text(wish.start - ABOUT), instant_text(wish.end + ABOUT))
    of_person = (tenant, key.person.phone_hash, *about, tenant, key.person.email_hash, *about)
    of_holds = (tenant, instant_text(candidate.now), instant_text(wish.end), start, wish.conversation_id or "")
    asked = (tenant, start, tenant, wish.conversation_id, *of_person, tenant, key.value, *of_holds)
    rows = yield Statement(_IN_THE_WAY, asked)
    found = {row[0]: intent_of(row) for row in rows if row[0] is not None}
    same_key = max((one for one in found.values() if one.key.value == key.value), key=_generation, default=None)
    neighbours = [found[intent_id] for intent_id in sorted(found)]
    others = [json.loads(row[_RESOURCES]) for row in rows if row[0] is None]
    if policy.part is not None:
        # Who undoes a composite says so in its row first: from then on no segment of it begins.
        going_on = yield Statement(_BEING_BOOKED, (policy.part.composite_id, instant_text(candidate.now)))
        hung_up = hung_up or not going_on
    if others:
        # Beside what is held stands what is booked: of those who do it, each can do one.
        others += [policy.resources for one in neighbours if _takes(one, wish)]
    held = bool(others) and bool(policy.resources) and not room_beside(policy.resources, others)
    return admit(wish, key, same_key, neighbours, candidate.now, policy, hung_up=hung_up, held=held)


def _takes(other: Intent, wish: Wish) -> bool:
    """Whether it is another's at that very time, of the same kind."""
    same_kind = other.wish.service.event_type_id == wish.service.event_type_id
    in_this_call = wish.conversation_id is not None and other.wish.conversation_id == wish.conversation_id
    return other.state in LIVE and other.wish.start == wish.start and same_kind and not in_this_call


def insert(intent: Intent) -> Steps[None]:
    yield Statement(_INSERT_INTENT, intent_values(intent))


def move(transition: Transition, ids: Ids, channels: Sequence[str]) -> Transaction[StoredReply]:
    before, after = transition.before, _after(transition)
    reply = None if transition.reply is None else reply_text(transition.reply)

    def work() -> Steps[StoredReply]:
        # What was said of a refusal is kept as long as it is one: also while it is compensated.
        values = (
            *map(text_or_none, (after.sent_at, after.send_deadline, after.resolved_at)),
            after.booking_uid,
            text_or_none(after.doubted_at),
            int(after.not_ours),
            # Looks are counted in the ledger alone, while others hold the row; only a new count is written here.
            0 if Event.SURFACED in transition.events else None,
            text_or_none(after.look_at),
        )
        guard = (before.intent_id, before.state.value, before.epoch)
        booked, appointment = after.state in BOOKED, None
        moved = yield Statement(_MOVE, (after.state.value, after.epoch, *values, booked, reply, *guard))
        if not moved:
            raise StaleIntent(before.intent_id)
        if transition.answer is not None:
            yield _attempt(transition, transition.answer)
        if before.state in BOOKED:
            yield _appointment_follows(before, after.state, transition.at)
        elif booked and transition.booking is not None:
            appointment = yield from _appointment(transition, after.state, transition.booking, ids)
        for fact in transition.facts:
            yield fact_row(before.wish.tenant_id, before.intent_id, fact)
        if appointment is None and before.state not in _UNBOOKED:
            moved = yield Statement(STORED, (before.intent_id,))
        else:
            moved = [(*moved[0], *(appointment or _NO_APPOINTMENT))]
        stands = stored_reply(moved[0])
        yield from _news(before.state, stands.intent, channels, transition.at)
        return stands

    return work


_HEARS_ANYHOW = """
    SELECT 1 FROM composite_segments WHERE intent_id = ?
    UNION ALL SELECT 1 FROM outbox WHERE message_id = ? AND sent_at IS NULL LIMIT 1"""


def _news(before: State, after: Intent, channels: Sequence[str], at: datetime) -> Steps[None]:
    """What was promised; else, of a booking that stands now, that its host has accepted, or what nobody but us would
    write to its customer."""
    message = owed(before, after)
    if message is not None:
        yield from put_message(after, message, channels, at)
    elif after.state is State.CONFIRMED:
        told = channels if before is State.PENDING else confirming(channels, after.wish.person)
        yield from _confirmed(after, told, at)


def _confirmed(intent: Intent, channels: Sequence[str], at: datetime) -> Steps[None]:
    """The customer hears that it stands, whoever saw it and however often. Of a part nobody hears, and news that it was
    requested, if that has not gone yet, tells of it by itself."""
    if not channels:
        return
    requested = f"{intent.intent_id}.{State.PENDING}"
    if not (yield Statement(_HEARS_ANYHOW, (intent.intent_id, requested))):
        yield from put_message(intent, MessageKind.CONFIRMED, channels, at, confirmed_name(intent))


def _after(transition: Transition) -> Intent:
    """The intent as the transition leaves it, but for what the ledger alone counts."""
    before = transition.before
    after = before if transition.booking is None else replace(before, booking_uid=transition.booking.uid)
    for event in transition.events:
        after = after.advance(event, transition.at, transition.send_deadline)
    look_at = transition.look_at
    if look_at is None and after.state in {State.INTENT, State.SENT}:
        look_at = after.send_deadline
    return replace(after, look_at=look_at, not_ours=before.not_ours or transition.not_ours)


def _appointment_follows(intent: Intent, state: State, at: datetime) -> Statement:
    """The appointment follows its intent; when it was first confirmed stays on record."""
    confirmed_at = instant_text(at) if state is State.CONFIRMED else None
    return Statement(_MOVE_APPOINTMENT, (state.value, confirmed_at, intent.intent_id))


def _attempt(transition: Transition, answer: Answer) -> Statement:
    values = (
        transition.before.intent_id,
        transition.before.epoch,
        instant_text(transition.at),
        answer.kind.value,
        answer.http_status,
        answer.detail,
        None if answer.booking is None else answer.booking.uid,
        answer.elapsed // timedelta(milliseconds=1),
        None if answer.booking is None else booking_text(answer.booking),
    )
    return Statement(_INSERT_ATTEMPT, values)


def _appointment(transition: Transition, state: State, booking: Booking, ids: Ids) -> Steps[Row]:
    """The new appointment's id, start, end and staff, as they are read back."""
    wish, at = transition.before.wish, instant_text(transition.at)
    start, end = instant_text(booking.start), instant_text(booking.end or booking.start + wish.service.duration)
    customer_id = yield from _customer(transition, ids)
    appointment_id = ids.time_ordered()
    values = (
        appointment_id,
        wish.tenant_id,
        transition.before.intent_id,
        customer_id,
        wish.service.service_id,
        wish.conversation_id,
        start,
        end,
        booking.host_name,
        state.value,
        booking.uid,
        at if booking.status is BookingStatus.ACCEPTED else None,
        at,
        text_or_none(transition.verify_at),
    )
    try:
        yield Statement(_INSERT_APPOINTMENT, values)
    except Violated as violated:
        # SQLite names the column of a violated index, PostgreSQL the index; both hold the column's name.
        if "calcom_v2_booking_id" in violated.constraint:
            raise BookingUidTaken(booking.uid) from violated
        raise
    return appointment_id, start, end, booking.host_name


def _generation(intent: Intent) -> int:
    return intent.generation


def _customer(transition: Transition, ids: Ids) -> Steps[str]:
    """The customer's id: found by phone, else by e-mail, else made. A name alone identifies nobody."""
    wish = transition.before.wish
    person = wish.person
    for column, value in (("phone", person.phone), ("email", person.email)):
        if value is not None:
            found = yield Statement(
                f"SELECT customer_id FROM customers WHERE tenant_id = ? AND {column} = ? "  # noqa: S608 - constant
                "ORDER BY customer_id LIMIT 1",
                (wish.tenant_id, value),
            )
            if found:
                return str(found[0][0])
    customer_id = ids.time_ordered()
    name, at = normal_name(person.name), instant_text(transition.at)
    values = (customer_id, wish.tenant_id, person.name, name, person.phone, person.email, at)
    yield Statement(_INSERT_CUSTOMER, values)
    return customer_id


def fact_row(tenant_id: str, intent_id: str, fact: Fact) -> Statement:
    kind = type(fact).__name__.lower()
    return Statement(_INSERT_FACT, (tenant_id, intent_id, instant_text(fact.at), kind, fact_text(fact)))
