"""The stories, read from the ledger: each question by an index, all of them in one snapshot."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from einmal.adapters.sql.change_rows import COLUMNS as CHANGE_COLUMNS
from einmal.adapters.sql.change_rows import change_of
from einmal.adapters.sql.rows import (
    CALLBACK_COLUMNS,
    STORED,
    callback_of,
    instant_of,
    instant_or_none,
    stored_reply,
)
from einmal.adapters.sql.steps import Row, Statement, Steps, Store
from einmal.ports.journal import FunctionCalled
from einmal.ports.stories import (
    AppointmentMade,
    AttemptMade,
    BookingHeld,
    BookingSeen,
    CallStory,
    FactTold,
    IntentStory,
    MessageOwed,
    Named,
    NoticeTaken,
)

ROWS_MAX: Final = 500
"""Of one kind in one story. Nobody reads more, and nothing that a platform sends should make a page without end."""

_TENANTS: Final = "SELECT tenant_id FROM tenants ORDER BY tenant_id"

_CALLS_ARE_IN: Final = (
    ("calls", "call_id"),
    *((table, "conversation_id") for table in ("function_calls", "intents", "changes", "callbacks")),
)

_CALL: Final = """
    SELECT platform, agent_id, direction, first_seen_at, started_at, ended_at, disconnection_reason FROM calls
    WHERE tenant_id = ? AND call_id = ?"""

_FUNCTION_COLUMNS: Final = (
    "served_id, tenant_id, conversation_id, at, adapter, function, outcome, heard, elapsed_ms, error_id"
)

_FUNCTIONS: Final = f"""
    SELECT {_FUNCTION_COLUMNS} FROM function_calls WHERE tenant_id = ? AND conversation_id = ?
    ORDER BY served_id LIMIT {ROWS_MAX}"""  # noqa: S608 - constants only

_LATEST: Final = f"""
    SELECT {_FUNCTION_COLUMNS} FROM function_calls WHERE served_id > ?
    ORDER BY served_id DESC LIMIT ?"""  # noqa: S608 - constants only

_LATEST_BEFORE: Final = f"""
    SELECT {_FUNCTION_COLUMNS} FROM function_calls WHERE served_id > ? AND served_id < ?
    ORDER BY served_id DESC LIMIT ?"""  # noqa: S608 - constants only

_HELD: Final = """
    SELECT calcom_v2_booking_id, appointment_id, intent_id, call_id FROM appointments
    WHERE calcom_v2_booking_id = ?"""

_NAMED_INTENT: Final = """
    SELECT intent_id FROM intents WHERE intent_id = ?
    UNION ALL SELECT intent_id FROM intents WHERE operation_id = ?
    UNION ALL SELECT intent_id FROM appointments WHERE calcom_v2_booking_id = ?
    UNION ALL SELECT intent_id FROM appointments WHERE appointment_id = ?
    LIMIT 1"""

_INTENTS: Final = f"""
    SELECT intent_id FROM intents WHERE tenant_id = ? AND conversation_id = ?
    ORDER BY intent_id LIMIT {ROWS_MAX}"""  # noqa: S608 - constants only

_CHANGES_IN_CALL: Final = f"""
    SELECT {CHANGE_COLUMNS} FROM changes WHERE tenant_id = ? AND conversation_id = ?
    ORDER BY change_id LIMIT {ROWS_MAX}"""  # noqa: S608 - constants only

_CALLBACKS: Final = f"""
    SELECT {CALLBACK_COLUMNS} FROM callbacks WHERE tenant_id = ? AND conversation_id = ?
    ORDER BY callback_id LIMIT {ROWS_MAX}"""  # noqa: S608 - constants only

_ATTEMPTS: Final = f"""
    SELECT epoch, answered_at, kind, http_status, detail, booking_uid, elapsed_ms, CAST(received AS TEXT)
    FROM attempts WHERE intent_id = ? ORDER BY epoch LIMIT {ROWS_MAX}"""  # noqa: S608 - constants only

_FACTS: Final = f"""
    SELECT at, kind, CAST(data AS TEXT) FROM facts WHERE intent_id = ?
    ORDER BY fact_id LIMIT {ROWS_MAX}"""  # noqa: S608 - constants only

_APPOINTMENT: Final = """
    SELECT appointment_id, status, starts_at, ends_at, staff, calcom_v2_booking_id, created_at, confirmed_at
    FROM appointments WHERE intent_id = ?"""

_CHANGES: Final = f"""
    SELECT {CHANGE_COLUMNS} FROM changes WHERE intent_id = ? ORDER BY change_id LIMIT {ROWS_MAX}"""  # noqa: S608

_NOTICES: Final = f"""
    SELECT received_at, source, event, times, handled_at, outcome FROM inbox WHERE tenant_id = ? AND subject = ?
    ORDER BY received_at, inbox_id LIMIT {ROWS_MAX}"""  # noqa: S608 - constants only

_MESSAGES: Final = f"""
    SELECT message_id, channel, kind, created_at, due_at, tries, sent_at FROM outbox WHERE intent_id = ?
    ORDER BY created_at, message_id, channel LIMIT {ROWS_MAX}"""  # noqa: S608 - constants only


class SqlStories:
    """The Stories port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_call(self, call_id: str) -> tuple[CallStory, ...]:
        def work() -> Steps[tuple[CallStory, ...]]:
            found = []
            for tenant_id in (yield from _whose(call_id)):
                story = yield from _call(tenant_id, call_id)
                found += [] if story is None else [story]
            return tuple(found)

        return await self._store.snapshot(work)

    async def of_intent(self, intent_id: str) -> IntentStory | None:
        return await self._store.snapshot(lambda: _intent(intent_id))

    async def latest(self, limit: int, after: str | None = None, before: str | None = None) -> Sequence[FunctionCalled]:
        def work() -> Steps[tuple[FunctionCalled, ...]]:
            if before is None:
                rows = yield Statement(_LATEST, (after or "", limit))
            else:
                rows = yield Statement(_LATEST_BEFORE, (after or "", before, limit))
            return tuple(map(_function, rows))

        return await self._store.read(work)

    async def named(self, text: str) -> Named:
        def work() -> Steps[Named]:
            intents = yield Statement(_NAMED_INTENT, (text,) * 4)
            calls = yield from _whose(text)
            return Named(bool(calls), intents[0][0] if intents else None)

        return await self._store.snapshot(work)


