"""The wire, against real sockets: one request, one answer, and the truth about what may have been sent."""

import asyncio
import contextlib
import gzip
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from einmal.adapters.calcom.transport import (
    ANSWER_MAX_BYTES,
    AiohttpTransport,
    MaybeSent,
    NeverSent,
    WireAnswer,
    WireRequest,
)

FAR = 30.0
"""A deadline that no test comes near."""

SOON = 0.2
"""A deadline that a silent server lets pass."""

OK = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nDate: Mon, 23 Nov 2026 09:00:00 GMT\r\nX-Odd: Yes\r\n\r\n{}"


@dataclass
class Heard:
    """One request as it arrived: its head, its body, and on which connection."""

    head: str
    body: bytes
    connection: int

    @property
    def line(self) -> str:
        return self.head.split("\r\n", 1)[0]


Reaction = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """Reads whole requests and reacts to the n-th of them with the n-th reaction; the last one goes on."""

    reactions: list[Reaction]
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    open: list[asyncio.StreamWriter] = field(default_factory=list)
    address: str = ""

    @property
    def posts(self) -> list[Heard]:
        return [heard for heard in self.heard if heard.line.startswith("POST ")]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        self.open.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                self.heard.append(Heard(head, body, connection))
                self.arrived.set()
                await self.reactions[min(len(self.heard), len(self.reactions)) - 1](reader, writer)
        writer.close()
        self.left.set()


