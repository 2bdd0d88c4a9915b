"""What the desk shows, read from the ledger: each question by an index, and each bounded."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from einmal.adapters.sql.overview import born_at
from einmal.adapters.sql.rows import CALLBACK_COLUMNS, callback_of, instant_of, instant_text
from einmal.adapters.sql.steps import Row, Statement, Steps, Store, only
from einmal.domain.intent import State
from einmal.domain.tally import JOINED, not_started
from einmal.ports.desk import (
    AGES_MAX,
    BROKEN_DOWN_MAX,
    LISTED_MAX,
    TODAY_MAX,
    Desk,
    Doubtful,
    Exported,
    LastCompared,
    OpenDrift,
    Rejections,
    Span,
    Today,
    Unsure,
)

DAY: Final = timedelta(hours=24)
MESSAGES_WITHIN: Final = timedelta(days=7)
MESSAGES_MAX: Final = 2_000
"""The newest messages, of which those that were given up are counted."""

# Word for word what intents_live_start_index is for.
_LIVE: Final = "i.generation > 0 AND i.state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"
_WITHIN: Final = f"i.tenant_id = ? AND i.start_at >= ? AND i.start_at < ? AND {_LIVE}"

_TODAY: Final = f"""
    SELECT i.tenant_id, i.intent_id, i.conversation_id, i.start_at, i.service_name, coalesce(a.staff, i.staff),
           i.state, i.person_name
    FROM intents i LEFT JOIN appointments a ON a.intent_id = i.intent_id
    WHERE {_WITHIN} ORDER BY i.start_at LIMIT {TODAY_MAX}"""  # noqa: S608 - constants only

_REJECTIONS: Final = f"""
    SELECT substr(at, 1, 13), data ->> 'layer', data ->> 'reason', count(*)
    FROM (SELECT at, data FROM facts WHERE kind = 'rejected' AND at > ? ORDER BY at DESC LIMIT {BROKEN_DOWN_MAX}) AS f
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""  # noqa: S608 - constants only

# The inner one bounds what is looked at, whatever part of it brought a booking.
_AGES: Final = f"""
    SELECT answered_at, received ->> 'created_at'
    FROM (SELECT answered_at, received FROM attempts WHERE intent_id > ?
          ORDER BY intent_id DESC LIMIT {AGES_MAX}) AS t
    WHERE received IS NOT NULL AND answered_at > ?"""  # noqa: S608 - constants only

_REPEATS: Final = f"""
    SELECT what, sum(count) FROM tallies
    WHERE day >= ? AND what IN ({", ".join("?" * len(JOINED))}) GROUP BY what"""  # noqa: S608 - constants only

_UNSURE: Final = "i.tenant_id, i.intent_id, i.conversation_id, 'book', {since}, i.start_at, i.service_name"

# A row that says sent after its deadline is a doubt that nobody has looked at yet.
_SINCE: Final = "coalesce(i.doubted_at, i.send_deadline, i.created_at)"
_DOUBTS: Final = f"""
    SELECT {_UNSURE.format(since=_SINCE)} FROM intents i
    WHERE i.state IN ('intent', 'sent', 'doubt', 'compensating') AND i.look_at > ''
      AND (i.state = 'doubt' OR i.state = 'sent' AND i.send_deadline < ?)
    ORDER BY 5, 2 LIMIT {LISTED_MAX}"""  # noqa: S608 - constants only

_ESCALATED: Final = f"""
    SELECT {_UNSURE.format(since="coalesce(i.doubted_at, i.created_at)")} FROM intents i
    WHERE i.state = 'escalated' AND i.tenant_id > '' ORDER BY 5, 2 LIMIT {LISTED_MAX}"""  # noqa: S608 - constants only

# Few are under way at once, and this index holds no others.
_CHANGES: Final = f"""
    SELECT g.tenant_id, g.intent_id, g.conversation_id, g.kind, coalesce(g.doubted_at, g.created_at), i.start_at,
           i.service_name
    FROM changes g JOIN intents i ON i.intent_id = g.intent_id
    WHERE g.state IN ('sent', 'doubt', 'escalated') AND g.intent_id > '' AND g.state = ?
    ORDER BY 5, 2 LIMIT {LISTED_MAX}"""  # noqa: S608 - constants only

_DRIFTS: Final = f"""
    SELECT tenant_id, kind, subject, intent_id, first_seen_at FROM drifts
    WHERE ended_at IS NULL AND tenant_id > '' ORDER BY first_seen_at, kind, subject LIMIT {LISTED_MAX}"""  # noqa: S608

_CALLBACKS: Final = f"""
    SELECT {CALLBACK_COLUMNS} FROM callbacks
    WHERE done_at IS NULL AND tenant_id > '' ORDER BY created_at, callback_id LIMIT {LISTED_MAX}"""  # noqa: S608

_GIVEN_UP: Final = f"""
    SELECT count(*)
    FROM (SELECT due_at, sent_at FROM outbox WHERE message_id > ? ORDER BY message_id DESC LIMIT {MESSAGES_MAX}) AS m
    WHERE due_at IS NULL AND sent_at IS NULL"""  # noqa: S608 - constants only

_COMPARED: Final = """
    SELECT tenant_id, ended_at, counts ->> 'rows', counts ->> 'mended' FROM reconciliations
    WHERE tenant_id = ? AND ended_at IS NOT NULL ORDER BY began_at DESC, run_id DESC LIMIT 1"""

_ANY: Final = "SELECT 1 WHERE EXISTS (SELECT 1 FROM function_calls) OR EXISTS (SELECT 1 FROM intents)"

