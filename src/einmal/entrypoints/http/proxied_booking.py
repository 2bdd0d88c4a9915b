"""`POST /v2/bookings`, guarded: booked once, and answered as Cal.com would answer it."""

import asyncio
import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from einmal.adapters.calcom.client_request import TAKEN, Asked, is_a_seat, read_booking, stands
from einmal.adapters.calcom.event_types import EventTypes, NotTold
from einmal.adapters.calcom.passing import Passage
from einmal.adapters.calcom.seats import seats_found, seats_target
from einmal.adapters.calcom.transport import WireAnswer
from einmal.domain.keys import named_key
from einmal.domain.model import Person, Service, Wish
from einmal.domain.reply import Missing, Outcome, Reply, Why
from einmal.entrypoints.http.door import read_body
from einmal.entrypoints.http.passing import Passing, as_it_came, error, headers_of, later
from einmal.flows.as_asked import is_theirs, taken_up
from einmal.ports import CommitUnknown, LedgerUnavailable, StoredReply
from einmal.speech.contact import phone_number
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

BOOKED: Final = frozenset({Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED, Outcome.RESCHEDULED})
SAME: Final = "send the same request again: it is answered once that is known, and nothing is done twice"

_OTHER_WISH: Final = "this Idempotency-Key was sent with another booking; a new wish takes a new key"
_GONE: Final = "what was booked with this Idempotency-Key was cancelled or moved since; a new wish takes a new key"


@dataclass(frozen=True, slots=True)
class Done:
    """What a guarded request came to: as its client has it, and as we call it."""

    response: Response
    reply: Reply
    conversation_id: str | None


