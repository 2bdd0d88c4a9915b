"""`POST /api/retell/collect-appointment`: a function call in, a sentence out.

A plain ASGI endpoint: this is the hot path. Signature first, over the bytes as they came; then the
envelope; then the wish. Whatever happens in the business is HTTP 200 with something to say.
"""

from typing import Final

from starlette.types import Receive, Scope, Send

from einmal.adapters.retell.answer import answer_body
from einmal.adapters.retell.envelope import BadEnvelope, FunctionCall, read_envelope
from einmal.adapters.retell.signature import SignatureCheck, check_signature
from einmal.adapters.retell.wish import Understood, understand
from einmal.adapters.telemetry.logs import channel
from einmal.domain.reply import Outcome, Reply, Why
from einmal.entrypoints.http.door import (
    ClientLeft,
    Refusal,
    from_this_machine,
    header,
    read_body,
    send_json,
)
from einmal.wiring import Gateway

BOOKS_BY_NAME: Final[dict[str, bool | None]] = {
    "collect_appointment": None,
    "collect_appointment_data": None,
    "book_appointment": True,
    "start_booking": True,
    "confirm_booking": True,
    "check_availability": False,
    "check_appointment": False,
}
"""Which functions this URL serves. None: `bestaetigung` says whether to book. What a name says, the field
does not overrule: `check_*` never books."""

_SIGNATURE_MESSAGES: Final = {
    SignatureCheck.MISSING: "the header X-Retell-Signature is missing",
    SignatureCheck.MALFORMED: "X-Retell-Signature must be v=<milliseconds>,d=<64 hex digits>",
    SignatureCheck.EXPIRED: "the signature's time is too far from now; check both clocks",
    SignatureCheck.WRONG: "the signature does not fit the body; check EINMAL_RETELL_API_KEY",
}


class CollectAppointment:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._keys = [key.reveal() for key in gateway.settings.retell_api_key]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive)
            self._authenticate(scope, body)
            answer = await self.answer(body, header(scope, b"x-call-id"))
        except ClientLeft:
            return
        except Refusal as refusal:
            channel("http").warning("refused", extra={"fields": {"status": refusal.status, "error": refusal.error}})
            await send_json(send, refusal.status, refusal.body)
        else:
            await send_json(send, 200, answer)

    async def answer(self, body: bytes, call_id_header: str | None = None) -> bytes:
        """The answer to an authenticated body. Raises Refusal for what is no function call."""
        gateway = self._gateway
        try:
            function_call = read_envelope(body, call_id_header)
        except BadEnvelope as wrong:
            raise Refusal(422, "bad_envelope", str(wrong.args[0])) from None
        try:
            reply, staff_wished = await self._reply(function_call)
        except Exception:  # noqa: BLE001 - the agent must have something to say, whatever broke
            error_id = gateway.ids.time_ordered()
            channel("http").exception("function call failed", extra={"fields": {"error_id": error_id}})
            reply, staff_wished = Reply(Outcome.ERROR, Why.NOTHING_NEW, error_id=error_id), False
        if reply.error_id is not None:
            fields = {"error_id": reply.error_id, "outcome": reply.outcome, "why": reply.why}
            channel("http").error("answered with an error", extra={"fields": fields})
        return answer_body(reply, gateway.tenant, gateway.voice, gateway.clock.now(), staff_wished=staff_wished)

    async def _reply(self, function_call: FunctionCall) -> tuple[Reply, bool]:
        gateway = self._gateway
        name = function_call.name or "collect_appointment"
        if name not in BOOKS_BY_NAME:
            channel("http").warning("unknown function", extra={"fields": {"known": sorted(BOOKS_BY_NAME)}})
            return Reply(Outcome.REJECTED), False
        wish = understand(function_call, gateway.tenant, gateway.clock.now(), books=BOOKS_BY_NAME[name])
        if not isinstance(wish, Understood):
            return wish, False
        staff_wished = wish.wish.staff is not None
        if not wish.confirmed:
            return await gateway.offers.check(wish.wish), staff_wished
        return await gateway.bookings.book(wish.wish, wish.call), staff_wished

    def _authenticate(self, scope: Scope, body: bytes) -> None:
        if not self._keys:
            if self._gateway.settings.loopback and from_this_machine(scope):
                return
            raise Refusal(401, "unsigned", "set EINMAL_RETELL_API_KEY: unsigned calls are taken on loopback only")
        now_ms = int(self._gateway.clock.now().timestamp() * 1000)
        check = check_signature(header(scope, b"x-retell-signature"), body, self._keys, now_ms)
        if check is not SignatureCheck.VALID:
            raise Refusal(401, f"signature_{check}", _SIGNATURE_MESSAGES[check])
