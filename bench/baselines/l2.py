"""L2: intent, POST, judgement, outcome on next to nothing. Raw ASGI, asyncpg by hand, a raw socket to the calendar.

As thin as one can write it in Python: an own pool of sixteen connections, last in first out, never reset; statements
held prepared; one statement a commit. It has no signature, log, limits, conflicts of other callers or recovery, so it
is a mark for what those may cost, and no product.
"""

import asyncio
import hashlib
import json
import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from baselines.shop import HEADERS, SAID, booking_request, start_of

INTENT = """
    INSERT INTO intents (intent_id, intent_key, call_id, name, phone, starts_at, state, deadline)
    VALUES ($1, $2, $3, $4, $5, $6, 'sent', $7) ON CONFLICT (intent_key) DO NOTHING RETURNING intent_id"""
OUTCOME = """
    WITH moved AS (
        UPDATE intents SET state = 'confirmed', booking_uid = $2 WHERE intent_id = $1 AND state = 'sent'
        RETURNING call_id, name, phone, starts_at)
    INSERT INTO appointments (booking_uid, call_id, name, phone, starts_at)
    SELECT $2, call_id, name, phone, starts_at FROM moved RETURNING appointment_id"""
BOOKED = json.dumps(SAID).encode()
IN_DOUBT = json.dumps({"success": False, "status": "in_doubt"}).encode()


class Pool:
    def __init__(self) -> None:
        self._idle: list[tuple[Any, Any, Any]] = []
        self._free = asyncio.Semaphore(16)

    async def open(self, url: str) -> None:
        for _ in range(16):
            session = await asyncpg.connect(url)
            self._idle.append((session, await session.prepare(INTENT), await session.prepare(OUTCOME)))

    async def run(self, which: int, *values: Any) -> Any:
        async with self._free:
            held = self._idle.pop()
            try:
                return await held[which].fetchval(*values)
            finally:
                self._idle.append(held)

    async def close(self) -> None:
        for session, _, _ in self._idle:
            await session.close()


class Wire(asyncio.Protocol):
    """One connection that stays open, one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._said, self._head, self._needed = b"", 0, 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        self._said, self._needed = b"", 0
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._said += data
        if not self._needed and (end := self._said.find(b"\r\n\r\n")) >= 0:
            self._head = end + 4
            at = self._said.lower().find(b"content-length:", 0, self._head)
            self._needed = self._head + int(self._said[at + 15 : self._said.find(b"\r\n", at)])
        if self._answer is not None and self._needed and len(self._said) >= self._needed:
            self._answer.set_result((int(self._said[9:12]), self._said[self._head :]))
            self._answer = None

    def connection_lost(self, _: Exception | None) -> None:
        if self._answer is not None:
            self._answer.set_exception(ConnectionError("the calendar hung up"))


class Calendar:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._idle = parts.hostname, parts.port, list[Wire]()
        lines = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        self._head = f"POST /v2/bookings HTTP/1.1\r\nHost: {parts.netloc}\r\n{lines}Content-Type: application/json\r\n"

    async def book(self, body: dict[str, Any]) -> tuple[int, bytes]:
        content = json.dumps(body).encode()
        request = f"{self._head}Content-Length: {len(content)}\r\n\r\n".encode() + content
        wire = self._idle.pop() if self._idle else None
        if wire is None or wire.transport.is_closing():
            _, wire = await asyncio.get_running_loop().create_connection(Wire, self._host, self._port)
        answer = await asyncio.wait_for(wire.ask(request), 10)
        self._idle.append(wire)
        return answer


pool = Pool()
calendar = Calendar(os.environ["CALENDAR_URL"])


def ours(booking: dict[str, Any], intent_id: str, start: datetime, asked_at: datetime) -> bool:
    """Owned, fresh, and what was asked for."""
    return (
        booking["metadata"].get("operation_id") == intent_id
        and asked_at - datetime.fromisoformat(booking["createdAt"]) < timedelta(seconds=30)
        and datetime.fromisoformat(booking["start"]) == start
        and booking["status"] == "accepted"
    )


async def book(body: bytes) -> bytes:
    asked = json.loads(body)
    args, call_id = asked["args"], asked["call"]["call_id"]
    start = start_of(args)
    # In the order of time, so that the index grows at its end.
    intent_id = f"{time.time_ns() // 1_000_000:012x}{uuid.uuid4().hex[:20]}"
    key = hashlib.sha256(f"{call_id} {args['telefon']} {start.isoformat()}".encode()).hexdigest()
    now = datetime.now(UTC)
    values = (intent_id, key, call_id, args["name"], args["telefon"], start, now + timedelta(seconds=12))
    if await pool.run(1, *values) is None:
        return IN_DOUBT
    status, said = await calendar.book(booking_request(args, start, {"operation_id": intent_id}))
    booking = json.loads(said)["data"] if status == 201 else None
    if booking is None or not ours(booking, intent_id, start, now):
        return IN_DOUBT
    return BOOKED if await pool.run(2, intent_id, booking["uid"]) else IN_DOUBT


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await pool.open(os.environ["DATABASE_URL"])
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    status, answer = 404, b"{}"
    if scope["method"] == "POST":
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        status, answer = 200, await book(body)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
