"""The invariants: what must be true of calendar, ledger, spoken replies and requests, whatever went wrong.

One pure checker over plain evidence, used by the simulated worlds, by the tests, and on a live ledger. It knows
nothing of how the gateway works: it is told what stood in the calendar from when to when, what the ledger holds,
what was said when, and what was asked of the calendar; and it names every promise that was broken.

Two are of another shape and stand elsewhere: I15 is asked of texts (`canaries`), I17 of the same world twice (`skew`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.change import ChangeKind
from einmal.domain.changes_held import changes_end, one_move_each, over_is_over
from einmal.domain.evidence import By, Evidence, Life, Moved, Request, RequestKind, Row, Spoken, Violation
from einmal.domain.intent import BOOKED, MOVES, REFUSED, UNRESOLVED, State
from einmal.domain.overlap import overlaps
from einmal.domain.reply import Outcome
from einmal.domain.sides import both_sides

# The evidence's names too: who checks has them in hand.
__all__ = ["By", "Evidence", "Life", "Moved", "Request", "RequestKind", "Row", "Spoken", "Violation", "violations"]

LOOKS_MAX: Final = 12
CANCELS_MAX: Final = 3
HOUR: Final = timedelta(hours=1)


def violations(evidence: Evidence) -> list[Violation]:
    """Every promise that was broken; empty is the only good answer."""
    books = _Books(evidence)
    return [found for check in _CHECKS for found in check(books)]


class _Books:
    """The evidence, indexed once for all checks."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.lives = evidence.lives
        self.rows = evidence.rows
        self.row_of = _holders(evidence.rows)
        self.row_by_ref = {row.ref: row for row in evidence.rows if row.ref is not None}
        self.lives_of: dict[str, list[Life]] = defaultdict(list)
        for life in evidence.lives:
            self.lives_of[life.uid].append(life)
        self.life_of = {uid: lives[-1] for uid, lives in self.lives_of.items()}
        self.ours: dict[str, list[Life]] = defaultdict(list)
        for life in evidence.lives:
            if life.operation_id in self.row_of and life.made_by is By.US:
                self.ours[life.operation_id or ""].append(life)
        self.requests: dict[str, list[Request]] = defaultdict(list)
        for request in evidence.requests:
            if request.about is not None:
                self.requests[request.about].append(request)

    def at_rest(self, row: Row) -> bool:
        return self.evidence.settled and row.intent.intent_id not in self.evidence.unsettled

    def may_be_unseen(self, row: Row) -> bool:
        """Its booking may stand and not be among the lives: not all was listed, or it is too young to be, or it was
        made before anything that the ledger knows of."""
        return not self.evidence.complete or row.imported or row.intent.intent_id in self.evidence.unsettled

    def row_said(self, spoken: Spoken) -> Row | None:
        return None if spoken.ref is None else self.row_by_ref.get(spoken.ref)

    def is_first(self, life: Life | None) -> bool:
        return life is not None and self.lives_of[life.uid][0] is life

    def life_at(self, row: Row | None, at: datetime) -> Life | None:
        """The row's booking as it was then, where it had more than one life; else its only one."""
        lives = self.lives_of.get((None if row is None else row.uid) or "", [])
        begun = [life for life in lives if life.since <= at]
        return begun[-1] if begun else next(iter(lives), None)


def _holders(rows: Iterable[Row]) -> dict[str, Row]:
    """By operation id the row that says how its booking stands: of one that was moved, what it has become."""
    holders = {row.intent.operation_id: row for row in rows}
    moved = sorted((row for row in rows if row.intent.carried_id and row.uid), key=_moved_on)
    return holders | {row.intent.mark: row for row in moved}


def _moved_on(row: Row) -> tuple[bool, datetime]:
    """Orders an appointment's rows: the one that it is now is the last."""
    return row.intent.state is not State.MOVED, row.intent.created_at


def _one_booking_each(books: _Books) -> Iterator[Violation]:
    """I1"""
    for operation, lives in books.ours.items():
        row = books.row_of[operation]
        for one, other in _pairs(lives):
            if one.stood(other.since) or other.stood(one.since):
                yield Violation("I1", f"two live bookings under one id: {one.uid}, {other.uid}", row.intent.intent_id)
        processed = sum(r.kind is RequestKind.POST and r.processed for r in books.requests[operation])
        if processed > 1:
            yield Violation("I1", f"{processed} processed POSTs", row.intent.intent_id)


def _no_ghost(books: _Books) -> Iterator[Violation]:
    """I2: what the ledger holds as booked stands in the calendar, or was ended there by others."""
    for row in books.rows:
        if row.intent.state not in BOOKED:
            continue
        life = books.life_of.get(row.uid or "")
        if life is None and books.may_be_unseen(row):
            continue
        if life is None:
            yield Violation("I2", f"{row.intent.state} without a booking", row.intent.intent_id)
        elif not life.stands and life.ended_by is By.US:
            yield Violation("I2", f"{row.intent.state}, and we cancelled it ourselves", row.intent.intent_id)
        elif row.start != life.start:
            yield Violation("I2", "the ledger holds another start than the calendar", row.intent.intent_id)


