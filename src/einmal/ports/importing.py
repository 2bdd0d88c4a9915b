"""The books of an import: which rows of another program's table are known, and writing those that are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from einmal.domain.takeover import LeftOut, Old


@dataclass(frozen=True, slots=True)
class Weighed:
    """What becomes of some rows. `known` were taken over before; `differ` of them say something else now than then."""

    fresh: tuple[Old, ...]
    known: int
    left: tuple[LeftOut, ...]
    differ: int = 0


class RefusedRows(Exception):
    """The database did not take one of them, and nothing of them is written."""


class Preview(Protocol):
    """A plan: each look remembers what the looks before it would have written."""

    async def look(self, batch: Sequence[Old]) -> Weighed:
        """What would become of these. Nothing is written. Raises LedgerUnavailable or CommitUnknown."""

    def close(self) -> None: ...


class ImportBooks(Protocol):
    """All raise LedgerUnavailable or CommitUnknown."""

    async def hash_key(self, tenant_id: str) -> bytes | None:
        """The key of the tenant's hashes; None where the ledger does not know the tenant yet."""

    def preview(self, tenant_id: str, hash_key: bytes) -> Preview:
        """Close it."""

    async def take_over(self, tenant_id: str, hash_key: bytes, batch: Sequence[Old], over_before: datetime) -> Weighed:
        """Write those that are fresh, each with its person, its call and its appointment, in one commit.

        `over_before`: a call whose appointment was made before then is over. Raises RefusedRows.
        """
