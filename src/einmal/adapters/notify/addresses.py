"""Where messages go out and to whom, as an operator writes it down: a mail server, mailboxes, an account at Twilio.

A reader raises ValueError with what is allowed, and quotes nothing: there may be a password in it.
"""

import re
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

from einmal.secret import Secret

_SMTP: Final = (
    "must be smtps://user:password@host:port or smtp://…; what is special in a password is written as %40, and all of "
    "it is ASCII"
)
_MAILBOX: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_TWILIO_SENDER: Final = re.compile(r"\+[1-9][0-9]{6,14}|MG[0-9a-f]{32}|(?=.*[A-Za-z])[A-Za-z0-9 ]{2,11}")


class Safety(StrEnum):
    TLS = "tls"
    STARTTLS = "starttls"
    """Asked for, and nothing is sent without."""
    CLEAR = "clear"
    """Only to this machine itself."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """`trust` is whose certificates are believed, by default the machine's own."""

    host: str
    port: int
    safety: Safety
    user: str | None = field(default=None, repr=False)
    password: Secret | None = None
    trust: ssl.SSLContext | None = field(default=None, repr=False)


def read_smtp(url: str) -> Smtp:
    """`smtps://` speaks TLS from the first byte, `smtp://` asks for STARTTLS; without any only on loopback."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        user, password = (one and unquote(one, errors="strict") for one in (parts.username, parts.password))
    except ValueError:
        raise ValueError(_SMTP) from None
    behind = parts.path not in {"", "/"} or bool(parts.query or parts.fragment) or port == 0
    said = (user or "") + (password or "") + url
    if (
        parts.scheme not in {"smtp", "smtps"}
        or not host
        or behind
        or not said.isascii()
        or any(ord(one) <= 32 for one in said)
    ):
        raise ValueError(_SMTP)
    if bool(user) != bool(password):
        raise ValueError(_SMTP)
    without = Safety.CLEAR if _is_here(host) else Safety.STARTTLS
    safety = Safety.TLS if parts.scheme == "smtps" else without
    usual = {Safety.TLS: 465, Safety.STARTTLS: 587, Safety.CLEAR: 25}[safety]
    return Smtp(host, port or usual, safety, user or None, Secret(password) if password else None)


def read_mailbox(text: str) -> str:
    if _MAILBOX.fullmatch(text.strip()) is None or ".." in text:
        raise ValueError("must be an e-mail address, local@domain, without a name")
    return text.strip()


def read_mailboxes(text: str) -> tuple[str, ...]:
    try:
        found = tuple(read_mailbox(one) for one in text.split(",") if one.strip())
    except ValueError:
        found = ()
    if not found:
        raise ValueError("must be an e-mail address, local@domain, or several with a comma between them")
    return found


def read_twilio_account(text: str) -> str:
    if re.fullmatch(r"AC[0-9a-f]{32}", text.strip()) is None:
        raise ValueError("must be Twilio's Account SID: AC and 32 hexadecimal digits")
    return text.strip()


def read_twilio_sender(text: str) -> str:
    if _TWILIO_SENDER.fullmatch(text.strip()) is None:
        raise ValueError(
            "must be a number of yours at Twilio such as +493023125000, a name of at most 11 letters and digits, or a "
            "messaging service (MG…)"
        )
    return text.strip()


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
