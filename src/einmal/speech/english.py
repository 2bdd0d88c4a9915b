"""The English grammar: phrases over folded text with digits for number words (`words`), in the order they are tried."""

import re
from collections.abc import Sequence
from typing import Final

from einmal.speech.english_words import FEASTS, FILLERS, FROM_TODAY, MONTHS, PARTS, WEEKDAYS, prepare
from einmal.speech.grammar import (
    OFFSET,
    YEAR,
    Field,
    Grammar,
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
    At,
    Either,
    Fold,
    In,
    InDays,
    InMonths,
    InWeek,
    Mark,
    OnDate,
    OnDayOfMonth,
    OnEither,
    OnWeekday,
    OnWorkday,
    Part,
    Style,
    TooWide,
    Vague,
    Which,
)

_WD: Final = f"(?P<weekday>{alternatives(WEEKDAYS)})"
_DAY: Final = f"(?P<day>{alternatives(FROM_TODAY)})"
_MONTH: Final = f"(?P<month>{alternatives(MONTHS)})"
_WHICH: Final = "(?P<which>next|this coming|coming|following|this)"
_LATER: Final = r"(?P<count>\d{1,2}) (?P<unit>days?|weeks?|fortnights?)"
_WEEK: Final = "(?P<week>week after next|next week|this week)"
_WEEKS_AHEAD: Final = {"this week": 0, "next week": 1, "week after next": 2}


def _weekday(said: re.Match[str], _: Place) -> Sequence[Mark]:
    which = {"next": Which.NEXT, "this": Which.THIS, None: Which.PLAIN}.get(said.groupdict().get("which"), Which.COMING)
    return (OnWeekday(WEEKDAYS[said["weekday"]], which),)


def _days(said: re.Match[str]) -> int:
    unit = {"d": 1, "w": 7, "f": 14}[said["unit"][0]]
    return int(said["count"]) * unit


def _weekday_in(said: re.Match[str], _: Place) -> Sequence[Mark] | None:
    """ "Tuesday in two weeks": counted from that Tuesday, or from this week."""
    weeks, rest = divmod(_days(said), 7)
    return None if rest else (OnWeekday(WEEKDAYS[said["weekday"]], weeks=weeks, loosely=weeks > 1),)


def _weeks_from(said: re.Match[str], _: Place) -> Sequence[Mark] | None:
    """ "Two weeks from Tuesday" leaves no doubt."""
    weeks, rest = divmod(_days(said), 7)
    return None if rest else (OnWeekday(WEEKDAYS[said["weekday"]], weeks=weeks),)


def _week_then_day(said: re.Match[str], _: Place) -> Sequence[Mark] | None:
    weeks, rest = divmod(_days(said), 7)
    return None if rest else (InWeek(WEEKDAYS[said["weekday"]], weeks),)


def _in_week(said: re.Match[str], _: Place) -> Sequence[Mark]:
    return (InWeek(WEEKDAYS[said["weekday"]], _WEEKS_AHEAD[said["week"]]),)


def _from_today(said: re.Match[str], _: Place) -> Sequence[Mark]:
    return (InDays((FROM_TODAY[said["day"]],)),)


def _days_from(said: re.Match[str], _: Place) -> Sequence[Mark]:
    return (InDays((FROM_TODAY[said["day"]] + _days(said),)),)


def _in_days(said: re.Match[str], _: Place) -> Sequence[Mark]:
    return (InDays((_days(said),)),)


_DATE: Final = on_date(MONTHS)
_NTH_WEEKDAY: Final = nth_weekday(WEEKDAYS, MONTHS)


def _slashed(said: re.Match[str], _: Place) -> Sequence[Mark]:
    """12/01: the British and the American way round; one of them, where the other is no date."""
    one, other, year = int(said["one"]), int(said["other"]), said["year"]
    number = None if not year else int(year) + (2000 if len(year) == 2 else 0)
    ways = [(one, other)] if one == other else [(one, other), (other, one)]
    dates = tuple(OnDate(day, month, number) for day, month in ways if month <= 12)
    return (OnEither(dates),) if len(dates) > 1 else dates or (OnDate(one, other, number),)


def _without_dot(said: re.Match[str], place: Place) -> Sequence[Mark] | None:
    is_month = 1 <= int(said["m"]) <= 12
    if place.field is Field.TIME or said["before"] or (place.day_known and not is_month):
        return digital(said["h"], said["m"])
    return (OnDate(int(said["h"]), int(said["m"])),) if place.field is Field.DATE else None


