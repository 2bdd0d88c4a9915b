"""`/v2/…`: Cal.com's own API, guarded. A client that books there today books here tomorrow, and changes its base URL.

Everything passes as it came, but for three requests: a booking, a cancellation and a move of one of ours. Those run
under the guard and are answered in Cal.com's own words; asked again, they are answered again, and done once.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from einmal.adapters.calcom.client_request import (
    TAKEN,
    NotUnderstood,
    read_booking,
    read_object,
    read_start,
    reason_of,
)
from einmal.adapters.calcom.event_types import EventTypes
from einmal.adapters.calcom.passing import PASSED_ON, Passage
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.domain.facts import Served
from einmal.domain.keys import intent_key
from einmal.domain.model import Person, Service, Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.entrypoints.http.door import Refusal, from_this_machine, header, read_body
from einmal.entrypoints.http.passing import Passing, error, later
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.journal import FunctionCalled
from einmal.speech.contact import phone_number
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
AGAIN_SECONDS: Final = 5
_OF_A_BOOKING: Final = re.compile(r"/v2/bookings/([A-Za-z0-9_-]{1,255})/(cancel|reschedule)")
_BOOKED: Final = frozenset({Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED, Outcome.RESCHEDULED})
_SAME: Final = "send the same request again: it is answered once that is known, and nothing is done twice"


@dataclass(frozen=True, slots=True)
class Done:
    """What a guarded request came to: as its client has it, and as we call it."""

    response: Response
    reply: Reply
    conversation_id: str | None


class Proxy:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._passing = Passing(gateway)
        self._types = EventTypes()

    async def endpoint(self, request: Request) -> Response:
        """The endpoint of every path below /v2."""
        settings = self._gateway.settings
        if not settings.proxy_open or (settings.proxy is None and not from_this_machine(request.scope)):
            return self._error(request, 404, "this gateway does not serve Cal.com's API; see EINMAL_PROXY")
        guarded, tenancy = self._guarded(request), self._whose(request)
        if guarded is None:
            return await self._passing.forward(request, tenancy)
        if tenancy is None:
            return self._error(request, 401, "this key is none of those that this gateway is configured with")
        try:
            return await guarded(request, tenancy)
        except (NotUnderstood, Refusal) as wrong:
            status, message = (wrong.status, wrong.message) if isinstance(wrong, Refusal) else (400, f"{wrong}")
            return self._error(request, status, message)
        except (LedgerUnavailable, CommitUnknown):
            return self._later(request, 503, "the ledger cannot be read just now, so nothing was sent")

    def _guarded(self, request: Request) -> Callable[[Request, Tenancy], Awaitable[Response]] | None:
        """What guards this request; None for what passes."""
        path = request.url.path.rstrip("/")
        if request.method != "POST":
            return None
        if path == "/v2/bookings":
            return lambda of, tenancy: self._noted(tenancy, "book", self._book(of, tenancy))
        change = _OF_A_BOOKING.fullmatch(path)
        if change is None:
            return None
        uid, what = change.groups()
        return lambda of, tenancy: self._change(of, tenancy, uid, what)

    # Booking

    async def _book(self, request: Request, tenancy: Tenancy) -> Done:
        body = await read_body(request.scope, request.receive)
        asked = read_booking(body, request.headers.get("cal-api-version"))
        proxied = tenancy.proxied
        event_type = await self._types.of(
            tenancy.proxied.transport,
            tenancy.tenant.services,
            asked,
            _headers(request),
            self._gateway.clock.monotonic(),
        )
        if event_type is None:
            return Done(self._error(request, 404, "Event type not found"), Reply(Outcome.ERROR), None)
        minutes = asked.minutes or event_type.minutes
        service = Service(str(event_type.event_type_id), event_type.name, event_type.event_type_id, minutes)
        phone = None if asked.phone is None else phone_number(asked.phone, "DE") or asked.phone
        person = Person(asked.name, phone, asked.email)
        wish = Wish(tenancy.tenant.tenant_id, _conversation(request), service, asked.start, person)
        if await self._reused(wish, tenancy):
            message = "this Idempotency-Key was sent with another booking; a new wish takes a new key"
            reused = Reply(Outcome.REJECTED, Why.KEY_REUSED)
            return Done(self._error(request, 422, message), reused, wish.conversation_id)
        key = intent_key(wish, tenancy.tenant.hash_key).value
        passage = Passage(asked, _headers(request))
        proxied.passages.begin(key, passage)
        reply = Reply(Outcome.IN_DOUBT)
        try:
            reply = await proxied.bookings.book(wish, None, line_known=True)
        finally:
            # Where its client waits no longer, what it wrote is still to be sent.
            lives = proxied.bookings.budgets.post_seconds * 2 if reply.outcome is Outcome.IN_DOUBT else 0.0
            asyncio.get_running_loop().call_later(lives, proxied.passages.end, key, passage)
        response = await self._booked(request, tenancy, reply, passage.answer)
        return Done(response, reply, wish.conversation_id)

    async def _booked(self, request: Request, tenancy: Tenancy, reply: Reply, answer: WireAnswer | None) -> Response:
        if reply.outcome in _BOOKED and reply.booking is not None:
            if answer is not None and answer.status == 201:
                return _as_it_came(answer)
            return await self._shown(request, tenancy, await self._gateway.booking_uids.uid_of(reply.booking.ref), 201)
        if reply.outcome is Outcome.IN_DOUBT:
            return self._later(request, 504, f"it is not known yet whether this booking was made; {_SAME}")
        if answer is not None and answer.status >= 400:
            return _as_it_came(answer)
        if reply.outcome is not Outcome.ERROR:
            return self._error(request, 400, TAKEN)
        too_busy = reply.why is Why.TOO_BUSY
        what = "this key's request budget is used up" if too_busy else "Cal.com or the ledger did not answer"
        return self._later(request, 429 if too_busy else 503, f"{what}; nothing was booked; {_SAME}")

    async def _reused(self, wish: Wish, tenancy: Tenancy) -> bool:
        """Whether the client has sent this key with another wish."""
        if wish.conversation_id is None:
            return False
        mine = intent_key(wish, tenancy.tenant.hash_key)
        stories = await self._gateway.stories.of_call(wish.conversation_id)
        intents = (one.stored.intent for story in stories for one in story.intents)
        return any(one.wish.tenant_id == wish.tenant_id and one.key.fingerprint != mine.fingerprint for one in intents)

    # Changing what is booked

    async def _change(self, request: Request, tenancy: Tenancy, uid: str, what: str) -> Response:
        books = self._gateway.reconciling
        stored = next(iter(await books.of_uids(tenancy.tenant.tenant_id, (uid,))), None)
        if stored is None:
            return await self._passing.forward(request, tenancy)  # not one of ours: nothing of it is promised here
        asked = read_object(await read_body(request.scope, request.receive))
        changes, passages = tenancy.proxied.changes, tenancy.proxied.passages
        passages.reasons[uid] = reason_of(asked)
        start = read_start(asked) if what == "reschedule" else None

        async def changed() -> Done:
            reply = await (changes.cancel_this(stored) if start is None else changes.move_this(stored, start))
            response = await self._changed(request, tenancy, uid, reply)
            return Done(response, reply, stored.intent.wish.conversation_id)

        try:
            return await self._noted(tenancy, what, changed())
        finally:
            passages.reasons.pop(uid, None)

    async def _changed(self, request: Request, tenancy: Tenancy, uid: str, reply: Reply) -> Response:
        match reply.outcome:
            case Outcome.CANCELLED:
                return await self._shown(request, tenancy, uid, 200)
            case Outcome.RESCHEDULED if reply.booking is not None:
                moved = await self._gateway.booking_uids.uid_of(reply.booking.ref)
                return await self._shown(request, tenancy, moved, 201)
            case Outcome.IN_DOUBT:
                return self._later(request, 504, f"it is not known yet whether this was changed; {_SAME}")
            case Outcome.SLOT_TAKEN | Outcome.UNAVAILABLE:
                return self._error(request, 400, TAKEN)
            case Outcome.ERROR:
                return self._later(request, 503, f"nothing was changed; {_SAME}")
            case _:
                return self._error(request, 400, f"Can't change booking with uid={uid}: it does not stand as it did")

    # What is passed and what is read

    async def _shown(self, request: Request, tenancy: Tenancy, uid: str | None, status: int) -> Response:
        """The booking as Cal.com tells it now, to whoever asked for it before."""
        clock = self._gateway.clock
        deadline = clock.monotonic() + 5.0
        wire = WireRequest("GET", f"/v2/bookings/{uid}", _headers(request), b"", deadline, deadline)
        try:
            answer = None if uid is None else await tenancy.proxied.transport.send(wire)
        except (NeverSent, MaybeSent):
            answer = None
        if answer is None or answer.status != 200:
            return self._later(request, 504, f"it is done, and Cal.com cannot be asked for it just now; {_SAME}")
        return _as_it_came(answer, status)

    # Who and how

    def _whose(self, request: Request) -> Tenancy | None:
        """The tenant whose key the client has; the only one where there is no key to tell, or a simulator takes any."""
        tenancies, settings = self._gateway.tenancies, self._gateway.settings
        key = (header(request.scope, b"authorization") or "").partition("Bearer ")[2]
        if len(tenancies) == 1 and (settings.simulated or not key):
            return tenancies.sole
        return tenancies.of_calendar_key(key)

    async def _noted(self, tenancy: Tenancy, function: str, work: Awaitable[Done]) -> Response:
        """The response; what it was is told to metrics and to the journal, as of every function call."""
        gateway = self._gateway
        began = gateway.clock.monotonic()
        done = await work
        now, seconds = gateway.clock.now(), gateway.clock.monotonic() - began
        outcome = done.reply.outcome.value
        gateway.observer.observe((Served(now, "calcom", function, outcome, seconds),))
        gateway.journal.note(
            FunctionCalled(
                served_id=gateway.ids.time_ordered(),
                tenant_id=tenancy.tenant.tenant_id,
                conversation_id=done.conversation_id,
                at=now,
                adapter="calcom",
                function=function,
                outcome=outcome,
                heard=f"HTTP {done.response.status_code}",
                elapsed=timedelta(seconds=seconds),
            )
        )
        return done.response

    def _error(self, request: Request, status: int, message: str) -> Response:
        return error(request, status, message, self._gateway.clock.now())

    def _later(self, request: Request, status: int, message: str) -> Response:
        return later(request, status, message, self._gateway.clock.now())


def _headers(request: Request) -> Mapping[str, str]:
    """Those by which Cal.com decides, as its client sent them."""
    return {name: value for name, value in request.headers.items() if name in PASSED_ON}


def _conversation(request: Request) -> str | None:
    """What names the wish where its client has a name for it. The key itself may be anything, so it is not kept."""
    key = request.headers.get("idempotency-key")
    return None if not key else f"key_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _as_it_came(answer: WireAnswer, status: int | None = None) -> Response:
    told = {name: value for name, value in answer.headers.items() if name.startswith(("x-ratelimit", "x-request"))}
    media_type = answer.headers.get("content-type", "application/json")
    return Response(answer.body, status or answer.status, told, media_type)
