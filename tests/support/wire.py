"""A wire between a store and a PostgreSQL server, on loopback, that can be cut or fall silent at a COMMIT."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import Enum, auto
from typing import Final
from urllib.parse import urlsplit

COMMIT: Final = b"Q\0\0\0\x0bCOMMIT\0"
"""As a client sends it: a query's letter, its length, its text."""

CANCEL: Final = b"\0\0\0\x10\x04\xd2\x16\x2e"
"""How the request to cancel what another session does begins."""


class Fate(Enum):
    """What becomes of a COMMIT."""

    ANSWERED = auto()
    NEVER_SENT = auto()
    """Cut before the server has it."""
    ANSWER_LOST = auto()
    """Cut when the server has answered."""
    SILENCE = auto()
    """The server has it, and its answer is held back."""


class Wire:
    """`url(database)` leads through it. `cancels` counts the requests to cancel."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._open = dict[asyncio.StreamWriter, asyncio.StreamWriter]()
        self.fate = Fate.ANSWERED
        self.commits = 0
        self.cancels = 0

    async def carry(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(*self._server)
        asked = asyncio.Event()
        ways = [
            asyncio.create_task(self._there(client, to_server, asked)),
            asyncio.create_task(self._back(server, to_client, asked)),
        ]
        self._open[to_client] = to_server
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self._cut(to_client)
        await asyncio.wait(ways)

    def _cut(self, to_client: asyncio.StreamWriter) -> None:
        if to_server := self._open.pop(to_client, None):
            to_client.transport.abort()
            to_server.transport.abort()

    async def end(self) -> None:
        for to_client in list(self._open):
            self._cut(to_client)
        for _ in range(5):
            await asyncio.sleep(0)

    async def _there(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await client.read(65_536):
                self.cancels += data.startswith(CANCEL)
                if COMMIT in data:
                    self.commits += 1
                    if self.fate is Fate.NEVER_SENT:
                        return
                (asked.set if COMMIT in data else asked.clear)()
                to_server.write(data)

    async def _back(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await server.read(65_536):
                if asked.is_set() and self.fate is Fate.ANSWER_LOST:
                    return
                if asked.is_set() and self.fate is Fate.SILENCE:
                    continue
                to_client.write(data)


@contextlib.asynccontextmanager
async def wire(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server of this URL, and the URL that leads through it."""
    laid = Wire(url)
    listening = await asyncio.start_server(laid.carry, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    try:
        yield laid, urlsplit(url)._replace(netloc=f"postgres@{host}:{port}").geturl()
    finally:
        listening.close()
        await laid.end()
