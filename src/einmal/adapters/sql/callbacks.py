"""The rows of those who want to be called back: one for each phone and conversation while it is open."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from einmal.adapters.sql.outbox import put_message
from einmal.adapters.sql.rows import CALLBACK_COLUMNS, callback_of, instant_text, text_or_none
from einmal.adapters.sql.steps import Hold, Statement, Steps, Store, Transaction, only
from einmal.domain.callback import Callback
from einmal.domain.promise import MessageKind

# COALESCE: a conversation that nobody vouches for is one by itself, and neither database finds NULL by `=`.
_SAME: Final = f"""
    SELECT {CALLBACK_COLUMNS} FROM callbacks
    WHERE tenant_id = ? AND done_at IS NULL AND person_phone = ? AND coalesce(conversation_id, '') = ?
    ORDER BY created_at, callback_id LIMIT 1"""  # noqa: S608 - constants only

_INSERT: Final = f"INSERT INTO callbacks ({CALLBACK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants

_ADD: Final = """
    UPDATE callbacks SET person_name = ?, note = ?, wanted = ? WHERE callback_id = ? AND done_at IS NULL
    RETURNING callback_id"""

_OPEN: Final = f"""
    SELECT {CALLBACK_COLUMNS} FROM callbacks
    WHERE tenant_id = ? AND done_at IS NULL ORDER BY created_at, callback_id LIMIT ?"""  # noqa: S608 - constants only

_COUNT: Final = "SELECT count(*) FROM callbacks WHERE tenant_id = ? AND done_at IS NULL"

_DONE: Final = "UPDATE callbacks SET done_at = ? WHERE callback_id = ? AND done_at IS NULL RETURNING callback_id"


class SqlCallbacks:
    """The Callbacks port. Shares the ledger's store; `channels` are those of its outbox."""

    def __init__(self, store: Store, channels: Sequence[str]) -> None:
        self._store = store
        self._channels = tuple(channels)

    async def note(self, callback: Callback) -> tuple[Callback, bool]:
        return await self._store.write(_noted(callback, self._channels))

    async def open_ones(self, tenant_id: str, limit: int) -> tuple[Callback, ...]:
        rows = await self._store.read(only(_OPEN, tenant_id, limit))
        return tuple(callback_of(row) for row in rows)

    async def count_open(self, tenant_id: str) -> int:
        rows = await self._store.read(only(_COUNT, tenant_id))
        return int(rows[0][0])

    async def done(self, callback_id: str, at: datetime) -> bool:
        return bool(await self._store.write(only(_DONE, instant_text(at), callback_id)))


def _noted(callback: Callback, channels: Sequence[str]) -> Transaction[tuple[Callback, bool]]:
    whose = (callback.tenant_id, callback.phone, callback.conversation_id or "")

    def work() -> Steps[tuple[Callback, bool]]:
        # There is no row to lock yet, and a doubled request may be making it.
        yield Hold((f"callback {' '.join(map(str, whose))}",))
        rows = yield Statement(_SAME, whose)
        if rows:
            same = callback_of(rows[0]).with_more(callback)
            # Done meanwhile, it is not the same any more: this is a new wish.
            added = yield Statement(_ADD, (same.name, same.note, same.wanted, same.callback_id))
            if added:
                return same, False
        yield Statement(_INSERT, _values(callback))
        yield from put_message(callback, MessageKind.CALLBACK, channels, callback.created_at)
        return callback, True

    return work


def _values(callback: Callback) -> tuple[str | None, ...]:
    """In the order of CALLBACK_COLUMNS."""
    return (
        callback.callback_id,
        callback.tenant_id,
        callback.conversation_id,
        callback.name,
        callback.phone,
        callback.note,
        callback.wanted,
        instant_text(callback.created_at),
        text_or_none(callback.done_at),
    )