def _whose(call_id: str) -> Steps[list[str]]:
    """The tenants that have a call of this id, in their order: in two questions, however many there are."""
    tenants = [tenant_id for (tenant_id,) in (yield Statement(_TENANTS))]
    if not tenants:
        return []
    found = yield Statement(calls_statement(len(tenants)), (*tenants, call_id) * len(_CALLS_ARE_IN))
    return sorted(str(tenant_id) for (tenant_id,) in found)


def calls_statement(tenants: int) -> str:
    """Each table by its index, which begins with the tenant. Joined with the tenants, or asked whether one is there, a
    planner that knows nothing of the tables yet reads them whole."""
    marks = ", ".join("?" for _ in range(tenants))
    return " UNION ".join(
        f"SELECT tenant_id FROM {table} WHERE tenant_id IN ({marks}) AND {column} = ?"  # noqa: S608 - constants only
        for table, column in _CALLS_ARE_IN
    )


def _call(tenant_id: str, call_id: str) -> Steps[CallStory | None]:
    whose = (tenant_id, call_id)
    told = yield Statement(_CALL, whose)
    functions = yield Statement(_FUNCTIONS, whose)
    ids = yield Statement(_INTENTS, whose)
    changes = yield Statement(_CHANGES_IN_CALL, whose)
    callbacks = yield Statement(_CALLBACKS, whose)
    if not (told or functions or ids or changes or callbacks):
        return None
    intents = []
    for (intent_id,) in ids:
        story = yield from _intent(intent_id)
        intents += [] if story is None else [story]
    platform, agent_id, direction, *times, reason = told[0] if told else (None,) * 7
    first_seen_at, started_at, ended_at = map(instant_or_none, times)
    return CallStory(
        tenant_id=tenant_id,
        call_id=call_id,
        platform=platform,
        agent_id=agent_id,
        direction=direction,
        first_seen_at=first_seen_at,
        started_at=started_at,
        ended_at=ended_at,
        disconnection_reason=reason,
        functions=tuple(map(_function, functions)),
        intents=tuple(intents),
        changes=tuple(map(change_of, changes)),
        callbacks=tuple(map(callback_of, callbacks)),
    )