_COUNT: Final = f"""
    SELECT count(*) FROM (SELECT 1 FROM intents i WHERE {_WITHIN} LIMIT ?) AS live"""  # noqa: S608 - constants only

_EXPORTED: Final = f"""
    SELECT i.intent_id, coalesce(a.starts_at, i.start_at), a.ends_at, i.duration_minutes, i.service_name,
           coalesce(a.staff, i.staff), i.state, i.person_name, i.person_phone, i.person_email, i.conversation_id,
           i.booking_uid, i.created_at, i.start_at
    FROM intents i LEFT JOIN appointments a ON a.intent_id = i.intent_id
    WHERE {_WITHIN} AND (i.start_at, i.intent_id) > (?, ?)
    ORDER BY i.start_at, i.intent_id LIMIT ?"""  # noqa: S608 - constants only


class SqlDesk:
    """The DeskBooks port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def seen(self, now: datetime, days: Mapping[str, Span]) -> Desk:
        def work() -> Steps[Desk]:
            day_before = (instant_text(now - DAY),)
            today, compared = list[Row](), list[Row]()
            for tenant_id, span in days.items():
                today += yield Statement(_TODAY, (tenant_id, *map(instant_text, span)))
                compared += yield Statement(_COMPARED, (tenant_id,))
            rejections = yield Statement(_REJECTIONS, day_before)
            ages = yield Statement(_AGES, (born_at(now - DAY), *day_before))
            repeats = yield Statement(_REPEATS, _repeats(now))
            doubts = yield Statement(_DOUBTS, (instant_text(now),))
            changing = yield Statement(_CHANGES, ("doubt",))
            escalated = yield Statement(_ESCALATED)
            stuck = yield Statement(_CHANGES, ("escalated",))
            drifts = yield Statement(_DRIFTS)
            callbacks = yield Statement(_CALLBACKS)
            given_up = yield Statement(_GIVEN_UP, (born_at(now - MESSAGES_WITHIN),))
            ever = yield Statement(_ANY)
            return Desk(
                today=tuple(sorted(map(_today, today), key=lambda one: one.start)),
                rejections=tuple(map(_rejections, rejections)),
                ages=tuple(_age(*row) for row in ages if row[1] is not None),
                repeats={row[0].rpartition(".")[2]: int(row[1]) for row in repeats},
                doubts=_oldest(doubts, changing),
                escalated=_oldest(escalated, stuck),
                drifts=tuple(map(_drift, drifts)),
                callbacks=tuple(map(callback_of, callbacks)),
                given_up=int(given_up[0][0]),
                compared=tuple(map(_compared, compared)),
                ever_asked=bool(ever),
            )

        return await self._store.read(work)

    async def live_within(self, tenant_id: str, span: Span, most: int) -> int:
        rows = await self._store.read(only(_COUNT, tenant_id, *map(instant_text, span), most))
        return int(rows[0][0])

    async def exported(self, tenant_id: str, span: Span, after: Exported | None, limit: int) -> Sequence[Exported]:
        begin, end = map(instant_text, span)
        beyond = (begin, "") if after is None else (instant_text(after.asked_start), after.intent_id)
        rows = await self._store.read(only(_EXPORTED, tenant_id, max(begin, beyond[0]), end, *beyond, limit))
        return tuple(map(_exported, rows))


def _repeats(now: datetime) -> tuple[str, ...]:
    yesterday = (now.astimezone(UTC) - DAY).date()
    return (yesterday.isoformat(), *(not_started(why) for why in sorted(JOINED)))


def _today(row: Row) -> Today:
    tenant_id, intent_id, call_id, start, service, staff, state, name = row
    return Today(tenant_id, intent_id, call_id, instant_of(start), service, staff, State(state), name or "")


def _rejections(row: Row) -> Rejections:
    hour, layer, reason, count = row
    return Rejections(instant_of(f"{hour}:00:00.000Z"), layer, reason, int(count))


def _age(answered_at: str, created_at: str) -> timedelta:
    return instant_of(answered_at) - instant_of(created_at)


def _oldest(*lists: Sequence[Row]) -> tuple[Unsure, ...]:
    every = sorted((_unsure(row) for rows in lists for row in rows), key=lambda one: one.since)
    return tuple(every[:LISTED_MAX])


def _unsure(row: Row) -> Unsure:
    tenant_id, intent_id, call_id, what, since, start, service = row
    return Unsure(tenant_id, intent_id, call_id, Doubtful(what), instant_of(since), instant_of(start), service)


def _drift(row: Row) -> OpenDrift:
    tenant_id, kind, subject, intent_id, since = row
    return OpenDrift(tenant_id, kind, subject, intent_id, instant_of(since))


def _compared(row: Row) -> LastCompared:
    tenant_id, ended_at, rows, mended = row
    return LastCompared(tenant_id, instant_of(ended_at), int(rows), int(mended))


def _exported(row: Row) -> Exported:
    intent_id, starts_at, ends_at, minutes, service, staff, state, name, phone, email, call_id, uid, made, asked = row
    start = instant_of(starts_at)
    return Exported(
        intent_id=intent_id,
        start=start,
        end=start + timedelta(minutes=minutes) if ends_at is None else instant_of(ends_at),
        service=service,
        staff=staff,
        state=State(state),
        name=name or "",
        phone=phone,
        email=email,
        call_id=call_id,
        booking_uid=uid,
        created_at=instant_of(made),
        asked_start=instant_of(asked),
    )
