"""What operators and probes ask: health, readiness, and two counts that end-to-end tests rely on."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from einmal import __version__
from einmal.adapters.strict_json import BadEnvelope, json_object
from einmal.adapters.telemetry.metrics import CONTENT_TYPE
from einmal.entrypoints.http.door import Refusal, check_admin, read_body
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.wiring import Gateway

_NO_STORE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Inside:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def root(self, _request: Request) -> Response:
        return PlainTextResponse(
            f"Einmal {__version__}: one wish, one booking, and the caller hears the truth.\n"
            "POST /api/retell/collect-appointment books. GET /readyz tells whether the ledger can be written.\n",
            headers=_NO_STORE,
        )

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__}, headers=_NO_STORE)

    async def readyz(self, _request: Request) -> Response:
        try:
            ready = await self._gateway.ledger.ready()
        except (LedgerUnavailable, CommitUnknown):
            ready = False
        body = {"status": "ready" if ready else "ledger_unavailable"}
        return JSONResponse(body, 200 if ready else 503, headers=_NO_STORE)

    async def metrics(self, request: Request) -> Response:
        self._check(request)
        return Response(await self._gateway.scraped(), headers=_NO_STORE, media_type=CONTENT_TYPE)

    async def appointments_count(self, request: Request) -> Response:
        self._check(request)
        customer = request.query_params.get("customer", "").strip()
        if not customer:
            raise Refusal(422, "customer_missing", "ask with ?customer=NAME")
        count = await self._gateway.ledger.appointments_count(self._tenant_id(request), customer)
        return JSONResponse({"count": count}, headers=_NO_STORE)

    async def appointments_verify(self, request: Request) -> Response:
        self._check(request)
        try:
            data: dict[str, Any] = json_object(await read_body(request.scope, request.receive))
        except BadEnvelope as wrong:
            raise Refusal(422, "bad_envelope", str(wrong.args[0])) from None
        booking_id = data.get("booking_id")
        if not isinstance(booking_id, str) or not booking_id:
            raise Refusal(422, "booking_id_missing", 'send {"booking_id": "UID"}')
        count = await self._gateway.ledger.bookings_count(self._tenant_id(request), booking_id)
        return JSONResponse({"count": count}, headers=_NO_STORE)

    def _tenant_id(self, request: Request) -> str:
        tenancies = self._gateway.tenancies
        named = request.query_params.get("tenant")
        if named is None and len(tenancies) == 1:
            return tenancies.sole.tenant.tenant_id
        if named is None or tenancies.get(named) is None:
            known = ", ".join(one.tenant.tenant_id for one in tenancies.all)
            raise Refusal(422, "tenant_missing", f"ask with ?tenant=ID; there are {known}")
        return named

    def _check(self, request: Request) -> None:
        gateway, settings = self._gateway, self._gateway.settings
        now, guesses = gateway.clock.monotonic(), gateway.limits.guesses
        check_admin(request.scope, settings.admin_token, loopback=settings.loopback, guesses=guesses, now=now)
