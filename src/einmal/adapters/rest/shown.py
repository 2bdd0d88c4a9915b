"""What a program is told of a reply and of a booking: status, body, and where to look again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from einmal.adapters.rest.problems import Kind, Problem
from einmal.domain.intent import BOOKED, UNRESOLVED, State
from einmal.domain.model import Offer
from einmal.domain.reply import BookedSlot, Missing, Outcome, Reply, Why
from einmal.domain.slot import slot_name
from einmal.ports import StoredReply, Tenant

BOOKINGS_AT: Final = "/v1/bookings/"
LOOK_AGAIN_SECONDS: Final = 5
BUSY_SECONDS: Final = 30

_OK: Final = {
    Outcome.BOOKED: 201,
    Outcome.REQUESTED: 201,
    Outcome.ALREADY_BOOKED: 200,
    Outcome.CANCELLED: 200,
    Outcome.RESCHEDULED: 200,
    Outcome.RESERVED: 201,
}
"""A success's status, where nothing stood before."""

FINAL: Final = frozenset(
    {*_OK, Outcome.SLOT_TAKEN, Outcome.UNAVAILABLE, Outcome.REJECTED, Outcome.NEEDS_INPUT, Outcome.RELEASED}
)
"""Said once, it is said again. What is in doubt is not, nor what could not be done just now."""

_WORDS: Final = {
    State.CONFIRMED: "booked",
    State.PENDING: "requested",
    State.CANCELLED: "cancelled",
    State.MOVED: "moved",
    State.DECLINED: "declined",
    State.LOST: "lost",
}
"""How a booking stands. What is in doubt is in_doubt; all other states are not_booked."""

STATUSES: Final = ("booked", "requested", "in_doubt", "cancelled", "moved", "declined", "lost", "not_booked")


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer. `final`: the same request hears it again, where it is true no longer than `until` as long as that.
    `outcome`: as metrics and the journal call it."""

    status: int
    body: Mapping[str, Any]
    final: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "information"
    until: datetime | None = None

    @property
    def is_problem(self) -> bool:
        return self.status >= 400


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells for one tenant."""

    tenant: Tenant

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.tenant.time_zone)

    def local(self, at: datetime) -> str:
        return at.astimezone(self._zone).isoformat()

    def slot(self, offer: Offer) -> dict[str, str]:
        return {"slot": slot_name(offer, self.tenant.hash_key), "start": self.local(offer.start)}

    def answer(self, reply: Reply, message: str, *, ref: str | None = None, before: bool = False) -> Shown:
        """The answer to a request that books or changes. `before`: what it asked for stood already.

        `ref`: what the booking is called while it has no name yet.
        """
        if reply.outcome is Outcome.IN_DOUBT and reply.why is not Why.OTHER_IN_DOUBT:
            shown = self._in_doubt(reply, message, ref)
        elif reply.outcome in _OK and reply.booking is not None:
            body = self.booked(reply.booking, _word(reply.outcome), message)
            headers = {"Location": BOOKINGS_AT + reply.booking.ref}
            shown = Shown(200 if before else _OK[reply.outcome], body, headers=headers)
        else:
            shown = self._refused(reply, message)
        return replace(shown, outcome=reply.outcome.value)

    def booked(self, slot: BookedSlot, status: str, message: str | None = None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "ref": slot.ref,
            "status": status,
            "start": self.local(slot.start),
            "end": self.local(slot.end),
            "service": slot.service,
        }
        body |= {} if slot.staff is None else {"staff": slot.staff}
        return body | ({} if message is None else {"message": message})

    def standing(self, stored: StoredReply, now: datetime, whole: Reply | None = None) -> dict[str, Any]:
        """A booking as the ledger has it. `whole`: what is told of the composite that it is the first part of."""
        wish, state = stored.intent.wish, stored.intent.state_at(now)
        if whole is not None:
            slot, word = whole.booking, _word(whole.outcome)
        else:
            slot, word = stored.booking, _WORDS.get(state, "not_booked")
            if state in UNRESOLVED or (stored.changing and state in BOOKED):
                word = "in_doubt"
        if slot is None:
            body = {
                "ref": stored.intent.intent_id,
                "status": word,
                "start": self.local(wish.start),
                "service": wish.service.name,
            }
        else:
            body = self.booked(slot, word)
        return body | ({"do_not_rebook": True} if word == "in_doubt" else {})

    def _in_doubt(self, reply: Reply, message: str, ref: str | None) -> Shown:
        body: dict[str, Any] = {"status": "in_doubt", "do_not_rebook": True, "message": message}
        headers = {"Retry-After": str(LOOK_AGAIN_SECONDS)}
        if ref is not None:
            body = {"ref": ref, **body}
            headers["Location"] = BOOKINGS_AT + ref
        if reply.asked_start is not None:
            body["start"] = self.local(reply.asked_start)
        return Shown(202, body, final=False, headers=headers)

    def _refused(self, reply: Reply, message: str) -> Shown:
        kind = _kind(reply)
        more: dict[str, Any] = {"message": message}
        if kind in {Kind.SLOT_TAKEN, Kind.REJECTED}:
            more["alternatives"] = [self.slot(offer) for offer in reply.alternatives]
        if reply.booking is not None:
            more["booking"] = self.booked(reply.booking, "booked")
        if reply.missing:
            more["missing"] = [one.field for one in reply.missing]
        if reply.readings:
            more["readings"] = [self.local(at) for at in reply.readings]
        if reply.error_id is not None:
            more["error_id"] = reply.error_id
        headers = {}
        if kind in {Kind.OTHER_IN_DOUBT, Kind.UNAVAILABLE}:
            seconds = BUSY_SECONDS if reply.why is Why.TOO_BUSY else LOOK_AGAIN_SECONDS
            headers["Retry-After"] = str(seconds)
        if kind is Kind.OTHER_IN_DOUBT:
            more["do_not_rebook"] = True
        final = reply.outcome in FINAL and kind is not Kind.OTHER_IN_DOUBT
        return Shown(kind.status, Problem(kind, more=more).body, final, headers)


_REFUSED: Final = {
    Outcome.SLOT_TAKEN: Kind.SLOT_TAKEN,
    Outcome.UNAVAILABLE: Kind.SLOT_TAKEN,
    Outcome.NEEDS_INPUT: Kind.NEEDS_PERSON,
    Outcome.REJECTED: Kind.REJECTED,
    Outcome.IN_DOUBT: Kind.OTHER_IN_DOUBT,
}


def _kind(reply: Reply) -> Kind:
    moved_by_others = reply.missing == (Missing.APPOINTMENT,)
    if moved_by_others or (reply.outcome is Outcome.REJECTED and reply.why is Why.NOT_FOUND):
        return Kind.NOT_STANDING
    return _REFUSED.get(reply.outcome, Kind.UNAVAILABLE)


def _word(outcome: Outcome) -> str:
    """An outcome as a booking's status."""
    match outcome:
        case Outcome.BOOKED | Outcome.ALREADY_BOOKED | Outcome.RESCHEDULED:
            return "booked"
        case Outcome.REQUESTED | Outcome.CANCELLED | Outcome.IN_DOUBT:
            return outcome.value
        case _:
            return "not_booked"
