"""The German grammar: phrases over folded text with digits for number words (`words`), in the order they are tried."""

import re
from collections.abc import Sequence
from typing import Final

from einmal.speech.german_words import FEASTS, FILLERS, FROM_TODAY, MONTHS, PARTS, WEEKDAYS, prepare
from einmal.speech.grammar import (
    OFFSET,
    YEAR,
    Field,
    Grammar,
    Meaning,
    Phrases,
    Place,
    alternatives,
    always,
    bare,
    between,
    clock,
    dial,
    digital,
    half_day,
    nth,
    nth_weekday,
    on_date,
    reader,
    window,
)
from einmal.speech.marks import (
    Either,
    Fold,
    In,
    InDays,
    InMonths,
    InWeek,
    Mark,
    OnDate,
    OnDayOfMonth,
    OnWeekday,
    OnWorkday,
    Part,
    TooWide,
    Vague,
    Which,
)

_WD: Final = f"(?P<weekday>{alternatives(WEEKDAYS)})"
_DAY: Final = f"(?P<day>{alternatives(FROM_TODAY)})"
_MONTH: Final = f"(?P<month>{alternatives(MONTHS)})"
_ARTICLE: Final = "(?:am |den |dem |der |zum |vom )?"
_PART: Final = f"(?P<part>{alternatives(PARTS)})"
_WHICH: Final = r"(?P<which>naechste[nrsm]?|naechst|kommende[nrsm]?|folgende[nrsm]?|uebernaechste[nrsm]?|diese[nrsm]?)"
_LATER: Final = r"in (?P<count>\d{1,2}) (?P<unit>tage?n?|wochen?)"


def _which(said: str) -> Which:
    if said.startswith("ueber"):
        return Which.AFTER_NEXT
    if said.startswith("naechst"):
        return Which.NEXT
    return Which.THIS if said.startswith("diese") else Which.COMING


def _weekday(said: re.Match[str], _: Place) -> Sequence[Mark]:
    which = said.groupdict().get("which")
    return (OnWeekday(WEEKDAYS[said["weekday"]], _which(which) if which else Which.PLAIN),)


_WEEKS_AHEAD: Final = {Which.THIS: 0, Which.NEXT: 1, Which.COMING: 1, Which.AFTER_NEXT: 2}


def _in_week(said: re.Match[str], _: Place) -> Sequence[Mark]:
    return (InWeek(WEEKDAYS[said["weekday"]], _WEEKS_AHEAD[_which(said["which"])]),)


def _weeks(said: re.Match[str]) -> int | None:
    """The weeks of "in 8 Tagen", "in 14 Tagen", "in drei Wochen" said of a day; None where it is no week."""
    count = int(said["count"])
    return count if said["unit"].startswith("woche") else {7: 1, 8: 1, 14: 2, 21: 3}.get(count)


def _weekday_later(said: re.Match[str], _: Place) -> Sequence[Mark] | None:
    weeks = _weeks(said)
    return None if weeks is None else (OnWeekday(WEEKDAYS[said["weekday"]], weeks=weeks, loosely=weeks > 1),)


def _week_then_day(said: re.Match[str], _: Place) -> Sequence[Mark] | None:
    weeks = _weeks(said)
    return None if weeks is None else (InWeek(WEEKDAYS[said["weekday"]], weeks),)


def _day_later(said: re.Match[str], _: Place) -> Sequence[Mark]:
    weeks = _weeks(said)
    days = int(said["count"]) if weeks is None else 7 * weeks
    return (InDays((FROM_TODAY[said["day"]] + days,)),)


def _later(said: re.Match[str], _: Place) -> Sequence[Mark]:
    count = int(said["count"])
    if said["unit"].startswith("woche"):
        return (InDays((7 * count,)),)
    # "In acht Tagen" is a week in every idiom, and eight days to those who count.
    return (InDays((7, 8) if count == 8 else (count,)),)


def _from_today(said: re.Match[str], _: Place) -> Sequence[Mark]:
    return (InDays((FROM_TODAY[said["day"]],)),)


def _morgen(_: re.Match[str], place: Place) -> Sequence[Mark]:
    return (In(Part.MORNING),) if place.after_day else (InDays((1,)),)


_DATE: Final = on_date(MONTHS)
_NTH_WEEKDAY: Final = nth_weekday(WEEKDAYS, MONTHS)


def _without_dot(said: re.Match[str], place: Place) -> Sequence[Mark] | None:
    """1.12 is a date in a field of dates and after "am", a time in a field of times and after "um"."""
    is_month = 1 <= int(said["month"]) <= 12
    if place.field is Field.TIME or said["before"] == "um " or (place.day_known and not is_month):
        return digital(said["day"], said["month"]) if len(said["month"]) == 2 else None
    return (OnDate(int(said["day"]), int(said["month"])),) if place.field is Field.DATE or said["before"] else None


