"""I17: the same decisions with our clock a day off.

The same world is lived through twice, once with our clock right and once with it off; then what was decided is
compared, and not when we believed it was.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from einmal.domain.evidence import Evidence, Row, Violation

_DECIDED: Final = ("operation_id", "generation", "state", "epoch", "booking_uid", "not_ours", "looks")
"""What an intent says that is no reading of our clock."""


def same_decisions(right: Evidence, skewed: Evidence) -> Iterator[Violation]:
    """A violation for each intent, and each kind of other evidence, that the skew has changed.

    Lives, requests and replies carry the calendar's time, or a monotonic one, and must agree as they are.
    """
    before, after = ({row.intent.intent_id: row for row in evidence.rows} for evidence in (right, skewed))
    for intent_id in sorted(before.keys() | after.keys()):
        one, other = before.get(intent_id), after.get(intent_id)
        if one is None or other is None:
            yield Violation("I17", f"wished only with our clock {'right' if other is None else 'off'}", intent_id)
        elif _decided(one) != _decided(other):
            states = f"{one.intent.state} and {other.intent.state}"
            yield Violation("I17", f"decided otherwise: {states} with our clock off", intent_id)
    for what in ("lives", "spoken", "requests", "moves"):
        said: tuple[Sequence[Hashable], Sequence[Hashable]] = (getattr(right, what), getattr(skewed, what))
        if list(said[0]) != list(said[1]):
            yield Violation("I17", f"other {what} with our clock off")


def _decided(row: Row) -> tuple[Hashable, ...]:
    return (*(getattr(row.intent, name) for name in _DECIDED), row.intent.wish, row.ref, row.uid, row.start)
