"""The phone call itself: noted at its first contact, ended by whoever tells of its end, or by the worker.

Function calls come before the platform's word that the call began, and the word of its end may never come. So a call's
row is made by whatever speaks of it first, and a call that nobody ends is ended here.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from einmal.domain.facts import Alarm
from einmal.ports import CallContact, CallNews, Calls, Clock, CommitUnknown, LedgerUnavailable, Observer

OPEN_MAX: Final = timedelta(hours=2, minutes=5)
"""Retell ends every call after two hours at the latest; the minutes are for what rings before it is taken. So whoever
is open longer is not on the phone any more: word of the end was lost. Their holds have long expired by themselves."""

STUCK_A_TURN: Final = 50
"""After a day without webhooks there may be thousands; callers share the ledger with whoever closes them."""

SEEN_MAX: Final = 4096
"""Calls that were noted already. More than a process has at once; who is forgotten is written once more, no worse."""

NOTING_MAX: Final = 32
"""Notes under way. Where the ledger is slower than callers are many, notes are left out, not piled up."""


def news_data(news: CallNews) -> dict[str, str | None]:
    """As JSON can hold it: what waits in the inbox."""
    call = news.call
    plain = {"platform": call.platform, "call_id": call.call_id, "agent_id": call.agent_id}
    named = {"direction": news.direction, "disconnection_reason": news.disconnection_reason}
    times = {name: getattr(news, name) for name in _TIMES}
    return plain | named | {name: None if at is None else at.isoformat() for name, at in times.items()}


def news_of(data: Mapping[str, Any]) -> CallNews:
    """What `news_data` made of it, read back."""
    call = CallContact(data["platform"], data["call_id"], data["agent_id"])
    times = {name: None if data[name] is None else datetime.fromisoformat(data[name]) for name in _TIMES}
    return CallNews(call, data["direction"], disconnection_reason=data["disconnection_reason"], **times)


_TIMES: Final = ("started_at", "ended_at", "analyzed_at")


class Holder(Protocol):
    async def hang_up(self, tenant_id: str, conversation_id: str) -> None:
        """Whatever this conversation holds is free again. Harmless where it holds nothing."""


@dataclass(slots=True)
class PhoneCalls:
    """The calls of all tenants of one process."""

    calls: Calls
    clock: Clock
    observer: Observer
    _seen: "dict[tuple[str, str], None]" = field(default_factory=dict, init=False)
    _noting: "set[asyncio.Task[None]]" = field(default_factory=set, init=False)

    async def told(self, tenant_id: str, news: CallNews, holder: Holder) -> None:
        """The platform's word. At the end what the call holds is let go, each time that it is told: the first may have
        failed in between. Raises LedgerUnavailable or CommitUnknown; then let it be told again."""
        await self.calls.told(tenant_id, news, self.clock.now())
        self.known(tenant_id, news.call.call_id)
        if news.ended_at is not None:
            await holder.hang_up(tenant_id, news.call.call_id)

    def met(self, tenant_id: str, news: CallNews) -> None:
        """A first contact by other means, written down behind the reply. It delays nobody and fails nobody."""
        if (tenant_id, news.call.call_id) in self._seen or len(self._noting) >= NOTING_MAX:
            return
        self.known(tenant_id, news.call.call_id)
        task = asyncio.create_task(self._note(tenant_id, news, self.clock.now()), name="first contact")
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    def known(self, tenant_id: str, call_id: str) -> None:
        """Its row is there: an admission made it, say."""
        self._seen[tenant_id, call_id] = None
        if len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]

    async def _note(self, tenant_id: str, news: CallNews, at: datetime) -> None:
        try:
            await self.calls.told(tenant_id, news, at)
        except (LedgerUnavailable, CommitUnknown):
            self._seen.pop((tenant_id, news.call.call_id), None)  # the next function call tries again
        except Exception as bug:  # noqa: BLE001 - nobody waits for this task
            self.observer.observe((Alarm(self.clock.now(), "call_not_noted", None, type(bug).__name__),))

    async def turn(self) -> int:
        """End some of those that are stuck; how many."""
        now = self.clock.now()
        return await self.calls.close_stuck(now - OPEN_MAX, now, STUCK_A_TURN)

    async def drain(self, seconds: float) -> None:
        """Wait for notes under way, at most this long, and give up the rest."""
        if self._noting:
            _, left = await asyncio.wait(self._noting, timeout=seconds)
            for task in left:
                task.cancel()
