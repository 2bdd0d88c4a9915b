"""Free times for the form's list: as many days as fit, and whether there are later ones. No promise hangs on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from einmal.domain.model import Offer, Service
from einmal.domain.search import Search
from einmal.entrypoints.web.booking_fields import SLOT_FORM
from einmal.ports import Blind
from einmal.speech.said import Case, Language, say_day
from einmal.tenancies import Tenancy

WINDOW: Final = timedelta(days=14)
"""One look at the calendar."""

SHOWN_MAX: Final = 200
"""A week or so. Days are shown whole, so there may be a few more."""

_PATTERNS: Final = {Language.GERMAN: "EEE d. MMM, HH:mm", Language.ENGLISH: "EEE d MMM, HH:mm"}


@dataclass(frozen=True, slots=True)
class FreeDay:
    """`times`: the value that the form sends, and what is read."""

    label: str
    times: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Times:
    """`blind`: the calendar could not be asked. `since` is where this begins, `later` where the next ones would."""

    days: tuple[FreeDay, ...] = ()
    since: date | None = None
    later: date | None = None
    earlier: date | None = None
    blind: bool = False
    slow_down: bool = False

    def has(self, slot: str) -> bool:
        return any(value == slot for day in self.days for value, _ in day.times)


async def free_times(
    tenancy: Tenancy, service: Service, since: date | None, now: datetime, language: Language
) -> Times:
    """What is free from that day on, or from now. One look at the calendar at most."""
    zone = ZoneInfo(tenancy.tenant.time_zone)
    first, last = (now + service.notice).astimezone(zone), now + min(service.horizon, timedelta(days=366))
    day = first.date() if since is None else min(max(since, first.date()), last.astimezone(zone).date())
    begin = max(first, datetime.combine(day, time(0), zone))
    end = datetime.combine(day + WINDOW, time(0), zone)
    found = await tenancy.offers.free(Search(service, begin, end))
    if isinstance(found, Blind):
        return Times(since=day, blind=True)
    days, until = _days(found, zone, language, now)
    later = until or end.astimezone(zone).date()
    before = max(first.date(), day - WINDOW)
    return Times(
        days,
        day,
        later if datetime.combine(later, time(0), zone) <= last else None,
        before if before < day else None,
    )


def read_as(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """Di. 1. Dez., 10:00"""
    return format_datetime(at.astimezone(zone), _PATTERNS[language], locale=language.value)


def _days(
    offers: Sequence[Offer], zone: ZoneInfo, language: Language, now: datetime
) -> tuple[tuple[FreeDay, ...], date | None]:
    """The first of them, by day, and the day on which the rest begins; None where all are shown."""
    days: list[FreeDay] = []
    shown = 0
    for day, on_it in groupby(offers, lambda offer: offer.start.astimezone(zone).date()):
        if shown >= SHOWN_MAX:
            return tuple(days), day
        starts = [offer.start.astimezone(zone) for offer in on_it]
        # An hour that comes twice has one name here, and the first of the two is meant.
        named = {at.strftime(SLOT_FORM): read_as(at, zone, language) for at in reversed(starts)}
        label = say_day(starts[0], zone, language, now, Case.IS)
        days.append(FreeDay(label[:1].upper() + label[1:], tuple(sorted(named.items()))))
        shown += len(named)
    return tuple(days), None
