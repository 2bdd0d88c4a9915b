"""The fields of a booking as agents send them: many names for one thing, and many ways to say nothing."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from einmal.domain.keys import normal_name

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "slot": ("slot", "slot_id"),
    "date": ("datum", "date", "appointment_date", "preferred_date"),
    "time": ("uhrzeit", "time", "appointment_time", "preferred_time"),
    "both": ("datetime", "date_time", "start"),
    "name": ("name", "customer_name", "kundenname"),
    "service": ("dienstleistung", "service", "service_name", "service_type"),
    "email": ("email", "customer_email", "e_mail"),
    "phone": ("telefon", "customer_phone", "phone_number", "phone", "telefonnummer"),
    "staff": ("mitarbeiter", "staff", "preferred_staff_id"),
    "confirm": ("bestaetigung", "bestätigung", "confirm_booking"),
}
"""Ours first, then every synonym seen in the field."""

_EVERY_NAME: Final = frozenset(name for names in NAMES.values() for name in names)

UNREADABLE: Final = "?"
"""Said, and not to be understood: so it is asked."""

TEXT_MAX: Final = 200

_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}|\$\{[^{}]*\}")
_NOTHING: Final = frozenset({"", "none", "null", "undefined", "n/a", "na", "nan", "-", "--"})
_NO_NAMES: Final = frozenset(
    {"anonymous", "anonym", "unbekannt", "unknown", "anrufer", "anruferin", "caller", "gast", "guest", "kunde"}
    | {"kundin", "customer", "user", "name", "test name", "herr", "frau", "mr", "mrs", "kein name", "no name"}
    | {"nicht angegeben", "not provided", "not given", "unbekannter anrufer", "unknown caller", "mein name"}
)
_NO_ADDRESSES: Final = frozenset(
    {"keine", "nein", "no", "kein", "unbekannt", "unknown", "nicht angegeben", "keine angabe", "keine e mail"}
    | {"keine email", "no email", "not provided", "nicht vorhanden", "habe ich nicht", "hat keine", "false"}
)
_NUMBER_WORDS: Final = (
    "ein|eins|zwei|drei|vier|fuenf|sechs|sieben|acht|neun|zehn|elf|zwoelf|"
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
)
# A number must stand there: Miriam, Sam and William Tell are names.
_CLOCK_TIME = re.compile(rf"(\d{{1,2}}( ?\d{{2}})? ?|(halb )?({_NUMBER_WORDS}) )(uhr|o clock|am|pm)( .*)?")
_WISH_FOR_STAFF = re.compile(r"(bei|mit|with) \w+")


@dataclass(frozen=True, slots=True)
class Fields:
    """What was said, cleaned and not yet understood. None is: not said."""

    slot: str | None = None
    date: str | None = None
    time: str | None = None
    name: str | None = None
    service: str | None = None
    email: str | None = None
    phone: str | None = None
    staff: str | None = None
    confirm: str | None = None


def collect(args: Mapping[str, Any]) -> Fields:
    """The fields out of a function call's arguments. What nobody knows (`execution_message`) is ignored."""
    args = _known(args)
    said = {field: _first(args, names) for field, names in NAMES.items()}
    both = said.pop("both")
    if both is not None and both != said["date"]:
        # Read as one text, in which days must agree.
        joined = both if said["date"] is None else f"{said['date']} {both}"
        said["date"] = joined if len(joined) <= TEXT_MAX else UNREADABLE
    if said["confirm"] is None and any(isinstance(args.get(name), list | dict) for name in NAMES["confirm"]):
        # Something was said of it, and cannot be read: that is no "absent", which would book.
        said["confirm"] = UNREADABLE
    for field in ("date", "time", "confirm"):
        # Two names for one thing, and two things said: which is meant, only the caller knows.
        if len({text for name in NAMES[field] if (text := clean(args.get(name))) is not None}) > 1:
            said[field] = UNREADABLE
    if said["email"] is not None and normal_name(said["email"]) in _NO_ADDRESSES:
        said["email"] = None
    name = said.pop("name")
    return Fields(**said, name=None if name is None or is_no_name(name) else name)


def _known(args: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments under the names that are known, however their letters were written."""
    if all(name in _EVERY_NAME or (name.isascii() and name.islower()) for name in args):
        return args
    written = {unicodedata.normalize("NFC", name).casefold(): value for name, value in args.items()}
    return written | dict(args)


def text_of(args: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these names under which something was said, cleaned."""
    return _first(_known(args), names)


def is_no_name(text: str) -> bool:
    """Whether this cannot be somebody's name, so that it must be asked for."""
    plain = normal_name(text)
    return (
        sum(c.isalpha() for c in plain) < 2
        or plain in _NO_NAMES
        or _CLOCK_TIME.fullmatch(plain) is not None
        or _WISH_FOR_STAFF.fullmatch(plain) is not None
    )


def _first(args: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = args.get(name)
        if value is not None and (text := clean(value)) is not None:
            return text
    return None


def clean(value: object) -> str | None:
    """One line of text; None for whatever says nothing: no text, a template nobody filled in, "None"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        return None
    if len(value) > 4 * TEXT_MAX:
        # Cut first: what is long is not a name, and everything below reads every letter. Blanks do not make it long.
        value = " ".join(value.split())[: 4 * TEXT_MAX]
    if _TEMPLATE.search(value):
        return None
    text = value
    if not (value.isascii() and value.isprintable()):  # most are both, and then there is nothing to look for
        text = unicodedata.normalize("NFC", "".join(" " if _unspeakable(c) else c for c in value))
    text = " ".join(text.split())[:TEXT_MAX].strip()
    return None if text.lower() in _NOTHING else text


def _unspeakable(character: str) -> bool:
    # Control and format characters (NUL, line breaks, bidi overrides), lone surrogates, private use.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
