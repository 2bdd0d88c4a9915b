"""Tool definitions to paste into a Retell agent: names, time-outs, the call's id in a header, honest descriptions.

The field names are Retell's own (`GeneralToolCustomTool` of its SDK, which a test holds them against). Descriptions
are for the model. They keep it from the three things that made duplicates and false promises in the field: composing
dates itself, calling again while an answer is in doubt, and saying "booked" before it is told so.
"""

from collections.abc import Mapping
from typing import Any, Final

from einmal.speech.said import Language

HEADERS: Final = {"X-Call-Id": "{{call_id}}"}
"""Filled in by Retell itself. What the model writes into `args.call_id` is no identity."""

TELLING_MS: Final = 5_000
CHECKING_MS: Final = 10_000
BOOKING_MS: Final = 15_000
"""Longer than a reply takes at most (EINMAL_REPLY_SECONDS, 8 s), so that the truth arrives before the time-out."""

RETRIES: Final = 2
"""A repeat is harmless here: it joins the running attempt or hears the stored answer."""

_DE, _EN = Language.GERMAN, Language.ENGLISH
_Text = Mapping[Language, str]

_HONEST: Final = {
    _DE: "Sprich den Satz aus `message`. Nur status booked heißt gebucht. Bei in_doubt wird noch geprüft: sage das, "
    "buche nichts neu und rufe die Funktion nicht noch einmal auf. Bei needs_input stelle die Frage aus `message`.",
    _EN: "Speak the sentence in `message`. Only status booked means booked. With in_doubt it is still being checked: "
    "say so, book nothing anew and do not call the function again. With needs_input ask the question in `message`.",
}
_VERBATIM: Final = {
    _DE: "Gib Datum und Uhrzeit so weiter, wie sie gesagt wurden („nächsten Dienstag“, „halb vier“); rechne nichts um "
    "und erfinde kein Jahr.",
    _EN: "Pass date and time on as they were said ('next Tuesday', 'half past three'); do not convert them and do not "
    "make up a year.",
}
_FIELDS: Final[dict[str, tuple[str, _Text]]] = {
    "datum": (
        "string",
        {_DE: "Der Tag, wie er gesagt wurde, oder JJJJ-MM-TT.", _EN: "The day as it was said, or YYYY-MM-DD."},
    ),
    "uhrzeit": (
        "string",
        {_DE: "Die Uhrzeit, wie sie gesagt wurde, oder HH:MM.", _EN: "The time as it was said, or HH:MM."},
    ),
    "name": (
        "string",
        {
            _DE: "Der Name, den die Person genannt hat. Nie erfinden.",
            _EN: "The name the person gave. Never invent one.",
        },
    ),
    "dienstleistung": ("string", {_DE: "Die gewünschte Leistung.", _EN: "The service that is wanted."}),
    "email": (
        "string",
        {_DE: "Nur wenn sie genannt wurde. Nie erfinden.", _EN: "Only if it was given. Never invent one."},
    ),
    "telefon": (
        "string",
        {
            _DE: "Nur wenn eine andere Nummer als die des Anrufs genannt wurde.",
            _EN: "Only if another number than the line's was given.",
        },
    ),
    "mitarbeiter": (
        "string",
        {_DE: "Nur wenn jemand Bestimmtes gewünscht wurde.", _EN: "Only if somebody in particular was wished for."},
    ),
    "slot": (
        "string",
        {
            _DE: "Das Feld `slot` einer angebotenen Alternative, unverändert, wenn sie angenommen wurde.",
            _EN: "The `slot` of an alternative that was offered, unchanged, if it was accepted.",
        },
    ),
    "text": ("string", {_DE: "Was die Person gesagt hat, wörtlich.", _EN: "What the person said, word for word."}),
}

