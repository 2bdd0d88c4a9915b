"""E-mail addresses and phone numbers as spoken and as platforms send them."""

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import phonenumbers

from einmal.speech.spelled import written_address, written_number

WITHHELD: Final = frozenset({"anonymous", "anonym", "unknown", "restricted", "private", "withheld", "unavailable"})

DIALLED_MAX: Final = 60
E164_MAX: Final = 16
"""A plus and fifteen digits, by ITU-T E.164; some countries' plans admit more."""

NATIONAL_DIGITS_MIN: Final = 6
"""A fragment that somebody mumbled must not become their identity."""

_ADDRESS = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_NOBODYS_DOMAINS: Final = re.compile(
    r"(.*\.)?(example|invalid|localhost|(example|domain|test|email|mail)\.(com|org|net|de))"
)
_NOBODYS_NAMES: Final = frozenset(
    {"test", "noreply", "no-reply", "kunde", "customer", "user", "unknown", "unbekannt", "anonymous", "anonym"}
    | {"none", "keine", "example", "beispiel", "gast", "guest", "name", "email"}
)
_RUNS: Final = ("12345678901234567890", "98765432109876543210")


def nobodys_address(address: str) -> bool:
    """Whether a model made this up: taken for somebody's, it would make all such callers one person."""
    local, _, domain = address.rpartition("@")
    return local in _NOBODYS_NAMES or _NOBODYS_DOMAINS.fullmatch(domain) is not None


class OddAddress(ValueError):
    """This cannot be an e-mail address, so it must be asked for again."""


def email_address(text: str) -> str:
    """The address in lower case, always in one form: Cal.com compares letter by letter. Raises OddAddress."""
    address = text.lower().strip()
    if any(c.isspace() for c in address):
        address = written_address(text) or ""
    if _ADDRESS.fullmatch(address) is None or ".." in address:
        raise OddAddress
    return address


def _dialled(text: str) -> str | None:
    if text.strip().lower() in WITHHELD:
        return None
    # Letters would else be dialled as on a keypad: "030 1234 Anna" as 030 1234 2662.
    dialled = written_number(text) if any(c.isalpha() for c in text) else text
    return dialled if dialled is not None and len(dialled) <= DIALLED_MAX else None


@lru_cache(maxsize=4096)
def phone_number(text: str, region: str) -> str | None:
    """E.164, or None where it is withheld or no number. "4930…" is "+4930…"."""
    dialled = _dialled(text)
    if dialled is None:
        return None
    try:
        number = phonenumbers.parse(dialled, region)
    except phonenumbers.NumberParseException:
        return None
    digits = re.sub(r"\D", "", dialled)
    country = str(phonenumbers.country_code_for_region(region))
    if not dialled.strip().startswith(("+", "0")) and digits.startswith(country):
        # Without "+" or "0" a number that begins with the country's code is meant internationally.
        try:
            number = phonenumbers.parse("+" + digits, region)
        except phonenumbers.NumberParseException:
            return None
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    if not possible or len(str(number.national_number)) < NATIONAL_DIGITS_MIN:
        return None
    digits = str(number.national_number)
    if len(set(digits)) == 1 or any(run.startswith(digits) for run in _RUNS):
        # 0123456789 and 5555555 are what models invent; as an identity it would be shared by strangers.
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Rows of zeros read differently each time: such a number names nobody.
    return e164 if len(e164) <= E164_MAX and phonenumbers.parse(e164) == number else None


@cache
def region_of_zone(zone: str) -> str:
    """The country of a time zone (Europe/Berlin is DE), for numbers dialled without a country code."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            if name == zone:
                return country
    return "DE"
