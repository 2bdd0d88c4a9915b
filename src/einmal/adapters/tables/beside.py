"""Our own ledger's intents, which tell of an appointment as well: they change with it, in the same transaction.

Else the caller's next "which appointments do I have" would be told of the one that was cancelled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from einmal.adapters.tables.groups import Values
from einmal.adapters.tables.place import Place
from einmal.adapters.tables.rows import by_ids, change
from einmal.adapters.tables.spelling import Spelled, key_of
from einmal.adapters.tables.target import Target, Wanted, target_of

_INTENTS: Final = Wanted(
    table="intents", column="booking_uid", id_column="intent_id", status_column="state", note_column=""
)
_BY: Final = "intent_id"
_TELLS: Final = ("confirmed", "pending")
_KEPT: Final = ("intent_id", "state", "epoch", "booking_uid")
"""What is recorded of an intent. Who it is of stays where it is."""


@dataclass(frozen=True, slots=True)
class Intents:
    """The intents of appointments. Every gateway moves an intent before its appointment, and so they are held first."""

    target: Target

    def hold(self, connection: Connection, rows: Sequence[Values]) -> dict[str, Values]:
        return by_ids(connection, self.target, self.ids(rows), self.target.fields, locked=True)

    def ids(self, rows: Sequence[Values]) -> list[Spelled]:
        return list({key_of(row[_BY]): row[_BY] for row in rows}.values())

    def end(self, connection: Connection, held: Mapping[str, Values], rows: Sequence[Values]) -> dict[str, Values]:
        """They tell of nothing any more. Returns each as it is now."""
        ids = [one for one in self.ids(rows) if key_of(one) in held]
        ended: list[tuple[Spelled, Values]] = []
        for one in ids:
            after: Values = {"booking_uid": None}
            if held[key_of(one)]["state"] in _TELLS:
                after["state"] = "cancelled"
            ended.append((one, after))
        change(connection, self.target, ended)
        return by_ids(connection, self.target, ids, self.target.fields)


def intents_of(connection: Connection, place: Place) -> Intents:
    target = target_of(connection, place, _INTENTS)
    return Intents(replace(target, fields=tuple(one for one in target.fields if one.name in _KEPT)))


def key_beside(row: Values) -> str:
    """Under which key its intent is found."""
    return key_of(row[_BY])
