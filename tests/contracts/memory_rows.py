"""What stands in the books in memory, told as the rows that SQLite would hold: the same columns, the same text."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from einmal.adapters.sql.rows import (
    INTENT_COLUMNS,
    booking_text,
    fact_text,
    instant_text,
    intent_values,
    reply_text,
    text_or_none,
)
from einmal.domain.keys import normal_name
from einmal.simulator.memory import MemoryBooks

Row = dict[str, Any]


def rows_of(books: MemoryBooks) -> Callable[..., list[tuple[Any, ...]]]:
    """`SELECT columns FROM table ORDER BY 1`, as the tests on SQLite ask it; "*" is all columns."""

    def rows(table: str, *columns: str) -> list[tuple[Any, ...]]:
        found = TABLES[table](books)
        told = [tuple(row.values() if columns == ("*",) else (row[column] for column in columns)) for row in found]
        return sorted(told, key=lambda row: (row[0] is not None, row[0]))

    return rows


def _intents(books: MemoryBooks) -> Iterable[Row]:
    for intent in books.intents.rows.values():
        reply = books.intents.replies.get(intent.intent_id)
        row = dict(zip(INTENT_COLUMNS.split(", "), intent_values(intent), strict=True))
        # Nothing is taken over from another table there, nothing verified, and nobody forgotten.
        told = None if reply is None else reply_text(reply)
        yield row | {"reply": told, "imported_from": None, "forgotten_at": None}


def _attempts(books: MemoryBooks) -> Iterable[Row]:
    for (intent_id, epoch), (at, answer) in books.attempts.items():
        yield {
            "intent_id": intent_id,
            "epoch": epoch,
            "answered_at": instant_text(at),
            "kind": answer.kind.value,
            "http_status": answer.http_status,
            "detail": answer.detail,
            "booking_uid": None if answer.booking is None else answer.booking.uid,
            "elapsed_ms": answer.elapsed // timedelta(milliseconds=1),
            "received": None if answer.booking is None else booking_text(answer.booking),
        }


def _appointments(books: MemoryBooks) -> Iterable[Row]:
    for made in books.appointments.by_intent.values():
        yield {
            "appointment_id": made.appointment_id,
            "tenant_id": made.tenant_id,
            "intent_id": made.intent_id,
            "customer_id": made.customer.customer_id,
            "service_id": made.service_id,
            "call_id": made.call_id,
            "starts_at": instant_text(made.start),
            "ends_at": instant_text(made.end),
            "staff": made.staff,
            "status": made.status.value,
            "calcom_v2_booking_id": made.uid,
            "confirmed_at": text_or_none(made.confirmed_at),
            "created_at": instant_text(made.created_at),
            "verify_at": None,
        }


def _customers(books: MemoryBooks) -> Iterable[Row]:
    for customer in books.appointments.customers:
        yield {
            "customer_id": customer.customer_id,
            "tenant_id": customer.tenant_id,
            "name": customer.name,
            "name_normal": normal_name(customer.name),
            "phone": customer.phone,
            "email": customer.email,
            "created_at": instant_text(customer.created_at),
        }


def _facts(books: MemoryBooks) -> Iterable[Row]:
    for number, (tenant_id, intent_id, fact) in enumerate(books.facts, 1):
        yield {
            "fact_id": number,
            "tenant_id": tenant_id,
            "intent_id": intent_id,
            "at": instant_text(fact.at),
            "kind": type(fact).__name__.lower(),
            "data": fact_text(fact),
        }


def _calls(books: MemoryBooks) -> Iterable[Row]:
    for (tenant_id, call_id), (call, at) in books.calls.items():
        yield {
            "tenant_id": tenant_id,
            "call_id": call_id,
            "platform": call.platform,
            "agent_id": call.agent_id,
            "first_seen_at": instant_text(at),
            # What is told of calls beside bookings is kept on SQL alone.
            **dict.fromkeys(("direction", "started_at", "ended_at", "disconnection_reason", "analyzed_at")),
        }


def _gates(books: MemoryBooks) -> Iterable[Row]:
    for account_id, gate in books.gates.items():
        yield {
            "account_id": account_id,
            "at": instant_text(gate.at),
            "tokens": gate.tokens,
            "writes_failed": gate.writes_failed,
            "reads_failed": gate.reads_failed,
            "open_until": text_or_none(gate.open_until),
            "probing_until": text_or_none(gate.probing_until),
            "blocked_until": text_or_none(gate.blocked_until),
        }


def _sweeps(books: MemoryBooks) -> Iterable[Row]:
    for tenant_id, row in books.sweeps.items():
        due_at = instant_text(row.due_at)
        yield {"tenant_id": tenant_id, "swept_until": text_or_none(row.swept_until), "due_at": due_at}


def _outbox(books: MemoryBooks) -> Iterable[Row]:
    for row in books.outbox.values():
        yield {
            "message_id": row.message_id,
            "channel": row.channel,
            "tenant_id": row.tenant_id,
            "intent_id": row.intent_id,
            "callback_id": None,
            "kind": row.kind.value,
            "created_at": instant_text(row.created_at),
            "due_at": text_or_none(row.due_at),
            "tries": row.tries,
            "sent_at": text_or_none(row.sent_at),
        }


TABLES: dict[str, Callable[[MemoryBooks], Iterable[Row]]] = {
    "intents": _intents,
    "attempts": _attempts,
    "appointments": _appointments,
    "customers": _customers,
    "facts": _facts,
    "calls": _calls,
    "calendar_gates": _gates,
    "sweeps": _sweeps,
    "outbox": _outbox,
}
