"""The journal's rows: function calls in a table of their own, looks among the facts."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from einmal.adapters.sql.rows import instant_text
from einmal.adapters.sql.steps import Statement, Steps, Store
from einmal.adapters.sql.writes import fact_row
from einmal.ports.journal import Entry, FunctionCalled

_FUNCTION_CALL: Final = """
    INSERT INTO function_calls (served_id, tenant_id, conversation_id, at, adapter, function, outcome, heard,
        elapsed_ms, error_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (served_id) DO NOTHING"""


class SqlJournal:
    """The Journal port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, entries: Sequence[Entry]) -> None:
        def work() -> Steps[None]:
            for entry in entries:
                if isinstance(entry, FunctionCalled):
                    yield _function_call(entry)
                else:
                    yield fact_row(entry.tenant_id, entry.intent_id, entry)

        await self._store.write(work)


def _function_call(entry: FunctionCalled) -> Statement:
    values = (
        *(entry.served_id, entry.tenant_id, entry.conversation_id, instant_text(entry.at), entry.adapter),
        *(entry.function, entry.outcome, entry.heard, entry.elapsed // timedelta(milliseconds=1), entry.error_id),
    )
    return Statement(_FUNCTION_CALL, values)
