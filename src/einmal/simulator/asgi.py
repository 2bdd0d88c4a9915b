"""One HTTP request to an ASGI application, without a socket."""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message


@dataclass
class HttpAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    every_header: list[tuple[str, str]] = field(default_factory=list)

    def every(self, name: str) -> list[str]:
        """Of a header that may come several times."""
        return [value for one, value in self.every_header if one == name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def request(
    app: ASGIApp,
    method: str,
    target: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    chunks: int = 1,
    host: str = "127.0.0.1:8080",
) -> HttpAnswer:
    """`chunks` splits the body into that many messages."""
    path, _, query = target.partition("?")
    sent = {"host": host} | (headers or {})
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
        "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 50000),
    }
    size = max(1, -(-len(body) // chunks))
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    queue: list[Message] = [
        {"type": "http.request", "body": part, "more_body": n < len(parts) - 1} for n, part in enumerate(parts)
    ]
    answered: list[Message] = []

    async def receive() -> Message:
        return queue.pop(0) if queue else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answered.append(message)

    await app(scope, receive, send)
    start = answered[0]
    names = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    every = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
    return HttpAnswer(start["status"], names, b"".join(m.get("body", b"") for m in answered[1:]), every)
