"""Admission: may this wish become an intent now, or is there an answer already?

Decided inside the transaction that would write the intent, over what that transaction read: the newest
intent under the same key, and its neighbours (live intents on the same slot, unresolved ones of the same
conversation). So of any number of equal function calls at once exactly one starts, and the rest join it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.composite import Part
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
    day: tuple[datetime, datetime] | None = None
    """The day of the wish, in the house. What the same person has then is asked about; None where it is not: they have
    said that they want one more."""
    line_known: bool = False
    """The wish's phone is the line that it came from: what is on record under it may be told. Otherwise only what this
    very call has booked."""
    too_many: bool = False
    """This person has as many appointments as the house gives to one."""
    resources: tuple[str, ...] = ()
    """Of whom one must be free for it, as holds name them; none where holds are not looked at."""
    leaving: str | None = None
    """The intent whose appointment is moved to this wish: it is in nobody's way."""
    once: bool = False
    """The key is a name that its client gave: it books once for all time, whatever became of that booking."""
    part: Part | None = None
    """Of which composite this wish is a segment: it starts only while that one is being booked."""


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


@dataclass(frozen=True, slots=True)
class Has:
    """This person has something else that day: of the same kind, or at the same time. They are asked what they mean."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else on the phone thinks about this slot."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is over, and with it what was wished in it."""


@dataclass(frozen=True, slots=True)
class Undone:
    """This very call had it, and it was cancelled or moved since: a late repeat, or a change of mind."""


@dataclass(frozen=True, slots=True)
class TooMany:
    """This person has as many appointments as the house gives to one."""


Refusal = NotOffered | Has | Held | HungUp | TooMany | Undone
"""Nobody has wished it yet, and nobody does now."""

Admission = Start | Join | Replay | KeyReused | AlreadyBooked | Busy | Namesake | Refusal


def admit(
    wish: Wish,
    key: IntentKey,
    same_key: Intent | None,
    neighbours: Sequence[Intent],
    now: datetime,
    policy: AdmissionPolicy,
    *,
    hung_up: bool = False,
    held: bool = False,
) -> Admission:
    """What becomes of the wish. `same_key` is the newest generation under `key.value`, if any."""
    if policy.leaving is not None:
        neighbours = [other for other in neighbours if other.intent_id != policy.leaving]
    in_the_way = [found for other in neighbours if (found := _neighbour(wish, key, other, now)) is not None]
    if same_key is not None:
        if same_key.key.fingerprint != key.fingerprint:
            return KeyReused(same_key)
        if policy.once and same_key.state in ENDED:
            return Undone()
        about_a_move = same_key.moved_from is not None and same_key.moved_from != policy.leaving
        # That an appointment could not be moved there is no answer to anybody who wishes the time anew.
        stored = None if about_a_move and same_key.state in REFUSED else _stored(same_key, now, policy)
        # A "no" that this person has undone from another call since is not repeated.
        undone = same_key.state in REFUSED and any(isinstance(found, AlreadyBooked) for found in in_the_way)
        if stored is not None and not undone:
            return stored
    if in_the_way:
        return min(in_the_way, key=lambda found: _TELLS_MOST.index(type(found)))
    if _undone(same_key, policy):
        return HungUp() if hung_up else Undone()
    generation = 1 if same_key is None else same_key.generation + 1
    return _refusal(wish, key, neighbours, now, policy, hung_up=hung_up, held=held) or Start(generation)


_TELLS_MOST: Final[tuple[type, ...]] = (Replay, Join, AlreadyBooked, Busy, Namesake)
"""Of several neighbours in the way, the one that says most about this very wish is answered."""


def _undone(same_key: Intent | None, policy: AdmissionPolicy) -> bool:
    if same_key is None or policy.day is None or same_key.wish.conversation_id is None:
        return False
    return same_key.state in {State.CANCELLED, State.MOVED}


def _refusal(
    wish: Wish,
    key: IntentKey,
    neighbours: Sequence[Intent],
    now: datetime,
    policy: AdmissionPolicy,
    *,
    hung_up: bool,
    held: bool,
) -> Refusal | None:
    if hung_up:
        return HungUp()
    if not policy.offered:
        return NotOffered()
    if held:
        return Held()
    has = min((one for one in neighbours if _asked_about(wish, key, one, now, policy)), key=_start, default=None)
    if has is not None:
        return Has(has)
    return TooMany() if policy.too_many else None


def _asked_about(wish: Wish, key: IntentKey, other: Intent, now: datetime, policy: AdmissionPolicy) -> bool:
    """Whether this person may have forgotten that they have it, or may mean to move it."""
    if policy.day is None or other.state_at(now) not in BOOKED:
        return False
    ours, theirs = key.person, other.key.person
    in_this_call = wish.conversation_id is not None and other.wish.conversation_id == wish.conversation_id
    theirs_told = policy.line_known and ours.phone_hash is not None and ours.phone_hash == theirs.phone_hash
    if ours.name_hash != theirs.name_hash or not (theirs_told or in_this_call):
        return False
    overlaps = other.wish.start < wish.end and wish.start < other.wish.end
    begin, end = policy.day
    same_kind = other.wish.service.event_type_id == wish.service.event_type_id
    return overlaps or (same_kind and begin <= other.wish.start < end)


def _start(intent: Intent) -> datetime:
    return intent.wish.start


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
