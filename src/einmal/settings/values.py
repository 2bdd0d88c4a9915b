"""Parsers of single settings: text in, value out. A ValueError says what is allowed, and never quotes a secret."""

import contextlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from einmal.adapters.notify.addresses import read_smtp
from einmal.adapters.notify.key import webhook_key
from einmal.configuration.values import https, is_loopback
from einmal.extras import POSTGRES, TRACING
from einmal.secret import Secret


def boolean(text: str) -> bool:
    values = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    try:
        return values[text.strip().lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def port(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text) is None or not 0 < int(text) < 65536:
        raise ValueError("must be a port number from 1 to 65535")
    return int(text)


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 86_400:
        raise ValueError("must be a number of seconds greater than 0 and at most 86400")
    return value


def seconds_or_never(text: str) -> float:
    if text.strip() in {"0", "0.0"}:
        return 0.0
    try:
        return seconds(text)
    except ValueError:
        raise ValueError("must be a number of seconds, at most 86400, or 0 for never") from None


def rate(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,6}", text.strip()) is None:
        raise ValueError("must be a whole number of requests a minute, or 0 for no limit")
    return int(text)


def most(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text.strip()) is None:
        raise ValueError("must be a whole number up to 9999, or 0 for no limit")
    return int(text)


def days_or_ever(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text.strip()) is None or int(text) > 3650:
        raise ValueError("must be a whole number of days from 1 to 3650, or 0 for ever")
    return int(text)


def traces(text: str) -> str:
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
    if TRACING.is_missing():
        raise ValueError(TRACING.needed)
    return text


def webhook_secret(text: str) -> Secret:
    try:
        webhook_key(text.strip())
    except ValueError as wrong:
        raise ValueError(f"{wrong}; make one with: echo whsec_$(openssl rand -base64 32)") from None
    return Secret(text.strip())


def slack(text: str) -> Secret:
    try:
        return Secret(https(text))
    except ValueError:
        raise ValueError("must be the https address of an incoming webhook of yours at Slack") from None


def smtp(text: str) -> Secret:
    read_smtp(text)
    return Secret(text.strip())


def password(text: str) -> Secret:
    if re.fullmatch(r"\$argon2id\$v=[0-9]+\$[a-z0-9=,]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+", text.strip()) is None:
        raise ValueError("must be an argon2id hash, $argon2id$...; make one with: einmal config password")
    return Secret(text.strip())


def database(text: str) -> "Path | Secret":
    prefix = "sqlite:///"
    if text.startswith(prefix) and len(text) > len(prefix):
        return Path(text.removeprefix(prefix))
    if not _names_a_server(text):
        raise ValueError(
            "must be sqlite:///path/to/file or postgresql://user@host/database; "
            "in a password @ is written %40, / %2F, ? %3F and # %23"
        )
    if POSTGRES.is_missing():
        raise ValueError(f"PostgreSQL {POSTGRES.needed}")
    return Secret(text)  # it may hold a password


def _names_a_server(text: str) -> bool:
    with contextlib.suppress(ValueError):
        parts = urlsplit(text)
        if text.count("@") > 1 or "@" in f"{parts.path}{parts.query}{parts.fragment}" or parts.port == 0:
            return False  # read on, half of a password would be a host or a port, and stand in an error
        return parts.scheme in {"postgresql", "postgres"} and bool(parts.netloc) and bool(parts.path.strip("/"))
    return False


def namespace(text: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9_]{0,30}", text) is None:
        raise ValueError("must be lower-case letters, digits and underscores")
    return text


def secrets(text: str) -> tuple[Secret, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        # Taken for "no key set" it would let unsigned calls in.
        raise ValueError("must be one key, or several with a comma between them")
    return tuple(Secret(part) for part in parts)
