"""How a change is written down, and read back the same."""

from collections.abc import Sequence
from typing import Any, Final

from einmal.adapters.sql.rows import instant_of, instant_or_none, instant_text
from einmal.adapters.sql.rows import text_or_none as text
from einmal.domain.change import Change, ChangeKind, ChangeState

COLUMNS: Final = (
    "change_id, tenant_id, kind, intent_id, booking_uid, state, created_at, send_deadline, successor_id, "
    "conversation_id, sends, looks, look_at, doubted_at, resolved_at, promised_at"
)


def change_values(change: Change) -> tuple[Any, ...]:
    """In the order of COLUMNS."""
    return (
        change.change_id,
        change.tenant_id,
        change.kind.value,
        change.intent_id,
        change.booking_uid,
        change.state.value,
        instant_text(change.created_at),
        instant_text(change.send_deadline),
        change.successor_id,
        change.conversation_id,
        change.sends,
        change.looks,
        *map(text, (change.look_at, change.doubted_at, change.resolved_at, change.promised_at)),
    )


def change_of(row: Sequence[Any]) -> Change:
    return Change(
        change_id=row[0],
        tenant_id=row[1],
        kind=ChangeKind(row[2]),
        intent_id=row[3],
        booking_uid=row[4],
        state=ChangeState(row[5]),
        created_at=instant_of(row[6]),
        send_deadline=instant_of(row[7]),
        successor_id=row[8],
        conversation_id=row[9],
        sends=row[10],
        looks=row[11],
        look_at=instant_or_none(row[12]),
        doubted_at=instant_or_none(row[13]),
        resolved_at=instant_or_none(row[14]),
        promised_at=instant_or_none(row[15]),
    )
