"""Admission: may this wish become an intent now, or is there an answer already?

Decided inside the transaction that would write the intent, over what that transaction read: the newest
intent under the same key, and its neighbours (live intents on the same slot, unresolved ones of the same
conversation). So of any number of equal function calls at once exactly one starts, and the rest join it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from einmal.domain.intent import BOOKED, ENDED, REFUSED, UNRESOLVED, Intent, State
from einmal.domain.keys import IntentKey
from einmal.domain.model import PersonKind, Wish


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """`replay_no_for`: longer than any platform goes on retrying, short enough that a person who asks
    again because a slot came free is heard."""

    replay_no_for: timedelta = timedelta(seconds=60)


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
    """Somebody of the same name, and told by nothing but the name, has this slot from another call.

    It may be the same person again or a stranger: booking could double, "you have it" could tell a
    stranger of another's appointment. "Taken" is true for both.
    """

    intent: Intent


Admission = Start | Join | Replay | KeyReused | AlreadyBooked | Busy | Namesake


def admit(
    wish: Wish,
    key: IntentKey,
    same_key: Intent | None,
    neighbours: Sequence[Intent],
    now: datetime,
    policy: AdmissionPolicy,
) -> Admission:
    """What becomes of the wish. `same_key` is the newest generation under `key.value`, if any."""
    if same_key is not None:
        if same_key.key.fingerprint != key.fingerprint:
            return KeyReused(same_key)
        stored = _stored(same_key, now, policy)
        if stored is not None:
            return stored
    generation = 1 if same_key is None else same_key.generation + 1
    for neighbour in neighbours:
        stands_in_the_way = _neighbour(wish, key, neighbour, now)
        if stands_in_the_way is not None:
            return stands_in_the_way
    return Start(generation)


def _stored(intent: Intent, now: datetime, policy: AdmissionPolicy) -> Join | Replay | None:
    state = intent.state_at(now)
    if state in {State.INTENT, State.SENT}:
        return Join(intent)
    if state in UNRESOLVED or state in BOOKED:
        return Replay(intent)
    if state in REFUSED and intent.resolved_at is not None and now - intent.resolved_at <= policy.replay_no_for:
        return Replay(intent)
    return None


def _neighbour(wish: Wish, key: IntentKey, other: Intent, now: datetime) -> Admission | None:
    state = other.state_at(now)
    if state in REFUSED or state in ENDED:
        return None
    same_slot = other.wish.start == wish.start and other.wish.service.service_id == wish.service.service_id
    same_call = wish.conversation_id is not None and other.wish.conversation_id == wish.conversation_id
    same_name = other.key.person.name_hash == key.person.name_hash
    same_person = _identified(key, other) or (same_call and same_name)
    if same_slot and same_person:
        if state in BOOKED:
            # Within one call this is the same wish said with more or fewer particulars.
            return Replay(other) if same_call else AlreadyBooked(other)
        return Join(other) if same_call and state is not State.DOUBT else Busy(other)
    if same_call and same_person and state in UNRESOLVED:
        return Busy(other)
    only_names = key.person.kind is PersonKind.NAME and other.key.person.kind is PersonKind.NAME
    return Namesake(other) if same_slot and same_name and only_names else None


def _identified(key: IntentKey, other: Intent) -> bool:
    ours, theirs = key.person, other.key.person
    return ours.kind is not PersonKind.NAME and ours.kind is theirs.kind and ours.hash == theirs.hash
