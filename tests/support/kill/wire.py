"""What the gateways ask of the calendar, written down on its way: one door for each process, bytes as they come.

The calendar's own records say what stands. Only the wire knows what was asked: which POST left when, whether the
ledger held its row as `sent` at that moment, and which POSTs had no answer yet when their process was killed.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from einmal.domain.invariants import Request, RequestKind
from einmal.domain.model import MetadataKey

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


@dataclass(slots=True)
class Asked:
    """One request. `at` is monotonic, in seconds; `status` None while there is no answer."""

    at: float
    kind: RequestKind
    about: str | None
    stored: bool = True
    status: int | None = None
    over: bool = False

    @property
    def request(self) -> Request:
        # The throttle's refusal is the one answer after which a POST may be sent again.
        return Request(self.at, self.kind, self.about, processed=self.status != 429, stored=self.stored)


class Wire:
    """A door of one process to the calendar at `upstream`. `stored` tells whether the ledger holds this id as sent."""

    def __init__(self, upstream: int, stored: Callable[[str], Awaitable[bool]]) -> None:
        self.asked: list[Asked] = []
        self.port = 0
        self._upstream = upstream
        self._stored = stored
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def posts_under_way(self) -> int:
        return sum(one.kind is RequestKind.POST and not one.over for one in self.asked)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: list[Asked] = []
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            calendar, to_calendar = await asyncio.open_connection("127.0.0.1", self._upstream)
            answers = asyncio.create_task(_answers(calendar, writer, under_way))
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    found = _LENGTH.search(head)
                    body = await reader.readexactly(int(found[1])) if found else b""
                    under_way.append(await self._note(head, body))
                    to_calendar.write(head + body)
                    await to_calendar.drain()
            finally:
                # A killed client's answer is still waited for by nobody; what it asked for was asked.
                answers.cancel()
                to_calendar.close()
        for one in under_way:
            one.over = True
        writer.close()

    async def _note(self, head: bytes, body: bytes) -> Asked:
        method, target = head.split(b" ", 2)[:2]
        path = target.decode().partition("?")[0]
        asked = Asked(time.monotonic(), RequestKind.OTHER, None)
        if method == b"POST" and path == "/v2/bookings":
            asked.kind, asked.about = RequestKind.POST, json.loads(body)["metadata"][MetadataKey.OPERATION_ID]
            asked.stored = await self._stored(asked.about or "")
        elif path.endswith("/cancel"):
            asked.kind, asked.about = RequestKind.CANCEL, path.split("/")[3]
        self.asked.append(asked)
        return asked


async def _answers(calendar: asyncio.StreamReader, writer: asyncio.StreamWriter, under_way: list[Asked]) -> None:
    """Pass on what the calendar says. A connection that it drops is dropped here."""
    with contextlib.suppress(OSError):
        while chunk := await calendar.read(65536):
            for one in under_way:
                if one.status is None and chunk.startswith(b"HTTP/1.1 "):
                    one.status = int(chunk[9:12])
                one.over = True
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()
