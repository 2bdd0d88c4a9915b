"""The live feed: the newest function calls, sent to every open page as they come (server-sent events).

It is read from the ledger, so that a page sees the calls of all processes, and by one reader however many pages are
open. What is sent is always the whole list as it stands: it is short, and so nothing is lost or told twice where a page
comes back after a pause, or where a call is written down after one that came later.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.journal import FunctionCalled
from einmal.ports.stories import Stories

SHOWN: Final = 50
PAGES_MAX: Final = 50
EVERY_SECONDS: Final = 1.5
HEARTBEAT_SECONDS: Final = 15.0
"""Below what proxies wait for a word; and a page that is gone without a farewell is found out."""

LASTS_SECONDS: Final = 600.0
"""Then the page asks anew, and is asked who looks at it."""

Calls = tuple[FunctionCalled, ...]


class Feed:
    """What the pages of one process follow. Its reader runs while there is a page.

    Seconds here are real ones: somebody looks at it.
    """

    def __init__(self, stories: Stories, every: float = EVERY_SECONDS, pages_max: int = PAGES_MAX) -> None:
        self._stories = stories
        self._every = every
        self._pages_max = pages_max
        self._pages = 0
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._made: dict[str, bytes] = {}
        self.calls: Calls = ()
        self.closed = False

    @property
    def is_full(self) -> bool:
        return self.closed or self._pages >= self._pages_max

    @property
    def pages(self) -> int:
        """How many are open."""
        return self._pages

    def enter(self) -> None:
        """One more page. Whoever enters leaves."""
        self._pages += 1
        if self._reader is None:
            self._reader = asyncio.create_task(self._read(), name="feed")

    def leave(self) -> None:
        self._pages -= 1
        if not self._pages and self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def made(self, key: str, make: Callable[[], bytes]) -> bytes:
        """What is made of the calls as they stand, once for all pages that want the same."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def close(self) -> None:
        """The process ends: so does every page's stream, and no other begins."""
        self.closed = True
        self._tell()

    async def changed(self, known: Calls, within: float) -> None:
        """Returns when there is more than that, when it is closed, or after so many seconds."""
        try:
            async with asyncio.timeout(within):
                while self.calls == known and not self.closed:
                    await self._changed.wait()
        except TimeoutError:
            return

    async def _read(self) -> None:
        while True:
            try:
                calls = tuple(await self._stories.latest(SHOWN))
            except (LedgerUnavailable, CommitUnknown):
                calls = self.calls  # the figures say so; here the next try is soon enough
            if calls != self.calls:
                self.calls, self._made = calls, {}
                self._tell()
            await asyncio.sleep(self._every)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class EventStream(Response):
    """A page's stream: `message` makes what is sent of the calls. Ends when the page leaves or the feed is closed."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed, message: Callable[[Calls], bytes], headers: dict[str, str]) -> None:
        super().__init__(headers={**headers, "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed = feed
        self._message = message

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        self._feed.enter()
        telling = asyncio.create_task(self._tell(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({telling, gone}, timeout=LASTS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._feed.leave()
            for task in (telling, gone):
                task.cancel()
            await asyncio.gather(telling, gone, return_exceptions=True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send) -> None:
        async def say(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        await _follow(self._feed, self._message, say)


async def _follow(feed: Feed, message: Callable[[Calls], bytes], say: Callable[[bytes], Awaitable[None]]) -> None:
    """What there is, then what comes, with a heartbeat where nothing does; until the feed is closed."""
    await say(b": the newest function calls\n\n")
    known: Calls = ()
    while not feed.closed:
        await feed.changed(known, HEARTBEAT_SECONDS)
        calls = feed.calls
        await say(b": still here\n\n" if calls == known else message(calls))
        known = calls


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def event(text: str) -> bytes:
    """One message of a stream, whatever lines it has."""
    return "".join(f"data: {line}\n" for line in text.splitlines()).encode() + b"\n"
