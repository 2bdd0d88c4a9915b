"""Whose words belong together: one conversation for a process on stdio, for a session on HTTP, or by a sealed handle.

The newest protocol has no sessions over HTTP, so there the answer names the conversation and the model hands it back.
What it hands back is believed only with our seal, which nobody can make up. Nothing else that a model writes is an id.

Like a phone call a conversation has an end: who comes back the next day is somebody else, as far as anybody knows.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from einmal.ports import Clock, Ids

LASTS: Final = timedelta(hours=2)
"""At most, as a phone call on the platforms; soon after that the ledger would end it."""

IDLE: Final = timedelta(minutes=30)
"""Nobody thinks that long about a time."""

REMEMBERED: Final = 4096

_SEAL_BYTES: Final = 16


@dataclass(slots=True)
class _Open:
    call_id: str
    began_at: datetime
    used_at: datetime

    def is_over(self, now: datetime) -> bool:
        return now - self.began_at >= LASTS or now - self.used_at >= IDLE


@dataclass(frozen=True, slots=True)
class Conversations:
    """Those of one process. What is sealed is believed by every process that has the tenant's key."""

    clock: Clock
    ids: Ids
    _open: "dict[str, _Open]" = field(default_factory=dict, init=False)

    def of_session(self, session: str) -> str:
        """The conversation that a session is in now. The session's own id opens it, and is kept out of the ledger."""
        now = self.clock.now()
        known = self._open.pop(session, None)
        if known is None or known.is_over(now):
            known = _Open(f"mcp_{self.ids.time_ordered()}", now, now)
        known.used_at = now
        self._open[session] = known
        while len(self._open) > REMEMBERED:
            del self._open[next(iter(self._open))]
        return known.call_id

    @property
    def going_on(self) -> tuple[str, ...]:
        """Those that are not over."""
        now = self.clock.now()
        return tuple(one.call_id for one in self._open.values() if not one.is_over(now))

    def handle(self, tenant_id: str, hash_key: bytes) -> str:
        """The sealed name of a new conversation. Nothing is kept of it: most are never handed back."""
        text = f"{int(self.clock.now().timestamp())}|{self.ids.time_ordered()}".encode()
        return base64.urlsafe_b64encode(_seal(text, tenant_id, hash_key) + text).decode().rstrip("=")

    def of_handle(self, handle: str, tenant_id: str, hash_key: bytes) -> str | None:
        """The conversation that was named so; None for what we did not seal, and for one that is over."""
        try:
            raw = base64.urlsafe_b64decode(handle.strip() + "=" * (-len(handle.strip()) % 4))
            seal, text = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
            if not hmac.compare_digest(seal, _seal(text, tenant_id, hash_key)):
                return None
            began, _, name = text.decode().partition("|")
            began_at = datetime.fromtimestamp(int(began), UTC)
        except (binascii.Error, UnicodeError, ValueError):
            return None
        return f"mcp_{name}" if self.clock.now() - began_at < LASTS else None


def _seal(text: bytes, tenant_id: str, hash_key: bytes) -> bytes:
    """The key is the tenant's; its name beside it, should two have one key."""
    whole = f"{len(tenant_id)}:{tenant_id}".encode() + text
    return hashlib.blake2b(whole, key=hash_key, person=b"einmal-mcp", digest_size=_SEAL_BYTES).digest()
