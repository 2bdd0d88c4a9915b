"""The machine's own clock and chance."""

import asyncio
import base64
import secrets
import time
from datetime import UTC, datetime

from einmal.domain.keys import OPERATION_ID_BITS, operation_id

_CROCKFORD = str.maketrans("0123456789ABCDEFGHIJKLMNOPQRSTUV", "0123456789abcdefghjkmnpqrstvwxyz")


class SystemClock:
    def now(self) -> datetime:
        """In whole milliseconds, as the ledger keeps it: what was written reads back the same."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SystemIds:
    def jitter(self) -> float:
        return secrets.randbits(32) / 2**32

    def operation_id(self) -> str:
        return operation_id(secrets.token_bytes(OPERATION_ID_BITS // 8))

    def time_ordered(self) -> str:
        """A ULID: 48 bits of milliseconds, 80 of chance, 26 letters that sort by time."""
        value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
        # 26 letters of five bits are 130: two more than there are, and they come first.
        return base64.b32hexencode((value << 30).to_bytes(20, "big"))[:26].decode().translate(_CROCKFORD)
