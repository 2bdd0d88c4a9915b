"""`POST /api/vapi/tool-calls`: what Vapi's assistants ask, and what Vapi tells of their calls, at one address.

A request may hold several calls of tools. They are served one after the other, in their order: a model that cancels and
books in one breath means that order, and who books two times in one breath is asked about the second with the first
already known; at once, each would hear that the other is still under way. Vapi waits twenty seconds for all of them, so
what cannot be done in time is not begun, and that is said.
"""

import hashlib
import json
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from einmal.adapters.functions.call import FunctionCall, function_named
from einmal.adapters.functions.names import FUNCTIONS
from einmal.adapters.strict_json import BadEnvelope, json_object
from einmal.adapters.telemetry.logs import channel
from einmal.adapters.vapi.answer import answer_body, failure, result
from einmal.adapters.vapi.envelope import Line, ToolCall, line_of, message_of, tool_calls_of
from einmal.adapters.vapi.news import PLATFORM, news_of
from einmal.domain.reply import Outcome, Reply, Why
from einmal.entrypoints.http.calls import told_of_call
from einmal.entrypoints.http.door import Refusal, header
from einmal.entrypoints.http.functions import Answered, Functions
from einmal.entrypoints.http.secret_check import bearer, check_secret
from einmal.ports import Source
from einmal.tenancies import Credential, Tenancy
from einmal.wiring import Gateway

REQUEST_SECONDS: Final = 18.0
"""For all calls of one request: Vapi gives up after twenty."""

_NOTHING: Final = b"{}"
"""What a server message is answered that asks for nothing."""

_NOT_BEGUN: Final = Reply(Outcome.ERROR, Why.TOO_FAST)


class VapiMessages:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._served = Functions(gateway, PLATFORM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._served.at_the_door(scope, receive, send, self._admit, self._answered)

    def _admit(self, scope: Scope, _body: bytes) -> str | None:
        gateway = self._gateway
        given = header(scope, b"x-vapi-secret") or bearer(header(scope, b"authorization"))
        return check_secret(scope, given, gateway.tenancies, Credential.VAPI, loopback=gateway.settings.loopback)

    async def _answered(self, _scope: Scope, body: bytes, key: str | None) -> bytes:
        return await self.answer(body, key)

    async def answer(self, body: bytes, key: str | None = None) -> bytes:
        """The answer to an admitted body; `key` came with it. Raises Refusal for what is no server message."""
        try:
            kind, message = message_of(json_object(body))
            line = line_of(message)
            if kind == "tool-calls":
                return await self._tool_calls(tool_calls_of(message), line, key)
            news = news_of(kind, message, line, self._gateway.clock.now())
        except BadEnvelope as wrong:
            raise Refusal(422, "bad_envelope", str(wrong.args[0])) from None
        if news is not None:
            tenancy = self._served.whose(_function_call(None, {}, line), key, Credential.VAPI)
            if tenancy is not None:
                digest = hashlib.sha256(body).hexdigest()
                await told_of_call(self._gateway, tenancy, Source.VAPI, kind, digest, news)
        return _NOTHING

    async def _tool_calls(self, calls: tuple[ToolCall, ...], line: Line, key: str | None) -> bytes:
        tenancy = self._served.whose(_function_call(None, {}, line), key, Credential.VAPI)
        began = self._gateway.clock.monotonic()
        results = []
        for number, call in enumerate(calls):
            left = REQUEST_SECONDS - (self._gateway.clock.monotonic() - began)
            results.append(await self._result(call, line, tenancy, None if number == 0 else left))
        return answer_body(results)

    async def _result(
        self, call: ToolCall, line: Line, tenancy: Tenancy | None, left_seconds: float | None
    ) -> dict[str, str]:
        """`left_seconds`: None for the first, which has all the time that it may take."""
        if call.args is None:
            channel("http").warning("unreadable arguments", extra={"fields": {"adapter": PLATFORM}})
            return failure(call, call.wrong or "")
        if tenancy is None:
            return result(call, _data(self._served.nobodys()))
        name = function_named(call.name)
        does = None if name is None else FUNCTIONS.get(name)
        if left_seconds is not None and self._served.budget_seconds(does) > left_seconds:
            channel("http").error("not begun, as the platform would not wait", extra={"fields": {"adapter": PLATFORM}})
            return result(call, _data(self._served.refused(_NOT_BEGUN, tenancy.voice, tenancy.tenant.hash_key)))
        function_call = _function_call(name, call.args, line)
        return result(call, _data(await self._served.serve(name, FUNCTIONS, function_call, tenancy)))


def _function_call(name: str | None, args: Any, line: Line) -> FunctionCall:
    """What the model wrote of its call into the arguments is not looked at: the message has it."""
    return FunctionCall(
        name=name,
        args=args,
        call_id=line.call_id,
        agent_id=line.assistant_id,
        caller_number=line.customer_number,
        house_number=line.house_number,
        direction=line.direction,
        platform=PLATFORM,
    )


def _data(answered: Answered) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(answered.body)
    return data
