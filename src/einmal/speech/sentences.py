"""The sentences, closed: every outcome has one in each language, short enough to be spoken in five seconds.

No ids, no remote text. While a booking is in doubt nothing here says "booked", "failed" or "try again".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from einmal.domain.model import Offer
from einmal.domain.reply import Missing, Outcome, Reply, Why
from einmal.speech.said import Case, Language, say_day, say_instant, say_time

_DE, _EN = Language.GERMAN, Language.ENGLISH

OUTCOMES: Final[dict[tuple[Outcome, Why], dict[Language, str]]] = {
    (Outcome.BOOKED, Why.PLAIN): {
        _DE: "Ihr Termin für {service} {when}{staff} ist gebucht.",
        _EN: "Your appointment for {service} {when}{staff} is booked.",
    },
    (Outcome.REQUESTED, Why.PLAIN): {
        _DE: "Ihr Termin für {service} {when}{staff} ist angefragt und muss noch bestätigt werden.",
        _EN: "Your appointment for {service} {when}{staff} is requested and still has to be confirmed.",
    },
    (Outcome.ALREADY_BOOKED, Why.PLAIN): {
        _DE: "Sie haben diesen Termin bereits: {service} {when}.",
        _EN: "You already have this appointment: {service} {when}.",
    },
    (Outcome.AVAILABLE, Why.PLAIN): {
        _DE: "{When} ist noch frei. Soll ich den Termin buchen?",
        _EN: "{When} is still free. Shall I book it?",
    },
    (Outcome.UNAVAILABLE, Why.PLAIN): {
        _DE: "{When} ist leider nichts frei.",
        _EN: "Unfortunately nothing is free {when}.",
    },
    (Outcome.AVAILABLE, Why.CHOICE): {
        _DE: "{offered} Was passt Ihnen?",
        _EN: "{offered} Which would suit you?",
    },
    (Outcome.UNAVAILABLE, Why.CHOICE): {
        _DE: "Da ist leider nichts frei.",
        _EN: "Unfortunately nothing is free then.",
    },
    (Outcome.SLOT_TAKEN, Why.PLAIN): {
        _DE: "Dieser Termin wurde bereits gebucht.",
        _EN: "This appointment has already been taken.",
    },
    (Outcome.IN_DOUBT, Why.PLAIN): {
        _DE: "Ich habe Ihre Anfrage aufgenommen und prüfe sie noch; Sie bekommen gleich Bescheid.",
        _EN: "I have taken down your request and am still checking it; you will hear from us shortly.",
    },
    (Outcome.IN_DOUBT, Why.UNPROMISED): {
        _DE: "Ich habe Ihre Anfrage aufgenommen und prüfe sie noch.",
        _EN: "I have taken down your request and am still checking it.",
    },
    (Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT): {
        _DE: "Eine vorige Anfrage prüfe ich noch. Bitte warten Sie einen Moment, bevor wir weiter buchen.",
        _EN: "I am still checking an earlier request. Please wait a moment before we go on booking.",
    },
    (Outcome.REJECTED, Why.PLAIN): {
        _DE: "Das kann ich hier leider nicht erledigen.",
        _EN: "I am afraid I cannot do that here.",
    },
    (Outcome.REJECTED, Why.NOT_OFFERED): {
        _DE: "Diese Zeit kann leider nicht gebucht werden. Welche andere Zeit passt Ihnen?",
        _EN: "That time cannot be booked. Which other time would suit you?",
    },
    (Outcome.REJECTED, Why.KEY_REUSED): {
        _DE: "Diese Anfrage passt nicht zu der vorigen mit derselben Kennung.",
        _EN: "This request does not match the earlier one under the same key.",
    },
    (Outcome.ERROR, Why.PLAIN): {
        _DE: "Entschuldigung, es gab ein technisches Problem, und es wurde nichts gebucht. Sollen wir Sie zurückrufen?",
        _EN: "Sorry, there was a technical problem, and nothing was booked. Shall we call you back?",
    },
    (Outcome.ERROR, Why.UNREACHABLE): {
        _DE: "Entschuldigung, der Kalender ist gerade nicht erreichbar, und es wurde nichts gebucht. "
        "Sollen wir Sie zurückrufen?",
        _EN: "Sorry, the calendar cannot be reached right now, and nothing was booked. Shall we call you back?",
    },
    (Outcome.ERROR, Why.NOTHING_NEW): {
        _DE: "Entschuldigung, es gab ein technisches Problem, und ich habe eben nichts Neues gebucht. "
        "Sollen wir Sie zurückrufen?",
        _EN: "Sorry, there was a technical problem, and I have booked nothing new just now. Shall we call you back?",
    },
    (Outcome.ERROR, Why.TOO_BUSY): {
        _DE: "Entschuldigung, der Kalender ist gerade überlastet, und es wurde nichts gebucht. "
        "Bitte rufen Sie gleich noch einmal an.",
        _EN: "Sorry, the calendar is overloaded right now, and nothing was booked. Please call again in a moment.",
    },
}

QUESTIONS: Final[dict[Missing, dict[Language, str]]] = {
    Missing.NAME: {_DE: "Auf welchen Namen darf ich den Termin eintragen?", _EN: "What name is the appointment for?"},
    Missing.SERVICE: {_DE: "Welche Leistung wünschen Sie?", _EN: "Which service would you like?"},
    Missing.SERVICE_UNKNOWN: {
        _DE: "Diese Leistung kenne ich nicht. Welche wünschen Sie?",
        _EN: "I do not know that service. Which one would you like?",
    },
    Missing.DATE: {_DE: "An welchem Tag möchten Sie kommen?", _EN: "On which day would you like to come?"},
    Missing.DATE_PAST: {
        _DE: "Dieser Zeitpunkt liegt in der Vergangenheit. Welches Datum meinen Sie?",
        _EN: "That is in the past. Which date do you mean?",
    },
    Missing.DATE_ODD: {
        _DE: "Das Datum habe ich nicht verstanden. Nennen Sie mir bitte Tag, Monat und Jahr?",
        _EN: "I did not understand the date. Could you tell me day, month and year?",
    },
    Missing.DATE_UNCLEAR: {
        _DE: "Welchen Tag genau meinen Sie?",
        _EN: "Which day exactly do you mean?",
    },
    Missing.DATE_WIDE: {
        _DE: "An welchem Tag genau möchten Sie kommen?",
        _EN: "On which day exactly would you like to come?",
    },
    Missing.TIME: {_DE: "Um wie viel Uhr möchten Sie kommen?", _EN: "At what time would you like to come?"},
    Missing.TIME_ODD: {
        _DE: "Die Uhrzeit habe ich nicht verstanden. Um wie viel Uhr meinen Sie?",
        _EN: "I did not understand the time. What time do you mean?",
    },
    Missing.TIME_UNCLEAR: {
        _DE: "Meinen Sie morgens oder nachmittags?",
        _EN: "Do you mean in the morning or in the afternoon?",
    },
    Missing.TIME_WIDE: {
        _DE: "Um wie viel Uhr genau möchten Sie kommen?",
        _EN: "At what time exactly would you like to come?",
    },
    Missing.TIME_SKIPPED: {
        _DE: "Diese Uhrzeit gibt es wegen der Zeitumstellung nicht. Welche andere Zeit passt Ihnen?",
        _EN: "The clocks change, so that time does not exist. Which other time would suit you?",
    },
    Missing.EMAIL_ODD: {
        _DE: "Die E-Mail-Adresse habe ich nicht verstanden. Können Sie sie buchstabieren?",
        _EN: "I did not understand the e-mail address. Could you spell it?",
    },
    Missing.CONFIRMATION_ODD: {
        _DE: "Soll ich den Termin fest buchen, ja oder nein?",
        _EN: "Shall I book the appointment, yes or no?",
    },
}

_ALTERNATIVES: Final = {_DE: "Ich hätte {offers}.", _EN: "I could offer {offers}."}
_OF_ONE_DAY: Final = {_DE: "{Day} hätte ich {times}.", _EN: "{Day} I could offer {times}."}
_NOTHING: Final = {_DE: "Welche andere Zeit passt Ihnen?", _EN: "Which other time would suit you?"}
_OR: Final = {_DE: " oder ", _EN: " or "}
_AND: Final = {_DE: " und ", _EN: " and "}
_CHOICES: Final = {_DE: "Zur Wahl stehen {choices}.", _EN: "You can choose from {choices}."}
_DO_YOU_MEAN: Final = {_DE: "Meinen Sie {readings}?", _EN: "Do you mean {readings}?"}
_PAST: Final = {_DE: "Dieser Tag ist schon vorbei. ", _EN: "That day is over. "}
_AT: Final = {_DE: "um ", _EN: "at "}
_WITH: Final = {_DE: " bei {staff}", _EN: " with {staff}"}


@dataclass(frozen=True, slots=True)
class Voice:
    """How one tenant's callers are spoken to."""

    language: Language
    zone: ZoneInfo

    def sentence(self, reply: Reply, now: datetime, *, staff_wished: bool = False) -> str:
        """What the agent speaks. With whom is said only to those who wished for somebody."""
        if reply.outcome is Outcome.NEEDS_INPUT:
            return self._question(reply, now)
        template = OUTCOMES[reply.outcome, reply.why][self.language]
        slot = reply.booking
        at = slot.start if slot is not None else reply.asked_start
        when = "" if at is None else say_instant(at, self.zone, self.language, now)
        staff = _WITH[self.language].format(staff=slot.staff) if slot and slot.staff and staff_wished else ""
        service = "" if slot is None else slot.service
        offered = self._offered(reply.alternatives, now) if reply.outcome is Outcome.AVAILABLE else ""
        parts = {"service": service, "when": when, "When": when[:1].upper() + when[1:], "staff": staff}
        text = template.format(**parts, offered=offered)
        if reply.outcome in {Outcome.UNAVAILABLE, Outcome.SLOT_TAKEN}:
            text = f"{text} {self._offers(reply.alternatives, reply.asked_start, now)}"
        return text

    def offer(self, offer: Offer, now: datetime) -> str:
        """One alternative, with its full date: the model may pick it up alone."""
        return say_instant(offer.start, self.zone, self.language, now)

    def day(self, at: datetime, now: datetime) -> str:
        return say_day(at, self.zone, self.language, now)

    def listed(self, names: Sequence[str]) -> str:
        """ "Haarschnitt, Beratung und Dauerwelle"."""
        *most, last = names or ("",)
        return _AND[self.language].join([", ".join(most), last] if most else [last])

    def readings(self, reply: Reply, now: datetime) -> tuple[str, ...]:
        """What the reply's readings are called, each by itself."""
        say = say_instant if _timed(reply) else say_day
        return tuple(say(one, self.zone, self.language, now, Case.NAMED) for one in reply.readings)

    def _question(self, reply: Reply, now: datetime) -> str:
        first = reply.missing[0]
        if reply.readings:
            past = _PAST[self.language] if first is Missing.DATE_PAST else ""
            return past + _DO_YOU_MEAN[self.language].format(readings=self._read_back(reply, now))
        text = QUESTIONS[first][self.language]
        if reply.choices and first.field == "service":
            text += " " + _CHOICES[self.language].format(choices=self._or(reply.choices))
        return text

    def _read_back(self, reply: Reply, now: datetime) -> str:
        """ "Dienstag, den 1. Dezember, um 3 Uhr nachts oder um 15 Uhr": the day once, if there is but one."""
        said = list(self.readings(reply, now))
        if len({one.astimezone(self.zone).date() for one in reply.readings}) == 1:
            at = _AT[self.language]
            said[1:] = [at + say_time(one, self.zone, self.language) for one in reply.readings[1:]]
        return self._or(said)

    def _offered(self, offers: Sequence[Offer], now: datetime) -> str:
        """ "Am Dienstag, dem 24. November hätte ich 9 Uhr oder 11 Uhr.": the day once, if there is but one."""
        days = {offer.start.astimezone(self.zone).date() for offer in offers}
        if len(days) != 1:
            return self._offers(offers, None, now)
        day = self.day(offers[0].start, now)
        times = self._or([say_time(offer.start, self.zone, self.language) for offer in offers])
        return _OF_ONE_DAY[self.language].format(Day=day[:1].upper() + day[1:], times=times)

    def _offers(self, offers: Sequence[Offer], asked: datetime | None, now: datetime) -> str:
        if not offers:
            return _NOTHING[self.language]
        asked_day = None if asked is None else asked.astimezone(self.zone).date()
        same_day = all(offer.start.astimezone(self.zone).date() == asked_day for offer in offers)
        said = [
            say_time(offer.start, self.zone, self.language) if same_day else self.offer(offer, now) for offer in offers
        ]
        return _ALTERNATIVES[self.language].format(offers=self._or(said))

    def _or(self, items: Sequence[str]) -> str:
        *most, last = items
        return _OR[self.language].join([", ".join(most), last] if most else [last])


def _timed(reply: Reply) -> bool:
    """Whether the readings are instants: they are days where the time is still to be asked."""
    first, *others = reply.missing
    return first is Missing.TIME_UNCLEAR or all(item.field != "time" for item in others)
