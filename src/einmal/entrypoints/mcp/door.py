"""Streamable HTTP: who may come in, and from where. What passes is the SDK's affair."""

import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from einmal.adapters.strict_json import BadEnvelope, json_object
from einmal.adapters.telemetry.logs import channel
from einmal.domain.facts import Refused
from einmal.entrypoints.http.door import (
    BODY_BYTES_MAX,
    ClientLeft,
    Refusal,
    from_this_machine,
    header,
    read_body,
    refuse_guessers,
    send_json,
    visitor_of,
)
from einmal.entrypoints.http.secret_check import bearer
from einmal.settings import Secret
from einmal.wiring import Gateway

PATH: Final = "/mcp"

SESSIONS_MAX: Final = 1000

_METHODS: Final = ("POST", "DELETE")

_NOT_ALLOWED: Final = Response(status_code=405, headers={"Allow": ", ".join(_METHODS)})
"""GET would open a stream for what a server says unasked. Nothing is said here, and open streams delay its end."""


@asynccontextmanager
async def opened(gateway: Gateway, server: Server[Any]) -> AsyncIterator[ASGIApp]:
    """The application, for as long as this is open.

    The SDK's own check of Host and Origin is left out: it knows lists of names, ours knows where we listen.
    """
    sessions = StreamableHTTPSessionManager(
        server, json_response=True, max_request_body_size=BODY_BYTES_MAX, max_sessions=SESSIONS_MAX
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            admit(scope, gateway)
            receive = await _strictly(scope, receive) if scope["method"] == "POST" else receive
        except ClientLeft:
            return
        except Refusal as refusal:
            channel("http").warning("refused", extra={"fields": {"status": refusal.status, "error": refusal.error}})
            gateway.observer.observe((Refused(gateway.clock.now(), "mcp", refusal.error),))
            await send_json(send, refusal.status, refusal.body, refusal.headers)
        else:
            inner = sessions.handle_request if scope["method"] in _METHODS else _NOT_ALLOWED
            await inner(scope, receive, send)

    async with sessions.run():
        yield app


async def _strictly(scope: Scope, receive: Receive) -> Receive:
    """The body read and found to be what every reader reads alike, to be read again. Raises Refusal or ClientLeft.

    The SDK's own reader takes the last of two equal keys, and tells what it cannot read by quoting it.
    """
    body = await read_body(scope, receive)
    try:
        json_object(body)
    except BadEnvelope as wrong:
        raise Refusal(400, "not_json", str(wrong.args[0])) from None
    read = False

    async def again() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def admit(scope: Scope, gateway: Gateway) -> None:
    """Raises Refusal for whoever has not the secret, and for a page of some other site, whatever it has."""
    if scope["path"] != PATH:
        raise Refusal(404, "not_found", f"there is no such path; MCP is served at {PATH}")
    _check_origin(scope)
    secrets = gateway.settings.mcp_secret
    if secrets:
        guesses, who, now = gateway.limits.guesses, visitor_of(scope), gateway.clock.monotonic()
        refuse_guessers(guesses, who, now)
        try:
            _check_secret(scope, secrets)
        except Refusal as refusal:
            if refusal.error == "secret_wrong":
                guesses.begin(who, now)
            raise
        guesses.right(who, now)
    elif not (gateway.tenancies.keyless and gateway.settings.loopback and from_this_machine(scope)):
        raise Refusal(401, "no_secret_set", "set EINMAL_MCP_SECRET: without it nothing comes in here")


def _check_secret(scope: Scope, secrets: Sequence[Secret]) -> None:
    given = bearer(header(scope, b"authorization"))
    if given is None:
        raise Refusal(401, "secret_missing", "send EINMAL_MCP_SECRET as 'Authorization: Bearer ...'")
    # Every secret is compared, whatever the first says: the time taken tells nothing.
    same = [one for one in secrets if hmac.compare_digest(given.encode("latin-1"), one.reveal().encode())]
    if not same:
        raise Refusal(401, "secret_wrong", "the bearer token is none of those of EINMAL_MCP_SECRET")


def _check_origin(scope: Scope) -> None:
    """A browser tells from which site a request comes; programs tell nothing. Ours has no pages that would ask."""
    if not any(name == b"origin" for name, _ in scope["headers"]):
        return
    try:
        origin = urlsplit(header(scope, b"origin") or "").netloc
    except ValueError:
        origin = ""
    if not origin or origin != header(scope, b"host"):
        raise Refusal(403, "foreign_origin", "requests of pages are taken from this server's own origin only")
