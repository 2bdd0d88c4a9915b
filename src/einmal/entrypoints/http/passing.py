"""What passes through to Cal.com and back, piece by piece; what was kept of its answers; and errors in its own form."""

import math
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final

import aiohttp
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from einmal.adapters.calcom.client_request import NotUnderstood, error_body
from einmal.adapters.calcom.passing import PASSED_ON, CountedTransport
from einmal.adapters.calcom.relay import OF_ONE_HOP, NotRelayed
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, Transport, WireAnswer, WireRequest
from einmal.domain.facts import Refused
from einmal.entrypoints.http.door import ClientLeft, too_large
from einmal.flows.metered import Metered
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

BODY_MAX: Final = 20 * 1024 * 1024
AGAIN_SECONDS: Final = 5
READ_SECONDS: Final = 5.0


class Passing:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def forward(self, request: Request, tenancy: Tenancy | None, body: bytes | None = None) -> Response:
        """The request as it came, and the answer as it comes. Where its account is elsewhere, that is where it goes.

        `body`: all of it, where it has been read already.
        """
        scope, settings, now = request.scope, self._gateway.settings, self._gateway.clock.now()
        metered = self._metered(request)
        shut = None if metered is None else metered.admit()
        if shut is not None:
            self._gateway.observer.observe((Refused(now, "calcom", "request_budget"),))
            what = "what is left of this key's request budget is kept for bookings; nothing was sent"
            return later(request, 429, what, now, math.ceil((shut.until - now).total_seconds()))
        url = None if tenancy is None else tenancy.configuration.calcom_base_url
        query = scope["query_string"].decode("latin-1")
        target = scope.get("raw_path", request.url.path.encode()).decode("latin-1") + (f"?{query}" if query else "")
        arriving = _Arriving(request)
        try:
            answer, headers = await self._gateway.relay.send(
                url or settings.calcom_base_url,
                request.method,
                target,
                scope["headers"],
                arriving.pieces() if body is None else body,
            )
        except NotRelayed as failure:
            if arriving.why_not is not None:
                raise arriving.why_not from None
            status, what = (504, "it may have been done") if failure.args[0] else (502, "nothing was sent")
            return error(request, status, f"Cal.com did not answer; {what}", now)
        response = StreamingResponse(_pieces(answer), answer.status)
        response.raw_headers = headers
        return response

    def transport(self, request: Request, tenancy: Tenancy) -> Transport:
        """The tenant's, for what is read with the client's own headers; counted where its key is the tenant's."""
        metered, transport = self._metered(request), tenancy.proxied.transport
        return transport if metered is None else CountedTransport(transport, metered.count)

    def _metered(self, request: Request) -> Metered | None:
        """The account whose key its client has; None where it is nobody's here, and so nobody's here to count."""
        given = request.headers.getlist("authorization")
        scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        sharing = self._gateway.tenancies.sharing_calendar_key(key.strip()) if scheme.lower() == "bearer" else ()
        return sharing[0].proxied.metered if sharing else None

    async def shown(self, request: Request, tenancy: Tenancy, uid: str | None) -> WireAnswer | None:
        """The booking as Cal.com tells it now to whoever asks for it; None where it does not."""
        return None if uid is None else await self.read(request, tenancy, f"/v2/bookings/{uid}")

    async def read(self, request: Request, tenancy: Tenancy, target: str) -> WireAnswer | None:
        """What Cal.com tells now to whoever asks; None where it does not."""
        deadline = self._gateway.clock.monotonic() + READ_SECONDS
        wire = WireRequest("GET", target, headers_of(request), b"", deadline, deadline)
        try:
            answer = await self.transport(request, tenancy).send(wire)
        except (NeverSent, MaybeSent):
            return None
        return answer if answer.status == 200 else None


def headers_of(request: Request) -> Mapping[str, str]:
    """Those by which Cal.com decides, as its client sent them. Raises NotUnderstood where one came twice: what was
    looked at here may be the one, and what Cal.com reads the other."""
    sent = [(name, value) for name, value in request.headers.items() if name in PASSED_ON]
    headers = dict(sent)
    if len(headers) != len(sent):
        raise NotUnderstood(f"each of these headers must come once: {', '.join(PASSED_ON)}")
    return headers


_MADE_ANEW: Final = frozenset({"content-encoding", "content-type", "date", "set-cookie"}) | {
    name.decode() for name in OF_ONE_HOP
}
"""Of an answer that was read here, what the server says itself or what is true of other bytes."""


def as_it_came(answer: WireAnswer, status: int | None = None) -> Response:
    told = {name: value for name, value in answer.headers.items() if name not in _MADE_ANEW}
    media_type = answer.headers.get("content-type", "application/json")
    return Response(answer.body, status or answer.status, told, media_type)


def error(request: Request, status: int, message: str, now: datetime) -> Response:
    body = error_body(status, request.url.path, message, now)
    return Response(body, status, media_type="application/json")


def later(request: Request, status: int, message: str, now: datetime, seconds: int = AGAIN_SECONDS) -> Response:
    """For now: the same request again will do."""
    seconds = max(1, seconds)
    body = error_body(status, request.url.path, message, now, retryAfterSeconds=seconds)
    return Response(body, status, {"Retry-After": str(seconds)}, "application/json")


class _Arriving:
    """A body as it arrives. `why_not`: what ended it before its end."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.why_not: Exception | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Raises Refusal where it is larger than anything that Cal.com takes, ClientLeft where nobody waits."""
        size = 0
        while True:
            message = await self._request.receive()
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if message["type"] == "http.disconnect":
                self.why_not = ClientLeft()
            elif size > BODY_MAX:
                self.why_not = too_large(BODY_MAX)
            if self.why_not is not None:
                raise self.why_not
            if piece:
                yield piece
            if not message.get("more_body", False):
                return


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.content.iter_any():
            yield piece
    finally:
        answer.release()
