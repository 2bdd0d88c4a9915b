"""`/v2/…`: Cal.com's own API, guarded. A client that books there today books here tomorrow, and changes its base URL.

Everything passes as it came, but for three requests: a booking, a cancellation and a move of one of ours. Those run
under the guard and are answered in Cal.com's own words; asked again, they are answered again, and done once.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from einmal.adapters.calcom.client_request import NotUnderstood
from einmal.domain.facts import Served
from einmal.entrypoints.http.door import Refusal, from_this_machine
from einmal.entrypoints.http.passing import Passing, error, later
from einmal.entrypoints.http.proxied_booking import SAME, Done, ProxiedBookings
from einmal.entrypoints.http.proxied_change import ProxiedChanges
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.journal import FunctionCalled
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# Cal.com's server does not look at case here, whatever it makes of a uid's.
_BOOKINGS: Final = re.compile(r"/v2/bookings/?", re.IGNORECASE)
_OF_A_BOOKING: Final = re.compile(r"/v2/bookings/([A-Za-z0-9_-]{1,255})/(cancel|reschedule)/?", re.IGNORECASE)
_CROOKED: Final = re.compile(r"//|\\|/\.{1,2}(/|$)")
"""Servers before Cal.com's may make a straight path of it, and so another one than was looked at here."""


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
        if _CROOKED.search(request.scope["path"].rstrip("/")):
            return self._error(request, 400, "the path must be a plain one: no empty part, no dots alone, no backslash")
        try:
            return await self._served(request)
        except NotUnderstood as wrong:
            return self._error(request, 400, f"{wrong}")
        except Refusal as wrong:
            return self._error(request, wrong.status, wrong.message)
        except (LedgerUnavailable, CommitUnknown):
            return self._later(request, 503, f"the ledger cannot be read just now, so nothing was sent; {SAME}")

    async def _served(self, request: Request) -> Response:
        guarded, tenancy = self._guarded(request), self._whose(request)
        if guarded is None:
            return await self._passing.forward(request, tenancy)
        return self._error(request, 401, _WHOSE) if tenancy is None else await guarded(request, tenancy)

    def _guarded(self, request: Request) -> Callable[[Request, Tenancy], Awaitable[Response]] | None:
        """What guards this request; None for what passes."""
        path = request.scope["path"].rstrip("/")
        if request.method != "POST":
            return None
        if _BOOKINGS.fullmatch(path):
            return lambda of, tenancy: self._noted(tenancy, "book", self._bookings.book(of, tenancy))
        change = _OF_A_BOOKING.fullmatch(path)
        if change is None:
            return None
        uid, what = change[1], change[2].lower()
        return lambda of, tenancy: self._changes.change(of, tenancy, uid, what)

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

    def _error(self, request: Request, status: int, message: str) -> Response:
        return error(request, status, message, self._gateway.clock.now())

    def _later(self, request: Request, status: int, message: str) -> Response:
        return later(request, status, message, self._gateway.clock.now())


_WHOSE: Final = (
    "this key is none of those that this gateway is configured with; a booking or a change comes with one "
    "'Authorization: Bearer ...', or, where there is one tenant and EINMAL_PROXY=true, with none"
)
