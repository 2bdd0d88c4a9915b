"""The Outbox port in memory: put in by the commit that makes it due, claimed under a lease, stamped when sent."""

from collections.abc import Sequence
from datetime import datetime

from einmal.domain.intent import Intent, State
from einmal.domain.promise import MessageKind, confirmed_name, message_id
from einmal.domain.reach import heard_on
from einmal.ports import Message, StoredReply
from einmal.simulator.memory.books import MemoryBooks, OutboxRow
from einmal.simulator.memory.commit import Commit, kept, kept_or_none


def put_confirmed(books: MemoryBooks, intent: Intent, channels: Sequence[str], at: datetime) -> None:
    """It stands, and its customer is to hear so. News that it was requested, if that has not gone yet, tells of it by
    itself."""
    requested = f"{intent.intent_id}.{State.PENDING}"
    rows = (books.outbox.get((requested, channel)) for channel in channels)
    if all(row is None or row.sent_at is not None for row in rows):
        put_message(books, intent, MessageKind.CONFIRMED, channels, at, confirmed_name(intent))


def put_message(
    books: MemoryBooks,
    intent: Intent,
    kind: MessageKind,
    channels: Sequence[str],
    at: datetime,
    named: str | None = None,
) -> None:
    """One row for each channel that has something to say, each sent and tried by itself."""
    for channel in heard_on(channels, kind, intent.wish.person):
        name = (named or message_id(intent), channel)
        if name not in books.outbox:
            books.outbox[name] = OutboxRow(*name, intent.wish.tenant_id, intent.intent_id, kind, at, at)
            books.outbox_due.put(name, at)


class MemoryOutbox:
    """One process's outbox. Shares the ledger's commits."""

    def __init__(self, books: MemoryBooks, commit: Commit) -> None:
        self._books = books
        self._commit = commit

    async def claim_messages(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Message, ...]:
        async with self._commit as lasts:
            books, lease = self._books, kept(lease_until)
            rows = [books.outbox[name] for name in books.outbox_due.take(kept(now), limit)] if lasts else []
            for row in rows:
                self._due(row, lease)
            return tuple(_message(row, books.stored_of(books.intents.rows[row.intent_id])) for row in rows)

    async def sent(self, message: Message, at: datetime) -> None:
        async with self._commit as lasts:
            row = self._books.outbox.get((message.message_id, message.channel))
            if lasts and row is not None:
                row.sent_at = kept(at)
                self._due(row, None)

    async def not_sent(self, message: Message, due_at: datetime | None) -> None:
        async with self._commit as lasts:
            row = self._books.outbox.get((message.message_id, message.channel))
            if lasts and row is not None and row.sent_at is None:
                row.tries += 1
                self._due(row, kept_or_none(due_at))

    def _due(self, row: OutboxRow, at: datetime | None) -> None:
        row.due_at = at
        self._books.outbox_due.put((row.message_id, row.channel), at)


def _message(row: OutboxRow, stored: StoredReply) -> Message:
    return Message(row.message_id, row.channel, row.kind, row.created_at, row.tries, stored)
