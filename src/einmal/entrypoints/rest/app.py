"""The routes of /v1, each of its own declaration: who asks is checked, what is asked is read, the answer is told."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from einmal.adapters.functions.names import BACKSTOP_SECONDS
from einmal.adapters.rest import operations
from einmal.adapters.rest.openapi import document
from einmal.adapters.rest.operations import OPERATIONS, Operation
from einmal.adapters.rest.problems import BY_SLUG, MEDIA_TYPE, Kind, Problem, encoded
from einmal.adapters.rest.shown import Shown, Teller
from einmal.adapters.telemetry.logs import channel
from einmal.domain.facts import Refused, Served
from einmal.domain.reply import Outcome, Reply, Why
from einmal.entrypoints.http.door import ClientLeft
from einmal.entrypoints.rest.asked import Asked, understood
from einmal.entrypoints.rest.bookings import Bookings
from einmal.entrypoints.rest.clients import Clients
from einmal.entrypoints.rest.offering import Offering
from einmal.entrypoints.rest.once import Work, answered_before, once
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.journal import FunctionCalled
from einmal.wiring import Gateway

ADAPTER: Final = "rest"
PREFIX: Final = "/v1"
READ_SECONDS: Final = 4.0

_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LATE: Final = {
    operations.BOOK: Reply(Outcome.IN_DOUBT, Why.UNPROMISED),
    operations.CANCEL: Reply(Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED),
    operations.MOVE: Reply(Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED),
}
"""What is true of a request that its own flow does not answer in time: not yes, not no."""

Reads = Callable[[Asked], Awaitable[Shown]]
Prepares = Callable[[Asked], Awaitable[Work]]
"""Checks what was asked and returns what carries it out: a mistake in it uses no key up."""


def rest_routes(gateway: Gateway) -> list[BaseRoute]:
    """To be given to the application beside its own."""
    rest = Rest(gateway)
    by_path: dict[str, dict[str, Operation]] = {}
    for one in OPERATIONS:
        by_path.setdefault(one.path.removeprefix(PREFIX), {})[one.method] = one
    routes = [Route(path, rest.endpoint(ways), methods=list(ways)) for path, ways in by_path.items()]
    handlers = {Problem: _problem, HTTPException: _of_the_router, Exception: _broken}
    app = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]
    app.router.redirect_slashes = False
    return [Mount(PREFIX, app)]


@dataclass(frozen=True, slots=True)
class Rest:
    gateway: Gateway
    clients: Clients = field(init=False)
    _reads: Mapping[Operation, Reads] = field(init=False)
    _changes: Mapping[Operation, Prepares] = field(init=False)
    _document: str = field(init=False)

    def __post_init__(self) -> None:
        bookings, offering = Bookings(self.gateway), Offering(self.gateway)
        reads = {
            operations.LIST: bookings.page,
            operations.READ: bookings.read,
            operations.AVAILABILITY: offering.slots,
            operations.SERVICES: offering.services,
            operations.RELEASE: offering.release,
        }
        changes = {
            operations.BOOK: bookings.book,
            operations.CANCEL: bookings.cancel,
            operations.MOVE: bookings.move,
            operations.HOLD: offering.hold,
        }
        for name, value in (
            ("clients", Clients(self.gateway)),
            ("_reads", reads),
            ("_changes", changes),
            ("_document", encoded(document())),
        ):
            object.__setattr__(self, name, value)

    def endpoint(self, ways: Mapping[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
        """Of one path, by method."""

        async def answer(request: Request) -> Response:
            operation = ways["GET" if request.method == "HEAD" else request.method]
            return await self._answer(operation, request)

        return answer

    async def _answer(self, operation: Operation, request: Request) -> Response:
        if operation.scope is None:
            return self._open(operation, request)
        gateway = self.gateway
        began = gateway.clock.monotonic()
        try:
            client = self.clients.admit(request, operation.scope)
            asked = await understood(request, operation, client, gateway.clock.now())
        except ClientLeft:
            return Response(status_code=400)
        except Problem as problem:
            slug, status = problem.kind.slug, problem.kind.status
            channel("http").warning("refused", extra={"fields": {"status": status, "error": slug}})
            gateway.observer.observe((Refused(gateway.clock.now(), ADAPTER, slug),))
            return _told(problem)
        try:
            shown = await self._shown(operation, asked)
        except Problem as problem:
            shown = _of_problem(problem)
        except (LedgerUnavailable, CommitUnknown):
            told = Problem(Kind.UNAVAILABLE, "the ledger cannot be used just now", headers={"Retry-After": "5"})
            shown = _of_problem(told)
        except Exception:  # noqa: BLE001 - whoever asks is told what is true, whatever broke
            error_id = gateway.ids.time_ordered()
            channel("http").exception("/v1 failed", extra={"fields": {"error_id": error_id}})
            shown = _of_problem(Problem(Kind.BROKEN, more={"error_id": error_id}))
        self._noted(operation, asked, shown, gateway.clock.monotonic() - began)
        return _response(shown)

    def _open(self, operation: Operation, request: Request) -> Response:
        """What everybody may read."""
        if operation is operations.DOCUMENT:
            return Response(self._document, 200, _HEADERS, "application/json")
        kind = BY_SLUG.get(request.path_params["problem"])
        if kind is None:
            return _told(Problem(Kind.NOT_FOUND, f"there are {', '.join(BY_SLUG)}"))
        return Response(encoded(kind.page), 200, _HEADERS, "application/json")

    async def _shown(self, operation: Operation, asked: Asked) -> Shown:
        """Within the operation's time. What takes longer goes on by itself where it must, and is told as it is."""
        gateway = self.gateway
        if operation in self._reads:
            try:
                async with asyncio.timeout(READ_SECONDS):
                    return await self._reads[operation](asked)
            except TimeoutError:
                raise Problem(Kind.UNAVAILABLE, headers={"Retry-After": "5"}) from None
        budget = gateway.settings.reply_seconds + BACKSTOP_SECONDS
        try:
            work = await self._changes[operation](asked)
        except Problem as mistake:
            return await answered_before(asked, mistake, gateway.idempotency_keys, gateway.clock)

        async def in_time(begun_at: datetime | None) -> Shown:
            try:
                async with asyncio.timeout(budget):
                    return await work(begun_at)
            except TimeoutError:
                late = _LATE.get(operation)
                if late is None:
                    raise Problem(Kind.UNAVAILABLE, headers={"Retry-After": "5"}) from None
                channel("http").error("a flow outlasted its own budget", extra={"fields": {"function": operation.name}})
                return Teller(asked.tenant).answer(late, asked.tenancy.voice.sentence(late, gateway.clock.now()))

        return await once(asked, in_time, gateway.idempotency_keys, gateway.clock, budget)

    def _noted(self, operation: Operation, asked: Asked, shown: Shown, seconds: float) -> None:
        """What was asked and told is told to metrics; what may have changed something, to the journal as well."""
        gateway, now = self.gateway, self.gateway.clock.now()
        conversation_id = asked.values.get("conversation_id")
        served = Served(now, ADAPTER, operation.function, shown.outcome, seconds, conversation_id)
        gateway.observer.observe((served,))
        if shown.outcome in {"information", "replayed"}:
            return
        gateway.journal.note(
            FunctionCalled(
                served_id=gateway.ids.time_ordered(),
                tenant_id=asked.tenant.tenant_id,
                conversation_id=conversation_id,
                at=now,
                adapter=ADAPTER,
                function=operation.function,
                outcome=shown.outcome,
                heard=str(shown.body.get("message", f"HTTP {shown.status}")),
                elapsed=timedelta(seconds=seconds),
                error_id=shown.body.get("error_id"),
            )
        )


def _of_problem(problem: Problem) -> Shown:
    return Shown(problem.kind.status, problem.body, final=False, headers=problem.headers, outcome=problem.kind.slug)


def _told(problem: Problem) -> Response:
    return _response(_of_problem(problem))


def _response(shown: Shown) -> Response:
    headers = {**_HEADERS, **shown.headers}
    if shown.status == 204:
        return Response(None, 204, headers)
    media_type = MEDIA_TYPE if shown.is_problem else "application/json"
    return Response(encoded(shown.body), shown.status, headers, media_type)


async def _problem(_request: Request, problem: Problem) -> Response:
    return _told(problem)


async def _of_the_router(_request: Request, error: HTTPException) -> Response:
    kind = Kind.NOT_ALLOWED if error.status_code == 405 else Kind.NOT_FOUND
    return _told(Problem(kind, headers=dict(error.headers or {})))


async def _broken(_request: Request, _error: Exception) -> Response:
    return _told(Problem(Kind.BROKEN))
