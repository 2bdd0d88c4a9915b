"""The outbox: what was promised, until it is sent. At least once, with an id by which a repeat is known."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from einmal.domain.callback import Callback
from einmal.domain.promise import MessageKind
from einmal.ports.ledger import StoredReply

About = StoredReply | Callback
"""What a message can be about, as it stands when the message goes."""


@dataclass(frozen=True, slots=True)
class Message:
    """`message_id` is the same in every try and on every channel. What is told is what stands when it goes."""

    message_id: str
    channel: str
    kind: MessageKind
    created_at: datetime
    tries: int
    about: About


class Outbox(Protocol):
    async def claim_messages(self, now: datetime, lease_until: datetime, limit: int) -> tuple[Message, ...]:
        """Messages that are due, longest first, and nobody else's until `lease_until`."""

    async def sent(self, message: Message, at: datetime) -> None:
        """It has arrived: never again."""

    async def not_sent(self, message: Message, due_at: datetime | None) -> None:
        """One try more in vain; None gives it up."""


class Courier(Protocol):
    """One channel."""

    async def send(self, message: Message) -> str | None:
        """None if it has arrived, else a short word of ours why not. Raises only for bugs."""
