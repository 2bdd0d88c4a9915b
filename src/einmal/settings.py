"""Settings from the environment, read once, checked all together. Nothing else reads the environment.

Every setting stands in SETTINGS with its parser, its default and a sentence; `einmal config check` and the
reference are made of it. A wrong value says which variable, what was wrong with it and what is allowed; a
secret's value is never quoted.
"""

import contextlib
import difflib
import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from einmal.adapters.notify.webhook import webhook_key
from einmal.domain.keys import IdempotencyStrategy, unique_attendee_email
from einmal.domain.model import Service
from einmal.domain.verdict import GuardPolicy


class BadSettings(Exception):
    """One line for each thing that is wrong: variable, what was wrong, what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Secret:
    """A value that is never shown: not in a repr, not in a log, not in a traceback's locals."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


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


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Berlin") from None
    return text


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return read


def _rate(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,6}", text.strip()) is None:
        raise ValueError("must be a whole number of requests a minute, or 0 for no limit")
    return int(text)


def _webhook_secret(text: str) -> Secret:
    try:
        webhook_key(text.strip())
    except ValueError as wrong:
        raise ValueError(f"{wrong}; make one with: echo whsec_$(openssl rand -base64 32)") from None
    return Secret(text.strip())


def _https(text: str) -> str:
    text = text.strip()
    parts, odd = urlsplit(""), True
    with contextlib.suppress(ValueError):
        parts = urlsplit(text)
        odd = not parts.hostname or parts.username is not None or parts.password is not None or parts.port == 0
    if odd or parts.scheme not in {"http", "https"} or set("# \t") & set(text):
        raise ValueError("must be an address such as https://example.org/einmal, without user or fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must use https, except on loopback: it tells names and phone numbers")
    return text


_ADDRESS: Final = "must be an address such as https://api.cal.com, without user, query or fragment"


def _base_url(text: str) -> str:
    text = text.strip()
    try:
        parts = urlsplit(text)
        bare = parts.username is None and parts.password is None and parts.port != 0 and not set("?# \t") & set(text)
    except ValueError:
        raise ValueError(_ADDRESS) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not bare:
        raise ValueError(_ADDRESS)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must use https, except on loopback")
    # People paste the address from the documentation, with the version on it.
    return text.rstrip("/").removesuffix("/v2")


def _database(text: str) -> "Path | Secret":
    prefix = "sqlite:///"
    if text.startswith(prefix) and len(text) > len(prefix):
        return Path(text.removeprefix(prefix))
    with contextlib.suppress(ValueError):
        parts = urlsplit(text)
        if parts.scheme in {"postgresql", "postgres"} and parts.netloc and parts.path.strip("/"):
            return Secret(text)  # it may hold a password
    raise ValueError("must be sqlite:///path/to/file or postgresql://user@host/database")


