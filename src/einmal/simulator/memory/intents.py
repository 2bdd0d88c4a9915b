"""The table of intents, with an index for every question that a flow asks, and its constraints.

Rows are the domain's own frozen intents: a change puts another one in the place of the first. The indexes hold
ids. Nothing that has ended becomes live again (domain/intent, MOVES), so what must be unique among the live is
checked where a row comes in.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from einmal.adapters.sql.writes import ABOUT
from einmal.domain.intent import LIVE, Intent, State
from einmal.domain.keys import PersonKey
from einmal.domain.model import Service, Wish
from einmal.domain.reply import Reply
from einmal.ports import Candidate
from einmal.simulator.memory.commit import ConstraintViolated, kept
from einmal.simulator.memory.draft import quick_intent
from einmal.simulator.memory.due import Due

H = TypeVar("H")
Slot = tuple[str, datetime, int]


class _Kind(NamedTuple):
    """Which indexes a state stands in."""

    live: bool
    due: bool


_DUE: Final = frozenset({State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING})
_KINDS: Final = {state: _Kind(state in LIVE, state in _DUE) for state in State}


class IntentTable:
    """`rows` by id, `replies` what was said of refusals, `due` when recovery looks at what next."""

    def __init__(self) -> None:
        self.rows: dict[str, Intent] = {}
        self.replies: dict[str, Reply] = {}
        self.due: Due[str] = Due()
        self._by_operation: dict[str, str] = {}
        self._newest: dict[tuple[str, str], str] = {}
        self._live_on: dict[Slot, list[str]] = {}
        self._live_with: dict[tuple[str, str], list[str]] = {}
        """By tenant, and call or hash of a phone or an e-mail."""
        self._tombstones: dict[str, dict[str, None]] = {}
        self._last_tombstone: dict[str, datetime] = {}

    def check(self, intent: Intent) -> None:
        """Raises ConstraintViolated if there is no room for this row."""
        if intent.intent_id in self.rows:
            raise ConstraintViolated("intent_id")
        if intent.operation_id in self._by_operation:
            raise ConstraintViolated("unique_operation_id")
        newest = self.newest(intent.wish.tenant_id, intent.key.value)
        if newest is not None:
            if newest.generation >= intent.generation:
                raise ConstraintViolated("unique_intent_key_generation")
            if newest.state in LIVE and intent.state in LIVE:
                raise ConstraintViolated("unique_live_intent")
        on_slot = self._live_on.get(_slot(intent.wish))
        if on_slot is not None and intent.state in LIVE:
            self._check_contacts(intent, on_slot)

    def put(self, intent: Intent) -> None:
        """A new row, which was checked."""
        wish, intent_id, kind = intent.wish, intent.intent_id, _KINDS[intent.state]
        self.rows[intent_id] = intent
        self._by_operation[intent.operation_id] = intent_id
        self._newest[wish.tenant_id, intent.key.value] = intent_id
        if kind.live:
            _put_in(self._live_on, _slot(wish), intent_id)
            for name in _names(intent):
                _put_in(self._live_with, (wish.tenant_id, name), intent_id)
        if kind.due:
            self.due.put(intent_id, intent.look_at)

    def move(self, was: State, after: Intent) -> None:
        """Another state of a row."""
        intent_id, wish = after.intent_id, after.wish
        old, new = _KINDS[was], _KINDS[after.state]
        self.rows[intent_id] = after
        if old.live and not new.live:
            _take_out(self._live_on, _slot(wish), intent_id)
            for name in _names(after):
                _take_out(self._live_with, (wish.tenant_id, name), intent_id)
        if after.state is State.REJECTED and after.doubted_at is not None:
            self._tombstones.setdefault(wish.tenant_id, {})[intent_id] = None
            last = self._last_tombstone.get(wish.tenant_id, wish.start)
            self._last_tombstone[wish.tenant_id] = max(last, wish.start)
        elif was is State.REJECTED:
            self._tombstones.get(wish.tenant_id, {}).pop(intent_id, None)
        self.due.put(intent_id, after.look_at if new.due else None)

    def look_at(self, intent: Intent, look_at: datetime, looks: int) -> Intent:
        """The row, put off to then."""
        after = replace(intent, look_at=look_at, looks=looks)
        self.rows[intent.intent_id] = after
        if _KINDS[intent.state].due:
            self.due.put(intent.intent_id, look_at)
        return after

    def promise(self, intent_id: str, at: datetime) -> None:
        """Noted on the row if it is the first one."""
        intent = self.rows.get(intent_id)
        if intent is not None and intent.promised_at is None:
            self.rows[intent_id] = replace(intent, promised_at=at)

    def newest(self, tenant_id: str, key: str) -> Intent | None:
        intent_id = self._newest.get((tenant_id, key))
        return None if intent_id is None else self.rows[intent_id]

    def by_operations(self, operation_ids: Iterable[str]) -> Iterator[Intent]:
        for operation_id in sorted(set(operation_ids)):
            intent_id = self._by_operation.get(operation_id)
            if intent_id is not None:
                yield self.rows[intent_id]

    def neighbours(self, wish: Wish, person: PersonKey) -> list[Intent]:
        """Live ones on the same slot, of the same conversation, of the same person about that time; oldest id first."""
        ids = self._live_on.get(_slot(wish), [])
        if wish.conversation_id is not None:
            ids = ids + self._live_with.get((wish.tenant_id, wish.conversation_id), [])
        for contact in (person.phone_hash, person.email_hash):
            if contact is not None:
                theirs = self._live_with.get((wish.tenant_id, contact), [])
                begin, end = wish.start - ABOUT, wish.end + ABOUT
                ids = ids + [intent_id for intent_id in theirs if begin < self.rows[intent_id].wish.start < end]
        return [self.rows[intent_id] for intent_id in sorted(set(ids))] if ids else []

    def in_states(self, tenant_id: str, states: Sequence[State]) -> list[Intent]:
        """Oldest first. All rows are looked through: no flow asks for it, only people do."""
        wanted = set(states)
        found = [row for row in self.rows.values() if row.state in wanted and row.wish.tenant_id == tenant_id]
        return sorted(found, key=lambda intent: intent.intent_id)

    def watched(self, tenant_id: str, after: datetime) -> tuple[datetime, datetime] | None:
        """The oldest birth and the newest doubt of the tombstones whose slot begins after that moment."""
        last = self._last_tombstone.get(tenant_id)
        if last is None or last <= after:
            return None
        stones = [self.rows[intent_id] for intent_id in self._tombstones[tenant_id]]
        watched = [(s.created_at, s.doubted_at or s.created_at) for s in stones if s.wish.start > after]
        if not watched:
            return None
        return min(born for born, _ in watched), max(doubted for _, doubted in watched)

    def _check_contacts(self, intent: Intent, on_slot: Sequence[str]) -> None:
        """Of one phone, and of one e-mail, at most one live intent on a slot."""
        ours = intent.key.person
        for theirs in (self.rows[intent_id].key.person for intent_id in on_slot):
            if ours.phone_hash is not None and ours.phone_hash == theirs.phone_hash:
                raise ConstraintViolated("unique_live_wish_of_phone")
            if ours.email_hash is not None and ours.email_hash == theirs.email_hash:
                raise ConstraintViolated("unique_live_wish_of_email")


def born(candidate: Candidate, generation: int, *, armed: bool) -> tuple[Intent, Intent]:
    """The intent as it is admitted, and the row of it as it reads back: instants kept, no aliases of its service."""
    wish, now, deadline = candidate.wish, candidate.now, candidate.send_deadline
    admitted = _born(candidate, wish, now, deadline, generation, armed=armed)
    kept_wish, kept_now, kept_deadline = _as_written(wish), kept(now), kept(deadline)
    if kept_wish is wish and kept_now is now and kept_deadline is deadline:
        return admitted, admitted
    return admitted, _born(candidate, kept_wish, kept_now, kept_deadline, generation, armed=armed)


def _born(
    candidate: Candidate, wish: Wish, now: datetime, deadline: datetime, generation: int, *, armed: bool
) -> Intent:
    """As on SQLite: unarmed it waits, and at the deadline it is let go."""
    return quick_intent(
        candidate.intent_id,
        candidate.operation_id,
        candidate.key,
        generation,
        wish,
        candidate.attendee_email,
        State.SENT if armed else State.INTENT,
        1,
        now,
        now if armed else None,
        deadline,
        None,
        None,
        None,
        False,
        0,
        deadline,
        None,
        None,
        None,
    )


def _as_written(wish: Wish) -> Wish:
    service, start = wish.service, kept(wish.start)
    if not service.aliases and start is wish.start:
        return wish
    service = Service(service.service_id, service.name, service.event_type_id, service.duration_minutes)
    return Wish(wish.tenant_id, wish.conversation_id, service, start, wish.person, wish.staff)


def _slot(wish: Wish) -> Slot:
    return wish.tenant_id, kept(wish.start), wish.service.event_type_id


def _names(intent: Intent) -> list[str]:
    """By what others find it: its call, its phone, its e-mail."""
    person = intent.key.person
    names = (intent.wish.conversation_id, person.phone_hash, person.email_hash)
    return [name for name in names if name is not None]


def _put_in(index: dict[H, list[str]], key: H, intent_id: str) -> None:
    ids = index.get(key)
    if ids is None:
        index[key] = [intent_id]
    else:
        ids.append(intent_id)


def _take_out(index: dict[H, list[str]], key: H, intent_id: str) -> None:
    ids = index[key]
    ids.remove(intent_id)
    if not ids:
        del index[key]
