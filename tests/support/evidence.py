"""Intents and bookings to judge, built from one wish with named changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from einmal.domain.intent import Intent, State
from einmal.domain.keys import intent_key, operation_id
from einmal.domain.model import Booking, BookingStatus, Person, Service, Wish
from einmal.domain.verdict import KnownBooking

SECRET = b"k" * 32
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CALL = "call_7d4d0c19b2cc20cd24dc97c9f0b"
OTHER_CALL = "call_11d2ade6f4fc16c51110ca49cdf"
OURS = operation_id(bytes(range(20)))
THEIRS = operation_id(bytes(range(20, 40)))
SERVICE = Service("101", "Beratung", 101, 30)


def wish(**changes: Any) -> Wish:
    person = Person(changes.pop("name", "Jürgen Groß"), changes.pop("phone", None), changes.pop("email", None))
    base = {
        "tenant_id": "default",
        "conversation_id": CALL,
        "service": SERVICE,
        "start": datetime(2026, 12, 1, 9, 0, tzinfo=UTC),
        "person": person,
    }
    return Wish(**(base | changes))


def intent(state: State = State.SENT, of: Wish | None = None, **changes: Any) -> Intent:
    the_wish = of or wish()
    resolved = None if state in {State.INTENT, State.SENT, State.DOUBT, State.ESCALATED} else NOW
    made = Intent(
        intent_id="01intent",
        operation_id=OURS,
        key=intent_key(the_wish, SECRET),
        generation=1,
        wish=the_wish,
        attendee_email=f"termin+{OURS}@salon.test",
        state=state,
        epoch=1,
        created_at=NOW,
        sent_at=NOW,
        send_deadline=NOW + timedelta(seconds=15),
        resolved_at=resolved,
    )
    return replace(made, **changes)


def booking(**changes: Any) -> Booking:
    """A booking that answers `intent()`, without any operation id."""
    base = {
        "uid": "8Gdq2bPmGxR1TzJ4oWn5yV",
        "status": BookingStatus.ACCEPTED,
        "start": datetime(2026, 12, 1, 9, 0, tzinfo=UTC),
        "end": datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
        "event_type_id": 101,
        "created_at": NOW,
        "metadata": {"call_id": CALL},
    }
    return Booking(**(base | changes))


def known(**changes: Any) -> KnownBooking:
    base = {
        "appointment_id": "01appointment",
        "intent_id": "01other",
        "call_id": OTHER_CALL,
        "live": True,
        "same_person": False,
        "start": NOW,
        "end": NOW,
    }
    return KnownBooking(**(base | changes))