def _intent(intent_id: str) -> Steps[IntentStory | None]:
    rows = yield Statement(STORED, (intent_id,))
    if not rows:
        return None
    stored = stored_reply(rows[0])
    attempts = yield Statement(_ATTEMPTS, (intent_id,))
    facts = yield Statement(_FACTS, (intent_id,))
    appointments = yield Statement(_APPOINTMENT, (intent_id,))
    changes = yield Statement(_CHANGES, (intent_id,))
    messages = yield Statement(_MESSAGES, (intent_id,))
    notices: list[Row] = []
    others: list[BookingHeld] = []
    for uid in _uids(stored.intent.booking_uid, attempts):
        notices += yield Statement(_NOTICES, (stored.intent.wish.tenant_id, uid))
        held = yield Statement(_HELD, (uid,))
        others += [BookingHeld(*row) for row in held if row[2] != intent_id]
    return IntentStory(
        stored=stored,
        appointment=_appointment(appointments[0]) if appointments else None,
        attempts=tuple(map(_attempt, attempts)),
        facts=tuple(FactTold(instant_of(at), kind, json.loads(data)) for at, kind, data in facts),
        changes=tuple(map(change_of, changes)),
        notices=tuple(map(_notice, notices)),
        messages=tuple(map(_message, messages)),
        others=tuple(others),
    )


def _uids(booking_uid: str | None, attempts: Sequence[Row]) -> list[str]:
    """The bookings that this intent had to do with: its own, and whatever an answer brought."""
    return list(dict.fromkeys(uid for uid in (booking_uid, *(row[5] for row in attempts)) if uid is not None))


def _function(row: Row) -> FunctionCalled:
    served_id, tenant_id, conversation_id, at, adapter, function, outcome, heard, elapsed_ms, error_id = row
    elapsed = timedelta(milliseconds=elapsed_ms)
    called = (served_id, tenant_id, conversation_id, instant_of(at), adapter, function, outcome)
    return FunctionCalled(*called, heard or "", elapsed, error_id)


def _attempt(row: Row) -> AttemptMade:
    epoch, answered_at, kind, http_status, detail, uid, elapsed_ms, received = row
    seen = None if received is None else _seen(json.loads(received))
    elapsed = timedelta(milliseconds=elapsed_ms)
    return AttemptMade(epoch, instant_of(answered_at), kind, http_status, detail, uid, elapsed, seen)


def _seen(data: dict[str, Any]) -> BookingSeen:
    return BookingSeen(
        uid=data["uid"],
        status=data["status"],
        start=instant_of(data["start"]),
        event_type_id=data["event_type_id"],
        created_at=instant_or_none(data["created_at"]),
        call_id=data["call_id"],
        operation_id=data["operation_id"],
        name=data["name"],
        emails=tuple(data["emails"]),
        host=data["host"],
    )


def _appointment(row: Row) -> AppointmentMade:
    appointment_id, status, start, end, staff, uid, created_at, confirmed_at = row
    times: tuple[datetime, datetime] = (instant_of(start), instant_of(end))
    return AppointmentMade(
        appointment_id, status, *times, staff, uid, instant_of(created_at), instant_or_none(confirmed_at)
    )


def _notice(row: Row) -> NoticeTaken:
    received_at, source, event, times, handled_at, outcome = row
    return NoticeTaken(instant_of(received_at), source, event, times, instant_or_none(handled_at), outcome)


def _message(row: Row) -> MessageOwed:
    message_id, channel, kind, created_at, due_at, tries, sent_at = row
    created = instant_of(created_at)
    return MessageOwed(message_id, channel, kind, created, instant_or_none(due_at), tries, instant_or_none(sent_at))
