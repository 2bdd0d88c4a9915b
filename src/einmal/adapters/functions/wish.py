"""From fields to a wish: everything is understood, or the reply asks for what is missing. Never a guess."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.fields import Fields, collect
from einmal.adapters.functions.staff import StaffQuestion, done_by, staff_wished
from einmal.domain.keys import is_house_address, normal_name
from einmal.domain.model import Person, Service, Wish
from einmal.domain.reply import Missing, Outcome, Reply
from einmal.domain.search import Asker, Search
from einmal.domain.slot import offer_of
from einmal.ports import CallContact, Tenant
from einmal.speech.contact import OddAddress, email_address, nobodys_address, phone_number, region_of_zone
from einmal.speech.heard import Frame, Heard, hear_start
from einmal.speech.said import Language

_YES: Final = frozenset({"true", "1", "1.0", "ja", "yes", "y", "j", "ok", "okay"})
_NO: Final = frozenset({"false", "0", "0.0", "nein", "no", "n"})


@dataclass(frozen=True, slots=True)
class Understood:
    """A wish that can be acted on. `confirmed` is False where it is only to be checked."""

    wish: Wish
    call: CallContact | None
    confirmed: bool
    asker: Asker


def understand(
    function_call: FunctionCall, tenant: Tenant, now: datetime, *, books: bool | None
) -> Understood | Search | Reply:
    """The wish, or a reply with the question to ask. A check that names a day without a time is a search.

    `books`: True or False where the function's name says whether it books, None where `bestaetigung` does.
    """
    fields = collect(function_call.args)
    service = service_said(fields, tenant)
    heard = start_of(fields, tenant, frame_of(tenant, service, now))
    email = _email(fields, tenant)
    staff = staff_wished(fields.staff, service, tenant.house.staff)
    confirmed = _confirmed(fields) if books is None else books
    asker = Asker(function_call.conversation_id, line_of(function_call, tenant))
    searches = confirmed is False and not isinstance(staff, StaffQuestion) and _names_a_day(heard)
    if searches and isinstance(service, Service):
        return replace(_search(service, heard, tenant, now), asker=asker)
    missing = [item for item in (service, confirmed, email) if isinstance(item, Missing)] + list(heard.missing)
    if isinstance(staff, StaffQuestion):
        missing.append(staff.missing)
    # A check needs no name: the caller may ask what is free before saying who they are.
    if fields.name is None and confirmed is not False:
        missing.append(Missing.NAME)
    if missing or heard.start is None or not isinstance(service, Service):
        return _question(missing, tenant, heard, staff)
    phone = _phone(fields, function_call, tenant)
    person = Person(fields.name or "", phone, None if isinstance(email, Missing) else email)
    wished = None if isinstance(staff, StaffQuestion) else staff
    wish = Wish(tenant.tenant_id, function_call.conversation_id, service, heard.start, person, wished)
    call = None
    if function_call.call_id is not None:
        call = CallContact(function_call.platform, function_call.call_id, function_call.agent_id)
    return Understood(wish, call, confirmed=confirmed is True, asker=asker)


def _names_a_day(heard: Heard) -> bool:
    """Whether all that is missing is which time of a day that is clear."""
    return heard.day is not None and heard.missing in {(Missing.TIME,), (Missing.TIME_WIDE,)}


def seek(function_call: FunctionCall, tenant: Tenant, now: datetime, *, earliest: bool) -> Search | Reply:
    """What is asked for beside a time or in a day; with `earliest` from that day on, or from now."""
    fields = collect(function_call.args)
    service = service_said(fields, tenant)
    heard = start_of(fields, tenant, frame_of(tenant, service, now))
    staff = staff_wished(fields.staff, service, tenant.house.staff)
    missing = [service] if isinstance(service, Missing) else []
    if isinstance(staff, StaffQuestion):
        missing.append(staff.missing)
    said_nothing = Missing.DATE in heard.missing and Missing.TIME in heard.missing
    if heard.start is None and not _names_a_day(heard) and not (earliest and said_nothing):
        missing += heard.missing
    if missing or not isinstance(service, Service):
        return _question(missing, tenant, heard, staff)
    asker = Asker(function_call.conversation_id, line_of(function_call, tenant))
    if not earliest:
        return replace(_search(service, heard, tenant, now), asker=asker)
    first = now + service.notice
    asked = heard.start or (None if heard.day is None else midnight(heard.day, tenant))
    begin = first if asked is None else max(first, asked)
    return Search(service, begin, begin + EARLIEST_WITHIN, earliest=True, asker=asker)


def _search(service: Service, heard: Heard, tenant: Tenant, now: datetime) -> Search:
    """In the day that was named, or the part of it, or around the time."""
    zone = ZoneInfo(tenant.time_zone)
    near = heard.start
    if near is not None:
        begin, end = near - AROUND, near + AROUND
    elif heard.day is None or heard.window is None:
        day = heard.day or now.astimezone(zone).date()
        begin, end = midnight(day, tenant), midnight(day + timedelta(days=1), tenant)
    else:
        begin, end = (datetime.combine(heard.day, at, zone) for at in heard.window)
    begin = max(now + service.notice, begin)
    return Search(service, begin, max(end, begin + timedelta(minutes=1)), near)


def midnight(day: date, tenant: Tenant) -> datetime:
    return datetime.combine(day, time(0), ZoneInfo(tenant.time_zone))


AROUND: Final = timedelta(days=3)
EARLIEST_WITHIN: Final = timedelta(days=14)

_ORDER: Final = (
    *(Missing.SERVICE, Missing.SERVICE_UNKNOWN, Missing.STAFF_UNKNOWN, Missing.STAFF_OPEN),
    *(Missing.DATE, Missing.DATE_PAST, Missing.DATE_ODD),
    *(Missing.DATE_UNCLEAR, Missing.DATE_WIDE),
    *(Missing.TIME, Missing.TIME_ODD, Missing.TIME_UNCLEAR, Missing.TIME_WIDE, Missing.TIME_SKIPPED),
    *(Missing.NAME, Missing.EMAIL_ODD, Missing.CONFIRMATION_ODD),
)
"""In which order people are asked."""


def _question(missing: Sequence[Missing], tenant: Tenant, heard: Heard, staff: str | StaffQuestion | None) -> Reply:
    ordered = tuple(sorted(missing, key=_ORDER.index))
    choices = tuple(service.name for service in tenant.services)
    if isinstance(staff, StaffQuestion) and ordered[0] is staff.missing:
        choices = staff.choices
    # One question at a time: what was heard is read back once nothing else is asked before it.
    readings = heard.readings if heard.missing and ordered[0] is heard.missing[0] else ()
    return Reply(Outcome.NEEDS_INPUT, missing=ordered, choices=choices, readings=readings)


def frame_of(tenant: Tenant, service: Service | Missing | None, now: datetime) -> Frame:
    """What the caller's words are held against; the service says when it can be had at all."""
    bookable = tenant.bookable(service) if isinstance(service, Service) else None
    return Frame(now, ZoneInfo(tenant.time_zone), Language(tenant.language), bookable)


