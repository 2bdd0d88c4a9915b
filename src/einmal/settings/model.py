"""The settings, valid, and what follows from several of them together."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from einmal.configuration.api_keys import ApiKey
from einmal.configuration.model import DEFAULT_TENANT, Configuration, TenantConfiguration
from einmal.configuration.values import is_loopback
from einmal.domain.keys import IdempotencyStrategy
from einmal.domain.model import Service
from einmal.domain.reach import Channel
from einmal.domain.verdict import GuardPolicy
from einmal.sealed import Keyring, SealedAt
from einmal.secret import Secret
from einmal.settings.declared import SETTINGS

CHANNELS: Final = {
    Channel.WEBHOOK: ("notify_url", "notify_secret"),
    Channel.SLACK: ("slack_url",),
    Channel.MAIL: ("smtp_url", "mail_from", "mail_to"),
    Channel.SMS: ("twilio_account", "twilio_token", "twilio_from"),
}
"""What each channel needs, all of it."""


OF_THE_TENANT: Final = {
    "timezone": "time_zone",
    "language": "language",
    "attendee_fallback_email": "house_email",
    "calcom_api_key": "calcom_api_key",
    "calcom_base_url": "calcom_base_url",
    "calcom_webhook_secret": "calcom_webhook_secret",
    "retell_api_key": "retell_api_keys",
    "vapi_secret": "vapi_secrets",
    "elevenlabs_secret": "elevenlabs_secrets",
    "elevenlabs_webhook_secret": "elevenlabs_webhook_secrets",
    "api_keys": "api_keys",
}
"""The settings that a tenant may say for itself, and its words for them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, valid. `configuration` is the file that EINMAL_CONFIG names, `services` those of its only tenant.

    What that tenant says of itself (zone, language, keys, house address) overrules the environment.
    """

    database_url: Path | Secret
    host: str
    port: int
    calcom_api_key: Secret | None
    calcom_base_url: str
    calcom_api_version: str
    calcom_allow_private: bool
    calcom_webhook_secret: Secret | None
    retell_api_key: tuple[Secret, ...]
    vapi_secret: tuple[Secret, ...]
    elevenlabs_secret: tuple[Secret, ...]
    elevenlabs_webhook_secret: tuple[Secret, ...]
    mcp_secret: tuple[Secret, ...]
    api_keys: tuple[ApiKey, ...]
    api_rate_per_minute: int
    house_rate_per_minute: int
    call_rate_per_minute: int
    number_rate_per_minute: int
    bookings_per_call: int
    attendee_fallback_email: str | None
    admin_token: Secret | None
    reader_token: Secret | None
    operator_password: Secret | None
    reader_password: Secret | None
    proxy: bool | None
    booking_form: bool | None
    secrets_key: tuple[Secret, ...]
    timezone: str
    language: str
    metrics_namespace: str
    config: Path | None
    guard_enabled: bool
    guard_ownership: bool
    guard_freshness: bool
    guard_identity: bool
    guard_ledger: bool
    guard_freshness_seconds: float
    idempotency_strategy: str
    calcom_rate_per_minute: int
    notify_url: str | None
    notify_secret: Secret | None
    slack_url: Secret | None
    smtp_url: Secret | None
    mail_from: str | None
    mail_to: tuple[str, ...]
    twilio_account: str | None
    twilio_token: Secret | None
    twilio_from: str | None
    weekly_report: bool
    traces_url: str | None
    settle_seconds: float
    replay_no_seconds: float
    post_seconds: float
    verify_seconds: float
    reconcile_seconds: float
    retention_days: int
    reply_seconds: float
    services: tuple[Service, ...] = ()
    configuration: Configuration | None = None
    exposed: tuple[str, ...] = ()
    """The files of secrets that everybody on this machine may read."""
    sealed: tuple[SealedAt, ...] = ()
    """The values that lie sealed, in the environment and in the file."""
    simulated: bool = False
    """Whether the built-in simulator stands in for Cal.com, because nobody has a key."""

    @property
    def tenants(self) -> tuple[TenantConfiguration, ...]:
        """The tenants that are configured: the file's, or the one that the settings describe."""
        if self.configuration is None or not self.configuration.tenants:
            own = {theirs: getattr(self, ours) for ours, theirs in OF_THE_TENANT.items()}
            return (TenantConfiguration(DEFAULT_TENANT, DEFAULT_TENANT, services=self.services, **own),)
        # Where nobody has a key, all share what stands in for a calendar.
        key, url = self.calcom_api_key, self.calcom_base_url
        return tuple(
            one if one.calcom_api_key is not None else replace(one, calcom_api_key=key, calcom_base_url=url)
            for one in self.configuration.tenants
        )

    @property
    def kept_for(self) -> timedelta | None:
        """How long after an appointment's end its person is known; None: for ever."""
        return timedelta(days=self.retention_days) if self.retention_days else None

    @property
    def proxy_open(self) -> bool:
        """Whether Cal.com's own API is served here, guarded."""
        return self.loopback if self.proxy is None else self.proxy

    @property
    def form_open(self) -> bool:
        """Whether the booking form is there for whoever finds it."""
        return self.loopback if self.booking_form is None else self.booking_form

    @property
    def channels(self) -> tuple[str, ...]:
        """On which messages go out, the log always. What is put into the outbox is put there for these."""
        named = (channel for channel, needed in CHANNELS.items() if all(getattr(self, name) for name in needed))
        return (Channel.LOG.value, *(channel.value for channel in named))

    @property
    def keyring(self) -> Keyring:
        """What seals and opens secrets at rest."""
        return Keyring(self.secrets_key)

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def guard(self) -> GuardPolicy:
        return GuardPolicy(
            enabled=self.guard_enabled,
            ownership=self.guard_ownership,
            freshness=self.guard_freshness,
            identity=self.guard_identity,
            ledger=self.guard_ledger,
            freshness_limit=timedelta(seconds=self.guard_freshness_seconds),
        )

    @property
    def ledger_at(self) -> Path | str:
        """The ledger's file, or the URL of its database with whatever password is in it."""
        return self.database_url if isinstance(self.database_url, Path) else self.database_url.reveal()

    def is_default(self, name: str) -> bool:
        return bool(getattr(self, name) == next(one.default for one in SETTINGS if one.name == name))

    @property
    def strategy(self) -> IdempotencyStrategy:
        return IdempotencyStrategy(self.idempotency_strategy)
