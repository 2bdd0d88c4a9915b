"""`POST /api/webhooks/retell`: what the platform tells of a call, and what it asks while the call still rings.

Signed as function calls are, and whose it is is told in the same way. One endpoint for every event, whichever URL it
comes to: the signature covers no URL. What could not be written is answered with 503, so that the platform sends it
again; what nobody here can use is acknowledged, so that it does not.
"""

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from einmal.adapters.retell.signature import identity
from einmal.adapters.retell.webhooks import Event, Webhook, read_webhook
from einmal.adapters.strict_json import BadEnvelope
from einmal.adapters.telemetry.logs import channel
from einmal.domain.facts import Noticed
from einmal.entrypoints.http.door import ClientLeft, Refusal, check_signed, header, read_body, send_json
from einmal.entrypoints.http.informing import line_is_known
from einmal.flows.calls import news_data
from einmal.ports import CallNews, CommitUnknown, LedgerUnavailable, Notice, Received, Source
from einmal.speech.information import Told, tell_context
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

TELLING_SECONDS: Final = 5.0
"""Retell waits ten seconds for an answer to an event, and tells it again. Telling it twice does no harm."""

WORKER_AFTER: Final = timedelta(seconds=6)
"""When the worker takes it up that could not be handled as it came."""

INBOUND_SECONDS: Final = 1.5
"""Somebody hears it ring meanwhile. Whose line it is, is left open if the ledger takes longer."""

_KNOWN: Final = {True: "yes", False: "no", None: "unknown"}


class RetellWebhooks:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive)
            gateway = self._gateway
            now, loopback = gateway.clock.now(), gateway.settings.loopback
            key = check_signed(
                scope, body, gateway.tenancies.keys, now, loopback=loopback and gateway.tenancies.keyless
            )
            signed = None if key is None else identity(header(scope, b"x-retell-signature"))

            async def told() -> tuple[bytes, bool]:
                return json.dumps(await self.answer(body, key), ensure_ascii=False).encode(), True

            replays, monotonic = gateway.limits.replays, gateway.clock.monotonic()
            answer = (await told())[0] if signed is None else await replays.once(signed, monotonic, told)
        except ClientLeft:
            return
        except Refusal as refusal:
            channel("http").warning("refused", extra={"fields": {"status": refusal.status, "error": refusal.error}})
            self._noticed(refusal.error)
            await send_json(send, refusal.status, refusal.body)
        else:
            self._noticed("received")
            await send_json(send, 200, answer)

    async def answer(self, body: bytes, key: str | None = None) -> dict[str, Any]:
        """The answer to an authenticated body; `key` signed it. Raises Refusal."""
        gateway = self._gateway
        try:
            webhook = read_webhook(body, gateway.clock.now())
        except BadEnvelope as wrong:
            raise Refusal(422, "bad_envelope", str(wrong.args[0])) from None
        if webhook is None:
            return {"status": "ignored"}
        call = webhook.call
        tenancy = gateway.tenancies.called(call.agent_id, call.house_number, key)
        if tenancy is None:
            fields = {"event": webhook.event, "agent_id": call.agent_id, "tenants": len(gateway.tenancies)}
            channel("http").warning("no tenant for this webhook", extra={"fields": fields})
            return {"status": "unknown_tenant"}
        if webhook.event is Event.INBOUND:
            return await self._inbound(webhook, tenancy)
        if webhook.news is not None:
            digest = hashlib.sha256(body).hexdigest()
            await told_of_call(gateway, tenancy, Source.RETELL, webhook.event, digest, webhook.news)
        return {"status": "ok"}

    def _noticed(self, outcome: str) -> None:
        now = self._gateway.clock.now()
        self._gateway.observer.observe((Noticed(now, Source.RETELL, "", outcome),))

    async def _inbound(self, webhook: Webhook, tenancy: Tenancy) -> dict[str, Any]:
        gateway, tenant = self._gateway, tenancy.tenant
        known = await line_is_known(webhook.call, tenancy, gateway.ledger, INBOUND_SECONDS)
        now, hours = gateway.clock.now(), tenant.house.hours
        told = tell_context(tenancy.voice, tenant.name, tenant.services, hours, now, known=known)
        if webhook.news is not None:
            gateway.calls.met(tenant.tenant_id, webhook.news)
        return {"call_inbound": {"dynamic_variables": _variables(told, known=known), "metadata": {}}}


async def told_of_call(
    gateway: Gateway, tenancy: Tenancy, source: Source, event: str, digest: str, news: CallNews
) -> None:
    """Into the inbox, and handled at once: whoever has hung up holds nothing any more. What that cannot do now, the
    worker does. Raises Refusal where it could not be written down."""
    tenant_id = tenancy.tenant.tenant_id
    now = gateway.clock.now()
    notice = Notice(tenant_id, source, digest, event, news.call.call_id, news_data(news))
    received: Received | None = None
    try:
        async with asyncio.timeout(TELLING_SECONDS):
            received = await gateway.inbox.receive(notice, now, now + WORKER_AFTER)
            if not received.handled:
                await gateway.calls.told(tenant_id, news, tenancy.holding)
                await gateway.inbox.handled(received.inbox_id, "told", gateway.clock.now())
    except (TimeoutError, LedgerUnavailable, CommitUnknown):
        if received is None:
            message = "it could not be written down just now; send it again"
            raise Refusal(503, "ledger_unavailable", message) from None


def _variables(told: Told, *, known: bool | None) -> dict[str, str]:
    """What the agent's prompt may name: strings, as Retell wants them, and nobody's name among them."""
    data = told.data
    return {
        "moment": told.message,
        "date": data["date"],
        "weekday": data["weekday"],
        "time": data["time"],
        "time_zone": data["time_zone"],
        "house": data["house"],
        "services": ", ".join(data["services"]),
        "customer_known": _KNOWN[known],
    }
