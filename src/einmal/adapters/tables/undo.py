"""Putting everything back as it was before a run: first the index, if the run put it up, then the rows, as logged.

A row that is as the run left it is put back; one that is as it was needs nothing; one that somebody has changed since
is left alone, and told. So an undo may be killed and repeated as often as one likes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from einmal.adapters.tables.beside import Intents, intents_of
from einmal.adapters.tables.constraint import constraint_of, take_down, unique_name
from einmal.adapters.tables.fitness import must_be_anothers
from einmal.adapters.tables.groups import BATCH_ROWS_MAX, Spool, Values
from einmal.adapters.tables.mend import transaction
from einmal.adapters.tables.place import CouldNotLook, carried_out
from einmal.adapters.tables.record import (
    LOG,
    UNDONE,
    Record,
    Run,
    log_of,
    note_rows,
    note_run,
    record,
    records_of,
    runs_of,
)
from einmal.adapters.tables.repair import Order, Progress
from einmal.adapters.tables.rows import by_ids, change, put_in
from einmal.adapters.tables.spelling import Spelled, key_of
from einmal.adapters.tables.target import Target, target_of

REFUSED_MAX: Final = 1_000
"""So many rows that were left alone are named; all are counted."""


class NothingToUndo(Exception):
    """No such run. Says which there are."""


@dataclass
class Undone:
    run: str
    restored: int = 0
    already: int = 0
    refused: int = 0
    refused_ids: list[Spelled] = field(default_factory=list)
    index_dropped: bool = False


def undone(order: Order, named: str | None, told: Progress) -> Undone:
    """Takes back the last run, or the one that is named. Raises CouldNotLook, NothingToUndo."""
    with Spool() as spool:

        def look(connection: Connection) -> tuple[Run, bool]:
            target = target_of(connection, order.place, order.wanted)
            must_be_anothers(connection, target, ours=order.ours)
            log = log_of(connection, order.place, target)
            run = _run(connection, log, target, named)
            assert log is not None  # noqa: S101 - there is a run in it
            for data in records_of(connection, log, target, run.name):
                spool.add(data)
            standing = constraint_of(connection, target).unique == unique_name(target)
            return run, standing and run.has_index

        run, standing = carried_out(order.place, look)
        done = Undone(run.name, index_dropped=standing)
        if order.index is not None and standing:
            order.index(False)
        carried_out(order.place, lambda connection: _taken_back(connection, order, run, spool, done, told), writes=True)
    return done


def _run(connection: Connection, log: Target | None, target: Target, named: str | None) -> Run:
    runs = {} if log is None else runs_of(connection, log, target)
    if not runs:
        raise NothingToUndo(f"{LOG} knows of no repair of {target.shown}.{target.column.name}")
    name = named or next(reversed(runs))
    if name not in runs:
        raise NothingToUndo(f"there is no run {name!r}; there are {', '.join(list(runs)[-20:])}")
    return runs[name]


def _taken_back(connection: Connection, order: Order, run: Run, spool: Spool, done: Undone, told: Progress) -> None:
    target = target_of(connection, order.place, order.wanted)
    with transaction(connection):
        log = log_of(connection, order.place, target)
        assert log is not None  # noqa: S101 - the run was read from it
        intents = intents_of(connection, order.place) if order.ours else None
        if order.index is None:
            take_down(connection, target, unique=run.has_index, plain=run.plain)
    undoing = _Undoing(connection, order, target, log, intents, done)
    seen = 0
    for batch in _batches(spool):
        undoing.put_back(batch)
        seen += len(batch)
        told(seen, spool.length)
    if not run.undone or done.restored:
        with transaction(connection):
            note_run(connection, log, target, UNDONE, run, order.now)


def _batches(spool: Spool) -> Iterator[list[Record]]:
    records = (record(data) for data in spool)
    while batch := list(islice(records, BATCH_ROWS_MAX)):
        yield batch


@dataclass(frozen=True, slots=True)
class _Undoing:
    connection: Connection
    order: Order
    target: Target
    log: Target
    intents: Intents | None
    done: Undone

    def put_back(self, batch: Sequence[Record]) -> None:
        """In one transaction; where the database refuses it, row by row, so that only what it refuses stays."""
        try:
            with transaction(self.connection):
                restored, already, refused = self._put_back(batch)
        except IntegrityError:
            if len(batch) == 1:
                restored, already, refused = [], [], list(batch)
            else:
                for one in batch:
                    self.put_back([one])
                return
        self.done.restored += len(restored)
        self.done.already += len(already)
        self.done.refused += len(refused)
        room = REFUSED_MAX - len(self.done.refused_ids)
        self.done.refused_ids += [one.row_id for one in refused[:room]]

    def _put_back(self, batch: Sequence[Record]) -> tuple[list[Record], list[Record], list[Record]]:
        connection, target = self.connection, self.target
        beside = self._held_beside(batch)
        now = by_ids(connection, target, [one.row_id for one in batch], target.fields, locked=True)
        restored, already, refused = [], [], []
        for one in batch:
            row = now.get(key_of(one.row_id))
            if _same(row, one.before):
                already.append(one)
            elif _same(row, one.after) and self._as_left(one, beside):
                restored.append(one)
            else:
                refused.append(one)
        gone = [one for one in restored if one.after is None]
        put_in(connection, target, [one.before for one in gone])
        change(connection, target, [(one.row_id, _back(one.after, one.before)) for one in restored if one.after])
        self._restore_beside(restored)
        after = by_ids(connection, target, [one.row_id for one in restored], target.fields)
        told = [
            replace(one, before=now.get(key_of(one.row_id), {}), after=after.get(key_of(one.row_id)), beside=None)
            for one in restored
        ]
        for one in told:
            if one.after is None:
                raise CouldNotLook(f"{target.shown} does not take row {key_of(one.row_id)} back")
        if told:
            note_rows(connection, self.log, target, UNDONE, told, self.order.now)
        return restored, already, refused

    def _held_beside(self, batch: Sequence[Record]) -> dict[str, Values]:
        rows = [one.beside[0] for one in batch if one.beside is not None]
        return {} if self.intents is None or not rows else self.intents.hold(self.connection, rows)

    def _as_left(self, one: Record, beside: Mapping[str, Values]) -> bool:
        if one.beside is None or self.intents is None:
            return True
        return _same(beside.get(key_of(one.beside[0][self.intents.target.row_id.name])), one.beside[1])

    def _restore_beside(self, restored: Sequence[Record]) -> None:
        if self.intents is not None:
            name = self.intents.target.row_id.name
            pairs = [one.beside for one in restored if one.beside is not None]
            change(
                self.connection, self.intents.target, [(before[name], _back(after, before)) for before, after in pairs]
            )


def _same(row: Values | None, recorded: Values | None) -> bool:
    """Whether a row is what was recorded. A column that came later says nothing, one that is gone does."""
    if row is None or recorded is None:
        return row is recorded
    return all(name in row and key_of(row[name]) == key_of(value) for name, value in recorded.items())


def _back(after: Values | None, before: Values) -> Values:
    """Only what differs: what a database works out by itself may not be written."""
    return {name: value for name, value in before.items() if after is None or key_of(after[name]) != key_of(value)}
