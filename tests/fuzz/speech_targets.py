"""What is said: dates and times, in whichever words."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from einmal.domain.opening import Bookable, OpeningHours, Span
from einmal.domain.reply import Missing
from einmal.speech.heard import FAR, READ_BACK_MAX, Frame, hear, hear_start
from einmal.speech.said import Language, say_instant
from fuzz.mutation import said
from fuzz.target import Target, holds

NOW: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

DATES: Final = (
    "2026-12-01",
    "1.12.2026",
    "01.12.",
    "1. 12. 26",
    "2027-03-28",
    "29.2.2028",
    "2026-12-01T10:00:00+01:00",
    "nächsten Dienstag",
    "Donnerstag in vierzehn Tagen",
    "am zweiten zwölften",
    "übernächste Woche Freitag früh",
    "heute in acht Tagen oder am Wochenende",
    "the week after next on Tuesday",
    "December 1st, twenty twenty-seven",
    "12/01/2027",
)
TIMES: Final = (
    *("10:00", "10 Uhr", "10 Uhr 30", "9.15 Uhr", "02:30", "10h30", "10 o'clock", "10:00:00.000Z", "23:59", "3:30 pm"),
    *("fünf nach halb vier nachmittags", "dreiviertel acht", "zwischen 9 und elf", "gegen 15 Uhr oder ab vier"),
    *("half past ten", "a quarter to four in the afternoon", "2 Uhr 30 nachts nach der Zeitumstellung"),
)
SPOKEN: Final = (
    *("um ", "uhr", " Uhr ", "T", "Z", "+01:00", "+02:00", "-00:00", "24", "60", ".", ":", "²", "٣", "9"),
    *(" oder ", " nicht ", " halb ", " morgen ", " nacht ", " in ", " am ", " to ", "99", " zwanzig "),
)
CLOCKS: Final = {Missing.TIME_SKIPPED, Missing.DATE_PAST}
HEARD_IN: Final = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
HOURS: Final = Bookable(OpeningHours(((Span(clock(9), clock(18)),),) * 7), timedelta(minutes=30))


@dataclass(frozen=True)
class Spoken:
    date: str | None
    time: str | None
    frame: Frame
    plain: bool = False


def _spoken(rng: Random) -> Spoken:
    zone, language = ZoneInfo(rng.choice(HEARD_IN)), rng.choice(list(Language))
    frame = Frame(NOW, zone, language, rng.choice((None, HOURS)))
    if rng.random() < 0.2:
        day = NOW + timedelta(days=rng.randint(1, 700))
        form = rng.choice(("%Y-%m-%d", "%d.%m.%Y", "%d. %m. %Y"))
        return Spoken(day.strftime(form), f"{rng.randrange(24):02d}:{rng.randrange(60):02d}", frame, plain=True)
    date = None if rng.random() < 0.05 else said(rng, DATES, SPOKEN)
    return Spoken(date, None if rng.random() < 0.2 else said(rng, TIMES, SPOKEN), frame)


def _hear(given: Spoken) -> str:
    frame, date, time = given.frame, given.date, given.time
    heard = hear_start(date, time, frame)
    holds((heard.start is None) == bool(heard.missing), "neither a start nor a question, or both")
    holds(len({item.field for item in heard.missing}) == len(heard.missing), "asked twice")
    holds(len(heard.readings) <= READ_BACK_MAX, "more meanings than a listener can choose from")
    holds(not heard.unread or heard.start is None, "a word that could be a not was passed over")
    if heard.start is None:
        holds(not given.plain or set(heard.missing) <= CLOCKS, "plain words were not heard")
        return f"asks for {heard.missing[0]}"
    holds(heard.start.tzinfo is UTC and heard.start > NOW, "an odd instant")
    holds(heard.start - NOW <= FAR + timedelta(days=1), "too far")
    local = heard.start.astimezone(frame.zone)
    if given.plain and date is not None and time is not None:
        holds(f"{local:%H:%M}" == time, "another time")
        holds(f"{local:%d}" in date, "another day")
    again = hear_start(f"{local:%Y-%m-%d}", f"{local:%H:%M}", frame)
    holds(local.fold or again.start == heard.start, "heard differently in plain words")
    for language in Language:
        back = hear(say_instant(heard.start, frame.zone, language, NOW), frame)
        holds(back.start == heard.start, "read back in words that mean another time")
    return "heard"


TARGETS: Final = (Target("heard", _spoken, _hear),)
