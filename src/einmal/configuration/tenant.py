"""One tenant: who it is, how its calls are told apart, its account at Cal.com, its house."""

import re
from datetime import timedelta
from typing import Final

from einmal.configuration.api_keys import read_api_keys
from einmal.configuration.holidays import GERMAN_ZONES, STATES
from einmal.configuration.hours import WEEKDAYS, read_hours
from einmal.configuration.model import DEFAULT_TENANT, Defaults, TenantConfiguration
from einmal.configuration.offering import read_services, read_staff
from einmal.configuration.problems import shown
from einmal.configuration.references import References
from einmal.configuration.table import SENTENCE_MAX, Table
from einmal.configuration.values import base_url, called_number, house_email, language, time_zone
from einmal.domain.house import House, Policies
from einmal.domain.keys import normal_name

NOTICE_HOURS_MAX: Final = 365 * 24
APPOINTMENTS_MAX: Final = 1000

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_AGENT = re.compile(r"[A-Za-z0-9_-]{1,100}")
KEYS_OF_PLATFORMS: Final = {
    "retell_api_keys": "EINMAL_RETELL_API_KEY",
    "vapi_secrets": "EINMAL_VAPI_SECRET",
    "elevenlabs_secrets": "EINMAL_ELEVENLABS_SECRET",
    "elevenlabs_webhook_secrets": "EINMAL_ELEVENLABS_WEBHOOK_SECRET",
}
"""The keys that voice platforms come with, and the settings that hold for whoever names none."""

TENANT_KEYS: Final = frozenset(
    {"id", "name", "agents", "numbers", "time_zone", "language", "address", "state", "closed_on_public_holidays"}
    | {"house_email", "calcom_api_key", "calcom_base_url", "calcom_webhook_secret"}
    | KEYS_OF_PLATFORMS.keys()
)
"""Those that are no tables: they stand before the first header, or belong to what it heads."""

_CALLED: Final = {day: f"{day} under the header [opening_hours]" for day in WEEKDAYS} | {
    "event_type_id": "event_type_id under the header [[services]]",
    "duration_minutes": "duration_minutes under the header [[services]]",
    "tenant_id": "id",
    "agent": "agents",
    "agent_id": "agents",
    "agent_ids": "agents",
    "number": "numbers",
    "phone": "numbers",
    "phone_number": "numbers",
    "phone_numbers": "numbers",
    "timezone": "time_zone",
    "zone": "time_zone",
    "email": "house_email",
    "attendee_fallback_email": "house_email",
    "calcom_key": "calcom_api_key",
    "api_key": "calcom_api_key",
    "retell_api_key": "retell_api_keys",
    "vapi_secret": "vapi_secrets",
    "elevenlabs_secret": "elevenlabs_secrets",
    "elevenlabs_webhook_secret": "elevenlabs_webhook_secrets",
    "webhook_secret": "calcom_webhook_secret",
    "bundesland": "state",
    "hours": "opening_hours",
    "service": "services",
    "employees": "staff",
    "policy": "policies",
}


def read_tenant(table: Table, defaults: Defaults, references: References, *, named: bool) -> TenantConfiguration:
    """The tenant of a table. Where there are problems the report has them, and what is returned is not for use.

    `named`: whether it must have an id and a name, as each under [[tenants]] must.
    """
    needed = "a word for this tenant, such as salon-nord, that never changes: its rows in the ledger carry it"
    tenant_id = table.read("id", _tenant_id) if "id" in table else None
    if named and "id" not in table:
        table.lack("id", needed)
    references = references.of_tenant(tenant_id or DEFAULT_TENANT)
    name = table.text("name", needed="what the house is called" if named else None)
    agents, numbers = _agents(table), _numbers(table)
    zone = table.read("time_zone", time_zone) or defaults.time_zone
    spoken = table.read("language", language) or defaults.language
    email = table.read("house_email", house_email) or defaults.house_email
    # With a user in it, an address may hold a password: it is not repeated.
    url = table.read("calcom_base_url", base_url, quoted=False) or defaults.calcom_base_url
    api_key = references.secret(table, "calcom_api_key") or defaults.calcom_api_key
    webhook = references.secret(table, "calcom_webhook_secret", key_like=False) or defaults.calcom_webhook_secret
    keys = {
        key: references.secrets(table, key, variable) or getattr(defaults, key)
        for key, variable in KEYS_OF_PLATFORMS.items()
    }
    api_keys = read_api_keys(table, references) or defaults.api_keys
    house = _house(table, zone)
    services = read_services(table, house.staff)
    table.end(_CALLED)
    tenant_id = tenant_id or ("" if named else DEFAULT_TENANT)
    return TenantConfiguration(
        tenant_id=tenant_id,
        name=name or tenant_id,
        agents=agents,
        numbers=numbers,
        time_zone=zone,
        language=spoken,
        house_email=email,
        calcom_api_key=api_key,
        calcom_base_url=url,
        calcom_webhook_secret=webhook,
        services=services,
        house=house,
        api_keys=api_keys,
        **keys,
    )


def _tenant_id(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ValueError("must be lower-case letters, digits, - and _, such as salon-nord")
    return text


def _agents(table: Table) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for number, agent in table.texts("agents"):
        if _AGENT.fullmatch(agent) is None:
            told = f"{shown(agent)} is no agent's id; Retell shows it beside the agent's name, such as agent_0123abcd"
            table.element_problem("agents", number, told)
        elif agent in found:
            table.element_problem("agents", number, f"{shown(agent)} stands twice")
        found[agent] = None
    return tuple(found)


def _numbers(table: Table) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for index, text in table.texts("numbers"):
        try:
            number = called_number(text)
        except ValueError as wrong:
            table.element_problem("numbers", index, f"{shown(text)} {wrong}")
            continue
        if number in found:
            table.element_problem("numbers", index, f"{number} stands twice")
        found[number] = None
    return tuple(found)


def _house(table: Table, zone: str) -> House:
    state = _state(table, zone)
    return House(
        hours=read_hours(table, state),
        staff=read_staff(table),
        policies=_policies(table),
        state=state,
        address=table.text("address", most=SENTENCE_MAX),
    )


def _state(table: Table, zone: str) -> str | None:
    text = table.text("state")
    if text is None:
        return None
    if text not in STATES:
        wanted = normal_name(text.upper().removeprefix("DE-"))
        near = [code for code, name in STATES.items() if wanted in {normal_name(code), normal_name(name)}]
        told = f'did you mean "{near[0]}"?' if near else f"it is one of {', '.join(STATES)}"
        table.problem("state", f"{shown(text)} is no German state; {told}")
        return None
    if zone not in GERMAN_ZONES:
        table.problem("state", f"is for German public holidays, and {zone} is not in Germany; leave it out")
    return text


def _policies(table: Table) -> Policies:
    policies = table.table("policies")
    if policies is None:
        return Policies()
    cancel = policies.number("cancel_notice_hours", 0, NOTICE_HOURS_MAX)
    move = policies.number("move_notice_hours", 0, NOTICE_HOURS_MAX)
    most = policies.whole("appointments_max", 1, APPOINTMENTS_MAX)
    fee = policies.text("late_fee", most=SENTENCE_MAX)
    policies.end({"reschedule_notice_hours": "move_notice_hours", "max_appointments": "appointments_max"})
    return Policies(
        None if cancel is None else timedelta(hours=cancel), None if move is None else timedelta(hours=move), most, fee
    )