def _past(said: re.Match[str], _: Place) -> Sequence[Mark] | None:
    """ "Quarter past three", "at ten to nine"; but "ten to five" alone may be a window as well."""
    minutes = {"half": 30, "quarter": 15, "a quarter": 15}.get(said["n"]) or int(said["n"])
    to = said["side"] in {"to", "before"}
    if minutes > 30 or (said["n"] == "half" and to):
        return None
    if said["side"] == "to" and said["n"].isdigit() and minutes <= 12 and not said["at"] and not said["minutes"]:
        return (Vague(),)
    return dial(said["h"], -minutes if to else minutes)


_NO_DATE: Final = rf"(?! (?:of )?(?:{alternatives(MONTHS)})\b(?! (?:the )?\d{{1,2}}\b))"
"""After a minute: "at seven 24 December" is no 7:24, "at nine thirty November 20" is one."""

_H: Final = r"(?P<h>\d{1,2})"
_N: Final = r"(?P<n>half|quarter|a quarter|\d{1,2})"
_TIMES: Final[Phrases] = (
    (rf"{_H}(?:[:. ](?P<m>\d{{2}}))?(?: oclock)? (?P<half>[ap])m", lambda s, _: half_day(s["h"], s["m"], s["half"])),
    (
        rf"{_H}:(?P<m>\d{{2}})(?::00(?:\.0+)?)?(?: oclock| uhr)?{OFFSET}",
        lambda s, _: digital(s["h"], s["m"], s["offset"]),
    ),
    (rf"(?P<at>at )?{_N}(?P<minutes> minutes)? (?P<side>past|after|to|before) {_H}(?! ?[ap]m)", _past),
    (rf"half {_H}", lambda s, _: dial(s["h"], 30)),
    (rf"{_H} uhr(?: (?P<m>\d{{1,2}}))?", lambda s, _: clock(s["h"], s["m"])),
    (rf"{_H} oclock(?: (?P<m>\d{{2}}){_NO_DATE})?", lambda s, _: clock(s["h"], s["m"])),
    (rf"{_H} 0 (?P<m>\d)", lambda s, _: clock(s["h"], s["m"])),
    (r"(?:at )?(?:12 )?noon", always(At(12, 0, Style.EXACT))),
)
_READ: Final = reader(_TIMES)
_ONE_TIME: Final = (
    r"(?:\d{1,2}:\d{2}(?: [ap]m)?|\d{1,2} [ap]m|\d{1,2} \d{2}(?: [ap]m)?"
    r"|(?:half|a quarter|quarter|\d{1,2}) (?:past|to) \d{1,2}(?: [ap]m)?|\d{1,2}(?: oclock)?|noon)"
)
_MINUTE: Final = rf"(?: (?P<minute>\d{{2}}|0 \d){_NO_DATE})?"
_NO_HOUR: Final = r"(?:(?:\d{2} )?[ap]m|oclock|uhr|to|past|minutes|0 \d)\b"
_BEGINS: Final = frozenset({"after", "from"})
_ENDS: Final = frozenset({"before", "until", "till", "by", "no"})
_ABOUT: Final = "around|about|approximately|roughly|circa"