_Tool = tuple[str, tuple[str, ...], tuple[str, ...], int, _Text]
_TOOLS: Final[tuple[_Tool, ...]] = (
    (
        "check_availability",
        ("dienstleistung", "datum", "uhrzeit", "slot"),
        (),
        CHECKING_MS,
        {
            _DE: "Prüft, ob ein Termin frei ist, oder nennt ohne Uhrzeit, was an einem Tag frei ist. Bucht nie.",
            _EN: "Checks whether a time is free, or without a time tells what is free on a day. Never books.",
        },
    ),
    (
        "find_next_available",
        ("dienstleistung", "datum"),
        (),
        CHECKING_MS,
        {
            _DE: "Nennt die nächsten freien Termine, auf Wunsch ab einem Tag. Bucht nie.",
            _EN: "Tells the next free times, from a day on if one is named. Never books.",
        },
    ),
    (
        "book_appointment",
        ("dienstleistung", "datum", "uhrzeit", "name", "email", "telefon", "mitarbeiter", "slot"),
        ("name",),
        BOOKING_MS,
        {
            _DE: "Bucht einen Termin, nachdem die Person Tag, Uhrzeit und Leistung bestätigt hat.",
            _EN: "Books an appointment, after the person has confirmed day, time and service.",
        },
    ),
    (
        "parse_date",
        ("text",),
        ("text",),
        TELLING_MS,
        {
            _DE: "Sagt, welcher Tag und welche Uhrzeit gemeint sind, oder was zu fragen ist.",
            _EN: "Tells which day and time are meant, or what to ask.",
        },
    ),
    (
        "list_services",
        (),
        (),
        TELLING_MS,
        {_DE: "Sagt, was angeboten wird.", _EN: "Tells what is on offer."},
    ),
    (
        "get_service_info",
        ("dienstleistung",),
        ("dienstleistung",),
        TELLING_MS,
        {
            _DE: "Sagt, wie lange eine Leistung dauert und wer sie macht.",
            _EN: "Tells how long a service takes, and who does it.",
        },
    ),
    (
        "get_opening_hours",
        ("datum",),
        (),
        TELLING_MS,
        {_DE: "Sagt die Öffnungszeiten, auf Wunsch eines Tages.", _EN: "Tells the opening hours, of one day if asked."},
    ),
    (
        "get_current_context",
        (),
        (),
        TELLING_MS,
        {
            _DE: "Sagt, welcher Tag und wie spät es ist, und ob die Nummer des Anrufs bekannt ist. Am Anfang aufrufen.",
            _EN: "Tells the day and the time, and whether the caller's line is known. Call it at the beginning.",
        },
    ),
    (
        "check_customer",
        (),
        (),
        TELLING_MS,
        {_DE: "Sagt, ob die Nummer des Anrufs bekannt ist.", _EN: "Tells whether the caller's line is known."},
    ),
)
_WITH_DATES: Final = frozenset({"datum", "uhrzeit", "text"})


def tool_definitions(base_url: str, language: Language, services: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """One custom tool for each function that is served. `services`: the names to choose from, where they are known."""
    return [_definition(tool, base_url.rstrip("/"), language, services) for tool in _TOOLS]


def _definition(tool: _Tool, base_url: str, language: Language, services: tuple[str, ...]) -> dict[str, Any]:
    name, fields, required, timeout_ms, text = tool
    books = "name" in fields
    description = " ".join(
        [text[language], *([_VERBATIM[language]] if _WITH_DATES & set(fields) else []), _HONEST[language]]
    )
    return {
        "type": "custom",
        "name": name,
        "description": description,
        "url": f"{base_url}/api/retell/function-call",
        "method": "POST",
        "headers": dict(HEADERS),
        "args_at_root": False,
        "parameter_type": "json",
        "parameters": {
            "type": "object",
            "properties": {field: _property(field, language, services) for field in fields},
            "required": list(required),
        },
        "timeout_ms": timeout_ms,
        "max_retry": RETRIES,
        # Silence while a calendar thinks loses callers.
        "speak_during_execution": books,
        "speak_after_execution": True,
    } | ({"execution_message_type": "static_text", "execution_message_description": _MOMENT[language]} if books else {})


_MOMENT: Final = {_DE: "Einen Moment bitte, ich trage das ein.", _EN: "One moment please, I am entering it."}


def _property(field: str, language: Language, services: tuple[str, ...]) -> dict[str, Any]:
    kind, text = _FIELDS[field]
    described: dict[str, Any] = {"type": kind, "description": text[language]}
    if field == "dienstleistung" and services:
        described["enum"] = list(services)
    return described