def service_of(function_call: FunctionCall, tenant: Tenant) -> Service | Missing:
    """The service that the call names, or what to ask."""
    return service_said(collect(function_call.args), tenant)


def instant_named(function_call: FunctionCall, tenant: Tenant, now: datetime) -> datetime | Reply | None:
    """The start that the call names, by an offer or in words, or what to ask about it; None where it names none."""
    fields = collect(function_call.args)
    if fields.slot is None and fields.date is None and fields.time is None:
        return None
    heard = start_of(fields, tenant, frame_of(tenant, service_said(fields, tenant), now))
    return heard.start or _question(heard.missing, tenant, heard, None)


def service_said(fields: Fields, tenant: Tenant) -> Service | Missing:
    offer = None if fields.slot is None else offer_of(fields.slot, tenant.hash_key)
    if offer is not None:
        offered = next((s for s in tenant.services if s.service_id == offer.service_id), None)
        if offered is None:
            return Missing.SERVICE_UNKNOWN
        said = None if fields.service is None else service_said(replace(fields, slot=None), tenant)
        # Two services named at once: neither is quietly taken for the other.
        return offered if said is None or said == offered else Missing.SERVICE
    if fields.service is None:
        # Where there is only one thing to book, nothing is substituted by booking it.
        return tenant.services[0] if len(tenant.services) == 1 else Missing.SERVICE
    wanted = normal_name(fields.service)
    named = [service for service in tenant.services if wanted in _names_of(service)]
    if len(named) > 1:
        named = done_by(fields.staff, named, tenant.house.staff)
    if len(named) > 1:
        # Two event types of one title: neither is quietly taken for the other.
        return Missing.SERVICE
    return named[0] if named else Missing.SERVICE_UNKNOWN


