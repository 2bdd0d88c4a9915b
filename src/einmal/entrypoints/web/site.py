"""What the pages are made from: the gateway behind them, and the log of who did what."""

from dataclasses import dataclass
from typing import Any

from einmal.entrypoints.web.entrance import Visitor
from einmal.entrypoints.web.feed import Feed
from einmal.entrypoints.web.pages import Pages
from einmal.wiring import Gateway


@dataclass(frozen=True, slots=True)
class Site:
    gateway: Gateway
    pages: Pages
    feed: Feed
    """Closed by whoever ends the server: it would wait for open pages."""
    has_lab: bool = False

    async def record(self, what: str, visitor: Visitor | None, **data: Any) -> None:
        """Into the audit log: `what` is a word of ours, `data` ids. Raises LedgerUnavailable or CommitUnknown."""
        role = "nobody" if visitor is None else visitor.session.role.value
        where = "this machine" if visitor is not None and visitor.at_the_machine else "signed in"
        description = f"{what} by {role}, {where}" if visitor is not None else what
        now = self.gateway.clock.now()
        await self.gateway.audit_log.record(what, description, {"role": role, **data}, now)