_PHRASES: Final[Phrases] = (
    (r"good (?:morning|day|afternoon|evening)|may (?:i|we)|i was wondering if|do you have", always()),
    (r"um(?! \d[\d:.]* am \d)", always()),  # that is German: "um 12:00 am 24."
    (r"if (?:it|that)?(?: is| s)? ?(?:possible|works)", always()),
    (r"(?P<year>\d{4})([-/])(?P<month>\d{2})\2(?P<day>\d{2})", _DATE),
    (rf"(?P<day>\d{{1,2}})\. ?(?P<month>\d{{1,2}})\.(?: ?{YEAR}|(?P<short>\d{{2}}))?", _DATE),
    (r"(?P<one>\d{1,2})/(?P<other>\d{1,2})(?:/(?P<year>\d{4}|\d{2}))?", _slashed),
    (r"(?P<one>\d{1,2})-(?P<other>\d{1,2})-(?P<year>\d{4})", _slashed),
    (rf"(?:on )?(?:the )?(?P<day>\d{{1,2}})\.? (?:of )?{_MONTH}(?: {YEAR})?", _DATE),
    (rf"{_MONTH} (?:the )?(?P<day>\d{{1,2}})\.?(?! ?(?::|[ap]m|oclock|uhr))(?: {YEAR})?", _DATE),
    (r"(?P<before>at )?(?P<h>\d{1,2})\.(?P<m>\d{2})(?! ?[ap]m)", _without_dot),
    (r"before the clocks (?:change|go back)", always(Fold(0))),
    (r"after the clocks (?:change|go back)", always(Fold(1))),
    # Weekdays, with all that may stand around them.
    (rf"(?:on )?(?:the )?(?:(?P<nth>[1-5])\.|last) {_WD} (?:in|of) {_MONTH}", _NTH_WEEKDAY),
    (rf"{_WD} in {_LATER}", _weekday_in),
    (rf"{_LATER} (?:from|on) {_WD}", _weeks_from),
    (rf"{_WD} week", lambda s, _: (OnWeekday(WEEKDAYS[s["weekday"]], weeks=1),)),
    (rf"{_WD} fortnight", lambda s, _: (OnWeekday(WEEKDAYS[s["weekday"]], weeks=2),)),
    (rf"(?:the )?{_WD} after next", lambda s, _: (OnWeekday(WEEKDAYS[s["weekday"]], Which.AFTER_NEXT),)),
    (rf"{_DAY} in {_LATER}", _days_from),
    (rf"{_LATER} (?:from )?{_DAY}", _days_from),
    (rf"{_LATER} from now", _in_days),
    (rf"in {_LATER}(?: on)?(?: a)? {_WD}", _week_then_day),
    (rf"{_WD}(?: of| in)?(?: the)? {_WEEK}", _in_week),
    (rf"(?:the )?{_WEEK}(?: on)? {_WD}", _in_week),
    (rf"(?:the )?{_WHICH} {_WD}", _weekday),
    (_WD, _weekday),
    (rf"{_WD}s", always(TooWide())),
    # Days counted from today.
    (r"(?:the )?day after tomorrow", always(InDays((2,)))),
    (_DAY, _from_today),
    (r"this (?P<part>morning|afternoon|evening)", lambda s, _: (InDays((0,)), In(PARTS[s["part"]]))),
    (r"tonight", always(InDays((0,)), In(Part.EVENING))),
    (r"in (?P<count>\d{1,2}) months?", lambda s, _: (InMonths(int(s["count"])),)),
    (r"in (?P<count>\d{1,3}) (?P<unit>days?|weeks?|fortnights?)(?: time)?", _in_days),
    (r"(?:the )?next (?:working|business|work) ?day", always(OnWorkday())),
    (rf"(?P<feast>{alternatives(FEASTS)})", lambda s, _: (FEASTS[s["feast"]],)),
    (r"(?:at )?(?:christmas|easter)", always(TooWide())),
    (r"(?:the )?(?:week after next|(?:next|this|coming|following) (?:week|month|year))", always(TooWide())),
    (r"(?:at |on )?(?:the )?(?:(?:next|this|coming) )?weekend", always(TooWide())),
    (
        rf"(?:the )?(?:beginning|start|middle|end) of (?:the |this |next )?(?:week|month|year|{_MONTH})",
        always(TooWide()),
    ),
    # Times.
    (r"(?:at )?midnight|as (?:soon|early) as possible|asap|now|right away|immediately", always(Vague())),
    (r"any ?time|whenever|some ?time|or so", always(Vague())),
    (rf"(?:shortly|just|right) (?:before|after|past) {_ONE_TIME}", always(Vague())),
    (rf"(?:between|from) (?P<begin>{_ONE_TIME}) (?:and|to|until|till) (?P<end>{_ONE_TIME})", between(_READ)),
    (rf"(?P<begin>{_ONE_TIME}) ?- ?(?P<end>{_ONE_TIME})", between(_READ)),
    (
        rf"(?:at )?(?P<kind>after|from|before|until|till|by|no later than|{_ABOUT}) (?P<time>{_ONE_TIME})",
        window(_READ, _BEGINS, _ENDS),
    ),
    *_TIMES,
    (r"(?:in the )?(?:early|late) (?P<part>morning|afternoon|evening)", lambda s, _: (In(PARTS[s["part"]]),)),
    (rf"(?P<part>{alternatives(PARTS)})", lambda s, _: (In(PARTS[s["part"]]),)),
    (r"night", always(In(Part.NIGHT, overnight=True))),
    (r"(?:on )?the (?P<day>\d{1,2})\.", lambda s, _: (OnDayOfMonth(int(s["day"])),)),
    (r"(?P<day>\d{1,2})\.", nth),
    (rf"(?:in )?{_MONTH}(?: \d{{4}})?", always(TooWide())),
    (rf"(?P<before>at )?(?P<hour>\d{{1,2}})(?P<dot>\.)?{_MINUTE}(?! {_NO_HOUR})", bare),
    (r"or", always(Either())),
)

ENGLISH: Final = Grammar(prepare, _PHRASES, FILLERS)
