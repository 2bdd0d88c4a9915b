"""Tool definitions to paste into a Retell agent: names, time-outs, the call's id in a header, honest descriptions.

The field names are Retell's own (`GeneralToolCustomTool` of its SDK, which a test holds them against). Descriptions
are for the model. They keep it from the three things that made duplicates and false promises in the field: composing
dates itself, calling again while an answer is in doubt, and saying "booked" before it is told so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from einmal.speech.said import Language

FUNCTION_CALL_PATH: Final = "/api/retell/function-call"

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

_SPEAK: Final = {_DE: "Sprich den Satz aus `message`.", _EN: "Speak the sentence in `message`."}
_ASK: Final = {
    _DE: "Bei status needs_input ist er eine Frage: stelle sie und warte auf die Antwort.",
    _EN: "With status needs_input it is a question: ask it and wait for the answer.",
}
_OFFER: Final = {
    _DE: "`alternatives` sind die Zeiten, die der Satz anbietet. Nimmt die Person eine an, rufe book_appointment mit "
    "deren `slot` auf, unverändert und ohne datum und uhrzeit.",
    _EN: "`alternatives` are the times that the sentence offers. If the person accepts one, call book_appointment with "
    "its `slot`, unchanged and without datum and uhrzeit.",
}
_FREE: Final = {_DE: "available heißt frei, nicht gebucht.", _EN: "available means free, not booked."}
_STANDS: Final = {
    _DE: "Nur booked und already_booked heißen, dass der Termin steht; requested heißt, dass das Haus ihn noch "
    "bestätigen muss; slot_taken heißt, dass diese Zeit vergeben ist: biete die `alternatives` an.",
    _EN: "Only booked and already_booked mean that the appointment stands; requested means that the house still has "
    "to confirm it; slot_taken means that this time is gone: offer the `alternatives`.",
}
_DOUBT: Final = {
    _DE: "Bei in_doubt wird noch geprüft: sage das, buche nichts neu und rufe die Funktion nicht noch einmal auf.",
    _EN: "With in_doubt it is still being checked: say so, book nothing anew and do not call the function again.",
}
_SILENT: Final = {
    _DE: "Nur zu deiner Kenntnis, nicht vorlesen: begrüße die Person, ohne etwas davon aufzuzählen.",
    _EN: "For your information only, do not read it out: greet the person without reciting any of it.",
}
_VERBATIM: Final = {
    _DE: "Gib Tag und Uhrzeit wörtlich so weiter, wie sie gesagt wurden („nächsten Dienstag“, „halb vier“); rechne "
    "nichts um und erfinde kein Jahr.",
    _EN: "Pass day and time on word for word as they were said ('next Tuesday', 'half past three'); do not convert "
    "them and do not make up a year.",
}
_FIELDS: Final[dict[str, tuple[str, _Text]]] = {
    "datum": (
        "string",
        {_DE: "Der Tag, wörtlich wie er gesagt wurde.", _EN: "The day, word for word as it was said."},
    ),
    "uhrzeit": (
        "string",
        {_DE: "Die Uhrzeit, wörtlich wie sie gesagt wurde.", _EN: "The time, word for word as it was said."},
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
            _DE: "Das Feld `slot` der angebotenen Alternative, die angenommen wurde, unverändert; dann ohne datum und "
            "uhrzeit. Nie selbst zusammensetzen.",
            _EN: "The `slot` of the offered alternative that was accepted, unchanged; then without datum and uhrzeit. "
            "Never compose one.",
        },
    ),
    "text": ("string", {_DE: "Was die Person gesagt hat, wörtlich.", _EN: "What the person said, word for word."}),
}

_CHECKS: Final = (_VERBATIM, _SPEAK, _ASK, _FREE, _OFFER, _DOUBT)
_BOOKS: Final = (_VERBATIM, _SPEAK, _ASK, _STANDS, _OFFER, _DOUBT)


@dataclass(frozen=True, slots=True)
class _Tool:
    """`rules` are what the model is told of the answer, after what the tool does."""

    name: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    timeout_ms: int
    does: _Text
    rules: tuple[_Text, ...]


_TOOLS: Final[tuple[_Tool, ...]] = (
    _Tool(
        "check_availability",
        ("dienstleistung", "datum", "uhrzeit", "slot"),
        (),
        CHECKING_MS,
        {
            _DE: "Prüft, ob ein Termin frei ist, oder nennt ohne Uhrzeit, was an einem Tag frei ist. Bucht nie.",
            _EN: "Checks whether a time is free, or without a time tells what is free on a day. Never books.",
        },
        _CHECKS,
    ),
    _Tool(
        "find_next_available",
        ("dienstleistung", "datum"),
        (),
        CHECKING_MS,
        {
            _DE: "Nennt die nächsten freien Termine, auf Wunsch ab einem Tag. Bucht nie.",
            _EN: "Tells the next free times, from a day on if one is named. Never books.",
        },
        _CHECKS,
    ),
    _Tool(
        "book_appointment",
        ("dienstleistung", "datum", "uhrzeit", "name", "email", "telefon", "mitarbeiter", "slot"),
        ("name",),
        BOOKING_MS,
        {
            _DE: "Bucht einen Termin, nachdem die Person Tag, Uhrzeit und Leistung bestätigt hat.",
            _EN: "Books an appointment, after the person has confirmed day, time and service.",
        },
        _BOOKS,
    ),
    _Tool(
        "parse_date",
        ("text",),
        ("text",),
        TELLING_MS,
        {
            _DE: "Sagt, welcher Tag und welche Uhrzeit gemeint sind, oder was zu fragen ist.",
            _EN: "Tells which day and time are meant, or what to ask.",
        },
        (_VERBATIM, _SPEAK, _ASK),
    ),
    _Tool(
        "list_services",
        (),
        (),
        TELLING_MS,
        {_DE: "Sagt, was angeboten wird.", _EN: "Tells what is on offer."},
        (_SPEAK,),
    ),
    _Tool(
        "get_service_info",
        ("dienstleistung",),
        ("dienstleistung",),
        TELLING_MS,
        {
            _DE: "Sagt, wie lange eine Leistung dauert und wer sie macht.",
            _EN: "Tells how long a service takes, and who does it.",
        },
        (_SPEAK, _ASK),
    ),
    _Tool(
        "get_opening_hours",
        ("datum",),
        (),
        TELLING_MS,
        {_DE: "Sagt die Öffnungszeiten, auf Wunsch eines Tages.", _EN: "Tells the opening hours, of one day if asked."},
        (_VERBATIM, _SPEAK, _ASK),
    ),
    _Tool(
        "get_current_context",
        (),
        (),
        TELLING_MS,
        {
            _DE: "Sagt dir, welcher Tag und wie spät es ist, was angeboten wird und ob die Nummer des Anrufs bekannt "
            "ist. Am Anfang aufrufen.",
            _EN: "Tells you the day and the time, what is on offer, and whether the caller's line is known. Call it at "
            "the beginning.",
        },
        (_SILENT,),
    ),
    _Tool(
        "check_customer",
        (),
        (),
        TELLING_MS,
        {_DE: "Sagt, ob die Nummer des Anrufs bekannt ist.", _EN: "Tells whether the caller's line is known."},
        (_SPEAK,),
    ),
)


def tool_definitions(base_url: str, language: Language, services: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """One custom tool for each function that is served. `services`: the names to choose from, where they are known."""
    return [_definition(tool, base_url.rstrip("/"), language, services) for tool in _TOOLS]


def _definition(tool: _Tool, base_url: str, language: Language, services: tuple[str, ...]) -> dict[str, Any]:
    books = "name" in tool.fields
    return {
        "type": "custom",
        "name": tool.name,
        "description": " ".join(text[language] for text in (tool.does, *tool.rules)),
        "url": base_url + FUNCTION_CALL_PATH,
        "method": "POST",
        "headers": dict(HEADERS),
        "args_at_root": False,
        "parameter_type": "json",
        "parameters": {
            "type": "object",
            "properties": {field: _property(field, language, services) for field in tool.fields},
            "required": list(tool.required),
        },
        "timeout_ms": tool.timeout_ms,
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
