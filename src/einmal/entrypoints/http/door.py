"""What every request passes first: a bounded body, and who may come in."""

import hmac
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from einmal.adapters.retell.signature import SignatureCheck, check_signature
from einmal.edge.guesses import HERE, Guesses
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
    wait_seconds: float = 0.0
    """Until it may be tried again, where that is known."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(ceil(self.wait_seconds))} if self.wait_seconds else {}

    @property
    def body(self) -> bytes:
        return json.dumps({"error": self.error, "message": self.message}, ensure_ascii=False).encode()


_DIGITS = re.compile(r"[0-9]+")


def too_large(most: int = BODY_BYTES_MAX) -> Refusal:
    return Refusal(413, "too_large", f"the body may have at most {most} bytes")


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises Refusal (413) as soon as that is known, ClientLeft when nobody waits any more."""
    length = header(scope, b"content-length")
    if length is not None and _DIGITS.fullmatch(length) and (len(length) > 12 or int(length) > BODY_BYTES_MAX):
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


_FROM_ELSEWHERE: Final = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})
"""A reverse proxy says so, whatever Host it sends on."""


def from_this_machine(scope: Scope) -> bool:
    """Whether the request was addressed to loopback by a program, not by a page of some other site.

    Bound to loopback is not enough: a reverse proxy brings the world in, and a browser on this machine
    sends what any page tells it to. The Host header names the first, Origin the second.
    """
    names = {key for key, _ in scope["headers"]}
    if names & _FROM_ELSEWHERE:
        return False
    try:
        host = urlsplit(f"//{header(scope, b'host') or ''}").hostname
        origin = urlsplit(header(scope, b"origin") or "").netloc
    except ValueError:
        return False
    if host is None or not is_loopback(host):
        return False
    # A page of ours that asks for no referrer sends a form without its origin; where it comes from the browser says.
    ours = header(scope, b"origin") == "null" and header(scope, b"sec-fetch-site") == "same-origin"
    return b"origin" not in names or ours or origin == header(scope, b"host")


def visitor_of(scope: Scope) -> str:
    """Who is throttled together: one address; behind a proxy the one that the proxy names, if it names any.

    Nothing else may hang on it, for whoever has no proxy before them can name any. IPv6 is counted by networks: a
    house has as many addresses as it likes. A program on this machine is nobody whom a proxy brings.
    """
    client = scope.get("client")
    peer = "" if client is None else _network(str(client[0]))
    forwarded = header(scope, b"x-forwarded-for") or header(scope, b"forwarded") or header(scope, b"x-real-ip") or ""
    last = forwarded.rpartition(",")[2].strip()[:64]
    return f"{peer} {last and _network(last)} {HERE if from_this_machine(scope) else ''}"


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(_PORT.sub(r"\1\2", address))
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped  # as proxies that listen to both write all of IPv4: one network would be everybody
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


_PORT: Final = re.compile(r"^(?:\[([0-9a-fA-F:.]+)\](?::\d+)?|([0-9.]+):\d+)$", re.ASCII)
"""Some proxies name the visitor's port as well, which is another with each connection."""


def refuse_guessers(guesses: Guesses, who: str, now: float) -> None:
    """Raises Refusal for a visitor who has been wrong too often, before anything of theirs is compared."""
    wait = guesses.wait_seconds(who, now)
    if wait > 0:
        told = "too many wrong secrets came from there; wait, then send the right one"
        raise Refusal(429, "too_many_guesses", told, wait)


_SIGNATURE_MESSAGES: Final = {
    SignatureCheck.MISSING: "the header X-Retell-Signature is missing",
    SignatureCheck.MALFORMED: "X-Retell-Signature must be v=<milliseconds>,d=<64 hex digits>",
    SignatureCheck.EXPIRED: "the signature's time is too far from now; check both clocks",
    SignatureCheck.WRONG: "the signature does not fit the body; check the tenant's Retell key (EINMAL_RETELL_API_KEY)",
}


def check_signed(scope: Scope, body: bytes, keys: Sequence[str], now: datetime, *, loopback: bool) -> str | None:
    """The key that signed it; None where no key is set and unsigned requests may come in. Raises Refusal."""
    if not keys:
        if loopback and from_this_machine(scope):
            return None
        raise Refusal(
            401,
            "unsigned",
            "set EINMAL_RETELL_API_KEY: unsigned calls are taken on loopback only, and only where no key is set",
        )
    now_ms = int(now.timestamp() * 1000)
    signed = check_signature(header(scope, b"x-retell-signature"), body, keys, now_ms)
    if signed.check is not SignatureCheck.VALID:
        raise Refusal(401, f"signature_{signed.check}", _SIGNATURE_MESSAGES[signed.check])
    return signed.key


def check_admin(
    scope: Scope, token: Secret | None, *, loopback: bool, guesses: Guesses | None = None, now: float = 0.0
) -> None:
    """Raises Refusal unless the bearer token is right, or none is set and we are on loopback.

    `guesses`: who has been wrong before; `now` is monotonic.
    """
    if token is None:
        if loopback and from_this_machine(scope):
            return
        raise Refusal(401, "token_missing", "set EINMAL_ADMIN_TOKEN and send it as 'Authorization: Bearer ...'")
    guesses, who = guesses or Guesses(), visitor_of(scope)
    refuse_guessers(guesses, who, now)
    given = (header(scope, b"authorization") or "").partition("Bearer ")[2]
    if not hmac.compare_digest(given.encode(), token.reveal().encode()):
        if given:
            guesses.begin(who, now)
        raise Refusal(401, "token_wrong", "send the admin token as 'Authorization: Bearer ...'")
    guesses.right(who, now)


async def send_json(send: Send, status: int, body: bytes, more: Mapping[str, str] | None = None) -> None:
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *((name.lower().encode(), value.encode()) for name, value in (more or {}).items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
