"""The auditor: keeps its own books of what it did to the calendar, and knows beforehand what may come of it.

The invariants (domain/invariants.py) hold in any world. What is here holds in this one: the auditor knows each
POST's fate, that nobody was blind for a day, and what the callers were told to expect.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from einmal.domain.intent import BOOKED, REFUSED, State
from einmal.domain.invariants import By, Evidence, Spoken, Violation, violations
from einmal.domain.keys import normal_name
from einmal.simulator.world.weather import Fate

REPLY_SECONDS_MAX = 9.0
"""The budget of eight, and a commit."""

MAY_BE_TAKEN_BACK = frozenset({Fate.LATE})
"""Fates after which a "no" may have to be made true. After a lost answer it must be found instead."""

MAY_BE_MISSED = frozenset({Fate.TWICE, Fate.NO_METADATA})
"""One look ends these, and a replica that lags may hide our own booking from it."""

REPLAYED_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Notes:
    """What the auditor wrote down. `promised`: spoken with "you will hear from us"; `waits`: seconds to a reply."""

    fates: Mapping[str, Sequence[Fate]]
    promised: Sequence[Spoken]
    sent: Sequence[str]
    bugs: Sequence[str]
    waits: Sequence[float]
    lags: bool = True
    """Whether look-ups may have shown old states."""
    given_up: frozenset[str] = frozenset()
    """Intents of which a person was told that their booking cannot be taken back, and cancels of it had failed."""


def audit(evidence: Evidence, notes: Notes) -> list[Violation]:
    """Everything that should not be."""
    found = [one for one in violations(evidence) if one.intent_id not in notes.given_up]
    found += [Violation("bug", text) for text in notes.bugs]
    found += [Violation("budget", f"a reply after {wait:.1f} s") for wait in notes.waits if wait > REPLY_SECONDS_MAX]
    found += _ends(evidence, notes)
    found += _promises(evidence, notes)
    found += _doubles(evidence, notes.given_up)
    found += _generations(evidence)
    return found


def _ends(evidence: Evidence, notes: Notes) -> Iterator[Violation]:
    ended_by_others = {life.operation_id for life in evidence.lives if life.ended_by is By.OTHERS}
    for row in evidence.rows:
        intent = row.intent
        fates = notes.fates.get(intent.operation_id, ())
        if intent.state is State.ESCALATED and intent.operation_id not in ended_by_others:
            yield Violation("needless person", f"escalated after {[*fates]}", intent.intent_id)
        lawful = MAY_BE_TAKEN_BACK | MAY_BE_MISSED if notes.lags else MAY_BE_TAKEN_BACK
        if intent.state is State.COMPENSATED and not lawful & set(fates):
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


def _doubles(evidence: Evidence, given_up: AbstractSet[str]) -> Iterator[Violation]:
    """One wish, one booking: whatever the intents say, nobody has the same slot twice."""
    rows = {row.intent.operation_id: row.intent for row in evidence.rows}
    holders: dict[tuple[str, str], str] = {}
    for life in evidence.lives:
        intent = rows.get(life.operation_id or "")
        if intent is None or intent.intent_id in given_up or not life.stands or life.made_by is not By.US:
            continue
        person = intent.wish.person
        who = person.phone or person.email or f"{intent.wish.conversation_id}:{normal_name(person.name)}"
        other = holders.setdefault((who, life.start.isoformat()), life.uid)
        if other != life.uid:
            yield Violation("double", f"one person holds {other} and {life.uid}", intent.intent_id)


def _generations(evidence: Evidence) -> Iterator[Violation]:
    """A stored no is told again for its minute, and only then the same wish is a new one."""
    ended = {(row.intent.key.value, row.intent.generation): row.intent for row in evidence.rows}
    for intent in ended.values():
        last = ended.get((intent.key.value, intent.generation - 1))
        if last is None or last.state not in REFUSED or last.resolved_at is None:
            continue
        if intent.created_at <= last.resolved_at + REPLAYED_FOR:
            yield Violation("replay", "wished anew while its no was still to be told", intent.intent_id)