def _no_orphan(books: _Books) -> Iterator[Violation]:
    """I3: every booking that we made and that stands has its row, which says so."""
    for life in books.lives:
        if life.made_by is not By.US or not life.stands:
            continue
        row = books.row_of.get(life.operation_id or "")
        if row is None:
            yield Violation("I3", f"booking {life.uid} has no row")
        elif books.at_rest(row) and row.intent.state not in BOOKED and row.intent.state is not State.ESCALATED:
            text = f"booking {life.uid} stands, and its row says {row.intent.state}"
            yield Violation("I3", text, row.intent.intent_id)
    for request in books.evidence.requests:
        if request.kind is RequestKind.POST and not request.stored:
            yield Violation("I3", f"a POST whose id the ledger did not hold as sent: {request.about}")


def _nothing_foreign(books: _Books) -> Iterator[Violation]:
    """I4: nobody else's booking is taken for ours, and none is ever cancelled."""
    for row in books.rows:
        life = books.life_of.get(row.uid or "")
        if row.imported or not books.evidence.ownership:
            continue
        if life is not None and life.operation_id != row.intent.mark:
            yield Violation("I4", f"took {life.uid} for its own", row.intent.intent_id)
    for life in books.lives:
        # What was brought back is as much ours as it was before.
        made_by = books.lives_of[life.uid][0].made_by
        if life.ended_by is By.US and (life.operation_id not in books.row_of or made_by is not By.US):
            yield Violation("I4", f"cancelled {life.uid}, which is not ours")


_SAYS_BOOKED: Final = frozenset({Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED, Outcome.RESCHEDULED})


def _no_lie(books: _Books) -> Iterator[Violation]:
    """I5: "booked" was true when it was said, of that start; or others had ended it, of which nobody told us.

    "Cancelled" was true as well, or others had brought it back.
    """
    for said in books.evidence.spoken:
        row = books.row_said(said)
        life = books.life_at(row, said.at)
        stood = life is not None and life.stood(said.at)
        if said.outcome is Outcome.CANCELLED and row is not None and stood and books.is_first(life):
            yield Violation("I5", "cancelled of a booking that stood", row.intent.intent_id)
        if said.outcome not in _SAYS_BOOKED:
            continue
        if row is not None and life is None and books.may_be_unseen(row):
            continue
        if row is None or life is None:
            yield Violation("I5", f"{said.outcome} without a booking", said.intent_id)
        elif not life.stood(said.at) and (life.ended_by is not By.OTHERS or said.at < life.since):
            yield Violation("I5", f"{said.outcome} of a booking that did not stand", row.intent.intent_id)
        elif said.start != life.start:
            yield Violation("I5", f"{said.outcome} with another start", row.intent.intent_id)
        elif said.outcome is Outcome.BOOKED and _pending(life, said.at):
            yield Violation("I5", "booked, while its host had not accepted it", row.intent.intent_id)


def _pending(life: Life, at: datetime) -> bool:
    return life.pending_until is None or at < life.pending_until


def _no_false_no(books: _Books) -> Iterator[Violation]:
    """I6: what was refused does not stand in the end."""
    for row in filter(books.at_rest, books.rows):
        standing = [life for life in books.ours[row.intent.operation_id] if life.stands]
        if row.intent.state in REFUSED - {State.COMPENSATING} and standing:
            yield Violation("I6", f"{row.intent.state}, and {standing[0].uid} stands", row.intent.intent_id)


_FINAL_SAYINGS: Final = frozenset({*_SAYS_BOOKED, Outcome.SLOT_TAKEN, Outcome.REJECTED, Outcome.ERROR})


def _one_answer(books: _Books) -> Iterator[Violation]:
    """I7: of one intent one final answer is told, and a booking's is told of one booking."""
    told: dict[str, Spoken] = {}
    for said in sorted(books.evidence.spoken, key=lambda one: one.at):
        if said.intent_id is None or said.outcome not in _FINAL_SAYINGS:
            continue
        first = told.setdefault(said.intent_id, said)
        if (first.outcome in _SAYS_BOOKED) != (said.outcome in _SAYS_BOOKED) or first.ref != said.ref:
            yield Violation("I7", f"told {first.outcome} and then {said.outcome}", said.intent_id)


def _one_at_a_time(books: _Books) -> Iterator[Violation]:
    """I8: a person has one live intent for a slot, and one unresolved in a call."""
    by_slot: dict[tuple[str, ...], str] = {}
    for row in books.rows:
        intent = row.intent
        if intent.state not in BOOKED | UNRESOLVED:
            continue
        slot = (intent.wish.tenant_id, intent.wish.start.isoformat(), intent.wish.service.service_id)
        for contact in (intent.key.person.phone_hash, intent.key.person.email_hash):
            if contact is None:
                continue
            other = by_slot.setdefault((*slot, contact), intent.intent_id)
            if other != intent.intent_id:
                yield Violation("I8", f"the same person has this slot as {other} too", intent.intent_id)


