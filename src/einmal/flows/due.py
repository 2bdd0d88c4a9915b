"""What is due, in turn: claimed under a lease, a step each, whoever began it.

One odd row keeps no other waiting, and a row of a tenant that is not served here is left for those who serve it.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from einmal.ports import CommitUnknown, LedgerUnavailable

LEASE: Final = timedelta(seconds=30)
"""Longer than a look takes, with its deadlines; after that the row is anybody's again."""

UNKNOWN_TENANT: Final = timedelta(minutes=15)
"""When to look again at what is of a tenant that is not served here: others may serve it, or it comes back."""

Row = TypeVar("Row")
Step = Callable[[Row], Awaitable[object]]


class Claims(Protocol[Row]):
    """Where rows of one kind become due."""

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[Row]: ...

    async def looked(self, one: Row, look_at: datetime, /) -> None: ...


async def take_turn(
    claims: Claims[Row],
    step_of: Callable[[Row], Step[Row] | None],
    alarm: Callable[[str, Row, str], None],
    now: datetime,
    *,
    limit: int,
    failed: str,
) -> int:
    """A step of each row that is due, at most `limit`; how many there were.

    `step_of` is None where the row's tenant is not served here; `failed` names the alarm of a step that raised.
    """
    claimed = await claims.claim_due(now, now + LEASE, limit)
    for one in claimed:
        step = step_of(one)
        if step is None:
            alarm("tenant_unknown", one, "")
            await claims.looked(one, now + UNKNOWN_TENANT)
            continue
        try:
            await step(one)
        except (LedgerUnavailable, CommitUnknown):
            raise
        except Exception as bug:  # noqa: BLE001 - one odd row must not keep all others waiting
            alarm(failed, one, type(bug).__name__)
    return len(claimed)
