"""Where a process of the world of the whole application runs, and how it is set."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from einmal.settings import Secret, Settings, read_settings
from einmal.simulator.world.carrier import SECRET, Post
from einmal.wiring import Gateway


@dataclass(slots=True)
class Place:
    """Another takes its place when it is killed."""

    gateway: Gateway
    app: Any
    tasks: "set[asyncio.Task[Any]]" = field(default_factory=set)

    def kill(self) -> None:
        tenancy = self.gateway.tenancies.sole
        begun = tenancy.holding._begun  # noqa: SLF001 - what no caller waits for dies as well
        for task in [*self.tasks, *tenancy.bookings.under_way, *tenancy.changes.under_way.tasks, *begun]:
            task.cancel()


def settings_for(url: str, post: Post, reconcile_seconds: int) -> Settings:
    """Of a gateway on this ledger. Without webhooks it has no secret either."""
    secret = {} if post is Post.NONE else {"EINMAL_CALCOM_WEBHOOK_SECRET": SECRET}
    made = read_settings(
        {
            "EINMAL_DATABASE_URL": url,
            "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
            "EINMAL_NOTIFY_URL": "http://127.0.0.1:9/news",
            "EINMAL_NOTIFY_SECRET": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0",
            "EINMAL_RECONCILE_SECONDS": str(reconcile_seconds),
            **secret,
        }
    )
    return replace(made, calcom_api_key=Secret("cal_test"))
