"""Rows of a week, written straight into a ledger: what the weekly report reads, born when a test says so."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from einmal.adapters.sql.overview import born_at
from einmal.adapters.sql.rows import instant_text
from einmal.domain.verdict import Layer, Reason

Run = Callable[[str], list[tuple[Any, ...]]]

COLUMNS = (
    "intent_id, tenant_id, operation_id, intent_key, generation, fingerprint, person_kind, person_hash, name_hash, "
    "service_id, service_name, event_type_id, duration_minutes, start_at, attendee_email, state, epoch, created_at, "
    "sent_at, send_deadline, resolved_at, doubted_at, imported_from, moved_from"
)


@dataclass
class Rows:
    """`run` carries out a statement."""

    run: Run
    numbers: Any = field(default_factory=lambda: count(1))

    def tenant(self, tenant_id: str, at: datetime) -> None:
        values = (tenant_id, tenant_id, "", instant_text(at))
        self._insert("tenants", "tenant_id, name, hash_key, created_at", *values)

    def intent(self, at: datetime, state: str = "rejected", tenant_id: str = "default", **more: Any) -> str:
        """`doubted_after` and `resolved_after`: seconds from its birth. `deadline_after`: of what was sent."""
        number = next(self.numbers)
        intent_id = f"{born_at(at)}i{number:015}"
        later = {name: more.pop(f"{name}_after", None) for name in ("doubted", "resolved", "deadline")}
        doubted, resolved, deadline = (
            None if seconds is None else instant_text(at + timedelta(seconds=seconds)) for seconds in later.values()
        )
        now, deadline = instant_text(at), deadline or instant_text(at + timedelta(seconds=15))
        person = ("name", f"hash{number}", f"hash{number}")
        of = ("101", "Beratung", 101, 30, instant_text(at + timedelta(days=7, minutes=number)), "termin@salon.test")
        values = (intent_id, tenant_id, f"op{number}", f"key{number}", 1, "print", *person, *of, state, 1, now, now)
        self._insert(
            "intents", COLUMNS, *values, deadline, resolved, doubted, more.get("imported_from"), more.get("moved_from")
        )
        return intent_id

    def appointment(self, at: datetime, tenant_id: str = "default", state: str = "confirmed", **more: Any) -> str:
        intent_id = self.intent(at, state, tenant_id, **more)
        number, now = next(self.numbers), instant_text(at)
        self._insert(
            "customers",
            "customer_id, tenant_id, name, name_normal, created_at",
            *(f"c{number}", tenant_id, "Anna Weiß", "anna weiss", now),
        )
        self._insert(
            "appointments",
            "appointment_id, tenant_id, intent_id, customer_id, service_id, starts_at, ends_at, status, created_at",
            *(f"{born_at(at)}a{number:015}", tenant_id, intent_id, f"c{number}", "101", now, now, "confirmed", now),
        )
        return intent_id

    def rejected(
        self, at: datetime, layer: Layer, reason: Reason, tenant_id: str = "default", intent_id: str | None = None
    ) -> str:
        intent_id = intent_id or self.intent(at, tenant_id=tenant_id)
        data = json.dumps({"layer": layer.value, "reason": reason.value, "booking_uid": "u"})
        columns = "tenant_id, intent_id, at, kind, data"
        self._insert("facts", columns, tenant_id, intent_id, instant_text(at), "rejected", data)
        return intent_id

    def waited_for_a_person(self, intent_id: str, at: datetime, tenant_id: str = "default") -> None:
        columns = "message_id, channel, tenant_id, intent_id, kind, created_at"
        for channel in ("log", "webhook"):
            values = (f"{intent_id}.escalated", channel, tenant_id, intent_id, "needs_person", instant_text(at))
            self._insert("outbox", columns, *values)

    def drift(self, at: datetime, kind: str, ended: datetime | None = None, tenant_id: str = "default") -> None:
        columns = "tenant_id, kind, subject, detail, run_id, first_seen_at, last_seen_at, ended_at"
        now, over = instant_text(at), None if ended is None else instant_text(ended)
        self._insert("drifts", columns, tenant_id, kind, f"uid{next(self.numbers)}", "", "run", now, now, over)

    def callback(self, at: datetime, done: datetime | None = None, tenant_id: str = "default") -> None:
        columns = "callback_id, tenant_id, created_at, done_at"
        over = None if done is None else instant_text(done)
        self._insert("callbacks", columns, f"{born_at(at)}b{next(self.numbers):015}", tenant_id, instant_text(at), over)

    def tally(self, day: str, what: str, times: int, seconds: float = 0.0) -> None:
        self._insert("tallies", "day, what, count, total", day, what, times, seconds)

    def _insert(self, table: str, columns: str, *values: Any) -> None:
        self.run(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(map(_literal, values))})")  # noqa: S608 - the tests' own


def _literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case int() | float():
            return str(value)
        case _:
            return "'" + str(value).replace("'", "''") + "'"
