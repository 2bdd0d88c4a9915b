"""The server: tools listed, and called. A call of a tool is a function call of the gateway's, under adapter "mcp".

What happens in the business is a result, not an error: the sentence as text, the answer as structured content, and the
same as JSON for hosts that hand on text only. A mistake in the arguments is a result as well, which the model reads.
"""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.requests import Request

from einmal import __version__
from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.names import Does
from einmal.adapters.telemetry.logs import channel
from einmal.domain.facts import Refused
from einmal.domain.reply import Outcome, Reply, Why
from einmal.entrypoints.http.functions import Answered, Functions
from einmal.entrypoints.mcp.conversations import Conversations
from einmal.entrypoints.mcp.fields import BadArguments, checked, function_arguments
from einmal.entrypoints.mcp.tools import INSTRUCTIONS, TOOLS, fields_of, listed
from einmal.ports import CallContact, CallNews, CommitUnknown, LedgerUnavailable
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

PLATFORM: Final = "mcp"

_PROCESS: Final = "stdio"

_FUNCTIONS: Final = {name: one.does for name, one in TOOLS.items()}

_BROKEN: Final = {
    Does.BOOK: Reply(Outcome.IN_DOUBT, Why.UNPROMISED),
    Does.CANCEL: Reply(Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED),
    Does.RESCHEDULE: Reply(Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED),
}
_UNREADABLE: Final = Reply(Outcome.ERROR, Why.UNREADABLE)

_SESSION: Final = "mcp-session-id"


class Tools:
    """The tools of one tenant."""

    def __init__(self, gateway: Gateway, tenant_id: str) -> None:
        self.gateway = gateway
        self._tenant_id = tenant_id
        self._functions = Functions(gateway, PLATFORM)
        self._conversations = Conversations(gateway.clock, gateway.ids)

    @property
    def server(self) -> Server[Any]:
        """Without the SDK's own tracing, whose spans are made of what it is sent."""
        server: Server[Any] = Server(
            "einmal",
            version=__version__,
            title="Einmal",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        server.middleware.clear()
        return server

    async def hang_up(self) -> None:
        """Every conversation is over; what one of them still holds is free for others."""
        tenancy, now = self.gateway.tenancies.get(self._tenant_id), self.gateway.clock.now()
        if tenancy is None:
            return
        for call_id in self._conversations.going_on:
            news = CallNews(CallContact(PLATFORM, call_id, None), ended_at=now)
            try:
                await self.gateway.calls.told(self._tenant_id, news, tenancy.holding)
            except (LedgerUnavailable, CommitUnknown):
                return  # the ledger ends them by itself, later

    async def _list(
        self, context: ServerRequestContext[Any, Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=listed(handles=_session(context) is None))

    async def _call(self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> CallToolResult:
        offered, tenancy = TOOLS.get(params.name), self.gateway.tenancies.get(self._tenant_id)
        if offered is None:
            raise MCPError(code=INVALID_PARAMS, message=f"there is no such tool; there are {', '.join(TOOLS)}")
        if tenancy is None:
            return self._mistaken("not_served", "this house cannot be served now; its operator can tell why")
        session = _session(context)
        try:
            given = checked(params.arguments, fields_of(offered, handles=session is None), offered.required)
            call_id, handle = self._conversation(session, given, tenancy)
        except BadArguments as wrong:
            return self._mistaken("bad_arguments", str(wrong.args[0]))
        function_call = FunctionCall(
            name=params.name,
            args=function_arguments(given, tenancy.voice.zone),
            call_id=call_id,
            platform=PLATFORM,
        )
        with nullcontext() if self.gateway.spans is None else self.gateway.spans.arriving(None):
            answered = await self._served(params.name, function_call, tenancy)
        answer: dict[str, Any] = json.loads(answered.body)
        return _result(answer if handle is None else answer | {"conversation": handle})

    async def _served(self, name: str, function_call: FunctionCall, tenancy: Tenancy) -> Answered:
        """What breaks after the calendar was asked is a doubt.

        An error of the protocol would say that it failed, and that in the words of what broke.
        """
        try:
            return await self._functions.serve(name, _FUNCTIONS, function_call, tenancy)
        except Exception:  # noqa: BLE001 - the model must hear what is true, whatever broke
            error_id = self.gateway.ids.time_ordered()
            channel("http").exception("function call failed", extra={"fields": {"error_id": error_id}})
            reply = replace(_BROKEN.get(_FUNCTIONS[name], _UNREADABLE), error_id=error_id)
            return self._functions.refused(reply, tenancy.voice, tenancy.tenant.hash_key)

    def _conversation(
        self, session: str | None, given: Mapping[str, Any], tenancy: Tenancy
    ) -> tuple[str | None, str | None]:
        """Which conversation it is, and the handle that the answer names it by. Raises BadArguments."""
        if session is not None:
            return self._conversations.of_session(session), None
        tenant = tenancy.tenant
        handle = given.get("conversation")
        if handle is None:
            return None, self._conversations.handle(tenant.tenant_id, tenant.hash_key)
        call_id = self._conversations.of_handle(handle, tenant.tenant_id, tenant.hash_key)
        if call_id is None:
            raise BadArguments(
                "conversation must be that of an answer of the last two hours, unchanged; leave it out to begin anew"
            )
        return call_id, handle

    def _mistaken(self, error: str, message: str) -> CallToolResult:
        """What the model must put right. Nothing was begun."""
        self.gateway.observer.observe((Refused(self.gateway.clock.now(), PLATFORM, error),))
        return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


def _session(context: ServerRequestContext[Any, Any]) -> str | None:
    """What tells a client from others: that it has our stdin, or the session that we gave it. None: nothing does.

    Under a newer protocol there are no sessions, and the header would be whatever the client likes.
    """
    request = context.request
    if request is None:
        return _PROCESS
    if not isinstance(request, Request) or context.protocol_version not in HANDSHAKE_PROTOCOL_VERSIONS:
        return None
    return request.headers.get(_SESSION)


def _result(answer: Mapping[str, Any]) -> CallToolResult:
    texts = (answer["message"], json.dumps(answer, ensure_ascii=False))
    content = [TextContent(type="text", text=text) for text in texts]
    return CallToolResult(content=list(content), structured_content=dict(answer))
