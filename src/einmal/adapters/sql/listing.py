"""Bookings by name and by the page. The person first, then the call, then the time: each page is found by an index."""

from datetime import datetime
from typing import Final

from einmal.adapters.sql.rows import STORED, instant_text, stored_reply
from einmal.adapters.sql.steps import Statement, Steps, Store
from einmal.ports import StoredReply
from einmal.ports.listing import Filter, Position

_SELECT: Final = STORED.rpartition("WHERE")[0]

# Each by its own index. A planner that is shown the tenant as well may read all that is the tenant's.
_BY_APPOINTMENT: Final = f"{_SELECT} WHERE i.intent_id = (SELECT intent_id FROM appointments WHERE appointment_id = ?)"  # noqa: S608 - constants only

_OF_KEY: Final = f"""{_SELECT}
    WHERE i.tenant_id = ? AND i.intent_key = ? ORDER BY i.generation DESC LIMIT 1"""

_LIVE: Final = "i.state IN ('intent', 'sent', 'doubt', 'escalated', 'confirmed', 'pending')"

# What an appointment is being moved to is no other one; of a composite the first segment stands for all.
_PAGE: Final = f"""{_SELECT}
    WHERE i.tenant_id = ? AND {{person}} AND i.start_at >= ? AND i.start_at < ? AND {_LIVE}
      AND (i.moved_from IS NULL OR i.state IN ('confirmed', 'pending'))
      AND (i.start_at, i.intent_id) > (?, ?)
      AND NOT EXISTS (SELECT 1 FROM composite_segments s JOIN composite_segments f ON f.composite_id = s.composite_id
                      WHERE s.intent_id = i.intent_id AND f.start_at < s.start_at)
    ORDER BY i.start_at, i.intent_id LIMIT ?"""  # noqa: S608 - constants only


class SqlListing:
    """The Listing port. Shares the ledger's store; a reader keeps nobody waiting."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def named(self, tenant_id: str, ref: str) -> StoredReply | None:
        def work() -> Steps[StoredReply | None]:
            rows = yield Statement(_BY_APPOINTMENT, (ref,))
            rows = rows or (yield Statement(STORED, (ref,)))
            found = stored_reply(rows[0]) if rows else None
            return found if found is not None and found.intent.wish.tenant_id == tenant_id else None

        return await self._store.read(work)

    async def of_key(self, tenant_id: str, intent_key: str) -> StoredReply | None:
        def work() -> Steps[StoredReply | None]:
            rows = yield Statement(_OF_KEY, (tenant_id, intent_key))
            return stored_reply(rows[0]) if rows else None

        return await self._store.read(work)

    async def page(self, tenant_id: str, which: Filter, after: Position | None, limit: int) -> tuple[StoredReply, ...]:
        statement, values = page_asked(which)
        begin = which.begin if after is None else max(which.begin, after.start)
        last = ("", "") if after is None else (instant_text(after.start), after.intent_id)
        within = (*_texts(begin, which.end), *last, limit)

        def work() -> Steps[tuple[StoredReply, ...]]:
            rows = yield Statement(statement, (tenant_id, *values, *within))
            return tuple(stored_reply(row) for row in rows)

        return await self._store.read(work)


def page_asked(which: Filter) -> tuple[str, tuple[str, ...]]:
    """The statement for this filter, and the values of its person."""
    given = {"phone_hash": which.phone_hash, "email_hash": which.email_hash, "conversation_id": which.conversation_id}
    asked = {column: value for column, value in given.items() if value is not None}
    # By the start only where nothing else is known: the word that searches nothing says so.
    person = " AND ".join(f"i.{column} = ?" for column in asked) or "i.generation > 0"
    return _PAGE.format(person=person), tuple(asked.values())


def _texts(*instants: datetime) -> tuple[str, ...]:
    return tuple(instant_text(one) for one in instants)