def _no_overlap(books: _Books) -> Iterator[Violation]:
    """I9: no two bookings of ours hold one resource at one time."""
    for earlier, later in overlaps(books.lives):
        row = books.row_of.get(later.operation_id or "")
        text = f"{later.uid} was booked over {earlier.uid}"
        yield Violation("I9", text, None if row is None else row.intent.intent_id)


def _legal_moves(books: _Books) -> Iterator[Violation]:
    """I10"""
    at: dict[str, State] = {}
    for moved in books.evidence.moves:
        was = at.get(moved.intent_id)
        if was != moved.before:
            yield Violation("I10", f"moved from {moved.before} where it was {was}", moved.intent_id)
        elif moved.before is not None and (
            moved.event is None or MOVES[moved.before].get(moved.event) is not moved.after
        ):
            yield Violation("I10", f"{moved.before} -> {moved.after} by {moved.event}", moved.intent_id)
        at[moved.intent_id] = moved.after
    for row in books.rows:
        if books.evidence.moves and at.get(row.intent.intent_id) is not row.intent.state:
            yield Violation("I10", f"{row.intent.state} without a move", row.intent.intent_id)


def _nothing_lost(books: _Books) -> Iterator[Violation]:
    """I11: what was acknowledged is still in the ledger."""
    for said in books.evidence.spoken:
        if said.outcome in _SAYS_BOOKED and books.row_said(said) is None:
            yield Violation("I11", "an acknowledged booking has left the ledger", said.intent_id)
    for row in books.rows:
        if books.evidence.news is not None and _news_due(row) and row.intent.intent_id not in books.evidence.news:
            yield Violation(
                "I11", f"told that they would hear, and nobody is told {row.intent.state}", row.intent.intent_id
            )


SURELY_BEFORE: Final = timedelta(minutes=1)
"""A promise and an end that are nearer to each other may have been written in either order; who promised after the
end has told the end itself."""


def _news_due(row: Row) -> bool:
    promised, ended = row.intent.promised_at, row.intent.resolved_at
    return (
        promised is not None
        and ended is not None
        and row.intent.state in BOOKED | {State.REJECTED}
        and promised + SURELY_BEFORE < ended
    )


_UNFINISHED: Final = frozenset({State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING})


def _doubt_ends(books: _Books) -> Iterator[Violation]:
    """I12"""
    for row in filter(books.at_rest, books.rows):
        if row.intent.state in _UNFINISHED:
            yield Violation("I12", f"still {row.intent.state}", row.intent.intent_id)
    yield from changes_end(books.evidence)


def _tenants_apart(books: _Books) -> Iterator[Violation]:
    """I14"""
    for row in books.rows:
        life = books.life_of.get(row.uid or "")
        if life is not None and life.tenant_id != row.intent.wish.tenant_id:
            yield Violation("I14", f"holds {life.uid} of another tenant", row.intent.intent_id)


def _bounded(books: _Books) -> Iterator[Violation]:
    """I16"""
    for row in books.rows:
        asked = books.requests[row.intent.operation_id]
        looks = [r.at for r in asked if r.kind is RequestKind.LOOK]
        first_hour = [at for at in looks if at < looks[0] + HOUR.total_seconds()]
        if len(first_hour) > LOOKS_MAX:
            yield Violation("I16", f"{len(first_hour)} look-ups in an hour", row.intent.intent_id)
        uid = row.intent.booking_uid or ""
        cancels = sum(r.kind is RequestKind.CANCEL for r in books.requests[uid])
        # Whoever asks for it again, after it was refused, has three of their own.
        wanted = sum(one.kind is ChangeKind.CANCEL and one.booking_uid == uid for one in books.evidence.changes)
        if cancels > CANCELS_MAX * max(1, wanted):
            yield Violation("I16", f"{cancels} cancels", row.intent.intent_id)
    if books.evidence.requests_per_minute:
        yield from _rate(sorted(r.at for r in books.evidence.requests), books.evidence.requests_per_minute)


def _rate(times: Sequence[float], limit: int) -> Iterator[Violation]:
    for first, at in enumerate(times[limit:]):
        if at - times[first] < 60:
            yield Violation("I16", f"more than {limit} requests in a minute")
            return


def _pairs(lives: Sequence[Life]) -> Iterable[tuple[Life, Life]]:
    return ((one, other) for number, one in enumerate(lives) for other in lives[number + 1 :])


_CHECKS: Final[tuple[Callable[[_Books], Iterator[Violation]], ...]] = (
    _one_booking_each,
    lambda books: one_move_each(books.evidence),
    _no_ghost,
    _no_orphan,
    _nothing_foreign,
    _no_lie,
    _no_false_no,
    _one_answer,
    _one_at_a_time,
    _no_overlap,
    _legal_moves,
    _nothing_lost,
    _doubt_ends,
    _tenants_apart,
    _bounded,
    lambda books: both_sides(books.evidence, books.row_of),
    lambda books: over_is_over(books.evidence),
)
