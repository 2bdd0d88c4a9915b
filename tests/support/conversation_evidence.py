"""What stands at the end of a conversation, as evidence for the invariants and as lines to compare."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from einmal.domain.intent import State
from einmal.domain.invariants import By, Evidence, Life, Row, Spoken, violations
from einmal.domain.model import MetadataKey
from einmal.domain.reply import Outcome
from einmal.simulator.records import BookingStatus, SimulatedBooking
from support.conversation import on_the_clock
from support.conversation_world import Stage

_BOOKED: Final = "SELECT intent_id, appointment_id, calcom_v2_booking_id, starts_at FROM appointments"
_TOLD: Final = "SELECT DISTINCT intent_id FROM outbox WHERE intent_id IS NOT NULL"
_LIVE: Final = frozenset({BookingStatus.ACCEPTED, BookingStatus.PENDING})


def broken(stage: Stage, rows: Sequence[Row], spoken: Sequence[Spoken], news: frozenset[str]) -> list[str]:
    """Every invariant that does not hold."""
    lives = [_life(stage, booking, rows) for booking in stage.calcom.calendar.bookings]
    evidence = Evidence(lives, rows, spoken, stage.requests, news=news)
    return [f"{one.invariant}: {one.text}" for one in violations(evidence)]


async def rows_of(stage: Stage) -> list[Row]:
    booked = {row[0]: row[1:] for row in stage.rows(_BOOKED)}
    rows = []
    for tenancy in stage.gateway.tenancies.all:
        for intent in await stage.gateway.ledger.in_states(tenancy.tenant.tenant_id, tuple(State), 1000):
            ref, uid, start = booked.get(intent.intent_id, (None, None, None))
            rows.append(Row(intent, ref, uid, None if start is None else datetime.fromisoformat(start)))
    return rows


def told_of(stage: Stage) -> frozenset[str]:
    """The intents of which somebody is told how they ended."""
    return frozenset(row[0] for row in stage.rows(_TOLD))


def spoken_of(at: datetime, call_id: str | None, answer: dict[str, Any]) -> Spoken | None:
    """What was answered, if it says something of a booking."""
    if answer["status"] not in set(Outcome):
        return None
    booking = answer.get("booking") or {}
    start = datetime.fromisoformat(booking["start"]) if booking else None
    return Spoken(at, "", call_id, Outcome(answer["status"]), booking.get("ref"), start)


def standing(stage: Stage) -> list[str]:
    """What is live in the calendar: "2026-12-01 10:00 Beratung, Jürgen Groß"."""
    return sorted(
        f"{on_the_clock(one.start)} {one.event_type.title}, {one.attendee.name}"
        + (" (requested)" if one.status is BookingStatus.PENDING else "")
        for one in stage.live
    )


def _life(stage: Stage, booking: SimulatedBooking, rows: Sequence[Row]) -> Life:
    operation = booking.metadata.get(MetadataKey.OPERATION_ID)
    # One that was moved carries the first one's id for ever, whoever moved it.
    ours = booking.uid not in stage.made_by_others and operation in {row.intent.mark for row in rows}
    live = booking.status in _LIVE
    return Life(
        uid=booking.uid,
        operation_id=operation,
        start=booking.start,
        event_type_id=booking.event_type.id,
        since=booking.created_at,
        until=None if live else booking.updated_at,
        made_by=By.US if ours else By.OTHERS,
        ended_by=None if live else By.OTHERS if booking.uid in stage.ended_by_others else By.US,
        pending_until=None if booking.status is BookingStatus.PENDING else booking.created_at,
        tenant_id=_tenant_id(stage, booking),
        end=booking.end,
        resource=f"host {booking.host.id}",
    )


def _tenant_id(stage: Stage, booking: SimulatedBooking) -> str:
    every = stage.gateway.tenancies.all
    of_type = (
        one.tenant.tenant_id
        for one in every
        if booking.event_type.id in {service.event_type_id for service in one.tenant.services}
    )
    return next(of_type, "nobody")
