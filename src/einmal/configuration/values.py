"""Texts that name a thing: a time zone, an address, a language. One reader each, for the file and the environment.

A reader gives the value or raises ValueError with what is allowed. It never repeats what it was given: that may be
a password in the wrong place.
"""

import contextlib
import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from einmal.domain.destination import Reach, is_disguised, may_connect
from einmal.domain.keys import unique_attendee_email

_ADDRESS: Final = "must be an address such as https://api.cal.com, without user, query or fragment"
_DISGUISED: Final = "must have its host as a name, or as four decimal numbers with dots"
_NUMBER: Final = 'is no phone number with its country code, such as "+493023125000"'


def time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Berlin") from None
    return text


def one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return read


language = one_of("de", "en")


def base_url(text: str) -> str:
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
    if is_disguised(parts.hostname):
        raise ValueError(_DISGUISED)
    # People paste the address from the documentation, with the version on it.
    return text.rstrip("/").removesuffix("/v2")


def host_address(url: str) -> str | None:
    """The host of a URL, if it is an address and no name."""
    host = urlsplit(url).hostname or ""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def is_private(url: str) -> bool:
    """Whether a URL names an address that the world does not reach, other than this machine's own."""
    address = host_address(url)
    return address is not None and not may_connect(address, Reach(loopback=True))


def https(text: str) -> str:
    text = text.strip()
    parts, odd = urlsplit(""), True
    with contextlib.suppress(ValueError):
        parts = urlsplit(text)
        odd = not parts.hostname or parts.username is not None or parts.password is not None or parts.port == 0
    if odd or parts.scheme not in {"http", "https"} or set("# \t") & set(text):
        raise ValueError("must be an address such as https://example.org/einmal, without user or fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must use https, except on loopback: it tells names and phone numbers")
    if is_disguised(parts.hostname or ""):
        raise ValueError(_DISGUISED)
    if host_address(text) is not None and not may_connect(host_address(text) or "", Reach(private=True)):
        raise ValueError("must not be a link-local or a cloud's own address")
    return text


def house_email(text: str) -> str:
    text = text.strip()
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) is None:
        raise ValueError("must be an e-mail address, local@domain")
    unique_attendee_email(text, "x" * 32)
    return text


def called_number(text: str) -> str:
    """E.164. "4930…" and "0049 30…" are "+4930…"; a number without its country is refused: whose is it?

    The one reader whose complaint follows what it was given, which is no secret.
    """
    digits = re.sub(r"[\s()./-]", "", text)
    if re.fullmatch(r"\+?[0-9]{1,20}", digits, re.ASCII) is None:
        raise ValueError(_NUMBER)
    if digits.startswith("0") and not digits.startswith("00"):
        national = _e164("+49" + digits.removeprefix("0"))
        hint = f"; if it is German, it is {national}" if national is not None else ""
        raise ValueError(_NUMBER + hint)
    number = _e164("+" + digits.removeprefix("+").removeprefix("00"))
    if number is None:
        raise ValueError("has a length that no phone number of its country has")
    return number


def _e164(text: str) -> str | None:
    import phonenumbers  # noqa: PLC0415 - its rules take a while to load, and few commands need them

    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
