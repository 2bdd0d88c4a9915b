"""What the tools of an agent say of themselves: what each does, its fields, and the rules that keep a model honest."""

from dataclasses import dataclass
from typing import Final

from einmal.adapters.functions.tool_fields import Text
from einmal.speech.said import Language

TELLING_MS: Final = 5_000
CHECKING_MS: Final = 10_000
BOOKING_MS: Final = 15_000
"""Longer than a reply takes at most (EINMAL_REPLY_SECONDS, 8 s), so that the truth arrives before the time-out."""

_DE, _EN = Language.GERMAN, Language.ENGLISH

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
_NOTED: Final = {
    _DE: "Nur noted heißt, dass der Rückruf notiert ist; versprich keine Zeit, zu der jemand anruft.",
    _EN: "Only noted means that the call-back is noted; promise no time at which somebody calls.",
}
_VERBATIM: Final = {
    _DE: "Gib Tag und Uhrzeit wörtlich so weiter, wie sie gesagt wurden („nächsten Dienstag“, „halb vier“); rechne "
    "nichts um und erfinde kein Jahr.",
    _EN: "Pass day and time on word for word as they were said ('next Tuesday', 'half past three'); do not convert "
    "them and do not make up a year.",
}
_CHECKS: Final = (_VERBATIM, _SPEAK, _ASK, _FREE, _OFFER, _DOUBT)
_WHOSE: Final = {
    _DE: "Die Nummer des Anrufs sagt, wessen Termine gemeint sind. Ist sie unbekannt, braucht es name, Tag und Uhrzeit "
    "des Termins zusammen.",
    _EN: "The line tells whose appointments are meant. Where it is unknown, the name, day and time of the appointment "
    "are needed together.",
}
_CANCELLED: Final = {
    _DE: "Nur cancelled heißt, dass der Termin storniert ist.",
    _EN: "Only cancelled means that the appointment is cancelled.",
}
_MOVED: Final = {
    _DE: "Nur rescheduled heißt, dass der Termin verschoben ist; requested, dass das Haus die neue Zeit noch "
    "bestätigen muss; sonst steht er, wo er war.",
    _EN: "Only rescheduled means that the appointment has been moved; requested that the house still has to confirm "
    "the new time; otherwise it is where it was.",
}
_TO_SLOT: Final = {
    _DE: "`alternatives` sind Zeiten, die der Satz anbietet. Nimmt die Person eine an, rufe diese Funktion noch einmal "
    "mit deren `slot` auf, unverändert.",
    _EN: "`alternatives` are times that the sentence offers. If the person accepts one, call this function again with "
    "its `slot`, unchanged.",
}
_HELD: Final = {
    _DE: "reserved heißt, dass die Zeit einige Minuten freigehalten wird, nicht gebucht.",
    _EN: "reserved means that the time is kept free for some minutes, not booked.",
}
_CHANGING: Final = {
    _DE: "Bei in_doubt wird noch geprüft: sage das und rufe die Funktion nicht noch einmal auf.",
    _EN: "With in_doubt it is still being checked: say so and do not call the function again.",
}
_BOOKS: Final = (_VERBATIM, _SPEAK, _ASK, _STANDS, _OFFER, _DOUBT)