def _part(said: re.Match[str], _: Place) -> Sequence[Mark]:
    return (In(PARTS[said["part"]]),)


def _near(minutes: int, sign: int) -> Meaning:
    return lambda said, _: dial(said["h"], minutes + sign * int(said["n"])) if 0 < int(said["n"]) <= 29 else None


def _dial(minutes: int) -> Meaning:
    return lambda said, _: dial(said["h"], minutes)


_H: Final = r"(?P<h>\d{1,2})"
_N: Final = r"(?P<n>\d{1,2}) (?:minuten )?"
_TIMES: Final[Phrases] = (
    (rf"(?:um )?{_H}(?:[:.](?P<m>\d{{2}}))?(?: ?(?P<half>p\.?m|p m|a\.m)|(?<=\d)am| am(?=$))", lambda s, _: _am_pm(s)),
    (rf"{_H}:(?P<m>\d{{2}})(?::00(?:\.0+)?)?(?: uhr)?{OFFSET}", lambda s, _: digital(s["h"], s["m"], s["offset"])),
    (rf"{_H}\.(?P<m>\d{{2}}) uhr", lambda s, _: digital(s["h"], s["m"])),
    (
        rf"{_H} uhr (?:und )?(?:0 )?(?P<m>\d{{1,2}})(?: minuten)?(?! (?:vor|nach|uhr)\b)",
        lambda s, _: clock(s["h"], s["m"]),
    ),
    (rf"{_H} uhr", lambda s, _: clock(s["h"])),
    (rf"halb {_H}(?: uhr)?", _dial(-30)),
    (rf"viertel nach {_H}(?: uhr)?", _dial(15)),
    (rf"(?:viertel vor|dreiviertel|3 ?viertel) {_H}(?: uhr)?", _dial(-15)),
    (rf"viertel {_H}(?: uhr)?", _dial(-45)),
    (rf"{_N}nach halb {_H}", _near(-30, +1)),
    (rf"{_N}vor halb {_H}", _near(-30, -1)),
    (rf"{_N}nach {_H}(?: uhr)?", _near(0, +1)),
    (rf"{_N}vor {_H}(?: uhr)?", _near(0, -1)),
)
_READ: Final = reader(_TIMES)
_ONE_TIME: Final = (
    r"(?:\d{1,2}:\d{2}(?: uhr)?|\d{1,2}\.\d{2}(?: uhr)?|\d{1,2} uhr(?: \d{1,2})?|halb \d{1,2}(?: uhr)?"
    r"|(?:drei)?viertel (?:vor |nach )?\d{1,2}(?: uhr)?|\d{1,2}\.?)(?! minuten)"
)


def _am_pm(said: re.Match[str]) -> Sequence[Mark]:
    return half_day(said["h"], said["m"], said["half"] or "am")


_MINUTE: Final = rf"(?: (?P<minute>\d{{2}}|0 \d)(?! (?:{alternatives(MONTHS)})\b))?"
_NO_HOUR: Final = r"(?:uhr|vor|nach|minuten|viertel)\b"
_BEGINS: Final = frozenset({"ab", "nach", "fruehestens"})
_ENDS: Final = frozenset({"vor", "bis", "spaetestens"})
_ABOUT: Final = r"gegen|ungefaehr(?: um)?|circa(?: um)?|zirka(?: um)?|ca|etwa(?: um| gegen)?|so um|so gegen|rund um"
_OF_WHAT: Final = r"(?: (?:der|des|dieser|dieses|naechster|naechsten|kommender))*(?: (?:woche|monats|monat|jahres))?"
_WIDE: Final = r"(?:naechste[nrs]?|kommende[nrs]?|folgende[nrs]?|uebernaechste[nrs]?|diese[nrsm]?)"

