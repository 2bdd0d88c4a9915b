"""What callers and their agents send: the envelope, its fields, contacts and names."""

import json
import re
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.fields import NAMES, TEXT_MAX, Fields, clean, collect
from einmal.adapters.functions.wish import Understood, understand
from einmal.adapters.retell.envelope import read_envelope
from einmal.adapters.strict_json import DEPTH_MAX, ID_MAX, BadEnvelope
from einmal.domain.keys import intent_key, normal_name
from einmal.domain.model import Offer, Service
from einmal.domain.reply import Outcome
from einmal.domain.search import Search
from einmal.domain.slot import slot_name
from einmal.ports import Tenant
from einmal.speech.contact import OddAddress, email_address, nobodys_address, phone_number, region_of_zone
from einmal.speech.heard import FAR
from fuzz.mutation import altered, odd_value, pumped_text, said, sent
from fuzz.target import Target, holds

NOW: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BODY_MAX: Final = 256 * 1024
"""The door lets 2 MiB through; what grows with the square shows long before."""

ADVICE: Final = Service("101", "Beratung", 101, 30, ("Gespräch",))
CUT: Final = Service("102", "Haarschnitt", 102, 45)
SALON: Final = Tenant("t", "Salon", "Europe/Berlin", "de", "termin@salon.test", (ADVICE, CUT), b"salon's key")
OFFERED: Final = slot_name(Offer(datetime(2026, 12, 1, 9, 0, tzinfo=UTC), "101"), SALON.hash_key)
ELSEWHERE: Final = slot_name(Offer(datetime(2026, 12, 1, 9, 0, tzinfo=UTC), "101"), b"another's key")

ARGS: Final[tuple[dict[str, Any], ...]] = (
    {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"},
    {
        "date": "1.12.2026",
        "time": "10 Uhr 30",
        "customer_name": "Anna Berg",
        "service": "Gespräch",
        "email": "anna at gast punkt de",
        "telefon": "030 901820",
        "bestaetigung": True,
        "mitarbeiter": "Mia",
        "call_id": "call_7d4d0c19",
    },
    {"datetime": "2026-12-01T10:00:00+01:00", "name": "Ole", "service_type": "102", "confirm_booking": "nein"},
    {"slot": OFFERED, "name": "Frau Dr. Müller-Lüdenscheidt", "phone_number": "+4930901820"},
    {"slot": ELSEWHERE, "service_name": "Haarschnitt", "datum": "2026-12-01", "bestätigung": "ja", "hint": "Moment"},
)
CALL: Final[dict[str, Any]] = {
    "call_id": "call_7d4d0c19b2cc",
    "agent_id": "agent_1",
    "direction": "inbound",
    "from_number": "+4930901820",
    "to_number": "+493012345",
    "metadata": {},
}
ENVELOPES: Final[tuple[Any, ...]] = (
    *({"name": "collect_appointment", "call": CALL, "args": args} for args in ARGS),
    *ARGS,
    {"function_name": "check_slots_v17", "arguments": json.dumps(ARGS[0]), "call": CALL | {"direction": "outbound"}},
    {"name": " Collect_Appointment_V3 ", "args": ARGS[2], "call": CALL | {"call_id": "{{call_id}}"}},
    {"name": "book_appointment", "parameters": ARGS[1], "call": None},
)
TEMPLATE: Final = re.compile(r"\{\{[^{}]*\}\}|\$\{[^{}]*\}")
NO_CONTROL: Final = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029\u200b\u202e\ud800-\udfff]*")


# The envelope


def _envelope(rng: Random) -> tuple[bytes, str | None]:
    header = rng.choice((None, "call_9f8e7d6c", "{{call_id}}", "", "x" * 300, "call 1", "ä"))
    return sent(rng, ENVELOPES), header


