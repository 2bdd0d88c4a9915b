"""`/v2/…`: Cal.com's own API, guarded. A client that books there today books here tomorrow, and changes its base URL.

Everything passes as it came, but for three requests: a booking, a cancellation and a move of one of ours. Those run
under the guard and are answered in Cal.com's own words; asked again, they are answered again, and done once.
"""

from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import Final, assert_never

from starlette.requests import Request
from starlette.responses import Response

from einmal.adapters.calcom.client_request import NotUnderstood
from einmal.domain.facts import Served
from einmal.entrypoints.http.door import Refusal, from_this_machine
from einmal.entrypoints.http.guarded_path import Book, Change, Refused, asked
from einmal.entrypoints.http.passing import Passing, error, later
from einmal.entrypoints.http.proxied_booking import SAME, Done, ProxiedBookings
from einmal.entrypoints.http.proxied_change import ProxiedChanges
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.journal import FunctionCalled
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Proxy:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._passing = Passing(gateway)
        self._bookings = ProxiedBookings(gateway, self._passing)
        self._changes = ProxiedChanges(gateway, self._passing, self._noted)

    async def endpoint(self, request: Request) -> Response:
        """The endpoint of every path below /v2."""
        settings = self._gateway.settings
        if not settings.proxy_open or (settings.proxy is None and not from_this_machine(request.scope)):
            return self._error(request, 404, "this gateway does not serve Cal.com's API; see EINMAL_PROXY")
        what = asked(request.method, request.scope["path"], {name for name, _ in request.scope["headers"]})
        if isinstance(what, Refused):
            return self._error(request, 400, what.why, {"connection": "close"})
        try:
            return await self._served(request, what)
        except NotUnderstood as wrong:
            return self._error(request, 400, f"{wrong}")
        except Refusal as wrong:
            return self._error(request, wrong.status, wrong.message)
        except (LedgerUnavailable, CommitUnknown):
            return self._later(request, 503, f"the ledger cannot be read just now, so nothing was sent; {SAME}")

    async def _served(self, request: Request, what: Book | Change | None) -> Response:
        tenancy = self._whose(request)
        if what is None:
            return await self._passing.forward(request, tenancy)
        if tenancy is None:
            return self._error(request, 401, _WHOSE)
        match what:
            case Book():
                return await self._noted(tenancy, "book", self._bookings.book(request, tenancy))
            case Change(uid, change):
                return await self._changes.change(request, tenancy, uid, change)
            case _ as unreachable:
                assert_never(unreachable)

    # Who and how

    def _whose(self, request: Request) -> Tenancy | None:
        """The tenant whose key the client has; the only one where a simulator takes any, or nobody needs one.

        Sent twice a key is nobody's: Cal.com may read the other one. Without any a client comes as to Cal.com itself,
        if this is a trial or somebody has opened it: behind a reverse proxy the world may look like this machine.
        """
        tenancies, settings = self._gateway.tenancies, self._gateway.settings
        given = request.headers.getlist("authorization")
        if len(given) > 1:
            return None
        keyless = not given and (settings.proxy is True or tenancies.keyless)
        if len(tenancies) == 1 and (settings.simulated or keyless):
            return tenancies.sole
        scheme, _, key = given[0].partition(" ") if given else ("", "", "")
        return tenancies.of_calendar_key(key.strip()) if scheme.lower() == "bearer" else None

    async def _noted(self, tenancy: Tenancy, function: str, work: Awaitable[Done]) -> Response:
        """The response; what it was is told to metrics and to the journal, as of every function call."""
        gateway = self._gateway
        began = gateway.clock.monotonic()
        done = await work
        now, seconds = gateway.clock.now(), gateway.clock.monotonic() - began
        outcome = done.reply.outcome.value
        gateway.observer.observe((Served(now, "calcom", function, outcome, seconds),))
        gateway.journal.note(
            FunctionCalled(
                served_id=gateway.ids.time_ordered(),
                tenant_id=tenancy.tenant.tenant_id,
                conversation_id=done.conversation_id,
                at=now,
                adapter="calcom",
                function=function,
                outcome=outcome,
                heard=f"HTTP {done.response.status_code}",
                elapsed=timedelta(seconds=seconds),
            )
        )
        return done.response

    def _error(self, request: Request, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
        response = error(request, status, message, self._gateway.clock.now())
        response.headers.update(headers or {})
        return response

    def _later(self, request: Request, status: int, message: str) -> Response:
        return later(request, status, message, self._gateway.clock.now())


_WHOSE: Final = (
    "this key is none of those that this gateway is configured with; a booking or a change comes with one "
    "'Authorization: Bearer ...', or, where there is one tenant and EINMAL_PROXY=true, with none"
)
