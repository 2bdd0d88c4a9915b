"""`POST /api/webhooks/calcom`: what Cal.com tells of its bookings, and the two paths that older systems post to.

Whose it is, is told by the secret that signed it. What is authentic is written into the inbox and acknowledged, however
often it comes; the worker reads the booking and applies what it sees. Without a secret nothing is taken, on loopback
neither: whoever could forge one could have the booking read a few times, and no more.
"""

import json
from datetime import timedelta
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from einmal.adapters.calcom.webhooks import BadWebhook, Signed, Webhook, check_signature, read_webhook
from einmal.adapters.telemetry.logs import channel
from einmal.domain.facts import Noticed
from einmal.domain.pace import Rate
from einmal.entrypoints.http.door import ClientLeft, Refusal, header, read_body, send_json
from einmal.ports import CommitUnknown, LedgerUnavailable, Source
from einmal.wiring import Gateway

_MESSAGES: Final = {
    Signed.MISSING: "the header X-Cal-Signature-256 is missing",
    Signed.UNSIGNED: "this webhook has no secret at Cal.com; set the one of EINMAL_CALCOM_WEBHOOK_SECRET there",
    Signed.MALFORMED: "X-Cal-Signature-256 must be 64 hex digits",
    Signed.WRONG: "the signature does not fit the body; is the secret the tenant's (EINMAL_CALCOM_WEBHOOK_SECRET)?",
}


SOON: Final = timedelta(seconds=1)
"""When it is handled. It comes before the answer of the call that caused it: a second later that has mostly ended."""


OF_A_BOOKING: Final = Rate(per_minute=10, at_once=20)
"""How often one booking may be told of. Whoever goes on is refused; reconciliation sees what is left."""


class CalcomWebhooks:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive)
            answer = await self.answer(body, header(scope, b"x-cal-signature-256"))
        except ClientLeft:
            return
        except Refusal as refusal:
            channel("http").warning("refused", extra={"fields": {"status": refusal.status, "error": refusal.error}})
            self._noticed(refusal.error)
            await send_json(send, refusal.status, refusal.body, refusal.headers)
        else:
            await send_json(send, 200, json.dumps(answer).encode())

    async def answer(self, body: bytes, signature: str | None) -> dict[str, Any]:
        """What is answered to this body with that signature. Raises Refusal."""
        secrets = self._secrets()
        if not secrets:
            raise Refusal(401, "no_secret", "set EINMAL_CALCOM_WEBHOOK_SECRET, here and at Cal.com, to take webhooks")
        signed, whose = check_signature(signature, body, secrets)
        if signed is not Signed.VALID:
            raise Refusal(401, f"signature_{signed}", _MESSAGES[signed])
        try:
            webhook = read_webhook(body)
        except BadWebhook as wrong:
            raise Refusal(422, "bad_webhook", str(wrong.args[0])) from None
        if webhook.is_ping:
            self._noticed("pong", webhook.event)
            return {"status": "pong"}
        gateway = self._gateway
        self._slow_down(webhook)
        known = False
        for tenant_id in whose:
            try:
                now = gateway.clock.now()
                received = await gateway.inbox.receive(webhook.notice(tenant_id), now, now + SOON)
            except (LedgerUnavailable, CommitUnknown):
                message = "it could not be written down just now; send it again"
                raise Refusal(503, "ledger_unavailable", message) from None
            known = known or received.known
            tenancy = gateway.tenancies.get(tenant_id)
            if tenancy is not None and received.first:
                # Whatever was free a moment ago may be so no longer, or again.
                tenancy.offers.drop()
        self._noticed("received", webhook.event)
        return {"status": "ok" if known else "unknown_booking"}

    def _slow_down(self, webhook: Webhook) -> None:
        """Each is a row and a read of its booking; the same told again is neither. Raises Refusal."""
        for uid in webhook.uids[:1]:
            wait = self._gateway.limits.bookings.wait_seconds(uid, OF_A_BOOKING, self._gateway.clock.monotonic())
            if wait > 0:
                told = "this booking was told of too often just now; what has become of it is read anyway"
                raise Refusal(429, "too_many", told, wait)

    def _secrets(self) -> dict[str, str]:
        served = ((one.tenant_id, one.calcom_webhook_secret) for one in self._gateway.settings.tenants)
        return {tenant_id: secret.reveal() for tenant_id, secret in served if secret is not None}

    def _noticed(self, outcome: str, event: str = "") -> None:
        now = self._gateway.clock.now()
        self._gateway.observer.observe((Noticed(now, Source.CALCOM, event, outcome),))
