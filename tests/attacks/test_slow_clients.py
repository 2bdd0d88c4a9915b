"""Clients that are slow, send no end, or keep connections: on a real server, with shorter times than it has by default.

The control is uvicorn's own protocol, which waits for all of them. No verdict hangs on how long something took: what is
awaited is that the server ends a connection, or that it does not while somebody else is served.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from einmal.entrypoints.cli.serve import _config
from einmal.entrypoints.http import listening
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.http.listening import BoundedProtocol
from support.serving import Quiet
from support.world import World, world

SOON = 0.3
PATIENCE = 20.0
"""For what must happen. What must not happen is looked at for much less."""

A_WHILE = 3 * SOON

BODY = json.dumps(
    {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
).encode()


class Hasty(BoundedProtocol):
    head_seconds = SOON
    pause_seconds = SOON
    body_seconds = 2 * SOON
    linger_seconds = SOON
    connections_max = 20


@contextlib.asynccontextmanager
async def server(app: Any, protocol: type[asyncio.Protocol]) -> AsyncIterator[int]:
    config = uvicorn.Config(
        app, port=0, http=protocol, ws="none", log_config=None, access_log=False, lifespan="off", timeout_keep_alive=75
    )
    running = Quiet(config)
    task = asyncio.create_task(running.serve())
    while not running.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    try:
        yield running.servers[0].sockets[0].getsockname()[1]
    finally:
        running.should_exit = running.force_exit = True
        await task


@pytest.fixture(params=[Hasty, HttpToolsProtocol], ids=["bounded", "control-unbounded"])
def protocol(request: pytest.FixtureRequest) -> type[asyncio.Protocol]:
    chosen: type[asyncio.Protocol] = request.param
    return chosen


def head(length: int | None, method: str = "POST", path: str = "/api/retell/collect-appointment") -> bytes:
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{size}\r\n\r\n".encode()


async def answered(port: int) -> int:
    """The status that an honest caller gets, on a connection of their own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head(len(BODY)) + BODY)
    async with asyncio.timeout(PATIENCE):
        line = await reader.readline()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return int(line.split()[1])


async def ends(reader: asyncio.StreamReader, seconds: float) -> bytes | None:
    """All that the server says before it hangs up; None if it has not within that time."""
    try:
        async with asyncio.timeout(seconds):
            return await reader.read()
    except TimeoutError:
        return None
    except ConnectionError:
        return b""


async def dripping(writer: asyncio.StreamWriter, piece: bytes, pause: float) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)


BEGUN = {
    "nothing-at-all": (b"", b""),
    "half-a-head": (b"POST / HTTP/1.1\r\nhost:", b""),
    "a-head-letter-by-letter": (b"POST / HTTP/1.1\r\nx: ", b"x"),
    "only-line-ends": (b"", b"\r\n"),
    "a-body-that-does-not-come": (head(100), b""),
    "a-body-that-stops": (head(100) + b"{", b""),
    "a-body-letter-by-letter": (head(2_000_000), b" "),
    "chunks-without-end": (head(None), b"1\r\n \r\n"),
    "after-the-answer-still-a-body": (head(2_000_000, "POST", "/nowhere"), b" "),
}


