"""What goes into the library and comes out of it: frozen, and without anything of ours behind it."""

from dataclasses import dataclass
from datetime import datetime

from einmal.domain.reply import Outcome, Reply
from einmal.domain.slot import slot_name
from einmal.tenancies import Tenancy


class CannotOpen(Exception):
    """Why there is no gateway, in words for whoever runs the program. It holds no secret."""


class BadArgument(ValueError):
    """A mistake in the program: what was wrong and what is allowed. Nothing was begun."""


class NotOpen(RuntimeError):
    """The gateway was closed before this call, or was opened in another event loop."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who an appointment is for. The program vouches for the phone: what stands under it may be cancelled by it."""

    name: str
    phone: str | None = None
    email: str | None = None

    def __repr__(self) -> str:
        return "Customer(...)"  # never what could end in a log


@dataclass(frozen=True, slots=True)
class Service:
    """What can be booked. `event_type_id` is Cal.com's."""

    name: str
    event_type_id: int
    duration_minutes: int
    aliases: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """An appointment, as the calendar has it. `ref` names it in later calls."""

    ref: str
    start: datetime
    end: datetime
    service: str
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """A time that is free now. `slot` books it; `message` is the time in words."""

    slot: str
    start: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """What is true. `message` is the sentence to say, in the house's language.

    `do_not_rebook`: it is in doubt. It may be booked, and is looked up until that is known; book nothing in its place,
    and ask `status` later. `missing` names what must be asked first. By `error_id` the log has what went wrong.
    """

    success: bool
    status: Outcome
    message: str
    booking: Booking | None = None
    alternatives: tuple[Alternative, ...] = ()
    missing: tuple[str, ...] = ()
    do_not_rebook: bool = False
    error_id: str | None = None


def result_of(reply: Reply, heard: str, at: datetime, tenancy: Tenancy) -> Result:
    zone, voice, slot = tenancy.voice.zone, tenancy.voice, reply.booking
    booking = None
    if slot is not None:
        start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
        booking = Booking(slot.ref, start, end, slot.service, slot.staff)
    alternatives = (
        Alternative(slot_name(one, tenancy.tenant.hash_key), one.start.astimezone(zone), voice.offer(one, at))
        for one in reply.alternatives
    )
    return Result(
        reply.success,
        reply.outcome,
        heard,
        booking,
        tuple(alternatives),
        tuple(item.field for item in reply.missing),
        reply.do_not_rebook,
        reply.error_id,
    )
