"""One function call, served: whose it is, what it does, within which time, what is said, and who is told of it.

The same for every platform. How a platform signs, what it calls things and in which shape it wants its answer is its
door's affair. Whatever happens in the business ends in something to say.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from starlette.types import Receive, Scope, Send

from einmal.adapters.functions.answer import answer_body, told_body
from einmal.adapters.functions.call import FunctionCall, contact_of
from einmal.adapters.functions.names import BACKSTOP_SECONDS, SECONDS, Does
from einmal.adapters.functions.which import says_more
from einmal.adapters.functions.wish import Understood, seek, understand
from einmal.adapters.telemetry.logs import channel
from einmal.domain.facts import Refused, Served
from einmal.domain.reply import Outcome, Reply, Why
from einmal.domain.search import Search
from einmal.entrypoints.http.calling_back import call_back
from einmal.entrypoints.http.changing import CHANGES, change
from einmal.entrypoints.http.door import ClientLeft, Refusal, header, read_body, send_json
from einmal.entrypoints.http.holding import hold
from einmal.entrypoints.http.informing import TELLS, inform
from einmal.entrypoints.http.shedding import Counting, Shedding, digits
from einmal.ports import CallNews
from einmal.ports.journal import FunctionCalled
from einmal.speech.information import Told
from einmal.speech.said import Language
from einmal.speech.sentences import Voice
from einmal.tenancies import Credential, Tenancy
from einmal.wiring import Gateway

_BOOKS: Final[dict[Does, bool | None]] = {Does.COLLECT: None, Does.BOOK: True, Does.CHECK: False}

_LATE: Final = {
    **dict.fromkeys((Does.COLLECT, Does.BOOK), Reply(Outcome.IN_DOUBT, Why.UNPROMISED)),
    **dict.fromkeys((Does.CANCEL, Does.RESCHEDULE), Reply(Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED)),
}
"""What is true of a booking or a change that its own flow does not answer: not yes, not no."""


Admit = Callable[[Scope, bytes], str | None]
"""The key that a request came with; None where none is needed. Raises Refusal."""

Answer = Callable[[Scope, bytes, str | None], Awaitable[bytes]]
"""The answer to an admitted body. Raises Refusal for what is no function call."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was replied. `heard` is the sentence that the agent is given to speak."""

    reply: Reply | Told
    heard: str
    at: datetime
    voice: Voice
    hash_key: bytes

    @property
    def is_last_word(self) -> bool:
        """Whether the same request would be told the same, were it asked again at once."""
        return isinstance(self.reply, Told) or self.reply.outcome not in {Outcome.ERROR, Outcome.IN_DOUBT}

    @property
    def body(self) -> bytes:
        """Our answer as JSON, from which every platform's is made."""
        if isinstance(self.reply, Told):
            return told_body(self.reply)
        return answer_body(self.reply, self.hash_key, self.voice, self.at, self.heard)


