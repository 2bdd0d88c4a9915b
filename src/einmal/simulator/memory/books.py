"""What lies on the disk, if there were one: all tables of all tenants, shared by every process that opens them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from einmal.domain.answer import Answer
from einmal.domain.facts import Fact
from einmal.domain.gate import Gate
from einmal.domain.intent import Intent
from einmal.domain.model import Wish
from einmal.domain.promise import MessageKind
from einmal.ports import CallContact, StoredReply
from einmal.simulator.memory.appointments import AppointmentTable
from einmal.simulator.memory.due import Due
from einmal.simulator.memory.intents import IntentTable


class AttemptRow(NamedTuple):
    answered_at: datetime
    answer: Answer


class FactRow(NamedTuple):
    tenant_id: str
    intent_id: str
    fact: Fact


@dataclass(slots=True)
class SweepRow:
    swept_until: datetime | None
    due_at: datetime


@dataclass(slots=True)
class OutboxRow:
    """`due_at` None: sent, if `sent_at` says when, or given up."""

    message_id: str
    channel: str
    tenant_id: str
    intent_id: str
    kind: MessageKind
    created_at: datetime
    due_at: datetime | None
    tries: int = 0
    sent_at: datetime | None = None


class MemoryBooks:
    """Tables by their schema's names; `attempts` by intent and epoch, `outbox` by message and channel.

    A tenant needs no row of its own here. `layer_4` False is the ledger after `einmal db downgrade layer4`.
    """

    def __init__(self, *, layer_4: bool = True) -> None:
        self.intents = IntentTable()
        self.appointments = AppointmentTable(layer_4)
        self.attempts: dict[tuple[str, int], AttemptRow] = {}
        self.facts: list[FactRow] = []
        self.calls: dict[tuple[str, str], tuple[CallContact, datetime]] = {}
        self.gates: dict[str, Gate] = {}
        self.sweeps: dict[str, SweepRow] = {}
        self.outbox: dict[tuple[str, str], OutboxRow] = {}
        self.outbox_due: Due[tuple[str, str]] = Due()

    def stored(self, intent_id: str) -> StoredReply | None:
        intent = self.intents.rows.get(intent_id)
        return None if intent is None else self.stored_of(intent)

    def stored_of(self, intent: Intent) -> StoredReply:
        """The row with its appointment and its stored reply."""
        made = self.appointments.by_intent.get(intent.intent_id)
        booking = None if made is None else made.slot(intent.wish.service.name)
        return StoredReply(intent, booking, self.intents.replies.get(intent.intent_id))

    def next_due(self) -> datetime | None:
        """When a worker has something to do again."""
        moments = [self.intents.due.first(), self.outbox_due.first()]
        if any(self.intents.watched(tenant, datetime.min.replace(tzinfo=UTC)) for tenant in self.sweeps):
            moments += [row.due_at for row in self.sweeps.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def note_call(self, wish: Wish, call: CallContact, at: datetime) -> None:
        """First contact is first contact; whose agent it was may be told later."""
        first, since = self.calls.get((wish.tenant_id, call.call_id), (call, at))
        known = first if first.agent_id is not None else replace(first, agent_id=call.agent_id)
        self.calls[wish.tenant_id, call.call_id] = (known, since)
