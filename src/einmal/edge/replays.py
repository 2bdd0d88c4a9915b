"""Signed requests that came before, by what was signed: the time as a number and the digest, never the header's text.

A request that is caught on its way can be sent again for as long as its signature is young. What it does is done once
whatever happens here: the ledger sees to that. But what it tells may be new, and not for whoever caught it: so it is
told again what it was told then. That of a request which is still under way is waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

KEPT_SECONDS: Final = 6 * 60.0
"""As long as a signature can be valid: five minutes behind the clock and one before it."""

KEPT_MAX: Final = 4096
BYTES_MAX: Final = 16 * 1024 * 1024
"""Of all answers together. What is forgotten early is done as it was before, once."""


Body = bytes


@dataclass(slots=True)
class _Kept:
    at: float
    answer: "asyncio.Future[Body]"
    size: int = 0


@dataclass(slots=True)
class Replays:
    """Of one process. Times are monotonic, in seconds."""

    _kept: dict[tuple[int, str], _Kept] = field(default_factory=dict, init=False)
    bytes: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._kept)

    async def once(
        self, signed: tuple[int, str], now: float, answer: Callable[[], Awaitable[tuple[Body, bool]]]
    ) -> Body:
        """The answer to this request, made once. `answer` says beside it whether that is the last word: what was not,
        and what could not be made, is not kept, and the next may ask again."""
        self._forget(now)
        known = self._kept.get(signed)
        if known is not None:
            try:
                return await asyncio.shield(known.answer)
            except asyncio.CancelledError:
                if not known.answer.cancelled():
                    raise
                # Whoever was to make it was called off. It is made anew, and done once all the same.
                return (await answer())[0]
        made = self._kept[signed] = _Kept(now, asyncio.get_running_loop().create_future())
        try:
            body, last_word = await answer()
        except BaseException:
            self._drop(signed, made)
            made.answer.cancel()
            raise
        made.answer.set_result(body)
        if not last_word:
            self._drop(signed, made)
        elif self._kept.get(signed) is made:  # not forgotten meanwhile, for others came
            made.size = len(body)
            self.bytes += made.size
        return body

    def _forget(self, now: float) -> None:
        while self._kept:
            signed, oldest = next(iter(self._kept.items()))
            fits = len(self._kept) < KEPT_MAX and self.bytes <= BYTES_MAX
            if fits and now - oldest.at < KEPT_SECONDS:
                return
            self._drop(signed, oldest)

    def _drop(self, signed: tuple[int, str], kept: _Kept) -> None:
        if self._kept.get(signed) is kept:
            del self._kept[signed]
            self.bytes -= kept.size
