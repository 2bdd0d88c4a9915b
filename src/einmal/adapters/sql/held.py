"""What is held of one person: found by the hashes that stay when names are gone, and by whatever still names them.

No hot path is led through here: it is asked by a person, and may read a table whole where no index is worth its price.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from einmal.adapters.sql.personal import shown_columns
from einmal.adapters.sql.rows import instant_of
from einmal.adapters.sql.steps import FOR_UPDATE, Row, Statement, Steps
from einmal.domain.change import LIVE_CHANGES
from einmal.domain.composite import UNDER_WAY
from einmal.domain.intent import BOOKED, UNRESOLVED, State
from einmal.ports.forgetting import Held, Stands, StandsWhy, Whom

# What was erased is of no call's caller any more: its fingerprint is gone with its hashes.
_INTENTS: Final = f"""
    SELECT {", ".join(shown_columns("intents"))}, intent_key FROM intents
    WHERE tenant_id = ? AND (phone_hash = ? OR email_hash = ? OR conversation_id = ? AND fingerprint <> '')
    ORDER BY intent_id"""  # noqa: S608 - constants only

_SEEN: Final = """
    SELECT t.intent_id, t.epoch, CAST(t.received AS TEXT) FROM attempts t JOIN intents i ON i.intent_id = t.intent_id
    WHERE i.tenant_id = ? AND t.received IS NOT NULL AND t.booking_uid IN ({marks})"""

_SEEN_BY_EMAIL: Final = """
    SELECT t.intent_id, t.epoch, CAST(t.received AS TEXT) FROM attempts t JOIN intents i ON i.intent_id = t.intent_id
    WHERE i.tenant_id = ? AND lower(CAST(t.received AS TEXT)) LIKE ? ESCAPE '!'"""

_COMPOSITES: Final = f"""
    SELECT {", ".join("c." + column for column in shown_columns("composites"))}, c.composite_key FROM composites c
    WHERE c.composite_id IN (SELECT composite_id FROM composite_segments WHERE intent_id IN ({{marks}}))"""  # noqa: S608

AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Found:
    """`held`, and what only an erasure needs: the keys to be cut, and others' attempts in which they are named."""

    held: Held
    keys: Mapping[str, str]
    composite_keys: Mapping[str, str]
    seen: Sequence[Row]


Rows = list[dict[str, Any]]


def held_of(tenant_id: str, whom: Whom, now: datetime, *, locked: bool = False) -> Steps[Found]:
    """All of it, in the transaction that asks. `locked`: nobody moves an intent of theirs before that ends."""
    statement = f"{_INTENTS} {FOR_UPDATE}" if locked else _INTENTS
    stored = yield Statement(statement, (tenant_id, whom.phone_hash, whom.email_hash, whom.call_id))
    rows = {"intents": [_named("intents", row) for row in stored]}
    theirs = "tenant_id = ? AND (person_phone = ? OR conversation_id = ? AND forgotten_at IS NULL)"
    rows["callbacks"] = yield from _where("callbacks", theirs, tenant_id, whom.phone, whom.call_id)
    composite_keys = yield from _by_intent(rows)
    rows["customers"] = yield from _customers(tenant_id, rows, whom)
    yield from _by_call_and_booking(tenant_id, rows)
    seen = yield from _seen(tenant_id, rows, whom)
    held = Held(rows, len(seen), tuple(_stands(rows, now)))
    keys = {one["intent_id"]: row[-1] for one, row in zip(rows["intents"], stored, strict=True)}
    return Found(held, keys, composite_keys, seen)


def _by_intent(rows: dict[str, Rows]) -> Steps[dict[str, str]]:
    """What belongs to their intents and call-backs; the keys of their composites by id."""
    ids = [one["intent_id"] for one in rows["intents"]]
    for table in ("appointments", "attempts", "changes", "composite_segments", "outbox", "facts", "drifts"):
        rows[table] = yield from _of(table, "intent_id", ids)
    rows["outbox"] += yield from _of("outbox", "callback_id", [one["callback_id"] for one in rows["callbacks"]])
    wholes = yield from _asked(_COMPOSITES, ids)
    rows["composites"] = [_named("composites", row) for row in wholes]
    return {one["composite_id"]: row[-1] for one, row in zip(rows["composites"], wholes, strict=True)}


def _customers(tenant_id: str, rows: Mapping[str, Rows], whom: Whom) -> Steps[Rows]:
    """By their contacts, and those of their appointments: without any, a customer is known by these alone."""
    contacts = (tenant_id, whom.phone, whom.email)
    found = yield from _where("customers", "tenant_id = ? AND (phone = ? OR email = ?)", *contacts)
    found += yield from _of("customers", "customer_id", _distinct(one["customer_id"] for one in rows["appointments"]))
    # Whoever was forgotten left an empty row; once each.
    return list({one["customer_id"]: one for one in found if one["name"] or one["phone"] or one["email"]}.values())


