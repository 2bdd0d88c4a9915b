"""The outbox's rows: put in by the commit that makes them due, claimed under a lease, stamped when sent."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from einmal.adapters.sql.queues import due_by
from einmal.adapters.sql.rows import STORED, instant_of, instant_text, stored_reply, text_or_none
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.domain.intent import Intent
from einmal.domain.promise import MessageKind, message_id
from einmal.ports import Message

_PUT: Final = """
    INSERT INTO outbox (message_id, channel, tenant_id, intent_id, kind, created_at, due_at)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_id, channel) DO NOTHING"""

# In two statements: RETURNING keeps no order.
_DUE: Final = """
    SELECT message_id, channel, kind, created_at, tries, intent_id FROM outbox
    WHERE due_at <= ? OR due_at > ? ORDER BY due_at, message_id, channel LIMIT ?"""

_LEASE: Final = "UPDATE outbox SET due_at = ? WHERE message_id = ? AND channel = ?"

_SENT: Final = "UPDATE outbox SET due_at = NULL, sent_at = ? WHERE message_id = ? AND channel = ?"

_NOT_SENT: Final = """
    UPDATE outbox SET tries = tries + 1, due_at = ? WHERE message_id = ? AND channel = ? AND sent_at IS NULL"""


def put_message(
    connection: sqlite3.Connection, intent: Intent, kind: MessageKind, channels: Sequence[str], at: datetime
) -> None:
    """One row for each channel, each sent and tried by itself."""
    now = instant_text(at)
    for channel in channels:
        values = (message_id(intent), channel, intent.wish.tenant_id, intent.intent_id, kind.value, now, now)
        connection.execute(_PUT, values)


class SqliteOutbox:
    """The Outbox port. Shares the ledger's writing thread, and with it the commits."""

    def __init__(self, writer: SqliteThread) -> None:
        self._writer = writer

    async def claim_messages(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Message, ...]:
        def work(connection: sqlite3.Connection) -> tuple[Message, ...]:
            due = connection.execute(_DUE, (*due_by(now), limit)).fetchall()
            connection.executemany(_LEASE, [(instant_text(lease_until), *row[:2]) for row in due])
            return tuple(_message(connection, row) for row in due)

        return await self._writer.run(work)

    async def sent(self, message: Message, at: datetime) -> None:
        values = (instant_text(at), message.message_id, message.channel)
        await self._writer.run(lambda connection: connection.execute(_SENT, values))

    async def not_sent(self, message: Message, due_at: datetime | None) -> None:
        values = (text_or_none(due_at), message.message_id, message.channel)
        await self._writer.run(lambda connection: connection.execute(_NOT_SENT, values))


def _message(connection: sqlite3.Connection, row: tuple[str, str, str, str, int, str]) -> Message:
    name, channel, kind, created_at, tries, intent_id = row
    stored = stored_reply(connection.execute(STORED, (intent_id,)).fetchone())
    return Message(name, channel, MessageKind(kind), instant_of(created_at), tries, stored)