@dataclass(frozen=True, slots=True)
class Tool:
    """`rules` are what the model is told of the answer, after what the tool does."""

    name: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    timeout_ms: int
    does: Text
    rules: tuple[Text, ...]


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
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
    Tool(
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
    Tool(
        "book_appointment",
        (
            *("dienstleistung", "datum", "uhrzeit", "name", "email", "telefon", "mitarbeiter", "slot"),
            "zusaetzlich",
        ),
        ("name",),
        BOOKING_MS,
        {
            _DE: "Bucht einen Termin, nachdem die Person Tag, Uhrzeit und Leistung bestätigt hat.",
            _EN: "Books an appointment, after the person has confirmed day, time and service.",
        },
        _BOOKS,
    ),
    Tool(
        "reserve_slot",
        ("dienstleistung", "datum", "uhrzeit", "slot"),
        (),
        CHECKING_MS,
        {
            _DE: "Hält eine freie Zeit frei, während die Person noch überlegt. Bucht nie.",
            _EN: "Keeps a free time while the person is still thinking. Never books.",
        },
        (_VERBATIM, _SPEAK, _ASK, _HELD, _OFFER),
    ),
    Tool(
        "cancel_appointment",
        ("datum", "uhrzeit", "dienstleistung", "name"),
        (),
        BOOKING_MS,
        {
            _DE: "Storniert einen bestehenden Termin, nachdem die Person das bestätigt hat.",
            _EN: "Cancels an appointment that stands, after the person has confirmed that.",
        },
        (_VERBATIM, _SPEAK, _ASK, _WHOSE, _CANCELLED, _CHANGING),
    ),
    Tool(
        "reschedule_appointment",
        ("altes_datum", "alte_uhrzeit", "neues_datum", "neue_uhrzeit", "dienstleistung", "name", "slot"),
        (),
        BOOKING_MS,
        {
            _DE: "Verschiebt einen bestehenden Termin auf eine neue Zeit. Nie erst stornieren und dann neu buchen.",
            _EN: "Moves an appointment that stands to a new time. Never cancel first and then book anew.",
        },
        (_VERBATIM, _SPEAK, _ASK, _WHOSE, _MOVED, _TO_SLOT, _CHANGING),
    ),
    Tool(
        "get_customer_appointments",
        ("datum", "uhrzeit", "name"),
        (),
        CHECKING_MS,
        {
            _DE: "Nennt die bestehenden Termine der Person.",
            _EN: "Tells the person's appointments that stand.",
        },
        (_SPEAK, _ASK, _WHOSE),
    ),
    Tool(
        "booking_status",
        ("datum", "uhrzeit", "name"),
        (),
        CHECKING_MS,
        {
            _DE: "Sagt, was aus dem geworden ist, was in diesem Gespräch gebucht oder geändert wurde. Aufrufen, wenn "
            "nach in_doubt jemand fragt.",
            _EN: "Tells what has become of what was booked or changed in this conversation. Call it if somebody asks "
            "after in_doubt.",
        },
        (_SPEAK, _ASK),
    ),
    Tool(
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
    Tool(
        "list_services",
        (),
        (),
        TELLING_MS,
        {_DE: "Sagt, was angeboten wird.", _EN: "Tells what is on offer."},
        (_SPEAK,),
    ),
    Tool(
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
    Tool(
        "get_opening_hours",
        ("datum",),
        (),
        TELLING_MS,
        {_DE: "Sagt die Öffnungszeiten, auf Wunsch eines Tages.", _EN: "Tells the opening hours, of one day if asked."},
        (_VERBATIM, _SPEAK, _ASK),
    ),
    Tool(
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
    Tool(
        "check_customer",
        (),
        (),
        TELLING_MS,
        {_DE: "Sagt, ob die Nummer des Anrufs bekannt ist.", _EN: "Tells whether the caller's line is known."},
        (_SPEAK,),
    ),
    Tool(
        "request_callback",
        ("name", "telefon", "grund", "wann"),
        (),
        CHECKING_MS,
        {
            _DE: "Notiert, dass jemand zurückrufen soll. Aufrufen, wenn die Person darum bittet, oder wenn ein Satz "
            "aus `message` einen Rückruf anbietet und sie ihn möchte. Bucht, verschiebt und storniert nichts.",
            _EN: "Notes that somebody is to call back. Call it if the person asks for it, or if a sentence in "
            "`message` offers a call-back and they accept. Books, moves and cancels nothing.",
        },
        (_SPEAK, _ASK, _NOTED),
    ),
)
