"""`einmal parse TEXT`: how a date and time are heard, or what would be asked. Exit code 1 where it is a question.

As it would be heard at the house of a tenant: in its zone and language, settled by its hours and by what it offers.
"""

import json
import re
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from einmal.configuration import TenantConfiguration
from einmal.domain.keys import normal_name
from einmal.domain.model import Service
from einmal.domain.opening import Bookable, OpeningHours, Span
from einmal.domain.reply import Outcome, Reply
from einmal.settings import Settings
from einmal.speech.heard import Frame, Heard, hear
from einmal.speech.said import Case, Language, say_day, say_instant
from einmal.speech.sentences import Voice

DEFAULT_MINUTES: Final = 30
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")


@dataclass(frozen=True, slots=True)
class Said:
    """What was said, and what the options say of it: when, where, in which language, to whom, and what for."""

    text: str
    now: str | None = None
    zone: str | None = None
    language: str | None = None
    hours: str | None = None
    tenant: str | None = None
    service: str | None = None


def parse(settings: Settings, said: Said, *, as_json: bool) -> int:
    """Read what was said, and print what was understood."""
    try:
        tenant = _tenant(settings, said.tenant)
        frame = _frame(tenant, said, _bookable(tenant, said.hours, said.service))
    except ValueError as wrong:
        print(f"einmal: {wrong}", file=sys.stderr)
        return 2
    heard = hear(said.text, frame)
    voice = Voice(frame.language, frame.zone)
    question = None
    if heard.missing:
        reply = Reply(Outcome.NEEDS_INPUT, missing=heard.missing, readings=heard.readings)
        question = voice.sentence(reply, frame.now)
    if as_json:
        print(json.dumps(_data(heard, frame, question), ensure_ascii=False, indent=2))
    else:
        for line in _lines(heard, frame, question):
            print(line)
    return 0 if heard.start is not None else 1


def _tenant(settings: Settings, tenant_id: str | None) -> TenantConfiguration:
    """The one that is named, or the only one."""
    tenants = {one.tenant_id: one for one in settings.tenants}
    if tenant_id is None and len(tenants) > 1:
        raise ValueError(f"there are several tenants; say which with --tenant: {', '.join(tenants)}")
    tenant = tenants.get(tenant_id) if tenant_id is not None else next(iter(tenants.values()))
    if tenant is None:
        raise ValueError(f"--tenant: there is no tenant {tenant_id!r}; there are: {', '.join(tenants)}")
    return tenant


def _bookable(tenant: TenantConfiguration, hours: str | None, service_name: str | None) -> Bookable | None:
    """When something can be had at all, by the hours of the option or the house's.

    Without a service: when any can, so the shortest, from now on. None where no hours are known.
    """
    service = None if service_name is None else _service(tenant, service_name)
    known = _daily(hours) if hours is not None else tenant.house.hours
    if known is None:
        return None
    if service is not None:
        return Bookable(known, timedelta(minutes=service.duration_minutes), service.notice, service.horizon)
    shortest = min((one.duration_minutes for one in tenant.services), default=DEFAULT_MINUTES)
    return Bookable(known, timedelta(minutes=shortest))


def _service(tenant: TenantConfiguration, name: str) -> Service:
    """By what callers may say for it."""
    if not tenant.services:
        raise ValueError("--service: the configuration names none; those of the Cal.com account are not asked for here")
    wanted = normal_name(name)
    for one in tenant.services:
        event_type = () if one.segments else (str(one.event_type_id),)
        if wanted in {normal_name(word) for word in (one.service_id, *event_type, one.name, *one.aliases)}:
            return one
    raise ValueError(f"--service: there is no {name!r}; there are: {', '.join(one.name for one in tenant.services)}")


def _frame(tenant: TenantConfiguration, said: Said, bookable: Bookable | None) -> Frame:
    try:
        place = ZoneInfo(said.zone or tenant.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"--zone: {said.zone!r} is no time zone such as Europe/Berlin") from None
    moment = datetime.now(UTC) if said.now is None else _moment(said.now, place)
    return Frame(moment, place, Language(said.language or tenant.language), bookable)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--now: {text!r} is no moment such as 2026-11-19T08:17") from None
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _daily(text: str) -> OpeningHours:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"--hours: {text!r} is no span such as 09:00-18:00")
    closes = time(0) if found[3] is None else time(int(found[3]), int(found[4]))
    try:
        span = Span(time(int(found[1]), int(found[2])), closes)
    except ValueError as wrong:
        raise ValueError(f"--hours: {wrong}") from None
    return OpeningHours(((span,),) * 7)


def _lines(heard: Heard, frame: Frame, question: str | None) -> list[str]:
    if heard.start is not None:
        said = say_instant(heard.start, frame.zone, frame.language, None, Case.IS)
        return [heard.start.astimezone(frame.zone).isoformat(), f"  {said}"]
    lines = [f"question: {', '.join(heard.missing)}", f"  {question}"]
    lines += [f"  - {one.astimezone(frame.zone).isoformat()}" for one in heard.readings]
    if heard.day is not None:
        lines.append(f"  the day is clear: {heard.day} ({_named(heard.day, frame)})")
    if heard.window is not None:
        lines.append(f"  between {heard.window[0]:%H:%M} and {heard.window[1]:%H:%M}")
    if heard.unread:
        lines.append(f"  not understood: {' '.join(heard.unread)}")
    return lines


def _named(day: date, frame: Frame) -> str:
    return say_day(datetime.combine(day, time(12), frame.zone), frame.zone, frame.language, None, Case.IS)


def _data(heard: Heard, frame: Frame, question: str | None) -> dict[str, Any]:
    def local(at: datetime) -> str:
        return at.astimezone(frame.zone).isoformat()

    return {
        "start": None if heard.start is None else local(heard.start),
        "missing": list(heard.missing),
        "question": question,
        "readings": [local(one) for one in heard.readings],
        "day": None if heard.day is None else heard.day.isoformat(),
        "window": None if heard.window is None else [f"{one:%H:%M}" for one in heard.window],
        "unread": list(heard.unread),
    }
