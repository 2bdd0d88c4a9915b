"""The line between an agent and the gateway: function calls and webhooks as the platform sends them; answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from einmal.domain.model import Person
from einmal.domain.reply import Outcome
from einmal.simulator.asgi import HttpAnswer

WITHHELD: Final = "anonymous"
_BERLIN: Final = timedelta(hours=1)
"""In the weeks in which these worlds play."""


@dataclass(frozen=True, slots=True)
class Line:
    """One phone call, as the platform vouches for it. `number` is None where it is withheld."""

    call_id: str
    number: str | None = None

    @property
    def told(self) -> dict[str, str]:
        return {"call_id": self.call_id, "from_number": self.number or WITHHELD, "direction": "inbound"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One function call. `person` is whose call it is, for the auditor: the gateway is not told."""

    function: str
    line: Line
    person: Person
    args: Mapping[str, str] = field(default_factory=dict)
    start: datetime | None = None
    """What it is about, where that is one time."""

    @property
    def body(self) -> bytes:
        sent = {"name": self.function, "call": self.line.told, "args": {**self.args}}
        return json.dumps(sent, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Heard:
    """What was answered. `outcome` is None where it says nothing of a booking."""

    outcome: Outcome | None
    success: bool
    ref: str | None = None
    start: datetime | None = None
    missing: tuple[str, ...] = ()


class Phone(Protocol):
    """Between callers and gateways."""

    async def ask(self, asked: Asked) -> Heard | None:
        """None where nobody heard an answer."""

    async def tell(self, event: str, line: Line, at: datetime) -> None:
        """The platform's word of a call, once; it may fail."""

    def now(self) -> datetime: ...


def heard(answer: HttpAnswer) -> Heard:
    said = answer.json
    booking = said.get("booking") or {}
    outcome = Outcome(said["status"]) if said["status"] in set(Outcome) else None
    start = datetime.fromisoformat(booking["start"]).astimezone(UTC) if booking else None
    return Heard(outcome, said["success"], booking.get("ref"), start, tuple(said.get("missing", ())))


def webhook(event: str, line: Line, at: datetime) -> bytes:
    """`at` is when it began, or ended, by the platform's clock."""
    milliseconds = round(at.timestamp() * 1000)
    name = "start_timestamp" if event == "call_started" else "end_timestamp"
    call: dict[str, Any] = {**line.told, name: milliseconds, "call_status": "ended" if "end" in event else "ongoing"}
    return json.dumps({"event": event, "call": call}).encode()


def day_said(start: datetime, date: str = "datum", time: str = "uhrzeit") -> dict[str, str]:
    """The arguments that name this moment."""
    local = start + _BERLIN
    return {date: f"{local:%Y-%m-%d}", time: f"{local:%H:%M}"}
