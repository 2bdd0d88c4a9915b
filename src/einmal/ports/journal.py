"""What was said on the phone, and what was looked for: evidence for whoever asks later. No promise hangs on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from einmal.domain.facts import LookedUp


@dataclass(frozen=True, slots=True)
class FunctionCalled:
    """One function call and its answer. `heard` is the sentence that the agent was given to say: it may hold a name."""

    served_id: str
    tenant_id: str
    conversation_id: str | None
    at: datetime
    adapter: str
    function: str
    outcome: str
    heard: str
    elapsed: timedelta
    error_id: str | None = None


Entry = FunctionCalled | LookedUp


class Journal(Protocol):
    async def write(self, entries: Sequence[Entry]) -> None:
        """All of them in one transaction. A function call that is there already stays as it is.

        Raises LedgerUnavailable or CommitUnknown.
        """
