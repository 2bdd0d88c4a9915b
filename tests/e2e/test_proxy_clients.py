"""Clients of every manner: they leave in the middle, read slowly, ask before they send, or want another protocol."""

import asyncio
import json
from pathlib import Path

import pytest

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from support.calcom_client import ASKED, Client, client
from support.notes import until
from support.upstream import Upstream, between

BODY = json.dumps(ASKED).encode()
MIB = 1024 * 1024


def _head(length: int, *more: str) -> bytes:
    lines = [
        *("POST /v2/bookings HTTP/1.1", "Host: 127.0.0.1", "Authorization: Bearer cal_test"),
        *("cal-api-version: 2024-08-13", f"Content-Length: {length}", *more),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _get(*more: str) -> bytes:
    lines = ["GET /v2/event-types HTTP/1.1", "Host: 127.0.0.1", "cal-api-version: 2024-06-14", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def _port(one: Client) -> int:
    return int(one.url.rpartition(":")[2])


async def test_a_client_that_leaves_while_it_is_booked_finds_its_booking(tmp_path: Path) -> None:
    """The request is on its way to Cal.com when its client hangs up. It ends in the ledger, nothing of it is left in
    memory, and the same request again is told of that booking."""
    async with client(tmp_path) as one:
        on_its_way, goes_on = asyncio.Event(), asyncio.Event()

        async def slow(request: WireRequest) -> WireAnswer:
            on_its_way.set()
            await goes_on.wait()
            return await one.here.tap.inner.send(request)

        one.here.tap.on_post = slow
        _, writer = await asyncio.open_connection("127.0.0.1", _port(one))
        writer.write(_head(len(BODY)) + BODY)
        await asyncio.wait_for(on_its_way.wait(), 20)
        writer.transport.abort()
        await asyncio.sleep(0)
        goes_on.set()
        await until(lambda: one.here.states() == ["confirmed"])
        passages = one.here.gateway.tenancies.sole.proxied.passages
        await until(lambda: not passages.under_way)
        status, told = await one.book()
        assert (status, told["data"]["uid"]) == (201, one.here.calendar.bookings[0].uid)
        assert len(one.here.tap.posts) == 1


async def test_a_client_that_leaves_before_its_request_is_whole_has_asked_for_nothing(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        _, writer = await asyncio.open_connection("127.0.0.1", _port(one))
        writer.write(_head(len(BODY)) + BODY[:-1])
        await writer.drain()
        writer.transport.abort()
        assert (await one.ask("GET", "/v2/event-types"))[0] == 200
        assert one.here.states() == []
        assert not one.here.gateway.tenancies.sole.proxied.passages.under_way


async def test_who_asks_before_it_sends_is_told_to_go_on(tmp_path: Path) -> None:
    """`Expect: 100-continue`, as curl sends it with a long body; and the connection serves the next request, too."""
    async with client(tmp_path) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(one))
        try:
            writer.write(_head(len(BODY), "Expect: 100-continue"))
            assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20) == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(BODY)
            first = await asyncio.wait_for(reader.readuntil(b'"status":"success"'), 20)
            assert first.startswith(b"HTTP/1.1 201")
            writer.write(_head(len(BODY), "Connection: close") + BODY)
            assert b"HTTP/1.1 201" in await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()
        assert one.live == 1


@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize("wanted", ["websocket", "h2c"])
async def test_who_wants_another_protocol_has_http_or_hears_why_not(tmp_path: Path, http: str, wanted: str) -> None:
    """No tunnel is opened. What has no body is answered as ever; a body is not read then, so it must come without."""
    async with client(tmp_path, http=http) as one:
        wishes = ("Connection: Upgrade", f"Upgrade: {wanted}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: a2V5")
        for head, body, status in ((_head(len(BODY), *wishes), BODY, b"400"), (_get(*wishes), b"", b"200")):
            reader, writer = await asyncio.open_connection("127.0.0.1", _port(one))
            try:
                writer.write(head + body)
                assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 " + status)
            finally:
                writer.close()
        assert one.here.states() == []


async def test_a_client_that_leaves_in_the_middle_of_an_answer_lets_go_of_cal_com(tmp_path: Path) -> None:
    """The connection behind it ends as well. Kept, it would be one of those for which others wait."""
    left = asyncio.Event()

    async def endless(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upstream.one_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 0x10000)
                await writer.drain()
        finally:
            left.set()

    async with between(tmp_path, endless) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(b"GET /v2/bookings HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await asyncio.wait_for(reader.readexactly(0x10000), 20)
        writer.transport.abort()
        await asyncio.wait_for(left.wait(), 20)


async def test_an_answer_waits_for_a_client_that_reads_slowly(tmp_path: Path) -> None:
    """It is not heaped up here: Cal.com's side is held up until its client goes on, and then all of it comes."""
    size, written, held_up = 64 * MIB, 0, asyncio.Event()

    async def large(upstream: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await upstream.one_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while written < size:
            writer.write(b"x" * 0x10000)
            written += 0x10000
            try:
                await asyncio.wait_for(asyncio.shield(drained := asyncio.ensure_future(writer.drain())), 1)
            except TimeoutError:
                held_up.set()
                await drained

    async with between(tmp_path, large) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        try:
            writer.write(b"GET /v2/bookings HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            assert head.startswith(b"HTTP/1.1 200")
            await asyncio.wait_for(held_up.wait(), 20)
            assert written < size
            assert len(await asyncio.wait_for(reader.readexactly(size), 60)) == size
        finally:
            writer.close()


async def test_a_large_body_arrives_whole(tmp_path: Path) -> None:
    """Of what passes, piece by piece; with its length, or in chunks where its client knew none."""
    sizes = []

    async def takes(_: Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"chunked" in head.lower():
            size = 0
            while length := int(await reader.readline(), 16):
                size += len(await reader.readexactly(length))
                await reader.readexactly(2)
        else:
            size = len(await reader.readexactly(19 * MIB))
        sizes.append(size)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async with between(tmp_path, takes) as one:
        body = b"x" * (19 * MIB)
        assert (await one.get("/v2/webhooks", "POST", body=body)).startswith(b"HTTP/1.1 200")
        chunks = b"".join(b"100000\r\n" + b"x" * MIB + b"\r\n" for _ in range(19)) + b"0\r\n\r\n"
        head = (
            b"POST /v2/webhooks HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        assert (await one.ask(head + chunks)).startswith(b"HTTP/1.1 200")
        assert sizes == [19 * MIB] * 2
