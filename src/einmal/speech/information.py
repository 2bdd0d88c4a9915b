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
from einmal.speech.said import Case, Language, say_day, say_instant, say_length, say_time, weekday_name
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
    message = voice.offering([service.name for service in services])
    return Told(message, {"services": [_service(service) for service in services]})


def _service(service: Service) -> dict[str, Any]:
    data: dict[str, Any] = {"name": service.name, "duration_minutes": service.duration_minutes}
    return data | ({"description": service.description} if service.description else {})


def tell_service(voice: Voice, service: Service, staff: Sequence[str]) -> Told:
    """One service: how long it takes, what the house says of it, who does it."""
    length = say_length(service.duration_minutes, voice.language)
    message = {_DE: f"{service.name} dauert {length}.", _EN: f"{service.name} takes {length}."}[voice.language]
    if service.description:
        message += f" {service.description}"
    if staff:
        names = voice.listed(staff)
        does = "macht" if len(staff) == 1 else "machen"
        message += {_DE: f" Das {does} bei uns {names}.", _EN: f" It is done by {names}."}[voice.language]
    return Told(message, _service(service) | ({"staff": list(staff)} if staff else {}))


_UNKNOWN_HOURS: Final = {
    _DE: "Unsere Öffnungszeiten liegen mir nicht vor. An welchem Tag möchten Sie kommen?",
    _EN: "I do not have our opening hours at hand. On which day would you like to come?",
}


_WHICH_DAY: Final = {_DE: "Nach welchem Tag fragen Sie?", _EN: "Which day are you asking about?"}
_NOT_ALWAYS: Final = {_DE: "Einzelne Tage weichen davon ab.", _EN: "Some days differ from that."}

WEEK_LETTERS_MAX: Final = 200
"""What is longer nobody keeps in mind: then the day that is next is told, and asked which is meant."""

_AHEAD: Final = 21
"""How many days ahead somebody may mean who asks for a week; days among them that differ are told of."""


def tell_hours(voice: Voice, hours: OpeningHours | None, day: date | None, now: datetime) -> Told:
    """When the house is open: on one day, or in an ordinary week."""
    if hours is None:
        return Told(_UNKNOWN_HOURS[voice.language], {"opening_hours": None})
    today = now.astimezone(voice.zone).date()
    if day is not None:
        holiday = _holiday(hours, day)
        data: dict[str, Any] = {**_date_data(day, voice), "opening_hours": _as_data(hours.on(day))}
        return Told(_of_day(voice, hours, day, now), data | ({} if holiday is None else {"public_holiday": holiday}))
    week = {key: _as_data(spans) for key, spans in zip(_WEEK_KEYS, hours.weekly, strict=True)}
    ahead = [today + timedelta(days=number) for number in range(_AHEAD)]
    other = {f"{one}": _as_data(hours.on(one)) for one in ahead if hours.on(one) != hours.weekly[one.weekday()]}
    text = _week(voice, hours) + (f" {_NOT_ALWAYS[voice.language]}" if other else "")
    if len(text) > WEEK_LETTERS_MAX:
        text = f"{_next(voice, hours, now)} {_WHICH_DAY[voice.language]}"
    return Told(text, {"opening_hours": week} | ({"other_days": other} if other else {}))


_WEEK_KEYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _holiday(hours: OpeningHours, day: date) -> str | None:
    """What it is called, where it closes the house."""
    return hours.holidays(day) if day not in hours.special else None


def _next(voice: Voice, hours: OpeningHours, now: datetime) -> str:
    """Today's hours; tomorrow's too, where today's are over or there are none."""
    local = now.astimezone(voice.zone)
    said = [_of_day(voice, hours, local.date(), now)]
    if all(_is_over(span, local) for span in hours.on(local.date())):
        said.append(_of_day(voice, hours, local.date() + timedelta(days=1), now, _TOMORROW[voice.language]))
    return " ".join(said)


_TODAY: Final = {_DE: "Heute", _EN: "Today"}
_TOMORROW: Final = {_DE: "Morgen", _EN: "Tomorrow"}
_OPEN: Final = {_DE: "{Day} haben wir {spans} geöffnet.", _EN: "{Day} we are open {spans}."}
_WAS_OPEN: Final = {_DE: "{Day} hatten wir bis {closed} geöffnet.", _EN: "{Day} we were open until {closed}."}
_CLOSED: Final = {_DE: "{Day} haben wir geschlossen.", _EN: "{Day} we are closed."}
_HOLIDAY: Final = {
    _DE: "{Day} ist Feiertag: {holiday}. Da haben wir geschlossen.",
    _EN: "{Named} is a public holiday; we are closed.",
}
"""Without its name in English: the house's calendar has it in German."""


