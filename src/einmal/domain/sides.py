"""I13: whatever became of the webhooks, once the two sides were compared they say the same of every appointment.

Asked of evidence that was reconciled. Left out is what a person must decide, and was told so: a booking that was
brought back after it ended, a second one under the same id, one without our mark; an escalated intent, whose booking
may stand or not; and an appointment of which a change of ours has no end yet: that end makes them the same. And what
others moved to where the same person has another appointment: of those the ledger holds one (I8).
"""

from collections.abc import Iterator, Mapping, Sequence

from einmal.domain.change import LIVE_CHANGES
from einmal.domain.evidence import Evidence, Life, Row, Violation
from einmal.domain.intent import BOOKED, LIVE, State


def both_sides(evidence: Evidence, row_of: Mapping[str, Row]) -> Iterator[Violation]:
    """I13. `row_of`: by operation id the row that says how its booking stands."""
    if not evidence.reconciled:
        return
    standing = {life.uid: life for life in evidence.lives if life.stands}
    second = {uid for uid, life in standing.items() if _is_second(life, evidence.rows, row_of)}
    left = evidence.listed | second | {row_of[standing[uid].operation_id or ""].uid for uid in second}
    changing = {change.intent_id for change in evidence.changes if change.state in LIVE_CHANGES}
    for row in evidence.rows:
        if row.intent.state in BOOKED and row.uid not in left and row.intent.intent_id not in changing:
            yield from _held(row, standing.get(row.uid or ""))
    for life in standing.values():
        holder = row_of.get(life.operation_id or "")
        if holder is not None and life.uid not in left and holder.intent.intent_id not in changing:
            yield from _holds(holder, life)


def _is_second(life: Life, rows: Sequence[Row], row_of: Mapping[str, Row]) -> bool:
    """Whether it stands where its person has another appointment, and so has no room in the ledger."""
    holder = row_of.get(life.operation_id or "")
    if holder is None or holder.uid == life.uid:
        return False
    mine = holder.intent.key.person
    for row in rows:
        intent, other = row.intent, row.intent.key.person
        same = {mine.phone_hash, mine.email_hash} & {other.phone_hash, other.email_hash} - {None}
        elsewhere = intent.wish.start != life.start or intent.wish.service.event_type_id != life.event_type_id
        if same and not elsewhere and intent.state in LIVE and row is not holder:
            return True
    return False


def _held(row: Row, life: Life | None) -> Iterator[Violation]:
    """What the ledger says of a live appointment, the calendar says too."""
    state, intent_id = row.intent.state, row.intent.intent_id
    if life is None:
        yield Violation("I13", f"{state} here, and {row.uid} does not stand there", intent_id)
        return
    there = State.PENDING if life.pending_until is None else State.CONFIRMED
    if state is not there:
        yield Violation("I13", f"{state} here, {there} there: {row.uid}", intent_id)
    if row.start != life.start:
        yield Violation("I13", f"{row.uid} begins at another time there", intent_id)


def _holds(row: Row, life: Life) -> Iterator[Violation]:
    """What stands in the calendar with an id of ours, a live row holds."""
    intent = row.intent
    if intent.state is State.ESCALATED:
        return
    if intent.state not in BOOKED:
        yield Violation("I13", f"{life.uid} stands there, {intent.state} here", intent.intent_id)
    elif row.uid != life.uid:
        yield Violation("I13", f"{life.uid} stands there, {row.uid} is held here", intent.intent_id)
