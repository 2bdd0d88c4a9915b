"""What the auditor of the whole application writes down while its callers live: who asked what, and what they heard."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.hold import HOLD_FOR
from einmal.domain.invariants import Spoken, Violation
from einmal.domain.model import Person
from einmal.domain.promise import MessageKind
from einmal.domain.reply import Outcome
from einmal.ports import Message, StoredReply
from einmal.simulator.world.line import Asked, Heard

_SLOT: Final = timedelta(minutes=30)
_MAY_LET_GO: Final = frozenset({"collect_appointment", "book_appointment", "reschedule_appointment"})


@dataclass(frozen=True, slots=True)
class Kept:
    """A slot that was surely held for a call from `since` until `until`."""

    call_id: str
    start: datetime
    end: datetime
    since: datetime
    until: datetime


@dataclass(slots=True)
class Notes:
    spoken: list[Spoken] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    askers: dict[str, Person] = field(default_factory=dict)
    """By call id, who was on the phone."""
    hung_up: dict[str, datetime] = field(default_factory=dict)
    """By call id, since when the gateway has acknowledged that it is over."""
    kept: list[Kept] = field(default_factory=list)
    confirmed: dict[str, set[str]] = field(default_factory=dict)
    """By intent, under which ids its customer was told that the appointment stands."""

    def asks(self, asked: Asked, at: datetime) -> None:
        """Before a function call. What the same call held may be let go from now on, for all that is known."""
        self.askers[asked.line.call_id] = asked.person
        if asked.function in _MAY_LET_GO:
            self.lets_go(asked.line.call_id, at)

    def lets_go(self, call_id: str, at: datetime) -> None:
        self.kept = [replace(one, until=min(one.until, at)) if one.call_id == call_id else one for one in self.kept]

    def writes(self, message: Message) -> None:
        """News, on its way to whoever was promised it. A repeat has the same id."""
        if message.kind is MessageKind.CONFIRMED and isinstance(message.about, StoredReply):
            self.confirmed.setdefault(message.about.intent.intent_id, set()).add(message.message_id)

    def told_twice(self) -> list[Violation]:
        """Who heard more than once that their appointment stands."""
        return [
            Violation("news", f"confirmed {len(ids)} times over", intent_id)
            for intent_id, ids in self.confirmed.items()
            if len(ids) > 1
        ]

    def hears(self, asked: Asked, heard: Heard, asked_at: datetime, at: datetime) -> None:
        outcome, call_id = heard.outcome, asked.line.call_id
        self.seen.add(f"{asked.function} {outcome or 'told'}")
        if outcome is None:
            return
        self.seen.add(f"said {outcome}")
        if outcome is Outcome.RESERVED and asked.start is not None and call_id not in self.hung_up:
            self.kept.append(Kept(call_id, asked.start, asked.start + _SLOT, at, asked_at + HOLD_FOR))
        if outcome is Outcome.CANCELLED and any(one.outcome is outcome and one.ref == heard.ref for one in self.spoken):
            self.seen.add("second cancel")
        over = self.hung_up.get(call_id)
        if over is not None and over < asked_at and asked.function == "book_appointment" and not heard.success:
            self.seen.add("late wish refused")
        self.spoken.append(Spoken(at, "", call_id, outcome, heard.ref, heard.start))