def _of_day(voice: Voice, hours: OpeningHours, day: date, now: datetime, word: str | None = None) -> str:
    """One day's hours. `word`: what it is called, if not by its date."""
    language, local, spans = voice.language, now.astimezone(voice.zone), hours.on(day)
    if day == local.date():
        word = _TODAY[language]
    noon = datetime.combine(day, time(12), voice.zone)
    # A date behind its weekday is closed by a comma.
    on, named = (word or f"{say_day(noon, voice.zone, language, now, case)}," for case in (Case.ON, Case.NAMED))
    holiday = _holiday(hours, day)
    if not spans:
        template = _CLOSED if holiday is None else _HOLIDAY
    else:
        over = day == local.date() and all(_is_over(span, local) for span in spans)
        template = _WAS_OPEN if over else _OPEN
    return template[language].format(
        Day=on[:1].upper() + on[1:],
        Named=named,
        holiday=holiday,
        spans=_spans(voice, spans),
        closed=_clock(voice, spans[-1].closes, ends=True) if spans else "",
    )


def _is_over(span: Span, local: datetime) -> bool:
    return span.closes != time(0) and span.closes <= local.time()


def _week(voice: Voice, hours: OpeningHours) -> str:
    """Days with the same hours said together: "Montag bis Freitag von 9 Uhr bis 18 Uhr"; then when it is closed."""
    runs: list[tuple[list[int], tuple[Span, ...]]] = []
    alike: dict[tuple[Span, ...], list[int]] = {}
    for number, spans in enumerate(hours.weekly):
        alike.setdefault(spans, []).append(number)
        if runs and runs[-1][1] == spans:
            runs[-1][0].append(number)
        else:
            runs.append(([number], spans))
    closed = alike.pop((), [])
    if not alike:
        return {_DE: "Wir haben zurzeit geschlossen.", _EN: "We are closed at present."}[voice.language]
    in_turn = [f"{_days(voice, days)} {_spans(voice, spans)}" for days, spans in runs if spans]
    together = [f"{_days(voice, days)} {_spans(voice, spans)}" for spans, days in alike.items()]
    said = min("; ".join(in_turn), "; ".join(together), key=len)
    text = {_DE: f"Wir haben geöffnet: {said}.", _EN: f"We are open {said}."}[voice.language]
    if closed:
        days = _days(voice, closed)
        text += {_DE: f" {days} haben wir geschlossen.", _EN: f" We are closed {days}."}[voice.language]
    return text


def _days(voice: Voice, numbers: Sequence[int]) -> str:
    """ "Montag bis Mittwoch und Freitag"."""
    monday, to, joint = date(2026, 1, 5), *{_DE: (" bis ", " und "), _EN: (" to ", " and ")}[voice.language]
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said = []
    for run in runs:
        names = [weekday_name(monday + timedelta(days=number), voice.language) for number in run]
        said += [names[0] + to + names[-1]] if len(names) > 2 else names
    return joint.join([", ".join(said[:-1]), said[-1]] if said[1:] else said)


def _spans(voice: Voice, spans: Sequence[Span]) -> str:
    said = []
    for span in spans:
        opens, closes = _clock(voice, span.opens), _clock(voice, span.closes, ends=True)
        said.append({_DE: f"von {opens} bis {closes}", _EN: f"from {opens} to {closes}"}[voice.language])
    return {_DE: " und ", _EN: " and "}[voice.language].join(said)


def _clock(voice: Voice, at: time, *, ends: bool = False) -> str:
    if voice.language is _DE:
        hour = 24 if ends and at == time(0) else at.hour
        return f"{hour} Uhr" + (f" {at.minute}" if at.minute else "")
    if at == time(0):
        return "midnight"
    return f"{at.hour % 12 or 12}:{at.minute:02d} {'am' if at.hour < 12 else 'pm'}"


def _span(span: Span) -> str:
    return f"{span.opens:%H:%M}-{'24:00' if span.closes == time(0) else f'{span.closes:%H:%M}'}"


def _as_data(spans: Sequence[Span]) -> list[str]:
    return [_span(span) for span in spans]


_YOUR_NAME: Final = {_DE: "Wie ist Ihr Name?", _EN: "What is your name?"}
_KNOWN: Final = {_DE: "Ihre Nummer kenne ich.", _EN: "I know your number."}


def tell_customer(voice: Voice, *, known: bool | None) -> Told:
    """Whether the line that calls is known; None: nobody can tell. Never by which name.

    Whoever booked may have named a number that is another's: a name told here could be planted, and proves nothing.
    """
    message = _YOUR_NAME[voice.language]
    return Told(f"{_KNOWN[voice.language]} {message}" if known else message, {"found": known})


def tell_context(
    voice: Voice,
    house_name: str,
    services: Sequence[Service],
    hours: OpeningHours | None,
    now: datetime,
    *,
    known: bool | None,
) -> Told:
    """What an agent wants to know at the beginning of a call."""
    local = now.astimezone(voice.zone)
    moment = tell_moment(voice, now)
    data: dict[str, Any] = {**moment.data, "house": house_name, "services": [service.name for service in services]}
    if hours is not None:
        data["open_today"] = _as_data(hours.on(local.date()))
    data["customer"] = {"found": known}
    return Told(moment.message, data)
