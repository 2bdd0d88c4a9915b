"""Bookings: made, read, listed, cancelled, moved."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from einmal.adapters.rest.cursor import cursor_of, position_of
from einmal.adapters.rest.declared import START_MAX, FieldProblem
from einmal.adapters.rest.fields import PAGE
from einmal.adapters.rest.problems import Kind, Problem
from einmal.adapters.rest.shown import Shown, Teller
from einmal.domain.composite import parts_of
from einmal.domain.intent import BOOKED, ENDED, UNRESOLVED, State
from einmal.domain.keys import intent_key, person_key
from einmal.domain.model import Person, Wish
from einmal.domain.reply import Outcome, Reply
from einmal.entrypoints.rest.asked import Asked
from einmal.entrypoints.rest.once import Work
from einmal.entrypoints.rest.wishes import wished
from einmal.ports import CommitUnknown, LedgerUnavailable, StoredReply
from einmal.ports.listing import Filter, Listing, Position
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

_OVER: Final = frozenset({"cancelled", "moved", "declined", "lost"})

_STOOD_BEFORE: Final = frozenset({Outcome.BOOKED, Outcome.REQUESTED})


@dataclass(frozen=True, slots=True)
class Bookings:
    gateway: Gateway

    @property
    def listing(self) -> Listing:
        return self.gateway.listing

    async def book(self, asked: Asked) -> Work:
        wish, tenancy = wished(asked), asked.tenancy
        books = tenancy.composites if wish.service.segments else tenancy.bookings

        async def work(begun_at: datetime | None) -> Shown:
            before = await self._of(wish, tenancy)
            if begun_at is not None and before is not None and _answered(before, begun_at):
                over = await self._over(asked, before)
                if over is not None:
                    return over
            stood = before is not None and before.intent.state in BOOKED | UNRESOLVED and begun_at is None
            reply = await books.book(wish, None, line_known=wish.person.phone is not None)
            ref = await self._ref_of(wish, tenancy) if reply.outcome is Outcome.IN_DOUBT else None
            message = tenancy.voice.sentence(reply, self.gateway.clock.now(), staff_wished=wish.staff is not None)
            return Teller(asked.tenant).answer(reply, message, ref=ref, before=stood and reply.outcome in _STOOD_BEFORE)

        return work

    async def read(self, asked: Asked) -> Shown:
        stored = await self._named(asked)
        return Shown(200, (await self._told(asked, [stored]))[0])

    async def page(self, asked: Asked) -> Shown:
        values, secret = asked.values, asked.tenant.hash_key
        limit, cursor = values.get("limit", PAGE), values.get("cursor")
        after = None if cursor is None else position_of(cursor, secret)
        if cursor is not None and after is None:
            wrong = FieldProblem("cursor", "must be the `next` of a page before, as it was told", in_query=True)
            raise Problem(Kind.FIELDS, errors=[wrong])
        person = person_key(Person("", values.get("phone"), values.get("email")), None, secret)
        which = Filter(
            values.get("from", asked.now),
            values.get("to", START_MAX),
            person.phone_hash,
            person.email_hash,
            values.get("conversation_id"),
        )
        found = await self.listing.page(asked.tenant.tenant_id, which, after, limit + 1)
        shown = found[:limit]
        goes_on = len(found) > limit
        last = Position(shown[-1].intent.wish.start, shown[-1].intent.intent_id) if goes_on else None
        body = {
            "bookings": await self._told(asked, shown),
            "next": None if last is None else cursor_of(last, secret),
        }
        return Shown(200, body)

    async def cancel(self, asked: Asked) -> Work:
        stored = await self._named(asked)

        async def work(_: datetime | None) -> Shown:
            if stored.intent.state not in BOOKED | {State.CANCELLED} or stored.booking is None:
                return await self._not_standing(asked, stored)
            return self._changed(asked, await asked.tenancy.changes.cancel_this(stored), stored)

        return work

    async def move(self, asked: Asked) -> Work:
        stored = await self._named(asked)

        async def work(_: datetime | None) -> Shown:
            if stored.intent.state not in BOOKED | {State.MOVED} or stored.booking is None:
                return await self._not_standing(asked, stored)
            values = asked.values
            reply = await asked.tenancy.changes.move_this(stored, values["start"], values.get("conversation_id"))
            return self._changed(asked, reply, stored)

        return work

    def _changed(self, asked: Asked, reply: Reply, stored: StoredReply) -> Shown:
        message = asked.tenancy.voice.sentence(reply, self.gateway.clock.now())
        return Teller(asked.tenant).answer(reply, message, ref=_ref(stored), before=True)

    async def _over(self, asked: Asked, before: StoredReply) -> Shown | None:
        """What came of a request that comes again, where it is over by now; what surely never began is no such answer.

        Carried out anew, it would be booked a second time, or although somebody has heard that it was not booked.
        """
        told, intent = (await self._told(asked, [before]))[0], before.intent
        in_vain = told["status"] == "not_booked" and (intent.doubted_at is not None or intent.state in ENDED)
        return await self._not_standing(asked, before) if in_vain or told["status"] in _OVER else None

    async def _not_standing(self, asked: Asked, stored: StoredReply) -> Shown:
        """Nothing of it can be changed: it is over, or nobody knows yet whether it stands."""
        kind = Kind.OTHER_IN_DOUBT if stored.intent.state in UNRESOLVED else Kind.NOT_STANDING
        told = await self._told(asked, [stored])
        more: dict[str, Any] = {"booking": told[0]}
        outcome = Outcome.IN_DOUBT if kind is Kind.OTHER_IN_DOUBT else Outcome.REJECTED
        final = kind is Kind.NOT_STANDING
        return Shown(kind.status, Problem(kind, more=more).body, final, outcome=outcome.value)

    async def _named(self, asked: Asked) -> StoredReply:
        found = await self.listing.named(asked.tenant.tenant_id, asked.in_path)
        if found is None:
            raise Problem(Kind.NOT_FOUND, "there is no booking of this ref")
        return found

    async def _ref_of(self, wish: Wish, tenancy: Tenancy) -> str | None:
        """Where a doubt can be looked at. It is told as one all the same where that cannot be read."""
        try:
            found = await self._of(wish, tenancy)
        except (LedgerUnavailable, CommitUnknown):
            return None
        return None if found is None else _ref(found)

    async def _of(self, wish: Wish, tenancy: Tenancy) -> StoredReply | None:
        """What there is of this wish; of a composite, of its first part."""
        if wish.service.segments:
            after, first = parts_of(wish.service)[0]
            wish = replace(wish, service=first, start=wish.start + after)
        key = intent_key(wish, tenancy.tenant.hash_key).value
        return await self.listing.of_key(wish.tenant_id, key)

    async def _told(self, asked: Asked, found: "list[StoredReply] | tuple[StoredReply, ...]") -> list[dict[str, Any]]:
        """As they stand in the ledger. Of composites the whole."""
        composites, teller = asked.tenancy.composites, Teller(asked.tenant)
        of = await composites.books.of_intents([one.intent.intent_id for one in found]) if found else {}
        told = []
        for one in found:
            composite = of.get(one.intent.intent_id)
            whole = None if composite is None else await composites.told(composite, composite.conversation_id)
            body = teller.standing(one, self.gateway.clock.now(), whole)
            if one.intent.state is State.MOVED:
                became = await asked.tenancy.changes.replies.became(one.intent)
                body |= {} if became is None else {"moved_to": _ref(became)}
            told.append(body)
        return told


def _answered(before: StoredReply, since: datetime) -> bool:
    """Whether the wish was begun or settled since: then a request of that time has had this for its answer."""
    intent = before.intent
    return intent.created_at >= since or (intent.resolved_at is not None and intent.resolved_at >= since)


def _ref(stored: StoredReply) -> str:
    return stored.intent.intent_id if stored.booking is None else stored.booking.ref
