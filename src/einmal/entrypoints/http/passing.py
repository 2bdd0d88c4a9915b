"""What passes through to Cal.com and back, piece by piece; and errors in Cal.com's own form."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import aiohttp
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from einmal.adapters.calcom.client_request import error_body
from einmal.adapters.calcom.relay import NotRelayed
from einmal.entrypoints.http.door import ClientLeft, too_large
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

BODY_MAX: Final = 20 * 1024 * 1024
PIECE: Final = 64 * 1024
AGAIN_SECONDS: Final = 5


class Passing:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def forward(self, request: Request, tenancy: Tenancy | None) -> Response:
        """The request as it came, and the answer as it comes. Where its account is elsewhere, that is where it goes."""
        scope, settings = request.scope, self._gateway.settings
        url = None if tenancy is None else tenancy.configuration.calcom_base_url
        query = scope["query_string"].decode("latin-1")
        target = scope.get("raw_path", request.url.path.encode()).decode("latin-1") + (f"?{query}" if query else "")
        try:
            answer, headers = await self._gateway.relay.send(
                url or settings.calcom_base_url, request.method, target, scope["headers"], _bounded(request)
            )
        except NotRelayed as failure:
            status, what = (504, "it may have been done") if failure.args[0] else (502, "nothing was sent")
            return error(request, status, f"Cal.com did not answer; {what}", self._gateway.clock.now())
        response = StreamingResponse(_pieces(answer), answer.status)
        response.raw_headers = headers
        return response


def error(request: Request, status: int, message: str, now: datetime) -> Response:
    body = error_body(status, request.url.path, message, now)
    return Response(body, status, media_type="application/json")


def later(request: Request, status: int, message: str, now: datetime) -> Response:
    """For now: the same request again will do."""
    body = error_body(status, request.url.path, message, now, retryAfterSeconds=AGAIN_SECONDS)
    return Response(body, status, {"Retry-After": str(AGAIN_SECONDS)}, "application/json")


async def _bounded(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises Refusal where it is larger than anything that Cal.com takes."""
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > BODY_MAX:
            raise too_large()
        if piece:
            yield piece
        if not message.get("more_body", False):
            return


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.content.iter_chunked(PIECE):
            yield piece
    finally:
        answer.release()