def replies(raw: bytes, *, closes: bool = False) -> Reaction:
    async def react(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        if closes:
            writer.close()

    return react


async def hangs_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def is_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def turns_of_the_loop() -> None:
    """Loopback delivers at once; a few turns of the loop let both sides read what is there."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def listening(*reactions: Reaction) -> AsyncIterator[tuple[Server, AiohttpTransport]]:
    """A server on loopback and a transport to it. All sockets are shut before the test ends."""
    server = Server(list(reactions))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()
    server.address = f"http://{host}:{port}"
    transport = AiohttpTransport(server.address)
    try:
        yield server, transport
    finally:
        await transport.close()
        listener.close()
        for writer in server.open:
            writer.close()
        await turns_of_the_loop()


def post(deadline: float = FAR, write_deadline: float = FAR, body: bytes = b'{"a":1}') -> WireRequest:
    now = time.monotonic()
    headers = {"Content-Type": "application/json", "cal-api-version": "2024-08-13"}
    return WireRequest("POST", "/v2/bookings?x=%2B1", headers, body, now + deadline, now + write_deadline)


def get() -> WireRequest:
    now = time.monotonic()
    return WireRequest("GET", "/v2/slots?start=a%20b", {}, b"", now + FAR, now + FAR)


async def ended(transport: AiohttpTransport, request: WireRequest) -> tuple[str, str]:
    """How a request ended that must not end well: the exception's name and its word."""
    with pytest.raises((NeverSent, MaybeSent)) as failure:
        await transport.send(request)
    assert re.fullmatch(r"[a-z_]+", failure.value.args[0]), "a short word of ours, without addresses"
    return type(failure.value).__name__, failure.value.args[0]


async def test_an_answer_comes_back_as_it_was_sent() -> None:
    """Status, headers in lower case, the whole body, and how long it took."""
    async with listening(replies(OK)) as (_, transport):
        answer = await transport.send(post())
    assert isinstance(answer, WireAnswer)
    assert (answer.status, answer.body) == (201, b"{}")
    assert answer.headers["date"] == "Mon, 23 Nov 2026 09:00:00 GMT"
    assert answer.headers["x-odd"] == "Yes"
    assert 0 <= answer.elapsed_seconds < FAR


async def test_the_request_arrives_as_it_was_asked() -> None:
    """Method, target letter by letter, our headers and the body's bytes; no cookies."""
    async with listening(replies(OK)) as (server, transport):
        await transport.send(post(body="Jürgen".encode()))
        (heard,) = server.heard
    assert heard.line == "POST /v2/bookings?x=%2B1 HTTP/1.1"
    assert heard.body == "Jürgen".encode()
    assert "cal-api-version: 2024-08-13" in heard.head
    assert "Content-Type: application/json" in heard.head
    assert "cookie" not in heard.head.lower()


async def test_a_look_up_carries_no_body() -> None:
    """A GET is a GET."""
    async with listening(replies(OK)) as (server, transport):
        await transport.send(get())
        (heard,) = server.heard
    assert heard.line == "GET /v2/slots?start=a%20b HTTP/1.1"
    assert heard.body == b""
    assert "content-length" not in heard.head.lower()


async def test_cookies_are_not_kept() -> None:
    """Whatever Cal.com sets, the next request knows nothing of it."""
    sets = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=1; Path=/\r\n\r\n")
    async with listening(replies(sets)) as (server, transport):
        await transport.send(post())
        await transport.send(post())
        assert "cookie" not in server.heard[1].head.lower()


async def test_a_refused_connection_never_sent() -> None:
    """Nobody listens: nothing left."""
    listener = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    transport = AiohttpTransport(f"http://127.0.0.1:{port}")
    assert await ended(transport, post()) == ("NeverSent", "connect")
    await transport.close()


async def test_a_server_that_does_not_speak_tls_never_got_it() -> None:
    """The handshake failed before the request."""

    async def speaks_plainly(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(speaks_plainly, "127.0.0.1", 0)
    transport = AiohttpTransport(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    assert (await ended(transport, post()))[0] == "NeverSent"
    await transport.close()
    listener.close()


@pytest.mark.parametrize("reaction", [hangs_up, resets], ids=["hangs-up", "resets"])
async def test_a_server_that_hangs_up_after_reading_may_have_booked(reaction: Reaction) -> None:
    """The request arrived and no answer did: nobody knows."""
    async with listening(reaction) as (server, transport):
        assert await ended(transport, post()) == ("MaybeSent", "reset")
        assert len(server.heard) == 1


async def test_a_silent_server_may_have_booked() -> None:
    """The deadline passed while waiting for the answer: nobody knows."""
    async with listening(is_silent) as (server, transport):
        assert await ended(transport, post(deadline=SOON)) == ("MaybeSent", "timeout")
        assert len(server.heard) == 1


async def test_a_server_that_stops_in_the_middle_may_have_booked() -> None:
    """The deadline covers the whole answer, not only its beginning."""

    async def begins(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        await reader.read()

    async with listening(begins) as (_, transport):
        assert await ended(transport, post(deadline=SOON)) == ("MaybeSent", "timeout")


async def test_past_its_deadline_nothing_is_sent() -> None:
    """Too late before anything was begun: no connection is even opened."""
    async with listening(replies(OK)) as (server, transport):
        assert await ended(transport, post(deadline=-0.001)) == ("NeverSent", "deadline")
        assert (server.connections, server.heard) == (0, [])
        # Control: the same transport does reach the server.
        await transport.send(post())
        assert (server.connections, len(server.heard)) == (1, 1)


async def test_past_its_write_deadline_nothing_is_written_to_a_new_connection() -> None:
    """The connection came too late: the sender's lease may be another's by now."""
    async with listening(replies(OK)) as (server, transport):
        assert await ended(transport, post(write_deadline=-0.001)) == ("NeverSent", "deadline")
        # Control: what is sent next arrives, and it is the first thing that the server hears.
        await transport.send(post(body=b"second"))
        assert [heard.body for heard in server.heard] == [b"second"]


async def test_past_its_write_deadline_nothing_is_written_to_a_kept_connection() -> None:
    """Nor to a connection that was kept open: the deadline is looked at there as well."""
    async with listening(replies(OK)) as (server, transport):
        await transport.send(post(body=b"first"))
        assert await ended(transport, post(write_deadline=-0.001)) == ("NeverSent", "deadline")
        await transport.send(post(body=b"third"))
        assert [heard.body for heard in server.heard] == [b"first", b"third"]


async def test_a_connection_is_kept_and_used_again() -> None:
    """Control for the test above: the second request does go out on the first one's connection."""
    async with listening(replies(OK)) as (server, transport):
        await transport.send(post())
        await transport.send(post())
        assert [heard.connection for heard in server.heard] == [1, 1]


async def test_a_sender_held_up_in_the_pool_does_not_write_late() -> None:
    """With the only connection taken until the write deadline has passed, the waiting one is never written."""
    release = asyncio.Event()

    async def waits(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(OK)
        await writer.drain()

    async with listening(waits) as (server, _):
        transport = AiohttpTransport(server.address, connections_max=1)
        first = asyncio.ensure_future(transport.send(post(body=b"first")))
        await server.arrived.wait()
        held_up = post(write_deadline=0.05, body=b"held up")
        second = asyncio.ensure_future(ended(transport, held_up))
        asyncio.get_running_loop().call_at(held_up.write_deadline + 0.01, release.set)
        assert (await first).status == 201
        assert await second == ("NeverSent", "deadline")
        assert [heard.body for heard in server.heard] == [b"first"]
        await transport.close()


async def test_a_post_is_never_repeated_on_a_dead_connection() -> None:
    """The kept connection dies under the second POST: it may have arrived, and it is not sent again."""
    async with listening(replies(OK), resets, replies(OK)) as (server, transport):
        await transport.send(post(body=b"first"))
        assert await ended(transport, post(body=b"second")) == ("MaybeSent", "reset")
        assert [heard.body for heard in server.posts] == [b"first", b"second"]
        assert [heard.connection for heard in server.posts] == [1, 1]


async def test_after_the_server_closed_a_kept_connection_the_next_post_arrives_once() -> None:
    """A connection that was closed while idle is noticed: the next POST takes a new one, and is sent once."""
    async with listening(replies(OK, closes=True), replies(OK)) as (server, transport):
        await transport.send(post(body=b"first"))
        await server.left.wait()
        await turns_of_the_loop()
        await transport.send(post(body=b"second"))
        assert [(heard.body, heard.connection) for heard in server.posts] == [(b"first", 1), (b"second", 2)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    """Wherever it points, nothing goes there."""
    async with listening(replies(OK)) as (elsewhere, _):
        location = f"{elsewhere.address}/v2/bookings"
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        async with listening(replies(moved.encode())) as (server, transport):
            answer = await transport.send(post())
            assert (answer.status, answer.headers["location"]) == (status, location)
            assert len(server.heard) == 1
        assert elsewhere.connections == 0


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 404, 409, 422, 429, 500, 502, 503])
async def test_every_status_is_an_answer(status: int) -> None:
    """What a status means is not the wire's affair: none raises, none is asked again."""
    async with listening(replies(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())) as (server, transport):
        assert (await transport.send(post())).status == status
        assert len(server.heard) == 1


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        pytest.param(b"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{}", "truncated", id="too-short"),
        pytest.param(
            b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            "truncated",
            id="last-chunk-missing",
        ),
        pytest.param(
            b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "truncated", id="no-gzip"
        ),
        pytest.param(
            b"HTTP/1.1 201 Created\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", "broken", id="not-asked-for"
        ),
        pytest.param(b"HTTP/1.1 201 Created\r\nContent-Length: two\r\n\r\n{}", "broken", id="odd-length"),
        pytest.param(b"HTTP/1.1 201 Created\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "broken", id="endless-header"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "broken", id="not-http"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", "reset", id="continue-and-nothing-more"),
        pytest.param(b"HTTP/1.1 201 Cre", "reset", id="half-a-status-line"),
    ],
)
async def test_a_broken_answer_may_have_booked(raw: bytes, word: str) -> None:
    """What cannot be read to its end says neither yes nor no."""
    async with listening(replies(raw, closes=True)) as (server, transport):
        assert await ended(transport, post()) == ("MaybeSent", word)
        assert len(server.heard) == 1


async def test_the_largest_answer_is_read() -> None:
    """The border of the size is inside."""
    body = b"x" * ANSWER_MAX_BYTES
    raw = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with listening(replies(raw + body)) as (_, transport):
        assert (await transport.send(post())).body == body


BIG = b"0" * (ANSWER_MAX_BYTES + 1)
PACKED = gzip.compress(b"0" * (8 * ANSWER_MAX_BYTES))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"Content-Length: %d\r\n\r\n" % len(BIG) + BIG, id="one-byte-more"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BIG) + BIG + b"\r\n0\r\n\r\n", id="in-chunks"),
        pytest.param(b"Connection: close\r\n\r\n" + BIG * 2, id="without-length"),
        pytest.param(b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED, id="packed"),
    ],
)
async def test_an_answer_over_a_mebibyte_may_have_booked(raw: bytes) -> None:
    """Nonsense or malice: not read to its end, and no no."""
    async with listening(replies(b"HTTP/1.1 201 Created\r\n" + raw, closes=True)) as (_, transport):
        assert await ended(transport, post()) == ("MaybeSent", "answer_too_large")