@pytest.mark.parametrize(("first", "then"), BEGUN.values(), ids=BEGUN)
async def test_whoever_keeps_us_waiting_is_hung_up_on(
    salon: World, protocol: type[asyncio.Protocol], first: bytes, then: bytes
) -> None:
    """And callers are served before, meanwhile and after. The control still has the connection."""
    async with server(create_app(salon.gateway), protocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        drip = asyncio.create_task(dripping(writer, then, SOON / 10)) if then else None
        assert await answered(port) == 200
        ended = await _hung_up(reader, PATIENCE if protocol is Hasty else A_WHILE)
        assert ended is (protocol is Hasty)
        assert await answered(port) == 200
        if drip is not None:
            drip.cancel()
            await asyncio.gather(drip, return_exceptions=True)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _hung_up(reader: asyncio.StreamReader, seconds: float) -> bool:
    return await ends(reader, seconds) is not None


async def test_a_slow_head_and_a_slow_body_are_told_408(salon: World) -> None:
    async with server(create_app(salon.gateway), Hasty) as port:
        for first in (b"POST / HTTP/1.1\r\nhost:", head(100) + b"{"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(first)
            assert (await ends(reader, PATIENCE) or b"").startswith(b"HTTP/1.1 408 ")
            writer.close()


async def test_a_head_without_end_is_not_kept(salon: World, protocol: type[asyncio.Protocol]) -> None:
    """The control takes in all of it."""
    async with server(create_app(salon.gateway), protocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n")
        with contextlib.suppress(ConnectionError):
            for number in range(200):
                writer.write(b"x-%d: %s\r\n" % (number, b"y" * 1000))
                await writer.drain()
        said = await ends(reader, PATIENCE if protocol is Hasty else A_WHILE)
        assert (said is not None) is (protocol is Hasty)
        if said:
            assert said.startswith(b"HTTP/1.1 431 ")
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_many_who_only_hold_a_connection_keep_nobody_out(salon: World) -> None:
    """More than there are connections, idle after a request, or silent: the longest wait makes room for a caller."""

    class Patient(Hasty):
        head_seconds = 3600.0

    async with server(create_app(salon.gateway), Patient) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
        for _, writer in held[::2]:
            with contextlib.suppress(ConnectionError):
                writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        for _ in range(5):
            assert await answered(port) == 200
        gone = await asyncio.gather(*(_hung_up(reader, SOON) for reader, _ in held))
        assert len(held) - Hasty.connections_max <= sum(gone) < len(held), "no more are kept than may be, and no fewer"
        for _, writer in held:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in held), return_exceptions=True)


async def test_when_all_wait_for_us_one_more_is_refused_and_none_is_dropped(tmp_path: Path) -> None:
    """Whose request is under way is not hung up on; once they are served there is room again."""
    async with world(tmp_path) as here:
        go = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

        async with server(app, Hasty) as port:
            busy = [asyncio.create_task(answered(port)) for _ in range(Hasty.connections_max)]
            await asyncio.sleep(SOON)
            assert await answered(port) == 503
            go.set()
            assert set(await asyncio.gather(*busy)) == {200}
            assert await answered(port) == 200
        assert here.states() == []


async def test_an_honest_connection_is_kept_and_used_again(salon: World) -> None:
    """Longer than any of the times, which are those of requests and not of a pause between them."""
    async with server(create_app(salon.gateway), Hasty) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(head(len(BODY)) + BODY)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200 ")
            length = next(int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.startswith(b"content-l"))
            await reader.readexactly(length)
            await asyncio.sleep(3 * SOON)
        writer.close()
        await writer.wait_closed()


async def test_a_caller_who_waits_for_us_is_not_slow(salon: World) -> None:
    """A booking may take longer than any client may keep us waiting."""
    asked = asyncio.Event()

    async def slow(sent: Any) -> Any:
        asked.set()
        await asyncio.sleep(4 * SOON)
        return await salon.tap.inner.send(sent)

    salon.tap.on_post = slow
    async with server(create_app(salon.gateway), Hasty) as port:
        assert await answered(port) == 200
        assert asked.is_set()
        assert salon.states() == ["confirmed"]


def test_the_server_that_serves_is_the_bounded_one() -> None:
    """And its times are shorter than anybody's patience, its connections fewer than a process may have open."""
    config = _config(lambda: None)
    config.load()
    assert config.http_protocol_class is BoundedProtocol
    assert config.ws_protocol_class is None
    assert BoundedProtocol.head_seconds == listening.HEAD_SECONDS <= 30
    assert BoundedProtocol.pause_seconds <= 30
    assert BoundedProtocol.connections_max < 1000