def _read_envelope(given: tuple[bytes, str | None]) -> str:
    body, header = given
    try:
        call = read_envelope(body, header)
    except BadEnvelope as bad:
        holds(_is_bad(body), f"refused without a reason: {bad}")
        return "refused"
    holds(not _is_bad(body), "taken, and it should not have been")
    holds(isinstance(call.args, dict), "args is no object")
    holds(call.name is None or (call.name == call.name.strip().lower()), "the function's name is not in one form")
    holds(call.name != "", "a name with no letter")
    for made in (call.call_id, call.said_call_id, call.agent_id):
        holds(made is None or (0 < len(made) <= ID_MAX and made.isascii() and made.isprintable()), "an odd id")
    holds(call.call_id is None or "{" not in call.call_id, "a template for an id")
    said_there = "call" if call.call_id else "args" if call.said_call_id else "nowhere"
    return f"{call.name is not None} id {said_there}"


def _is_bad(body: bytes) -> bool:
    """The rules of the envelope, a second time."""
    try:
        data = _strict(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return True
    if not isinstance(data, dict) or _deep(data) > DEPTH_MAX:
        return True
    args = next((data[key] for key in ("args", "arguments", "parameters") if key in data), None)
    if isinstance(args, str):
        try:
            args = _strict(args)
        except (ValueError, RecursionError):
            return True
        return not isinstance(args, dict) or _deep(args) > DEPTH_MAX
    return not (args is None or isinstance(args, dict))


def _strict(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError
        return dict(pairs)

    return json.loads(text, object_pairs_hook=once)


def _deep(value: Any) -> int:
    """How deep it is nested, or one more than may be."""
    depth, level = 0, [value]
    while level and depth <= DEPTH_MAX:
        depth += 1
        inner = [item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer)]
        level = [item for item in inner if isinstance(item, dict | list)]
    return depth


def _long_envelope(rng: Random, size: int) -> tuple[bytes, str | None]:
    text = pumped_text(rng, [json.dumps(seed, ensure_ascii=False) for seed in ENVELOPES], size)
    return text.encode("utf-8", "surrogatepass"), pumped_text(rng, ("call_9f8e7d6c",), min(size, 8000))


# The fields


def _args(rng: Random) -> dict[str, Any]:
    made = altered(rng, rng.choice(ARGS))
    args = made if isinstance(made, dict) else {"name": made}
    for _ in range(rng.randrange(3)):
        args[rng.choice(rng.choice(list(NAMES.values())))] = odd_value(rng)
    return {str(key): value for key, value in args.items()}


def _collect(args: dict[str, Any]) -> str:
    fields = collect(args)
    said_fields = [name for name in Fields.__slots__ if getattr(fields, name) is not None]
    for name in said_fields:
        text = getattr(fields, name)
        holds(0 < len(text) <= TEXT_MAX and NO_CONTROL.fullmatch(text), f"{name} is not one line of text")
        holds(TEMPLATE.search(text) is None, f"{name} is a template that nobody filled in")
        holds(clean(text) == text, f"{name} is not clean")
    return f"{len(said_fields)} said"


def _long_args(rng: Random, size: int) -> dict[str, Any]:
    args = dict(rng.choice(ARGS))
    name = rng.choice([key for key, value in args.items() if isinstance(value, str)])
    return args | {name: pumped_text(rng, (str(args[name]),), size)}


# Contacts

MAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,63}")
E164: Final = re.compile(r"\+[1-9][0-9]{5,14}")
MAILS: Final = ("anna.berg@gast.de", "anna at gast punkt de", "a bindestrich b klammeraffe x punkt de", "test@test.de")
PHONES: Final = ("+4930901820", "030 901820", "0049 30 901820", "4930901820", "(030) 90-18 20", "+1 650 253 0000")
ZONES: Final = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Europe/Rome", "UTC")


def _contact(rng: Random) -> tuple[str, str, str]:
    return said(rng, MAILS), said(rng, PHONES), rng.choice(ZONES)


