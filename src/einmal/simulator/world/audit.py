"""The auditor: keeps its own books of what it did to the calendar, and knows beforehand what may come of it.

The invariants (domain/invariants.py) hold in any world. What is here holds in this one: the auditor knows each
POST's fate, that nobody was blind for a day, and what the callers were told to expect.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from einmal.domain.intent import BOOKED, REFUSED, State
from einmal.domain.invariants import By, Evidence, Spoken, Violation, violations
from einmal.simulator.world.weather import Fate

REPLY_SECONDS_MAX = 9.0
"""The budget of eight, and a commit."""

MAY_BE_TAKEN_BACK = frozenset({Fate.LATE, Fate.TWICE, Fate.NO_METADATA})
"""Fates after which a "no" may have to be made true. After a lost answer it must be found instead."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What the auditor wrote down. `promised`: spoken with "you will hear from us"; `waits`: seconds to a reply."""

    fates: Mapping[str, Sequence[Fate]]
    promised: Sequence[Spoken]
    sent: Sequence[str]
    bugs: Sequence[str]
    waits: Sequence[float]


def audit(evidence: Evidence, notes: Notes) -> list[Violation]:
    """Everything that should not be."""
    found = violations(evidence)
    found += [Violation("bug", text) for text in notes.bugs]
    found += [Violation("budget", f"a reply after {wait:.1f} s") for wait in notes.waits if wait > REPLY_SECONDS_MAX]
    found += _ends(evidence, notes)
    found += _promises(evidence, notes)
    return found


def _ends(evidence: Evidence, notes: Notes) -> Iterator[Violation]:
    ended_by_others = {life.operation_id for life in evidence.lives if life.ended_by is By.OTHERS}
    for row in evidence.rows:
        intent = row.intent
        fates = notes.fates.get(intent.operation_id, ())
        if intent.state is State.ESCALATED and intent.operation_id not in ended_by_others:
            yield Violation("needless person", f"escalated after {[*fates]}", intent.intent_id)
        if intent.state is State.COMPENSATED and not MAY_BE_TAKEN_BACK & set(fates):
            yield Violation("needless regret", f"taken back after {[*fates]}", intent.intent_id)
        # The plainest of all: asked once in good weather, and the calendar booked it.
        if [*fates] == [Fate.GOOD] and intent.state in REFUSED:
            made = any(life.operation_id == intent.operation_id for life in evidence.lives)
            if made and intent.operation_id not in ended_by_others:
                yield Violation("refused what was booked", f"{intent.state}", intent.intent_id)


def _promises(evidence: Evidence, notes: Notes) -> Iterator[Violation]:
    rows = {row.intent.intent_id: row.intent for row in evidence.rows}
    kept = {message.partition(".")[0] for message in notes.sent}
    for said in notes.promised:
        intent = rows.get(said.intent_id or "")
        if intent is None or intent.state not in BOOKED | REFUSED or intent.intent_id in kept:
            continue
        yield Violation("promise", f"told that they would hear, and {intent.state} was never told", intent.intent_id)
