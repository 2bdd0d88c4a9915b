"""Mending duplicates: the oldest row that stands is kept, the others are cancelled or deleted, and the index is put up.

It may be killed at any point: whoever begins again goes on with what is left, under the name of the same run. The
index comes last. On MySQL and MariaDB each change of the schema is a commit of its own: the unique index is put up
before anything is taken away, and each step asks what is there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from einmal.adapters.tables.audit import Audited, Seen, audit_of, row_of, seen
from einmal.adapters.tables.beside import intents_of
from einmal.adapters.tables.constraint import Constraint, constraint_of, drop_plain, put_up
from einmal.adapters.tables.fitness import must_be_anothers, must_be_fit
from einmal.adapters.tables.groups import Counts, Spool, batches, counted, may_be_empty
from einmal.adapters.tables.mend import Mender, transaction
from einmal.adapters.tables.place import Place, carried_out
from einmal.adapters.tables.record import REPAIRED, Record, Run, log_of, make_log, note_run, runs_of
from einmal.adapters.tables.spelling import Spelled
from einmal.adapters.tables.target import Target, Wanted, target_of
from einmal.domain.duplicates import Action

NOTHING = Counts(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be mended, and how. `ours`: it is our own ledger, whose intents tell of appointments as well.

    `index` puts the index up or takes it down where somebody else knows how; it raises RuntimeError over duplicates.
    """

    place: Place
    wanted: Wanted
    run: str
    now: datetime
    deletes: bool = False
    ours: bool = False
    index: Callable[[bool], None] | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who was told of an appointment that is theirs no longer, or never was."""

    uid: Spelled
    kept_id: Spelled
    row: Seen


@dataclass
class Repaired:
    """What a run did. `left` is what still stands in the way of the index."""

    run: str
    changed: dict[Action, int] = field(default_factory=lambda: dict.fromkeys(Action, 0))
    contacts: list[Contact] = field(default_factory=list)
    callers: int = 0
    """How many are to be called, of whom the first are in `contacts`."""
    left: Counts = NOTHING
    constraint: str | None = None
    added: bool = False


Progress = Callable[[int, int], None]
"""Told after each batch: how many booking ids are mended, and of how many."""


def planned(order: Order, groups_max: int) -> Audited:
    """What would be done. Nothing is changed, and nothing could be. Raises CouldNotLook."""

    def look(connection: Connection) -> Audited:
        target = _fit(connection, order)
        log_of(connection, order.place, target)
        return audit_of(connection, order.place, target, groups_max)

    return carried_out(order.place, look)


def repaired(order: Order, told: Progress, contacts_max: int) -> Repaired:
    """Does it. Raises CouldNotLook; what was committed until then stays, and is not done again."""
    with Spool() as spool:

        def mend(connection: Connection) -> Repaired:
            return _mended(connection, order, spool, told, contacts_max)

        counts, constraint = carried_out(order.place, lambda connection: _counted(connection, order, spool))
        if not counts.duplicates and not counts.empty and constraint.unique is not None and not constraint.plain:
            return Repaired(order.run, constraint=constraint.unique)
        done = carried_out(order.place, mend, writes=True)
    carried_out(order.place, lambda connection: _look_again(connection, order, done))
    if done.left.duplicates or done.left.empty > 1:
        return done
    if order.index is not None and done.constraint is None:
        try:
            order.index(True)
        except RuntimeError:
            return carried_out(order.place, lambda connection: _look_again(connection, order, done))
    return carried_out(order.place, lambda connection: _finished(connection, order, done), writes=True)


def _fit(connection: Connection, order: Order) -> Target:
    target = target_of(connection, order.place, order.wanted)
    must_be_anothers(connection, target, ours=order.ours)
    must_be_fit(connection, target, deletes=order.deletes)
    return target


def _counted(connection: Connection, order: Order, spool: Spool) -> tuple[Counts, Constraint]:
    target = _fit(connection, order)
    return counted(connection, target, spool), constraint_of(connection, target)


def _mended(connection: Connection, order: Order, spool: Spool, told: Progress, contacts_max: int) -> Repaired:
    target = _fit(connection, order)
    with transaction(connection):
        log = make_log(connection, order.place, target)
        run = _open_run(connection, log, target) or order.run
        intents = intents_of(connection, order.place) if order.ours else None
        unique = constraint_of(connection, target).unique is not None
    done = Repaired(run)
    mender = Mender(connection, target, log, intents, run, order.now, order.deletes, unique)
    mended = 0
    for batch in batches(spool):
        for records in mender.mend(batch):
            _tell(done, target, records, contacts_max)
        mended += len(batch)
        told(mended, spool.length)
    while may_be_empty(target) and (cleared := mender.clear()):
        done.changed[Action.CLEARED] += len(cleared)
    return done


def _open_run(connection: Connection, log: Target, target: Target) -> str | None:
    """The run that was begun and not ended: what is left belongs to it, and one undo takes back all of it."""
    last = next(reversed(runs_of(connection, log, target).values()), None)
    return None if last is None or last.repaired or last.undoing else last.name


def _tell(done: Repaired, target: Target, records: list[Record], contacts_max: int) -> None:
    for one in records:
        done.changed[one.action] += 1
        if row_of(target, one.before).over:
            continue
        done.callers += 1
        if len(done.contacts) < contacts_max:
            [row] = seen(target, [one.before])
            done.contacts.append(Contact(one.uid, one.kept_id, row))


def _finished(connection: Connection, order: Order, done: Repaired) -> Repaired:
    """Puts the index up, and says in the log that the run is over. Each step is taken where it was not taken yet."""
    target = target_of(connection, order.place, order.wanted)
    try:
        with transaction(connection):
            log = make_log(connection, order.place, target)
            run = runs_of(connection, log, target).get(done.run, Run(done.run))
            standing = constraint_of(connection, target)
            if standing.unique is None:
                put_up(connection, target)
            if done.constraint is None or (run.rows and not run.repaired):
                run.plain = standing.plain or order.index is not None
                run.added = run.bare or done.constraint is None
                note_run(connection, log, target, REPAIRED, run, order.now)
            drop_plain(connection, target)
            done.added, done.constraint = done.constraint is None, constraint_of(connection, target).unique
    except IntegrityError:
        return _look_again(connection, order, done)
    return done


def _look_again(connection: Connection, order: Order, done: Repaired) -> Repaired:
    """What is left: somebody may have written new duplicates while the old ones were mended."""
    target = target_of(connection, order.place, order.wanted)
    with transaction(connection):
        done.left = counted(connection, target)
        done.constraint = constraint_of(connection, target).unique
    return done
