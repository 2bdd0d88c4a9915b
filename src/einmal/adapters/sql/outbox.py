"""The outbox's rows: put in by the commit that makes them due, claimed under a lease, stamped when sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from einmal.adapters.sql.queues import due_by
from einmal.adapters.sql.rows import (
    CALLBACK_COLUMNS,
    STORED,
    callback_of,
    instant_of,
    instant_text,
    stored_reply,
    text_or_none,
)
from einmal.adapters.sql.steps import SKIP_LOCKED, Row, Statement, Steps, Store, only
from einmal.domain.callback import Callback
from einmal.domain.intent import Intent
from einmal.domain.promise import MessageKind, message_id
from einmal.domain.reach import heard_on
from einmal.ports import About, Message

_PUT: Final = """
    INSERT INTO outbox (message_id, channel, tenant_id, intent_id, callback_id, kind, created_at, due_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_id, channel) DO NOTHING"""

# In two statements: RETURNING keeps no order.
_DUE: Final = f"""
    SELECT message_id, channel, kind, created_at, tries, intent_id, callback_id FROM outbox
    WHERE due_at <= ? OR due_at > ? ORDER BY due_at, message_id, channel LIMIT ? {SKIP_LOCKED}"""  # noqa: S608 - constants only

_LEASE: Final = "UPDATE outbox SET due_at = ? WHERE message_id = ? AND channel = ?"

_SENT: Final = "UPDATE outbox SET due_at = NULL, sent_at = ? WHERE message_id = ? AND channel = ?"

_NOT_SENT: Final = """
    UPDATE outbox SET tries = tries + 1, due_at = ? WHERE message_id = ? AND channel = ? AND sent_at IS NULL"""


_CALLBACK: Final = f"SELECT {CALLBACK_COLUMNS} FROM callbacks WHERE callback_id = ?"  # noqa: S608 - constants only


def put_message(
    about: Intent | Callback, kind: MessageKind, channels: Sequence[str], at: datetime, name: str | None = None
) -> Steps[None]:
    """One row for each channel that has something to say, each sent and tried by itself. `name`: where it is news of
    another kind than usual."""
    whose: tuple[str, str | None, str | None]
    match about:
        case Intent():
            whose = (about.wish.tenant_id, about.intent_id, None)
        case Callback():
            whose = (about.tenant_id, None, about.callback_id)
    now, person = instant_text(at), about.wish.person if isinstance(about, Intent) else about.person
    for channel in heard_on(channels, kind, person):
        yield Statement(_PUT, (name or message_id(about), channel, *whose, kind.value, now, now))


class SqlOutbox:
    """The Outbox port. Shares the ledger's store, and with it the commits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim_messages(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Message, ...]:
        def work() -> Steps[tuple[Message, ...]]:
            due = yield Statement(_DUE, (*due_by(now), limit))
            claimed = []
            for row in due:
                yield Statement(_LEASE, (instant_text(lease_until), row[0], row[1]))
                claimed.append(_message(row, (yield from _about(*row[5:]))))
            return tuple(claimed)

        return await self._store.write(work)

    async def sent(self, message: Message, at: datetime) -> None:
        await self._store.write(only(_SENT, instant_text(at), message.message_id, message.channel))

    async def not_sent(self, message: Message, due_at: datetime | None) -> None:
        await self._store.write(only(_NOT_SENT, text_or_none(due_at), message.message_id, message.channel))


def _about(intent_id: str | None, callback_id: str | None) -> Steps[About]:
    if callback_id is not None:
        rows = yield Statement(_CALLBACK, (callback_id,))
        return callback_of(rows[0])
    rows = yield Statement(STORED, (intent_id,))
    return stored_reply(rows[0])


def _message(row: Row, about: About) -> Message:
    name, channel, kind, created_at, tries = row[:5]
    return Message(name, channel, MessageKind(kind), instant_of(created_at), tries, about)