def _house_email(text: str) -> str:
    text = text.strip()
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) is None:
        raise ValueError("must be an e-mail address, local@domain")
    unique_attendee_email(text, "x" * 32)
    return text


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
    Setting("calcom_base_url", _base_url, "https://api.cal.com", "api.cal.com, api.cal.eu or your own"),
    Setting("calcom_api_version", _one_of("2024-08-13", "2026-02-25"), "2024-08-13", "cal-api-version of bookings"),
    Setting("calcom_webhook_secret", Secret, None, "Cal.com's webhook secret"),
    Setting("retell_api_key", _secrets, (), "Retell's API key; two, with a comma, during a rotation"),
    Setting(
        "attendee_fallback_email",
        _house_email,
        None,
        "the house address; callers without an e-mail get an address of their own made from it",
    ),
    Setting("admin_token", Secret, None, "for /api/internal, /api/appointments and the pages off loopback"),
    Setting("timezone", _zone, "Europe/Berlin", "where callers and calendar live"),
    Setting("language", _one_of("de", "en"), "de", "what callers are answered in"),
    Setting("metrics_namespace", _namespace, "einmal", "the prefix of metrics"),
    Setting("config", Path, None, "a TOML file with services"),
    Setting("guard_enabled", _boolean, True, "all guard layers but the schema's"),
    Setting("guard_ownership", _boolean, True, "layer 0; off is seed mode"),
    Setting("guard_freshness", _boolean, True, "layer 1"),
    Setting("guard_identity", _boolean, True, "layer 2"),
    Setting("guard_ledger", _boolean, True, "layer 3"),
    Setting("guard_freshness_seconds", _seconds, 30.0, "how old an answer may be, for layer 1"),
    Setting("idempotency_strategy", _one_of("call", "payload"), "call", "how the outgoing Idempotency-Key is made"),
    Setting("calcom_rate_per_minute", _rate, 120, "requests a minute that Cal.com allows this key; 0 for no limit"),
    Setting("notify_url", _https, None, "where news of a doubt that has ended is posted, signed"),
    Setting("notify_secret", _webhook_secret, None, "signs what is posted there: whsec_ and base64"),
    Setting("settle_seconds", _seconds, 600.0, "how long after a lost answer an absence is not yet proof"),
    Setting("replay_no_seconds", _seconds, 60.0, "how long a stored no is told again; longer than any agent retries"),
    Setting("post_seconds", _seconds, 10.0, "how long one POST to Cal.com may take before it counts as lost"),
    Setting("reply_seconds", _seconds, 8.0, "how long a booking call may take before the caller hears 'checking'"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, valid. `services` comes from the file that EINMAL_CONFIG names."""

    database_url: Path | Secret
    host: str
    port: int
    calcom_api_key: Secret | None
    calcom_base_url: str
    calcom_api_version: str
    calcom_webhook_secret: Secret | None
    retell_api_key: tuple[Secret, ...]
    attendee_fallback_email: str | None
    admin_token: Secret | None
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
    settle_seconds: float
    replay_no_seconds: float
    post_seconds: float
    reply_seconds: float
    services: tuple[Service, ...] = ()

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
    known = {setting.variable for setting in SETTINGS}
    problems += [
        f"{name}: there is no such setting; {_nearest(name, known)}"
        for name in sorted(environment)
        if name.startswith("EINMAL_") and name not in known
    ]
    if values.get("config") is not None:
        services, wrong_lines = _services(values["config"])
        values["services"] = services
        problems += wrong_lines
    if values.get("calcom_api_key") is not None and values.get("attendee_fallback_email") is None:
        problems.append(
            "EINMAL_ATTENDEE_FALLBACK_EMAIL: needed beside EINMAL_CALCOM_API_KEY, for callers who have no e-mail; "
            "an address of yours that takes mail for local+anything@domain"
        )
    if (values.get("notify_url") is None) != (values.get("notify_secret") is None):
        problems.append("EINMAL_NOTIFY_URL and EINMAL_NOTIFY_SECRET: set both, or neither")
    if problems:
        raise BadSettings(problems)
    return Settings(**values)


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return f"did you mean {close[0]}?" if close else "`einmal config check` lists those there are"


MINUTES_MAX: Final = 24 * 60
_SERVICE_KEYS: Final = {"id": str, "name": str, "event_type_id": int, "duration_minutes": int, "aliases": list}


def _services(path: Path) -> tuple[tuple[Service, ...], list[str]]:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        return (), [f"EINMAL_CONFIG: {path} cannot be read: {error.strerror}"]
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, or numbers and nestings beyond measure
        return (), [f"EINMAL_CONFIG: {path} is not TOML: {error}"]
    problems = [f"EINMAL_CONFIG: unknown key {key!r}; allowed is services" for key in data if key != "services"]
    rows = data.get("services", [])
    if not isinstance(rows, list):
        return (), [*problems, "EINMAL_CONFIG: services must be a list of [[services]] tables"]
    services = []
    for number, row in enumerate(rows, 1):
        wrong = _service_problems(row)
        problems += [f"EINMAL_CONFIG: services, number {number}: {line}" for line in wrong]
        if not wrong:
            services.append(
                Service(
                    str(row.get("id", row["event_type_id"])),
                    row["name"],
                    row["event_type_id"],
                    row["duration_minutes"],
                    tuple(row.get("aliases", ())),
                )
            )
    ids = [service.service_id for service in services]
    problems += [f"EINMAL_CONFIG: services: id {one!r} stands twice" for one in sorted(set(ids)) if ids.count(one) > 1]
    return tuple(services), problems


def _service_problems(row: object) -> list[str]:
    if not isinstance(row, dict):
        return ["must be a table"]
    wrong = [f"unknown key {key!r}; allowed are {', '.join(_SERVICE_KEYS)}" for key in row if key not in _SERVICE_KEYS]
    wrong += [f"{key} is missing" for key in ("name", "event_type_id", "duration_minutes") if key not in row]
    wrong += [
        f"{key} must be {kind.__name__}"
        for key, kind in _SERVICE_KEYS.items()
        if key in row and (not isinstance(row[key], kind) or isinstance(row[key], bool))
    ]
    if wrong:
        return wrong
    if not row["name"].strip():
        wrong.append("name must not be empty")
    if row["event_type_id"] < 1:
        wrong.append("event_type_id must be at least 1")
    if not 1 <= row["duration_minutes"] <= MINUTES_MAX:
        wrong.append(f"duration_minutes must be from 1 to {MINUTES_MAX}")
    if not all(isinstance(alias, str) and alias.strip() for alias in row.get("aliases", ())):
        wrong.append("aliases must be a list of names")
    return wrong
