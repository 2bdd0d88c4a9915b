"""What every request passes first: a bounded body, and who may come in."""

import hmac
import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from einmal.settings import Secret, is_loopback

BODY_BYTES_MAX: Final = 2 * 1024 * 1024


class ClientLeft(Exception):
    """The client went away before its request was whole."""


@dataclass(eq=False)
class Refusal(Exception):
    """An answer that is no business outcome. `message` says what was wrong and what is allowed."""

    status: int
    error: str
    message: str

    @property
    def body(self) -> bytes:
        return json.dumps({"error": self.error, "message": self.message}, ensure_ascii=False).encode()


def too_large() -> Refusal:
    return Refusal(413, "too_large", f"the body may have at most {BODY_BYTES_MAX} bytes")


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises Refusal (413) as soon as that is known, ClientLeft when nobody waits any more."""
    length = header(scope, b"content-length")
    if length is not None and length.isdigit() and int(length) > BODY_BYTES_MAX:
        raise too_large()
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise too_large()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def header(scope: Scope, name: bytes) -> str | None:
    """The header's value. Sent twice, it is as good as not sent: two parties may read different ones."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def from_this_machine(scope: Scope) -> bool:
    """Whether the request was addressed to loopback by a program, not by a page of some other site.

    Bound to loopback is not enough: a reverse proxy brings the world in, and a browser on this machine
    sends what any page tells it to. The Host header names the first, Origin the second.
    """
    host = urlsplit(f"//{header(scope, b'host') or ''}").hostname
    if host is None or not is_loopback(host):
        return False
    origin = header(scope, b"origin")
    if origin is None:
        return not any(key == b"origin" for key, _ in scope["headers"])
    return urlsplit(origin).netloc == header(scope, b"host")


def check_admin(scope: Scope, token: Secret | None, *, loopback: bool) -> None:
    """Raises Refusal unless the bearer token is right, or none is set and we are on loopback."""
    if token is None:
        if loopback and from_this_machine(scope):
            return
        raise Refusal(401, "token_missing", "set EINMAL_ADMIN_TOKEN and send it as 'Authorization: Bearer ...'")
    given = (header(scope, b"authorization") or "").partition("Bearer ")[2]
    if not hmac.compare_digest(given.encode(), token.reveal().encode()):
        raise Refusal(401, "token_wrong", "send the admin token as 'Authorization: Bearer ...'")


async def send_json(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