class Functions:
    """Serves the function calls that one platform brings. `adapter`: what facts and figures call it."""

    def __init__(self, gateway: Gateway, adapter: str, *, limited: bool = True) -> None:
        """`limited`: whether it may be asked only so often. A program in this process is its operator's own."""
        self._gateway = gateway
        self._shedding = Shedding(gateway, adapter) if limited else None
        self._adapter = adapter
        settings = gateway.settings
        self._house_voice = Voice(Language(settings.language), ZoneInfo(settings.timezone))

    async def at_the_door(self, scope: Scope, receive: Receive, send: Send, admit: Admit, answer: Answer) -> None:
        """One request: admitted by its credential and answered, or refused, which is told."""
        gateway = self._gateway
        try:
            body = await read_body(scope, receive)
            key = admit(scope, body)
            with nullcontext() if gateway.spans is None else gateway.spans.arriving(header(scope, b"traceparent")):
                answered = await answer(scope, body, key)
        except ClientLeft:
            return
        except Refusal as refusal:
            channel("http").warning("refused", extra={"fields": {"status": refusal.status, "error": refusal.error}})
            gateway.observer.observe((Refused(gateway.clock.now(), self._adapter, refusal.error),))
            await send_json(send, refusal.status, refusal.body, refusal.headers)
        else:
            await send_json(send, 200, answered)

    def whose(self, function_call: FunctionCall, key: str | None, credential: Credential) -> Tenancy | None:
        """Whose call it is; `key` came with it. Nobody's is logged."""
        tenancies = self._gateway.tenancies
        tenancy = tenancies.called(function_call.agent_id, function_call.house_number, key, credential)
        if tenancy is None:
            # The house's end of the line, if that is known to be it: the other end is the caller's.
            number = digits(function_call.house_number) if function_call.direction_told else None
            whose = {"agent_id": function_call.agent_id, "number": number}
            channel("http").warning("no tenant for this call", extra={"fields": {**whose, "tenants": len(tenancies)}})
        return tenancy

    def nobodys(self) -> Answered:
        """What a caller hears whose call is nobody's."""
        return self.refused(Reply(Outcome.REJECTED), self._house_voice, b"")

    def refused(self, reply: Reply, voice: Voice, hash_key: bytes) -> Answered:
        """A reply to a function call that was not begun."""
        now = self._gateway.clock.now()
        return Answered(reply, voice.sentence(reply, now), now, voice, hash_key)

    def budget_seconds(self, does: Does | None) -> float:
        """How long this function may take."""
        booking = self._gateway.settings.reply_seconds + BACKSTOP_SECONDS
        return 0.0 if does is None else SECONDS.get(does, booking)

    async def serve(
        self, name: str | None, functions: Mapping[str, Does], function_call: FunctionCall, tenancy: Tenancy
    ) -> Answered:
        """The function of this name, if it is one of these, for this tenant."""
        gateway = self._gateway
        does = None if name is None else functions.get(name)
        if does is None:
            channel("http").warning("unknown function", extra={"fields": {"function": _word(name)}})
        began = gateway.clock.monotonic()
        shed = None if self._shedding is None else self._shedding.one_too_many(function_call, tenancy, began)
        reply, staff_wished = (shed, False) if shed else await self._in_time(does, function_call, tenancy)
        outcome = "information" if isinstance(reply, Told) else reply.outcome.value
        function = "unknown" if does is None else does.name.lower()
        seconds, call_id = gateway.clock.monotonic() - began, function_call.conversation_id
        served = Served(gateway.clock.now(), self._adapter, function, outcome, seconds, call_id)
        gateway.observer.observe((served,))
        contact = contact_of(function_call)
        if contact is not None:
            gateway.calls.met(tenancy.tenant.tenant_id, CallNews(contact, function_call.direction))
        said_at = gateway.clock.now()
        heard = (
            reply.message
            if isinstance(reply, Told)
            else tenancy.voice.sentence(reply, said_at, staff_wished=staff_wished)
        )
        gateway.journal.note(
            FunctionCalled(
                served_id=gateway.ids.time_ordered(),
                tenant_id=tenancy.tenant.tenant_id,
                conversation_id=None if contact is None else contact.call_id,
                at=said_at,
                adapter=self._adapter,
                function=function,
                outcome=outcome,
                heard=heard,
                elapsed=timedelta(seconds=served.seconds),
                error_id=None if isinstance(reply, Told) else reply.error_id,
            )
        )
        if not isinstance(reply, Told) and reply.error_id is not None:
            fields = {"error_id": reply.error_id, "outcome": reply.outcome, "why": reply.why}
            channel("http").error("answered with an error", extra={"fields": fields})
        return Answered(reply, heard, said_at, tenancy.voice, tenancy.tenant.hash_key)

    async def _in_time(
        self, does: Does | None, function_call: FunctionCall, tenancy: Tenancy
    ) -> tuple[Reply | Told, bool]:
        """The reply within the function's budget. Of what broke or takes longer, what is true of it all the same.

        The work is given up then: to a flow that is no other end than that its process died, which each of them
        survives, and what must outlive its caller runs in a task of its own.
        """
        if does is None:
            return Reply(Outcome.REJECTED), False
        limit, limits = asyncio.timeout(self.budget_seconds(does)), self._gateway.limits
        limits.in_flight += 1
        try:
            async with limit:
                return await self._reply(does, function_call, tenancy)
        except Exception:  # noqa: BLE001 - the agent must have something to say, whatever broke
            if limit.expired() and does in _LATE:
                channel("http").error("a flow outlasted its own budget", extra={"fields": {"function": does.name}})
                return _LATE[does], False
            error_id = self._gateway.ids.time_ordered()
            if limit.expired():
                return Reply(Outcome.ERROR, Why.UNREACHABLE, error_id=error_id), False
            channel("http").exception("function call failed", extra={"fields": {"error_id": error_id}})
            return Reply(Outcome.ERROR, Why.NOTHING_NEW, error_id=error_id), False
        finally:
            limits.in_flight -= 1

    async def _reply(self, does: Does, function_call: FunctionCall, tenancy: Tenancy) -> tuple[Reply | Told, bool]:
        now = self._gateway.clock.now()
        if does in CHANGES:
            return await change(does, function_call, tenancy, now), False
        if does in {Does.RESERVE, Does.RELEASE}:
            return await hold(does, function_call, tenancy, now), True
        if does is Does.CALL_BACK:
            return await call_back(function_call, tenancy), False
        if does in TELLS:
            return await inform(does, function_call, tenancy, self._gateway.ledger, now), False
        return await self._wished(does, function_call, tenancy, now)

    async def _wished(
        self, does: Does, function_call: FunctionCall, tenancy: Tenancy, now: datetime
    ) -> tuple[Reply, bool]:
        """What is free, or a booking."""
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
            return await tenancy.offers.check(wish.wish, wish.asker), staff_wished
        line_known = wish.asker.line is not None and wish.asker.line == wish.wish.person.phone
        # Whoever cannot be told of what they have is not asked whether they mean that.
        one_more = says_more(function_call.args) or (wish.call is None and not line_known)
        shedding = self._shedding
        counting = shedding.counted(function_call, tenancy, wish.wish) if shedding else nullcontext(Counting())
        with counting as counted:
            books = tenancy.composites if wish.wish.service.segments else tenancy.bookings
            begins = not counted.enough
            reply = await books.book(wish.wish, wish.call, one_more=one_more, line_known=line_known, begins=begins)
            counted.told(reply)
        if shedding and counted.enough and reply.why is Why.TOO_MANY:
            return shedding.told(Reply(Outcome.REJECTED, Why.ENOUGH), tenancy, "enough"), False
        if wish.call is not None and reply.outcome is not Outcome.ERROR:
            # The admission has made the call's row.
            self._gateway.calls.known(tenancy.tenant.tenant_id, wish.call.call_id)
        return reply, staff_wished


_FUNCTION_NAME: Final = re.compile(r"[a-z]{2,20}(?:_[a-z0-9]{1,20}){1,5}")


def _word(name: str | None) -> str | None:
    """A function's name as a log may hold it. Models write whatever they like there, a caller's name too."""
    return name if name is None or _FUNCTION_NAME.fullmatch(name) else "(no function's name)"
