"""Rows and the domain: how an intent, a reply and a fact are written down, and read back the same."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from einmal.domain.callback import Callback
from einmal.domain.facts import Fact
from einmal.domain.intent import Intent, State
from einmal.domain.keys import IntentKey, PersonKey
from einmal.domain.model import Booking, MetadataKey, Offer, Person, PersonKind, Service, Wish
from einmal.domain.reply import BookedSlot, Missing, Outcome, Reply, Why
from einmal.ports import Candidate, StoredReply

INTENT_COLUMNS = (
    "intent_id, tenant_id, operation_id, intent_key, generation, fingerprint, person_kind, person_hash, "
    "name_hash, conversation_id, service_id, service_name, event_type_id, duration_minutes, start_at, "
    "person_name, person_phone, person_email, staff, attendee_email, state, epoch, created_at, sent_at, "
    "send_deadline, resolved_at, booking_uid, doubted_at, not_ours, looks, look_at, "
    "phone_hash, email_hash, promised_at, moved_from, carried_id"
)
"""Every select of an intent begins with these, so that one function reads them all."""

INTENT_WIDTH = INTENT_COLUMNS.count(",") + 1

STORED = f"""
    SELECT {", ".join("i." + c for c in INTENT_COLUMNS.split(", "))}, i.reply,
           a.appointment_id, a.starts_at, a.ends_at, a.staff,
           EXISTS (SELECT 1 FROM changes g
                   WHERE g.intent_id = i.intent_id AND g.state IN ('sent', 'doubt', 'escalated')),
           i.imported_from
    FROM intents i LEFT JOIN appointments a ON a.intent_id = i.intent_id
    WHERE i.intent_id = ?"""  # noqa: S608 - constants only
"""An intent with its reply, its appointment, whether a change of that is under way, and where it was taken over."""


def instant_text(value: datetime) -> str:
    """ISO 8601, UTC, milliseconds, fixed width: 2026-12-01T09:00:00.000Z."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def instant_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def text_or_none(value: datetime | None) -> str | None:
    return None if value is None else instant_text(value)


def instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else instant_of(text)


def intent_of(row: Sequence[Any]) -> Intent:
    """The intent of a row that begins with INTENT_COLUMNS."""
    person_key = PersonKey(PersonKind(row[6]), row[7], row[8], row[31], row[32])
    service = Service(row[10], row[11], row[12], row[13])
    # The name is nulled when its retention ends; what remains still deduplicates.
    person = Person(row[15] or "", row[16], row[17])
    wish = Wish(row[1], row[9], service, instant_of(row[14]), person, row[18])
    return Intent(
        intent_id=row[0],
        operation_id=row[2],
        key=IntentKey(row[3], row[5], person_key),
        generation=row[4],
        wish=wish,
        attendee_email=row[19],
        state=State(row[20]),
        epoch=row[21],
        created_at=instant_of(row[22]),
        sent_at=instant_or_none(row[23]),
        send_deadline=instant_or_none(row[24]),
        resolved_at=instant_or_none(row[25]),
        booking_uid=row[26],
        doubted_at=instant_or_none(row[27]),
        not_ours=bool(row[28]),
        looks=row[29],
        look_at=instant_or_none(row[30]),
        promised_at=instant_or_none(row[33]),
        moved_from=row[34],
        carried_id=row[35],
    )


def new_intent(candidate: Candidate, generation: int, *, armed: bool) -> Intent:
    """The row that is about to be written. Unarmed it waits, and at the deadline it is let go."""
    return Intent(
        intent_id=candidate.intent_id,
        operation_id=candidate.operation_id,
        key=candidate.key,
        generation=generation,
        wish=candidate.wish,
        attendee_email=candidate.attendee_email,
        state=State.SENT if armed else State.INTENT,
        epoch=1,
        created_at=candidate.now,
        sent_at=candidate.now if armed else None,
        send_deadline=candidate.send_deadline,
        look_at=candidate.send_deadline,
    )


