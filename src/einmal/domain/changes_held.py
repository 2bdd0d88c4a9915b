"""What must be true of changes: each ends, each move is one, and none begins for a call that is over.

Beside `invariants`, over the same evidence: parts of I1 and I12, and I18.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from einmal.domain.change import ChangeKind, ChangeState
from einmal.domain.evidence import Evidence, RequestKind, Violation
from einmal.domain.intent import BOOKED, State

_WAS_BOOKED: Final = BOOKED | {State.CANCELLED, State.MOVED}


def one_move_each(evidence: Evidence) -> Iterator[Violation]:
    """I1: a move is sent once, and an appointment becomes one other at most."""
    yield from _sent_once(evidence)
    became: dict[str, str] = {}
    for row in evidence.rows:
        intent = row.intent
        if intent.moved_from is None or intent.state not in _WAS_BOOKED:
            continue
        other = became.setdefault(intent.moved_from, intent.intent_id)
        if other != intent.intent_id:
            yield Violation("I1", f"one appointment became two: {other} as well", intent.intent_id)


def _sent_once(evidence: Evidence) -> Iterator[Violation]:
    moves = [change for change in evidence.changes if change.kind is ChangeKind.MOVE and change.sends > 0]
    asked = Counter(change.booking_uid for change in moves)
    processed = Counter(r.about for r in evidence.requests if r.kind is RequestKind.MOVE and r.processed)
    intent_of = {change.booking_uid: change.intent_id for change in moves}
    for uid, count in asked.items():
        if processed[uid] > count:
            yield Violation("I1", f"{processed[uid]} processed requests of {count} moves", intent_of[uid])


def changes_end(evidence: Evidence) -> Iterator[Violation]:
    """I12: no change is left as sent or in doubt. What is a person's to rule may wait."""
    for change in evidence.changes:
        if evidence.settled and change.state in {ChangeState.SENT, ChangeState.DOUBT}:
            yield Violation("I12", f"a {change.kind} that is still {change.state}", change.intent_id)


def over_is_over(evidence: Evidence) -> Iterator[Violation]:
    """I18: what began after the ledger knew that its call was over."""
    moved_here = {change.successor_id for change in evidence.changes if change.sends > 0}
    for row in evidence.rows:
        intent = row.intent
        # What others moved is of the call that booked it, whenever that is seen.
        if intent.moved_from is not None and intent.intent_id not in moved_here:
            continue
        over = evidence.hung_up.get(intent.wish.conversation_id or "")
        if over is not None and intent.created_at > over:
            yield Violation("I18", "wished for a call that was over", intent.intent_id)
