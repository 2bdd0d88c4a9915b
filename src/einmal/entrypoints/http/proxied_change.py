"""`POST /v2/bookings/{uid}/cancel` and `…/reschedule`, guarded where the booking is one of ours."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from einmal.adapters.calcom.client_request import TAKEN, is_of_a_part, read_object, read_start, stands
from einmal.adapters.calcom.passing import ChangePassage
from einmal.adapters.calcom.transport import WireAnswer
from einmal.domain.reply import Outcome, Reply, Why
from einmal.entrypoints.http.door import read_body
from einmal.entrypoints.http.passing import Passing, as_it_came, error, headers_of, later
from einmal.entrypoints.http.proxied_booking import SAME, Done
from einmal.ports import CommitUnknown, LedgerUnavailable, StoredReply
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

Noted = Callable[[Tenancy, str, Awaitable[Done]], Awaitable[Response]]

_OF_A_WHOLE: Final = (
    "this booking is one part of an appointment that is several bookings, and is changed with the others: by phone, or "
    "on the desk"
)


class ProxiedChanges:
    def __init__(self, gateway: Gateway, passing: Passing, noted: Noted) -> None:
        self._gateway = gateway
        self._passing = passing
        self._noted = noted

    async def change(self, request: Request, tenancy: Tenancy, uid: str, what: str) -> Response:
        """Raises NotUnderstood, Refusal, LedgerUnavailable or CommitUnknown; nothing was sent then."""
        books, own = self._gateway.reconciling, tenancy.proxied.changes.own
        stored = next(iter(await books.of_uids(tenancy.tenant.tenant_id, (uid,))), None)
        if stored is None or not self._is_guarded(stored):
            return await self._passing.forward(request, tenancy)
        body = await read_body(request.scope, request.receive)
        asked = read_object(body)
        if is_of_a_part(asked):
            return await self._passing.forward(request, tenancy, body)
        if await own.composite_of(stored) is not None:
            return error(request, 400, _OF_A_WHOLE, self._gateway.clock.now())
        start = read_start(asked) if what == "reschedule" else None
        return await self._noted(tenancy, what, self._changed(request, tenancy, stored, uid, asked, start))

    def _is_guarded(self, stored: StoredReply) -> bool:
        """Of what is not, Cal.com alone decides: what has begun, and what other programs booked."""
        begun = stored.booking is None or stored.booking.start <= self._gateway.clock.now()
        return not begun and not stored.imported

    async def _changed(
        self,
        request: Request,
        tenancy: Tenancy,
        stored: StoredReply,
        uid: str,
        asked: dict[str, Any],
        start: datetime | None,
    ) -> Done:
        changes, passages = tenancy.proxied.changes, tenancy.proxied.passages
        passage = ChangePassage(start, asked, headers_of(request))
        passages.begin_change(uid, passage)
        try:
            reply = await (changes.cancel_this(stored) if start is None else changes.move_this(stored, start))
        finally:
            passages.end_change(uid, passage)
        try:
            response = await self._told(request, tenancy, uid, reply, passage, start)
        except (LedgerUnavailable, CommitUnknown):
            response = self._later(request, 504, f"it is done, and cannot be read just now; {SAME}")
        return Done(response, reply, stored.intent.wish.conversation_id)

    async def _told(
        self,
        request: Request,
        tenancy: Tenancy,
        uid: str,
        reply: Reply,
        passage: ChangePassage,
        start: datetime | None,
    ) -> Response:
        match reply.outcome:
            case Outcome.CANCELLED:
                return await self._shown(request, tenancy, uid, None)
            case Outcome.RESCHEDULED | Outcome.REQUESTED if reply.booking is not None and _is_moved(reply):
                moved = await self._gateway.booking_uids.uid_of(reply.booking.ref)
                return await self._shown(request, tenancy, moved, start)
            case Outcome.IN_DOUBT:
                return self._later(request, 504, f"it is not known yet whether this was changed; {SAME}")
            case _:
                return self._refused(request, uid, reply, passage.answer)

    def _refused(self, request: Request, uid: str, reply: Reply, answer: WireAnswer | None) -> Response:
        """In Cal.com's words, where it was asked."""
        match reply.outcome:
            case _ if answer is not None and 400 <= answer.status < 500:
                return as_it_came(answer)
            case Outcome.SLOT_TAKEN | Outcome.UNAVAILABLE:
                return error(request, 400, TAKEN, self._gateway.clock.now())
            case Outcome.ERROR:
                return self._later(request, 503, f"nothing was changed; {SAME}")
            case _:
                return self._gone(request, uid)

    async def _shown(self, request: Request, tenancy: Tenancy, uid: str | None, start: datetime | None) -> Response:
        """The booking as it is now: cancelled, or moved to `start`."""
        answer = await self._passing.shown(request, tenancy, uid)
        if answer is None:
            return self._later(request, 504, f"it is done, and cannot be read just now; {SAME}")
        if start is not None and not stands(answer.body, start):
            return self._gone(request, uid or "")
        return as_it_came(answer, 200 if start is None else 201)

    def _gone(self, request: Request, uid: str) -> Response:
        message = f"Can't change booking with uid={uid}: it does not stand as it did"
        return error(request, 400, message, self._gateway.clock.now())

    def _later(self, request: Request, status: int, message: str) -> Response:
        return later(request, status, message, self._gateway.clock.now())


def _is_moved(reply: Reply) -> bool:
    """Of what waits for the host, whether this move made it so, or it stood there from before."""
    return reply.outcome is Outcome.RESCHEDULED or reply.why is Why.CHANGING