_PHRASES: Final[Phrases] = (
    (r"(?:schoenen )?gute[nr]? (?:morgen|tag|mittag|nachmittag|abend)|gruess gott|gruezi|servus|moin", always()),
    (r"(?:wenn|falls) (?:es |das )?(?:irgendwie )?(?:moeglich(?: ist)?|geht|passt)", always()),
    (r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})", _DATE),
    (rf"{_ARTICLE}(?P<day>\d{{1,2}})\. ?(?P<month>\d{{1,2}})\.(?: ?{YEAR}|(?P<short>\d{{2}}))?", _DATE),
    (rf"{_ARTICLE}(?P<day>\d{{1,2}})\.? ?{_MONTH}(?: {YEAR})?", _DATE),
    (rf"im {_MONTH} (?:am |den |der )?(?P<day>\d{{1,2}})\.", _DATE),
    (r"(?P<before>am |den |dem |um )?(?P<day>\d{1,2})\.(?P<month>\d{1,2})(?! ?uhr)", _without_dot),
    (r"vor der (?:zeit)?umstellung", always(Fold(0))),
    (r"nach der (?:zeit)?umstellung", always(Fold(1))),
    # Weekdays, with all that may stand around them.
    (rf"(?:am |den |der )?(?:(?P<nth>[1-5])\.|letzte[nr]?) {_WD} (?:im|vom|des) {_MONTH}s?", _NTH_WEEKDAY),
    (rf"{_WD} {_LATER}", _weekday_later),
    (rf"{_DAY} {_LATER}", _day_later),
    (rf"{_LATER}(?: am)? {_WD}", _week_then_day),
    (rf"(?:in )?(?:der )?{_WHICH} woche(?: am)? {_WD}", _in_week),
    (rf"{_WD} (?:in )?(?:der )?{_WHICH} woche", _in_week),
    (rf"(?:am )?{_WHICH} {_WD}", _weekday),
    (_WD, _weekday),
    (rf"{_WD}s", always(TooWide())),
    # Days counted from today.
    (r"morgen frueh", always(InDays((1,)), In(Part.MORNING))),
    (r"morgen", _morgen),
    (r"(?:heute )?in (?P<count>\d{1,2}) monate?n?", lambda s, _: (InMonths(int(s["count"])),)),
    (_DAY, _from_today),
    (r"in (?P<count>\d{1,3}) (?P<unit>tage?n?|wochen?)", _later),
    (r"(?:am )?(?:naechste[nrs]?|kommende[nrs]?) (?:werktag|arbeitstag)", always(OnWorkday())),
    (rf"{_ARTICLE}(?P<feast>{alternatives(FEASTS)})", lambda s, _: (FEASTS[s["feast"]],)),
    (rf"(?:in )?(?:der )?{_WIDE} woche|(?:im )?{_WIDE} (?:monat|jahr)", always(TooWide())),
    (rf"(?:am )?(?:{_WIDE} )?wochenende", always(TooWide())),
    (r"(?:an |zu )?(?:weihnachten|ostern|pfingsten)", always(TooWide())),
    (rf"(?:anfang|mitte|ende){_OF_WHAT}(?: {_MONTH})?", always(TooWide())),
    (rf"(?:im )?{_MONTH}(?: \d{{4}})?", always(TooWide())),
    # Times.
    (r"(?:um )?mitternacht|sofort|jetzt|egal wann|jederzeit|irgendwann|oder so", always(Vague())),
    (
        r"(?:so )?(?:frueh|schnell|bald)(?: wie| als)? moeglich(?:st)?|moeglichst (?:bald|frueh|schnell)",
        always(Vague()),
    ),
    (rf"(?:so )?(?P<kind>um) (?P<time>{_ONE_TIME}) (?:he)?rum", window(_READ, _BEGINS, _ENDS)),
    (rf"kurz (?:vor|nach) {_ONE_TIME}", always(Vague())),
    (rf"(?:zwischen|von) (?P<begin>{_ONE_TIME}) (?:und|bis) (?P<end>{_ONE_TIME})", between(_READ)),
    (rf"(?P<begin>{_ONE_TIME})(?: bis | ?- ?)(?P<end>{_ONE_TIME})", between(_READ)),
    (
        rf"(?P<kind>ab|nach|vor|bis|fruehestens(?: um)?|spaetestens(?: um)?|{_ABOUT}) (?P<time>{_ONE_TIME})",
        window(_READ, _BEGINS, _ENDS),
    ),
    *_TIMES,
    (rf"(?:gegen )?{_PART}", _part),
    (rf"(?:am )?(?:frueh|spaet)e[nr] {_PART}", _part),
    (r"(?:in der )?nacht", always(In(Part.NIGHT, overnight=True))),
    (r"(?:am|den|dem|der|zum) (?P<day>\d{1,2})\.?(?! uhr)", lambda s, _: (OnDayOfMonth(int(s["day"])),)),
    (r"(?P<day>\d{1,2})\.", nth),
    (rf"(?P<before>um (?:punkt |genau )?)?(?P<hour>\d{{1,2}})(?P<dot>\.)?{_MINUTE}(?! {_NO_HOUR})", bare),
    (r"oder", always(Either())),
)

GERMAN: Final = Grammar(prepare, _PHRASES, FILLERS)
