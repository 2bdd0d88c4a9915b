"""Admission: may this wish become an intent now, or is there an answer already?

Decided inside the transaction that would write the intent, over what that transaction read: the newest
intent under the same key, and its neighbours (live intents on the same slot, unresolved ones of the same
conversation). So of any number of equal function calls at once exactly one starts, and the rest join it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.intent import BOOKED, ENDED, REFUSED, UNRESOLVED, Intent, State
from einmal.domain.keys import IntentKey
from einmal.domain.model import PersonKind, Wish


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """`replay_no_for`: longer than any platform goes on retrying, short enough that a person who asks
    again because a slot came free is heard.

    `replay_nameless_for`: where neither a phone, an e-mail nor a call tells who asks, only the name does, and
    the same name may be a stranger's. A retry comes within minutes; after that "booked" is not said again.
    """

    replay_no_for: timedelta = timedelta(seconds=60)
    replay_nameless_for: timedelta = timedelta(minutes=10)
    offered: bool = True
    """Whether the house offers this then: hours, notice, horizon. What was booked before is told all the same."""


@dataclass(frozen=True, slots=True)
class Start:
    """Nobody has wished this yet, or the last answer has run out: a new intent of this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class Join:
    """The same wish is being booked right now: wait for its answer."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Replay:
    """The same wish has its answer already."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key was given by the client and names another wish. Nothing is done for either."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class AlreadyBooked:
    """The same person has this slot from another conversation."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Busy:
    """The same person has an intent that nobody can answer yet: a second one could become the duplicate."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Namesake:
    """Somebody of the same name, and told by nothing but the name, has booked this slot from another call.

    It may be the same person again or a stranger: booking could double, "you have it" could tell a
    stranger of another's appointment. "Taken" is true for both.
    """

    intent: Intent


@dataclass(frozen=True, slots=True)
class NotOffered:
    """Nobody has wished it yet, and the house does not offer it then."""


Admission = Start | Join | Replay | KeyReused | AlreadyBooked | Busy | Namesake | NotOffered


def admit(
    wish: Wish,
    key: IntentKey,
    same_key: Intent | None,
    neighbours: Sequence[Intent],
    now: datetime,
    policy: AdmissionPolicy,
) -> Admission:
    """What becomes of the wish. `same_key` is the newest generation under `key.value`, if any."""
    in_the_way = [found for other in neighbours if (found := _neighbour(wish, key, other, now)) is not None]
    if same_key is not None:
        if same_key.key.fingerprint != key.fingerprint:
            return KeyReused(same_key)
        stored = _stored(same_key, now, policy)
        # A "no" that this person has undone from another call since is not repeated.
        undone = same_key.state in REFUSED and any(isinstance(found, AlreadyBooked) for found in in_the_way)
        if stored is not None and not undone:
            return stored
    if in_the_way:
        return min(in_the_way, key=lambda found: _TELLS_MOST.index(type(found)))
    return Start(1 if same_key is None else same_key.generation + 1) if policy.offered else NotOffered()


_TELLS_MOST: Final[tuple[type, ...]] = (Replay, Join, AlreadyBooked, Busy, Namesake)
"""Of several neighbours in the way, the one that says most about this very wish is answered."""


def _stored(intent: Intent, now: datetime, policy: AdmissionPolicy) -> Join | Replay | Namesake | None:
    state = intent.state_at(now)
    if state in {State.INTENT, State.SENT}:
        return Join(intent)
    if state in UNRESOLVED:
        return Replay(intent)
    if state in BOOKED:
        nameless = intent.key.person.kind is PersonKind.NAME and intent.wish.conversation_id is None
        too_late = nameless and now - intent.created_at > policy.replay_nameless_for
        return Namesake(intent) if too_late else Replay(intent)
    if state in REFUSED and intent.resolved_at is not None and now - intent.resolved_at <= policy.replay_no_for:
        return Replay(intent)
    return None


def _neighbour(wish: Wish, key: IntentKey, other: Intent, now: datetime) -> Admission | None:
    state = other.state_at(now)
    if state in REFUSED or state in ENDED:
        return None
    # By event type, as in the key: a service that was renamed is the same one.
    same_slot = other.wish.start == wish.start and other.wish.service.event_type_id == wish.service.event_type_id
    same_call = wish.conversation_id is not None and other.wish.conversation_id == wish.conversation_id
    if same_slot and same_call:
        return _in_this_call(key, other, state)
    ours, theirs = key.person, other.key.person
    same_name = ours.name_hash == theirs.name_hash
    if same_slot and ours.is_same(theirs):
        return AlreadyBooked(other) if state in BOOKED else Busy(other)
    if same_call and (ours.is_same(theirs) or same_name) and state in UNRESOLVED:
        return Busy(other)
    if same_slot and same_name and ours.kind is theirs.kind is PersonKind.NAME:
        return Namesake(other) if state in BOOKED else Busy(other)
    return None


def _in_this_call(key: IntentKey, other: Intent, state: State) -> Admission | None:
    """The same slot again in one call: the same wish, said with more or fewer particulars, or misheard."""
    ours, theirs = key.person, other.key.person
    same_person = ours.is_same(theirs) or ours.name_hash == theirs.name_hash
    if not same_person and not ours.may_be(theirs):
        return None
    if state in {State.INTENT, State.SENT}:
        return Join(other)
    # Under another name nobody can tell a misheard one from a companion: "you have it" is true for both.
    return AlreadyBooked(other) if state in BOOKED and not same_person else Replay(other)
