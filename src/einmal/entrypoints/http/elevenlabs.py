"""`POST /api/elevenlabs/{function}`: a tool of an agent, and the webhook that tells that its call is over."""

import hashlib
from typing import Final

from starlette.types import Receive, Scope, Send

from einmal.adapters.elevenlabs.envelope import read_tool_call
from einmal.adapters.elevenlabs.news import PLATFORM, read_webhook
from einmal.adapters.elevenlabs.signature import BadSignature, signer
from einmal.adapters.elevenlabs.tools import HEADER
from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.names import FUNCTIONS
from einmal.adapters.strict_json import BadEnvelope
from einmal.domain.facts import Noticed
from einmal.entrypoints.http.calls import told_of_call
from einmal.entrypoints.http.door import Refusal, header
from einmal.entrypoints.http.functions import Functions
from einmal.entrypoints.http.secret_check import check_secret, refuse_unsigned
from einmal.ports import Source
from einmal.tenancies import Credential
from einmal.wiring import Gateway

_HEADER: Final = HEADER.lower().encode()


class ElevenLabsTools:
    """The function is the last part of the path. Our own answer is what it gets: any JSON will do, if it is a 200."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._served = Functions(gateway, PLATFORM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._served.at_the_door(scope, receive, send, self._admit, self._answered)

    def _admit(self, scope: Scope, _body: bytes) -> str | None:
        gateway, given = self._gateway, header(scope, _HEADER)
        return check_secret(scope, given, gateway.tenancies, Credential.ELEVENLABS, loopback=gateway.settings.loopback)

    async def _answered(self, scope: Scope, body: bytes, key: str | None) -> bytes:
        return await self.answer(str(scope["path_params"]["function"]), body, key)

    async def answer(self, function: str, body: bytes, key: str | None = None) -> bytes:
        """The answer to an admitted body; `key` came with it. Raises Refusal for what is no function call."""
        name = function.replace("-", "_")
        if name not in FUNCTIONS:
            raise Refusal(404, "no_such_function", f"there is no such function; there are {', '.join(FUNCTIONS)}")
        try:
            call = read_tool_call(body)
        except BadEnvelope as wrong:
            raise Refusal(422, "bad_envelope", str(wrong.args[0])) from None
        function_call = FunctionCall(
            name=name,
            args=call.args,
            call_id=call.conversation_id,
            agent_id=call.agent_id,
            caller_number=call.caller_number,
            house_number=call.house_number,
            platform=PLATFORM,
        )
        tenancy = self._served.whose(function_call, key, Credential.ELEVENLABS)
        if tenancy is None:
            return self._served.nobodys().body
        return (await self._served.serve(name, FUNCTIONS, function_call, tenancy)).body


class ElevenLabsWebhooks:
    """A call that is over. What nobody here can use is acknowledged, so that it does not come again."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._served = Functions(gateway, PLATFORM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._served.at_the_door(scope, receive, send, self._admit, self._answered)

    def _admit(self, scope: Scope, body: bytes) -> str | None:
        gateway = self._gateway
        secrets = gateway.tenancies.keys_of(Credential.ELEVENLABS_WEBHOOK)
        refuse_unsigned(secrets, Credential.ELEVENLABS_WEBHOOK)
        now = int(gateway.clock.now().timestamp())
        try:
            return signer(header(scope, b"elevenlabs-signature"), body, secrets, now)
        except BadSignature as bad:
            word, message = bad.args
            self._noticed(f"signature_{word}")
            raise Refusal(401, f"signature_{word}", message) from None

    async def _answered(self, _scope: Scope, body: bytes, key: str | None) -> bytes:
        gateway = self._gateway
        try:
            ended = read_webhook(body, gateway.clock.now())
        except BadEnvelope as wrong:
            raise Refusal(422, "bad_envelope", str(wrong.args[0])) from None
        self._noticed("received")
        if ended is None:
            return b'{"status":"ignored"}'
        call = ended.news.call
        asked = FunctionCall(None, {}, call.call_id, None, call.agent_id, None, ended.house_number, platform=PLATFORM)
        tenancy = self._served.whose(asked, key, Credential.ELEVENLABS_WEBHOOK)
        if tenancy is None:
            return b'{"status":"unknown_tenant"}'
        digest = hashlib.sha256(body).hexdigest()
        await told_of_call(gateway, tenancy, Source.ELEVENLABS, ended.event, digest, ended.news)
        return b'{"status":"ok"}'

    def _noticed(self, outcome: str) -> None:
        now = self._gateway.clock.now()
        self._gateway.observer.observe((Noticed(now, Source.ELEVENLABS, "", outcome),))
