"""What is told without anything being booked: the time, the services, the hours, who is calling.

Each of these is a sentence to speak and the same as data. They tell of the house and of the caller's own line;
of nobody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from einmal.domain.model import Service
from einmal.domain.opening import OpeningHours, Span
from einmal.speech.heard import Heard
from einmal.speech.said import Case, Language, say_day, say_instant, say_time, weekday_name
from einmal.speech.sentences import Voice

_DE, _EN = Language.GERMAN, Language.ENGLISH


@dataclass(frozen=True, slots=True)
class Told:
    """`message` is spoken; `data` goes beside it."""

    message: str
    data: Mapping[str, Any]


def tell_moment(voice: Voice, now: datetime) -> Told:
    """The time where the house is."""
    local = now.astimezone(voice.zone)
    zone, language = voice.zone, voice.language
    day, clock = say_day(now, zone, language, None, Case.IS), say_time(now, zone, language)
    message = {_DE: f"Heute ist {day}, es ist {clock}.", _EN: f"Today is {day}; it is {clock}."}[language]
    return Told(message, _moment(local, voice))


def _moment(local: datetime, voice: Voice) -> dict[str, Any]:
    return {
        "now": local.isoformat(timespec="seconds"),
        "date": f"{local:%Y-%m-%d}",
        "time": f"{local:%H:%M}",
        "weekday": weekday_name(local.date(), voice.language),
        "time_zone": voice.zone.key,
    }


def tell_day(voice: Voice, heard: Heard, now: datetime) -> Told | None:
    """What `parse_date` understood: an instant, or a day with or without a part of it; None where it must ask."""
    if heard.start is not None:
        local = heard.start.astimezone(voice.zone)
        named = say_instant(heard.start, voice.zone, voice.language, now, Case.IS)
        return Told(_that_is(voice, named), {"start": local.isoformat(), **_date_data(local.date(), voice)})
    if heard.day is None or any(item.field != "time" for item in heard.missing) or heard.readings:
        return None
    noon = datetime.combine(heard.day, time(12), voice.zone)
    data = _date_data(heard.day, voice)
    if heard.window is not None:
        data |= {"from": f"{heard.window[0]:%H:%M}", "until": f"{heard.window[1]:%H:%M}"}
    return Told(_that_is(voice, say_day(noon, voice.zone, voice.language, now, Case.IS)), data)


def _that_is(voice: Voice, named: str) -> str:
    return {_DE: f"Das ist {named}.", _EN: f"That is {named}."}[voice.language]


def _date_data(day: date, voice: Voice) -> dict[str, Any]:
    return {"date": day.isoformat(), "weekday": weekday_name(day, voice.language)}


def tell_services(voice: Voice, services: Sequence[Service]) -> Told:
    """What can be booked."""
    names = voice.listed([service.name for service in services])
    message = {_DE: f"Wir bieten {names} an.", _EN: f"We offer {names}."}[voice.language]
    return Told(message, {"services": [_service(service) for service in services]})


def _service(service: Service) -> dict[str, Any]:
    data: dict[str, Any] = {"name": service.name, "duration_minutes": service.duration_minutes}
    return data | ({"description": service.description} if service.description else {})


def tell_service(voice: Voice, service: Service, staff: Sequence[str]) -> Told:
    """One service: how long it takes, what the house says of it, who does it."""
    minutes = service.duration_minutes
    message = {
        _DE: f"{service.name} dauert {minutes} Minuten.",
        _EN: f"{service.name} takes {minutes} minutes.",
    }[voice.language]
    if service.description:
        message += f" {service.description}"
    if staff:
        names = voice.listed(staff)
        message += {_DE: f" Das macht bei uns {names}.", _EN: f" It is done by {names}."}[voice.language]
    return Told(message, _service(service) | ({"staff": list(staff)} if staff else {}))


_UNKNOWN_HOURS: Final = {
    _DE: "Unsere Öffnungszeiten liegen mir nicht vor. An welchem Tag möchten Sie kommen?",
    _EN: "I do not have our opening hours at hand. On which day would you like to come?",
}


def tell_hours(voice: Voice, hours: OpeningHours | None, day: date | None, now: datetime) -> Told:
    """When the house is open: on one day, or in an ordinary week."""
    if hours is None:
        return Told(_UNKNOWN_HOURS[voice.language], {"opening_hours": None})
    if day is not None:
        return _hours_of_day(voice, hours, day, now)
    week = {_WEEK_KEYS[number]: [_span(span) for span in spans] for number, spans in enumerate(hours.weekly)}
    return Told(_week(voice, hours), {"opening_hours": week})


_WEEK_KEYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _hours_of_day(voice: Voice, hours: OpeningHours, day: date, now: datetime) -> Told:
    noon = datetime.combine(day, time(12), voice.zone)
    named, spans = voice.day(noon, now), hours.on(day)
    holiday = hours.holidays(day) if day not in hours.special else None
    data: dict[str, Any] = {**_date_data(day, voice), "opening_hours": [_span(span) for span in spans]}
    if holiday is not None:
        data["public_holiday"] = holiday
    if spans:
        said = {_DE: "{Day} haben wir {spans} geöffnet.", _EN: "{Day} we are open {spans}."}[voice.language]
    elif holiday is not None:
        said = {
            _DE: "{Day} ist Feiertag ({holiday}), da haben wir geschlossen.",
            _EN: "{Day} is a public holiday ({holiday}); we are closed.",
        }[voice.language]
    else:
        said = {_DE: "{Day} haben wir geschlossen.", _EN: "{Day} we are closed."}[voice.language]
    text = said.format(Day=named[:1].upper() + named[1:], spans=_spans(voice, spans), holiday=holiday)
    return Told(text, data)


def _week(voice: Voice, hours: OpeningHours) -> str:
    """Days with the same hours said together: "Montag bis Freitag von 9 Uhr bis 18 Uhr"."""
    runs: list[tuple[int, int, tuple[Span, ...]]] = []
    for number, spans in enumerate(hours.weekly):
        if runs and runs[-1][2] == spans:
            runs[-1] = (runs[-1][0], number, spans)
        else:
            runs.append((number, number, spans))
    said = [f"{_days(voice, first, last)} {_spans(voice, spans)}" for first, last, spans in runs if spans]
    if not said:
        return {_DE: "Wir haben zurzeit geschlossen.", _EN: "We are closed at present."}[voice.language]
    return {_DE: f"Wir haben geöffnet: {'; '.join(said)}.", _EN: f"We are open {'; '.join(said)}."}[voice.language]


def _days(voice: Voice, first: int, last: int) -> str:
    monday = date(2026, 1, 5)
    names = [weekday_name(monday + timedelta(days=number), voice.language) for number in (first, last)]
    if first == last:
        return names[0]
    joint = {_DE: (" und ", " bis "), _EN: (" and ", " to ")}[voice.language][last - first > 1]
    return joint.join(names)


def _spans(voice: Voice, spans: Sequence[Span]) -> str:
    said = []
    for span in spans:
        opens, closes = (_clock(voice, at) for at in (span.opens, span.closes))
        said.append({_DE: f"von {opens} bis {closes}", _EN: f"from {opens} to {closes}"}[voice.language])
    return {_DE: " und ", _EN: " and "}[voice.language].join(said)


def _clock(voice: Voice, at: time) -> str:
    if voice.language is _DE:
        hour = 24 if at == time(0) else at.hour
        return f"{hour} Uhr" + (f" {at.minute}" if at.minute else "")
    if at == time(0):
        return "midnight"
    return f"{at.hour % 12 or 12}:{at.minute:02d} {'am' if at.hour < 12 else 'pm'}"


def _span(span: Span) -> str:
    return f"{span.opens:%H:%M}-{'24:00' if span.closes == time(0) else f'{span.closes:%H:%M}'}"


def tell_customer(voice: Voice, name: str | None) -> Told:
    """Whether the line that calls is known, and by which name. Only ever of the caller's own line."""
    if name is None:
        message = {
            _DE: "Zu dieser Nummer kenne ich noch niemanden. Wie ist Ihr Name?",
            _EN: "I do not know anybody at this number yet. What is your name?",
        }[voice.language]
        return Told(message, {"found": False})
    message = {
        _DE: f"Die Nummer ist bekannt: {name}. Spreche ich mit {name}?",
        _EN: f"I know this number: {name}. Am I speaking with {name}?",
    }[voice.language]
    return Told(message, {"found": True, "customer": {"name": name}})


def tell_context(
    voice: Voice,
    house_name: str,
    services: Sequence[Service],
    hours: OpeningHours | None,
    name: str | None,
    now: datetime,
) -> Told:
    """What an agent wants to know at the beginning of a call."""
    local = now.astimezone(voice.zone)
    moment = tell_moment(voice, now)
    data: dict[str, Any] = {**moment.data, "house": house_name, "services": [service.name for service in services]}
    if hours is not None:
        data["open_today"] = [_span(span) for span in hours.on(local.date())]
    data["customer"] = {"found": False} if name is None else {"found": True, "name": name}
    return Told(moment.message, data)
