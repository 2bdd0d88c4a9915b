"""Function calls that only ask: answered from the tenant's configuration, the clock, and the caller's own line."""

import asyncio
from datetime import datetime
from typing import Final

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.fields import clean, collect
from einmal.adapters.functions.names import Does
from einmal.adapters.functions.wish import frame_of, line_of, service_of
from einmal.domain.model import Service
from einmal.domain.reply import Missing, Outcome, Reply
from einmal.ports import CommitUnknown, Ledger, LedgerUnavailable
from einmal.speech.heard import Frame, Heard, hear, hear_start
from einmal.speech.information import (
    Told,
    tell_context,
    tell_customer,
    tell_day,
    tell_hours,
    tell_moment,
    tell_service,
    tell_services,
)
from einmal.tenancies import Tenancy

TELLS: Final = frozenset(
    {
        *(Does.PARSE_DATE, Does.TELL_TIME, Does.LIST_SERVICES, Does.TELL_SERVICE, Does.TELL_HOURS),
        *(Does.TELL_CONTEXT, Does.TELL_CUSTOMER),
    }
)

CUSTOMER_SECONDS: Final = 1.2
"""Less than the context's own budget: who is not found by then is asked for their name, as everybody is."""

_PHRASES: Final = ("date_string", "datum_text", "text", "expression", "phrase", "input", "query", "utterance")


async def inform(
    does: Does, function_call: FunctionCall, tenancy: Tenancy, ledger: Ledger, now: datetime
) -> Told | Reply:
    """What is told, or the question that must be asked first."""
    tenant, voice = tenancy.tenant, tenancy.voice
    match does:
        case Does.PARSE_DATE:
            answer: Told | Reply = _date(function_call, tenancy, now)
        case Does.LIST_SERVICES:
            answer = tell_services(voice, tenant.services)
        case Does.TELL_SERVICE:
            answer = _service(function_call, tenancy)
        case Does.TELL_HOURS:
            answer = _hours(function_call, tenancy, now)
        case Does.TELL_CUSTOMER:
            answer = tell_customer(voice, known=await line_is_known(function_call, tenancy, ledger))
        case Does.TELL_CONTEXT:
            known = await line_is_known(function_call, tenancy, ledger)
            answer = tell_context(voice, tenant.name, tenant.services, tenant.house.hours, now, known=known)
        case _:
            answer = tell_moment(voice, now)
    return answer


def _date(function_call: FunctionCall, tenancy: Tenancy, now: datetime) -> Told | Reply:
    heard = _phrase(function_call, tenancy, now)
    told = tell_day(tenancy.voice, heard, now)
    return told or Reply(Outcome.NEEDS_INPUT, missing=heard.missing, readings=heard.readings)


def _service(function_call: FunctionCall, tenancy: Tenancy) -> Told | Reply:
    service = service_of(function_call, tenancy.tenant)
    if isinstance(service, Service):
        return tell_service(tenancy.voice, service, _staff_of(service, tenancy))
    choices = tuple(one.name for one in tenancy.tenant.services)
    return Reply(Outcome.NEEDS_INPUT, missing=(service,), choices=choices)


def _phrase(function_call: FunctionCall, tenancy: Tenancy, now: datetime) -> Heard:
    """The date that was said, in whichever field."""
    fields, frame = collect(function_call.args), _frame(function_call, tenancy, now)
    if fields.date is None and fields.time is None:
        said = _text(function_call)
        if said is not None:
            return hear(said, frame)
    return hear_start(fields.date, fields.time, frame)


def _text(function_call: FunctionCall) -> str | None:
    return next((text for name in _PHRASES if (text := clean(function_call.args.get(name))) is not None), None)


def _frame(function_call: FunctionCall, tenancy: Tenancy, now: datetime) -> Frame:
    """The house's hours settle what is said: for the service that is named, else for the one that fits in most."""
    tenant = tenancy.tenant
    service = service_of(function_call, tenant)
    if not isinstance(service, Service):
        shortest = min(tenant.services, key=lambda one: one.duration, default=None)
        return frame_of(tenant, shortest, now)
    return frame_of(tenant, service, now)


def _hours(function_call: FunctionCall, tenancy: Tenancy, now: datetime) -> Told | Reply:
    heard = _phrase(function_call, tenancy, now)
    hours, voice = tenancy.tenant.house.hours, tenancy.voice
    asked = heard.missing[:1]
    if asked == (Missing.DATE,) or (asked == (Missing.DATE_WIDE,) and _names_a_week(function_call)):
        return tell_hours(voice, hours, None, now)
    if heard.day is None:
        return Reply(Outcome.NEEDS_INPUT, missing=heard.missing, readings=heard.readings)
    return tell_hours(voice, hours, heard.day, now)


def _names_a_week(function_call: FunctionCall) -> bool:
    """A week or its end, and not Christmas: an ordinary week tells nothing of that."""
    said = f"{collect(function_call.args).date} {_text(function_call)}".lower()
    return "woche" in said or "week" in said


def _staff_of(service: Service, tenancy: Tenancy) -> tuple[str, ...]:
    return tuple(one.name for one in tenancy.tenant.house.staff if not service.staff or one.staff_id in service.staff)


async def line_is_known(
    function_call: FunctionCall, tenancy: Tenancy, ledger: Ledger, seconds: float = CUSTOMER_SECONDS
) -> bool | None:
    """Whether the caller's line is known here; None where nobody can tell. By whose name is never told."""
    phone = line_of(function_call, tenancy.tenant)
    if phone is None:
        return None
    try:
        reading = ledger.customer_name(tenancy.tenant.tenant_id, phone)
        return await asyncio.wait_for(reading, seconds) is not None
    except (TimeoutError, LedgerUnavailable, CommitUnknown):
        return None