def intent_values(intent: Intent) -> tuple[Any, ...]:
    """In the order of INTENT_COLUMNS."""
    wish, key = intent.wish, intent.key
    return (
        intent.intent_id,
        wish.tenant_id,
        intent.operation_id,
        key.value,
        intent.generation,
        key.fingerprint,
        key.person.kind.value,
        key.person.hash,
        key.person.name_hash,
        wish.conversation_id,
        wish.service.service_id,
        wish.service.name,
        wish.service.event_type_id,
        wish.service.duration_minutes,
        instant_text(wish.start),
        wish.person.name,
        wish.person.phone,
        wish.person.email,
        wish.staff,
        intent.attendee_email,
        intent.state.value,
        intent.epoch,
        instant_text(intent.created_at),
        text_or_none(intent.sent_at),
        text_or_none(intent.send_deadline),
        text_or_none(intent.resolved_at),
        intent.booking_uid,
        text_or_none(intent.doubted_at),
        int(intent.not_ours),
        intent.looks,
        text_or_none(intent.look_at),
        key.person.phone_hash,
        key.person.email_hash,
        text_or_none(intent.promised_at),
        intent.moved_from,
        intent.carried_id,
    )


CALLBACK_COLUMNS = (
    "callback_id, tenant_id, conversation_id, person_name, person_phone, note, wanted, created_at, done_at"
)


def callback_of(row: Sequence[Any]) -> Callback:
    """The call-back of a row of CALLBACK_COLUMNS."""
    callback_id, tenant_id, conversation_id, name, phone, note, wanted, created_at, done_at = row
    at, done = instant_of(created_at), instant_or_none(done_at)
    return Callback(callback_id, tenant_id, conversation_id, name, phone, note, wanted, at, done)


def reply_text(reply: Reply) -> str:
    """The reply as JSON. Only refusals are stored; what a booking says is read from its appointment."""
    booking = reply.booking
    return json.dumps(
        {
            "outcome": reply.outcome,
            "why": reply.why,
            "asked_start": None if reply.asked_start is None else instant_text(reply.asked_start),
            "alternatives": [[instant_text(o.start), o.service_id] for o in reply.alternatives],
            "missing": list(reply.missing),
            "choices": list(reply.choices),
            "error_id": reply.error_id,
            "booking": None
            if booking is None
            else [booking.ref, instant_text(booking.start), instant_text(booking.end), booking.service, booking.staff],
        },
        separators=(",", ":"),
        ensure_ascii=False,
    )


def reply_of(text: str) -> Reply:
    data = json.loads(text)
    booking = data["booking"]
    if booking is not None:
        ref, start, end, service, staff = booking
        booking = BookedSlot(ref, instant_of(start), instant_of(end), service, staff)
    return Reply(
        outcome=Outcome(data["outcome"]),
        why=Why(data["why"]),
        booking=booking,
        asked_start=instant_or_none(data["asked_start"]),
        alternatives=tuple(Offer(instant_of(start), service) for start, service in data["alternatives"]),
        missing=tuple(Missing(value) for value in data["missing"]),
        choices=tuple(data["choices"]),
        error_id=data["error_id"],
    )


def booking_text(booking: Booking) -> str:
    """What an answer said of a booking, as evidence: of whom it is, when it was made, and whose mark it carries."""
    data = {
        "uid": booking.uid,
        "status": booking.status.value,
        "start": instant_text(booking.start),
        "event_type_id": booking.event_type_id,
        "created_at": text_or_none(booking.created_at),
        "call_id": _clipped(booking.metadata.get(MetadataKey.CALL_ID)),
        "operation_id": _clipped(booking.metadata.get(MetadataKey.OPERATION_ID)),
        "name": _clipped(booking.attendee_name),
        "emails": [_clipped(email) for email in booking.attendee_emails[:3]],
        "host": _clipped(booking.host_name),
    }
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def _clipped(text: str | None) -> str | None:
    """A stranger wrote it: a row need not hold all of it."""
    return None if text is None else text[:300]


def fact_text(fact: Fact) -> str:
    """The fact's fields as JSON, in the order of the class."""
    return json.dumps(_plain(dataclasses.asdict(fact)), separators=(",", ":"))


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case datetime():
            return instant_text(value)
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
        case _:
            return value


def stored_reply(row: Sequence[Any]) -> StoredReply:
    intent = intent_of(row)
    reply, ref, starts_at, ends_at, staff = row[INTENT_WIDTH : INTENT_WIDTH + 5]
    booking = (
        None
        if ref is None
        else BookedSlot(ref, instant_of(starts_at), instant_of(ends_at), intent.wish.service.name, staff)
    )
    # A row that a move has just returned ends with its appointment: no change of that can have begun.
    changing = len(row) > INTENT_WIDTH + 5 and bool(row[INTENT_WIDTH + 5])
    imported_from = row[INTENT_WIDTH + 6] if len(row) > INTENT_WIDTH + 6 else None
    return StoredReply(intent, booking, None if reply is None else reply_of(reply), changing, imported_from)
