"""`POST /api/retell/…`: a function call in, a sentence out.

Plain ASGI endpoints: this is the hot path. Signature first, over the bytes as they came; then the envelope; then
whose call it is; then what is wished. Whatever happens in the business is HTTP 200 with something to say.
"""

import re
from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from starlette.types import Receive, Scope, Send

from einmal.adapters.retell.answer import answer_body, told_body
from einmal.adapters.retell.envelope import BadEnvelope, FunctionCall, read_envelope
from einmal.adapters.retell.functions import BOOKING, FUNCTIONS, Does
from einmal.adapters.retell.signature import SignatureCheck, check_signature
from einmal.adapters.retell.wish import Understood, seek, understand
from einmal.adapters.telemetry.logs import channel
from einmal.domain.reply import Outcome, Reply, Why
from einmal.domain.search import Search
from einmal.entrypoints.http.door import (
    ClientLeft,
    Refusal,
    from_this_machine,
    header,
    read_body,
    send_json,
)
from einmal.entrypoints.http.informing import TELLS, inform
from einmal.speech.information import Told
from einmal.speech.said import Language
from einmal.speech.sentences import Voice
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

_SIGNATURE_MESSAGES: Final = {
    SignatureCheck.MISSING: "the header X-Retell-Signature is missing",
    SignatureCheck.MALFORMED: "X-Retell-Signature must be v=<milliseconds>,d=<64 hex digits>",
    SignatureCheck.EXPIRED: "the signature's time is too far from now; check both clocks",
    SignatureCheck.WRONG: "the signature does not fit the body; check the tenant's Retell key (EINMAL_RETELL_API_KEY)",
}

_BOOKS: Final[dict[Does, bool | None]] = {Does.COLLECT: None, Does.BOOK: True, Does.CHECK: False}


class FunctionCalls:
    """One URL. `functions`: the names that it serves, and what they do; `default`: the name where none is sent."""

    def __init__(self, gateway: Gateway, functions: Mapping[str, Does], default: str | None) -> None:
        self._gateway = gateway
        self._functions = functions
        self._default = default
        settings = gateway.settings
        self._house_voice = Voice(Language(settings.language), ZoneInfo(settings.timezone))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive)
            key = self._authenticate(scope, body)
            answer = await self.answer(body, header(scope, b"x-call-id"), key)
        except ClientLeft:
            return
        except Refusal as refusal:
            channel("http").warning("refused", extra={"fields": {"status": refusal.status, "error": refusal.error}})
            await send_json(send, refusal.status, refusal.body)
        else:
            await send_json(send, 200, answer)

    async def answer(self, body: bytes, call_id_header: str | None = None, key: str | None = None) -> bytes:
        """The answer to an authenticated body; `key` signed it. Raises Refusal for what is no function call."""
        gateway = self._gateway
        try:
            function_call = read_envelope(body, call_id_header, self._functions)
        except BadEnvelope as wrong:
            raise Refusal(422, "bad_envelope", str(wrong.args[0])) from None
        tenancy = gateway.tenancies.called(function_call.agent_id, function_call.house_number, key)
        if tenancy is None:
            # The house's end of the line, if that is known to be it: the other end is the caller's.
            number = _digits(function_call.house_number) if function_call.direction_told else None
            whose = {"agent_id": function_call.agent_id, "number": number}
            fields = {**whose, "tenants": len(gateway.tenancies)}
            channel("http").warning("no tenant for this call", extra={"fields": fields})
            return answer_body(Reply(Outcome.REJECTED), b"", self._house_voice, gateway.clock.now())
        staff_wished = False
        try:
            reply, staff_wished = await self._reply(function_call, tenancy)
        except Exception:  # noqa: BLE001 - the agent must have something to say, whatever broke
            error_id = gateway.ids.time_ordered()
            channel("http").exception("function call failed", extra={"fields": {"error_id": error_id}})
            reply = Reply(Outcome.ERROR, Why.NOTHING_NEW, error_id=error_id)
        if isinstance(reply, Told):
            return told_body(reply)
        if reply.error_id is not None:
            fields = {"error_id": reply.error_id, "outcome": reply.outcome, "why": reply.why}
            channel("http").error("answered with an error", extra={"fields": fields})
        now, hash_key = gateway.clock.now(), tenancy.tenant.hash_key
        return answer_body(reply, hash_key, tenancy.voice, now, staff_wished=staff_wished)

    async def _reply(self, function_call: FunctionCall, tenancy: Tenancy) -> tuple[Reply | Told, bool]:
        name = function_call.name or self._default
        does = None if name is None else self._functions.get(name)
        if does is None or does is Does.NOT_YET:
            what = "unknown function" if does is None else "function not built yet"
            channel("http").warning(what, extra={"fields": {"function": _word(name)}})
            return Reply(Outcome.REJECTED), False
        now = self._gateway.clock.now()
        if does in TELLS:
            return await inform(does, function_call, tenancy, self._gateway.ledger, now), False
        if does in {Does.ALTERNATIVES, Does.NEXT}:
            wish: Understood | Search | Reply = seek(function_call, tenancy.tenant, now, earliest=does is Does.NEXT)
        else:
            wish = understand(function_call, tenancy.tenant, now, books=_BOOKS[does])
        if isinstance(wish, Search):
            return await tenancy.offers.search(wish), False
        if isinstance(wish, Reply):
            return wish, False
        staff_wished = wish.wish.staff is not None
        if not wish.confirmed:
            return await tenancy.offers.check(wish.wish), staff_wished
        return await tenancy.bookings.book(wish.wish, wish.call), staff_wished

    def _authenticate(self, scope: Scope, body: bytes) -> str | None:
        """The key that signed it; None where no key is set and unsigned calls may come in."""
        keys = self._gateway.tenancies.keys
        if not keys:
            if self._gateway.settings.loopback and from_this_machine(scope):
                return None
            raise Refusal(401, "unsigned", "set EINMAL_RETELL_API_KEY: unsigned calls are taken on loopback only")
        now_ms = int(self._gateway.clock.now().timestamp() * 1000)
        signed = check_signature(header(scope, b"x-retell-signature"), body, keys, now_ms)
        if signed.check is not SignatureCheck.VALID:
            raise Refusal(401, f"signature_{signed.check}", _SIGNATURE_MESSAGES[signed.check])
        return signed.key


_FUNCTION_NAME: Final = re.compile(r"[a-z]{2,20}(?:_[a-z0-9]{1,20}){1,5}")


def _word(name: str | None) -> str | None:
    """A function's name as a log may hold it. Models write whatever they like there, a caller's name too."""
    return name if name is None or _FUNCTION_NAME.fullmatch(name) else "(no function's name)"


def _digits(number: str | None) -> str | None:
    return None if number is None else "".join(c for c in number if c.isascii() and (c.isdigit() or c == "+"))[:20]


def collect_appointment(gateway: Gateway) -> FunctionCalls:
    """The URL that books and checks, and does nothing else."""
    return FunctionCalls(gateway, BOOKING, "collect_appointment")


def function_call(gateway: Gateway) -> FunctionCalls:
    """The dispatcher: one URL for every function, by name."""
    return FunctionCalls(gateway, FUNCTIONS, None)


def named_functions(gateway: Gateway) -> dict[str, FunctionCalls]:
    """A URL for each function, by the name in its path. The signature covers no URL, so the body may name no other."""
    return {name.replace("_", "-"): FunctionCalls(gateway, {name: does}, name) for name, does in FUNCTIONS.items()}
