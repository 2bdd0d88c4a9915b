"""The calls' rows: one statement for all that may be told, in which what is known stays and what is missing is filled.

An admission writes the same row in its own transaction (`writes`), and reads there whether the call has ended: who is
first of the two is settled by the row.
"""

from datetime import datetime
from typing import Final

from einmal.adapters.sql.rows import instant_text, text_or_none
from einmal.adapters.sql.steps import SKIP_LOCKED, Statement, Steps, Store, only
from einmal.ports import CallNews

STUCK: Final = "stuck"
"""Why a call ended whose end nobody told: no word of any platform's."""

_TOLD: Final = """
    INSERT INTO calls (tenant_id, call_id, platform, first_seen_at, agent_id, direction, started_at, ended_at,
        disconnection_reason, analyzed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, call_id) DO UPDATE SET
        agent_id = coalesce(calls.agent_id, excluded.agent_id),
        direction = coalesce(calls.direction, excluded.direction),
        started_at = coalesce(calls.started_at, excluded.started_at),
        ended_at = coalesce(calls.ended_at, excluded.ended_at),
        disconnection_reason = coalesce(calls.disconnection_reason, excluded.disconnection_reason),
        analyzed_at = coalesce(calls.analyzed_at, excluded.analyzed_at)"""

_STUCK: Final = f"""
    SELECT tenant_id, call_id FROM calls WHERE ended_at IS NULL AND first_seen_at < ?
    ORDER BY first_seen_at, tenant_id, call_id LIMIT ? {SKIP_LOCKED}"""  # noqa: S608 - constants only

_CLOSE: Final = "UPDATE calls SET ended_at = ?, disconnection_reason = ? WHERE tenant_id = ? AND call_id = ?"


class SqlCalls:
    """The Calls port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def told(self, tenant_id: str, news: CallNews, at: datetime) -> None:
        call = news.call
        values = (
            *(tenant_id, call.call_id, call.platform, instant_text(at), call.agent_id, news.direction),
            *(text_or_none(news.started_at), text_or_none(news.ended_at)),
            *(news.disconnection_reason, text_or_none(news.analyzed_at)),
        )
        # By itself, never in a commit shared with others: there one more row held could make two wait for each other.
        await self._store.write(only(_TOLD, *values))

    async def close_stuck(self, before: datetime, at: datetime, limit: int) -> int:
        def work() -> Steps[int]:
            stuck = yield Statement(_STUCK, (instant_text(before), limit))
            for tenant_id, call_id in stuck:
                yield Statement(_CLOSE, (instant_text(at), STUCK, tenant_id, call_id))
            return len(stuck)

        return await self._store.write(work)
