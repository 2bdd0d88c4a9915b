"""A server byte by byte where Cal.com would be, and our proxy before it; both are seen at their sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from einmal.entrypoints.http.app import create_app
from support.serving import served
from support.world import world

Serves = Callable[["Upstream", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Upstream:
    """What stands where Cal.com would, byte by byte."""

    serves: Serves
    requests: list[bytes] = field(default_factory=list)

    async def one_request(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = header(head, b"content-length")
        body = await reader.readexactly(int(length)) if length else b""
        if header(head, b"transfer-encoding"):
            body = await reader.readuntil(b"0\r\n\r\n")
        self.requests.append(head + body)
        return head


def header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return None


@dataclass(frozen=True)
class Between:
    """`ask` sends bytes to the proxy, and returns all that comes back until it closes."""

    port: int
    upstream: Upstream

    async def ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()
            await writer.wait_closed()

    async def get(self, path: str, method: str = "GET", *headers: str, body: bytes = b"") -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return await self.ask((head + length + "".join(f"{one}\r\n" for one in headers) + "\r\n").encode() + body)


@asynccontextmanager
async def between(folder: Path, serves: Serves) -> AsyncIterator[Between]:
    upstream = Upstream(serves)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serves(upstream, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        async with world(folder, EINMAL_CALCOM_API_KEY="cal_test") as here:
            sole = here.gateway.tenancies.sole
            there = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            elsewhere = replace(sole.configuration, calcom_base_url=there)
            here.gateway.tenancies.adopt([replace(sole, configuration=elsewhere)])
            async with served(create_app(here.gateway)) as url:
                yield Between(int(url.rpartition(":")[2]), upstream)
    finally:
        server.close()


async def answers(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await upstream.one_request(reader)
        writer.write(OK)
