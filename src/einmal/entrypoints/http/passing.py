"""What passes through to Cal.com and back, piece by piece; what was kept of its answers; and errors in its own form."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final

import aiohttp
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from einmal.adapters.calcom.client_request import error_body
from einmal.adapters.calcom.passing import PASSED_ON
from einmal.adapters.calcom.relay import OF_ONE_HOP, NotRelayed
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.entrypoints.http.door import ClientLeft, too_large
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

    async def shown(self, request: Request, tenancy: Tenancy, uid: str | None) -> WireAnswer | None:
        """The booking as Cal.com tells it now to whoever asks for it; None where it does not."""
        deadline = self._gateway.clock.monotonic() + READ_SECONDS
        wire = WireRequest("GET", f"/v2/bookings/{uid}", headers_of(request), b"", deadline, deadline)
        try:
            answer = None if uid is None else await tenancy.proxied.transport.send(wire)
        except (NeverSent, MaybeSent):
            return None
        return answer if answer is not None and answer.status == 200 else None


def headers_of(request: Request) -> Mapping[str, str]:
    """Those by which Cal.com decides, as its client sent them."""
    return {name: value for name, value in request.headers.items() if name in PASSED_ON}


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


def later(request: Request, status: int, message: str, now: datetime) -> Response:
    """For now: the same request again will do."""
    body = error_body(status, request.url.path, message, now, retryAfterSeconds=AGAIN_SECONDS)
    return Response(body, status, {"Retry-After": str(AGAIN_SECONDS)}, "application/json")


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
