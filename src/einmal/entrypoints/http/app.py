"""The ASGI application: routes and nothing else."""

from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from einmal.entrypoints.http.calcom import CalcomWebhooks
from einmal.entrypoints.http.calls import RetellWebhooks
from einmal.entrypoints.http.door import ClientLeft, Refusal
from einmal.entrypoints.http.elevenlabs import ElevenLabsTools, ElevenLabsWebhooks
from einmal.entrypoints.http.inside import Inside
from einmal.entrypoints.http.proxy import METHODS, Proxy
from einmal.entrypoints.http.retell import FunctionCalls, collect_appointment, function_call, named_functions
from einmal.entrypoints.http.vapi import VapiMessages
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.wiring import Gateway

_OF_CALCOM: Final = ("", "/booking-created", "/booking-cancelled")
"""One endpoint: what happened stands in the body, which is signed, and the path is not."""

BOOK: Final = "/api/retell/collect-appointment"


def create_app(gateway: Gateway, pages: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The application, with these pages for people. The gateway is opened and closed by whoever built it."""
    book = collect_appointment(gateway)
    rest = others(gateway, book, pages)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # The hot path needs no router and no layers of error handlers: it has an answer to everything of its own.
        if scope["type"] == "http" and scope["path"] == BOOK and scope["method"] == "POST":
            await book(scope, receive, send)
        else:
            await rest(scope, receive, send)

    return app


def create_inside(gateway: Gateway) -> ASGIApp:
    """What probes and Prometheus ask, of a process that takes no calls."""
    inside = Inside(gateway)
    probes = {"/healthz": inside.healthz, "/readyz": inside.readyz, "/metrics": inside.metrics}
    routes = [Route(path, endpoint, methods=["GET"]) for path, endpoint in probes.items()]
    return Starlette(routes=routes, exception_handlers=_HANDLERS)


def others(gateway: Gateway, book: FunctionCalls, pages: Sequence[BaseRoute]) -> Starlette:
    inside, webhooks, calcom = Inside(gateway), RetellWebhooks(gateway), CalcomWebhooks(gateway)
    routes = [
        Route(BOOK, book, methods=["POST"]),  # here it says which method it takes
        Route("/api/retell/function-call", function_call(gateway), methods=["POST"]),
        *(
            Route(f"/api/retell/{path}", endpoint, methods=["POST"])
            for path, endpoint in named_functions(gateway).items()
            if path != "collect-appointment"
        ),
        Route("/api/vapi/tool-calls", VapiMessages(gateway), methods=["POST"]),
        Route("/api/elevenlabs/{function}", ElevenLabsTools(gateway), methods=["POST"]),
        Route("/api/webhooks/elevenlabs", ElevenLabsWebhooks(gateway), methods=["POST"]),
        Route("/api/webhooks/retell", webhooks, methods=["POST"]),
        Route("/api/webhooks/retell/inbound", webhooks, methods=["POST"]),
        *(Route(f"/api/webhooks/calcom{path}", calcom, methods=["POST"]) for path in _OF_CALCOM),
        Route("/api/appointments/count", inside.appointments_count, methods=["GET"]),
        Route("/api/internal/appointments/verify", inside.appointments_verify, methods=["POST"]),
        Route("/healthz", inside.healthz, methods=["GET"]),
        Route("/readyz", inside.readyz, methods=["GET"]),
        Route("/metrics", inside.metrics, methods=["GET"]),
        Route("/v2/{path:path}", Proxy(gateway).endpoint, methods=list(METHODS)),
        *pages,
        Route("/", inside.root, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers=_HANDLERS)


_SHUT: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def _refused(_request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refusal):
        raise refusal
    return Response(refusal.body, refusal.status, {**_SHUT, **refusal.headers}, media_type="application/json")


async def _unavailable(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "ledger_unavailable", "message": "the ledger cannot be read just now"}, 503)


async def _nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "not_found", "message": "there is no such path; see the README"}, 404)


async def _not_allowed(_request: Request, error: Exception) -> Response:
    headers = getattr(error, "headers", None)
    message = "this path takes another method; see the Allow header"
    return JSONResponse({"error": "method_not_allowed", "message": message}, 405, headers)


async def _broken(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "internal", "message": "this was a bug of ours; the log has its place"}, 500)


_HANDLERS: Final = {
    Refusal: _refused,
    LedgerUnavailable: _unavailable,
    CommitUnknown: _unavailable,
    ClientLeft: _nobody,
    404: _not_found,
    405: _not_allowed,
    Exception: _broken,
}
