"""Forgetting: what names a person is taken out of the rows, by itself after a time, or at once when they ask for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Whom:
    """Somebody, by phone (E.164) or e-mail, with the hashes under which the tenant's rows go on knowing them; or by the
    call in which they spoke, for many withhold their number. What is known by any of these is theirs."""

    phone: str | None = None
    phone_hash: str | None = None
    email: str | None = None
    email_hash: str | None = None
    call_id: str | None = None


class StandsWhy(StrEnum):
    """Why somebody cannot be erased yet."""

    TO_COME = "to_come"
    """They have an appointment that is not over."""
    UNRESOLVED = "unresolved"
    """Nobody can tell yet whether they have one."""
    CHANGING = "changing"
    """A cancel or a move of theirs has no end yet."""
    NEWS = "news"
    """News of it still has to be sent."""


@dataclass(frozen=True, slots=True)
class Stands:
    """What is in the way: an intent, or a call-back, and since when or for when."""

    why: StandsWhy
    row_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """All that a tenant's rows hold of somebody: by table, each row by its columns.

    `seen_elsewhere`: attempts of other people's wishes for which their booking came back, with their name in it.
    """

    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    seen_elsewhere: int
    stands: tuple[Stands, ...]

    @property
    def is_empty(self) -> bool:
        return not self.seen_elsewhere and not any(self.rows.values())


class ForgettingBooks(Protocol):
    """All raise LedgerUnavailable or CommitUnknown; after CommitUnknown it may be done again, harmlessly."""

    async def forget(
        self, tenant_id: str, over_before: datetime, said_before: datetime, now: datetime, limit: int
    ) -> int:
        """Take what names a person out of one tenant's rows, a little at a time: of intents whose slot was over before
        `over_before`, and of call-backs that were done, and of what was told in function calls, before `said_before`.

        What is unresolved, still to come, or has news due is left alone. How many rows it was; of each kind at most
        `limit`, so that a smaller number than `limit` means that there is no more.
        """

    async def held(self, tenant_id: str, whom: Whom, now: datetime) -> Held:
        """All that is held of them, as of one moment."""

    async def erase(self, tenant_id: str, whom: Whom, at: datetime) -> Held:
        """The same, and it is erased, hashes too; unless something `stands`: then nothing is. Written to the audit log
        without saying whom."""

    async def scrub(self) -> bool:
        """What was taken out of the rows is taken out of the database's files too, as far as that is ours to do. False
        where it cannot be had now without keeping somebody waiting: try again."""
