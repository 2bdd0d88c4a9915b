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
from einmal.speech.phrases import OUTCOMES, QUESTIONS
from einmal.speech.said import Case, Language, say_day, say_instant, say_time

_DE, _EN = Language.GERMAN, Language.ENGLISH

_WITH_OFFERS: Final = {
    (Outcome.UNAVAILABLE, Why.PLAIN),
    (Outcome.UNAVAILABLE, Why.CHOICE),
    (Outcome.SLOT_TAKEN, Why.PLAIN),
    (Outcome.REJECTED, Why.NOT_OFFERED),
    (Outcome.UNAVAILABLE, Why.STANDS),
    (Outcome.REJECTED, Why.STANDS),
}
"""Followed by what else there is, or by the question what else would suit."""

LISTED_MAX: Final = 5
"""More names than these nobody keeps in mind; data beside the sentence has them all."""

_ALTERNATIVES: Final = {_DE: "Ich hätte {offers}.", _EN: "I could offer {offers}."}
_OFFERED_IN: Final = {_DE: Case.ON, _EN: Case.NAMED}
_OF_ONE_DAY: Final = {_DE: "{Day}, hätte ich {times}.", _EN: "{Day}, I could offer {times}."}
_SUITS: Final = {
    _DE: ("Passt Ihnen das?", "Was passt Ihnen?"),
    _EN: ("Would that suit you?", "Which would suit you?"),
}
_NOTHING: Final = {_DE: "Welche andere Zeit passt Ihnen?", _EN: "Which other time would suit you?"}
_OR: Final = {_DE: " oder ", _EN: " or "}
_AND: Final = {_DE: " und ", _EN: " and "}
_MORE: Final = {_DE: "weitere", _EN: "more"}
_OFFERED: Final = {_DE: "Wir bieten {services} an.", _EN: "We offer {services}."}
_ONLY: Final = {_DE: "Wir bieten nur {services} an.", _EN: "We only offer {services}."}
_WORKS: Final = {
    _DE: ("Bei uns arbeitet {names}.", "Bei uns arbeiten {names}."),
    _EN: ("{names} works here.", "{names} work here."),
}
_THAT: Final = {_DE: "Möchten Sie das?", _EN: "Would you like that?"}
_DO_YOU_MEAN: Final = {_DE: "Meinen Sie {readings}?", _EN: "Do you mean {readings}?"}
_PAST: Final = {_DE: "Dieser Tag ist schon vorbei. ", _EN: "That day is over. "}
_AT: Final = {_DE: "um ", _EN: "at "}
_ON_AND_NAMED: Final = (Case.ON, Case.NAMED)
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
        language, zone = self.language, self.zone
        slot = reply.booking
        at = slot.start if slot is not None else reply.asked_start
        asked = "" if reply.asked_start is None else say_instant(reply.asked_start, zone, language, now, Case.ON)
        when, named = ("", "") if at is None else (say_instant(at, zone, language, now, case) for case in _ON_AND_NAMED)
        text = OUTCOMES[reply.outcome, reply.why][language].format(
            service="" if slot is None else slot.service,
            staff=_WITH[language].format(staff=slot.staff) if slot and slot.staff and staff_wished else "",
            when=when,
            When=when[:1].upper() + when[1:],
            Named=named,
            named=named,
            asked=asked,
            Asked=asked[:1].upper() + asked[1:],
            offered=self._offered(reply.alternatives, now) if reply.outcome is Outcome.AVAILABLE else "",
            suits=_SUITS[language][len(reply.alternatives) > 1],
        )
        if (reply.outcome, reply.why) in _WITH_OFFERS:
            text = f"{text} {self._offers(reply.alternatives, reply.asked_start, now)}"
        return text if reply.note is None else _noted(text, reply.note)

    def offer(self, offer: Offer, now: datetime) -> str:
        """One alternative, with its full date: the model may pick it up alone."""
        return say_instant(offer.start, self.zone, self.language, now)

    def when(self, at: datetime, now: datetime) -> str:
        return say_instant(at, self.zone, self.language, now, Case.ON)

    def day(self, at: datetime, now: datetime) -> str:
        return say_day(at, self.zone, self.language, now)

    def listed(self, names: Sequence[str]) -> str:
        """ "Haarschnitt, Beratung und Dauerwelle"; of many the first, "und weitere"."""
        few = list(names[:LISTED_MAX]) + [_MORE[self.language]] * (len(names) > LISTED_MAX)
        return _joined(few or [""], _AND[self.language])

    def offering(self, services: Sequence[str]) -> str:
        """ "Wir bieten Haarschnitt und Beratung an."."""
        return _OFFERED[self.language].format(services=self.listed(services))

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
        if reply.booking is not None:
            when = say_instant(reply.booking.start, self.zone, self.language, now, Case.ON)
            text = text.format(service=reply.booking.service, when=when)
        if not reply.choices:
            return text
        if first is Missing.STAFF_UNKNOWN:
            return self._name_staff(text, reply.choices)
        return self._choose(text, reply.choices) if first.field == "service" else text

    def _choose(self, text: str, choices: Sequence[str]) -> str:
        """What there is, said before the question about it."""
        before, dot, question = text.rpartition(". ")
        if len(choices) > 1:
            return f"{before}{dot}{self.offering(choices)} {question}"
        return f"{before}{dot}{_ONLY[self.language].format(services=choices[0])} {_THAT[self.language]}"

    def _name_staff(self, text: str, names: Sequence[str]) -> str:
        """Who there is, said before the question with whom it is to be."""
        before, dot, question = text.rpartition(". ")
        work = _WORKS[self.language][len(names) > 1].format(names=self.listed(names))
        return f"{before}{dot}{work} {question}"

    def _read_back(self, reply: Reply, now: datetime) -> str:
        """What they have in common is said once: the day, or the time, which then stands after all days."""
        timed = _timed(reply)
        days = list(dict.fromkeys(say_day(one, self.zone, self.language, now, Case.NAMED) for one in reply.readings))
        times = {say_time(one, self.zone, self.language) for one in reply.readings}
        if timed and (len(times) > 1 or len(days) == 1):
            return _joined(self._instants(reply.readings, now, Case.NAMED), _OR[self.language])
        # A date behind its weekday is closed by a comma.
        said = _joined(days, "," + _OR[self.language])
        return f"{said}, {_AT[self.language]}{times.pop()}" if timed else said

    def _instants(self, instants: Sequence[datetime], now: datetime, case: Case) -> list[str]:
        """ "am Dienstag, dem 1. Dezember, um 9 Uhr" and "um 11 Uhr": the day only where it is another than before."""
        said, before = [], None
        for at in instants:
            day = at.astimezone(self.zone).date()
            if day == before:
                said.append(_AT[self.language] + say_time(at, self.zone, self.language))
            else:
                said.append(say_instant(at, self.zone, self.language, now, case))
            before = day
        return said

    def _offered(self, offers: Sequence[Offer], now: datetime) -> str:
        """ "Am Dienstag, dem 24. November, hätte ich 9 Uhr oder 11 Uhr.": the day once, if there is but one."""
        days = {offer.start.astimezone(self.zone).date() for offer in offers}
        if len(days) != 1:
            return self._offers(offers, None, now)
        day = self.day(offers[0].start, now)
        return _OF_ONE_DAY[self.language].format(Day=day[:1].upper() + day[1:], times=self._times(offers))

    def _offers(self, offers: Sequence[Offer], asked: datetime | None, now: datetime) -> str:
        if not offers:
            return _NOTHING[self.language]
        asked_day = None if asked is None else asked.astimezone(self.zone).date()
        if all(offer.start.astimezone(self.zone).date() == asked_day for offer in offers):
            said = self._times(offers)
        else:
            starts = [offer.start for offer in offers]
            said = _joined(self._instants(starts, now, _OFFERED_IN[self.language]), _OR[self.language])
        return _ALTERNATIVES[self.language].format(offers=said)

    def _times(self, offers: Sequence[Offer]) -> str:
        times = [say_time(offer.start, self.zone, self.language) for offer in offers]
        return _joined(times, _OR[self.language])


def _noted(text: str, note: str) -> str:
    """With what the house says to it; a question stays the last that is heard."""
    said, stop, question = text.rpartition(". ")
    return f"{said}. {note} {question}" if stop and question.endswith("?") else f"{text} {note}"


def _joined(items: Sequence[str], joint: str) -> str:
    *most, last = items
    return joint.join([", ".join(most), last] if most else [last])


def _timed(reply: Reply) -> bool:
    """Whether the readings are instants: they are days where the time is still to be asked."""
    first, *others = reply.missing
    return first is Missing.TIME_UNCLEAR or all(item.field != "time" for item in others)
