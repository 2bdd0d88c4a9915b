"""What can be booked, what is free, and what is held meanwhile."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from einmal.adapters.rest.declared import FieldProblem, Wrong
from einmal.adapters.rest.fields import CONVERSATION_ID, DAYS_MAX
from einmal.adapters.rest.problems import Kind, Problem
from einmal.adapters.rest.shown import Shown, Teller
from einmal.domain.hold import HOLD_FOR
from einmal.domain.model import Service
from einmal.domain.reply import Outcome
from einmal.domain.search import Asker, Search
from einmal.entrypoints.rest.asked import Asked
from einmal.entrypoints.rest.once import Work
from einmal.entrypoints.rest.wishes import service_named, wished
from einmal.ports import Blind, CallContact
from einmal.wiring import Gateway

PLATFORM = "rest"
DAYS = 7


@dataclass(frozen=True, slots=True)
class Offering:
    gateway: Gateway

    async def services(self, asked: Asked) -> Shown:
        return Shown(200, {"services": [_shown(one) for one in asked.tenant.services]})

    async def slots(self, asked: Asked) -> Shown:
        service, values = service_named(asked, in_query=True), asked.values
        begin = values.get("from", asked.now)
        end = values.get("to", begin + timedelta(days=DAYS))
        if not begin < end <= begin + timedelta(days=DAYS_MAX):
            wrong = FieldProblem("to", f"must be later than from, by {DAYS_MAX} days at most", in_query=True)
            raise Problem(Kind.FIELDS, errors=[wrong])
        begin = max(begin, asked.now)
        body: dict[str, Any] = {"service": service.service_id, "slots": []}
        if begin < end:
            search = Search(service, begin, end, asker=Asker(values.get("conversation_id")))
            free = await asked.tenancy.offers.free(search)
            if isinstance(free, Blind):
                raise Problem(Kind.UNAVAILABLE, "the calendar cannot be read just now", headers={"Retry-After": "5"})
            body["slots"] = [Teller(asked.tenant).slot(offer) for offer in free]
        return Shown(200, body)

    async def hold(self, asked: Asked) -> Work:
        wish, tenancy, teller = wished(asked), asked.tenancy, Teller(asked.tenant)
        conversation_id = asked.values["conversation_id"]

        async def work(_: datetime | None) -> Shown:
            call = CallContact(PLATFORM, conversation_id)
            # In whole seconds, and never later than it is held.
            until = self.gateway.clock.now().replace(microsecond=0) + HOLD_FOR
            reply = await tenancy.holding.reserve(wish, call, Asker(conversation_id))
            message = tenancy.voice.sentence(reply, self.gateway.clock.now())
            if reply.outcome is Outcome.RESERVED:
                body = {
                    "status": "reserved",
                    "conversation_id": conversation_id,
                    "service": wish.service.service_id,
                    "start": teller.local(wish.start),
                    "expires_at": teller.local(until),
                    "message": message,
                }
                return Shown(201, body, outcome=reply.outcome.value, until=until)
            if reply.outcome is Outcome.AVAILABLE:
                # It is free, and nothing is held: of several parts nothing is, or the ledger could not be written.
                raise Problem(Kind.NOT_HELD if wish.service.segments else Kind.UNAVAILABLE)
            return teller.answer(reply, message)

        return work

    async def release(self, asked: Asked) -> Shown:
        try:
            conversation_id: str = CONVERSATION_ID.read(asked.in_path)
        except Wrong:
            raise Problem(Kind.NOT_FOUND, "there is no conversation of this id") from None
        reply = await asked.tenancy.holding.release(conversation_id, asked.values.get("start"))
        if reply.outcome is not Outcome.RELEASED:
            raise Problem(Kind.UNAVAILABLE, headers={"Retry-After": "5"})
        return Shown(204, {}, outcome=reply.outcome.value)


def _shown(service: Service) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": service.service_id,
        "name": service.name,
        "minutes": service.duration_minutes,
    }
    return body | ({"staff": list(service.staff)} if service.staff else {})
