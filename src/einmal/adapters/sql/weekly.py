"""Which week's report has gone out: a row for each week and channel, claimed under a lease, stamped when it is sent."""

from datetime import datetime
from typing import Final

from einmal.adapters.sql.queues import due_by
from einmal.adapters.sql.rows import instant_text, text_or_none
from einmal.adapters.sql.steps import Store, only
from einmal.domain.week import Week

# What is sent, or was given up, is due never: its `due_at` is NULL.
_CLAIM: Final = """
    INSERT INTO weekly_reports (week, channel, due_at, tries) VALUES (?, ?, ?, 0)
    ON CONFLICT (week, channel) DO UPDATE SET due_at = excluded.due_at
    WHERE weekly_reports.due_at <= ? OR weekly_reports.due_at > ?
    RETURNING tries"""

_SENT: Final = "UPDATE weekly_reports SET due_at = NULL, sent_at = ? WHERE week = ? AND channel = ?"

_NOT_SENT: Final = """
    UPDATE weekly_reports SET tries = tries + 1, due_at = ? WHERE week = ? AND channel = ? AND sent_at IS NULL"""


class SqlWeekly:
    """The WeeklyBooks port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(self, week: Week, channel: str, now: datetime, lease_until: datetime) -> int | None:
        values = (str(week), channel, instant_text(lease_until), *due_by(now))
        rows = await self._store.write(only(_CLAIM, *values))
        return int(rows[0][0]) if rows else None

    async def sent(self, week: Week, channel: str, at: datetime) -> None:
        await self._store.write(only(_SENT, instant_text(at), str(week), channel))

    async def not_sent(self, week: Week, channel: str, due_at: datetime | None) -> None:
        await self._store.write(only(_NOT_SENT, text_or_none(due_at), str(week), channel))
