"""The simulated Cal.com as an ASGI application, for a real server or a transport inside the process.

A raw application, without a framework: one route table is enough, and that is in `wire`.
"""

import asyncio
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from einmal.simulator.wire import SimulatedCalcom, WireAnswer

# Far above any honest booking; it bounds what one careless client can make this process hold.
_BODY_BYTES_MAX = 1024 * 1024

_TOO_LARGE = WireAnswer(
    413,
    {"Content-Type": "application/json; charset=utf-8", "Connection": "close"},
    b'{"statusCode":413,"message":"request entity too large"}',
)


def simulator_app(calcom: SimulatedCalcom, *, latency_seconds: float = 0.0) -> ASGIApp:
    """An ASGI application in front of `calcom`.

    The latency comes after the work: as with the real one, a client that gives up waiting has booked all the
    same.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        if scope["type"] != "http":
            return
        body = await _read(receive)
        if body is None:
            return  # the client went away before it had asked for anything
        answer = _TOO_LARGE if len(body) > _BODY_BYTES_MAX else _answer(calcom, scope, body)
        if latency_seconds > 0:
            await asyncio.sleep(latency_seconds)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return app


def _answer(calcom: SimulatedCalcom, scope: Scope, body: bytes) -> WireAnswer:
    path = (scope.get("raw_path") or quote(scope["path"]).encode("latin-1")).decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    target = f"{path}?{query}" if query else path
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return calcom.handle(scope["method"], target, headers, body)


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or a little more than is allowed of it."""
    body = bytearray()
    while len(body) <= _BODY_BYTES_MAX:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