def _read_contact(given: tuple[str, str, str]) -> str:
    mail_text, phone_text, zone = given
    mail = "none"
    cleaned = clean(mail_text)
    if cleaned is not None:
        try:
            address = email_address(cleaned)
            holds(MAIL.fullmatch(address) and address == address.lower(), "an odd address")
            holds(email_address(address) == address, "an address that is read differently when it is read again")
            mail = "nobody's" if nobodys_address(address) else "address"
        except OddAddress:
            mail = "odd"
    region = region_of_zone(zone)
    holds(re.fullmatch("[A-Z]{2}", region), "an odd region")
    number = phone_number(phone_text, region)
    if number is not None:
        holds(E164.fullmatch(number), f"{number} is not E.164")
        holds(phone_number(number, region) == number, "a number that is read differently when it is read again")
    return f"{mail}, {'number' if number else 'no number'}"


def _long_contact(rng: Random, size: int) -> tuple[str, str, str]:
    return pumped_text(rng, MAILS, size), pumped_text(rng, PHONES, size), "Europe/Berlin"


# The wish


def _function_call(rng: Random) -> tuple[FunctionCall, bool | None]:
    number = rng.choice((None, "anonymous", "+4930901820", "+493012345", *PHONES))
    call = FunctionCall(None, _args(rng), rng.choice((None, "call_1a")), None, None, number, "+493012345")
    return call, rng.choice((None, True, False))


def _understand(given: tuple[FunctionCall, bool | None]) -> str:
    call, books = given
    heard = understand(call, SALON, NOW, books=books)
    if isinstance(heard, Search):
        holds(books is not True, "a booking was taken for a search")
        holds(NOW <= heard.begin < heard.end and heard.service in SALON.services, "an odd search")
        return "searches"
    if not isinstance(heard, Understood):
        holds(heard.outcome is Outcome.NEEDS_INPUT and heard.missing, "a question without a question")
        holds(len(set(heard.missing)) == len(heard.missing), "asked twice")
        return f"asks for {heard.missing[0]}"
    wish, person = heard.wish, heard.wish.person
    holds(wish.start > NOW, "a start that has passed")
    holds("slot" in call.args or "slot_id" in call.args or wish.start - NOW <= FAR + timedelta(days=1), "too far")
    holds(wish.service in SALON.services, "a service that there is not")
    holds(person.phone is None or (E164.fullmatch(person.phone) and person.phone != "+493012345"), "not their number")
    holds(person.email is None or (MAIL.fullmatch(person.email) and "termin@" not in person.email), "not their address")
    holds(person.name or not heard.confirmed, "nobody books")
    holds(books is None or heard.confirmed is books, "what the function's name says was overruled")
    if books is None and heard.confirmed:
        unclear = [call.args[name] for name in NAMES["confirm"] if isinstance(call.args.get(name), list | dict)]
        clear = [call.args[name] for name in NAMES["confirm"] if clean(call.args.get(name)) is not None]
        holds(clear or not unclear, "booked on an unreadable confirmation")
    key = intent_key(wish, SALON.hash_key)
    holds(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{32}", key.value), "an odd key")
    return f"understood, {person.phone is not None} {person.email is not None} {heard.confirmed}"


def _long_call(rng: Random, size: int) -> tuple[FunctionCall, bool | None]:
    return FunctionCall(None, _long_args(rng, size), None, None, None, pumped_text(rng, PHONES, size)), None


# Names


def _name(rng: Random) -> str:
    return said(rng, ("Jürgen Groß", "Frau Dr. Müller-Lüdenscheidt", "Ｈｅｒｒ 𝐀nna ﬁnn", "O'Neill", "Анна"))


def _normal_name(name: str) -> str:
    normal = normal_name(name)
    holds(normal_name(normal) == normal, "normal is not normal")
    holds(normal == " ".join(normal.split()), "spaces tell people apart")
    return "empty" if not normal else f"{min(4, normal.count(' '))} spaces"


TARGETS: Final = (
    Target("envelope", _envelope, _read_envelope, _long_envelope, BODY_MAX),
    Target("fields", _args, _collect, _long_args, BODY_MAX),
    Target("contact", _contact, _read_contact, _long_contact, BODY_MAX),
    Target("wish", _function_call, _understand, _long_call, BODY_MAX),
    Target("name", _name, _normal_name),
)
