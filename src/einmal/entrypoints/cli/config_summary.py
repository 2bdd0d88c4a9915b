"""One tenant as it was understood, for whoever wrote the file: hours, holidays, services, staff. No secrets."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from einmal.configuration.hours import WEEKDAYS
from einmal.configuration.model import TenantConfiguration
from einmal.configuration.problems import shown
from einmal.configuration.tenant import KEYS_OF_PLATFORMS
from einmal.domain.model import Segment, Service
from einmal.domain.opening import OpeningHours, Span

YEAR_DAYS: Final = 365
NOT_YET: Final = "(not in force yet)"
KEYS_NOT_YET: Final = ("address", "staff.user_id")
"""What a file may say, and nothing acts upon so far."""


def summary_table(tenant: TenantConfiguration, now: datetime) -> Table:
    """Two columns: what it is about, and what is so."""
    table = Table(box=None, pad_edge=False, show_header=False, title_justify="left", title_style="bold")
    table.title = Text(f"{tenant.name} ({tenant.tenant_id})")
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for name, text in _rows(tenant, _today(tenant, now)):
        table.add_row(name, Text(text))
    return table


def summary_data(tenant: TenantConfiguration, now: datetime) -> dict[str, Any]:
    """The same for programs."""
    today, house = _today(tenant, now), tenant.house
    hours, policies = house.hours, house.policies
    return {
        "id": tenant.tenant_id,
        "name": tenant.name,
        "agents": list(tenant.agents),
        "numbers": list(tenant.numbers),
        "time_zone": tenant.time_zone,
        "language": tenant.language,
        "address": house.address,
        "state": house.state,
        "house_email": tenant.house_email,
        "calcom_base_url": tenant.calcom_base_url,
        "calcom_api_key": tenant.calcom_api_key is not None,
        "calcom_webhook_secret": tenant.calcom_webhook_secret is not None,
        **{key: len(getattr(tenant, key)) for key in KEYS_OF_PLATFORMS},
        "api_keys": [{"name": one.name, "scopes": sorted(one.scopes)} for one in tenant.api_keys],
        "opening_hours": None if hours is None else _by_day(zip(WEEKDAYS, hours.weekly, strict=True)),
        "special_days": _by_day(() if hours is None else sorted(hours.special.items())),
        "holidays": {} if hours is None else {str(day): name for day, name in _holidays(hours, today)},
        "policies": {
            "cancel_notice_hours": _hours(policies.cancel_notice),
            "move_notice_hours": _hours(policies.move_notice),
            "appointments_max": policies.appointments_max,
            "late_fee": policies.late_fee,
        },
        "staff": [
            {"id": one.staff_id, "name": one.name, "aliases": list(one.aliases), "user_id": one.user_id}
            for one in house.staff
        ],
        "services": [
            {
                "id": one.service_id,
                "name": one.name,
                "aliases": list(one.aliases),
                "event_type_id": one.event_type_id,
                "duration_minutes": one.duration_minutes,
                "staff": list(one.staff),
                "notice_minutes": one.notice // timedelta(minutes=1),
                "horizon_days": one.horizon.days,
                "description": one.description,
                "segments": [
                    {
                        "event_type_id": part.event_type_id,
                        "duration_minutes": part.duration_minutes,
                        "gap_minutes": part.gap_minutes,
                        "staff": list(part.staff),
                    }
                    for part in one.segments
                ],
            }
            for one in tenant.services
        ],
        "not_in_force_yet": list(KEYS_NOT_YET),
    }


def _today(tenant: TenantConfiguration, now: datetime) -> date:
    return now.astimezone(ZoneInfo(tenant.time_zone)).date()


def _rows(tenant: TenantConfiguration, today: date) -> Iterator[tuple[str, str]]:
    yield from _who(tenant)
    hours = tenant.house.hours
    if hours is None:
        yield "open", "not said: the calendar alone decides"
    else:
        yield from _open(hours, today)
    names = {member.staff_id: member.name for member in tenant.house.staff}
    for member in tenant.house.staff:
        also = f", also {', '.join(member.aliases)}" if member.aliases else ""
        user = "" if member.user_id is None else f", Cal.com user {member.user_id} {NOT_YET}"
        yield "staff", f"{member.name}{also} (id {shown(member.staff_id)}{user})"
    for service in tenant.services:
        yield "service", _service(service, names)
    if not tenant.services:
        yield "services", "every event type of the account"
    yield from _policies(tenant)


def _who(tenant: TenantConfiguration) -> Iterator[tuple[str, str]]:
    lines = [*(f"agent {agent}" for agent in tenant.agents), *tenant.numbers]
    signed = "all that its Retell key signed" if tenant.retell_api_keys else "all"
    yield "its calls", ", ".join(lines) or f"{signed}: it names no agent and no number"
    yield "where", tenant.time_zone
    if tenant.house.address is not None:
        yield "address", f"{tenant.house.address} {NOT_YET}"
    yield "language", {"de": "German", "en": "English"}[tenant.language]
    yield "house address", tenant.house_email or "-"
    key = "the built-in simulator" if tenant.calcom_api_key is None else f"{tenant.calcom_base_url}, with its key"
    webhooks = "" if tenant.calcom_webhook_secret is None else ", webhooks signed"
    yield "Cal.com", key + webhooks
    keys = len(tenant.retell_api_keys)
    yield "Retell", f"{keys} {'key' if keys == 1 else 'keys'}" if keys else "no key: calls from this machine only"
    yield "Vapi", _secrets(len(tenant.vapi_secrets))
    signers = _secrets(len(tenant.elevenlabs_webhook_secrets))
    yield "ElevenLabs", f"{_secrets(len(tenant.elevenlabs_secrets))}; for webhooks {signers}"
    programs = [f"{one.name} ({', '.join(sorted(one.scopes))})" for one in tenant.api_keys]
    yield "programs", ", ".join(programs) or "no key for /v1"


def _secrets(number: int) -> str:
    return f"{number} {'secret' if number == 1 else 'secrets'}" if number else "no secret"


def _open(hours: OpeningHours, today: date) -> Iterator[tuple[str, str]]:
    for weekday, spans in zip(WEEKDAYS, hours.weekly, strict=True):
        yield weekday, _said(spans)
    for day, spans in sorted(hours.special.items()):
        if day >= today:
            yield f"{day}", f"{_said(spans)} ({WEEKDAYS[day.weekday()]})"
    holidays = [f"{day:%d.%m.%Y} {name}{_opened(hours, day)}" for day, name in _holidays(hours, today)]
    yield "holidays", "; ".join(holidays) or "no public holidays"


def _opened(hours: OpeningHours, day: date) -> str:
    return f" (but open {_said(hours.special[day])})" if hours.special.get(day) else ""


def _segment(segment: Segment, names: dict[str, str]) -> str:
    gap = f"{segment.gap_minutes} min later " if segment.gap_minutes else ""
    by = f" with {', '.join(names.get(one, one) for one in segment.staff)}" if segment.staff else ""
    return f"{gap}{segment.duration_minutes} min event type {segment.event_type_id}{by}"


def _service(service: Service, names: dict[str, str]) -> str:
    booked = f"event type {service.event_type_id}"
    if service.segments:
        booked = " + ".join(_segment(segment, names) for segment in service.segments)
    parts = [
        f"{service.name}: {service.duration_minutes} min, {booked}",
        f"also {', '.join(service.aliases)}" if service.aliases else "",
        f"with {', '.join(names.get(one, one) for one in service.staff)}" if service.staff else "",
        f"from {_span_of(service.notice)} ahead" if service.notice else "",
        f"up to {service.horizon.days} days ahead",
    ]
    return "; ".join(part for part in parts if part)


def _policies(tenant: TenantConfiguration) -> Iterator[tuple[str, str]]:
    policies = tenant.house.policies
    if policies.cancel_notice is not None:
        yield "cancelling", f"until {_span_of(policies.cancel_notice)} before"
    if policies.move_notice is not None:
        yield "moving", f"until {_span_of(policies.move_notice)} before"
    if policies.appointments_max is not None:
        yield "at most", f"{policies.appointments_max} upcoming appointments a person"
    if policies.late_fee is not None:
        yield "too late", policies.late_fee


def _holidays(hours: OpeningHours, today: date) -> list[tuple[date, str]]:
    """Those of the next twelve months."""
    days = (today + timedelta(days=number) for number in range(YEAR_DAYS))
    return [(day, name) for day in days if (name := hours.holidays(day)) is not None]


def _said(spans: tuple[Span, ...]) -> str:
    return ", ".join(_texts(spans)) or "closed"


def _texts(spans: tuple[Span, ...]) -> list[str]:
    return [
        f"{span.opens:%H:%M}-{'24:00' if span.closes == time(0) else format(span.closes, '%H:%M')}" for span in spans
    ]


def _by_day(days: Iterable[tuple[object, tuple[Span, ...]]]) -> dict[str, list[str]]:
    return {str(day): _texts(spans) for day, spans in days}


def _hours(length: timedelta | None) -> float | None:
    return None if length is None else length / timedelta(hours=1)


def _span_of(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    if minutes % 1440 == 0 and minutes:
        return f"{minutes // 1440} {'day' if minutes == 1440 else 'days'}"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
