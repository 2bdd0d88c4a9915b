"""What passes through the proxy arrives as it was sent and comes back as it was told; seen at the sockets."""

import asyncio
from pathlib import Path

import pytest

from support.upstream import OK, Upstream, answers, between, header


async def test_status_headers_and_bytes_come_back_as_they_were(tmp_path: Path) -> None:
    """Also twice the same header, a body that is compressed, its length, and a redirect that nobody follows."""
    told = (
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://192.0.2.1/v2/me\r\nX-RateLimit-Remaining-Default: 7\r\n"
        b"Link: a\r\nLink: b\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nX-Hop: 1\r\n"
        b"Connection: X-Hop\r\n\r\n\x1f\x8b\x00\xff"
    )

    async def redirects(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upstream.one_request(reader)
        writer.write(told)

    async with between(tmp_path, redirects) as one:
        head, _, body = (await one.get("/v2/me")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 307")
        assert body == b"\x1f\x8b\x00\xff"
        lines = head.lower().split(b"\r\n")
        for line in (b"location: http://192.0.2.1/v2/me", b"x-ratelimit-remaining-default: 7", b"content-length: 4"):
            assert line in lines
        assert [line for line in lines if line.startswith(b"link")] == [b"link: a", b"link: b"]
        assert b"x-hop: 1" not in lines
        assert not any(line.startswith(b"transfer-encoding") for line in lines)


async def test_a_request_arrives_as_it_was_sent(tmp_path: Path) -> None:
    """Path and query letter by letter, the body with its length; not the cookies of our own pages."""
    async with between(tmp_path, answers) as one:
        body = '{"a": "ü"}'.encode()
        await one.get("/v2/x%2Fy;z?a=%20+b&&c", "PATCH", "Cookie: __Host-einmal=1", "X-Own: 1", "X-Own: 2", body=body)
        (arrived,) = one.upstream.requests
        assert arrived.startswith(b"PATCH /v2/x%2Fy;z?a=%20+b&&c HTTP/1.1\r\n")
        assert arrived.endswith(b"\r\n\r\n" + body)
        assert header(arrived, b"content-length") == str(len(body)).encode()
        assert arrived.lower().count(b"x-own:") == 2
        assert b"cookie" not in arrived.lower()


async def test_without_a_body_none_is_sent(tmp_path: Path) -> None:
    """A chunked nothing is a body to some servers."""
    async with between(tmp_path, answers) as one:
        for method in ("GET", "DELETE", "OPTIONS", "POST"):
            await one.get("/v2/me", method)
        assert not any(b"transfer-encoding" in arrived.lower() for arrived in one.upstream.requests)
        assert len(one.upstream.requests) == 4


async def test_a_head_request_is_told_the_length_and_nothing_more(tmp_path: Path) -> None:
    async def head_only(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upstream.one_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4711\r\n\r\n")

    async with between(tmp_path, head_only) as one:
        head, _, body = (await one.get("/v2/me", "HEAD")).partition(b"\r\n\r\n")
        assert b"content-length: 4711" in head.lower()
        assert body == b""


@pytest.mark.parametrize("framing", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_an_answer_that_breaks_off_does_not_look_whole(tmp_path: Path, framing: bytes, version: str) -> None:
    """Nobody may take half a list for the list. Who speaks HTTP/1.0 is told the length, where there is one."""

    async def breaks_off(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upstream.one_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n5\r\n[1,2,")

    async with between(tmp_path, breaks_off) as one:
        told = await one.ask(f"GET /v2/bookings HTTP/{version}\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head, _, body = told.lower().partition(b"\r\n\r\n")
        if b"Content-Length" in framing:
            assert b"content-length: 1000" in head
            assert len(body) < 1000
        elif version == "1.1":
            assert not body.endswith(b"0\r\n\r\n")


async def test_an_answer_comes_piece_by_piece(tmp_path: Path) -> None:
    """The first piece is there while the second is not yet written."""
    goes_on = asyncio.Event()

    async def slowly(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upstream.one_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await goes_on.wait()
        writer.write(b"cd")

    async with between(tmp_path, slowly) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(b"GET /v2/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        try:
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\nab"), 20)).startswith(b"HTTP/1.1 200")
            goes_on.set()
            assert await asyncio.wait_for(reader.read(), 20) == b"cd"
        finally:
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize(("method", "times"), [("PUT", 2), ("POST", 1)])
async def test_over_a_dead_connection_nothing_is_sent_twice_but_what_may_be(
    tmp_path: Path, method: str, times: int
) -> None:
    """A kept connection that dies under a request: a POST is in doubt, and what is sent again is whole again."""
    connections = 0

    async def dies(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        first = connections == 1
        await upstream.one_request(reader)
        writer.write(OK)
        await writer.drain()
        if first:
            await upstream.one_request(reader)

    async with between(tmp_path, dies) as one:
        await one.get("/v2/me")
        told = await one.get("/v2/me", method, "Content-Type: application/json", body=b'{"a":1}')
        assert told.startswith(b"HTTP/1.1 200" if times == 2 else b"HTTP/1.1 504")
        again = one.upstream.requests[1:]
        assert len(again) == times
        assert all(request.endswith(b'\r\n\r\n{"a":1}') for request in again)


async def test_a_body_without_end_is_refused(tmp_path: Path) -> None:
    async def swallows(_: Upstream, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(0x10000):
            pass

    async with between(tmp_path, swallows) as one:
        piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        head = b"POST /v2/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)

        async def endlessly() -> None:
            writer.write(head)
            while True:
                writer.write(piece)
                await writer.drain()

        sending = asyncio.create_task(endlessly())
        try:
            assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 413")
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            writer.close()


async def test_where_nobody_listens_nothing_was_sent(tmp_path: Path) -> None:
    async def nobody(_: Upstream, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with between(tmp_path, nobody) as one:
        assert (await one.get("/v2/me", "POST")).startswith(b"HTTP/1.1 504")


@pytest.mark.parametrize("target", ["//192.0.2.1/v2/me", "/v2@192.0.2.1/me", "/V2/me"])
async def test_a_client_cannot_say_where_its_request_goes(tmp_path: Path, target: str) -> None:
    async with between(tmp_path, answers) as one:
        assert (await one.get(target)).startswith(b"HTTP/1.1 404")
        assert one.upstream.requests == []


async def test_a_target_with_another_host_in_it_goes_where_every_other_goes(tmp_path: Path) -> None:
    async with between(tmp_path, answers) as one:
        await one.get("http://192.0.2.1/v2/me")
        assert [arrived.split(b"\r\n")[0] for arrived in one.upstream.requests] == [b"GET /v2/me HTTP/1.1"]