class ProxiedBookings:
    def __init__(self, gateway: Gateway, passing: Passing) -> None:
        self._gateway = gateway
        self._passing = passing
        self._types: defaultdict[str, EventTypes] = defaultdict(EventTypes)

    async def book(self, request: Request, tenancy: Tenancy) -> Done:
        """Raises NotUnderstood, Refusal, LedgerUnavailable or CommitUnknown; nothing was sent then."""
        body = await read_body(request.scope, request.receive)
        asked = read_booking(body, request.headers.get("cal-api-version"))
        try:
            wish = await self._wish(request, tenancy, asked)
        except NotTold:
            what = f"Cal.com did not tell which event type that is; nothing was booked; {SAME}"
            return Done(self._later(request, 503, what), Reply(Outcome.ERROR), None)
        if wish is None:
            return Done(self._error(request, 404, "Event type not found"), Reply(Outcome.ERROR), None)
        done = await self._once(request, tenancy, asked, wish)
        # Others had cancelled or moved what was booked before: that is known now, so this is a new wish.
        done = done or await self._once(request, tenancy, asked, wish)
        unsure = self._later(request, 504, f"it is not known yet whether this booking stands; {SAME}")
        return done or Done(unsure, Reply(Outcome.IN_DOUBT), wish.conversation_id)

    async def _wish(self, request: Request, tenancy: Tenancy, asked: Asked) -> Wish | None:
        """None where there is no such event type. Raises NotTold."""
        tenant, now = tenancy.tenant, self._gateway.clock.monotonic()
        types = self._types[tenant.tenant_id]
        transport = self._passing.transport(request, tenancy)
        found = await types.of(transport, tenant.services, asked, headers_of(request), now)
        if found is None:
            return None
        service = Service(str(found.event_type_id), found.name, found.event_type_id, asked.minutes or found.minutes)
        phone = None if asked.phone is None else phone_number(asked.phone, "DE") or asked.phone
        person = Person(asked.name, phone, asked.email)
        return Wish(tenant.tenant_id, _conversation(request), service, asked.start, person)

    async def _once(self, request: Request, tenancy: Tenancy, asked: Asked, wish: Wish) -> Done | None:
        """None where what the answer was to tell of is there no more."""
        proxied, key = tenancy.proxied, named_key(wish, tenancy.tenant.hash_key)
        passage = Passage(asked, wish.person, headers_of(request))
        proxied.passages.begin(key, passage)
        reply = Reply(Outcome.IN_DOUBT)
        try:
            reply = await proxied.bookings.book(wish, None, line_known=True)
        finally:
            # Where its client waits no longer, what it wrote is still to be sent.
            lives = proxied.bookings.budgets.post_seconds * 2 if reply.outcome is Outcome.IN_DOUBT else 0.0
            asyncio.get_running_loop().call_later(lives, proxied.passages.end, key, passage)
        if reply.outcome in BOOKED and reply.booking is not None and not _is_own_201(passage.answer):
            return await self._read_back(request, tenancy, wish, reply, reply.booking.ref)
        seat = await self._seat(request, tenancy, asked, wish) if _may_be_a_seat(reply, passage.answer) else None
        return seat or Done(self._told(request, reply, passage.answer), reply, wish.conversation_id)

    async def _seat(self, request: Request, tenancy: Tenancy, asked: Asked, wish: Wish) -> Done | None:
        """The seat that this person has there by a request of ours, whose answer was lost or is asked for again."""
        event_type_id, tenant_id = wish.service.event_type_id, tenancy.tenant.tenant_id
        if asked.email is None:
            return None
        answer = await self._passing.read(request, tenancy, seats_target(event_type_id, asked.email, wish.start))
        seats = () if answer is None else seats_found(answer.body, event_type_id, asked.email, wish.start)
        try:
            operations = [one.operation_id for one in seats]
            stored = await self._gateway.reconciling.of_operations(tenant_id, operations) if operations else ()
        except (LedgerUnavailable, CommitUnknown):
            return None
        theirs = {one.intent.operation_id for one in stored if is_theirs(one, wish.person)}
        seat = next((one for one in seats if one.operation_id in theirs), None)
        if seat is None:
            return None
        has_it = Reply(Outcome.ALREADY_BOOKED, asked_start=wish.start)
        return Done(Response(seat.body, 201, media_type="application/json"), has_it, wish.conversation_id)

    def _told(self, request: Request, reply: Reply, answer: WireAnswer | None) -> Response:
        """Of what this very request came to; `answer` is Cal.com's to it, where it was sent."""
        if answer is not None and answer.status == 201 and (reply.outcome in BOOKED or is_a_seat(answer.body)):
            # Of seats Cal.com gives each attendee one and no second; what they share is nobody's booking alone.
            return as_it_came(answer)
        if reply.outcome is Outcome.IN_DOUBT:
            return self._later(request, 504, f"it is not known yet whether this booking was made; {SAME}")
        if answer is not None and answer.status >= 400:
            return as_it_came(answer)
        if (wrong := _misused(reply)) is not None:
            return self._error(request, 422, wrong)
        if reply.outcome is not Outcome.ERROR:
            return self._error(request, 400, TAKEN)
        too_busy = reply.why is Why.TOO_BUSY
        what = "this key's request budget is used up" if too_busy else "Cal.com or the ledger did not answer"
        return self._later(request, 429 if too_busy else 503, f"{what}; nothing was booked; {SAME}")

    async def _read_back(self, request: Request, tenancy: Tenancy, wish: Wish, reply: Reply, ref: str) -> Done | None:
        """What stands from before, or by another request: for whom it was booked, and only while it stands."""
        standings = tenancy.proxied.changes.doubts.standings
        try:
            uid = await self._gateway.booking_uids.uid_of(ref)
            stored = None if uid is None else await self._stored(tenancy, uid)
            if stored is not None and not is_theirs(stored, wish.person):
                taken = Reply(Outcome.SLOT_TAKEN, asked_start=wish.start)
                return Done(self._error(request, 400, TAKEN), taken, wish.conversation_id)
            answer = await self._passing.shown(request, tenancy, uid)
            if answer is not None and stands(answer.body, wish.start):
                return Done(as_it_came(answer, 201), reply, wish.conversation_id)
            if answer is not None and stored is not None and await taken_up(standings, stored):
                return None
        except (LedgerUnavailable, CommitUnknown):
            pass
        response = self._later(request, 504, f"it is booked, and cannot be read just now; {SAME}")
        return Done(response, reply, wish.conversation_id)

    async def _stored(self, tenancy: Tenancy, uid: str) -> StoredReply | None:
        return next(iter(await self._gateway.reconciling.of_uids(tenancy.tenant.tenant_id, (uid,))), None)

    def _error(self, request: Request, status: int, message: str) -> Response:
        return error(request, status, message, self._gateway.clock.now())

    def _later(self, request: Request, status: int, message: str) -> Response:
        return later(request, status, message, self._gateway.clock.now())


def _is_own_201(answer: WireAnswer | None) -> bool:
    return answer is not None and answer.status == 201


def _may_be_a_seat(reply: Reply, answer: WireAnswer | None) -> bool:
    """Whether this may be refused, or in doubt, because its person has a seat there: only Cal.com knows who shares."""
    refused = reply.outcome is Outcome.SLOT_TAKEN if answer is None else answer.status == 409
    return refused or reply.outcome is Outcome.IN_DOUBT


def _misused(reply: Reply) -> str | None:
    """Why the client's key is not for this wish, if admission found that it is not."""
    if reply.why is Why.KEY_REUSED:
        return _OTHER_WISH
    return _GONE if Missing.AGAIN in reply.missing else None


def _conversation(request: Request) -> str | None:
    """What names the wish where its client has a name for it. The key itself may be anything, so it is not kept."""
    key = request.headers.get("idempotency-key")
    return None if not key else f"key_{hashlib.sha256(key.encode()).hexdigest()[:32]}"
