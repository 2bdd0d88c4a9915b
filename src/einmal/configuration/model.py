"""What a configuration says, once it is right: who the tenants are, how their calls are told apart, what they offer."""

from dataclasses import dataclass, field

from einmal.configuration.api_keys import ApiKey
from einmal.domain.house import House
from einmal.domain.model import Service
from einmal.sealed import SealedAt
from einmal.secret import Secret

DEFAULT_TENANT = "default"
"""The id of the only tenant of a file that gives none: rows written before there were tenants carry it."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the environment's settings say, for whatever the file leaves open."""

    time_zone: str = "Europe/Berlin"
    language: str = "de"
    house_email: str | None = None
    calcom_api_key: Secret | None = None
    calcom_base_url: str | None = None
    retell_api_keys: tuple[Secret, ...] = ()
    calcom_webhook_secret: Secret | None = None
    vapi_secrets: tuple[Secret, ...] = ()
    elevenlabs_secrets: tuple[Secret, ...] = ()
    elevenlabs_webhook_secrets: tuple[Secret, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()


@dataclass(frozen=True, slots=True)
class TenantConfiguration:
    """One tenant, with the defaults filled in. `agents` are ids of the platforms', `numbers` called numbers in E.164.

    `calcom_api_key` is None where nobody has one: then the built-in simulator is used, by all tenants.
    """

    tenant_id: str
    name: str
    agents: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    time_zone: str = "Europe/Berlin"
    language: str = "de"
    house_email: str | None = None
    calcom_api_key: Secret | None = None
    calcom_base_url: str | None = None
    retell_api_keys: tuple[Secret, ...] = ()
    calcom_webhook_secret: Secret | None = None
    services: tuple[Service, ...] = ()
    house: House = field(default_factory=House)
    vapi_secrets: tuple[Secret, ...] = ()
    elevenlabs_secrets: tuple[Secret, ...] = ()
    elevenlabs_webhook_secrets: tuple[Secret, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """All tenants of a file. `digest` is of its text; two configurations are equal when secrets and all are.

    `variables` are the names of the environment's variables that its secrets were taken from, `exposed` the files of
    secrets that everybody on the machine may read, `sealed` the values that lie sealed in the file.
    """

    tenants: tuple[TenantConfiguration, ...]
    digest: str
    variables: frozenset[str] = frozenset()
    exposed: tuple[str, ...] = ()
    sealed: tuple[SealedAt, ...] = ()
