"""Settings from the environment, read once, checked all together. Nothing else reads the environment.

Every setting stands in SETTINGS with its parser, its default and a sentence; `einmal config check` and the
reference are made of it. A wrong value says which variable, what was wrong with it and what is allowed; a
secret's value is never quoted.
"""

import contextlib
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from einmal.adapters.notify.addresses import (
    read_mailbox,
    read_mailboxes,
    read_smtp,
    read_twilio_account,
    read_twilio_sender,
)
from einmal.adapters.notify.key import webhook_key
from einmal.configuration.api_keys import ApiKey, api_keys_of
from einmal.configuration.model import DEFAULT_TENANT, Configuration, Defaults, TenantConfiguration
from einmal.configuration.offering import MINUTES_MAX
from einmal.configuration.problems import BadConfiguration
from einmal.configuration.read import read_configuration_file
from einmal.configuration.values import base_url, house_email, https, is_loopback, language, one_of, time_zone
from einmal.domain.keys import IdempotencyStrategy
from einmal.domain.model import Service
from einmal.domain.reach import Channel
from einmal.domain.verdict import GuardPolicy
from einmal.secret import Secret

__all__ = [
    "MINUTES_MAX",
    "SETTINGS",
    "BadSettings",
    "Secret",
    "Setting",
    "Settings",
    "is_loopback",
    "read_settings",
]


class BadSettings(Exception):
    """One line for each thing that is wrong: variable, what was wrong, what is allowed.

    `file` is what is wrong with the file of EINMAL_CONFIG, line by line; `problems` tell of that too.
    """

    def __init__(self, problems: list[str], file: BadConfiguration | None = None) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.file = file


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str

    @property
    def variable(self) -> str:
        return f"EINMAL_{self.name.upper()}"


