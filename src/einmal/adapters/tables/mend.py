"""One batch of a repair: a transaction that holds rows, decides, changes them, reads them again, and records it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final

from sqlalchemy import Connection

from einmal.adapters.tables.audit import by_uid, row_of
from einmal.adapters.tables.beside import Intents, key_beside
from einmal.adapters.tables.groups import BATCH_ROWS_MAX, Values, by_rank, rows_of, selected
from einmal.adapters.tables.place import CouldNotLook
from einmal.adapters.tables.record import CHANGED, Record, note_rows
from einmal.adapters.tables.rows import by_ids, change, take_out
from einmal.adapters.tables.spelling import Spelled, key_of
from einmal.adapters.tables.target import Target
from einmal.domain.duplicates import Action, noted, parted

CANCELLED: Final = "cancelled"


class transaction:  # noqa: N801 - it is used like a function
    """One transaction. What was only read before it is over and done with."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.rollback()
        self._open = self._connection.begin()
        self._open.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)


@dataclass(frozen=True, slots=True)
class Mender:
    """Where and how batches are carried out. `intents` are those of our own ledger, which change with its rows.

    `unique` is whether the column was unique when the run began.
    """

    connection: Connection
    target: Target
    log: Target
    intents: Intents | None
    run: str
    now: datetime
    deletes: bool
    unique: bool

    def mend(self, batch: Sequence[tuple[Spelled, int]]) -> Iterator[list[Record]]:
        """In one transaction; a group with very many rows in several, each with the row in it that is kept."""
        uids = [uid for uid, _ in batch]
        if len(batch) > 1 or batch[0][1] <= BATCH_ROWS_MAX:
            with transaction(self.connection):
                if self.intents is not None:
                    self._hold(rows_of(self.connection, self.target, uids, self.target.fields))
                records = self._parted(rows_of(self.connection, self.target, uids, self.target.fields, locked=True))
            yield records
            return
        while True:
            with transaction(self.connection):
                records = self._parted(self._slice(uids[0]))
            if not records:
                return
            yield records

    def clear(self) -> list[Record]:
        """Makes the empty text of some rows NULL; none where there is none left."""
        empty = self.target.column.element == ""
        with transaction(self.connection):
            found = selected(
                self.connection, self.target, self.target.fields, empty, {}, limit=BATCH_ROWS_MAX, locked=True
            )
            return self._changed(Action.CLEARED, [(row, None) for row in found])

    def _slice(self, uid: Spelled) -> list[Values]:
        """The row of a large group that is kept, and some of the others."""
        target, bound = self.target, {"uid": self.target.spelling.bound(uid)}
        same, first = target.column.element == target.spelling.written(target.column, "uid"), by_rank(target)
        some = selected(self.connection, target, target.fields, same, bound, limit=BATCH_ROWS_MAX, first=first)
        self._hold(some)
        ids = [row[target.row_id.name] for row in some]
        held = by_ids(self.connection, target, ids, target.fields, locked=True)
        return [row for row in held.values() if row[target.column.name] is not None]

    def _hold(self, rows: Sequence[Values]) -> None:
        if self.intents is not None:
            self.intents.hold(self.connection, rows)

    def _parted(self, rows: Sequence[Values]) -> list[Record]:
        """Changes what is surplus among these rows."""
        surplus: list[tuple[Values, Spelled]] = []
        for _, same in by_uid(self.target, rows):
            by_row = {row_of(self.target, values): values for values in same}
            found = parted(by_row)
            if found is not None:
                kept_id = by_row[found.kept][self.target.row_id.name]
                surplus += [(by_row[one], kept_id) for one in found.surplus]
        return self._changed(Action.DELETED if self.deletes else Action.CANCELLED, surplus)

    def _changed(self, action: Action, surplus: Sequence[tuple[Values, Spelled]]) -> list[Record]:
        """The rows are held by this transaction. Each comes with the id of the row that is kept."""
        if not surplus:
            return []
        connection, target = self.connection, self.target
        rows = [row for row, _ in surplus]
        ids = [row[target.row_id.name] for row in rows]
        intents = {} if self.intents is None else self.intents.hold(connection, rows)
        if action is Action.DELETED:
            take_out(connection, target, ids)
        else:
            change(connection, target, [(row[target.row_id.name], _after(target, row, action)) for row in rows])
        after = by_ids(connection, target, ids, target.fields)
        _must_have_become(target, action, ids, after)
        ended = {} if self.intents is None else self.intents.end(connection, intents, rows)
        records = []
        for row, kept_id in surplus:
            row_id, uid = row[target.row_id.name], row[target.column.name]
            key = "" if self.intents is None else key_beside(row)
            beside = (intents[key], ended[key]) if key in ended else None
            now = after.get(key_of(row_id))
            records.append(Record(self.run, action, row_id, kept_id, uid, row, now, beside, self.unique))
        note_rows(connection, self.log, target, CHANGED, records, self.now)
        return records


def _after(target: Target, row: Values, action: Action) -> Values:
    """What a row is given: only the columns that change."""
    after: Values = {target.column.name: None}
    if action is Action.CLEARED:
        return after
    assert target.status is not None  # noqa: S101 - asked before anything was changed
    after[target.status.name] = CANCELLED
    standing = None if target.note is None else row[target.note.name]
    if target.note is not None and (standing is None or isinstance(standing, str)):
        note = noted(standing, target.note.length_max)
        if note != standing:
            after[target.note.name] = note
    return after


def _must_have_become(target: Target, action: Action, ids: Sequence[Spelled], after: dict[str, Values]) -> None:
    """A trigger, a view or a lenient database may have made something else of it. Then nothing was changed."""
    wanted: Values | None = None
    if action is not Action.DELETED:
        wanted = {target.column.name: None}
        if action is Action.CANCELLED and target.status is not None:
            wanted[target.status.name] = CANCELLED
    for row_id in ids:
        row = after.get(key_of(row_id))
        seen = None if row is None or wanted is None else {name: row[name] for name in wanted}
        if seen != wanted or (wanted is None and row is not None):
            raise CouldNotLook(f"{target.shown} does not take it: row {key_of(row_id)} is not {action} afterwards")
