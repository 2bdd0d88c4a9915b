"""`POST /api/retell/…`: a function call in, a sentence out.

Plain ASGI endpoints: this is the hot path. Signature first, over the bytes as they came; then the envelope; then
whose call it is; then what is wished. Whatever happens in the business is HTTP 200 with something to say.
"""

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from einmal.adapters.functions.names import BOOKING, FUNCTIONS, Does
from einmal.adapters.retell.envelope import read_envelope
from einmal.adapters.retell.signature import identity
from einmal.adapters.strict_json import BadEnvelope
from einmal.entrypoints.http.door import Refusal, check_signed, header
from einmal.entrypoints.http.functions import Answered, Functions
from einmal.tenancies import Credential
from einmal.wiring import Gateway


class FunctionCalls:
    """One URL. `functions`: the names that it serves, and what they do; `default`: the name where none is sent."""

    def __init__(self, gateway: Gateway, functions: Mapping[str, Does], default: str | None) -> None:
        self._gateway = gateway
        self._served = Functions(gateway, "retell")
        self._functions = functions
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._served.at_the_door(scope, receive, send, self._admit, self._answered)

    def _admit(self, scope: Scope, body: bytes) -> str | None:
        gateway = self._gateway
        now, loopback = gateway.clock.now(), gateway.settings.loopback
        return check_signed(scope, body, gateway.tenancies.keys, now, loopback=loopback and gateway.tenancies.keyless)

    async def _answered(self, scope: Scope, body: bytes, key: str | None) -> bytes:
        gateway, call_id_header = self._gateway, header(scope, b"x-call-id")
        signed = None if key is None else identity(header(scope, b"x-retell-signature"))
        if signed is None:
            return await self.answer(body, call_id_header, key)

        async def answer() -> tuple[bytes, bool]:
            answered = await self._served_once(body, call_id_header, key)
            return answered.body, answered.is_last_word

        return await gateway.limits.replays.once(signed, gateway.clock.monotonic(), answer)

    async def answer(self, body: bytes, call_id_header: str | None = None, key: str | None = None) -> bytes:
        """The answer to an authenticated body; `key` signed it. Raises Refusal for what is no function call."""
        return (await self._served_once(body, call_id_header, key)).body

    async def _served_once(self, body: bytes, call_id_header: str | None, key: str | None) -> Answered:
        try:
            function_call = read_envelope(body, call_id_header, self._functions)
        except BadEnvelope as wrong:
            raise Refusal(422, "bad_envelope", str(wrong.args[0])) from None
        tenancy = self._served.whose(function_call, key, Credential.RETELL)
        if tenancy is None:
            return self._served.nobodys()
        name = function_call.name or self._default
        return await self._served.serve(name, self._functions, function_call, tenancy)


def collect_appointment(gateway: Gateway) -> FunctionCalls:
    """The URL that books and checks, and does nothing else."""
    return FunctionCalls(gateway, BOOKING, "collect_appointment")


def function_call(gateway: Gateway) -> FunctionCalls:
    """The dispatcher: one URL for every function, by name."""
    return FunctionCalls(gateway, FUNCTIONS, None)


def named_functions(gateway: Gateway) -> dict[str, FunctionCalls]:
    """A URL for each function, by the name in its path. The signature covers no URL, so the body may name no other."""
    return {name.replace("_", "-"): FunctionCalls(gateway, {name: does}, name) for name, does in FUNCTIONS.items()}
