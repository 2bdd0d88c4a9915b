"""The fields of an agent's tools, and what the model is told of each."""

from collections.abc import Mapping
from typing import Final

from einmal.speech.said import Language

_DE, _EN = Language.GERMAN, Language.ENGLISH

Text = Mapping[Language, str]

FIELDS: Final[dict[str, tuple[str, Text]]] = {
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
    "grund": (
        "string",
        {_DE: "Worum es geht, in den Worten der Person.", _EN: "What it is about, in the person's words."},
    ),
    "wann": (
        "string",
        {
            _DE: "Wann der Rückruf gewünscht ist, wörtlich wie es gesagt wurde.",
            _EN: "When the call-back is wanted, word for word as it was said.",
        },
    ),
    "altes_datum": (
        "string",
        {
            _DE: "Der Tag des Termins, der verschoben werden soll; nur wenn er genannt wurde.",
            _EN: "The day of the appointment that is to be moved; only if it was said.",
        },
    ),
    "alte_uhrzeit": (
        "string",
        {
            _DE: "Die Uhrzeit des Termins, der verschoben werden soll; nur wenn sie genannt wurde.",
            _EN: "The time of the appointment that is to be moved; only if it was said.",
        },
    ),
    "neues_datum": (
        "string",
        {_DE: "Der neue Tag, wörtlich wie er gesagt wurde.", _EN: "The new day, word for word as it was said."},
    ),
    "neue_uhrzeit": (
        "string",
        {_DE: "Die neue Uhrzeit, wörtlich wie sie gesagt wurde.", _EN: "The new time, word for word as it was said."},
    ),
    "zusaetzlich": (
        "boolean",
        {
            _DE: "true nur, wenn die Person auf Nachfrage gesagt hat, dass sie beide Termine möchte, oder den eben "
            "abgesagten neu.",
            _EN: "true only if the person, being asked, has said that they want both appointments, or the one just "
            "cancelled anew.",
        },
    ),
    "text": ("string", {_DE: "Was die Person gesagt hat, wörtlich.", _EN: "What the person said, word for word."}),
}
