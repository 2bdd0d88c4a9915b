"""The History port: one read transaction, which sees one moment and cannot write."""

from datetime import datetime
from typing import Final

from einmal.adapters.sql.rows import (
    INTENT_COLUMNS,
    INTENT_WIDTH,
    instant_of,
    instant_or_none,
    instant_text,
    intent_of,
    reply_of,
)
from einmal.adapters.sql.steps import Row as Record
from einmal.adapters.sql.steps import Statement, Steps, Store, Transaction
from einmal.domain.answer import Answer, AnswerKind, Landed
from einmal.domain.evidence import Request, RequestKind, Row, Spoken
from einmal.ports import Recorded

_WINDOW: Final = "i.tenant_id = ? AND (i.created_at >= ? OR i.start_at >= ?)"

_UNREAD: Final = {"person_name": "NULL", "person_phone": "NULL", "person_email": "NULL", "staff": "NULL"} | {
    "attendee_email": "''"
}
"""Who somebody is nobody asks here: hashes tell one from another."""

_ROWS: Final = f"""
    SELECT {", ".join(_UNREAD.get(c, "i." + c) for c in INTENT_COLUMNS.split(", "))}, i.reply,
           a.appointment_id, a.starts_at, a.calcom_v2_booking_id, i.imported_from IS NOT NULL
    FROM intents i LEFT JOIN appointments a ON a.intent_id = i.intent_id
    WHERE {_WINDOW} ORDER BY i.intent_id"""  # noqa: S608 - constants only

_POSTS: Final = f"""
    SELECT i.operation_id, t.kind, t.answered_at FROM attempts t JOIN intents i ON i.intent_id = t.intent_id
    WHERE {_WINDOW} ORDER BY t.answered_at, t.intent_id, t.epoch"""  # noqa: S608 - constants only

_WAITED: Final = f"""
    SELECT a.calcom_v2_booking_id FROM appointments a JOIN intents i ON i.intent_id = a.intent_id
    WHERE {_WINDOW} AND (a.confirmed_at IS NULL OR a.confirmed_at > a.created_at)"""  # noqa: S608 - constants only

# What was given up has no due time and was never sent: nobody was told.
_NEWS: Final = """
    SELECT DISTINCT intent_id FROM outbox
    WHERE tenant_id = ? AND intent_id IS NOT NULL AND kind <> 'needs_person'
      AND (due_at IS NOT NULL OR sent_at IS NOT NULL)"""

_TOTAL: Final = "SELECT count(*) FROM intents WHERE tenant_id = ?"


class SqlHistory:
    """Shares the ledger's store. A reader keeps nobody waiting."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def recorded(self, tenant_id: str, since: datetime) -> Recorded:
        return await self._store.snapshot(_recorded(tenant_id, since))


def _recorded(tenant_id: str, since: datetime) -> Transaction[Recorded]:
    begin = instant_text(since)
    window = (tenant_id, begin, begin)

    def work() -> Steps[Recorded]:
        rows, refusals, unread = [], [], 0
        for stored in (yield Statement(_ROWS, window)):
            try:
                row = _row(stored)
                no = _refusal(row, stored[INTENT_WIDTH])
            except (ValueError, KeyError, TypeError):
                unread += 1  # written by no code of ours; the others can still be judged
                continue
            rows.append(row)
            refusals += [] if no is None else [no]
        total = yield Statement(_TOTAL, (tenant_id,))
        posts = yield Statement(_POSTS, window)
        waited = yield Statement(_WAITED, window)
        news = yield Statement(_NEWS, (tenant_id,))
        return Recorded(
            rows=tuple(rows),
            total=total[0][0],
            unread=unread,
            refusals=tuple(refusals),
            posts=tuple(_post(*post) for post in posts),
            waited=frozenset(uid for (uid,) in waited),
            news=frozenset(intent_id for (intent_id,) in news),
        )

    return work


def _row(stored: Record) -> Row:
    ref, starts_at, uid, imported = stored[INTENT_WIDTH + 1 :]
    return Row(intent_of(stored), ref, uid, instant_or_none(starts_at), bool(imported))


def _refusal(row: Row, reply: str | None) -> Spoken | None:
    """The stored answer; only refusals are stored."""
    intent = row.intent
    if reply is None or intent.resolved_at is None:
        return None
    outcome, call_id = reply_of(reply).outcome, intent.wish.conversation_id
    return Spoken(intent.resolved_at, intent.key.value, call_id, outcome, intent_id=intent.intent_id)


def _post(operation_id: str, kind: str, answered_at: str) -> Request:
    # A word that this code does not know may have landed, like everything unknown.
    known = AnswerKind(kind) if kind in set(AnswerKind) else AnswerKind.LOST
    processed = Answer(known).landed is not Landed.NO
    return Request(instant_of(answered_at).timestamp(), RequestKind.POST, operation_id, processed)