def _boolean(text: str) -> bool:
    values = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    try:
        return values[text.strip().lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def _port(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text) is None or not 0 < int(text) < 65536:
        raise ValueError("must be a port number from 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 86_400:
        raise ValueError("must be a number of seconds greater than 0 and at most 86400")
    return value


def _seconds_or_never(text: str) -> float:
    if text.strip() in {"0", "0.0"}:
        return 0.0
    try:
        return _seconds(text)
    except ValueError:
        raise ValueError("must be a number of seconds, at most 86400, or 0 for never") from None


def _rate(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,6}", text.strip()) is None:
        raise ValueError("must be a whole number of requests a minute, or 0 for no limit")
    return int(text)


def _traces(text: str) -> str:
    text = text.strip()
    try:
        parts = urlsplit(text)
        odd = not parts.hostname or parts.username is not None or parts.password is not None or parts.port == 0
    except ValueError:
        parts, odd = urlsplit(""), True
    if odd or parts.scheme not in {"http", "https"} or set("?# \t") & set(text):
        raise ValueError("must be an address such as http://127.0.0.1:4318/v1/traces, without user, query or fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must use https, except on loopback")
    try:
        installed = find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        installed = False
    if not installed:
        install = "pip install 'einmal[tracing]', or in a clone pip install -e '.[tracing]'"
        raise ValueError(f"needs OpenTelemetry, which is not installed here; {install}")
    return text


def _webhook_secret(text: str) -> Secret:
    try:
        webhook_key(text.strip())
    except ValueError as wrong:
        raise ValueError(f"{wrong}; make one with: echo whsec_$(openssl rand -base64 32)") from None
    return Secret(text.strip())


def _slack(text: str) -> Secret:
    try:
        return Secret(https(text))
    except ValueError:
        raise ValueError("must be the https address of an incoming webhook of yours at Slack") from None


def _smtp(text: str) -> Secret:
    read_smtp(text)
    return Secret(text.strip())


def _password(text: str) -> Secret:
    if re.fullmatch(r"\$argon2id\$v=[0-9]+\$[a-z0-9=,]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+", text.strip()) is None:
        raise ValueError("must be an argon2id hash, $argon2id$...; make one with: einmal config password")
    return Secret(text.strip())


def _database(text: str) -> "Path | Secret":
    prefix = "sqlite:///"
    if text.startswith(prefix) and len(text) > len(prefix):
        return Path(text.removeprefix(prefix))
    with contextlib.suppress(ValueError):
        parts = urlsplit(text)
        if parts.scheme in {"postgresql", "postgres"} and parts.netloc and parts.path.strip("/"):
            return Secret(text)  # it may hold a password
    raise ValueError("must be sqlite:///path/to/file or postgresql://user@host/database")


def _namespace(text: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9_]{0,30}", text) is None:
        raise ValueError("must be lower-case letters, digits and underscores")
    return text


def _secrets(text: str) -> tuple[Secret, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        # Taken for "no key set" it would let unsigned calls in.
        raise ValueError("must be one key, or several with a comma between them")
    return tuple(Secret(part) for part in parts)


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "database_url",
        _database,
        Path("data/einmal.sqlite3"),
        "the ledger, sqlite:///path or postgresql://user@host/name",
    ),
    Setting("host", str, "127.0.0.1", "the address to listen on"),
    Setting("port", _port, 8080, "the port to listen on"),
    Setting("calcom_api_key", Secret, None, "Cal.com's API key; without one the built-in simulator is used"),
    Setting("calcom_base_url", base_url, "https://api.cal.com", "api.cal.com, api.cal.eu or your own"),
    Setting("calcom_api_version", one_of("2024-08-13", "2026-02-25"), "2024-08-13", "cal-api-version of bookings"),
    Setting("calcom_webhook_secret", Secret, None, "Cal.com's webhook secret"),
    Setting("retell_api_key", _secrets, (), "Retell's API key; two, with a comma, during a rotation"),
    Setting("vapi_secret", _secrets, (), "what Vapi sends as X-Vapi-Secret or bearer token; two during a rotation"),
    Setting("elevenlabs_secret", _secrets, (), "what ElevenLabs' tools send as X-Einmal-Secret; two during a rotation"),
    Setting("elevenlabs_webhook_secret", _secrets, (), "signs ElevenLabs' post-call webhooks; two during a rotation"),
    Setting("mcp_secret", _secrets, (), "the bearer token of `einmal mcp --http`; two during a rotation"),
    Setting("api_keys", api_keys_of, (), "keys of your own programs for /v1: NAME:SCOPE+SCOPE:KEY, several by comma"),
    Setting("api_rate_per_minute", _rate, 120, "requests a minute for each of those programs; 0 for no limit"),
    Setting(
        "attendee_fallback_email",
        house_email,
        None,
        "the house address; callers without an e-mail get an address of their own made from it",
    ),
    Setting("admin_token", Secret, None, "for /metrics, /api/internal, /api/appointments and the pages off loopback"),
    Setting("reader_token", Secret, None, "opens the pages to read, with personal data masked"),
    Setting(
        "operator_password", _password, None, "opens the pages as the admin token does; see `einmal config password`"
    ),
    Setting("reader_password", _password, None, "opens the pages as EINMAL_READER_TOKEN does"),
    Setting("proxy", _boolean, None, "whether clients of Cal.com's API may come by /v2; without it, on loopback only"),
    Setting("booking_form", _boolean, None, "whether everybody may book at /book; without it, on loopback only"),
    Setting("timezone", time_zone, "Europe/Berlin", "where callers and calendar live"),
    Setting("language", language, "de", "what callers are answered in"),
    Setting("metrics_namespace", _namespace, "einmal", "the prefix of metrics"),
    Setting("config", Path, None, "a TOML file with tenants, hours, services and staff; see `einmal config example`"),
    Setting("guard_enabled", _boolean, True, "all guard layers but the schema's"),
    Setting("guard_ownership", _boolean, True, "layer 0; off is seed mode"),
    Setting("guard_freshness", _boolean, True, "layer 1"),
    Setting("guard_identity", _boolean, True, "layer 2"),
    Setting("guard_ledger", _boolean, True, "layer 3"),
    Setting("guard_freshness_seconds", _seconds, 30.0, "how old an answer may be, for layer 1"),
    Setting("idempotency_strategy", one_of("call", "payload"), "call", "how the outgoing Idempotency-Key is made"),
    Setting("calcom_rate_per_minute", _rate, 120, "requests a minute that Cal.com allows this key; 0 for no limit"),
    Setting("notify_url", https, None, "where news of a doubt that has ended is posted, signed"),
    Setting("notify_secret", _webhook_secret, None, "signs what is posted there: whsec_ and base64"),
    Setting("slack_url", _slack, None, "an incoming webhook of Slack, for what a person must do"),
    Setting("smtp_url", _smtp, None, "the mail server: smtps://user:password@host:port, or smtp:// for STARTTLS"),
    Setting("mail_from", read_mailbox, None, "the address that mails are from"),
    Setting("mail_to", read_mailboxes, (), "who gets a mail of what a person must do; several with a comma"),
    Setting("twilio_account", read_twilio_account, None, "Twilio's Account SID, for SMS to callers"),
    Setting("twilio_token", Secret, None, "Twilio's Auth Token"),
    Setting(
        "twilio_from", read_twilio_sender, None, "whom SMS are from: a number, a short name or a messaging service"
    ),
    Setting("weekly_report", _boolean, False, "whether the week's report goes out on Mondays, by mail and in Slack"),
    Setting("traces_url", _traces, None, "an OTLP/HTTP collector that gets a trace of each function call"),
    Setting("settle_seconds", _seconds, 600.0, "how long after a lost answer an absence is not yet proof"),
    Setting("replay_no_seconds", _seconds, 60.0, "how long a stored no is told again; longer than any agent retries"),
    Setting("post_seconds", _seconds, 10.0, "how long one POST to Cal.com may take before it counts as lost"),
    Setting(
        "verify_seconds", _seconds_or_never, 20.0, "how long after a booking it is read once more; 0 for not at all"
    ),
    Setting(
        "reconcile_seconds",
        _seconds_or_never,
        3600.0,
        "how often ledger and calendar are compared as a whole; 0 for only by `einmal reconcile`",
    ),
    Setting("reply_seconds", _seconds, 8.0, "how long a booking call may take before the caller hears 'checking'"),
)


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
    calcom_webhook_secret: Secret | None
    retell_api_key: tuple[Secret, ...]
    vapi_secret: tuple[Secret, ...]
    elevenlabs_secret: tuple[Secret, ...]
    elevenlabs_webhook_secret: tuple[Secret, ...]
    mcp_secret: tuple[Secret, ...]
    api_keys: tuple[ApiKey, ...]
    api_rate_per_minute: int
    attendee_fallback_email: str | None
    admin_token: Secret | None
    reader_token: Secret | None
    operator_password: Secret | None
    reader_password: Secret | None
    proxy: bool | None
    booking_form: bool | None
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
    reply_seconds: float
    services: tuple[Service, ...] = ()
    configuration: Configuration | None = None
    simulated: bool = False
    """Whether the built-in simulator stands in for Cal.com, because nobody has a key."""

    @property
    def tenants(self) -> tuple[TenantConfiguration, ...]:
        """The tenants that are configured: the file's, or the one that the settings describe."""
        if self.configuration is None or not self.configuration.tenants:
            own = {theirs: getattr(self, ours) for ours, theirs in _OF_THE_TENANT.items()}
            return (TenantConfiguration(DEFAULT_TENANT, DEFAULT_TENANT, services=self.services, **own),)
        # Where nobody has a key, all share what stands in for a calendar.
        key, url = self.calcom_api_key, self.calcom_base_url
        return tuple(
            one if one.calcom_api_key is not None else replace(one, calcom_api_key=key, calcom_base_url=url)
            for one in self.configuration.tenants
        )

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
        named = (channel for channel, needed in _CHANNELS.items() if all(getattr(self, name) for name in needed))
        return (Channel.LOG.value, *(channel.value for channel in named))

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


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings. Raises BadSettings with every problem at once. An empty value counts as not set."""
    values: dict[str, Any] = {}
    problems = []
    for setting in SETTINGS:
        text = environment.get(setting.variable, "")
        try:
            values[setting.name] = setting.read(text) if text.strip() else setting.default
        except ValueError as wrong:
            problems.append(f"{setting.variable}: {wrong}")
    configuration, bad = _configuration(values, environment)
    named = bad.variables if bad is not None else configuration.variables if configuration is not None else frozenset()
    known = {setting.variable for setting in SETTINGS}
    problems += [
        f"{name}: there is no such setting; {_nearest(name, known)}"
        for name in sorted(environment)
        if name.startswith("EINMAL_") and name not in known | named
    ]
    problems += [f"EINMAL_CONFIG: {line}" for line in (bad.told if bad is not None else ())]
    # Where there is a file, each of its tenants was asked for it.
    alone = configuration is None and bad is None
    if alone and values.get("calcom_api_key") is not None and values.get("attendee_fallback_email") is None:
        problems.append(
            "EINMAL_ATTENDEE_FALLBACK_EMAIL: needed beside EINMAL_CALCOM_API_KEY, for callers who have no e-mail; "
            "an address of yours that takes mail for local+anything@domain"
        )
    if values.get("api_keys") and configuration is not None and len(configuration.tenants) > 1:
        problems.append("EINMAL_API_KEYS: is for one house; with several each has its own under [[tenants.api_keys]]")
    problems += _half_channels(environment)
    if values.get("weekly_report"):
        problems += _report_to_nobody(environment)
    if problems:
        raise BadSettings(problems, bad)
    return _with_the_only_tenant(Settings(**values, configuration=configuration))


_CHANNELS: Final = {
    Channel.WEBHOOK: ("notify_url", "notify_secret"),
    Channel.SLACK: ("slack_url",),
    Channel.MAIL: ("smtp_url", "mail_from", "mail_to"),
    Channel.SMS: ("twilio_account", "twilio_token", "twilio_from"),
}
"""What each channel needs, all of it."""


def _half_channels(environment: Mapping[str, str]) -> Iterator[str]:
    """A channel that somebody meant to have and that would stay silent. What is there and wrong has been told."""
    for needed in _CHANNELS.values():
        variables = [f"EINMAL_{name.upper()}" for name in needed]
        missing = [variable for variable in variables if not environment.get(variable, "").strip()]
        if missing and len(missing) < len(variables):
            together = " and ".join((", ".join(variables[:-1]), variables[-1]))
            yield f"{' and '.join(missing)}: missing; set {together} together, or none of them"


def _report_to_nobody(environment: Mapping[str, str]) -> Iterator[str]:
    """The weekly report goes to a person of the house. What is half there has been told."""
    ways = (_CHANNELS[Channel.MAIL], _CHANNELS[Channel.SLACK])
    variables = [[f"EINMAL_{name.upper()}" for name in way] for way in ways]
    if not any(environment.get(variable, "").strip() for way in variables for variable in way):
        mail, slack = (" and ".join(way) for way in variables)
        yield f"EINMAL_WEEKLY_REPORT: there is nobody to send it to; set {mail}, or {slack}"


_OF_THE_TENANT: Final = {
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


def _configuration(
    values: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[Configuration | None, BadConfiguration | None]:
    """The file's, where one is named, or what is wrong with it. What it leaves open the environment says."""
    if values.get("config") is None:
        return None, None
    otherwise = {setting.name: setting.default for setting in SETTINGS} | dict(values)
    defaults = Defaults(**{theirs: otherwise[ours] for ours, theirs in _OF_THE_TENANT.items()})
    try:
        return read_configuration_file(values["config"], defaults, environment), None
    except BadConfiguration as bad:
        return None, bad


def _with_the_only_tenant(settings: Settings) -> Settings:
    tenants = settings.configuration.tenants if settings.configuration is not None else ()
    if len(tenants) != 1:
        return settings
    own = {ours: getattr(tenants[0], theirs) for ours, theirs in _OF_THE_TENANT.items()}
    return replace(settings, services=tenants[0].services, **own)


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return f"did you mean {close[0]}?" if close else "`einmal config check` lists those there are"
