"""Which appointment a function call is about, who asks, and where it is to be moved. Never a guess.

Agents name the old time and the new one in many ways; what is named once in a call that moves is the new one, unless
only that tells which appointment is meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.fields import Fields, collect, text_of
from einmal.adapters.functions.wish import frame_of, line_of, midnight, service_said, start_of
from einmal.domain.model import Service
from einmal.domain.reply import Missing, Outcome, Reply
from einmal.domain.whose import Caller, Named
from einmal.ports import CallContact, Tenant
from einmal.speech.heard import Heard

OLD_DATE: Final = ("old_date", "old_datum", "altes_datum")
OLD_TIME: Final = ("old_time", "old_uhrzeit", "alte_uhrzeit")
NEW_DATE: Final = ("new_date", "new_datum", "neues_datum")
NEW_TIME: Final = ("new_time", "new_uhrzeit", "neue_uhrzeit")
NEW_SLOT: Final = ("new_slot", "neuer_slot", "slot", "slot_id")
REF: Final = ("ref", "booking_ref", "appointment_ref", "appointment_id", "termin_id", "booking_id")
BEGUN: Final = timedelta(hours=1)
WHICH: Final = Reply(Outcome.NEEDS_INPUT, missing=(Missing.APPOINTMENT,))


@dataclass(frozen=True, slots=True)
class Move:
    """What is to be moved, and to which start."""

    named: Named
    start: datetime


def caller_of(function_call: FunctionCall, tenant: Tenant) -> Caller:
    """As the platform vouches for it. What the model says of its call is nobody's proof."""
    return Caller(function_call.call_id, line_of(function_call, tenant))


def call_in(function_call: FunctionCall) -> CallContact | None:
    """The call as a booking notes it, where the platform vouches for one."""
    if function_call.call_id is None:
        return None
    return CallContact(function_call.platform, function_call.call_id, function_call.agent_id)


def named_in(function_call: FunctionCall, tenant: Tenant, now: datetime) -> Named | Reply:
    """The appointment that was named, as far as it was; a question where a word of it cannot be understood."""
    args = function_call.args
    old_date, old_time = text_of(args, OLD_DATE), text_of(args, OLD_TIME)
    fields = collect(args)
    if old_date is not None or old_time is not None:
        fields = replace(fields, slot=None, date=old_date, time=old_time)
    return _named(function_call, fields, tenant, now)


def move_in(function_call: FunctionCall, tenant: Tenant, now: datetime) -> Move | Reply:
    """What is to be moved and where to, or what must be asked."""
    args = function_call.args
    fields = collect(args)
    old_date, old_time = text_of(args, OLD_DATE), text_of(args, OLD_TIME)
    new_date, new_time, slot = (text_of(args, names) for names in (NEW_DATE, NEW_TIME, NEW_SLOT))
    is_old_told, is_new_told = bool(old_date or old_time), bool(new_date or new_time or slot)
    # Without names that say old or new, the time that is named is the one it is to be moved to.
    plain = replace(fields, slot=None)
    old = replace(plain, date=old_date, time=old_time)
    if not is_old_told and is_new_told:
        old = plain
    new = replace(plain, slot=slot, date=new_date, time=new_time) if is_new_told else plain
    named = _named(function_call, old, tenant, now)
    if isinstance(named, Reply):
        return named
    if new_date is None and new_time is not None and slot is None:
        # "An hour later": of the same day, where that was told.
        new = replace(new, date=old.date)
    heard = start_of(new, tenant, frame_of(tenant, _service(old, tenant), now))
    return Move(named, heard.start) if heard.start is not None else _asked(heard)


def _named(function_call: FunctionCall, fields: Fields, tenant: Tenant, now: datetime) -> Named | Reply:
    service = _service(fields, tenant)
    ref, name = text_of(function_call.args, REF), fields.name
    unknown_service = fields.service is not None and service is None
    if fields.slot is None and fields.date is None and fields.time is None:
        # Narrowed by a word that is not understood, it may be any.
        return WHICH if unknown_service and ref is None else Named(service=service, ref=ref, name=name)
    heard = _heard(fields, tenant, now)
    if heard.start is not None:
        return Named(heard.start, service=service, ref=ref, name=name)
    if heard.day is not None and heard.missing in {(Missing.TIME,), (Missing.TIME_WIDE,)}:
        within = Named(within=_window(heard, tenant), service=service, ref=ref, name=name)
        return WHICH if unknown_service and ref is None else within
    # A time without a day names no appointment.
    return WHICH if heard.missing[:1] == (Missing.DATE,) else _asked(heard)


def _heard(fields: Fields, tenant: Tenant, now: datetime) -> Heard:
    """The appointment may be today, and begun: what lies a little behind is named as well as what lies ahead."""
    heard = start_of(fields, tenant, frame_of(tenant, None, now))
    if heard.missing[:1] == (Missing.DATE_PAST,):
        earlier = start_of(fields, tenant, frame_of(tenant, None, now - BEGUN))
        if earlier.start is not None and now - BEGUN <= earlier.start <= now:
            return earlier
    return heard


def _window(heard: Heard, tenant: Tenant) -> tuple[datetime, datetime]:
    if heard.day is None:
        raise ValueError("a window is of a day")
    if heard.window is None:
        return midnight(heard.day, tenant), midnight(heard.day + timedelta(days=1), tenant)
    zone = ZoneInfo(tenant.time_zone)
    begin, end = (datetime.combine(heard.day, at, zone) for at in heard.window)
    return begin, end


def _service(fields: Fields, tenant: Tenant) -> Service | None:
    """The service that was named, if it is one of ours. An appointment may be of one that is offered no longer."""
    if fields.service is None:
        return None
    service = service_said(replace(fields, slot=None), tenant)
    return service if isinstance(service, Service) else None


def _asked(heard: Heard) -> Reply:
    return Reply(Outcome.NEEDS_INPUT, missing=heard.missing, readings=heard.readings)


def says_more(args: Mapping[str, Any]) -> bool:
    """Whether the caller said that they want this beside what they have."""
    said = text_of(args, _MORE_NAMES)
    return said is not None and said.lower() in _MORE


_MORE_NAMES: Final = (
    *("zusaetzlich", "zusätzlich", "additional", "weiterer_termin", "additional_appointment"),
    *("again", "nochmal", "erneut"),
)
_MORE: Final = frozenset(
    {"true", "1", "1.0", "ja", "yes", "y", "j", "beide", "beides", "auch", "both", "keep both", "additional"}
    | {"zusaetzlich", "zusätzlich", "weiterer", "noch einen", "one more"}
)
