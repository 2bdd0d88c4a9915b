"""Every setting with its parser, its default and a sentence; `einmal config check` and the reference are made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from einmal.adapters.notify.addresses import (
    read_mailbox,
    read_mailboxes,
    read_twilio_account,
    read_twilio_sender,
)
from einmal.configuration.api_keys import api_keys_of
from einmal.configuration.values import base_url, house_email, https, language, one_of, time_zone
from einmal.sealed import read_keys
from einmal.secret import Secret
from einmal.settings.values import (
    boolean,
    database,
    days_or_ever,
    most,
    namespace,
    password,
    port,
    rate,
    seconds,
    seconds_or_never,
    secrets,
    slack,
    smtp,
    traces,
    webhook_secret,
)


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str

    @property
    def variable(self) -> str:
        return f"EINMAL_{self.name.upper()}"


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "database_url",
        database,
        Path("data/einmal.sqlite3"),
        "the ledger, sqlite:///path or postgresql://user@host/name",
    ),
    Setting("host", str, "127.0.0.1", "the address to listen on"),
    Setting("port", port, 8080, "the port to listen on"),
    Setting("calcom_api_key", Secret, None, "Cal.com's API key; without one the built-in simulator is used"),
    Setting("calcom_base_url", base_url, "https://api.cal.com", "api.cal.com, api.cal.eu or your own"),
    Setting("calcom_api_version", one_of("2024-08-13", "2026-02-25"), "2024-08-13", "cal-api-version of bookings"),
    Setting(
        "calcom_allow_private", boolean, False, "whether Cal.com may stand in a private network, for one of your own"
    ),
    Setting("calcom_webhook_secret", Secret, None, "Cal.com's webhook secret"),
    Setting("retell_api_key", secrets, (), "Retell's API key; two, with a comma, during a rotation"),
    Setting("vapi_secret", secrets, (), "what Vapi sends as X-Vapi-Secret or bearer token; two during a rotation"),
    Setting("elevenlabs_secret", secrets, (), "what ElevenLabs' tools send as X-Einmal-Secret; two during a rotation"),
    Setting("elevenlabs_webhook_secret", secrets, (), "signs ElevenLabs' post-call webhooks; two during a rotation"),
    Setting("mcp_secret", secrets, (), "the bearer token of `einmal mcp --http`; two during a rotation"),
    Setting("api_keys", api_keys_of, (), "keys of your own programs for /v1: NAME:SCOPE+SCOPE:KEY, several by comma"),
    Setting("api_rate_per_minute", rate, 120, "requests a minute for each of those programs; 0 for no limit"),
    Setting("house_rate_per_minute", rate, 3000, "function calls a minute for each house; 0 for no limit"),
    Setting("call_rate_per_minute", rate, 60, "function calls a minute in each phone call; 0 for no limit"),
    Setting("number_rate_per_minute", rate, 60, "function calls a minute from each phone number; 0 for no limit"),
    Setting("bookings_per_call", most, 5, "appointments that one phone call may book; 0 for no limit"),
    Setting(
        "attendee_fallback_email",
        house_email,
        None,
        "the house address; callers without an e-mail get an address of their own made from it",
    ),
    Setting("admin_token", Secret, None, "for /metrics, /api/internal, /api/appointments and the pages off loopback"),
    Setting("reader_token", Secret, None, "opens the pages to read, with personal data masked"),
    Setting(
        "operator_password", password, None, "opens the pages as the admin token does; see `einmal config password`"
    ),
    Setting("reader_password", password, None, "opens the pages as EINMAL_READER_TOKEN does"),
    Setting("proxy", boolean, None, "whether clients of Cal.com's API may come by /v2; without it, on loopback only"),
    Setting("booking_form", boolean, None, "whether everybody may book at /book; without it, on loopback only"),
    Setting("secrets_key", read_keys, (), "opens what is sealed at rest; two during a rotation, the new one first"),
    Setting("timezone", time_zone, "Europe/Berlin", "where callers and calendar live"),
    Setting("language", language, "de", "what callers are answered in"),
    Setting("metrics_namespace", namespace, "einmal", "the prefix of metrics"),
    Setting("config", Path, None, "a TOML file with tenants, hours, services and staff; see `einmal config example`"),
    Setting("guard_enabled", boolean, True, "all guard layers but the schema's"),
    Setting("guard_ownership", boolean, True, "layer 0; off is seed mode"),
    Setting("guard_freshness", boolean, True, "layer 1"),
    Setting("guard_identity", boolean, True, "layer 2"),
    Setting("guard_ledger", boolean, True, "layer 3"),
    Setting("guard_freshness_seconds", seconds, 30.0, "how old an answer may be, for layer 1"),
    Setting("idempotency_strategy", one_of("call", "payload"), "call", "how the outgoing Idempotency-Key is made"),
    Setting("calcom_rate_per_minute", rate, 120, "requests a minute that Cal.com allows this key; 0 for no limit"),
    Setting("notify_url", https, None, "where news of a doubt that has ended is posted, signed"),
    Setting("notify_secret", webhook_secret, None, "signs what is posted there: whsec_ and base64"),
    Setting("slack_url", slack, None, "an incoming webhook of Slack, for what a person must do"),
    Setting("smtp_url", smtp, None, "the mail server: smtps://user:password@host:port, or smtp:// for STARTTLS"),
    Setting("mail_from", read_mailbox, None, "the address that mails are from"),
    Setting("mail_to", read_mailboxes, (), "who gets a mail of what a person must do; several with a comma"),
    Setting("twilio_account", read_twilio_account, None, "Twilio's Account SID, for SMS to callers"),
    Setting("twilio_token", Secret, None, "Twilio's Auth Token"),
    Setting(
        "twilio_from", read_twilio_sender, None, "whom SMS are from: a number, a short name or a messaging service"
    ),
    Setting("weekly_report", boolean, False, "whether the week's report goes out on Mondays, by mail and in Slack"),
    Setting("traces_url", traces, None, "an OTLP/HTTP collector that gets a trace of each function call"),
    Setting("settle_seconds", seconds, 600.0, "how long after a lost answer an absence is not yet proof"),
    Setting("replay_no_seconds", seconds, 60.0, "how long a stored no is told again; longer than any agent retries"),
    Setting("post_seconds", seconds, 10.0, "how long one POST to Cal.com may take before it counts as lost"),
    Setting(
        "verify_seconds", seconds_or_never, 20.0, "how long after a booking it is read once more; 0 for not at all"
    ),
    Setting(
        "reconcile_seconds",
        seconds_or_never,
        3600.0,
        "how often ledger and calendar are compared as a whole; 0 for only by `einmal reconcile`",
    ),
    Setting(
        "retention_days",
        days_or_ever,
        30,
        "how long after an appointment's end its person is known; 0 for ever; see docs/privacy.md",
    ),
    Setting("reply_seconds", seconds, 8.0, "how long a booking call may take before the caller hears 'checking'"),
)