def _by_call_and_booking(tenant_id: str, rows: dict[str, Rows]) -> Steps[None]:
    calls = _distinct(one["conversation_id"] for table in ("intents", "callbacks") for one in rows[table])
    rows["calls"] = yield from _of("calls", "call_id", calls, tenant_id)
    for table in ("function_calls", "holds"):
        rows[table] = yield from _of(table, "conversation_id", calls, tenant_id)
    rows["inbox"] = yield from _of("inbox", "subject", _uids(rows), tenant_id)


def _uids(rows: Mapping[str, Rows]) -> list[str]:
    held = (one["calcom_v2_booking_id"] for one in rows["appointments"])
    return _distinct((*(one["booking_uid"] for one in rows["intents"]), *held))


def _seen(tenant_id: str, rows: Mapping[str, Rows], whom: Whom) -> Steps[list[Row]]:
    """Attempts of others for which a booking of theirs came back, with their name in it: that was the incident."""
    own = {one["intent_id"] for one in rows["intents"]}
    emails = {
        whom.email,
        *(one["person_email"] for one in rows["intents"]),
        *(one["email"] for one in rows["customers"]),
    }
    found = yield from _asked(_SEEN, _uids(rows), tenant_id)
    for email in _distinct(emails):
        escaped = "".join(f"!{letter}" if letter in "!%_" else letter for letter in email.lower())
        found += yield Statement(_SEEN_BY_EMAIL, (tenant_id, f'%"{escaped}"%'))
    others = {(row[0], row[1]): row for row in found if row[0] not in own}
    named = (row for row in others.values() if (data := json.loads(row[2]))["name"] or data["emails"])
    return sorted(named, key=lambda row: (row[0], row[1]))


def _stands(rows: Mapping[str, Rows], now: datetime) -> Iterator[Stands]:
    """What somebody still waits for, so that it cannot be erased."""
    ends = {one["intent_id"]: instant_of(one["ends_at"]) for one in rows["appointments"]}
    changing = {one["intent_id"] for one in rows["changes"] if one["state"] in LIVE_CHANGES}
    changing |= {one["successor_id"] for one in rows["changes"] if one["state"] in LIVE_CHANGES}
    under_way = {one["composite_id"] for one in rows["composites"] if one["state"] in UNDER_WAY}
    parts = {one["intent_id"] for one in rows["composite_segments"] if one["composite_id"] in under_way}
    news = {one["intent_id"] or one["callback_id"] for one in rows["outbox"] if one["due_at"] is not None}
    for one in rows["intents"]:
        intent_id, state, start = one["intent_id"], State(one["state"]), instant_of(one["start_at"])
        end = max(start + timedelta(minutes=one["duration_minutes"]), ends.get(intent_id, start))
        if state in UNRESOLVED or state is State.COMPENSATING or intent_id in parts:
            yield Stands(StandsWhy.UNRESOLVED, intent_id, start)
        elif intent_id in changing:
            yield Stands(StandsWhy.CHANGING, intent_id, start)
        elif state in BOOKED and end > now:
            yield Stands(StandsWhy.TO_COME, intent_id, start)
        elif intent_id in news:
            yield Stands(StandsWhy.NEWS, intent_id, start)
    for one in rows["callbacks"]:
        if one["callback_id"] in news:
            yield Stands(StandsWhy.NEWS, one["callback_id"], instant_of(one["created_at"]))


def _of(table: str, column: str, values: Sequence[str], tenant_id: str | None = None) -> Steps[Rows]:
    """The rows of a table that name one of these."""
    of_tenant = "" if tenant_id is None else "tenant_id = ? AND "
    columns = ", ".join(shown_columns(table))
    statement = f"SELECT {columns} FROM {table} WHERE {of_tenant}{column} IN ({{marks}})"  # noqa: S608 - constants only
    found = yield from _asked(statement, values, *(() if tenant_id is None else (tenant_id,)))
    return [_named(table, row) for row in found]


def _where(table: str, condition: str, *values: str | None) -> Steps[Rows]:
    columns = ", ".join(shown_columns(table))
    found = yield Statement(f"SELECT {columns} FROM {table} WHERE {condition}", values)  # noqa: S608 - constants only
    return [_named(table, row) for row in found]


def _asked(statement: str, values: Sequence[str], *before: str) -> Steps[list[Row]]:
    """The statement's rows for these values, some hundred at a time."""
    found: list[Row] = []
    for begin in range(0, len(values), AT_ONCE):
        some = values[begin : begin + AT_ONCE]
        found += yield Statement(statement.format(marks=", ".join("?" for _ in some)), (*before, *some))
    return found


def _named(table: str, row: Row) -> dict[str, Any]:
    """The row by its columns; what is kept as JSON, as it is meant."""
    plain = dict(zip(shown_columns(table), row, strict=False))
    for column in _JSON & plain.keys():
        if isinstance(plain[column], str):
            plain[column] = json.loads(plain[column])
    return plain


_JSON: Final = frozenset({"reply", "received", "data", "webhook_data", "resources"})


def _distinct(values: Iterable[str | None]) -> list[str]:
    return sorted({value for value in values if value is not None})
