"""What stands of a form: read from the ledger each time, so that every reload tells the truth of its moment."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from einmal.domain.intent import LIVE, Intent, State
from einmal.domain.model import Offer, Service, Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.domain.whose import Caller
from einmal.ports import StoredReply
from einmal.tenancies import Tenancy


class Kind(StrEnum):
    """How a page tells it."""

    GOOD = "good"
    CHECKING = "checking"
    TAKEN = "taken"
    """This time is not to be had; others are offered."""
    BAD = "bad"
    GONE = "gone"
    """It stood and stands no longer, or elsewhere."""


_KINDS: Final = {
    Outcome.BOOKED: Kind.GOOD,
    Outcome.REQUESTED: Kind.GOOD,
    Outcome.ALREADY_BOOKED: Kind.GOOD,
    Outcome.IN_DOUBT: Kind.CHECKING,
    Outcome.SLOT_TAKEN: Kind.TAKEN,
    Outcome.UNAVAILABLE: Kind.TAKEN,
    Outcome.CANCELLED: Kind.GONE,
}

_GONE: Final = {State.MOVED: "book_moved", State.LOST: "book_lost"}

_WAITS: Final = ((timedelta(seconds=30), 1), (timedelta(minutes=10), 5))
"""A doubt mostly ends within seconds, and may take hours: how old it is, and how often a page then looks."""

WAIT_SECONDS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Result:
    """`word` is the sentence, a key of Words, where none of speech's says it."""

    reply: Reply
    wish: Wish
    asked_at: datetime
    intent_id: str | None = None
    word: str | None = None
    live: bool = False
    """Whether this form has its appointment, or may have: it gets no other one."""

    @property
    def kind(self) -> Kind:
        if self.word is not None and self.intent_id is not None:
            return Kind.GONE
        if self.reply.outcome is Outcome.REJECTED and self.reply.why is Why.NOT_OFFERED:
            return Kind.TAKEN
        return _KINDS.get(self.reply.outcome, Kind.BAD)

    @property
    def offers(self) -> tuple[Offer, ...]:
        return self.reply.alternatives if self.kind is Kind.TAKEN else ()

    def wait_seconds(self, now: datetime) -> int:
        age = now - self.asked_at
        return next((seconds for until, seconds in _WAITS if age < until), WAIT_SECONDS_MAX)


async def standing(tenancy: Tenancy, form_id: str, now: datetime) -> Result | None:
    """What has become of the form's wish; None where it has none. Raises LedgerUnavailable or CommitUnknown."""
    own = tenancy.telling.own
    found = await own.of_call(Caller(form_id))
    if not found:
        return None
    stored = next((one for one in found if one.intent.state in LIVE), found[0])
    whole = await own.composite_of(stored)
    if whole is not None:
        reply = await tenancy.composites.told(whole, form_id)
        wish = replace(stored.intent.wish, start=whole.start, service=_service(tenancy, whole.service_id, stored))
        live = reply.success or reply.outcome is Outcome.IN_DOUBT
        return Result(
            _unpromised(tenancy, reply, stored.intent), wish, whole.created_at, stored.intent.intent_id, live=live
        )
    intent = stored.intent
    reply = _unpromised(tenancy, stored.told(now), intent)
    live = intent.state in LIVE
    return Result(reply, intent.wish, intent.created_at, intent.intent_id, _GONE.get(intent.state), live=live)


async def with_offers(tenancy: Tenancy, result: Result) -> Result:
    """With what is free beside it, where its own answer named nothing. One look at the calendar at most."""
    if result.kind is not Kind.TAKEN or result.reply.alternatives:
        return result
    near = await tenancy.offers.check(result.wish)
    others = tuple(offer for offer in near.alternatives if offer.start != result.wish.start)
    return replace(result, reply=replace(result.reply, alternatives=others))


def _service(tenancy: Tenancy, service_id: str, stored: StoredReply) -> Service:
    """The composite itself, which its segments do not know; a segment's own where it is offered no longer."""
    every = tenancy.tenant.services
    return next((one for one in every if one.service_id == service_id), stored.intent.wish.service)


def _unpromised(tenancy: Tenancy, reply: Reply, intent: Intent) -> Reply:
    """That somebody will hear is said where it was promised, and only there."""
    promised = intent.promised_at is not None and tenancy.bookings.reaches(intent.wish.person)
    if reply.outcome is Outcome.IN_DOUBT and reply.why is Why.PLAIN and not promised:
        return replace(reply, why=Why.UNPROMISED)
    return reply