async def test_after_each_failure_the_next_request_is_answered() -> None:
    """One broken connection does not break the transport."""
    async with listening(hangs_up, replies(b"rubbish\r\n\r\n", closes=True), replies(OK)) as (_, transport):
        await ended(transport, post())
        await ended(transport, post())
        assert (await transport.send(post())).status == 201


async def test_many_at_once_get_each_its_own_answer() -> None:
    """Answers are not mixed up between connections."""

    async def echoes(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = next(heard.body for heard in reversed(server.heard) if server.open[heard.connection - 1] is writer)
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with listening(echoes) as (server, transport):
        bodies = [f"body {number}".encode() for number in range(20)]
        answers = await asyncio.gather(*(transport.send(post(body=body)) for body in bodies))
        assert [answer.body for answer in answers] == bodies
        assert sorted(heard.body for heard in server.posts) == sorted(bodies)


async def test_a_cancelled_request_is_not_sent_again() -> None:
    """The caller hung up: what was sent stays sent, once."""
    async with listening(is_silent, replies(OK)) as (server, transport):
        task = asyncio.ensure_future(transport.send(post(body=b"first")))
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await transport.send(post(body=b"second"))
        assert [heard.body for heard in server.posts] == [b"first", b"second"]


async def test_closing_shuts_the_connections() -> None:
    """After close() the server has seen the end of the kept connection; warnings are errors here."""
    async with listening(replies(OK)) as (server, transport):
        await transport.send(post())
        assert not server.left.is_set()
        await transport.close()
        await asyncio.wait_for(server.left.wait(), FAR)


async def test_closing_twice_or_before_use_does_no_harm() -> None:
    """Shutdown may come at any time, and a closed transport opens again when it is used."""
    async with listening(replies(OK)) as (_, transport):
        await transport.close()
        assert (await transport.send(post())).status == 201
        await transport.close()
        await transport.close()
        assert (await transport.send(post())).status == 201
