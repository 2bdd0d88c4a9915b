"""What is written, not spoken: to a customer what became of their appointment, to the house what a person must do.

Short, in one language, without markup. A customer reads "booked" only of what stands; the house reads what happened,
when, and by which command it is looked up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from einmal.domain.promise import MessageKind
from einmal.speech.said import Language

_DE, _EN = Language.GERMAN, Language.ENGLISH


class Became(StrEnum):
    """Of an appointment that a caller wished for."""

    BOOKED = "booked"
    REQUESTED = "requested"
    CANCELLED = "cancelled"
    NOT_BOOKED = "not_booked"


@dataclass(frozen=True, slots=True)
class News:
    subject: str
    text: str


_SUBJECTS: Final = {
    Became.BOOKED: {_DE: "Ihr Termin ist bestätigt", _EN: "Your appointment is confirmed"},
    Became.REQUESTED: {_DE: "Ihr Termin ist angefragt", _EN: "Your appointment is requested"},
    Became.CANCELLED: {_DE: "Ihr Termin ist abgesagt", _EN: "Your appointment is cancelled"},
    Became.NOT_BOOKED: {_DE: "Ihr Termin kam nicht zustande", _EN: "Your appointment could not be booked"},
}
_TEXTS: Final = {
    Became.BOOKED: {
        _DE: "Ihr Termin ist bestätigt: {service} {when}.",
        _EN: "Your appointment is confirmed: {service} {when}.",
    },
    Became.REQUESTED: {
        _DE: "Ihr Termin ist angefragt und muss noch bestätigt werden: {service} {when}.",
        _EN: "Your appointment is requested and still has to be confirmed: {service} {when}.",
    },
    Became.CANCELLED: {
        _DE: "Ihr Termin ist abgesagt: {service} {when}.",
        _EN: "Your appointment is cancelled: {service} {when}.",
    },
    Became.NOT_BOOKED: {
        _DE: "Ihr Termin konnte leider nicht gebucht werden: {service} {when}. Bitte rufen Sie uns noch einmal an.",
        _EN: "Unfortunately your appointment could not be booked: {service} {when}. Please call us again.",
    },
}
_TO_TELL: Final = {
    Became.BOOKED: {_DE: "ist gebucht", _EN: "is booked"},
    Became.REQUESTED: {_DE: "ist angefragt", _EN: "is requested"},
    Became.CANCELLED: {_DE: "ist abgesagt", _EN: "is cancelled"},
    Became.NOT_BOOKED: {_DE: "kam nicht zustande", _EN: "could not be booked"},
}

_HAPPENED: Final = {
    MessageKind.NEEDS_PERSON: {
        _DE: "Ein Mensch muss entscheiden: {service} {when}",
        _EN: "A person must decide: {service} {when}",
    },
    MessageKind.TAKEN_BACK: {
        _DE: "Eine späte Buchung wurde zurückgenommen: {service} {when}",
        _EN: "A late booking was taken back: {service} {when}",
    },
    MessageKind.RESOLVED: {
        _DE: "Bitte Bescheid geben: {service} {when} {became}",
        _EN: "Please let the caller know: {service} {when} {became}",
    },
}
_TO_DO: Final = {
    MessageKind.NEEDS_PERSON: {
        _DE: "Wie es um diesen Termin steht, lässt sich nicht feststellen. Bitte in Cal.com nachsehen und entscheiden. "
        "Bis dahin nicht von Hand buchen.",
        _EN: "Nobody can tell how it stands with this appointment. Please look in Cal.com and decide. "
        "Until then do not book it by hand.",
    },
    MessageKind.TAKEN_BACK: {
        _DE: "Der Anrufer hatte gehört, dass es nicht geklappt hat. Danach kam die Buchung doch noch an und wurde "
        "storniert. Bitte fragen, ob er den Termin noch möchte.",
        _EN: "The caller had heard that it did not work. Then the booking arrived after all, and was cancelled. "
        "Please ask whether they still want the appointment.",
    },
    MessageKind.RESOLVED: {
        _DE: "Dem Anrufer wurde versprochen, dass er davon hört, und kein Kanal führt zu ihm. "
        "Bitte anrufen oder schreiben.",
        _EN: "The caller was promised to hear of it, and no channel ends at them. Please call or write to them.",
    },
}
_CALL_BACK: Final = {
    _DE: ("Bitte zurückrufen", "Jemand möchte zurückgerufen werden."),
    _EN: ("Please call back", "Somebody wants to be called back."),
}
_SHOW: Final = {_DE: "Nachsehen: einmal intents show {id}", _EN: "Look it up: einmal intents show {id}"}
_RULE: Final = {
    _DE: "Entscheiden: einmal intents rule {id} --booked UID oder --not-booked",
    _EN: "Decide: einmal intents rule {id} --booked UID or --not-booked",
}
_CALLED: Final = {
    _DE: "Wen und weshalb: einmal callbacks list\nDanach: einmal callbacks done {id}",
    _EN: "Whom and why: einmal callbacks list\nAfterwards: einmal callbacks done {id}",
}
_LABELS: Final = {
    _DE: {"name": "Name", "phone": "Telefon", "email": "E-Mail", "note": "Worum es geht", "wanted": "Wann"},
    _EN: {"name": "Name", "phone": "Phone", "email": "E-mail", "note": "What it is about", "wanted": "When"},
}


def to_the_customer(
    became: Became, service: str, when: str, house: str | None, language: Language, *, signed: bool = False
) -> News:
    """`signed`: the house says first who it is, where no sender's address does."""
    text = _TEXTS[became][language].format(service=service, when=when)
    return News(_of(_SUBJECTS[became][language], house), f"{house}: {text}" if signed and house else text)


def to_the_house(
    kind: MessageKind,
    service: str,
    when: str,
    became: Became | None,
    house: str | None,
    intent_id: str,
    language: Language,
    *,
    rules: bool,
) -> News:
    """Of an appointment: what happened, and what somebody has to do. `rules`: a person's decision ends it."""
    subject, text = _HAPPENED[kind][language], _TO_DO[kind][language]
    how = "" if became is None else _TO_TELL[became][language]
    commands = [_SHOW[language], _RULE[language]] if rules else [_SHOW[language]]
    lines = [text, *(command.format(id=intent_id) for command in commands)]
    return News(_of(subject.format(service=service, when=when, became=how), house), "\n".join(lines))


def of_a_call_back(callback_id: str, house: str | None, language: Language) -> News:
    subject, text = _CALL_BACK[language]
    return News(_of(subject, house), f"{text}\n{_CALLED[language].format(id=callback_id)}")


def said_by(language: Language, said: Mapping[str, str]) -> str:
    """Who it is and what they said, a line for each that is known."""
    labels = _LABELS[language]
    return "\n".join(f"{labels[what]}: {told}" for what, told in said.items())


def _of(subject: str, house: str | None) -> str:
    return subject if house is None else f"{subject} – {house}"
