"""The figures of the whole ledger. Each is found by a partial index that holds little else: looking costs nobody."""

from datetime import datetime, timedelta
from typing import Final

from einmal.adapters.sql.rows import instant_of, instant_or_none, instant_text
from einmal.adapters.sql.steps import Row, Statement, Steps, Store
from einmal.domain.gate import Gate
from einmal.domain.intent import State
from einmal.ports.overview import Figures

DAY: Final = timedelta(hours=24)

_UNRESOLVED: Final = """
    SELECT state, count(*), min(coalesce(doubted_at, created_at)) FROM intents
    WHERE state IN ('intent', 'sent', 'doubt', 'compensating') AND look_at > '' GROUP BY state"""
_ESCALATED: Final = """
    SELECT count(*), min(coalesce(doubted_at, created_at)) FROM intents WHERE state = 'escalated' AND tenant_id > ''"""
_REJECTED: Final = "SELECT count(*) FROM facts WHERE kind = 'rejected' AND at > ?"
_APPOINTMENTS: Final = "SELECT count(*) FROM appointments WHERE appointment_id > ?"
_DRIFTS: Final = "SELECT kind, count(*) FROM drifts WHERE ended_at IS NULL GROUP BY kind"
_CALLBACKS: Final = "SELECT count(*) FROM callbacks WHERE done_at IS NULL AND tenant_id > ''"
_MESSAGES: Final = "SELECT count(*), min(created_at) FROM outbox WHERE due_at IS NOT NULL"
_NOTICES: Final = "SELECT count(*), min(received_at) FROM inbox WHERE due_at IS NOT NULL"
_GATES: Final = """
    SELECT account_id, at, tokens, writes_failed, reads_failed, open_until, probing_until, blocked_until
    FROM calendar_gates ORDER BY account_id"""


class SqlOverview:
    """The Overview port. Shares the ledger's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def figures(self, now: datetime) -> Figures:
        def work() -> Steps[Figures]:
            unresolved = yield Statement(_UNRESOLVED)
            escalated = yield Statement(_ESCALATED)
            rejected = yield Statement(_REJECTED, (instant_text(now - DAY),))
            appointments = yield Statement(_APPOINTMENTS, (born_at(now - DAY),))
            drifts = yield Statement(_DRIFTS)
            callbacks = yield Statement(_CALLBACKS)
            messages = yield Statement(_MESSAGES)
            notices = yield Statement(_NOTICES)
            gates = yield Statement(_GATES)
            counts = {State(row[0]): int(row[1]) for row in unresolved}
            doubts = [row[2] for row in unresolved if row[0] == State.DOUBT]
            return Figures(
                unresolved=counts | {State.ESCALATED: int(escalated[0][0])},
                oldest_doubt_at=instant_or_none(doubts[0] if doubts else None),
                oldest_escalated_at=instant_or_none(escalated[0][1]),
                appointments=int(appointments[0][0]),
                rejected=int(rejected[0][0]),
                drifts={row[0]: int(row[1]) for row in drifts},
                callbacks=int(callbacks[0][0]),
                messages=int(messages[0][0]),
                oldest_message_at=instant_or_none(messages[0][1]),
                notices=int(notices[0][0]),
                oldest_notice_at=instant_or_none(notices[0][1]),
                gates={row[0]: _gate(row) for row in gates},
            )

        return await self._store.read(work)


_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"


def born_at(at: datetime) -> str:
    """The first id of that millisecond: ids sort by their time of birth."""
    value = int(at.timestamp() * 1000)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(45, -1, -5))


def _gate(row: Row) -> Gate:
    _, at, tokens, writes_failed, reads_failed, *until = row
    return Gate(instant_of(at), tokens, writes_failed, reads_failed, *map(instant_or_none, until))