@lru_cache(maxsize=4096)
def _names_of(service: Service) -> frozenset[str]:
    # A composite has no event type of its own, and is not meant by that of its first segment.
    event_type = () if service.segments else (str(service.event_type_id),)
    known = (service.service_id, service.name, *event_type, *service.aliases)
    return frozenset(map(normal_name, known))


def start_of(fields: Fields, tenant: Tenant, frame: Frame) -> Heard:
    if fields.slot is None:
        return hear_start(fields.date, fields.time, frame)
    offer = offer_of(fields.slot, tenant.hash_key)
    if offer is None:
        # A slot that we did not offer: composed by the model, or another tenant's.
        return Heard(missing=(Missing.DATE_ODD,))
    if offer.start <= frame.now:
        return Heard(missing=(Missing.DATE_PAST,))
    local = offer.start.astimezone(frame.zone)
    said = hear_start(fields.date or f"{local:%Y-%m-%d}", fields.time or f"{local:%H:%M}", frame)
    if (fields.date or fields.time) and said.start not in {None, offer.start}:
        # The offer says one time and the words another: which is meant, only the caller knows.
        return Heard(missing=(Missing.DATE_ODD if fields.date else Missing.TIME_ODD,))
    return Heard(offer.start)


def _email(fields: Fields, tenant: Tenant) -> str | Missing | None:
    if fields.email is None:
        return None
    try:
        address = email_address(fields.email)
    except OddAddress:
        return Missing.EMAIL_ODD
    # The house's own address identifies nobody: taking it for the caller's was the incident.
    nobodys = is_house_address(address, tenant.house_email) or nobodys_address(address)
    return None if nobodys else address


def line_of(function_call: FunctionCall, tenant: Tenant) -> str | None:
    """The caller's own number, as the platform has it. The house's own number identifies nobody."""
    return _number(function_call.caller_number, function_call, tenant)


def said_number(text: str, function_call: FunctionCall, tenant: Tenant) -> str | None:
    """The number that was said. None where it is none, or the house's own."""
    return _number(text, function_call, tenant)


def _phone(fields: Fields, function_call: FunctionCall, tenant: Tenant) -> str | None:
    """What was said first, then the line it came from."""
    return _number(fields.phone, function_call, tenant) or line_of(function_call, tenant)


def _number(text: str | None, function_call: FunctionCall, tenant: Tenant) -> str | None:
    if not text:
        return None
    region = region_of_zone(tenant.time_zone)
    house = function_call.house_number and phone_number(function_call.house_number, region)
    number = phone_number(text, region)
    # A call that one of the house's lines forwarded comes from that line: it tells nobody.
    return None if number == house or number in tenant.numbers else number


def _confirmed(fields: Fields) -> bool | Missing:
    if fields.confirm is None:
        return True
    said = fields.confirm.lower()
    if said in _YES:
        return True
    return False if said in _NO else Missing.CONFIRMATION_ODD
